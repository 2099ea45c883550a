"""`httptask sandbox`: a local Okta Agent Pools server, by itself."""

from __future__ import annotations

import json
import sys

import click

from httptask.cli.exits import SUCCEEDED


@click.command("sandbox", short_help="Serve a local Okta Agent Pools API.")
@click.option("--host", default="127.0.0.1", help="Address to listen on; only loopback, unless --anywhere is given.")
@click.option("--port", default=0, help="Port to listen on; 0 takes a free one.")
@click.option("--anywhere", is_flag=True, help="Allow an address that other machines can reach. The token is public.")
@click.option("--token", default="sandbox-token", help="The token that requests must carry.")
@click.option("--rate-limit", default="10/60", metavar="N/SECONDS", help="Requests per window.")
@click.option("--speed", default=1.0, help="How fast updates progress; 1 is real time.")
@click.option("--seed", default=1, help="What ids and data are drawn from.")
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
def command(host: str, port: int, anywhere: bool, token: str, faults: tuple[str, ...], **choices: object) -> int:  # noqa: FBT001
    """Serve a stateful Okta Agent Pools API until Ctrl-C; prints one JSON line when it is ready.

    \b
    Example:
      httptask sandbox --port 8080 --rate-limit 10/2
      curl -H 'Authorization: SSWS sandbox-token' http://127.0.0.1:8080/api/v1/agentPools
    """  # noqa: D301 - \b is click's mark for text that is not rewrapped
    from dataclasses import replace

    from httptask.sandbox.options import SandboxOptions
    from httptask.sandbox.server import serve_forever

    values = {"rateLimit": choices.pop("rate_limit"), **choices, "faults": [_rule(text) for text in faults]}
    options = replace(SandboxOptions.from_json(values, where="sandbox"), token=token)
    serve_forever(options, ready=lambda server: _announce(server.to_json()), host=host, port=port, anywhere=anywhere)
    return SUCCEEDED


def _announce(line: object) -> None:
    print(json.dumps(line), flush=True)
    print("ready; Ctrl-C ends it", file=sys.stderr, flush=True)


def _rule(text: str) -> dict[str, str]:
    """Split at the first `=` that follows a path: a script may hold one itself, as in 429(Retry-After=7)."""
    match, sign, script = text.partition("=")
    return {"match": match, "script": script} if sign and "/" in match else {"script": text}
