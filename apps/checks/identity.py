"""Whether what answers at an address is still the thing that was reported. Pure.

What a path points at can change owner: a model is deleted, and somebody else makes another of its name. Where
a platform gives a thing a name that stays with it (`identity` of a probe), it is kept at the first check that
gives it. Another thing at the same address later is not the item, and no return of it: the reported thing is
no longer there. Who took it away is not known from that, and a platform may one day give all its things new
names; so it is removed (`replaced`) with the usual confirmation, and only while the platform's known-good URL
still has the name that it had.

An identity can be somebody's name, so only a salted digest of it is kept, with the target and in each check.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from .answer import Identity, Verdict
from .outcomes import Outcome, Reason, shows_item

REPLACED = "generic:identity@1"  # named where the identity, not the signal, decided


LONGEST_PROBE = 100  # characters of a probe's name that are kept


@dataclass(frozen=True, slots=True)
class KnownIdentity:
    """What is kept of a target's identity, under its salt; `kept` is "" while none was told."""

    salt: str
    kept: str = ""

    def to_keep(self, told: Identity) -> str:
        """The probe's name, and a digest that only the same identity and salt give (SHA-256, hexadecimal)."""
        digest = hashlib.sha256("\n".join((self.salt, told.probe, told.value)).encode()).hexdigest()
        return f"{told.probe[:LONGEST_PROBE]}:{digest}"

    def is_another(self, told: Identity | None) -> bool:
        """Whether `told` is of another thing; never, if another probe told it: that may name it otherwise."""
        if told is None or self.kept.rpartition(":")[0] != told.probe[:LONGEST_PROBE]:
            return False
        return self.to_keep(told) != self.kept


def held_against(verdict: Verdict, told: Identity | None, known: KnownIdentity | None) -> Verdict:
    """The verdict once the identity that the answers told is held against the one that is kept."""
    seen = shows_item(verdict.outcome, verdict.reason)
    if known is None or not seen or not known.is_another(told):
        return verdict
    return replace(
        verdict, outcome=Outcome.REMOVED, reason=Reason.REPLACED, definitive=False, signal=REPLACED
    )
