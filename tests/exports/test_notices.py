"""A trusted flagger's year and a monitoring round, counted by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from apps.exports.notice_tables import round_csv, round_tables, year_csv, year_tables
from apps.exports.notices import Action, read_notices, round_report, year_report
from apps.metrics.chart import csv_text
from apps.reports.models import Campaign, Channel, ReplyKind
from apps.reports.replies import log_reply
from tests.factories import at, make_report
from tests.metrics.watching import watched

pytestmark = pytest.mark.django_db
DAY = datetime(2026, 3, 1, tzinfo=UTC)


def test_a_year_is_counted_by_provider_type_and_action(campaign: Campaign) -> None:
    found = year_report(read_notices(campaign), 2026)
    assert {name: line.notices for name, line in found.by_provider.items()} == {"example.org": 4}
    assert {name: line.notices for name, line in found.by_category.items()} == {
        "synthetic_intimate_images": 4
    }
    assert {name: line.notices for name, line in found.by_action.items()} == {
        Action.NONE: 3,
        Action.REMOVED: 1,
    }
    total = found.total
    assert (total.reports, total.gone, total.up, total.not_known) == (1, 1, 2, 1)
    assert found.left_out == {"error": 1, "control": 1, "not_by_a_trusted_flagger": 1}


def test_every_way_to_count_adds_up_to_the_total(campaign: Campaign) -> None:
    found = year_report(read_notices(campaign), 2026, trusted_only=False)
    assert found.total.notices == 5
    for lines in (found.by_provider, found.by_category, found.by_action, found.lines):
        assert sum(line.notices for line in lines.values()) == found.total.notices
        for line in lines.values():
            assert line.gone + line.restricted + line.up + line.not_known == line.notices


def test_a_report_that_never_arrived_is_an_action_of_its_own(campaign: Campaign) -> None:
    report = campaign.reports.get(number=2)
    log_reply(report=report, kind=ReplyKind.BOUNCED, received_at=at(25))
    found = year_report(read_notices(campaign), 2026, trusted_only=False)
    assert found.by_action[Action.NOT_DELIVERED].notices == 1


def test_another_year_has_nothing(campaign: Campaign) -> None:
    found = year_report(read_notices(campaign), 2025)
    assert (found.total.notices, found.left_out) == (0, {})
    assert [chart.rows for chart in year_tables(found)] == [(), (), (), ()]


def test_the_year_as_a_file(campaign: Campaign) -> None:
    lines = csv_text(year_csv(year_report(read_notices(campaign), 2026))).splitlines()
    assert lines == [
        "year,by,provider,category,action,notices,of,reports,seen_gone,seen_restricted,seen_up,not_known",
        "2026,all,,,,4,4,1,1,0,2,1",
        "2026,provider,example.org,,,4,4,1,1,0,2,1",
        "2026,type,,synthetic_intimate_images,,4,4,1,1,0,2,1",
        "2026,action,,,none,3,4,1,0,0,2,1",
        "2026,action,,,removed,1,4,1,1,0,0,0",
        '2026,"provider, type and action",example.org,synthetic_intimate_images,none,3,4,1,0,0,2,1',
        '2026,"provider, type and action",example.org,synthetic_intimate_images,removed,1,4,1,1,0,0,0',
    ]


def test_a_round_has_its_denominators(campaign: Campaign) -> None:
    found = round_report(read_notices(campaign), DAY, DAY + timedelta(days=1))
    (total,) = found.by("all")
    assert (total.notified, total.left_out, total.of) == (6, {"error": 1}, 5)
    # The decision at 3 h is on the whole first report, and the other platform's item was gone at 6 h.
    assert (total.assessed_surely.n, total.assessed_possibly.n) == (5, 5)
    assert (total.removed.n, total.said_removed.n, total.feedback.n) == (2, 1, 4)
    assert [(group.group, group.of) for group in found.by("channel")] == [("general", 1), ("trusted", 4)]
    assert [(group.group, group.feedback.n) for group in found.by("platform")] == [
        ("example.org", 4),
        ("other.example.net", 0),
    ]


def test_what_nobody_saw_within_a_day_is_possible_and_not_sure(campaign: Campaign) -> None:
    report = make_report(campaign, platform="third.example.com", sent_at=at(48))
    report.channel = Channel.EMAIL
    report.save()
    for story in ("up 49, gone 73 75", "up 73", "up 49, gone 60 62"):
        watched(report, story, reported_hours=48)
    found = round_report(read_notices(campaign), DAY, DAY + timedelta(days=5))
    (third,) = [group for group in found.by("platform") if group.group == "third.example.com"]
    assert (third.of, third.assessed_surely.n, third.assessed_possibly.n) == (3, 1, 2)


def test_shares_of_too_few_are_not_shown(campaign: Campaign) -> None:
    campaign.minimum_n = 5
    campaign.save()
    notices = read_notices(campaign)
    found = round_report(notices, DAY, DAY + timedelta(days=1))
    (total,) = found.by("all")
    assert total.removed.value == 0.4
    assert {group.removed.value for group in found.by("channel")} == {None}
    tables = round_tables(found)
    assert [chart.title for chart in tables] == ["In all", "By platform", "By ground", "By channel"]
    assert "too few to estimate" in {cell.text for row in tables[3].rows for cell in row}


def test_the_round_as_a_file(campaign: Campaign) -> None:
    content = csv_text(round_csv(round_report(read_notices(campaign), DAY, DAY + timedelta(days=1))))
    header, first, *_ = content.splitlines()
    assert header.startswith("first_day,last_day,by,group,notified,left_out,of,assessed_24h_surely,")
    assert first.startswith("2026-03-01,2026-03-02,all,all,6,1,5,5,1,")
    assert first.endswith(",error=1")


def test_days_outside_the_round_do_not_count(campaign: Campaign) -> None:
    (total,) = round_report(read_notices(campaign), DAY, DAY).by("all")
    assert (total.notified, total.of) == (5, 4)
    (total,) = round_report(read_notices(campaign), DAY - timedelta(days=9), DAY - timedelta(days=1)).by(
        "all"
    )
    assert (total.notified, total.of, total.removed.value) == (0, 0, None)
