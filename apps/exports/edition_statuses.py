"""Whether the rows of an edition say of each item what its checks add up to.

Rows were made of targets, which no digest covers. What a target holds follows from its checks, and those are
covered by the heads that the edition published. So the status that a row tells can be worked out again.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from django.db.models import F

from apps.checks.adding_up import SEEN_FIELDS, as_seen, with_folded
from apps.checks.models import Check, Erasure, Stretch
from apps.checks.outcomes import Status
from apps.checks.status import State, fold
from apps.core.pseudonyms import LENGTH, pseudonyms
from apps.metrics.reading import Whole, in_seconds, read_columns
from apps.metrics.records import moment, seconds
from apps.reports.selectors import items_of

from .by_month import lags
from .edition_files import ITEMS_FILE
from .edition_ledger import lines_of, trail
from .items import CHUNK
from .models import Edition, Publication, public_key_of

_NO_ROW = -1


class RowStatus(NamedTuple):
    """The status that a row of items.csv tells, and the one that the checks behind it add up to.

    The latter is None where that cannot be told any more: the URL was erased here since, and another campaign
    watches it. `item` is None for a row that is of no item.
    """

    row: str
    item: int | None
    told: str
    adds_up_to: str | None

    @property
    def problem(self) -> str:
        """What does not hold, or "" if nothing is known not to."""
        if self.item is None:
            return "is of no item of this campaign"
        if self.adds_up_to in {None, self.told}:
            return ""
        return f"is “{self.told}”, and the checks of item {self.item} add up to “{self.adds_up_to}”"


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows of items.csv, and the items that they are of, by target.

    `until` is the moment up to which what was seen of each item counts, in seconds since 1970; None where all
    that was on record does.
    """

    names: npt.NDArray[np.bytes_]
    told: Sequence[str]
    item: Whole
    target: Whole
    place: Whole
    until: Whole | None

    def of_item(self, at: int, status: str | None) -> RowStatus:
        place = int(self.place[at])
        return RowStatus(self.names[place].decode(), int(self.item[at]), self.told[place], status)


def row_statuses(edition: Edition) -> Iterator[RowStatus]:
    """Each row with what its item's checks up to the edition's head add up to, by the rules of this version.

    It takes the checks as they are: whether they are those of then, `edition_ledger.faults` says. Nothing for
    an edition without rows.
    """
    rows = _rows(edition)
    found = np.zeros(len(rows.names), bool)
    found[rows.place] = True
    for place in np.flatnonzero(~found).tolist():
        yield RowStatus(rows.names[place].decode(), None, rows.told[place], None)
    looked_at = np.zeros(len(rows.item), bool)
    for head in trail(edition):
        first, end = np.searchsorted(rows.target, (head.target, head.target + 1)).tolist()
        if first < end:
            looked_at[first:end] = True
            statuses = _statuses(head.target, head.checks)
            for at in range(first, end):
                until = None if rows.until is None else moment(int(rows.until[at]))
                yield rows.of_item(at, _by_then(statuses, until))
    copies = set(Erasure.objects.filter(copied=True).values_list("target_id", flat=True))
    for at in np.flatnonzero(~looked_at).tolist():
        yield rows.of_item(at, None if int(rows.target[at]) in copies else Status.WAITING.value)


def _rows(edition: Edition) -> _Rows:
    names, told = [], []
    for row in csv.DictReader(lines_of(edition.files.filter(name=ITEMS_FILE).first())):
        names.append(row["public_id"].encode())
        told.append(row["status"])
    in_file = np.array(names, f"S{LENGTH}")
    by_name = np.argsort(in_file)
    columns = read_columns(
        items_of(edition.campaign).order_by(),
        {"pk": F("pk"), "target": F("target_id"), "reported": in_seconds("reported_at")},
    )
    place = np.full(len(columns["pk"]), _NO_ROW)
    key = public_key_of(edition.campaign)
    for start in range(0, len(place) if names else 0, CHUNK):
        some = slice(start, start + CHUNK)
        wanted = np.array(pseudonyms(key, columns["pk"][some].tolist()), f"S{LENGTH}")
        at = by_name[np.minimum(np.searchsorted(in_file, wanted, sorter=by_name), len(names) - 1)]
        place[some] = np.where(in_file[at] == wanted, at, _NO_ROW)
    there = np.flatnonzero(place != _NO_ROW)
    order = there[np.lexsort((columns["pk"][there], columns["target"][there]))]
    by_month = _tells_months(edition)
    return _Rows(
        names=in_file,
        told=told,
        item=columns["pk"][order],
        target=columns["target"][order],
        place=place[order],
        until=seconds(edition.as_of) - lags(columns["reported"][order]) if by_month else None,
    )


def _tells_months(edition: Edition) -> bool:
    """Whether the decision that was in force when an edition was made tells months."""
    acts = Publication.objects.filter(campaign=edition.campaign, act=Publication.Act.PUBLISHED)
    decision = acts.filter(made_at__lte=edition.made_at).order_by("pk").last()
    return decision is not None and decision.dates == Publication.Dates.MONTH


def _statuses(target: int, checks: int) -> list[tuple[datetime, Status]]:
    """What the first so many checks of a target add up to after each of them, in the order of time.

    Of a stretch that was folded away since and that the last of them stood in, the check before it tells.
    """
    rows = Check.objects.filter(target=target, number__lte=checks).order_by("number")
    seen = [
        as_seen(values, evidence)
        for *values, evidence in rows.values_list(*SEEN_FIELDS, "evidence").iterator()
    ]
    folded = Stretch.objects.filter(target=target, last__lt=checks).order_by("first")
    state, found = State(), []
    every = with_folded(seen, folded.values_list("first", "last"))
    for one in sorted(every, key=lambda one: (one.finished_at, one.number)):
        state, _ = fold(state, one)
        found.append((one.finished_at, state.status))
    return found


def _by_then(statuses: Sequence[tuple[datetime, Status]], until: datetime | None) -> str:
    """The status that stood at a moment; the last one where none is given."""
    seen = [status for at, status in statuses if until is None or at <= until]
    return str(seen[-1].value if seen else Status.WAITING.value)
