"""Writing checks down: appended with their digests, targets updated, transitions appended, in one go.

Everything here runs inside the caller's transaction and takes the targets' row locks in the order of their
primary keys, so that two writers wait for each other instead of locking each other out.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime

from django.db import connection, transaction

from apps.core import clock

from . import cadence, ledger
from .accounts import look_at_pages
from .models import Check, Target, Transition, new_salt
from .outcomes import Outcome, Reason, Status
from .status import Change, Seen, State, fold, fold_all

STATE_FIELDS = tuple(field.name for field in fields(State))
UPDATED_FIELDS = (*STATE_FIELDS, "check_count", "head_digest", "next_check_at", "origins")
CHUNK = 500


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


def append(new_checks: Iterable[NewCheck]) -> int:
    """Append checks to their targets and bring the targets up to date; returns how many were written.

    1. Lock the targets.
    2. Number and chain each check; fold it into its target's status.
    3. A check of an earlier moment than the last one folds its target anew from all its checks.
    4. Write checks, transitions and targets in a bounded number of statements.
    """
    by_target: dict[int, list[NewCheck]] = defaultdict(list)
    for new_check in new_checks:
        by_target[new_check.target_id].append(new_check)
    ids = sorted(by_target)
    written = 0
    with transaction.atomic():
        for start in range(0, len(ids), CHUNK):
            written += _append_chunk(
                {target_id: by_target[target_id] for target_id in ids[start : start + CHUNK]}
            )
    return written


def state_of(target: Target) -> State:
    """The fold's state as the target's row holds it."""
    return State(**{name: getattr(target, name) for name in STATE_FIELDS})


def _append_chunk(by_target: Mapping[int, Sequence[NewCheck]]) -> int:
    now = clock.now()
    targets = Target.objects.order_by("pk").select_for_update().in_bulk(list(by_target))
    checks: list[Check] = []
    transitions: list[Transition] = []
    changed: list[tuple[Target, Change]] = []
    for target_id in sorted(targets):
        target = targets[target_id]
        appended, changes = _append_to(target, by_target[target_id], now)
        checks += appended
        transitions += [_transition(target, change, now) for change in changes]
        changed += [(target, change) for change in changes]
    Check.objects.bulk_create(checks, batch_size=1000)
    Transition.objects.bulk_create(transitions, batch_size=1000)
    _update_targets(targets.values())
    look_at_pages(changed)
    return len(checks)


def _update_targets(targets: Iterable[Target]) -> None:
    """Write what checks change of their targets.

    Not by `bulk_update`: of this many columns it makes statements that take 50 times as long to put together.
    """
    columns = [column for column in Target._meta.concrete_fields if column.name in UPDATED_FIELDS]
    assignments = ", ".join(f"{connection.ops.quote_name(column.attname)} = %s" for column in columns)
    table = connection.ops.quote_name(Target._meta.db_table)
    rows = [
        (
            *(column.get_db_prep_save(getattr(target, column.attname), connection) for column in columns),
            target.pk,
        )
        for target in targets
    ]
    with connection.cursor() as cursor:
        cursor.executemany(f"UPDATE {table} SET {assignments} WHERE id = %s", rows)  # noqa: S608


def _append_to(
    target: Target, new_checks: Sequence[NewCheck], now: datetime
) -> tuple[list[Check], list[Change]]:
    """Number, chain and fold `new_checks` into `target` (changed in place, not saved)."""
    appended = []
    for new in sorted(new_checks, key=lambda new: new.finished_at):
        target.check_count += 1
        check = _check(target, new, now)
        check.digest = ledger.digest(check, target_commitment=target.commitment, previous=target.head_digest)
        target.head_digest = check.digest
        appended.append(check)

    state = state_of(target)
    changes: list[Change] = []
    if state.last_check_at is not None and appended[0].finished_at < state.last_check_at:
        state, changes = _fold_anew(target, appended, now)
    else:
        for check in appended:
            state, change = fold(state, _seen(check))
            changes += [change] if change else []
    for name in STATE_FIELDS:
        setattr(target, name, getattr(state, name))

    machine_checks = [check for check in appended if not check.manual]
    _schedule(target, state, machine_checks[-1] if machine_checks else None)
    return appended, changes


def _schedule(target: Target, state: State, machine_check: Check | None) -> None:
    """Set when to look again. A person's observation can bring the next look forward, never put it off."""
    origins = [datetime.fromisoformat(origin) for origin in target.origins]
    checked_at = machine_check.finished_at if machine_check else state.last_check_at
    if checked_at is None:
        return
    started_at = machine_check.started_at if machine_check else checked_at
    origins = cadence.kept_origins(origins, started_at)
    at = cadence.next_check_at(
        origins=origins, state=state, checked_at=checked_at, started_at=started_at, jitter=_jitter(target)
    )
    target.origins = [origin.isoformat() for origin in origins]
    if machine_check is not None or target.next_check_at is None:
        target.next_check_at = at
    else:
        target.next_check_at = min(target.next_check_at, at)


def _fold_anew(target: Target, appended: Sequence[Check], now: datetime) -> tuple[State, list[Change]]:
    """Fold all checks of `target` again; marks the transitions that no longer hold, returns the new ones."""
    state, changes = fold_all([*map(_seen, target.checks.all()), *map(_seen, appended)])
    standing = list(target.transitions.filter(superseded_at=None))
    keys = {_key(_transition(target, change, now)): change for change in changes}
    gone = [transition.pk for transition in standing if _key(transition) not in keys]
    Transition.objects.filter(pk__in=gone).update(superseded_at=now)
    known = {_key(transition) for transition in standing}
    return state, [change for key, change in keys.items() if key not in known]


def _key(transition: Transition) -> tuple[object, ...]:
    return (
        transition.check_number,
        str(transition.from_status),
        str(transition.to_status),
        str(transition.reason),
        transition.after,
        transition.by,
    )


def _check(target: Target, new: NewCheck, now: datetime) -> Check:
    salt = new_salt() if new.note else ""
    return Check(
        target=target,
        number=target.check_count,
        started_at=new.started_at,
        finished_at=new.finished_at,
        outcome=new.outcome,
        reason=new.reason,
        definitive=new.definitive,
        signal=new.signal,
        http_status=new.http_status,
        evidence=dict(new.evidence),
        manual=new.manual,
        person_id=new.person_id,
        note=new.note,
        note_salt=salt,
        note_commitment=ledger.note_commitment(new.note, salt),
        recorded_at=now,
    )


def _seen(check: Check) -> Seen:
    return Seen(
        number=check.number,
        started_at=check.started_at,
        finished_at=check.finished_at,
        outcome=Outcome(check.outcome),
        reason=Reason(check.reason),
        definitive=check.definitive,
        manual=check.manual,
        identity=str(check.evidence.get("identity", "")),
    )


def _transition(target: Target, change: Change, now: datetime) -> Transition:
    return Transition(
        target=target,
        check_number=change.check_number,
        from_status=Status(change.from_status),
        to_status=Status(change.to_status),
        reason=change.reason,
        after=change.after,
        by=change.by,
        by_person=change.by_person,
        recorded_at=now,
    )


def _jitter(target: Target) -> float:
    """A number in [0, 1) that differs from target to target and from check to check, yet is repeatable."""
    seed = hashlib.sha256(f"{target.commitment}:{target.check_count}".encode()).digest()
    return int.from_bytes(seed[:4]) / 2**32
