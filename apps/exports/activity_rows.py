"""The activity log as rows of a table, in the order in which things were done."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice

from django.db.models import QuerySet

from apps.reports.activity_log import activity_rows
from apps.reports.models import Activity

from .columns import ACTIVITY
from .report_rows import iso
from .sql import BLOCK, Block


def activity_blocks(activities: QuerySet[Activity]) -> Iterator[Block]:
    """The rows, some thousand at a time."""
    found = activities.order_by("pk").iterator(chunk_size=BLOCK)
    while some := list(islice(found, BLOCK)):
        rows = [
            {
                "activity": row.pk,
                "at": iso(row.at),
                "person": row.person,
                "who": row.who,
                "deed": row.deed.value,
                "subject": row.subject or None,
                "number": row.number,
                "changes": json.dumps(activity.changes, ensure_ascii=False),
            }
            for activity, row in zip(some, activity_rows(some), strict=True)
        ]
        yield [[row[name] for row in rows] for name in ACTIVITY.names]
