"""What is known of each platform: how it is probed, what each signal means, since when, from which source."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import cast

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apps.accounts.models import Person
from apps.accounts.roles import Action
from apps.checks.knowledge import Knowledge, knowledge
from apps.checks.verdict import GENERIC
from apps.reports.selectors import Watched, may_anywhere, watched_platforms


@dataclass(frozen=True, slots=True)
class PlatformRow:
    """A platform with what the person's campaigns watch on it (None: nothing).

    `stale_since` is when its definition was last found to read the platform wrongly; None while it does not.
    """

    known: Knowledge
    watched: Watched | None
    stale_since: datetime | None = None


@require_safe
@never_cache
@login_required
def platform_list(request: HttpRequest) -> HttpResponse:
    """Every platform with a definition, and the rules for all other sites."""
    person = cast(Person, request.user)
    return render(
        request,
        "workspace/platforms.html",
        {"rows": _rows(person), "may_classify": may_anywhere(person, Action.REVIEW)},
    )


@require_safe
@never_cache
@login_required
def platform(request: HttpRequest, platform: str) -> HttpResponse:
    """All that is known of one platform; under "generic", the rules for every site."""
    person = cast(Person, request.user)
    row = next((row for row in _rows(person) if row.known.slug == platform), None)
    if row is None:
        raise Http404("There is no definition of this platform.")
    return render(
        request,
        "workspace/platform.html",
        {
            "row": row,
            "known": row.known,
            "is_generic": platform == GENERIC,
            "may_classify": may_anywhere(person, Action.REVIEW),
        },
    )


def _rows(person: Person) -> list[PlatformRow]:
    watched = watched_platforms(person)
    known = knowledge()
    others = [figures for slug, figures in watched.items() if slug not in {each.slug for each in known}]
    return [
        PlatformRow(each, _together(others) if each.slug == GENERIC else watched.get(each.slug))
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
