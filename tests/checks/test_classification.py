"""What a check would say, with what each signal said on the way."""

from __future__ import annotations

import pytest

from apps.checks.answer import Fetch
from apps.checks.classification import Classification, classify
from apps.checks.generic_cases import generic_cases
from apps.checks.outcomes import Outcome, Reason
from apps.checks.replay import Replay
from apps.checks.self_test import exchanges_of
from apps.core.canonical import canonicalise
from apps.platforms import registry
from apps.platforms.cases import Case
from apps.platforms.matching import match
from tests.checks.answering import Told, Web, failing, page

MODEL = "https://huggingface.co/example-user/example-model"
API = "https://huggingface.co/api/models/example-user/example-model"
CANARY = "https://huggingface.co/api/models/google-bert/bert-base-uncased"
UP = Told(200, {"id": "google-bert/bert-base-uncased"})


def told(url: str, fetch: Fetch, *, seen: bool = True) -> Classification:
    return classify(match(canonicalise(url)), fetch, seen=seen)


def test_it_works() -> None:
    found = told(MODEL, Web({API: Told(200, {"id": "example-user/example-model"})}))
    assert (found.outcome, found.reason) == (Outcome.AVAILABLE, Reason.OK)
    (step,) = found.steps
    assert step.decided is not None
    assert step.decided.name == found.observation.verdict.signal
    lacking = {one.signal.id: one.lacking for one in step.own}
    assert lacking["missing-private-or-disabled"] == "status 401 or 404"
    assert lacking["gated-metadata"] == "in the JSON, $.gated is “auto” or “manual”"
    assert "user-up" not in lacking  # of another probe


def test_each_answer_on_the_way_is_explained() -> None:
    web = Web({API: Told(401), MODEL: page("404 – Hugging Face", status=401), CANARY: UP})
    found = told(MODEL, web)
    assert (found.outcome, found.reason) == (Outcome.REMOVED, Reason.NOT_FOUND)
    assert [step.answer.ask.name for step in found.steps] == ["api", "page"]
    first, last = found.steps
    assert first.decided is not None
    assert first.decided.signal.ask == "page"
    assert last.decided is not None
    assert last.decided.signal.id == "page-not-found"
    both = {one.signal.id: one.decided for one in last.said if one.holds}
    assert both["page-not-found"]
    assert not both["page-refused"]
    assert found.canary is not None
    assert not told(MODEL, web, seen=False).canary
    assert told(MODEL, web, seen=False).never_seen
    assert not found.never_seen


def test_what_the_comparison_decides_is_said() -> None:
    url = "https://example.org/list/an-item"
    lost = page("A thing", "A thing", "the same text for every address of this site")
    found = told(url, lambda ask: Web({ask.url: lost})(ask))
    assert (found.outcome, found.reason) == (Outcome.INCONCLUSIVE, Reason.SHELL)
    assert found.compared
    assert [bool(step.said) for step in found.steps] == [True, False]


def test_a_failure_is_its_own_reason() -> None:
    url = "https://example.org/list/an-item"
    found = told(url, Web({url: failing(Reason.TIMEOUT)}))
    assert (found.outcome, found.reason) == (Outcome.INCONCLUSIVE, Reason.TIMEOUT)
    decided = found.steps[0].decided
    assert decided is not None
    assert decided.name == found.observation.verdict.signal == "generic:no-answer-in-time@1"


def test_a_claim_about_a_whole_site_that_the_rest_of_it_does_not_bear_out_is_explained() -> None:
    url = "https://example.org/list/an-item"
    found = told(url, Web({url: page("A poem", "This domain is for sale")}))
    assert (found.outcome, found.reason) == (Outcome.AVAILABLE, Reason.OK)
    lacking = {one.signal.id: one.lacking for one in found.steps[0].said}
    assert lacking["parked"] == "the same answer for an address that cannot exist"
    assert found.steps[0].decided is not None
    assert found.steps[0].decided.signal.id == "ok"


def test_in_every_case_of_the_generic_signals_the_one_that_decides_is_said_to() -> None:
    for case in generic_cases():
        found = match(canonicalise(case.url))
        explained = classify(found, Replay(exchanges_of(found, case)), seen=bool(case.seen))
        decided = next(step.decided for step in explained.steps if step.said)
        assert decided is not None
        assert explained.compared or decided.name == explained.observation.verdict.signal, case.name


def test_a_canary_that_is_off_voids_a_removal() -> None:
    disabled = Told(403, headers={"x-error-message": "Access to this resource is disabled."})
    found = told(MODEL, Web({API: disabled, CANARY: Told(503)}))
    assert (found.outcome, found.reason) == (Outcome.INCONCLUSIVE, Reason.CANARY_FAILED)
    assert not found.definitive


CASES = {
    (slug, case.outcome, len(case.exchanges)): case
    for slug in registry.definitions()
    for case in registry.cases(slug)
}
"""One case for each outcome of a definition, with each number of exchanges."""


@pytest.mark.parametrize("case", CASES.values(), ids=[f"{case.file}: {case.name}" for case in CASES.values()])
def test_what_is_said_to_decide_is_what_decided(case: Case) -> None:
    """The verdict's own signal, and each that sent it on, but for a claim that the site refuted."""
    found = match(canonicalise(case.url))
    explained = classify(found, Replay(exchanges_of(found, case)), seen=bool(case.seen))
    decided = [step.decided.name for step in explained.steps if step.decided]
    refuted = {one.name for step in explained.steps for one in step.said if one.set_aside}
    because = [step.answer.ask.because for step in explained.steps]
    asked_because = [name for name in because if name and name not in refuted]
    signal = explained.observation.verdict.signal
    wanted = [*asked_because, signal] if signal in decided else asked_because
    assert list(dict.fromkeys(decided)) == list(dict.fromkeys(wanted))
