"""The list of campaigns, a new one, and a campaign's own page."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.models import Person
from apps.accounts.roles import Action
from apps.metrics import findings, tables
from apps.reports.campaigns import create_campaign
from apps.reports.filters import SORTS
from apps.reports.reply_selectors import error_reasons
from apps.reports.selectors import campaigns_of, changes_of, item_rows, reports_of, review_targets

from .. import exhibits
from ..access import Access, campaign_page
from ..charts import status_bar
from ..forms import CampaignForm
from ..paging import page_numbers, page_of, query_without, sortable
from ..questions import answer, question

ITEMS_A_PAGE = 50
CHANGES_SHOWN = 5


@require_safe
@never_cache
@login_required
def campaign_list(request: HttpRequest) -> HttpResponse:
    """The campaigns that the person is a member of."""
    return render(
        request, "workspace/campaigns.html", {"campaigns": campaigns_of(cast(Person, request.user))}
    )


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@login_required
def new_campaign(request: HttpRequest) -> HttpResponse:
    """Create a campaign; whoever does is its owner."""
    form = CampaignForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        campaign = create_campaign(
            slug=form.cleaned_data["slug"],
            name=form.cleaned_data["name"],
            description=form.cleaned_data["description"],
            person=cast(Person, request.user),
        )
        messages.success(request, f"{campaign.name} is there. Add a report, or import a list.")
        return redirect("workspace:campaign", slug=campaign.slug)
    return render(request, "workspace/campaign_form.html", {"form": form})


@require_safe
@campaign_page(Action.VIEW)
def campaign(request: HttpRequest, access: Access) -> HttpResponse:
    """How a campaign stands: the first figures, reports, recent changes, and its items to filter and sort."""
    asked, summary = answer(question(request.GET, access.campaign), grouped=False)
    total = summary.total
    page = page_of(request, asked.filter.qs, size=ITEMS_A_PAGE)
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
            "waiting": review_targets(access.campaign).count(),
            "changes": changes_of(access.campaign, limit=CHANGES_SHOWN),
            "reports": reports_of(access.campaign),
            "filter": asked.filter,
            "filtered": asked.filtered,
            "page": page,
            "numbers": page_numbers(page),
            "rows": item_rows(shown, errors=error_reasons(item.pk for item in shown)),
            "columns": sortable(request.GET, {name: label for _, name, label in SORTS}, default="report"),
            "query": query_without(request.GET, "page"),
        },
    )
