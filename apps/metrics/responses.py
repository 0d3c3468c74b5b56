"""What platforms said, as the record stood at a moment: replies to each report, claims about each item."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
from django.db.models import F, Q, QuerySet

from apps.accounts.roles import Audience
from apps.core.bulk import among
from apps.reports.models import (
    Campaign,
    Claim,
    ClaimWord,
    Delivery,
    Reply,
    ReplyKind,
    Report,
)
from apps.reports.replies import TO_THE_MINUTE
from apps.reports.visibility import told

from .reading import Column, SecondsSince1970, Whole, in_codes, in_seconds, places, read_columns, read_of
from .records import NEVER

CLAIM_CODES = {word.value: code for code, word in enumerate(ClaimWord, start=1)}


@dataclass(frozen=True, slots=True)
class ReportRecord:
    """One report, with the moments (seconds since 1970; NEVER for none) of what the platform said to it.

    `recorded` is when it was written down, however long ago it was `sent`. `first_reply` counts automatic
    acknowledgements too, `answers` do not, and `decisions` are among these; both are in order. A report has
    bounced when it could not be delivered and nothing was ever said to it.
    """

    pk: int
    number: int
    platform: str
    channel: str
    standing: str
    category: str
    sent: int
    recorded: int
    bounced: bool
    first_reply: int
    answers: tuple[int, ...] = ()
    decisions: tuple[int, ...] = ()

    @property
    def first_answer(self) -> int:
        """The first of the answers."""
        return self.answers[0] if self.answers else NEVER

    @property
    def decision(self) -> int:
        """The first of the decisions."""
        return self.decisions[0] if self.decisions else NEVER


@dataclass(frozen=True, slots=True)
class Claims:
    """The last claim about each item that a platform made any of: item, code in CLAIM_CODES, moment."""

    item: Whole
    code: Whole
    at: Whole


NO_CLAIMS = Claims(*(np.zeros(0, np.int64) for _ in range(3)))
"""For what asks nothing about claims."""


def standing_replies(as_of: datetime | None) -> QuerySet[Reply]:
    """The replies that were on record at `as_of` and had not been taken back."""
    if as_of is None:
        return Reply.objects.filter(taken_back_at=None)
    return Reply.objects.filter(recorded_at__lte=as_of).filter(
        Q(taken_back_at=None) | Q(taken_back_at__gt=as_of)
    )


Until = Callable[[Whole], Whole]
"""Up to which moments something counts, each in seconds since 1970."""


def read_reports(
    campaign: Campaign,
    *,
    as_of: datetime | None = None,
    until: Until | None = None,
    only: Collection[int] | None = None,
) -> dict[int, ReportRecord]:
    """The campaign's reports by their key, with the replies on record at `as_of`. Two queries.

    `until` says for the moments at which reports were sent up to when a reply to such a report counts. `only`
    has the keys of some hundred reports, where no others are wanted.
    """
    some = Q() if only is None else Q(pk__in=only)
    rows = Report.objects.filter(some, campaign=campaign).order_by("number")
    moments = (SecondsSince1970("created_at"), SecondsSince1970("sent_at"))
    reports = list(rows.values_list(*_OF_REPORT, *moments))
    sent = np.array([report[-1] for report in reports], np.int64)
    ends = dict(zip([report[0] for report in reports], until(sent).tolist() if until else sent, strict=True))
    said: dict[int, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    whose = Q(report__campaign=campaign) if only is None else Q(report__in=ends)
    replies = standing_replies(as_of).filter(whose).order_by("received_at", "pk")
    for report, kind, received in replies.values_list("report_id", "kind", SecondsSince1970("received_at")):
        if until is not None and received > ends[report]:
            continue
        of_report = said[report]
        if kind == ReplyKind.BOUNCED:
            of_report["bounced"].append(received)
            continue
        of_report["replies"].append(received)
        if kind != ReplyKind.ACKNOWLEDGEMENT:
            of_report["answers"].append(received)
        if kind == ReplyKind.DECISION:
            of_report["decisions"].append(received)
    return {report[0]: _report_record(report, said.get(report[0], {})) for report in reports}


def reports_for(who: Audience, reports: Mapping[int, ReportRecord]) -> Mapping[int, ReportRecord]:
    """Reports with words as `who` may read them: of the platform, the standing and the category."""
    if who.may_see(Audience.MEMBERS):
        return reports
    return {
        key: replace(
            report,
            platform=told(who, "platform", report.platform),
            standing=told(who, "standing", report.standing),
            category=told(who, "category", report.category),
        )
        for key, report in reports.items()
    }


_OF_REPORT = ("pk", "number", "platform", "channel", "standing", "category", "delivery")


def _report_record(report: tuple[Any, ...], said: Mapping[str, Sequence[int]]) -> ReportRecord:
    """`report` is a row with the values of _OF_REPORT and the moments when it was recorded and sent."""
    replies = said.get("replies", ())
    pk, number, platform, channel, standing, category, delivery, recorded, sent = report
    return ReportRecord(
        pk=pk,
        number=number,
        platform=platform,
        channel=channel,
        standing=standing,
        category=category,
        sent=sent,
        recorded=recorded,
        bounced=not replies and ("bounced" in said or delivery == Delivery.BOUNCED),
        first_reply=replies[0] if replies else NEVER,
        answers=tuple(said.get("answers", ())),
        decisions=tuple(said.get("decisions", ())),
    )


def decided(reports: Mapping[int, ReportRecord], items: Whole, reported: Whole) -> Whole:
    """When the report of each item was first decided after the item was reported, NEVER for none.

    `items` has the keys of their reports. A list of many days is one report, which is as old as its first
    item: what was decided before an item was reported is not about that. A decision less than a minute before
    counts, since people give moments to the minute.
    """
    return _first_since([report.decisions for report in reports.values()], reports, items, reported)


def answered(reports: Mapping[int, ReportRecord], items: Whole, reported: Whole) -> Whole:
    """The same of the first answer that is no automatic acknowledgement."""
    return _first_since([report.answers for report in reports.values()], reports, items, reported)


def _first_since(
    said: Iterable[Sequence[int]], reports: Collection[int], items: Whole, reported: Whole
) -> Whole:
    """For each item the first moment of what was `said` to its report since the item was reported."""
    moments = [(place, at) for place, of_report in enumerate(said) for at in of_report]
    if not moments:
        return np.full(len(items), NEVER)
    owner, at = np.array(moments, np.int64).T
    place = places(np.fromiter(reports, np.int64, len(reports)), items)
    before = place * _LATEST + reported - int(TO_THE_MINUTE.total_seconds())
    after = np.searchsorted(owner * _LATEST + at, before, side="right")
    nearest = np.minimum(after, len(at) - 1)
    found: Whole = np.where((after < len(at)) & (owner[nearest] == place), at[nearest], NEVER)
    return found


_LATEST = 1 << 36  # seconds: no moment is later, so that a report's place and a moment are one number


_CLAIM_COLUMNS: Mapping[str, Column] = {
    "item": F("item_id"),
    "code": in_codes("claim", CLAIM_CODES),
    "reply": F("reply_id"),
}


def read_claims(
    campaign: Campaign,
    *,
    as_of: datetime | None = None,
    until: Until | None = None,
    only: Whole | None = None,
) -> Claims:
    """The campaign's claims; of several about one item the one that was received last.

    `until` says for the numbers of items up to when a claim about such an item counts. `only` has the numbers
    of the campaign's items whose claims are wanted, where they are few.
    """
    standing = standing_replies(as_of)
    if only is None:
        # Apart from the replies, which are few: a database takes longer to join them to each claim.
        replies = standing.filter(report__campaign=campaign)
        given = read_columns(replies.order_by(), {"pk": F("pk"), "at": in_seconds("received_at")})
        columns = read_of(replies, Claim, "reply", _CLAIM_COLUMNS)
        place = places(given["pk"], columns["reply"])
        if (place < 0).any():  # of a reply that was logged meanwhile, which SQLite lets be seen
            columns = {name: column[place >= 0] for name, column in columns.items()}
            place = place[place >= 0]
        columns["at"] = given["at"][place]
    else:
        claims = Claim.objects.filter(item__in=among(only), reply__in=standing.order_by().values("pk"))
        columns = read_columns(claims, {**_CLAIM_COLUMNS, "at": in_seconds("reply__received_at")})
    if until is not None:
        counts = columns["at"] <= until(columns["item"])
        columns = {name: column[counts] for name, column in columns.items()}
    order = np.lexsort((columns["reply"], columns["at"], columns["item"]))
    item = columns["item"][order]
    last = np.ones(len(item), bool)
    last[:-1] = item[1:] != item[:-1]
    return Claims(item=item[last], code=columns["code"][order][last], at=columns["at"][order][last])


def claims_of(claims: Claims, items: Whole) -> tuple[Whole, Whole]:
    """The code (0 for no claim) and the moment of the last claim about each of `items`."""
    if not len(claims.item):
        return np.zeros_like(items), np.zeros_like(items)
    place = np.minimum(np.searchsorted(claims.item, items), len(claims.item) - 1)
    claimed = claims.item[place] == items
    return np.where(claimed, claims.code[place], 0), np.where(claimed, claims.at[place], NEVER)
