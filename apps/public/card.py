"""The card that other sites show for a link to a campaign: a PNG, which they all take.

The same snapshot gives the same bytes: fonts, layout and compression are fixed here and depend on nothing of
the machine.
"""

from __future__ import annotations

import unicodedata
from datetime import UTC
from io import BytesIO
from pathlib import Path

from django.utils.translation import gettext as _
from PIL import Image, ImageDraw, ImageFont
from PIL.ImageFont import FreeTypeFont

from apps.checks.outcomes import STATUS_ORDER
from apps.core.templatetags.show import day_words
from apps.exports.published import Snapshot, Words

from .pictures import COLOURS, INK, PAPER, SOFT

WIDTH, HEIGHT, MARGIN = 1200, 630, 72  # pixels; the size that sites show without cutting it
ROOM = WIDTH - 2 * MARGIN
TITLE_LINES, FINDING_LINES = 2, 4
BAR_TOP, BAR_HEIGHT, BAR_GAP = 500, 36, 3
FONTS = Path(__file__).with_name("fonts")
REGULAR, BOLD = "DejaVuSans.ttf", "DejaVuSans-Bold.ttf"
ELLIPSIS = "…"


def card(snapshot: Snapshot, words: Words) -> bytes:
    """The title, the finding, and how the items stand, 1200 by 630 pixels.

    A title in letters that the font has not, or that run from right to left, is left out: the site that shows
    the card writes it beside it.
    """
    picture = Image.new("RGB", (WIDTH, HEIGHT), PAPER)
    draw = ImageDraw.Draw(picture)
    draw.text((MARGIN, 92), "Still Up", INK, _font(BOLD, 28), anchor="ls")
    top = 170
    for text, font, step, most in (
        (drawable(snapshot.title), _font(BOLD, 50), 64, TITLE_LINES),
        (words.whole.finding, _font(REGULAR, 34), 46, FINDING_LINES),
    ):
        for line in wrapped(text, font, room=ROOM, most=most):
            draw.text((MARGIN, top), line, INK, font, anchor="ls")
            top += step
        top += 8
    _draw_bar(draw, snapshot.statuses)
    as_of = _("As of %(day)s") % {"day": day_words(f"{snapshot.as_of.astimezone(UTC):%Y-%m-%d}")}
    draw.text((MARGIN, HEIGHT - 42), as_of, SOFT, _font(REGULAR, 24), anchor="ls")
    file = BytesIO()
    picture.save(file, "PNG", optimize=True)
    return file.getvalue()


def drawable(text: str) -> str:
    """A text without the signs that the font has not; nothing of it if one of its letters is among those."""
    font = _font(BOLD, 50)
    box = bytes(font.getmask("\uffff"))  # what stands for a sign that the font has not

    def missing(character: str) -> bool:
        from_right = unicodedata.bidirectional(character) in {"R", "AL", "AN"}
        return from_right or (not character.isspace() and bytes(font.getmask(character)) == box)

    text = unicodedata.normalize("NFC", text)
    left_out = set(filter(missing, set(text)))
    if any(unicodedata.category(character)[0] in "LM" for character in left_out):
        return ""
    return " ".join("".join(character for character in text if character not in left_out).split())


def wrapped(text: str, font: FreeTypeFont, *, room: float, most: int) -> list[str]:
    """A text in lines of at most so many pixels; of too many lines, the last one ends with an ellipsis."""
    lines: list[str] = []
    rest = text.split()
    while rest:
        last = len(lines) == most - 1
        line, left = _line(rest, font, room)
        if last and left:
            line, _ = _line(rest, font, room - font.getlength(f" {ELLIPSIS}"))
            return [*lines, f"{line} {ELLIPSIS}"]
        lines.append(line)
        rest = left
    return lines


def _line(words: list[str], font: FreeTypeFont, room: float) -> tuple[str, list[str]]:
    """As many words as there is room for, and the others. A word that is wider than a line is cut."""
    for many in range(len(words), 0, -1):
        line = " ".join(words[:many])
        if font.getlength(line) <= room:
            return line, words[many:]
    first, *others = words
    length = max(1, *(end for end in range(len(first)) if font.getlength(first[:end]) <= room))
    return first[:length], [rest for rest in (first[length:], *others) if rest]


def _draw_bar(draw: ImageDraw.ImageDraw, statuses: tuple[int, ...]) -> None:
    """How the items stand: a part for each status, as wide as its share."""
    of, before = sum(statuses), 0
    if not of:
        return
    for status, count in zip(STATUS_ORDER, statuses, strict=True):
        if count:
            left, right = (MARGIN + ROOM * part // of for part in (before, before + count))
            box = (left, BAR_TOP, max(right - BAR_GAP, left + 1), BAR_TOP + BAR_HEIGHT)
            draw.rectangle(box, fill=COLOURS[status])
        before += count


def _font(name: str, size: int) -> FreeTypeFont:
    # The plain layout: the other one needs a library that not every machine has.
    return ImageFont.truetype(FONTS / name, size, layout_engine=ImageFont.Layout.BASIC)
