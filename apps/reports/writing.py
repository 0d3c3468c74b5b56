"""Rows become reports, items, targets and manual checks: one way for pasted lists and for files.

What is a duplicate: the campaign has an item of the same target and report group that was reported at the
same moment; for a row without a date of its own, at any moment. So the same list can be handed in twice. A
control is no such item for a row that was reported later on, nor the other way round.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TypeVar

from django.db import transaction
from django.db.models import Max

from apps.checks.models import Target
from apps.checks.services import ManualObservation, Wanted, record_manual_checks, watch_targets

from .models import Campaign, Delivery, Item, Report
from .rows import Group
from .spool import ReadyRow

ROWS_A_CHUNK = 1_000
_QUERY_SIZE = 400  # values in one query: SQLite has a limit for them
_REPORTS_REMEMBERED = 5_000
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Details:
    """What a report says beside its group. Items join a report that says the same, so nothing is lost."""

    policy: str = ""
    delivery: Delivery = Delivery.SENT
    note: str = ""


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a row: a new item, or None for a duplicate."""

    row: ReadyRow
    item: Item | None


class Writer:
    """Writes the rows of one list into a campaign, chunk by chunk. Make it and use it in one transaction.

    The campaign's row is locked, so that of two lists handed in at once the second finds the first's items.
    A report is the campaign's report of the same group and `sent_at`, or a new one. Where `details` are given
    they have to be the same, too; a file says nothing of them.
    """

    def __init__(
        self, *, campaign: Campaign, person_id: int | None, now: datetime, details: Details | None = None
    ) -> None:
        if not transaction.get_connection().in_atomic_block:
            raise RuntimeError("A list is written in one transaction.")
        self._campaign = Campaign.objects.select_for_update().get(pk=campaign.pk)
        self._person_id = person_id
        self._now = now
        self._details = details
        self._last_number: int = self._campaign.reports.aggregate(last=Max("number"))["last"] or 0
        self._reports: dict[tuple[Group, datetime], Report] = {}
        self.observations = 0

    def write(self, rows: Sequence[ReadyRow]) -> list[Written]:
        """Write one chunk. Rows with a date go before those without, over all chunks.

        1. Rows that the campaign has already, or that stand here twice, are duplicates.
        2. The targets of the others are watched, their reports found or made, their items written.
        3. What people saw is recorded for all rows, duplicates too; what is on record is not recorded twice.
        """
        new = self._new(rows)
        targets = watch_targets(
            Wanted(ready.row.match, ready.reported_at, with_account=not ready.row.control) for ready in new
        )
        reports = self._reports_of(new)
        items = Item.objects.bulk_create(
            [
                Item(
                    report=reports[ready.row.group, ready.sent_at],
                    target=targets[ready.row.match.key],
                    submitted=ready.row.submitted,
                    reported_at=ready.reported_at,
                    dated=ready.dated,
                    labels=list(ready.row.labels),
                    note=ready.row.note,
                    control=ready.row.control,
                    attested=ready.row.attested,
                    created_at=self._now,
                )
                for ready in new
            ],
            batch_size=_QUERY_SIZE,
        )
        self._record_observations(rows, targets)
        item_of = dict(zip((id(ready) for ready in new), items, strict=True))
        return [Written(ready, item_of.get(id(ready))) for ready in rows]

    def _new(self, rows: Sequence[ReadyRow]) -> list[ReadyRow]:
        known = self._known_items({Target.digest_of(ready.row.match.key) for ready in rows})
        new = []
        for ready in rows:
            items = known.setdefault((Target.digest_of(ready.row.match.key), ready.row.group), set())
            if any(
                ready.reported_at == moment or (not ready.dated and ready.row.control == control)
                for moment, control in items
            ):
                continue
            items.add((ready.reported_at, ready.row.control))
            new.append(ready)
        return new

    def _known_items(self, digests: set[str]) -> dict[tuple[str, Group], set[tuple[datetime, bool]]]:
        """Of the items that the campaign has: when each was reported, and whether it is a control."""
        known: dict[tuple[str, Group], set[tuple[datetime, bool]]] = {}
        for some in parts(sorted(digests)):
            # Not filtered by campaign: SQLite would then begin with all items of all its reports.
            items = Item.objects.filter(target__key_digest__in=some)
            for campaign_id, digest, reported_at, control, *group in items.values_list(
                "report__campaign_id",
                "target__key_digest",
                "reported_at",
                "control",
                "report__platform",
                "report__channel",
                "report__standing",
                "report__category",
                "report__reference",
            ):
                if campaign_id == self._campaign.pk:
                    known.setdefault((digest, Group(*group)), set()).add((reported_at, control))
        return known

    def _reports_of(self, rows: Sequence[ReadyRow]) -> dict[tuple[Group, datetime], Report]:
        if len(self._reports) > _REPORTS_REMEMBERED:
            self._reports.clear()
        wanted = list(dict.fromkeys((ready.row.group, ready.sent_at) for ready in rows))
        missing = [identity for identity in wanted if identity not in self._reports]
        for some in parts(missing):
            existing = Report.objects.filter(
                campaign=self._campaign,
                sent_at__in={sent_at for _, sent_at in some},
                reference__in={group.reference for group, _ in some},
                **({} if self._details is None else asdict(self._details)),
            )
            # The newest first, so that the oldest of two alike is the one that is kept.
            for report in existing.order_by("-number"):
                self._reports[_identity(report)] = report
        self._create_reports([identity for identity in missing if identity not in self._reports])
        return {identity: self._reports[identity] for identity in wanted}

    def _create_reports(self, identities: Sequence[tuple[Group, datetime]]) -> None:
        made = []
        details = self._details or Details()
        for group, sent_at in identities:
            self._last_number += 1
            made.append(
                Report(
                    campaign=self._campaign,
                    number=self._last_number,
                    **group._asdict(),
                    sent_at=sent_at,
                    **asdict(details),
                    created_at=self._now,
                    created_by_id=self._person_id,
                )
            )
        for report in Report.objects.bulk_create(made, batch_size=_QUERY_SIZE):
            self._reports[_identity(report)] = report

    def _record_observations(self, rows: Sequence[ReadyRow], targets: dict[str, Target]) -> None:
        telling = [ready for ready in rows if ready.row.observations]
        if not telling:
            return
        ids = {key: target.pk for key, target in targets.items()}
        unknown = {ready.row.match.key for ready in telling} - ids.keys()
        for some in parts(sorted(unknown)):
            digests = [Target.digest_of(key) for key in some]
            ids.update(Target.objects.filter(key_digest__in=digests).values_list("key", "pk"))
        self.observations += record_manual_checks(
            ManualObservation(
                target_id=ids[ready.row.match.key],
                outcome=seen.outcome,
                reason=seen.reason,
                observed_at=seen.observed_at or self._now,
                person_id=self._person_id,
                undated=seen.observed_at is None,
            )
            for ready in telling
            for seen in ready.row.observations
        )


def _identity(report: Report) -> tuple[Group, datetime]:
    group = Group(report.platform, report.channel, report.standing, report.category, report.reference)
    return group, report.sent_at


def parts(values: Sequence[Value]) -> Iterable[Sequence[Value]]:
    """The values in order, few enough at a time for one query."""
    return (values[start : start + _QUERY_SIZE] for start in range(0, len(values), _QUERY_SIZE))
