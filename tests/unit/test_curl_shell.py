# A command as a shell would split it. Nothing is evaluated, nothing that would have to be is overlooked.
import shlex
import time
from contextlib import suppress

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from curls import problems
from httptask.curl.shell import VARIABLE, checked_words, lone_variable, words_of
from httptask.errors import ImportFailed

pytestmark = pytest.mark.broad

quick = settings(max_examples=300, derandomize=True, deadline=None, database=None)
#: What may stand in a command: no control characters but tab and line end, no noncharacters that mark variables.
TEXT = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufdd0\ufdd1", include_characters="\t\n"), max_size=12
)


def words(text):
    return words_of(text, file="command")


def shown(text):
    """The words with variables as `$(NAME)`, which no word of a test holds otherwise."""
    return [VARIABLE.sub(r"$(\1)", word) for word in words(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("curl a b", ["curl", "a", "b"]),
        ("  curl\ta  ", ["curl", "a"]),
        ("\n\ncurl a\n\n", ["curl", "a"]),
        ("curl a \\\n  b \\\r\n c", ["curl", "a", "b", "c"]),
        ("curl a\\\nb", ["curl", "ab"]),
        ("$ curl a", ["curl", "a"]),
        ("# a comment\ncurl a # another\n# and another", ["curl", "a"]),
        ("curl a#b", ["curl", "a#b"]),
        ("curl a ;", ["curl", "a"]),
        ("curl a;\n", ["curl", "a"]),
        ("curl 'a b'\"c d\"e", ["curl", "a bc de"]),
        ("curl ''", ["curl", ""]),
        ('curl ""', ["curl", ""]),
        ("curl 'a\\b$x`y'", ["curl", "a\\b$x`y"]),
        (r'curl "a\"b\$c\`d\\e\n"', ["curl", 'a"b$c`d\\e\\n']),
        ('curl "a\\\nb"', ["curl", "ab"]),
        (r"curl a\ b\'c\"d\$e", ["curl", "a b'c\"d$e"]),
        ("curl $ $. a$", ["curl", "$", "$.", "a$"]),
        ("curl $TOKEN ${TOKEN} a$B-c", ["curl", "$(TOKEN)", "$(TOKEN)", "a$(B)-c"]),
        ('curl "Bearer $TOKEN" "${A}:${B}"', ["curl", "Bearer $(TOKEN)", "$(A):$(B)"]),
        ("curl '$TOKEN'", ["curl", "$TOKEN"]),
        (r"curl $'it\'s\n\t\\ \x41\101\u00e9\U0001F600'", ["curl", "it's\n\t\\ AA\u00e9\U0001f600"]),
        (r"curl $'\ud83d\ude00'", ["curl", "\U0001f600"]),
        (r"curl $'\xc3\xa9'", ["curl", "é"]),
        (r"curl $'\u0021'", ["curl", "!"]),
        (r"curl $'\e\a\b\f\v\E\?\"\cA'", ["curl", '\x1b\x07\x08\x0c\x0b\x1b?"\x01']),
        (r"curl $'\z'", ["curl", "\\z"]),
        ('curl $"a"', ["curl", "a"]),
        ("curl {} {a} a{b}c", ["curl", "{}", "{a}", "a{b}c"]),
        ('curl "{a,b}" {"a,b"}', ["curl", "{a,b}", "{a,b}"]),
        ("curl a?b=1*[c]", ["curl", "a?b=1*[c]"]),
        ("curl a\u00a0b é", ["curl", "a\u00a0b", "é"]),
        ("", []),
        ("curl a\\", ["curl", "a"]),
    ],
)
def test_words_are_those_of_a_shell(text, expected):
    assert shown(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("curl a | jq .", "command:1:8: a pipe follows the command"),
        ("curl a > b", "command:1:8: a redirection"),
        ("curl a 2>/dev/null", "command:1:9: a redirection"),
        ("curl -d @- < b", "command:1:12: a redirection"),
        ("curl https://a?b=1&c=2", "command:1:19: an & that is not quoted ends the command here (put the URL in quotes)"),
        ("curl a && curl b", "command:1:8: another command follows"),
        ("curl a || b", "command:1:8: another command follows"),
        ("curl a; curl b", "command:1:9: another command follows"),
        ("curl a\ncurl b", "command:2:1: another command follows"),
        ("curl a \\ \n -X POST", "command:2:2: another command follows"),
        ("; curl a", "command:1:1: another command follows"),
        ("(curl a)", "command:1:1: a parenthesis that is not quoted"),
        ("curl $(cat t)", "command:1:6: a command in $( ) would have to be run"),
        ('curl "a $(cat t)"', "command:1:9: a command in $( ) would have to be run"),
        ("curl `cat t`", "command:1:6: a command in backticks would have to be run"),
        ('curl "`cat t`"', "command:1:7: a command in backticks would have to be run"),
        ("curl $((1+1))", "command:1:6: a command in $( ) would have to be run"),
        ("curl ${A:-b}", "command:1:6: this would have to be evaluated by a shell"),
        ("curl $1", "command:1:6: this would have to be evaluated by a shell"),
        ("curl $? $$", "command:1:6: this would have to be evaluated by a shell"),
        ("curl 'a", "command:1:6: a single quote is not closed"),
        ("curl $'a", "command:1:6: a single quote is not closed"),
        ('curl "a', "command:1:6: a double quote is not closed"),
        ("curl {a,b}", "command:1:6: a shell would make several words of these braces"),
        ("curl a{1..3}", "command:1:6: a shell would make several words of these braces"),
        ('curl -d {"a":1,"b":2}', "command:1:9: a shell would make several words of these braces"),
        ('curl ^"https://a^" ^\n -H ^"b^"', "command:1:6: this is written for the command prompt of Windows"),
        ("curl a ^\n  -k", "command:1:8: this is written for the command prompt of Windows"),
        ("curl a `\n  -k", "command:1:8: this is written for PowerShell"),
        ("curl \x1b[31m", "command:1:6: the character U+001B may not stand in a command"),
        ("curl a\x00b", "command:1:7: the character U+0000 may not stand in a command"),
        ("curl \ufdd0A\ufdd1", "command:1:6: the character U+FDD0 may not stand in a command"),
        (r"curl $'\x00'", "command:1:6: an escape in $'...' stands for a character that may not stand in a command"),
        (r"curl $'\ufdd0A\ufdd1'", "command:1:6: an escape in $'...' stands for a character that may not stand in a command"),
        (r"curl $'\ud800'", "command:1:6: an escape in $'...' stands for no character"),
        (r"curl $'\xff'", "command:1:6: an escape in $'...' stands for no character"),
        (r"curl $'\UFFFFFFFF'", "command:1:6: an escape in $'...' stands for no character"),
    ],
)
def test_what_a_shell_would_evaluate_is_an_error_with_its_place_and_a_way_out(text, message):
    (problem,) = problems(words, text)
    assert problem.startswith(message)
    assert problem.endswith(")")


def test_no_message_repeats_what_stands_there():
    for text in (
        "curl -H s3cr3t | a",
        "curl 's3cr3t",
        "curl $(s3cr3t)",
        "curl {s3cr3t,b}",
        "s3cr3t=1; curl a",
        r"curl $'\xffs3cr3t'",
    ):
        assert "s3cr3t" not in str(problems(words, text))


@quick
@given(st.lists(TEXT, max_size=5))
@example(["{a,b}", "$x", "`y`", "a\nb", "'", '"', "\\", "#", "é😀", "^"])
def test_quoted_words_come_back_as_they_were(given_words):
    assert list(words(shlex.join(["curl", *given_words]))) == ["curl", *given_words]


@quick
@given(st.lists(TEXT, max_size=4))
def test_words_quoted_as_browsers_do_come_back_as_they_were(given_words):
    def quoted(text):
        escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
        units = [text.encode("utf-16-be")[n : n + 2].hex() for n in range(0, 2 * len(text.encode("utf-16-be")) // 2, 2)]
        return f"$'{escaped}'", "$'" + "".join(f"\\u{unit}" for unit in units) + "'"

    for way in (0, 1):
        assert list(words(" ".join(["curl", *(quoted(word)[way] for word in given_words)]))) == ["curl", *given_words]


@quick
@given(st.text(st.sampled_from("ab \\'\" \t"), max_size=16))
def test_what_shlex_reads_is_read_alike(text):
    with suppress(ValueError):  # a quote that is not closed
        assert shlex.split(text) == list(words(text))


@quick
@given(st.text(st.sampled_from("ab'\"\\$`{}(),;|&<>#\n\t ^~!*?[]=%-_0/:.@\r"), max_size=24))
def test_any_text_is_words_or_a_problem_with_a_place(text):
    found: tuple = ()
    try:
        words(text)
    except ImportFailed as error:
        found = error.problems
    assert all(problem.where.startswith("command:") and problem.hint for problem in found)


@pytest.mark.parametrize(
    ("text", "name"),
    [("$A", "A"), ("${A_1}", "A_1"), ("a$A", None), ("$A b", None), ("$1", None), ("${A", None), ("", None), ("$A\n", None)],
)
def test_a_variable_in_single_quotes_is_meant_as_one_where_a_credential_stands(text, name):
    assert lone_variable(text) == name
    assert lone_variable(words("curl $A")[1]) == "A"


def test_words_that_a_shell_has_split_are_checked_too():
    assert checked_words(("curl", "$A")) == ("curl", "$A")
    assert problems(checked_words, ("curl", "a\udcff", "\ufdd0", "ok"))[1].startswith("word 3: ")


@pytest.mark.slow  # a time of the processor: measuring lines takes several times as long
@pytest.mark.parametrize(
    "text",
    ["'" + "a" * 10**6 + "'", '"' + '\\"' * 500_000 + '"', "$'" + "\\n" * 500_000 + "'", "{" + "a," * 500_000, "a " * 500_000],
)
def test_a_megabyte_is_read_at_once(text):
    begin = time.process_time()
    with suppress(ImportFailed):
        words(f"curl -d {text}")
    assert time.process_time() - begin < 10
