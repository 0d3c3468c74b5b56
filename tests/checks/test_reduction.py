"""An exchange is reduced to what the signals look at, and is judged as before."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from apps.checks.answer import Answer, Ask
from apps.checks.classification import Classification, classify
from apps.checks.generic_cases import ANY_SITE, generic_cases
from apps.checks.har import HarFetch
from apps.checks.outcomes import Outcome, Reason
from apps.checks.problem_report import problem_files, problem_of, recording
from apps.checks.reduction import CannotReduce
from apps.checks.replay import Replay
from apps.checks.self_test import exchanges_of, run_case
from apps.core.canonical import canonicalise
from apps.platforms import registry
from apps.platforms.cases import Case, case_text, load_cases
from apps.platforms.matching import match
from tests.checks.answering import Told, answer_to

CASES = {
    (slug, case.outcome, len(case.exchanges)): case
    for slug in sorted(registry.definitions())
    for case in registry.cases(slug)
} | {("", case.name, 0): case for case in generic_cases()}
"""One case for each outcome of a definition, with each number of exchanges; all of the generic signals."""


def looked(case: Case) -> Classification:
    """A look over the exchanges of a case, as if they were real."""
    found = match(canonicalise(case.url))
    return classify(found, Replay(exchanges_of(found, case)), seen=bool(case.seen))


@pytest.mark.parametrize(
    ("slug", "case"),
    [(slug, case) for (slug, *_), case in CASES.items()],
    ids=[f"{slug}: {case.name}" for (slug, *_), case in CASES.items()],
)
def test_a_case_can_be_reported_and_reads_as_before(slug: str, case: Case, tmp_path: Path) -> None:
    told = looked(case)
    problem = problem_of(told, outcome=Outcome.AVAILABLE, reason=Reason.OK)
    verdict = told.observation.verdict

    def written(name: str, made: Case) -> Case:
        path = tmp_path / f"{name}.toml"
        path.write_text(case_text(made))
        (read,) = load_cases(path)
        return read

    definition = registry.definition(slug) if slug else ANY_SITE
    assert definition is not None
    own = bool(slug) and verdict.signal.startswith(f"{slug}:")
    signal = (verdict.signal.partition(":")[2] if own else verdict.signal).partition("@")[0]
    as_it_is = replace(
        problem.case,
        outcome=str(verdict.outcome),
        reason=str(verdict.reason),
        signal=signal,
        definitive=verdict.definitive,
        seen=bool(case.seen),
    )
    result = run_case(definition, written("as-it-is", as_it_is))
    assert [one for one in result.problems if not one.startswith("is removed for a target")] == []
    as_it_should = run_case(definition, written("as-it-should", problem.case))
    assert as_it_should.problems
    assert all("and should say" in each for each in as_it_should.problems)
    if not problem.token:
        example = problem.reduced.example
        again = classify(example, HarFetch.from_text(recording(problem.reduced)), seen=bool(case.seen))
        assert again.observation.verdict.signal == verdict.signal
        assert (again.observation.verdict.outcome, again.missing) == (verdict.outcome, ())


# ------------------------------------------------------------------------------------------- what is left out

SECRET = st.text("jkqvwxz", min_size=7, max_size=12)
"""What identifies the real thing: of letters that no word of a definition is made of."""


def secret_urls(one: str, two: str) -> list[str]:
    """Addresses of several sorts that two secrets identify."""
    return [
        f"https://huggingface.co/{one}/{two}",
        f"https://huggingface.co/datasets/{one}/{two}/resolve/main/{two}/{one}.bin",
        f"https://huggingface.co/{one}",
        f"https://huggingface.co/collections/{one}/{two}",
        f"https://github.com/{one}/{two}/blob/{one}/{two}.txt",
        f"https://civitai.com/user/{one}",
        f"https://{one}.example.net/{two}/{one}.php?{two}={one}",
        f"https://{one}.example.com/watch?v={two}",
        f"https://www.{one}.example/{two}/",
    ]


ADDRESS = "198.51.100.77"  # of the server that answered: in no list, so nobody's business

PHRASES = (
    "404 – Hugging Face",
    "Page not found",
    "Just a moment...",
    "Access to this model has been disabled",
    "",
)
MARKS = ('data-target="RepoGatedModal"', "_cf_chl_opt", "Blocked by abuse-handler", "")


@st.composite
def secret_answers(draw: st.DrawFn, ask: Ask, one: str, two: str) -> Told:
    """An answer in which the secrets stand wherever a platform may put them."""
    refusals = [f"no {one}/{two} here", "Access to this resource is disabled."]
    headers = {
        "server": draw(st.sampled_from(["cloudflare", one])),
        "x-error-message": draw(st.sampled_from(refusals)),
        "x-error-code": draw(st.sampled_from(["GatedRepo", "EntryNotFound", two])),
        "set-cookie": f"session-of-{one}",
        "link": f'<https://{one}.example/{two}>; rel="next"',
        f"x-{one[:4]}abcd-f": two,
    }
    places = [
        (f"https://{one}.example/login?next=/{two}",),
        (f"https://huggingface.co/{two}/{one}", "https://huggingface.co/login"),
        (f"https://{one}.example.net/",),
    ]
    goes_to = draw(st.sampled_from([(), *places])) if ask.follow_redirects else ()
    statuses = [200, 401, 403, 404, 410, 451, 503]
    if not ask.follow_redirects and draw(st.booleans()):
        headers["location"] = draw(st.sampled_from(places))[0]
        statuses = [301, 307]
    status = draw(st.sampled_from(statuses))
    body: object
    if draw(st.booleans()):
        names = ("id", "full_name", "login", "gated", "message", "error", one)
        told = st.sampled_from([one, two, f"{one}/{two}", 7, True, None, [], {one: two}, [{one: [two]}]])
        body = draw(st.dictionaries(st.sampled_from(names), told))
        if draw(st.booleans()):
            body = [{"path": two, one: one}, {"path": f"{two}/{one}.bin"}]
    else:
        phrase, mark = draw(st.sampled_from(PHRASES)), draw(st.sampled_from(MARKS))
        title = draw(st.sampled_from([f"{one}/{two} · {phrase}", phrase, f"{two} {phrase} {one}"]))
        text = f"{one} wrote {two}. " * draw(st.sampled_from([1, 20, 200]))
        body = (
            f"<title>{title}</title><!-- {mark} --><meta name={one} content={two}>"
            f"<h1>{phrase or one}</h1><h2>{two}</h2><p>{text}</p>"
        )
    if draw(st.integers(0, 9)) == 0:
        return Told(failure=draw(st.sampled_from([Reason.DNS_FAILURE, Reason.TLS_FAILURE, Reason.TIMEOUT])))
    return Told(status, "" if ask.head_only else body, headers, goes_to)


@settings(max_examples=60)
@given(st.data())
def test_no_fragment_of_what_was_looked_at_is_in_the_files(data: st.DataObject) -> None:
    one, two = data.draw(SECRET, "account"), data.draw(SECRET, "name")
    url = data.draw(st.sampled_from(secret_urls(one, two)), "url")
    answers: dict[str, Told] = {}

    def fetch(ask: Ask) -> Answer:
        told = answers.setdefault(ask.name, data.draw(secret_answers(ask, one, two), ask.name))
        answer = answer_to(ask, told)
        return replace(answer, address=ADDRESS, detail=f"about {one}" if answer.failure else "")

    told = classify(match(canonicalise(url)), fetch, seen=data.draw(st.booleans(), "seen"))
    try:
        problem = problem_of(told, outcome=Outcome.AVAILABLE, reason=Reason.OK)
    except CannotReduce as error:
        refusal = str(error)
    else:
        refusal = ""
    if refusal:
        event(refusal)
        assert one not in refusal
        assert two not in refusal
        return
    event("reported")
    fragments = {ADDRESS} | {
        secret[start : start + 4] for secret in (one, two) for start in range(len(secret) - 3)
    }
    for name, text in problem_files(problem).items():
        assert not [fragment for fragment in fragments if fragment in f"{name} {text}".casefold()], name
    again = classify(problem.reduced.example, HarFetch.from_text(recording(problem.reduced)), seen=told.seen)
    assert again.observation.verdict.signal == told.observation.verdict.signal
    assert again.missing == ()
