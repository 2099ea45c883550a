import base64
import json
import math

import pytest

from httptask.cli.console import Console, json_text
from httptask.secrets import MASK, Redactor, Secret

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
