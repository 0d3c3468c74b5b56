"""The secrets of API tokens: how one is made, shown and recognised.

A token is 256 random bits, so nobody can try out tokens or compute one back from its digest. A slow hash,
which protects what people choose themselves, would protect nothing here and cost every request; SHA-256 is
enough. It is found by its digest, which whoever tries cannot steer, so that nothing is told by how long a
comparison takes.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass

PREFIX = "stillup_"
"""What every token begins with, so that programs that look for leaked secrets can find it."""

RANDOM_BYTES = 32
PATTERN = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{43}}")
SHOWN = len(PREFIX) + 8
"""How many characters of a token stay readable, to find it in a list: 48 of its 256 bits."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A new token. `text` is handed over once and kept nowhere; `start` and `digest` are what is kept."""

    text: str
    start: str
    digest: str

    def __repr__(self) -> str:
        return f"Secret({self.start}…)"


def new_secret() -> Secret:
    """A token that nobody has."""
    text = PREFIX + secrets.token_urlsafe(RANDOM_BYTES)
    return Secret(text, text[:SHOWN], digest_of(text))


def digest_of(text: str) -> str:
    """What stands for a token in the database: its SHA-256 in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()
