"""A resource server that demands a nonce in each proof (RFC 9449 section 9), played by the sandbox on a real port."""

import pytest

from builders import connection
from httptask.auth.client import ClientSecret
from httptask.auth.endpoint import TokenEndpoint
from httptask.auth.oauth2 import ClientCredentials
from httptask.clock import SystemClock
from httptask.loader import open_registry
from httptask.runner import Options, Runner
from httptask.sandbox.options import OAuthClient, SandboxOptions
from httptask.sandbox.server import running
from httptask.secrets import Secret
from httptask.transport import RequestsTransport


@pytest.fixture(scope="module")
def server():
    client = OAuthClient("svc", secret="planted-secret", dpop=True)
    with running(SandboxOptions(clients=(client,), resource_nonce=True)) as server:
        yield server


def test_one_attempt_is_enough_and_later_ones_need_no_demand(server):
    endpoint = TokenEndpoint(f"{server.base_url}/oauth2/v1/token", ClientSecret("svc", Secret("planted-secret")))
    connected = connection(base_url=server.base_url, auth=ClientCredentials("oauth2", endpoint))
    with RequestsTransport() as transport:
        runner = Runner(transport, SystemClock())
        task = open_registry()["okta.list_agent_pools"]
        before, first, second = (runner.run(task, {}, connected, Options(once=True)) for _ in range(3))
    assert [(outcome.status, len(outcome.attempts)) for outcome in (before, first, second)] == [("succeeded", 1)] * 3


def test_a_post_goes_out_once_more_only_after_the_demand(server):
    endpoint = TokenEndpoint(f"{server.base_url}/oauth2/v1/token", ClientSecret("svc", Secret("planted-secret")), dpop=True)
    connected = connection(base_url=server.base_url, auth=ClientCredentials("oauth2", endpoint))
    with RequestsTransport() as transport:
        outcome = Runner(transport, SystemClock()).run(
            open_registry()["okta.pause_agent_pools_update"],
            {"poolId": "none", "updateId": "none"},
            connected,
            Options(once=True),
        )
    assert (outcome.failure.kind, len(outcome.attempts)) == ("notFound", 1)
