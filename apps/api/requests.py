"""What a program may ask for and hand in, as the OpenAPI document shows it.

Types are exact: what is accepted here is what the document says, neither more nor less.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from enum import Enum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StrictInt, WithJsonSchema

from apps.checks.outcomes import Status
from apps.metrics.grouping import MOST_KEYS, GroupKey
from apps.reports.filters import LABEL_LENGTH
from apps.reports.models import Category, Channel, ClaimWord, Decision, Delivery, ReplyKind, Standing
from apps.reports.rows import MAX_LABEL, MAX_OWN_WORD, MAX_REFERENCE

from .cursors import MAX_CURSOR

MOST_ITEMS = 1_000  # in one report
MOST_ROWS, ROWS = 200, 100  # of one page: at most, and if nothing is said
MAX_TEXT = 5_000
LARGEST = 2**31 - 1

_PRINTABLE = r"^[^\x00-\x1f\x7f]*$"
_TEXT = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"  # with tabs and line breaks
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII | re.IGNORECASE)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def _moment(value: object) -> datetime:
    if isinstance(value, str) and _MOMENT.fullmatch(value):
        return datetime.fromisoformat(value.upper())
    raise ValueError("write a moment as 2026-03-01T14:05:00Z (RFC 3339)")


def _day(value: object) -> date:
    if isinstance(value, str) and _DAY.fullmatch(value):
        return date.fromisoformat(value)
    raise ValueError("write a day as 2026-03-01")


def _integer(value: object) -> object:
    """JSON has one sort of number: 1.0 is an integer to it, and neither true nor "1" is."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def words(closed: type[Enum]) -> Any:
    """The values of a closed list of words, as a type."""
    return Literal[tuple(word.value for word in closed)]


Moment = Annotated[
    datetime, BeforeValidator(_moment), WithJsonSchema({"type": "string", "format": "date-time"})
]
Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
Line = Annotated[str, Field(pattern=_PRINTABLE)]
Text = Annotated[str, Field(pattern=_TEXT, max_length=MAX_TEXT)]
OwnWord = Annotated[str, Field(pattern=_PRINTABLE, max_length=MAX_OWN_WORD)]
Reference = Annotated[str, Field(pattern=_PRINTABLE, max_length=MAX_REFERENCE)]
Label = Annotated[str, Field(pattern=r"^[^;,\x00-\x1f\x7f]+$", max_length=MAX_LABEL)]
Number = Annotated[int, Field(ge=1, le=LARGEST)]
Cursor = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_CURSOR,
        pattern=r"^[!-~]+$",
        description="`next_cursor` of the page before.",
    ),
]


class _Exactly(BaseModel):
    model_config = ConfigDict(extra="forbid")


# -------------------------------------------------------------------------------------------------- questions


class Filters(BaseModel):
    """Which of the campaign's items: the filters of the workspace's pages. Several narrow it together."""

    q: Annotated[str, Field(min_length=1, max_length=2048, pattern=_PRINTABLE)] | None = Field(
        None, description="Text in the URL (defanged or not), account, note, labels or reference."
    )
    status: list[words(Status)] = Field(  # type: ignore[valid-type]
        [], max_length=len(Status), description="The status of the item; several are alternatives."
    )
    came_back: Literal["true", "false"] | None = Field(
        None, description="`true`: only what is up again after a removal."
    )
    platform: Annotated[str, Field(min_length=1, max_length=253, pattern=_PRINTABLE)] | None = Field(
        None, description="Whom it was reported to: short name or domain."
    )
    report: Number | None = Field(None, description="The number of its report in the campaign.")
    account: Annotated[str, Field(min_length=1, max_length=255, pattern=_PRINTABLE)] | None = Field(
        None, description="The account that it belongs to."
    )
    channel: words(Channel) | None = Field(None, description="How it was reported.")  # type: ignore[valid-type]
    category: OwnWord | None = Field(None, description="What the report alleges.")
    standing: OwnWord | None = Field(None, description="Who the reporter is to the content.")
    label: Annotated[str, Field(min_length=1, max_length=LABEL_LENGTH, pattern=_PRINTABLE)] | None = Field(
        None, description="A label of the item, whole."
    )
    reported_from: Day | None = Field(None, description="Reported on that day (UTC) or later.")
    reported_to: Day | None = Field(None, description="Reported on that day (UTC) or earlier.")


class Pages(BaseModel):
    """Which page of a list."""

    limit: Annotated[int, Field(ge=1, le=MOST_ROWS)] = Field(ROWS, description="How many rows at most.")
    cursor: Cursor | None = None


class ListQuestion(Filters, Pages):
    """Rows of some items."""


class TargetQuestion(ListQuestion):
    """Rows of some items, or of one watched URL."""

    target: Number | None = Field(None, description="Of one watched URL: `target` of an item.")


class SummaryQuestion(Filters):
    """Figures of some items, in groups, as of a moment."""

    by: list[words(GroupKey)] = Field(  # type: ignore[valid-type]
        [], max_length=MOST_KEYS, description=f"Group by these keys, {MOST_KEYS} at most."
    )
    as_of: Moment | None = Field(
        None, description="The record as it stood then; not with `status` or `came_back`."
    )
    compare_a: Annotated[str, Field(max_length=600, pattern=_PRINTABLE)] | None = Field(
        None,
        description="Two groups whose removal times are compared, each named by its values, such as `email`, "
        "or `example-models/email` where there are two keys: one of them, ...",
    )
    compare_b: Annotated[str, Field(max_length=600, pattern=_PRINTABLE)] | None = Field(
        None, description="... and the other."
    )


# ---------------------------------------------------------------------------------------------- what comes in


class NewItem(_Exactly):
    """One URL of a list that was reported."""

    url: Annotated[str, Field(min_length=1)] = Field(
        description="As it was reported; defanged spellings such as hxxps://example[.]org are understood."
    )
    reported_at: Moment | None = Field(None, description="When its clock starts; else with `sent_at`.")
    labels: list[Label] = Field([], max_length=50, description="Words of your own.")
    note: Text = Field("", description="For the campaign's members. Describe no content.")
    control: StrictBool = Field(False, description="True for a matched URL that was not reported.")
    attested: StrictBool = Field(True, description="The reporter's word that it was up when reported.")


class NewReport(_Exactly):
    """A list that was sent to a platform. One that spans platforms becomes a report for each."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "sent_at": "2026-03-01T14:05:00Z",
                    "channel": "web_form",
                    "category": "harassment",
                    "items": [
                        {"url": "https://hub.example.org/example-author/example-model"},
                        {
                            "url": "hxxps://models[.]example[.]org/example-author/another",
                            "labels": ["second"],
                        },
                    ],
                }
            ]
        },
    )

    sent_at: Moment | None = Field(
        None, description="When it was sent; else now. Of items that have a `reported_at`, the earliest."
    )
    platform: Annotated[str, Field(max_length=253, pattern=_PRINTABLE)] = Field(
        "", description="To insist on one: URLs of another are then rejected."
    )
    channel: words(Channel) = Field(Channel.UNKNOWN.value, description="How it was sent.")  # type: ignore[valid-type]
    standing: OwnWord = Field(
        Standing.UNKNOWN.value, description="Who the reporter is to the content, in our words or yours."
    )
    category: OwnWord = Field(Category.UNKNOWN.value, description="What it alleges, in our words or yours.")
    policy: Annotated[str, Field(max_length=500, pattern=_PRINTABLE)] = Field(
        "", description="The platform's rule that it cites."
    )
    reference: Reference = Field("", description="The platform's own number for it, or yours.")
    delivery: words(Delivery) = Field(Delivery.SENT.value, description="What is known of its arrival.")  # type: ignore[valid-type]
    note: Text = Field("", description="For the campaign's members.")
    items: list[NewItem] = Field(
        min_length=1,
        max_length=MOST_ITEMS,
        description=f"At most {MOST_ITEMS:,}; import longer lists (manage.py import_reports, or the page).",
    )


class NewClaim(_Exactly):
    """What a reply says of one item."""

    item: Annotated[StrictInt, Field(ge=1, le=2**63 - 1), BeforeValidator(_integer)] = Field(
        description="The item's number."
    )
    claim: words(ClaimWord) = Field(description="What the platform says that it did.")  # type: ignore[valid-type]


class NewReply(_Exactly):
    """What a platform said about a report, at one moment."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"kind": "decision", "decision": "no_violation", "received_at": "2026-03-02T09:00:00Z"}
            ]
        },
    )

    kind: words(ReplyKind)  # type: ignore[valid-type]
    decision: words(Decision) | None = Field(None, description="What was decided, of a decision.")  # type: ignore[valid-type]
    received_at: Moment = Field(description="When it came.")
    reference: Reference = Field("", description="The platform's own number for it.")
    text: Text = Field("", description="What it says.")
    claims: list[NewClaim] = Field(
        [],
        max_length=MOST_ITEMS,
        description="What it says of single items; without any, a decision holds for all reported by then.",
    )


Key = Annotated[
    str,
    Field(
        min_length=1,
        max_length=255,
        pattern=r"^[!-~]+$",
        description="A word of your own for this very request, such as a UUID: sent again within 48 hours, "
        "it gets the same answer and nothing is done twice.",
    ),
]
