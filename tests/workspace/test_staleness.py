"""Stale definitions in the workspace: who is told, why, and who may say what they found."""

from __future__ import annotations

import pytest
from django.db import connection
from pytest_django import DjangoAssertNumQueries

from apps.checks.models import DefinitionEvent, DefinitionState
from apps.checks.outcomes import DefinitionChange, Outcome, Reason
from apps.checks.probing import take_up_now
from apps.checks.selectors import stale_definitions
from apps.checks.services import keep_definition_stale
from apps.core import clock
from tests.workspace.conftest import Team
from tests.workspace.test_campaigns import text_of

pytestmark = pytest.mark.django_db
PAGE = "/workspace/platforms/stale/"
LOOKED = "/workspace/platforms/github/looked/"
TOLD = "<strong>GitHub</strong>: what is known of this platform is out of date."


@pytest.fixture
def stale() -> None:
    """A definition whose canary was read wrongly an hour ago."""
    take_up_now(["github"]).update(
        checked_at=clock.now(),
        outcome=Outcome.REMOVED,
        reason=Reason.NOT_FOUND,
        signal="github:missing@1",
        wrong_since=clock.now(),
    )
    DefinitionState.objects.create(platform="github", stale_since=clock.now(), why="It is read wrongly.")


@pytest.mark.usefixtures("stale")
def test_it_works(team: Team) -> None:
    viewer = team.client("viewer")
    for page in ("/workspace/", "/workspace/example-models/", "/workspace/example-models/review/"):
        assert TOLD in text_of(viewer, page)
    shown = text_of(viewer, PAGE)
    assert "It is read wrongly." in shown
    assert "not found <strong>(wrong)</strong>" in shown
    assert "github:missing@1" in shown
    assert "Record it" not in shown
    assert "Record it" in text_of(team.client("reviewer"), PAGE)


def test_while_none_is_stale_nothing_is_said(team: Team) -> None:
    assert "out of date" not in text_of(team.client("viewer"), "/workspace/")
    assert "No definition is stale" in text_of(team.client("viewer"), PAGE)


@pytest.mark.usefixtures("stale")
@pytest.mark.parametrize(
    ("found", "what", "left"),
    [("right", DefinitionChange.FOUND_RIGHT, 0), ("stale", DefinitionChange.KEPT_STALE, 1)],
)
def test_a_reviewer_says_what_they_found(team: Team, found: str, what: str, left: int) -> None:
    answer = team.client("reviewer").post(LOOKED, {"right": found, "note": "I looked."})
    assert answer["Location"] == PAGE
    event = DefinitionEvent.objects.latest("pk")
    assert (event.what, event.note, event.person) == (what, "I looked.", team.people["reviewer"])
    assert len(stale_definitions()) == left


@pytest.mark.usefixtures("stale")
@pytest.mark.parametrize(
    ("who", "status"), [("anonymous", 302), ("viewer", 403), ("stranger", 302), ("administrator", 302)]
)
def test_who_may_say_so(team: Team, who: str, status: int) -> None:
    answer = team.client(who).post(LOOKED, {"right": "right"})
    assert answer.status_code == status
    said = who in {"stranger", "administrator"}  # the stranger reviews in a campaign of their own
    assert bool(stale_definitions()) == (not said)


@pytest.mark.usefixtures("stale")
def test_an_answer_that_says_neither_changes_nothing(team: Team) -> None:
    client = team.client("reviewer")
    assert client.post(LOOKED, {"note": "Hm."})["Location"] == PAGE
    assert client.post(LOOKED.replace("github", "nowhere"), {"right": "right"}).status_code == 404
    assert len(stale_definitions()) == 1


def test_who_looked_is_not_told_to_members_of_other_campaigns(team: Team) -> None:
    keep_definition_stale(platform="github", person_id=team.people["owner"].pk)
    assert "owner@example.org" not in text_of(team.client("stranger"), PAGE)
    assert "owner@example.org" in text_of(team.client("administrator"), PAGE)


@pytest.mark.parametrize("many", [1, 3])
def test_the_notice_takes_one_query(
    many: int, team: Team, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client = team.client("viewer")
    client.get("/workspace/")
    # The bell takes one; whether checking has stalled takes three, and where its clock is asked for a fourth.
    queries = 5 + 1 + 3 + (connection.vendor == "postgresql")
    with django_assert_num_queries(queries):
        client.get("/workspace/")
    for slug in ("github", "civitai", "huggingface")[:many]:
        keep_definition_stale(platform=slug)
    with django_assert_num_queries(queries):
        client.get("/workspace/")
