"""What notices and e-mails say, and what they never say."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from email.header import decode_header

import pytest
from django.core.mail import EmailMessage
from hypothesis import given
from hypothesis import strategies as st

from apps.notifications.kinds import OF_ITEMS, Kind, Mails
from apps.notifications.texts import MOST_LINES, Fact, added_up, body, plain, sentence, subject

AT = datetime(2026, 3, 1, 14, 5, tzinfo=UTC)
ADDRESS = re.compile(r"://|\w\.\w|\w@\w")
HOSTILE = [
    "Models\r\nBcc: everybody@example.org",
    "https://models.example.org/a",
    "models.example.org",
    "see\u2028www.example.org \u202egro.elpmaxe",
    "mailto:somebody@example.org",
]


def fact(
    kind: Kind, count: int = 1, *, report: int = 3, platform: str = "Example Models", rule: str = ""
) -> Fact:
    if kind not in OF_ITEMS:
        return Fact(kind, 0, AT, None, platform if kind == Kind.DEFINITION_STALE else "", "")
    return Fact(kind, count, AT, report, platform, rule)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (fact(Kind.REMOVED), "1 item of report 3 (Example Models) is no longer accessible."),
        (fact(Kind.REMOVED, 10_000), "10,000 items of report 3 (Example Models) are no longer accessible."),
        (fact(Kind.RETURNED, 2), "2 items of report 3 (Example Models) are accessible again."),
        (
            fact(Kind.DEADLINE_PASSED, 4, rule="48 hours"),
            "The deadline “48 hours” passed for 4 items of report 3 (Example Models) that do not look gone.",
        ),
        (
            fact(Kind.CLAIM_CONTRADICTED, 1),
            "1 item of report 3 (Example Models) that the platform said it removed was seen there later.",
        ),
        (
            fact(Kind.DEFINITION_STALE),
            "What is known of Example Models is out of date: nothing counts as removed there until a person "
            "has looked.",
        ),
        (
            fact(Kind.CHECKER_STALLED),
            "Nothing has been checked since 2026-03-01 14:05 UTC, although checks are due.",
        ),
        (
            fact(Kind.WEBHOOK_OFF),
            "A webhook of this campaign was switched off: it took no message for days, or answered that it "
            "is gone (410).",
        ),
    ],
)
def test_a_notice_says_what_was_seen(told: Fact, words: str) -> None:
    assert sentence(told) == words


def test_what_is_of_one_report_is_added_up() -> None:
    told = added_up(
        [
            fact(Kind.RETURNED),
            fact(Kind.REMOVED, 2, report=4),
            fact(Kind.REMOVED, 5),
            fact(Kind.REMOVED, 6),
        ]
    )
    assert [(one.kind, one.report, one.count) for one in told] == [
        (Kind.REMOVED, 3, 11),
        (Kind.REMOVED, 4, 2),
        (Kind.RETURNED, 3, 1),
    ]


def test_an_item_that_happened_to_twice_is_counted_once() -> None:
    """As far as items are named: of 150 only the first hundred are."""
    named = [frozenset({7, 8}), frozenset({8, 9}), frozenset(range(8, 108))]
    told = added_up(
        replace(fact(Kind.REMOVED, count), items=items)
        for count, items in zip([2, 2, 150], named, strict=True)
    )
    assert [one.count for one in told] == [3 + 150 - 2]


def test_a_subject_counts() -> None:
    told = [fact(Kind.REMOVED, 1_200), fact(Kind.REMOVED, 1, report=4), fact(Kind.DEADLINE_PASSED, 7)]
    assert subject(told, Mails.AT_ONCE) == "Still Up: 1,201 items no longer accessible, a deadline passed"
    assert subject([fact(Kind.RETURNED)], Mails.DAILY) == "Still Up, this day: 1 item accessible again"


@pytest.mark.parametrize("mails", [Mails.AT_ONCE, Mails.DAILY, Mails.WEEKLY])
@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("hostile", HOSTILE)
def test_no_subject_and_no_line_of_an_email_holds_an_address(kind: Kind, hostile: str, mails: Mails) -> None:
    """Whatever the campaign, the platform's domain and the rule are called."""
    told = [Fact(kind, 2, AT, 3, hostile, hostile)]
    mail = EmailMessage(
        subject(told, mails),
        body(told, campaign=hostile, notices="NOTICES", off="OFF"),
        to=["reader@example.org"],
    )
    assert not ADDRESS.search(mail.subject)
    assert not ADDRESS.search(mail.body)
    assert mail.recipients() == ["reader@example.org"]
    ((header, _),) = decode_header(mail.message()["Subject"])
    assert "\n" not in str(header)
    assert "\u202e" not in mail.body


@given(st.text())
def test_plain_words_hold_no_address_and_stay_in_one_line(text: str) -> None:
    told = plain(text)
    assert len(told.splitlines()) <= 1
    assert not re.search(r"[^\W_]\.[^\W_]", told)
    assert "://" not in told


def test_a_long_digest_ends_with_a_count() -> None:
    told = [fact(Kind.REMOVED, report=number) for number in range(1, MOST_LINES + 8)]
    text = body(told, campaign="Models", notices="NOTICES", off="OFF")
    assert text.count("\n- ") == MOST_LINES + 1
    assert "- 7 more." in text
