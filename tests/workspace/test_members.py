"""Who works on a campaign: inviting, changing roles, and leaving."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from django.test import Client

from apps.accounts.models import Person
from apps.core import clock
from apps.reports.models import Membership
from tests.workspace.conftest import Team

pytestmark = pytest.mark.django_db
PAGE = "/workspace/example-models/members/"


def test_a_newcomer_gets_a_link_that_lets_them_in(team: Team) -> None:
    page = team.client("owner").post(PAGE, {"email": "New@Example.org", "role": "editor"}).content.decode()
    link = re.search(r"<code>http://127\.0\.0\.1:8000(/sign-in/\S+)</code>", page)
    assert link
    newcomer = Client()
    newcomer.post(link[1])
    assert newcomer.get("/workspace/example-models/reports/new/").status_code == 200
    assert Person.objects.get(email="new@example.org").memberships.get().role == "editor"


def invite(team: Team, email: str, who: str = "owner", campaign: str = "example-models") -> str | None:
    """The link that the page shows after somebody was added, or None."""
    page = team.client(who).post(
        f"/workspace/{campaign}/members/", {"email": email, "role": "viewer"}, follow=True
    )
    found = re.search(r"<code>http://127\.0\.0\.1:8000(/sign-in/\S+)</code>", page.content.decode())
    return found[1] if found else None


def test_whoever_let_a_link_run_out_gets_another(team: Team) -> None:
    first = invite(team, "new@example.org")
    assert first
    with time_machine.travel(clock.wall() + timedelta(hours=25)):
        assert "has run out" in Client().get(first).content.decode()
        second = invite(team, "new@example.org")
        assert second
        newcomer = Client()
        assert newcomer.post(second).url == "/account/password/set/"
        assert invite(team, "new@example.org") is None  # they have been here


def test_an_owner_gets_no_link_to_somebody_of_another_campaign(team: Team) -> None:
    assert invite(team, "new@example.org")
    assert invite(team, "new@example.org", "stranger", "not-theirs") is None
    assert invite(team, "new@example.org") is None
    assert invite(team, "administrator@example.org") is None


def test_a_link_that_was_made_elsewhere_does_not_open_this_campaign(team: Team) -> None:
    elsewhere = invite(team, "new@example.org", "stranger", "not-theirs")
    assert elsewhere
    assert invite(team, "new@example.org") is None
    assert Client().post(elsewhere).status_code == 410


def test_who_was_taken_out_elsewhere_leaves_no_link_there_either(team: Team) -> None:
    elsewhere = invite(team, "new@example.org", "stranger", "not-theirs")
    assert elsewhere
    Membership.objects.get(person__email="new@example.org").delete()
    here = invite(team, "new@example.org")
    assert here
    assert Client().post(elsewhere).status_code == 410
    assert Client().post(here).status_code == 302


@pytest.mark.parametrize(
    ("been", "sentence"), [(True, "If you do not know that it is they"), (False, "are void now")]
)
def test_an_owner_is_told_of_an_account_that_another_campaign_made(
    been: bool, sentence: str, team: Team
) -> None:
    link = invite(team, "new@example.org", "stranger", "not-theirs")
    assert link
    if been:
        Client().post(link)
    answer = team.client("owner").post(PAGE, {"email": "new@example.org", "role": "viewer"}, follow=True)
    assert sentence in answer.content.decode()


def test_somebody_known_gets_no_link(team: Team) -> None:
    answer = team.client("owner").post(
        PAGE, {"email": "administrator@example.org", "role": "viewer"}, follow=True
    )
    assert "/sign-in/" not in answer.content.decode().replace('href="/sign-in/"', "")
    assert Membership.objects.filter(person=team.people["administrator"], role="viewer").exists()


def test_a_role_can_be_changed(team: Team) -> None:
    team.client("owner").post(PAGE, {"email": "viewer@example.org", "role": "reviewer"})
    assert team.people["viewer"].memberships.get().role == "reviewer"


def test_the_last_owner_stays(team: Team) -> None:
    client = team.client("owner")
    answer = client.post(PAGE, {"email": "owner@example.org", "role": "viewer"})
    assert "is the only owner" in answer.content.decode()
    own = team.people["owner"].memberships.get()
    answer = client.post(f"{PAGE}{own.pk}/remove/", follow=True)
    assert "is the only owner" in answer.content.decode()
    assert team.people["owner"].memberships.get().role == "owner"


def test_somebody_who_is_removed_no_longer_gets_in(team: Team) -> None:
    membership = team.people["viewer"].memberships.get()
    team.client("owner").post(f"{PAGE}{membership.pk}/remove/")
    assert team.client("viewer").get("/workspace/example-models/").status_code == 404


def test_a_membership_of_another_campaign_cannot_be_ended_here(team: Team) -> None:
    theirs = team.people["stranger"].memberships.get()
    assert team.client("owner").post(f"{PAGE}{theirs.pk}/remove/").status_code == 404
