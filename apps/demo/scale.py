"""A fictional campaign of any size, written into an empty record as fast as the database takes rows.

Everything follows from the seed: the same numbers give the same bytes. What stands in the record is what the
project's own rules make of the looks at each item (`lives`), moved to the moment at which it was reported;
each check carries the digest that the ledger would have given it, so `verify_ledger` holds.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import accumulate, islice
from random import Random
from typing import Any

from django.db import connection, transaction

from apps.accounts.models import Person
from apps.checks import cadence, ledger
from apps.checks.models import Check, Host, Target, Transition
from apps.checks.outcomes import Status
from apps.checks.status import State
from apps.core import bulk
from apps.reports.campaigns import create_campaign
from apps.reports.models import (
    Campaign,
    Category,
    Channel,
    Claim,
    ClaimWord,
    Decision,
    Delivery,
    ErrorMark,
    Item,
    Reminder,
    Reply,
    ReplyKind,
    Report,
    Standing,
)
from apps.reports.replies import CLAIM_OF_ALL

from .lives import FEWEST_LOOKS, LONGEST, MOST_LOOKS, REPORTED, Life, lives

SLUG = "at-scale"
NAME = "A fictional campaign at scale"
DESCRIPTION = "Made by manage.py seed_scale. Its platforms, items and checks are made up."
UNTIL = datetime(2026, 3, 1, tzinfo=UTC)

MOST_LIVES = 1_000  # different ones; items share them, each moved to its own moment
BLOCK = 1_000  # items whose checks are in memory at a time
SMALL_SITES_SHARE = 0.01  # of the items are on sites with a handful each
ITEMS_A_SMALL_SITE = 5
ACCOUNTS_SHARE = 0.3  # accounts for so many items of a platform
LARGEST_REPORT = 5_000  # items
BEHIND = timedelta(minutes=30)  # what came due in so long a time has not been looked at yet
CONTROL_SHARE = 0.02
IN_ERROR_SHARE = 0.001
CHANNELS = (Channel.WEB_FORM, Channel.EMAIL, Channel.TRUSTED_FLAGGER)
STANDINGS = (Standing.JOURNALIST, Standing.ORGANISATION, Standing.TRUSTED_FLAGGER)
CATEGORIES = (Category.FRAUD, Category.COPYRIGHT, Category.MALWARE)
DAY = 86_400
MICROSECOND = timedelta(microseconds=1)


class UnusableSize(ValueError):
    """A campaign of that size cannot be made here. The message is a sentence for people."""


@dataclass(frozen=True, slots=True)
class Made:
    """What was written."""

    campaign: Campaign
    reports: int
    items: int
    checks: int


@dataclass(frozen=True, slots=True)
class Site:
    """Where items are: its host's number, as what it stands in reports, and the name of its host."""

    host_id: int
    platform: str
    host: str


@dataclass(slots=True)
class Entry:
    """One item to be: where it is, which life it leads, and when it was reported (seconds since 1970)."""

    site: Site
    life: int
    reported: int
    account: int
    report_id: int = 0


def seed(
    *,
    items: int,
    checks: int,
    platforms: int = 50,
    seed: int = 1,
    until: datetime = UNTIL,
    say: Callable[[str], None],
) -> Made:
    """Write a campaign of so many items and about so many checks, as it stands at `until`; all or nothing.

    Raises UnusableSize, also where the record holds anything already. `say` is told how far it has got.
    """
    _refuse_unusable(items, checks, platforms, until)
    random = Random(seed)  # noqa: S311 - it makes up rows, and guards nothing
    waves = min(26, max(2, items // 10_000))
    lived = [
        Moved(life)
        for life in lives(
            min(MOST_LIVES, max(items, waves)), looks=checks / items, waves=waves, random=random
        )
    ]
    entries = _entries(items, platforms, lived, until.replace(microsecond=0), random)
    with transaction.atomic():
        _check_at_once()
        campaign = create_campaign(slug=SLUG, name=NAME, description=DESCRIPTION, person=_owner())
        Campaign.objects.filter(pk=campaign.pk).update(created_at=until - LONGEST)
        reports = _write_reports(campaign, entries, lived, until, random)
        written = 0
        at = iter(enumerate(entries, 1))
        while block := list(islice(at, BLOCK)):
            written += _write_items(block, lived, seed, until, random)
            if block[-1][0] % (100 * BLOCK) == 0:
                say(f"{block[-1][0]:,} items, {written:,} checks.")
        _write_replies(entries, reports, lived, until, random)
        _set_sequences()
    _analyse()
    return Made(campaign, len(reports), items, written)


def _refuse_unusable(items: int, checks: int, platforms: int, until: datetime) -> None:
    if items < 1 or platforms < 1:
        raise UnusableSize("A campaign has at least one item on one platform.")
    if not FEWEST_LOOKS <= checks / items <= MOST_LOOKS:
        raise UnusableSize(
            f"{checks:,} checks are {checks / items:.1f} an item. In a little over a year there are from "
            f"{FEWEST_LOOKS} to {MOST_LOOKS}: ask for {FEWEST_LOOKS * items:,} to {MOST_LOOKS * items:,}."
        )
    if until.tzinfo is None:
        raise UnusableSize("The moment at which the campaign stands needs its time zone.")
    for model in (Campaign, Report, Host, Target, Check):
        if model._default_manager.exists():
            raise UnusableSize(
                f"This record holds something already ({model._meta.verbose_name_plural}), and made-up rows "
                "do not belong beside it. Name a new database in DATABASE_URL, or another folder in VAR_DIR."
            )


def _owner() -> Person | None:
    return Person.objects.filter(is_superuser=True, is_active=True).order_by("pk").first()


def _check_at_once() -> None:
    """Let PostgreSQL check references as rows come, instead of listing all of them until the end."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def _set_sequences() -> None:
    """Let the next rows have the numbers after those that were given here."""
    from django.core.management.color import no_style

    given = [Host, Target, Report, Item, Reply]
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), given):
            cursor.execute(statement)


def _analyse() -> None:
    """Let the database know what it holds, which it would find out by itself a little later."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


# ------------------------------------------------------------------------------------------------------ items


def _entries(
    items: int, platforms: int, lived: Sequence[Moved], until: datetime, random: Random
) -> list[Entry]:
    """The items, in the order in which they were reported."""
    sites = [
        Site(number, f"platform-{number:02}.example", f"models.platform-{number:02}.example")
        for number in range(1, platforms + 1)
    ]
    small = round(items * SMALL_SITES_SHARE / ITEMS_A_SMALL_SITE)
    small_sites = [
        Site(platforms + number, f"site-{number:05}.example", f"site-{number:05}.example")
        for number in range(1, small + 1)
    ]
    weights = list(accumulate(1 / rank for rank in range(1, platforms + 1)))
    now = int(until.timestamp())
    behind = BEHIND.total_seconds()
    made = []
    for number in range(items):
        life = random.randrange(len(lived))
        slack = max(lived[life].until_next + behind, 0)
        reported = int(now - lived[life].followed - random.random() * slack)
        if number < small * ITEMS_A_SMALL_SITE:
            site = small_sites[number % small]
        else:
            (site,) = random.choices(sites, cum_weights=weights)
        accounts = max(int(items * ACCOUNTS_SHARE / site.host_id), 1)
        made.append(Entry(site, life, reported, random.randrange(accounts)))
    made.sort(key=lambda entry: (entry.reported, entry.site.host_id, entry.life, entry.account))
    return made


class Moved:
    """A life as rows of the record, at whatever moment its item was reported."""

    def __init__(self, life: Life) -> None:
        self.life = life
        self.followed = life.followed.total_seconds()
        self.until_next = (life.next_at - REPORTED - life.followed).total_seconds()
        self.looks = [_Pieces(life, number) for number in range(len(life.looks))]
        self.gone = [change for change in life.changes if change.to_status == Status.REMOVED]

    def state(self, reported: datetime) -> dict[str, Any]:
        """The fields of the target."""
        shift = reported - REPORTED
        values = self.life.state._asdict()
        moved = {name: value + shift for name, value in values.items() if isinstance(value, datetime)}
        origins = cadence.kept_origins([reported], self.life.looks[-1].started_at + shift)
        return {
            **values,
            **moved,
            "check_count": len(self.looks),
            "next_check_at": self.life.next_at + shift,
            "origins": [origin.isoformat() for origin in origins],
        }

    def is_gone(self, reported: int, moment: datetime) -> bool:
        """Whether the item was found removed by a moment."""
        shift = datetime.fromtimestamp(reported, UTC) - REPORTED
        return any(change.by + shift <= moment for change in self.gone)


_MOVING = ("finished_at", "previous", "recorded_at", "started_at", "target")
"""What differs between two items of one life, in the order in which the ledger's text has it."""

RECORDED_AFTER = timedelta(seconds=2)


class _Pieces:
    """One check of a life, taken apart into what is the same for all of its items and what is not."""

    def __init__(self, life: Life, place: int) -> None:
        look = life.looks[place]
        check = Check(
            number=place + 1,
            started_at=look.started_at,
            finished_at=look.finished_at,
            recorded_at=look.finished_at + RECORDED_AFTER,
            outcome=look.outcome,
            reason=look.reason,
            definitive=look.definitive,
            signal=look.signal,
            http_status=look.http_status,
            evidence=dict(look.evidence),
            manual=look.manual,
        )
        content = ledger.content_of(check, target_commitment="", previous="")
        text = ledger.canonical(content | {name: f"<{name}>" for name in _MOVING})
        self.text = re.split("|".join(f"<{name}>" for name in _MOVING), text)
        self.fixed = (
            place + 1,
            str(look.outcome),
            str(look.reason),
            look.definitive,
            look.signal,
            look.http_status,
            ledger.canonical(look.evidence),
            look.manual,
        )
        self.started = _since(look.started_at)
        self.finished = _since(look.finished_at)
        self.recorded = _since(look.finished_at + RECORDED_AFTER)


def _since(moment: datetime) -> tuple[int, str]:
    """Whole seconds since the report, and the rest as it ends an ISO moment."""
    seconds, rest = divmod((moment - REPORTED) // MICROSECOND, 1_000_000)
    return seconds, f".{rest:06}+00:00"


CHECK_FIELDS = (
    *("target_id", "started_at", "finished_at", "recorded_at", "digest"),
    *("number", "outcome", "reason", "definitive", "signal", "http_status", "evidence", "manual"),
    *("person_id", "note", "note_salt", "note_commitment"),
)
_NO_PERSON = (None, "", "", "")

_DATES: dict[int, str] = {}
_TIMES = [f"T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}" for second in range(DAY)]


def _moment(seconds: int, rest: str) -> str:
    """Seconds since 1970 and the rest of an ISO moment, as a text."""
    day, second = divmod(seconds, DAY)
    date = _DATES.get(day) or _DATES.setdefault(day, f"{datetime.fromtimestamp(day * DAY, UTC):%Y-%m-%d}")
    return date + _TIMES[second] + rest


def check_rows(life: Moved, target_id: int, reported: int, commitment: str) -> list[tuple[Any, ...]]:
    """The rows of all checks of one target, with the digests of the ledger."""
    rows = []
    previous = ""
    sqlite = connection.vendor == "sqlite"
    for look in life.looks:
        (begin, after_finished, after_previous, after_recorded, after_started, end) = look.text
        seconds, rest = look.started
        started = _moment(reported + seconds, rest)
        seconds, rest = look.finished
        finished = _moment(reported + seconds, rest)
        seconds, rest = look.recorded
        recorded = _moment(reported + seconds, rest)
        text = (
            f"{begin}{finished}{after_finished}{previous}{after_previous}{recorded}{after_recorded}"
            f"{started}{after_started}{commitment}{end}"
        )
        previous = hashlib.sha256(text.encode()).hexdigest()
        if sqlite:
            started, finished, recorded = map(_as_sqlite_has_it, (started, finished, recorded))
        rows.append((target_id, started, finished, recorded, previous, *look.fixed, *_NO_PERSON))
    return rows


def _as_sqlite_has_it(moment: str) -> str:
    return f"{moment[:10]} {moment[11:26]}"


TARGET_FIELDS = (
    *("id", "key", "key_digest", "salt", "commitment", "platform", "kind", "account", "account_key"),
    *("host_id", "created_at", "head_digest", "check_count", "next_check_at", "origins", *State._fields),
)
ITEM_FIELDS = (
    *("id", "report_id", "target_id", "submitted", "reported_at", "dated", "labels", "note"),
    *("control", "attested", "created_at"),
)
TRANSITION_FIELDS = (
    *("target_id", "check_number", "from_status", "to_status", "reason", "after", "by", "by_person"),
    *("recorded_at", "superseded_at"),
)


def _write_items(
    block: Sequence[tuple[int, Entry]], lived: Sequence[Moved], seed: int, until: datetime, random: Random
) -> int:
    """Write some items with their targets, checks and transitions; returns how many checks."""
    targets, items, checks, transitions, errors = [], [], [], [], []
    for number, entry in block:
        life = lived[entry.life]
        reported = datetime.fromtimestamp(entry.reported, UTC)
        account = f"uploader-{entry.account:06}"
        key = f"https://{entry.site.host}/{account}/model-{number:07}"
        salt = hashlib.sha256(f"{seed}:{number}".encode()).hexdigest()[:32]
        target = Target(key=key, salt=salt, platform=entry.site.platform, account=account)
        target.commit_to_key()
        rows = check_rows(life, number, entry.reported, target.commitment)
        checks += rows
        held = life.state(reported) | {
            "id": number,
            "kind": "model",
            "host_id": entry.site.host_id,
            "created_at": reported,
            "head_digest": rows[-1][4],
        }
        targets.append([held[name] if name in held else getattr(target, name) for name in TARGET_FIELDS])
        control = random.random() < CONTROL_SHARE
        labels = [f"list {'abc'[number % 3]}"] if random.random() < 0.1 else []
        items.append(
            (number, entry.report_id, number, key, reported, True, labels, "", control, not control, reported)
        )
        shift = reported - REPORTED
        transitions += [
            (
                number,
                change.check_number,
                change.from_status,
                change.to_status,
                change.reason,
                change.after + shift if change.after else None,
                change.by + shift,
                change.by_person,
                life.life.looks[change.check_number - 1].finished_at + shift + RECORDED_AFTER,
                None,
            )
            for change in life.life.changes
        ]
        if random.random() < IN_ERROR_SHARE:
            errors.append((number, "A mistake of the list.", None, until, None))
    bulk.insert(Target, TARGET_FIELDS, targets)
    bulk.insert(Check, CHECK_FIELDS, checks)
    bulk.insert(Transition, TRANSITION_FIELDS, transitions)
    bulk.insert(Item, ITEM_FIELDS, items)
    bulk.insert(ErrorMark, ("item_id", "reason", "person_id", "recorded_at", "taken_back_at"), errors)
    return len(checks)


# ---------------------------------------------------------------------------------------- reports and replies


def _write_reports(
    campaign: Campaign, entries: Sequence[Entry], lived: Sequence[Moved], until: datetime, random: Random
) -> dict[int, list[int]]:
    """Group the items into reports (a platform, a wave) and write these; returns each one's entries by place.

    Reports are numbered in the order in which they were sent.
    """
    groups: dict[tuple[str, int], list[int]] = defaultdict(list)
    waves: dict[int, int] = {}
    for place, entry in enumerate(entries):
        wave = waves.setdefault(entry.life, int(lived[entry.life].followed // DAY))
        groups[entry.site.platform, wave].append(place)
    parts = [
        places[start : start + LARGEST_REPORT]
        for places in groups.values()
        for start in range(0, len(places), LARGEST_REPORT)
    ]
    parts.sort(key=lambda places: entries[places[0]].reported)
    reports = dict(enumerate(parts, 1))
    rows = []
    for number, places in reports.items():
        sent = datetime.fromtimestamp(entries[places[0]].reported, UTC)
        for place in places:
            entries[place].report_id = number
        rows.append(
            {
                "id": number,
                "campaign_id": campaign.pk,
                "number": number,
                "platform": entries[places[0]].site.platform,
                "channel": random.choice(CHANNELS),
                "standing": random.choice(
                    [Standing.JOURNALIST, Standing.ORGANISATION, Standing.TRUSTED_FLAGGER]
                ),
                "category": random.choice(CATEGORIES),
                "policy": "",
                "reference": f"EXAMPLE-{number:05}",
                "sent_at": sent,
                "delivery": Delivery.BOUNCED if random.random() < 0.01 else Delivery.SENT,
                "note": "",
                "created_at": sent,
                "created_by_id": None,
            }
        )
    hosts = {entry.site.host_id: entry.site.host for entry in entries}
    bulk.insert(
        Host,
        ("id", "name", "lease_token", "lease_until", "not_before"),
        ((number, name, "", None, None) for number, name in sorted(hosts.items())),
    )
    bulk.insert(Report, tuple(rows[0]), (tuple(row.values()) for row in rows))
    return reports


def _write_replies(
    entries: Sequence[Entry],
    reports: dict[int, list[int]],
    lived: Sequence[Moved],
    until: datetime,
    random: Random,
) -> None:
    """Most reports are acknowledged, some decided on; of a decision in part it is said what was removed."""
    replies: list[tuple[Any, ...]] = []
    claims: list[tuple[Any, ...]] = []
    reminders: list[tuple[Any, ...]] = []
    controls = set(Item.objects.filter(control=True).values_list("pk", flat=True))
    for report, places in reports.items():
        sent = datetime.fromtimestamp(entries[places[0]].reported, UTC)
        add = partial(_reply, replies, report)
        if random.random() < 0.75:
            add(ReplyKind.ACKNOWLEDGEMENT, "", sent + timedelta(minutes=random.randrange(1, 90)))
        answered = sent + timedelta(hours=random.lognormvariate(4.3, 1.0))
        if random.random() < 0.3 and answered < until:
            decision = random.choice([Decision.PARTLY, Decision.PARTLY, Decision.REMOVED, Decision.REJECTED])
            reply = add(ReplyKind.DECISION, decision, answered)
            for place in places:
                gone = lived[entries[place].life].is_gone(entries[place].reported, answered)
                said = ClaimWord.REMOVED if gone or random.random() < 0.05 else ClaimWord.REFUSED
                if place + 1 not in controls:
                    claims.append((reply, place + 1, CLAIM_OF_ALL.get(decision, said)))
        elif random.random() < 0.3:
            reminded = sent + timedelta(days=7)
            reminders.append((report, reminded, "", None, reminded, None))
    fields = ("id", "report_id", "kind", "decision", "received_at", "reference", "text", "person_id")
    bulk.insert(Reply, (*fields, "recorded_at", "taken_back_at"), replies)
    bulk.insert(Claim, ("reply_id", "item_id", "claim"), claims)
    bulk.insert(
        Reminder, ("report_id", "sent_at", "note", "person_id", "recorded_at", "taken_back_at"), reminders
    )


def _reply(replies: list[tuple[Any, ...]], report: int, kind: str, decision: str, at: datetime) -> int:
    number = len(replies) + 1
    replies.append((number, report, kind, decision, at, "", "", None, at, None))
    return number
