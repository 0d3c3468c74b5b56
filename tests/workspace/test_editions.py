"""The page on which a campaign's owners publish editions and correct them."""

from __future__ import annotations

import pytest

from apps.exports.editions import editions_of
from tests.public.seeding import make_public, seed
from tests.workspace.conftest import Team

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(team: Team) -> str:
    """The address of the page of a campaign that is public, and whose owner is the team's."""
    campaign = seed(owner=team.people["owner"])
    make_public(campaign)
    return f"/workspace/{campaign.slug}/editions/"


def text(team: Team, address: str) -> str:
    answer = team.client("owner").get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def test_it_works(team: Team, page: str) -> None:
    assert "None yet." in text(team, page)
    answer = team.client("owner").post(page, {"act": "publish", "note": "As cited."}, follow=True)
    said = answer.content.decode()
    assert "Edition 1 is published. It stays as it is." in said
    assert "As cited." in said
    assert 'href="/c/listed-models/editions/1/"' in said


def test_a_note_stands_on_the_edition_that_was_chosen(team: Team, page: str) -> None:
    client = team.client("owner")
    for _ in range(2):
        client.post(page, {"act": "publish"})
    client.post(page, {"act": "correct", "number": "1", "text": "Report 2 went by web form."})
    campaign = team.people["owner"].memberships.get(campaign__slug="listed-models").campaign
    newer, older = editions_of(campaign)
    assert [correction.text for correction in older.corrections] == ["Report 2 went by web form."]
    assert newer.corrections == ()
    assert older.number == 1
    assert "Report 2 went by web form." in text(team, page)


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"act": "correct", "number": "7", "text": "Wrong."}, "There is no edition 7"),
        ({"act": "correct", "number": "x", "text": "Wrong."}, "There is no edition 0"),
        ({"act": "correct", "number": "²", "text": "Wrong."}, "There is no edition 0"),
        ({"act": "correct", "number": "1", "text": " "}, "Say what is wrong with the edition."),
        ({"act": "publish", "note": "x" * 2001}, "A note has at most 2000 characters."),
    ],
)
def test_wrong_input_gets_a_sentence(typed: dict[str, str], sentence: str, team: Team, page: str) -> None:
    answer = team.client("owner").post(page, typed)
    assert answer.status_code == 200
    assert sentence in answer.content.decode()


def test_a_private_campaign_is_told_to_be_published_first(team: Team) -> None:
    address = f"/workspace/{team.campaign.slug}/editions/"
    assert "Publish it first." in text(team, address)
    answer = team.client("owner").post(address, {"act": "publish"})
    assert "is not public" in answer.content.decode()
