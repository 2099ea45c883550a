"""Sends one request once: pooled, thread-safe, without cookies, redirects, retries or netrc.

The only module, with `wire` below it, that knows requests and urllib3. There is no `requests.Session`: it costs more than
the rest of a call, and preparing a URL there un-escapes `%2e%2e`.
"""

from __future__ import annotations

import http.client
import re
import ssl
import time
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

import requests
import requests.adapters
import requests.exceptions
import requests.utils
from urllib3 import HTTPHeaderDict
from urllib3 import exceptions as urllib3_errors
from urllib3.util.ssl_ import create_urllib3_context

from httptask.addresses import kinds_of, literal
from httptask.egress import Guard, Resolver
from httptask.egress_policy import OPERATORS, AddressKind, EgressPolicy
from httptask.errors import (
    ConfigurationError,
    ConnectFailed,
    ConnectionLost,
    EgressRefused,
    Problem,
    RenderError,
    TimedOut,
    TlsFailed,
    TransportError,
)
from httptask.message import Headers, Response
from httptask.secrets import Secret
from httptask.wire import CALL, MAX_BODY, POOLS, Call, look_up, read_body

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from urllib3 import BaseHTTPResponse, PoolManager

    from httptask.message import Request, Timeouts
    from httptask.outcome import Phase
    from httptask.wire import Stage

_URL = re.compile(r"https?://(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?(?:[/?][!-\"$-~]*)?", re.ASCII | re.IGNORECASE)
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")

#: Paths of a PEM certificate and of its key, None if both are in one file.
ClientCertificate = tuple[str, str | None]


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of the translation: an error of these types at these stages (any, if none is named) is one of ours."""

    types: tuple[type[BaseException], ...]
    error: type[TransportError]
    code: str
    detail: str
    stages: tuple[Stage, ...] = ()
    phase: Phase | None = None

    def fits(self, chain: tuple[BaseException, ...], stage: Stage) -> bool:
        """Tell whether the row speaks of an error with this chain of causes."""
        return (not self.stages or stage in self.stages) and any(isinstance(error, self.types) for error in chain)


_TIMEOUTS = (TimeoutError, urllib3_errors.TimeoutError, requests.exceptions.Timeout)
_CAUGHT = (requests.RequestException, urllib3_errors.HTTPError, http.client.HTTPException, OSError, UnicodeError)

#: First fit wins. `phase` is left out where the connection measured it.
_TABLE = (
    _Row((Exception,), ConnectFailed, "proxy", "the proxy could not be used", stages=("proxy",), phase="notSent"),
    _Row(
        (requests.exceptions.ProxyError, requests.exceptions.InvalidProxyURL, urllib3_errors.ProxyError),
        ConnectFailed,
        "proxy",
        "the proxy could not be used",
        phase="notSent",
    ),
    _Row(
        (
            requests.exceptions.InvalidURL,
            requests.exceptions.InvalidSchema,
            requests.exceptions.MissingSchema,
            urllib3_errors.LocationValueError,
            http.client.InvalidURL,
            UnicodeError,
        ),
        EgressRefused,
        "invalidUrl",
        "the URL cannot be sent",
        phase="notSent",
    ),
    _Row((urllib3_errors.NameResolutionError,), ConnectFailed, "dns", "the host name was not found", phase="notSent"),
    _Row((ConnectionRefusedError,), ConnectFailed, "refused", "the connection was refused", phase="notSent"),
    _Row((urllib3_errors.NewConnectionError,), ConnectFailed, "unreachable", "the host cannot be reached", phase="notSent"),
    _Row(
        (requests.exceptions.ConnectTimeout, urllib3_errors.ConnectTimeoutError),
        TimedOut,
        "connectTimeout",
        "no connection within the connect timeout",
        phase="notSent",
    ),
    _Row(_TIMEOUTS, TimedOut, "connectTimeout", "the TLS handshake did not end within the connect timeout", stages=("tls",)),
    _Row(
        (ssl.SSLCertVerificationError, ssl.CertificateError),
        TlsFailed,
        "tlsCertificate",
        "the server's certificate is not trusted or is for another host",
    ),
    _Row((Exception,), TlsFailed, "tlsHandshake", "the TLS handshake failed", stages=("tls",)),
    _Row((requests.exceptions.SSLError,), TlsFailed, "tlsHandshake", "TLS did not come up", stages=("start",), phase="notSent"),
    _Row(_TIMEOUTS, TimedOut, "readTimeout", "no answer within the read timeout"),
    _Row((ConnectionError, ssl.SSLError), ConnectionLost, "connectionLost", "the connection was closed before an answer"),
    _Row(
        (http.client.HTTPException, requests.exceptions.InvalidHeader, urllib3_errors.InvalidHeader),
        ConnectionLost,
        "protocolError",
        "the answer is not HTTP",
    ),
    _Row((urllib3_errors.ClosedPoolError,), ConnectionLost, "connectionLost", "the transport was closed", phase="notSent"),
    _Row((Exception,), ConnectionLost, "connectionLost", "the connection broke before an answer"),
)


def _chain(error: BaseException) -> tuple[BaseException, ...]:
    """Return an error and what it wraps. `__context__` is left out: it may be an error the caller is just handling."""
    chain: list[BaseException] = [error]
    for outer in chain:
        inner = (outer.__cause__, getattr(outer, "reason", None), *outer.args)
        chain += [cause for cause in inner if isinstance(cause, BaseException) and cause not in chain]
    return tuple(chain)


def _translate(error: BaseException, call: Call) -> TransportError:
    chain = _chain(error)
    if call.total_rules and any(isinstance(cause, _TIMEOUTS) for cause in chain):
        return TimedOut("no answer within the total time allowed", phase=call.phase, code="deadline")
    row = next(row for row in _TABLE if row.fits(chain, call.stage))
    return row.error(row.detail, phase=row.phase or call.phase, code=row.code)


class _Adapter(requests.adapters.HTTPAdapter):
    """requests' adapter on watched connections, with one TLS context for all: loading one takes longer than a call."""

    def __init__(self, *, pool_size: int, verify: bool | str, client_certificate: ClientCertificate | None) -> None:
        self._verify = verify
        self._client_certificate = client_certificate
        self._lock = Lock()
        self._context: ssl.SSLContext | None = None
        super().__init__(pool_connections=pool_size, pool_maxsize=pool_size)

    @property
    def context(self) -> ssl.SSLContext:
        with self._lock:
            if self._context is None:
                self._context = _tls_context(verify=self._verify)
                if self._client_certificate is not None:
                    _load_client_certificate(self._context, *self._client_certificate)
            return self._context

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any) -> None:  # noqa: FBT001, FBT002  # requests' signature
        super().init_poolmanager(connections, maxsize, block, **pool_kwargs)
        self.poolmanager.pool_classes_by_scheme = POOLS

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> PoolManager:
        scheme = proxy.partition("://")[0].lower()
        if scheme not in POOLS:
            raise ConnectFailed("only http and https proxies are supported", phase="notSent", code="proxy")
        if scheme == "https":
            proxy_kwargs["proxy_ssl_context"] = self.context
        manager: PoolManager = super().proxy_manager_for(proxy, **proxy_kwargs)
        manager.pool_classes_by_scheme = POOLS
        return manager

    def build_connection_pool_key_attributes(self, request: requests.PreparedRequest, verify: Any, cert: Any = None) -> Any:
        host, _ = super().build_connection_pool_key_attributes(request, verify, cert)
        return host, {"ssl_context": self.context} if host["scheme"] == "https" else {}

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Leave the pool alone: the context says what is trusted."""

    def request_url(self, request: requests.PreparedRequest, proxies: Mapping[str, str] | None) -> str:
        """Return the URL without its query, for the logs below; the connection writes the exact target itself."""
        return super().request_url(request, proxies).partition("?")[0]


def _tls_context(*, verify: bool | str) -> ssl.SSLContext:
    """Return a context that trusts what `verify`, then the environment, then requests' own bundle says."""
    with requests.Session() as session:
        trusted = session.merge_environment_settings("https://", {}, stream=True, verify=verify, cert=None)["verify"]
    context = create_urllib3_context()
    if trusted is False:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    bundle = Path(str(requests.adapters.DEFAULT_CA_BUNDLE_PATH if trusted is True else trusted))
    try:
        context.load_verify_locations(**{"capath" if bundle.is_dir() else "cafile": str(bundle)})
    except OSError:
        problem = Problem(
            "verify", "the CA bundle cannot be read", "name a PEM file, or mend REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE"
        )
        raise ConfigurationError(problem) from None
    return context


def _load_client_certificate(context: ssl.SSLContext, certificate: str, key: str | None) -> None:
    """Load what this side proves itself with in mutual TLS (RFC 8446 section 4.4.2).

    Raises:
        ConfigurationError: the files hold no certificate with its unencrypted key.

    """
    try:
        # an encrypted key would make OpenSSL ask on the terminal
        context.load_cert_chain(certificate, key, password=_no_password)
    except (OSError, ValueError) as error:
        hint = "name a PEM certificate and its key, unencrypted; decrypt one with `openssl pkey -in KEY -out PLAIN`"
        message = f"the certificate and the key in {key or 'the same file'} cannot be used together"
        if getattr(error, "reason", None) == "KEY_VALUES_MISMATCH":
            message = f"the key in {key or 'the same file'} is not this certificate's"
        raise ConfigurationError(Problem(f"clientCertificate {certificate}", message, hint)) from None


def _no_password() -> str:
    raise ValueError("encrypted")


class RequestsTransport:
    """Sends requests over pooled connections; safe to share between threads. Implements `ports.Transport`."""

    def __init__(  # noqa: PLR0913  # each is one independent setting of the wire
        self,
        *,
        verify: bool | str = True,
        egress: EgressPolicy = OPERATORS,
        resolve: Resolver = look_up,
        client_certificate: ClientCertificate | None = None,
        max_body: int = MAX_BODY,
        pool_size: int = 32,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Open nothing yet.

        Args:
            verify: False trusts any certificate; text is the path of a CA bundle; True is the environment's, else the default.
            egress: where requests may go (`egress.policy_of` makes it from a connection); the default lets each URL's host be
                this machine or a private one, as if an operator had written it, but never link-local or a metadata service.
            resolve: looks up names, once per connection.
            client_certificate: paths of a PEM certificate and its key, for mutual TLS.
            max_body: decoded bytes of a response that are kept; a longer one is cut and marked `tooLarge`.
            pool_size: connections kept per origin.
            clock: seconds that only go forward.

        """
        self._adapter = _Adapter(pool_size=pool_size, verify=verify, client_certificate=client_certificate)
        self._guard = Guard(egress, resolve)
        self._max_body = max_body
        self._clock = clock
        self._proxies: dict[str, dict[str, str]] = {}

    def __enter__(self) -> Self:
        """Return the transport."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self.close()

    def close(self) -> None:
        """Close the pooled connections."""
        self._adapter.close()

    def send(self, request: Request, timeouts: Timeouts) -> Response:
        """Send and read the whole answer; once status line and headers are here this returns, however the body ends.

        Raises:
            TransportError: no status line and headers were received; its `phase` says whether a byte was sent.
            RenderError: a header cannot be written, or `Content-Length` does not fit the body.
            ConfigurationError: the CA bundle or the client certificate cannot be read.

        """
        call = Call(request.revealed(), timeouts, self._clock, self._guard, self._max_body)
        token = CALL.set(call)
        try:
            answer = self._exchange(call)
            # Raised here and not where it was caught: the library's error holds the URL and the headers in clear.
            if isinstance(answer, TransportError):
                raise answer
            return self._received(answer, call)
        finally:
            CALL.reset(token)

    def _exchange(self, call: Call) -> BaseHTTPResponse | TransportError:
        prepared = requests.PreparedRequest()
        prepared.method = call.request.method
        prepared.url = call.request.url
        prepared.headers = _headers(call.request)  # type: ignore[assignment]  # the adapter takes any mapping
        prepared.body = call.request.body
        limits = (call.timeouts.connect, call.timeouts.read)
        try:
            proxies = self._route(call)
            raw: BaseHTTPResponse = self._adapter.send(prepared, stream=True, timeout=limits, proxies=proxies).raw
        except TransportError as error:
            return error
        except _CAUGHT as error:
            return _translate(error, call)
        return raw

    def _route(self, call: Call) -> dict[str, str]:
        """Return the environment's proxies for the request's origin, looked up once; what they look up is checked as written.

        This machine has none: `http` is allowed to it because nobody else reads along, and to a proxy `localhost` is itself.
        """
        origin = _origin(call.request)
        proxies = self._proxies.get(origin)
        if proxies is None:
            proxies = {} if _is_this_machine(origin) else requests.utils.get_environ_proxies(origin, no_proxy=None)
            self._proxies[origin] = proxies
        call.proxied = requests.utils.select_proxy(origin, proxies) is not None
        if call.proxied:
            self._guard.check_unresolved(origin)
        return proxies

    def _received(self, raw: BaseHTTPResponse, call: Call) -> Response:
        try:
            call.mark()
            body, incomplete = read_body(raw, self._max_body)
            call.lap("body")
        except BaseException:
            raw.close()
            raise
        if incomplete:
            raw.close()
        headers = Headers(tuple(raw.headers.items()))
        return Response(raw.status, headers, body, incomplete, MappingProxyType(call.timings), call.proxied, raw.reason or "")


def _origin(request: Request) -> str:
    """Return the origin of a URL that can be sent as it stands: urllib would mend or strip what is not plain."""
    try:
        if _URL.fullmatch(request.url):
            return request.origin
    except ValueError:
        pass
    detail = "the URL needs http or https, a host, no user name, no fragment, and every other character percent-encoded"
    raise EgressRefused(detail, phase="notSent", code="invalidUrl")


def _is_this_machine(origin: str) -> bool:
    address = literal(urlsplit(origin).hostname or "")
    return address is not None and AddressKind.LOOPBACK in kinds_of(address)


def _headers(request: Request) -> HTTPHeaderDict:
    """Return the headers in clear, for the wire only."""
    clear = HTTPHeaderDict()
    for name, value in request.headers:
        text = value.reveal() if isinstance(value, Secret) else value
        if not _NAME.fullmatch(name):
            raise RenderError(Problem("headers", "a header name is not a token", "use letters, digits and hyphens"))
        if not _VALUE.fullmatch(text):
            raise RenderError(Problem(f"headers.{name}", "the value holds characters a header cannot carry", "use Latin-1 text"))
        clear.add(name, text)
    length = clear.get("content-length", None if request.body else "0")
    if length != str(len(request.body or b"")):
        raise RenderError(Problem("headers.Content-Length", "it is not the length of the body", "count the body's bytes"))
    return clear
