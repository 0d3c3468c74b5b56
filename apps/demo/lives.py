"""What becomes of fictional items that are watched for months, look by look. Pure.

A life is worked out by the project's own rules: the cadence says when to look, the fold what that adds up to.
Its times are counted from the moment at which the item was reported, so one life serves many items.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random

from apps.checks import cadence
from apps.checks.answer import Answer, Ask
from apps.checks.observe import UNNAMED_PLACE, facts_of
from apps.checks.outcomes import Outcome, Reason, Status
from apps.checks.status import Change, Seen, State, fold

REPORTED = datetime(2000, 1, 1, tzinfo=UTC)
"""The moment from which the times of a life are counted."""

SHORTEST, LONGEST = timedelta(days=10), timedelta(days=400)  # since an item was reported
FEWEST_LOOKS, MOST_LOOKS = 2, 130  # of an item, on an average of all lives
SELDOM, OFTEN = 40, 70
"""Where fewer looks are wanted, the checker runs now and then; and it looks for returns once a week only."""

_GAP = cadence.SHORTEST_GAP.total_seconds()
_WEEK = cadence.LONGEST_GAP.total_seconds()
_EARLY = _GAP * cadence.AGE_SHARE  # seconds; before that age the gap is the shortest
_LATE = _WEEK * cadence.AGE_SHARE  # from that age on it is the longest


@dataclass(frozen=True, slots=True)
class Look:
    """One check of a life."""

    started_at: datetime
    finished_at: datetime
    outcome: Outcome
    reason: Reason
    definitive: bool
    signal: str
    http_status: int | None
    evidence: Mapping[str, object]
    manual: bool


@dataclass(frozen=True, slots=True)
class Life:
    """Looks at one item that was `followed` so long, what they add up to, and when it is looked at next."""

    looks: tuple[Look, ...]
    changes: tuple[Change, ...]
    state: State
    followed: timedelta
    next_at: datetime


@dataclass(frozen=True, slots=True)
class Sight:
    """What a look at an item meets."""

    outcome: Outcome
    reason: Reason
    signal: str
    status: int | None
    definitive: bool = False
    bytes: int = 0


UP = Sight(Outcome.AVAILABLE, Reason.OK, "generic:answers-as-itself@1", 200, bytes=31_482)
GATED = Sight(Outcome.RESTRICTED, Reason.GATED, "generic:gate@1", 200, bytes=12_207)
MISSING = Sight(Outcome.REMOVED, Reason.NOT_FOUND, "generic:not-found@1", 404, bytes=5_127)
GONE = Sight(Outcome.REMOVED, Reason.GONE, "generic:gone@1", 410, definitive=True, bytes=2_951)
LEGAL = Sight(Outcome.REMOVED, Reason.LEGAL, "generic:legal@1", 451, definitive=True, bytes=1_804)
SUSPENDED = Sight(Outcome.REMOVED, Reason.ACCOUNT_SUSPENDED, "generic:suspended@1", 403, definitive=True)
WALL = Sight(Outcome.INCONCLUSIVE, Reason.BOT_WALL, "generic:bot-wall@1", 403, bytes=7_310)
NO_ANSWER = Sight(Outcome.INCONCLUSIVE, Reason.TIMEOUT, "generic:no-answer-in-time@1", None)
LIMITED = Sight(Outcome.INCONCLUSIVE, Reason.RATE_LIMITED, "generic:rate-limited@1", 429)
BROKEN = Sight(Outcome.INCONCLUSIVE, Reason.SERVER_ERROR, "generic:server-error@1", 503)

NOISE_SHARE = 0.03  # of the looks cannot tell, whatever has become of the item
NOISE = (NO_ANSWER, LIMITED, BROKEN)
TRIALS, TRIED = 3, 100  # lives that are made to find out how many looks to wish for
FROM_THE_START_SHARE = 0.2  # of the lives are watched from their report on, however few looks are wanted
PERSON_SHARE = 0.02  # of the lives have a look by a person in them

FATES: Sequence[tuple[int, tuple[Sight, ...]]] = (
    (46, (UP,)),
    (20, (UP, MISSING)),
    (12, (UP, GONE)),
    (3, (UP, LEGAL)),
    (5, (UP, SUSPENDED)),
    (4, (UP, MISSING, UP)),
    (5, (UP, GATED)),
    (2, (GATED, MISSING)),
    (3, (UP, WALL)),
)
"""What becomes of an item, one thing after the other, and how many of a hundred it happens to."""


def lives(many: int, *, looks: float, waves: int, random: Random) -> list[Life]:
    """Different lives of so many looks on an average. `random` alone decides what is in them.

    Items are reported in `waves`, whose ages are spread evenly; life number n is of wave n modulo `waves`.
    Lives with few looks are of items that were reported before anybody watched them, as in lists that come
    with their own dates, and those with very few are watched by a checker that runs now and then.
    """
    wanted = looks
    for _ in range(TRIALS):
        # Marks, confirmations and what could not be told add looks: wish for as many fewer.
        tried = [_life(random.randrange(waves), waves, wanted, looks, random) for _ in range(TRIED)]
        wanted *= looks * TRIED / sum(len(life.looks) for life in tried)
    return [_life(number % waves, waves, wanted, looks, random) for number in range(many)]


def _life(wave: int, waves: int, wish: float, looks: float, random: Random) -> Life:
    """A life with a wish for so many looks, in a campaign of `looks` on an average."""
    followed = (
        SHORTEST + (LONGEST - SHORTEST) * ((wave + 0.5) / waves) + timedelta(hours=24 * random.random())
    )
    longest = followed.total_seconds()
    wanted = wish * random.uniform(0.6, 1.4)
    if random.random() < FROM_THE_START_SHARE:
        first = 0.0
    else:
        first = _age_after(max(_looks_until(longest) - max(wanted, SELDOM), 0.0))
    rest = timedelta(seconds=(longest - first) / wanted if looks < SELDOM else 0.0)
    share = _looks_until(longest) - _looks_until(first)
    (sights,) = random.choices([fate for _, fate in FATES], [weight for weight, _ in FATES])
    # In looks, not in seconds: so most things happen early, as the cadence expects.
    turns = sorted(_looks_until(first) + share * random.uniform(0.03, 0.85) for _ in sights[1:])
    becomes = list(zip([0.0, *map(_age_after, turns)], sights, strict=True))
    by_person = random.randrange(1, 12) if random.random() < PERSON_SHARE else 0

    looked: list[Look] = []
    changes: list[Change] = []
    state = State()
    at = REPORTED + timedelta(seconds=first)
    until = REPORTED + followed - timedelta(minutes=1)
    while True:
        # Whoever does the looking comes a little late.
        started = _with_fraction(at + timedelta(seconds=random.uniform(0.5, 20.0)), random)
        if started > until and looked:
            break
        age = (started - REPORTED).total_seconds()
        sight = [one for since, one in becomes if since <= age][-1]
        look = _look(sight, started, len(looked) + 1 == by_person, random)
        looked.append(look)
        seen = Seen(
            number=len(looked),
            started_at=look.started_at,
            finished_at=look.finished_at,
            outcome=look.outcome,
            reason=look.reason,
            definitive=look.definitive,
            manual=look.manual,
        )
        state, change = fold(state, seen)
        changes += [change] if change else []
        at = cadence.next_check_at(
            origins=[REPORTED],
            state=state,
            checked_at=look.finished_at,
            started_at=look.started_at,
            jitter=random.random(),
        )
        if state.status == Status.REMOVED and looks < OFTEN:
            rest = cadence.LONGEST_GAP
        at = max(at, look.finished_at + rest)
    return Life(tuple(looked), tuple(changes), state, max(followed, _end(looked)), at)


def _end(looked: Sequence[Look]) -> timedelta:
    return looked[-1].finished_at - REPORTED + timedelta(minutes=1)


def _look(sight: Sight, started: datetime, by_person: bool, random: Random) -> Look:
    if by_person and sight.outcome != Outcome.INCONCLUSIVE:
        manual = replace(sight, reason=Reason.PERSON, signal="", status=None, definitive=False)
        return _as_look(manual, started, started, {}, manual=True)
    if random.random() < NOISE_SHARE:
        sight = random.choice(NOISE)
    elapsed_ms = random.randrange(80, 900) if sight.status is not None else 20_000
    finished = started + timedelta(milliseconds=elapsed_ms)
    facts = {**_facts(sight), "elapsed_ms": elapsed_ms}
    if sight.bytes:
        facts["fingerprint"] = f"{random.getrandbits(64):016x}"
    evidence = {"answers": [facts], "place": UNNAMED_PLACE}
    return _as_look(sight, started, finished, evidence)


@cache
def _facts(sight: Sight) -> Mapping[str, object]:
    """What the checker would keep of an answer that looks like this."""
    return facts_of(
        Answer(
            Ask("page", "https://models.example.org/"),
            started_at=REPORTED,
            finished_at=REPORTED,
            status=sight.status,
            headers={"content-type": "text/html; charset=utf-8", "server": "example"},
            received_bytes=sight.bytes,
            failure=None if sight.status is not None else sight.reason,
            detail="" if sight.status is not None else "no answer in 20 s",
        )
    )


def _as_look(
    sight: Sight,
    started: datetime,
    finished: datetime,
    evidence: Mapping[str, object],
    *,
    manual: bool = False,
) -> Look:
    return Look(
        started_at=started,
        finished_at=finished,
        outcome=sight.outcome,
        reason=sight.reason,
        definitive=sight.definitive,
        signal=sight.signal,
        http_status=sight.status,
        evidence=evidence,
        manual=manual,
    )


def _with_fraction(moment: datetime, random: Random) -> datetime:
    """The moment with microseconds that are not 0, as real ones have."""
    return moment.replace(microsecond=random.randrange(1_000, 999_000) | 1)


def _looks_until(age: float) -> float:
    """How many looks the cadence makes until an age in seconds, without marks and confirmations."""
    if age <= _EARLY:
        return age / _GAP
    if age <= _LATE:
        return _EARLY / _GAP + cadence.AGE_SHARE * math.log(age / _EARLY)
    return _looks_until(_LATE) + (age - _LATE) / _WEEK


def _age_after(looks: float) -> float:
    """The age in seconds after so many looks: the inverse of `_looks_until`."""
    if looks <= _looks_until(_EARLY):
        return looks * _GAP
    if looks <= _looks_until(_LATE):
        return _EARLY * math.exp((looks - _EARLY / _GAP) / cadence.AGE_SHARE)
    return _LATE + (looks - _looks_until(_LATE)) * _WEEK
