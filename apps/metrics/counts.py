"""The words for a count's share of another."""

from __future__ import annotations


def percent(count: int, of: int) -> str:
    """`count` / `of` in whole percent. Never "0%" for some, nor "100%" for not quite all."""
    if of == 0:
        return "n/a"
    share = 100 * count / of
    if 0 < share < 1:
        return "<1%"
    if 99 < share < 100:
        return ">99%"
    return f"{share:.0f}%"
