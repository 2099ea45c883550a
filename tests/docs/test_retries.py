"""docs/retries.md: its tables are derived from the code, its commands and its test are run."""

import re
import shlex
from pathlib import Path

import pytest

from httptask.cli import main
from httptask.message import Headers
from httptask.model import RETRY_FIELDS, RetryPolicy
from httptask.retrying import Facts, Retry, decide

pytestmark = pytest.mark.broad

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "retries.md").read_text(encoding="utf-8")
WAIT = Headers((("Retry-After", "7"),))

SITUATIONS = {
    "nothing was sent: DNS, refused, connect timeout, handshake or proxy tunnel cut off": [
        {"phase": "notSent", "error": code}
        for code in ("dns", "refused", "unreachable", "connectTimeout", "tlsHandshake", "proxy")
    ],
    "certificate or host name refused, address refused, URL invalid": [
        {"phase": "notSent", "error": code} for code in ("tlsCertificate", "egressRefused", "invalidUrl")
    ],
    "sent, no answer: read timeout, reset, deadline, not HTTP": [
        {"phase": "sentWithoutAnswer", "error": code} for code in ("readTimeout", "connectionLost", "deadline", "protocolError")
    ],
    "a 2xx whose body was cut off": [{"status": 200, "readable": False, "truncated": True}],
    "a 2xx whose body cannot be used: too large, not the promised JSON": [{"status": 200, "readable": False}],
    "a 2xx on which the success condition does not hold": [{"status": 200}],
    "425, 429, and 503 with a wait": [
        {"status": 425},
        {"status": 429},
        {"status": 429, "headers": WAIT},
        {"status": 503, "headers": WAIT},
    ],
    "408, 500, 502, 504, a bare 503, and 5xx without a meaning of their own": [
        {"status": status} for status in (408, 500, 502, 503, 504, 507, 520, 524, 599)
    ],
    "401, when the credential can be renewed (once)": [{"status": 401, "refreshable": True}],
    "any other 3xx, 4xx, and 501, 505, 506, 508, 510, 511": [
        {"status": status} for status in (301, 304, 400, 401, 403, 404, 409, 410, 412, 422, 501, 505, 506, 508, 510, 511)
    ],
}
METHODS = {"GET": ("GET", True), "PUT, DELETE, idempotent": ("PUT", True), "POST, PATCH": ("POST", False)}


def decided(method, idempotent, facts):
    facts = Facts(method, idempotent, **({"phase": "answered"} | facts))
    return decide(RetryPolicy(), facts, (), elapsed=0.0, deadline=None, budget_left=10.0, jitter=0.5)


def cell(method, idempotent, variants):
    decisions = {
        "retried" if isinstance(d, Retry) else d.status for d in (decided(method, idempotent, facts) for facts in variants)
    }
    assert len(decisions) == 1, f"one row, one answer: {decisions}"
    word = decisions.pop()
    return f"**{word}**" if word == "unknown" else word


def decision_table():
    rows = ["| what happened | " + " | ".join(METHODS) + " |", "|---|---|---|---|"]
    for situation, variants in SITUATIONS.items():
        rows.append(f"| {situation} | " + " | ".join(cell(*method, variants) for method in METHODS.values()) + " |")
    return "\n".join(rows)


def bounds_table():
    rows = ["| field | default | unit |", "|---|---|---|"]
    for key, field in RETRY_FIELDS.items():
        value = getattr(RetryPolicy(), field)
        if isinstance(value, int | float):
            unit = {"maxAttempts": "requests", "backoffFactor": "factor"}.get(key, "seconds")
            rows.append(f"| `{key}` | {value:g} | {unit} |")
    return "\n".join(rows)


@pytest.mark.parametrize(("name", "table"), [("decisions", decision_table), ("bounds", bounds_table)])
def test_a_table_is_what_the_code_does(name, table):
    shown = re.search(rf"<!-- {name} -->\n(.*?)<!-- /{name} -->", PAGE, re.DOTALL)
    assert shown is not None
    assert shown[1].strip() == table(), "copy the right side into docs/retries.md"


@pytest.mark.parametrize(
    "line", [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]
)
def test_every_command_runs(line, capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert main(shlex.split(line)[1:]) == 0
    assert capsys.readouterr().out


def test_the_test_on_the_page_passes(pytester):
    pytester.makepyfile(re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)[1])
    pytester.runpytest().assert_outcomes(passed=1)
