"""Django system checks: whether what is known of platforms can be used at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, register

from apps.core.commands import KNOWLEDGE
from apps.platforms import registry
from apps.platforms.schema import DefinitionError

from .signals import check_reasons, generic_signals


@register(KNOWLEDGE)
def definitions_can_be_used(*, app_configs: Sequence[Any] | None, **options: Any) -> list[CheckMessage]:
    """Load every definition and the generic signals, and hold their reasons to the closed lists."""
    try:
        generic_signals()
        for definition in registry.definitions().values():
            check_reasons(definition)
    except DefinitionError as error:
        return [Error(str(error), id="checks.E001")]
    return []
