"""One check from the first ask to the facts that are kept."""

# ruff: noqa: E501  (a row of a table stays on its line)
from __future__ import annotations

import json
from typing import Any

import pytest

from apps.checks.answer import Identity
from apps.checks.canaries import canaries_of, known_good
from apps.checks.identity import KnownIdentity
from apps.checks.observe import MAX_ASKS, observe, read_canary
from apps.checks.outcomes import Outcome, Reason
from apps.checks.siblings import Siblings, compared_with
from apps.core import clock
from apps.core.canonical import canonicalise
from apps.platforms import registry
from apps.platforms.matching import match
from tests.checks.answering import MOMENT, Told, Web, beside, failing, page

URL = "https://example.org/list/an-item"
SECRET = "words of the page that nobody may keep"


def test_it_works() -> None:
    web = Web({URL: page("Title to forget", "Heading to forget", SECRET, server="example/1.0")})
    observation = observe(canonicalise(URL), fetch=web, seen_available=False, siblings=Siblings())
    assert observation.verdict.outcome == Outcome.AVAILABLE
    assert observation.verdict.signal == "generic:ok@1"
    assert observation.http_status == 200
    assert observation.started_at == MOMENT
    assert observation.finished_at > observation.started_at
    first, second = observation.evidence["answers"]  # type: ignore[misc]
    assert first["probe"] == "page"
    assert first["status"] == 200
    assert first["headers"] == {"server": "example/1.0"}
    assert first["content_type"] == "text/html"
    assert len(first["fingerprint"]) == 16
    assert second["probe"] == "sibling"
    assert second["status"] == 404


def test_nothing_of_the_answer_itself_is_kept() -> None:
    web = Web(
        {URL: page("Title to forget", "Heading to forget", SECRET, set_cookie="session=1", server="x" * 1000)}
    )
    kept = json.dumps(
        observe(canonicalise(URL), fetch=web, seen_available=True, siblings=Siblings()).evidence
    )
    for word in ("forget", "words of the page", "session", "x" * 200, "example.org"):
        assert word not in kept


def test_a_failure_is_kept_with_its_detail() -> None:
    web = Web({URL: failing(Reason.TLS_FAILURE)})
    observation = observe(match(canonicalise(URL)), fetch=web, seen_available=True, siblings=Siblings())
    assert observation.http_status is None
    assert observation.evidence["answers"] == [
        {"probe": "page", "elapsed_ms": 0, "failure": "tls_failure", "detail": "scripted", "redirects": 0}
    ]


def test_a_folder_is_asked_for_nonsense_once_a_day() -> None:
    siblings = Siblings()
    other = "https://example.org/list/another-item"
    web = Web({URL: page("One", "", "one"), other: page("Two", "", "two")})
    observe(canonicalise(URL), fetch=web, seen_available=False, siblings=siblings)
    second = observe(canonicalise(other), fetch=web, seen_available=False, siblings=siblings)
    assert web.asked == [URL, beside(URL), other]
    assert second.verdict.outcome == Outcome.AVAILABLE
    assert second.evidence["sibling"] == {
        "known": True,
        "told": True,
        "missing": True,
        "barred": False,
        "fingerprint": "0" * 16,
    }


def test_a_remembered_answer_gives_the_same_verdict_as_a_fresh_one() -> None:
    lost = page("Page not found", "Oops", "nothing here")
    web = Web({URL: lost, beside(URL): lost})
    siblings = Siblings()
    fresh = observe(canonicalise(URL), fetch=web, seen_available=True, siblings=siblings)
    remembered = observe(canonicalise(URL), fetch=web, seen_available=True, siblings=siblings)
    assert fresh.verdict == remembered.verdict
    assert fresh.verdict.reason == Reason.SOFT_404
    assert fresh.verdict.signal == "generic:sibling@2"  # the comparison decided, not the 200
    assert web.asked.count(beside(URL)) == 1


LATER = page("Example", "We are back soon", "Nothing of what you look for is shown at the moment. " * 20)


@pytest.mark.parametrize("was_gone", [False, True])
def test_what_was_gone_is_back_by_what_the_site_says_now_and_not_by_what_is_remembered(
    was_gone: bool,
) -> None:
    siblings = Siblings()
    web = Web({URL: page("One", "One", "one " * 200)})
    observe(canonicalise(URL), fetch=web, seen_available=True, siblings=siblings)
    back = observe(canonicalise(URL), fetch=web, seen_available=True, siblings=siblings, was_gone=was_gone)
    assert back.verdict.outcome == Outcome.AVAILABLE
    assert web.asked.count(beside(URL)) == 1 + was_gone
    # Within the day the site begins to show one page for everything.
    web.told |= {URL: LATER, beside(URL): LATER}
    seen = observe(canonicalise(URL), fetch=web, seen_available=True, siblings=siblings, was_gone=was_gone)
    assert seen.verdict.outcome == (Outcome.INCONCLUSIVE if was_gone else Outcome.AVAILABLE)


def test_a_front_page_that_was_gone_is_back_where_it_is_not_the_page_for_everything() -> None:
    home = "https://example.org/"
    below = compared_with(home)
    assert below is not None
    web = Web({home: LATER})  # the rest of the site is missing
    seen = observe(canonicalise(home), fetch=web, seen_available=True, siblings=Siblings(), was_gone=True)
    assert seen.verdict.outcome == Outcome.AVAILABLE
    web = Web({home: LATER, below: LATER})  # as where the name is somebody else's, who waits for a buyer
    seen = observe(canonicalise(home), fetch=web, seen_available=True, siblings=Siblings(), was_gone=True)
    assert (seen.verdict.outcome, seen.verdict.reason) == (Outcome.INCONCLUSIVE, Reason.SHELL)


def test_a_removal_still_goes_by_what_is_remembered() -> None:
    lost = page("Page not found", "Oops", "nothing here")
    web, siblings = Web({URL: lost, beside(URL): lost}), Siblings()
    for _ in range(3):
        seen = observe(canonicalise(URL), fetch=web, seen_available=True, siblings=siblings, was_gone=True)
        assert seen.verdict.reason == Reason.SOFT_404
    assert web.asked.count(beside(URL)) == 1


@pytest.mark.parametrize("told", [Told(503), Told(429), failing(Reason.TIMEOUT)])
def test_what_was_gone_is_not_back_where_the_rest_of_the_site_cannot_be_learnt(told: Told) -> None:
    web = Web({URL: LATER, beside(URL): told})
    for was_gone, outcome in ((False, Outcome.AVAILABLE), (True, Outcome.INCONCLUSIVE)):
        seen = observe(
            canonicalise(URL), fetch=web, seen_available=True, siblings=Siblings(), was_gone=was_gone
        )
        assert seen.verdict.outcome == outcome


def test_the_token_goes_to_the_api_and_nowhere_else(settings: Any) -> None:
    settings.PLATFORM_TOKENS = {"huggingface": "example-token"}
    url = "https://huggingface.co/example-user/m"
    web = Web({"https://huggingface.co/api/models/example-user/m": Told(401, {}), url: Told(401, "")})
    observation = observe(canonicalise(url), fetch=web, seen_available=True, siblings=Siblings())
    api, page_ask = web.asks
    assert api.headers == {"Authorization": "Bearer example-token"}
    assert not page_ask.headers
    assert "example-token" not in json.dumps(observation.evidence)
    assert observation.evidence["answers"][0]["token"] is True  # type: ignore[index]


def test_an_api_that_is_used_up_is_left_alone_until_its_time() -> None:
    reset = int(clock.wall().timestamp()) + 1800
    exhausted = Told(403, {"message": "x"}, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(reset)})
    first, second = "https://github.com/example-owner/r", "https://github.com/example-owner/s"
    api = "https://api.github.com/repos/example-owner/r"
    web = Web({api: exhausted, first: page("r"), second: page("s")})
    siblings = Siblings()
    observe(canonicalise(first), fetch=web, seen_available=False, siblings=siblings)
    observation = observe(canonicalise(second), fetch=web, seen_available=False, siblings=siblings)
    assert web.asked == [api, first, second]
    assert observation.verdict.outcome == Outcome.AVAILABLE
    assert observation.evidence["answers"][0]["failure"] == "rate_limited"  # type: ignore[index]
    assert observation.verdict.retry_after is None, "the target's own host did not complain"


def test_the_targets_own_host_is_paced_through_the_verdict() -> None:
    siblings = Siblings()
    web = Web({URL: Told(429, "", {"retry-after": "60"})})
    observation = observe(canonicalise(URL), fetch=web, seen_available=False, siblings=siblings)
    assert observation.verdict.retry_after is not None
    assert siblings.closed_until("example.org", at=clock.wall()) is None


def test_a_check_asks_a_bounded_number_of_times(tmp_path: Any, settings: Any) -> None:
    names = [f"p{number}" for number in range(MAX_ASKS + 2)]
    probes = "".join(f'[[probes]]\nname = "{name}"\nurl = "{{url}}?{name}"\n' for name in names)
    signals = "".join(
        f'[[signals]]\nid = "s{number}"\nversion = 1\nprobes = ["{name}"]\nask = "{names[number + 1]}"\n'
        'source = "the fiction of this test"\nverified = 2026-01-31\nconfidence = "verified"\n'
        "[signals.when]\nstatus = 404\n"
        for number, name in enumerate(names[:-1])
    )
    (tmp_path / "example.toml").write_text(
        'slug = "example"\nname = "Example Models"\nhosts = ["models.example.org"]\n'
        f'{probes}[[kinds]]\nname = "model"\npath = \'/m\'\nkey = "{{url}}"\nprobes = {json.dumps(names)}\n{signals}'
    )
    settings.PLATFORM_DEFINITION_DIRS = [tmp_path]
    web = Web({})
    found = match(canonicalise("https://models.example.org/m"))
    observation = observe(found, fetch=web, seen_available=True, siblings=Siblings())
    assert len(web.asked) == MAX_ASKS
    assert observation.verdict.outcome == Outcome.INCONCLUSIVE
    assert observation.verdict.reason == Reason.UNKNOWN_ANSWER


@pytest.mark.parametrize(
    ("body", "identity"),
    [
        ({"number": 1234567890}, "1234567890"),
        ({"number": "did:example:1"}, "did:example:1"),
        ({"number": "x" * 300}, "x" * 200),
        ({"number": ""}, None),
        ({"number": True}, None),
        ({"number": {"a": 1}}, None),
        ({}, None),
        ("<p>number</p>", None),
    ],
)
def test_the_name_that_stays_with_a_thing_is_told_and_only_its_digest_is_kept(
    body: object, identity: str | None, tmp_path: Any, settings: Any
) -> None:
    (tmp_path / "example.toml").write_text(
        'slug = "example"\nname = "Example Models"\nhosts = ["models.example.org"]\n'
        '[[probes]]\nname = "api"\nurl = "{url}"\nformat = "json"\nidentity = "$.number"\n'
        '[[kinds]]\nname = "model"\npath = \'/m\'\nkey = "{url}"\nprobes = ["api"]\n'
    )
    settings.PLATFORM_DEFINITION_DIRS = [tmp_path]
    url = "https://models.example.org/m"
    found = match(canonicalise(url))
    web = Web({url: Told(200, body)})
    known = KnownIdentity(salt="salt")
    seen = observe(found, fetch=web, seen_available=False, siblings=Siblings(), identity=known)
    assert seen.identity == (Identity("api", identity) if identity else None)
    assert seen.evidence.get("identity") == (known.to_keep(seen.identity) if seen.identity else None)
    assert identity is None or identity not in str(seen.evidence)
    unsalted = observe(found, fetch=web, seen_available=False, siblings=Siblings())
    assert "identity" not in unsalted.evidence


def test_each_answer_says_because_of_which_signal_it_was_asked() -> None:
    web = Web({"https://huggingface.co/api/models/example-user/m": Told(401, {})})
    found = match(canonicalise("https://huggingface.co/example-user/m"))
    evidence: Any = observe(found, fetch=web, seen_available=False, siblings=Siblings()).evidence
    assert [answer.get("because") for answer in evidence["answers"]] == [
        None,
        "huggingface:missing-private-or-disabled@1",
    ]


@pytest.mark.parametrize(
    ("told", "outcome"),
    [
        (Told(200, {"id": "google-bert/bert-base-uncased"}), Outcome.AVAILABLE),
        (Told(401, {}), Outcome.REMOVED),
        (Told(503, ""), Outcome.INCONCLUSIVE),
    ],
)
def test_a_canary_is_read_like_any_other_url(told: Told, outcome: Outcome) -> None:
    definition = registry.definition("huggingface")
    assert definition is not None
    canary = known_good(canaries_of(definition), "model")
    assert canary is not None
    web = Web({"https://huggingface.co/api/models/google-bert/bert-base-uncased": told})
    assert read_canary(canary, fetch=web).outcome == outcome


def test_where_a_site_wants_no_questions_nothing_is_asked() -> None:
    web = Web({})
    url = canonicalise("https://www.google.com/search?q=an+example")
    observation = observe(url, fetch=web, seen_available=True, siblings=Siblings())
    assert web.asked == []
    assert (observation.verdict.outcome, observation.verdict.reason) == (
        Outcome.INCONCLUSIVE,
        Reason.BLOCKED_ADDRESS,
    )
    assert observation.evidence == {"answers": [], "place": "unnamed"}
    assert observation.started_at == observation.finished_at


def test_the_evidence_says_where_it_was_asked_from(settings: Any) -> None:
    web = Web({URL: Told(451, "not in your country")})
    for place, kept in (("", "unnamed"), ("Berlin", "Berlin")):
        settings.CHECK_PLACE = place
        observation = observe(canonicalise(URL), fetch=web, seen_available=False, siblings=Siblings())
        assert observation.verdict.outcome == Outcome.RESTRICTED
        assert observation.evidence["place"] == kept


def test_the_evidence_keeps_who_blocks_and_nothing_that_repeats_what_was_asked() -> None:
    link = f'<https://isp.example.net/law?url={URL}#x>; rel="blocked-by", </next>; rel="next"'
    web = Web({URL: Told(451, "", {"link": link})})
    observation = observe(canonicalise(URL), fetch=web, seen_available=False, siblings=Siblings())
    assert observation.verdict.signal == "generic:blocked-by-another@1"
    answer: Any = observation.evidence["answers"][0]  # type: ignore[index]
    assert answer["blocked_by"] == "https://isp.example.net/law"
    assert URL not in json.dumps(observation.evidence)
