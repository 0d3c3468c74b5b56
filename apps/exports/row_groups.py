"""What rows of single items may tell of the groups that their items are in, for all items together.

What a row tells of the groups that its item is in is decided in `anonymity`; all else in it is what became of
the item.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from django.db.models import F, QuerySet

from apps.metrics.reading import Flags, Whole, in_codes, read_columns
from apps.reports.models import Campaign, Item
from apps.reports.selectors import items_of

from .anonymity import UNTOLD, Start, row_classes, told
from .public_record import PublicOutline, PublicRecord, counted
from .published import Choices
from .suppression import ITEMS

_MONTHS = 12


@dataclass(frozen=True, slots=True)
class Groups:
    """What the rows of a part's items tell: the words of its groups, None for what they do not tell."""

    platform: str | None
    channel: str | None
    category: str | None
    kind: str | None
    reported: str | None


@dataclass(frozen=True, slots=True)
class RowGroups:
    """What rows tell, by cell: items that agree in all that they could tell.

    `own` is all that there is, `told` what may be told of it; `real` cells have an item on record.
    """

    own: Sequence[Groups]
    told: Sequence[Groups]
    real: Sequence[bool]


@dataclass(frozen=True, slots=True)
class Cells:
    """The items of one report, day and kind, as the outline's `parts` are those of one report and day.

    `part` is the part that each cell belongs to, `kind` the place of its kind in `kinds`, `counts` are
    as those of parts.
    """

    part: Whole
    kind: Whole
    kinds: Sequence[str]
    counts: Whole


def row_groups(outline: PublicOutline, cells: Cells) -> RowGroups:
    """What rows may tell of their groups.

    1. Platform and channel are told where their tables show the group.
    2. The date, the category and the kind are told as far as no small group can be counted by them, and the
       date more coarsely before it is not told.
    3. Controls and items in error are in nobody's figures. They tell what the items beside them tell, and
       nothing that only they have.
    """
    real: Flags = cells.counts[:, ITEMS] > 0
    own = _own(outline, cells)
    told = list(own)
    kept: dict[Groups, Groups] = {}
    for cell, (date, category, kind) in _told(outline, cells, np.flatnonzero(real)):
        groups = replace(
            own[cell],
            reported=date,
            category=own[cell].category if category else None,
            kind=own[cell].kind if kind else None,
        )
        told[cell] = kept.setdefault(groups, groups)
    beside = sorted({told[cell] for cell in np.flatnonzero(real).tolist()}, key=_detail, reverse=True)
    for cell in np.flatnonzero(~real).tolist():
        told[cell] = next(
            (other for other in beside if _fits(other, own[cell])),
            replace(own[cell], reported=None, category=None, kind=None),
        )
    return RowGroups(own, told, real.tolist())


def cells_of(record: PublicRecord) -> tuple[Cells, Whole]:
    """The cells of a record's items, and the cell of each item."""
    kinds = kinds_told(record.campaign, record.choices)
    kind = kinds_of(items_of(record.campaign), kinds, record.population.records.pk)
    keys, cell = np.unique(record.part * len(kinds) + kind, return_inverse=True)
    counts = counted(record.population, cell, len(keys))
    return Cells(part=keys // len(kinds), kind=keys % len(kinds), kinds=kinds, counts=counts), cell


def kinds_told(campaign: Campaign, choices: Choices) -> Sequence[str]:
    """The kinds of a campaign's items that rows could tell, the empty one first.

    Letters stand for platforms, and a platform can be known by the kinds that it has.
    """
    if choices.platforms != "names" or "platforms" not in choices.charts:
        return ("",)
    words = items_of(campaign).order_by().values_list("target__kind", flat=True).distinct()
    return ("", *sorted(set(words) - {""}))


def kinds_of(items: QuerySet[Item], kinds: Sequence[str], pks: Whole) -> Whole:
    """The place in `kinds` of the kind of each of some of `items`; 0 for any other kind."""
    if len(kinds) == 1:
        return np.zeros(len(pks), np.int64)
    codes = in_codes("target__kind", {word: place for place, word in enumerate(kinds)})
    rows = read_columns(items, {"pk": F("pk"), "kind": codes})
    order = np.argsort(rows["pk"])
    found, code = rows["pk"][order], np.maximum(rows["kind"][order], 0)
    place = np.minimum(np.searchsorted(found, pks), len(found) - 1)
    return np.where(found[place] == pks, code[place], 0)


def _told(
    outline: PublicOutline, cells: Cells, real: Whole
) -> Iterator[tuple[int, tuple[str | None, bool, bool]]]:
    """Of each cell with an item on record: the date as it may be told, whether category and kind may be."""
    shown, parts = outline.shown, outline.parts
    part = cells.part[real]
    days = parts.day[part]
    months = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    names = sorted(set(outline.categories.values()))
    category = np.array([names.index(outline.categories[report]) for report in parts.report[part].tolist()])
    kind = cells.kind[real]
    exactly = days if outline.choices.dates == "day" else months
    start = Start(
        counts=cells.counts[real],
        classes=np.unique(shown.classes[part], return_inverse=True)[1],
        withheld=[one.among(part) for one in shown.withheld],
        known=shown.known[part],
    )
    by_date = (months // _MONTHS, months // 3, months)
    classes = row_classes([*by_date, category, kind, exactly], start, minimum_n=outline.minimum_n)
    year, quarter, month, day = (told(values, classes).tolist() for values in (*by_date, exactly))
    by_month = outline.choices.dates == "month"
    dates = [_date(*each, by_month=by_month) for each in zip(year, quarter, month, day, strict=True)]
    categories, kinds = ((told(values, classes) != UNTOLD).tolist() for values in (category, kind))
    return zip(real.tolist(), zip(dates, categories, kinds, strict=True), strict=True)


def _date(year: int, quarter: int, month: int, day: int, *, by_month: bool) -> str | None:
    """The most exact date that may be told: "2026-03-01", "2026-03", "2026-Q1", "2026" or none.

    Each is counted from 1970, or UNTOLD.
    """
    if day != UNTOLD and not by_month:
        return str(np.datetime64(day, "D"))
    if month != UNTOLD:
        return str(np.datetime64(month, "M"))
    if quarter != UNTOLD:
        return f"{1970 + quarter // 4}-Q{quarter % 4 + 1}"
    return None if year == UNTOLD else str(1970 + year)


def _own(outline: PublicOutline, cells: Cells) -> list[Groups]:
    """All the groups of each cell that its rows could tell; the date as the day or month that is chosen.

    Cells with the same groups have one `Groups` in common, and there are far fewer of them than cells.
    """
    shown, parts = outline.shown, outline.parts
    unit = "datetime64[M]" if outline.choices.dates == "month" else "datetime64[D]"
    days, day_of = np.unique(parts.day, return_inverse=True)
    dates = [str(day.astype(unit)) for day in days.astype("datetime64[D]")]
    platforms = shown.platforms if "platforms" in outline.choices.charts else frozenset()
    kept: dict[Groups, Groups] = {}
    own = []
    of_cell = (parts.report[cells.part].tolist(), day_of[cells.part].tolist(), cells.kind.tolist())
    for report, day, kind in zip(*of_cell, strict=True):
        platform, channel = outline.platforms[report], outline.channels[report]
        groups = Groups(
            platform=platform if platform in platforms else None,
            channel=channel if channel in shown.channels else None,
            category=outline.categories[report],
            kind=cells.kinds[kind] or None,
            reported=dates[day],
        )
        own.append(kept.setdefault(groups, groups))
    return own


def _detail(groups: Groups) -> tuple[int, str]:
    """How much is told, to sort by."""
    words = [getattr(groups, name) or "" for name in Groups.__slots__]
    return sum(map(bool, words)) * 100 + len(groups.reported or ""), "/".join(words)


def _fits(told_: Groups, own: Groups) -> bool:
    """Whether what others tell is true of a cell, too."""
    quarter = f"{own.reported[:4]}-Q{(int(own.reported[5:7]) + 2) // 3}" if own.reported else ""
    return (
        (told_.platform, told_.channel) == (own.platform, own.channel)
        and told_.category in {None, own.category}
        and told_.kind in {None, own.kind}
        and (
            told_.reported in {None, quarter}
            or (own.reported is not None and own.reported.startswith(told_.reported or ""))
        )
    )
