"""Mutual TLS on a real connection: the server sees who calls, or lets nobody in."""

import ssl

import pytest

from httptask.errors import ConfigurationError, TransportError
from httptask.transport import RequestsTransport
from loopback.servers import OPENSSL, QUICK, RawServer, answering, get, make_certificate, server_context

pytestmark = pytest.mark.skipif(OPENSSL is None, reason="certificates are made with openssl")
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pki")
    return make_certificate(folder), make_certificate(folder, name="client", alt="DNS:client"), folder


@pytest.fixture
def server(pki):
    (certificate, key), (client, _), _ = pki
    context = server_context(certificate, key)
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # there, a refusal comes during the handshake
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(client)
    with RawServer(answering(OK), tls=context) as running:
        yield running


def test_a_client_certificate_is_shown_to_the_server(pki, server):
    (trusted, _), (certificate, key), _ = pki
    with RequestsTransport(verify=str(trusted), client_certificate=(str(certificate), str(key))) as transport:
        assert transport.send(get(server.url), QUICK).status == 200


def test_certificate_and_key_may_be_in_one_file(pki, server):
    (trusted, _), (certificate, key), folder = pki
    both = folder / "both.pem"
    both.write_bytes(certificate.read_bytes() + key.read_bytes())
    with RequestsTransport(verify=str(trusted), client_certificate=(str(both), None)) as transport:
        assert transport.send(get(server.url), QUICK).status == 200


def test_without_a_certificate_the_server_lets_nobody_in(pki, server):
    (trusted, _), _, _ = pki
    with RequestsTransport(verify=str(trusted)) as transport, pytest.raises(TransportError) as caught:
        transport.send(get(server.url), QUICK)
    assert caught.value.phase == "notSent"
    assert not server.received


def test_a_certificate_that_cannot_be_used_is_said_so(pki, tmp_path):
    (trusted, other_key), (certificate, _), _ = pki
    empty = tmp_path / "empty.pem"
    empty.write_text("")
    for pair, words in (
        ((str(certificate), str(other_key)), f"the key in {other_key} is not this certificate's"),
        ((str(certificate), None), "the key in the same file cannot be used together"),
        ((str(empty), None), "the key in the same file cannot be used together"),
    ):
        with RequestsTransport(verify=str(trusted), client_certificate=pair) as transport:
            with pytest.raises(ConfigurationError) as caught:
                transport.send(get("https://127.0.0.1:9/"), QUICK)
            (problem,) = caught.value.problems
            assert problem.where == f"clientCertificate {pair[0]}"
            assert words in problem.message


def test_the_command_line_names_the_connection_of_a_certificate_that_cannot_be_used(tmp_path):
    from httptask.auth import Bearer
    from httptask.loader import Library
    from httptask.model import Connection
    from httptask.secrets import Secret
    from httptask.wiring import http_runner

    (tmp_path / "empty.pem").write_text("")
    connection = Connection(
        "prod",
        "https://127.0.0.1:9",
        Bearer("oauth2", Secret("token")),
        source="connection prod in connections.toml",
        client_certificate=(str(tmp_path / "empty.pem"), None),
    )
    tasks = Library().registry()
    with http_runner([connection], tasks) as runner, pytest.raises(ConfigurationError) as caught:
        runner.run(tasks["okta.list_agent_pools"], {}, connection)
    where = f"connection prod in connections.toml: clientCertificate {tmp_path / 'empty.pem'}"
    assert caught.value.problems[0].where == where
