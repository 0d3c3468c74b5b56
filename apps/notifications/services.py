"""What finds events once and tells them on, and what members and owners choose.

One process at a time finds: it holds the row of a `Reading`. An event, the notices, letters and messages that
follow from it, and how far was read are written in one transaction, so that a killed process or a second one
neither loses nor doubles anything.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.db.models import F, Max

from apps.accounts.models import Person
from apps.checks.address import Gate, Refusal
from apps.checks.cadence import MARK_TOLERANCE
from apps.checks.models import Transition
from apps.checks.stalled import Stall
from apps.core import clock
from apps.reports.activity import record, word_of
from apps.reports.models import Campaign, Deed, Membership, Subject
from apps.reports.reply_selectors import contradicted_claims
from apps.reports.writing import parts

from . import finding
from .finding import News
from .gaps import Gap, Place, read_on
from .kinds import CHOSEN, Kind, Mails, may_hear
from .models import (
    Event,
    Letter,
    Notice,
    Preference,
    Reading,
    ToldClaim,
    Webhook,
    WebhookMessage,
    new_key,
)
from .signature import secret_of
from .timing import mail_due

CHANGES, SLOWER = "changes", "slower"  # the readings
DEADLINE_GRACE = 2 * MARK_TOLERANCE  # the check that is placed at a deadline is on record by then
DEADLINE_OVERLAP = timedelta(days=1)  # read again each time: a report can be entered late
ROTATION = timedelta(hours=24)  # for which a replaced secret still signs
KEPT_DONE = timedelta(days=30)  # letters and messages that are done with
KEPT_NOTICES = timedelta(days=180)  # that were read
MOST_WEBHOOKS = 10  # of one campaign
MAX_URL = 2_000


class UnusableWebhook(ValueError):
    """A webhook that cannot be. `str()` is a sentence for people."""


# ------------------------------------------------------------------------------------------- finding events


def find_changes() -> int:
    """Find what was removed and what came back since the last look; returns how many events that made."""
    place = _place(_reading(CHANGES))
    if not finding.transitions_after(place).exists():
        return 0
    made = 0
    while True:
        with transaction.atomic():
            reading = _locked(CHANGES)
            place = _place(reading)
            new = finding.transitions_after(place).values_list("pk", flat=True)
            keys = list(new[: finding.TRANSITIONS_A_LOOK])
            made += _tell(_unknown(finding.news_of_changes(keys)))
            place = read_on(place, keys, clock.wall())
            reading.upto, reading.at = place.upto, clock.now()
            reading.gaps = [[gap.first, gap.last, gap.since.isoformat()] for gap in place.gaps]
            reading.save()
        if len(keys) < finding.TRANSITIONS_A_LOOK:
            return made


def find_deadlines() -> int:
    """Find deadlines that have passed; returns how many events that made. Looks without a lock."""
    upto = clock.now() - DEADLINE_GRACE
    after = min(_reading(SLOWER).at, upto - DEADLINE_OVERLAP)
    made = _find(finding.news_of_deadlines(after=after, upto=upto))
    Reading.objects.filter(name=SLOWER, at__lt=upto).update(at=upto)
    return made


def find_claims() -> int:
    """Find claims that what was seen contradicts; returns how many events that made."""
    _reading(SLOWER)
    if not finding.news_of_claims():
        return 0
    with transaction.atomic():
        _locked(CHANGES)
        news = finding.news_of_claims()  # another process may have told of them meanwhile
        made = _tell(_unknown(news))
        _note_told(claim for one in news for claim in one.claims)
    return made


def find_stale_definitions() -> int:
    """Find definitions that have gone stale; returns how many events that made."""
    return _find(finding.news_of_definitions())


def find_stall(stall: Stall) -> int:
    """Tell that nothing is checked; returns how many events that made."""
    return _find(finding.news_of_stall(stall))


def _find(news: Sequence[News]) -> int:
    """Tell what is new in `news`; looks without a lock whether anything is."""
    if not _unknown(news):
        return 0
    with transaction.atomic():
        _locked(CHANGES)
        return _tell(_unknown(news))


def _reading(name: str) -> Reading:
    """How far something was read. A first look begins with what is to come: the past is no news."""
    reading = Reading.objects.filter(name=name).first()
    if reading is not None:
        return reading
    with transaction.atomic():
        last = Transition.objects.aggregate(last=Max("pk"))["last"] or 0
        reading, created = Reading.objects.get_or_create(
            name=name, defaults={"upto": last if name == CHANGES else 0, "at": clock.now()}
        )
        if created and name == SLOWER:
            _note_told(contradicted_claims().values_list("pk", flat=True))
    return reading


def _locked(name: str) -> Reading:
    return Reading.objects.select_for_update().get(pk=_reading(name).pk)


def _place(reading: Reading) -> Place:
    gaps = (Gap(first, last, datetime.fromisoformat(since)) for first, last, since in reading.gaps)
    return Place(reading.upto, tuple(gaps))


def _note_told(claims: Iterable[int]) -> None:
    told = [ToldClaim(claim_id=claim) for claim in claims]
    ToldClaim.objects.bulk_create(told, ignore_conflicts=True, batch_size=500)


def _unknown(news: Sequence[News]) -> list[News]:
    """What of the news is no event yet."""
    known: set[tuple[int, str, str]] = set()
    for some in parts(news):
        events = Event.objects.filter(
            campaign__in={one.campaign for one in some},
            kind__in={one.kind for one in some},
            about__in={one.about for one in some},
        )
        known.update(events.values_list("campaign_id", "kind", "about"))
    return [one for one in news if (one.campaign, one.kind, one.about) not in known]


# -------------------------------------------------------------------------------------------- telling it on


@dataclass(frozen=True, slots=True)
class _Wish:
    in_workspace: bool = True
    mails: Mails = Mails.OFF


def _tell(news: Sequence[News]) -> int:
    """Keep events, and all that follows from them. Runs in the caller's transaction, under its lock."""
    events = [
        Event(
            campaign_id=one.campaign,
            kind=one.kind,
            about=one.about,
            report_id=one.report,
            platform=one.platform,
            rule=one.rule,
            count=one.count,
            items=list(one.items),
            at=one.at,
        )
        for one in news
    ]
    if not events:
        return 0
    Event.objects.bulk_create(events, batch_size=500)
    campaigns = {event.campaign_id for event in events}
    members = list(Membership.objects.filter(campaign__in=campaigns, person__is_active=True).order_by("pk"))
    wishes = {
        (one.membership_id, one.kind): _Wish(one.in_workspace, Mails(one.mails))
        for one in Preference.objects.filter(membership__in=members)
    }
    webhooks = list(Webhook.objects.filter(campaign__in=campaigns, off_since=None).order_by("pk"))
    now = clock.wall()
    messages = []
    for event in events:
        for member in members:
            if member.campaign_id != event.campaign_id or not may_hear(member.role, event.kind):
                continue
            wish = wishes.get((member.pk, event.kind), _Wish())
            if wish.in_workspace:
                _notify(member, event)
            if wish.mails != Mails.OFF:
                _letter(member, wish.mails).events.add(event)
        messages += [
            WebhookMessage(webhook=webhook, event=event, next_attempt_at=now)
            for webhook in webhooks
            if webhook.campaign_id == event.campaign_id and event.kind in webhook.kinds
        ]
    WebhookMessage.objects.bulk_create(messages, batch_size=500)
    return len(events)


def _notify(member: Membership, event: Event) -> None:
    """Add an event to the member's unread notice of the same thing, or make one."""
    same = {
        "membership": member,
        "kind": event.kind,
        "report_id": event.report_id,
        "platform": event.platform,
        "rule": event.rule,
    }
    unread = Notice.objects.filter(**same, read_at=None).order_by("-pk").values("pk")[:1]
    told = {"at": event.at, "found_at": event.found_at}
    if not Notice.objects.filter(pk__in=list(unread.values_list("pk", flat=True)), read_at=None).update(
        count=F("count") + event.count, **told
    ):
        Notice.objects.create(**same, count=event.count, **told)


def _letter(member: Membership, mails: Mails) -> Letter:
    """The member's letter that has not gone out yet, its row locked; or a new one.

    Who sends a letter counts its attempt first, under the same lock: nothing is added to one under way.
    """
    letters = Letter.objects.filter(membership=member, mails=mails)
    waiting = letters.filter(attempts=0).exclude(next_attempt_at=None)
    if letter := waiting.select_for_update().order_by("-pk").first():
        return letter
    last = letters.aggregate(last=Max("due_at"))["last"]
    due = mail_due(mails, clock.wall(), last)
    return Letter.objects.create(membership=member, mails=mails, due_at=due, next_attempt_at=due)


# --------------------------------------------------------------------------------------- what people choose


@transaction.atomic
def set_preferences(*, membership: Membership, wishes: Mapping[Kind, tuple[bool, Mails]]) -> None:
    """How a member wants to hear of each kind: in the workspace or not, and when by e-mail."""
    for kind, (in_workspace, mails) in wishes.items():
        Preference.objects.update_or_create(
            membership=membership, kind=kind, defaults={"in_workspace": in_workspace, "mails": mails}
        )


@transaction.atomic
def stop_mails(*, membership: Membership) -> None:
    """No e-mail about this campaign to this member any more; what waits is not sent."""
    Preference.objects.filter(membership=membership).update(mails=Mails.OFF)
    Letter.objects.filter(membership=membership).exclude(next_attempt_at=None).delete()


def mark_read(*, person: Person, seen: datetime, notice: int | None = None) -> int:
    """Mark a person's notices as read, or one of them; not what was added after `seen`."""
    unread = Notice.objects.filter(membership__person=person, read_at=None, found_at__lte=seen)
    if notice is not None:
        unread = unread.filter(pk=notice)
    return unread.update(read_at=clock.wall())


# ------------------------------------------------------------------------------------------------- webhooks


def add_webhook(
    *, campaign: Campaign, url: str, kinds: Collection[str], person: Person
) -> tuple[Webhook, str]:
    """A new webhook, and its secret, which is told this once. Raises UnusableWebhook."""
    url = url.strip()
    _examine(url)
    chosen = _chosen(kinds)
    with transaction.atomic():
        Campaign.objects.select_for_update().get(
            pk=campaign.pk
        )  # two owners at once count one after the other
        if campaign.webhooks.count() >= MOST_WEBHOOKS:
            raise UnusableWebhook(f"A campaign has at most {MOST_WEBHOOKS} webhooks. Delete one first.")
        webhook = Webhook.objects.create(campaign=campaign, url=url, kinds=chosen, created_by=person)
        told = {"kinds": [word_of(Kind, kind) for kind in chosen]}
        _log(Deed.WEBHOOK_ADDED, webhook, person, became=told, hidden=["url", "secret"])
    return webhook, secret_of(webhook.salt)


@transaction.atomic
def rotate_secret(*, webhook: Webhook, person: Person) -> str:
    """Give a webhook a new secret, which is told this once. The old one signs, too, for a day."""
    webhook.previous_salt, webhook.previous_until = webhook.salt, clock.wall() + ROTATION
    webhook.salt = new_key()
    webhook.save(update_fields=["salt", "previous_salt", "previous_until"])
    _log(Deed.WEBHOOK_CHANGED, webhook, person, hidden=["secret"])
    return secret_of(webhook.salt)


@transaction.atomic
def send_test(*, webhook: Webhook, person: Person) -> WebhookMessage:
    """Send a webhook a message of the type `test`, also while it is off; one at a time."""
    _log(Deed.WEBHOOK_CHANGED, webhook, person, became={"tested": True})
    waiting = webhook.messages.filter(event=None).exclude(next_attempt_at=None).first()
    return waiting or WebhookMessage.objects.create(webhook=webhook, next_attempt_at=clock.wall())


@transaction.atomic
def switch_webhook(*, webhook: Webhook, on: bool, person: Person) -> None:
    """Switch a webhook on, with a clean slate, or off: what waits for it is dropped."""
    _log(Deed.WEBHOOK_CHANGED, webhook, person, was={"on": webhook.off_since is None}, became={"on": on})
    _switch(webhook, on=on)


@transaction.atomic
def delete_webhook(*, webhook: Webhook, person: Person) -> None:
    """Delete a webhook, with its messages."""
    _log(Deed.WEBHOOK_DELETED, webhook, person)
    webhook.delete()


def _log(deed: Deed, webhook: Webhook, person: Person, **values: Any) -> None:
    campaign, number = webhook.campaign_id, webhook.pk
    record(deed, person=person, campaign=campaign, subject=Subject.WEBHOOK, number=number, **values)


def _switch(webhook: Webhook, *, on: bool) -> None:
    webhook.off_since, webhook.failing_since = (None if on else clock.wall()), None
    webhook.save(update_fields=["off_since", "failing_since"])
    if not on:
        webhook.messages.exclude(next_attempt_at=None).update(next_attempt_at=None)


@transaction.atomic
def give_up_webhook(*, webhook: Webhook) -> None:
    """Switch a webhook off because it takes nothing, and tell the campaign's owners. Nobody did it."""
    _switch(webhook, on=False)
    _locked(CHANGES)
    now = clock.now()
    news = News(webhook.campaign_id, Kind.WEBHOOK_OFF, f"webhook {webhook.pk} at {now.isoformat()}", now)
    _tell(_unknown([news]))


def _examine(url: str) -> None:
    if len(url) > MAX_URL:
        raise UnusableWebhook(f"The address is longer than {MAX_URL} characters.")
    place = Gate.from_settings().examine(url)
    if isinstance(place, Refusal):
        raise UnusableWebhook(place.sentence)
    if settings.PRODUCTION and place.scheme != "https":
        raise UnusableWebhook("Messages say what a campaign sees: give an address that begins with https://.")
    if urlsplit(url).fragment:
        raise UnusableWebhook("The address holds a #, which no server would see: take it out.")


def _chosen(kinds: Collection[str]) -> list[str]:
    if not kinds or not set(kinds) <= set(CHOSEN):
        raise UnusableWebhook("Choose what the webhook is told.")
    return [kind.value for kind in CHOSEN if kind in kinds]


# -------------------------------------------------------------------------------------------------- tidying


def let_go_of_old() -> None:
    """Delete letters and messages that are done with, and notices that were read, after their time."""
    now = clock.wall()
    Letter.objects.filter(next_attempt_at=None, due_at__lt=now - KEPT_DONE).delete()
    WebhookMessage.objects.filter(next_attempt_at=None, created_at__lt=now - KEPT_DONE).delete()
    Notice.objects.filter(read_at__lt=now - KEPT_NOTICES).delete()
