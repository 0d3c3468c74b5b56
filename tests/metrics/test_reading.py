"""Whole numbers come out of either database as they went in, in the order of their table or none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from threading import Thread

import numpy as np
import pytest
from django.db import DataError, connection, transaction
from django.db.models import F, Q, Value
from hypothesis import given
from hypothesis import strategies as st

from apps.checks.models import Target
from apps.exports.sql import one_view
from apps.metrics import reading
from apps.metrics.reading import (
    distinct,
    in_seconds,
    meanwhile,
    places,
    read_columns,
    read_of,
    read_through,
    repeated,
)
from apps.metrics.records import seconds
from apps.reports.models import Item, Report
from tests.factories import at, make_campaign, make_report
from tests.metrics.watching import looks, record, watched

LEAST, MOST = -(2**63), 2**63 - 1


@pytest.mark.django_db
def test_whole_numbers_of_64_bits_come_out_as_they_are() -> None:
    report = make_report(make_campaign())
    kept = [LEAST, MOST, 0, 1, -1, 2**53 + 1]
    for key in kept:
        item = watched(report, "up 1")
        Target.objects.filter(pk=item.target_id).update(account_key=key)
    found = read_columns(Item.objects.all(), {"pk": F("pk"), "account": F("target__account_key")})
    order = np.argsort(found["pk"])
    assert found["account"][order].tolist() == kept
    assert found["pk"][order].tolist() == sorted(Item.objects.values_list("pk", flat=True))


@pytest.mark.django_db
def test_of_no_rows_there_are_empty_columns() -> None:
    found = read_columns(Item.objects.all(), {"pk": F("pk"), "target": F("target_id")})
    assert [(name, column.dtype, column.size) for name, column in found.items()] == [
        ("pk", np.int64, 0),
        ("target", np.int64, 0),
    ]


@pytest.mark.django_db
def test_moments_are_whole_seconds_rounded_to_the_millisecond_and_then_down() -> None:
    report = make_report(make_campaign())
    second = datetime(2026, 3, 1, 12, 0, 7, tzinfo=UTC)
    parts = (0, 499, 500, 999, 500_000, 999_499, 999_500, 999_999)
    moments = [second + timedelta(microseconds=part) for part in parts]
    moments += [datetime(1999, 12, 31, tzinfo=UTC), datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)]
    items = [watched(report, "up 1") for _ in [*moments, None]]
    for item, seen in zip(items, [*moments, None], strict=True):
        Target.objects.filter(pk=item.target_id).update(present_at=seen, conclusive_at=seen)
    found = read_columns(
        Item.objects.all(),
        {"pk": F("pk"), "seen": in_seconds("target__present_at")},
    )
    by_item = dict(zip(found["pk"].tolist(), found["seen"].tolist(), strict=True))
    expected = [*map(seconds, moments), 0]
    assert [by_item[item.pk] for item in items] == expected


@pytest.mark.django_db
def test_moments_of_some_rows_come_without_the_others_and_in_their_order() -> None:
    report = make_report(make_campaign())
    up, gone, unknown = (watched(report, story) for story in ("up 1", "up 1, gone 3 4 30", ""))
    Target.objects.filter(pk=up.target_id).update(platform="one.example")
    found = read_columns(
        Target.objects.order_by("pk"),
        {"all": in_seconds("present_at"), "some": in_seconds("present_at", where=~Q(platform="one.example"))},
    )
    assert found["all"].tolist() == [seconds(at(1)), seconds(at(1)), 0]
    assert found["some"].tolist() == [seconds(at(1)), 0]
    assert [up.pk, gone.pk, unknown.pk] == sorted([up.pk, gone.pk, unknown.pk])


@pytest.mark.django_db(transaction=True)
def test_a_table_that_is_read_by_halves_gives_the_same_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    report = make_report(make_campaign())
    for _ in range(7):
        watched(report, "up 1, gone 3 30")
    watched(make_report(make_campaign("another")), "up 1")
    rows = Item.objects.filter(report=report)
    columns = {"pk": F("pk"), "target": F("target_id"), "gone": in_seconds("target__removed_by")}
    whole = read_columns(rows.order_by("pk"), columns)
    assert len(whole["pk"]) == 7
    monkeypatch.setattr(reading, "LARGE", 3)
    between = (int(whole["pk"].min()), int(whole["pk"].max()))
    for by_halves in (read_through(rows, columns), read_through(rows, columns, between=between)):
        order = np.argsort(by_halves["pk"])
        assert {name: column[order].tolist() for name, column in by_halves.items()} == {
            name: column.tolist() for name, column in whole.items()
        }
    some = read_through(rows, columns, between=(between[0] + 1, between[1] - 1))
    assert sorted(some["pk"].tolist()) == sorted(whole["pk"].tolist())[1:-1]


@pytest.mark.django_db(transaction=True)
def test_a_large_table_is_read_in_the_view_that_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of an edition and the heads of its ledger belong together, whatever is recorded meanwhile."""
    report = make_report(make_campaign())
    items = [watched(report, "up 1") for _ in range(7)]
    monkeypatch.setattr(reading, "LARGE", 3)

    def removed() -> int:
        return np.count_nonzero(
            read_through(Target.objects.all(), {"gone": in_seconds("removed_by")})["gone"]
        )

    def record_removals() -> None:
        try:
            for item in items:
                record(item, looks("gone 5", person=True))
        finally:
            connection.close()

    with one_view():
        assert Target.objects.filter(removed_by=None).count() == 7
        thread = Thread(target=record_removals)
        thread.start()
        thread.join()
        assert removed() == 0
    assert removed() == 7


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("others", [0, 2, 40])
def test_rows_of_some_parents_are_the_same_however_they_are_found(
    others: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a large table most of whose rows are wanted, all are read, and those of other parents left out."""
    campaign = make_campaign()
    wanted = [watched(make_report(campaign), "up 1") for _ in range(7)]
    another = make_report(make_campaign("another"))
    for _ in range(others):
        watched(another, "up 1")
    columns = {"pk": F("pk"), "report": F("report_id"), "reported": in_seconds("reported_at")}
    found = []
    for large in (reading.LARGE, 3):
        monkeypatch.setattr(reading, "LARGE", large)
        rows = read_of(Report.objects.filter(campaign=campaign), Item, "report", columns)
        found.append(sorted(zip(*(rows[name].tolist() for name in columns), strict=True)))
    assert found[0] == found[1]
    assert found[0] == [(item.pk, item.report_id, seconds(item.reported_at)) for item in wanted]


@pytest.mark.django_db
@pytest.mark.postgresql
def test_what_fails_halfway_is_an_error_and_the_connection_goes_on() -> None:
    """The last row cannot be worked out: those before it have been sent by then."""
    report = make_report(make_campaign())
    targets = [watched(report, "up 1").target_id for _ in range(3)]
    with pytest.raises(DataError, match="division by zero"), transaction.atomic():
        read_columns(Target.objects.order_by("pk"), {"part": Value(10) / (F("pk") - targets[-1])})
    assert sorted(read_columns(Target.objects.all(), {"pk": F("pk")})["pk"].tolist()) == targets


KEYS = st.lists(st.integers(LEAST, MOST) | st.integers(0, 20) | st.integers(MOST - 9, MOST))
"""Some far apart, some side by side."""


@given(KEYS)
def test_distinct_are_the_different_ones_in_order(values: list[int]) -> None:
    assert distinct(np.array(values, np.int64)).tolist() == sorted(set(values))


@given(KEYS)
def test_repeated_are_those_that_are_there_more_than_once(values: list[int]) -> None:
    assert repeated(np.array(values, np.int64)).tolist() == [values.count(value) > 1 for value in values]


@given(KEYS, KEYS)
def test_places_are_where_keys_stand_and_nowhere_for_others(known: list[int], wanted: list[int]) -> None:
    keys = list(dict.fromkeys(known))
    found = places(np.array(keys, np.int64), np.array([*wanted, *keys], np.int64))
    assert found.tolist() == [keys.index(key) if key in keys else -1 for key in [*wanted, *keys]]


@pytest.mark.parametrize("rows", [1, reading.LARGE])
def test_what_is_done_meanwhile_gives_its_result_or_its_error(rows: int) -> None:
    assert meanwhile(lambda: 6 * 7, rows=rows)() == 42
    with pytest.raises(ZeroDivisionError):
        meanwhile(lambda: 1 // 0, rows=rows)()
