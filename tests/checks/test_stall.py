"""Whether checking stands still."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine

from apps.checks.models import Check, Host
from apps.checks.outcomes import Outcome
from apps.checks.recording import append
from apps.checks.stall import TICKS, Stall, StallWatch, stalled
from apps.core import clock
from tests.checks.making import at, check, make_targets

STALL = Stall(at(0), 7)


@pytest.mark.django_db
def test_it_stands_still_when_nobody_checks_what_is_due(settings: Any) -> None:
    still = TICKS * timedelta(seconds=settings.CHECK_TICK_SECONDS)
    with time_machine.travel(at(0), tick=False) as moment:
        assert stalled() is None  # nothing is watched
        (target,) = make_targets("a")
        assert stalled() is None
        moment.move_to(at(0) + still)
        assert stalled() == Stall(at(0), 0)
        append([check(target, 0.1, Outcome.AVAILABLE)])
        assert stalled() is None
        moment.move_to(at(30))
        last = Check.objects.get()
        assert target.next_check_at is not None
        target.refresh_from_db()
        assert stalled() == Stall(target.next_check_at, last.pk)


@pytest.mark.django_db
@pytest.mark.parametrize("field", ["lease_until", "not_before"])
def test_a_host_that_is_asked_or_wants_to_be_left_alone_does_not_stand_still(field: str) -> None:
    with time_machine.travel(at(0), tick=False) as moment:
        make_targets("a")
        moment.move_to(at(1))
        Host.objects.update(**{field: clock.shared_wall() + timedelta(minutes=1)})
        assert stalled() is None
        Host.objects.update(**{field: clock.shared_wall()})
        assert stalled() is not None


@pytest.mark.django_db
def test_what_a_person_saw_is_no_sign_of_the_checker() -> None:
    with time_machine.travel(at(0), tick=False) as moment:
        one, _ = make_targets("a", "b")
        moment.move_to(at(1))
        append([check(one, 1, Outcome.AVAILABLE, manual=True)])
        assert stalled() == Stall(at(0), 0)


def test_a_stall_is_believed_when_it_lasts() -> None:
    """Neither a machine that slept nor a site that was just started stands still."""
    watch = StallWatch(600)
    assert watch.look(STALL, 0) is None
    assert watch.look(STALL, 599) is None
    assert watch.look(STALL, 600) == STALL
    assert watch.look(None, 610) is None
    assert watch.look(STALL, 620) is None
    other = Stall(at(5), 8)
    assert watch.look(other, 1_300) is None
    assert watch.look(other, 1_900) == other
