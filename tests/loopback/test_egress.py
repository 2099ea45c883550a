"""The guard on real sockets: one look-up, every address checked, the checked one connected to, TLS and Host by name."""

import socket

import pytest

from builders import connection, template
from httptask.clock import FakeClock
from httptask.egress import policy_of
from httptask.egress_policy import EgressPolicy
from httptask.errors import ConnectFailed, EgressRefused, TlsFailed
from httptask.message import Timeouts
from httptask.runner import Runner
from httptask.transport import RequestsTransport
from loopback.servers import OK, OPENSSL, QUICK, RawServer, answering, failure, get, make_certificate, proxy, server_context

needs_openssl = pytest.mark.skipif(OPENSSL is None, reason="the openssl command makes the certificates")
REFUSED = (EgressRefused, "egressRefused", "notSent")
CLOSE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


@pytest.fixture(autouse=True)
def no_environment(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


class Resolver:
    """Answers each look-up with the next of its answers, the last one for ever, and notes what it was asked."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    def __call__(self, host, port):
        self.asked.append(host)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


METADATA = ["169.254.169.254"]
HERE = ["127.0.0.1"]


def test_the_address_that_was_checked_is_the_one_connected_to_and_the_host_stays_a_name():
    resolver = Resolver(HERE, METADATA)
    with RawServer(answering(OK)) as server, RequestsTransport(resolve=resolver) as transport:
        assert transport.send(get(f"http://name.test:{server.port}/"), QUICK).body == b"ok"
    assert resolver.asked == ["name.test"]
    assert f"Host: name.test:{server.port}\r\n".encode() in server.received[0]


def test_a_kept_connection_is_not_looked_up_again():
    resolver = Resolver(HERE, METADATA)
    with RawServer(answering(OK)) as server, RequestsTransport(resolve=resolver) as transport:
        for _ in range(3):
            assert transport.send(get(f"http://name.test:{server.port}/"), QUICK).body == b"ok"
        assert server.connections == 1
    assert resolver.asked == ["name.test"]


def test_a_new_connection_is_checked_anew():
    resolver = Resolver(HERE, METADATA)
    with RawServer(answering(CLOSE)) as server, RequestsTransport(resolve=resolver) as transport:
        transport.send(get(f"http://name.test:{server.port}/"), QUICK)
        assert failure(transport, get(f"http://name.test:{server.port}/")) == REFUSED
        assert server.connections == 1


def test_one_bad_address_refuses_all_and_no_socket_is_opened(monkeypatch):
    monkeypatch.setattr("httptask.wire.create_connection", lambda *_: pytest.fail("a socket was opened"))
    with RequestsTransport(resolve=Resolver(["127.0.0.1", "::ffff:169.254.169.254"])) as transport:
        assert failure(transport, get("http://name.test/")) == REFUSED


@pytest.mark.parametrize("host", ["169.254.169.254", "[fd00:ec2::254]", "2852039166", "0xa9.0xfe.0xa9.0xfe", "0", "224.0.0.1"])
def test_an_address_in_the_url_is_judged_by_what_the_system_makes_of_it(host, monkeypatch):
    monkeypatch.setattr("httptask.wire.create_connection", lambda *_: pytest.fail("a socket was opened"))
    with RequestsTransport() as transport:
        assert failure(transport, get(f"http://{host}/")) == REFUSED


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f.1", "017700000001"])
def test_an_odd_spelling_of_this_machine_reaches_it_where_this_machine_is_allowed(host):
    with RawServer(answering(OK)) as server, RequestsTransport() as transport:
        assert transport.send(get(f"http://{host}:{server.port}/"), QUICK).body == b"ok"
        bound = policy_of(connection(base_url="https://api.example.com"))
        with RequestsTransport(egress=bound) as strict:
            assert failure(strict, get(f"http://{host}:{server.port}/")) == REFUSED


def test_a_bound_transport_reaches_its_own_origin_and_no_other():
    with RawServer(answering(OK)) as own, RawServer(answering(OK)) as other:
        with RequestsTransport(egress=policy_of(connection(base_url=own.url))) as transport:
            assert transport.send(get(own.url), QUICK).body == b"ok"
            assert failure(transport, get(other.url)) == REFUSED
        assert other.connections == 0


def test_a_listed_host_on_this_machine_is_refused_unless_the_profile_allows_it():
    listed = {"origin": "https://api.example.com", "allowed_hosts": ("127.0.0.1:1",)}
    with RequestsTransport(egress=EgressPolicy(**listed)) as transport:
        assert failure(transport, get("https://127.0.0.1:1/")) == REFUSED
    with RequestsTransport(egress=EgressPolicy(**listed, allow_loopback=True)) as transport:
        assert failure(transport, get("https://127.0.0.1:1/")) == (ConnectFailed, "refused", "notSent")


def test_a_name_without_an_address_is_dns():
    with RequestsTransport(resolve=Resolver(socket.gaierror(socket.EAI_NONAME, "none"))) as transport:
        assert failure(transport, get("http://name.test/")) == (ConnectFailed, "dns", "notSent")


def test_a_resolver_without_an_answer_is_dns():
    with RequestsTransport(resolve=Resolver([])) as transport:
        assert failure(transport, get("http://name.test/")) == (ConnectFailed, "dns", "notSent")


@needs_openssl
def test_tls_verifies_the_name_and_not_the_pinned_address(tmp_path):
    certificate, key = make_certificate(tmp_path, name="name.test", alt="DNS:name.test")
    tls = server_context(certificate, key)
    with (
        RawServer(answering(OK), tls=tls) as server,
        RequestsTransport(verify=str(certificate), resolve=Resolver(HERE)) as transport,
    ):
        patient = Timeouts(connect=3, read=3)
        assert transport.send(get(f"https://name.test:{server.port}/"), patient).body == b"ok"
        other = get(f"https://other.test:{server.port}/")
        assert failure(transport, other, patient) == (TlsFailed, "tlsCertificate", "notSent")


# Through a proxy


def test_a_proxy_looks_names_up_and_the_response_says_so(monkeypatch):
    with RawServer(proxy()) as middle, RequestsTransport(resolve=Resolver(METADATA)) as transport:
        monkeypatch.setenv("HTTP_PROXY", middle.url)
        assert transport.send(get("http://name.test/"), QUICK).proxied


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("host", ["169.254.169.254", "2852039166", "[::ffff:a9fe:a9fe]", "[64:ff9b::a9fe:a9fe]", "0"])
def test_an_address_written_out_is_checked_also_before_a_proxy(monkeypatch, scheme, host):
    with RawServer(proxy()) as middle, RequestsTransport() as transport:
        monkeypatch.setenv(f"{scheme}_proxy", middle.url)
        assert failure(transport, get(f"{scheme}://{host}/")) == REFUSED
        assert middle.connections == 0


def test_another_origin_is_refused_also_before_a_proxy(monkeypatch):
    with RawServer(proxy()) as middle:
        monkeypatch.setenv("HTTP_PROXY", middle.url)
        with RequestsTransport(egress=policy_of(connection(base_url="https://api.example.com"))) as transport:
            assert failure(transport, get("http://evil.test/")) == REFUSED
        assert middle.connections == 0


# As an outcome


def run(transport, base_url):
    return Runner(transport, FakeClock()).run(template(retry={"maxAttempts": 3}), {}, connection(base_url=base_url))


def test_a_refusal_is_a_failed_outcome_that_is_not_tried_again():
    with RequestsTransport(resolve=Resolver(METADATA)) as transport:
        outcome = run(transport, "https://name.test")
    assert (outcome.status, outcome.failure.kind, outcome.failure.retryable) == ("failed", "egressRefused", False)
    assert [attempt.phase for attempt in outcome.attempts] == ["notSent"]
    assert "cloud metadata" in outcome.failure.message
    assert "allowLinkLocal = true" in outcome.failure.message
    assert "169.254" not in str(outcome.to_json())


def test_an_outcome_through_a_proxy_says_what_was_not_checked(monkeypatch):
    with RawServer(proxy()) as middle, RequestsTransport() as transport:
        monkeypatch.setenv("HTTP_PROXY", middle.url)
        outcome = run(transport, "http://name.test")
        assert "proxyUnchecked" in [warning.code for warning in outcome.warnings]
    with RawServer(answering(OK)) as server, RequestsTransport() as transport:
        assert "proxyUnchecked" not in [warning.code for warning in run(transport, server.url).warnings]
