"""The conditions of a signal taken one by one: which of them hold of an answer, and how they read.

Words are in the language that is active.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from dataclasses import fields, replace
from functools import lru_cache
from typing import Any

from django.utils.translation import gettext as _

from apps.platforms.schema import BlockCondition, HeaderCondition, JsonCondition, When

from .outcomes import Reason
from .signals import Reading, matches

_FIELD = re.compile(r"\{(\w+)(?:\|\w+)?\}")
_OF_SEVERAL = ("header", "json", "block")
"""Conditions that are given as a list of which all must hold."""


@lru_cache(maxsize=4096)
def parts(when: When) -> tuple[When, ...]:
    """A signal's conditions, each alone, in the order in which `When` has them."""
    given: list[dict[str, Any]] = []
    for field in fields(When):
        value = getattr(when, field.name)
        if value != field.default:
            several = [(each,) for each in value] if field.name in _OF_SEVERAL else [value]
            given += ({field.name: one} for one in several)
    return tuple(replace(When(), **condition) for condition in given)


def first_lacking(when: When, reading: Reading) -> When | None:
    """The first condition that does not hold of an answer; None where all hold, and the signal matches."""
    for part in parts(when):
        # A condition on an answer that failed is only looked at together with the failure.
        if not matches(replace(part, failure=when.failure), reading):
            return part
    return None


# ----------------------------------------------------------------------------------------------------- words


def whole_site_words() -> str:
    """What lacks of a claim about a whole site where an address that cannot exist is answered otherwise."""
    return _("the same answer for an address that cannot exist")


Mark = Callable[[str], str]
"""How a text that is looked for is set apart from the words around it."""


def in_quotation_marks(text: str) -> str:
    """As a text that is cited."""
    return f"“{text}”"


def as_code(text: str) -> str:
    """As code, in Markdown."""
    return f"`{text.replace('`', '´')}`"


_mark: ContextVar[Mark] = ContextVar("mark", default=in_quotation_marks)


def condition_words(when: When, *, mark: Mark = in_quotation_marks) -> tuple[str, ...]:
    """What has to be so for a signal to match, one condition each."""
    before = _mark.set(mark)
    try:
        return tuple(_words(part) for part in parts(when))
    finally:
        _mark.reset(before)


def _words(part: When) -> str:
    for say in (_head_words, _wording_words, _place_words, _size_words):
        if words := say(part):
            return words
    raise AssertionError(f"there are no words for {part}")


def _head_words(part: When) -> str:
    if part.status:
        return _("status %(codes)s") % {"codes": _either(map(_range, part.status))}
    if part.failure:
        return _("no answer: %(reasons)s") % {
            "reasons": _either(_(str(Reason(reason).label)) for reason in part.failure)
        }
    if part.detail:
        return _("in the checker’s word: %(texts)s") % {"texts": _texts(part.detail)}
    if part.own_host is not None:
        return _("from the item’s own host") if part.own_host else _("not from the item’s own host")
    if part.address_in:
        return _("from an address in the list %(names)s") % {"names": _texts(part.address_in)}
    if part.blocked_by:
        return {
            "any": _("a header that says who blocks it"),
            "another_site": _("a header that says that another site blocks it"),
        }[part.blocked_by]
    if part.header:
        return _header_words(part.header[0])
    if part.header_name is not None:
        return _("a header whose name fits %(pattern)s") % {"pattern": part.header_name.pattern}
    if part.json:
        return _json_words(part.json[0])
    if part.block:
        return _block_words(part.block[0])
    if part.token is not None:
        return _("asked with the platform’s token") if part.token else _("asked without a token")
    return ""


def _range(codes: tuple[int, int]) -> str:
    low, high = codes
    return str(low) if low == high else _("%(low)s to %(high)s") % {"low": low, "high": high}


def _header_words(condition: HeaderCondition) -> str:
    known = {"name": condition.name}
    if condition.present is False:
        return _("no header %(name)s") % known
    tests = [_("is there")] if condition.present else []
    if condition.equals:
        tests.append(_("is %(texts)s") % {"texts": _texts(condition.equals)})
    if condition.contains:
        tests.append(_("contains %(texts)s") % {"texts": _texts(condition.contains)})
    if condition.lacks:
        tests.append(_("does not contain %(texts)s") % {"texts": _texts(condition.lacks)})
    return _("header %(name)s %(tests)s") % {**known, "tests": _(" and ").join(tests)}


def _json_words(condition: JsonCondition) -> str:
    tests = []
    if condition.one_of:
        tests.append(_("is %(texts)s") % {"texts": _either(map(_value, condition.one_of))})
    if condition.contains:
        tests.append(_("holds %(texts)s") % {"texts": _texts((condition.contains,))})
    if condition.lacks:
        tests.append(_("does not hold %(texts)s") % {"texts": _texts((condition.lacks,))})
    if condition.starts_with:
        tests.append(_("begins with %(texts)s") % {"texts": _texts((condition.starts_with,))})
    if condition.says:
        tests.append(_("says %(texts)s") % {"texts": _texts(condition.says)})
    if condition.empty:
        tests.append(_("is empty"))
    if condition.null:
        tests.append(_("is null"))
    if condition.filled:
        tests.append(_("is neither empty nor false"))
    if condition.present is not None:
        tests.append(_("is there") if condition.present else _("is not there"))
    return _("in the JSON, %(path)s %(tests)s") % {"path": condition.path, "tests": _(" and ").join(tests)}


def _block_words(condition: BlockCondition) -> str:
    named = [*(f".{name}" for name in condition.classes), *(f"#{name}" for name in condition.ids)]
    if not condition.says:
        return _("the page has an element %(names)s") % {"names": _either(named)}
    return _("in the page, an element %(names)s contains %(texts)s") % {
        "names": _either(named),
        "texts": _texts(condition.says),
    }


def _value(value: str | int | float | bool) -> str:
    if isinstance(value, str):
        return _quoted(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _wording_words(part: When) -> str:
    said: Sequence[tuple[tuple[str, ...], str]] = (
        (part.title, _("the title contains %(texts)s")),
        (part.title_equals, _("the title is %(texts)s")),
        (part.title_part, _("a part of the title is %(texts)s")),
        (part.heading, _("a heading contains %(texts)s")),
        (part.title_or_heading, _("the title, a heading or a status block contains %(texts)s")),
        (part.title_or_heading_equals, _("the title, a heading or a status block is %(texts)s")),
        (part.text, _("the text contains %(texts)s")),
        (part.body, _("the body contains %(texts)s")),
    )
    return next((words % {"texts": _texts(texts)} for texts, words in said if texts), "")


def _place_words(part: When) -> str:
    if part.final_url:
        return _("the address that answered contains %(texts)s") % {"texts": _texts(part.final_url)}
    if part.redirect_to:
        return _("sent on to an address that contains %(texts)s") % {"texts": _texts(part.redirect_to)}
    return {
        "home": _("sent on to the home page of the site"),
        "other_host": _("sent on to another site"),
        "any": _("sent on to another address"),
    }.get(part.redirect, "")


def _size_words(part: When) -> str:
    if part.text_under is not None:
        return _("fewer than %(n)s characters of text") % {"n": part.text_under}
    if part.bytes_under is not None:
        return _("fewer than %(n)s bytes") % {"n": part.bytes_under}
    if part.empty is not None:
        return _("an empty answer") if part.empty else _("an answer that is not empty")
    return ""


def _texts(texts: Iterable[str]) -> str:
    return _either(map(_quoted, texts))


def _quoted(text: str) -> str:
    """A text that is looked for; parts of the item's own address in it as ‹names›."""
    return _mark.get()(_FIELD.sub(r"‹\1›", text))


def _either(words: Iterable[str]) -> str:
    *before, last = words
    return _("%(words)s or %(last)s") % {"words": ", ".join(before), "last": last} if before else last
