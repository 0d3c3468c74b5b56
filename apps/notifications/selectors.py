"""What pages and messages read of notices, choices and webhooks, as named rows. Nothing here writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from apps.accounts.models import Person
from apps.accounts.roles import Audience, audience_of
from apps.checks.outcomes import Reason
from apps.platforms.registry import platform_name
from apps.reports.deadlines import rules
from apps.reports.models import Campaign, Membership
from apps.reports.visibility import told

from .kinds import CHOSEN, Failure, Kind, Mails, may_hear
from .models import Event, Notice, Preference, Webhook, WebhookMessage
from .texts import Fact, sentence

MOST_COUNTED = 100


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """A notice for its reader. `report` is its number."""

    pk: int
    kind: Kind
    sentence: str
    campaign: str  # its slug
    campaign_name: str
    report: int | None
    at: datetime
    unread: bool


@dataclass(frozen=True, slots=True)
class WebhookRow:
    """A webhook for the owners of its campaign, with its latest messages."""

    pk: int
    url: str
    kinds: tuple[Kind, ...]
    failing_since: datetime | None
    off_since: datetime | None
    messages: Sequence[MessageRow]


@dataclass(frozen=True, slots=True)
class MessageRow:
    """A message to a webhook, and how far it got."""

    what: str
    created_at: datetime
    attempts: int
    error: str  # in words; empty where nothing went wrong
    http_status: int | None
    taken_at: datetime | None
    next_attempt_at: datetime | None


def unread_count(person: Person) -> int:
    """How many notices a person has not read, counted as far as MOST_COUNTED. One query, by an index."""
    unread = Notice.objects.filter(membership__person=person, read_at=None)
    return unread.order_by()[:MOST_COUNTED].count()


def notices_of(person: Person) -> QuerySet[Notice]:
    """A person's notices, those found last first."""
    return Notice.objects.filter(membership__person=person).order_by("-found_at", "-pk")


def notice_rows(notices: Sequence[Notice]) -> list[NoticeRow]:
    """Named rows of notices that came with their membership, its campaign, and their report."""
    return [
        NoticeRow(
            pk=notice.pk,
            kind=Kind(notice.kind),
            sentence=sentence(fact_of(notice, who=audience_of(notice.membership.role))),
            campaign=notice.membership.campaign.slug,
            campaign_name=notice.membership.campaign.name,
            report=notice.report.number if notice.report is not None else None,
            at=notice.at,
            unread=notice.read_at is None,
        )
        for notice in notices
        if may_hear(notice.membership.role, notice.kind)
    ]


def fact_of(found: Event | Notice, *, who: Audience) -> Fact:
    """What the texts need to know of an event or a notice that came with its report, as `who` may read it."""
    known = rules().get(found.rule)
    return Fact(
        kind=Kind(found.kind),
        count=found.count,
        at=found.at,
        report=found.report.number if found.report is not None else None,
        platform=platform_name(told(who, "platform", found.platform)) if found.platform else "",
        rule=known.name if known is not None else found.rule,
        items=frozenset(found.items if isinstance(found, Event) else ()),
    )


def membership_of(campaign: Campaign, person: Person) -> Membership | None:
    """A person's membership in a campaign; None for a stranger, and for an administrator who has none."""
    return Membership.objects.filter(campaign=campaign, person=person).first()


def preferences_of(membership: Membership) -> dict[Kind, tuple[bool, Mails]]:
    """How a member wants to hear of each kind: in the workspace or not, and when by e-mail. One query."""
    chosen = {
        one.kind: (one.in_workspace, Mails(one.mails))
        for one in Preference.objects.filter(membership=membership)
    }
    return {kind: chosen.get(kind, (True, Mails.OFF)) for kind in CHOSEN}


def webhooks_of(campaign: Campaign, *, messages: int) -> list[WebhookRow]:
    """The campaign's webhooks, the oldest first, each with its latest messages. A query a webhook."""
    return [
        WebhookRow(
            pk=webhook.pk,
            url=webhook.url,
            kinds=tuple(map(Kind, webhook.kinds)),
            failing_since=webhook.failing_since,
            off_since=webhook.off_since,
            messages=_message_rows(webhook, messages),
        )
        for webhook in campaign.webhooks.order_by("pk")
    ]


def error_words(word: str) -> str:
    """What a word of `last_error` means: one of ours, or a reason of checks."""
    for words in (Failure, Reason):
        if word in words.values:
            return str(words(word).label)
    return word


def _message_rows(webhook: Webhook, limit: int) -> list[MessageRow]:
    found = WebhookMessage.objects.filter(webhook=webhook).select_related("event").order_by("-pk")[:limit]
    return [
        MessageRow(
            what=Kind(message.event.kind).label if message.event is not None else "Test",
            created_at=message.created_at,
            attempts=message.attempts,
            error=error_words(message.last_error),
            http_status=message.http_status,
            taken_at=message.taken_at,
            next_attempt_at=message.next_attempt_at,
        )
        for message in found
    ]
