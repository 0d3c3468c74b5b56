"""The ledger: each check's digest covers what it says and the digest of the target's check before it.

Whoever changes, drops or inserts a check has to change every later digest of that target; the heads are
published, so a change shows. Personal data is covered by salted commitments, so that a URL or a note can be
erased without breaking the chain.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from .models import Target

VERSION = 1
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


class Recorded(Protocol):
    """The part of a check that its digest covers."""

    @property
    def number(self) -> int: ...
    @property
    def started_at(self) -> datetime: ...
    @property
    def finished_at(self) -> datetime: ...
    @property
    def outcome(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def definitive(self) -> bool: ...
    @property
    def signal(self) -> str: ...
    @property
    def http_status(self) -> int | None: ...
    @property
    def evidence(self) -> Any: ...
    @property
    def manual(self) -> bool: ...
    @property
    def note_commitment(self) -> str: ...
    @property
    def recorded_at(self) -> datetime: ...


def digest(check: Recorded, *, target_commitment: str, previous: str) -> str:
    """Hexadecimal SHA-256 of the canonical JSON of `check` with the `previous` digest ("" at first)."""
    content = content_of(check, target_commitment=target_commitment, previous=previous)
    return hashlib.sha256(canonical(content).encode()).hexdigest()


def canonical(content: Mapping[str, Any]) -> str:
    """The one JSON text that a digest is made of."""
    return _CANONICAL.encode(content)


def content_of(check: Recorded, *, target_commitment: str, previous: str) -> dict[str, Any]:
    """What the digest of a check covers."""
    return {
        "version": VERSION,
        "target": target_commitment,
        "number": check.number,
        "started_at": _iso(check.started_at),
        "finished_at": _iso(check.finished_at),
        "outcome": str(check.outcome),
        "reason": str(check.reason),
        "definitive": check.definitive,
        "signal": check.signal,
        "http_status": check.http_status,
        "evidence": check.evidence,
        "manual": check.manual,
        "note": check.note_commitment,
        "recorded_at": _iso(check.recorded_at),
        "previous": previous,
    }


def note_commitment(note: str, salt: str) -> str:
    """What the ledger keeps of a note: enough to prove it, nothing to read."""
    return hashlib.sha256((salt + note).encode()).hexdigest() if note else ""


@dataclass(frozen=True, slots=True)
class Fault:
    """The first check of a target that is not the one its digest was made for."""

    target_id: int
    check_number: int
    problem: str


def verify() -> Iterator[Fault]:
    """Recompute every digest; yields the first fault of each target whose chain does not hold.

    Reads in constant memory, ordered by target and number.
    """
    for target in Target.objects.only("pk", "commitment", "check_count", "head_digest").iterator(1000):
        while fault := _first_fault(target):
            head = target.head_digest
            target.refresh_from_db(fields=["check_count", "head_digest"])
            if target.head_digest == head:
                yield fault
                break
            # A check was recorded since the target was read: look again.


def _first_fault(target: Target) -> Fault | None:
    previous, expected = "", 1
    for check in target.checks.order_by("number").iterator(1000):
        if check.number != expected:
            return Fault(target.pk, expected, "is missing")
        if check.digest != digest(check, target_commitment=target.commitment, previous=previous):
            return Fault(target.pk, check.number, "is not what its digest was made for")
        if check.note and check.note_commitment != note_commitment(check.note, check.note_salt):
            return Fault(target.pk, check.number, "has another note than its digest was made for")
        previous, expected = check.digest, expected + 1
    if expected - 1 != target.check_count or previous != target.head_digest:
        return Fault(target.pk, expected, "is missing: the target's head names a later check")
    return None


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
