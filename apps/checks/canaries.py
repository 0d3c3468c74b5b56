"""The URLs that show whether a platform answers, and is read, as its definition has it. Pure.

A known-good URL of a kind is certainly up, and has to be read so; a known-missing one certainly leads
nowhere, and has to be read as removed. The definition's own `canary` is a known-good URL for the kinds that
have none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from apps.core.canonical import canonicalise
from apps.platforms.matching import Match, match
from apps.platforms.schema import Definition

from .answer import Sign
from .outcomes import Fault, Outcome, Reason, shows_item
from .staleness import PROBE_EVERY, CanaryState, is_right

READING_HOLDS = 2 * PROBE_EVERY  # how long the daily reading of a known-missing URL speaks for its kind


@dataclass(frozen=True, slots=True)
class CanaryURL:
    """A URL of `platform` (a definition's slug) that is known to be up, or known to lead nowhere.

    `kind` is the one that it vouches for; "" where it is of no kind that names it. It is to be read as
    `expects`: available (known-good) or removed (known-missing). `for_all`: it is the definition's own, which
    vouches for the kinds without a known-good URL. `needs_person` says that most checks of the kind tell
    nothing, so that an inconclusive reading is no news.
    """

    platform: str
    kind: str
    expects: Outcome
    match: Match
    for_all: bool = False
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
    sign: Sign = Sign.PLAIN  # of our own line


def canaries_of(definition: Definition) -> tuple[CanaryURL, ...]:
    """All canaries of a definition, by kind in its order, and then its own; no URL twice."""
    own = match(canonicalise(definition.canary)) if definition.canary else None
    found: list[CanaryURL] = []
    for name in definition.kind_names:
        kind = definition.kind(name)
        if kind is None:
            continue
        for url, expects in (
            (kind.known_good, Outcome.AVAILABLE),
            (kind.known_missing, Outcome.REMOVED),
        ):
            if url:
                known = match(canonicalise(url))
                for_all = own is not None and known.key == own.key
                needs_person = bool(kind.needs_person)
                found.append(CanaryURL(definition.slug, name, expects, known, for_all, needs_person))
    if own is not None and not any(one.for_all for one in found):
        found.append(CanaryURL(definition.slug, "", Outcome.AVAILABLE, own, for_all=True))
    return tuple(found)


def known_good(canaries: Iterable[CanaryURL], kind: str) -> CanaryURL | None:
    """The known-good URL for a kind among its definition's canaries: its own, or the definition's."""
    good = [one for one in canaries if one.expects == Outcome.AVAILABLE]
    own = next((one for one in good if one.kind == kind), None)
    return own or next((one for one in good if one.for_all), None)


@dataclass(frozen=True, slots=True)
class Witness:
    """The canary that an outcome rests on.

    `ask`: it has to be read for this round, after the answer that it vouches for; else its last reading
    counts. `must_be_right`: an inconclusive reading vouches for nothing; else only a wrong one speaks against
    the outcome.
    """

    canary: CanaryURL
    ask: bool
    must_be_right: bool

    def believes(self, outcome: Outcome | str, reason: Reason | str) -> bool:
        """Whether the outcome stands if the canary was read so."""
        right = is_right(self.canary.expects, outcome, reason)
        return bool(right) if self.must_be_right else right is not False


def witness(
    canaries: Mapping[CanaryURL, CanaryState],
    kind: str,
    *,
    outcome: Outcome,
    reason: Reason,
    was_gone: bool,
    now: datetime,
) -> Witness | None:
    """What vouches for an outcome of a kind; None where nothing has to, or nothing can.

    `canaries` are those of the kind's definition, and how they were last read. `was_gone`: the target was
    suspected or removed.

    1. What reads removed needs a known-good URL that was read as up in the same round: the kind's own, or
       the definition's. A page that fails for everything would otherwise pass for removals.
    2. What reads up though it was gone is news, too: it needs the kind's known-missing URL, read as removed
       in the same round. A platform that begins to show its not-found page in another way would otherwise
       bring everything back.
    3. What reads up as before is no news, and comes with every look. There the known-missing URL's daily
       reading counts, and it is asked only if that is missing or old. If it was read as up, nothing of its
       kind can be told from what is missing.
    4. A canary whose fault a person has accepted vouches for nothing.
    """
    trusted = [one for one, state in canaries.items() if state.accepted != Fault.WRONG]
    if outcome == Outcome.REMOVED:
        good = known_good(trusted, kind)
        return Witness(good, ask=True, must_be_right=True) if good is not None else None
    missing = next((one for one in trusted if (one.kind, one.expects) == (kind, Outcome.REMOVED)), None)
    if missing is None or not shows_item(outcome, reason):
        return None
    read_at = canaries[missing].checked_at
    old = read_at is None or now - read_at > READING_HOLDS
    return Witness(missing, ask=was_gone or old, must_be_right=was_gone)
