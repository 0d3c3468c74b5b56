"""How an edition is cited: a sentence, and an entry for BibTeX."""

from __future__ import annotations

from datetime import UTC, datetime

from django.utils.translation import gettext as _

from apps.core.templatetags.show import day_words
from apps.exports.editions import EditionRow

SITE = "Still Up"
_ESCAPED = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "{": r"\{",
        "}": r"\}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        **{character: f"\\{character}" for character in "&%$#_"},
    }
)


def citation(edition: EditionRow, address: str) -> str:
    """One edition in a list of references. `address` is that of its page."""
    return _("%(title)s. Edition %(number)s, as of %(day)s. %(site)s. %(address)s (SHA-256 %(sums)s)") % {
        "title": edition.title.rstrip("."),
        "number": edition.number,
        "day": _day(edition.as_of),
        "site": SITE,
        "address": address,
        "sums": edition.sums,
    }


def bibtex(edition: EditionRow, address: str, *, slug: str) -> str:
    """The same for BibTeX. The title is in braces twice, so that its capitals stay."""
    title = " ".join(edition.title.split()).translate(_ESCAPED)
    return "\n".join(
        [
            f"@misc{{{slug}-{edition.number},",
            f"  title = {{{{{title}}}}},",
            f"  author = {{{{{SITE}}}}},",
            f"  year = {{{edition.as_of.astimezone(UTC).year}}},",
            f"  edition = {{{edition.number}}},",
            f"  howpublished = {{\\url{{{address}}}}},",
            f"  note = {{{_('As of %(day)s') % {'day': _day(edition.as_of)}}. SHA-256 {edition.sums}}},",
            "}",
        ]
    )


def _day(moment: datetime) -> str:
    return day_words(f"{moment.astimezone(UTC):%Y-%m-%d}")
