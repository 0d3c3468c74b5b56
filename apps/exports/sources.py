"""Where the values of each table's columns are found in the record. What they mean is in `columns`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Case, CharField, F, OuterRef, Q, QuerySet, Subquery, TextField, Value, When
from django.db.models.expressions import Combinable

from apps.accounts.models import Person
from apps.accounts.roles import Audience
from apps.checks.models import Check, Transition
from apps.reports.models import Campaign, Item
from apps.reports.visibility import COARSE, told_in_query

from .columns import CHECKS, ITEMS, TRANSITIONS
from .sql import Source

ITEM_VALUES: Mapping[str, Combinable] = {
    "item": F("pk"),
    "target": F("target_id"),
    "url": F("submitted"),
    "key": F("target__key"),
    "platform": F("target__platform"),
    "kind": F("target__kind"),
    "account": F("target__account"),
    "report": F("report__number"),
    "reported_at": F("reported_at"),
    "control": F("control"),
    "labels": F("labels"),
    "status": F("target__status"),
    "reason": F("target__reason"),
    "definitive": F("target__definitive"),
    "by_person": F("target__by_person"),
    "available_at": F("target__available_at"),
    "removed_after": F("target__removed_after"),
    "removed_by": F("target__removed_by"),
    "confirmed_at": F("target__confirmed_at"),
    "reinstated_at": F("target__reinstated_at"),
    "checks": F("target__check_count"),
    "last_check_at": F("target__last_check_at"),
    "last_outcome": F("target__last_outcome"),
    "last_reason": F("target__last_reason"),
    "next_check_at": F("target__next_check_at"),
    "channel": F("report__channel"),
    "standing": F("report__standing"),
    "category": F("report__category"),
    "reference": F("report__reference"),
    "attested": F("attested"),
}
"""The columns of items that stand in the record; the others are worked out (`items`)."""


def items_source(items: QuerySet[Item], who: Audience) -> Source:
    """Items, in the order in which they were recorded, with the columns of ITEM_VALUES that `who` may see."""
    columns = [column for column in ITEMS.seen_by(who).columns if column.name in ITEM_VALUES]
    return Source(items, columns, _told(who, ITEM_VALUES), order=["item"])


def checks_source(campaign: Campaign, items: QuerySet[Item], who: Audience) -> Source:
    """The checks of the items' targets, each once, in the ledger's order."""
    rows = Check.objects.filter(target__in=items.order_by().values("target"))
    values = check_values(campaign, who)
    return Source(rows, CHECKS.seen_by(who).columns, values, order=["target", "number"])


def check_values(campaign: Campaign, who: Audience) -> Mapping[str, Combinable]:
    """The columns of checks as `who` of the campaign may read them.

    A target is watched once for all campaigns: its facts are shared, who looked and what they noted is for
    the campaign of that person.
    """
    readable = Q(person__in=_readable(campaign))
    shown = Person.objects.filter(pk=OuterRef("person")).annotate(
        shown=Case(When(name="", then=F("email")), default=F("name"), output_field=CharField())
    )
    values: dict[str, Combinable] = {
        "target": F("target_id"),
        "key": F("target__key"),
        "platform": F("target__platform"),
        "person": Case(
            When(readable, then=Subquery(shown.values("shown")[:1])),
            default=Value(""),
            output_field=TextField(),
        ),
        "note": Case(When(readable, then=F("note")), default=Value(""), output_field=TextField()),
    }
    values |= {name: F(name) for name in CHECKS.names if name not in values}
    return _told(who, values)


def transitions_source(items: QuerySet[Item], who: Audience) -> Source:
    """The transitions of the items' targets, each once, those that no longer hold too."""
    rows = Transition.objects.filter(target__in=items.order_by().values("target"))
    return Source(
        rows,
        TRANSITIONS.seen_by(who).columns,
        transition_values(who),
        order=["target", "recorded_at", "by", "check", "to_status"],
    )


def transition_values(who: Audience) -> Mapping[str, Combinable]:
    """The columns of transitions as `who` may read them."""
    values: dict[str, Combinable] = {
        "target": F("target_id"),
        "key": F("target__key"),
        "platform": F("target__platform"),
        "check": F("check_number"),
    }
    values |= {name: F(name) for name in TRANSITIONS.names if name not in values}
    return _told(who, values)


def _told(who: Audience, values: Mapping[str, Combinable]) -> Mapping[str, Combinable]:
    """The values with words as `who` reads them."""
    return {
        name: told_in_query(who, name, value) if name in COARSE else value for name, value in values.items()
    }


def _readable(campaign: Campaign) -> QuerySet[Person, Any]:
    """Whose words a member of the campaign may read."""
    return Person.objects.filter(Q(memberships__campaign=campaign) | Q(is_superuser=True)).values("pk")
