"""The gate as a whole: whatever is asked for, no socket is ever told to connect to what is not public.

Seen from both ends: by listeners on this machine that count who comes, and by what the interpreter tells of
each connection (`connections.py`). The names of these tests are looked up at a real name server of their own.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import NamedTuple

import pytest
import requests
from django.test import override_settings
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.checks.answer import Answer, Ask
from apps.checks.fetch import REDIRECTS, Fetcher
from apps.checks.outcomes import Reason
from tests.checks.connections import Attempt, surely_public, watched
from tests.checks.name_server import Zone, addressed, in_turn, resolving
from tests.checks.servers import RawServer, answering, proxying, response, routing
from tests.checks.tricks import TRICKS, Trick, addresses, urls

ENTRANCE = "127.0.0.9"  # the one address of this machine that the checker may ask in these tests
PUBLIC = "8.8.8.8"
HELLO = response(b"hello")
HOST = "models.example.org"


def location(url: str, status: str = "302 Found", *more: str) -> bytes:
    """A redirect to anything at all, control characters and other scripts too."""
    lines = [f"HTTP/1.1 {status}", f"Location: {url}", *more, "Content-Length: 0", "Connection: close"]
    return "\r\n".join(lines).encode("utf-8", "surrogatepass") + b"\r\n\r\n"


class Machine:
    """What an attacker would have: listeners on all addresses here, a site, a name server; and a proxy."""

    def __init__(self, stack: ExitStack) -> None:
        self.zone = stack.enter_context(Zone({}))
        self.private = stack.enter_context(RawServer(answering(HELLO), host="0.0.0.0"))
        self.listeners = [self.private]
        with suppress(OSError):  # a machine without IPv6
            self.listeners.append(
                stack.enter_context(RawServer(answering(HELLO), host="::1", port=self.private.port))
            )
        self.site = stack.enter_context(RawServer(answering(HELLO), host=ENTRANCE))
        self.proxy = stack.enter_context(RawServer(proxying((ENTRANCE, self.site.port)), host=ENTRANCE))
        stack.enter_context(resolving(self.zone))
        allowed = {
            "CHECK_ALLOW_NETWORKS": [ipaddress.ip_network(f"{ENTRANCE}/32")],
            "CHECK_ALLOW_PORTS": [self.private.port, self.site.port],
            "CHECK_TIMEOUT": 5.0,
            "CHECK_NAME_SERVERS": [],
        }
        with override_settings(**allowed, CHECK_PROXY=""):
            self.fetch = stack.enter_context(Fetcher())
        with override_settings(**allowed, CHECK_PROXY=self.proxy.url("")):
            self.fetch_by_proxy = stack.enter_context(Fetcher())

    @property
    def port(self) -> int:
        """Where whoever got through would be seen, on every address of this machine."""
        return self.private.port

    def sends_to(self, url: str, status: str = "302 Found", *more: str) -> str:
        """The address of a page of the site that redirects to `url`."""
        self.site.script = routing({"/start": location(url, status, *more)})
        return self.site.url("/start")

    def callers(self) -> int:
        """How many connections the listeners took since the last look, less those of looking."""
        for listener in self.listeners:
            with socket.create_connection(
                ("::1" if ":" in listener.host else "127.0.0.1", self.port)
            ) as line:
                line.sendall(b"GET / HTTP/1.1\r\n\r\n")
                line.recv(100)
        found = sum(listener.connections for listener in self.listeners) - len(self.listeners)
        for listener in self.listeners:
            listener.connections = 0
        return found


class Seen(NamedTuple):
    """One ask, and what it connected to."""

    answer: Answer
    attempts: list[Attempt]


def ask(fetch: Fetcher, url: str) -> Seen:
    fetch.close()  # no connection is left over from an earlier ask
    with watched() as attempts:
        return Seen(fetch(Ask("page", url)), attempts)


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    with ExitStack() as stack:
        yield Machine(stack)


def written(trick: Trick, machine: Machine) -> str:
    return trick.url.replace("{port}", str(machine.port))


def named(trick: Trick) -> str:
    return f"{trick.kind} {trick.url!a}"


# ------------------------------------------------------------------------------------------------- the tricks


@pytest.mark.parametrize("trick", TRICKS, ids=named)
def test_a_trick_leads_nowhere_neither_by_itself_nor_by_redirect_nor_through_a_proxy(
    trick: Trick, machine: Machine
) -> None:
    url = written(trick, machine)
    direct = ask(machine.fetch, url)
    assert (direct.answer.failure, direct.attempts) == (Reason.BLOCKED_ADDRESS, [])
    proxied = ask(machine.fetch_by_proxy, url)
    assert (proxied.answer.failure, proxied.attempts) == (Reason.BLOCKED_ADDRESS, [])
    redirected = ask(machine.fetch, machine.sends_to(url))
    # Some are no URL at all, and so a path of the site that sends there.
    assert {attempt.address for attempt in redirected.attempts} == {ENTRANCE}
    assert machine.callers() == 0


@pytest.mark.parametrize("trick", [trick for trick in TRICKS if trick.plain], ids=named)
def test_the_trick_is_one_an_ordinary_client_ends_up_at_the_listener(trick: Trick, machine: Machine) -> None:
    machine.zone.says = {"localhost": addressed("127.0.0.1")}
    with requests.Session() as plain:
        plain.trust_env = False
        plain.get(written(trick, machine), timeout=5)
    assert machine.callers() == 1


# ------------------------------------------------------------------------------------------------------ names

ZONES = {
    "loopback": addressed("127.0.0.1"),
    "another loopback": addressed("127.8.8.8"),
    "this network": addressed("0.0.0.0"),
    "ipv6 loopback": addressed("::1"),
    "ipv6 unspecified": addressed("::"),
    "mapped": addressed("::ffff:127.0.0.1"),
    "compatible": addressed("::7f00:1"),
    "nat64": addressed("64:ff9b::7f00:1"),
    "6to4": addressed("2002:7f00:1::"),
    "teredo": addressed("2001:0:7f00:1::"),
    "link-local": addressed("fe80::1"),
    "unique local": addressed("fd00:ec2::254"),
    "private": addressed("10.0.0.1"),
    "metadata": addressed("169.254.169.254"),
    "public and private": addressed(PUBLIC, "127.0.0.1"),
    "private and public": addressed("127.0.0.1", PUBLIC),
    "public and private ipv6": addressed(PUBLIC, "::1"),
    "private behind many": addressed(*(f"8.8.8.{last}" for last in range(1, 20)), "127.0.0.1"),
    "an alias to loopback": addressed("127.0.0.1", alias="hidden.example.org."),
    "an alias to a private name": addressed("127.0.0.1", alias="localhost."),
    "an alias to public and private": addressed(PUBLIC, "::1", alias="hidden.example.org."),
}


@pytest.mark.parametrize("zone", ZONES)
def test_a_name_that_leads_here_is_not_asked(zone: str, machine: Machine) -> None:
    machine.zone.says = {HOST: ZONES[zone]}
    for url in (f"http://{HOST}:{machine.port}/", machine.sends_to(f"http://{HOST}:{machine.port}/")):
        answer, attempts = ask(machine.fetch, url)
        assert (answer.failure, answer.detail) == (Reason.BLOCKED_ADDRESS, "address")
        assert {attempt.address for attempt in attempts} <= {ENTRANCE}
    assert machine.callers() == 0


def test_a_public_name_is_asked_at_the_address_that_was_judged(machine: Machine) -> None:
    machine.zone.says = {HOST: in_turn(addressed(PUBLIC), addressed("127.0.0.1"))}
    machine.zone.asked.clear()
    answer, attempts = ask(machine.fetch, f"http://{HOST}:{machine.port}/")
    assert attempts == [(PUBLIC, machine.port)]
    assert answer.failure is Reason.REFUSED
    # Looked up once: there is no second answer that could be another one.
    assert sorted(kind for _, _, kind in machine.zone.asked) == ["A", "AAAA"]
    assert ask(machine.fetch, f"http://{HOST}:{machine.port}/").attempts == []
    assert machine.callers() == 0


def test_a_name_that_changes_its_mind_in_the_middle_of_redirects_is_left(machine: Machine) -> None:
    machine.zone.says = {HOST: in_turn(addressed(ENTRANCE), addressed("127.0.0.1"))}
    port = machine.site.port
    # The site closes after each answer, so that the second page needs a second look-up.
    machine.site.script = routing({"/start": location(f"http://{HOST}:{port}/secret")})
    answer, attempts = ask(machine.fetch, f"http://{HOST}:{port}/start")
    assert attempts == [(ENTRANCE, port)]
    assert (answer.failure, answer.detail) == (Reason.BLOCKED_ADDRESS, "address")
    assert [hop.url for hop in answer.hops] == [f"http://{HOST}:{port}/secret"]


# ----------------------------------------------------------------------------------------- redirects, proxies


@pytest.mark.parametrize("status", sorted(REDIRECTS))
def test_no_kind_of_redirect_leads_inside(status: int, machine: Machine) -> None:
    start = machine.sends_to(f"http://127.0.0.1:{machine.port}/", f"{status} Elsewhere")
    assert ask(machine.fetch, start).attempts == [(ENTRANCE, machine.site.port)]
    assert machine.callers() == 0


@pytest.mark.parametrize(
    "header",
    [
        "Refresh: 0; url={}",
        "Content-Location: {}",
        "Link: <{}>; rel=preload",
        'Alt-Svc: h2="{}"',
        "Location: {}",
    ],
)
def test_other_ways_to_send_a_visitor_on_are_not_followed(header: str, machine: Machine) -> None:
    inside = f"http://127.0.0.1:{machine.port}/"
    page = f"<meta http-equiv=refresh content='0; url={inside}'><base href='{inside}'>".encode()
    machine.site.script = routing(
        {"/": response(page, headers=[header.format(inside), "Content-Type: text/html"])}
    )
    answer, attempts = ask(machine.fetch, machine.site.url("/"))
    assert (answer.status, attempts) == (200, [(ENTRANCE, machine.site.port)])
    assert machine.callers() == 0


def test_the_last_of_many_redirects_is_judged_like_the_first(machine: Machine) -> None:
    pages = {f"/{step}": location(f"/{step + 1}") for step in range(8)}
    machine.site.script = routing({**pages, "/8": location(f"http://2130706433:{machine.port}/")})
    answer, attempts = ask(machine.fetch, machine.site.url("/0"))
    assert (len(answer.hops), answer.detail) == (8, "address")
    assert {attempt.address for attempt in attempts} == {ENTRANCE}
    assert machine.callers() == 0


def test_the_environment_names_no_proxy_and_no_exception_from_one(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "ftp_proxy"):
        for spelling in (name, name.upper()):
            monkeypatch.setenv(spelling, f"http://127.0.0.1:{machine.port}")
    machine.site.script = answering(HELLO)
    seen = ask(machine.fetch, machine.site.url("/"))
    assert (seen.answer.status, seen.attempts) == (200, [(ENTRANCE, machine.site.port)])
    for spelling in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(spelling, "*")
    seen = ask(machine.fetch_by_proxy, "http://models.example.org/")
    assert (seen.answer.status, seen.attempts) == (200, [(ENTRANCE, machine.proxy.port)])
    assert machine.callers() == 0


# --------------------------------------------------------------------------------------------- made at random


NAMES = ("a.example.org", "b.example.org", "xn--bcher-kva.example.org")
_address = st.one_of(st.just(PUBLIC), st.just("2606:4700:4700::1111"), addresses.map(str))
_replies = st.builds(
    addressed, _address, alias=st.sampled_from(["", "", "hidden.example.org.", "localhost."])
) | st.lists(_address, max_size=3).map(lambda rows: addressed(*rows))


def test_whatever_url_is_made_up_no_socket_goes_to_what_is_not_public(machine: Machine) -> None:
    reached: set[str] = set()
    spelled = st.sampled_from(
        [*NAMES, "bücher.example.org", "A.Example.Org", "ａ.example.org", "b.example.org."]
    )

    @settings(max_examples=200)
    @given(
        url=urls(
            names=spelled, ports=st.sampled_from([str(machine.port), str(machine.site.port), "80", "443"])
        ),
        zone=st.fixed_dictionaries(
            {
                name: st.lists(_replies, min_size=1, max_size=2).map(lambda each: in_turn(*each))
                for name in NAMES
            }
        ),
    )
    def holds(url: str, zone: dict[str, object]) -> None:
        machine.zone.says = zone  # type: ignore[assignment]
        for asked in (url, machine.sends_to(url), url):
            for attempt in ask(machine.fetch, asked).attempts:
                assert attempt.address == ENTRANCE or surely_public(attempt.address), (url, attempt)
                reached.add(attempt.address)

    holds()
    assert machine.callers() == 0
    # The property is not held by refusing everything.
    assert any(surely_public(address) for address in reached)
