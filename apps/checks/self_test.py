"""Runs the cases of definitions: what a definition says of the exchanges in each, and what it should say.

No network is used. A case is judged by the same code as a real check, over a replay of its exchanges.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from apps.core import clock
from apps.core.canonical import UnusableURL, canonicalise
from apps.platforms import registry
from apps.platforms.cases import SIBLING as BESIDE
from apps.platforms.cases import Case
from apps.platforms.matching import Match, match
from apps.platforms.schema import Definition

from . import replay
from .answer import Answer, Ask, Verdict
from .observe import observe
from .outcomes import REASONS_OF, Outcome, Reason
from .siblings import Siblings, compared_with

TOKEN = "a-token-of-the-case"  # noqa: S105 - stands for the platform's token in cases with `token = true`


@dataclass(frozen=True, slots=True)
class Result:
    """One case that was run. `outcome` is what the check came to ("" if it could not be run).

    `signals` are the ids of the definition's own signals that had a say: those that sent it on to another
    probe, and the one that decided. `problems` are sentences; a case without any is right.
    """

    case: Case
    outcome: str
    signals: frozenset[str]
    problems: tuple[str, ...]

    @property
    def right(self) -> bool:
        """Whether the definition said what the case expects."""
        return not self.problems

    @property
    def falsely_removed(self) -> bool:
        """Whether it said removed of what is not: the mistake that weighs most."""
        return self.outcome == Outcome.REMOVED and self.case.outcome != Outcome.REMOVED


@dataclass(frozen=True, slots=True)
class Row:
    """The cases of one kind of a platform, counted. `inconclusive` is how many of all came out so."""

    platform: str
    kind: str
    cases: int
    right: int
    wrong: int
    inconclusive: int


def run_cases(definition: Definition) -> tuple[Result, ...]:
    """Run the cases of a definition, in their order. Raises DefinitionError if the file cannot be used."""
    return tuple(run_case(definition, case) for case in registry.cases(definition.slug))


def run_case(definition: Definition, case: Case) -> Result:
    """Run one case, for a target that was seen before, for one that never was, or for both, as it says."""
    try:
        found = match(canonicalise(case.url))
    except UnusableURL as error:
        return Result(case, "", frozenset(), (f"url: {error}",))
    problems = _problems_of_case(case) + _problems_of_match(definition, case, found)
    if problems:
        return Result(case, "", frozenset(), tuple(problems))
    signals: set[str] = set()
    outcome = ""
    for seen in (False, True) if case.seen is None else (case.seen,):
        run = _Run(found, case, seen=seen)
        signals |= run.signals_of(definition)
        # Of two ways that differ, the one that says removed is the one to show.
        outcome = str(run.verdict.outcome) if outcome != Outcome.REMOVED else outcome
        problems += [
            problem if case.seen is not None else f"{problem} ({'seen before' if seen else 'never seen'})"
            for problem in run.problems()
        ]
    if case.seen and not problems:
        never_seen = _Run(found, case, seen=False)
        if never_seen.verdict.outcome == Outcome.REMOVED:
            problems.append("is removed for a target that was never seen, too: leave out seen = true")
    return Result(case, outcome, frozenset(signals), tuple(dict.fromkeys(problems)))


def exchanges_of(found: Match, case: Case) -> list[replay.Exchange]:
    """The exchanges of a case, ready to be replayed for what its URL matches."""
    now = clock.now()
    return [
        replay.Exchange(
            url=replay.comparable(_address(found, exchange.url)),
            post=replay.comparable_json(exchange.post),
            status=exchange.status,
            headers=exchange.headers,
            body=exchange.body,
            started_at=now,
            failure=Reason(exchange.failure) if exchange.failure else None,
            detail=exchange.detail,
            address=exchange.address,
        )
        for exchange in case.exchanges
    ]


def _problems_of_case(case: Case) -> list[str]:
    problems = []
    if case.outcome not in Outcome.values:
        problems.append(f'outcome "{case.outcome}": write one of {", ".join(Outcome.values)}')
    elif case.reason not in REASONS_OF[Outcome(case.outcome)]:
        allowed = ", ".join(sorted(REASONS_OF[Outcome(case.outcome)]))
        problems.append(f'reason "{case.reason}" does not go with {case.outcome}: write one of {allowed}')
    problems += [
        f'failure "{exchange.failure}" in line {exchange.line} is not a reason'
        for exchange in case.exchanges
        if exchange.failure and exchange.failure not in Reason.values
    ]
    return problems


def _problems_of_match(definition: Definition, case: Case, found: Match) -> list[str]:
    """What is not as the case has it of the URL itself."""
    compared = (
        ("definition", definition.slug, found.definition),
        ("kind", case.kind, found.kind),
        ("account", case.account, found.account),
        ("key", case.key, found.key),
    )
    return [
        f'{name} is "{got}" and should be "{wanted}"'
        for name, wanted, got in compared
        if wanted is not None and wanted != got
    ]


class _Run:
    """One check over the exchanges of a case."""

    def __init__(self, found: Match, case: Case, *, seen: bool) -> None:
        self.case = case
        self.exchanges = exchanges_of(found, case)
        self.replayed = replay.Replay(self.exchanges)
        self.asks: list[Ask] = []
        self.observation = observe(
            found,
            fetch=self._answer,
            seen_available=seen,
            siblings=Siblings(),
            token=TOKEN if case.token else "",
        )

    def _answer(self, ask: Ask) -> Answer:
        self.asks.append(ask)
        return self.replayed(ask)

    @property
    def verdict(self) -> Verdict:
        return self.observation.verdict

    def signals_of(self, definition: Definition) -> set[str]:
        """The ids of the definition's own signals that had a say."""
        named = [self.verdict.signal, *(ask.because for ask in self.asks)]
        owned = [name.partition(":")[2] for name in named if name.startswith(f"{definition.slug}:")]
        return {name.partition("@")[0] for name in owned}

    def problems(self) -> list[str]:
        """What is not as the case has it."""
        problems = [
            f"asks for {url}, which the case does not hold: add it under [[cases.exchanges]]"
            for url in self.replayed.missing
        ]
        if problems:
            return problems
        wanted = [exchange.url for exchange in self.exchanges]
        asked = list(dict.fromkeys(self.replayed.asked))
        never = [url for url in wanted if url not in asked]
        if never:
            problems += [f"never asks for {url}: take it out" for url in never]
        elif asked != wanted:
            problems.append(f"asks in another order: {', then '.join(asked)}")
        said, should = _spelled_of_verdict(self.verdict), _spelled_of_case(self.case)
        if said != should:
            problems.append(f"says {said} and should say {should}")
        told = self.observation.identity
        identity = told.value if told is not None else ""
        if self.case.identity is not None and identity != self.case.identity:
            problems.append(f'identity is "{identity}" and should be "{self.case.identity}"')
        return problems


def _address(found: Match, url: str) -> str:
    return (compared_with(found.key) or url) if url == BESIDE else url


def _spelled_of_verdict(verdict: Verdict) -> str:
    prefix, _, name = verdict.signal.partition(":")
    own = prefix not in {"generic", "checker"}
    signal = (name if own else verdict.signal).partition("@")[0]
    return _spelled(verdict.outcome, verdict.reason, signal, definitive=verdict.definitive)


def _spelled_of_case(case: Case) -> str:
    return _spelled(case.outcome, case.reason, case.signal, definitive=case.definitive)


def _spelled(outcome: str, reason: str, signal: str, *, definitive: bool) -> str:
    return f"{outcome} {reason}{' (definitive)' if definitive else ''} by {signal}"


# ---------------------------------------------------------------------------------- whether the cases suffice


def gaps(definition: Definition, results: Sequence[Result]) -> list[str]:
    """What the cases of a definition do not show, as sentences; [] where they suffice.

    - Each kind has a case that is removed, one that is up (available or restricted) and one that is
      inconclusive. Of a kind that needs a person the last is enough.
    - Each signal has a say in a case.
    """
    found = []
    for name in definition.kind_names:
        kind = definition.kind(name)
        outcomes = {result.case.outcome for result in results if result.case.kind == name}
        up = bool(outcomes & {Outcome.AVAILABLE, Outcome.RESTRICTED})
        if Outcome.INCONCLUSIVE not in outcomes:
            found.append(f"{name}: no case is inconclusive.")
        if kind is not None and kind.needs_person:
            continue
        if Outcome.REMOVED not in outcomes:
            found.append(f"{name}: no case is removed. If that cannot be told, say so in needs_person.")
        if not up:
            found.append(f"{name}: no case is available or restricted.")
    used = frozenset[str]().union(*(result.signals for result in results))
    found += [
        f"{signal.id}: no case shows this signal." for signal in definition.signals if signal.id not in used
    ]
    return found


def rows(definition: Definition, results: Iterable[Result]) -> list[Row]:
    """One row for each kind, those of the definition first, in its order."""
    by_kind: dict[str, list[Result]] = {name: [] for name in definition.kind_names}
    for result in results:
        by_kind.setdefault(result.case.kind, []).append(result)
    return [
        Row(
            platform=definition.slug or definition.name,
            kind=kind,
            cases=len(of_kind),
            right=sum(one.right for one in of_kind),
            wrong=sum(not one.right for one in of_kind),
            inconclusive=sum(one.outcome == Outcome.INCONCLUSIVE for one in of_kind),
        )
        for kind, of_kind in by_kind.items()
    ]
