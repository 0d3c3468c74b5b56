"""Who did what in a campaign. Only its owners see it."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.accounts.roles import Action
from apps.exports.columns import ACTIVITY
from apps.exports.downloads import dated, take_table
from apps.exports.writing import MEDIA_TYPES, UnusableExport, export_of
from apps.reports.activity_log import ActivityFilter, activity_rows

from ..access import Access, campaign_page
from ..file_answers import file_answer
from ..paging import page_numbers, page_of, query_without

ROWS_A_PAGE = 100


@require_safe
@campaign_page(Action.MANAGE)
def activity(request: HttpRequest, access: Access) -> HttpResponse:
    """The log, newest first, by person, kind and days."""
    found = ActivityFilter(request.GET, campaign=access.campaign)
    page = page_of(request, found.qs, size=ROWS_A_PAGE)
    return render(
        request,
        "workspace/activity.html",
        {
            "access": access,
            "filter": found,
            "page": page,
            "numbers": page_numbers(page),
            "rows": activity_rows(page.object_list),
            "query": query_without(request.GET, "page"),
        },
    )


@require_safe
@campaign_page(Action.MANAGE)
def activity_file(request: HttpRequest, access: Access, format: str) -> HttpResponse:
    """What the filter leaves of the log as a file, which is a row of the log itself."""
    found = ActivityFilter(request.GET, campaign=access.campaign)
    if found.form.errors:
        problem = f"A part of this filter is not understood: {', '.join(found.form.errors)}.\n"
        return HttpResponse(problem, status=400, content_type="text/plain; charset=utf-8")
    try:
        export = export_of(
            campaign=access.campaign,
            table=ACTIVITY.name,
            format=format,
            activities=found.qs,
            who=access.who,
        )
    except UnusableExport as error:
        raise Http404(str(error)) from error
    return file_answer(
        request,
        lambda file: take_table(export, file, person=access.person, filtered=found.narrows),
        filename=dated(export.filename),
        media_type=MEDIA_TYPES[export.format],
    )
