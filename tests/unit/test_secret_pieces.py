"""A long piece of a secret, from one of its ends, is masked as the whole is; ordinary words and short pieces are left."""

import base64
import html
import json
import time
from urllib.parse import quote

import pytest

from httptask.secrets import MASK, Redactor, Secret

TOKEN = "00Qx7bKfRz2mWv9TnYp4LsHd6JgEcAu3XiOe8MtNC8"
ODD = "pä$$ w0rd/+%&<\"\\'>=x~9"


def masked(text, *secrets):
    return Redactor(map(Secret, secrets)).text(text)


@pytest.mark.parametrize("length", range(21, 42))
def test_a_piece_of_at_least_half_is_masked_whichever_end_it_is_from(length):
    assert masked(f"echo {TOKEN[:length]} end", TOKEN) == "echo *** end"
    assert masked(f"echo {TOKEN[-length:]} end", TOKEN) == "echo *** end"


@pytest.mark.parametrize("piece", [TOKEN[:20], TOKEN[-20:], TOKEN[5:37], TOKEN[::-1], "00Qx", TOKEN[:10] + " " + TOKEN[-10:]])
def test_a_short_piece_the_middle_and_the_reverse_are_left(piece):
    assert masked(f"echo {piece} end", TOKEN) == f"echo {piece} end"


@pytest.mark.parametrize("before", ["x", "-", "0", TOKEN[:5], "ä"])
@pytest.mark.parametrize("after", ["x", "-", TOKEN[3:9], "%2", "ä"])
def test_what_stands_around_a_piece_is_left(before, after):
    assert masked(before + TOKEN[:30] + after, TOKEN) == before + MASK + after
    assert masked(before + TOKEN[-30:] + after, TOKEN) == before + MASK + after


def test_pieces_follow_one_another():
    assert masked(TOKEN[:30] + TOKEN[-30:] + "," + TOKEN[:25] + TOKEN, TOKEN) == "******,******"


ENCODERS = {
    "percent": lambda text: quote(text, safe=""),
    "json": lambda text: json.dumps(text)[1:-1],
    "json in utf-8": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "html": html.escape,
    "hexadecimal": lambda text: text.encode().hex(),
    "base64": lambda text: base64.b64encode(text.encode()).decode().rstrip("="),
    "base64url": lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
}


@pytest.mark.parametrize("encode", ENCODERS.values(), ids=ENCODERS)
@pytest.mark.parametrize("secret", [TOKEN, ODD])
def test_an_encoded_piece_is_masked(encode, secret):
    for length in range(len(secret) // 2 + 2, len(secret)):
        for piece in (secret[:length], secret[-length:]):
            shown = masked(f"<{encode(piece)}>", secret)
            assert MASK in shown, (length, shown)
            # base64 shares bits at its ends with what stands beside it
            assert len(shown) <= len(f"<{MASK}>") + 2, (length, shown)


def test_half_a_credential_is_masked_with_and_without_the_word_before_it():
    header = Redactor([Secret(TOKEN).derive(lambda token: f"SSWS {token}")])
    assert header.text(f"SSWS {TOKEN[:21]}, {TOKEN[:21]}, {TOKEN[-21:]}") == "***, ***, ***"
    assert header.text("SSWS is a scheme") == "SSWS is a scheme"


@pytest.mark.parametrize("word", ["administrator", "ADMINISTRATION", "Administrators", "administ"])
def test_a_word_that_a_password_begins_with_is_left(word):
    assert masked(f"the {word} said", "administrator-9") == f"the {word} said"
    assert masked("the administrator- said", "administrator-9") == "the *** said"


@pytest.mark.parametrize("secret", ["hunter22", "a1b2c3"])
def test_of_a_short_secret_nothing_but_the_whole_is_masked(secret):
    assert masked(f"{secret[:-1]} {secret[1:]} {secret}", secret) == f"{secret[:-1]} {secret[1:]} ***"


def test_the_longest_secret_with_this_beginning_decides():
    longer = TOKEN[:30] + "another-end-of-it"
    assert masked(f"{longer[:40]}.", TOKEN, longer) == "***."
    assert masked(f"{TOKEN[:40]}.", TOKEN, longer) == "***."


def test_masking_a_large_body_takes_little_time():
    body = json.dumps([{"id": f"0oa{number:017x}", "name": f"Agent pool {number}"} for number in range(20_000)])
    redactor = Redactor([Secret(TOKEN).derive(lambda token: f"SSWS {token}")])
    assert len(body) > 1_000_000
    assert redactor.text(f"{body}{TOKEN}") == f"{body}***"
    began = time.process_time()
    redactor.text(body)
    # about 15 ms; the bound bears a slow machine
    assert time.process_time() - began < 0.1
