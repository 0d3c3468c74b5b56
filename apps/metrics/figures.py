"""The figures of one group of items, computed from columns. Pure: what each means is in `definitions`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from apps.checks.outcomes import STATUS_ORDER, Status

from . import survival
from .deadlines import DeadlineFigures, Fits, deadline_figures
from .population import HOUR, MARK_SECONDS, STILL_UP, Exclusion, Hours, Population, Times, first_removal
from .reading import SPREAD, Flags, Whole, distinct, meanwhile
from .records import ALONE, NEVER, STATUS_CODES, WITH_ACCOUNT, ItemRecords
from .responses import CLAIM_CODES, ReportRecord
from .shares import Difference, Share, difference
from .shares import share as share_of
from .statistics.npmle import STEPS

TOO_FEW = "too few to estimate"
NOT_REACHED = "not reached"
NOT_FOLLOWED = "too few followed so long"
LOST = 0.1  # of a group: more than that, lost from sight before a time, and few left at it, leave no estimate
NOT_CONVERGED = "the estimate did not converge"
QUANTILES = (0.25, 0.5, 0.75, 0.9)
METHOD = "turnbull-1976"
BAND_METHOD = "information-wilson"

_REMOVED = STATUS_CODES[Status.REMOVED]

Range = tuple[float, float]
HalfOpen = tuple[float, float | None]


def hours_label(hours: int) -> str:
    """A mark as the figures name it: "48h", "7d"."""
    return f"{hours}h" if hours <= 72 else f"{hours // 24}d"


MARKS = {hours_label(mark // HOUR): mark // HOUR for mark in MARK_SECONDS}
"""The marks in hours, by name."""


@dataclass(frozen=True, slots=True)
class Quantile:
    """One quantile of a duration in hours.

    `interval` is where it lies (None: `TimeFigures.unreached` says why); `band` its 95% confidence limits, of
    which the upper is None where the data do not bound it.
    """

    p: float
    interval: Range | None
    band: HalfOpen | None


@dataclass(frozen=True, slots=True)
class TimeFigures:
    """A duration over a group: `of` durations, of which `n` have ended.

    `quantiles` is empty where `problem` says why there is no estimate. Up to `horizon` (hours) enough were
    followed for one; infinite where all were to their end.
    """

    n: int
    of: int
    quantiles: tuple[Quantile, ...] = ()
    problem: str = ""
    horizon: float = math.inf
    fit: survival.Fit | None = field(default=None, repr=False, compare=False)

    def quantile(self, p: float) -> Quantile | None:
        """One of the quantiles; None where there is no estimate."""
        return next((one for one in self.quantiles if one.p == p), None)

    def unreached(self, p: float) -> str:
        """Why that quantile has no interval: fewer have ended, or more have, and none can tell when."""
        return NOT_REACHED if self.n < p * self.of else NOT_FOLLOWED


@dataclass(frozen=True, slots=True)
class Within:
    """The share removed within so many hours of the report.

    `surely` and `possibly` are items: removed by then for certain, and not known to be still up then. `low`
    and `high` are their shares, None where there are too few. `estimate` lies between them, with its 95%
    band; both are None where `problem` says why.
    """

    name: str
    hours: int
    surely: int
    possibly: int
    of: int
    low: float | None
    high: float | None
    estimate: float | None
    band: Range | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class ReplyFigures:
    """A reply's clock over the reports of a group, in hours since each was sent. The unit is reports.

    `bounced` reports never arrived, and are in no other figure.
    """

    reports: int
    bounced: int
    times: TimeFigures


@dataclass(frozen=True, slots=True)
class ClaimFigures:
    """What the platform said of items, beside what was seen. The unit is items.

    `still_up`: said to be removed, and up now, seen after the claim. `seen_after`: seen there at any time
    after the claim. `contradicted`: how long those stayed up after the claim. `gone`: said to be left as
    they are, and removed all the same.
    """

    removed: int
    still_up: Share
    seen_after: Share
    contradicted: TimeFigures
    refused: int
    gone: Share
    restricted: int


@dataclass(frozen=True, slots=True)
class ReturnFigures:
    """Removed items that were seen there again; hours from first seen gone until then."""

    share: Share
    up_now: int
    times: TimeFigures


@dataclass(frozen=True, slots=True)
class AccountFigures:
    """The accounts behind a group's items. `unknown_items` have none that is known.

    `gone`: its page is gone, or an item went with it. `up`: its page, or something of it, was up when last
    looked at. `up_with_removed`: of those, the ones with a removed item. Of the items that are gone now and
    are no account's page, `items_with` went with their account, `items_alone` without it, and of
    `items_untold` that is not known.
    """

    accounts: int
    unknown_items: int
    items_median: float | None
    items_most: int
    gone: int
    up: int
    up_with_removed: int
    items_with: int = 0
    items_alone: int = 0
    items_untold: int = 0


@dataclass(frozen=True, slots=True)
class MarkDifference:
    """Reported less control, in shares removed within a mark, with its 95% interval."""

    name: str
    reported: float
    control: float
    difference: Difference


@dataclass(frozen=True, slots=True)
class ControlFigures:
    """The unreported, matched items of a group, by the same estimate, and the reported ones beside them."""

    of: int
    removed: int
    within: tuple[Within, ...]
    times: TimeFigures
    differences: tuple[MarkDifference, ...]


@dataclass(frozen=True, slots=True)
class GroupFigures:
    """Everything that is said of one group of items."""

    by: Mapping[str, str]
    reported: int
    excluded: Mapping[Exclusion, int]
    eligible: int
    targets: int  # distinct among the eligible items
    observed: int
    attested: int
    status: Mapping[Status, int]
    removed: Share
    acted_on: Share
    inconclusive: Share
    within: tuple[Within, ...]
    removal: TimeFigures
    first_reply: ReplyFigures
    first_answer: ReplyFigures
    decision: ReplyFigures
    claims: ClaimFigures
    returns: ReturnFigures
    accounts: AccountFigures
    controls: ControlFigures | None
    deadlines: tuple[DeadlineFigures, ...]
    too_few: bool

    @property
    def still_up(self) -> int:
        """Items that are available or restricted."""
        return self.status[Status.AVAILABLE] + self.status[Status.RESTRICTED]


@dataclass(frozen=True, slots=True)
class Material:
    """What the figures of all groups of a campaign are taken from."""

    population: Population
    account: Callable[[], Whole]  # each item's account, as `account_places` gives them
    reports: Mapping[int, ReportRecord]
    fits: Fits
    claim: Whole  # an item's last claim as a code, 0 for none
    claimed: Whole  # when it was made
    decided: Whole  # when an item's report was decided, see responses.decided
    now: int
    minimum_n: int

    def share(self, n: int, of: int) -> Share:
        """`n` out of `of`; counts alone where there are too few."""
        return share_of(n, of) if of >= self.minimum_n else Share(n, of, None, None, None)


def group_figures(material: Material, items: Whole, by: Mapping[str, str]) -> GroupFigures:
    """The figures of the items at the places `items` of the material's columns."""
    population = material.population
    excluded = population.excluded[items]
    eligible = items[excluded == Exclusion.NONE]
    minimum_n = material.minimum_n
    of = len(eligible)
    status = np.bincount(population.records.status[eligible], minlength=len(STATUS_ORDER)).tolist()
    by_status = dict(zip(STATUS_ORDER, status, strict=True))
    removed, restricted = by_status[Status.REMOVED], by_status[Status.RESTRICTED]
    # The longest part by itself, beside all that does not wait for it.
    estimated = meanwhile(
        partial(removal_times, population.fitted.of(eligible), minimum_n=minimum_n), rows=of
    )
    sent = _reports(material, items[(excluded != Exclusion.CONTROL) & (excluded != Exclusion.ERROR)])
    observed = int(population.observed[eligible].sum())
    counts = np.bincount(excluded, minlength=len(Exclusion)).tolist()
    first_reply = _reply_figures(material, sent, [report.first_reply for report in sent])
    first_answer = _reply_figures(material, sent, [report.first_answer for report in sent])
    decision = _reply_figures(material, sent, [report.decision for report in sent])
    claims = _claim_figures(material, eligible)
    returns = _return_figures(material, eligible)
    accounts = _account_figures(material, eligible)
    deadlines = deadline_figures(
        population, eligible, material.fits, decided=material.decided, now=material.now
    )
    removal = estimated()
    within = marks_within(population.times.of(eligible), removal)
    return GroupFigures(
        by=by,
        reported=len(items),
        excluded={one: counts[one] for one in Exclusion if one != Exclusion.NONE},
        eligible=of,
        targets=len(distinct(population.records.target[eligible])),
        observed=observed,
        attested=of - observed,
        status=by_status,
        removed=material.share(removed, of),
        acted_on=material.share(removed + restricted, of),
        inconclusive=material.share(of - removed - restricted - by_status[Status.AVAILABLE], of),
        within=within,
        removal=removal,
        first_reply=first_reply,
        first_answer=first_answer,
        decision=decision,
        claims=claims,
        returns=returns,
        accounts=accounts,
        controls=_control_figures(material, items, within),
        deadlines=deadlines,
        too_few=of < minimum_n,
    )


def removal_times(times: Times, *, minimum_n: int) -> TimeFigures:
    """As `time_figures`, with a fit even where nothing has ended: its band says how sure that is."""
    return time_figures(times, minimum_n=minimum_n, on_grid=True, even_of_none=True)


def time_figures(
    times: Times, *, minimum_n: int, on_grid: bool = False, even_of_none: bool = False, steps: int = STEPS
) -> TimeFigures:
    """Quantiles of a duration, or why there are none.

    `on_grid` rounds by `survival.rounded_outward`; `even_of_none` fits where none has ended, too; `steps` is
    when the fit gives up.
    """
    of = len(times)
    n = int(np.isfinite(times.right).sum())
    if of < max(minimum_n, 1):
        return TimeFigures(n, of, problem=TOO_FEW)
    left, right = times.left, times.right
    if on_grid:
        left, right = survival.rounded_outward(left, right)
    left, right, horizon = while_followed(left, right, minimum_n=minimum_n)
    if not n and not even_of_none:
        return TimeFigures(n, of, tuple(Quantile(p, None, None) for p in QUANTILES), horizon=horizon)
    fit = survival.fit(left, right, steps=steps)
    if not fit.converged:
        return TimeFigures(n, of, problem=NOT_CONVERGED)
    quantiles = tuple(
        Quantile(p, fit.quantile(p), survival.quantile_band(fit, p) if n else None) for p in QUANTILES
    )
    return TimeFigures(n, of, quantiles, horizon=horizon, fit=fit)


def while_followed(left: Hours, right: Hours, *, minimum_n: int) -> tuple[Hours, Hours, float]:
    """The same durations as far as enough of them were followed, and until when (hours) that is.

    Later than that, fewer than `minimum_n` were still in sight while more than LOST of all had been lost from
    it, and what few there are would speak for all. What has ended was in sight until it had; one alone that
    has says nothing about the others, though. What ends later, or cannot be told to have ended by then,
    enters as not ended when it was last known not to have.
    """
    lost = left[np.isinf(right)]
    allowed = int(LOST * len(left))
    if len(lost) <= allowed:
        return left, right, math.inf
    in_sight = np.where(np.isinf(right), left, right)
    horizon = max(
        _from_above(left, max(minimum_n, 1)),
        _from_above(in_sight, max(minimum_n, 2)),
        np.partition(lost, allowed)[allowed],
    )
    return np.minimum(left, horizon), np.where(right > horizon, np.inf, right), float(horizon)


def _from_above(values: Hours, place: int) -> float:
    """The value at a place from the largest, which is the first; the least where there are not as many."""
    index = max(len(values) - place, 0)
    return float(np.partition(values, index)[index])


def marks_within(times: Times, removal: TimeFigures) -> tuple[Within, ...]:
    """The share removed within each mark: bounds by counting, and the estimate of `removal` between them."""
    hours = np.array(list(MARKS.values()), np.float64)
    of = len(times)
    surely = np.array([np.count_nonzero(times.right <= mark) for mark in hours])
    # An exact time at a mark came by it, too.
    exact = times.left[times.left == times.right]
    possibly = np.array(
        [np.count_nonzero(times.left < mark) + np.count_nonzero(exact == mark) for mark in hours]
    )
    bounded = removal.problem != TOO_FEW  # counting needs no estimate
    counted = [
        Within(
            name=name,
            hours=mark,
            surely=sure,
            possibly=possible,
            of=of,
            low=sure / of if bounded else None,
            high=possible / of if bounded else None,
            estimate=None,
            band=None,
            problem=removal.problem or NOT_FOLLOWED,
        )
        for (name, mark), sure, possible in zip(
            MARKS.items(), surely.tolist(), possibly.tolist(), strict=True
        )
    ]
    fit = removal.fit
    if fit is None:
        return tuple(counted)
    # A fit has converged to within its tolerance; what was counted is certain.
    estimate = np.clip(fit.estimate(hours), surely / of, possibly / of)
    below, above = survival.band(fit, hours)
    columns = (estimate, np.minimum(below, estimate), np.maximum(above, estimate))
    return tuple(
        replace(one, estimate=middle, band=(least, most), problem="") if one.hours <= removal.horizon else one
        for one, middle, least, most in zip(counted, *(column.tolist() for column in columns), strict=True)
    )


def _reports(material: Material, items: Whole) -> list[ReportRecord]:
    keys = distinct(material.population.records.report[items])
    return [material.reports[key] for key in keys.tolist() if key in material.reports]


def _reply_figures(material: Material, sent: Sequence[ReportRecord], moments: Sequence[int]) -> ReplyFigures:
    arrived = [(report, at) for report, at in zip(sent, moments, strict=True) if not report.bounced]
    start = np.array([report.sent for report, _ in arrived], np.float64)
    at = np.array([at for _, at in arrived], np.float64)
    answered = at != NEVER
    left = np.where(answered, at, np.maximum(material.now, start)) - start
    times = Times(np.maximum(left, 0) / HOUR, np.where(answered, np.maximum(left, 0) / HOUR, np.inf))
    return ReplyFigures(
        reports=len(sent),
        bounced=len(sent) - len(arrived),
        times=time_figures(times, minimum_n=material.minimum_n),
    )


def _claim_figures(material: Material, items: Whole) -> ClaimFigures:
    records = material.population.records
    code = material.claim[items]
    said_removed = items[code == CLAIM_CODES["removed"]]
    refused = items[code == CLAIM_CODES["refused"]]
    seen_after = seen_after_claim(material, said_removed)
    up_now = seen_after & np.isin(records.status[said_removed], STILL_UP)
    contradicted = up_after_claim(material, said_removed[seen_after])
    gone = int(removed_after_claim(material, refused).sum())
    return ClaimFigures(
        removed=len(said_removed),
        still_up=material.share(int(up_now.sum()), len(said_removed)),
        seen_after=material.share(int(seen_after.sum()), len(said_removed)),
        contradicted=time_figures(contradicted, minimum_n=material.minimum_n, on_grid=True),
        refused=len(refused),
        gone=material.share(gone, len(refused)),
        restricted=int((code == CLAIM_CODES["restricted"]).sum()),
    )


def seen_after_claim(material: Material, items: Whole) -> Flags:
    """Whether each of some items was seen there after what was claimed of it; false without a claim."""
    claimed = material.claimed[items]
    seen: Flags = (material.population.records.present[items] > claimed) & (claimed != NEVER)
    return seen


def removed_after_claim(material: Material, items: Whole) -> Flags:
    """Whether each of some items is removed, and was so after what was claimed of it."""
    records, claimed = material.population.records, material.claimed[items]
    went_after = (records.removed_by[items] > claimed) & (claimed != NEVER)
    removed: Flags = went_after & (records.status[items] == _REMOVED)
    return removed


def up_after_claim(material: Material, items: Whole) -> Times:
    """How long each of some items stayed up after what was claimed of it; they were seen there after that."""
    records, start = material.population.records, material.claimed[items]
    after, by = _removals_after(material.population, items, start)
    went = by != NEVER
    last_there = np.where(went, after, records.present[items])
    return Times(np.maximum(last_there - start, 0) / HOUR, np.where(went, (by - start) / HOUR, np.inf))


def _removals_after(population: Population, items: Whole, since: Whole) -> tuple[Whole, Whole]:
    """The bounds of each item's first removal after a moment; NEVER where there is none."""
    records = population.records
    later = population.removed[items] & (population.by[items] > since)
    after = np.where(later, population.after[items], NEVER)
    by = np.where(later, population.by[items], NEVER)
    for place in np.flatnonzero(records.eventful(items)).tolist():
        history = records.changes[int(records.history[items[place]])]
        after[place], by[place], *_ = first_removal(history, int(since[place]))
    return after, by


def _return_figures(material: Material, items: Whole) -> ReturnFigures:
    population = material.population
    removed = items[population.removed[items]]
    times = population.returns.of(removed)
    back = np.isfinite(times.right)
    up_now = back & np.isin(population.records.status[removed], STILL_UP)
    return ReturnFigures(
        share=material.share(int(back.sum()), len(removed)),
        up_now=int(up_now.sum()),
        times=time_figures(times, minimum_n=material.minimum_n, on_grid=True),
    )


def account_places(records: ItemRecords) -> Callable[[], Whole]:
    """What gives the place of each item's account among all of them, in the order of their keys.

    Worked out once: to put a million in order takes as long as most figures together, and is begun at once.
    """
    return meanwhile(partial(_places_in_order, records.account), rows=len(records))


def _places_in_order(keys: Whole) -> Whole:
    return np.unique(keys, return_inverse=True)[1]


def _account_figures(material: Material, items: Whole) -> AccountFigures:
    records = material.population.records
    known = records.account[items] != 0
    place = material.account()[items][known]
    if SPREAD * len(place) < len(records):  # of a small group not all accounts are gone through
        place = np.unique(place, return_inverse=True)[1]
    each = np.bincount(place)

    def any_of(flags: Flags) -> Flags:
        found: Flags = np.bincount(place, weights=flags[known], minlength=len(each)) > 0
        return found

    status, page, fate = records.status[items], records.page[items], records.fate[items]
    gone = any_of(records.account_gone[items] | (page == _REMOVED))
    up = any_of(np.isin(status, STILL_UP) | np.isin(page, STILL_UP)) & ~gone
    removed = (status == _REMOVED) & ~records.is_account[items]
    counts = each[each > 0]
    return AccountFigures(
        accounts=len(counts),
        unknown_items=int((~known).sum()),
        items_median=float(np.median(counts)) if len(counts) else None,
        items_most=int(counts.max()) if len(counts) else 0,
        gone=int(gone.sum()),
        up=int(up.sum()),
        up_with_removed=int((up & any_of(status == _REMOVED)).sum()),
        items_with=int((fate == WITH_ACCOUNT).sum()),
        items_alone=int((fate == ALONE).sum()),
        items_untold=int((removed & (fate == 0)).sum()),
    )


@dataclass(frozen=True, slots=True)
class _Estimate:
    """What `difference` takes of an estimate with a band."""

    value: float | None
    low: float | None
    high: float | None


def _control_figures(material: Material, items: Whole, reported: Sequence[Within]) -> ControlFigures | None:
    population = material.population
    controls = items[population.controls[items]]
    if not len(controls):
        return None
    times = population.times.of(controls)
    removal = removal_times(population.fitted.of(controls), minimum_n=material.minimum_n)
    within = marks_within(times, removal)
    differences = []
    for one, other in zip(reported, within, strict=True):
        found = difference(_estimate(one), _estimate(other))
        if found is not None and one.estimate is not None and other.estimate is not None:
            differences.append(MarkDifference(one.name, one.estimate, other.estimate, found))
    return ControlFigures(
        of=len(controls),
        removed=int((population.records.status[controls] == _REMOVED).sum()),
        within=within,
        times=removal,
        differences=tuple(differences),
    )


def _estimate(within: Within) -> _Estimate:
    low, high = within.band or (None, None)
    return _Estimate(within.estimate, low, high)
