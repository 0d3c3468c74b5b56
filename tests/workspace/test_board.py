"""What is due: deadlines ahead, reports without a reply, bounces, what waits for a person, claims."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from pytest_django import DjangoAssertNumQueries

from apps.accounts.roles import Audience
from apps.checks.outcomes import Status
from apps.reports.board import Board, board_of
from apps.reports.models import (
    Category,
    Channel,
    ClaimWord,
    Decision,
    Delivery,
    Item,
    ReplyKind,
    Report,
    Standing,
)
from apps.reports.passed_deadlines import passed_deadlines
from apps.reports.replies import log_reply, mark_errors, mark_report_in_error, take_back_reply
from tests.factories import at, make_campaign, make_item, make_items, make_report, make_target
from tests.workspace.conftest import Team
from tests.workspace.test_campaigns import text_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("a_quiet_moment")]
BOARD = "/workspace/example-models/board/"
NOW = datetime(2026, 9, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def a_quiet_moment() -> Iterator[None]:
    """Time stands still, on a day on which all rules that are in force have begun."""
    with time_machine.travel(NOW, tick=False):
        yield


def ago(hours: float) -> datetime:
    return NOW - timedelta(hours=hours)


def sent(
    team: Team,
    hours: float,
    *,
    standing: str = Standing.DEPICTED_PERSON,
    category: str = Category.INTIMATE_IMAGES,
    channel: str = Channel.WEB_FORM,
    delivery: str = Delivery.SENT,
) -> Report:
    """A report that was sent so many hours ago."""
    report = make_report(team.campaign, sent_at=ago(hours))
    report.standing, report.category = standing, category
    report.channel, report.delivery = channel, delivery
    report.save()
    return report


def board(team: Team, limit: int = 10) -> Board:
    return board_of(team.campaign, who=Audience.MEMBERS, limit=limit)


def due(team: Team) -> list[tuple[int, str, float, int]]:
    """(report, rule, hours ahead, items still up) of each deadline."""
    return [
        (row.report, row.rule.slug, (row.at - NOW) / timedelta(hours=1), row.still_up)
        for row in board(team).deadlines.rows
    ]


def test_it_works(team: Team) -> None:
    report = sent(team, 10)
    make_item(report, make_target("up", status=Status.AVAILABLE, present_at=ago(1)))
    make_item(report, make_target("doubtful", status=Status.SUSPECTED, run_started_at=ago(3)))
    bounced = sent(team, 60, channel=Channel.EMAIL, delivery=Delivery.BOUNCED)
    make_item(bounced)
    answered = sent(team, 50)
    item = make_item(answered, make_target("kept", status=Status.AVAILABLE, present_at=ago(2)))
    log_reply(report=answered, kind=ReplyKind.DECISION, decision=Decision.REMOVED, received_at=ago(20))
    page = text_of(team.client("viewer"), BOARD)
    # 48 hours, 10 of which are over.
    assert "in 1 d" in page
    assert "TAKE IT DOWN Act, 48 h" in page
    assert "Stops at its removal." in page
    assert f'href="/workspace/example-models/items/{item.pk}/"' in page
    assert "1 URL, the longest waiting first." in page
    assert "hxxps://models[.]example[.]org/doubtful" in page
    assert "hxxps://models[.]example[.]org/kept" in page
    assert '<td role="cell" data-label="Ago">10 h</td>' in page
    assert '<td role="cell" data-label="Ago">2 d 12 h</td>' in page
    assert "breach" not in page.lower()


def test_an_empty_campaign_has_nothing_due(team: Team) -> None:
    page = text_of(team.client("viewer"), BOARD)
    for words in (
        "No deadline runs for an item that is still up.",
        "Every report that arrived has a reply.",
        "No report bounced.",
        "Nothing waits for a person.",
        "No such item.",
    ):
        assert words in page


@pytest.mark.parametrize(("reports", "items"), [(1, 2), (30, 60)])
def test_the_board_takes_as_many_queries_for_30_reports_as_for_1(
    reports: int, items: int, team: Team, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(reports):
        report = sent(team, 1 + number / 60)
        make_items_of(report, items, Status.AVAILABLE)
        make_items_of(report, 2, Status.SUSPECTED)
        if number % 2:
            log_reply(report=report, kind="decision", decision="removed", received_at=ago(0.5))
        if number % 3 == 0:
            log_reply(report=report, kind="bounced", received_at=ago(0.1))
    client = team.client("viewer")
    # session, person, campaign, role; deadlines; unanswered and bounced reports, each with a count; what
    # waits for a person, its items and its count; contradicted claims and their count
    with django_assert_num_queries(15):
        client.get(BOARD)


def make_items_of(report: Report, many: int, status: Status) -> None:
    """Items of targets that no other report has."""
    for number in range(many):
        make_item(
            report,
            make_target(
                f"{report.number}/{status}/{number}", status=status, present_at=ago(0), run_started_at=ago(1)
            ),
        )


# -------------------------------------------------------------------------------------------------- deadlines


def test_deadlines_ahead_come_soonest_first(team: Team) -> None:
    # Of 48 hours 8, 47 and 1 are left; of the 2 hours of the rule in India 1 is, for the second report.
    for hours in (40, 1, 47, 49):
        make_item(sent(team, hours), status=Status.AVAILABLE)
    assert due(team) == [
        (2, "in-it-rules-3-2-b", 1, 1),
        (3, "us-take-it-down", 1, 1),
        (1, "us-take-it-down", 8, 1),
        (2, "us-take-it-down", 47, 1),
    ]


def test_a_deadline_counts_the_items_that_are_still_up_and_whose_clock_still_runs(team: Team) -> None:
    report = sent(team, 60)
    for hours, status in (
        (60, Status.AVAILABLE),  # over for 12 hours
        (40, Status.AVAILABLE),  # 8 hours left
        (30, Status.RESTRICTED),  # 18 hours left
        (30, Status.SUSPECTED),
        (30, Status.REMOVED),
    ):
        item = make_item(report, status=status)
        Item.objects.filter(pk=item.pk).update(reported_at=ago(hours))
    control = make_item(report, status=Status.AVAILABLE, control=True)
    wrong = make_item(report, status=Status.AVAILABLE)
    Item.objects.filter(pk__in=[control.pk, wrong.pk]).update(reported_at=ago(45))
    mark_errors(items=[wrong], reason="Not theirs.")
    assert due(team) == [(1, "us-take-it-down", 8, 2)]


@pytest.mark.parametrize("first_hours", [1, 20, 40])
def test_items_reported_before_and_after_a_rule_began_are_told_apart(team: Team, first_hours: int) -> None:
    """The US act begins on 19 May 2026 and gives 48 hours; one report, items of the day before and after."""
    begins = datetime(2026, 5, 19, tzinfo=UTC)
    report = sent(team, 0)
    for hours in (-first_hours, 1):
        item = make_item(report)
        item.reported_at = begins + timedelta(hours=hours)
        item.save()
    with time_machine.travel(begins + timedelta(hours=4), tick=False):
        rows = board_of(team.campaign, who=Audience.MEMBERS, limit=10).deadlines.rows
    (row,) = (row for row in rows if row.rule.hours == 48)
    assert (row.at, row.still_up) == (begins + timedelta(hours=49), 1)


def test_what_was_removed_in_time_and_came_back_is_not_due(team: Team) -> None:
    """The figures count its first removal, which met the limit; what a person found to be none is due."""
    report = sent(team, 10)
    back, mistaken, before = (
        make_target(status=Status.AVAILABLE, removed_by=ago(hours), overruled=overruled)
        for hours, overruled in ((5, False), (4, True), (20, False))
    )
    for target in (back, mistaken, before):
        item = make_item(report, target)
        item.reported_at = ago(9)
        item.save()
    (row,) = board_of(team.campaign, who=Audience.MEMBERS, limit=10).deadlines.rows
    assert row.still_up == 2


def test_a_clock_that_the_report_does_not_start_is_not_on_the_board(team: Team) -> None:
    for standing, category in (
        (Standing.JOURNALIST, Category.INTIMATE_IMAGES),
        (Standing.DEPICTED_PERSON, Category.FRAUD),
        ("her school", Category.INTIMATE_IMAGES),
    ):
        make_item(sent(team, 1, standing=standing, category=category), status=Status.AVAILABLE)
    assert due(team) == []


def test_a_report_that_bounced_starts_no_clock(team: Team) -> None:
    make_item(sent(team, 1, delivery=Delivery.BOUNCED), status=Status.AVAILABLE)
    report = sent(team, 1)
    make_item(report, status=Status.AVAILABLE)
    log_reply(report=report, kind=ReplyKind.BOUNCED, received_at=ago(0.5))
    assert due(team) == []


def test_a_decision_stops_a_clock_that_it_stops(team: Team) -> None:
    for _ in range(2):
        report = sent(team, 10, standing=Standing.ORGANISATION, category=Category.HATE_SPEECH)
        make_item(report, status=Status.AVAILABLE)
    reply = log_reply(report=report, kind="decision", decision="no_violation", received_at=ago(1))
    assert due(team) == [(1, "eu-hate-speech-code-plus", 14, 1)]
    take_back_reply(reply=reply)
    assert len(due(team)) == 2
    # It does not stop one that only a removal stops.
    intimate = sent(team, 10)
    make_item(intimate, status=Status.AVAILABLE)
    log_reply(report=intimate, kind="decision", decision="removed", received_at=ago(1))
    assert (3, "us-take-it-down", 38, 1) in due(team)


def test_a_decision_stops_no_clock_of_what_was_reported_after_it(team: Team) -> None:
    """A list of many days is one report. In the figures and in notices it is the same."""
    report = sent(team, 100, standing=Standing.ORGANISATION, category=Category.HATE_SPEECH)
    for hours in (100, 20, 10):
        item = make_item(report, status=Status.AVAILABLE)
        item.reported_at = item.created_at = ago(hours)
        item.save()
    log_reply(report=report, kind="decision", decision="no_violation", received_at=ago(30))
    assert due(team) == [(1, "eu-hate-speech-code-plus", 4, 2)]
    log_reply(report=report, kind="decision", decision="no_violation", received_at=ago(15))
    assert due(team) == [(1, "eu-hate-speech-code-plus", 14, 1)]
    passed = passed_deadlines(after=NOW, upto=NOW + timedelta(days=1))
    assert [(each.at, len(each.items)) for each in passed] == [(NOW + timedelta(hours=14), 1)]


# ---------------------------------------------------------------------------------------------------- reports


def test_reports_without_a_reply_come_oldest_first(team: Team) -> None:
    for hours in (5, 90, 30):
        make_item(sent(team, hours))
    answered, in_error, empty = sent(team, 100), sent(team, 110), sent(team, 120)
    make_item(answered)
    log_reply(report=answered, kind=ReplyKind.ACKNOWLEDGEMENT, received_at=ago(99))
    make_item(in_error)
    mark_report_in_error(report=in_error, reason="Wrong platform.")
    make_item(empty, control=True)
    found = board(team)
    assert [(row.report, row.age) for row in found.unanswered.rows] == [
        (2, timedelta(hours=90)),
        (3, timedelta(hours=30)),
        (1, timedelta(hours=5)),
    ]
    assert found.bounced.rows == ()


def test_a_bounce_is_a_list_of_its_own_until_an_answer_comes(team: Team) -> None:
    report = sent(team, 50)
    make_item(report)
    log_reply(report=report, kind=ReplyKind.BOUNCED, received_at=ago(49))
    found = board(team)
    assert [row.report for row in found.bounced.rows] == [1]
    assert found.unanswered.rows == ()
    log_reply(report=report, kind=ReplyKind.QUESTION, received_at=ago(40))
    assert board(team).bounced.rows == ()


def test_what_is_not_shown_is_counted(team: Team) -> None:
    for hours in range(1, 13):
        report = sent(team, hours)
        make_items_of(report, 1, Status.AVAILABLE)
    found = board(team, limit=10).unanswered
    assert (len(found.rows), found.total, found.left_out) == (10, 12, 2)
    page = text_of(team.client("viewer"), BOARD)
    assert "12 reports, the oldest first. 2 more are not shown." in page


# ----------------------------------------------------------------------------------------------------- claims


@pytest.mark.parametrize(
    ("status", "seen", "shown"),
    [
        (Status.AVAILABLE, 10, True),  # seen 10 hours ago, 10 hours after the claim
        (Status.RESTRICTED, 10, True),
        (Status.AVAILABLE, 30, False),  # not looked at since
        (Status.SUSPECTED, 10, False),
        (Status.REMOVED, 10, False),
        (Status.RESTRICTED, None, False),  # only a wall before it was seen
    ],
)
def test_a_claim_is_contradicted_by_what_was_seen_after_it(
    status: Status, seen: float | None, shown: bool, team: Team
) -> None:
    report = sent(team, 60)
    make_item(report, make_target(status=status, present_at=None if seen is None else ago(seen)))
    log_reply(report=report, kind="decision", decision="removed", received_at=ago(20))
    rows = board(team).contradicted.rows
    assert bool(rows) == shown
    if shown:
        assert (rows[0].claimed_at, rows[0].seen_at) == (ago(20), ago(10))


def test_only_the_last_word_on_an_item_is_held_against_it(team: Team) -> None:
    report = sent(team, 60)
    item = make_item(report, make_target(status=Status.AVAILABLE, present_at=ago(1)))
    log_reply(report=report, kind="decision", decision="removed", received_at=ago(20))
    second = log_reply(report=report, kind="decision", decision="removed", received_at=ago(10))
    found = board(team).contradicted
    assert [(row.item, row.claimed_at) for row in found.rows] == [(item.pk, ago(10))]
    assert found.total == 1
    log_reply(report=report, kind="other", received_at=ago(10), claims={item.pk: ClaimWord.REFUSED})
    assert board(team).contradicted.rows == ()
    take_back_reply(reply=second)
    assert board(team).contradicted.rows == ()


def test_what_counts_for_nothing_contradicts_nothing(team: Team) -> None:
    report = sent(team, 60)
    item = make_item(report, make_target(status=Status.AVAILABLE, present_at=ago(1)))
    reply = log_reply(report=report, kind="decision", decision="removed", received_at=ago(20))
    mark_errors(items=[item], reason="Not theirs.")
    assert board(team).contradicted.total == 0
    take_back_reply(reply=reply)
    assert board(team).contradicted.total == 0


def test_nothing_of_another_campaign_is_on_the_board(team: Team) -> None:
    other = make_report(make_campaign("elsewhere"), sent_at=ago(10))
    other.standing, other.category = Standing.DEPICTED_PERSON, Category.INTIMATE_IMAGES
    other.save()
    make_items(other, 3, Status.SUSPECTED)
    make_item(other, make_target("secret", status=Status.AVAILABLE, present_at=at(9000)))
    log_reply(report=other, kind="bounced", received_at=ago(2))
    found = board(team)
    for each in (found.deadlines, found.unanswered, found.bounced, found.review, found.contradicted):
        assert each.total == 0
