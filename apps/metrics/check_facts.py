"""What an item's checks saw: facts for a file, without who looked, what they noted, or any address."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from apps.checks.models import Target


class CheckFact(NamedTuple):
    """One check."""

    number: int
    started_at: datetime
    outcome: str
    reason: str
    definitive: bool
    signal: str
    http_status: int | None
    manual: bool


def check_facts(target: Target) -> list[CheckFact]:
    """All checks of a target in the order of the record. One query."""
    return list(map(CheckFact._make, target.checks.order_by("number").values_list(*CheckFact._fields)))
