"""Geometry of the small charts, in the units of an SVG's viewBox. Pure; templates only draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from apps.checks.outcomes import Outcome, Status

WIDTH = 960
BINS = 160
LANE_HEIGHT = 14
LANE_ORDER = (Outcome.AVAILABLE, Outcome.RESTRICTED, Outcome.INCONCLUSIVE, Outcome.REMOVED)


@dataclass(frozen=True, slots=True)
class Segment:
    """One status's part of the bar of a campaign."""

    status: Status
    count: int
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Mark:
    """All checks of one outcome that fall into one slot of the time axis."""

    x: float
    y: int
    width: float
    count: int
    manual: bool  # a person's check is among them


@dataclass(frozen=True, slots=True)
class Lane:
    """One outcome's row in a strip. Outcomes are told apart by their row, not by colour."""

    outcome: Outcome
    y: int
    count: int
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class Band:
    """A stretch of the time axis, such as the interval of a removal."""

    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Strip:
    """All checks of a target on a time axis from `start` to `end`."""

    start: datetime
    end: datetime
    total: int
    lanes: tuple[Lane, ...]
    reported_x: float
    removal: Band | None
    width: int = WIDTH
    height: int = LANE_HEIGHT * len(LANE_ORDER)
    lane_height: int = LANE_HEIGHT


def status_bar(counts: Mapping[Status, int]) -> list[Segment]:
    """A bar of items by status, in the order of `counts` and as wide as WIDTH; empty without items."""
    of = sum(counts.values())
    segments: list[Segment] = []
    before = 0
    for status, count in counts.items():
        if count:
            x = WIDTH * before / of
            segments.append(Segment(status, count, round(x, 2), round(WIDTH * count / of, 2)))
        before += count
    return segments


def check_strip(
    moments: Sequence[tuple[datetime, Outcome, bool]],
    *,
    reported_at: datetime,
    removed: tuple[datetime | None, datetime] | None,
    now: datetime,
) -> Strip | None:
    """Lay out a target's checks; None without any.

    Thousands of checks stay readable and small: each lane has at most BINS marks, and a mark stands for all
    checks of its outcome in its slot. No outcome hides another, because each has its own lane.
    """
    if not moments:
        return None
    start = min(moments[0][0], reported_at)
    end = max(moments[-1][0], now, reported_at)
    span = max((end - start).total_seconds(), 1.0)

    def share(moment: datetime) -> float:
        return min(max((moment - start).total_seconds() / span, 0.0), 1.0)

    slots: dict[Outcome, dict[int, tuple[int, bool]]] = {outcome: {} for outcome in LANE_ORDER}
    for moment, outcome, manual in moments:
        slot = min(int(share(moment) * BINS), BINS - 1)
        count, any_manual = slots[outcome].get(slot, (0, False))
        slots[outcome][slot] = (count + 1, any_manual or manual)
    slot_width = WIDTH / BINS
    lanes = tuple(
        Lane(
            outcome=outcome,
            y=number * LANE_HEIGHT,
            count=sum(count for count, _ in slots[outcome].values()),
            marks=tuple(
                Mark(slot * slot_width, number * LANE_HEIGHT + 2, slot_width - 1, count, manual)
                for slot, (count, manual) in sorted(slots[outcome].items())
            ),
        )
        for number, outcome in enumerate(LANE_ORDER)
    )
    removal = None
    if removed is not None:
        after, by = removed
        left = WIDTH * share(after or start)
        removal = Band(round(left, 2), round(max(WIDTH * share(by) - left, 2.0), 2))
    return Strip(
        start=start,
        end=end,
        total=len(moments),
        lanes=lanes,
        reported_x=round(WIDTH * share(reported_at), 2),
        removal=removal,
    )
