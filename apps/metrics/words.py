"""Figures in words, as pages, captions and the command line write them. Never more than is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from django.utils.formats import get_format
from django.utils.translation import gettext as _
from django.utils.translation import npgettext, pgettext

from .counts import percent, percent_words
from .figures import TOO_FEW, TimeFigures, Within
from .shares import Share

DAY = 24
SPELT: Mapping[str, Callable[[int], str]] = {
    "min": lambda count: npgettext("after a preposition", "%(n)s min", "%(n)s min", count),
    "h": lambda count: npgettext("after a preposition", "%(n)s h", "%(n)s h", count),
    "d": lambda count: npgettext("after a preposition", "%(n)s d", "%(n)s d", count),
}
"""The units of a duration inside a sentence."""


def share_words(share: Share) -> str:
    """ "13 of 129 (10%, 95% interval 6.0% to 16.5%)"; the counts alone where there are too few."""
    if share.value is None or share.low is None or share.high is None:
        counts = _("%(n)s of %(of)s") % {"n": share.n, "of": share.of}
        return counts + (f" ({_(TOO_FEW)})" if share.of else "")
    return _("%(n)s of %(of)s (%(share)s, 95%% interval %(low)s to %(high)s)") % {
        "n": share.n,
        "of": share.of,
        "share": percent(share.n, share.of),
        "low": fine_percent(share.low),
        "high": fine_percent(share.high),
    }


def fine_percent(value: float) -> str:
    """A share with one decimal: "16.5%"."""
    return percent_words(decimal(f"{100 * value:.1f}"))


def decimal(number: str) -> str:
    """A number with the decimal sign of the language that is active."""
    return number.replace(".", str(get_format("DECIMAL_SEPARATOR")))


def points_words(difference: float) -> str:
    """A difference of two shares in percentage points, with its sign: "+14.3", "−2.0"."""
    return decimal(f"{100 * difference:+.1f}".replace("-", "−"))


def hours_words(hours: float) -> str:
    """A duration as people say it: "45 min", "6 h", "3.5 d". Up to three days in hours."""
    number, unit = _amount(hours)
    # Translators: days, after a number
    return _("%(n)s d") % {"n": number} if unit == "d" else f"{number} {unit}"


def tick_words(hours: float) -> str:
    """A duration at an axis, where there is room for a unit's symbol only."""
    number, unit = _amount(hours)
    return pgettext("at an axis", "%(n)s d") % {"n": number} if unit == "d" else f"{number} {unit}"


def spelt(hours: float) -> str:
    """A duration inside a sentence, after "within" or "after": "6 h"; some languages inflect it there."""
    number, unit = _amount(hours)
    return SPELT[unit](1 if number == "1" else 2) % {"n": number}


def spelt_range(low: float, high: float) -> dict[str, str]:
    """`low` and `high` of a duration inside a sentence: "20" and "24 h", the unit once where it is one."""
    number, unit = _amount(low)
    return {"low": number if unit == _amount(high)[1] else spelt(low), "high": spelt(high)}


def _amount(hours: float) -> tuple[str, str]:
    if hours == 0:
        return "0", "h"
    if hours < 1:
        return f"{hours * 60:.0f}", "min"
    if hours <= 3 * DAY:
        return _short(hours), "h"
    return _short(hours / DAY), "d"


def range_words(low: float, high: float) -> str:
    """Two ends of a duration: "3 d to 4 d"; one where they read alike."""
    one, other = hours_words(low), hours_words(high)
    return one if one == other else _("%(low)s to %(high)s") % {"low": one, "high": other}


def quantile_words(times: TimeFigures, p: float) -> str:
    """ "3 d to 4 d (95%: 2 d to 9 d)", or why there is none."""
    quantile = times.quantile(p)
    if quantile is None:
        return _(times.problem)
    if quantile.interval is None:
        return _(times.unreached(p))
    words = range_words(*quantile.interval)
    if quantile.band is None:
        return words
    low, high = quantile.band
    if high is None:
        return _("%(time)s (95%%: %(low)s or more)") % {"time": words, "low": hours_words(low)}
    return _("%(time)s (95%%: %(band)s)") % {"time": words, "band": range_words(low, high)}


def interval_words(within: Within) -> str:
    """A share within a mark, its bounds and estimate: "8% to 10%, estimate 9.1% (95%: 5.0% to 16.0%)"."""
    low, high = percent(within.surely, within.of), percent(within.possibly, within.of)
    bounds = low if low == high else f"{low} to {high}"
    if within.estimate is None or within.band is None:
        return f"{bounds} ({_(within.problem)})" if within.problem else bounds
    band = f"95%: {fine_percent(within.band[0])} to {fine_percent(within.band[1])}"
    return f"{bounds}, estimate {fine_percent(within.estimate)} ({band})"


def _short(number: float) -> str:
    return decimal(f"{number:.1f}".removesuffix(".0"))
