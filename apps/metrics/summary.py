"""A campaign's figures, in all and by group, as the record stands or stood at a moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
from django.db.models import QuerySet

from apps.accounts.roles import Audience
from apps.core import clock
from apps.reports.models import Campaign, Item
from apps.reports.selectors import items_of

from . import comparison, survival
from .deadlines import fits_of
from .figures import TOO_FEW, GroupFigures, Material, account_places, group_figures
from .grouping import Group, GroupKey, check_visible, grouping_words, groups_by
from .population import Population, population
from .reading import Whole, one_view
from .records import read_items, seconds
from .responses import claims_of, decided, read_claims, read_reports, reports_for

SHARED = "the groups share URLs, so they cannot be compared"


class UnusableMoment(ValueError):
    """An as-of moment that cannot be answered. `str()` is a sentence that says why."""


class UnknownGroup(LookupError):
    """A group to compare that there is not. `str()` is a sentence that names those that there are."""


@dataclass(frozen=True, slots=True)
class ComparedGroups:
    """Two groups' removal times held against each other. A p-value, and never a verdict in words."""

    first: Mapping[str, str]
    second: Mapping[str, str]
    n_first: int
    n_second: int
    statistic: float | None
    p: float | None
    reason: str  # why there is no p; empty where there is one


@dataclass(frozen=True, slots=True)
class Grouped:
    """The groups of one grouping, and how many smaller ones were not worked out."""

    groups: tuple[GroupFigures, ...] = ()
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Summary:
    """All figures of a campaign. `total` is over all items; `groups` are empty without a grouping.

    `left_out` counts the groups that `most` left out; `names` has those of all, as `compare` takes them.
    `others` are the groupings that were asked for beside that one.
    """

    campaign: str
    name: str
    as_of: datetime
    generated_at: datetime
    minimum_n: int
    keys: tuple[GroupKey, ...]
    total: GroupFigures
    groups: tuple[GroupFigures, ...]
    compared: ComparedGroups | None = None
    left_out: int = 0
    names: tuple[str, ...] = ()
    others: Mapping[tuple[GroupKey, ...], Grouped] = field(default_factory=dict)

    @property
    def all_groups(self) -> tuple[GroupFigures, ...]:
        """The total, then the groups."""
        return self.total, *self.groups


def summarise(
    campaign: Campaign,
    *,
    items: QuerySet[Item] | None = None,
    by: Sequence[GroupKey] = (),
    as_of: datetime | None = None,
    compare: tuple[str, str] | None = None,
    also: Sequence[tuple[GroupKey, ...]] = (),
    most: int | None = None,
    who: Audience = Audience.MEMBERS,
) -> Summary:
    """The figures of a campaign, or of some of its `items` (what a filter chose), as `who` may read them.

    `as_of` None is now. `compare` names two groups of `by` as `grouping_words` or their values do; two
    groups that are all there are get compared without being named. `also` asks for further groupings.
    `most` is how many groups of each grouping are worked out, the ones with the most items; None is all.

    Raises UnusableMoment for a moment that has not come, UnknownGroup, and PermissionDenied.
    """
    check_visible(by, who)
    now = clock.now()
    if as_of is not None:
        as_of = as_of.astimezone(UTC)
    if as_of is not None and as_of > now:
        raise UnusableMoment(f"{as_of:%Y-%m-%d %H:%M} UTC has not come: it is now {now:%Y-%m-%d %H:%M} UTC.")
    chosen = items_of(campaign) if items is None else items
    with one_view():
        records = read_items(campaign if items is None else items, as_of=as_of)
        account = account_places(records)
        reports = reports_for(who, read_reports(campaign, as_of=as_of))
        code, claimed = claims_of(read_claims(campaign, as_of=as_of), records.pk)
        groups = groups_by(by, records, reports, chosen) if by else []
        others = {keys: groups_by(keys, records, reports, chosen) for keys in also}
    found = population(records, now=seconds(as_of or now))
    material = Material(
        population=found,
        account=account,
        reports=reports,
        fits=fits_of(reports.values()),
        claim=code,
        claimed=claimed,
        decided=decided(reports, records.report, records.reported),
        now=seconds(as_of or now),
        minimum_n=campaign.minimum_n,
    )

    def worked_out(groups: Sequence[Group]) -> Grouped:
        kept = _largest(groups, most)
        figures = (group_figures(material, group.items, group.by) for group in kept)
        return Grouped(tuple(figures), len(groups) - len(kept))

    grouped = worked_out(groups)
    return Summary(
        campaign=campaign.slug,
        name=campaign.name,
        as_of=as_of or now,
        generated_at=now,
        minimum_n=campaign.minimum_n,
        keys=tuple(by),
        total=group_figures(material, np.arange(len(records)), {}),
        groups=grouped.groups,
        compared=_compared(groups, found, compare, minimum_n=campaign.minimum_n),
        left_out=grouped.left_out,
        names=tuple(grouping_words(group.by) for group in groups),
        others={keys: worked_out(split) for keys, split in others.items()},
    )


def _largest(groups: Sequence[Group], most: int | None) -> Sequence[Group]:
    """At most so many groups, those with the most items, in the order in which they came."""
    if most is None or len(groups) <= most:
        return groups
    places = sorted(range(len(groups)), key=lambda place: -len(groups[place].items))[:most]
    return [groups[place] for place in sorted(places)]


def _compared(
    groups: Sequence[Group], found: Population, wanted: tuple[str, str] | None, *, minimum_n: int
) -> ComparedGroups | None:
    if wanted is None:
        if len(groups) != 2:
            return None
        first, second = groups
    else:
        first, second = (_named(groups, name) for name in wanted)
    one, other = (_once_each(found, group.items) for group in (first, second))
    if min(len(one), len(other)) < max(minimum_n, 1):
        return ComparedGroups(first.by, second.by, len(one), len(other), None, None, TOO_FEW)
    target = found.records.target
    if np.isin(target[one], target[other]).any():
        return ComparedGroups(first.by, second.by, len(one), len(other), None, None, SHARED)
    sides = (found.fitted.of(items) for items in (one, other))
    tested = comparison.compare(*(survival.rounded_outward(side.left, side.right) for side in sides))
    return ComparedGroups(
        first.by, second.by, len(one), len(other), tested.statistic, tested.p, tested.reason
    )


def _once_each(found: Population, items: Whole) -> Whole:
    """The eligible ones of `items`, of each target the one that was reported first: a test counts it once."""
    records = found.records
    eligible = items[found.eligible[items]]
    in_order = eligible[np.lexsort((records.pk[eligible], records.reported[eligible]))]
    _, first = np.unique(records.target[in_order], return_index=True)
    chosen: Whole = in_order[first]
    return chosen


def _named(groups: Sequence[Group], name: str) -> Group:
    for group in groups:
        if name in {grouping_words(group.by), "/".join(group.by.values())}:
            return group
    known = ", ".join("/".join(group.by.values()) for group in groups[:20])
    raise UnknownGroup(f"There is no group “{name}” to compare. Groups: {known or 'none'}.")
