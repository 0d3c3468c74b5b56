"""The ledger: each check's digest covers what it says and the digest of the target's check before it.

Whoever changes, drops or inserts a check has to change every later digest of that target; the heads are
published, so a change shows. URLs and notes are covered by salted commitments, so that they can be erased
without breaking the chain.

Evidence is covered as it is. Where it is erased with its URL, the digests of the target's checks cannot be
worked out again. Then an erasure takes their place: its digest covers the last of them and `left_of`, which
stands for all that is left, so that nothing of it can be changed from then on either.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from django.db.models import F, Sum

from .adding_up import STATE_FIELDS, Total
from .models import Check, Erasure, Stretch, Target, Transition, commitment
from .thinning import longest

VERSION = 1
DIGEST_BYTES = 32  # SHA-256
ERASED = {"erased": True}
"""What stands in the place of a check's evidence that was erased."""

_READ_AGAIN = ("key", "salt", "check_count", "head_digest", *STATE_FIELDS)
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


def said(check: Recorded) -> tuple[object, ...]:
    """All that a check said: only between two that said the same can others have been folded away."""
    return (
        *(check.outcome, check.reason, check.definitive, check.manual, check.signal, check.http_status),
        check.evidence.get("identity", ""),
    )


def note_commitment(note: str, salt: str) -> str:
    """What the ledger keeps of a note: enough to prove it, nothing to read."""
    return hashlib.sha256((salt + note).encode()).hexdigest() if note else ""


@dataclass(frozen=True, slots=True)
class Fault:
    """The first check of a target that is not the one its digest was made for."""

    target_id: int
    check_number: int
    problem: str

    @property
    def words(self) -> str:
        """The check and its problem, without the target."""
        return f"check {self.check_number} {self.problem}"


class Folded:
    """The stretches of a target's checks that were folded away, read once it turns out that there are any."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._stretches: dict[int, bytes] | None = None

    def starting_with(self, number: int) -> list[str]:
        """The digests of the stretch that begins with that check; none where there is none.

        Of these the check after them covers the last. The others are proved by what they were made for alone,
        which older backups and evidence bundles hold.
        """
        if self._stretches is None:
            rows = Stretch.objects.filter(target=self._target).values_list("first", "last", "digests")
            self._stretches = {
                first: bytes(digests)
                for first, last, digests in rows
                if len(digests) == DIGEST_BYTES * (last - first + 1)
            }
        digests = self._stretches.get(number, b"").hex()
        return [
            digests[start : start + 2 * DIGEST_BYTES] for start in range(0, len(digests), 2 * DIGEST_BYTES)
        ]


class Chain:
    """The checks of a target, followed by their numbers in constant memory, from the first on.

    `previous` is the digest of the last one before `expected`, the number of the next. `folded` are the first
    numbers of the stretches that were passed over.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._folded = Folded(target)
        self._before: Check | None = None  # the last check that is there
        self._since: Check | None = None  # the first of those up to it that said the same
        self.previous, self.expected = "", 1
        self.folded: set[int] = set()

    def follow(self, check: Check) -> Fault | None:
        """Go on to the next check that is there: what does not hold up to it."""
        if fault := self._over_folded(check):
            return fault
        if check.number != self.expected:
            return Fault(self._target.pk, self.expected, "is missing")
        commitment = self._target.commitment
        if check.digest != digest(check, target_commitment=commitment, previous=self.previous):
            return Fault(self._target.pk, check.number, "is not what its digest was made for")
        if check.note and check.note_commitment != note_commitment(check.note, check.note_salt):
            return Fault(self._target.pk, check.number, "has another note than its digest was made for")
        if self._before is None or said(check) != said(self._before):
            self._since = check
        self._before = check
        self.previous, self.expected = check.digest, check.number + 1
        return None

    def digests_ahead(self) -> list[str]:
        """The digests of the stretch that comes next, if one does."""
        return self._folded.starting_with(self.expected)

    def _over_folded(self, check: Check) -> Fault | None:
        if check.number <= self.expected or not (digests := self.digests_ahead()):
            return None
        first = self.expected
        self.folded.add(first)
        self.previous, self.expected = digests[-1], first + len(digests)
        if check.number == self.expected and not self._can_be_folded(first, check):
            return Fault(self._target.pk, first, "is missing: it cannot have been folded away")
        return None

    def _can_be_folded(self, first: int, after: Check) -> bool:
        """Whether the checks from `first` up to the one before `after` may be missing, by the rule of
        thinning.py."""
        before, since = self._before, self._since
        if before is None or since is None or after.manual or said(before) != said(after):
            return False
        if before.finished_at > after.started_at:
            return False
        if after.finished_at - before.finished_at > longest(since.started_at, before.finished_at):
            return False
        inside = Transition.objects.filter(target=self._target, superseded_at=None)
        return not inside.filter(check_number__gte=first, check_number__lt=after.number).exists()


def digest_at(target: Target, number: int) -> str:
    """The digest of a check that is there or was folded away; "" where there is none of that number."""
    kept = target.checks.filter(number=number).values_list("digest", flat=True).first()
    if kept is not None:
        return kept
    stretch = Stretch.objects.filter(target=target, first__lte=number, last__gte=number).first()
    if stretch is None:
        return ""
    start = DIGEST_BYTES * (number - stretch.first)
    return bytes(stretch.digests)[start : start + DIGEST_BYTES].hex()


def left_of(target: Target) -> str:
    """What stands for all that is left of an erased target's checks: a chain of its own.

    Of each check, the SHA-256 of the canonical JSON of what a digest covers without the evidence, with the
    digest itself and with that of the check before it in this chain ("" at first).
    """
    left = previous = ""
    folded, expected = Folded(target), 1
    for check in target.checks.order_by("number").iterator(1000):
        while check.number > expected and (digests := folded.starting_with(expected)):
            previous, expected = digests[-1], expected + len(digests)
        content = content_of(check, target_commitment=target.commitment, previous=previous)
        left = left_after(content, check.digest, before=left)
        previous, expected = check.digest, check.number + 1
    return left


def left_after(content: Mapping[str, Any], digest: str, *, before: str) -> str:
    """The next link of that chain."""
    kept = {name: value for name, value in content.items() if name != "evidence"}
    return hashlib.sha256(canonical({**kept, "digest": digest, "left": before}).encode()).hexdigest()


def erasure_content(erasure: Erasure, *, target_commitment: str) -> dict[str, Any]:
    """What the digest of an erasure covers."""
    return {
        "version": VERSION,
        "erasure_of": target_commitment,
        "at": _iso(erasure.at),
        "why": str(erasure.why),
        "copied": erasure.copied,
        "checks": erasure.checks,
        "head": erasure.head,
        "fault": erasure.fault,
        "left": erasure.left,
    }


def erasure_digest(erasure: Erasure, *, target_commitment: str) -> str:
    """Hexadecimal SHA-256 of the canonical JSON of an erasure."""
    content = erasure_content(erasure, target_commitment=target_commitment)
    return hashlib.sha256(canonical(content).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Covered:
    """How much of the record stands in which way: `erased` checks are those of erased targets."""

    targets: int
    checks: int
    erased_targets: int
    erased_checks: int
    erased_notes: int  # among the other checks
    folded: int  # checks that are no longer kept, but for their digests


def covered() -> Covered:
    """How much there is to verify, and how much of it is erased."""
    erased_targets = Erasure.objects.count()
    erased_checks = Check.objects.filter(target__erasure__isnull=False).count()
    notes = Check.objects.filter(note="", target__erasure=None).exclude(note_commitment="")
    return Covered(
        targets=Target.objects.count() - erased_targets,
        checks=Check.objects.count() - erased_checks,
        erased_targets=erased_targets,
        erased_checks=erased_checks,
        erased_notes=notes.count(),
        folded=Stretch.objects.aggregate(sum=Sum(F("last") - F("first") + 1))["sum"] or 0,
    )


def verify() -> Iterator[Fault]:
    """Recompute every digest; yields the first fault of each target whose chain does not hold.

    Reads in constant memory, ordered by target and number.
    """
    for target in Target.objects.only("commitment", *_READ_AGAIN).iterator(1000):
        while fault := fault_of(target):
            head = target.head_digest
            target.refresh_from_db(fields=_READ_AGAIN)
            if target.head_digest == head:
                yield fault
                break
            # A check was recorded since the target was read: look again.


def fault_of(target: Target) -> Fault | None:
    """The first check of a target that does not hold; of an erased one, what is not as it was left."""
    fault = _fault_of_chain(target)
    # The head of an erased target is its erasure, which its chain alone never leads to.
    erasure = Erasure.objects.filter(target=target).first() if fault else None
    return fault if erasure is None else _fault_of_erased(target, erasure)


def _fault_of_erased(target: Target, erasure: Erasure) -> Fault | None:
    if erasure.fault:
        return Fault(target.pk, erasure.checks, f"was erased when this did not hold: {erasure.fault}")
    left = previous = ""
    folded, expected = Folded(target), 1
    for check in target.checks.order_by("number").iterator(1000):
        while check.number > expected and (digests := folded.starting_with(expected)):
            previous, expected = digests[-1], expected + len(digests)
        if check.number != expected:
            return Fault(target.pk, expected, "is missing, of an erased target")
        if check.evidence != ERASED or check.note or check.note_salt:
            return Fault(target.pk, expected, "of an erased target holds what was erased")
        content = content_of(check, target_commitment=target.commitment, previous=previous)
        left, previous, expected = left_after(content, check.digest, before=left), check.digest, expected + 1
    if (expected - 1, expected - 1, previous) != (erasure.checks, target.check_count, erasure.head):
        return Fault(target.pk, expected, "or one before it is missing, or more than was erased")
    if left != erasure.left:
        return Fault(target.pk, expected - 1, "or one before it is not what the erasure left of it")
    if erasure.digest != erasure_digest(erasure, target_commitment=target.commitment):
        return Fault(target.pk, expected, "is an erasure that is not what its digest was made for")
    if target.head_digest != erasure.digest:
        return Fault(target.pk, expected, "is an erasure that the target's head does not name")
    return None


def _fault_of_chain(target: Target) -> Fault | None:
    if target.check_count and target.commitment != commitment(target.key, target.salt):
        return Fault(target.pk, 1, "and those after it are of another URL than the target has")
    # Read before the checks: what is folded away meanwhile is no fault.
    stretches = set(Stretch.objects.filter(target=target).values_list("first", flat=True))
    chain, total = Chain(target), Total()
    for check in target.checks.order_by("number").iterator(1000):
        times = check.number - chain.expected + 1
        if fault := chain.follow(check):
            return fault
        total.add(check, times=times)
    if chain.expected - 1 != target.check_count or chain.previous != target.head_digest:
        return Fault(target.pk, chain.expected, "is missing: the target's head names a later check")
    if too_many := stretches - chain.folded:
        # They would be counted twice where an observation of an earlier moment is handed in.
        return Fault(target.pk, min(too_many), "is there, and said to be folded away")
    if target.check_count and not total.is_that_of(target):
        return Fault(target.pk, target.check_count, "and those before it add up to another status or history")
    return None


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
