"""What notices and e-mails say. Pure; made of counts, report numbers and names of platforms and rules.

An e-mail is read on phones and by those who carry it. So no text here holds a reported URL, an account or a
note, and a subject holds nothing that a person wrote, not even the campaign's name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from .kinds import OF_ITEMS, Kind, Mails

MOST_LINES = 50
MOST_NAME = 80

_DOT = re.compile(r"(?<=\w)\.(?=\w)")
_UNPRINTED = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff]+")


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that happened. `count` is of items, `items` has the first ids; `at` is the record's time."""

    kind: Kind
    count: int
    at: datetime
    report: int | None = None
    platform: str = ""  # its name
    rule: str = ""  # its name
    items: frozenset[int] = frozenset()


def sentence(fact: Fact) -> str:
    """What happened, in a sentence for a page of the workspace."""
    one = fact.count == 1
    items = f"{fact.count:,} item{'' if one else 's'} of report {fact.report} ({fact.platform})"
    match fact.kind:
        case Kind.REMOVED:
            return f"{items} {'is' if one else 'are'} no longer accessible."
        case Kind.RETURNED:
            return f"{items} {'is' if one else 'are'} accessible again."
        case Kind.DEADLINE_PASSED:
            return (
                f"The deadline “{fact.rule}” passed for {items} that {'does' if one else 'do'} not look gone."
            )
        case Kind.CLAIM_CONTRADICTED:
            return f"{items} that the platform said it removed {'was' if one else 'were'} seen there later."
        case Kind.DEFINITION_STALE:
            return (
                f"What is known of {fact.platform} is out of date: nothing counts as removed there until a "
                "person has looked."
            )
        case Kind.CHECKER_STALLED:
            return f"Nothing has been checked since {_moment(fact.at)}, although checks are due."
        case Kind.WEBHOOK_OFF:
            return (
                "A webhook of this campaign was switched off: it took no message for days, or answered that "
                "it is gone (410)."
            )


def added_up(facts: Iterable[Fact]) -> list[Fact]:
    """Facts of one kind, report, platform and rule as one, in the order of kinds and reports.

    An item that is in several is counted once, as far as it is among those that are named.
    """
    found: dict[tuple[object, ...], Fact] = {}
    for fact in facts:
        key = (fact.kind, fact.report, fact.platform, fact.rule)
        held = found.get(key)
        found[key] = fact if held is None else _together(held, fact)
    order = list(Kind)
    return sorted(
        found.values(), key=lambda fact: (order.index(fact.kind), fact.report or 0, fact.platform, fact.rule)
    )


def _together(one: Fact, other: Fact) -> Fact:
    return replace(
        one,
        count=one.count + other.count - len(one.items & other.items),
        items=one.items | other.items,
        at=max(one.at, other.at),
    )


_SUBJECTS = {
    Kind.REMOVED: ("{} item no longer accessible", "{} items no longer accessible"),
    Kind.RETURNED: ("{} item accessible again", "{} items accessible again"),
    Kind.DEADLINE_PASSED: ("a deadline passed", "{} deadlines passed"),
    Kind.CLAIM_CONTRADICTED: (
        "{} item seen after it was said to be removed",
        "{} items seen after they were said to be removed",
    ),
    Kind.DEFINITION_STALE: ("a platform needs a look", "{} platforms need a look"),
    Kind.CHECKER_STALLED: ("the checker stands still", "the checker stands still"),
    Kind.WEBHOOK_OFF: ("a webhook was switched off", "{} webhooks were switched off"),
}
_COUNTS_ITEMS = OF_ITEMS - {Kind.DEADLINE_PASSED}


def subject(facts: Sequence[Fact], mails: Mails) -> str:
    """The subject of an e-mail: fixed words and numbers, in one line."""
    phrases = []
    for kind in Kind:
        of_kind = [fact for fact in facts if fact.kind == kind]
        if of_kind:
            count = sum(fact.count for fact in of_kind) if kind in _COUNTS_ITEMS else len(of_kind)
            phrases.append(_SUBJECTS[kind][count != 1].format(f"{count:,}"))
    start = {Mails.DAILY: "Still Up, this day: ", Mails.WEEKLY: "Still Up, this week: "}
    return start.get(mails, "Still Up: ") + ", ".join(phrases)


def body(facts: Sequence[Fact], *, campaign: str, notices: str, off: str) -> str:
    """The text of an e-mail about one campaign.

    `notices` is the address of the person's page of notices, `off` that which switches e-mails off.
    """
    lines = [f"- {plain(sentence(fact))}" for fact in facts[:MOST_LINES]]
    if len(facts) > MOST_LINES:
        lines.append(f"- {len(facts) - MOST_LINES:,} more.")
    return "\n".join(
        [
            f"In the campaign “{plain(campaign)}”:",
            "",
            *lines,
            "",
            "Which items these are is on the site, for those who may see it:",
            notices,
            "",
            "E-mails never name a reported URL. To get no more about this campaign, without signing in:",
            off,
            "",
        ]
    )


def plain(text: str) -> str:
    """Somebody's words in one line that no mail program makes a link of: dots inside words are bracketed."""
    text = _UNPRINTED.sub(" ", text).strip()
    text = _DOT.sub("[.]", text.replace("://", "[:]//").replace("@", "[@]"))
    return text if len(text) <= 4 * MOST_NAME else text[: 4 * MOST_NAME] + "…"


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
