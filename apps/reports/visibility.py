"""What an audience reads of the record: fields of rows that are for members, words that are told coarsely.

`accounts.roles` decides which role belongs to which audience; here stands what that leaves of the values. To
everybody but members a field marked MEMBERS_ONLY is empty, and a word of the reporter's own, or a platform
that is known by its domain alone, reads OTHER: the same as in the public tables.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping
from dataclasses import fields, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Any, TypeVar, cast, get_type_hints

from django.core.exceptions import PermissionDenied
from django.db.models import Case, CharField, Value, When
from django.db.models.expressions import Combinable
from django.db.models.lookups import In

from apps.accounts.roles import Audience
from apps.platforms.registry import OTHER, definitions

from .models import Category, Standing

MEMBERS_ONLY = Audience.MEMBERS
"""Marks a field of a row: `note: Annotated[str, MEMBERS_ONLY]`."""

COARSE: Mapping[str, Callable[[], Collection[str]]] = MappingProxyType(
    {"platform": definitions, "category": lambda: Category.values, "standing": lambda: Standing.values}
)
"""What can hold a word of the reporter's own or a domain, with the words that everybody may read."""

Row = TypeVar("Row")


def row_for(who: Audience, row: Row) -> Row:
    """A row (a dataclass) without what is not for `who`: an empty text, list or map in its place."""
    hidden = hidden_fields(cast(Hashable, type(row)), who)
    return replace(row, **{name: type(getattr(row, name))() for name in hidden}) if hidden else row  # type: ignore[type-var]


@lru_cache(maxsize=64)
def hidden_fields(row: Any, who: Audience) -> tuple[str, ...]:
    """The fields of a dataclass that are not for `who`."""
    hints = get_type_hints(row, include_extras=True)
    return tuple(each.name for each in fields(row) if _is_hidden(hints[each.name], who))


def _is_hidden(hint: Any, who: Audience) -> bool:
    marks = getattr(hint, "__metadata__", ())
    return any(isinstance(mark, Audience) and not who.may_see(mark) for mark in marks)


def told(who: Audience, name: str, word: str) -> str:
    """A word of COARSE[`name`] as `who` reads it."""
    return word if who.may_see(Audience.MEMBERS) or word in COARSE[name]() else OTHER


def told_in_query(who: Audience, name: str, word: Combinable) -> Combinable:
    """`told` in the database."""
    if who.may_see(Audience.MEMBERS):
        return word
    known = In(word, sorted(COARSE[name]()))
    return Case(When(known, then=word), default=Value(OTHER), output_field=CharField())


def refuse(what: str) -> PermissionDenied:
    """The refusal of a question that only members may ask: its answer would tell what they alone read."""
    return PermissionDenied(
        f"Your role does not let you ask by {what}: the answer would tell of a URL, an account or a text."
    )
