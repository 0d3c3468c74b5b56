"""The one gate out: the only module that opens a socket to a reported URL, or to a campaign's webhook.

A reported URL is chosen by strangers, and so is all that its server answers. What is held here:

- Which address: a name is resolved once for each connection, every address it has must be public (or named by
  CHECK_ALLOW_NETWORKS), and the connection goes to that very address, so DNS cannot change its mind between
  the check and the use. Redirects are followed by hand and pass the same gate, hop by hop.
- How long: one deadline covers the whole ask: looking up, connecting, TLS, headers, body and all redirects.
- How much: a body is read up to a cap that counts decoded bytes, and decompression never makes more.

A name that does not resolve is asked of name servers once more, for the reason alone (`names.py`): no address
that they give is used.

Nothing that is fetched is stored or logged here, and no log line carries a URL.
"""

from __future__ import annotations

import errno
import logging
import math
import re
import socket
import ssl
import threading
import time
import traceback
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from http.client import BadStatusLine, HTTPException, IncompleteRead, LineTooLong, RemoteDisconnected
from importlib import metadata
from ipaddress import ip_address
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote, urljoin, urlsplit

import certifi
import requests
import urllib3
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from requests.adapters import HTTPAdapter
from requests.cookies import RequestsCookieJar, extract_cookies_to_jar
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.util.ssl_ import create_urllib3_context

from apps.core import clock

from .address import Address, Gate, Place, Refusal, literal_addresses
from .answer import Answer, Ask, Hop
from .names import UNTOLD, NameServer, name_servers, why
from .outcomes import Reason
from .turns import OutOfTurn

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

logger = logging.getLogger(__name__)

MAX_REDIRECTS = 10
REDIRECTS = frozenset({301, 302, 303, 307, 308})
MAX_HEADER_BYTES = 256 * 1024  # of one answer; http.client adds its own limit of 100 lines of 64 kB each
MAX_ADDRESSES_TRIED = 4
READ_SIZE = 32 * 1024  # bytes asked for at a time
SHORT_BODY_DIGITS = 4  # of Content-Length: the body of a redirect is read so far, and for so many seconds
SHORT_BODY_SECONDS = 0.25
COMPRESSION_OVERHEAD = 64 * 1024  # a compressed body may be this much longer than the cap before we stop
FRAMING_FACTOR = 8  # bytes on the wire for each byte of a body, at most: tiny chunks are mostly framing
HOSTS_A_THREAD = 4  # in work: most hosts wait for their pace, and a waiting host needs no thread
MAX_LOOKUPS = 64  # name lookups that may hang at once; a C library's lookup cannot be called off

_CONTROL_CHARACTER = re.compile(r"[\x00-\x1f\x7f]")

# urllib3 logs URLs, some of them as warnings.
for _name in ("connection", "connectionpool", "poolmanager", "response", "util.retry"):
    logging.getLogger(f"urllib3.{_name}").disabled = True


class _Halt(Exception):
    """Ends an ask. Neither an OSError nor urllib3's, so that their layers let it through unchanged."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


class _TooMuch(OSError):
    """The server sent more bytes than a phase of an answer may have."""


@dataclass(slots=True)
class _Exchange:
    """What the ask in hand may still use up. Sockets find it by context: one ask runs in one thread."""

    gate: Gate
    only_named: bool  # the clock is simulated: nothing but CHECK_ALLOW_NETWORKS may be asked
    deadline: float  # on the monotonic clock
    name_servers: tuple[NameServer, ...] = ()  # asked why a name did not resolve
    ends: Callable[[], float] = lambda: math.inf  # when the right to ask ends, on the monotonic clock
    address: str = ""  # of the server that answered last
    phase: str = "connect"
    allowance: int = 0  # bytes that may still be received in this phase
    reused: bool = True  # whether the request went out on a connection that was open already

    def remaining(self) -> float:
        """Seconds until the deadline; raises TimeoutError when it has passed."""
        seconds = self.deadline - time.monotonic()
        if seconds <= 0:
            raise TimeoutError(self.phase)
        return seconds

    def remaining_to_send(self) -> float:
        """The same, before something is sent; raises OutOfTurn when the right to ask has ended."""
        if time.monotonic() >= self.ends():
            raise OutOfTurn("the lease ran out")
        return self.remaining()

    def receive(self, count: int) -> None:
        """Take `count` received bytes off the allowance; raises _TooMuch when it is used up."""
        self.allowance -= count
        if self.allowance < 0:
            raise _TooMuch(self.phase)

    def admits(self, addresses: tuple[Address, ...]) -> bool:
        """Whether a host with these addresses may be connected to."""
        if self.only_named and not all(self.gate.names(address) for address in addresses):
            return False
        return self.gate.admits(addresses)


_exchange: ContextVar[_Exchange] = ContextVar("exchange")


# ------------------------------------------------------------------------------------------------ the sockets


class _BoundedSocket(socket.socket):
    """Never waits past the deadline of the ask that uses it, however little arrives at a time."""

    def recv_into(self, buffer: WriteableBuffer, nbytes: int | None = None, flags: int = 0) -> int:
        exchange = _exchange.get()
        self.settimeout(exchange.remaining())
        count = super().recv_into(buffer, nbytes or memoryview(buffer).nbytes, flags)
        exchange.receive(count)
        return count

    def send(self, data: ReadableBuffer, flags: int = 0) -> int:
        self.settimeout(_exchange.get().remaining_to_send())
        return super().send(data, flags)

    def sendall(self, data: ReadableBuffer, flags: int = 0) -> None:
        self.settimeout(_exchange.get().remaining_to_send())
        super().sendall(data, flags)


class _BoundedTLSSocket(_BoundedSocket, ssl.SSLSocket):
    """The same, with TLS. OpenSSL's own reading and writing keep to the timeout as a whole."""

    def do_handshake(self, block: bool = False) -> None:
        exchange = _exchange.get()
        exchange.phase = "TLS handshake"
        self.settimeout(exchange.remaining())
        super().do_handshake(block)


_lookups = threading.BoundedSemaphore(MAX_LOOKUPS)


def resolve(host: str, port: int, timeout: float) -> tuple[Address, ...]:
    """All addresses of a name, in the resolver's order, within `timeout` seconds.

    Raises TimeoutError, or what the resolver raises (socket.gaierror). A lookup cannot be called off, so a
    hanging one is left behind in its thread, and there are at most MAX_LOOKUPS of those.
    """
    found: SimpleQueue[tuple[Address, ...] | Exception] = SimpleQueue()
    end = time.monotonic() + timeout

    def look_up() -> None:
        try:
            rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found.put(tuple(dict.fromkeys(ip_address(row[4][0]) for row in rows)))
        except Exception as error:
            found.put(error)
        finally:
            _lookups.release()

    if not _lookups.acquire(timeout=timeout):
        raise TimeoutError("too many lookups hang")
    threading.Thread(target=look_up, name="lookup", daemon=True).start()
    try:
        result = found.get(timeout=max(end - time.monotonic(), 0))
    except Exception as error:
        raise TimeoutError("name lookup") from error
    if isinstance(result, Exception):
        raise result
    return result


def _open(host: str, port: int, *, to_proxy: bool) -> socket.socket:
    """A connection to `host`, after the gate has seen every address of it; to the proxy itself, without."""
    exchange = _exchange.get()
    exchange.reused = False
    if exchange.gate.proxied != to_proxy:
        raise _Halt(Reason.CHECKER_ERROR, "the connection does not go through the proxy")
    host = host.strip("[]")
    exchange.phase = "name lookup"
    try:
        addresses = literal_addresses(host) or resolve(host, port, exchange.remaining())
    except socket.gaierror as error:
        if to_proxy:
            raise
        told = why(host, exchange.name_servers, until=exchange.deadline)
        raise _Halt(Reason.DNS_FAILURE, _os_detail(error) if told == UNTOLD else told) from error
    if not to_proxy:
        if not exchange.gate.admits_port(port):
            raise _Halt(Reason.BLOCKED_ADDRESS, "port")
        if not exchange.admits(addresses):
            raise _Halt(Reason.BLOCKED_ADDRESS, "address")
    exchange.phase = "connect"
    return _connect(addresses[:MAX_ADDRESSES_TRIED], port, exchange)


def _connect(addresses: tuple[Address, ...], port: int, exchange: _Exchange) -> socket.socket:
    """A connection to the first address that takes one; each gets its share of the time that is left.

    Raises the first error that says something about the site, or else about us (no IPv6 here).
    """
    telling: OSError = OSError(errno.EADDRNOTAVAIL, "no address")
    for tried, address in enumerate(addresses):
        share = exchange.remaining() / (len(addresses) - tried)
        connection = _BoundedSocket(socket.AF_INET if address.version == 4 else socket.AF_INET6)
        try:
            connection.settimeout(share)
            connection.connect((str(address), port))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            connection.close()
            if telling.errno in _OUR_OWN_ERRORS:
                telling = error
        else:
            return connection
    raise telling


# ------------------------------------------------------------------------------ urllib3 and requests, on them


class _GatedConnection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        try:
            return _open(self._dns_host, self.port, to_proxy=self.proxy is not None)
        except OSError as error:
            if self.proxy is not None and not isinstance(error, TimeoutError):
                raise _Halt(Reason.CHECKER_ERROR, f"proxy: {_os_detail(error)}") from error
            raise

    def getresponse(self) -> urllib3.HTTPResponse:  # type: ignore[override]  # as urllib3 itself does
        exchange = _exchange.get()
        exchange.phase = "headers"
        if self.sock is None:
            # urllib3 passes over a connection that was cut while the request went out.
            raise ConnectionResetError(errno.ECONNRESET, "cut while the request went out")
        exchange.address = self._peer() if self.proxy is None else ""
        return super().getresponse()

    def _peer(self) -> str:
        # A connection that has broken meanwhile says so when it is read.
        with suppress(OSError, AttributeError):
            return str(self.sock.getpeername()[0])
        return ""


class _GatedTLSConnection(_GatedConnection, HTTPSConnection):
    pass


class _GatedPool(HTTPConnectionPool):
    ConnectionCls = _GatedConnection


class _GatedTLSPool(HTTPSConnectionPool):
    ConnectionCls = _GatedTLSConnection


_POOLS = {"http": _GatedPool, "https": _GatedTLSPool}


class _GatedAdapter(HTTPAdapter):
    """requests' way to urllib3, through our connections and with one TLS context for all of them."""

    def __init__(self, context: ssl.SSLContext, *, hosts: int, connections: int) -> None:
        self._context = context
        super().__init__(pool_connections=hosts, pool_maxsize=connections)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **options: Any) -> None:
        super().init_poolmanager(connections, maxsize, block, ssl_context=self._context, **options)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        manager = super().proxy_manager_for(proxy, ssl_context=self._context, **options)
        manager.pool_classes_by_scheme = _POOLS
        return manager

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Leave the pool alone: what is trusted stands in the shared context, loaded once."""

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = True,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Any = None,
    ) -> requests.Response:
        """The head of an answer. Its body is left in `raw`, and what it says of cookies in the headers.

        Without a proxy there is little to decide, and what requests looks up each time is left out; errors
        are urllib3's own then.
        """
        if proxies:
            return super().send(request, True, timeout, verify, cert, proxies)
        parts = urlsplit(str(request.url))
        pool = self.poolmanager.connection_from_host(
            parts.hostname, parts.port, parts.scheme, pool_kwargs={"cert_reqs": "CERT_REQUIRED"}
        )
        response = requests.Response()
        response.request, response.url = request, str(request.url)
        response.raw = pool.urlopen(
            str(request.method),
            request.path_url,
            body=request.body,
            headers=request.headers,
            redirect=False,
            assert_same_host=False,
            preload_content=False,
            decode_content=False,
            retries=self.max_retries,
            timeout=timeout,
        )
        response.status_code = response.raw.status
        return response


# ------------------------------------------------------------------------------------------------- the bodies


class _Inflater:
    """Decompresses gzip and deflate piece by piece, never making more than it is asked for."""

    def __init__(self, coding: str) -> None:
        self._coding = coding
        self._stream: Any = None  # zlib's decompressor has no public type
        self._held = b""  # too few bytes to tell what begins with them
        self._ended = False

    def feed(self, data: bytes, room: int) -> bytes:
        """What `data` decompresses to, cut at `room` bytes; raises _Halt when it is not of its coding."""
        made = bytearray()
        data = self._held + data
        self._held = b""
        try:
            while data and len(made) < room and not self._ended:
                if self._stream is not None and self._stream.eof:
                    self._look_for_next_stream(data)
                    continue
                if self._stream is None:
                    if len(data) < 2:
                        self._held = data
                        break
                    self._stream = zlib.decompressobj(self._window_bits(data))
                made += self._stream.decompress(data, room - len(made))
                data = self._stream.unused_data if self._stream.eof else self._stream.unconsumed_tail
        except zlib.error as error:
            raise _Halt(Reason.PROTOCOL_ERROR, f"{self._coding}: corrupt") from error
        return bytes(made)

    def finish(self) -> None:
        """Raise _Halt when the body ended before its compressed stream did."""
        if self._held or (self._stream is not None and not self._stream.eof):
            raise _Halt(Reason.PROTOCOL_ERROR, f"{self._coding}: incomplete")

    def _window_bits(self, data: bytes) -> int:
        if self._coding == "gzip":
            return 16 + zlib.MAX_WBITS
        # RFC 9110, section 8.4.1.2: "deflate" means zlib's format, and some servers send the bare stream.
        has_zlib_header = data[0] & 0x0F == 8 and int.from_bytes(data[:2], "big") % 31 == 0
        return zlib.MAX_WBITS if has_zlib_header else -zlib.MAX_WBITS

    def _look_for_next_stream(self, data: bytes) -> None:
        """A gzip body may be several streams on end (RFC 1952); anything else after a stream is ignored."""
        if self._coding == "gzip" and b"\x1f\x8b".startswith(data[:2]):
            self._stream = None
        else:
            self._ended = True


def _content_coding(header: str) -> str:
    """The coding to undo: "", "gzip" or "deflate"; raises _Halt for any that was not asked for."""
    codings = [word.strip().lower().removeprefix("x-") for word in header.split(",")]
    codings = [word for word in codings if word not in {"", "identity"}]
    if not codings:
        return ""
    if codings in (["gzip"], ["deflate"]):
        return codings[0]
    raise _Halt(Reason.PROTOCOL_ERROR, "a content coding that was not asked for")


# ----------------------------------------------------------------------------------------- what failures mean

_LOOKUP_DETAILS = {
    socket.EAI_NONAME: "the name did not resolve",
    socket.EAI_AGAIN: "temporary failure",
    socket.EAI_FAIL: "the resolver failed",
}
if hasattr(socket, "EAI_NODATA"):
    _LOOKUP_DETAILS[socket.EAI_NODATA] = "the name has no address"

_CERTIFICATE_DETAILS = {  # by OpenSSL's X509_V_ERR_... numbers; its messages would repeat the host
    9: "not yet valid",
    10: "expired",
    18: "self-signed",
    19: "self-signed",
    20: "unknown issuer",
    21: "unknown issuer",
    23: "revoked",
    62: "hostname mismatch",
    64: "hostname mismatch",
}

_OUR_OWN_ERRORS = frozenset(  # what they say is about this machine, not about the site
    {
        errno.EACCES,
        errno.EADDRNOTAVAIL,
        errno.EAFNOSUPPORT,
        errno.EMFILE,
        errno.ENETDOWN,
        errno.ENETUNREACH,
        errno.ENFILE,
        errno.ENOBUFS,
        errno.ENOMEM,
        errno.EPERM,
    }
)

_HTTP_DETAILS = {
    BadStatusLine: "malformed status line",
    LineTooLong: "a line is too long",
    HTTPException: "too many headers",  # http.client raises the bare class for this alone
}


def _os_detail(error: OSError) -> str:
    if isinstance(error, socket.gaierror):
        return _LOOKUP_DETAILS.get(error.errno or 0, "the resolver failed")
    return errno.errorcode.get(error.errno or 0, type(error).__name__)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and all that it wraps, in whichever of their ways requests, urllib3 and Python do it."""
    waiting: list[object] = [error]
    seen: set[int] = set()
    while waiting:
        each = waiting.pop(0)
        if isinstance(each, BaseException) and id(each) not in seen:
            seen.add(id(each))
            yield each
            waiting += [*each.args, getattr(each, "reason", None), each.__cause__, each.__context__]


def _failure_of(error: Exception, phase: str) -> tuple[Reason, str]:
    """What an error on the way to an answer means: one of the transport reasons, and a word of detail."""
    causes = list(_causes(error))
    for cause in causes:
        match cause:
            case _TooMuch():
                return Reason.PROTOCOL_ERROR, f"{phase}: too many bytes"
            case TimeoutError() | requests.Timeout() | urllib3.exceptions.TimeoutError():
                return Reason.TIMEOUT, phase
            case socket.gaierror():
                return Reason.DNS_FAILURE, _os_detail(cause)
            case ssl.SSLCertVerificationError():
                word = _CERTIFICATE_DETAILS.get(cause.verify_code, f"error {cause.verify_code}")
                return Reason.TLS_FAILURE, f"certificate: {word}"
            case ssl.SSLError():
                return Reason.TLS_FAILURE, cause.reason or type(cause).__name__
            case RemoteDisconnected():
                return Reason.REFUSED, "closed without an answer"
            case IncompleteRead() | urllib3.exceptions.IncompleteRead():
                return Reason.PROTOCOL_ERROR, "incomplete body"
            case HTTPException():
                return Reason.PROTOCOL_ERROR, _HTTP_DETAILS.get(type(cause), type(cause).__name__)
            case OSError() if found := re.match(r"Tunnel connection failed: (\d{3})", str(cause)):
                wants_password = found[1] == "407"
                reason = Reason.CHECKER_ERROR if wants_password else Reason.REFUSED
                return reason, f"the proxy answered {found[1]}"
            case OSError() if cause.errno is not None:
                ours = cause.errno in _OUR_OWN_ERRORS
                return Reason.CHECKER_ERROR if ours else Reason.REFUSED, _os_detail(cause)
    if any(isinstance(cause, urllib3.exceptions.HTTPError) for cause in causes):
        return Reason.PROTOCOL_ERROR, type(causes[-1]).__name__
    return Reason.CHECKER_ERROR, type(error).__name__


# -------------------------------------------------------------------------------------------------- the fetch


class Fetcher:
    """Answers an `Ask` from the network. Threads may share one; settings are read when it is made.

    `pace` is called with the host in the URL (and its port, unless it is the scheme's own) before every
    request, redirects included, and returns when the request may go out. Time spent in it does not count
    against CHECK_TIMEOUT. Network trouble never raises: it comes back as the answer's `failure`. What does is
    OutOfTurn, also from `pace`: then the ask was not made, or not to its end.

    Raises ImproperlyConfigured when CHECK_PROXY or CHECK_CA_BUNDLE cannot be used.
    """

    def __init__(self, pace: Callable[[str], None] | None = None) -> None:
        self.pace = pace
        self.gate = Gate.from_settings()
        self.only_named = clock.is_simulated()
        self.name_servers = () if self.only_named else name_servers()
        self.timeout = float(settings.CHECK_TIMEOUT)
        self.max_bytes = int(settings.CHECK_MAX_BYTES)
        self.proxies = _proxies(settings.CHECK_PROXY)
        self.headers = {
            "User-Agent": user_agent(),
            "Accept-Language": "en",
            "Accept-Encoding": "gzip, deflate",
            "Connection": "keep-alive",
        }
        threads = int(settings.CHECK_CONCURRENCY)
        self.adapter = _GatedAdapter(
            _tls_context(settings.CHECK_CA_BUNDLE), hosts=HOSTS_A_THREAD * threads, connections=threads
        )

    def __call__(self, ask: Ask, *, ends: Callable[[], float] = lambda: math.inf) -> Answer:
        """Ask, follow redirects, read: all within CHECK_TIMEOUT seconds and CHECK_MAX_BYTES bytes.

        `ends` says until when there is a right to ask, on the monotonic clock. Nothing is sent after it, not
        even if this process stood still in the middle of an ask: OutOfTurn is raised instead.
        """
        visit = _Visit(self, ask, ends)
        token = _exchange.set(visit.exchange)
        try:
            return visit.answer()
        finally:
            _exchange.reset(token)

    def close(self) -> None:
        """Close the connections that are kept open between asks."""
        self.adapter.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class _Visit:
    """One ask on its way: where it is, what it followed, what it may still use."""

    def __init__(self, fetcher: Fetcher, ask: Ask, ends: Callable[[], float]) -> None:
        self.fetcher = fetcher
        self.ask = ask
        self.cookies = RequestsCookieJar()  # of this ask alone
        self.url = ask.url
        self.hops: list[Hop] = []
        self.own_headers: Mapping[str, str] = ask.headers
        self.received_bytes = 0
        self.started_at: datetime | None = None
        self.begun = time.monotonic()
        self.waited = 0.0
        self.exchange = _Exchange(
            fetcher.gate, fetcher.only_named, self.begun + fetcher.timeout, fetcher.name_servers, ends
        )

    def answer(self) -> Answer:
        response: requests.Response | None = None
        try:
            response = self._follow()
            body, truncated = (b"", False) if self.ask.head_only else self._read(response.raw)
            return self._finish(
                status=response.status_code,
                headers=_plain_headers(response.raw.headers),
                body=body,
                truncated=truncated,
            )
        except _Halt as halt:
            return self._finish(failure=halt.reason, detail=halt.detail)
        except OutOfTurn:
            raise
        except Exception as error:
            reason, detail = _failure_of(error, self.exchange.phase)
            if reason is Reason.CHECKER_ERROR:
                # Neither the message nor the traceback's text: both can hold the URL.
                frame = traceback.extract_tb(error.__traceback__)[-1]
                logger.error("Checker error %s in %s, line %s", detail, frame.filename, frame.lineno)
            return self._finish(failure=reason, detail=detail)
        finally:
            if response is not None:
                response.close()  # a connection whose answer was not read to its end is not used again

    def _follow(self) -> requests.Response:
        """The first answer that does not send us on.

        1. The URL passes the gate, and so does the form that requests makes of it.
        2. The host's pace is waited for, and the request sent.
        3. A redirect is left; its target is the next URL.
        """
        place = self._examine(self.url)
        states = {self._state(self.url)}
        while True:
            response = self._send(place)
            location = response.raw.headers.getlist("location")
            follows = self.ask.follow_redirects and not self.ask.post
            if response.status_code not in REDIRECTS or not location or not follows:
                return response
            self._leave(response)
            if len(self.hops) == MAX_REDIRECTS:
                raise _Halt(Reason.TOO_MANY_REDIRECTS, f"more than {MAX_REDIRECTS}")
            target = _redirect_target(self.url, location[0])
            next_place = self._examine(target)
            if next_place not in (place, _upgraded(place)):
                self.own_headers = {}  # a token is for the host it was meant for, and does not come back
            if self._state(target) in states:
                raise _Halt(Reason.TOO_MANY_REDIRECTS, "a loop")
            states.add(self._state(target))
            self.hops.append(Hop(response.status_code, target))
            self.url, place = target, next_place

    def _leave(self, response: requests.Response) -> None:
        """Close a redirect unread, and its connection with it; a short body is read, which lets that be kept.

        What does not come at once, or not to its end, costs the connection and no more.
        """
        length = response.raw.headers.get("content-length", "")
        if length.isdecimal() and len(length) <= SHORT_BODY_DIGITS:
            before = self.exchange.deadline
            self.exchange.deadline = min(before, time.monotonic() + SHORT_BODY_SECONDS)
            response.raw.drain_conn()
            self.exchange.deadline = before
        response.close()

    def _state(self, url: str) -> tuple[str, ...]:
        """All that the next request would differ by: sites do send visitors back once they have a cookie."""
        cookies = (f"{cookie.domain} {cookie.name}={cookie.value}" for cookie in self.cookies)
        return (url, *sorted(cookies))

    def _examine(self, url: str) -> Place:
        place = self.fetcher.gate.examine(url)
        if isinstance(place, Refusal):
            raise _Halt(Reason.BLOCKED_ADDRESS, place.word)
        if self.fetcher.only_named and self.fetcher.gate.proxied:
            # The proxy would look the name up, out of our sight.
            addresses = literal_addresses(place.host)
            if not addresses or not self.exchange.admits(addresses):
                raise _Halt(Reason.BLOCKED_ADDRESS, "address")
        return place

    def _send(self, place: Place) -> requests.Response:
        """One request, and the head of its answer."""
        prepared = self._prepared()
        # What requests made of the URL is what goes out.
        if prepared.url != self.url and self._examine(str(prepared.url)) != place:
            raise _Halt(Reason.BLOCKED_ADDRESS, "ambiguous")
        while True:
            self._wait(place)
            self.exchange.phase = "connect"
            self.exchange.reused = True
            self.exchange.allowance = MAX_HEADER_BYTES
            try:
                return self._head(prepared)
            except (requests.ConnectionError, urllib3.exceptions.HTTPError) as error:
                # A server may close an idle connection just as we use it again: that says nothing about the
                # URL. The broken connection is gone from the pool, so this ends with a fresh one.
                reason, _ = _failure_of(error, self.exchange.phase)
                if reason is not Reason.REFUSED or not self.exchange.reused:
                    raise

    def _prepared(self) -> requests.PreparedRequest:
        """The next request, with nothing of the environment: no proxies, no passwords of .netrc."""
        prepared = requests.PreparedRequest()
        prepared.prepare_method("POST" if self.ask.post else "HEAD" if self.ask.head_only else "GET")
        try:
            prepared.prepare_url(self.url, None)
        except (requests.exceptions.InvalidURL, UnicodeError) as error:
            raise _Halt(Reason.BLOCKED_ADDRESS, "malformed") from error
        headers = {**self.fetcher.headers, "Accept": self.ask.accept, **self.own_headers}
        if self.ask.post:
            headers["Content-Type"] = "application/json"
        prepared.prepare_headers(headers)
        if len(self.cookies):
            prepared.prepare_cookies(self.cookies)
        prepared.prepare_body(self.ask.post.encode() if self.ask.post else None, None)
        return prepared

    def _head(self, prepared: requests.PreparedRequest) -> requests.Response:
        timeout = self.exchange.remaining()
        response = self.fetcher.adapter.send(prepared, timeout=timeout, proxies=self.fetcher.proxies)
        if "set-cookie" in response.raw.headers:
            extract_cookies_to_jar(self.cookies, prepared, response.raw)  # type: ignore[no-untyped-call]
        if response.status_code < 200:
            # Only 100 is understood below us; whatever follows must not be taken for the next URL's answer.
            response.close()
            raise _Halt(Reason.PROTOCOL_ERROR, f"an interim answer ({response.status_code})")
        self.exchange.phase = "body"
        return response

    def _wait(self, place: Place) -> None:
        """Let the host's pace pass, off the record of our own time."""
        before = time.monotonic()
        if self.fetcher.pace is not None:
            self.fetcher.pace(place.label)
        waited = time.monotonic() - before
        self.waited += waited
        self.exchange.deadline += waited
        self.started_at = self.started_at or clock.now()

    def _read(self, raw: Any) -> tuple[bytes, bool]:
        """The decoded body up to the cap, and whether there was more."""
        limit = self.fetcher.max_bytes
        coding = _content_coding(", ".join(raw.headers.getlist("content-encoding")))
        inflater = _Inflater(coding) if coding else None
        self.exchange.allowance = FRAMING_FACTOR * limit + MAX_HEADER_BYTES
        body = bytearray()
        while data := raw.read1(READ_SIZE, decode_content=False):
            self.received_bytes += len(data)
            room = limit - len(body) + 1  # one more than may be kept shows that there is more
            body += inflater.feed(data, room) if inflater else data[:room]
            if len(body) > limit or self.received_bytes > limit + COMPRESSION_OVERHEAD:
                return bytes(body[:limit]), True
        if inflater:
            inflater.finish()
        return bytes(body), False

    def _finish(
        self,
        *,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        truncated: bool = False,
        failure: Reason | None = None,
        detail: str = "",
    ) -> Answer:
        now = clock.now()
        started_at = self.started_at or now
        return Answer(
            ask=self.ask,
            started_at=started_at,
            finished_at=max(started_at, now),  # the wall clock may be set back while we wait
            status=status,
            url=self.url,
            hops=tuple(self.hops),
            headers=headers or {},
            body=body,
            truncated=truncated,
            received_bytes=self.received_bytes,
            elapsed_ms=round((time.monotonic() - self.begun - self.waited) * 1000),
            address=self.exchange.address if status is not None else "",
            failure=failure,
            detail=detail,
        )


def user_agent() -> str:
    """Who asks, and where to read why: honest, in the form that sites expect of a browser."""
    try:
        version = metadata.version("still-up")
    except metadata.PackageNotFoundError:
        version = "unreleased"
    return f"Mozilla/5.0 (compatible; StillUp/{version}; +{settings.CHECK_CONTACT_URL})"


def _upgraded(place: Place) -> Place:
    """The same place by https on its usual port, where a site sends those who come by http."""
    return Place("https", place.host, 443) if place[::2] == ("http", 80) else place


def _redirect_target(base: str, location: str) -> str:
    """The URL that a Location header means, with what browsers tolerate in it written as it should be."""
    with suppress(UnicodeError):
        # http.client reads headers as Latin-1; servers that send more than ASCII send UTF-8.
        location = location.encode("latin-1").decode("utf-8")
    location = re.sub(r"[\x00-\x20\x7f\\]", lambda found: quote(found[0]), location.strip())
    try:
        return urljoin(base, location)
    except ValueError as error:
        raise _Halt(Reason.BLOCKED_ADDRESS, "malformed") from error


def _plain_headers(headers: urllib3.HTTPHeaderDict) -> dict[str, str]:
    """Lower-case names, repeated ones joined, no control characters (a database refuses NUL).

    Of cookies only the names are kept: their values mark visitors.
    """
    plain = {name.lower(): _CONTROL_CHARACTER.sub(" ", ", ".join(headers.getlist(name))) for name in headers}
    if "set-cookie" in plain:
        names = [cookie.partition("=")[0].strip() for cookie in headers.getlist("set-cookie")]
        plain["set-cookie"] = ", ".join(names)
    return plain


def _proxies(proxy: str) -> dict[str, str]:
    """What requests wants to know of CHECK_PROXY."""
    if not proxy:
        return {}
    try:
        parts = urlsplit(proxy)
        usable = parts.scheme == "http" and bool(parts.hostname) and parts.port is not None
    except ValueError:
        usable = False
    if not usable:
        raise ImproperlyConfigured("CHECK_PROXY is not an HTTP proxy. Write it as http://host:port.")
    return {"http": proxy, "https": proxy}


def _tls_context(bundle: str) -> ssl.SSLContext:
    """What all connections trust: CHECK_CA_BUNDLE, or else the certificates of browsers (certifi)."""
    context = create_urllib3_context()
    context.sslsocket_class = _BoundedTLSSocket
    try:
        context.load_verify_locations(bundle or certifi.where())
    except (OSError, ssl.SSLError) as error:
        raise ImproperlyConfigured(
            "CHECK_CA_BUNDLE cannot be read. Give the path of a file of certificates in PEM form."
        ) from error
    return context
