"""What ties an edition to the checks that it was made from, and the proof that they are still the same.

An edition publishes the last digest of each watched URL, under a name that stands for the URL in this
campaign alone: the keyed hash of the ledger's own commitment to it. Whoever holds an evidence bundle finds
its heads there; nobody finds a URL. How many checks a head covers stays on this site: it is what the proof
needs to name the check that is not the one it was.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from apps.checks import ledger
from apps.checks.models import Check, Target
from apps.reports.models import Campaign
from apps.reports.selectors import items_of

from .edition_files import HEADS_FILE, JSON, SUMS, File
from .models import Edition

TRAIL = "ledger-trail.json"


class Head(NamedTuple):
    """Where the chain of one watched URL stood: its public name, how many checks, and the last digest."""

    name: str
    target: int
    checks: int
    digest: str


class EditionFault(NamedTuple):
    """The first thing of a file or a watched URL that is not what the edition was made from."""

    what: str
    problem: str


def heads_of(campaign: Campaign, *, key: str) -> list[Head]:
    """The chains of all URLs of a campaign that were looked at, by their public names."""
    targets = Target.objects.filter(pk__in=items_of(campaign).order_by().values("target"), check_count__gt=0)
    rows = targets.values_list("pk", "commitment", "check_count", "head_digest").iterator()
    return sorted(
        Head(public_name(key, commitment), pk, checks, digest) for pk, commitment, checks, digest in rows
    )


def public_name(key: str, commitment: str) -> str:
    """What stands for a watched URL in the editions of the campaign with that key (BLAKE2b, RFC 7693)."""
    return hashlib.blake2b(commitment.encode(), digest_size=16, key=bytes.fromhex(key)).hexdigest()


def public_heads(heads: Sequence[Head]) -> list[tuple[str, str]]:
    """What the edition publishes of them."""
    return [(head.name, head.digest) for head in heads]


def faults(edition: Edition) -> Iterator[EditionFault]:
    """Recompute the edition's sums, then the chain up to each of its heads; yields what does not hold.

    Of each watched URL, the first check that is not the one the edition was made from.
    """
    yield from _changed_files(edition)
    for head in _trail(edition):
        if problem := _first_fault(head):
            yield problem


def checked(edition: Edition) -> tuple[int, int]:
    """How many watched URLs and checks stand behind an edition."""
    trail = _trail(edition)
    return len(trail), sum(head.checks for head in trail)


def _changed_files(edition: Edition) -> Iterator[EditionFault]:
    files = {file.name: _unpacked(bytes(file.packed)) for file in edition.files.filter(public=True)}
    named = {name: digest for digest, _, name in map(_parted, files.pop(SUMS, b"").decode().splitlines())}
    for name in sorted(named.keys() | files.keys()):
        if name not in files:
            yield EditionFault(name, "is missing")
        elif hashlib.sha256(files[name]).hexdigest() != named.get(name):
            yield EditionFault(name, "is not what SHA256SUMS was made for")
    published = files.get(HEADS_FILE, b"").decode().splitlines()[1:]
    if published != [f"{head.name},{head.digest}" for head in _trail(edition)]:
        yield EditionFault(HEADS_FILE, "does not name the heads that this site kept beside it")


def _parted(line: str) -> tuple[str, str, str]:
    """A line of SHA256SUMS."""
    return line.partition("  ")


def _unpacked(packed: bytes) -> bytes:
    try:
        return zlib.decompress(packed)
    except zlib.error:
        return b""


def _first_fault(head: Head) -> EditionFault | None:
    target = Target.objects.filter(pk=head.target).only("pk", "commitment").first()
    if target is None:
        return EditionFault(f"target {head.target}", "is missing")
    previous, expected = "", 1
    checks = Check.objects.filter(target=target, number__lte=head.checks).order_by("number")
    for check in checks.iterator(1000):
        if check.number != expected:
            break
        if check.digest != ledger.digest(check, target_commitment=target.commitment, previous=previous):
            return _at(head, check.number, "is not what its digest was made for")
        if check.note and check.note_commitment != ledger.note_commitment(check.note, check.note_salt):
            return _at(head, check.number, "has another note than its digest was made for")
        previous, expected = check.digest, expected + 1
    if expected <= head.checks:
        return _at(head, expected, "is missing")
    if previous != head.digest:
        return _at(head, head.checks, "or one before it was made anew: its digest is not the edition's head")
    return None


def _at(head: Head, number: int, problem: str) -> EditionFault:
    return EditionFault(f"target {head.target}: check {number}", problem)


def trail_file(heads: Sequence[Head]) -> File:
    """The heads as this site keeps them beside an edition, for nobody else."""
    return File(TRAIL, JSON, json.dumps(heads, separators=(",", ":")).encode(), public=False)


def _trail(edition: Edition) -> list[Head]:
    file = edition.files.filter(name=TRAIL).first()
    return [Head(*row) for row in json.loads(zlib.decompress(file.packed))] if file else []
