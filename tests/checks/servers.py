"""Small real servers on loopback that behave, or misbehave, byte by byte as a test says.

    with RawServer(lambda visitor: visitor.send(response(b"hello"))) as server:
        server.url("/page"), server.heads, server.connections

A script is called once for each connection, in a thread of its own; `visitor.head()` reads the next request's
head. Nothing here sleeps: waiting is done on an event that ends with the server.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit


def response(
    body: bytes = b"", *, status: str = "200 OK", headers: Iterable[str] = (), length: int | None = None
) -> bytes:
    """A whole HTTP/1.1 answer with its Content-Length (or a false one, by `length`)."""
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body) if length is None else length}"]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def redirect(location: str, *, status: str = "302 Found", headers: Iterable[str] = ()) -> bytes:
    """An answer that sends the visitor on."""
    return response(status=status, headers=[f"Location: {location}", *headers])


class Visitor:
    """One connection, seen from the server."""

    def __init__(self, server: RawServer, connection: socket.socket) -> None:
        self.server = server
        self.connection = connection
        self._unread = b""

    def head(self) -> str:
        """The next request's head; "" when the visitor has closed."""
        while b"\r\n\r\n" not in self._unread:
            data = self.connection.recv(65536)
            if not data:
                return ""
            self._unread += data
        head, _, self._unread = self._unread.partition(b"\r\n\r\n")
        text = head.decode("latin-1")
        self.server.heads.append(text)
        return text

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def drip(self, data: bytes, *, every: float = 0.02) -> None:
        """Send the bytes one at a time until they, or the server, or the visitor, are at an end."""
        for number in data:
            if self.server.stopped.wait(every):
                return
            self.send(bytes([number]))

    def hang(self) -> None:
        """Say nothing until the server stops."""
        self.server.stopped.wait()

    def reset(self) -> None:
        """Cut the connection with a reset instead of an orderly end."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()


Script = Callable[[Visitor], None]


class RawServer:
    """Listens on loopback and plays `script` to every visitor; with `context`, behind TLS."""

    def __init__(
        self,
        script: Script = lambda visitor: None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self.script = script
        self.context = context
        self.host = host
        self.heads: list[str] = []
        self.connections = 0
        self.stopped = threading.Event()
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family)
        self.port: int = self._listener.getsockname()[1]

    def url(self, path: str = "/", *, host: str | None = None) -> str:
        scheme = "https" if self.context else "http"
        return f"{scheme}://{host or self.host}:{self.port}{path}"

    def paths(self) -> list[str]:
        """What was asked for, in order."""
        return [head.split()[1] for head in self.heads]

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        # A visitor may leave at any byte: that is what many of the tests are about.
        with contextlib.suppress(OSError):
            if self.context:
                connection = self.context.wrap_socket(connection, server_side=True)
                self._open.append(connection)
            self.script(Visitor(self, connection))
        with contextlib.suppress(OSError):
            connection.close()

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopped.set()
        for each in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)
        for each in (self._listener, *self._open):
            each.close()


def answering(*answers: bytes) -> Script:
    """A script that answers requests in turn, keeping the connection open; the last answer is repeated."""
    left = list(answers)

    def script(visitor: Visitor) -> None:
        while visitor.head():
            visitor.send(left.pop(0) if len(left) > 1 else left[0])

    return script


def routing(routes: dict[str, bytes]) -> Script:
    """A script that answers by path, keeping the connection open; 404 for any other path."""

    def script(visitor: Visitor) -> None:
        while head := visitor.head():
            path = head.split()[1]
            visitor.send(routes.get(path, response(b"no such page", status="404 Not Found")))

    return script


def proxying(upstream: tuple[str, int]) -> Script:
    """A script that is a forward proxy: whatever host is asked for, `upstream` is where it leads."""

    def script(visitor: Visitor) -> None:
        while head := visitor.head():
            method, target, _ = head.split("\r\n")[0].split()
            with socket.create_connection(upstream) as out:
                if method == "CONNECT":
                    visitor.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
                    _pump(visitor.connection, out)
                    return
                path = urlsplit(target).path or "/"
                rest = head.partition("\r\n")[2]
                out.sendall(f"GET {path} HTTP/1.1\r\n{rest}\r\nConnection: close\r\n\r\n".encode("latin-1"))
                out.shutdown(socket.SHUT_WR)
                while data := out.recv(65536):
                    visitor.send(data)

    return script


def _pump(one: socket.socket, other: socket.socket) -> None:
    """Carry bytes both ways until both sides have ended."""

    def carry(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    back = threading.Thread(target=carry, args=(other, one), daemon=True)
    back.start()
    carry(one, other)
    back.join(5)
