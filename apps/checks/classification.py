"""What a check would say of a URL, and what each signal said on the way. Nothing is recorded.

The command `classify` and the page of that name both print what is found here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from apps.platforms import registry
from apps.platforms.matching import Match, template_parameters
from apps.platforms.schema import Signal, When, expand

from .answer import Answer, Ask, Fetch, Observation
from .canaries import canaries_of, known_good
from .conditions import condition_words, first_lacking, whole_site_words
from .observe import facts_of, observe, read_canary
from .outcomes import Outcome, Reason
from .replay import Replay
from .siblings import Siblings
from .signals import Reading
from .staleness import is_right
from .verdict import (
    GENERIC,
    SIBLING,
    candidates,
    comparison_name,
    facts_beside,
    is_set_aside,
    probe_of,
    probes_of,
)

RECORDED = "a recording"  # stands for the place that a recording was made from, which it does not say


@dataclass(frozen=True, slots=True)
class Said:
    """What one signal said of one answer.

    `origin` is the slug of its definition, or "generic". `lacks` is the first of its conditions that does not
    hold; None where all hold. `set_aside` marks a claim about a whole site that the rest of it does not bear
    out. Of the signals that hold, the first `decided`.
    """

    origin: str
    signal: Signal
    lacks: When | None
    decided: bool
    set_aside: bool = False

    @property
    def holds(self) -> bool:
        """Whether all its conditions hold."""
        return self.lacks is None and not self.set_aside

    @property
    def lacking(self) -> str:
        """The first condition that does not hold, in words; "" where all hold."""
        if self.set_aside:
            return whole_site_words()
        return "" if self.lacks is None else condition_words(self.lacks)[0]

    @property
    def name(self) -> str:
        """As a verdict names it: `huggingface:up@1`."""
        return f"{self.origin}:{self.signal.name}"

    @property
    def outcome(self) -> Outcome | None:
        """What it says where it holds; None for one that goes on to ask another probe."""
        return Outcome(self.signal.outcome) if self.signal.outcome else None

    @property
    def reason(self) -> Reason | None:
        """Why, where it holds; None for one that goes on to ask another probe."""
        return Reason(self.signal.reason) if self.signal.reason else None


@dataclass(frozen=True, slots=True)
class Step:
    """One answer of a look, and what each signal that may decide says of it, in the order of the asking.

    The answer for an address that cannot exist is only compared; no signal speaks of it.
    """

    answer: Answer
    said: tuple[Said, ...]

    @property
    def facts(self) -> Mapping[str, object]:
        """What a check would keep of the answer."""
        return facts_of(self.answer)

    @property
    def own(self) -> tuple[Said, ...]:
        """What the signals of the platform's definition say."""
        return tuple(one for one in self.said if one.origin != GENERIC)

    @property
    def generic(self) -> tuple[Said, ...]:
        """What the rules for every site say: walls, which are looked at first, then answers or failures."""
        return tuple(one for one in self.said if one.origin == GENERIC)

    @property
    def decided(self) -> Said | None:
        """The signal that decided what this answer means, or where to ask next."""
        return next((one for one in self.said if one.decided), None)


@dataclass(frozen=True, slots=True)
class Canary:
    """What the platform's known-good URL answered."""

    url: str
    outcome: Outcome
    reason: Reason


@dataclass(frozen=True, slots=True)
class Classification:
    """What a check would say. `missing` are the URLs that a recording lacks."""

    found: Match
    seen: bool
    observation: Observation
    outcome: Outcome
    reason: Reason
    definitive: bool
    steps: tuple[Step, ...]
    canary: Canary | None = None
    missing: tuple[str, ...] = ()

    @property
    def compared(self) -> bool:
        """Whether the comparison with an address that cannot exist decided, against the signal that held."""
        return self.observation.verdict.signal == comparison_name()

    @property
    def never_seen(self) -> bool:
        """Whether a signal that holds did not count, because the target was never seen available."""
        decided = next((step.decided for step in reversed(self.steps) if step.said), None)
        return decided is not None and decided.signal.needs_seen and not self.seen


def classify(found: Match, fetch: Fetch, *, seen: bool) -> Classification:
    """Look at a URL as a check does. `seen`: judge it as a target that was seen available before.

    It is judged as one that is not held as gone: for a return, a check asks more (`observe`).

    `fetch` is the network or a recording. A platform's canary is looked at before a removal is believed; a
    recording is held to that only where it begins to hold the canary's exchange.
    """
    heard = Hearing(fetch)
    place = RECORDED if isinstance(fetch, Replay) else None
    observation = observe(found, fetch=heard, seen_available=seen, siblings=Siblings(), place=place)
    verdict, canary = observation.verdict, None
    if verdict.outcome == Outcome.REMOVED:
        canary = _ask_canary(found, fetch)
    outcome, reason, definitive = verdict.outcome, verdict.reason, verdict.definitive
    if canary is not None and not is_right(Outcome.AVAILABLE, canary.outcome, canary.reason):
        lacking = canary.reason == Reason.NOT_RECORDED
        outcome, definitive = Outcome.INCONCLUSIVE, False
        reason = Reason.NOT_RECORDED if lacking else Reason.CANARY_FAILED
    return Classification(
        found=found,
        seen=seen,
        observation=observation,
        outcome=outcome,
        reason=reason,
        definitive=definitive,
        steps=explain(found, heard.answers),
        canary=canary,
        missing=tuple(fetch.missing) if isinstance(fetch, Replay) else (),
    )


@dataclass(slots=True)
class Hearing:
    """Passes asks on, and keeps the answers for as long as it lives."""

    fetch: Fetch
    answers: list[Answer] = field(default_factory=list)

    def __call__(self, ask: Ask) -> Answer:
        answer = self.fetch(ask)
        self.answers.append(answer)
        return answer


def explain(found: Match, answers: Sequence[Answer]) -> tuple[Step, ...]:
    """What each signal says of each answer. Pure, like the verdict itself."""
    params = template_parameters(found)
    beside = facts_beside(answers)
    steps = []
    asked: set[str] = set()
    for answer in answers:
        if answer.ask.name == SIBLING or answer.failure == Reason.NOT_RECORDED:
            steps.append(Step(answer, ()))
            continue
        asked.add(answer.ask.name)
        probe = probe_of(found, answer)
        reading = Reading(answer, asked_of=found.key, params=params, json_after=probe.json_after)
        said: list[Said] = []
        for origin, signal in candidates(found, probe, answer, already=set(asked)):
            lacks = first_lacking(signal.when, reading)
            set_aside = lacks is None and is_set_aside(found, reading, signal, beside)
            decided = lacks is None and not set_aside and not any(one.decided for one in said)
            said.append(Said(origin, signal, lacks, decided, set_aside))
        steps.append(Step(answer, tuple(said)))
    return tuple(steps)


def _ask_canary(found: Match, fetch: Fetch) -> Canary | None:
    """Look at the platform's known-good URL; None where it has none, or a recording does not begin to."""
    definition = registry.definition(found.definition)
    wanted = known_good(canaries_of(definition), found.kind) if definition is not None else None
    if wanted is None:
        return None
    first_asks = [
        expand(probe.url, template_parameters(wanted.match)) for probe in probes_of(wanted.match)[:1]
    ]
    if isinstance(fetch, Replay) and not any(map(fetch.holds, first_asks)):
        return None
    reading = read_canary(wanted, fetch=fetch)
    return Canary(wanted.match.key, reading.outcome, reading.reason)
