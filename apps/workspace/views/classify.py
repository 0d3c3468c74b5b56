"""What a check would say of a URL or a recording, and what each signal says. Nothing of it is kept."""

from __future__ import annotations

from dataclasses import replace

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from apps.accounts.models import Person
from apps.accounts.roles import Action
from apps.checks.asking import NotNow
from apps.checks.classification import Classification
from apps.checks.classification import classify as classify_match
from apps.platforms.registry import platform_name
from apps.reports.observations import note_look
from apps.reports.selectors import was_seen

from ..access import site_page
from ..classify_form import Asked, ClassifyForm
from ..looks import look_for


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@site_page(Action.REVIEW)
def classify(request: HttpRequest, person: Person) -> HttpResponse:
    """A form; on POST, the verdict on what was handed in."""
    told: Classification | None = None
    form = ClassifyForm()
    if request.method == "POST":
        form = ClassifyForm(request.POST, request.FILES)
        if form.is_valid():
            try:
                told = _classified(person, form.cleaned_data["asked"])
            except NotNow as error:
                form.add_error(None, str(error))
    return render(
        request,
        "workspace/classify.html",
        {"form": form, "told": told, "platform": platform_name(told.found.platform) if told else ""},
    )


def _classified(person: Person, asked: Asked) -> Classification:
    asked = replace(asked, seen=asked.seen or was_seen(person, asked.found.key))
    if asked.recording is not None:
        return classify_match(asked.found, asked.recording, seen=asked.seen)
    with look_for(person, asked.found) as fetch:
        note_look(campaign=None, person=person)
        return classify_match(asked.found, fetch, seen=asked.seen)
