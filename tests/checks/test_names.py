"""Why a name did not resolve, as real name servers on loopback say it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.checks.names import (
    DISAGREE,
    GONE,
    GONE_FOR_ONE,
    UNTOLD,
    NameServer,
    Said,
    ask,
    name_servers,
    together,
    why,
)
from tests.checks.name_server import (
    Says,
    Zone,
    alias_to_nothing,
    denied,
    denied_by_another_zone,
    denied_by_itself,
    denied_by_parent,
    denied_without_zone,
    failing,
    filtered,
    garbled,
    refusing,
    silent,
    stale,
    with_address,
    with_ipv6_alone,
    without_address,
)

NAME = "gone.example.org"


def asked(says: Says, *, host: str = NAME, seconds: float = 5, truncated: bool = False) -> tuple[Said, Zone]:
    with Zone({NAME: says}, truncated=truncated) as zone:
        said = ask(host, NameServer(zone.address, zone.port), until=time.monotonic() + seconds)
    return said, zone


@pytest.mark.parametrize(
    ("says", "said"),
    [
        (denied, Said.NOT_THERE),
        (denied_by_parent, Said.NOT_THERE),
        (stale, Said.NOT_THERE),
        (denied_without_zone, Said.NO_ZONE),
        (denied_by_another_zone, Said.NO_ZONE),
        (denied_by_itself, Said.NO_ZONE),
        (filtered, Said.FILTERED),
        (alias_to_nothing, Said.ALIAS),
        (without_address, Said.NO_ADDRESS),
        (with_address, Said.RESOLVES),
        (with_ipv6_alone, Said.RESOLVES),
        (failing, Said.FAILED),
        (refusing, Said.REFUSED),
        (garbled, Said.MALFORMED),
    ],
)
def test_what_a_name_server_says_is_told_apart(says: Says, said: Said) -> None:
    assert asked(says)[0] == said


def test_a_silent_name_server_gets_its_time_and_no_more() -> None:
    begun = time.monotonic()
    said, _ = asked(silent, seconds=0.2)
    assert said == Said.SILENT
    assert 0.19 <= time.monotonic() - begun < 2


def test_a_name_server_that_is_not_there_is_silent() -> None:
    with Zone({}) as zone:
        port = zone.port
    assert ask(NAME, NameServer("127.0.0.1", port), until=time.monotonic() + 0.2) == Said.SILENT
    assert ask(NAME, NameServer("127.0.0.1", port), until=time.monotonic() - 1) == Said.SILENT


def test_what_does_not_fit_into_a_datagram_is_fetched_by_tcp() -> None:
    said, zone = asked(denied, truncated=True)
    assert said == Said.NOT_THERE
    assert [transport for transport, _, _ in zone.asked] == ["udp", "tcp"]


def test_a_name_is_asked_as_it_stands_and_an_ipv6_address_only_where_there_is_no_other() -> None:
    _, zone = asked(with_address)
    assert zone.asked == [("udp", NAME, "A")]
    _, zone = asked(without_address, host=f"{NAME}.")
    assert zone.asked == [("udp", NAME, "A"), ("udp", NAME, "AAAA")]


@pytest.mark.parametrize("host", ["a" * 64 + ".example.org", "a..example.org"])
def test_a_name_that_is_none_is_no_reason_to_fail(host: str) -> None:
    with Zone({}) as zone:
        said = ask(host, NameServer(zone.address, zone.port), until=time.monotonic() + 5)
    assert (said, zone.asked) == (Said.MALFORMED, [])


# ------------------------------------------------------------------------------------------ several of them


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ([], UNTOLD),
        ([Said.NOT_THERE], GONE_FOR_ONE),
        ([Said.NOT_THERE, Said.SILENT], GONE_FOR_ONE),
        ([Said.NOT_THERE, Said.NO_ZONE], GONE_FOR_ONE),
        ([Said.NOT_THERE, Said.NOT_THERE], GONE),
        ([Said.NOT_THERE, Said.FAILED, Said.NOT_THERE], GONE),
        ([Said.NOT_THERE, Said.NOT_THERE, Said.RESOLVES], DISAGREE),
        ([Said.NOT_THERE, Said.NOT_THERE, Said.ALIAS], DISAGREE),
        ([Said.NOT_THERE, Said.NOT_THERE, Said.NO_ADDRESS], DISAGREE),
        ([Said.NOT_THERE, Said.NOT_THERE, Said.FILTERED], str(Said.FILTERED)),
        ([Said.NO_ZONE, Said.NO_ZONE], str(Said.NO_ZONE)),
        ([Said.ALIAS, Said.ALIAS], str(Said.ALIAS)),
        ([Said.RESOLVES], str(Said.RESOLVES)),
        ([Said.NO_ADDRESS, Said.RESOLVES], DISAGREE),
        ([Said.SILENT, Said.REFUSED, Said.FAILED], str(Said.FAILED)),
        ([Said.SILENT, Said.MALFORMED], str(Said.MALFORMED)),
        ([Said.SILENT], str(Said.SILENT)),
    ],
)
def test_what_several_say_is_taken_together(said: Sequence[Said], told: str) -> None:
    assert together(said) == told


@given(st.lists(st.sampled_from(list(Said)), max_size=4))
def test_a_name_is_gone_only_if_two_say_so_and_none_knows_better(said: list[Said]) -> None:
    told = together(said)
    assert told == together(reversed(said))
    better = {Said.RESOLVES, Said.ALIAS, Said.NO_ADDRESS, Said.FILTERED}
    assert (told == GONE) == (said.count(Said.NOT_THERE) > 1 and better.isdisjoint(said))


def test_several_name_servers_share_the_time() -> None:
    with ExitStack() as stack:
        zones = [stack.enter_context(Zone({NAME: says})) for says in (silent, denied, denied, denied)]
        servers = [NameServer(zone.address, zone.port) for zone in zones]
        begun = time.monotonic()
        assert why(NAME, [*servers[:1], *servers], until=begun + 0.9) == GONE
        assert time.monotonic() - begun < 2
    assert [len(zone.asked) for zone in zones] == [1, 1, 1, 0]


def test_no_time_is_no_answer() -> None:
    with Zone({}) as zone:
        assert why(NAME, [NameServer(zone.address, zone.port)], until=time.monotonic() - 1) == "no answer"


def test_the_systems_name_servers_are_asked_unless_others_are_named(settings: Any) -> None:
    settings.CHECK_NAME_SERVERS = [("192.0.2.53", 53), ("2001:db8::53", 5353)]
    assert name_servers() == (NameServer("192.0.2.53"), NameServer("2001:db8::53", 5353))
    settings.CHECK_NAME_SERVERS = []
    assert name_servers() == ()
    settings.CHECK_NAME_SERVERS = None
    assert all(server.port == 53 for server in name_servers())
