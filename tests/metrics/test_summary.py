"""A campaign's figures, worked by hand from the checks and replies of a few items."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
import time_machine
from pytest_django import DjangoAssertNumQueries
from scipy.stats import binomtest

from apps.checks.models import Target
from apps.checks.outcomes import Outcome, Reason, Status
from apps.checks.recording import NewCheck, append
from apps.exports.notices import read_notices, round_report
from apps.metrics import responses
from apps.metrics.figures import GroupFigures
from apps.metrics.grouping import GroupKey
from apps.metrics.population import Exclusion
from apps.metrics.reading import Whole, read_of
from apps.metrics.records import read_items, seconds
from apps.metrics.responses import read_claims
from apps.metrics.summary import UnknownGroup, UnusableMoment, summarise
from apps.metrics.summary_json import summary_json
from apps.reports.models import Campaign, Item, Report
from apps.reports.replies import log_reply, mark_errors, take_back_error, take_back_reply
from tests.factories import START, at, make_campaign, make_item, make_items, make_report, make_target
from tests.metrics.watching import Look, looks, record, watched

pytestmark = [pytest.mark.django_db, pytest.mark.database]
AS_OF = 100  # hours after START


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(at(AS_OF), tick=False) as traveller:
        yield traveller


@pytest.fixture
def campaign() -> Campaign:
    """A campaign that shows estimates however few items it has."""
    campaign = make_campaign()
    campaign.minimum_n = 1
    campaign.save()
    return campaign


@pytest.fixture
def report(campaign: Campaign) -> Report:
    """One item of each kind.

    In hours since the report, "(a, b]" for later than a and no later than b:

    removed    up at 1 and 2, gone at 4 and 5 (said so by the platform): removed in (2, 4]
    up         up at 1 and 30
    attested   a person saw it gone at 24; nobody saw it before: removed in (0, 24]
    restored   up at 1, gone at 6 and 7, up at 20: removed in (1, 6], there again
    labelled   up at 1, labelled at 10 and 50: restricted, last seen at 50
    unclear    no check could tell: waiting
    suspected  up at 1 and 8, gone at 90, not confirmed yet
    early      reported at 10, gone at 4 and 5: gone before the report
    mistaken   up at 1, reported in error
    controls   one up at 1 and 50; one up at 1, gone at 10 and 11: in (1, 10]
    """
    report = make_report(campaign)
    watched(report, "up 1 2, gone 4 5", account="uploader-1")
    watched(report, "up 1 30", account="uploader-1")
    watched(report, "gone 24", by_person=True, account="uploader-2")
    watched(report, "up 1, gone 6 7, up 20")
    watched(report, "up 1, labelled 10 50", account="uploader-2")
    watched(report, "unclear 1 2")
    watched(report, "up 1 8, gone 90")
    watched(report, "up 1, gone 4 5", reported_hours=10)
    mistaken = watched(report, "up 1")
    mark_errors(items=[mistaken], reason="a wrong link")
    watched(report, "up 1 50", control=True)
    watched(report, "up 1, gone 10 11", control=True)
    return report


def total(campaign: Campaign, **options: Any) -> GroupFigures:
    return summarise(campaign, **options).total


def test_what_is_reported_is_eligible_or_left_out_for_a_reason(campaign: Campaign, report: Report) -> None:
    figures = total(campaign)
    # 11 items: 2 controls, 1 in error, 1 gone before its report; 11 - 4 = 7 count.
    assert figures.reported == 11
    assert figures.excluded == {
        Exclusion.CONTROL: 2,
        Exclusion.ERROR: 1,
        Exclusion.DUPLICATE: 0,
        Exclusion.GONE_BEFORE_REPORT: 1,
        Exclusion.NEVER_SEEN: 0,
    }
    assert figures.eligible == 7
    # The checker itself saw five of them: not the attested one, nor the one that no check could tell.
    assert (figures.observed, figures.attested) == (5, 2)


def test_shares_are_of_the_eligible(campaign: Campaign, report: Report) -> None:
    figures = total(campaign)
    assert figures.status == {
        Status.AVAILABLE: 2,  # up, restored
        Status.RESTRICTED: 1,  # labelled
        Status.SUSPECTED: 1,
        Status.REMOVED: 2,  # removed, attested
        Status.UNVERIFIABLE: 0,
        Status.WAITING: 1,  # unclear
    }
    # Labelled is acted on, never removed; suspected and unclear are inconclusive: 2 + 1 + 2 + 2 = 7.
    for share, n in ((figures.removed, 2), (figures.acted_on, 3), (figures.inconclusive, 2)):
        wilson = binomtest(n, 7).proportion_ci(method="wilson")
        assert (share.n, share.of) == (n, 7)
        assert (share.value, share.low, share.high) == pytest.approx((n / 7, wilson.low, wilson.high))


def test_removed_within_a_mark_is_bounded_by_what_was_seen(campaign: Campaign, report: Report) -> None:
    figures = total(campaign)
    # Times: removed (2, 4], up (30, ...), attested (0, 24], restored (1, 6], labelled (50, ...),
    # unclear (0, ...), suspected (8, ...). Surely: the upper end lies at or before the mark. Possibly: the
    # lower end lies before it.
    bounds = {within.name: (within.surely, within.possibly) for within in figures.within}
    assert bounds == {
        "1h": (0, 2),  # possibly attested, unclear
        "2h": (0, 3),  # and restored
        "3h": (0, 4),  # and removed
        "24h": (3, 5),  # surely removed, attested, restored; possibly unclear and suspected too
        "48h": (3, 6),  # and up
        "72h": (3, 7),  # and labelled
        "7d": (3, 7),
        "14d": (3, 7),
        "30d": (3, 7),
        "90d": (3, 7),
    }
    for within in figures.within:
        assert within.of == 7
        assert within.low == within.surely / 7
        assert within.high == within.possibly / 7
    # The last sight of any is at 50 h; the next look was due at 53.125 h.
    assert figures.removal.horizon == pytest.approx(53.125, abs=0.1)
    for within in figures.within[:5]:
        assert within.low <= within.estimate <= within.high
        low, high = within.band
        assert 0 <= low <= within.estimate <= high <= 1
    assert {within.estimate for within in figures.within[5:]} == {None}


def test_removal_times_come_from_intervals(campaign: Campaign) -> None:
    report = make_report(campaign)
    for _ in range(2):
        watched(report, "up 1 2, gone 4 5")  # (2, 4]
    watched(report, "up 1 8, gone 10 11")  # (8, 10]
    watched(report, "up 1 30")  # later than 30
    times = total(campaign).removal
    # The intervals do not overlap, so each keeps its own share: 2/4 in (2, 4], 1/4 in (8, 10], 1/4 later.
    assert (times.n, times.of) == (3, 4)
    assert {each.p: each.interval for each in times.quantiles} == {
        0.25: (2, 4),
        0.5: (2, 4),
        0.75: (8, 10),
        0.9: None,
    }
    within = {each.name: each.estimate for each in total(campaign).within}
    # Spread evenly over (2, 4], half of its 2/4 came by 3 h.
    assert within["3h"] == pytest.approx(0.25)
    assert within["24h"] == pytest.approx(0.75)


def test_a_removal_after_the_last_look_at_everything_else_is_not_everything(campaign: Campaign) -> None:
    report = make_report(campaign)
    for _ in range(9):
        watched(report, "up 1 32")  # their next look is due at 34 h
    watched(report, "up 1 31, gone 33 34")
    # One of ten. By last sights alone nothing could have outlasted (32, 33], and it would be 100%.
    times = total(campaign).removal
    assert times.fit.estimate([34.0]).tolist() == [pytest.approx(0.1)]
    assert times.quantile(0.5).interval is None
    # Nobody was followed to 48 h, so nothing is said of it.
    marks = {each.name: each for each in total(campaign).within}
    assert (marks["48h"].estimate, marks["48h"].problem) == (None, "too few followed so long")
    assert (marks["48h"].surely, marks["48h"].possibly) == (1, 10)


def test_returns_are_timed_from_when_the_item_was_first_seen_gone(campaign: Campaign, report: Report) -> None:
    for hours in (40, 60, 80):  # what is gone is looked at again
        for item in campaign.reports.get().items.filter(target__status=Status.REMOVED):
            record(item, looks(f"gone {hours}"))
    returns = total(campaign).returns
    # Removed at any time: removed, attested, restored. Restored was first seen gone at 6 h, last at 7 h, and
    # there again by 20 h: 1 to 14 hours. The others were gone for 76 and for 56 hours and longer.
    assert (returns.share.n, returns.share.of, returns.up_now) == (1, 3, 1)
    fit = returns.times.fit
    assert (fit.lower[0], fit.upper[0]) == (1, 14)


def test_accounts_are_counted_by_what_became_of_their_items(campaign: Campaign, report: Report) -> None:
    accounts = total(campaign).accounts
    # uploader-1: removed and up. uploader-2: attested (removed) and labelled (up). Four items have none.
    assert (accounts.accounts, accounts.unknown_items) == (2, 3)
    assert (accounts.items_median, accounts.items_most) == (2, 2)
    assert (accounts.gone, accounts.up, accounts.up_with_removed) == (0, 2, 2)


def test_controls_stand_beside_with_the_difference(campaign: Campaign, report: Report) -> None:
    figures = total(campaign)
    controls = figures.controls
    # One of two went in (1, 10]: surely by 24 h.
    assert (controls.of, controls.removed) == (2, 1)
    beside = {each.name: each for each in controls.within}
    assert (beside["24h"].surely, beside["24h"].possibly) == (1, 1)
    for each in controls.differences:
        assert each.difference.value == pytest.approx(each.reported - each.control)
        assert each.difference.low <= each.difference.value <= each.difference.high
    assert [each.name for each in controls.differences][3] == "24h"


def test_replies_have_their_own_clocks_and_bounced_reports_are_apart(
    campaign: Campaign, report: Report
) -> None:
    bounced, silent = make_report(campaign), make_report(campaign)
    for each in (bounced, silent):
        watched(each, "up 1")
    log_reply(report=report, kind="acknowledgement", received_at=at(0.5))
    log_reply(report=report, kind="question", received_at=at(20))
    log_reply(
        report=report,
        kind="decision",
        decision="partly",
        received_at=at(30),
        claims={report.items.first().pk: "removed"},
    )
    log_reply(report=bounced, kind="bounced", received_at=at(1))
    figures = total(campaign)
    for reply, hours in ((figures.first_reply, 0.5), (figures.first_answer, 20), (figures.decision, 30)):
        assert (reply.reports, reply.bounced, reply.times.n, reply.times.of) == (3, 1, 1, 2)
        # One of two has it, exactly then; the other had none when 100 hours had passed.
        assert reply.times.quantile(0.5).interval == (hours, hours)
        assert reply.times.quantile(0.75).interval is None


def test_claims_are_held_against_what_was_seen(campaign: Campaign) -> None:
    report = make_report(campaign)
    went = watched(report, "up 1 9, gone 12 13")
    stays = watched(report, "up 1 9 40 60")
    late = watched(report, "up 1 9 40, gone 50 51")
    refused_up = watched(report, "up 1 9 40")
    refused_gone = watched(report, "up 1 9 40, gone 60 61")
    log_reply(
        report=report,
        kind="decision",
        decision="partly",
        received_at=at(10),
        claims={
            went.pk: "removed",
            stays.pk: "removed",
            late.pk: "removed",
            refused_up.pk: "refused",
            refused_gone.pk: "refused",
        },
    )
    claims = total(campaign).claims
    assert (claims.removed, claims.refused) == (3, 2)
    # Up now although said to be removed: stays. Seen there after the claim at any time: stays and late.
    assert (claims.still_up.n, claims.still_up.of) == (1, 3)
    assert (claims.seen_after.n, claims.seen_after.of) == (2, 3)
    assert (claims.gone.n, claims.gone.of) == (1, 2)
    # After the claim at 10 h, late was there for 30 to 40 h more; stays for 50 h and longer.
    assert (claims.contradicted.n, claims.contradicted.of) == (1, 2)
    fit = claims.contradicted.fit
    assert (fit.lower[0], fit.upper[0]) == (30, 40)


def test_the_last_claim_about_an_item_counts_and_one_taken_back_does_not(campaign: Campaign) -> None:
    report = make_report(campaign)
    item = watched(report, "up 1 40")
    log_reply(report=report, kind="other", received_at=at(10), claims={item.pk: "removed"})
    later = log_reply(report=report, kind="other", received_at=at(20), claims={item.pk: "refused"})
    assert (total(campaign).claims.removed, total(campaign).claims.refused) == (0, 1)
    take_back_reply(reply=later)
    assert (total(campaign).claims.removed, total(campaign).claims.refused) == (1, 0)


def test_a_deadline_is_judged_only_where_the_reporters_standing_starts_its_clock(campaign: Campaign) -> None:
    depicted = make_report(campaign)
    depicted.standing, depicted.category = "depicted_person", "intimate_images"
    journalist = make_report(campaign)
    journalist.standing, journalist.category = "journalist", "intimate_images"
    bounced = make_report(campaign)
    bounced.standing, bounced.category, bounced.delivery = "depicted_person", "intimate_images", "bounced"
    for each in (depicted, journalist, bounced):
        each.save()
    watched(depicted, "up 0.5, gone 1 2 3")  # by 1 h: met
    watched(depicted, "up 1 2, gone 4 5")  # there at 2 h: missed
    watched(depicted, "up 1, gone 3 4")  # in (1, 3]: either
    watched(depicted, "up 1 8")  # there at 8 h: missed
    watched(journalist, "up 1 8")
    watched(bounced, "up 1 8")
    rules = {each.rule.slug: each for each in total(campaign).deadlines}
    india = rules["in-it-rules-3-2-b"]
    assert india.rule.hours == 2
    assert (india.of, india.met, india.missed, india.indeterminate, india.running) == (4, 1, 2, 1, 0)
    assert india.undelivered == 1
    ((why, count),) = india.refusals
    assert why.startswith("does not apply: ")
    assert why.endswith("this was sent by a journalist")
    assert count == 1
    # Sent on 1 March 2026, before that law's clock existed.
    assert "us-take-it-down" not in rules


def test_a_group_under_the_minimum_shows_counts_and_no_estimate(campaign: Campaign, report: Report) -> None:
    campaign.minimum_n = 8
    campaign.save()
    figures = total(campaign)
    assert figures.too_few
    assert (figures.removed.n, figures.removed.of, figures.removed.value) == (2, 7, None)
    assert figures.removal.problem == "too few to estimate"
    assert figures.removal.quantiles == ()
    assert {within.estimate for within in figures.within} == {None}
    assert figures.within[3].surely == 3


def test_groups_split_all_items_and_pairs_of_keys_split_groups(campaign: Campaign) -> None:
    one, other = make_report(campaign), make_report(campaign, platform="example.net", sent_at=at(-24 * 20))
    watched(one, "up 1", account="uploader-1")
    for labels in (["a"], ["a", "b"], []):
        item = watched(other, "up 1")
        item.labels = labels
        item.save()

    def counts(*keys: GroupKey) -> dict[tuple[str, ...], int]:
        return {tuple(group.by.values()): group.reported for group in summarise(campaign, by=keys).groups}

    assert counts(GroupKey.PLATFORM) == {("example.net",): 3, ("example.org",): 1}
    assert counts(GroupKey.REPORT) == {("1",): 1, ("2",): 3}
    assert counts(GroupKey.MONTH) == {("2026-02",): 3, ("2026-03",): 1}
    assert counts(GroupKey.LABEL) == {("",): 2, ("a",): 2, ("b",): 1}
    assert counts(GroupKey.ACCOUNT) == {("",): 3, ("example.org/uploader-1",): 1}
    assert counts(GroupKey.CHANNEL) == {("web_form",): 4}
    assert counts(GroupKey.CATEGORY) == counts(GroupKey.STANDING) == {("unknown",): 4}
    assert counts(GroupKey.EVIDENCE) == {("observed",): 4}
    assert counts(GroupKey.LABEL, GroupKey.PLATFORM) == {
        ("", "example.net"): 1,
        ("", "example.org"): 1,
        ("a", "example.net"): 2,
        ("b", "example.net"): 1,
    }


def test_two_groups_are_compared_with_n_and_p(campaign: Campaign) -> None:
    fast, slow = make_report(campaign), make_report(campaign, platform="example.net")
    for number in range(12):
        watched(fast, f"up 1 2, gone {3 + number} {4 + number}")
        watched(slow, f"up 1 {30 + number}" if number else "up 1 40, gone 50 51")
    compared = summarise(campaign, by=[GroupKey.PLATFORM]).compared
    assert (compared.first, compared.second) == ({"platform": "example.net"}, {"platform": "example.org"})
    assert (compared.n_first, compared.n_second) == (12, 12)
    assert 0 < compared.p < 0.001
    named = summarise(campaign, by=[GroupKey.REPORT], compare=("2", "report 1")).compared
    assert named.p == pytest.approx(compared.p)
    with pytest.raises(UnknownGroup, match=r"no group “nowhere” to compare\. Groups: 1, 2"):
        summarise(campaign, by=[GroupKey.REPORT], compare=("1", "nowhere"))


def test_a_moment_that_has_not_come_is_refused(campaign: Campaign) -> None:
    with pytest.raises(UnusableMoment, match="has not come: it is now"):
        summarise(campaign, as_of=at(AS_OF + 1))


def test_what_was_recorded_later_is_not_in_an_earlier_record(
    campaign: Campaign, clock: time_machine.Traveller
) -> None:
    report = make_report(campaign)
    item = watched(report, "up 1")
    clock.move_to(at(200))
    record(item, looks("gone 50", person=True))  # seen at 50 h, written down at 200 h
    reply = log_reply(report=report, kind="decision", decision="removed", received_at=at(60))
    assert total(campaign).removed.n == 1
    before = total(campaign, as_of=at(150))
    assert (before.removed.n, before.claims.removed, before.decision.times.n) == (0, 0, 0)
    clock.move_to(at(300))
    take_back_reply(reply=reply)
    mark_errors(items=[item], reason="a wrong link")
    assert total(campaign).eligible == 0
    then = total(campaign, as_of=at(250))
    assert (then.eligible, then.removed.n, then.claims.removed) == (1, 1, 1)
    clock.move_to(at(400))
    take_back_error(item=item)
    assert total(campaign, as_of=at(350)).eligible == 0
    assert total(campaign).eligible == 1


@pytest.mark.parametrize(
    ("words", "status", "returned"),
    [
        (("up 1", "gone 5", "up 5"), Status.AVAILABLE, 1),
        (("gone 5", "up 5"), Status.AVAILABLE, 1),
        (("up 1", "gone 5", "up 5", "gone 5"), Status.REMOVED, 1),
        (("gone 2", "up 5", "gone 5"), Status.REMOVED, 1),
        (("up 1", "gone 5", "labelled 5", "gone 30"), Status.REMOVED, 1),
        (("up 5", "gone 5"), Status.REMOVED, 0),
    ],
)
def test_of_words_about_one_moment_the_one_that_was_recorded_last_counts(
    words: tuple[str, ...], status: Status, returned: int, campaign: Campaign
) -> None:
    """People write down moments to the minute, and put right within it what they got wrong."""
    item = watched(make_report(campaign))
    watched(item.report, "up 1, gone 4 6, up 20")  # another one, whose changes are in order
    for word in words:
        record(item, looks(word, person=True))
    assert Target.objects.get(pk=item.target_id).status == status
    for known in ({}, {"as_of": at(AS_OF)}):
        found = total(campaign, **known)
        assert found.status[status] == 1 + (status == Status.AVAILABLE)
        assert (found.returns.share.n, found.returns.share.of) == (1 + returned, 2)
    now, seen = read_items(campaign), read_items(campaign, until=at(AS_OF))
    for name in ("status", "present", "concluded", "removed_by"):
        assert getattr(now, name).tolist() == getattr(seen, name).tolist(), name


STORIES = ("up", "up", "up", "gone", "gone", "labelled", "unclear")


@pytest.mark.parametrize("seed", range(4))
def test_as_of_is_what_the_summary_said_then(
    seed: int, campaign: Campaign, clock: time_machine.Traveller
) -> None:
    """Play a random record, keep what the summary says on the way, and ask for it again at the end."""
    random = Random(seed)
    report = make_report(campaign)
    items = [watched(report, account=f"uploader-{number % 3}") for number in range(12)]
    watched(report, control=True)
    said: dict[datetime, Any] = {}
    for hour in range(1, 260, 4):
        clock.move_to(at(hour + 0.5))
        for item in random.sample(items, 4):
            word = random.choice(STORIES)
            # A person may tell of what they saw earlier.
            moment = hour if random.random() < 0.8 else random.uniform(0, hour)
            record(item, looks(f"{word} {moment:.3f}", person=random.random() < 0.3))
        if hour % 20 == 1:
            clock.move_to(at(hour + 1))
            said[at(hour + 1)] = summary_json(summarise(campaign, by=[GroupKey.ACCOUNT]))
    for moment, then in said.items():
        again = summary_json(summarise(campaign, by=[GroupKey.ACCOUNT], as_of=moment))
        assert {**again, "generated_at": then["generated_at"]} == then, moment


def test_a_filter_narrows_every_figure(campaign: Campaign, report: Report) -> None:
    items = Item.objects.filter(report__campaign=campaign, target__account="uploader-1")
    figures = summarise(campaign, items=items).total
    assert (figures.reported, figures.eligible, figures.removed.n) == (2, 2, 1)


def test_the_json_has_the_shape_that_programs_rely_on(campaign: Campaign, report: Report) -> None:
    said = json.loads(json.dumps(summary_json(summarise(campaign, by=[GroupKey.PLATFORM]))))
    assert list(said) == [
        "version",
        "campaign",
        "as_of",
        "generated_at",
        "unit",
        "minimum_n",
        "groups",
        "comparison",
        "definitions",
    ]
    assert (said["version"], said["campaign"], said["unit"]) == (1, "example-models", "item")
    assert said["as_of"] == "2026-03-05T18:05:00Z"
    assert [group["by"] for group in said["groups"]] == [{}, {"platform": "example.org"}]
    group = said["groups"][0]
    assert group["excluded"] == {
        "gone_before_report": 1,
        "duplicate": 0,
        "error": 1,
        "control": 2,
        "never_seen": 0,
    }
    assert sum(group["status"].values()) == group["eligible"] == group["observed"] + group["attested"] == 7
    assert group["share_removed"] == {"n": 2, "of": 7, "value": 0.2857, "low": 0.0822, "high": 0.6411}
    assert list(group["removed_within"]) == [
        *("1h", "2h", "3h", "24h", "48h", "72h", "7d", "14d", "30d", "90d")
    ]
    assert group["removal_time_hours"]["method"] == "turnbull-1976"
    assert group["removal_time_hours"]["p90"] is None
    assert group["problem"] is None


SHARE = "n of value low high"
TIMES = "n of horizon p25 p50 p75 p90 band method band_method problem"
WITHIN = "surely possibly of low high estimate band problem"


@pytest.mark.parametrize(
    ("part", "keys"),
    [
        ("share_removed", SHARE),
        ("share_acted_on", SHARE),
        ("share_inconclusive", SHARE),
        ("removed_within.24h", WITHIN),
        ("removal_time_hours", TIMES),
        ("removal_time_hours.band", "p25 p50 p75 p90"),
        ("first_reply_hours", f"unit reports bounced {TIMES}"),
        ("first_answer_hours", f"unit reports bounced {TIMES}"),
        ("decision_hours", f"unit reports bounced {TIMES}"),
        (
            "deadlines.0",
            "rule name jurisdiction citation binding hours stops_at of met missed running indeterminate "
            "undelivered does_not_apply",
        ),
        ("deadlines.0.does_not_apply.0", "why n"),
        ("claims", "removed still_up seen_after_claim hours_up_after_claim restricted refused gone"),
        ("claims.gone", SHARE),
        ("claims.hours_up_after_claim", TIMES),
        ("returns", "share up_now hours_gone"),
        (
            "accounts",
            "accounts unknown_items items_per_account gone up up_with_removed_items removed_items",
        ),
        ("accounts.items_per_account", "median most"),
        ("accounts.removed_items", "with_account alone unknown"),
        ("controls", "of removed removed_within removal_time_hours difference"),
        ("controls.removed_within.24h", WITHIN),
        ("controls.difference.24h", "value low high"),
    ],
)
def test_each_part_of_the_json_has_its_keys(
    part: str, keys: str, campaign: Campaign, report: Report, repository: Path
) -> None:
    """They change with the version alone, and stand on the page about them."""
    report.standing, report.category = "journalist", "intimate_images"
    report.save()
    found = json.loads(json.dumps(summary_json(summarise(campaign))))["groups"][0]
    for step in part.split("."):
        found = found[int(step) if step.isdecimal() else step]
    assert list(found) == keys.split()
    text = (repository / "docs" / "summary.md").read_text()
    assert [key for key in found if not re.search(rf'[`"]{key}[`"]', text)] == []


def test_an_empty_campaign_has_a_total_of_nothing(campaign: Campaign) -> None:
    (group,) = summary_json(summarise(campaign))["groups"]
    assert (group["reported"], group["eligible"], group["share_removed"]["value"]) == (0, 0, None)


@pytest.mark.parametrize("many", [3, 200])
def test_the_number_of_queries_does_not_grow(
    many: int, campaign: Campaign, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    report = make_report(campaign)
    make_items(report, many)
    make_item(report, status=Status.AVAILABLE, reinstated_at=START + timedelta(hours=1), removal_count=1)
    # items, their targets, histories of what came back, the accounts' pages, errors, replies, reports,
    # claims, the replies that make them, accounts
    with django_assert_num_queries(10):
        summarise(campaign, by=[GroupKey.ACCOUNT])


def test_moments_are_the_same_seconds_on_every_database_and_in_python(campaign: Campaign) -> None:
    report = make_report(campaign)
    moments = [
        START.replace(second=second, microsecond=microsecond)
        for second in (0, 7, 59)
        for microsecond in (0, 1, 400_000, 499_999, 999_000, 999_499, 999_500, 999_999)
    ]
    for moment in moments:
        make_item(report, make_target(present_at=moment))
    records = read_items(Item.objects.filter(report=report))
    assert sorted(records.present.tolist()) == sorted(map(seconds, moments))
    assert set(records.reported.tolist()) == {seconds(START)}


def test_dates_without_a_time_make_no_removal_of_what_was_seen_on_the_same_day(
    campaign: Campaign, clock: time_machine.Traveller
) -> None:
    clock.move_to(at(300))
    # A person looked at all on 5 March: what was there was seen from its beginning, what was gone by its end.
    report = make_report(campaign, sent_at=datetime(2026, 3, 1, tzinfo=UTC))
    for gone in [True] * 3 + [False] * 27:
        item = watched(report)
        item.reported_at = report.sent_at
        item.save()
        moment = datetime(2026, 3, 5, tzinfo=UTC) + (
            timedelta(days=1, microseconds=-1) if gone else timedelta(0)
        )
        record(item, [Look((moment - START).total_seconds() / 3600, "gone" if gone else "up", person=True)])
    figures = total(campaign)
    # 3 of 30 went somewhere in the first five days; half were never gone.
    assert figures.removal.quantile(0.5).interval is None
    assert figures.removal.fit.estimate([120.0]).tolist() == [pytest.approx(0.1)]
    assert {each.name: each.estimate for each in figures.within}["72h"] == pytest.approx(0.06)


def test_an_item_that_cannot_be_told_is_no_removal(campaign: Campaign, clock: time_machine.Traveller) -> None:
    clock.move_to(at(330))
    report = make_report(campaign)
    for _ in range(9):
        watched(report, "up 1 24 72 100, unclear 110 200 290")
    watched(report, "up 1 24 72 250, gone 300 302")
    figures = total(campaign)
    assert (figures.removed.n, figures.inconclusive.n) == (1, 9)
    assert figures.removal.quantile(0.5).interval is None


def test_a_rule_counts_where_it_was_in_force_when_the_item_was_reported(campaign: Campaign) -> None:
    report = make_report(campaign, sent_at=datetime(2026, 2, 1, tzinfo=UTC))
    report.standing, report.category = "depicted_person", "intimate_images"
    report.save()
    watched(report, "up 1, gone 4 5", reported_hours=-24 * 20)  # 9 February: before the rule of 20 February
    watched(report, "up 1, gone 4 5", reported_hours=0)
    rules = {each.rule.slug: each for each in total(campaign).deadlines}
    assert rules["in-it-rules-3-2-b"].of == 1


def test_a_decision_is_held_to_the_very_moment_of_a_deadline(campaign: Campaign) -> None:
    report = make_report(campaign)
    report.standing, report.category = "organisation", "hate_speech"
    report.save()
    watched(report, "up 1 23 40")
    log_reply(report=report, kind="decision", decision="no_violation", received_at=at(24 + 4 / 60))
    (code,) = [each for each in total(campaign).deadlines if each.rule.hours == 24]
    assert (code.met, code.missed) == (0, 1)


def test_a_decision_is_about_what_was_reported_before_it(campaign: Campaign) -> None:
    """A list of several days is one report: what was decided before an item was reported leaves that open."""
    report = make_report(campaign)
    report.category, report.standing = "hate_speech", "organisation"
    report.save()
    for hours in (0, 30, 60):
        watched(report, f"up {hours + 1} 99", reported_hours=hours)
    log_reply(report=report, kind="decision", decision="rejected", received_at=at(10))
    rule = "eu-hate-speech-code-plus"

    def verdicts() -> tuple[int, int]:
        (found,) = (each for each in total(campaign).deadlines if each.rule.slug == rule)
        return found.met, found.missed

    def told() -> tuple[int, int]:
        (group,) = round_report(read_notices(campaign), START, START + timedelta(days=9)).by("all")
        return group.assessed_surely.n, group.feedback.n

    assert (verdicts(), told()) == ((1, 2), (1, 1))
    log_reply(report=report, kind="decision", decision="rejected", received_at=at(40))
    assert (verdicts(), told()) == ((2, 1), (2, 2))
    assert total(campaign).decision.times.n == 1


def test_what_bounced_after_an_answer_was_something_else(campaign: Campaign) -> None:
    report = make_report(campaign)
    watched(report, "up 1")
    log_reply(report=report, kind="acknowledgement", received_at=at(1))
    log_reply(report=report, kind="bounced", received_at=at(50))
    reply = total(campaign).first_reply
    assert (reply.bounced, reply.times.n) == (0, 1)


def test_a_reply_that_is_logged_while_claims_are_read_takes_no_other_ones_moment(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Outside a transaction SQLite lets it be seen between two queries."""
    report = make_report(campaign)
    first, second = watched(report, "up 1 9"), watched(report, "up 1 9")

    def claim(item: Item, hours: float) -> None:
        claims = {item.pk: "removed"}
        log_reply(report=report, kind="decision", decision="partly", received_at=at(hours), claims=claims)

    def read_later(*asked: Any) -> dict[str, Whole]:
        claim(second, 3)
        return read_of(*asked)

    claim(first, 2)
    with monkeypatch.context() as patch:
        patch.setattr(responses, "read_of", read_later)
        found = read_claims(campaign)
    assert dict(zip(found.item.tolist(), found.at.tolist(), strict=True)) == {first.pk: seconds(at(2))}
    assert len(read_claims(campaign).item) == 2


def test_how_long_an_item_outlasted_a_claim_ends_with_the_removal_after_it(campaign: Campaign) -> None:
    report = make_report(campaign)
    item = watched(report, "up 1, gone 4 5 6, up 15 20, gone 22 24")
    log_reply(report=report, kind="other", received_at=at(10), claims={item.pk: "removed"})
    claims = total(campaign).claims
    # There again by 15 h, seen until 20 h, gone by 22 h: 10 to 12 hours after the claim.
    assert (claims.contradicted.n, claims.contradicted.of) == (1, 1)
    assert claims.contradicted.quantile(0.5).interval == (10, 12)


def test_groups_that_share_urls_are_not_compared(campaign: Campaign) -> None:
    one, other = make_report(campaign), make_report(campaign)
    for number in range(6):
        item = watched(one, "up 1 2, gone 4 5")
        if number:
            watched(other, "up 1 2, gone 4 5")
        else:
            make_item(other, item.target)
    compared = summarise(campaign, by=[GroupKey.REPORT]).compared
    assert (compared.p, compared.reason) == (None, "the groups share URLs, so they cannot be compared")


def test_an_account_that_is_found_to_be_suspended_later_is_gone_in_either_record(campaign: Campaign) -> None:
    report = make_report(campaign)
    item = watched(report, "up 1, gone 4 5", account="uploader-1")
    append(
        [NewCheck(item.target_id, at(9), at(9), Outcome.REMOVED, Reason.ACCOUNT_SUSPENDED, definitive=True)]
    )
    assert total(campaign).accounts.gone == total(campaign, as_of=at(AS_OF)).accounts.gone == 1


def test_another_thing_at_its_address_is_a_removal_and_no_return(
    campaign: Campaign, clock: time_machine.Traveller
) -> None:
    """Each told its identity; the second one's address was taken over while it was gone."""
    report = make_report(campaign)
    clock.move_to(at(1))
    gone_at_once, gone_before = watched(report, "up 1"), watched(report, "up 1")
    clock.move_to(at(10))
    record(gone_before, looks("gone 4 5"))
    then = summary_json(summarise(campaign))
    for hours in (20, 30, 60):
        clock.move_to(at(hours))
        append(
            NewCheck(item.target_id, at(hours), at(hours), Outcome.REMOVED, Reason.REPLACED)
            for item in (gone_at_once, gone_before)
        )
    for figures in (total(campaign), total(campaign, as_of=at(60))):
        assert (figures.removed.n, figures.returns.share.n, figures.returns.up_now) == (2, 0, 0)
    assert total(campaign, as_of=at(40)).status[Status.SUSPECTED] == 1
    again = summary_json(summarise(campaign, as_of=at(10)))
    assert {**again, "generated_at": then["generated_at"]} == then
