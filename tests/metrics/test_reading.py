"""Whole numbers come out of either database as they went in, in the order of their table or none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from django.db import DataError, transaction
from django.db.models import F, Value
from hypothesis import given
from hypothesis import strategies as st

from apps.checks.models import Target
from apps.metrics import reading
from apps.metrics.reading import distinct, in_seconds, read_columns, read_through
from apps.metrics.records import seconds
from apps.reports.models import Item
from tests.factories import make_campaign, make_report
from tests.metrics.watching import watched

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
    by_halves = read_through(rows, columns)
    order = np.argsort(by_halves["pk"])
    assert {name: column[order].tolist() for name, column in by_halves.items()} == {
        name: column.tolist() for name, column in whole.items()
    }


@pytest.mark.django_db
@pytest.mark.postgresql
def test_what_fails_halfway_is_an_error_and_the_connection_goes_on() -> None:
    """The last row cannot be worked out: those before it have been sent by then."""
    report = make_report(make_campaign())
    targets = [watched(report, "up 1").target_id for _ in range(3)]
    with pytest.raises(DataError, match="division by zero"), transaction.atomic():
        read_columns(Target.objects.order_by("pk"), {"part": Value(10) / (F("pk") - targets[-1])})
    assert sorted(read_columns(Target.objects.all(), {"pk": F("pk")})["pk"].tolist()) == targets


@given(st.lists(st.integers(LEAST, MOST)))
def test_distinct_are_the_different_ones_in_order(values: list[int]) -> None:
    assert distinct(np.array(values, np.int64)).tolist() == sorted(set(values))
