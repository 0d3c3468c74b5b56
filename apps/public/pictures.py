"""The badge of a campaign, written as SVG: static, and seen without a script."""

from __future__ import annotations

from html import escape

from django.utils.translation import gettext as _

from apps.checks.outcomes import Status
from apps.core.templatetags.show import thousands
from apps.exports.published import Snapshot

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Liberation Sans', sans-serif"
COLOURS = {
    Status.AVAILABLE: "#b4480f",
    Status.RESTRICTED: "#7a4796",
    Status.SUSPECTED: "#2f6a99",
    Status.REMOVED: "#174a77",
    Status.UNVERIFIABLE: "#5c646d",
    Status.WAITING: "#d8dcd8",
}
"""Those of the light page."""

LETTER = 6.6  # pixels of a letter of the badge, and enough for wide ones
PAPER, INK, SOFT = "#fbfbf9", "#1a2027", "#55606c"


def badge(snapshot: Snapshot) -> str:
    """What is still up, of how many."""
    counts = snapshot.counts
    left = _("still up")
    right = (
        _("%(n)s of %(of)s") % {"n": thousands(counts.up), "of": thousands(counts.eligible)}
        if counts
        else _("too few")
    )
    one, other = (round(LETTER * len(text) + 14) for text in (left, right))
    width = one + other
    words = escape(f"{left}: {right}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img" '
        f'aria-label="{words}">'
        f"<title>{words}</title>"
        f'<rect width="{one}" height="20" fill="{INK}"/>'
        f'<rect x="{one}" width="{other}" height="20" fill="{COLOURS[Status.REMOVED]}"/>'
        f'<g fill="#fff" font-family="{FONT}" font-size="12" text-anchor="middle">'
        f'<text x="{one / 2:g}" y="14">{escape(left)}</text>'
        f'<text x="{one + other / 2:g}" y="14">{escape(right)}</text></g></svg>\n'
    )
