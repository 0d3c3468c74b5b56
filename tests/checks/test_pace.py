"""A host is asked at its pace, however many threads, processes and machines want to."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import redis
import time_machine
from django.db.models import F

from apps.checks.models import Turn
from apps.checks.pace import Pacer
from apps.checks.turns import DatabaseTurns, OutOfTurn, RedisTurns, Turns
from tests.checks.making import at

pytestmark = pytest.mark.django_db(transaction=True)

INTERVAL = 2.0
ONE = "one.example.org"
OTHER = "other.example.org"


class Place:
    """Where turns are given out, and a way to let time pass there without waiting for it."""

    def __init__(self, turns: Callable[[], Turns], shift: Callable[[int], None]) -> None:
        self.turns = turns
        self.shift = shift
        self.slept: list[float] = []

    def pass_time(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.shift(round(seconds * 1_000_000))


@pytest.fixture
def store(valkey_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(f"{valkey_url.rstrip('/')}/7") as client:
        client.flushdb()
        yield client


@pytest.fixture
def in_redis(store: redis.Redis, valkey_url: str) -> Place:
    def shift(microseconds: int) -> None:
        for key in store.scan_iter("still-up:asked*"):
            store.set(key, int(store.get(key) or 0) - microseconds, keepttl=True)

    place = Place(lambda: RedisTurns(f"{valkey_url.rstrip('/')}/7"), shift)
    first = place.turns()
    first.take(OTHER, INTERVAL)
    first.close()
    place.shift(60_000_000)  # its memory goes back a minute
    return place


@pytest.fixture
def in_the_database() -> Place:
    def shift(microseconds: int) -> None:
        Turn.objects.update(asked_at=F("asked_at") - microseconds)

    return Place(DatabaseTurns, shift)


@pytest.fixture(params=["in_redis", "in_the_database"])
def place(request: pytest.FixtureRequest) -> Place:
    found: Place = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def pacer(place: Place, settings: Any) -> Iterator[Callable[[], Pacer]]:
    """Makes Pacers, each as in a process of its own."""
    settings.CHECK_HOST_INTERVAL = INTERVAL
    made: list[Pacer] = []

    def make() -> Pacer:
        made.append(Pacer(turns=place.turns, sleep=place.pass_time))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_the_first_request_goes_at_once_and_the_next_ones_wait_whoever_asks(
    place: Place, pacer: Callable[[], Pacer]
) -> None:
    here, there = pacer(), pacer()
    for asker in (here, there, there, here):
        asker(ONE)
    here(OTHER)
    # What has really passed meanwhile counts, too.
    assert 3 * INTERVAL - 1.0 < sum(place.slept) <= 3 * INTERVAL
    assert here.waiting == 0


def test_time_that_passed_counts(place: Place, pacer: Callable[[], Pacer]) -> None:
    here, there = pacer(), pacer()
    here(ONE)
    assert 0 < here.seconds_until_free(ONE) <= INTERVAL
    assert there.seconds_until_free(ONE) == 0  # it does not know yet
    place.shift(1_500_000)
    there(ONE)
    assert 0 < sum(place.slept) <= 0.5
    place.slept.clear()
    place.shift(60_000_000)
    here(ONE)
    assert place.slept == []


def test_threads_of_several_processes_get_one_moment_each(place: Place, settings: Any) -> None:
    settings.CHECK_HOST_INTERVAL = 0.03
    pacers = [Pacer(turns=place.turns) for _ in range(3)]
    threads = [threading.Thread(target=one, args=[ONE]) for one in pacers * 3]
    before = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert time.monotonic() - before >= (len(threads) - 1) * 0.03
    for one in pacers:
        one.close()


def test_nothing_is_asked_too_early_because_redis_has_lost_its_data(
    in_redis: Place, store: redis.Redis, settings: Any
) -> None:
    settings.CHECK_HOST_INTERVAL = INTERVAL
    pacer = Pacer(turns=in_redis.turns, sleep=in_redis.pass_time)
    pacer(ONE)
    store.flushdb()
    pacer(ONE)
    pacer(OTHER)
    pacer.close()
    assert INTERVAL - 1.0 < sum(in_redis.slept) <= INTERVAL


def test_what_redis_remembers_goes_by_itself(in_redis: Place, store: redis.Redis) -> None:
    turns = in_redis.turns()
    assert turns.take(ONE, INTERVAL) == 0
    assert 0 < store.pttl(f"still-up:asked:{ONE}") <= INTERVAL * 1000 + 1
    turns.close()


def test_nobody_is_asked_while_nobody_can_say_when(settings: Any) -> None:
    settings.CHECK_HOST_INTERVAL = INTERVAL
    pacer = Pacer(turns=lambda: RedisTurns("unix:///nowhere"))
    with pytest.raises(OutOfTurn):
        pacer(ONE)
    settings.CHECK_HOST_INTERVAL = 0
    pacer(ONE)  # a host without a pace needs no turn
    pacer.close()


def test_nobody_is_asked_after_the_checker_has_stopped(pacer: Callable[[], Pacer]) -> None:
    here = pacer()
    here.close()
    with pytest.raises(OutOfTurn):
        here(ONE)


def test_a_host_that_asks_to_be_left_alone_is(pacer: Callable[[], Pacer]) -> None:
    here = pacer()
    with time_machine.travel(at(0), tick=False):
        here.hold(ONE, at(0) + timedelta(seconds=90))
        assert 89 < here.seconds_until_free(ONE) <= 90
        assert timedelta(seconds=89) < here.rest([ONE, OTHER]) <= timedelta(seconds=90)
        assert here.rest([OTHER]) == timedelta(0)


def test_no_thread_sleeps_for_as_long_as_a_host_wants_to_be_left_alone(
    place: Place, pacer: Callable[[], Pacer]
) -> None:
    here = pacer()
    with time_machine.travel(at(0), tick=False):
        here.hold(ONE, at(0) + timedelta(hours=20))
    here(ONE)
    assert place.slept == []
    assert here.seconds_held(ONE) > 19 * 3600
