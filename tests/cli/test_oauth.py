"""A service app from the command line: its key in a profile or the environment, against the sandbox's token endpoint."""

import json
import shutil
import subprocess
from contextlib import contextmanager

import pytest

from cli.command import Httptask

LIST = "okta.list_agent_pools"
DELETE = ("okta.delete_agent_pools_update", "-i", "poolId=p", "-i", "updateId=u")
OPENSSL = shutil.which("openssl")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(OPENSSL is None, reason="keys are made with openssl")]


class Service:
    """A sandbox with one client, whose private key lies in the folder, and a profile `svc` that uses it."""

    def __init__(self, folder, url):
        self.folder, self.url = folder, url
        self.command = Httptask(folder, HTTPTASK_CONFIG=str(folder / "connections.toml"))

    def profile(self, *lines):
        text = "\n".join(["[connections.svc]", 'provider = "okta"', f'baseUrl = "{self.url}"', 'clientId = "svc-client"', *lines])
        (self.folder / "connections.toml").write_text(text, encoding="utf-8")

    def test(self, *arguments, code=0, env=()):
        return self.command("test", *arguments, "--connection", "svc", "--json", code=code, env=env)

    def applied(self):
        import urllib.request

        with urllib.request.urlopen(f"{self.url}/_sandbox/requests", timeout=5) as answer:  # noqa: S310 - loopback
            return json.load(answer)["applied"]


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    for name, kind in (("svc", "rsa_keygen_bits:2048"), ("other", "rsa_keygen_bits:2048")):
        subprocess.run(
            [OPENSSL, "genpkey", "-algorithm", "RSA", "-pkeyopt", kind, "-out", folder / f"{name}.pem"],
            check=True,
            capture_output=True,
        )
        subprocess.run(
            [OPENSSL, "pkey", "-in", folder / f"{name}.pem", "-pubout", "-out", folder / f"{name}.pub"],
            check=True,
            capture_output=True,
        )
    return folder


@contextmanager
def serving(folder, *flags):
    process = Httptask(folder).start(
        "sandbox", "--rate-limit", "1000000/60", "--client-id", "svc-client", *flags, stderr=subprocess.DEVNULL
    )
    try:
        yield Service(folder, json.loads(process.stdout.readline())["url"])
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory, keys):
    folder = tmp_path_factory.mktemp("service")
    shutil.copy(keys / "svc.pem", folder)
    shutil.copy(keys / "other.pem", folder)
    with serving(folder, "--client-key", keys / "svc.pub", "--client-scopes", "okta.agentPools.read") as service:
        yield service


@pytest.fixture
def service(shared):
    shared.profile('privateKey = "file:svc.pem"')
    return shared


@pytest.fixture(scope="module")
def bound(tmp_path_factory, keys):
    folder = tmp_path_factory.mktemp("bound")
    shutil.copy(keys / "svc.pem", folder)
    with serving(folder, "--client-key", keys / "svc.pub", "--require-dpop") as service:
        yield service


def test_a_private_key_gets_a_token_and_the_task_its_answer(service):
    before = service.applied().get("POST /oauth2/v1/token", 0)
    done = service.test(LIST)
    assert done.json["status"] == "succeeded"
    assert service.applied()["POST /oauth2/v1/token"] == before + 1
    assert "sandbox-access-" not in done.all


@pytest.mark.parametrize("lines", [(), ("dpop = true",)], ids=["as the server demands", "as the profile says"])
def test_dpop_proves_possession_at_the_token_endpoint_and_at_the_api(bound, lines):
    bound.profile('privateKey = "file:svc.pem"', *lines)
    assert bound.test(LIST).json["status"] == "succeeded"
    # written and deleted too: proofs fit each method and URL
    assert bound.test(*DELETE, code=1).json["failure"]["kind"] == "notFound"


def test_a_nonce_that_the_api_demands_costs_no_attempt(tmp_path, keys):
    shutil.copy(keys / "svc.pem", tmp_path)
    with serving(tmp_path, "--client-key", keys / "svc.pub", "--require-dpop", "--require-nonce") as service:
        service.profile('privateKey = "file:svc.pem"')
        assert service.test(LIST).json["status"] == "succeeded"
        service.command("connections", "check", "svc", code=0)


def test_a_server_that_demands_dpop_refuses_a_connection_without_it(bound):
    bound.profile('privateKey = "file:svc.pem"', "dpop = false")
    failure = bound.test(LIST, code=1).json["failure"]
    assert (failure["kind"], failure["code"]) == ("credential", "invalid_dpop_proof")
    assert "dpop = true" in failure["hint"]


def test_the_environments_private_key_works_as_with_oktas_own_clients(service):
    env = {
        "OKTA_CLIENT_ORGURL": service.url,
        "OKTA_CLIENT_AUTHORIZATIONMODE": "PrivateKey",
        "OKTA_CLIENT_CLIENTID": "svc-client",
        "OKTA_CLIENT_SCOPES": "okta.agentPools.read",
    }
    for key in ("svc.pem", (service.folder / "svc.pem").read_text().replace("\n", "\\n")):
        done = service.command("test", LIST, "--json", env={**env, "OKTA_CLIENT_PRIVATEKEY": key})
        assert done.json["status"] == "succeeded"


def test_a_scope_that_was_not_granted_is_named_and_nothing_is_sent(service):
    outcome = service.test(*DELETE, code=1).json
    assert outcome["attempts"][0]["phase"] == "notSent"
    assert outcome["failure"]["kind"] == "credential"
    assert outcome["failure"]["message"].startswith("the app lacks the scope okta.agentPools.manage (")
    assert outcome["failure"]["hint"] == "Grant it in the Admin Console: Applications, the app, Okta API Scopes."
    assert outcome["failure"]["retryable"] is False


def test_a_403_names_the_scope_that_the_token_lacks(service):
    service.profile('privateKey = "file:svc.pem"', 'scopes = ["okta.agentPools.read"]')
    failure = service.test(*DELETE, code=1).json["failure"]
    assert (failure["kind"], failure["status"]) == ("forbidden", 403)
    assert failure["hint"].startswith("The access token lacks the scope okta.agentPools.manage.")
    assert failure["hint"].endswith("If the connection's profile has `scopes`, name it there too.")


def test_another_key_is_not_accepted_and_shown_nowhere(service):
    service.profile('privateKey = "file:other.pem"')
    done = service.test(LIST, code=1)
    assert done.json["failure"]["code"] == "invalid_client"
    line = (service.folder / "other.pem").read_text().splitlines()[3]
    assert line not in done.all


def test_a_dry_run_asks_for_no_token_and_shows_the_header_masked(service):
    before = service.applied()
    request = service.test(LIST, "--dry-run").json["request"]
    assert ["Authorization", "Bearer ***"] in request["headers"]
    assert service.applied() == before


def test_a_dry_run_and_a_check_say_where_tokens_come_from(service):
    url = f"{service.url}/oauth2/v1/token"
    assert f"access tokens from {url}" in service.command("test", LIST, "--dry-run", "--connection", "svc").err
    assert url in service.command("connections", "check", "svc").out


def test_a_client_secret_works_in_the_header_and_in_the_form(tmp_path):
    with serving(tmp_path, "--client-secret", "hu:sh %7E+") as service:
        for words in ((), ('clientAuthentication = "client_secret_post"',)):
            service.profile('clientSecret = "env:SECRET"', *words)
            assert service.test(LIST, env={"SECRET": "hu:sh %7E+"}).json["status"] == "succeeded"
        done = service.test(LIST, env={"SECRET": "canary-wrong"}, code=1)
        assert done.json["failure"]["code"] == "invalid_client"
        assert "canary-wrong" not in done.all


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ((), "clientId is given without privateKey or clientSecret"),
        (('privateKey = "file:svc.pem"', 'token = "env:TOKEN"'), "token and clientId belong to two different credentials"),
        (('privateKey = "file:svc.pem"', 'clientSecret = "env:S"'), "clientSecret and privateKey are both given"),
        (('privateKey = "file:svc.pem"', 'algorithm = "ES256"'), "the algorithm does not fit the private key"),
        (('privateKey = "file:svc.pem"', 'algorithm = "RS25"'), "did you mean 'RS256'?"),
        (('privateKey = "file:svc.pem"', 'scheme = "apiToken"'), "takes OAuth client credentials"),
        (('privateKey = "file:svc.pem"', 'tokenUrl = "http://idp.example.com/token"'), "tokenUrl"),
        (('privateKey = "file:svc.pem"', 'scopes = ["a b"]'), "each scope must be a text without spaces"),
        (('clientSecret = "env:S"', 'keyId = "k"'), "this goes with privateKey"),
    ],
)
def test_what_cannot_be_one_client_is_refused_with_the_fix(service, lines, says):
    service.profile(*lines)
    done = service.command("test", LIST, "--connection", "svc", code=2)
    assert says in done.err


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--client-id", "svc"), "an OAuth client needs an id, and a key or a secret"),
        (("--client-secret", "s"), "an OAuth client needs an id, and a key or a secret"),
        (("--client-id", "svc", "--client-key", "svc.pem"), "openssl pkey -in KEY -pubout"),
        (("--client-id", "svc", "--client-key", "none"), "none cannot be read: No such file or directory"),
        (("--client-id", "svc", "--client-key", "svc.pem", "--client-secret", "s"), "give one of them, not both"),
        (("--client-id", "svc", "--client-key", "connections.toml"), "this is no public key"),
    ],
)
def test_a_sandbox_with_half_a_client_does_not_start(service, options, says):
    assert says in service.command("sandbox", *options, code=2).err
