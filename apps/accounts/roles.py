"""What each role may do in a campaign, and what it may see. Pages, files, programs and commands ask here.

`Action` is what somebody may do, `Audience` what they may read. Which column, filter or grouping is for which
audience stands where that is declared: columns in the codebook (`exports.columns`), fields of rows beside
their type, filters and groupings with their names. Only here is decided which role belongs to which audience.
"""

from __future__ import annotations

from enum import StrEnum

from django.db.models import TextChoices


class Role(TextChoices):
    """A person's role in one campaign."""

    OWNER = "owner", "owner"
    EDITOR = "editor", "editor"
    REVIEWER = "reviewer", "reviewer"
    VIEWER = "viewer", "viewer"
    FIGURES = "figures", "figures only"


class Action(TextChoices):
    """What somebody may want to do in a campaign."""

    COUNT = "count", "see figures and what became of items, without URLs, accounts and free text"
    VIEW = "view", "see the campaign with its URLs"
    REVIEW = "review", "confirm or overrule what the checker saw"
    REPORT = "report", "add reports and items"
    MANAGE = "manage", "change the campaign and its members"


ROLES_IN_WORDS: dict[Role, str] = {
    Role.OWNER: "everything: also who is a member, what is public, and the settings",
    Role.EDITOR: "adds reports, items, lists and replies, and reviews",
    Role.REVIEWER: "sees everything, and confirms or overrules what the checker saw",
    Role.VIEWER: "sees everything with its URLs, and takes it out; changes nothing",
    Role.FIGURES: (
        "sees figures and what became of each item, and takes these out; no URL, no account, nothing that "
        "somebody wrote; changes nothing"
    ),
}


class Audience(StrEnum):
    """Who may see something. Each may see what the ones before it may."""

    PUBLIC = "public"  # everyone, once the campaign is published
    FIGURES = "figures"  # whoever may see the figures: no URL, no name, no word that somebody wrote
    MEMBERS = "members"  # the campaign's members who may see its URLs
    OWNERS = "owners"  # those who may see who did what

    def may_see(self, meant_for: Audience) -> bool:
        """Whether this audience sees what is meant for that one."""
        order = list(Audience)
        return order.index(meant_for) <= order.index(self)


MAY: dict[Role, frozenset[Action]] = {
    Role.OWNER: frozenset(Action),
    Role.EDITOR: frozenset({Action.COUNT, Action.VIEW, Action.REVIEW, Action.REPORT}),
    Role.REVIEWER: frozenset({Action.COUNT, Action.VIEW, Action.REVIEW}),
    Role.VIEWER: frozenset({Action.COUNT, Action.VIEW}),
    Role.FIGURES: frozenset({Action.COUNT}),
}


def may(role: str | None, action: Action) -> bool:
    """Whether `role` (None: not a member) includes `action`."""
    return role is not None and action in MAY[Role(role)]


def audience_of(role: str | None) -> Audience:
    """What somebody of `role` (None: not a member) may see of a campaign."""
    if may(role, Action.MANAGE):
        return Audience.OWNERS
    if may(role, Action.VIEW):
        return Audience.MEMBERS
    return Audience.FIGURES if may(role, Action.COUNT) else Audience.PUBLIC


def lower(one: Role, other: Role) -> Role:
    """Of two roles the one that may do less. Each role may do all that the next may."""
    return one if MAY[one] <= MAY[other] else other


def roles_up_to(role: Role) -> list[Role]:
    """The roles that may do no more than `role`, itself first."""
    return [each for each in Role if MAY[each] <= MAY[role]]
