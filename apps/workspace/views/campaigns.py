"""The list of campaigns, a new one, and a campaign's own page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.models import Person
from apps.accounts.permissions import for_signed_in
from apps.accounts.roles import Action, may
from apps.metrics import findings, tables
from apps.reports.campaigns import create_campaign
from apps.reports.reply_selectors import error_reasons
from apps.reports.selectors import (
    ChangeRow,
    ReportRow,
    campaigns_of,
    changes_of,
    item_rows,
    reports_of,
    review_count,
)

from .. import exhibits
from ..access import Access, campaign_page, site_page
from ..charts import status_bar
from ..forms import CampaignForm
from ..kept import kept
from ..paging import page_numbers, page_of, query_without, sortable
from ..questions import Question, answer, question

ITEMS_A_PAGE = 50
CHANGES_SHOWN = 5
REPORTS_SHOWN = 50
MOST_COUNTED = 1_000  # targets that wait for a person


@require_safe
@for_signed_in
def campaign_list(request: HttpRequest) -> HttpResponse:
    """The campaigns that the person is a member of."""
    person = cast(Person, request.user)
    campaigns = campaigns_of(person)
    may_create = person.is_superuser or any(may(row.role, Action.REPORT) for row in campaigns)
    known = {"campaigns": campaigns, "may_create": may_create}
    return render(request, "workspace/campaigns.html", known)


@require_http_methods(["GET", "HEAD", "POST"])
@site_page(Action.REPORT)
def new_campaign(request: HttpRequest, person: Person) -> HttpResponse:
    """Create a campaign; whoever does is its owner.

    Whoever may see figures only is let in nowhere else by making a campaign of their own.
    """
    form = CampaignForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        campaign = create_campaign(
            slug=form.cleaned_data["slug"],
            name=form.cleaned_data["name"],
            description=form.cleaned_data["description"],
            person=person,
        )
        messages.success(request, f"{campaign.name} is there. Add a report, or import a list.")
        return redirect("workspace:campaign", slug=campaign.slug)
    return render(request, "workspace/campaign_form.html", {"form": form})


@dataclass(frozen=True, slots=True)
class Overview:
    """What a campaign's page shows beside the figures: how many items the filter leaves, and what is new."""

    items: int
    waiting: int  # for a person; counted a little further than MOST_COUNTED
    changes: Sequence[ChangeRow]
    reports: Sequence[ReportRow]
    left_out: int  # reports


def _overview(asked: Question, *, all_reports: bool) -> Overview:
    campaign = asked.campaign
    reports = reports_of(campaign, who=asked.who, latest=None if all_reports else REPORTS_SHOWN)
    more = not all_reports and len(reports) == REPORTS_SHOWN
    return Overview(
        items=asked.filter.qs.count(),
        waiting=review_count(campaign, at_most=MOST_COUNTED + 1),
        changes=changes_of(campaign, who=asked.who, limit=CHANGES_SHOWN),
        reports=reports,
        left_out=campaign.reports.count() - REPORTS_SHOWN if more else 0,
    )


@require_safe
@campaign_page(Action.COUNT)
def campaign(request: HttpRequest, access: Access) -> HttpResponse:
    """How a campaign stands: the first figures, reports, recent changes, and its items to filter and sort."""
    asked, summary = answer(question(request.GET, access.campaign, access.who), grouped=False)
    total = summary.total
    all_reports = request.GET.get("reports") == "all"
    overview = kept(
        access.campaign,
        f"overview {asked.about} {all_reports}",
        lambda: _overview(asked, all_reports=all_reports),
        size=attrgetter("items"),
    )
    page = page_of(request, asked.filter.qs, size=ITEMS_A_PAGE, count=overview.items)
    shown = list(page.object_list)
    return render(
        request,
        "workspace/campaign.html",
        {
            "access": access,
            "asked": asked,
            "summary": summary,
            "total": total,
            "bar": status_bar(total.status),
            "statuses": list(total.status.items()),
            "statuses_query": query_without(request.GET, "status", "page", "as_of"),
            "population": findings.population(total),
            "key_figures": tables.key_figures(total),
            "chart": exhibits.removed(summary),
            "chart_query": query_without(request.GET, "page", "sort").removesuffix("&"),
            "overview": overview,
            "waiting": min(overview.waiting, MOST_COUNTED),
            "more_wait": overview.waiting > MOST_COUNTED,
            "changes": overview.changes,
            "reports": overview.reports,
            "filter": asked.filter,
            "filtered": asked.filtered,
            "page": page,
            "numbers": page_numbers(page),
            "rows": item_rows(shown, who=access.who, errors=error_reasons(item.pk for item in shown)),
            "columns": sortable(request.GET, asked.filter.sorts, default="report"),
            "query": query_without(request.GET, "page"),
        },
    )
