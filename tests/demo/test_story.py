"""The demo's story holds what it promises, and every answer of its platform is understood by the checks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from apps.checks.answer import Answer, Ask
from apps.checks.canaries import canaries_of, known_good
from apps.checks.observe import observe, read_canary
from apps.checks.outcomes import Outcome, Reason
from apps.checks.siblings import Siblings
from apps.core.canonical import canonicalise
from apps.demo import story
from apps.demo.lists import write_list
from apps.demo.platform import respond
from apps.demo.story import PRESENT, Hidden, Host, Item, Kind, State
from apps.platforms import registry
from apps.platforms.matching import match

AUTHORITIES = {Host.PLATFORM: "127.0.0.1:8765", Host.ELSEWHERE: "127.0.0.1:8766"}
MOMENTS = [*(timedelta(days=day) for day in range(0, 31, 3)), *(one.start for one in story.SPELLS)]


@pytest.fixture(autouse=True)
def the_demos_definition(settings: Any) -> None:
    settings.PLATFORM_DEFINITION_DIRS = [settings.BASE_DIR / "apps" / "demo" / "definitions"]


def url_of(item: Item) -> str:
    return f"http://{AUTHORITIES[item.host]}{item.path}"


def fetch_at(moment: timedelta) -> Callable[[Ask], Answer]:
    """What the platform answers at one moment of the story."""

    def fetch(ask: Ask) -> Answer:
        parts = urlsplit(ask.url)
        host = next(host for host, authority in AUTHORITIES.items() if authority == parts.netloc)
        response = respond(host, parts.path, moment)
        headers = {name.lower(): value for name, value in response.headers.items()}
        at = datetime(2026, 1, 1, tzinfo=UTC) + moment
        return Answer(
            ask,
            started_at=at,
            finished_at=at,
            status=response.status,
            url=ask.url,
            headers={"content-type": response.media_type, **headers},
            body=response.body.encode(),
        )

    return fetch


def test_the_campaign_looks_like_the_case_that_started_it() -> None:
    def share_gone(number: int) -> float:
        listed = [item for item in story.items() if number in item.lists and item.host is Host.PLATFORM]
        gone = [item for item in listed if story.state(item, story.LENGTH) not in PRESENT]
        return len(gone) / len(listed)

    count = Counter(number for item in story.items() for number in item.lists)
    assert count[1] == 100
    assert count[2] == 60
    assert 0.5 < share_gone(1) < 0.75 < share_gone(2) < 1
    assert 140 <= len(story.items()) <= 170
    assert len({(item.host, item.path) for item in story.items()}) == len(story.items())


def test_everything_happens_to_somebody() -> None:
    become = {changed for item in story.items() for _, changed in item.changes}
    assert become == set(State)
    assert {one.hidden for one in story.SPELLS} == set(Hidden)
    assert any(story.returns(item) for item in story.items())
    assert any(len(item.lists) == 2 for item in story.items())
    assert any(item.is_control and story.removals(item) for item in story.items())
    assert any(not item.changes for item in story.items())
    assert {item.kind for item in story.items()} == set(Kind)


@pytest.mark.parametrize("item", story.items(), ids=lambda item: item.path)
def test_removals_and_returns_are_when_presence_changes(item: Item) -> None:
    crossings = sorted([*story.removals(item), *story.returns(item)])
    for at in crossings:
        before, after = story.state(item, at - timedelta(seconds=1)), story.state(item, at)
        assert (before in PRESENT) != (after in PRESENT)
    changes = [at for at, _ in item.changes]
    assert changes == sorted(changes)
    assert all(timedelta(0) < at < story.LENGTH for at in changes)
    present_at_the_end = story.state(item, story.LENGTH) in PRESENT
    assert present_at_the_end == (len(story.removals(item)) == len(story.returns(item)))


@pytest.mark.parametrize("item", story.items(), ids=lambda item: item.path)
def test_every_address_is_recognised(item: Item) -> None:
    found = match(canonicalise(url_of(item)))
    assert (found.kind, found.account, found.key) == (item.kind, item.owner, url_of(item))
    assert found.platform == ("example-models" if item.host is Host.PLATFORM else "127.0.0.1")


def test_no_answer_is_taken_for_what_it_is_not() -> None:
    """Present is never seen as removed, and removed never as present, save in an outage that says 404."""
    seen: Counter[tuple[State | Hidden, Outcome]] = Counter()
    for moment in MOMENTS:
        siblings = Siblings()
        for item in story.items():
            observation = observe(
                canonicalise(url_of(item)), fetch=fetch_at(moment), seen_available=True, siblings=siblings
            )
            seen[story.answer_to(item, moment), observation.verdict.outcome] += 1
    outcomes: dict[State | Hidden, set[Outcome]] = {}
    for answer, outcome in seen:
        outcomes.setdefault(answer, set()).add(outcome)
    assert outcomes == {
        State.UP: {Outcome.AVAILABLE},
        State.GATED: {Outcome.RESTRICTED},
        State.LABELLED: {Outcome.RESTRICTED},
        State.DISABLED: {Outcome.REMOVED},
        State.MISSING: {Outcome.REMOVED},
        State.SOFT_MISSING: {Outcome.REMOVED},
        State.SHELL: {Outcome.INCONCLUSIVE},
        State.LEGAL: {Outcome.REMOVED},
        State.ACCOUNT_SUSPENDED: {Outcome.REMOVED},
        State.ACCOUNT_DELETED: {Outcome.REMOVED},
        Hidden.RATE_LIMITED: {Outcome.INCONCLUSIVE},
        Hidden.BOT_WALL: {Outcome.INCONCLUSIVE},
        Hidden.SERVER_ERROR: {Outcome.INCONCLUSIVE},
        Hidden.FALSE_MISSING: {Outcome.REMOVED},
    }


def test_the_known_good_page_gives_the_outage_away() -> None:
    definition = registry.definition("example-models")
    assert definition is not None
    outage = next(
        one for one in story.SPELLS if one.hidden is Hidden.FALSE_MISSING and one.host is Host.PLATFORM
    )
    canary = known_good(canaries_of(definition), "model")
    assert canary is not None
    during = read_canary(canary, fetch=fetch_at(outage.start))
    after = read_canary(canary, fetch=fetch_at(outage.end))
    assert (during.outcome, during.reason) == (Outcome.REMOVED, Reason.NOT_FOUND)
    assert after.outcome == Outcome.AVAILABLE


def test_nothing_changes_while_an_outage_hides_it() -> None:
    """A removal that an outage runs into cannot be dated by anybody, so the story has none."""
    for spell in story.SPELLS:
        if spell.hidden is Hidden.FALSE_MISSING:
            near = (spell.start - timedelta(days=1), spell.end + timedelta(days=1))
            assert [
                item.path
                for item in story.items()
                if item.host is spell.host and any(near[0] < at < near[1] for at, _ in item.changes)
            ] == []


def test_an_item_goes_with_its_uploaders_account() -> None:
    gone = {item.owner: item for item in story.items() if item.kind is Kind.ACCOUNT and item.changes}
    for item in story.items():
        if item.owner in gone and item.kind is not Kind.ACCOUNT:
            assert story.state(item, story.LENGTH) in story.ACCOUNT_GONE


def test_a_rate_limit_says_when_to_come_back() -> None:
    spell = next(one for one in story.SPELLS if one.hidden is Hidden.RATE_LIMITED)
    response = respond(Host.PLATFORM, "/example-uploader-01", spell.start)
    assert (response.status, response.headers["Retry-After"]) == (429, "1")


def test_a_list_is_spelt_as_people_spell_it(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    rows = write_list(1, path, authorities=AUTHORITIES, reported_at=datetime(2026, 1, 1, tzinfo=UTC))
    lines = path.read_text().splitlines()
    assert len(lines) == rows + 1
    assert lines[1].startswith("hxxp://127[.]0[.]0[.]1:8765/example-uploader-")
    keys = {canonicalise(line.split(",")[0]).key for line in lines[1:]}
    assert keys == {url_of(item) for item in story.items() if 1 in item.lists or item.is_control}
