"""Checking that has come to a stand is noticed: since when, and why; and what is not one is left alone."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.checks.beats import Beats, What, beat, last_beats, tallies, tick
from apps.checks.models import Host, Pause, Target
from apps.checks.outcomes import Outcome, Reason, Trouble
from apps.checks.runner import Runner
from apps.checks.stalled import ABANDONED, Cause, stall, stalled_since
from apps.core import clock
from tests.checks.making import at, make_targets
from tests.checks.running import GONE, PAGE, SLUG, Serve, define, watch

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def one_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The database's clock is this machine's, which the tests move."""
    monkeypatch.setattr(clock, "shared_wall", clock.wall)


@pytest.fixture
def due() -> datetime:
    """A target became due at this moment, and nobody has looked at it."""
    with time_machine.travel(at(0), tick=False):
        make_targets("a")
    return at(0)


def after(due: datetime, ticks: float) -> Any:
    return time_machine.travel(due + ticks * tick(), tick=False)


def test_work_may_lie_about_for_three_ticks(due: datetime) -> None:
    with after(due, 2.9):
        assert stall() is None
    with after(due, 3):
        found = stall()
        assert found is not None
        assert (found.since, found.cause) == (due, Cause.NO_TICK)
        assert stalled_since() == due


def test_a_checker_that_ticks_while_nobody_takes_the_work(due: datetime) -> None:
    with after(due, 4):
        beat(What.TICK)
        found = stall()
        assert found is not None
        assert found.cause == Cause.NO_WORKER


def test_it_is_dated_from_the_last_check_or_from_when_there_was_work_again(due: datetime) -> None:
    with after(due, 2):
        beat(What.CHECK)
    with after(due, 4):
        assert stall() is None
    with after(due, 6):
        assert stalled_since() == due + 2 * tick()
    Target.objects.update(next_check_at=due + 100 * tick())
    with after(due, 104):
        assert stalled_since() == due + 100 * tick()


def test_without_work_nothing_stands_still(due: datetime) -> None:
    Target.objects.update(next_check_at=None)
    with after(due, 1000):
        assert stall() is None


def test_a_host_that_is_held_or_wants_to_be_left_alone_is_no_work_lying_about(due: datetime) -> None:
    with after(due, 4):
        Host.objects.update(lease_token="somebody", lease_until=clock.wall() + timedelta(seconds=1))
        assert stall() is None
        Host.objects.update(lease_token="", lease_until=None, not_before=clock.wall() + tick())
        assert stall() is None


def test_a_pause_is_a_stand_from_its_first_sign(due: datetime) -> None:
    Pause.objects.create(since=at(-1), why=Trouble.SILENT, platforms=2, noticed_at=at(0), look_at=at(0))
    with after(due, 1):
        found = stall()
        assert found is not None
        assert (found.since, found.cause) == (at(-1), Cause.PAUSED)
    Pause.objects.update(ended_at=at(1))
    with after(due, 1):
        assert stall() is None


def test_a_pause_at_one_place_is_no_stand_while_another_checks(due: datetime) -> None:
    Pause.objects.create(
        place="here", since=due, why=Trouble.SILENT, platforms=2, noticed_at=due, look_at=due
    )
    with after(due, 0.5):
        beat(What.CHECK)  # what was under way
    with after(due, 0.6):
        assert stall() is not None
    with after(due, 2):
        beat(What.CHECK)
    with after(due, 4):
        assert stall() is None
    with after(due, 6):
        assert stall() is not None
    Target.objects.update(next_check_at=None)
    with time_machine.travel(due + ABANDONED, tick=False):
        assert stall() is None  # and nobody is left there who could end it


def test_to_ask_reads_no_table_as_a_whole(due: datetime) -> None:
    with after(due, 4), CaptureQueriesContext(connection) as asked:
        assert stall() is not None
    assert len(asked) == 5


def test_the_runner_gives_signs_of_life(serve: Serve, settings: Any, tmp_path: Any) -> None:
    server = serve({"/canary": PAGE, "/models/one": PAGE, "/elsewhere/gone": GONE})
    define(server.port, settings, tmp_path)
    other = serve({"/a/gone": GONE})
    watch(server.url("/models/one"), server.url("/models/two"), other.url("/a/gone"))
    before = clock.wall()
    Runner().run_due()
    beats = last_beats()
    assert beats[What.CHECK] >= before
    assert beats[What.TOLD] >= before
    assert What.TICK not in beats  # a run that ends is no checker that goes on
    assert dict(tallies()) == {
        (SLUG, Outcome.AVAILABLE, Reason.OK): 1,
        (SLUG, Outcome.REMOVED, Reason.NOT_FOUND): 1,
        ("", Outcome.REMOVED, Reason.GONE): 1,
    }


def test_counts_of_several_processes_add_up_and_name_no_site_that_nobody_defined() -> None:
    for _ in range(2):
        beats = Beats()
        beats.count(Counter({("huggingface", "removed", "gone"): 2, ("example.org", "removed", "gone"): 1}))
        beats.write()
        beats.write()
    assert tallies() == [(("", "removed", "gone"), 2), (("huggingface", "removed", "gone"), 4)]


def test_a_process_gives_a_sign_once_a_tick() -> None:
    beats = Beats()
    with CaptureQueriesContext(connection) as asked:
        for _ in range(5):
            beats.note(What.TICK)
    assert sum("checks_beat" in query["sql"] for query in asked) == 1
