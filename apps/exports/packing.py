"""Files in pieces, each compressed by itself, so that none ever has to be in memory as a whole."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

PIECE = 1 << 20  # bytes, before compression


@dataclass(frozen=True, slots=True)
class Packed:
    """A file on disk, its compressed pieces one after the other.

    `lengths` are those of the compressed pieces, in bytes; `size` and `sha256` are of the content.
    """

    path: Path
    lengths: tuple[int, ...]
    size: int
    sha256: str

    def pieces(self) -> Iterator[bytes]:
        """The compressed pieces (zlib, RFC 1950)."""
        with self.path.open("rb") as file:
            for length in self.lengths:
                yield file.read(length)

    def content(self) -> Iterator[bytes]:
        """The content, a piece at a time."""
        return map(zlib.decompress, self.pieces())


def pack(path: Path, chunks: Iterable[bytes]) -> Packed:
    """Write what comes in chunks of any length to a file, in compressed pieces of PIECE bytes each."""
    lengths, size, digest = [], 0, hashlib.sha256()
    with path.open("wb") as file:
        for piece in _of_one_length(chunks):
            size += len(piece)
            digest.update(piece)
            lengths.append(file.write(zlib.compress(piece, 9)))
    return Packed(path, tuple(lengths), size, digest.hexdigest())


def _of_one_length(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces of PIECE; the last one has the rest, if there is any."""
    waiting = bytearray()
    for chunk in chunks:
        waiting += chunk
        while len(waiting) >= PIECE:
            yield bytes(waiting[:PIECE])
            del waiting[:PIECE]
    if waiting:
        yield bytes(waiting)
