import base64
import json
import math
import string
import time

import pytest
from hypothesis import given
from hypothesis.strategies import lists, sampled_from, text

from httptask.cli.console import Console, json_text
from httptask.secrets import MASK, Redactor, Secret

pytestmark = pytest.mark.broad

DIGITS = "12345678901234567890"
TOKEN = "c4n4ry-T0ken~ü"


@pytest.mark.parametrize("number", [int(DIGITS), int("99" + DIGITS + "00"), -int(DIGITS)])
def test_a_number_that_spells_a_secret_is_masked(number):
    assert Redactor([Secret(DIGITS)]).json({"echo": [number, 5, True, 1.5]}) == {"echo": [MASK, 5, True, 1.5]}


def test_a_fraction_that_spells_a_secret_is_masked():
    assert Redactor([Secret("1234.5678")]).json([1234.5678, 12345678]) == [MASK, 12345678]
    assert Redactor([Secret("12345678")]).json([12345678.0]) == [MASK]


def test_numbers_are_left_alone_when_no_secret_can_be_one():
    assert Redactor([Secret("token-123456")]).json([123456, math.pi]) == [123456, math.pi]


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("secret", [TOKEN, "abcdef", "a/b+c?d>e~f", "0123456789012345678901234567890123456789xy"])
@pytest.mark.parametrize("before", range(7))
@pytest.mark.parametrize("after", range(4))
def test_a_secret_inside_a_binary_body_is_masked_in_its_base64(encode, secret, before, after):
    body = b"\xff" * before + secret.encode() + b"\x00" * after
    shown = Redactor([Secret(secret)]).text(encode(body).decode())
    assert MASK in shown
    assert all(
        not secret[start : start + 3] or secret[start : start + 3] not in leaked(shown) for start in range(len(secret) - 2)
    )


def leaked(shown):
    """Return what the parts left can be decoded to, at whatever place they began."""
    found = ""
    for part in shown.replace("-", "+").replace("_", "/").split(MASK):
        for shift in range(4):
            text = "A" * shift + part.rstrip("=")
            found += base64.b64decode(text + "A" * (-len(text) % 4)).decode("latin-1") + "|"
    return found


@pytest.mark.parametrize("change", [str, str.upper])
def test_a_secret_in_hexadecimal_is_masked(change):
    assert Redactor([Secret(TOKEN)]).text("x" + change(TOKEN.encode().hex()) + "x") == f"x{MASK}x"


def test_output_never_holds_a_number_that_json_cannot(capsys):
    Console(json=True).data({"a": [math.inf, -math.inf, math.nan, 10**5000, 1.5], "b": "NaN"})
    assert json.loads(capsys.readouterr().out) == {"a": [None, None, None, None, 1.5], "b": "NaN"}


def test_text_of_ordinary_values_is_plain_json():
    assert json_text({"a": ["é"]}) == '{\n  "a": [\n    "é"\n  ]\n}'
    assert json_text("é", ascii_only=True) == '"\\u00e9"'


SPELLINGS = {
    "percent": lambda character: f"%{ord(character):02X}",
    "percent, lower case": lambda character: f"%{ord(character):02x}",
    "percent, twice": lambda character: f"%25{ord(character):02X}",
    "decimal": lambda character: f"&#{ord(character)};",
    "decimal, padded": lambda character: f"&#{ord(character):05d};",
    "hexadecimal": lambda character: f"&#x{ord(character):X};",
    "json": lambda character: f"\\u{ord(character):04x}",
    "json in json": lambda character: f"\\\\u{ord(character):04X}",
    "javascript": lambda character: f"\\x{ord(character):02x}",
    "as it is": lambda character: character,
}


@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS)
@pytest.mark.parametrize("which", ["all", "letters", "others", "first", "last"])
def test_a_secret_of_which_any_characters_are_escaped_is_masked(spell, which):
    token = "00tok+en/AbCdEf98=="
    chosen = {
        "all": lambda index: True,
        "letters": lambda index: token[index].isalpha(),
        "others": lambda index: not token[index].isalnum(),
        "first": lambda index: index == 0,
        "last": lambda index: index == len(token) - 1,
    }[which]
    written = "".join(spell(character) if chosen(index) else character for index, character in enumerate(token))
    assert Redactor([Secret(token)]).text(f"%41&amp;said {written} and %41&amp;") == f"%41&amp;said {MASK} and %41&amp;"


def test_references_without_their_end_are_undone():
    assert Redactor([Secret("+-to/zn+=")]).text("&#43&#45to&#x2Fzn&#43&#x3d") == MASK


def test_named_references_are_undone():
    written = "00tok&plus;en&sol;AbCdEf98&equals;&equals;"
    assert Redactor([Secret("00tok+en/AbCdEf98==")]).text(f"<p>{written}</p>") == f"<p>{MASK}</p>"


@given(
    text(string.ascii_letters + string.digits + "+/=._~-", min_size=8, max_size=40),
    lists(sampled_from(list(SPELLINGS.values())), min_size=40, max_size=40),
)
def test_however_each_character_is_spelled_a_secret_is_masked(token, spellings):
    written = "".join(spell(character) for spell, character in zip(spellings, token, strict=False))
    shown = Redactor([Secret(token)]).text(f"é%41[{written}]&lt;%42")
    assert shown == f"é%41[{MASK}]&lt;%42"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\\n", "\\r\\n"], ids=repr)
@pytest.mark.parametrize("before", range(40, 60))
def test_a_secret_in_base64_that_is_wrapped_over_lines_is_masked(end, before):
    token = "00tokenAbCdEf98ghIjKl"
    wrapped = base64.encodebytes(b"x" * before + token.encode() + b"y" * 60).decode().replace("\n", end)
    shown = Redactor([Secret(token)]).text(wrapped)
    assert MASK in shown
    left = shown.replace(end, "").split(MASK)
    assert all(token[start : start + 4] not in leaked(MASK.join(left)) for start in range(len(token) - 3))


@pytest.mark.parametrize(
    "value", ["%", "&#;", "&#x110000;", "&#9999999;", "&nosuch;", "\\u12", "\\", "&", "a\nb", "%E2%82%AC", "&#x80;", "\\ud800"]
)
def test_what_only_looks_like_an_escape_is_left_alone(value):
    assert Redactor([Secret("c4n4ry-token")]).text(f"{value}c4n4ry{value}") == f"{value}c4n4ry{value}"


@pytest.mark.parametrize(
    "unit", ["%", "%25", "%41", "&", "&#0", "&#x", "\\", "\\u00", "\\n", "aaaa\n", "&aaaaaaaaaaaaaaaaaaaaaaaaa"]
)
def test_a_megabyte_of_escapes_takes_no_long_time(unit):
    body = unit * (1_000_000 // len(unit))
    began = time.process_time()
    Redactor([Secret("00tok+en/AbCdEf98=="), Secret("x" * 300 + "y" * 300), Secret("c4n4ry/To+ken")]).text(body)
    assert time.process_time() - began < 2
