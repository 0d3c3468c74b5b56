"""Django system checks: whether the deadline rules can be used at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, register

from apps.core.commands import KNOWLEDGE
from apps.platforms.schema import DefinitionError

from .deadlines import rules


@register(KNOWLEDGE)
def deadline_rules_can_be_used(*, app_configs: Sequence[Any] | None, **options: Any) -> list[CheckMessage]:
    """Load every rule."""
    try:
        rules()
    except DefinitionError as error:
        return [Error(str(error), id="reports.E001")]
    return []
