"""Where the next page of a list begins, as a word that means nothing to whoever holds it."""

from __future__ import annotations

from django.core import signing

from .problems import unusable

MAX_CURSOR = 300  # characters


def cursor_to(last: int, *, of: str) -> str:
    """The cursor of the page after the row `last` of the list that `of` names."""
    return signing.dumps(last, salt=_salt(of))


def row_of(cursor: str | None, *, of: str) -> int:
    """After which row to go on; 0 at the beginning. Refused unless it was made here, for the same list."""
    if cursor is None:
        return 0
    try:
        last: int = signing.loads(cursor, salt=_salt(of))
    except signing.BadSignature:
        raise unusable(
            "This cursor does not belong to this list. Take next_cursor of the page before, with the same "
            "filters, or leave it out to begin anew."
        ) from None
    return last


def _salt(of: str) -> str:
    return f"apps.api.cursors:{of}"
