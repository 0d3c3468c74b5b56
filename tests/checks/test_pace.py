"""A host is asked at its pace, however many threads want to."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
import time_machine

from apps.checks.pace import Pacer
from tests.checks.making import at


class Clock:
    """A monotonic clock that only moves when somebody sleeps; safe for threads."""

    def __init__(self) -> None:
        self.time = 100.0
        self.slept: list[float] = []
        self.lock = threading.Lock()

    def monotonic(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        with self.lock:
            self.slept.append(seconds)


@pytest.fixture
def paced(settings: object) -> tuple[Clock, Pacer]:
    settings.CHECK_HOST_INTERVAL = 2.0  # type: ignore[attr-defined]
    clock = Clock()
    return clock, Pacer(monotonic=clock.monotonic, sleep=clock.sleep)


def test_the_first_request_goes_at_once_and_the_next_ones_wait_their_turn(paced: tuple[Clock, Pacer]) -> None:
    clock, pacer = paced
    for _ in range(3):
        pacer("one.example.org")
    pacer("other.example.org")
    assert clock.slept == [2.0, 4.0]


def test_time_that_passed_counts(paced: tuple[Clock, Pacer]) -> None:
    clock, pacer = paced
    pacer("one.example.org")
    assert pacer.seconds_until_free("one.example.org") == 2.0
    clock.time += 1.5
    pacer("one.example.org")
    clock.time += 60
    pacer("one.example.org")
    assert clock.slept == [0.5]


def test_threads_that_ask_at_once_get_one_moment_each(paced: tuple[Clock, Pacer]) -> None:
    clock, pacer = paced
    threads = [threading.Thread(target=pacer, args=["one.example.org"]) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(clock.slept) == [2.0 * turn for turn in range(1, 20)]


def test_a_host_that_asks_to_be_left_alone_is(paced: tuple[Clock, Pacer]) -> None:
    _, pacer = paced
    with time_machine.travel(at(0), tick=False):
        pacer.hold("one.example.org", at(0) + timedelta(seconds=90))
        assert pacer.seconds_until_free("one.example.org") == 90
        assert pacer.free_at(["one.example.org", "other.example.org"]) == at(0) + timedelta(seconds=90)
        assert pacer.free_at(["other.example.org"]) is None


def test_no_thread_sleeps_for_as_long_as_a_host_wants_to_be_left_alone(paced: tuple[Clock, Pacer]) -> None:
    clock, pacer = paced
    with time_machine.travel(at(0), tick=False):
        pacer.hold("one.example.org", at(0) + timedelta(hours=20))
    pacer("one.example.org")
    assert clock.slept == []
    assert pacer.seconds_held("one.example.org") == 20 * 3600
