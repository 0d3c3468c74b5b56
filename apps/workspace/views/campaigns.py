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
from apps.metrics.counts import status_counts
from apps.reports.campaigns import create_campaign
from apps.reports.filters import SORTS, ItemFilter
from apps.reports.selectors import campaigns_of, changes_of, item_rows, items_of, reports_of

from ..access import Access, campaign_page
from ..charts import status_bar
from ..forms import CampaignForm
from ..paging import page_numbers, page_of, query_without, sortable

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
    """How a campaign stands: counts, recent changes, reports, and its items to filter and sort."""
    counts = status_counts(access.campaign)
    chosen = ItemFilter(request.GET, queryset=items_of(access.campaign), campaign=access.campaign)
    page = page_of(request, chosen.qs, size=ITEMS_A_PAGE)
    return render(
        request,
        "workspace/campaign.html",
        {
            "access": access,
            "counts": counts,
            "bar": status_bar(counts),
            "changes": changes_of(access.campaign, limit=CHANGES_SHOWN),
            "reports": reports_of(access.campaign),
            "filter": chosen,
            "filtered": any(
                request.GET.get(name)
                for name in ("q", "status", "came_back", "platform", "report", "account")
            ),
            "page": page,
            "numbers": page_numbers(page),
            "rows": item_rows(page.object_list),
            "columns": sortable(request.GET, {name: label for _, name, label in SORTS}, default="report"),
            "query": query_without(request.GET, "page"),
        },
    )
