"""Rows for everyone: items one by one, and reports, telling no more of their groups than may be shown.

Rows are made of the very columns that the figures are taken from, so that each figure can be computed from
them again. What a row tells of the groups that its item is in is decided in `anonymity`; all else in it is
what became of the item.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from django.db.models import F

from apps.checks.outcomes import Status
from apps.core.pseudonyms import LENGTH, pseudonyms
from apps.metrics.deadlines import clocks, verdicts
from apps.metrics.figures import removed_after_claim, seen_after_claim, up_after_claim
from apps.metrics.population import STILL_UP, Exclusion
from apps.metrics.reading import Flags, Whole, in_codes, read_columns
from apps.metrics.records import STATUS_CODES
from apps.metrics.responses import CLAIM_CODES
from apps.metrics.survival import rounded_outward
from apps.reports.deadlines import VERDICTS
from apps.reports.models import ClaimWord
from apps.reports.selectors import items_of

from .anonymity import UNTOLD, Start, row_classes, told
from .columns import PUBLIC_ITEMS, PUBLIC_REPORTS
from .items import CHUNK, claim_words, exclusion_words, hour_cells, status_words
from .public_record import PublicRecord, counted
from .report_rows import clock_hours
from .sql import BLOCK, Block, Value
from .suppression import ITEMS

_REMOVED = STATUS_CODES[Status.REMOVED]
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
    """What rows tell, by cell: items that agree in all that they could tell. `cell` is that of each item.

    `own` is all that there is, `told` what may be told of it; `real` cells have an item on record.
    """

    cell: Whole
    own: Sequence[Groups]
    told: Sequence[Groups]
    real: Sequence[bool]


@dataclass(frozen=True, slots=True)
class Cells:
    """The items of one report, day and kind, as the record's `parts` are those of one report and day.

    `cell` is the cell of each item, `part` the part that each cell belongs to.
    """

    cell: Whole
    part: Whole
    kind: Whole
    kinds: Sequence[str]
    counts: Whole


def item_blocks(record: PublicRecord, *, key: str) -> Iterator[Block]:
    """Rows of items by public name: a random order, which says nothing. No row where the whole is too small.

    `key` is that of the public names.
    """
    if not record.shown.whole:
        return
    rows, deadlines = row_groups(record), _deadlines(record)
    pks = record.population.records.pk
    names = np.array(pseudonyms(key, pks.tolist()), f"S{LENGTH}")
    order = np.argsort(names)
    for start in range(0, len(order), CHUNK):
        some = order[start : start + CHUNK]
        values = _fates(record, some)
        values["deadlines"] = [deadlines.get(place, []) for place in some.tolist()]
        values["public_id"] = [name.decode() for name in names[some].tolist()]
        of = [rows.told[each] for each in rows.cell[some].tolist()]
        for name in Groups.__slots__:
            values[name] = [getattr(each, name) for each in of]
        yield [values[name] for name in PUBLIC_ITEMS.names]


def _fates(record: PublicRecord, at: Whole) -> dict[str, Sequence[Value]]:
    """What became of the items at some places."""
    found = record.population
    records = found.records
    claim = record.material.claim[at]
    control = records.control[at]
    excluded = np.where(control, found.control_excluded[at], found.excluded[at])
    counts = np.where(control, found.controls[at], excluded == Exclusion.NONE)
    after, by = rounded_outward(found.times.left[at], found.times.right[at])
    up_until, _ = rounded_outward(found.fitted.left[at], found.fitted.right[at])
    back_after, back_by = rounded_outward(found.returns.left[at], found.returns.right[at])
    removed = counts & found.removed[at]
    said = claim != 0
    gone_after = removed_after_claim(record.material, at)
    seen_after = seen_after_claim(record.material, at)
    up = up_after_claim(record.material, at)
    up_after, up_by = rounded_outward(up.left, up.right)
    stayed = counts & ~control & seen_after & (claim == CLAIM_CODES[ClaimWord.REMOVED])
    return {
        "control": control.tolist(),
        "observed": found.observed[at].tolist(),
        "eligible": counts.tolist(),
        "excluded": exclusion_words(excluded),
        "status": status_words(records.status[at]),
        "removal_hours_after": hour_cells(after, counts),
        "removal_hours_by": hour_cells(by, counts),
        "up_until_hours": hour_cells(up_until, counts & ~found.removed[at]),
        "return_hours_after": hour_cells(back_after, removed),
        "return_hours_by": hour_cells(back_by, removed),
        "claim": claim_words(claim),
        "seen_after_claim": _if(said, seen_after),
        "removed_after_claim": _if(said, gone_after),
        "claim_up_hours_after": hour_cells(up_after, stayed),
        "claim_up_hours_by": hour_cells(up_by, stayed),
        "report": _report_numbers(record, at),
    }


def _if(said: Flags, flags: Flags) -> list[Value]:
    """Flags, and None where there is nothing that they are about."""
    return [flag if is_said else None for flag, is_said in zip(flags.tolist(), said.tolist(), strict=True)]


def _report_numbers(record: PublicRecord, at: Whole) -> list[Value]:
    """The number of each item's report, where the counts of that report are shown."""
    shown = record.shown.reports
    return [
        record.reports[report].number if report in shown else None
        for report in record.population.records.report[at].tolist()
    ]


def _deadlines(record: PublicRecord) -> dict[int, list[str]]:
    """How items stand to each deadline that runs for them and may be shown, by place."""
    found: dict[int, list[str]] = {}
    material = record.material
    if "deadlines" not in record.choices.charts:
        return found
    eligible = np.flatnonzero(record.population.eligible)
    for clock in clocks(record.population, eligible, record.reports, material.fits):
        rule = clock.rule
        if rule.slug not in record.shown.rules:
            continue
        words = [rule.slug] * len(clock.items)
        if rule.hours is not None:
            how = verdicts(
                record.population,
                clock.items,
                rule,
                rule.hours,
                decided=material.decided,
                now=material.now,
            )
            words = [f"{rule.slug}={VERDICTS[verdict]}" for verdict in how.tolist()]
        for place, word in zip(clock.items.tolist(), words, strict=True):
            found.setdefault(place, []).append(word)
    return found


# ----------------------------------------------------------------------------------------------- their groups


def row_groups(record: PublicRecord) -> RowGroups:
    """What rows may tell of their groups.

    1. Platform and channel are told where their tables show the group.
    2. The date, the category and the kind are told as far as no small group can be counted by them, and the
       date more coarsely before it is not told.
    3. Controls and items in error are in nobody's figures. They tell what the items beside them tell, and
       nothing that only they have.
    """
    cells = _cells(record)
    real: Flags = cells.counts[:, ITEMS] > 0
    own = [_groups(record, cells, place) for place in range(len(cells.part))]
    told = list(own)
    for cell, (date, category, kind) in _told(record, cells, np.flatnonzero(real)):
        told[cell] = replace(
            own[cell],
            reported=date,
            category=own[cell].category if category else None,
            kind=own[cell].kind if kind else None,
        )
    beside = sorted({told[cell] for cell in np.flatnonzero(real).tolist()}, key=_detail, reverse=True)
    for cell in np.flatnonzero(~real).tolist():
        told[cell] = next(
            (other for other in beside if _fits(other, own[cell])),
            replace(own[cell], reported=None, category=None, kind=None),
        )
    return RowGroups(cells.cell, own, told, real.tolist())


def _cells(record: PublicRecord) -> Cells:
    choices = record.choices
    kinds: Sequence[str] = ("",)
    kind = np.zeros(len(record.part), np.int64)
    # Letters stand for platforms, and a platform can be known by the kinds that it has.
    if choices.platforms == "names" and "platforms" in choices.charts:
        kinds, kind = _kinds(record)
    keys, cell = np.unique(record.part * len(kinds) + kind, return_inverse=True)
    return Cells(
        cell=cell,
        part=keys // len(kinds),
        kind=keys % len(kinds),
        kinds=kinds,
        counts=counted(record.population, cell, len(keys)),
    )


def _kinds(record: PublicRecord) -> tuple[Sequence[str], Whole]:
    """The words of kinds, and the place of each item's among them."""
    items = items_of(record.campaign)
    words = ["", *sorted(set(items.order_by().values_list("target__kind", flat=True).distinct()) - {""})]
    rows = read_columns(
        items,
        {
            "pk": F("pk"),
            "kind": in_codes("target__kind", {word: place for place, word in enumerate(words)}),
        },
    )
    order = np.argsort(rows["pk"])
    pks, codes = rows["pk"][order], np.maximum(rows["kind"][order], 0)
    wanted = record.population.records.pk
    place = np.minimum(np.searchsorted(pks, wanted), len(pks) - 1)
    return words, np.where(pks[place] == wanted, codes[place], 0)


def _told(
    record: PublicRecord, cells: Cells, real: Whole
) -> Iterator[tuple[int, tuple[str | None, bool, bool]]]:
    """Of each cell with an item on record: the date as it may be told, whether category and kind may be."""
    shown, parts = record.shown, record.parts
    part = cells.part[real]
    days = parts.day[part]
    months = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    names = sorted(set(record.categories.values()))
    category = np.array([names.index(record.categories[report]) for report in parts.report[part].tolist()])
    kind = cells.kind[real]
    exactly = days if record.choices.dates == "day" else months
    start = Start(
        counts=cells.counts[real],
        classes=np.unique(shown.classes[part], return_inverse=True)[1],
        withheld=[replace(one, parts=one.parts[part]) for one in shown.withheld],
        known=shown.known[part],
    )
    by_date = (months // _MONTHS, months // 3, months)
    classes = row_classes([*by_date, category, kind, exactly], start, minimum_n=record.minimum_n)
    year, quarter, month, day = (told(values, classes).tolist() for values in (*by_date, exactly))
    by_month = record.choices.dates == "month"
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


def _groups(record: PublicRecord, cells: Cells, cell: int) -> Groups:
    """All the groups of a cell that its rows could tell; the date as the day or month that is chosen."""
    shown, part = record.shown, int(cells.part[cell])
    report = int(record.parts.report[part])
    platform, channel = record.platforms[report], record.channels[report]
    day = np.datetime64(int(record.parts.day[part]), "D")
    is_shown = "platforms" in record.choices.charts and platform in shown.platforms
    return Groups(
        platform=platform if is_shown else None,
        channel=channel if channel in shown.channels else None,
        category=record.categories[report],
        kind=cells.kinds[int(cells.kind[cell])] or None,
        reported=str(day.astype("datetime64[M]") if record.choices.dates == "month" else day),
    )


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


# ---------------------------------------------------------------------------------------------------- reports


def report_blocks(record: PublicRecord) -> Iterator[Block]:
    """Rows of reports; the counts of a report are empty where they are withheld."""
    reports = record.in_order
    counts = _counts(record)
    rows: list[Mapping[str, Value]] = [
        {
            "report": report.number,
            "platform": record.platforms[report.pk] if "platforms" in record.choices.charts else None,
            "channel": report.channel,
            "category": record.categories[report.pk],
            "sent": public_date(report.sent, record.choices.dates),
            "bounced": report.bounced,
            **counts.get(report.pk, dict.fromkeys(COUNTS)),
            "followed_hours": None if report.bounced else clock_hours(report.sent, record.material.now),
            "first_reply_hours": clock_hours(report.sent, report.first_reply),
            "first_answer_hours": clock_hours(report.sent, report.first_answer),
            "decision_hours": clock_hours(report.sent, report.decision),
        }
        for report in reports
    ]
    for start in range(0, len(rows), BLOCK):
        some = rows[start : start + BLOCK]
        yield [[row[name] for row in some] for name in PUBLIC_REPORTS.names]


COUNTS = ("items", "controls", "eligible", "removed", "still_up")


def _counts(record: PublicRecord) -> dict[int, dict[str, Value]]:
    """The counts of the reports that are shown, by key."""
    found, records = record.population, record.population.records
    eligible = found.eligible
    kinds = (
        ~records.control,
        records.control,
        eligible,
        eligible & (records.status == _REMOVED),
        eligible & np.isin(records.status, STILL_UP),
    )
    reports, place = np.unique(records.report, return_inverse=True)
    counts = np.stack([np.bincount(place, weights=kind, minlength=len(reports)) for kind in kinds], axis=1)
    return {
        report: dict(zip(COUNTS, of, strict=True))
        for report, of in zip(reports.tolist(), counts.astype(int).tolist(), strict=True)
        if report in record.shown.reports
    }


def public_date(moment: int, dates: str) -> str:
    """The month (2026-03) or day (2026-03-01) in UTC of seconds since 1970."""
    unit = "datetime64[M]" if dates == "month" else "datetime64[D]"
    return str(np.datetime64(moment, "s").astype(unit))
