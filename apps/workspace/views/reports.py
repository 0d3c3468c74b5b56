"""A report's own page, and the form for a new one."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from apps.accounts.roles import Action
from apps.reports.models import Report
from apps.reports.selectors import item_rows, items_of, report_row

from ..access import Access, campaign_page
from ..paging import page_numbers, page_of

ITEMS_A_PAGE = 50


@require_safe
@campaign_page(Action.VIEW)
def report(request: HttpRequest, access: Access, number: int) -> HttpResponse:
    """One report: what it said, how its items stand, and the items."""
    found = get_object_or_404(Report, campaign=access.campaign, number=number)
    items = items_of(access.campaign).filter(report=found).order_by("pk")
    page = page_of(request, items, size=ITEMS_A_PAGE)
    return render(
        request,
        "workspace/report.html",
        {
            "access": access,
            "report": report_row(found),
            "page": page,
            "numbers": page_numbers(page),
            "rows": item_rows(page.object_list),
            "query": "",
        },
    )
