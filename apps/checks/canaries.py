"""The URLs that show whether a platform answers, and is read, as its definition has it. Pure.

A known-good URL of a kind is certainly up, and has to be read so; a known-missing one certainly leads
nowhere, and has to be read as removed. The definition's own `canary` is a known-good URL for the kinds that
have none.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from apps.core.canonical import canonicalise
from apps.platforms.matching import Match, match
from apps.platforms.schema import Definition

from .outcomes import Outcome, Reason


@dataclass(frozen=True, slots=True)
class CanaryURL:
    """A URL of `platform` (a definition's slug) that vouches for a kind, or, with "", for those without.

    It is to be read as `expects`: available (known-good) or removed (known-missing). `needs_person` says
    that most checks of the kind tell nothing, so that an inconclusive reading is no news.
    """

    platform: str
    kind: str
    expects: Outcome
    match: Match
    needs_person: bool = False


@dataclass(frozen=True, slots=True)
class CanaryReading:
    """What a canary answered, and by which signal it was read so."""

    canary: CanaryURL
    outcome: Outcome
    reason: Reason
    signal: str
    finished_at: datetime
    identity: str = ""  # what is to be kept of the one that it told
    retry_after: datetime | None = None  # real time before which its host does not want to be asked again


def canaries_of(definition: Definition) -> tuple[CanaryURL, ...]:
    """All canaries of a definition, by kind in its order, and then its own; no URL twice."""
    found: list[CanaryURL] = []
    for name in definition.kind_names:
        kind = definition.kind(name)
        if kind is None:
            continue
        needs_person = bool(kind.needs_person)
        for url, expects in (
            (kind.known_good, Outcome.AVAILABLE),
            (kind.known_missing, Outcome.REMOVED),
        ):
            if url:
                found.append(
                    CanaryURL(definition.slug, name, expects, match(canonicalise(url)), needs_person)
                )
    if definition.canary:
        own = match(canonicalise(definition.canary))
        if all(one.match.key != own.key for one in found):
            found.append(CanaryURL(definition.slug, "", Outcome.AVAILABLE, own))
    return tuple(found)


def witness(definition: Definition, kind: str, outcome: Outcome) -> CanaryURL | None:
    """The canary that vouches for an outcome of a kind: one that is known to be otherwise.

    For what reads removed that is a known-good URL: the kind's own, or the definition's. None where the
    definition knows of none.
    """
    expects = Outcome.AVAILABLE if outcome == Outcome.REMOVED else Outcome.REMOVED
    found = canaries_of(definition)
    own = next((one for one in found if one.kind == kind and one.expects == expects), None)
    if own is not None or expects == Outcome.REMOVED or not definition.canary:
        return own
    key = match(canonicalise(definition.canary)).key
    return next(one for one in found if one.match.key == key)
