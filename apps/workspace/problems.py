"""The offer to report a definition that read a platform otherwise than a person did."""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib import messages
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from apps.checks.models import Target
from apps.checks.outcomes import Outcome
from apps.core.canonical import canonicalise
from apps.platforms import registry
from apps.platforms.matching import match
from apps.reports.models import Item
from apps.reports.selectors import CheckRow, Overruling, checks_of, overruling

from .access import Access

CHECKS_READ = 30
"""An offer is made while the person's word is among so many checks."""


def offer_problem(request: HttpRequest, access: Access, item: Item) -> None:
    """Tell somebody who has just overruled the checker how to report it, on the page that they see next."""
    checks = checks_of(access.campaign, item.target, who=access.who, limit=CHECKS_READ)
    if overruling_to_report(item.target, checks) is None:
        return
    address = reverse("workspace:item_problem", args=[access.campaign.slug, item.pk])
    offer = 'The checker read item {} otherwise. <a href="{}">Report it as a problem of the definition</a>'
    messages.info(request, format_html(offer, item.pk, address))


def overruling_to_report(target: Target, checks: Iterable[CheckRow]) -> Overruling | None:
    """Where a person overruled the checker, unless the definition says itself that a person has to look."""
    found = overruling(checks) if target.key else None
    if found is None or (found.checker.outcome == Outcome.INCONCLUSIVE and _needs_person(target)):
        return None
    return found


def _needs_person(target: Target) -> bool:
    known = match(canonicalise(target.key))
    definition = registry.definition(known.definition)
    kind = definition.kind(known.kind) if definition is not None else None
    return kind is not None and bool(kind.needs_person)
