"""What changes a campaign itself: its making, and who belongs to it."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from apps.accounts.models import Person
from apps.accounts.roles import Role

from .activity import record
from .models import Campaign, Deed, Membership, Subject
from .tokens import revoke_tokens_of

MAX_NAME = 200
LOWEST_MINIMUM_N = 1
HIGHEST_MINIMUM_N = 1_000

ADDRESS_WORDS = frozenset({"new", "definitions", "platforms", "classify", "notices", "system"})
"""Words that no campaign can be called, because pages of the workspace are."""


class UnusableCampaign(ValueError):
    """What a campaign cannot be called or be set to. The message is a sentence for people."""


class LastOwner(ValueError):
    """A campaign would be left without an owner. The message is a sentence for people."""


@dataclass(frozen=True, slots=True)
class Invited:
    """Who was made a member, as what, whether a link may be made for them, and whether they have a way in."""

    person: Person
    role: Role
    is_new: bool
    has_been_here: bool


@transaction.atomic
def create_campaign(*, slug: str, name: str, description: str = "", person: Person | None = None) -> Campaign:
    """A new campaign, owned by `person`; without one, only administrators see it."""
    campaign = Campaign.objects.create(slug=slug, name=name, description=description, created_by=person)
    if person is not None:
        Membership.objects.create(campaign=campaign, person=person, role=Role.OWNER)
    record(Deed.CAMPAIGN_MADE, person=person, campaign=campaign)
    return campaign


def change_campaign(
    *, campaign: Campaign, name: str, description: str, minimum_n: int, person: Person | None = None
) -> None:
    """Change what a campaign is called and says of itself, and from how many items on it gives estimates.

    Raises UnusableCampaign, and then nothing is changed.
    """
    name = name.strip()
    if not name:
        raise UnusableCampaign("A campaign needs a name.")
    if len(name) > MAX_NAME:
        raise UnusableCampaign(f"The name is longer than {MAX_NAME} characters.")
    if not LOWEST_MINIMUM_N <= minimum_n <= HIGHEST_MINIMUM_N:
        raise UnusableCampaign(
            f"The smallest group is {minimum_n}: write a number from {LOWEST_MINIMUM_N} to "
            f"{HIGHEST_MINIMUM_N}."
        )
    with transaction.atomic():
        before = Campaign.objects.select_for_update().get(pk=campaign.pk)
        texts = {"name": (before.name, name), "description": (before.description, description)}
        counted = {"minimum_n": (before.minimum_n, minimum_n)}
        changed = {key: pair for key, pair in counted.items() if pair[0] != pair[1]}
        record(
            Deed.CAMPAIGN_CHANGED,
            person=person,
            campaign=campaign,
            was={key: pair[0] for key, pair in changed.items()},
            became={key: pair[1] for key, pair in changed.items()},
            hidden=[key for key, pair in texts.items() if pair[0] != pair[1]],
        )
        campaign.name, campaign.description, campaign.minimum_n = name, description, minimum_n
        campaign.save(update_fields=["name", "description", "minimum_n"])


@transaction.atomic
def invite(*, campaign: Campaign, email: str, role: Role, person: Person | None = None) -> Invited:
    """Make somebody a member, or change a member's role; `person` is who does it.

    Somebody new gets an account without a password; they come in by a one-time link. Whoever let theirs run
    out counts as new as long as they belong to no other campaign: a link to them opens nothing else. Links
    that somebody else was given for them before are void from now on, because they would open this campaign,
    too. Raises LastOwner when the only owner would become something else.
    """
    guest = Person.objects.filter(email=email.strip().lower()).first()
    if guest is None:
        guest = Person.objects.create_user(email)
        is_new = True
    else:
        elsewhere = Membership.objects.filter(person=guest).exclude(campaign=campaign).exists()
        is_new = guest.has_never_been_here and not elsewhere
        if guest.has_never_been_here:
            guest.set_unusable_password()  # links hang on it
            guest.save(update_fields=["password"])
    if role != Role.OWNER:
        _keep_an_owner(campaign, without=guest)
    before = Membership.objects.filter(campaign=campaign, person=guest).first()
    Membership.objects.update_or_create(campaign=campaign, person=guest, defaults={"role": role})
    record(
        Deed.MEMBER_CHANGED if before else Deed.MEMBER_ADDED,
        person=person,
        campaign=campaign,
        subject=Subject.PERSON,
        number=guest.pk,
        was={"role": Role(before.role)} if before else {},
        became={"role": role},
    )
    return Invited(guest, role, is_new, has_been_here=not guest.has_never_been_here)


@transaction.atomic
def end_membership(*, membership: Membership, person: Person | None = None) -> None:
    """Take somebody out of a campaign, with their tokens; `person` is who does it.

    Raises LastOwner for its only owner.
    """
    _keep_an_owner(membership.campaign, without=membership.person)
    revoke_tokens_of(campaign=membership.campaign, person=membership.person)
    record(
        Deed.MEMBER_REMOVED,
        person=person,
        campaign=membership.campaign_id,
        subject=Subject.PERSON,
        number=membership.person_id,
        was={"role": Role(membership.role)},
    )
    membership.delete()


def _keep_an_owner(campaign: Campaign, *, without: Person) -> None:
    # The lock makes two owners who step down at the same moment wait for each other.
    Campaign.objects.select_for_update().get(pk=campaign.pk)
    owners = set(
        Membership.objects.filter(campaign=campaign, role=Role.OWNER).values_list("person_id", flat=True)
    )
    if owners == {without.pk}:
        raise LastOwner(f"{without} is the only owner. Make somebody else an owner first.")
