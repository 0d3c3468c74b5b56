"""The words for a count's share of another."""

from __future__ import annotations

from django.utils.translation import gettext as _


def percent(count: int, of: int) -> str:
    """`count` / `of` in whole percent. Never "0%" for some, nor "100%" for not quite all."""
    if of == 0:
        return _("n/a")
    share = 100 * count / of
    if 0 < share < 1:
        return percent_words("<1")
    if 99 < share < 100:
        return percent_words(">99")
    return percent_words(f"{share:.0f}")


def percent_words(number: str) -> str:
    """A number with the percent sign as the language that is active sets it: "47%", "47 %"."""
    # Translators: German sets a space before the sign, one that does not break
    return _("%(number)s%%") % {"number": number}
