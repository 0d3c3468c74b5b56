"""The standing people, who prove every permission: one of each role, an administrator, and a stranger."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from django.test import Client

from apps.accounts.models import Person
from apps.accounts.roles import Role
from apps.reports.models import Campaign
from tests.factories import make_campaign, make_person


@dataclass(frozen=True, slots=True)
class Team:
    """A campaign and everybody around it."""

    campaign: Campaign
    people: dict[str, Person]

    def client(self, who: str) -> Client:
        """A browser in which somebody is signed in; "anonymous" is nobody."""
        client = Client()
        if who != "anonymous":
            client.force_login(self.people[who])
        return client


@pytest.fixture
def team(db: None) -> Team:
    """A campaign with a member of each role."""
    members = {role.value: make_person(f"{role.value}@example.org") for role in Role}
    others = {
        "stranger": make_person("stranger@example.org"),
        "administrator": make_person("administrator@example.org", superuser=True),
    }
    make_campaign("not-theirs", owner=others["stranger"])
    return Team(make_campaign(**members), members | others)
