"""Watching targets and recording what people saw."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from apps.checks.models import Host, Target
from apps.checks.outcomes import Outcome, Reason, Status
from apps.checks.services import ManualObservation, Wanted, check_soon, record_manual_checks, watch_targets
from apps.platforms.matching import Match
from tests.checks.making import REPORTED, at, make_targets, match_of

pytestmark = pytest.mark.django_db


def saw(target: Target, hours: float, outcome: Outcome, *, undated: bool = False) -> ManualObservation:
    return ManualObservation(target.pk, outcome, Reason.PERSON, at(hours), undated=undated)


def test_a_url_is_watched_once_however_often_it_is_wanted() -> None:
    one, again = make_targets("a", "a")
    assert one.pk == again.pk
    assert make_targets("a")[0].pk == one.pk
    assert (Target.objects.count(), Host.objects.count()) == (1, 1)


def test_another_report_starts_another_clock_and_makes_the_target_due() -> None:
    (target,) = make_targets("a")
    record_manual_checks([saw(target, 1, Outcome.AVAILABLE)])
    Target.objects.update(next_check_at=datetime(2200, 1, 1, tzinfo=UTC))
    watch_targets([Wanted(match_of("a"), at(100))])
    target.refresh_from_db()
    assert target.origins == [REPORTED.isoformat(), at(100).isoformat()]
    assert target.next_check_at is not None
    assert target.next_check_at < datetime(2200, 1, 1, tzinfo=UTC)


def test_the_same_report_again_changes_nothing() -> None:
    (target,) = make_targets("a")
    Target.objects.update(next_check_at=datetime(2200, 1, 1, tzinfo=UTC))
    make_targets("a")
    target.refresh_from_db()
    assert target.next_check_at == datetime(2200, 1, 1, tzinfo=UTC)


def test_a_name_of_an_account_that_is_longer_than_its_column_is_cut_off() -> None:
    long = Match("example.org", "page", "a" * 2000, "https://example.org/a", "example.org")
    (target,) = watch_targets([Wanted(long, REPORTED)]).values()
    assert target.account == "a" * 255


def test_many_targets_are_made_at_once() -> None:
    wanted = [Wanted(match_of(f"{i}", host=f"h{i % 7}.example.org"), REPORTED) for i in range(1500)]
    found = watch_targets(wanted)
    assert len(found) == 1500
    assert (Target.objects.count(), Host.objects.count()) == (1500, 7)


def test_a_manual_check_is_marked_as_a_persons() -> None:
    (target,) = make_targets("a")
    assert record_manual_checks([saw(target, 1, Outcome.AVAILABLE), saw(target, 2, Outcome.REMOVED)]) == 2
    target.refresh_from_db()
    assert (target.status, target.by_person) == (Status.REMOVED, True)
    assert (target.removed_after, target.removed_by) == (at(1), at(2))
    assert all(target.checks.values_list("manual", flat=True))


def test_the_same_observation_is_recorded_once_and_an_undated_one_whenever_it_comes() -> None:
    (target,) = make_targets("a")
    first = [saw(target, 1, Outcome.AVAILABLE), saw(target, 5, Outcome.REMOVED, undated=True)]
    assert record_manual_checks([*first, *first]) == 2
    again = [saw(target, 1, Outcome.AVAILABLE), saw(target, 9, Outcome.REMOVED, undated=True)]
    assert record_manual_checks(again) == 0
    assert record_manual_checks([saw(target, 2, Outcome.AVAILABLE)]) == 1


def test_a_target_can_be_looked_at_soon() -> None:
    (target,) = make_targets("a")
    Target.objects.update(next_check_at=datetime(2200, 1, 1, tzinfo=UTC))
    check_soon(target)
    target.refresh_from_db()
    assert target.next_check_at is not None
    assert target.next_check_at < datetime(2200, 1, 1, tzinfo=UTC)
