"""Small pictures of a campaign, written as SVG: a badge, and the card that other sites show for a link.

They are static, need no browser to be made and no script to be seen.
"""

from __future__ import annotations

import textwrap
from html import escape

from django.utils.translation import gettext as _

from apps.checks.outcomes import STATUS_ORDER, Status
from apps.core.templatetags.show import thousands
from apps.exports.published import Snapshot, Words

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
CARD_WIDTH, CARD_HEIGHT, MARGIN = 1200, 630, 72
TITLE_LENGTH, TITLE_LINES = 32, 2
FINDING_LENGTH, FINDING_LINES = 54, 4


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


def card(snapshot: Snapshot, words: Words) -> str:
    """The title, the finding, and how the items stand, 1200 by 630 pixels."""
    title = _wrapped(snapshot.title, TITLE_LENGTH, TITLE_LINES)
    finding = _wrapped(words.whole.finding, FINDING_LENGTH, FINDING_LINES)
    top = 170
    lines = [
        _line(line, top + 66 * place, 'font-size="56" font-weight="650"') for place, line in enumerate(title)
    ]
    top += 66 * len(title) + 16
    lines += [_line(line, top + 48 * place, 'font-size="36"') for place, line in enumerate(finding)]
    as_of = _("As of %(day)s") % {"day": f"{snapshot.as_of:%Y-%m-%d}"}
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{CARD_WIDTH}" height="{CARD_HEIGHT}" '
        f'viewBox="0 0 {CARD_WIDTH} {CARD_HEIGHT}" role="img" font-family="{FONT}">'
        f"<title>{escape(snapshot.title)}</title>"
        f'<rect width="{CARD_WIDTH}" height="{CARD_HEIGHT}" fill="{PAPER}"/>'
        f"""{_line("Still Up", 92, 'font-size="28" font-weight="700"')}{"".join(lines)}{_bar(snapshot)}"""
        f"""{_line(escape(as_of), CARD_HEIGHT - 42, 'font-size="24"', SOFT)}</svg>\n"""
    )


def _line(words: str, y: int, font: str, colour: str = INK) -> str:
    return f'<text x="{MARGIN}" y="{y}" {font} fill="{colour}">{words}</text>'


def _bar(snapshot: Snapshot) -> str:
    of = sum(snapshot.statuses)
    if not of:
        return ""
    width = CARD_WIDTH - 2 * MARGIN
    drawn, before = [], 0
    for status, count in zip(STATUS_ORDER, snapshot.statuses, strict=True):
        if count:
            x, wide = MARGIN + width * before / of, width * count / of
            place = f'x="{x:.1f}" y="500" width="{max(wide - 3, 1):.1f}" height="36"'
            drawn.append(f'<rect {place} fill="{COLOURS[status]}"/>')
        before += count
    return "".join(drawn)


def _wrapped(text: str, length: int, most: int) -> list[str]:
    lines = textwrap.wrap(text, length)
    if len(lines) > most:
        lines = [*lines[: most - 1], textwrap.shorten(" ".join(lines[most - 1 :]), length, placeholder=" …")]
    return [escape(line) for line in lines]
