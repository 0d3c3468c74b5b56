"""The text of a reminder: facts, one a line, and nothing else."""

from __future__ import annotations

import pytest
import time_machine
from pytest_django import DjangoAssertNumQueries

from apps.checks.outcomes import Status
from apps.reports.models import Category, ClaimWord, Decision, ReplyKind
from apps.reports.reminders import Said, Sent, StillUp, reminder_text
from apps.reports.replies import log_reminder, log_reply, mark_errors, take_back_reply
from apps.reports.reply_selectors import reminder_facts
from tests.factories import at, make_campaign, make_item, make_items, make_report, make_target

SENT = Sent(
    platform="Example Models",
    sent_at=at(0),
    channel="e-mail",
    category="synthetic intimate images without consent",
    policy="Terms, 4.2",
    reference="T-7",
)
URL = "hxxps://models[.]example[.]org/"


def test_it_says_what_was_sent_and_what_is_still_there() -> None:
    text = reminder_text(
        sent=SENT,
        items=5,
        in_error=1,
        still_up=[
            StillUp(f"{URL}a", at(90)),
            StillUp(f"{URL}b", at(95), restricted=True, said_removed_at=at(30)),
            StillUp(f"{URL}c", at(20), said_removed_at=at(30)),
            StillUp(f"{URL}d", None, restricted=True),
        ],
        replies=[Said(at(1), "automatic acknowledgement"), Said(at(30), "decision: partly removed")],
        reminders=[at(50)],
        now=at(100),
    )
    assert (
        text
        == """\
Reminder of a report to Example Models

Sent: 2026-03-01 14:05 UTC, by e-mail
Reference: T-7
Policy cited: Terms, 4.2
Category: synthetic intimate images without consent
Reply received 2026-03-01 15:05 UTC: automatic acknowledgement
Reply received 2026-03-02 20:05 UTC: decision: partly removed
Reminder sent 2026-03-03 16:05 UTC

As of 2026-03-05 18:05 UTC, 4 of the 5 items in the report are still up.
Left out: 1 item reported in error.
Beside each is the moment at which it was last seen there.

hxxps://models[.]example[.]org/a  (2026-03-05 08:05 UTC)
hxxps://models[.]example[.]org/b  (2026-03-05 13:05 UTC, restricted)
    You wrote on 2026-03-02 20:05 UTC that it was removed; it was still there on 2026-03-05 13:05 UTC.
hxxps://models[.]example[.]org/c  (2026-03-02 10:05 UTC)
    You wrote on 2026-03-02 20:05 UTC that it was removed; it has not been seen since.
hxxps://models[.]example[.]org/d  (not shown to us, behind a restriction)
"""
    )


@pytest.mark.parametrize(
    ("items", "up", "sentence"),
    [
        (1, 1, "1 of the 1 item in the report is still up."),
        (3, 1, "1 of the 3 items in the report is still up."),
        (3, 0, "none of the 3 items in the report is still up."),
    ],
)
def test_it_counts_what_is_still_there(items: int, up: int, sentence: str) -> None:
    bare = Sent(platform="Example Models", sent_at=at(0), channel="e-mail", category="fraud")
    text = reminder_text(sent=bare, items=items, still_up=[StillUp(f"{URL}a", at(1))] * up, now=at(2))
    assert sentence in text
    assert "Policy cited" not in text
    assert "Reference" not in text
    assert ("Beside each" in text) == bool(up)
    assert "Left out" not in text


@pytest.mark.django_db
@time_machine.travel(at(100), tick=False)
def test_it_names_what_was_seen_and_counts_what_was_reported() -> None:
    report = make_report(make_campaign())
    report.category = Category.FRAUD
    report.save()
    up = make_item(report, make_target("up", status=Status.AVAILABLE, present_at=at(90)))
    gated = make_item(report, make_target("gated", status=Status.RESTRICTED, present_at=at(91)))
    make_item(report, make_target("doubtful", status=Status.SUSPECTED, present_at=at(80)))
    make_item(report, make_target("gone", status=Status.REMOVED))
    make_item(report, make_target("matched", status=Status.AVAILABLE, present_at=at(90)), control=True)
    wrong = make_item(report, make_target("wrong", status=Status.AVAILABLE, present_at=at(90)))
    mark_errors(items=[wrong], reason="Not theirs.")
    claims = {up.pk: ClaimWord.REMOVED, gated.pk: ClaimWord.REMOVED}
    log_reply(
        report=report, kind=ReplyKind.DECISION, decision=Decision.PARTLY, received_at=at(20), claims=claims
    )
    log_reply(report=report, kind=ReplyKind.OTHER, received_at=at(30), claims={gated.pk: ClaimWord.REFUSED})
    log_reply(report=report, kind=ReplyKind.BOUNCED, received_at=at(1))
    wrongly_logged = log_reply(report=report, kind=ReplyKind.QUESTION, received_at=at(2))
    take_back_reply(reply=wrongly_logged)
    log_reminder(report=report, sent_at=at(40))
    facts = reminder_facts(report)
    # Five were reported, one of them in error, which leaves four; two of those are seen to be up.
    assert (facts.items, facts.in_error) == (4, 1)
    assert facts.still_up == [
        StillUp("hxxps://models[.]example[.]org/up", at(90), said_removed_at=at(20)),
        StillUp("hxxps://models[.]example[.]org/gated", at(91), restricted=True),
    ]
    assert [said.words for said in facts.replies] == ["decision: partly removed", "other reply"]
    assert facts.reminders == [at(40)]
    assert (facts.sent.channel, facts.sent.category) == ("web form", "fraud or impersonation")


@pytest.mark.django_db
@pytest.mark.parametrize("items", [3, 900])
def test_a_long_report_takes_as_many_queries_as_a_short_one(
    items: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    report = make_report(make_campaign())
    make_items(report, items)
    log_reply(report=report, kind="decision", decision="removed", received_at=at(0))
    with django_assert_num_queries(6):
        facts = reminder_facts(report)
    text = reminder_text(sent=facts.sent, items=facts.items, still_up=facts.still_up, now=at(9))
    assert text.count("hxxps://models[.]example[.]org/bulk/") == items
