"""Pages of a long list, and links that keep the rest of an address's query."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator
from django.http import HttpRequest, QueryDict


@dataclass(frozen=True, slots=True)
class Column:
    """A sortable column's heading."""

    label: str
    query: str  # the address's query that sorts by it, or the other way round when it is sorted already
    direction: str  # for aria-sort: "ascending", "descending" or "" when it is another column that sorts


def page_of(request: HttpRequest, rows: Any, *, size: int, count: int | None = None) -> Page[Any]:
    """The page that the address asks for; the nearest one where there is no such page.

    `count` is how many rows there are, where that is known already.
    """
    paginator = Paginator(rows, size)
    if count is not None:
        paginator.__dict__["count"] = count  # instead of the cached property that would ask
    return paginator.get_page(request.GET.get("page"))


def page_numbers(page: Page[Any]) -> list[int | str]:
    """The numbers to link to: the ends, those around this page, and an ellipsis between."""
    return list(page.paginator.get_elided_page_range(page.number, on_each_side=2, on_ends=1))


def query_without(query: QueryDict, *names: str) -> str:
    """The address's query without some parameters, ready to have another appended."""
    kept = query.copy()
    for name in names:
        kept.pop(name, None)
    encoded = kept.urlencode()
    return f"{encoded}&" if encoded else ""


def sortable(query: QueryDict, names: dict[str, str], *, default: str) -> dict[str, Column]:
    """Headings of sortable columns, by the parameter's value that sorts by each."""
    current = query.get("sort") or default
    rest = query_without(query, "sort", "page")
    columns = {}
    for name, label in names.items():
        ascending, descending = current == name, current == f"-{name}"
        columns[name] = Column(
            label=label,
            query=f"?{rest}sort={'-' if ascending else ''}{name}",
            direction="ascending" if ascending else "descending" if descending else "",
        )
    return columns
