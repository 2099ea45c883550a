import json
import math
import re

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from httptask import documents
from httptask.documents import parse
from httptask.errors import TemplateInvalid
from httptask.model import Place
from httptask.suggest import did_you_mean, nearest


@pytest.fixture(params=["CSafeLoader", "SafeLoader"])
def loader(request, monkeypatch):
    if not hasattr(yaml, request.param):
        pytest.skip("PyYAML was built without libyaml")
    monkeypatch.setattr(documents, "_LOADER", getattr(yaml, request.param))


def read(text, file="t.yaml"):
    return parse(text.encode("utf-8") if isinstance(text, str) else text, file=file).data


def problems(text, file="t.yaml"):
    with pytest.raises(TemplateInvalid) as caught:
        read(text, file)
    return [(problem.where.removeprefix(file + ":"), problem.message) for problem in caught.value.problems]


@pytest.mark.usefixtures("loader")
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("~", None),
        ("null", None),
        ("Null", None),
        ("NULL", None),
        ("", None),
        ("true", True),
        ("True", True),
        ("FALSE", False),
        ("12", 12),
        ("-7", -7),
        ("+7", 7),
        ("017", 17),
        ("0o17", 15),
        ("0x1F", 31),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1.", 1.0),
        ("1e3", 1000.0),
        ("-0.0", -0.0),
        ("!!str 12", "12"),
        ("! 12", "12"),
        ("!!int '12'", 12),
        ("!!float 1", 1.0),
        ("!!null ''", None),
    ],
)
def test_scalars_of_the_core_schema_are_typed(text, value):
    found = read(f"a: {text}\n")["a"]
    assert (found, type(found)) == (value, type(value))


@pytest.mark.usefixtures("loader")
@pytest.mark.parametrize(
    "text",
    [
        *("on", "off", "yes", "no", "Yes", "NO", "y", "n", "nULL", "tRUE", "=", "<<x"),
        *("12:30", "1:2:3", "1_000", "2026-01-01", "2026-01-01T00:00:00Z", "1.2.3", "3.22.0"),
        *("0b11", "0o8", "0x", "1e", "\u0661\u0662"),
    ],
)
def test_words_that_yaml_1_1_would_convert_stay_text(text):
    assert read(f"a: {text}\n") == {"a": text}


@pytest.mark.parametrize("text", ["'12'", '"true"', "'null'", '"1.5"', "'<<'"])
def test_quoted_scalars_are_text(text):
    assert read(f"a: {text}\n") == {"a": text[1:-1]}


@pytest.mark.usefixtures("loader")
def test_keys_are_text_as_written():
    text = "200: a\non: b\n1.50: c\n2XX: d\nnull: e\n~: f\n2026-01-01: g\n'<<': h\n"
    assert list(read(text)) == ["200", "on", "1.50", "2XX", "null", "~", "2026-01-01", "<<"]


@pytest.mark.usefixtures("loader")
def test_every_value_and_key_has_its_place():
    text = "id: okta.x\nparameters:\n  - name: poolId\n    schema: {type: string}\n  - two\nempty:\n"
    document = parse(text.encode(), file="a/b.yaml")
    assert document.place(()) == Place("a/b.yaml", 1, 1)
    assert document.place(("id",)) == Place("a/b.yaml", 1, 5)
    assert document.key_place(("id",)) == Place("a/b.yaml", 1, 1)
    assert document.place(("parameters", 0, "schema")) == Place("a/b.yaml", 4, 13)
    assert document.key_place(("parameters", 0, "schema", "type")) == Place("a/b.yaml", 4, 14)
    assert document.place(("parameters", 1)) == document.key_place(("parameters", 1)) == Place("a/b.yaml", 5, 5)
    assert document.key_place(("empty",)) == Place("a/b.yaml", 6, 1)


def test_an_unknown_path_has_the_place_of_its_nearest_ancestor():
    document = parse(b"a:\n  b: 1\n", file="t.yaml")
    assert document.place(("a", "missing", 3)) == document.place(("a",)) == Place("t.yaml", 2, 3)
    assert document.key_place(("a", "missing")) == Place("t.yaml", 2, 3)


def test_places_cannot_be_changed():
    with pytest.raises(TypeError):
        parse(b"a: 1", file="t.yaml").places[()] = Place("x")


@pytest.mark.usefixtures("loader")
def test_all_repeated_keys_are_reported_at_once():
    assert problems("a: 1\nb:\n  c: 1\n  c: 2\n'a': 3\n") == [
        ("4:3", "the key 'c' stands here twice"),
        ("5:1", "the key 'a' stands here twice"),
    ]


@pytest.mark.usefixtures("loader")
def test_a_merge_key_is_refused():
    assert problems("x: &x {a: 1}\ny:\n  <<: *x\n") == [("3:3", "merge keys (<<) are not part of YAML 1.2")]


@pytest.mark.usefixtures("loader")
def test_an_alias_repeats_the_value_of_its_anchor():
    document = parse(b"a: &x {b: [1, 2]}\nc: *x\nd: &y text\ne: [*y, *x]\n", file="t.yaml")
    assert document.data == {"a": {"b": [1, 2]}, "c": {"b": [1, 2]}, "d": "text", "e": ["text", {"b": [1, 2]}]}
    assert document.place(("c", "b", 0)) == Place("t.yaml", 2, 4)


def bomb(levels, width=10):
    first = f"l0: &l0 [{', '.join(['x'] * width)}]\n"
    return first + "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * width)}]\n" for n in range(1, levels))


@pytest.mark.usefixtures("loader")
def test_aliases_that_expand_without_end_are_refused():
    assert len(read(bomb(4))["l3"]) == 10
    assert problems(bomb(9)) == [("6:10", "aliases expand to more than 200000 values")]


@pytest.mark.usefixtures("loader")
def test_a_value_that_contains_itself_is_refused():
    assert problems("a: &x\n  b: [*x]\n") == [("2:7", "an alias to a value that contains it")]


@pytest.mark.usefixtures("loader")
def test_an_alias_without_an_anchor_is_refused():
    assert problems("a: *nobody\n") == [("1:4", "an alias without an anchor")]


@pytest.mark.usefixtures("loader")
def test_nesting_stops_at_a_hundred_levels():
    assert json.dumps(read("[" * 100 + "]" * 100)).count("[") == 100
    assert problems("[" * 101 + "]" * 101) == [("1:101", "nested deeper than 100 levels")]


@pytest.mark.usefixtures("loader")
def test_nesting_deep_enough_to_crash_a_recursive_reader_is_an_error():
    ((where, message),) = problems("[" * 200_000)
    assert message == "nested deeper than 100 levels"
    assert where in {"1:101", "1:1001"}  # libyaml may look ahead and meet a limit of its own first
    assert problems("[" * 200_000, "t.json")[0][1].startswith(("nested deeper", "not valid JSON"))
    assert problems("[" * 200_000 + "]" * 200_000, "t.json")[0][1] == "nested deeper than 100 levels"


@pytest.mark.usefixtures("loader")
def test_levels_that_aliases_add_count():
    chain = "l0: &l0 []\n" + "".join(f"l{n}: &l{n} [*l{n - 1}]\n" for n in range(1, 120))
    assert problems(chain) == [("100:12", "nested deeper than 100 levels")]


@pytest.mark.usefixtures("loader")
@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("a: !!python/object/apply:os.system [x]\n", "1:4"),
        ("a: !foo b\n", "1:4"),
        ("a: !!binary aGk=\n", "1:4"),
        ("a: !!timestamp 2026-01-01\n", "1:4"),
        ("a: !!set {b: null}\n", "1:4"),
        ("a: !!int x\n", "1:4"),
        ("!foo a: b\n", "1:1"),
        ("a: !!map []\n", "1:4"),
    ],
)
def test_tags_outside_the_core_schema_are_refused(text, where):
    assert problems(text) == [(where, "a tag that is not allowed here")]


@pytest.mark.usefixtures("loader")
def test_a_second_document_is_refused():
    assert problems("a: 1\n---\nb: 2\n") == [("2:1", "a second document starts here")]


@pytest.mark.usefixtures("loader")
@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n"])
def test_an_empty_file_is_an_error(text):
    assert problems(text) == [("1:1", "the file is empty")]
    assert problems("  ", "t.json") == [("1:1", "the file is empty")]


def test_bytes_that_are_not_utf_8_are_refused_where_they_stand():
    assert problems(b"a: 1\nb: \xc3\xa9\xff\n") == [("2:5", "the file is not UTF-8")]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_wide_encodings_are_refused(encoding):
    text = "\ufeffa: 1" if encoding.endswith("e") else "a: 1"
    assert problems(text.encode(encoding)) == [("1:1", "the file is UTF-16 or UTF-32")]


@pytest.mark.parametrize("file", ["t.yaml", "t.json"])
def test_a_byte_order_mark_of_utf_8_is_accepted(file):
    document = parse(b'\xef\xbb\xbf{"a": 1}', file=file)
    assert document.data == {"a": 1}
    assert document.place(("a",)) == Place(file, 1, 7)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("a: \x00b", "1:4"),
        ("a: 1\nb: \x1b[31m", "2:4"),
        ("a: b\x7f", "1:5"),
        ("a: \x85", "1:4"),
        ("a: b\u2028c", "1:5"),
        ("\na\ufeff", "2:2"),
    ],
)
def test_control_characters_are_refused_where_they_stand(text, where):
    [(place, message)] = problems(text)
    assert place == where
    assert re.fullmatch(r"the character U\+[0-9A-F]{4} may not stand in a YAML file", message)


def test_a_binary_file_gives_a_bounded_report():
    assert len(problems("\x00" * 5000)) == 20


@pytest.mark.usefixtures("loader")
@pytest.mark.parametrize("number", [".inf", "-.Inf", "+.INF", ".nan", ".NaN", "1e999"])
def test_numbers_that_json_cannot_hold_are_refused(number):
    assert problems(f"a: [1, {number}]\n") == [("1:8", "a number that JSON cannot hold")]


@pytest.mark.parametrize("file", ["t.yaml", "t.json"])
def test_a_number_of_thousands_of_digits_is_refused(file):
    assert problems('{"a": ' + "9" * 5000 + "}", file) == [("1:7", "a number with too many digits")]


@pytest.mark.usefixtures("loader")
@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("a: b: c\n", "1:5"),
        ("a:\n\t- b\n", "2:1"),
        ("a: 'open\n", "2:1"),
        ("a: [1, 2\n", "2:1"),
        ("a: @x\n", "1:4"),
        ("%YAML 3.0\n---\na: 1\n", "1:1"),
    ],
)
def test_a_syntax_error_says_where(text, where):
    [(place, message)] = problems(text)
    assert place == where
    assert message.startswith("not valid YAML: ")


@pytest.mark.usefixtures("loader")
def test_problems_before_a_syntax_error_are_reported_with_it():
    assert [where for where, _ in problems("a: 1\na: 2\nb: c: d\n")] == ["2:1", "3:5"]


@pytest.mark.usefixtures("loader")
def test_an_expression_without_quotes_gets_the_hint_to_quote_it():
    with pytest.raises(
        TemplateInvalid,
        match=re.escape("t.yaml:1:9: a mapping or list cannot be a key (put an expression in quotes: '{{ ... }}')"),
    ):
        read("value: {{ response.body.id }}\n")


@pytest.mark.usefixtures("loader")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x: &a b\n*a : c\n", "an alias cannot be a key"),
        ("&a k: v\n", "an anchor at a key"),
        ("? [a]\n: b\n", "a mapping or list cannot be a key"),
    ],
)
def test_a_key_that_is_not_plain_text_is_refused(text, message):
    assert [found for _, found in problems(text)] == [message]


def test_json_files_are_read_by_the_rules_of_json():
    text = '{"a": [1, 2.5, "\\ud83d\\ude00\\u2028", true, null],\n "b": {"c\\n": "x\u2028"}}'
    document = parse(text.encode(), file="t.json")
    assert document.data == {"a": [1, 2.5, "😀\u2028", True, None], "b": {"c\n": "x\u2028"}}
    assert document.place(("a", 1)) == Place("t.json", 1, 11)
    assert document.key_place(("b", "c\n")) == Place("t.json", 2, 8)


@pytest.mark.parametrize(
    ("text", "where", "message"),
    [
        ('{"a": 1,\n "a": 2}', "2:2", "the key 'a' stands here twice"),
        ('{"a": 1,\n "\\u0061": 2}', "2:2", "the key 'a' stands here twice"),
        ('{"a": 1,}', "1:9", None),
        ("{\"a\":\n 'b'}", "2:2", None),
        ('{"a": NaN}', "1:7", "a number that JSON cannot hold"),
        ('{"a": -Infinity}', "1:7", "a number that JSON cannot hold"),
        ('{"a": 1e999}', "1:7", "a number that JSON cannot hold"),
        ('["\\ud800"]', "1:2", "half of a surrogate pair"),
        ('["a\x01"]', "1:4", None),
    ],
)
def test_a_fault_in_a_json_file_says_where(text, where, message):
    [(place, found)] = problems(text, "t.json")
    assert place == where
    assert found == message if message else found.startswith("not valid JSON: ")


KEYS = st.text(max_size=50)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=15,
)
#: Characters that a YAML file may hold; JSON escapes the others only when asked for ASCII, and then in pairs of surrogates.
PRINTABLE = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\u2028\u2029\ufeff\ufffe\uffff"), max_size=50
)
YAML_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | PRINTABLE,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(PRINTABLE, inner, max_size=4),
    max_leaves=15,
)


def same(left, right):
    if isinstance(left, float) and isinstance(right, float):
        return left == right and math.copysign(1, left) == math.copysign(1, right)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return list(left) == list(right) and all(same(left[key], right[key]) for key in left)
    return type(left) is type(right) and left == right


@settings(max_examples=150, deadline=None)
@given(VALUES, st.sampled_from([None, 2]), st.booleans())
def test_data_written_as_json_is_read_back_from_a_json_file(value, indent, ascii_only):
    assert same(read(json.dumps(value, indent=indent, ensure_ascii=ascii_only), "t.json"), value)


@settings(max_examples=150, deadline=None)
@given(YAML_VALUES, st.sampled_from([None, 2]), st.sampled_from(["CSafeLoader", "SafeLoader"]))
def test_data_written_as_json_is_read_back_from_a_yaml_file(value, indent, name):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(documents, "_LOADER", getattr(yaml, name, yaml.SafeLoader))
        assert same(read(json.dumps(value, indent=indent, ensure_ascii=False)), value)


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=60) | st.text(alphabet="{}[]:,-&*!<>|'\"?#%@ \n\ta1~", max_size=40).map(str.encode),
    st.sampled_from(["t.yaml", "t.json"]),
)
def test_any_bytes_are_data_or_a_definition_error(raw, file):
    try:
        document = parse(raw, file=file)
    except TemplateInvalid as error:
        places = [problem.where for problem in error.problems]
    else:
        places = [str(document.place(()))]
        json.dumps(document.data, allow_nan=False)
    assert all(re.fullmatch(r"t\.\w+:[1-9]\d*:[1-9]\d*", place) for place in places)


@pytest.mark.parametrize(
    ("word", "known", "found"),
    [
        ("paramters", ["path", "parameters"], "parameters"),
        ("operationid", ["operationId", "id"], "operationId"),
        ("zzz", ["path"], None),
        ("x", [], None),
    ],
)
def test_the_nearest_known_word_is_found_whatever_its_case(word, known, found):
    assert nearest(word, known) == found
    assert did_you_mean(word, known) == (f"did you mean '{found}'?" if found else "")


#: What YAML 1.1 or 1.2 takes for something else, and what bends the layout of a block.
TRAPS = st.sampled_from(
    [
        *("", "~", "no", "On", "0o17", "0x1F", "1e5", "1_000", "12:30", "2026-01-01", ".inf", "<<", "=", "?", "&a", "- a"),
        *("a: b", "# a", "| ", "%a", "a\nb", "a\nb\n", "a\n\n", "\na", " a\nb", "a \nb", "a\n\nb", "a\r\nb", "\t", "\x85"),
        *("\u2028", "\ufeff", "é\n\u2029"),
    ]
)
EMITTED_TEXT = TRAPS | st.text(st.characters(exclude_categories=["Cs"])) | st.text(alphabet=" \n\t:#-'\"\\|>ab1é", max_size=30)
EMITTED = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | EMITTED_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(EMITTED_TEXT, inner, max_size=4),
    max_leaves=15,
)


@settings(max_examples=300, deadline=None)
@given(EMITTED, st.sampled_from(["CSafe", "Safe"]))
def test_emitted_data_is_read_back_the_same_by_every_build_of_the_library(value, name):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(documents, "_LOADER", getattr(yaml, f"{name}Loader", yaml.SafeLoader))
        patch.setattr(documents, "_DUMPER", getattr(yaml, f"{name}Dumper", yaml.SafeDumper))
        documents._dumper.cache_clear()
        assert same(read(documents.to_yaml([value])), [value])
    documents._dumper.cache_clear()


def test_emitted_data_is_read_by_people():
    text = documents.to_yaml({"zeta": ["no", 1.0, 1e16, None], "alpha": {"note": "two\nlines\n", "far": "x" * 300}})
    assert text == f"zeta:\n- 'no'\n- 1.0\n- 1.0e+16\n- null\nalpha:\n  note: |\n    two\n    lines\n  far: {'x' * 300}\n"


def test_equal_parts_are_written_out_each_time():
    part = {"a": [1]}
    assert "&" not in documents.to_yaml([part, part])
