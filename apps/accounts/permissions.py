"""Whom a view lets in, said on the view itself: an attribute that the decorators of pages set.

A test reads it from every address of the site, tries each with everybody, and fails for a view without it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from django.contrib.auth.decorators import login_required
from django.views.decorators.cache import never_cache

from .roles import Action

View = TypeVar("View", bound=Callable[..., Any])


class Gate(StrEnum):
    """Who gets in."""

    EVERYONE = "everyone"
    SIGNED_IN = "signed in"
    SOMEWHERE = "somewhere"  # whose role in any campaign includes the action
    CAMPAIGN = "campaign"  # whose role in the campaign of the address includes the action
    ADMINISTRATOR = "administrator"
    PROGRAM = "program"  # no person: programs that send a token, whose role each operation asks for itself
    MACHINE = "machine"  # programs on this machine, or with a token of the settings; no person


@dataclass(frozen=True, slots=True)
class Permission:
    """Whom a view lets in. `to_read` and `to_change` are actions, of the gates that ask for a role."""

    gate: Gate
    to_read: Action | None = None
    to_change: Action | None = None

    def action(self, method: str) -> Action | None:
        """What a request of that method needs."""
        return self.to_read if method in {"GET", "HEAD"} else self.to_change


def lets_in(permission: Permission) -> Callable[[View], View]:
    """Say on a view whom it lets in. It does not check: whatever decorates the view besides has to."""

    def decorate(view: View) -> View:
        view.permission = permission  # type: ignore[attr-defined]
        return view

    return decorate


for_everyone = lets_in(Permission(Gate.EVERYONE))
for_machines = lets_in(Permission(Gate.MACHINE))


def for_signed_in(view: View) -> View:
    """Let only people in who have signed in, whatever their roles; others are sent to do so."""
    return lets_in(Permission(Gate.SIGNED_IN))(never_cache(login_required(view)))
