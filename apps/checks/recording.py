"""Writing checks down: appended with their digests, targets updated, transitions appended, in one go.

Everything here runs inside the caller's transaction and takes the targets' row locks in the order of their
primary keys, so that two writers wait for each other instead of locking each other out. The number of
statements is the same for one check and for a hundred thousand (`core.bulk`).
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from operator import attrgetter
from typing import Any

from django.db import transaction

from apps.core import bulk, clock

from . import cadence, ledger
from .accounts import look_at_pages
from .adding_up import CHANGE_FIELDS, SEEN_FIELDS, STATE_FIELDS, as_seen, change_key, seen_of, with_folded
from .models import Check, Target, Transition, new_salt
from .outcomes import Outcome, Reason
from .retention import folded_of
from .status import Change, Seen, State, fold, fold_all

UPDATED_FIELDS = (*STATE_FIELDS, "check_count", "head_digest", "next_check_at", "origins")
READ_FIELDS = ("id", "commitment", "account_key", "kind", *UPDATED_FIELDS)


@dataclass(frozen=True, slots=True)
class NewCheck:
    """A check about to be appended to `target_id`."""

    target_id: int
    started_at: datetime
    finished_at: datetime
    outcome: Outcome
    reason: Reason
    definitive: bool = False
    signal: str = ""
    http_status: int | None = None
    evidence: Mapping[str, object] = field(default_factory=dict)
    manual: bool = False
    person_id: int | None = None
    note: str = ""


@dataclass(slots=True)
class Appended:
    """A check with its number and digest: what `models.Check` has, without the cost of a model."""

    target_id: int
    number: int
    started_at: datetime
    finished_at: datetime
    outcome: Outcome
    reason: Reason
    definitive: bool
    signal: str
    http_status: int | None
    evidence: Mapping[str, object]
    person_id: int | None
    manual: bool
    note: str
    note_salt: str
    note_commitment: str
    recorded_at: datetime
    digest: str = ""


@dataclass(slots=True)
class Held:
    """What is held of a target while checks are appended to it. `before` is its row as it was read."""

    pk: int
    commitment: str
    account_key: int
    kind: str
    state: State
    check_count: int
    head_digest: str
    next_check_at: datetime | None
    origins: Sequence[str]
    before: Sequence[Any]
    appended: list[Appended] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)

    @property
    def after(self) -> tuple[Any, ...]:
        """The values of UPDATED_FIELDS."""
        return (*self.state, self.check_count, self.head_digest, self.next_check_at, self.origins)

    @property
    def is_late(self) -> bool:
        """Whether a check of an earlier moment than the last one is among the appended."""
        last = self.state.last_check_at
        return last is not None and self.appended[0].finished_at < last


_CHECK_FIELDS = tuple(field.name for field in fields(Appended))
_CHECK_VALUES = attrgetter(*_CHECK_FIELDS)
_TRANSITION_FIELDS = (
    *("target_id", "check_number", "from_status", "to_status", "reason", "after", "by", "by_person"),
    *("recorded_at", "superseded_at"),
)


def append(new_checks: Iterable[NewCheck]) -> int:
    """Append checks to their targets and bring the targets up to date; returns how many were written.

    1. Lock the targets.
    2. Number and chain each check.
    3. Fold them into their targets' status: a check of an earlier moment than the last one folds its target
       anew from all its checks.
    4. Write checks, transitions and targets.
    """
    by_target: dict[int, list[NewCheck]] = defaultdict(list)
    for new_check in new_checks:
        by_target[new_check.target_id].append(new_check)
    if not by_target:
        return 0
    with transaction.atomic():
        now = clock.now()
        targets = list(_locked(by_target))
        for target in targets:
            _chain(target, by_target[target.pk], now)
        late = [target for target in targets if target.is_late]
        standing = _fold_anew(late, now) if late else {}
        for target in targets:
            if target.pk not in standing:
                _fold(target)
            _schedule(target)
        _write(targets, now)
    return sum(len(target.appended) for target in targets)


def _locked(target_ids: Iterable[int]) -> Iterator[Held]:
    """The targets, in the order of their keys, their rows locked until the transaction ends.

    Left out are those that were erased while they were being looked at.
    """
    named = bulk.values(Target, *READ_FIELDS).filter(pk__in=bulk.among(target_ids)).exclude(key="")
    rows = named.order_by("pk").select_for_update()
    first, last = 4, 4 + len(STATE_FIELDS)
    for row in bulk.read(rows, READ_FIELDS):
        pk, commitment, account_key, kind = row[:first]
        check_count, head_digest, next_check_at, origins = row[last:]
        yield Held(
            pk=pk,
            commitment=commitment,
            account_key=account_key,
            kind=kind,
            state=State(*row[first:last]),
            check_count=check_count,
            head_digest=head_digest,
            next_check_at=next_check_at,
            origins=origins,
            before=row[first:],
        )


def _chain(target: Held, new_checks: Sequence[NewCheck], now: datetime) -> None:
    """Number the checks in the order in which they ended, and give each its digest."""
    for new in sorted(new_checks, key=lambda new: new.finished_at):
        salt = new_salt() if new.note else ""
        check = Appended(
            target.pk,
            target.check_count + 1,
            new.started_at,
            new.finished_at,
            new.outcome,
            new.reason,
            new.definitive,
            new.signal,
            new.http_status,
            new.evidence,
            new.person_id,
            new.manual,
            new.note,
            salt,
            ledger.note_commitment(new.note, salt),
            now,
        )
        check.digest = ledger.digest(check, target_commitment=target.commitment, previous=target.head_digest)
        target.check_count, target.head_digest = check.number, check.digest
        target.appended.append(check)


def _fold(target: Held) -> None:
    for check in target.appended:
        target.state, change = fold(target.state, seen_of(check))
        if change:
            target.changes.append(change)


def _fold_anew(targets: Sequence[Held], now: datetime) -> set[int]:
    """Fold all checks of `targets` again; marks the transitions that no longer hold, and keeps the new ones.

    Returns the targets' keys.
    """
    ids = {target.pk for target in targets}
    seen: dict[int, list[Seen]] = defaultdict(list)
    names = ("target_id", "evidence", *SEEN_FIELDS)
    named = bulk.values(Check, *names).filter(target_id__in=bulk.among(ids))
    for target_id, evidence, *values in bulk.read(named.order_by("target_id", "number"), names):
        seen[target_id].append(as_seen(values, evidence))
    for target_id, stretches in folded_of(ids).items():
        seen[target_id] = with_folded(seen[target_id], stretches)
    standing: dict[int, dict[tuple[object, ...], int]] = defaultdict(dict)
    keyed = ("id", "target_id", *CHANGE_FIELDS)
    current = bulk.values(Transition, *keyed).filter(target_id__in=bulk.among(ids), superseded_at=None)
    for pk, target_id, *key in bulk.read(current, keyed):
        standing[target_id][tuple(key)] = pk
    gone: list[int] = []
    for target in targets:
        target.state, changes = fold_all([*seen[target.pk], *map(seen_of, target.appended)])
        keys = {change_key(change): change for change in changes}
        known = standing[target.pk]
        gone += [pk for key, pk in known.items() if key not in keys]
        target.changes = [change for key, change in keys.items() if key not in known]
    if gone:
        bulk.update(Transition, ("superseded_at",), [(now, pk) for pk in sorted(gone)])
    return ids


def _schedule(target: Held) -> None:
    """Set when to look again. A person's observation can bring the next look forward, never put it off."""
    machine_check = next((check for check in reversed(target.appended) if not check.manual), None)
    checked_at = machine_check.finished_at if machine_check else target.state.last_check_at
    if checked_at is None:
        return
    started_at = machine_check.started_at if machine_check else checked_at
    origins = cadence.kept_origins(list(map(datetime.fromisoformat, target.origins)), started_at)
    at = cadence.next_check_at(
        origins=origins,
        state=target.state,
        checked_at=checked_at,
        started_at=started_at,
        jitter=_jitter(target),
    )
    target.origins = [origin.isoformat() for origin in origins]
    if machine_check is not None or target.next_check_at is None:
        target.next_check_at = at
    else:
        target.next_check_at = min(target.next_check_at, at)


def _write(targets: Sequence[Held], now: datetime) -> None:
    """Write what is new, and of the targets what is other than it was."""
    bulk.insert(
        Check, _CHECK_FIELDS, (_CHECK_VALUES(check) for target in targets for check in target.appended)
    )
    transitions = [_transition(target, change, now) for target in targets for change in target.changes]
    if transitions:
        bulk.insert(Transition, _TRANSITION_FIELDS, transitions)
    after = [target.after for target in targets]
    changed = [
        place
        for place in range(len(UPDATED_FIELDS))
        if any(values[place] != target.before[place] for target, values in zip(targets, after, strict=True))
    ]
    bulk.update(
        Target,
        [UPDATED_FIELDS[place] for place in changed],
        [
            (*(values[place] for place in changed), target.pk)
            for target, values in zip(targets, after, strict=True)
        ],
    )
    look_at_pages((target, change) for target in targets for change in target.changes)


def _transition(target: Held, change: Change, now: datetime) -> tuple[object, ...]:
    return (
        target.pk,
        change.check_number,
        change.from_status,
        change.to_status,
        change.reason,
        change.after,
        change.by,
        change.by_person,
        now,
        None,
    )


def _jitter(target: Held) -> float:
    """A number in [0, 1) that differs from target to target and from check to check, yet is repeatable."""
    seed = hashlib.sha256(f"{target.commitment}:{target.check_count}".encode()).digest()
    return int.from_bytes(seed[:4]) / 2**32
