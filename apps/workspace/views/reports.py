"""A report's own page, and the form for a new one."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.roles import Action
from apps.core import clock
from apps.reports.models import Report
from apps.reports.reply_selectors import (
    delivery_of,
    error_count,
    error_reasons,
    in_order,
    reminders_of,
    replies_of,
)
from apps.reports.selectors import item_rows, items_of, report_row
from apps.reports.services import SubmitResult, UnusableReport, submit_report

from ..access import Access, campaign_page
from ..forms import ReportForm
from ..paging import page_numbers, page_of
from ..reply_forms import ErrorForm

ITEMS_A_PAGE = 50


@require_safe
@campaign_page(Action.COUNT)
def report(request: HttpRequest, access: Access, number: int) -> HttpResponse:
    """One report: what it said, how its items stand, and the items."""
    found = get_object_or_404(Report, campaign=access.campaign, number=number)
    return report_page(request, access, found, error_form=ErrorForm())


def report_page(
    request: HttpRequest, access: Access, found: Report, *, error_form: ErrorForm
) -> HttpResponse:
    """A report's page, with a form that may have been refused."""
    items = items_of(access.campaign).filter(report=found).order_by("pk")
    page = page_of(request, items, size=ITEMS_A_PAGE)
    shown = list(page.object_list)
    replies = replies_of(found, who=access.who)
    return render(
        request,
        "workspace/report.html",
        {
            "access": access,
            "report": report_row(found, who=access.who),
            "delivery": delivery_of(found.delivery, replies),
            "correspondence": in_order(replies, reminders_of(found, who=access.who)),
            "in_error": error_count(found),
            "error_form": error_form,
            "page": page,
            "numbers": page_numbers(page),
            "rows": item_rows(shown, who=access.who, errors=error_reasons(item.pk for item in shown)),
            "query": "",
        },
    )


@require_http_methods(["GET", "HEAD", "POST"])
@campaign_page(Action.REPORT)
def new_report(request: HttpRequest, access: Access) -> HttpResponse:
    """Paste what was sent. Usable lines are recorded; the others stay in the box, each with its reason."""
    if request.method != "POST":
        form = ReportForm(initial={"sent_at": clock.now()})
        return render(request, "workspace/report_form.html", {"access": access, "form": form})
    form = ReportForm(request.POST)
    if not form.is_valid():
        return _form_again(request, access, form)
    try:
        result = submit_report(campaign=access.campaign, person=access.person, **form.cleaned_data)
    except UnusableReport as error:
        form.add_error("sent_at", str(error))
        return _form_again(request, access, form)
    if result.items or result.duplicates:
        messages.success(request, _recorded(result))
    if result.rejected:
        # The moment stays as it was sent, so that mended lines join the report that is there already.
        left = request.POST.copy()
        left["urls"] = "\n".join(" ".join(line.cells) for line in result.rejected)
        return _form_again(request, access, ReportForm(left), result)
    if len(result.reports) == 1:
        return redirect("workspace:report", slug=access.campaign.slug, number=result.reports[0].number)
    return redirect("workspace:campaign", slug=access.campaign.slug)


def _form_again(
    request: HttpRequest, access: Access, form: ReportForm, result: SubmitResult | None = None
) -> HttpResponse:
    facts = {"access": access, "form": form, "rejected": result.rejected if result else []}
    return render(request, "workspace/report_form.html", facts)


def _recorded(result: SubmitResult) -> str:
    words = []
    if result.items:
        reports = " and ".join(f"report {report.number}" for report in result.reports)
        words.append(f"Recorded {_items(len(result.items))} in {reports}.")
    if result.duplicates:
        words.append(f"{_items(len(result.duplicates))} on record already.")
    return " ".join(words)


def _items(count: int) -> str:
    return f"{count} {'item' if count == 1 else 'items'}"
