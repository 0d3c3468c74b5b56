"""What pages read of a campaign: who sees it, its rows, and how many queries they take."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from apps.accounts.roles import Audience, Role
from apps.checks.outcomes import Outcome, Reason, Status
from apps.reports.selectors import (
    campaigns_of,
    changes_of,
    check_moments,
    checks_of,
    item_rows,
    items_of,
    reports_of,
    review_rows,
    review_targets,
    role_in,
)
from tests.factories import (
    at,
    make_campaign,
    make_check,
    make_item,
    make_items,
    make_person,
    make_report,
    make_target,
    make_transition,
)

pytestmark = pytest.mark.django_db


def test_a_person_sees_only_the_campaigns_they_belong_to(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    anna = make_person()
    report = make_report(make_campaign("hers", owner=anna))
    make_items(report, 3)
    make_item(report, control=True)
    make_report(report.campaign)
    make_campaign("theirs", owner=make_person())
    with django_assert_num_queries(2):
        rows = campaigns_of(anna)
    assert [(row.slug, row.reports, row.items, row.role) for row in rows] == [("hers", 2, 3, Role.OWNER)]


def test_an_administrator_sees_every_campaign_as_its_owner() -> None:
    administrator = make_person(superuser=True)
    campaign = make_campaign("theirs", owner=make_person())
    assert [row.slug for row in campaigns_of(administrator)] == ["theirs"]
    assert role_in(campaign, administrator) == Role.OWNER


def test_a_stranger_has_no_role() -> None:
    assert role_in(make_campaign(), make_person()) is None


def test_a_report_shows_how_its_items_stand(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    report = make_report(make_campaign())
    for status in Status:
        make_item(report, status=status)
    make_item(report, status=Status.REMOVED, control=True)
    with django_assert_num_queries(1):
        (row,) = reports_of(report.campaign, who=Audience.MEMBERS)
    assert (row.items, row.still_up, row.removed, row.undecided, row.controls) == (6, 2, 1, 3, 1)


def test_the_removal_time_is_an_interval_from_the_report() -> None:
    item = make_item(
        make_report(make_campaign()), status=Status.REMOVED, removed_after=at(30), removed_by=at(32)
    )
    (row,) = item_rows(items_of(item.report.campaign), who=Audience.MEMBERS)
    assert row.removal_time == (timedelta(hours=30), timedelta(hours=32))


def test_the_removal_time_begins_at_the_report_when_it_was_last_seen_before() -> None:
    item = make_item(
        make_report(make_campaign()), status=Status.REMOVED, removed_after=at(-5), removed_by=at(1)
    )
    (row,) = item_rows(items_of(item.report.campaign), who=Audience.MEMBERS)
    assert row.removal_time == (timedelta(0), timedelta(hours=1))


def test_what_was_gone_before_the_report_has_no_removal_time() -> None:
    item = make_item(make_report(make_campaign()), status=Status.REMOVED, removed_by=at(-1))
    (row,) = item_rows(items_of(item.report.campaign), who=Audience.MEMBERS)
    assert row.gone_before_report
    assert row.removal_time is None


def test_latest_changes_leave_out_the_first_sight_and_what_no_longer_holds(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    report = make_report(make_campaign())
    item = make_item(report, status=Status.SUSPECTED)
    make_transition(item.target, Status.WAITING, Status.AVAILABLE, after=0, by=1)
    make_transition(item.target, Status.AVAILABLE, Status.SUSPECTED, after=1, by=2)
    undone = make_transition(item.target, Status.SUSPECTED, Status.REMOVED, after=1, by=2)
    undone.superseded_at = at(9)
    undone.save()
    elsewhere = make_item(make_report(make_campaign("another")))
    make_transition(elsewhere.target, Status.AVAILABLE, Status.SUSPECTED, after=1, by=2)
    with django_assert_num_queries(2):
        changes = changes_of(report.campaign, who=Audience.MEMBERS, limit=10)
    assert [(change.item, change.to_status) for change in changes] == [(item.pk, Status.SUSPECTED)]


def test_a_suspicion_that_was_settled_is_no_news() -> None:
    item = make_item(make_report(make_campaign()), status=Status.REMOVED)
    make_transition(item.target, Status.AVAILABLE, Status.SUSPECTED, after=1, by=2)
    make_transition(item.target, Status.SUSPECTED, Status.REMOVED, after=1, by=2)
    changes = changes_of(item.report.campaign, who=Audience.MEMBERS, limit=10)
    assert [change.to_status for change in changes] == [Status.REMOVED]


def test_another_campaigns_note_is_not_shown_though_its_check_is() -> None:
    ours, theirs = make_person("ours@example.org"), make_person("theirs@example.org")
    campaign = make_campaign("ours", reviewer=ours)
    target = make_target()
    make_item(make_report(campaign), target)
    make_item(make_report(make_campaign("theirs", owner=theirs)), target)
    make_check(target, 1, Outcome.REMOVED, Reason.PERSON, person=theirs, note="in confidence")
    make_check(target, 2, Outcome.REMOVED, Reason.PERSON, person=ours, note="gone for me too")
    rows = checks_of(campaign, target, who=Audience.MEMBERS, limit=10)
    assert [(row.outcome, row.person, row.note) for row in rows] == [
        (Outcome.REMOVED, "ours@example.org", "gone for me too"),
        (Outcome.REMOVED, "", ""),
    ]


def test_checks_come_in_the_order_in_which_they_were_made() -> None:
    target = make_target()
    make_check(target, 5)
    make_check(target, 1, Outcome.INCONCLUSIVE, Reason.TIMEOUT)
    assert [outcome for _, outcome, _ in check_moments(target)] == [Outcome.INCONCLUSIVE, Outcome.AVAILABLE]


def test_the_review_list_holds_each_url_once_and_the_longest_waiting_first(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    campaign = make_campaign()
    report = make_report(campaign)
    late = make_item(report, status=Status.SUSPECTED, run_started_at=at(8))
    early = make_item(report, status=Status.UNVERIFIABLE, inconclusive_since=at(2))
    make_item(make_report(campaign), late.target)
    make_item(report, status=Status.REMOVED)
    make_item(make_report(make_campaign("another")), status=Status.SUSPECTED)
    for hours in range(6):
        make_check(late.target, hours)
    targets = list(review_targets(campaign))
    with django_assert_num_queries(3):
        rows = review_rows(campaign, targets, who=Audience.MEMBERS, checks=4)
    assert [(row.item.pk, row.also_reported, [check.number for check in row.checks]) for row in rows] == [
        (early.pk, 0, []),
        (late.pk, 1, [6, 5, 4, 3]),
    ]
