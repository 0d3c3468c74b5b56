"""The list of targets that need a person. A decision is a manual check; nothing on record is edited."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Page
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.roles import Action
from apps.checks.models import Target
from apps.checks.outcomes import Outcome, Reason
from apps.core import clock
from apps.reports.observations import ErasedItem, record_seen
from apps.reports.selectors import items_of, review_rows, review_targets

from ..access import Access, campaign_page
from ..forms import REASONS_OF_PERSONS, ReviewForm
from ..paging import page_numbers, page_of
from ..problems import offer_problem

TARGETS_A_PAGE = 20
CHECKS_SHOWN = 4


@require_safe
@campaign_page(Action.COUNT)
def review_list(request: HttpRequest, access: Access) -> HttpResponse:
    """The targets that need a person, the longest waiting first."""
    page = page_of(request, review_targets(access.campaign), size=TARGETS_A_PAGE)
    return _review_page(request, access, page)


@require_POST
@campaign_page(Action.REVIEW)
def decide(request: HttpRequest, access: Access, pk: int) -> HttpResponse:
    """Record what a person saw of the item's target."""
    found = get_object_or_404(items_of(access.campaign), pk=pk)
    form = ReviewForm(request.POST, auto_id=f"id_{pk}_%s")
    if not form.is_valid():
        page = page_of(request, review_targets(access.campaign), size=TARGETS_A_PAGE)
        return _review_page(request, access, page, refused=(pk, form))
    outcome = Outcome(form.cleaned_data["outcome"])
    try:
        record_seen(
            item=found,
            outcome=outcome,
            reason=_reason(outcome, found.target),
            observed_at=clock.now(),
            note=form.cleaned_data["note"],
            person=access.person,
        )
    except ErasedItem as error:
        messages.error(request, str(error))
        return redirect("workspace:review", slug=access.campaign.slug)
    messages.success(request, f"Recorded what you saw of item {pk}: {outcome.label}.")
    offer_problem(request, access, found)
    return redirect("workspace:review", slug=access.campaign.slug)


def _reason(outcome: Outcome, target: Target) -> Reason:
    """A person who confirms keeps the reason that the checker gave; otherwise it is theirs."""
    if target.reason and Reason(target.reason) in REASONS_OF_PERSONS[outcome]:
        return Reason(target.reason)
    return Reason.PERSON


def _review_page(
    request: HttpRequest,
    access: Access,
    page: Page[Target],
    *,
    refused: tuple[int, ReviewForm] | None = None,
) -> HttpResponse:
    rows = review_rows(access.campaign, list(page.object_list), who=access.who, checks=CHECKS_SHOWN)
    refused_pk, refused_form = refused or (None, None)
    cards = [
        (row, refused_form if row.item.pk == refused_pk else ReviewForm(auto_id=f"id_{row.item.pk}_%s"))
        for row in rows
    ]
    return render(
        request,
        "workspace/review.html",
        {"access": access, "page": page, "numbers": page_numbers(page), "cards": cards, "query": ""},
    )
