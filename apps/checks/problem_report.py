"""What to hand in where a definition reads a platform wrongly: a recording and a test case, about an example.

Both are made from one look, reduced to what the signals look at (`reduction`). The case expects what a person
saw, so it fails until the definition is mended; then it stays, beside the others.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass

from apps.platforms import registry
from apps.platforms.cases import SIBLING as BESIDE
from apps.platforms.cases import Case, case_text
from apps.platforms.cases import Exchange as CaseExchange

from .answer import Answer
from .classification import Classification
from .har import har_text
from .outcomes import Outcome, Reason
from .reduction import CannotReduce, Reduced, reduce
from .replay import Exchange, comparable, comparable_json
from .verdict import GENERIC, SIBLING

TO_BE_WRITTEN = "to-be-written"
"""Stands in a case for the id of a signal that is not written yet."""

_DATE = (1980, 1, 1, 0, 0, 0)  # the first that a zip can tell

README = """\
A definition that reads a platform wrongly
==========================================

Platform:   {platform}
Kind:       {kind}
It says:    {outcome} ({reason}), by the signal {signal}
Should say: {should} ({should_reason})

What is in it
-------------

exchange.har
    What was asked and answered. The program says what it makes of it:
    python3 manage.py classify {url} --har exchange.har{seen} --explain
{case}
Nothing in these files is about the real thing. The address is an example of the same kind. Of each answer
there is only what the signals look at: its status, the texts that they look for, the places in its JSON,
and whether it was as long as they ask. All else is left out, or stands for itself as "example" or "other".
Every signal says of these answers what it said of the real ones.

What to do with it
------------------

Open an issue at the project that this program comes from, or hand it to whoever keeps your definitions, and
add the files. What tells the two apart may be something that no signal looks at yet, and that is then not in
these files: say what you saw, in words that name nobody. CONTRIBUTING.md in the program's folder says how a
definition is changed, and docs/design.md what can stand in it.
"""

_ABOUT_CASE = """\
{name}
    A test case. Add it to {place}.
    It fails until the {rules} say what they should; then put the id of the signal that decides in place
    of "{signal}".
"""


@dataclass(frozen=True, slots=True)
class Problem:
    """A reduced look, with what a person says that it should have come to."""

    reduced: Reduced
    outcome: Outcome
    reason: Reason
    seen: bool
    token: bool

    @property
    def case(self) -> Case:
        """The test case that fails until the definition is mended."""
        example = self.reduced.example
        return Case(
            name=f"a {example.kind} that a person found {self.outcome}",
            url=example.key,
            kind=example.kind,
            account=example.account or None,
            outcome=str(self.outcome),
            reason=str(self.reason),
            signal=TO_BE_WRITTEN if example.definition else f"{GENERIC}:{TO_BE_WRITTEN}",
            source="a verdict that was overruled in review",
            exchanges=tuple(case_exchanges(self.reduced)),
            seen=self.seen,
            token=self.token,
            origin="recorded",
        )


def problem_of(told: Classification, *, outcome: Outcome, reason: Reason) -> Problem:
    """Make a report of a look that came to something else than a person saw. Raises CannotReduce."""
    answers = [step.answer for step in told.steps]
    token = any("Authorization" in answer.ask.headers for answer in answers)
    reduced = reduce(told.found, answers, seen=told.seen, token=token)
    places: dict[tuple[str, str], Exchange] = {}
    for exchange in _all_exchanges(reduced):
        if places.setdefault((exchange.url, exchange.post), exchange) != exchange:
            raise CannotReduce(
                "One address answered in two ways during this look, which a recording cannot tell."
            )
    return Problem(reduced=reduced, outcome=outcome, reason=reason, seen=told.seen, token=token)


def reason_for(outcome: Outcome, reason: Reason) -> Reason:
    """The reason that a case gives for what a person saw: theirs, or the plainest of the outcome."""
    plain = {
        Outcome.AVAILABLE: Reason.OK,
        Outcome.RESTRICTED: Reason.GATED,
        Outcome.REMOVED: Reason.NOT_FOUND,
        Outcome.INCONCLUSIVE: Reason.UNKNOWN_ANSWER,
    }
    return plain[outcome] if reason == Reason.PERSON else reason


# ----------------------------------------------------------------------------------------------------- files


def case_exchanges(reduced: Reduced) -> list[CaseExchange]:
    """The exchanges of a reduced look, as a case has them: each once, in the order in which it is asked."""
    found: dict[tuple[str, str], CaseExchange] = {}
    for answer in reduced.answers:
        for exchange in _exchanges(answer):
            beside = answer.ask.name == SIBLING and exchange.url == comparable(answer.ask.url)
            told = CaseExchange(
                url=BESIDE if beside else exchange.url,
                post=exchange.post,
                status=exchange.status,
                headers=exchange.headers,
                body=exchange.body,
                failure=str(exchange.failure or ""),
                detail=exchange.detail,
                address=exchange.address,
            )
            found.setdefault((told.url, told.post), told)
    return list(found.values())


def recording(reduced: Reduced) -> str:
    """The exchanges of a reduced look, as a HAR file."""
    return har_text(_all_exchanges(reduced), creator="Still Up")


def _all_exchanges(reduced: Reduced) -> list[Exchange]:
    return [exchange for answer in reduced.answers for exchange in _exchanges(answer)]


def _exchanges(answer: Answer) -> list[Exchange]:
    """An answer as exchanges: each redirect that was followed is one of its own."""
    places = [answer.ask.url, *(hop.url for hop in answer.hops)]
    found = [
        _exchange(answer, place, status=hop.status, headers={"location": hop.url})
        for place, hop in zip(places, answer.hops, strict=False)
    ]
    last = _exchange(answer, places[-1], status=answer.status, headers=dict(answer.headers), body=answer.body)
    return [*found, last]


def _exchange(
    answer: Answer, url: str, *, status: int | None, headers: dict[str, str], body: bytes = b""
) -> Exchange:
    return Exchange(
        url=comparable(url),
        post=comparable_json(answer.ask.post),
        status=status,
        headers=headers,
        body=body,
        started_at=answer.started_at,
        address=answer.address,
        failure=answer.failure,
        detail=answer.detail,
    )


def problem_zip(problem: Problem) -> bytes:
    """The report as a zip: a README, the recording, and the case."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, text in problem_files(problem).items():
            entry = zipfile.ZipInfo(f"definition-problem/{name}", _DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            bundle.writestr(entry, text)
    return out.getvalue()


def problem_files(problem: Problem) -> dict[str, str]:
    """The files of the report by their names."""
    example, verdict = problem.reduced.example, problem.reduced.observation.verdict
    slug, case = example.definition, problem.case
    name = f"{slug or GENERIC}.toml"
    about_case = _ABOUT_CASE.format(
        name=name,
        place=f'the file {name} in the folder "cases" beside the definition'
        if slug
        else "apps/checks/generic_cases.toml: no definition knows the site",
        rules="signals of the definition" if slug else "rules for every site",
        signal=case.signal,
    )
    return {
        "README.txt": README.format(
            platform=registry.platform_name(slug) if slug else "a site without a definition",
            kind=example.kind,
            outcome=verdict.outcome,
            reason=verdict.reason,
            signal=verdict.signal,
            should=problem.outcome,
            should_reason=problem.reason,
            seen=" --seen" if problem.seen else "",
            url=example.key,
            case=about_case,
        ),
        "exchange.har": recording(problem.reduced),
        name: case_text(
            case,
            comment=[
                f"A check says now: {verdict.outcome} {verdict.reason} by {verdict.signal}.",
                "The answers are reduced to what the signals look at.",
            ],
        ),
    }
