"""The fetch against real servers on loopback, most of which misbehave."""

from __future__ import annotations

import errno
import gzip
import itertools
import logging
import socket
import ssl
import threading
import time
import tracemalloc
import zlib
from contextlib import ExitStack
from datetime import UTC, datetime
from ipaddress import ip_network

import pytest
import time_machine
import trustme
from django.core.exceptions import ImproperlyConfigured

from apps.checks.answer import Ask, Hop
from apps.checks.fetch import Fetcher, resolve
from apps.checks.outcomes import Reason
from apps.checks.turns import OutOfTurn
from apps.core import clock
from tests.checks.name_server import (
    Zone,
    alias_to_nothing,
    at_loopback,
    denied,
    failing,
    refusing,
    silent,
    with_address,
)
from tests.checks.servers import RawServer, answering, proxying, redirect, response, routing

HELLO = response(b"<title>hello</title>", headers=["Content-Type: text/html"])


@pytest.fixture
def allow(settings):
    """Lets the checker visit 127.0.0.1 alone, on the ports of the given servers."""

    def allow(*servers, networks=("127.0.0.1/32",)):
        settings.CHECK_ALLOW_NETWORKS = [ip_network(network) for network in networks]
        settings.CHECK_ALLOW_PORTS = [server.port for server in servers]

    settings.CHECK_TIMEOUT = 5.0
    settings.CHECK_PROXY = ""
    settings.CHECK_CA_BUNDLE = ""
    settings.CLOCK_SPEED = 1
    return allow


@pytest.fixture
def visit(allow):
    """Plays a script on a server and returns the answer to one ask of it."""

    def visit(script, path="/", **asked):
        with RawServer(script) as server:
            allow(server)
            with Fetcher() as fetch:
                return fetch(Ask("page", server.url(path), **asked))

    return visit


def once(*pieces):
    """A script that sends fixed bytes after the first request, and closes."""

    def script(visitor):
        visitor.head()
        for piece in pieces:
            visitor.send(piece)

    return script


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def certified(authority, tmp_path, settings):
    """A server's TLS context for some names, and the checker trusting who signed it."""

    def certified(*names, trusted=True):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(*names).configure_cert(context)
        if trusted:
            bundle = tmp_path / "authority.pem"
            authority.cert_pem.write_to_path(bundle)
            settings.CHECK_CA_BUNDLE = str(bundle)
        return context

    return certified


# ---------------------------------------------------------------------------------------------- a good answer


def test_a_page_comes_back_with_its_facts(visit):
    answer = visit(answering(HELLO), "/page?q=1")
    assert answer.failure is None
    assert answer.status == 200
    assert answer.body == b"<title>hello</title>"
    assert answer.received_bytes == 20
    assert answer.headers["content-type"] == "text/html"
    assert answer.url == answer.ask.url
    assert not answer.truncated
    assert answer.hops == ()
    assert answer.started_at <= answer.finished_at


def test_the_address_of_the_server_is_told_on_new_and_on_kept_connections(allow):
    with RawServer(answering(HELLO)) as server:
        allow(server)
        with Fetcher() as fetch:
            addresses = [fetch(Ask("page", server.url(f"/{number}"))).address for number in range(2)]
        assert server.connections == 1
    assert addresses == ["127.0.0.1"] * 2


def test_nothing_is_sent_once_the_right_to_ask_has_ended(allow):
    with RawServer(answering(HELLO)) as server:
        allow(server)
        now = time.monotonic()
        with Fetcher() as fetch:
            with pytest.raises(OutOfTurn):
                fetch(Ask("page", server.url("/")), ends=lambda: now)
            assert fetch(Ask("page", server.url("/")), ends=lambda: now + 60).status == 200
        assert len(server.heads) == 1


def test_the_checker_says_who_asks(allow, settings):
    settings.CHECK_CONTACT_URL = "https://stillup.example.org/checker/"
    with RawServer(answering(HELLO)) as server:
        allow(server)
        with Fetcher() as fetch:
            fetch(Ask("page", server.url("/a"), accept="application/json", headers={"X-Extra": "1"}))
        head = server.heads[0].lower()
    assert "stillup/" in head
    assert "+https://stillup.example.org/checker/" in head
    assert "accept-language: en" in head
    assert "accept-encoding: gzip, deflate" in head
    assert "accept: application/json" in head
    assert "x-extra: 1" in head


def test_of_a_file_only_the_head_is_asked_for(allow):
    headers = ["Content-Type: video/mp4", "Content-Encoding: gzip"]
    with RawServer(answering(response(length=5_000_000, headers=headers))) as server:
        allow(server)
        with Fetcher() as fetch:
            answers = [fetch(Ask("file", server.url("/a.mp4"), head_only=True)) for _ in range(2)]
        assert [head.split()[0] for head in server.heads] == ["HEAD", "HEAD"]
    for answer in answers:
        assert (answer.status, answer.failure, answer.body, answer.truncated) == (200, None, b"", False)
        assert answer.headers["content-length"] == "5000000"


def test_a_question_is_posted_as_json_and_sent_nowhere_else(allow):
    def elsewhere(visitor):
        visitor.head()
        visitor.send(redirect("/b"))

    with RawServer(elsewhere) as server:
        allow(server)
        with Fetcher() as fetch:
            answer = fetch(Ask("api", server.url("/a"), post='[{"p": "x"}]'))
        head = server.heads[0].lower()
    assert head.startswith("post /a ")
    assert "content-type: application/json" in head
    assert "content-length: 12" in head
    assert (answer.status, answer.hops) == (302, ())


def test_an_answer_is_dated_in_the_time_of_the_record(allow):
    with RawServer(answering(HELLO)) as server:
        allow(server)
        with Fetcher() as fetch, time_machine.travel(datetime(2026, 3, 1, tzinfo=UTC), tick=False):
            answer = fetch(Ask("page", server.url()))
    assert answer.started_at == answer.finished_at == datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize("status", ["404 Not Found", "410 Gone", "451 x", "500 x", "999 Denied", "304 x"])
def test_any_status_is_an_answer(visit, status):
    answer = visit(once(response(status=status)))
    assert (answer.status, answer.failure) == (int(status[:3]), None)


def test_repeated_headers_are_joined_and_cookies_kept_by_name_only(visit):
    headers = ["X-A: 1", "x-a: 2\0", "Set-Cookie: id=secret; Path=/", "Set-Cookie: lang=en"]
    answer = visit(once(response(headers=headers)))
    assert answer.headers["x-a"] == "1, 2 "
    assert answer.headers["set-cookie"] == "id, lang"


def test_a_connection_is_used_again_for_the_next_page(allow):
    with RawServer(answering(HELLO)) as server:
        allow(server)
        with Fetcher() as fetch:
            answers = [fetch(Ask("page", server.url(f"/{number}"))) for number in range(5)]
        assert server.connections == 1
    assert [answer.status for answer in answers] == [200] * 5


@pytest.mark.parametrize("ending", ["close", "reset"])
def test_a_server_that_drops_idle_connections_is_not_mistaken_for_one_that_refuses(allow, ending):
    def script(visitor):
        """Answer the first request of the first connection, and drop the second request unanswered."""
        visitor.head()
        visitor.send(HELLO)
        visitor.head()
        if visitor.server.connections > 1:
            visitor.send(HELLO)
        elif ending == "reset":
            visitor.reset()

    with RawServer(script) as server:
        allow(server)
        hosts = []
        with Fetcher(pace=hosts.append) as fetch:
            first, second = (fetch(Ask("page", server.url(path))) for path in ("/1", "/2"))
        assert server.paths() == ["/1", "/2", "/2"]
    assert first.status == second.status == 200
    assert hosts == [f"127.0.0.1:{server.port}"] * 3


def test_threads_may_share_a_fetcher(allow):
    with RawServer(answering(HELLO)) as server:
        allow(server)
        answers = []
        with Fetcher() as fetch:
            threads = [
                threading.Thread(target=lambda n=n: answers.append(fetch(Ask("page", server.url(f"/{n}")))))
                for n in range(20)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    assert [answer.status for answer in answers] == [200] * 20


def test_every_request_waits_for_its_hosts_pace_and_that_wait_is_not_held_against_it(allow, settings):
    settings.CHECK_TIMEOUT = 0.3
    hosts = []

    def pace(host):
        hosts.append(host)
        threading.Event().wait(0.4)

    with RawServer(routing({"/": redirect("/next"), "/next": HELLO})) as server:
        allow(server)
        with Fetcher(pace=pace) as fetch:
            answer = fetch(Ask("page", server.url()))
    assert answer.status == 200
    assert answer.elapsed_ms < 300
    assert hosts == [f"127.0.0.1:{server.port}"] * 2


# ----------------------------------------------------------------------------------------------- the deadline


def slow_body(visitor):
    visitor.head()
    visitor.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    visitor.drip(b"x" * 100000)


def slow_chunks(visitor):
    visitor.head()
    visitor.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    visitor.drip(b"1\r\nx\r\n" * 10000)


def slow_headers(visitor):
    visitor.head()
    visitor.drip(b"HTTP/1.1 200 OK\r\n" + b"X-Slow: 1\r\n" * 10000)


def silence(visitor):
    visitor.hang()


def endless_continue(visitor):
    visitor.head()
    visitor.drip(b"HTTP/1.1 100 Continue\r\n\r\n" * 10000)


def slow_redirects(visitor):
    while head := visitor.head():
        if visitor.server.stopped.wait(0.15):
            return
        visitor.send(redirect(f"{head.split()[1]}a"))


@pytest.mark.parametrize(
    ("script", "phase"),
    [
        (slow_body, "body"),
        (slow_chunks, "body"),
        (slow_headers, "headers"),
        (endless_continue, "headers"),
        (silence, "headers"),
        (slow_redirects, "headers"),
    ],
)
def test_a_slow_server_gets_the_deadline_and_no_more(visit, settings, script, phase):
    settings.CHECK_TIMEOUT = 0.4
    answer = visit(script)
    assert (answer.failure, answer.detail, answer.status) == (Reason.TIMEOUT, phase, None)
    assert 390 <= answer.elapsed_ms < 1500


def test_a_slow_tls_handshake_gets_the_deadline_and_no_more(allow, settings):
    settings.CHECK_TIMEOUT = 0.4

    def drip_a_record(visitor):
        visitor.connection.recv(1)
        visitor.drip(b"\x16\x03\x03\x40\x00" + b"\x02" * 10000)

    with RawServer(drip_a_record) as server:
        allow(server)
        with Fetcher() as fetch:
            answer = fetch(Ask("page", server.url().replace("http:", "https:")))
    assert (answer.failure, answer.detail) == (Reason.TIMEOUT, "TLS handshake")
    assert 390 <= answer.elapsed_ms < 1500


@pytest.mark.parametrize("script", [slow_body, slow_headers])
def test_the_deadline_holds_behind_tls(allow, settings, certified, script):
    settings.CHECK_TIMEOUT = 0.4
    with RawServer(script, context=certified("127.0.0.1")) as server:
        allow(server)
        with Fetcher() as fetch:
            answer = fetch(Ask("page", server.url()))
    assert answer.failure is Reason.TIMEOUT
    assert 390 <= answer.elapsed_ms < 1500


def test_a_server_that_takes_no_connection_gets_the_deadline_and_no_more(allow, settings):
    settings.CHECK_TIMEOUT = 0.4
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        port = listener.getsockname()[1]
        settings.CHECK_ALLOW_NETWORKS = [ip_network("127.0.0.1/32")]
        settings.CHECK_ALLOW_PORTS = [port]
        # A full backlog leaves further connections hanging.
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(("127.0.0.1", port))
        with Fetcher() as fetch:
            answer = fetch(Ask("page", f"http://127.0.0.1:{port}/"))
        for each in waiting:
            each.close()
    assert answer.failure is Reason.TIMEOUT
    assert 390 <= answer.elapsed_ms < 1500


# --------------------------------------------------------------------------------------------------- the caps


def test_a_body_is_cut_at_the_cap(visit, settings):
    settings.CHECK_MAX_BYTES = 1000
    answer = visit(answering(response(b"x" * 1001)))
    assert (answer.body, answer.truncated, answer.status) == (b"x" * 1000, True, 200)


def test_a_body_of_exactly_the_cap_is_whole(visit, settings):
    settings.CHECK_MAX_BYTES = 1000
    answer = visit(answering(response(b"x" * 1000)))
    assert (answer.body, answer.truncated) == (b"x" * 1000, False)


def endless_body(visitor):
    visitor.head()
    visitor.send(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        visitor.send(b"x" * 65536)


def endless_chunks(visitor):
    visitor.head()
    visitor.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        visitor.send(b"10000\r\n" + b"x" * 65536 + b"\r\n")


@pytest.mark.parametrize("script", [endless_body, endless_chunks])
def test_an_endless_body_is_cut_at_the_cap(visit, settings, script):
    settings.CHECK_MAX_BYTES = 200_000
    answer = visit(script)
    assert (answer.status, answer.truncated, len(answer.body)) == (200, True, 200_000)
    assert answer.received_bytes < 300_000


def test_endless_framing_without_a_body_ends(visit, settings):
    settings.CHECK_MAX_BYTES = 10_000

    def script(visitor):
        visitor.head()
        visitor.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            visitor.send((b"1;" + b"e" * 1000 + b"\r\nx\r\n") * 50)

    answer = visit(script)
    assert (answer.failure, answer.detail) == (Reason.PROTOCOL_ERROR, "body: too many bytes")


@pytest.mark.parametrize("wrapper", ["gzip", "deflate", "redirect", "chunked"])
def test_a_compression_bomb_never_fills_the_memory(visit, settings, wrapper):
    settings.CHECK_MAX_BYTES = 100_000
    bomb = gzip.compress(bytes(50_000_000))  # 48 kB
    headers = ["Content-Encoding: gzip"]
    if wrapper == "deflate":
        bomb, headers = zlib.compress(bytes(50_000_000)), ["Content-Encoding: deflate"]
    if wrapper == "redirect":
        end = response(b"end")
        bomb = response(bomb, status="302 Found", headers=[*headers, "Location: /end"])
        script = routing({"/": bomb, "/end": end})
    elif wrapper == "chunked":
        head = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
        script = once(head.encode() + b"%x\r\n%b\r\n0\r\n\r\n" % (len(bomb), bomb))
    else:
        script = once(response(bomb, headers=headers))
    tracemalloc.start()
    answer = visit(script)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert answer.status == 200
    if wrapper == "redirect":
        assert answer.body == b"end"
    else:
        assert (answer.body, answer.truncated) == (bytes(100_000), True)
    assert peak < 5_000_000


def test_a_compressed_stream_that_never_says_anything_ends(visit, settings):
    settings.CHECK_MAX_BYTES = 10_000
    nothing = gzip.compress(b"")

    def script(visitor):
        visitor.head()
        visitor.send(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n")
        while True:
            visitor.send(nothing * 100)

    answer = visit(script)
    assert (answer.status, answer.truncated, answer.body) == (200, True, b"")


BARE_DEFLATE = zlib.compressobj(wbits=-zlib.MAX_WBITS)
TEXT = b"a page " * 20_000
BARE_TEXT = BARE_DEFLATE.compress(TEXT) + BARE_DEFLATE.flush()


@pytest.mark.parametrize(
    ("coding", "sent"),
    [
        ("gzip", gzip.compress(TEXT)),
        ("x-gzip", gzip.compress(TEXT)),
        ("GZIP", gzip.compress(TEXT)),
        ("identity, gzip", gzip.compress(TEXT)),
        ("gzip", gzip.compress(TEXT[:70_000]) + gzip.compress(TEXT[70_000:])),
        ("gzip", gzip.compress(TEXT) + b"\0\0 padding"),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", BARE_TEXT),
        ("identity", TEXT),
    ],
    ids=["gzip", "x-gzip", "capitals", "identity", "members", "padding", "zlib", "bare", "plain"],
)
@pytest.mark.parametrize("piece", [1, 100, 1_000_000])
def test_a_compressed_page_is_read_however_it_arrives(visit, coding, sent, piece):
    if coding == "identity":
        piece = max(piece, 100)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    pieces = (sent[start : start + piece] for start in range(0, len(sent), piece))
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(each), each) for each in pieces)
    answer = visit(once(head + chunks + b"0\r\n\r\n"))
    assert answer.failure is None
    assert answer.body == TEXT
    assert answer.received_bytes == len(sent)


@pytest.mark.parametrize(
    ("coding", "sent", "detail"),
    [
        ("gzip", gzip.compress(TEXT)[:-20], "gzip: incomplete"),
        ("gzip", gzip.compress(TEXT)[:1], "gzip: incomplete"),
        ("gzip", b"plain text", "gzip: corrupt"),
        ("deflate", zlib.compress(TEXT)[:-5], "deflate: incomplete"),
        ("br", b"anything", "a content coding that was not asked for"),
        ("gzip, gzip", gzip.compress(gzip.compress(TEXT)), "a content coding that was not asked for"),
    ],
    ids=["cut", "one byte", "not gzip", "cut zlib", "brotli", "twice"],
)
def test_a_page_that_cannot_be_decompressed_is_no_answer(visit, coding, sent, detail):
    answer = visit(once(response(sent, headers=[f"Content-Encoding: {coding}"])))
    assert (answer.failure, answer.detail) == (Reason.PROTOCOL_ERROR, detail)
    assert answer.body == b""


def test_an_empty_answer_needs_no_decompression(visit):
    assert visit(once(response(b"", headers=["Content-Encoding: gzip"]))).status == 200


# --------------------------------------------------------------------------------------------- broken answers


@pytest.mark.parametrize(
    ("sent", "detail"),
    [
        (b"HTTP/1.1 200 OK\r\n" + b"X-Flood: 1\r\n" * 200 + b"\r\n", "too many headers"),
        (b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 70_000 + b"\r\n\r\n", "a line is too long"),
        (
            b"HTTP/1.1 200 OK\r\n" + (b"X-Long: " + b"x" * 60_000 + b"\r\n") * 10 + b"\r\n",
            "headers: too many bytes",
        ),
        (b"nonsense\r\n\r\n", "malformed status line"),
        (b"HTTP/1.1 abc OK\r\n\r\n", "malformed status line"),
        (b"HTTP/1.1 42 Low\r\n\r\n", "malformed status line"),
        (b"SSH-2.0-Example\r\n", "malformed status line"),
        (b"\x00\x01\x02\x03\r\n\r\n", "malformed status line"),
        (b"HTTP/9.9 200 OK\r\n\r\n", "UnknownProtocol"),
        (response(b"short", length=50), "incomplete body"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "incomplete body"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe", "incomplete body"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\nab", "InvalidHeader"),
    ],
)
def test_an_answer_that_is_not_http_is_a_protocol_error(visit, sent, detail):
    answer = visit(once(sent))
    assert (answer.failure, answer.detail, answer.status) == (Reason.PROTOCOL_ERROR, detail, None)


def test_a_closed_connection_is_refused(visit):
    answer = visit(lambda visitor: visitor.head())
    assert (answer.failure, answer.detail) == (Reason.REFUSED, "closed without an answer")


@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc"])
def test_a_reset_connection_is_refused(visit, sent):
    def script(visitor):
        visitor.head()
        visitor.send(sent)
        # The reset must not overtake what was sent: wait for the visitor to have taken it.
        visitor.server.stopped.wait(0.1)
        visitor.reset()

    answer = visit(script)
    assert (answer.failure, answer.detail) == (Reason.REFUSED, "ECONNRESET")


def test_an_interim_answer_is_never_taken_for_the_next_pages(allow):
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"
    with RawServer(answering(hints + response(status="404 Not Found"), HELLO)) as server:
        allow(server)
        with Fetcher() as fetch:
            first, second = (fetch(Ask("page", server.url(path))) for path in ("/1", "/2"))
    assert (first.failure, first.detail) == (Reason.PROTOCOL_ERROR, "an interim answer (103)")
    assert second.status == 200


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (errno.EMFILE, Reason.CHECKER_ERROR),
        (errno.ENETUNREACH, Reason.CHECKER_ERROR),
        (errno.EHOSTUNREACH, Reason.REFUSED),
    ],
)
def test_trouble_of_this_machine_is_not_blamed_on_the_site(allow, monkeypatch, code, reason):
    def connect(self, address):
        raise OSError(code, "no")

    monkeypatch.setattr(socket.socket, "connect", connect)
    allow()
    with Fetcher() as fetch:
        answer = fetch(Ask("page", "http://127.0.0.1/"))
    assert (answer.failure, answer.detail) == (reason, errno.errorcode[code])


def test_a_closed_port_is_refused(allow, settings):
    with RawServer() as server:
        allow(server)
    with Fetcher() as fetch:
        answer = fetch(Ask("page", server.url()))
    assert (answer.failure, answer.detail) == (Reason.REFUSED, "ECONNREFUSED")


def test_an_error_of_our_own_is_told_apart_and_logged_without_the_url(allow, caplog):
    def broken(host):
        raise LookupError(f"http://{host}/secret")

    with RawServer(answering(HELLO)) as server:
        allow(server)
        with Fetcher(pace=broken) as fetch:
            answer = fetch(Ask("page", server.url("/secret")))
    assert (answer.failure, answer.detail) == (Reason.CHECKER_ERROR, "LookupError")
    assert "LookupError" in caplog.text
    assert "secret" not in caplog.text


def test_no_log_line_carries_a_url(visit, caplog):
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="urllib3")
    odd = b"HTTP/1.1 200 OK\r\nno colon\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    assert visit(once(odd), "/secret").status == 200
    assert visit(once(redirect("/secret/2")), "/secret").failure is not None
    assert "secret" not in caplog.text
    assert "127.0.0.1" not in caplog.text


# -------------------------------------------------------------------------------------------------- redirects


@pytest.mark.parametrize("status", ["301 a", "302 a", "303 a", "307 a", "308 a"])
def test_redirects_are_followed_and_listed(allow, status):
    routes = {"/": redirect("/b/../c?x=1#y", status=status), "/c?x=1": redirect("d"), "/d": HELLO}
    with RawServer(routing(routes)) as server:
        allow(server)
        with Fetcher() as fetch:
            answer = fetch(Ask("page", server.url("/")))
        base = server.url("")
    assert answer.status == 200
    assert answer.hops == (Hop(int(status[:3]), f"{base}/c?x=1#y"), Hop(302, f"{base}/d"))
    assert answer.url == f"{base}/d"


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ("/a b", "/a%20b"),
        ("  /padded  ", "/padded"),
        ("/ü".encode().decode("latin-1"), "/%C3%BC"),
        ("/%C3%BC", "/%C3%BC"),
        ("?q=1", "/?q=1"),
        ("\\\\example.org\\", "/%5C%5Cexample.org%5C"),
    ],
)
def test_a_location_is_read_as_browsers_read_it(allow, location, path):
    with RawServer(routing({"/": redirect(location), path: HELLO})) as server:
        allow(server)
        with Fetcher() as fetch:
            answer = fetch(Ask("page", server.url("/")))
        assert server.paths() == ["/", path]
    assert answer.status == 200


def test_a_connection_outlasts_a_redirect_with_a_short_body(allow):
    moved = response(b"It has moved.", status="301 Moved", headers=["Location: /b"])
    with RawServer(routing({"/a": moved, "/b": HELLO})) as server:
        allow(server)
        with Fetcher() as fetch:
            answers = [fetch(Ask("page", server.url("/a"))) for _ in range(3)]
        assert server.connections == 1
        assert server.paths() == ["/a", "/b"] * 3
    assert [(answer.status, len(answer.hops)) for answer in answers] == [(200, 1)] * 3
    assert {answer.received_bytes for answer in answers} == {len(answers[0].body)}


@pytest.mark.parametrize(
    "headers",
    [
        ["Content-Length: 9999"],  # of which next to nothing comes
        ["Content-Length: 10000"],
        ["Content-Length: 99999999999999999999999"],
        ["Content-Length: -1"],
        ["Content-Length: ²"],
        ["Transfer-Encoding: chunked"],
        ["Content-Length: 5", "Transfer-Encoding: chunked"],
        [],
    ],
)
def test_a_redirect_whose_body_does_not_come_is_followed_on_another_connection(allow, headers):
    head = "\r\n".join(["HTTP/1.1 302 Found", "Location: /b", *headers, "", "a"]).encode("latin-1")

    def script(visitor):
        path = visitor.head().split()[1]
        if path == "/b":
            visitor.send(HELLO)
            return
        visitor.send(head)
        visitor.hang()

    with RawServer(script) as server:
        allow(server)
        begun = time.monotonic()
        with Fetcher() as fetch:
            answer = fetch(Ask("page", server.url("/a")))
        assert time.monotonic() - begun < Fetcher().timeout / 2
        assert server.connections == 2
    assert (answer.status, answer.failure, len(answer.hops)) == (200, None, 1)


def test_a_redirect_is_an_answer_where_it_is_not_to_be_followed(visit):
    answer = visit(once(redirect("/elsewhere")), follow_redirects=False)
    assert (answer.status, answer.hops) == (302, ())
    assert answer.headers["location"] == "/elsewhere"


def test_a_redirect_to_nowhere_is_an_answer(visit):
    assert visit(once(response(status="302 Found"))).status == 302


def test_ten_redirects_are_followed(allow):
    routes = {f"/{n}": redirect(f"/{n + 1}") for n in range(10)} | {"/10": HELLO}
    with RawServer(routing(routes)) as server:
        allow(server)
        with Fetcher() as fetch:
            answer = fetch(Ask("page", server.url("/0")))
    assert (answer.status, len(answer.hops)) == (200, 10)


def test_eleven_redirects_are_too_many(allow):
    routes = {f"/{n}": redirect(f"/{n + 1}") for n in range(11)} | {"/11": HELLO}
    with RawServer(routing(routes)) as server:
        allow(server)
        with Fetcher() as fetch:
            answer = fetch(Ask("page", server.url("/0")))
        assert "/11" not in server.paths()
    assert (answer.failure, answer.detail) == (Reason.TOO_MANY_REDIRECTS, "more than 10")
    assert len(answer.hops) == 10


def test_a_redirect_loop_is_seen_at_its_second_turn(allow):
    with RawServer(routing({"/a": redirect("/b"), "/b": redirect("/a")})) as server:
        allow(server)
        with Fetcher() as fetch:
            answer = fetch(Ask("page", server.url("/a")))
        assert server.paths() == ["/a", "/b"]
    assert (answer.failure, answer.detail) == (Reason.TOO_MANY_REDIRECTS, "a loop")


def test_a_visitor_sent_back_with_a_cookie_is_in_no_loop(allow):
    def script(visitor):
        while head := visitor.head():
            seen = "Cookie: seen=1" in head
            visitor.send(HELLO if seen else redirect("/", headers=["Set-Cookie: seen=1"]))

    with RawServer(script) as server:
        allow(server)
        with Fetcher() as fetch:
            assert fetch(Ask("page", server.url())).status == 200


def test_no_cookie_outlives_its_ask(allow):
    with RawServer(answering(response(headers=["Set-Cookie: id=1; Path=/; Max-Age=9999"]))) as server:
        allow(server)
        with Fetcher() as fetch:
            for _ in range(2):
                fetch(Ask("page", server.url()))
        assert len(server.heads) == 2
        assert "cookie" not in "".join(server.heads).lower()


@pytest.mark.parametrize(
    ("location", "word"),
    [
        ("file:///etc/passwd", "scheme"),
        ("javascript:alert(1)", "scheme"),
        ("ftp://example.org/", "scheme"),
        ("http://user:secret@127.0.0.1/", "credentials"),
        ("http://169.254.169.254/latest/meta-data/", "address"),
        ("http://0x7f.2/", "address"),
        ("http://[::1]/", "address"),
        ("http://[::ffff:127.0.0.2]/", "address"),
        ("http://127.0.0.1:1/", "port"),
        ("http://printer.local/", "name"),
        ("http://[bad/", "malformed"),
        ("http://exa mple.org/", "host"),
    ],
)
def test_a_redirect_to_what_must_not_be_visited_ends_the_ask(visit, location, word):
    answer = visit(once(redirect(location)))
    assert (answer.failure, answer.detail, answer.hops) == (Reason.BLOCKED_ADDRESS, word, ())


def test_a_private_address_never_sees_a_connection_by_redirect(allow):
    with RawServer(answering(HELLO)) as server, RawServer(answering(HELLO), host="127.0.0.2") as private:
        allow(server, private)
        server.script = answering(redirect(private.url("/secret")))
        with Fetcher() as fetch:
            answer = fetch(Ask("page", server.url()))
        assert private.connections == 0
    assert answer.failure is Reason.BLOCKED_ADDRESS


def test_a_token_is_not_sent_on_to_another_host_nor_back_again(allow):
    with RawServer(answering(HELLO)) as server, RawServer(answering(HELLO)) as other:
        allow(server, other)
        server.script = routing({"/a": redirect("/b"), "/b": redirect(other.url("/c")), "/d": HELLO})
        other.script = routing({"/c": redirect(server.url("/d"))})
        with Fetcher() as fetch:
            answer = fetch(Ask("api", server.url("/a"), headers={"Authorization": "Bearer example"}))
        sent = {
            head.split()[1]: "Authorization: Bearer example" in head for head in server.heads + other.heads
        }
    assert answer.status == 200
    assert sent == {"/a": True, "/b": True, "/c": False, "/d": False}


def test_passwords_of_the_machine_are_not_sent(allow, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login example password example\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with RawServer(answering(HELLO)) as server:
        allow(server)
        with Fetcher() as fetch:
            assert fetch(Ask("page", server.url())).status == 200
        assert "authorization" not in server.heads[0].lower()


# ----------------------------------------------------------------------------------------------- the resolver


def resolver(monkeypatch, *answers):
    """Puts a resolver in the system's place that gives `answers` in turn, and keeps the questions."""
    asked = []
    turns = itertools.chain(answers, itertools.repeat(answers[-1]))

    def getaddrinfo(host, port, *arguments, **options):
        asked.append(host)
        answer = next(turns)
        if isinstance(answer, Exception):
            raise answer
        return [
            (
                socket.AF_INET6 if ":" in address else socket.AF_INET,
                socket.SOCK_STREAM,
                6,
                "",
                (address, port),
            )
            for address in answer
        ]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


def test_a_resolver_that_changes_its_answer_cannot_move_the_connection(allow, monkeypatch):
    with RawServer(once(HELLO)) as server, RawServer(host="127.0.0.2", port=server.port) as private:
        allow(server)
        asked = resolver(monkeypatch, ["127.0.0.1"], ["127.0.0.2"])
        with Fetcher() as fetch:
            first = fetch(Ask("page", server.url(host="models.example.org")))
            second = fetch(Ask("page", server.url(host="models.example.org")))
        assert (server.connections, private.connections) == (1, 0)
    assert first.status == 200
    assert "Host: models.example.org" in server.heads[0]
    assert (second.failure, second.detail) == (Reason.BLOCKED_ADDRESS, "address")
    assert asked == ["models.example.org"] * 2


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.2"],
        ["127.0.0.1", "127.0.0.2"],
        ["127.0.0.1", "10.0.0.1"],
        ["127.0.0.1", "::1"],
        ["127.0.0.1", "fe80::1%lo"],
        ["127.0.0.1", "::ffff:127.0.0.2"],
    ],
)
def test_one_private_address_is_enough_to_refuse_a_name(allow, monkeypatch, addresses):
    with RawServer(once(HELLO)) as server, RawServer(host="127.0.0.2", port=server.port) as private:
        allow(server)
        resolver(monkeypatch, addresses)
        with Fetcher() as fetch:
            answer = fetch(Ask("page", server.url(host="models.example.org")))
        assert (server.connections, private.connections) == (0, 0)
    assert (answer.failure, answer.detail) == (Reason.BLOCKED_ADDRESS, "address")


def test_the_next_address_is_tried_when_one_takes_no_connection(allow, monkeypatch):
    with RawServer(once(HELLO)) as server:
        allow(server, networks=["127.0.0.0/8"])
        resolver(monkeypatch, ["127.0.0.9", "127.0.0.1"])
        with Fetcher() as fetch:
            assert fetch(Ask("page", server.url(host="models.example.org"))).status == 200


@pytest.mark.parametrize(
    ("error", "detail"),
    [
        (socket.gaierror(socket.EAI_NONAME, "no"), "the name did not resolve"),
        (socket.gaierror(socket.EAI_NODATA, "no"), "the name has no address"),
        (socket.gaierror(socket.EAI_AGAIN, "no"), "temporary failure"),
        (socket.gaierror(socket.EAI_FAIL, "no"), "the resolver failed"),
    ],
)
def test_a_resolver_that_fails_is_told_in_its_own_words_where_no_name_server_is_asked(
    allow, monkeypatch, error, detail
):
    resolver(monkeypatch, error)
    with Fetcher() as fetch:
        for scheme in ("http", "https"):
            answer = fetch(Ask("page", f"{scheme}://gone.example.org/"))
            assert (answer.failure, answer.detail) == (Reason.DNS_FAILURE, detail)


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("code", [socket.EAI_NONAME, socket.EAI_AGAIN, socket.EAI_FAIL])
@pytest.mark.parametrize(
    ("says", "detail"),
    [
        ((denied, denied), "NXDOMAIN"),
        ((denied,), "NXDOMAIN from one name server"),
        ((denied, failing), "NXDOMAIN from one name server"),
        ((failing, failing), "SERVFAIL"),
        ((refusing, failing), "SERVFAIL"),
        ((alias_to_nothing, alias_to_nothing), "alias to nothing"),
        ((denied, with_address), "name servers disagree"),
    ],
)
def test_whatever_the_resolver_says_the_reason_is_that_of_the_name_servers(
    allow, settings, monkeypatch, scheme, code, says, detail
):
    resolver(monkeypatch, socket.gaierror(code, "no"))
    with ExitStack() as stack:
        zones = [stack.enter_context(Zone({"gone.example.org": one})) for one in says]
        settings.CHECK_NAME_SERVERS = [(zone.address, zone.port) for zone in zones]
        with Fetcher() as fetch:
            answer = fetch(Ask("page", f"{scheme}://gone.example.org/"))
    assert (answer.failure, answer.detail) == (Reason.DNS_FAILURE, detail)
    assert answer.url == answer.ask.url


def test_an_address_that_a_name_server_gives_is_never_connected_to(allow, settings, monkeypatch):
    with RawServer(answering(HELLO)) as server, Zone({"models.example.org": at_loopback}) as zone:
        allow(server)
        settings.CHECK_NAME_SERVERS = [(zone.address, zone.port)]
        resolver(monkeypatch, socket.gaierror(socket.EAI_AGAIN, "no"))
        with Fetcher() as fetch:
            answer = fetch(Ask("page", server.url(host="models.example.org")))
        assert server.connections == 0
    assert zone.asked
    assert (answer.failure, answer.detail) == (Reason.DNS_FAILURE, "resolves for a name server")


def test_a_silent_name_server_gets_what_is_left_of_the_deadline(allow, settings, monkeypatch):
    settings.CHECK_TIMEOUT = 0.4
    resolver(monkeypatch, socket.gaierror(socket.EAI_AGAIN, "no"))
    with Zone({"gone.example.org": silent}) as zone:
        settings.CHECK_NAME_SERVERS = [(zone.address, zone.port)] * 3
        with Fetcher() as fetch:
            answer = fetch(Ask("page", "http://gone.example.org/"))
    assert (answer.failure, answer.detail) == (Reason.DNS_FAILURE, "no answer")
    assert answer.elapsed_ms < 1500


def test_a_fast_clock_asks_no_name_server(allow, settings, monkeypatch):
    settings.CLOCK_ORIGIN, settings.CLOCK_SPEED = clock.wall(), 14_400
    resolver(monkeypatch, socket.gaierror(socket.EAI_NONAME, "no"))
    with Zone({}) as zone:
        settings.CHECK_NAME_SERVERS = [(zone.address, zone.port)]
        with Fetcher() as fetch:
            answer = fetch(Ask("page", "http://gone.example.org/"))
        assert zone.asked == []
    assert (answer.failure, answer.detail) == (Reason.DNS_FAILURE, "the name did not resolve")


def test_a_hanging_resolver_gets_the_deadline_and_no_more(allow, settings, monkeypatch):
    settings.CHECK_TIMEOUT = 0.3
    release = threading.Event()

    def hang(*arguments, **options):
        release.wait()
        raise socket.gaierror(socket.EAI_AGAIN, "late")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    with Fetcher() as fetch:
        answer = fetch(Ask("page", "http://slow.example.org/"))
    release.set()
    assert (answer.failure, answer.detail) == (Reason.TIMEOUT, "name lookup")
    assert 290 <= answer.elapsed_ms < 1500


def test_the_systems_own_resolver_is_asked(allow):
    assert [str(address) for address in resolve("127.0.0.1", 80, 5)] == ["127.0.0.1"]


# -------------------------------------------------------------------------------------------------------- TLS


def test_a_page_behind_tls_is_read_when_its_certificate_is_trusted(allow, certified, monkeypatch):
    with RawServer(answering(HELLO), context=certified("models.example.org")) as server:
        allow(server)
        resolver(monkeypatch, ["127.0.0.1"])
        with Fetcher() as fetch:
            answers = [fetch(Ask("page", server.url(host="models.example.org"))) for _ in range(2)]
        assert server.connections == 1
    assert [answer.status for answer in answers] == [200, 200]


def test_a_certificate_for_another_name_is_a_tls_failure(allow, certified, monkeypatch):
    with RawServer(answering(HELLO), context=certified("other.example.org")) as server:
        allow(server)
        resolver(monkeypatch, ["127.0.0.1"])
        with Fetcher() as fetch:
            answer = fetch(Ask("page", server.url(host="models.example.org")))
        assert server.heads == []
    assert (answer.failure, answer.detail) == (Reason.TLS_FAILURE, "certificate: hostname mismatch")


def test_a_certificate_that_nobody_vouches_for_is_a_tls_failure(allow, certified):
    with RawServer(answering(HELLO), context=certified("127.0.0.1", trusted=False)) as server:
        allow(server)
        with Fetcher() as fetch:
            answer = fetch(Ask("page", server.url()))
    assert (answer.failure, answer.detail) == (Reason.TLS_FAILURE, "certificate: unknown issuer")


def test_an_expired_certificate_is_a_tls_failure(allow, certified, authority):
    context = certified("127.0.0.1")
    authority.issue_cert("127.0.0.1", not_after=datetime(2020, 1, 1, tzinfo=UTC)).configure_cert(context)
    with RawServer(answering(HELLO), context=context) as server:
        allow(server)
        with Fetcher() as fetch:
            answer = fetch(Ask("page", server.url()))
    assert (answer.failure, answer.detail) == (Reason.TLS_FAILURE, "certificate: expired")


def test_a_certificate_that_vouches_for_itself_is_a_tls_failure(allow, certified, tmp_path):
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.cert_pem.write_to_path(tmp_path / "own.pem")
    authority.private_key_pem.write_to_path(tmp_path / "own.key")
    context.load_cert_chain(tmp_path / "own.pem", tmp_path / "own.key")
    with RawServer(answering(HELLO), context=context) as server:
        allow(server)
        with Fetcher() as fetch:
            answer = fetch(Ask("page", server.url()))
    assert (answer.failure, answer.detail) == (Reason.TLS_FAILURE, "certificate: self-signed")


def test_a_handshake_that_is_refused_is_a_tls_failure(allow, certified):
    context = certified("127.0.0.1")
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("PSK")  # what nobody can agree to without a shared key
    with RawServer(answering(HELLO), context=context) as server:
        allow(server)
        with Fetcher() as fetch:
            answer = fetch(Ask("page", server.url()))
    assert answer.failure is Reason.TLS_FAILURE
    assert "HANDSHAKE_FAILURE" in answer.detail


def test_a_server_that_speaks_no_tls_is_a_tls_failure(allow):
    with RawServer(once(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as server:
        server.script = lambda visitor: (
            visitor.connection.recv(100),
            visitor.send(b"HTTP/1.1 400 x\r\n\r\n"),
        )
        allow(server)
        with Fetcher() as fetch:
            answer = fetch(Ask("page", server.url().replace("http:", "https:")))
    assert (answer.failure, answer.detail) == (Reason.TLS_FAILURE, "WRONG_VERSION_NUMBER")


def test_a_bundle_that_cannot_be_read_is_said_at_once(allow, settings, tmp_path):
    settings.CHECK_CA_BUNDLE = str(tmp_path / "missing.pem")
    with pytest.raises(ImproperlyConfigured, match="CHECK_CA_BUNDLE"):
        Fetcher()


# -------------------------------------------------------------------------------------------------- the proxy


@pytest.mark.parametrize("secure", [False, True])
def test_every_request_goes_through_the_proxy(allow, settings, certified, secure):
    context = certified("models.example.org") if secure else None
    with (
        RawServer(routing({"/": redirect("/next"), "/next": HELLO}), context=context) as site,
        RawServer(proxying(("127.0.0.1", site.port))) as proxy,
    ):
        settings.CHECK_PROXY = proxy.url("")
        scheme = "https" if secure else "http"
        with Fetcher() as fetch:
            answer = fetch(Ask("page", f"{scheme}://models.example.org/"))
        assert [head.split()[1] for head in site.heads] == ["/", "/next"]
        assert {head.split()[0] for head in proxy.heads} == ({"CONNECT"} if secure else {"GET"})
    assert (answer.failure, answer.status, answer.address) == (None, 200, "")


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1/", "http://169.254.169.254/", "http://0x7f.1/", "https://[::1]/", "http://nas.local/"],
)
def test_a_proxy_is_not_asked_for_what_must_not_be_visited(allow, settings, url):
    with RawServer(answering(HELLO)) as proxy:
        settings.CHECK_PROXY = proxy.url("")
        with Fetcher() as fetch:
            answer = fetch(Ask("page", url))
        assert proxy.connections == 0
    assert answer.failure is Reason.BLOCKED_ADDRESS


def test_a_redirect_through_the_proxy_is_gated_too(allow, settings):
    with RawServer(answering(redirect("http://127.0.0.1/"))) as proxy:
        settings.CHECK_PROXY = proxy.url("")
        with Fetcher() as fetch:
            answer = fetch(Ask("page", "http://models.example.org/"))
        assert len(proxy.heads) == 1
    assert answer.failure is Reason.BLOCKED_ADDRESS


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("script", [slow_headers, slow_body, silence])
def test_the_deadline_holds_through_a_proxy(allow, settings, scheme, script):
    settings.CHECK_TIMEOUT = 0.4
    with RawServer(script) as proxy:
        settings.CHECK_PROXY = proxy.url("")
        with Fetcher() as fetch:
            answer = fetch(Ask("page", f"{scheme}://models.example.org/"))
    # A proxy that answers CONNECT with a page ends in a handshake that cannot succeed.
    assert answer.failure in {Reason.TIMEOUT, Reason.TLS_FAILURE}
    assert answer.elapsed_ms < 1500


def test_the_cap_holds_through_a_proxy(allow, settings):
    settings.CHECK_MAX_BYTES = 10_000
    with RawServer(endless_body) as proxy:
        settings.CHECK_PROXY = proxy.url("")
        with Fetcher() as fetch:
            answer = fetch(Ask("page", "http://models.example.org/"))
    assert (answer.truncated, len(answer.body)) == (True, 10_000)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_is_down_is_our_own_error(allow, settings, scheme):
    with RawServer() as proxy:
        settings.CHECK_PROXY = proxy.url("")
    with Fetcher() as fetch:
        answer = fetch(Ask("page", f"{scheme}://models.example.org/"))
    assert (answer.failure, answer.detail) == (Reason.CHECKER_ERROR, "proxy: ECONNREFUSED")


@pytest.mark.parametrize(
    ("status", "reason"), [("502 Bad Gateway", Reason.REFUSED), ("407 Password", Reason.CHECKER_ERROR)]
)
def test_a_tunnel_that_the_proxy_refuses_is_told(allow, settings, status, reason):
    with RawServer(once(response(status=status))) as proxy:
        settings.CHECK_PROXY = proxy.url("")
        with Fetcher() as fetch:
            answer = fetch(Ask("page", "https://models.example.org/"))
    assert (answer.failure, answer.detail) == (reason, f"the proxy answered {status[:3]}")


def test_the_proxys_password_goes_to_the_proxy_alone(allow, settings):
    with (
        RawServer(answering(HELLO)) as site,
        RawServer(proxying(("127.0.0.1", site.port))) as proxy,
    ):
        settings.CHECK_PROXY = f"http://example:example@127.0.0.1:{proxy.port}"
        with Fetcher() as fetch:
            fetch(Ask("page", "http://models.example.org/"))
        assert "Proxy-Authorization: Basic" in proxy.heads[0]


@pytest.mark.parametrize("proxy", ["127.0.0.1:8118", "socks5://127.0.0.1:9050", "http://", "http://h:x"])
def test_a_proxy_that_cannot_be_used_is_said_at_once(allow, settings, proxy):
    settings.CHECK_PROXY = proxy
    with pytest.raises(ImproperlyConfigured, match="http://host:port"):
        Fetcher()


# -------------------------------------------------------------------------------------------------- the clock


def test_a_fast_clock_asks_nobody_outside_the_networks_that_are_named(allow, settings, monkeypatch):
    with RawServer(answering(HELLO)) as server:
        allow(server)
        settings.CLOCK_ORIGIN, settings.CLOCK_SPEED = clock.wall(), 14_400
        resolver(monkeypatch, ["127.0.0.1"], ["8.8.8.8"], ["127.0.0.1", "8.8.8.8"])
        with Fetcher() as fetch:
            asked = Ask("page", server.url(host="models.example.org"))
            assert fetch(asked).status == 200
        for _ in range(2):
            with Fetcher() as fetch:
                assert fetch(asked).failure is Reason.BLOCKED_ADDRESS
        with Fetcher() as fetch:
            assert fetch(Ask("page", "http://8.8.8.8/")).failure is Reason.BLOCKED_ADDRESS


def test_a_fast_clock_sends_no_name_to_a_proxy(allow, settings):
    with RawServer(answering(HELLO)) as proxy:
        allow(proxy)
        settings.CLOCK_ORIGIN, settings.CLOCK_SPEED = clock.wall(), 14_400
        settings.CHECK_PROXY = proxy.url("")
        with Fetcher() as fetch:
            assert fetch(Ask("page", "http://models.example.org/")).failure is Reason.BLOCKED_ADDRESS
            assert fetch(Ask("page", "http://8.8.8.8/")).failure is Reason.BLOCKED_ADDRESS
            assert proxy.connections == 0
            assert fetch(Ask("page", "http://127.0.0.1/")).status == 200
