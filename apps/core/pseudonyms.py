"""Names that stand for something in public and lead nowhere.

A name is the keyed hash (BLAKE2b, RFC 7693) of a record's own number. Whoever has the key and the database
can find the record again, as the campaign's members must; without the key the numbers cannot be tried out one
after the other, as they could be with a plain hash. Two keys give names that cannot be linked.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable

BYTES = 10  # 80 bits: in a million names, two are alike by chance once in 10**12 campaigns
LENGTH = 2 * BYTES  # characters


def new_key() -> str:
    """256 random bits, in hexadecimal."""
    return secrets.token_hex(32)


def pseudonyms(key: str, numbers: Iterable[int]) -> list[str]:
    """The names of records' numbers under `key`: 20 hexadecimal digits each."""
    secret = bytes.fromhex(key)
    named = hashlib.blake2b
    return [named(b"%d" % number, digest_size=BYTES, key=secret).hexdigest() for number in numbers]
