"""How times, durations, numbers and reported URLs are written on every page."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from django import template
from django.utils import formats
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from apps.core import clock
from apps.core.defanging import defang

register = template.Library()
register.filter("defang", defang)


@register.simple_tag
def moment(value: datetime | None, missing: str = "–", *, seconds: bool = False) -> SafeString | str:
    """A moment in UTC to the minute, or second, as a `<time>` element; `missing` where there is none."""
    if value is None:
        return missing
    utc = value.astimezone(UTC)
    return format_html(
        '<time datetime="{}">{} <abbr title="Coordinated Universal Time">UTC</abbr></time>',
        utc.isoformat(timespec="seconds").replace("+00:00", "Z"),
        utc.strftime("%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M"),
    )


def day_words(value: str) -> str:
    """A day ("2026-03-01") or a month ("2026-03") in words of the language that is active."""
    if len(value) == len("2026-03"):
        # Translators: a month and its year; letters as in Django's date format
        return formats.date_format(date.fromisoformat(f"{value}-01"), _("F Y"))
    # Translators: a day; letters as in Django's date format
    return formats.date_format(date.fromisoformat(value), _("j F Y"))


@register.simple_tag
def until(value: datetime | None, missing: str = "–") -> str:
    """How far ahead a moment is in the record's time: "in 3 h", or "due now"."""
    if value is None:
        return missing
    ahead = value - clock.now()
    if ahead < timedelta(minutes=1):
        return "due now"
    largest, unit = duration(ahead).split(" ")[:2]
    return f"in {largest} {unit}"


@register.filter
def duration(value: timedelta) -> str:
    """A duration in its two largest units: "3 d 4 h", "2 h 5 min", "under 1 min"."""
    minutes = int(value.total_seconds() // 60)
    if minutes < 1:
        return "0 min" if value <= timedelta(0) else "under 1 min"
    days, minutes = divmod(minutes, 24 * 60)
    hours, minutes = divmod(minutes, 60)
    parts = [(days, "d"), (hours, "h"), (minutes, "min")]
    while parts[0][0] == 0:
        parts.pop(0)
    return " ".join(f"{amount} {unit}" for amount, unit in parts[:2] if amount)


@register.filter
def thousands(value: int) -> str:
    """A whole number with thin spaces between thousands, as science writes them."""
    return f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


@register.filter
def items(count: int) -> str:
    """ "1 item", "2 items"."""
    return f"{thousands(count)} {'item' if count == 1 else 'items'}"
