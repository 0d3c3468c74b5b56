"""Whether a definition still reads its platform rightly: a pure fold over the readings of its canaries.

The rules, with their reasons:

1. A canary that is read wrongly makes its definition stale at once: a known-good URL that reads removed, or
   a known-missing one that reads up. While that lasts no removed outcome of the platform is believed.
2. If it is read rightly again within a day, that is over by itself: it was the platform that failed, and
   whole organisations have been missing for hours. It is asked again every hour until then.
3. What lasted longer ends only when a person has looked: then the platform has changed, or the canary has.
4. An inconclusive reading neither counts nor resets. Nothing but inconclusive ones for a week is a fault as
   well, except where most checks of the kind tell nothing anyway.
5. A person who finds the definition right accepts the faults of that moment. They do not make it stale again
   until the canary has been read rightly in between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from .outcomes import Fault, Outcome, Reason, shows_item
from .status import CONFIRM_SPAN, UNVERIFIABLE_COUNT, UNVERIFIABLE_SPAN

LASTING = CONFIRM_SPAN  # longer than outages last
PROBE_EVERY = timedelta(days=1)
PROBE_AGAIN = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class CanaryState:
    """What the readings of one canary add up to."""

    checked_at: datetime | None = None
    outcome: Outcome | str = ""
    reason: Reason | str = ""
    signal: str = ""
    identity: str = ""  # what is kept of it, since it was first read rightly
    wrong_since: datetime | None = None  # first wrong reading since the last right one
    untold_since: datetime | None = None  # first of the inconclusive readings in a row
    untold_count: int = 0
    accepted: Fault | str = ""  # the fault that a person found to be none of the definition's


@dataclass(frozen=True, slots=True)
class Finding:
    """What is held against a definition because of one of its canaries."""

    kind: str
    expects: Outcome
    fault: Fault
    state: CanaryState

    def __str__(self) -> str:
        good = self.expects == Outcome.AVAILABLE
        what = f"{'known-good' if good else 'known-missing'} {self.kind or 'page'}"
        if self.fault == Fault.UNTOLD:
            since = self.state.untold_since
            return f"The {what} could not be told since {_day(since)}, last {self._read()}."
        return f"The {what} is read wrongly since {_day(self.state.wrong_since)}, last {self._read()}."

    def _read(self) -> str:
        by = f" by {self.state.signal}" if self.state.signal else ""
        return f"as {self.state.outcome} ({self.state.reason}){by}"


@dataclass(frozen=True, slots=True)
class Staleness:
    """Since when a definition is stale (None: it is not), why, and whether a person said that it is."""

    since: datetime | None = None
    why: str = ""
    kept: bool = False


def is_right(expects: Outcome, outcome: Outcome | str, reason: Reason | str) -> bool | None:
    """Whether a canary was read as it should be; None where the reading tells nothing."""
    if outcome == Outcome.REMOVED:
        return expects == Outcome.REMOVED
    if shows_item(outcome, reason):
        return expects == Outcome.AVAILABLE
    return None


def fold(
    state: CanaryState,
    expects: Outcome,
    *,
    outcome: Outcome,
    reason: Reason,
    signal: str,
    at: datetime,
    identity: str = "",
) -> CanaryState:
    """The state after one more reading, which ended `at` and told `identity` (its digest)."""
    right = is_right(expects, outcome, reason)
    new = replace(state, checked_at=at, outcome=outcome, reason=reason, signal=signal)
    if right is None:
        return replace(new, untold_since=state.untold_since or at, untold_count=state.untold_count + 1)
    new = replace(new, untold_since=None, untold_count=0)
    if right:
        return replace(new, wrong_since=None, accepted="", identity=state.identity or identity)
    kept = Fault.WRONG if state.accepted == Fault.WRONG else ""
    return replace(new, wrong_since=state.wrong_since or at, accepted=kept)


def fault_of(state: CanaryState, *, needs_person: bool) -> Fault | None:
    """What is wrong with how a canary is read, accepted or not."""
    if state.wrong_since is not None:
        return Fault.WRONG
    if (
        not needs_person
        and state.untold_since is not None
        and state.checked_at is not None
        and state.untold_count >= UNVERIFIABLE_COUNT
        and state.checked_at - state.untold_since >= UNVERIFIABLE_SPAN
    ):
        return Fault.UNTOLD
    return None


def staleness(before: Staleness, findings: Sequence[Finding], at: datetime) -> Staleness:
    """What is held of a definition after its canaries were read; `findings` are those not accepted."""
    why = " ".join(map(str, findings))
    if findings:
        return Staleness(before.since or at, why, before.kept)
    if before.since is not None and not before.kept and at - before.since < LASTING:
        return Staleness()
    return before


def next_probe_at(state: CanaryState, at: datetime) -> datetime:
    """When to ask a canary again after a reading that ended `at`.

    Daily; every hour on the first day of a wrong reading, so that an outage's end is noticed; and after
    inconclusive ones from an hour on, doubling.
    """
    if state.untold_count:
        doublings = min(state.untold_count - 1, 5)
        return at + min(PROBE_AGAIN * int(2**doublings), PROBE_EVERY)
    if state.wrong_since is not None and not state.accepted and at - state.wrong_since < LASTING:
        return at + PROBE_AGAIN
    return at + PROBE_EVERY


def _day(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if moment is not None else ""
