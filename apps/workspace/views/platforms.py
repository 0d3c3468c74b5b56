"""What is known of each platform: how it is probed, what each signal means, since when, from which source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.accounts.models import Person
from apps.accounts.permissions import for_signed_in
from apps.accounts.roles import Action
from apps.checks.knowledge import Knowledge, knowledge, known_of, known_of_any_site
from apps.checks.selectors import StaleDefinition, canaries_on_record, stale_definitions
from apps.checks.verdict import GENERIC
from apps.platforms import registry
from apps.reports.selectors import Watched, may_anywhere, watched_platforms


@dataclass(frozen=True, slots=True)
class PlatformRow:
    """A platform with what the person's campaigns watch on it (None: nothing), and why it is stale, if so."""

    known: Knowledge
    watched: Watched | None
    stale: StaleDefinition | None


@require_safe
@for_signed_in
def platform_list(request: HttpRequest) -> HttpResponse:
    """Every platform with a definition, those first that are watched, and the rules for all other sites."""
    person = cast(Person, request.user)
    rows = _rows(knowledge(), watched_platforms(person))
    return render(
        request,
        "workspace/platforms.html",
        {
            "rows": sorted(rows, key=lambda row: row.watched is None),
            "may_classify": may_anywhere(person, Action.REVIEW),
        },
    )


@require_safe
@for_signed_in
def platform(request: HttpRequest, platform: str) -> HttpResponse:
    """All that is known of one platform; under "generic", the rules for every site."""
    person = cast(Person, request.user)
    definition = registry.definition(platform)
    if definition is None and platform != GENERIC:
        raise Http404("There is no definition of this platform.")
    known = known_of(definition) if definition is not None else known_of_any_site()
    watched = watched_platforms(person, platform="" if definition is None else platform)
    (row,) = _rows([known], watched)
    return render(
        request,
        "workspace/platform.html",
        {
            "row": row,
            "known": known,
            "is_generic": platform == GENERIC,
            "canaries": canaries_on_record(platform),
            "may_classify": may_anywhere(person, Action.REVIEW),
        },
    )


def _rows(known: Sequence[Knowledge], watched: Mapping[str, Watched]) -> list[PlatformRow]:
    others = [figures for slug, figures in watched.items() if registry.definition(slug) is None]
    stale = {each.platform: each for each in stale_definitions()}
    return [
        PlatformRow(
            known=each,
            watched=_together(others) if each.slug == GENERIC else watched.get(each.slug),
            stale=stale.get(each.slug),
        )
        for each in known
    ]


def _together(watched: list[Watched]) -> Watched | None:
    """What is watched on several platforms."""
    if not watched:
        return None
    return Watched(
        targets=sum(each.targets for each in watched),
        since=min(each.since for each in watched),
        last_check_at=max((each.last_check_at for each in watched if each.last_check_at), default=None),
    )
