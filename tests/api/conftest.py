"""Programs that ask: a token of each role, and those that let nobody in."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client

from apps.accounts.roles import Role
from apps.core import clock
from apps.reports.models import ApiToken, Campaign
from apps.reports.tokens import make_token, revoke_token
from tests.factories import make_campaign, make_person

NOBODY = ("none", "expired", "revoked", "never", "past member")
BASE = "/api/v1"


@dataclass
class Programs:
    """A campaign, and the tokens for it by who has them."""

    campaign: Campaign
    secrets: dict[str, str] = field(default_factory=dict)

    def ask(
        self, who: str, method: str, path: str, body: Any = None, *, headers: dict[str, str] | None = None
    ) -> HttpResponse:
        """One request, as a program makes it. `path` goes on from the campaign's address, or is whole."""
        sent = dict(headers or {})
        if who != "none":
            sent["Authorization"] = f"Bearer {self.secrets[who]}"
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        address = path if path.startswith("/api/") else f"{BASE}/campaigns/{self.campaign.slug}{path}"
        client = Client(raise_request_exception=False, enforce_csrf_checks=True)
        return client.generic(method, address, data, content_type="application/json", headers=sent)

    def get(self, who: str, path: str, **headers: str) -> Any:
        """The JSON of an answer that has to be 200."""
        answer = self.ask(who, "GET", path, headers=headers)
        assert answer.status_code == 200, answer.content
        return answer.json()

    def token(self, who: str) -> ApiToken:
        """The token on record."""
        return ApiToken.objects.get(name=who, campaign=self.campaign)


@pytest.fixture
def programs(db: None) -> Programs:
    """A token of each role, each made by a member of that role; a stranger's; and what is none."""
    cache.clear()
    people = {role.value: make_person(f"{role.value}@example.org") for role in Role}
    campaign = make_campaign(**people)
    found = Programs(campaign)
    later = clock.wall() + timedelta(days=1)

    def make(who: str, person: str, role: Role, of: Campaign = campaign) -> ApiToken:
        made = make_token(campaign=of, person=people[person], name=who, role=role, expires_at=later)
        found.secrets[who] = made.secret
        return made.token

    for role in Role:
        make(role.value, role.value, role)
    people["stranger"] = make_person("stranger@example.org")
    make("stranger", "stranger", Role.OWNER, make_campaign("not-theirs", owner=people["stranger"]))
    expired = make("expired", "owner", Role.OWNER)
    ApiToken.objects.filter(pk=expired.pk).update(expires_at=clock.wall())
    revoke_token(token=make("revoked", "owner", Role.OWNER))
    people["past member"] = make_person("past@example.org")
    membership = campaign.memberships.create(person=people["past member"], role=Role.EDITOR)
    make("past member", "past member", Role.EDITOR)
    membership.delete()
    found.secrets["never"] = "stillup_" + "A" * 43
    return found
