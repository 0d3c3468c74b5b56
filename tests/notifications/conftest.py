"""A campaign whose people are told, at the moment when its reports are sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import time_machine

from apps.accounts.models import Person
from apps.accounts.roles import Role
from apps.notifications import services
from apps.notifications.kinds import CHOSEN, Mails
from apps.reports.models import Campaign, Membership
from tests.factories import START, at, make_campaign, make_person


@dataclass(frozen=True, slots=True)
class Told:
    """A campaign with an owner and a member who sees figures only, and the hands of the clock."""

    campaign: Campaign
    owner: Person
    counter: Person
    clock: time_machine.Coordinates

    def go_to(self, hours: float) -> None:
        """Let it be so many hours after START."""
        self.clock.move_to(at(hours), tick=False)

    def membership(self, person: Person) -> Membership:
        return Membership.objects.get(campaign=self.campaign, person=person)

    def wants(self, person: Person, mails: Mails) -> None:
        """Let a person have e-mails about everything."""
        services.set_preferences(
            membership=self.membership(person), wishes=dict.fromkeys(CHOSEN, (True, mails))
        )


@pytest.fixture
def told(db: None) -> Iterator[Told]:
    """The campaign, and a first look that found it empty."""
    with time_machine.travel(START, tick=False) as clock:
        owner, counter = make_person("owner@example.org"), make_person("counter@example.org")
        campaign = make_campaign(**{Role.OWNER: owner, Role.FIGURES: counter})
        look()
        yield Told(campaign, owner, counter, clock)


def look() -> int:
    """One look for everything that the database shows; returns how many events it made."""
    return (
        services.find_changes()
        + services.find_stale_definitions()
        + services.find_deadlines()
        + services.find_claims()
    )
