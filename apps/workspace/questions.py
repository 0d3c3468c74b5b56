"""What an address asks of a campaign's record: which items, in what groups, as of when.

The figures, the charts and their CSV files read the same parameters here, so a chart and the file behind it
are always about the same items.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time
from typing import NamedTuple

from django import forms
from django.http import QueryDict

from apps.accounts.roles import Audience
from apps.core import clock
from apps.metrics.grouping import (
    MOST_KEYS,
    GroupKey,
    UnusableGrouping,
    check_visible,
    group_keys,
    visible_keys,
)
from apps.metrics.summary import Summary, UnknownGroup, summarise
from apps.reports.filters import FURTHER, OF_NOW, ItemFilter
from apps.reports.models import Campaign
from apps.reports.selectors import items_of

from .forms import UTCMoment
from .kept import kept

AS_OF_NOW = "The figures below are as of now."
GROUPS_WORKED_OUT = 50
GROUPS_TO_CHOOSE_FROM = 500


class Choice(NamedTuple):
    """One entry of a select."""

    value: str
    label: str
    chosen: bool


class Select(NamedTuple):
    """A select that the filter's own form does not have."""

    id: str
    name: str
    label: str
    choices: Sequence[Choice]


@dataclass(frozen=True, slots=True)
class Question:
    """A question that can be answered. `problems` are sentences on what was left out of what was asked."""

    campaign: Campaign
    who: Audience
    query: QueryDict
    filter: ItemFilter
    keys: tuple[GroupKey, ...]
    as_of: datetime | None
    compare: tuple[str, str] | None
    problems: tuple[str, ...]

    @property
    def filtered(self) -> bool:
        """Whether only some of the campaign's items are asked about."""
        return self.filter.narrows_by()

    @property
    def narrowed_further(self) -> bool:
        """Whether one of the filters that a page shows on demand is in use."""
        return self.filter.narrows_by(*FURTHER)

    @property
    def about(self) -> str:
        """Which items it is about, for whom, as of when: a text that is the same for the same question."""
        asked = {name: values for name, values in self.query.lists() if name in self.filter.base_filters}
        asked.pop("sort", None)
        return repr((self.who, sorted(asked.items()), self.as_of))

    @property
    def as_of_text(self) -> str:
        """The moment as the browser's picker takes it; what was typed where that is no moment."""
        return f"{self.as_of:%Y-%m-%dT%H:%M:%S}" if self.as_of else self.query.get("as_of", "").strip()

    @property
    def groupings(self) -> list[Select]:
        """The selects of what to group by."""
        chosen = [*self.keys, *[""] * MOST_KEYS]
        labels = ("Group by", "and by")
        return [
            Select(
                f"id_by_{place}",
                "by",
                label,
                [
                    Choice("", "no groups" if place == 0 else "nothing else", not chosen[place]),
                    *(Choice(key.value, key.value, key == chosen[place]) for key in visible_keys(self.who)),
                ],
            )
            for place, label in enumerate(labels)
        ]

    def comparisons(self, names: Sequence[str]) -> list[Select]:
        """The selects of which two of the groups to compare; none where there are fewer than two."""
        if len(names) < 2:
            return []
        chosen = self.compare or ((names[0], names[1]) if len(names) == 2 else ("", ""))
        return [
            Select(
                f"id_{name}",
                name,
                label,
                [
                    Choice("", "no comparison", not chosen[place]),
                    *(Choice(each, each, each == chosen[place]) for each in names[:GROUPS_TO_CHOOSE_FROM]),
                ],
            )
            for place, (name, label) in enumerate((("compare_a", "Compare"), ("compare_b", "with")))
        ]


def question(query: QueryDict, campaign: Campaign, who: Audience) -> Question:
    """Read an address's query. What cannot be answered is left out and said in `problems`.

    Raises PermissionDenied for what `who` may not ask.
    """
    problems: list[str] = []
    keys: tuple[GroupKey, ...] = ()
    try:
        keys = group_keys([word for word in query.getlist("by") if word])
    except UnusableGrouping as error:
        problems.append(str(error))
    check_visible(keys, who)
    chosen = ItemFilter(query, queryset=items_of(campaign), campaign=campaign, who=who)
    as_of = _as_of(query, chosen, problems)
    compare = None
    one, other = (query.get(name, "").strip() for name in ("compare_a", "compare_b"))
    if keys and one and other and one != other:
        compare = one, other
    elif keys and (one or other):
        problems.append("Choose two different groups to compare them.")
    return Question(
        campaign=campaign,
        who=who,
        query=query,
        filter=chosen,
        keys=keys,
        as_of=as_of,
        compare=compare,
        problems=tuple(problems),
    )


def answer(
    asked: Question, *, also: Sequence[tuple[GroupKey, ...]] = (), grouped: bool = True
) -> tuple[Question, Summary]:
    """The figures, and the question as it was answered: without a comparison of groups that there are not."""
    try:
        return asked, _summary(asked, also=also, grouped=grouped)
    except UnknownGroup as error:
        asked = replace(asked, compare=None, problems=(*asked.problems, str(error)))
        return asked, _summary(asked, also=also, grouped=grouped)


def _summary(asked: Question, *, also: Sequence[tuple[GroupKey, ...]], grouped: bool) -> Summary:
    def make() -> Summary:
        return summarise(
            asked.campaign,
            items=asked.filter.qs,
            by=asked.keys if grouped else (),
            as_of=asked.as_of,
            compare=asked.compare if grouped else None,
            also=also,
            most=GROUPS_WORKED_OUT,
            who=asked.who,
        )

    what = f"summary {asked.about} {also} {asked.keys, asked.compare if grouped else None}"
    return kept(asked.campaign, what, make, size=lambda summary: summary.total.reported)


def _as_of(query: QueryDict, chosen: ItemFilter, problems: list[str]) -> datetime | None:
    """The moment that is asked about; None for now. A day alone is its last moment, today's is now."""
    typed = query.get("as_of", "").strip()
    if not typed:
        return None
    if chosen.narrows_by(*OF_NOW):
        problems.append(
            "“Status” and “came back after removal” look at the record as it is now, and cannot be combined "
            f"with an earlier moment. Take out one of the two. {AS_OF_NOW}"
        )
        return None
    try:
        moment: datetime = UTCMoment().clean(typed)
    except forms.ValidationError:
        problems.append(f"“{typed[:40]}” is no moment. Write it as 2026-03-01 14:05, in UTC. {AS_OF_NOW}")
        return None
    now = clock.now()
    if len(typed) <= len("2026-03-01"):
        if moment.date() == now.date():
            return None
        moment = datetime.combine(moment, time.max, moment.tzinfo)
    if moment > now:
        problems.append(
            f"{moment:%Y-%m-%d %H:%M} UTC has not come: it is now {now:%Y-%m-%d %H:%M} UTC. {AS_OF_NOW}"
        )
        return None
    return moment
