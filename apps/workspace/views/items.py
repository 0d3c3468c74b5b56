"""An item's own page, where a person can add what they saw."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.roles import Action
from apps.checks.outcomes import Outcome, Reason
from apps.core import clock
from apps.metrics import tables
from apps.metrics.check_facts import check_facts
from apps.reports.models import Item, Subject
from apps.reports.observations import ErasedItem, record_seen
from apps.reports.observations import look_again as have_it_looked_at
from apps.reports.reply_selectors import error_reasons
from apps.reports.selectors import (
    account_of,
    check_moments,
    checks_of,
    item_rows,
    items_of,
    report_row,
    transitions_of,
)

from ..access import Access, campaign_page
from ..charts import check_strip
from ..csv_answers import csv_answer
from ..file_answers import note_taken
from ..forms import ManualCheckForm
from ..problems import CHECKS_READ, offer_problem, overruling_to_report
from ..reply_forms import ErrorForm


@require_http_methods(["GET", "HEAD", "POST"])
@campaign_page(Action.COUNT, to_change=Action.REVIEW)
def item(request: HttpRequest, access: Access, pk: int) -> HttpResponse:
    """What was reported and what the checks saw; on POST, add a manual check."""
    found = get_object_or_404(items_of(access.campaign), pk=pk)
    form = ManualCheckForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            added = record_seen(
                item=found,
                outcome=Outcome(form.cleaned_data["outcome"]),
                reason=Reason(form.cleaned_data["reason"]),
                observed_at=form.cleaned_data["observed_at"],
                note=form.cleaned_data["note"],
                person=access.person,
            )
        except ErasedItem as error:
            messages.error(request, str(error))
            return redirect("workspace:item", slug=access.campaign.slug, pk=pk)
        messages.success(request, "Recorded." if added else "This is on record already.")
        offer_problem(request, access, found)
        return redirect("workspace:item", slug=access.campaign.slug, pk=pk)
    return item_page(request, access, found, form=form, error_form=ErrorForm(prefix="error"))


def item_page(
    request: HttpRequest, access: Access, found: Item, *, form: ManualCheckForm, error_form: ErrorForm
) -> HttpResponse:
    """An item's page, with forms that may have been refused."""
    facts = _facts(access, found) | {"form": form, "error_form": error_form}
    return render(request, "workspace/item.html", facts)


def _facts(access: Access, found: Item) -> dict[str, object]:
    (row,) = item_rows([found], who=access.who, errors=error_reasons([found.pk]))
    moments = check_moments(found.target)
    checks = checks_of(access.campaign, found.target, who=access.who, limit=CHECKS_READ)
    return {
        "access": access,
        "overruled": overruling_to_report(found.target, checks),
        "row": row,
        "account": account_of(found.target),
        "report": report_row(found.report, who=access.who),
        "strip": check_strip(
            moments,
            reported_at=row.reported_at,
            removed=(row.removed_after, row.removed_by) if row.removed_by else None,
            now=clock.now(),
        ),
        "folded": row.checks - len(moments),
        "chart": tables.checks_by_outcome(moments),
        "checks": checks,
        "transitions": transitions_of(found, who=access.who),
        "also": item_rows(
            items_of(access.campaign).filter(target=found.target_id).exclude(pk=found.pk).order_by("pk"),
            who=access.who,
        ),
    }


@require_safe
@campaign_page(Action.COUNT)
def item_checks(request: HttpRequest, access: Access, pk: int) -> HttpResponse:
    """All checks of an item as a file: facts, with no URL, note or person."""
    found = get_object_or_404(items_of(access.campaign), pk=pk)
    chart = tables.checks(check_facts(found.target))
    note_taken(request, access, "checks", subject=Subject.ITEM, number=pk)
    return csv_answer(chart, name=f"{access.campaign.slug}-item-{pk}", as_of=clock.now())


@require_POST
@campaign_page(Action.REVIEW)
def look_again(request: HttpRequest, access: Access, pk: int) -> HttpResponse:
    """Let the checker look at the item's target next."""
    found = get_object_or_404(items_of(access.campaign), pk=pk)
    try:
        have_it_looked_at(item=found, person=access.person)
    except ErasedItem as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "The checker looks at it next.")
    return redirect("workspace:item", slug=access.campaign.slug, pk=pk)
