"""Rows of items for everyone, in memory that does not grow with their number.

Rows are made of the very columns that the figures are taken from, so that each figure can be computed from
them again. What a row tells of the groups that its item is in depends on all other items (`row_groups`), and
rows come in an order that says nothing. So a campaign is read once, some thousand items at a time: what is
known of each waits in a file of its own for the decision on all, on shelves by the beginning of its public
name, and comes out shelf by shelf.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
import numpy.typing as npt
from django.db.models import QuerySet

from apps.checks.outcomes import Status
from apps.core.bulk import among
from apps.core.pseudonyms import LENGTH, pseudonyms
from apps.metrics.deadlines import Fits, clocks, verdicts
from apps.metrics.figures import Material, removed_after_claim, seen_after_claim, up_after_claim
from apps.metrics.population import Exclusion, population
from apps.metrics.reading import Flags, Whole
from apps.metrics.records import STATUS_CODES, moment, seconds
from apps.metrics.responses import CLAIM_CODES, decided
from apps.metrics.survival import rounded_outward
from apps.reports.deadlines import VERDICTS, Rule
from apps.reports.models import Campaign, ClaimWord, Item
from apps.reports.selectors import items_of

from .by_month import ByMonth, Read, midnight
from .columns import PUBLIC_ITEMS
from .items import (
    CHUNK,
    Items,
    claim_words,
    exclusion_words,
    hour_cells,
    judged_together,
    status_words,
    with_what_is_beside,
)
from .public_record import PublicOutline, PublicRecord, counted, days_of, material_of, outline_of
from .published import Choices
from .redaction import Parts
from .row_groups import Cells, Groups, RowGroups, cells_of, kinds_of, kinds_told, row_groups
from .sql import Block, Value
from .suppression import summed

_REMOVED = STATUS_CODES[Status.REMOVED]
_NO_CLOCK = -1
_NO_HOURS = len(VERDICTS)  # a rule that names no limit runs, and nothing more

Facts = npt.NDArray[Any]
"""What became of some items: records with the fields of `_layout`."""

_HOURS = (
    *("removal_hours_after", "removal_hours_by", "up_until_hours", "return_hours_after", "return_hours_by"),
    *("claim_up_hours_after", "claim_up_hours_by"),
)
_FLAGS = ("control", "observed", "eligible", "seen_after_claim", "removed_after_claim")
_CODES = ("excluded", "status", "claim")


def item_blocks(record: PublicRecord, *, key: str) -> Iterator[Block]:
    """Rows of items by public name: a random order, which says nothing. No row where the whole is too small.

    `key` is that of the public names. The rows are those of the record, which is in memory already.
    """
    if not record.shown.whole:
        return
    cells, cell = cells_of(record)
    rules, told = _rules(record.fits), row_groups(record, cells)
    names = _names(key, record.population.records.pk)
    order = np.argsort(names)
    for start in range(0, len(order), CHUNK):
        some = order[start : start + CHUNK]
        facts = _facts(record.material, rules, some)
        facts["name"], facts["cell"] = names[some], cell[some]
        yield _block(record, rules, told, facts)


def streamed_item_blocks(campaign: Campaign, choices: Choices, *, key: str) -> Iterator[Block]:
    """The same rows of the record as it stands now, read as they are needed.

    Raises OSError where the system's temporary folder cannot hold what waits there.
    """
    with shelves_for(items_of(campaign).count()) as shelves:
        outline, cells, cell_of = _shelved(campaign, choices, key, shelves)
        if not outline.shown.whole:
            return
        rules, told = _rules(outline.fits), row_groups(outline, cells)
        for facts in shelves.in_order():
            facts["cell"] = cell_of[facts["cell"]]
            yield _block(outline, rules, told, facts)


# --------------------------------------------------------------------------------------- what became of items


def _layout(rules: Sequence[Rule]) -> np.dtype[Any]:
    """The fields of `Facts`: the columns that do not depend on other items, in codes; hours are NaN where
    they are not told. `deadlines` has a verdict for each rule, and `report` the report's key."""
    return np.dtype(
        [
            ("name", f"S{LENGTH}"),
            ("cell", np.int64),
            ("report", np.int64),
            *((name, np.float64) for name in _HOURS),
            *((name, np.bool_) for name in _FLAGS),
            *((name, np.int8) for name in _CODES),
            ("deadlines", np.int8, (len(rules),)),
        ]
    )


def _rules(fits: Fits) -> list[Rule]:
    """The rules whose clocks any report starts, in the order in which rows name them."""
    rules = {fit.rule.slug: fit.rule for kind in fits.kinds for fit in kind.fits if fit.starts}
    return sorted(rules.values(), key=lambda rule: (rule.jurisdiction, rule.name))


def _names(key: str, pks: Whole) -> npt.NDArray[np.bytes_]:
    return np.array(pseudonyms(key, pks.tolist()), f"S{LENGTH}")


def _facts(material: Material, rules: Sequence[Rule], at: Whole) -> Facts:
    """What became of the items at some places of the material's columns, without their names and cells."""
    found = material.population
    records = found.records
    claim = material.claim[at]
    control = records.control[at]
    excluded = np.where(control, found.control_excluded[at], found.excluded[at])
    counts = np.where(control, found.controls[at], excluded == Exclusion.NONE)
    removed = counts & found.removed[at]
    seen_after = seen_after_claim(material, at)
    stayed = counts & ~control & seen_after & (claim == CLAIM_CODES[ClaimWord.REMOVED])
    facts = np.zeros(len(at), _layout(rules))
    for names, times, told in (
        (("removal_hours_after", "removal_hours_by"), found.times, counts),
        (("up_until_hours", ""), found.fitted, counts & ~found.removed[at]),
        (("return_hours_after", "return_hours_by"), found.returns, removed),
    ):
        _put_hours(facts, names, rounded_outward(times.left[at], times.right[at]), told)
    up = up_after_claim(material, at)
    _put_hours(
        facts, ("claim_up_hours_after", "claim_up_hours_by"), rounded_outward(up.left, up.right), stayed
    )
    facts["control"], facts["observed"], facts["eligible"] = control, found.observed[at], counts
    facts["seen_after_claim"], facts["removed_after_claim"] = seen_after, removed_after_claim(material, at)
    facts["excluded"], facts["status"], facts["claim"] = excluded, records.status[at], claim
    facts["report"] = records.report[at]
    facts["deadlines"] = _verdicts(material, rules, at)
    return facts


def _put_hours(facts: Facts, names: Sequence[str], hours: Sequence[Any], told: Flags) -> None:
    for name, values in zip(names, hours, strict=True):
        if name:
            facts[name] = np.where(told, values, np.nan)


def _verdicts(material: Material, rules: Sequence[Rule], at: Whole) -> npt.NDArray[np.int8]:
    """How some items stand to each rule's deadline: places in VERDICTS, _NO_HOURS or _NO_CLOCK."""
    found = np.full((len(material.population.records), len(rules)), _NO_CLOCK, np.int8)
    column = {rule.slug: place for place, rule in enumerate(rules)}
    eligible = at[material.population.eligible[at]]
    for clock_ in clocks(material.population, eligible, material.fits):
        rule, items = clock_.rule, clock_.items
        if not len(items):
            continue
        found[items, column[rule.slug]] = (
            _NO_HOURS
            if rule.hours is None
            else verdicts(
                material.population, items, rule, rule.hours, decided=material.decided, now=material.now
            )
        )
    return found[at]


def _block(outline: PublicOutline, rules: Sequence[Rule], told: RowGroups, facts: Facts) -> Block:
    """The rows of some items, in all columns."""
    said = facts["claim"] != 0
    values: dict[str, Sequence[Value]] = {
        "public_id": [name.decode() for name in facts["name"].tolist()],
        "control": facts["control"].tolist(),
        "observed": facts["observed"].tolist(),
        "eligible": facts["eligible"].tolist(),
        "excluded": exclusion_words(facts["excluded"]),
        "status": status_words(facts["status"]),
        "claim": claim_words(facts["claim"]),
        "seen_after_claim": _if(said, facts["seen_after_claim"]),
        "removed_after_claim": _if(said, facts["removed_after_claim"]),
        "report": _report_numbers(outline, facts["report"]),
        "deadlines": _deadlines(outline, rules, facts["deadlines"]),
    }
    values |= {name: hour_cells(facts[name], True) for name in _HOURS}
    groups = [told.told[cell] for cell in facts["cell"].tolist()]
    values |= {name: [getattr(each, name) for each in groups] for name in Groups.__slots__}
    return [values[name] for name in PUBLIC_ITEMS.names]


def _if(said: Flags, flags: Flags) -> list[Value]:
    """Flags, and None where there is nothing that they are about."""
    return [flag if is_said else None for flag, is_said in zip(flags.tolist(), said.tolist(), strict=True)]


def _report_numbers(outline: PublicOutline, reports: Whole) -> list[Value]:
    """The number of each item's report, where the counts of that report are shown."""
    shown = outline.shown.reports
    return [outline.reports[one].number if one in shown else None for one in reports.tolist()]


def _deadlines(outline: PublicOutline, rules: Sequence[Rule], stand: npt.NDArray[np.int8]) -> list[list[str]]:
    """How items stand to each deadline that runs for them and may be shown."""
    shown = outline.shown.rules if "deadlines" in outline.choices.charts else ()
    words = [
        {_NO_HOURS: rule.slug} | {code: f"{rule.slug}={verdict}" for code, verdict in enumerate(VERDICTS)}
        if rule.slug in shown
        else {}
        for rule in rules
    ]
    return [
        [of_rule[code] for of_rule, code in zip(words, codes, strict=True) if code in of_rule]
        for codes in stand.tolist()
    ]


# --------------------------------------------------------------------------------------------- some at a time

_DAYS = 1 << 20  # more than there are from 1970 until the year 4800
MOST_SHELVES = 256  # open files; one of ten million items is of 40,000


@contextmanager
def shelves_for(items: int) -> Iterator[Shelves]:
    """Shelves for so many items, each a temporary file without a name: it is gone with the process."""
    with ExitStack() as stack:
        many = min(max(-(-items // CHUNK), 1), MOST_SHELVES)
        yield Shelves([stack.enter_context(tempfile.TemporaryFile()) for _ in range(many)])


class Shelves:
    """Facts of many items, kept in files by the beginning of their public names.

    A shelf holds some thousand items, and only one is in memory at a time.
    """

    def __init__(self, files: Sequence[IO[bytes]]) -> None:
        self._files, self._many = files, len(files)
        self._layout: np.dtype[Any] | None = None

    def add(self, facts: Facts) -> None:
        """Put each where its name begins."""
        self._layout = facts.dtype
        # The first four of a name's hexadecimal digits, as a share of all that there could be.
        place = np.array([int(name[:4], 16) for name in facts["name"].tolist()]) * self._many >> 16
        order = np.argsort(place, kind="stable")
        ends = np.searchsorted(place[order], np.arange(self._many + 1))
        for file, first, last in zip(self._files, ends[:-1].tolist(), ends[1:].tolist(), strict=True):
            file.write(facts[order[first:last]].tobytes())

    def in_order(self) -> Iterator[Facts]:
        """All of them by name, some thousand at a time."""
        for file in self._files:
            file.seek(0)
            content = file.read()
            if self._layout is not None and content:
                facts = np.frombuffer(content, self._layout)
                facts = facts[np.argsort(facts["name"])]
                yield from (facts[start : start + CHUNK] for start in range(0, len(facts), CHUNK))


@dataclass(frozen=True, slots=True)
class _Piece:
    """Some items: the query that finds them, their places in what was read, and what that is."""

    rows: QuerySet[Item]
    places: Whole
    material: Material


def _shelved(
    campaign: Campaign, choices: Choices, key: str, shelves: Shelves
) -> tuple[PublicOutline, Cells, Whole]:
    """Read all items and put what is known of each on the shelves, under a number for its cell.

    Returns the outline that they make, their cells, and the cell that each of those numbers stands for.
    """
    by_month = choices.dates == "month"
    source: _ByMonth | _ByDay = _ByMonth(campaign) if by_month else _ByDay(campaign, key)
    # Nothing that the material is made of depends on how items are parted, so an outline of none will do.
    bare = outline_of(campaign, choices, source.reports, _no_parts(), source.as_of)
    rules, kinds = _rules(bare.fits), kinds_told(campaign, choices)
    sums = _Sums(kinds)
    for piece in source.pieces(bare):
        found, at = piece.material.population, piece.places
        facts = _facts(piece.material, rules, at)
        pks = found.records.pk[at]
        days = days_of(found.records.reported[at], by_month=by_month)
        facts["name"] = _names(key, pks)
        facts["cell"] = sums.add(piece, days, kinds_of(piece.rows, kinds, pks))
        shelves.add(facts)
    parts, cells, cell_of = sums.settled()
    return outline_of(campaign, choices, source.reports, parts, source.as_of), cells, cell_of


class _Sums:
    """The counts of all cells, piece by piece. A cell's key is its report, day and kind in one number."""

    def __init__(self, kinds: Sequence[str]) -> None:
        self._kinds = kinds
        self._keys: list[Whole] = []
        self._counts: list[Whole] = []
        self._many = 0

    def add(self, piece: _Piece, days: Whole, kinds: Whole) -> Whole:
        """Count a piece; the number of each of its items' cells, which another piece may count again."""
        report = piece.material.population.records.report[piece.places]
        keys, cell = np.unique((report * _DAYS + days) * len(self._kinds) + kinds, return_inverse=True)
        self._keys.append(keys)
        self._counts.append(counted(piece.material.population, cell, len(keys), at=piece.places))
        self._many += len(keys)
        return np.asarray(cell + (self._many - len(keys)))

    def settled(self) -> tuple[Parts, Cells, Whole]:
        """The parts and the cells of all, and the cell that each number stands for."""
        none = np.zeros(0, np.int64)
        keys, cell_of = np.unique(np.concatenate([none, *self._keys]), return_inverse=True)
        counts = np.concatenate([np.zeros((0, 4), np.int64), *self._counts])
        counts = summed(counts, cell_of, len(keys))
        parts, part = np.unique(keys // len(self._kinds), return_inverse=True)
        return (
            Parts(parts // _DAYS, parts % _DAYS, summed(counts, part, len(parts))),
            Cells(part=part, kind=keys % len(self._kinds), kinds=self._kinds, counts=counts),
            cell_of,
        )


def _no_parts() -> Parts:
    return Parts(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 4), np.int64))


class _ByDay:
    """A campaign's record as it stands, in pieces by the items' numbers."""

    def __init__(self, campaign: Campaign, key: str) -> None:
        self._items = Items.read(campaign, items_of(campaign), key=key)
        self.reports = self._items.reports
        self.as_of = moment(self._items.now)

    def pieces(self, outline: PublicOutline) -> Iterator[_Piece]:
        """All items, each once."""
        for chunk in self._items.chunks(self._items.numbers()):
            facts = self._items.facts(chunk)
            records = facts.population.records
            read = Read(
                records, facts.claim, facts.claimed, decided(self.reports, records.report, records.reported)
            )
            yield _Piece(chunk.rows, facts.places, material_of(outline, facts.population, read))


class _ByMonth:
    """A campaign's record as it is told by months, in pieces of what is moved by as many days."""

    def __init__(self, campaign: Campaign) -> None:
        self.as_of = midnight()
        self._items = items_of(campaign)
        self._record = ByMonth.of(campaign, self._items, as_of=self.as_of)
        self.reports = self._record.reports

    def pieces(self, outline: PublicOutline) -> Iterator[_Piece]:
        """All items that are shown, each once."""
        moves = self._record.moves
        together = judged_together(self._items)
        for lag in np.unique(moves.lag).tolist():
            of_lag = moves.pk[moves.lag == lag]
            for start in range(0, len(of_lag), CHUNK):
                pks = of_lag[start : start + CHUNK]
                read = self._record.read(moves.only(with_what_is_beside(pks, together)))
                found = population(read.records, now=seconds(self.as_of))
                places = np.searchsorted(read.records.pk, pks)
                rows = self._items.filter(pk__in=among(pks))
                yield _Piece(rows, places, material_of(outline, found, read))
