"""Prints what went over the wire: each request with its answer, heads as they were sent, bodies decoded, secrets masked."""

from __future__ import annotations

from typing import Any

from httptask.cli.console import Console
from httptask.cli.outcomes import print_answer, print_request, request_json
from httptask.exchanges import Shown
from httptask.trying import Tried


def print_exchanges(tried: Tried, console: Console) -> None:
    """Print the exchanges of a trial, oldest first."""
    if tried.left_out:
        console.out(console.style(f"... {tried.left_out} requests before these", "dim"))
    for exchange in tried.exchanges:
        _print(exchange, console)


def _print(exchange: Shown, console: Console) -> None:
    if exchange.purpose == "token":
        console.out(console.style("a request for an access token; its headers and bodies are not shown", "dim"))
    print_request(exchange.request, console)
    console.out()
    if exchange.answer is not None:
        print_answer(exchange.answer, console, exchange.reason)
    else:
        console.out(console.style(f"no answer: {exchange.error}", "red"))
    console.out()


def exchange_json(exchange: Shown, console: Console) -> dict[str, Any]:
    """Return `{purpose, request, response, error}`."""
    answer = exchange.answer
    response = None if answer is None else {**answer.to_json(), "reason": exchange.reason}
    request = request_json("", exchange.request, console.redactor)["request"]
    return {"purpose": exchange.purpose, "request": request, "response": response, "error": exchange.error or None}
