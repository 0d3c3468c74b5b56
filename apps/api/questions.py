"""What a request asks of a campaign's items, put to the same filter and figures as the pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict

from apps.metrics.grouping import GroupKey
from apps.metrics.summary import Summary, UnknownGroup, UnusableMoment, summarise
from apps.reports.filters import OF_NOW, ItemFilter
from apps.reports.models import Item
from apps.reports.selectors import items_of
from apps.reports.tokens import TokenAccess
from apps.workspace.kept import kept

from .problems import INVALID, Refused, unusable
from .requests import Filters, SummaryQuestion

MOST_GROUPS = 200


@dataclass(frozen=True, slots=True)
class Narrowed:
    """The items that the filters choose; None for all. `name` is the same for the same filters."""

    items: QuerySet[Item] | None
    name: str


def refuse_unknown(request: HttpRequest, known: type[Filters] | None = None) -> None:
    """Refuse a parameter that there is not: a filter that is misspelt must not give everything."""
    names = set(known.model_fields) if known else set()
    unknown = sorted(set(request.GET) - names)
    if unknown:
        raise Refused(
            422,
            f"There is no parameter “{unknown[0][:60]}” here. Known: {', '.join(sorted(names)) or 'none'}.",
            type=INVALID,
            errors=[{"place": f"query.{name[:60]}", "reason": "not known"} for name in unknown[:20]],
        )


def narrowed(access: TokenAccess, asked: Filters) -> Narrowed:
    """The items that the filters choose. Raises PermissionDenied for a filter that is not for the role.

    A platform, a report or a word that the campaign does not have is no mistake: it has no items.
    """
    query = _query(asked)
    if not query:
        return Narrowed(None, "")
    chosen = ItemFilter(query, queryset=items_of(access.campaign), campaign=access.campaign, who=access.who)
    items: QuerySet[Item] = chosen.qs.order_by("pk")
    problems = [error for errors in chosen.form.errors.as_data().values() for error in errors]
    if any(error.code != "invalid_choice" for error in problems):
        raise unusable("; ".join(message for error in problems for message in error.messages))
    # No item has the number 0. A query that Django knows to be empty has no text, which figures are read by.
    return Narrowed(items.filter(pk=0) if problems else items, query.urlencode())


def summary_of(access: TokenAccess, asked: SummaryQuestion) -> Summary:
    """The figures that are asked for, as `manage.py summary` gives them; large ones are kept for a while."""
    keys = tuple(GroupKey(word) for word in asked.by)
    if len(set(keys)) != len(keys):
        raise unusable("A key to group by is named twice. Name each once.")
    compare = None
    if asked.compare_a or asked.compare_b:
        if not (keys and asked.compare_a and asked.compare_b and asked.compare_a != asked.compare_b):
            raise unusable("Two groups are compared: name what to group by, and two different groups of it.")
        compare = asked.compare_a, asked.compare_b
    if asked.as_of is not None and (asked.status or asked.came_back == "true"):
        raise unusable(f"{' and '.join(OF_NOW)} look at the record as it is now, and at no earlier moment.")
    chosen = narrowed(access, asked)

    def make() -> Summary:
        return summarise(
            access.campaign,
            items=chosen.items,
            by=keys,
            as_of=asked.as_of,
            compare=compare,
            most=MOST_GROUPS,
            who=access.who,
        )

    try:
        what = f"api {access.who} {chosen.name} {asked.as_of} {keys} {compare}"
        return kept(access.campaign, what, make, size=lambda summary: summary.total.reported)
    except (UnknownGroup, UnusableMoment) as error:
        raise unusable(str(error)) from error


def _query(asked: Filters) -> QueryDict:
    """The filters as the pages' addresses have them."""
    query = QueryDict(mutable=True)
    given: dict[str, Any] = asked.model_dump(
        mode="json", include=set(Filters.model_fields), exclude_none=True
    )
    for name, value in sorted(given.items()):
        if name == "came_back" and value == "false":
            continue
        if value == []:
            continue
        query.setlist(name, sorted(value) if isinstance(value, list) else [str(value)])
    return query
