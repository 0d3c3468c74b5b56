"""When to look at a target again. Pure.

Response times are judged relative to how long they took, so checks thin out geometrically: a gap of a
sixteenth of the age knows a removal time to about 6% at some 175 checks in the first year.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from .outcomes import Outcome, Status
from .status import CONFIRM_DEFINITIVE_SPAN, CONFIRM_SPAN, State

SHORTEST_GAP = timedelta(minutes=15)
LONGEST_GAP = timedelta(days=7)
AGE_SHARE = 16
JITTER_SHARE = 0.1
MARKS = tuple(
    [timedelta(hours=hours) for hours in (1, 2, 3, 24, 48, 72)]
    + [timedelta(days=days) for days in (7, 14, 30, 90)]
)
"""Ages at which a check is placed exactly, so that "removed within 48 h?" has a clean answer."""

MARK_TOLERANCE = timedelta(minutes=5)
"""A check placed at a mark begins a little after it: one that ended so soon after it counts as made at it."""

CONFIRMATION_LADDER = (CONFIRM_DEFINITIVE_SPAN, timedelta(hours=6), CONFIRM_SPAN)
"""When a suspected target is looked at again, counted from the first removed outcome."""

GAP_WITHOUT_CLOCK = LONGEST_GAP
"""Between two looks at what nobody reported: the page of an account. Once an item of it goes, it is asked."""

LONGEST_CONFIRMATION_RETRY = timedelta(hours=6)


def next_check_at(
    *,
    origins: Sequence[datetime],
    state: State,
    checked_at: datetime,
    started_at: datetime | None = None,
    jitter: float = 0.0,
) -> datetime:
    """The moment of the next check after one that began at `started_at` and finished at `checked_at`.

    It is later than `checked_at`, unless a mark passed while the check was under way: an answer proves
    presence only from its beginning, so that mark is still to be checked, at once.

    `origins` are the moments of the reports (clocks may start more than once). `jitter` in [0, 1) spreads
    targets that were reported together. Without any, as for the page of an account, the gap is a week.

    1. The gap is a sixteenth of the age, between 15 minutes and 7 days. The age runs from the last report,
       or from a removal, whichever is later.
    2. A suspected target follows the confirmation ladder instead.
    3. After an inconclusive check the gap doubles each time.
    4. Jitter only moves a check earlier.
    5. A mark of any origin that lies inside the gap is checked exactly on time.
    """
    gap = _gap(origins, state, checked_at)
    if state.status == Status.SUSPECTED and not state.overruled:
        at = _next_rung(state, checked_at)
    else:
        if state.last_outcome == Outcome.INCONCLUSIVE:
            back_off = _back_off(state.inconclusive_count, LONGEST_GAP)
            gap = max(gap, back_off) if origins else back_off
        at = checked_at + gap * (1 - JITTER_SHARE * jitter)
    mark = next_mark(origins, started_at or checked_at)
    return min(at, mark) if mark else at


def next_mark(origins: Sequence[datetime], moment: datetime) -> datetime | None:
    """The first mark of any clock after `moment`; None when all have passed."""
    return min(
        (origin + mark for origin in origins for mark in MARKS if origin + mark > moment), default=None
    )


def kept_origins(origins: Sequence[datetime], moment: datetime) -> list[datetime]:
    """The origins that still matter for the cadence: those with a mark to come, and the last one."""
    distinct = sorted(set(origins))
    return [origin for origin in distinct[:-1] if origin + MARKS[-1] > moment] + distinct[-1:]


def _gap(origins: Sequence[datetime], state: State, checked_at: datetime) -> timedelta:
    if not origins:
        return GAP_WITHOUT_CLOCK
    starts = [origin for origin in origins if origin <= checked_at]
    if state.status == Status.REMOVED and state.removed_by is not None:
        starts.append(state.removed_by)
    age = checked_at - max(starts, default=checked_at)
    return min(max(age / AGE_SHARE, SHORTEST_GAP), LONGEST_GAP)


def _next_rung(state: State, checked_at: datetime) -> datetime:
    if state.run_started_at is not None and state.last_outcome == Outcome.REMOVED:
        for rung in CONFIRMATION_LADDER:
            if state.run_started_at + rung > checked_at:
                return state.run_started_at + rung
    # A rung fell on an inconclusive answer, or the ladder was climbed without enough removed outcomes.
    return checked_at + _back_off(max(state.inconclusive_count, 1), LONGEST_CONFIRMATION_RETRY)


def _back_off(count: int, longest: timedelta) -> timedelta:
    return min(SHORTEST_GAP * 2 ** min(count - 1, 20), longest) if count > 0 else SHORTEST_GAP
