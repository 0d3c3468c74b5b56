"""What was reported in error leaves the figures, with a reason, and can be taken back."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from apps.accounts.roles import Action
from apps.core.templatetags.show import items as items_in_words
from apps.reports.models import Report
from apps.reports.replies import (
    UnusableReply,
    mark_errors,
    mark_report_in_error,
    take_back_error,
    take_back_report_errors,
)
from apps.reports.selectors import items_of

from ..access import Access, campaign_page
from ..forms import ManualCheckForm
from ..reply_forms import ErrorForm
from .items import item_page
from .reports import report_page


@require_POST
@campaign_page(Action.REPORT)
def item_error(request: HttpRequest, access: Access, pk: int) -> HttpResponse:
    """Mark an item as reported in error."""
    found = get_object_or_404(items_of(access.campaign), pk=pk)
    form = ErrorForm(request.POST, prefix="error")
    if form.is_valid():
        try:
            marked = mark_errors(items=[found], reason=form.cleaned_data["reason"], person=access.person)
        except UnusableReply as error:
            form.add_error("reason", str(error))
        else:
            messages.success(
                request, "Marked as reported in error." if marked else "This item was marked already."
            )
            return redirect("workspace:item", slug=access.campaign.slug, pk=pk)
    return item_page(request, access, found, form=ManualCheckForm(), error_form=form)


@require_POST
@campaign_page(Action.REPORT)
def take_back_item_error(request: HttpRequest, access: Access, pk: int) -> HttpResponse:
    """Let an item count again."""
    found = get_object_or_404(items_of(access.campaign), pk=pk)
    taken_back = take_back_error(item=found, person=access.person)
    messages.success(request, "The item counts again." if taken_back else "This item was not marked.")
    return redirect("workspace:item", slug=access.campaign.slug, pk=pk)


@require_POST
@campaign_page(Action.REPORT)
def report_error(request: HttpRequest, access: Access, number: int) -> HttpResponse:
    """Mark every item of a report as reported in error."""
    found = get_object_or_404(Report, campaign=access.campaign, number=number)
    form = ErrorForm(request.POST)
    if form.is_valid():
        try:
            marked = mark_report_in_error(
                report=found, reason=form.cleaned_data["reason"], person=access.person
            )
        except UnusableReply as error:
            form.add_error("reason", str(error))
        else:
            messages.success(request, f"Marked {items_in_words(marked)} as reported in error.")
            return redirect("workspace:report", slug=access.campaign.slug, number=number)
    return report_page(request, access, found, error_form=form)


@require_POST
@campaign_page(Action.REPORT)
def take_back_report_error(request: HttpRequest, access: Access, number: int) -> HttpResponse:
    """Let every item of a report count again."""
    found = get_object_or_404(Report, campaign=access.campaign, number=number)
    count = take_back_report_errors(report=found, person=access.person)
    messages.success(request, f"Taken back for {items_in_words(count)}.")
    return redirect("workspace:report", slug=access.campaign.slug, number=number)
