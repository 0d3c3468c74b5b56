"""Tables and their columns in words, as Markdown, in the language that is active.

docs/codebook.md, which people who run the site read, is made by `columns` and is in English.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _

from .columns import Table
from .published import Words


def table_lines(table: Table, title: str) -> Iterator[str]:
    """What a row of a table is and what each column holds, under a heading."""
    yield from ("", f"## {title}", "", _("One row is %(row)s.") % {"row": _(table.row)}, "")
    headings = (_("column"), _("type"), _("unit"), _("meaning"))
    yield from (f"| {' | '.join(headings)} |", "|---|---|---|---|")
    for column in table.columns:
        unit = _(column.unit) if column.unit else ""
        yield f"| `{column.name}` | {_(column.type.value)} | {unit} | {_(column.meaning)} |"


def word_lines(words: Words) -> Iterator[str]:
    """How the words of closed lists read, under a heading; the files have them as codes."""
    yield from ("", f"## {_('Words of closed lists')}", "")
    listed = {**words.statuses, **words.exclusions, **words.channels, **words.categories}
    yield from (f"- `{word}`: {said}" for word, said in listed.items())
