"""The page on which members make tokens for programs."""

from __future__ import annotations

import re

from apps.accounts.roles import Role
from apps.accounts.tokens import PATTERN
from apps.reports.models import ApiToken
from apps.reports.tokens import access_of
from tests.workspace.conftest import Team

PAGE = "/workspace/example-models/tokens/"


def make(team: Team, who: str, **fields: str) -> str:
    answer = team.client(who).post(PAGE, {"name": "Nightly", "role": "viewer", "days": "7", **fields})
    return answer.content.decode()


def test_a_token_is_shown_once(team: Team) -> None:
    page = make(team, "editor")
    shown = re.search(rf"<code>({PATTERN.pattern})</code>", page)
    assert shown
    access = access_of(shown[1])
    assert access is not None
    assert (access.person, access.role) == (team.people["editor"], Role.VIEWER)
    again = team.client("editor").get(PAGE).content.decode()
    assert shown[1] not in again
    assert access.token.start in again


def test_no_higher_role_than_ones_own_is_offered_or_taken(team: Team) -> None:
    page = team.client("reviewer").get(PAGE).content.decode()
    assert re.findall(r'<option value="(\w+)"', page)[:3] == ["figures", "viewer", "reviewer"]
    make(team, "reviewer", role="editor")
    assert not ApiToken.objects.exists()
    make(team, "figures", role="figures")
    assert ApiToken.objects.get().role == Role.FIGURES


def test_members_see_and_end_their_own_tokens_owners_everybodys(team: Team) -> None:
    make(team, "editor", name="The editor’s")
    token = ApiToken.objects.get()
    assert "The editor’s" not in team.client("viewer").get(PAGE).content.decode()
    refused = team.client("viewer").post(f"{PAGE}{token.pk}/revoke/", follow=True).content.decode()
    assert "somebody else’s token" in refused.replace("&#x27;", "’")
    token.refresh_from_db()
    assert token.revoked_at is None
    assert "The editor’s" in team.client("owner").get(PAGE).content.decode()
    team.client("editor").post(f"{PAGE}{token.pk}/revoke/")
    token.refresh_from_db()
    assert token.revoked_at is not None
    make(team, "editor", name="Another")
    other = ApiToken.objects.get(name="Another")
    team.client("owner").post(f"{PAGE}{other.pk}/revoke/")
    other.refresh_from_db()
    assert other.revoked_at is not None
