"""What a target's checks add up to, worked out again: its state and the changes that stand.

Figures read both, and no digest covers them. They follow from the checks, which digests do cover.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any

from .models import Check, Stretch, Target, Transition
from .outcomes import Outcome, Reason
from .status import Change, Seen, State, fold, fold_all

STATE_FIELDS = State._fields
CHANGE_FIELDS = ("check_number", "from_status", "to_status", "reason", "after", "by")
"""The fields of a transition that tell it from any other of its target."""
SEEN_FIELDS = ("number", "started_at", "finished_at", "outcome", "reason", "definitive", "manual")
"""The fields of a check that the fold sees, beside its evidence."""

_SEEN_VALUES = attrgetter(*SEEN_FIELDS)

_COMPARED = tuple(name for name in STATE_FIELDS if name != "identity")  # which no figure reads


class Total:
    """Adds up the checks of one target, in the order of their numbers and in constant memory.

    Only where one was handed in for an earlier moment are all of the target's checks read again, and sorted.
    """

    def __init__(self) -> None:
        self._state, self._changes = State(), list[Change]()
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
                self._changes.append(change)

    def is_that_of(self, target: Target) -> bool:
        """Whether the target's row and its standing transitions say what its checks add up to."""
        state, changes = self._state, self._changes
        if not self._in_order:
            folded = Stretch.objects.filter(target=target).order_by("first").values_list("first", "last")
            checks = target.checks.order_by("number").iterator(1000)
            state, changes = fold_all(with_folded([seen_of(check) for check in checks], folded))
        standing = Transition.objects.filter(target=target, superseded_at=None)
        return all(getattr(state, name) == getattr(target, name) for name in _COMPARED) and {
            change_key(change) for change in changes
        } == set(standing.values_list(*CHANGE_FIELDS))


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
