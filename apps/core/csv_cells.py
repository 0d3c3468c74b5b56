"""Cells of a CSV file that a spreadsheet shows as text and never runs as a formula.

A spreadsheet takes a cell that begins with `=`, `+`, `-` or `@` for a formula, and formulas can fetch
addresses and start programs (OWASP, "CSV Injection"). The rule here can be undone without a loss:

- `safe_cell` puts one apostrophe before a text that, after any apostrophes and spaces, begins with one of
  these characters (or their full-width forms), a tab or a line break;
- `plain_cell` takes one apostrophe away from exactly such a text.

Apostrophes are counted in, so a text that had one of its own comes back with it.
"""

from __future__ import annotations

import re

_ACTIVE = r"'*\s*[\t\r\n=+\-@＝＋－＠]"
_UNSAFE = re.compile(_ACTIVE)
_GUARDED = re.compile("'" + _ACTIVE)


def safe_cell(text: str) -> str:
    """`text` as it may stand in a CSV file that people open in a spreadsheet."""
    return "'" + text if _UNSAFE.match(text) else text


def plain_cell(cell: str) -> str:
    """The text that `safe_cell` was given; a cell that it never touched comes back unchanged."""
    return cell[1:] if _GUARDED.match(cell) else cell
