"""Told by months, nothing public says on which day something was reported: not now, and not day after day."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import pytest
import time_machine
from django.db import transaction

from apps.checks.models import Check
from apps.checks.outcomes import STATUS_ORDER, Status
from apps.checks.recording import NewCheck, append
from apps.exports.by_month import lags
from apps.exports.editions import UnusableEdition, edition_summary, publish_edition
from apps.exports.models import content_of
from apps.exports.published import Snapshot
from apps.exports.snapshots import published
from apps.exports.trees import to_json
from apps.metrics.population import DAY
from apps.metrics.records import read_items, seconds
from apps.reports.models import Campaign, Category, Channel, ClaimWord, Decision, Item, ReplyKind, Standing
from apps.reports.replies import log_reply, mark_errors
from apps.reports.selectors import items_of
from tests.factories import at, make_campaign, make_item, make_report, make_target
from tests.metrics.watching import Look, check_of, looks, record, watched
from tests.public.seeding import make_public

pytestmark = pytest.mark.django_db

STORIES = (
    "up 1 20 44, gone 47 50 72 300 600 900",
    "up 1 3, gone 4 5 30 200, up 230 400 800",
    "up 1 24 48 200 400 600 800 1000",
    "up 1 4, unclear 30 90 200 260 700",
    "labelled 1 30 300 700",
    "gone 2 3 40 300",
    "up 1 300, gone 310",
)
EARLY, LATE = (0, 3, 1), (28, 20, 27)
"""Days after 1 March and 1 April on which the reports are sent."""


def campaign_of(days: Sequence[int], now: float) -> Campaign:
    """A campaign of three reports, and what of it was on record `now` hours after START.

    Whatever is seen or said comes so long after the report, on whichever day that was.
    """
    chance = random.Random(7)
    campaign = make_campaign("listed-models")
    months = (0, 0, 31)
    seen: list[NewCheck] = []
    for number, (month, day) in enumerate(zip(months, days, strict=True)):
        start = 24.0 * (month + day)
        report = make_report(campaign, platform=("huggingface", "civitai", "huggingface")[number])
        report.sent_at = at(start)
        report.channel = (Channel.LEGAL, Channel.EMAIL, Channel.LEGAL)[number]
        report.standing = (Standing.AUTHORITY, Standing.DEPICTED_PERSON, Standing.AUTHORITY)[number]
        report.category = (Category.TERRORISM, Category.INTIMATE_IMAGES, Category.INTIMATE_IMAGES)[number]
        report.save()
        items = [make_item(report, make_target(account=f"uploader-{each % 5}")) for each in range(14)]
        controls = [make_item(report, control=True) for _ in range(6)]
        for place, item in enumerate([*items, *controls]):
            after = 50.5 if place % 3 == 0 else 0.0  # an item may be reported later than its report
            Item.objects.filter(pk=item.pk).update(reported_at=at(start + after))
            story = looks(STORIES[2] if item.control else chance.choice(STORIES))
            moved = [Look(start + after + look.hours, look.word) for look in story]
            seen += [check_of(item, look) for look in moved if look.hours <= now]
        claims = {item.pk: chance.choice(list(ClaimWord)) for item in items[:10]}
        mark_errors(items=items[:1], reason="A wrong link.")
        for hours, kind in ((2.0, ReplyKind.ACKNOWLEDGEMENT), (90.0, ReplyKind.DECISION)):
            if start + hours <= now:
                log_reply(
                    report=report,
                    kind=kind,
                    received_at=at(start + hours),
                    decision=Decision.PARTLY if kind == ReplyKind.DECISION else "",
                    claims=claims if kind == ReplyKind.DECISION else {},
                )
    append(seen)
    return campaign


def told(days: Sequence[int], now: float, dates: str = "month") -> dict[str, object]:
    """All that the public could read, but for what is random: names and digests."""
    with time_machine.travel(at(now), tick=False), transaction.atomic():
        campaign = campaign_of(days, now)
        make_public(campaign, items=True, dates=dates)
        snapshot: Snapshot = published(campaign.slug).snapshot()
        found: dict[str, object] = {"snapshot": to_json(snapshot)}
        try:
            edition = publish_edition(campaign=campaign, person=None)
        except UnusableEdition:
            assert snapshot.counts is None
        else:
            files = {file.name: b"".join(content_of(file)) for file in edition.files.filter(public=True)}
            items = list(csv.DictReader(io.StringIO(files.pop("items.csv").decode(), newline="")))
            found["items"] = sorted(
                [value for name, value in row.items() if name != "public_id"] for row in items
            )
            found["heads"] = len(files.pop("ledger-heads.csv").splitlines())
            del files["SHA256SUMS"], files["datapackage.json"]
            found |= files
        transaction.set_rollback(True)
    return found


@pytest.mark.parametrize("now", [24 * 30.4, 24 * 33.5, 24 * 45, 24 * 75])
def test_campaigns_that_differ_in_the_days_of_their_months_look_the_same(now: float) -> None:
    """On the last day of March, on 4 April and on 15 April, and in May."""
    early, late = told(EARLY, now), told(LATE, now)
    assert early.keys() == late.keys()
    for name in early:
        assert early[name] == late[name], name
    if now == 24 * 75:
        assert len(early["items"]) == 60  # type: ignore[arg-type]


def test_by_day_they_do_not() -> None:
    early, late = (told(days, 24 * 75, dates="day") for days in (EARLY, LATE))
    assert early["figures.csv"] != late["figures.csv"]
    assert early["items"] != late["items"]


def test_what_is_shown_is_what_the_record_was_at_that_age() -> None:
    """On 4 April, a report of 4 March is shown as on 7 March: its last day of the month is 27 days later."""
    with time_machine.travel(at(24 * 33.5), tick=False):
        campaign = make_campaign("listed-models")
        report = make_report(campaign, sent_at=at(24 * 3))
        for _ in range(6):
            watched(
                report, f"up {24 * 3 + 1} {24 * 5}, gone {24 * 8} {24 * 9} {24 * 12}", reported_hours=24 * 3
            )
        make_public(campaign, dates="month")
        counts = published("listed-models").snapshot().counts
    assert counts is not None
    assert (counts.eligible, counts.up, counts.removed) == (6, 6, 0)


def test_a_list_that_was_imported_late_is_there_at_once() -> None:
    """When something was written down tells nothing of its report, and hides nothing."""
    with time_machine.travel(at(24 * 75), tick=False):
        campaign = make_campaign("listed-models")
        report = make_report(campaign, sent_at=at(0))
        for day in range(6):
            watched(
                report, f"up {24 * day + 1}, gone {24 * day + 9}", by_person=True, reported_hours=24 * day
            )
        Item.objects.update(created_at=at(24 * 75))
        Check.objects.update(recorded_at=at(24 * 75))
        make_public(campaign, dates="month")
        counts = published("listed-models").snapshot().counts
    assert counts is not None
    assert (counts.eligible, counts.removed) == (6, 6)


def test_nothing_of_a_report_is_shown_before_its_month_is_over() -> None:
    with time_machine.travel(at(24 * 2), tick=False) as travel:
        campaign = make_campaign("listed-models")
        report = make_report(campaign, platform="huggingface")
        for _ in range(30):
            watched(report, "up 1 24 40")
        make_public(campaign, dates="month")
        for day in range(2, 31):
            travel.move_to(at(24 * day))
            snapshot = published("listed-models").snapshot()
            assert (snapshot.counts, snapshot.reports, snapshot.platforms, snapshot.since) == (
                None,
                (),
                (),
                "",
            )
        travel.move_to(at(24 * 31))  # 1 April
        snapshot = published("listed-models").snapshot()
        assert snapshot.counts is not None
        assert (snapshot.counts.eligible, len(snapshot.reports), snapshot.since) == (30, 1, "2026-03")


def test_a_page_is_of_the_last_midnight_and_follows_no_record() -> None:
    """Else the moment at which it was made anew would tell when something came in."""
    with time_machine.travel(at(24 * 40), tick=False) as travel:
        campaign = make_campaign("listed-models")
        report = make_report(campaign)
        for _ in range(6):
            item = watched(report, "up 1 24, gone 40 41 70")
        make_public(campaign, dates="month")
        before = published("listed-models")
        assert before.as_of.isoformat() == "2026-04-10T00:00:00+00:00"
        travel.shift(timedelta(hours=3))
        record(item, [Look(24 * 40 + 2, "up", person=True)])
        same = published("listed-models")
        assert (same.etag, same.made_at) == (before.etag, before.made_at)
        travel.shift(timedelta(hours=7))
        assert published("listed-models").as_of.isoformat() == "2026-04-11T00:00:00+00:00"


def test_a_letter_stays_with_its_platform_when_the_month_of_another_is_over() -> None:
    """The report of a later month is the first on record; that of an earlier one is handed in last."""
    with time_machine.travel(at(24 * 40), tick=False) as travel:
        campaign = make_campaign("listed-models")

        def report(platform: str, day: int, many: int) -> None:
            made = make_report(campaign, platform=platform, sent_at=at(24 * day))
            for _ in range(many):
                watched(made, f"up {24 * day + 1} {24 * day + 20}")

        def sizes() -> dict[str, int]:
            groups = edition_summary(publish_edition(campaign=campaign, person=None))["groups"]
            return {
                group["by"]["platform"]: group["eligible"] for group in groups if "platform" in group["by"]
            }

        report("civitai", 32, 9)  # 2 April
        report("huggingface", 19, 7)  # 20 March
        make_public(campaign, platforms="letters", dates="month")
        assert sizes() == {"a": 7}
        travel.move_to(at(24 * 62))
        assert sizes() == {"a": 7, "b": 9}
        report("github", 2, 8)  # 3 March
        travel.move_to(at(24 * 64))
        assert sizes() == {"a": 7, "b": 9, "c": 8}


def test_a_line_by_month_ends_with_what_is_shown_now() -> None:
    with time_machine.travel(at(24 * 75), tick=False):
        make_public(campaign_of(EARLY, 24 * 75), dates="month")
        snapshot = published("listed-models").snapshot()
    assert [step.day for step in snapshot.steps][-1] == "2026-05"
    assert sum(snapshot.steps[-1].statuses) == 39
    assert [step.reports for step in snapshot.steps] == [2, 1, 0]
    assert sum(step.replies for step in snapshot.steps) == 6
    removed = list(Status).index(Status.REMOVED)
    assert sum(snapshot.statuses) <= 39
    assert snapshot.steps[-1].statuses[removed] >= snapshot.statuses[removed]


def test_a_line_by_month_has_what_was_put_right_within_a_minute() -> None:
    with time_machine.travel(at(24 * 75), tick=False):
        campaign = make_campaign("listed-models")
        items = [watched(make_report(campaign), "up 1") for _ in range(6)]
        for item in items:
            record(item, [Look(5, "gone", person=True)])
            record(item, [Look(5, "up", person=True)])
        make_public(campaign, dates="month")
        snapshot = published("listed-models").snapshot()
    up = list(STATUS_ORDER).index(Status.AVAILABLE)
    assert [snapshot.statuses[up], snapshot.steps[-1].statuses[up]] == [6, 6]


@pytest.mark.parametrize(
    ("day", "lag"),
    [("2026-03-01", 30), ("2026-03-31", 0), ("2026-02-01", 27), ("2024-02-28", 1), ("2026-12-31", 0)],
)
def test_everything_is_moved_to_the_last_day_of_its_month(day: str, lag: int) -> None:
    moment = np.array([np.datetime64(f"{day}T23:59:59", "s").astype(np.int64)])
    assert lags(moment).tolist() == [lag * DAY]


def test_what_was_seen_by_now_is_the_record_as_it_stands() -> None:
    with time_machine.travel(at(24 * 75), tick=False):
        campaign = campaign_of(EARLY, 24 * 75)
        now, then = (read_items(items_of(campaign), **options) for options in ({}, {"until": at(24 * 75)}))
    for name in ("pk", "reported", "error", "observed", "status", "present", "removed_by", "account_gone"):
        assert getattr(now, name).tolist() == getattr(then, name).tolist(), name
    assert seconds(at(0)) in now.reported.tolist()
