import pytest

from httptask.errors import ExpressionError
from httptask.expressions import HeaderView, compile_text, evaluate_condition, evaluate_text, evaluate_tree, texts

HEADERS = HeaderView((("Link", "<a>"), ("X-One", "1"), ("link", "<b>")))
BODY = {"items": ["a", "b"], "keys": 1, "get": 2, "id": 5, "If-Match": "e", "deep": {"list": [{"id": "x"}]}}
CANARY = "c4n4ry-9f27d1"
CONTEXT = {
    "inputs": {
        "text": "{{ 7 * 7 }}",
        "canary": CANARY,
        "number": 5,
        "flag": True,
        "nothing": None,
        "list": [1, 2],
        "nan": float("nan"),
    },
    "response": {"status": 200, "headers": HEADERS, "body": BODY},
}


def value(text):
    return compile_text(text).evaluate(CONTEXT)


def problem(text, context=CONTEXT):
    with pytest.raises(ExpressionError) as caught:
        compile_text(text).evaluate(context)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ response.body }}", BODY),
        ("{{ response.status }}", 200),
        ("{{ inputs.flag }}", True),
        ("{{ inputs.nothing }}", None),
        ("{{ inputs.list }}", [1, 2]),
        ("{{ 1 / 2 }}", 0.5),
        ("{{ [] }}", []),
        ("{{ {} }}", {}),
        ("{{ '' }}", ""),
        ("{{ '5' }}", "5"),
        ("{{ 'True' }}", "True"),
        ("{{ '[1, 2]' }}", "[1, 2]"),
        ("{{ (1, 2) }}", [1, 2]),
        ("{{ range(3) }}", [0, 1, 2]),
        ("{{ inputs.list | map('string') }}", ["1", "2"]),
        ("  {{ inputs.number }}\n", 5),
        ("{{ {'a': {'b': 1}} }}", {"a": {"b": 1}}),
    ],
)
def test_a_string_that_is_wholly_one_expression_yields_the_object(text, expected):
    got = value(text)
    assert got == expected
    assert type(got) is type(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("v{{ inputs.number }}", "v5"),
        ("{{ inputs.number }}{{ inputs.number }}", "55"),
        ("is {{ inputs.flag }}", "is true"),
        ("is {{ not inputs.flag }}", "is false"),
        ("{{ 1.5 }}s", "1.5s"),
        ("{{ 2.0 }}s", "2.0s"),
        ("{{ 'a' }} ", "a"),
        ("{{ '}}' }}!", "}}!"),
        ("line\n{{ 1 }}\n", "line\n1\n"),
        ("{# no comment #}{{ 1 }}", "{# no comment #}1"),
        ("# {{ 1 }}", "# 1"),
        ("é {{ 'ü' }}", "é ü"),
    ],
)
def test_anything_beside_an_expression_makes_text(text, expected):
    assert value(text) == expected


@pytest.mark.parametrize("text", ["", "plain", "}}", "{ x }", "100%", "%}", "{# x #}", "a\r\nb", "{"])
def test_text_without_an_expression_is_itself(text):
    compiled = compile_text(text)
    assert compiled.is_literal
    assert compiled.evaluate({}) == text


@pytest.mark.parametrize("name", ["nothing", "list"])
def test_null_and_lists_cannot_be_put_into_text(name):
    assert problem("x{{ inputs." + name + " }}").endswith("cannot be put into text (pipe it through tojson)")


def test_nan_cannot_be_put_into_text():
    assert "NaN" in problem("x{{ inputs.nan }}")


def test_inputs_are_data_and_never_compiled():
    assert value("{{ inputs.text }}") == "{{ 7 * 7 }}"
    assert value("<{{ inputs.text }}>") == "<{{ 7 * 7 }}>"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("response.body.items", ["a", "b"]),
        ("response.body.keys", 1),
        ("response.body.get", 2),
        ("response.body['If-Match']", "e"),
        ("response.body.deep.list[0].id", "x"),
        ("response.body['deep']['list'][-1]['id']", "x"),
        ("response.body.items[1:]", ["b"]),
        ("'abc'[0]", "a"),
        ("[{'items': 1}] | map(attribute='items') | list", [1]),
        ("{'items': 1} | items | list", [["items", 1]]),
    ],
)
def test_a_dot_is_the_key_and_never_a_method(expression, expected):
    assert value("{{ " + expression + " }}") == expected


@pytest.mark.parametrize("name", ["values", "update", "copy", "pop", "__class__", "__len__"])
def test_a_method_of_dict_is_not_a_key(name):
    assert problem("{{ response.body." + name + " }}") == f"{{{{ response.body.{name} }}}}: '{name}' is not defined"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("{{ missing }}", "missing"),
        ("{{ inputs.missing }}", "missing"),
        ("{{ inputs.missing.more }}", "missing"),
        ("{{ inputs['If-Match'] }}", "If-Match"),
        ("{{ inputs.text.upper }}", "upper"),
        ("{{ inputs.missing() }}", "missing"),
        ("{{ missing | upper }}", "missing"),
        ("{{ missing ~ 'x' }}", "missing"),
        ("{{ [missing] | join }}", "missing"),
        ("{{ [missing] }}", "missing"),
        ("{{ missing == 1 }}", "missing"),
        ("{{ not missing }}", "missing"),
        ("{{ 'x' if missing else 'y' }}", "missing"),
        ("{{ inputs.list[missing] }}", "missing"),
        ("x{{ missing }}", "missing"),
        ("{{ response.headers.Missing }}", "Missing"),
        ("{{ inputs.list | map(attribute='id') | list }}", "id"),
    ],
)
def test_an_undefined_name_is_an_error_that_names_it(text, name):
    assert f"'{name}' is not defined" in problem(text)


@pytest.mark.parametrize("text", ["{{ [] | first }}", "{{ [] | last }}", "{{ [] | max }}", "{{ [] | min }}", "{{ 1 if false }}"])
def test_taking_from_nothing_says_so(text):
    assert "there is nothing to take" in problem(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ inputs.missing | default('x') }}", "x"),
        ("{{ inputs.missing is defined }}", False),
        ("{{ inputs.missing is undefined }}", True),
        ("{{ inputs.nothing is none }}", True),
    ],
)
def test_default_and_defined_may_look_at_what_is_missing(text, expected):
    assert value(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "{{ inputs.canary() }}",
        "{{ inputs.canary + 5 }}",
        "{{ inputs.canary > 5 }}",
        "{{ -inputs.canary }}",
        "{{ inputs.canary | int }}",
        "{{ inputs.canary | float }}",
        "{{ inputs.canary | abs }}",
        "{{ inputs.canary | round }}",
        "{{ inputs.canary | sum }}",
        "{{ inputs.canary | items }}",
        "{{ inputs.canary | dictsort }}",
        "{{ inputs.canary is divisibleby 2 }}",
        "{{ inputs.canary is odd }}",
        "{{ '%s' % inputs.canary }}",
        "{{ inputs[inputs.canary] }}",
        "{{ {}[inputs.canary] }}",
        "{{ [{}] | map(attribute=inputs.canary) | list }}",
        "{{ [1] | map(inputs.canary) | list }}",
        "{{ [1] | select(inputs.canary) | list }}",
        "{{ [inputs.canary, 1] | sort }}",
        "{{ [1, inputs.canary] | sum }}",
        "{{ {[inputs.canary]: 1} }}",
        "{{ range(inputs.canary) }}",
        "{{ 1 | round(1, inputs.canary) }}",
        "{{ inputs.canary * 1.5 }}",
        "{{ inputs.canary in 5 }}",
        "{{ response.headers.all(inputs.canary)[0] }}",
        "{{ inputs.canary.missing }}",
        "{{ inputs.canary | replace(1, 2) }}",
        "{{ inputs.canary | tojson | int }}",
    ],
)
def test_no_message_holds_a_value(text):
    assert CANARY not in problem(text)


@pytest.mark.parametrize(
    "text", ["{{ range(**inputs) }}", "{{ range(*inputs.list) }}", "{{ 1 | default(**inputs) }}", "{{ 1 is eq(*inputs.list) }}"]
)
def test_arguments_are_not_unpacked_since_messages_would_quote_them(text):
    assert "not unpacked" in problem(text)


@pytest.mark.parametrize(
    "text",
    ["{% if x %}", "{%- for a in b %}", "a {% raw %}{{ x }}{% endraw %}", "{% include 'x' %}", "{% set x = 1 %}{{ x }}", "{%"],
)
def test_blocks_are_refused(text):
    assert "{% %} blocks are not supported" in problem(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{{ x", "not closed"),
        ("a {{ x }} {{ y", "not closed"),
        ("{{ 'x", "unexpected char"),
        ("{{ }}", "Expected an expression"),
        ("{{ a b }}", "expected token"),
        ("{{ x | nosuch }}", "No filter named 'nosuch'"),
        ("{{ x is nosuch }}", "No test named 'nosuch'"),
        ("{{ (1 }}", "unexpected '}'"),
        ("{{ '\\x' }}", "escape"),
        ("{{ " + "[" * 300 + "]" * 300 + " }}", "nested too deep"),
        ("{{ " + "1" * 5000 + " }}", "huge number"),
    ],
)
def test_what_is_no_expression_is_refused_when_compiled(text, reason):
    with pytest.raises(ExpressionError, match="expression") as caught:
        compile_text(text)
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ response.headers.link }}", "<a>"),
        ("{{ response.headers['LINK'] }}", "<a>"),
        ("{{ response.headers['x-one'] }}", "1"),
        ("{{ response.headers.all('Link') }}", ["<a>", "<b>"]),
        ("{{ response.headers.all('missing') }}", []),
        ("{{ 'LINK' in response.headers }}", True),
        ("{{ response.headers | length }}", 2),
        ("{{ response.headers }}", {"link": "<a>", "x-one": "1"}),
    ],
)
def test_response_headers_are_looked_up_without_case(text, expected):
    assert value(text) == expected


def test_header_view_is_a_mapping():
    assert HEADERS.get("missing") is None
    assert 5 not in HEADERS
    with pytest.raises(KeyError):
        HEADERS["missing"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ response.body.deep | tojson }}", '{"list":[{"id":"x"}]}'),
        ("v={{ inputs.list | tojson }}", "v=[1,2]"),
        ("{{ 'é' | tojson }}", '"é"'),
        ("{{ inputs.nothing | tojson }}", "null"),
        ("{{ 'a' ~ 1 ~ true ~ 1.5 }}", "a1true1.5"),
        ("{{ ('a' ~ true) | trim }}", "atrue"),
        ("{{ [true, 1, 'a'] | join('-') }}", "true-1-a"),
        ("{{ true | string }}", "true"),
        ("{{ '5' | int }}", 5),
        ("{{ '2.5' | float }}", 2.5),
        ("{{ ' a ' | trim | upper }}", "A"),
        ("{{ 'a-b' | replace('-', '') }}", "ab"),
        ("{{ [[1], [2, 3]] | sum(start=[]) }}", [1, 2, 3]),
        ("{{ [{'n': 1}, {'n': 2}] | sum(attribute='n') }}", 3),
        ("{{ 2.567 | round(2) }}", 2.57),
        ("{{ 4 is even and 9 is divisibleby 3 }}", True),
        ("{{ [{'s': 'x'}, {'s': 'y'}] | selectattr('s', 'equalto', 'y') | list }}", [{"s": "y"}]),
    ],
)
def test_filters_write_values_as_json_does(text, expected):
    assert value(text) == expected


@pytest.mark.parametrize("word", ["upper", "lower", "title", "capitalize", "trim"])
@pytest.mark.parametrize("name", ["number", "flag", "nothing", "list"])
def test_text_filters_take_text_only(word, name):
    assert "is not text" in problem("{{ inputs." + name + " | " + word + " }}")


@pytest.mark.parametrize("other", ["inputs.nothing", "inputs.list", "response.body", "response.headers", "response.headers.all"])
def test_joining_refuses_what_has_no_text_form(other):
    assert "cannot be put into text" in problem("{{ 'a' ~ " + other + " }}")


@pytest.mark.parametrize("text", ["{{ inputs.flag }}", "{{ inputs.list | length > 1 }}", " {{ 'a' == 'a' }} "])
def test_a_condition_is_a_boolean(text):
    assert evaluate_condition(text, CONTEXT) is True


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("{{ inputs.canary }}", "text"),
        ("{{ inputs.list }}", "a list"),
        ("{{ inputs.number }}", "an integer"),
        ("{{ 0.5 }}", "a number"),
        ("{{ inputs.nothing }}", "null"),
        ("{{ {} }}", "an object"),
        ("{{ true }} {{ true }}", "text"),
        ("true", "text"),
        ("response.status == 200", "text"),
    ],
)
def test_a_condition_never_guesses_truth(text, kind):
    with pytest.raises(ExpressionError, match=f"a condition must be true or false, this is {kind}") as caught:
        evaluate_condition(text, CONTEXT)
    assert CANARY not in str(caught.value)


def test_a_tree_is_evaluated_at_its_leaves_and_copied():
    tree = {"a": ["{{ inputs.number }}", 1, None], "{{ key }}": {"b": "v{{ inputs.number }}"}}
    got = evaluate_tree(tree, CONTEXT)
    assert got == {"a": [5, 1, None], "{{ key }}": {"b": "v5"}}
    assert tree["a"][0] == "{{ inputs.number }}"


def test_texts_are_the_string_leaves_of_a_tree():
    assert list(texts({"a": ["x", 1, {"b": "y"}], "c": None, "d": "z"})) == ["x", "y", "z"]


@pytest.mark.parametrize(("text", "expected"), [("{{ inputs.number }}", "5"), (" {{ inputs.flag }} ", "true"), ("a", "a")])
def test_where_only_text_will_do_a_lone_expression_becomes_text(text, expected):
    assert evaluate_text(text, CONTEXT) == expected


def test_where_only_text_will_do_a_list_is_refused():
    with pytest.raises(ExpressionError, match="a list cannot be put into text"):
        evaluate_text("{{ inputs.list }}", CONTEXT)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", ()),
        ("{{ inputs.a }}", (("inputs", "a"),)),
        ("{{ steps.x.outputs['y'] }}", (("steps", "x", "outputs", "y"),)),
        ("{{ response.body[0].id }}", (("response", "body", "0", "id"),)),
        ("{{ a.b + c }}-{{ d }}", (("a", "b"), ("c",), ("d",))),
        ("{{ a.b[c.d].e }}", (("a", "b"), ("c", "d"))),
        ("{{ a | default(b.c) }}", (("a",), ("b", "c"))),
        ("{{ x if y else z }}", (("y",), ("x",), ("z",))),
        ("{{ [a, {'k': b}] }}", (("a",), ("b",))),
        ("{{ headers.all(name) }}", (("headers", "all"), ("name",))),
    ],
)
def test_references_are_the_literal_paths_read(text, expected):
    assert sorted(compile_text(text).references) == sorted(expected)


def test_compiling_twice_gives_the_same_object():
    assert compile_text("{{ inputs.once }}") is compile_text("{{ inputs.once }}")


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("{{ steps.a.outputs['the id'][0] }}", ("steps", "a", "outputs", "the id", "0")),
        (" {{ inputs }}\n", ("inputs",)),
        ("{{ inputs.a | length }}", None),
        ("{{ inputs[inputs.a] }}", None),
        ("{{ 'inputs' }}", None),
        ("id {{ inputs.a }}", None),
        ("{{ inputs.a }}{{ inputs.b }}", None),
        ("inputs", None),
    ],
)
def test_a_string_that_is_wholly_one_lookup_has_a_path(text, path):
    assert compile_text(text).path == path
