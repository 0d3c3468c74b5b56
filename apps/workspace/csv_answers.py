"""Numbers as a file to download."""

from __future__ import annotations

from datetime import UTC, datetime

from django.http import HttpResponse
from django.utils.http import content_disposition_header

from apps.metrics.chart import Chart, csv_text


def csv_answer(chart: Chart, *, name: str, as_of: datetime) -> HttpResponse:
    """A chart's numbers as a CSV file, whose name says of what and as of when they are."""
    # The byte-order mark tells spreadsheets that it is UTF-8.
    answer = HttpResponse(csv_text(chart).encode("utf-8-sig"), content_type="text/csv; charset=utf-8")
    filename = f"{name}-{chart.slug}-{as_of.astimezone(UTC):%Y-%m-%dT%H%M%SZ}.csv"
    answer["Content-Disposition"] = content_disposition_header(True, filename) or "attachment"
    return answer
