"""All figures and charts of a campaign, their numbers as files, and what each figure means."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.accounts.permissions import for_signed_in
from apps.accounts.roles import Action
from apps.core import clock
from apps.metrics import comparison, findings
from apps.metrics.definitions import DEFINITIONS, EXCLUSIONS
from apps.metrics.grouping import grouping_words

from .. import exhibits
from ..access import Access, campaign_page
from ..csv_answers import csv_answer
from ..paging import query_without
from ..questions import question


@require_safe
@campaign_page(Action.COUNT)
def figures(request: HttpRequest, access: Access) -> HttpResponse:
    """Every figure and chart of the items that the filter chooses."""
    found = exhibits.all_of(question(request.GET, access.campaign, access.who))
    compared = found.summary.compared
    return render(
        request,
        "workspace/figures.html",
        {
            "access": access,
            "asked": found.asked,
            "filter": found.asked.filter,
            "summary": found.summary,
            "population": findings.population(found.summary.total),
            "charts": found.charts,
            "comparisons": found.asked.comparisons(found.summary.names),
            "compared": compared and (grouping_words(compared.first), grouping_words(compared.second)),
            "p_value": findings.p_words(compared.p) if compared and compared.p is not None else "",
            "test": comparison.TEST,
            "source": comparison.SOURCE,
            "query": request.GET.urlencode(),
            "items_query": query_without(request.GET, "by", "compare_a", "compare_b"),
        },
    )


@require_safe
@campaign_page(Action.COUNT)
def chart_csv(request: HttpRequest, access: Access, chart: str) -> HttpResponse:
    """One chart's numbers, of the same items and moment as the page with the same query."""
    if chart not in exhibits.NAMES:
        raise Http404("There is no such chart.")
    asked = question(request.GET, access.campaign, access.who)
    problems = list(asked.problems)
    if asked.filter.form.errors:
        problems.append(f"A part of the filter is not understood: {', '.join(asked.filter.form.errors)}.")
    if problems:
        # A file is read without the page's sentences around it, so it is not made of other items.
        return HttpResponse("\n".join(problems) + "\n", status=400, content_type="text/plain; charset=utf-8")
    found = exhibits.one_of(asked, chart)
    if found is None:
        raise Http404("This chart has nothing to show of these items.")
    return csv_answer(found, name=access.campaign.slug, as_of=asked.as_of or clock.now())


@require_safe
@for_signed_in
def definitions(request: HttpRequest) -> HttpResponse:
    """What each figure means, how it is computed, and of what."""
    return render(
        request,
        "workspace/definitions.html",
        {"definitions": DEFINITIONS.values(), "exclusions": EXCLUSIONS.values()},
    )
