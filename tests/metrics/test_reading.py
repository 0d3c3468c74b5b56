"""Whole numbers come out of either database as they went in, in the order of their table or none."""

from __future__ import annotations

import numpy as np
import pytest
from django.db.models import F
from hypothesis import given
from hypothesis import strategies as st

from apps.checks.models import Target
from apps.metrics.reading import distinct, read_columns, straight_through
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
    found = read_columns(
        straight_through(Item.objects.all()), {"pk": F("pk"), "account": F("target__account_key")}
    )
    order = np.argsort(found["pk"])
    assert found["account"][order].tolist() == kept
    assert found["pk"][order].tolist() == sorted(Item.objects.values_list("pk", flat=True))


@pytest.mark.django_db
def test_of_no_rows_there_are_empty_columns() -> None:
    found = read_columns(straight_through(Item.objects.all()), {"pk": F("pk"), "target": F("target_id")})
    assert [(name, column.dtype, column.size) for name, column in found.items()] == [
        ("pk", np.int64, 0),
        ("target", np.int64, 0),
    ]


@given(st.lists(st.integers(LEAST, MOST)))
def test_distinct_are_the_different_ones_in_order(values: list[int]) -> None:
    assert distinct(np.array(values, np.int64)).tolist() == sorted(set(values))
