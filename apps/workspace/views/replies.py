"""What a platform said about a report: log it, and take it back."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.roles import Action
from apps.core import clock
from apps.reports.models import Reply, Report
from apps.reports.replies import UnusableReply, log_reply, take_back_reply
from apps.reports.reply_selectors import ITEMS_IN_A_FORM, claimable_items
from apps.reports.selectors import report_row

from ..access import Access, campaign_page
from ..reply_forms import ReplyForm


@require_http_methods(["GET", "HEAD", "POST"])
@campaign_page(Action.REPORT)
def new_reply(request: HttpRequest, access: Access, number: int) -> HttpResponse:
    """Log a reply with what it claims. Nothing of it is recorded until all of it can be used."""
    found = get_object_or_404(Report, campaign=access.campaign, number=number)
    row = report_row(found, who=access.who)
    items = claimable_items(found) if row.items <= ITEMS_IN_A_FORM else []
    if request.method == "POST":
        form = ReplyForm(request.POST, report=found, items=items)
        if form.is_valid():
            try:
                log_reply(
                    report=found,
                    kind=form.cleaned_data["kind"],
                    decision=form.cleaned_data["decision"],
                    received_at=form.cleaned_data["received_at"],
                    claims=form.cleaned_data["claims"],
                    text=form.cleaned_data["text"],
                    reference=form.cleaned_data["reference"],
                    person=access.person,
                )
            except UnusableReply as error:
                form.add_error(None, str(error))
            else:
                messages.success(request, "Recorded the reply.")
                return redirect("workspace:report", slug=access.campaign.slug, number=number)
    else:
        form = ReplyForm(report=found, items=items, initial={"received_at": clock.now()})
    return render(request, "workspace/reply_form.html", {"access": access, "report": row, "form": form})


@require_POST
@campaign_page(Action.REPORT)
def take_back(request: HttpRequest, access: Access, number: int, pk: int) -> HttpResponse:
    """Let a reply no longer hold. It stays on record."""
    reply = get_object_or_404(Reply, report__campaign=access.campaign, report__number=number, pk=pk)
    if take_back_reply(reply=reply, person=access.person):
        messages.success(request, "The reply is taken back. It stays on record and counts no more.")
    else:
        messages.info(request, "This reply had been taken back already.")
    return redirect("workspace:report", slug=access.campaign.slug, number=number)
