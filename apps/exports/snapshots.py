"""The snapshots that public pages are made of: kept, and made anew once a change, not once a reader."""

from __future__ import annotations

import hashlib
import json
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, TypeVar

from django.conf import settings
from django.db import connection
from django.db.models import F, Model, Q, QuerySet, Subquery

from apps.checks.models import Transition
from apps.core import clock
from apps.reports.models import Campaign, Claim, ErrorMark, Item, Reply

from .by_month import midnight
from .models import Publication, PublicSnapshot
from .public_record import PublicRecord, read_public
from .published import LANGUAGES, VERSION, Choices, Json, Snapshot
from .publishing import snapshot_of
from .trees import from_json, to_json

log = logging.getLogger(__name__)

T = TypeVar("T")

LONGEST_AGE = timedelta(hours=1)
"""In the record's time: what was seen last changes without a change of status."""

REST = 20
"""A snapshot is not made again before so many times the time that making it took: busy checkers never keep a
site busy with its public pages. In real time."""

LONGEST_MAKING = timedelta(minutes=5)
"""Whoever makes a snapshot and is not done by then is taken for dead. In real time."""


@dataclass(frozen=True, slots=True)
class Headline:
    """A published campaign in the list of all."""

    slug: str
    title: str
    findings: dict[str, str]
    since: str
    as_of: datetime
    etag: str
    made_at: datetime


class NotPublished(LookupError):
    """There is no such campaign for the public."""


class NotReady(RuntimeError):
    """Its snapshot is being made right now, and the last one can no longer be used."""


def choices_of(publication: Publication) -> Choices:
    """What a decision chose to be public."""
    return Choices(
        charts=tuple(publication.charts),
        platforms=publication.platforms,
        reports=publication.reports,
        items=publication.items,
        dates=publication.dates,
    )


def record_of(publication: Publication) -> PublicRecord:
    """What a decision is about, as the record stands now."""
    return read_public(publication.campaign, choices_of(publication))


def made_from(publication: Publication) -> Snapshot:
    """What a decision makes public, as the record stands now."""
    return snapshot_of(record_of(publication), title=publication.title, text=publication.text)


def _last(model: type[Model], field: str = "pk") -> Subquery:
    """The last value of a field in a table, which has an index that ends with it.

    Of those that are not null: asked to put nulls last, PostgreSQL would go through the whole table.
    """
    rows = model._default_manager.filter(**{f"{field}__isnull": False})
    return Subquery(rows.order_by(f"-{field}").values(field)[:1])


_LAST_ROWS = {
    "last_item": _last(Item),
    "last_transition": _last(Transition),
    "last_reply": _last(Reply),
    "last_reply_taken_back": _last(Reply, "taken_back_at"),
    "last_claim": _last(Claim),
    "last_error": _last(ErrorMark),
    "last_error_taken_back": _last(ErrorMark, "taken_back_at"),
}
"""What changes when figures may have changed: to these tables rows are added, or marked as taken back."""


def record_stamp(campaign: Campaign, *, by_month: bool) -> str:
    """A text that differs as soon as the record that figures are made from differs. One query.

    It is about the whole site, because that costs the same for any number of items. What is told by months
    (`by_month`) does not follow the record: when it was made anew would tell when something was recorded.
    """
    (row,) = Campaign.objects.raw(*_compiled(Campaign.objects.filter(pk=campaign.pk).annotate(**_LAST_ROWS)))
    return _stamp(row, by_month=by_month)


def _compiled(rows: QuerySet[Any]) -> tuple[str, tuple[Any, ...]]:
    """A query as text, with its parameters."""
    sql, parameters = rows.query.sql_with_params()
    return sql, tuple(parameters)


def _stamp(row: Model, *, by_month: bool) -> str:
    """The stamp of a row with `minimum_n` and the values of _LAST_ROWS, as the database gives them."""
    names = ("minimum_n",) if by_month else ("minimum_n", *_LAST_ROWS)
    values = [str(getattr(row, name)) for name in names]
    return hashlib.sha256(repr(values).encode()).hexdigest()


def save_snapshot(publication: Publication) -> PublicSnapshot:
    """Make a campaign's snapshot and keep it as what is public now."""
    started = time.perf_counter()
    stamp = record_stamp(publication.campaign, by_month=publication.dates == Publication.Dates.MONTH)
    values = _values(made_from(publication), stamp, started)
    kept, _ = PublicSnapshot.objects.update_or_create(campaign=publication.campaign, defaults=values)
    return kept


def _values(snapshot: Snapshot, stamp: str, started: float) -> dict[str, object]:
    content: Json = to_json(snapshot)
    canonical = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return {
        "content": json.dumps(content, ensure_ascii=False, separators=(",", ":")),
        "headline": {
            "title": snapshot.title,
            "since": snapshot.since,
            "findings": {language: snapshot.said(language).whole.finding for language in LANGUAGES},
        },
        "etag": hashlib.sha256(canonical.encode()).hexdigest(),
        "version": VERSION,
        "as_of": snapshot.as_of,
        "stamp": stamp,
        "by_month": snapshot.choices.dates == "month",
        "made_at": clock.wall(),
        "took_ms": int((time.perf_counter() - started) * 1000),
        "making_until": None,
    }


MOST_READ = 8
_READ: dict[str, Snapshot] = {}
"""Snapshots that this process has read, by etag; the oldest goes first."""


@dataclass(slots=True)
class Published:
    """A campaign's public side: what tells whether a reader has it already, and on demand all of it."""

    slug: str
    etag: str
    made_at: datetime
    as_of: datetime
    _content: Callable[[], Json]

    def snapshot(self) -> Snapshot:
        """The whole of it. One query, unless this process has read it before."""
        kept = _READ.get(self.etag)
        if kept is None:
            kept = from_json(Snapshot, self._content())
            # A copy of its keys: other threads read and drop beside this one.
            for oldest in list(_READ)[: max(len(_READ) - MOST_READ + 1, 0)]:
                _READ.pop(oldest, None)
            _READ[self.etag] = kept
        return kept


_FOUND: dict[str, tuple[float, Any]] = {}
"""What this process found in the database last, and when it looked, on the monotonic clock."""


def _found(what: str, look: Callable[[], T]) -> T:
    """What `look` finds, or has found where this process looked less than PUBLIC_LOOK_SECONDS ago."""
    now = time.monotonic()
    looked_at, found = _FOUND.get(what, (-math.inf, None))
    if now - looked_at < settings.PUBLIC_LOOK_SECONDS:
        kept: T = found
        return kept
    fresh = look()
    _FOUND[what] = (now, fresh)
    return fresh


def published(slug: str) -> Published:
    """The public side of a campaign, brought up to date if that is due.

    One query if it is not, and none within PUBLIC_LOOK_SECONDS of the last one. Of several readers who find
    it out of date, one makes it anew; the others get the one before. Raises NotPublished, and NotReady where
    there is none before.
    """
    return _found(f"campaign {slug}", lambda: _look_up(slug))


def _look_up(slug: str) -> Published:
    kept, stamp = _kept(slug)
    if _is_due(kept, stamp):
        _renew(kept)
        kept, _ = _kept(slug)
    if kept.version != VERSION:
        raise NotReady(slug)
    found = kept

    def content() -> Json:
        # By its etag: what is shown is what the reader's copy is compared with.
        row = PublicSnapshot.objects.filter(pk=found.pk).values_list("content", flat=True).first()
        if row is None:
            raise NotPublished(slug)
        content: Json = json.loads(row)
        return content

    return Published(slug, kept.etag, kept.made_at, kept.as_of, content)


def _kept(slug: str) -> tuple[PublicSnapshot, str]:
    """The row of a campaign without its content, and the stamp of the record now."""
    sql, parameters = _query(connection.vendor)
    named = [slug if value == _SLUG else value for value in parameters]
    row = next(iter(PublicSnapshot.objects.raw(sql, named)), None)
    if row is None:
        raise NotPublished(slug)
    return row, _stamp(row, by_month=row.by_month)


_SLUG = "the campaign's short name"


@cache
def _query(vendor: str) -> tuple[str, tuple[Any, ...]]:
    """The query of `_kept` for _SLUG. Kept for each kind of database: it is put together for every reader
    otherwise, which takes ten times as long as asking it.
    """
    rows = PublicSnapshot.objects.filter(campaign__slug=_SLUG).defer("content", "headline")
    return _compiled(rows.annotate(minimum_n=F("campaign__minimum_n"), **_LAST_ROWS))


def headlines() -> list[Headline]:
    """All published campaigns, the one that was published last first. At most one query, as for each."""
    return _found("all campaigns", _look_up_headlines)


def _look_up_headlines() -> list[Headline]:
    rows = PublicSnapshot.objects.defer("content").select_related("campaign").order_by("-pk")
    return [
        Headline(
            slug=row.campaign.slug,
            title=row.headline["title"],
            findings=row.headline["findings"],
            since=row.headline["since"],
            as_of=row.as_of,
            etag=row.etag,
            made_at=row.made_at,
        )
        for row in rows
    ]


def _is_due(kept: PublicSnapshot, stamp: str) -> bool:
    if kept.version != VERSION:
        return True
    now = clock.wall()
    rest = timedelta(milliseconds=REST * kept.took_ms)
    if kept.made_at + rest > now:
        return False
    if kept.by_month:
        return kept.stamp != stamp or kept.as_of != midnight()
    return kept.stamp != stamp or clock.now() - kept.as_of >= LONGEST_AGE


def _renew(kept: PublicSnapshot) -> None:
    """Make the snapshot anew, unless somebody else is at it."""
    now = clock.wall()
    free = Q(making_until=None) | Q(making_until__lt=now)
    until = now + LONGEST_MAKING
    claimed = PublicSnapshot.objects.filter(free, pk=kept.pk, etag=kept.etag, made_at=kept.made_at)
    if claimed.update(making_until=until) != 1:
        return  # another reader's request is making it, or has made it between our read and our write
    mine = PublicSnapshot.objects.filter(pk=kept.pk, making_until=until)
    try:
        publication = in_force(Campaign.objects.get(pk=kept.campaign_id))
        if publication is None:
            return
        started = time.perf_counter()
        stamp = record_stamp(publication.campaign, by_month=publication.dates == Publication.Dates.MONTH)
        # Not written if the campaign was withdrawn, or published anew, in the meantime.
        mine.update(**_values(made_from(publication), stamp, started))
    except Exception:
        # Readers keep the one before, and the next of them tries again; what is wrong is in the log.
        log.exception("The public snapshot of campaign %s could not be made.", kept.campaign_id)
        mine.update(making_until=clock.wall() + timedelta(minutes=1))


def in_force(campaign: Campaign) -> Publication | None:
    """The decision that makes a campaign public; None while it is not."""
    acts = Publication.objects.filter(campaign=campaign).exclude(act=Publication.Act.SAVED)
    last = acts.select_related("campaign").order_by("-pk").first()
    return last if last is not None and last.act == Publication.Act.PUBLISHED else None


def history(campaign: Campaign) -> QuerySet[Publication]:
    """All decisions about what of a campaign is public, the last one first."""
    return Publication.objects.filter(campaign=campaign).select_related("person").order_by("-pk")
