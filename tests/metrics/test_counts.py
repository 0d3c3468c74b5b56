"""Counts per status, and the words for shares."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from apps.checks.outcomes import Status
from apps.metrics.counts import percent, status_counts
from tests.factories import at, make_campaign, make_item, make_report, make_target


@pytest.mark.django_db
def test_each_count_stands_beside_what_it_is_a_share_of(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    report = make_report(make_campaign())
    for status in (Status.REMOVED, Status.REMOVED, Status.AVAILABLE, Status.UNVERIFIABLE):
        make_item(report, status=status)
    with django_assert_num_queries(1):
        counts = status_counts(report.campaign)
    assert [(row.status, row.count, row.of, row.percent) for row in counts.rows] == [
        (Status.AVAILABLE, 1, 4, "25%"),
        (Status.RESTRICTED, 0, 4, "0%"),
        (Status.SUSPECTED, 0, 4, "0%"),
        (Status.REMOVED, 2, 4, "50%"),
        (Status.UNVERIFIABLE, 1, 4, "25%"),
        (Status.WAITING, 0, 4, "0%"),
    ]
    assert counts.needs_a_person == 1


@pytest.mark.django_db
def test_controls_are_left_out_and_counted() -> None:
    report = make_report(make_campaign())
    make_item(report, status=Status.AVAILABLE)
    make_item(report, control=True, status=Status.REMOVED)
    counts = status_counts(report.campaign)
    assert (counts.of, counts.controls) == (1, 1)


@pytest.mark.django_db
def test_one_url_in_two_reports_is_two_items() -> None:
    campaign = make_campaign()
    target = make_target(status=Status.AVAILABLE)
    make_item(make_report(campaign), target)
    make_item(make_report(campaign), target)
    assert status_counts(campaign).of == 2


@pytest.mark.django_db
def test_what_came_back_is_counted_only_while_it_is_up() -> None:
    report = make_report(make_campaign())
    make_item(report, status=Status.AVAILABLE, reinstated_at=at(5))
    make_item(report, status=Status.SUSPECTED, reinstated_at=at(5))
    assert status_counts(report.campaign).came_back == 1


@pytest.mark.django_db
def test_a_campaign_without_items_has_no_shares() -> None:
    assert {row.percent for row in status_counts(make_campaign()).rows} == {"n/a"}


@pytest.mark.parametrize(
    ("count", "of", "words"),
    [(0, 0, "n/a"), (0, 9, "0%"), (1, 1000, "<1%"), (1, 3, "33%"), (999, 1000, ">99%"), (9, 9, "100%")],
)
def test_a_share_is_never_rounded_to_none_or_all(count: int, of: int, words: str) -> None:
    assert percent(count, of) == words


@given(st.integers(1, 10**6), st.data())
def test_only_none_is_0_percent_and_only_all_is_100_percent(of: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(0, of))
    assert (percent(count, of) == "0%") == (count == 0)
    assert (percent(count, of) == "100%") == (count == of)
