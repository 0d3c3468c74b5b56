"""A campaign's figures as a flat table: one row a group and figure, so that each can be computed again.

The names are those of the JSON of `manage.py summary`, with a point between a figure and its part; shares are
rounded to four places, hours to two, as there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from apps.metrics.definitions import EXCLUSIONS
from apps.metrics.figures import TOO_FEW, ControlFigures, GroupFigures, ReplyFigures, TimeFigures, Within
from apps.metrics.grouping import GroupKey, UnusableGrouping
from apps.metrics.reading import Flags, Whole
from apps.metrics.shares import Share

from .public_record import PublicRecord
from .redaction import NO_ACCOUNTS
from .row_groups import Groups, cells_of, row_groups
from .sql import Block, Value

PUBLIC_KEYS = (GroupKey.PLATFORM, GroupKey.CHANNEL, GroupKey.CATEGORY, GroupKey.MONTH, GroupKey.EVIDENCE)
"""What public figures may be grouped by: nothing that names a report, an account or a label."""

_QUANTILES = {0.25: "p25", 0.5: "p50", 0.75: "p75", 0.9: "p90"}
_ITEMS, _REPORTS, _HOURS, _ACCOUNTS = "items", "reports", "hours", "accounts"
_SHARE = "share of items"
_SHARE_PLACES, _HOUR_PLACES = 4, 2


class Row(NamedTuple):
    """One figure, in the order of the table's columns."""

    group: str
    figure: str
    n: int | None = None
    of: int | None = None
    value: float | None = None
    low: float | None = None
    high: float | None = None
    band_low: float | None = None
    band_high: float | None = None
    unit: str = _ITEMS
    problem: str = ""


def summary_blocks(groups: Iterable[GroupFigures], *, public: bool = False) -> Iterator[Block]:
    """The rows of groups, a group a block; public ones without what redaction took out."""
    for group in groups:
        yield list(zip(*map(_rounded, _rows(group, public=public)), strict=True))


def check_public(keys: Collection[GroupKey]) -> None:
    """Raises UnusableGrouping unless figures may be grouped so for everyone."""
    known = ", ".join(PUBLIC_KEYS)
    for key in keys:
        if key not in PUBLIC_KEYS:
            raise UnusableGrouping(f"Public figures cannot be grouped by {key}. Choose from: {known}.")
    if len(keys) > 1:
        raise UnusableGrouping(f"Public figures are grouped by one key at a time. Choose from: {known}.")


def public_groups(record: PublicRecord, keys: Sequence[GroupKey]) -> Iterator[GroupFigures]:
    """The total and the groups that may be shown; all that may not are still part of the total.

    1. Platforms and channels are shown as in the tables of the public pages.
    2. Categories and months are shown where each of their items tells it in its row, so that the rows and
       these figures are about the same groups.
    3. What was observed and what was attested is shown if both are enough.
    """
    if not record.shown.whole:
        return
    yield record.whole()
    for key in keys:
        for value, items in sorted(_public_split(record, key).items()):
            yield record.figures(items, {key.value: value})


def _public_split(record: PublicRecord, key: GroupKey) -> dict[str, Whole]:
    """The places of the items of each group of a key that may be shown."""
    if key == GroupKey.PLATFORM:
        return record.groups(record.platforms, record.shown.platforms)
    if key == GroupKey.CHANNEL:
        return record.groups(record.channels, record.shown.channels)
    if key == GroupKey.EVIDENCE:
        found = record.population
        sides = {"observed": found.observed, "attested": ~found.observed}
        enough = all(int((found.eligible & side).sum()) >= record.minimum_n for side in sides.values())
        return {name: np.flatnonzero(side) for name, side in sides.items()} if enough else {}
    cells, cell = cells_of(record)
    rows = row_groups(record, cells)
    value = _category if key == GroupKey.CATEGORY else _month
    own, told = [value(of) for of in rows.own], [value(of) for of in rows.told]
    partly = {one for one, said, real in zip(own, told, rows.real, strict=True) if real and one != said}
    places: dict[str, Whole] = {}
    for one in {said for said in told if said} - partly:
        tells: Flags = np.array([said == one for said in told])
        places[one] = np.flatnonzero(tells[cell])
    return places


def _category(groups: Groups) -> str:
    return groups.category or ""


def _month(groups: Groups) -> str:
    """The month, where it or the day is told."""
    date = groups.reported or ""
    return "" if "Q" in date else date[:7] if len(date) >= len("2026-03") else ""


def group_name(by: Mapping[str, str]) -> str:
    """A group's values by key, such as "platform=example.org, channel=email"; "all" for the total."""
    return ", ".join(f"{key}={value}" for key, value in by.items()) or "all"


def _rows(group: GroupFigures, *, public: bool) -> Iterator[Row]:
    name = group_name(group.by)
    of = group.eligible
    few = TOO_FEW if group.too_few else ""
    yield Row(name, "reported", group.reported)
    for one, (reason, _) in EXCLUSIONS.items():
        yield Row(name, f"excluded.{reason}", group.excluded[one], group.reported)
    yield Row(name, "eligible", of, group.reported)
    yield Row(name, "observed", group.observed, of)
    yield Row(name, "attested", group.attested, of)
    for status, count in group.status.items():
        yield Row(name, f"status.{status.value}", count, of)
    yield _share(name, "share_removed", group.removed, few)
    yield _share(name, "share_acted_on", group.acted_on, few)
    yield _share(name, "share_inconclusive", group.inconclusive, few)
    yield from _within(name, "removed_within", group.within)
    yield from _times(name, "removal_time_hours", group.removal)
    yield from _replies(name, group)
    yield from _deadlines(name, group, public=public)
    yield from _claims(name, group)
    yield _share(name, "returns.share", group.returns.share)
    yield Row(name, "returns.up_now", group.returns.up_now, group.returns.share.of)
    yield from _times(name, "returns.hours_gone", group.returns.times)
    if group.accounts != NO_ACCOUNTS or not public:
        yield from _accounts(name, group)
    if group.controls is not None:
        yield from _controls(name, group.controls)


def _share(group: str, figure: str, share: Share, few: str = "") -> Row:
    problem = (few or TOO_FEW) if share.of and share.value is None else ""
    return Row(
        group, figure, share.n, share.of, share.value, share.low, share.high, unit=_SHARE, problem=problem
    )


def _within(group: str, figure: str, marks: Sequence[Within]) -> Iterator[Row]:
    for mark in marks:
        band_low, band_high = mark.band or (None, None)
        yield Row(
            group,
            f"{figure}.{mark.name}",
            mark.surely,
            mark.of,
            mark.estimate,
            mark.low,
            mark.high,
            band_low,
            band_high,
            _SHARE,
            mark.problem,
        )
        yield Row(group, f"{figure}.{mark.name}.possibly", mark.possibly, mark.of)


def _times(group: str, figure: str, times: TimeFigures) -> Iterator[Row]:
    for p, name in _QUANTILES.items():
        quantile = times.quantile(p)
        low, high = (quantile and quantile.interval) or (None, None)
        band_low, band_high = (quantile and quantile.band) or (None, None)
        yield Row(
            group,
            f"{figure}.{name}",
            times.n,
            times.of,
            None,
            low,
            high,
            band_low,
            band_high,
            _HOURS,
            times.problem or ("" if low is not None else times.unreached(p)),
        )


def _replies(group: str, found: GroupFigures) -> Iterator[Row]:
    clocks: Mapping[str, ReplyFigures] = {
        "first_reply_hours": found.first_reply,
        "first_answer_hours": found.first_answer,
        "decision_hours": found.decision,
    }
    for figure, clock in clocks.items():
        yield Row(group, f"{figure}.reports", clock.reports, unit=_REPORTS)
        yield Row(group, f"{figure}.bounced", clock.bounced, clock.reports, unit=_REPORTS)
        yield from _times(group, figure, clock.times)


def _deadlines(group: str, found: GroupFigures, *, public: bool) -> Iterator[Row]:
    for each in found.deadlines:
        figure = f"deadlines.{each.rule.slug}"
        judged = each.rule.hours is not None
        for part in ("met", "missed", "running", "indeterminate"):
            count = getattr(each, part) if judged else None
            yield Row(
                group, f"{figure}.{part}", count, each.of, problem="" if judged else "the rule names no hours"
            )
        if public:
            continue
        yield Row(group, f"{figure}.undelivered", each.undelivered, found.eligible)
        refused = sum(count for _, count in each.refusals)
        yield Row(group, f"{figure}.does_not_apply", refused, found.eligible)


def _claims(group: str, found: GroupFigures) -> Iterator[Row]:
    said = found.claims
    for part in ("removed", "restricted", "refused"):
        yield Row(group, f"claims.{part}", getattr(said, part), found.eligible)
    yield _share(group, "claims.still_up", said.still_up)
    yield _share(group, "claims.seen_after_claim", said.seen_after)
    yield _share(group, "claims.gone", said.gone)
    yield from _times(group, "claims.hours_up_after_claim", said.contradicted)


def _accounts(group: str, found: GroupFigures) -> Iterator[Row]:
    accounts = found.accounts
    many = accounts.accounts
    yield Row(group, "accounts.accounts", many, unit=_ACCOUNTS)
    yield Row(group, "accounts.unknown_items", accounts.unknown_items, found.eligible)
    yield Row(group, "accounts.gone", accounts.gone, many, unit=_ACCOUNTS)
    yield Row(group, "accounts.up", accounts.up, many, unit=_ACCOUNTS)
    yield Row(group, "accounts.up_with_removed_items", accounts.up_with_removed, many, unit=_ACCOUNTS)
    gone = accounts.items_with + accounts.items_alone + accounts.items_untold
    yield Row(group, "accounts.removed_items.with_account", accounts.items_with, gone)
    yield Row(group, "accounts.removed_items.alone", accounts.items_alone, gone)
    yield Row(group, "accounts.removed_items.unknown", accounts.items_untold, gone)
    yield Row(group, "accounts.items_per_account.median", value=accounts.items_median)
    yield Row(group, "accounts.items_per_account.most", accounts.items_most)


def _controls(group: str, controls: ControlFigures) -> Iterator[Row]:
    yield Row(group, "controls.removed", controls.removed, controls.of)
    yield from _within(group, "controls.removed_within", controls.within)
    yield from _times(group, "controls.removal_time_hours", controls.times)
    for each in controls.differences:
        found = each.difference
        yield Row(
            group,
            f"controls.difference.{each.name}",
            value=found.value,
            low=found.low,
            high=found.high,
            unit="difference of shares",
        )


def _rounded(row: Row) -> tuple[Value, ...]:
    places = _HOUR_PLACES if row.unit == _HOURS else _SHARE_PLACES
    return tuple(round(value, places) if isinstance(value, float) else value for value in row)
