"""What ties an edition to the checks that it was made from, and the proof that they are still the same.

An edition publishes the last digest of each watched URL, under a name that stands for the URL in this
campaign alone: the keyed hash of the ledger's own commitment to it. Whoever holds an evidence bundle finds
its heads there; nobody finds a URL. How many checks a head covers stays on this site: it is what the proof
needs to name the check that is not the one it was.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import chain, zip_longest
from pathlib import Path
from typing import NamedTuple

import numpy as np

from apps.checks import ledger
from apps.checks.models import Check, Erasure, Target
from apps.core.bulk import among
from apps.metrics.reading import Whole

from .edition_files import HEADS_FILE, SUMS, File, made
from .models import Edition, EditionFile, EditionPiece, content_of

TRAIL = "ledger-trail.jsonl"
JSON_LINES = "application/jsonl; charset=utf-8"


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


def heads_of(targets: Whole, *, key: str) -> Iterator[Head]:
    """The chains of the targets of these numbers, as far as they were looked at, by their public names."""
    looked_at = Target.objects.filter(pk__in=among(np.unique(targets)), check_count__gt=0)
    rows = looked_at.values_list("pk", "commitment", "check_count", "head_digest").iterator()
    return _in_order(
        Head(public_name(key, commitment), pk, checks, digest) for pk, commitment, checks, digest in rows
    )


def _in_order(heads: Iterable[Head]) -> Iterator[Head]:
    """Sorted by name, however many there are: on disk, in a file without a name that goes by itself."""
    with closing(sqlite3.connect("")) as kept:
        kept.execute("CREATE TABLE head (name TEXT, target INTEGER, checks INTEGER, digest TEXT)")
        kept.executemany("INSERT INTO head VALUES (?, ?, ?, ?)", heads)
        yield from map(Head._make, kept.execute("SELECT * FROM head ORDER BY name"))


def public_name(key: str, commitment: str) -> str:
    """What stands for a watched URL in the editions of the campaign with that key (BLAKE2b, RFC 7693)."""
    return hashlib.blake2b(commitment.encode(), digest_size=16, key=bytes.fromhex(key)).hexdigest()


def trail_file(targets: Whole, *, key: str, folder: Path) -> File:
    """The heads as this site keeps them beside an edition, for nobody else, written to a folder."""
    lines = (json.dumps(head, separators=(",", ":")).encode() + b"\n" for head in heads_of(targets, key=key))
    return made(folder, TRAIL, JSON_LINES, lines, public=False)


def public_heads(trail: File) -> Iterator[tuple[str, str]]:
    """What the edition publishes of them."""
    return ((head.name, head.digest) for head in _heads(trail.packed.content()))


def faults(edition: Edition) -> Iterator[EditionFault]:
    """Recompute the edition's sums, then the chain up to each of its heads; yields what does not hold.

    Of each watched URL, the first check that is not the one the edition was made from.
    """
    yield from _changed_files(edition)
    for head in trail(edition):
        if problem := _first_fault(head):
            yield problem


def checked(edition: Edition) -> tuple[int, int]:
    """How many watched URLs and checks stand behind an edition."""
    targets = checks = 0
    for head in trail(edition):
        targets += 1
        checks += head.checks
    return targets, checks


def _changed_files(edition: Edition) -> Iterator[EditionFault]:
    files = {file.name: file for file in edition.files.filter(public=True)}
    sums = files.pop(SUMS, None)
    named = {name: digest for digest, _, name in map(_parted, lines_of(sums))}
    for name in sorted(named.keys() | files.keys()):
        if name not in files:
            yield EditionFault(name, "is missing")
        elif _sum(_unpacked(files[name])) != named.get(name):
            yield EditionFault(name, "is not what SHA256SUMS was made for")
    published = lines_of(files.get(HEADS_FILE))
    next(published, None)  # the names of the columns
    kept = (f"{head.name},{head.digest}" for head in trail(edition))
    if any(one != other for one, other in zip_longest(published, kept)):
        yield EditionFault(HEADS_FILE, "does not name the heads that this site kept beside it")


def _parted(line: str) -> tuple[str, str, str]:
    """A line of SHA256SUMS."""
    return line.partition("  ")


def lines_of(file: EditionFile | None) -> Iterator[str]:
    """The lines of an edition's text file, without their ends; they end where it cannot be read."""
    return _lines(_unpacked(file))


def _unpacked(file: EditionFile | None) -> Iterator[bytes]:
    """A file's content, a piece at a time; it ends where a piece cannot be read."""
    if file is not None:
        try:
            yield from content_of(file)
        except (zlib.error, EditionPiece.DoesNotExist):
            return


def _sum(pieces: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()


def _lines(pieces: Iterable[bytes]) -> Iterator[str]:
    """The lines of a text that comes in pieces of any length, without their ends."""
    rest = b""
    for piece in chain(pieces, [b"\n"]):
        *lines, rest = (rest + piece).split(b"\n")
        yield from (line.decode().removesuffix("\r") for line in lines if line)


def _first_fault(head: Head) -> EditionFault | None:
    target = Target.objects.filter(pk=head.target).select_related("erasure").first()
    if target is None:
        return EditionFault(f"target {head.target}", "is missing")
    if not target.key:
        return _fault_of_erased(head, target)
    chain = ledger.Chain(target)
    checks = Check.objects.filter(target=target, number__lte=head.checks).order_by("number")
    for check in checks.iterator(1000):
        if fault := chain.follow(check):
            return _at(head, fault.check_number, fault.problem)
    digest, number = chain.previous, chain.expected
    if number <= head.checks and len(digests := chain.digests_ahead()) > head.checks - number:
        # The head is one of a stretch that was folded away since: the check after it vouches for it.
        digest = digests[head.checks - number]
        after = Check.objects.filter(target=target, number=number + len(digests)).first()
        if after is not None and (fault := chain.follow(after)):
            return _at(head, fault.check_number, fault.problem)
        number = head.checks + 1 if after is not None else number
    if number <= head.checks:
        return _at(head, number, "is missing")
    if digest != head.digest:
        return _at(head, head.checks, "or one before it was made anew: its digest is not the edition's head")
    return None


def _fault_of_erased(head: Head, target: Target) -> EditionFault | None:
    """An erased target's checks cannot be worked out again: they and the head have to be as left then."""
    fault = ledger.fault_of(target)
    if fault is not None:
        return _at(head, fault.check_number, fault.problem)
    if head.digest == target.head_digest:
        return None
    if ledger.digest_at(target, head.checks) != head.digest:
        return _at(head, head.checks, "of an erased target has another digest than the edition's head")
    return None


def erased(edition: Edition) -> int:
    """How many of the watched URLs behind an edition have been erased since it was made, or before."""
    targets = [head.target for head in trail(edition)]
    return sum(
        Erasure.objects.filter(target__in=targets[start : start + 1000]).count()
        for start in range(0, len(targets), 1000)
    )


def _at(head: Head, number: int, problem: str) -> EditionFault:
    return EditionFault(f"target {head.target}: check {number}", problem)


def trail(edition: Edition) -> Iterator[Head]:
    """The heads that this site keeps beside an edition."""
    file = edition.files.filter(name=TRAIL).first()
    return _heads(content_of(file)) if file else iter(())


def _heads(pieces: Iterable[bytes]) -> Iterator[Head]:
    return (Head(*json.loads(line)) for line in _lines(pieces))
