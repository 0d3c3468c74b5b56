"""Lists for tests, and short ways to import them."""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from apps.reports.columns import guess_columns
from apps.reports.csv_files import Table
from apps.reports.importing import ImportResult, read_list, row_context, write_list
from apps.reports.models import Campaign
from apps.reports.spool import RejectedLine

HOST = "https://models.example.org"


def utc(text: str) -> datetime:
    """A moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def bring_in(
    campaign: Campaign, content: str, *, column_map: Mapping[str, str] | None = None, dry_run: bool = False
) -> tuple[ImportResult, list[RejectedLine]]:
    """Import a list in UTC with its columns guessed; what became of it, and its rejected rows."""
    table = Table(io.BytesIO(content.encode()))
    context = row_context(zone=ZoneInfo("UTC"))
    mapping = column_map or guess_columns(table.headers)
    with read_list(table, column_map=mapping, context=context) as spool:
        result = write_list(spool, campaign=lambda: campaign, now=context.now, dry_run=dry_run)
        return result, list(spool.rejected())
