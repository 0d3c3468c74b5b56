"""Splitting a campaign's items into groups: by one key, or by two at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from apps.accounts.roles import Audience
from apps.platforms.registry import platform_name
from apps.reports.models import Category, Channel, Item, Standing, word_label
from apps.reports.visibility import refuse

from .reading import Whole
from .records import ItemRecords
from .responses import ReportRecord

MOST_KEYS = 2


class GroupKey(StrEnum):
    """What items can be grouped by. The order is that of forms and help texts."""

    PLATFORM = "platform"  # whom it was reported to
    CHANNEL = "channel"
    CATEGORY = "category"
    STANDING = "standing"
    REPORT = "report"
    ACCOUNT = "account"
    LABEL = "label"  # an item with several labels is in the group of each
    MONTH = "month"  # of the report, in UTC
    EVIDENCE = "evidence"  # observed by the checker at or after the report, or attested by people


FOR_MEMBERS = frozenset({GroupKey.ACCOUNT, GroupKey.LABEL})
"""Keys whose values only members may see. No pseudonyms stand for them: one that stays the same is the
account by another name, and would tell whoever knows one of its items the others."""


class UnusableGrouping(ValueError):
    """A grouping that cannot be made. `str()` is a sentence that says what to ask for."""


@dataclass(frozen=True, slots=True)
class Group:
    """Some of the items: the values that they share by key, and their places in the columns."""

    by: Mapping[str, str]
    items: Whole


Split = Callable[[Whole], Iterator[tuple[str, Whole]]]


def group_keys(words: Sequence[str]) -> tuple[GroupKey, ...]:
    """The keys that somebody named. Raises UnusableGrouping for unknown ones, for one twice, for too many."""
    known = ", ".join(GroupKey)
    for word in words:
        if word not in set(GroupKey):
            raise UnusableGrouping(f"Items cannot be grouped by “{word}”. Choose from: {known}.")
    if len(set(words)) != len(words):
        raise UnusableGrouping(f"A key is named twice: {', '.join(words)}. Name each once.")
    if len(words) > MOST_KEYS:
        raise UnusableGrouping(f"Items are grouped by {MOST_KEYS} keys at most. Choose from: {known}.")
    return tuple(map(GroupKey, words))


def visible_keys(who: Audience) -> list[GroupKey]:
    """The keys that `who` may group by."""
    return [key for key in GroupKey if key not in FOR_MEMBERS or who.may_see(Audience.MEMBERS)]


def check_visible(keys: Sequence[GroupKey], who: Audience) -> None:
    """Raise PermissionDenied if a grouping by these would tell `who` what is for members."""
    for key in keys:
        if key not in visible_keys(who):
            raise refuse(key.value)


def groups_by(
    keys: Sequence[GroupKey],
    records: ItemRecords,
    reports: Mapping[int, ReportRecord],
    items: QuerySet[Item],
) -> list[Group]:
    """The groups that `keys` make of the records, which are those of `items`, ordered by their values."""
    groups = [Group({}, np.arange(len(records)))]
    for key in keys:
        split = _split(key, records, reports, items)
        groups = [
            Group({**group.by, key.value: value}, chosen)
            for group in groups
            for value, chosen in split(group.items)
        ]
    return sorted(groups, key=lambda group: [_sortable(*pair) for pair in group.by.items()])


def value_label(key: str, value: str) -> str:
    """How a group's value reads on a page."""
    match key:
        case GroupKey.PLATFORM:
            return platform_name(value)
        case GroupKey.CHANNEL:
            return word_label(Channel, value)
        case GroupKey.CATEGORY:
            return word_label(Category, value)
        case GroupKey.STANDING:
            return word_label(Standing, value)
        case GroupKey.REPORT:
            return _("report %(number)s") % {"number": value}
    return value or f"no {key}"


def _sortable(key: str, value: str) -> tuple[int, str]:
    return (int(value), "") if key == GroupKey.REPORT else (0, value)


def _split(
    key: GroupKey, records: ItemRecords, reports: Mapping[int, ReportRecord], items: QuerySet[Item]
) -> Split:
    match key:
        case GroupKey.LABEL:
            return _by_label(records, items)
        case GroupKey.ACCOUNT:
            names = {
                account: f"{platform}/{name}"
                for account, platform, name in items.exclude(target__account="")
                .order_by()
                .values_list("target__account_key", "target__platform", "target__account")
                .distinct()
                if account
            }
            return _by_value(records.account, lambda account: names.get(account, ""))
        case GroupKey.MONTH:
            days = (records.reported // 86_400).astype("datetime64[D]")
            months = days.astype("datetime64[M]").astype(np.int64)
            return _by_value(months, lambda month: str(np.datetime64(month, "M")))
        case GroupKey.EVIDENCE:
            return _by_value(
                records.observed.astype(np.int64), lambda seen: "observed" if seen else "attested"
            )
    return _by_value(records.report, lambda report: str(getattr(reports[report], _FIELDS[key])))


_FIELDS = {
    GroupKey.PLATFORM: "platform",
    GroupKey.CHANNEL: "channel",
    GroupKey.CATEGORY: "category",
    GroupKey.STANDING: "standing",
    GroupKey.REPORT: "number",
}


def _by_value(column: Whole, name: Callable[[int], str]) -> Split:
    """Groups of equal names; several values of the column may have one name."""
    values, codes = np.unique(column, return_inverse=True)
    named = [name(value) for value in values.tolist()]
    names = sorted(set(named))
    place = {each: at for at, each in enumerate(names)}
    codes = np.array([place[each] for each in named], np.int64)[codes] if named else codes

    def split(chosen: Whole) -> Iterator[tuple[str, Whole]]:
        order = np.argsort(codes[chosen], kind="stable")
        counts = np.bincount(codes[chosen], minlength=len(names))
        for each, part in zip(names, np.split(chosen[order], np.cumsum(counts)[:-1]), strict=False):
            if len(part):
                yield each, part

    return split


def _by_label(records: ItemRecords, items: QuerySet[Item]) -> Split:
    place = {pk: at for at, pk in enumerate(records.pk.tolist())}
    labelled: dict[str, list[int]] = {}
    for pk, labels in items.order_by().values_list("pk", "labels"):
        for label in dict.fromkeys(labels) or [""]:
            if pk in place:
                labelled.setdefault(label, []).append(place[pk])
    places = {label: np.array(sorted(found), np.int64) for label, found in labelled.items()}

    def split(chosen: Whole) -> Iterator[tuple[str, Whole]]:
        for label, found in places.items():
            part = np.intersect1d(chosen, found, assume_unique=True)
            if len(part):
                yield label, part

    return split


def grouping_words(by: Mapping[str, str]) -> str:
    """A group's values on one line: "Example Models, e-mail"; "all" for the total."""
    return ", ".join(value_label(key, value) for key, value in by.items()) or "all"
