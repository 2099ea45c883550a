"""Raw servers on loopback for tests, each connection handed to a plain function on sockets, and requests to send there."""

import contextlib
import os
import shutil
import socket
import ssl
import struct
import subprocess
import threading

import pytest

from httptask.errors import TransportError
from httptask.message import Headers, Request, Timeouts

OPENSSL = shutil.which("openssl")


class RawServer:
    """Accepts connections, each in a thread, and keeps what it read in `received`."""

    def __init__(self, handle, *, tls=None):
        self.handle = handle
        self.tls = tls
        self.received = []
        self.connections = 0
        self.stopping = threading.Event()
        self._open = []
        self._threads = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    @property
    def url(self):
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                self.connections += 1
                self._open.append(sock)
                thread = threading.Thread(target=self._serve, args=(sock,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, sock):
        sock.settimeout(10)
        with contextlib.suppress(OSError, ValueError):
            if self.tls:
                sock = self.tls.wrap_socket(sock, server_side=True)
                self._open.append(sock)
            self.handle(self, sock)
        with contextlib.suppress(OSError):
            sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stopping.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._accepting.join(5)
        for sock in self._open:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)
        for sock in self._open:
            sock.close()


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
QUICK = Timeouts(connect=0.5, read=0.5)


def get(url, **headers):
    return Request("GET", url, Headers.of({"User-Agent": "t", **headers}))


def post(url, body=b"{}"):
    return Request("POST", url, Headers.of({"User-Agent": "t", "Content-Length": str(len(body))}), body)


def failure(transport, request, timeouts=QUICK):
    with pytest.raises(TransportError) as caught:
        transport.send(request, timeouts)
    error = caught.value
    return type(error), error.code, error.phase


def read_request(server, sock):
    """Read one request with its Content-Length body, keep its bytes, return them; empty when the client closed."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = sock.recv(65536)
        if not piece:
            return b""
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length:
        piece = sock.recv(65536)
        if not piece:
            return b""
        body += piece
    data = head + b"\r\n\r\n" + body
    server.received.append(data)
    return data


def answering(*pieces, gap=0.0, then=None):
    """Return a handler that answers every request with these bytes, `gap` seconds apart, and then does `then(sock)`."""

    def handle(server, sock):
        while read_request(server, sock):
            for number, piece in enumerate(pieces):
                if number and gap:
                    server.stopping.wait(gap)
                sock.sendall(piece)
            if then:
                then(sock)
                return

    return handle


def reset(sock):
    """Close with a TCP reset instead of an orderly end."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def hold(server, _):
    """Read nothing, say nothing and keep the connection until the server stops."""
    server.stopping.wait(10)


@contextlib.contextmanager
def full_backlog():
    """Give the port of a listener whose queue is full, so that a connect hangs."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.settimeout(0)
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def closed_port():
    """Return a port nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def make_certificate(folder, *, name="server", alt="IP:127.0.0.1,DNS:origin.invalid"):
    """Make a self-signed certificate with the openssl command; return the paths of certificate and key."""
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    command = [
        *(OPENSSL, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
        *("-days", "2", "-subj", f"/CN={name}", "-addext", f"subjectAltName={alt}"),
        *("-keyout", str(key), "-out", str(certificate)),
    ]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "OPENSSL_CONF": ""})
    return certificate, key


def server_context(certificate, key):
    """Return a server's TLS context."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def proxy(*, refuse=None):
    """Return the handler of a proxy: it tunnels CONNECT to this machine, answers others itself, or refuses with `refuse`."""

    def handle(server, sock):
        request = read_request(server, sock)
        if not request.startswith(b"CONNECT"):
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nproxy")
            return
        if refuse is not None:
            sock.sendall(refuse)
            return
        port = request.split()[1].decode().rpartition(":")[2]
        with socket.create_connection(("127.0.0.1", int(port)), 5) as upstream:
            sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            back = threading.Thread(target=_pump, args=(upstream, sock), daemon=True)
            back.start()
            _pump(sock, upstream)
            back.join(5)

    return handle


def _pump(source, target):
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
