"""Taking data out: tables in every format, evidence bundles, and reports in shapes that others fixed."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from apps.accounts.roles import Action
from apps.core import clock
from apps.exports.columns import PUBLIC_TABLES, TABLES, Table, UnknownTable
from apps.exports.datapackage import Resource, datapackage
from apps.exports.downloads import dated, take_evidence, take_table
from apps.exports.evidence import items_of_one, items_of_report
from apps.exports.models import Download
from apps.exports.notice_tables import left_out_words, round_csv, round_tables, year_csv, year_tables
from apps.exports.notices import RoundReport, YearReport, read_notices, round_report, year_report
from apps.exports.writing import MEDIA_TYPES, UnusableExport, export_of
from apps.metrics.grouping import UnusableGrouping, group_keys
from apps.reports.filters import ItemFilter
from apps.reports.models import Item, Report, Subject
from apps.reports.selectors import items_of

from ..access import Access, campaign_page
from ..csv_answers import csv_answer
from ..file_answers import file_answer, note_taken
from ..paging import query_without

DOWNLOADS_SHOWN = 10
OPTIONS = ("bom", "dialect", "dates", "public", "by", "page", "sort", "as_of", "compare_a", "compare_b")
ROUND_DAYS = 42


class Link(NamedTuple):
    """One way to download a table: its words, and the address's end."""

    label: str
    path: str


class Offer(NamedTuple):
    """A table that can be downloaded."""

    table: Table
    links: list[Link]


@require_safe
@campaign_page(Action.COUNT)
def export_page(request: HttpRequest, access: Access) -> HttpResponse:
    """What can be taken out, in which formats, for the items that the filter of the address chooses."""
    found = _filter(request, access)
    query = query_without(request.GET, *OPTIONS)
    downloads = Download.objects.filter(campaign=access.campaign, person=access.person)
    return render(
        request,
        "workspace/export.html",
        {
            "access": access,
            "filtered": found.narrows_by(),
            "problem": _problem(found),
            "many": found.qs.count(),
            "offers": [Offer(table.seen_by(access.who), _links(table, query)) for table in TABLES.values()],
            "public_offers": [Offer(table, _public_links(table)) for table in PUBLIC_TABLES.values()],
            "query": query,
            "as_of_asked": bool(request.GET.get("as_of")),
            "downloads": downloads.order_by("-pk")[:DOWNLOADS_SHOWN],
            "year": clock.now().year,
        },
    )


@require_safe
@campaign_page(Action.COUNT)
def download(request: HttpRequest, access: Access, table: str, format: str) -> HttpResponse:
    """A table as a file, and a line in the list of downloads. Unclear words get a sentence."""
    found = _filter(request, access)
    if problem := _problem(found):
        return _refused(problem)
    filtered = found.narrows_by()
    try:
        export = export_of(
            campaign=access.campaign,
            table=table,
            format=format,
            items=found.qs if filtered else None,
            public=request.GET.get("public") == "1",
            who=access.who,
            dates=request.GET.get("dates", ""),
            by=group_keys([word for word in request.GET.getlist("by") if word]) if table == "summary" else (),
            dialect=request.GET.get("dialect", ""),
            bom=request.GET.get("bom") == "1",
        )
    except UnknownTable as error:
        raise Http404(str(error)) from error
    except (UnusableExport, UnusableGrouping) as error:
        return _refused(str(error))
    return file_answer(
        request,
        lambda file: take_table(export, file, person=access.person, filtered=filtered),
        filename=dated(export.filename),
        media_type=MEDIA_TYPES[export.format],
    )


@require_safe
@campaign_page(Action.COUNT)
def package(request: HttpRequest, access: Access) -> HttpResponse:
    """The schema of each CSV file, as a Frictionless Data Package: put it beside the files."""
    campaign = access.campaign
    answer = JsonResponse(
        datapackage(
            name=campaign.slug,
            title=campaign.name,
            resources=[
                Resource(f"{campaign.slug}-{table.name}.csv", table.seen_by(access.who))
                for table in TABLES.values()
            ],
        ),
        json_dumps_params={"indent": 2, "ensure_ascii": False},
    )
    answer["Content-Disposition"] = 'attachment; filename="datapackage.json"'
    return answer


@require_safe
@campaign_page(Action.VIEW)
def item_evidence(request: HttpRequest, access: Access, pk: int) -> HttpResponse:
    """Everything on record of an item, as a zip that proves itself."""
    item = get_object_or_404(items_of(access.campaign), pk=pk)
    return _evidence(request, access, items_of_one(item), Subject.ITEM, pk)


@require_safe
@campaign_page(Action.VIEW)
def report_evidence(request: HttpRequest, access: Access, number: int) -> HttpResponse:
    """Everything on record of a report, as a zip that proves itself."""
    report = get_object_or_404(Report, campaign=access.campaign, number=number)
    return _evidence(request, access, items_of_report(report), Subject.REPORT, number)


@require_safe
@campaign_page(Action.COUNT)
def flagger_report(request: HttpRequest, access: Access) -> HttpResponse:
    """A trusted flagger's yearly report, to read and to print."""
    report, problem = _year(request, access)
    return render(
        request,
        "workspace/flagger_report.html",
        {
            "access": access,
            "report": report,
            "problem": problem,
            "tables": year_tables(report),
            "left_out": left_out_words(report.left_out),
            "query": request.GET.urlencode(),
        },
    )


@require_safe
@campaign_page(Action.COUNT)
def flagger_csv(request: HttpRequest, access: Access) -> HttpResponse:
    """The same as a file."""
    report, problem = _year(request, access)
    if problem:
        return _refused(problem)
    note_taken(request, access, "trusted_flagger")
    return csv_answer(year_csv(report), name=access.campaign.slug, as_of=report.as_of)


@require_safe
@campaign_page(Action.COUNT)
def round_page(request: HttpRequest, access: Access) -> HttpResponse:
    """A monitoring round, to read and to print."""
    report, problem = _round(request, access)
    (total,) = report.by("all")
    return render(
        request,
        "workspace/round_report.html",
        {
            "access": access,
            "report": report,
            "problem": problem,
            "tables": round_tables(report),
            "left_out": left_out_words(total.left_out),
            "query": request.GET.urlencode(),
        },
    )


@require_safe
@campaign_page(Action.COUNT)
def round_file(request: HttpRequest, access: Access) -> HttpResponse:
    """The same as a file."""
    report, problem = _round(request, access)
    if problem:
        return _refused(problem)
    note_taken(request, access, "monitoring_round")
    return csv_answer(round_csv(report), name=access.campaign.slug, as_of=report.as_of)


# ----------------------------------------------------------------------------------------------------- tables


def _filter(request: HttpRequest, access: Access) -> ItemFilter:
    return ItemFilter(
        request.GET, queryset=items_of(access.campaign), campaign=access.campaign, who=access.who
    )


def _problem(found: ItemFilter) -> str:
    """What of a filter is not understood. A page may leave it out; a file would be of other items."""
    if not found.form.errors:
        return ""
    names = ", ".join(found.form.errors)
    return f"A part of this filter is not understood: {names}. Correct it, or take it out."


def _links(table: Table, query: str) -> list[Link]:
    return [
        Link("CSV", f"{table.name}.csv?{query}"),
        Link("CSV for Excel", f"{table.name}.csv?{query}bom=1"),
        Link("CSV with ;", f"{table.name}.csv?{query}bom=1&dialect=excel-eu"),
        Link("JSON Lines", f"{table.name}.jsonl?{query}"),
        Link("XLSX", f"{table.name}.xlsx?{query}"),
    ]


def _public_links(table: Table) -> list[Link]:
    """Always of the whole campaign: what a filter chose could be a small group."""
    return [
        Link(label, f"{table.name}.{format}?public=1")
        for label, format in (("CSV", "csv"), ("JSON Lines", "jsonl"), ("XLSX", "xlsx"))
    ]


def _refused(problem: str) -> HttpResponse:
    return HttpResponse(problem + "\n", status=400, content_type="text/plain; charset=utf-8")


# --------------------------------------------------------------------------------------------------- evidence


def _evidence(
    request: HttpRequest, access: Access, items: QuerySet[Item], subject: Subject, number: int
) -> HttpResponse:
    return file_answer(
        request,
        lambda file: take_evidence(
            file,
            campaign=access.campaign,
            person=access.person,
            items=items,
            subject=subject,
            number=number,
        ),
        filename=f"{access.campaign.slug}-{subject.value}-{number}-evidence.zip",
        media_type="application/zip",
    )


# ------------------------------------------------------------------------------------ reports in fixed shapes


def _year(request: HttpRequest, access: Access) -> tuple[YearReport, str]:
    """The year that is asked for, this one if none is; and a sentence on what was not understood."""
    typed = request.GET.get("year", "").strip()
    year, problem = clock.now().year, ""
    if typed.isascii() and typed.isdigit() and 1990 <= int(typed) <= 9000:
        year = int(typed)
    elif typed:
        problem = f"“{typed[:20]}” is no year. Write it with four digits, such as {year}."
    trusted_only = request.GET.get("whose") != "all"
    return year_report(
        read_notices(access.campaign, who=access.who), year, trusted_only=trusted_only
    ), problem


def _round(request: HttpRequest, access: Access) -> tuple[RoundReport, str]:
    """The days that are asked for, the last six weeks if none are; and what was not understood."""
    today = clock.now().astimezone(UTC).date()
    problem = ""

    def day(name: str, default: date) -> date:
        nonlocal problem
        typed = request.GET.get(name, "").strip()
        try:
            return date.fromisoformat(typed) if typed else default
        except ValueError:
            problem = f"“{typed[:20]}” is no day. Write it as {default}."
            return default

    last = day("last", today)
    first = day("first", max(last, date.min + timedelta(ROUND_DAYS)) - timedelta(days=ROUND_DAYS - 1))
    if first > last or last == date.max:
        problem = f"A round cannot last from {first} to {last}. Give the first day, then the last."
        first, last = today - timedelta(days=ROUND_DAYS - 1), today
    return round_report(
        read_notices(access.campaign, who=access.who), _midnight(first), _midnight(last)
    ), problem


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
