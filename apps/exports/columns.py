"""The codebook: each column that leaves the site, with its type, unit and meaning.

`manage.py status --jsonl` writes these names; the codebook of the documentation is this list.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from apps.reports.selectors import ItemRow

Value = str | int | bool | list[str] | None


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `type` is one of string, integer, boolean, datetime (ISO 8601, UTC) and list."""

    name: str
    type: str
    meaning: str
    value: Callable[[ItemRow], Value]


def _iso(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment else None


ITEM_COLUMNS: tuple[Column, ...] = (
    Column("url", "string", "The URL as it was handed in.", lambda row: row.submitted),
    Column("key", "string", "Its canonical form, under which it is watched.", lambda row: row.key),
    Column(
        "platform",
        "string",
        "The platform's short name, or the registrable domain.",
        lambda row: row.platform,
    ),
    Column("kind", "string", "What it is on the platform: model, file, account, page.", lambda row: row.kind),
    Column(
        "account", "string", "The account it belongs to; empty if that is not known.", lambda row: row.account
    ),
    Column("report", "integer", "The number of its report in the campaign.", lambda row: row.report),
    Column(
        "reported_at",
        "datetime",
        "When it was reported: its clock starts here.",
        lambda row: _iso(row.reported_at),
    ),
    Column("control", "boolean", "True for a matched target that was not reported.", lambda row: row.control),
    Column("labels", "list", "Labels that the reporter gave it.", lambda row: list(row.labels)),
    Column("status", "string", "What is held of it after all checks.", lambda row: row.status.value),
    Column(
        "reason",
        "string",
        "Why, in one word; empty while no check could tell.",
        lambda row: row.reason.value if row.reason else None,
    ),
    Column(
        "definitive",
        "boolean",
        "True if the platform itself says so (410, 451, a notice).",
        lambda row: row.definitive,
    ),
    Column("by_person", "boolean", "True if a person's check decided the status.", lambda row: row.by_person),
    Column(
        "available_at", "datetime", "When it was last seen available.", lambda row: _iso(row.available_at)
    ),
    Column(
        "removed_after",
        "datetime",
        "The last confirmed removal came later than this; empty if it was never seen before.",
        lambda row: _iso(row.removed_after),
    ),
    Column("removed_by", "datetime", "... and no later than this.", lambda row: _iso(row.removed_by)),
    Column(
        "confirmed_at", "datetime", "When that removal was confirmed.", lambda row: _iso(row.confirmed_at)
    ),
    Column(
        "reinstated_at",
        "datetime",
        "When it was seen again after that removal.",
        lambda row: _iso(row.reinstated_at),
    ),
    Column(
        "checks", "integer", "How many checks are on record, machine-made and manual.", lambda row: row.checks
    ),
    Column("last_check_at", "datetime", "When the last check ended.", lambda row: _iso(row.last_check_at)),
    Column(
        "last_outcome",
        "string",
        "What the last check saw, which an inconclusive one leaves apart from the status.",
        lambda row: row.last_outcome.value if row.last_outcome else None,
    ),
    Column(
        "last_reason",
        "string",
        "Why the last check saw that.",
        lambda row: row.last_reason.value if row.last_reason else None,
    ),
    Column("next_check_at", "datetime", "When it is looked at again.", lambda row: _iso(row.next_check_at)),
)


def item_record(row: ItemRow) -> dict[str, Value]:
    """One item as a JSON object, in the order of the columns."""
    return {column.name: column.value(row) for column in ITEM_COLUMNS}
