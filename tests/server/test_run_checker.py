"""The checker as a service."""

from __future__ import annotations

import os
import signal
import threading

import pytest
from django.core.management import call_command

from apps.checks.models import Canary
from apps.core import clock
from apps.server.management.commands import run_checker
from tests.factories import make_target

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_import_under_way_hears_that_the_checker_is_told_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    asked_to_stop: list[bool] = []

    def long_import(stop: threading.Event) -> bool:
        os.kill(os.getpid(), signal.SIGTERM)
        asked_to_stop.append(stop.wait(10))
        return True

    monkeypatch.setattr(run_checker, "run_next_import", long_import)
    kept = [(number, signal.getsignal(number)) for number in (signal.SIGINT, signal.SIGTERM)]
    try:
        call_command("run_checker")
    finally:
        for number, handler in kept:
            signal.signal(number, handler)
    assert asked_to_stop == [True]


def test_it_takes_up_the_canaries_of_platforms_in_use() -> None:
    """At its start, and every hour: a later look finds what has come into use."""

    def taken_up() -> set[str]:
        return set(Canary.objects.exclude(next_check_at=None).values_list("platform", flat=True))

    make_target(platform="github", next_check_at=clock.now())
    between = run_checker.Between(threading.Event())
    between()
    assert taken_up() == {"github"}
    make_target(platform="civitai", next_check_at=clock.now())
    between()
    assert taken_up() == {"github"}
    between.take_up_at = 0
    between()
    assert taken_up() == {"github", "civitai"}
