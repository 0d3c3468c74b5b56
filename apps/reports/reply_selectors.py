"""What pages read of what happened to a report after it was sent, as named rows. Nothing here writes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet

from apps.accounts.roles import Audience
from apps.checks.outcomes import Status
from apps.core.defanging import defang
from apps.platforms.registry import platform_name

from .models import (
    Category,
    Channel,
    Claim,
    ClaimWord,
    Decision,
    Delivery,
    ErrorMark,
    Reply,
    ReplyKind,
    Report,
    word_label,
)
from .reminders import Said, Sent, StillUp
from .replies import TO_THE_MINUTE, countable_items
from .selectors import STILL_UP, shown_url
from .visibility import MEMBERS_ONLY, row_for
from .writing import parts

ITEMS_IN_A_FORM = 200
"""How many items a form can offer one by one; a longer report takes lists."""


@dataclass(frozen=True, slots=True)
class ReplyRow:
    """A reply with what it claims. Counts are items, whatever they are worth in figures."""

    pk: int
    kind: ReplyKind
    decision: Decision | None
    received_at: datetime
    reference: Annotated[str, MEMBERS_ONLY]
    text: Annotated[str, MEMBERS_ONLY]
    person: Annotated[str, MEMBERS_ONLY]
    recorded_at: datetime
    taken_back_at: datetime | None
    removed: int
    restricted: int
    refused: int
    contradicted: int  # said to be removed, and seen there later
    erased_at: datetime | None = None  # since when what it says is gone
    is_reminder: bool = False

    @property
    def at(self) -> datetime:
        """Where it stands in the order of time."""
        return self.received_at

    @property
    def claims(self) -> int:
        """How many items it says something of."""
        return self.removed + self.restricted + self.refused

    @property
    def words(self) -> str:
        """What it was, in words: "decision: partly removed"."""
        return f"{self.kind.label}: {self.decision.label}" if self.decision else str(self.kind.label)


@dataclass(frozen=True, slots=True)
class ReminderRow:
    """A reminder that was sent."""

    pk: int
    sent_at: datetime
    note: Annotated[str, MEMBERS_ONLY]
    person: Annotated[str, MEMBERS_ONLY]
    recorded_at: datetime
    taken_back_at: datetime | None
    is_reminder: bool = True

    @property
    def at(self) -> datetime:
        """Where it stands in the order of time."""
        return self.sent_at


@dataclass(frozen=True, slots=True)
class ClaimableItem:
    """An item that a reply can say something of."""

    pk: int
    defanged: str
    status: Status
    reported_at: datetime
    error: bool


@dataclass(frozen=True, slots=True)
class ReminderFacts:
    """What the text of a reminder is made of."""

    sent: Sent
    items: int  # that figures may count
    in_error: int
    still_up: Sequence[StillUp]
    replies: Sequence[Said]
    reminders: Sequence[datetime]


def replies_of(report: Report, *, who: Audience) -> list[ReplyRow]:
    """The report's replies in the order in which they came, with those taken back. One query."""
    of = Q(claims__item__control=False)
    replies = report.replies.select_related("person").annotate(
        removed_count=Count("claims", filter=of & Q(claims__claim=ClaimWord.REMOVED)),
        restricted_count=Count("claims", filter=of & Q(claims__claim=ClaimWord.RESTRICTED)),
        refused_count=Count("claims", filter=of & Q(claims__claim=ClaimWord.REFUSED)),
        contradicted_count=Count(
            "claims",
            filter=of
            & Q(
                claims__claim=ClaimWord.REMOVED,
                claims__item__target__status__in=STILL_UP,
                claims__item__target__present_at__gt=F("received_at"),
            ),
        ),
    )
    rows = (
        ReplyRow(
            pk=reply.pk,
            kind=ReplyKind(reply.kind),
            decision=Decision(reply.decision) if reply.decision else None,
            received_at=reply.received_at,
            reference=reply.reference,
            text=reply.text,
            person=str(reply.person or ""),
            recorded_at=reply.recorded_at,
            taken_back_at=reply.taken_back_at,
            erased_at=reply.erased_at,
            removed=reply.removed_count,
            restricted=reply.restricted_count,
            refused=reply.refused_count,
            contradicted=reply.contradicted_count,
        )
        for reply in replies.order_by("received_at", "pk")
    )
    return [row_for(who, row) for row in rows]


def reminders_of(report: Report, *, who: Audience) -> list[ReminderRow]:
    """The report's reminders in the order in which they were sent, with those taken back. One query."""
    rows = (
        ReminderRow(
            pk=reminder.pk,
            sent_at=reminder.sent_at,
            note=reminder.note,
            person=str(reminder.person or ""),
            recorded_at=reminder.recorded_at,
            taken_back_at=reminder.taken_back_at,
        )
        for reminder in report.reminders.select_related("person").order_by("sent_at", "pk")
    )
    return [row_for(who, row) for row in rows]


def in_order(replies: Iterable[ReplyRow], reminders: Iterable[ReminderRow]) -> list[ReplyRow | ReminderRow]:
    """Replies and reminders in one order of time."""
    return sorted([*replies, *reminders], key=lambda row: row.at)


def delivery_of(entered: str, replies: Sequence[ReplyRow]) -> Delivery:
    """What is known of a report's arrival, from how it was entered and the replies in their order.

    Any answer shows that the report did arrive, by whatever way; what bounced then was something else.
    """
    kinds = {reply.kind for reply in replies if reply.taken_back_at is None}
    if kinds - {ReplyKind.BOUNCED}:
        return Delivery.RECEIVED
    return Delivery.BOUNCED if kinds else Delivery(entered)


def bounced(reports: QuerySet[Report]) -> QuerySet[Report]:
    """Those of the reports that could not be delivered, as far as is known: `delivery_of` in the database."""
    standing = _standing()
    return reports.filter(
        ~Exists(standing.exclude(kind=ReplyKind.BOUNCED)),
        Q(delivery=Delivery.BOUNCED) | Exists(standing.filter(kind=ReplyKind.BOUNCED)),
    )


def unanswered(reports: QuerySet[Report]) -> QuerySet[Report]:
    """Those of the reports that have no reply and did not bounce either."""
    return reports.filter(~Exists(_standing())).exclude(delivery=Delivery.BOUNCED)


def _standing(report: str = "pk") -> QuerySet[Reply]:
    return Reply.objects.filter(report=OuterRef(report), taken_back_at=None)


def error_reasons(items: Iterable[int]) -> dict[int, str]:
    """Why items were reported in error, by primary key; those that were not are left out."""
    found: dict[int, str] = {}
    for some in parts(list(items)):
        marks = ErrorMark.objects.filter(item__in=some, taken_back_at=None)
        found.update(marks.values_list("item_id", "reason"))
    return found


def error_count(report: Report) -> int:
    """How many items of a report are marked as reported in error. One query."""
    return ErrorMark.objects.filter(item__report=report, taken_back_at=None).count()


def claimable_items(report: Report) -> list[ClaimableItem]:
    """The items of a report that a reply can say something of, in their order. One query."""
    marked = ErrorMark.objects.filter(item=OuterRef("pk"), taken_back_at=None)
    items = (
        report.items.filter(control=False)
        .select_related("target")
        .annotate(in_error=Exists(marked))
        .order_by("pk")
    )
    return [
        ClaimableItem(
            pk=item.pk,
            defanged=shown_url(item),
            status=Status(item.target.status),
            reported_at=item.reported_at,
            error=item.in_error,
        )
        for item in items
    ]


def removal_claims(report: Report) -> Mapping[int, datetime]:
    """Items that the platform said were removed, to the moment at which it last said so. One query.

    Only the last that a standing reply says of an item counts: "left as it is" later takes "removed" back.
    """
    claims = Claim.objects.filter(reply__report=report, reply__taken_back_at=None)
    said: dict[int, tuple[str, datetime]] = {}
    for item, word, received_at in claims.order_by("reply__received_at", "reply_id").values_list(
        "item_id", "claim", "reply__received_at"
    ):
        said[item] = (word, received_at)
    return {item: at for item, (word, at) in said.items() if word == ClaimWord.REMOVED}


def decisions_about_item() -> QuerySet[Reply]:
    """The standing decisions on the report of an item of an outer query that can be about that item.

    A list of many days is one report: what was decided before an item was reported is not about that.
    """
    decisions = _standing("report").filter(kind=ReplyKind.DECISION)
    return decisions.filter(received_at__gt=OuterRef("reported_at") - TO_THE_MINUTE)


def contradicted_claims() -> QuerySet[Claim]:
    """Claims that an item was removed, of which the item was seen there later and still is.

    Only the last that standing replies say of an item counts; controls and items reported in error do not.
    """
    later = Claim.objects.filter(
        Q(reply__received_at__gt=OuterRef("reply__received_at"))
        | Q(reply__received_at=OuterRef("reply__received_at"), reply__gt=OuterRef("reply")),
        item=OuterRef("item"),
        reply__taken_back_at=None,
    )
    in_error = ErrorMark.objects.filter(item=OuterRef("item"), taken_back_at=None)
    return Claim.objects.filter(
        ~Exists(later),
        ~Exists(in_error),
        reply__taken_back_at=None,
        claim=ClaimWord.REMOVED,
        item__control=False,
        item__target__status__in=STILL_UP,
        item__target__present_at__gt=F("reply__received_at"),
    )


def still_up_of(report: Report) -> list[StillUp]:
    """The report's items that are still up, as a reminder names them. Two queries.

    Controls, those reported in error and erased ones are left out, and so are suspected ones: they look
    removed.
    """
    claimed = removal_claims(report)
    items = countable_items(report).filter(target__status__in=STILL_UP, erased_at=None).order_by("pk")
    return [
        StillUp(
            defanged=defang(submitted),
            seen_at=present_at,
            restricted=status == Status.RESTRICTED,
            said_removed_at=claimed.get(pk),
        )
        for pk, submitted, present_at, status in items.values_list(
            "pk", "submitted", "target__present_at", "target__status"
        )
    ]


def reminder_facts(report: Report) -> ReminderFacts:
    """What is on record of a report, for a reminder. Six queries, however many items it has."""
    return ReminderFacts(
        sent=Sent(
            platform=platform_name(report.platform),
            sent_at=report.sent_at,
            channel=str(Channel(report.channel).label),
            category=word_label(Category, report.category),
            policy=report.policy,
            reference=report.reference,
        ),
        items=countable_items(report).filter(erased_at=None).count(),
        in_error=error_count(report),
        still_up=still_up_of(report),
        replies=[
            Said(row.received_at, row.words)
            for row in replies_of(report, who=Audience.MEMBERS)
            if row.taken_back_at is None and row.kind != ReplyKind.BOUNCED
        ],
        reminders=[
            row.sent_at for row in reminders_of(report, who=Audience.MEMBERS) if row.taken_back_at is None
        ],
    )
