"""Proves that a connection works, by the one safe request that its provider names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from httptask.cli.console import Console
from httptask.cli.exits import BY_STATUS
from httptask.cli.outcomes import print_failure, print_status
from httptask.cli.session import observed, redact
from httptask.hosted.checking import check_of
from httptask.version import SCHEMA_VERSION
from httptask.wiring import Where, connections, http_runner

if TYPE_CHECKING:
    from httptask.model import Connection, ConnectionCheck, Provider, TaskTemplate
    from httptask.outcome import Outcome
    from httptask.registry import Registry


def check_connection(provider: Provider, tasks: Registry, *, name: str | None, sandbox: bool, told: tuple[Console, int]) -> int:
    """Send the provider's check once and print what it means; `told` is the console and how much to say.

    Raises:
        UsageError: no such connection, one that cannot be used, or a provider without a check.

    """
    console, verbosity = told
    spec, template = check_of(provider, tasks, place="--provider")
    with connections(Where(sandbox, name, by_options=False)) as connect:
        connection = connect(template)
        redact(console, [connection])
        outcome = _sent(template, spec, connection, console=console, verbosity=verbosity, tasks=tasks)
    if console.json:
        console.data(_json(provider, connection, outcome))
    else:
        _print(connection, outcome, console)
    return BY_STATUS[outcome.status]


def _sent(  # noqa: PLR0913 - what one request needs
    template: TaskTemplate, spec: ConnectionCheck, connection: Connection, *, console: Console, verbosity: int, tasks: Registry
) -> Outcome:
    from httptask import masking
    from httptask.cli.narrator import Narrator
    from httptask.runner import Options

    narrator = Narrator(console, requests=True) if verbosity else None
    with (
        observed(console, narrator, verbosity=verbosity) as observer,
        http_runner([connection], tasks, observer) as runner,
    ):
        outcome = runner.run(template, spec.inputs, connection, Options(once=True))
    return masking.outcome(template, outcome, console.redactor)


def _reference(connection: Connection) -> str | None:
    return connection.secrets[0].reference if connection.secrets else None


def _status(outcome: Outcome) -> int | None:
    return outcome.response.status if outcome.response else None


def _origin(connection: Connection) -> str:
    parts = urlsplit(connection.base_url)
    return f"{parts.scheme}://{parts.netloc}"


def _json(provider: Provider, connection: Connection, outcome: Outcome) -> dict[str, Any]:
    return {
        "schemaVersion": SCHEMA_VERSION,
        "connection": connection.name,
        "source": connection.source,
        "provider": provider.id,
        "origin": _origin(connection),
        "scheme": connection.auth.scheme if connection.auth else None,
        "reference": _reference(connection),
        "task": outcome.task,
        "status": outcome.status,
        "responseStatus": _status(outcome),
        "failure": outcome.failure.to_json() if outcome.failure else None,
    }


def _print(connection: Connection, outcome: Outcome, console: Console) -> None:
    rows = {
        "origin": _origin(connection),
        "scheme": connection.auth.scheme if connection.auth else "none",
        "reference": _reference(connection) or "-",
        **({"tokens from": " ".join(connection.endpoints)} if connection.endpoints else {}),
        "from": connection.source,
        "request": outcome.task,
        "answer": str(_status(outcome) or "none"),
    }
    console.table(list(rows.items()))
    print_status(outcome, console)
    if outcome.failure is not None:
        print_failure(outcome.failure, console)
