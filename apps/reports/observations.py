"""What people see for themselves, and have looked at: of items, and of platforms' definitions.

The checks themselves know no campaign; what is done here is in the activity log of the item's.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from apps.accounts.models import Person
from apps.checks.outcomes import Outcome, Reason
from apps.checks.services import (
    ManualObservation,
    check_soon,
    find_definition_right,
    keep_definition_stale,
    record_manual_checks,
)

from .activity import Word, record
from .models import Campaign, Deed, Item, Subject


class ErasedItem(ValueError):
    """An item without a URL cannot be looked at. `str()` is a sentence for people."""


@transaction.atomic
def record_seen(
    *,
    item: Item,
    outcome: Outcome,
    reason: Reason,
    observed_at: datetime,
    note: str = "",
    person: Person | None = None,
) -> bool:
    """Record what a person saw of an item, as a manual check. False if just that is on record already.

    Raises ErasedItem.
    """
    _refuse_erased(item)
    observation = ManualObservation(
        target_id=item.target_id,
        outcome=outcome,
        reason=reason,
        observed_at=observed_at,
        person_id=None if person is None else person.pk,
        note=note,
    )
    added = record_manual_checks([observation]) > 0
    record(
        Deed.SEEN,
        person=person,
        campaign=item.report.campaign_id,
        subject=Subject.ITEM,
        number=item.pk,
        became={"outcome": outcome, "reason": reason, "observed_at": observed_at, "new": added},
        hidden=["note"] if note else [],
    )
    return added


@transaction.atomic
def look_again(*, item: Item, person: Person | None = None) -> None:
    """Let the checker look at an item next, ahead of its cadence. Raises ErasedItem."""
    _refuse_erased(item)
    check_soon(item.target)
    record(
        Deed.LOOK_WANTED,
        person=person,
        campaign=item.report.campaign_id,
        subject=Subject.ITEM,
        number=item.pk,
    )


@transaction.atomic
def note_look(*, campaign: Campaign | None, item: Item | None = None, person: Person | None = None) -> None:
    """Note that somebody had the site ask for a URL at once, of an item or one that they gave."""
    record(
        Deed.LOOKED_AT_ONCE,
        person=person,
        campaign=campaign,
        subject=Subject.ITEM if item else None,
        number=item.pk if item else None,
        hidden=["url"] if item is None else [],
    )


@transaction.atomic
def look_at_definition(*, platform: str, right: bool, note: str = "", person: Person | None = None) -> None:
    """Record that a person looked at a platform's definition, and finds it right or stale."""
    decide = find_definition_right if right else keep_definition_stale
    decide(platform=platform, person_id=None if person is None else person.pk, note=note)
    record(
        Deed.DEFINITION_LOOKED_AT,
        person=person,
        campaign=None,
        became={"definition": Word(platform), "right": right},
        hidden=["note"] if note else [],
    )


def _refuse_erased(item: Item) -> None:
    if item.erased_at is not None:
        raise ErasedItem(f"The URL of item {item.pk} was erased: nobody can look at it any more.")
