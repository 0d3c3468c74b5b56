"""What happens to a report after it was sent: replies with their claims, reminders, and reports in error.

Nothing here is edited or deleted. A reply that was logged wrongly is taken back and logged anew, so that the
record shows both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from django.db import transaction
from django.db.models import QuerySet, TextChoices

from apps.accounts.models import Person
from apps.core import clock
from apps.core.canonical import UnusableURL, canonicalise
from apps.platforms.matching import match

from .activity import record
from .models import (
    Claim,
    ClaimWord,
    Decision,
    Deed,
    ErrorMark,
    Item,
    Reminder,
    Reply,
    ReplyKind,
    Report,
    Subject,
)
from .services import pasted_lines
from .writing import parts

BATCH = 400
MAX_REASON = 500
MAX_REFERENCE = 200
TO_THE_MINUTE = timedelta(minutes=1)
"""So much earlier than it came can a reply stand that a person entered, to the minute."""

CLAIM_OF_ALL = {
    Decision.REMOVED: ClaimWord.REMOVED,
    Decision.REJECTED: ClaimWord.REFUSED,
    Decision.NO_VIOLATION: ClaimWord.REFUSED,
}
"""What a decision says of every item, where it says nothing of single ones."""

Word = TypeVar("Word", bound=TextChoices)

NO_CLAIMS = frozenset({ReplyKind.BOUNCED, ReplyKind.ACKNOWLEDGEMENT})
"""Kinds of reply that say nothing of any item."""


class UnusableReply(ValueError):
    """A reply, a reminder or a mark that cannot be recorded. `str()` is a sentence for people."""


# ---------------------------------------------------------------------------------------------------- replies


def log_reply(
    *,
    report: Report,
    kind: str,
    received_at: datetime,
    decision: str = "",
    claims: Mapping[int, str] | None = None,
    text: str = "",
    reference: str = "",
    person: Person | None = None,
    token: int | None = None,
) -> Reply:
    """Record what a platform said about a report, and what it claims of single items.

    `claims` is the item's primary key to a ClaimWord. Without any, a decision that holds for the whole report
    claims the same of each of its items, except controls, those reported in error, and those reported only
    after it came. `token` is the number of the API token by which `person` did it. Written in one
    transaction. Raises UnusableReply, and then nothing is recorded.
    """
    _check_moment("The reply was received", received_at, report)
    kind = _word("kind", kind, ReplyKind)
    decision = _word("decision", decision, Decision) if decision else ""
    if kind == ReplyKind.DECISION and not decision:
        raise UnusableReply("Say what was decided: removed, partly removed, rejected, or no violation found.")
    if decision and kind != ReplyKind.DECISION:
        raise UnusableReply(
            f"Only a decision decides: this is “{ReplyKind(kind).label}”. "
            "Choose “decision”, or leave what was decided empty."
        )
    if len(reference) > MAX_REFERENCE:
        raise UnusableReply(f"The reference is longer than {MAX_REFERENCE} characters.")
    with transaction.atomic():
        said = _claims(report, kind, decision, claims or {}, received_at)
        reply = Reply.objects.create(
            report=report,
            kind=kind,
            decision=decision,
            received_at=received_at,
            reference=reference,
            text=text,
            person=person,
        )
        Claim.objects.bulk_create(
            (Claim(reply=reply, item_id=item, claim=word) for item, word in said.items()), batch_size=BATCH
        )
        record(
            Deed.REPLY_LOGGED,
            person=person,
            campaign=report.campaign_id,
            subject=Subject.REPLY,
            number=reply.pk,
            became={
                "report": report.number,
                "kind": ReplyKind(kind),
                "decision": Decision(decision) if decision else None,
                "received_at": received_at,
                "claims": len(said),
            },
            hidden=[name for name, words in (("text", text), ("reference", reference)) if words],
            token=token,
        )
    return reply


def take_back_reply(*, reply: Reply, person: Person | None = None) -> bool:
    """Let a reply no longer hold, and its claims with it; it stays on record. False if it did not hold."""
    return _take_back(reply, person)


def _claims(
    report: Report, kind: str, decision: str, claims: Mapping[int, str], received_at: datetime
) -> dict[int, ClaimWord]:
    if claims and kind in NO_CLAIMS:
        raise UnusableReply(f"“{ReplyKind(kind).label}” says nothing of items: leave them empty.")
    if claims:
        rows = report.items.values_list("pk", "control", "reported_at")
        items = {pk: (control, reported_at) for pk, control, reported_at in rows}
        said = {}
        for item, word in claims.items():
            if item not in items:
                raise UnusableReply(f"Item {item} is not in report {report.number}: it was about another.")
            control, reported_at = items[item]
            if control:
                raise UnusableReply(f"Item {item} is a control: it was not reported, so leave it empty.")
            if _is_later(reported_at, received_at):
                raise UnusableReply(
                    f"Item {item} was reported ({_shown(reported_at)}) after the reply was received "
                    f"({_shown(received_at)}), which cannot be about it: leave it empty, or correct the date."
                )
            said[item] = _word("claim", word, ClaimWord)
        return said
    if decision == Decision.PARTLY:
        raise UnusableReply("Say for which items: “partly removed” alone does not tell which were removed.")
    if not decision:
        return {}
    of_all = CLAIM_OF_ALL[Decision(decision)]
    counted = countable_items(report).values_list("pk", "reported_at")
    return {pk: of_all for pk, reported_at in counted if not _is_later(reported_at, received_at)}


def _is_later(reported_at: datetime, received_at: datetime) -> bool:
    """Whether an item was reported only after a reply came."""
    return reported_at - received_at >= TO_THE_MINUTE


def _check_moment(what: str, moment: datetime, report: Report) -> None:
    now = clock.now()
    if moment > now:
        raise UnusableReply(f"{what} in the future; it is now {_shown(now)}.")
    if moment < report.sent_at:
        raise UnusableReply(
            f"{what} ({_shown(moment)}) before the report was sent ({_shown(report.sent_at)}): "
            "correct the date, or look whether it belongs to another report."
        )


def _word(name: str, word: str, words: type[Word]) -> Word:
    if word not in words.values:
        raise UnusableReply(f"{name}: “{word}” is not one of its words: {', '.join(words.values)}.")
    return words(word)


def _shown(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


# ----------------------------------------------------------------------------------------- claims, as pasted


@dataclass(frozen=True, slots=True)
class UnusableLine:
    """A line of a pasted list of claims that cannot be used: in which list, where, what it says, and why."""

    word: ClaimWord
    line: int
    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class PastedClaims:
    """What pasted lists say of a report's items: claims by the item's primary key, and what was no use."""

    claims: dict[int, str] = field(default_factory=dict)
    unusable: list[UnusableLine] = field(default_factory=list)


def read_claims(
    *, report: Report, lists: Mapping[ClaimWord, str], received_at: datetime | None = None
) -> PastedClaims:
    """Match lists of URLs, one list a word, to the report's items. One query; nothing is written.

    A URL in any spelling stands for every item of the report that has its canonical key and was reported by
    `received_at`, where that is known.
    """
    by_key: dict[str, list[int]] = {}
    not_meant: dict[int, str] = {}
    items = report.items.values_list("pk", "target__key", "control", "reported_at")
    for pk, key, control, reported_at in items:
        by_key.setdefault(key, []).append(pk)
        if control:
            not_meant[pk] = "This URL is watched as a control: it was not reported."
        elif received_at is not None and _is_later(reported_at, received_at):
            not_meant[pk] = (
                f"This URL was reported only after the reply was received ({_shown(reported_at)})."
            )
    pasted = PastedClaims()
    for word, text in lists.items():
        for line, url, problem in pasted_lines(text):
            reason = problem or _claim_line(pasted.claims, by_key, not_meant, url, word)
            if reason:
                pasted.unusable.append(UnusableLine(word, line, url, reason))
    return pasted


def _claim_line(
    claims: dict[int, str],
    by_key: Mapping[str, list[int]],
    not_meant: Mapping[int, str],
    url: str,
    word: ClaimWord,
) -> str:
    try:
        found = by_key.get(match(canonicalise(url)).key, [])
    except UnusableURL as error:
        return str(error)
    if not found:
        return "This URL is not in the report."
    items = [item for item in found if item not in not_meant]
    if not items:
        return not_meant[found[0]]
    others = {claims[item] for item in items if claims.get(item, word) != word}
    if others:
        return f"This URL stands as “{ClaimWord(others.pop()).label}”, too: leave it in one list."
    claims.update(dict.fromkeys(items, word.value))
    return ""


# -------------------------------------------------------------------------------------------------- reminders


def log_reminder(
    *, report: Report, sent_at: datetime, note: str = "", person: Person | None = None
) -> Reminder:
    """Record that the platform was reminded of a report. Raises UnusableReply."""
    _check_moment("The reminder was sent", sent_at, report)
    with transaction.atomic():
        reminder = Reminder.objects.create(report=report, sent_at=sent_at, note=note, person=person)
        record(
            Deed.REMINDER_LOGGED,
            person=person,
            campaign=report.campaign_id,
            subject=Subject.REMINDER,
            number=reminder.pk,
            became={"report": report.number, "sent_at": sent_at},
            hidden=["note"] if note else [],
        )
    return reminder


def take_back_reminder(*, reminder: Reminder, person: Person | None = None) -> bool:
    """Let a reminder no longer hold; it stays on record. False if it did not hold."""
    return _take_back(reminder, person)


def _take_back(said: Reply | Reminder, person: Person | None) -> bool:
    is_reply = isinstance(said, Reply)
    with transaction.atomic():
        standing = type(said).objects.filter(pk=said.pk, taken_back_at=None)
        done = standing.update(taken_back_at=clock.now()) == 1
        if done:
            record(
                Deed.REPLY_TAKEN_BACK if is_reply else Deed.REMINDER_TAKEN_BACK,
                person=person,
                campaign=said.report.campaign_id,
                subject=Subject.REPLY if is_reply else Subject.REMINDER,
                number=said.pk,
                became={"report": said.report.number},
            )
    return done


# -------------------------------------------------------------------------------------------------- in error


def mark_errors(*, items: Iterable[Item], reason: str, person: Person | None = None) -> int:
    """Let items that were reported in error leave the figures, with the reason; how many that are new.

    Nothing is deleted, and the items are watched as before. Items that are marked already keep their reason.
    The activity log gets a row for each report that items were marked in. Raises UnusableReply without a
    reason, and for a control.
    """
    reason = reason.strip()
    if not reason:
        raise UnusableReply("Say why it was reported in error: the reason stays beside it.")
    if len(reason) > MAX_REASON:
        raise UnusableReply(f"The reason is longer than {MAX_REASON} characters.")
    pks: list[int] = []
    report_of: dict[int, int] = {}
    for item in items:
        if item.control:
            raise UnusableReply(f"Item {item.pk} is a control: it was not reported, so not in error either.")
        pks.append(item.pk)
        report_of[item.pk] = item.report_id
    now = clock.now()
    marked: list[int] = []
    with transaction.atomic():
        for some in parts(pks):
            standing = ErrorMark.objects.filter(item__in=some, taken_back_at=None)
            known = set(standing.values_list("item_id", flat=True))
            new = [pk for pk in some if pk not in known]
            # Somebody else may mark one of them between our read and our write: theirs then holds.
            ErrorMark.objects.bulk_create(
                (ErrorMark(item_id=pk, reason=reason, person=person, recorded_at=now) for pk in new),
                ignore_conflicts=True,
            )
            marked += new
        _note_error(Deed.ERROR_MARKED, marked, report_of, person, hidden=["reason"])
    return len(marked)


def mark_report_in_error(*, report: Report, reason: str, person: Person | None = None) -> int:
    """The same for every item of a report that is not a control. Raises UnusableReply."""
    return mark_errors(items=countable_items(report), reason=reason, person=person)


def take_back_error(*, item: Item, person: Person | None = None) -> bool:
    """Let an item count again; the mark stays on record. False if it was not marked."""
    return _take_back_errors(ErrorMark.objects.filter(item=item), person) > 0


def take_back_report_errors(*, report: Report, person: Person | None = None) -> int:
    """Let every item of a report count again; how many had been marked."""
    return _take_back_errors(ErrorMark.objects.filter(item__report=report), person)


def _take_back_errors(marks: QuerySet[ErrorMark], person: Person | None) -> int:
    with transaction.atomic():
        standing = marks.filter(taken_back_at=None).select_for_update(of=("self",))
        report_of = dict(standing.values_list("item_id", "item__report_id"))
        marks.filter(taken_back_at=None).update(taken_back_at=clock.now())
        _note_error(Deed.ERROR_TAKEN_BACK, list(report_of), report_of, person)
    return len(report_of)


def _note_error(
    deed: Deed,
    items: Sequence[int],
    report_of: Mapping[int, int],
    person: Person | None,
    *,
    hidden: Iterable[str] = (),
) -> None:
    """One row of the activity log for one item; for several, one for each of their reports."""
    counts = Counter(report_of[item] for item in items)
    for report in Report.objects.filter(pk__in=counts).order_by("number"):
        single = len(items) == 1
        record(
            deed,
            person=person,
            campaign=report.campaign_id,
            subject=Subject.ITEM if single else Subject.REPORT,
            number=items[0] if single else report.number,
            became={"report": report.number} if single else {"items": counts[report.pk]},
            hidden=hidden,
        )


def countable_items(report: Report) -> QuerySet[Item]:
    """The items of a report that figures may count: no controls, none reported in error."""
    in_error = ErrorMark.objects.filter(taken_back_at=None, item__report=report)
    return report.items.filter(control=False).exclude(pk__in=in_error.values("item_id"))
