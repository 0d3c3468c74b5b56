"""What a target's checks add up to, worked out again: its state and the changes that stand.

Figures read both, and no digest covers them. They follow from the checks, which digests do cover; and so does
since when a change was on record and until when, by which figures as of a moment go.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any

from .models import Check, Stretch, Target, Transition
from .outcomes import Outcome, Reason
from .status import Change, Seen, State, fold, fold_all

STATE_FIELDS = State._fields
CHANGE_FIELDS = ("check_number", "from_status", "to_status", "reason", "after", "by", "by_person")
"""The fields of a transition that tell it from any other of its target."""
SEEN_FIELDS = ("number", "started_at", "finished_at", "outcome", "reason", "definitive", "manual")
"""The fields of a check that the fold sees, beside its evidence."""

Row = tuple[object, ...]
"""A transition as it has to be: the values of CHANGE_FIELDS, since when it was on record, and until when."""

_SEEN_VALUES = attrgetter(*SEEN_FIELDS)

_COMPARED = tuple(name for name in STATE_FIELDS if name != "identity")  # which no figure reads


class Total:
    """Adds up the checks of one target, in the order of their numbers and in constant memory.

    Only where one was handed in for an earlier moment are all of the target's checks read again, and sorted.
    """

    def __init__(self) -> None:
        self._state, self._rows = State(), list[Row]()
        self._last: Seen | None = None
        self._in_order = True

    def add(self, check: Check, *, times: int = 1) -> None:
        """Add a check, as often as it stands for those folded away before it, and once for itself."""
        if not self._in_order:
            return
        seen = seen_of(check)
        if self._last is not None and seen.finished_at < self._last.finished_at:
            self._in_order = False
            return
        self._last = seen
        for _ in range(times):
            self._state, change = fold(self._state, seen)
            if change:
                self._rows.append((*change_key(change), check.recorded_at, None))

    def is_that_of(self, target: Target) -> bool:
        """Whether the target's row and its transitions say what its checks add up to, and since when.

        Where checks were both handed in late and folded away, it can no longer be told what they added up to
        in between: then the moments of its transitions have to be such at which checks were recorded.
        """
        state, rows = self._state, self._rows
        transitions = Transition.objects.filter(target=target)
        on_record = _lasting(transitions.values_list(*CHANGE_FIELDS, "recorded_at", "superseded_at"))
        if not self._in_order:
            checks = list(target.checks.order_by("number"))
            folded = list(
                Stretch.objects.filter(target=target).order_by("first").values_list("first", "last")
            )
            if folded:
                state, changes = fold_all(with_folded([seen_of(check) for check in checks], folded))
                moments = {None, *(check.recorded_at for check in checks)}
                if not moments.issuperset(moment for row in on_record for moment in row[-2:]):
                    return False
                rows = [change_key(change) for change in changes]
                on_record = [row[:-2] for row in on_record if row[-1] is None]
            else:
                state, rows = _history(checks)
        same = all(getattr(state, name) == getattr(target, name) for name in _COMPARED)
        return same and Counter(rows) == Counter(on_record)


def _history(checks: Sequence[Check]) -> tuple[State, list[Row]]:
    """What a target's checks add up to, with every transition that stood for a time, as each was recorded.

    A check of an earlier moment changes what those before it added up to: from then on what no longer holds
    is superseded.
    """
    seen: list[Seen] = []
    state, changes = State(), list[Change]()
    standing: dict[Row, datetime] = {}
    rows: list[Row] = []
    for recorded_at, together in groupby(checks, key=attrgetter("recorded_at")):
        late = False
        for one in map(seen_of, together):
            seen.append(one)
            late |= state.last_check_at is not None and one.finished_at < state.last_check_at
            if not late:
                state, change = fold(state, one)
                if change:
                    changes.append(change)
        if late:
            state, changes = fold_all(seen)
        keys = [change_key(change) for change in changes]
        gone = standing.keys() - set(keys)
        rows += [(*key, standing.pop(key), recorded_at) for key in gone]
        for key in keys:
            standing.setdefault(key, recorded_at)
    return state, _lasting([*rows, *((*key, since, None) for key, since in standing.items())])


def _lasting(rows: Iterable[Row]) -> list[Row]:
    """The transitions without those that were superseded the moment they were recorded."""
    return [row for row in rows if row[-1] != row[-2]]


def state_of(target: Target) -> State:
    """The fold's state as the target's row holds it."""
    return State(**{name: getattr(target, name) for name in STATE_FIELDS})


def change_key(change: Change) -> tuple[object, ...]:
    """The values of CHANGE_FIELDS, as a transition holds them."""
    return (
        change.check_number,
        str(change.from_status),
        str(change.to_status),
        str(change.reason),
        change.after,
        change.by,
        change.by_person,
    )


def seen_of(check: Any) -> Seen:
    """What the fold sees of a check: of a row, or of one that is yet to be written."""
    return as_seen(_SEEN_VALUES(check), check.evidence)


def as_seen(values: Sequence[Any], evidence: Mapping[str, Any]) -> Seen:
    """What the fold sees of a check, by the values of SEEN_FIELDS."""
    number, started_at, finished_at, outcome, reason, definitive, manual = values
    return Seen(
        number=number,
        started_at=started_at,
        finished_at=finished_at,
        outcome=Outcome(outcome),
        reason=Reason(reason),
        definitive=definitive,
        manual=manual,
        identity=str(evidence.get("identity", "")),
    )


def with_folded(seen: Sequence[Seen], folded: Iterable[tuple[int, int]]) -> list[Seen]:
    """What the fold sees of a target whose checks were thinned.

    Those of a stretch said the same as the check after it, which stands for them as often as they were: so
    counts come out as they did. It stands at its own time: of what is handed in later for a moment inside a
    stretch, only the stretch's ends are known to be before and after it.
    """
    by_number = {one.number: one for one in seen}
    copies = [by_number[last + 1] for first, last in folded for _ in range(first, last + 1)]
    return [*seen, *copies]
