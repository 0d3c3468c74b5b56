"""The option `--role` of commands whose output is handed on: what somebody of that role may see."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from .roles import Action, Audience, Role, audience_of, may


def add_role_option(parser: ArgumentParser) -> None:
    """Declare it. Without it, a command says what an owner sees."""
    parser.add_argument(
        "--role",
        default=Role.OWNER.value,
        choices=Role.values,
        help="as somebody of this role may see it; figures: without URLs, accounts and what people wrote",
    )


def audience_asked(options: dict[str, Any]) -> Audience:
    """What the role that was asked for may see."""
    return audience_of(options["role"])


def check_may_view(options: dict[str, Any], what: str) -> None:
    """Raise CommandError where the role that was asked for may see no URLs, and `what` (plural) name them."""
    if not may(options["role"], Action.VIEW):
        raise CommandError(
            f"{what} name URLs, and whoever has the role “{Role(options['role']).label}” may see none."
        )
