"""Promises of the one stylesheet: readable contrast in light and dark, and nothing from elsewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

CSS = (Path(__file__).resolve().parents[2] / "templates" / "static" / "still-up.css").read_text()
PALETTES = [
    dict(re.findall(r"--([\w-]+): (#\w+)", block))
    for block in re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)[:2]
]
PAPERS = ("paper", "raised", "sunk")
WORDS = (
    *("ink", "soft", "accent", "wrong", "available", "restricted", "suspected", "removed", "unclear"),
    *(f"series-{number}" for number in range(1, 7)),  # lines of charts, and the labels at their ends
)
LINES = ("rule-strong", "focus")


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2, definition of the same name)."""
    digits = colour.lstrip("#")
    digits = "".join(digit * 2 for digit in digits) if len(digits) == 3 else digits
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4))
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio (WCAG 2.2, definition of the same name)."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("palette", PALETTES, ids=["light", "dark"])
def test_words_and_lines_can_be_told_from_the_paper(palette: dict[str, str]) -> None:
    for paper in PAPERS:
        for word in WORDS:
            assert contrast(palette[word], palette[paper]) >= 4.5, (word, paper)
        for line in LINES:
            assert contrast(palette[line], palette[paper]) >= 3, (line, paper)
    for word, paper in (("accent-ink", "accent"), ("notice-ink", "notice-paper"), ("wrong", "wrong-paper")):
        assert contrast(palette[word], palette[paper]) >= 4.5, (word, paper)


def test_nothing_comes_from_elsewhere() -> None:
    assert "url(" not in CSS
    assert "@import" not in CSS
    assert "@font-face" not in CSS
