"""A list from a file: upload it, look through its columns and rows, start the import, and follow it."""

from __future__ import annotations

from pathlib import PurePath

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.roles import Action
from apps.reports.columns import UnusableMapping
from apps.reports.csv_files import UnreadableFile
from apps.reports.importing import UnknownTimeZone
from apps.reports.models import Import, Subject
from apps.reports.rows import COLUMNS
from apps.reports.selectors import imports_of
from apps.reports.services import (
    Preview,
    UnusableReport,
    discard_import,
    map_columns,
    preview,
    queue_import,
    upload_list,
)

from ..access import Access, campaign_page
from ..file_answers import note_taken
from ..forms import ColumnsForm, UploadForm, time_zones

PREVIEW_ROWS = 12
PROBLEMS_SHOWN = 50


@require_http_methods(["GET", "HEAD", "POST"])
@campaign_page(Action.REPORT)
def upload(request: HttpRequest, access: Access) -> HttpResponse:
    """Hand in a file. Nothing of it is imported before it was looked through."""
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST":
        form = UploadForm(request.POST, request.FILES)
        if form.is_valid():
            file = form.cleaned_data["file"]
            try:
                pending = upload_list(
                    campaign=access.campaign,
                    filename=file.name,
                    content=file.read(),
                    person=access.person,
                    timezone=form.cleaned_data["timezone"],
                )
            except UnknownTimeZone as error:
                form.add_error("timezone", str(error))
            except (UnusableReport, UnreadableFile) as error:
                form.add_error("file", str(error))
            else:
                return redirect("workspace:import", slug=access.campaign.slug, pk=pending.pk)
    return render(
        request,
        "workspace/import_upload.html",
        {
            "access": access,
            "form": form,
            "imports": imports_of(access.campaign),
            "columns": COLUMNS,
            "time_zones": time_zones(),
        },
    )


@require_http_methods(["GET", "HEAD", "POST"])
@campaign_page(Action.REPORT)
def show_import(request: HttpRequest, access: Access, pk: int) -> HttpResponse:
    """One uploaded list: its columns and a preview, or how far it is, or what came of it."""
    rows = imports_of(access.campaign, pk=pk)
    if not rows:
        raise Http404("There is no such import in this campaign.")
    (row,) = rows
    if row.state not in {Import.State.MAPPING, Import.State.FAILED}:
        return render(request, "workspace/import.html", {"access": access, "row": row})
    pending = get_object_or_404(Import, campaign=access.campaign, pk=pk)
    if request.method == "POST" and request.POST.get("action") == "discard":
        if discard_import(pending=pending, person=access.person):
            messages.success(request, f"{pending.filename} is discarded. Nothing of it was imported.")
        return redirect("workspace:new_import", slug=access.campaign.slug)
    return _columns_page(request, access, pending)


def _columns_page(request: HttpRequest, access: Access, pending: Import) -> HttpResponse:
    seen = preview(pending, rows=PREVIEW_ROWS)
    chosen = {f"map_{column}": header for column, header in pending.column_map.items()}
    form = ColumnsForm(
        request.POST if request.method == "POST" else None,
        headers=seen.headers,
        columns=dict(COLUMNS),
        initial=chosen | {"timezone": pending.timezone},
    )
    if request.method == "POST" and form.is_valid():
        try:
            map_columns(
                pending=pending,
                column_map=form.column_map(),
                timezone=form.cleaned_data["timezone"],
                person=access.person,
            )
            if request.POST.get("action") == "start":
                queue_import(pending=pending, person=access.person)
        except UnknownTimeZone as error:
            form.add_error("timezone", str(error))
        except (UnusableMapping, UnreadableFile, UnusableReport) as error:
            form.add_error(None, str(error))
        else:
            return redirect("workspace:import", slug=access.campaign.slug, pk=pending.pk)
    facts = {"access": access, "pending": pending, "form": form, "time_zones": time_zones()}
    return render(
        request,
        "workspace/import_columns.html",
        facts | _preview_table(seen),
    )


def _preview_table(seen: Preview) -> dict[str, object]:
    columns = [column for column in COLUMNS if any(column in row.cells for row in seen.rows)]
    return {
        "preview": seen,
        "usable": seen.checked - len(seen.problems),
        "columns": columns,
        "rows": [(row, [row.cells.get(column, "") for column in columns]) for row in seen.rows],
        "problems": seen.problems[:PROBLEMS_SHOWN],
    }


@require_safe
@campaign_page(Action.REPORT)
def rejected(request: HttpRequest, access: Access, pk: int) -> HttpResponse:
    """The rows that could not be used, with their reasons, to be mended and imported again."""
    found = get_object_or_404(Import.objects.defer("content"), campaign=access.campaign, pk=pk)
    if not found.rejected_csv:
        raise Http404("No row of this import was rejected.")
    note_taken(request, access, "rejected_rows", subject=Subject.IMPORT, number=pk)
    # The byte-order mark tells spreadsheets that it is UTF-8.
    answer = HttpResponse(found.rejected_csv.encode("utf-8-sig"), content_type="text/csv; charset=utf-8")
    name = f"{PurePath(found.filename).stem}.rejected.csv"
    answer["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    return answer
