"""What other rooms read of the checks beside targets: which definitions are stale, and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from apps.platforms import registry

from .models import Canary, DefinitionEvent, DefinitionState
from .outcomes import DefinitionChange, Outcome, Reason
from .staleness import is_right

EVENTS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class CanaryRow:
    """A canary and how it was last read.

    `kind` is "" for the platform's own; `right` is None where the reading tells nothing.
    """

    kind: str
    expects: Outcome
    checked_at: datetime | None
    outcome: Outcome | None
    reason: Reason | None
    signal: str
    right: bool | None
    wrong_since: datetime | None

    @property
    def what(self) -> str:
        """Which canary, in words."""
        good = self.expects == Outcome.AVAILABLE
        return f"{'known-good' if good else 'known-missing'} {self.kind or 'page'}"


@dataclass(frozen=True, slots=True)
class EventRow:
    """Something that happened to a definition; `person` is empty where it was the checker."""

    at: datetime
    what: DefinitionChange
    why: str
    person: str
    note: str


@dataclass(frozen=True, slots=True)
class StaleDefinition:
    """A definition that has gone stale. `kept`: a person looked at it, and said that it is."""

    platform: str  # slug
    name: str
    since: datetime
    why: str
    kept: bool
    looked_at: datetime | None
    looked_by: str


def stale_definitions() -> list[StaleDefinition]:
    """Every definition that is stale now, by name. One query."""
    states = DefinitionState.objects.exclude(stale_since=None).select_related("looked_by")
    found = [
        StaleDefinition(
            platform=state.platform,
            name=registry.platform_name(state.platform),
            since=state.stale_since,
            why=state.why,
            kept=state.kept,
            looked_at=state.looked_at,
            looked_by=str(state.looked_by or ""),
        )
        for state in states
        if state.stale_since is not None
    ]
    return sorted(found, key=lambda one: one.name.casefold())


def canaries_on_record(platform: str) -> list[CanaryRow]:
    """The canaries of a definition and how they were last read, by kind. One query."""
    rows = Canary.objects.filter(platform=platform).order_by("kind", "expects")
    return [
        CanaryRow(
            kind=row.kind,
            expects=Outcome(row.expects),
            checked_at=row.checked_at,
            outcome=Outcome(row.outcome) if row.outcome else None,
            reason=Reason(row.reason) if row.reason else None,
            signal=row.signal,
            right=is_right(Outcome(row.expects), row.outcome, row.reason) if row.outcome else None,
            wrong_since=row.wrong_since,
        )
        for row in rows
    ]


def events_of_definition(platform: str, *, limit: int = EVENTS_SHOWN) -> list[EventRow]:
    """What happened to a definition, the latest first. One query."""
    events = DefinitionEvent.objects.filter(platform=platform).select_related("person")
    return [
        EventRow(event.at, DefinitionChange(event.what), event.why, str(event.person or ""), event.note)
        for event in events.order_by("-at", "-pk")[:limit]
    ]
