"""The status of a target: a pure fold over its checks, in the order in which they were observed.

The rules, with their reasons:

1. A removed outcome makes a target suspected, not removed: sites fail, and take things down for an hour.
2. Suspected becomes removed after at least 3 removed outcomes that span at least 24 h with none between that
   saw the item; after 2 that span at least 1 h where each is definitive (the platform itself says so); at
   once when a person has looked.
3. The removal is dated from the evidence, (last seen, first of the run], never from its confirmation.
4. An inconclusive check neither counts nor resets. Inconclusive for a week makes a target unverifiable, so
   that "could not tell" is counted and shown; it never makes it removed.
5. When a person says that an item is up although the checker read it as removed, the checker misreads this
   page. Its removed outcomes then stay suspected until a person agrees, the platform says so itself, or the
   checker has seen the item available on its own.
6. The first identity that the platform tells of a target stays with it, so that another thing at its address
   is never taken for its return (identity.py). Only a person who sees the item there, although the checker
   read another identity, makes it keep the new one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from .outcomes import Outcome, Reason, Status, shows_item

CONFIRM_COUNT = 3
CONFIRM_SPAN = timedelta(hours=24)
CONFIRM_DEFINITIVE_COUNT = 2
CONFIRM_DEFINITIVE_SPAN = timedelta(hours=1)
UNVERIFIABLE_COUNT = 3
UNVERIFIABLE_SPAN = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Seen:
    """The part of a check that the fold reads. An observation is some moment in [started_at, finished_at]."""

    number: int
    started_at: datetime
    finished_at: datetime
    outcome: Outcome
    reason: Reason
    definitive: bool = False
    manual: bool = False
    identity: str = ""  # what is kept of the one that the platform told; see identity.py


class State(NamedTuple):
    """What all checks so far add up to. A tuple, since every check makes a copy with a few fields changed."""

    status: Status = Status.WAITING
    reason: Reason | str = ""  # of the check that the status rests on
    definitive: bool = False
    by_person: bool = False  # a person's check decided the status
    overruled: bool = False  # a person said "up" against the checker (rule 5)
    available_at: datetime | None = None  # last seen available
    present_at: datetime | None = None  # last seen at all: available, or restricted in a way that shows it
    checker_present_at: datetime | None = None  # the same, by the checker itself and not by a person
    conclusive_at: datetime | None = None  # last check that could tell anything
    run_started_at: datetime | None = None  # first removed outcome since the item was last seen
    run_count: int = 0
    run_definitive_at: datetime | None = None
    run_definitive_count: int = 0
    removed_after: datetime | None = None  # the last confirmed removal lies in (removed_after, removed_by]
    removed_by: datetime | None = None
    confirmed_at: datetime | None = None
    reinstated_at: datetime | None = None  # seen again after that removal
    removal_count: int = 0  # confirmed removals so far
    account_suspended_at: datetime | None = None  # last seen gone because its account is suspended
    inconclusive_since: datetime | None = None
    inconclusive_count: int = 0  # in a row
    identity: str = ""  # what is kept of the first that was told: the thing that was reported
    last_outcome: Outcome | str = ""
    last_reason: Reason | str = ""
    last_check_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """The status changed somewhere in (after, by]; `after` is None where nothing bounds it from below."""

    check_number: int
    from_status: Status
    to_status: Status
    reason: Reason
    after: datetime | None
    by: datetime
    by_person: bool


def fold(state: State, seen: Seen) -> tuple[State, Change | None]:
    """The state after one more check, and the change of status that it showed, if any.

    1. Place the check: it counts as seen, as removed, or as unable to tell.
    2. Work out the new status from that and the run of removed outcomes.
    3. Date a change from the evidence.
    """
    if seen.identity and not state.identity and seen.outcome != Outcome.INCONCLUSIVE:
        state = state._replace(identity=seen.identity)
    if _shows_item(seen):
        return _seen_there(state, seen)
    if seen.outcome == Outcome.REMOVED:
        return _seen_removed(state, seen)
    if seen.outcome == Outcome.RESTRICTED and state.status not in {Status.SUSPECTED, Status.REMOVED}:
        return _seen_restricted(state, seen)
    # Inconclusive, or a wall before a whole site after the item had gone: it tells nothing about the item.
    return _could_not_tell(state, seen)


def fold_all(checks: Iterable[Seen]) -> tuple[State, list[Change]]:
    """The state and all changes after `checks`, in whatever order they come."""
    state, changes = State(), []
    for seen in sorted(checks, key=lambda seen: (seen.finished_at, seen.number)):
        state, change = fold(state, seen)
        if change:
            changes.append(change)
    return state, changes


def _shows_item(seen: Seen) -> bool:
    return (seen.manual and seen.outcome == Outcome.RESTRICTED) or shows_item(seen.outcome, seen.reason)


def _seen_there(state: State, seen: Seen) -> tuple[State, Change | None]:
    available = seen.outcome == Outcome.AVAILABLE
    contradicted = state.status in {Status.SUSPECTED, Status.REMOVED}
    # Rule 6: the next check keeps the identity that it finds.
    anew = seen.manual and contradicted and state.reason == Reason.REPLACED
    new = _told(
        state,
        seen,
        identity="" if anew else state.identity,
        status=Status.AVAILABLE if available else Status.RESTRICTED,
        reason=seen.reason,
        definitive=seen.definitive,
        by_person=seen.manual,
        overruled=(seen.manual and (contradicted or state.overruled)),
        available_at=seen.started_at if available else state.available_at,
        present_at=seen.started_at,
        checker_present_at=state.checker_present_at if seen.manual else seen.started_at,
        run_started_at=None,
        run_count=0,
        run_definitive_at=None,
        run_definitive_count=0,
        reinstated_at=seen.finished_at if state.status == Status.REMOVED else state.reinstated_at,
    )
    return new, _change(state, new, seen, after=state.conclusive_at, by=seen.finished_at)


def _seen_restricted(state: State, seen: Seen) -> tuple[State, Change | None]:
    new = _told(
        state,
        seen,
        status=Status.RESTRICTED,
        reason=seen.reason,
        definitive=seen.definitive,
        by_person=False,
    )
    return new, _change(state, new, seen, after=state.conclusive_at, by=seen.finished_at)


def _seen_removed(state: State, seen: Seen) -> tuple[State, Change | None]:
    first = state.run_started_at or seen.finished_at
    first_definitive = state.run_definitive_at or (seen.finished_at if seen.definitive else None)
    new = _told(
        state,
        seen,
        run_started_at=first,
        run_count=state.run_count + 1,
        run_definitive_at=first_definitive,
        run_definitive_count=state.run_definitive_count + seen.definitive,
        account_suspended_at=(
            seen.started_at if seen.reason == Reason.ACCOUNT_SUSPENDED else state.account_suspended_at
        ),
    )
    if state.status == Status.REMOVED:
        # What confirmed the removal stays what it rests on, unless the platform now says so itself.
        if seen.definitive and not state.definitive:
            new = new._replace(reason=seen.reason, definitive=True)
        return new, None
    new = new._replace(status=Status.SUSPECTED, by_person=False)
    if state.status != Status.SUSPECTED or seen.definitive or not state.definitive:
        new = new._replace(reason=seen.reason, definitive=seen.definitive)
    if _is_confirmed(new, seen):
        new = new._replace(
            status=Status.REMOVED,
            by_person=seen.manual,
            overruled=False,
            removed_after=_before(state.present_at, first),
            removed_by=first,
            confirmed_at=seen.finished_at,
            reinstated_at=None,
            removal_count=state.removal_count + 1,
        )
    return new, _change(state, new, seen, after=state.present_at, by=first)


def _is_confirmed(state: State, seen: Seen) -> bool:
    """Rule 2. Spans run from the end of the first answer to the start of this one: never counted too long."""
    if seen.manual:
        return True
    definitive = (
        seen.definitive
        and state.run_definitive_at is not None
        and state.run_definitive_count >= CONFIRM_DEFINITIVE_COUNT
        and seen.started_at - state.run_definitive_at >= CONFIRM_DEFINITIVE_SPAN
    )
    repeated = (
        not state.overruled
        and state.run_started_at is not None
        and state.run_count >= CONFIRM_COUNT
        and seen.started_at - state.run_started_at >= CONFIRM_SPAN
    )
    return definitive or repeated


def _could_not_tell(state: State, seen: Seen) -> tuple[State, Change | None]:
    since = state.inconclusive_since or seen.started_at
    new = _looked(state, seen, inconclusive_since=since, inconclusive_count=state.inconclusive_count + 1)
    if (
        state.status in {Status.WAITING, Status.AVAILABLE, Status.RESTRICTED}
        and new.inconclusive_count >= UNVERIFIABLE_COUNT
        and seen.finished_at - since >= UNVERIFIABLE_SPAN
    ):
        new = new._replace(
            status=Status.UNVERIFIABLE, reason=seen.reason, definitive=False, by_person=seen.manual
        )
    return new, _change(state, new, seen, after=since, by=seen.finished_at)


def _told(state: State, seen: Seen, **changes: Any) -> State:
    """The state after a check that could tell something: it ends a run of those that could not."""
    return _looked(
        state, seen, conclusive_at=seen.started_at, inconclusive_since=None, inconclusive_count=0, **changes
    )


def _looked(state: State, seen: Seen, **changes: Any) -> State:
    """The state after one more check, with all that changes at once."""
    return state._replace(
        last_outcome=seen.outcome,
        last_reason=seen.reason,
        last_check_at=seen.finished_at,
        **changes,
    )


def _before(after: datetime | None, by: datetime) -> datetime | None:
    """`after`, moved by a microsecond where two observations carry one and the same moment."""
    if after is not None and after >= by:
        return by - timedelta(microseconds=1)
    return after


def _change(old: State, new: State, seen: Seen, *, after: datetime | None, by: datetime) -> Change | None:
    if old.status == new.status:
        return None
    return Change(
        check_number=seen.number,
        from_status=old.status,
        to_status=new.status,
        reason=Reason(new.reason),
        after=_before(after, by),
        by=by,
        by_person=seen.manual,
    )
