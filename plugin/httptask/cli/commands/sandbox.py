"""`httptask sandbox`: a local Okta Agent Pools server, by itself."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from httptask.cli.exits import SUCCEEDED
from httptask.errors import InputInvalid, Problem

if TYPE_CHECKING:
    from httptask.sandbox.options import OAuthClient


@click.command("sandbox", short_help="Serve a local Okta Agent Pools API.")
@click.option("--host", default="127.0.0.1", help="Address to listen on; only loopback, unless --anywhere is given.")
@click.option("--port", default=0, help="Port to listen on; 0 takes a free one.")
@click.option("--anywhere", is_flag=True, help="Allow an address that other machines can reach. The token is public.")
@click.option("--token", default="sandbox-token", help="The token that requests must carry.")
@click.option("--rate-limit", default="10/60", metavar="N/SECONDS", help="Requests per window.")
@click.option("--speed", default=1.0, help="How fast updates progress; 1 is real time.")
@click.option("--seed", default=1, help="What ids and data are drawn from.")
@click.option(
    "--pools", type=int, metavar="N", help="Serve so many AD pools, made as they are listed: pages for thousands of requests."
)
@click.option(
    "--statuses", type=click.Choice(["recorded", "spec"]), default="recorded", help="As real orgs answered, or as documented."
)
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="[METHOD PATH=]SCRIPT",
    help="Faults to play, as in 'GET /api/v1/agentPools=503,ok'.",
)
@click.option("--client-id", metavar="ID", help="An OAuth client of the token endpoint; needs --client-key or --client-secret.")
@click.option(
    "--client-key", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Its public key, a PEM text or a JWK."
)
@click.option("--client-secret", metavar="TEXT", help="Its secret, which is public as the token is.")
@click.option(
    "--client-scopes",
    default="okta.agentPools.read,okta.agentPools.manage",
    metavar="SCOPES",
    help="Scopes granted to it, separated by commas.",
)
@click.option("--require-dpop", is_flag=True, help="Give it only tokens bound to a key by DPoP.")
@click.option("--require-nonce", is_flag=True, help="Demand a nonce of its own in each DPoP proof at the API too.")
@click.option("--token-lifetime", type=click.IntRange(min=1), default=3600, metavar="SECONDS", help="Lifetime of access tokens.")
def command(host: str, port: int, anywhere: bool, token: str, faults: tuple[str, ...], **choices: Any) -> int:  # noqa: FBT001
    """Serve a stateful Okta Agent Pools API until Ctrl-C; prints one JSON line when it is ready.

    \b
    Example:
      httptask sandbox --port 8080 --rate-limit 10/2
      curl -H 'Authorization: SSWS sandbox-token' http://127.0.0.1:8080/api/v1/agentPools
    """  # noqa: D301 - \b is click's mark for text that is not rewrapped
    from dataclasses import replace

    from httptask.sandbox.options import SandboxOptions
    from httptask.sandbox.server import serve_forever

    oauth = {"clients": _clients(choices), "token_lifetime": choices.pop("token_lifetime")}
    if choices["pools"] is None:
        del choices["pools"]
    oauth["resource_nonce"] = choices.pop("require_nonce")
    values = {"rateLimit": choices.pop("rate_limit"), **choices, "faults": [_rule(text) for text in faults]}
    options = replace(SandboxOptions.from_json(values, where="sandbox"), token=token, **oauth)
    serve_forever(options, ready=lambda server: _announce(server.to_json()), host=host, port=port, anywhere=anywhere)
    return SUCCEEDED


def _clients(choices: dict[str, Any]) -> tuple[OAuthClient, ...]:
    """Take the client's options out of the choices.

    Raises:
        UsageError: half a client.

    """
    from httptask.sandbox.jose import check_public_key
    from httptask.sandbox.options import OAuthClient

    client_id, file, secret = (choices.pop(name) for name in ("client_id", "client_key", "client_secret"))
    scopes, dpop = choices.pop("client_scopes"), choices.pop("require_dpop")
    if client_id is None and file is None and secret is None:
        return ()
    if file is not None and secret is not None:
        raise InputInvalid(Problem("--client-key", "--client-secret is given too", "give one of them, not both"))
    if client_id is None or (file is None and secret is None):
        hint = "give --client-id, and --client-key or --client-secret"
        raise InputInvalid(Problem("--client-id", "an OAuth client needs an id, and a key or a secret", hint))
    key = None if file is None else check_public_key(_read(file), "--client-key")
    granted = tuple(scope for scope in scopes.replace(",", " ").split() if scope)
    return (OAuthClient(client_id, key, secret, granted, dpop),)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "it is not UTF-8 text"
        hint = "name a file with a PEM text or a JWK"
        raise InputInvalid(Problem("--client-key", f"{file} cannot be read: {reason}", hint)) from None


def _announce(line: object) -> None:
    print(json.dumps(line), flush=True)
    print("ready; Ctrl-C ends it", file=sys.stderr, flush=True)


def _rule(text: str) -> dict[str, str]:
    """Split at the first `=` that follows a path: a script may hold one itself, as in 429(Retry-After=7)."""
    match, sign, script = text.partition("=")
    return {"match": match, "script": script} if sign and "/" in match else {"script": text}
