"""Each checker keeps its threads on a core of its own, and makes way where it cannot have it."""

from __future__ import annotations

import errno
import os
import threading
from typing import Any

import pytest

from apps.checks import cores
from apps.checks.cores import OneCore, better_core

CORES = sorted(os.sched_getaffinity(0))
TO_TAKE = CORES if len(CORES) > 1 else []  # where there is one, there is nothing to choose


@pytest.fixture(autouse=True)
def own_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checkers elsewhere on this machine may have the cores, and are not to be told from those here."""
    monkeypatch.setattr(cores, "CLAIM", f"still-up-test-{os.getpid()}")


@pytest.mark.parametrize(
    ("idle", "used", "moves_to"),
    [
        ({0: 0.0, 1: 1.0}, 1.0, None),  # all of it is ours
        ({0: 0.6, 1: 1.0}, 0.4, None),  # nobody else is there
        ({0: 0.0, 1: 1.0}, 0.5, 1),  # another has half
        ({0: 0.0, 1: 0.2}, 0.5, None),  # and so it is elsewhere
        ({0: 0.0, 1: 0.4, 2: 0.9, 3: 0.5}, 0.4, 2),  # the idlest
        ({0: 0.0, 1: 0.9}, 0.8, None),  # little is lost
        ({0: 0.0}, 0.2, None),  # there is no other
        ({}, 0.5, None),  # the system does not say
        ({0: 0.0, 1: 1.0}, 1.7, None),  # with threads that need no lock it can be more than a core
    ],
)
def test_it_moves_only_where_another_keeps_its_core_busy(
    idle: dict[int, float], used: float, moves_to: int | None
) -> None:
    assert better_core(0, idle=idle, used=used, chance=lambda: 0.9) == moves_to
    assert better_core(0, idle=idle, used=used, chance=lambda: 0.1) is None


def test_threads_are_kept_together_and_let_go_again() -> None:
    found: list[set[int]] = []
    one = OneCore()
    one.take()
    try:
        assert one.core in (TO_TAKE or [None])
        thread = threading.Thread(target=lambda: found.append(os.sched_getaffinity(0)))
        thread.start()
        thread.join()
        kept = {one.core} if TO_TAKE else set(CORES)
        assert found == [kept]
        assert os.sched_getaffinity(0) == kept
    finally:
        one.give_back()
    assert os.sched_getaffinity(0) == set(CORES)
    assert one.core is None


def test_no_two_checkers_take_the_same_core_and_one_too_many_takes_none() -> None:
    found: list[OneCore] = []

    def take() -> None:
        found.append(OneCore())
        found[-1].take()

    for _ in range(len(CORES) + 1):  # in threads of their own, each of which may run anywhere
        thread = threading.Thread(target=take)
        thread.start()
        thread.join()
    try:
        *taken, last = (one.core for one in found)
        assert sorted(core for core in taken if core is not None) == TO_TAKE
        assert last is None
    finally:
        for one in found:
            one.give_back()
        os.sched_setaffinity(0, CORES)


def test_all_threads_move_to_another_core(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()
    worker = threading.Thread(target=ended.wait)
    one = OneCore()
    one.take()
    try:
        worker.start()
        assert worker.native_id is not None
        for other in reversed(TO_TAKE):
            monkeypatch.setattr(cores, "better_core", lambda own, *, to=other, **_: to if to != own else None)
            before = one.core
            one.look([worker])
            assert one.core == before  # it looked less than a second ago
            monkeypatch.setattr(cores.time, "monotonic", lambda: one._looked_at + 1)
            one.look([worker])
            assert one.core == other
            assert os.sched_getaffinity(worker.native_id) == os.sched_getaffinity(0) == {other}
            monkeypatch.setattr(cores.time, "monotonic", lambda: one._looked_at)
    finally:
        ended.set()
        worker.join()
        one.give_back()


@pytest.mark.parametrize("forbidden", ["os.sched_setaffinity", "socket.socket"])
def test_where_it_is_forbidden_the_checker_runs_anywhere(
    forbidden: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a service manager does that filters system calls or families of sockets."""

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "not allowed")

    one = OneCore()
    with monkeypatch.context() as service:
        service.setattr(forbidden, refuse)
        one.take()
        one.look([threading.current_thread()])
        assert one.core is None
        one.give_back()
    assert os.sched_getaffinity(0) == set(CORES)


def test_it_can_be_switched_off(settings: Any) -> None:
    settings.CHECK_ONE_CORE = False
    one = OneCore()
    one.take()
    one.look([])
    one.give_back()
    assert os.sched_getaffinity(0) == set(CORES)
