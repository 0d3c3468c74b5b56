"""Whether the site itself does its work: what is wrong, in words, and what to do."""

from __future__ import annotations

from typing import cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.accounts.models import Person
from apps.accounts.permissions import for_signed_in
from apps.health.conditions import Grade, conditions, grade_of
from apps.health.facts import facts


@require_safe
@for_signed_in
def system(request: HttpRequest) -> HttpResponse:
    """Each condition of the site. Members read what concerns their figures, administrators everything."""
    person = cast(Person, request.user)
    known = facts()
    found = conditions(known)
    if not person.is_superuser:
        found = [one for one in found if one.for_members]
    return render(
        request,
        "workspace/system.html",
        {
            "wrong": [one for one in found if one.grade != Grade.OK],
            "good": [one for one in found if one.grade == Grade.OK],
            "fails": grade_of(found) == Grade.FAILING,
            "facts": known,
            "targets": sum(known.database.targets.values()),
        },
    )
