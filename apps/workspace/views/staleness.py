"""Definitions that have gone stale, and a person's word on them."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.models import Person
from apps.accounts.permissions import for_signed_in
from apps.accounts.roles import Action
from apps.checks.selectors import canaries_on_record, events_of_definition, stale_definitions
from apps.platforms import registry
from apps.reports.observations import look_at_definition
from apps.reports.selectors import may_anywhere

from ..access import site_page
from ..forms import LookForm


@require_safe
@for_signed_in
def stale_definitions_page(request: HttpRequest) -> HttpResponse:
    """Why each stale definition is, how its canaries were read, and a form for who has looked."""
    rows = [
        (
            stale,
            canaries_on_record(stale.platform),
            events_of_definition(stale.platform),
            LookForm(auto_id=f"id_{stale.platform}_%s"),
        )
        for stale in stale_definitions()
    ]
    person = cast(Person, request.user)
    facts = {
        "rows": rows,
        "may_decide": may_anywhere(person, Action.REVIEW),
        "may_read_notes": may_anywhere(person, Action.VIEW),
    }
    return render(request, "workspace/stale.html", facts)


@require_POST
@site_page(Action.REVIEW)
def looked(request: HttpRequest, person: Person, platform: str) -> HttpResponse:
    """Record that a person looked at a definition, and what they found."""
    if registry.definition(platform) is None:
        raise Http404("There is no definition of this platform.")
    form = LookForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Say whether the definition is right or stale.")
        return redirect("workspace:stale_definitions")
    look_at_definition(
        platform=platform, right=form.cleaned_data["right"], note=form.cleaned_data["note"], person=person
    )
    found = "right" if form.cleaned_data["right"] else "stale"
    messages.success(request, f"Recorded: the definition of {registry.platform_name(platform)} is {found}.")
    return redirect("workspace:stale_definitions")
