"""What each role may do in a campaign. Pages and commands ask here and nowhere else."""

from __future__ import annotations

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
