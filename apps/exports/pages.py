"""Rows of a table a page at a time, as programs read them: the same columns and values as in the files.

A page goes on after the primary key of the last row of the one before. So what is added meanwhile comes at
the end, no row is given twice or left out, and a late page costs what the first one does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from django.db.models import Exists, F, OuterRef, QuerySet

from apps.accounts.roles import Audience
from apps.checks.models import Check, Transition
from apps.reports.models import Campaign, Item
from apps.reports.selectors import items_of

from .columns import CHECKS, ITEMS, REPLIES, REPORTS, TRANSITIONS, Column, Type
from .items import Chunk, Items, worked_out, worked_out_columns
from .models import public_key_of
from .report_rows import replies_to, reply_blocks, report_blocks, reports_chosen
from .sources import check_values, items_source, transition_values
from .sql import Block, Source, Value, blocks, one_view

Row = dict[str, Value]
_PLACE = Column("place", Type.INTEGER, Audience.MEMBERS, "The primary key, to order by.")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to read: as whom, of which of a campaign's items (None: of all), after which row."""

    campaign: Campaign
    who: Audience
    items: QuerySet[Item] | None = None
    target: int | None = None  # of checks and transitions: those of one watched URL only
    after: int = 0
    size: int = 100
    only: int | None = None  # the one row with this primary key

    @property
    def chosen(self) -> QuerySet[Item]:
        """The items that it is about, in no order."""
        return (items_of(self.campaign) if self.items is None else self.items).order_by()


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows in the order in which they were recorded. `last` is where to go on; None at the end."""

    rows: list[Row]
    last: int | None


def page_of(table: str, wanted: Wanted) -> Page:
    """The next rows of a table. The number of queries is the same however many rows there are."""
    read = _TABLES[table]
    # Made on first use: what writes stands before a view of the record is opened.
    key = public_key_of(wanted.campaign) if table == ITEMS.name else ""
    with one_view():
        return read(wanted, key)


def _page(wanted: Wanted, rows: QuerySet[Any], read: Callable[[list[int]], list[Row]]) -> Page:
    """The rows after the last page; one more is looked for to tell whether there are further ones."""
    ahead = rows.filter(pk__gt=wanted.after) if wanted.only is None else rows.filter(pk=wanted.only)
    pks = list(ahead.order_by("pk").values_list("pk", flat=True)[: wanted.size + 1])
    shown = pks[: wanted.size]
    return Page(read(shown) if shown else [], shown[-1] if len(pks) > len(shown) else None)


def _items(wanted: Wanted, key: str) -> Page:
    def read(pks: list[int]) -> list[Row]:
        numbers = np.array(pks, np.int64)
        found = Items.read_some(wanted.campaign, wanted.chosen, numbers, key=key)
        rows = _recorded(items_source(Item.objects.filter(pk__in=pks), wanted.who))
        names = [column.name for column in worked_out_columns(wanted.who)]
        rest = _named([worked_out(found, Chunk(numbers, found.items), wanted.who)], names)
        return [row | more for row, more in zip(rows, rest, strict=True)]

    return _page(wanted, wanted.chosen, read)


def _checks(wanted: Wanted, _: str) -> Page:
    values = check_values(wanted.campaign, wanted.who)
    source = Source(Check.objects.all(), CHECKS.seen_by(wanted.who).columns, values, order=())
    return _of_targets(wanted, source)


def _transitions(wanted: Wanted, _: str) -> Page:
    columns, values = TRANSITIONS.seen_by(wanted.who).columns, transition_values(wanted.who)
    return _of_targets(wanted, Source(Transition.objects.all(), columns, values, order=()))


def _of_targets(wanted: Wanted, source: Source) -> Page:
    """Rows that are about targets of the items.

    Of a whole campaign they are taken one after the other, each looked up among the items; where few items
    are left, or one target, their rows are looked up instead.
    """
    rows = source.rows
    if wanted.target is not None:
        rows = rows.filter(target=wanted.target)
    if wanted.items is None or wanted.target is not None:
        rows = rows.filter(Exists(wanted.chosen.filter(target=OuterRef("target"))))
    else:
        rows = rows.filter(target__in=wanted.chosen.values("target"))
    return _page(wanted, rows, lambda pks: _recorded(replace(source, rows=source.rows.filter(pk__in=pks))))


def _reports(wanted: Wanted, _: str) -> Page:
    def read(pks: list[int]) -> list[Row]:
        found = Items.read_of_reports(wanted.campaign, wanted.chosen, pks)
        reports = reports_chosen(wanted.campaign, None).filter(pk__in=pks).order_by("pk")
        return _named(report_blocks(found, reports, wanted.who), REPORTS.seen_by(wanted.who).names)

    return _page(wanted, reports_chosen(wanted.campaign, wanted.items), read)


def _replies(wanted: Wanted, _: str) -> Page:
    replies = replies_to(reports_chosen(wanted.campaign, wanted.items))
    names = REPLIES.seen_by(wanted.who).names

    def read(pks: list[int]) -> list[Row]:
        return _named(reply_blocks(replies.filter(pk__in=pks).order_by("pk"), wanted.who), names)

    return _page(wanted, replies, read)


_TABLES: dict[str, Callable[[Wanted, str], Page]] = {
    ITEMS.name: _items,
    CHECKS.name: _checks,
    TRANSITIONS.name: _transitions,
    REPORTS.name: _reports,
    REPLIES.name: _replies,
}


def _recorded(source: Source) -> list[Row]:
    """The rows of a source, in the order of their primary keys."""
    values = {**source.values, _PLACE.name: F("pk")}
    placed = Source(source.rows, [_PLACE, *source.columns], values, order=[_PLACE.name])
    return _named((block[1:] for block in blocks(placed)), [column.name for column in source.columns])


def _named(some: Iterable[Block], names: Sequence[str]) -> list[Row]:
    """The rows of blocks, by the names of their columns."""
    return [dict(zip(names, values, strict=True)) for block in some for values in zip(*block, strict=True)]
