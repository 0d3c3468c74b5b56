"""How public pages write addresses, days and numbers, in the language that is active."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from html import escape
from typing import Any

from django import template
from django.utils import formats
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from apps.core.templatetags.show import day_words
from apps.exports.published import Section
from apps.metrics.chart import Chart
from apps.metrics.counts import percent

register = template.Library()


@register.simple_tag(takes_context=True)
def to(context: dict[str, Any], route: str, *parts: object) -> str:
    """The address of a page of this campaign."""
    return str(context["addresses"].to(route, *parts))


@register.simple_tag(takes_context=True)
def plain(context: dict[str, Any], route: str, *parts: object) -> str:
    """The address of a file that is the same in every language."""
    return str(context["addresses"].plain(route, *parts))


@register.simple_tag(takes_context=True)
def site(context: dict[str, Any], route: str) -> str:
    """The address of a page of the site."""
    return str(context["addresses"].site(route))


@register.simple_tag(takes_context=True)
def asset(context: dict[str, Any], name: str) -> str:
    """The address of a stylesheet, a script or a picture."""
    return str(context["addresses"].asset(name))


@register.simple_tag(takes_context=True)
def absolute(context: dict[str, Any], route: str, *parts: object) -> str:
    """An address for other sites, where it stays in the language of this page."""
    return str(context["addresses"].absolute(route, *parts, named=True))


@register.simple_tag(takes_context=True)
def snippet(context: dict[str, Any], chart: Chart) -> str:
    """The HTML that shows a chart on another site. Not marked as safe: it is to be read and copied."""
    short = context["addresses"].language.short
    address = absolute(context, "embed", chart.slug, short)
    return (
        f'<iframe src="{address}" title="{escape(chart.title)}" width="100%" height="620" loading="lazy" '
        'style="border:0"></iframe>'
    )


@register.filter
def day(value: str) -> SafeString | str:
    """A day ("2026-03-01") or a month ("2026-03") as people write it."""
    if not value:
        return "–"
    return format_html('<time datetime="{}">{}</time>', value, day_words(value))


@register.filter
def with_code(text: str) -> SafeString:
    """A text in which what stands in backticks is code."""
    parts = enumerate(text.split("`"))
    return format_html_join("", "{}", ((_code(part) if place % 2 else part,) for place, part in parts))


def _code(text: str) -> SafeString:
    return format_html("<code>{}</code>", text)


@register.filter
def minute(value: datetime) -> SafeString:
    """A moment in UTC, to the minute."""
    utc = value.astimezone(UTC)
    # Translators: a moment; letters as in Django's date format
    words = formats.date_format(utc, _("j F Y, H:i"))
    iso = utc.isoformat(timespec="seconds").replace("+00:00", "Z")
    return format_html('<time datetime="{}">{} UTC</time>', iso, words)


@register.filter
def name_in(key: str, sections: Mapping[str, Section]) -> str:
    """What a group is called."""
    return sections[key].name


@register.filter
def word_in(word: str, labels: Mapping[str, str]) -> str:
    """How a word of a closed list reads."""
    return labels[word]


@register.simple_tag
def share_of(count: int, of: int) -> str:
    """`count` of `of` in percent."""
    return percent(count, of)


@register.filter
def number_or_dash(value: Decimal | None) -> str:
    """A number as it stands in a file, in the digits of the language; a dash where there is none."""
    return "–" if value is None else _digits(f"{value:f}")


@register.filter
def signed(value: Decimal | None) -> str:
    """A difference with its sign; a dash where there is none."""
    if value is None:
        return "–"
    return _digits(f"{value:f}") if not value else f"{'+' if value > 0 else '−'}{_digits(f'{abs(value):f}')}"


@register.filter
def short(value: float) -> str:
    """A number with no more digits than it needs: 2.5, and 2 for 2.0."""
    return _digits(f"{value:g}")


def _digits(number: str) -> str:
    return str(formats.number_format(number, use_l10n=True, force_grouping=False))
