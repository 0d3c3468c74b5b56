"""How items stood on each day, worked out by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.checks.models import Transition
from apps.checks.outcomes import STATUS_ORDER, Status
from apps.metrics.timeline import MOST_STEPS, Step, Timeline, timeline
from apps.reports.models import ErrorMark, Item, Reply, ReplyKind, Report
from apps.reports.selectors import items_of
from tests.factories import START, at, make_campaign, make_item, make_items, make_report, make_transition

pytestmark = pytest.mark.django_db
DAYS = 24.0


@pytest.fixture
def report() -> Report:
    """A report of 1 March, 14:05."""
    return make_report(make_campaign())


def read(report: Report, *, until: float, **options: datetime) -> Timeline:
    with time_machine.travel(at(until), tick=False):
        return timeline(items_of(report.campaign), **options)


def counts(step: Step) -> dict[str, int]:
    """The statuses that some items have."""
    return {status.value: n for status, n in zip(STATUS_ORDER, step.counts, strict=True) if n}


def seen(item: Item, *changes: tuple[Status, float]) -> None:
    """The changes of an item's target: to which status, so many hours after the report."""
    before = Status.WAITING
    for after, hours in changes:
        make_transition(item.target, before, after, after=hours - 1, by=hours)
        before = after


def test_each_day_has_the_statuses_of_its_end(report: Report) -> None:
    # 1 March is day 0, and its end 9 h 55 min after the report. Day 2 ends after 57 h 55 min.
    seen(make_item(report), (Status.AVAILABLE, 1), (Status.REMOVED, 50))
    seen(make_item(report), (Status.AVAILABLE, 2))
    seen(make_item(report), (Status.RESTRICTED, 30))
    found = read(report, until=5 * DAYS)
    assert [step.start.date().day for step in found.steps] == [1, 2, 3, 4, 5, 6]
    assert [counts(step) for step in found.steps] == [
        {"available": 2, "waiting": 1},
        {"available": 2, "restricted": 1},
        {"available": 1, "restricted": 1, "removed": 1},
        *[{"available": 1, "restricted": 1, "removed": 1}] * 3,
    ]


def test_an_item_enters_on_the_day_of_its_report_with_the_status_that_its_target_has(report: Report) -> None:
    first = make_item(report)
    seen(first, (Status.AVAILABLE, 1), (Status.REMOVED, 30))
    make_item(make_report(report.campaign, sent_at=at(80)), first.target)  # reported again when it is gone
    steps = read(report, until=5 * DAYS).steps
    assert [counts(step) for step in steps] == [
        {"available": 1},
        {"removed": 1},
        {"removed": 1},
        {"removed": 2},  # 80 h after 1 March, 14:05
        {"removed": 2},
        {"removed": 2},
    ]
    assert [step.of for step in steps] == [1, 1, 1, 2, 2, 2]
    assert [step.reports for step in steps] == [1, 0, 0, 1, 0, 0]


def test_a_confirmed_removal_counts_from_when_it_was_first_seen_gone(report: Report) -> None:
    # Suspected and removed carry the same moment, so the day goes straight to removed.
    seen(make_item(report), (Status.AVAILABLE, 1), (Status.SUSPECTED, 30), (Status.REMOVED, 30))
    assert [counts(step) for step in read(report, until=100).steps][:3] == [
        {"available": 1},
        {"removed": 1},
        {"removed": 1},
    ]


def test_a_change_that_no_longer_holds_does_not_count(report: Report) -> None:
    item = make_item(report)
    seen(item, (Status.AVAILABLE, 1))
    change = make_transition(item.target, Status.AVAILABLE, Status.REMOVED, after=29, by=30)
    Transition.objects.filter(pk=change.pk).update(superseded_at=at(100))
    assert counts(read(report, until=120).steps[-1]) == {"available": 1}


def test_as_of_an_earlier_moment_nothing_that_was_written_later_counts(report: Report) -> None:
    Item.objects.update(created_at=START)
    item = make_item(report)
    late = make_item(report)
    Item.objects.filter(pk=item.pk).update(created_at=START)
    Item.objects.filter(pk=late.pk).update(created_at=at(60))
    seen(item, (Status.AVAILABLE, 1))
    gone = make_transition(item.target, Status.AVAILABLE, Status.REMOVED, after=29, by=30)
    # It was written down at 40 h, and found not to hold at 100 h.
    Transition.objects.filter(pk=gone.pk).update(recorded_at=at(40), superseded_at=at(100))
    for hours, expected in (
        (35, {"available": 1}),
        (50, {"removed": 1}),
        (110, {"available": 1, "waiting": 1}),
    ):
        found = read(report, until=200, as_of=at(hours))
        assert counts(found.steps[-1]) == expected, hours
        assert found.as_of == at(hours)


def test_controls_and_items_reported_in_error_are_left_out(report: Report) -> None:
    make_item(report, control=True)
    error = make_item(report)
    ErrorMark.objects.create(item=error, reason="another model", recorded_at=at(10))
    make_item(report)
    assert read(report, until=100).steps[-1].of == 1
    Item.objects.update(created_at=START)
    assert read(report, until=100, as_of=at(9)).steps[-1].of == 2


def test_replies_are_marks_on_their_days_and_bounces_are_none(report: Report) -> None:
    make_item(report)
    for kind, hours in (
        (ReplyKind.ACKNOWLEDGEMENT, 1),
        (ReplyKind.DECISION, 30),
        (ReplyKind.QUESTION, 31),
        (ReplyKind.BOUNCED, 50),
    ):
        Reply.objects.create(report=report, kind=kind, received_at=at(hours), recorded_at=at(hours))
    assert [step.replies for step in read(report, until=100).steps] == [1, 2, 0, 0, 0]
    Item.objects.update(created_at=START)
    assert sum(step.replies for step in read(report, until=200, as_of=at(30.5)).steps) == 2


def test_a_young_campaign_is_shown_by_the_hour(report: Report) -> None:
    seen(make_item(report), (Status.AVAILABLE, 1), (Status.REMOVED, 3))
    found = read(report, until=4)
    assert found.length == timedelta(hours=1)
    assert [(step.start.hour, counts(step)) for step in found.steps] == [
        (14, {"waiting": 1}),
        (15, {"available": 1}),
        (16, {"available": 1}),
        (17, {"removed": 1}),
        (18, {"removed": 1}),
    ]


def test_a_long_campaign_has_a_bounded_number_of_steps(report: Report) -> None:
    seen(make_item(report), (Status.AVAILABLE, 1), (Status.REMOVED, 900 * DAYS))
    found = read(report, until=1000 * DAYS)
    assert len(found.steps) <= MOST_STEPS
    assert counts(found.steps[-1]) == {"removed": 1}
    assert sum(step.reports for step in found.steps) == 1


def test_without_items_there_are_no_steps(report: Report) -> None:
    assert read(report, until=5).steps == ()


def test_what_is_read_does_not_grow_with_the_items(report: Report) -> None:
    make_items(report, 3)
    with CaptureQueriesContext(
        connection,
    ) as few:
        read(report, until=100)
    make_items(make_report(report.campaign), 0)
    for item in items_of(report.campaign):
        seen(item, (Status.AVAILABLE, 1), (Status.REMOVED, 30))
    with CaptureQueriesContext(connection) as many:
        read(report, until=100)
    assert len(few) == len(many) == 5


def test_days_are_counted_in_utc(report: Report) -> None:
    make_item(report)
    Item.objects.update(reported_at=datetime(2026, 3, 1, 23, 30, tzinfo=UTC))
    assert read(report, until=10 * DAYS).steps[0].start == datetime(2026, 3, 1, tzinfo=UTC)
