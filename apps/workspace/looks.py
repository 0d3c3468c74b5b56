"""How often one person may have the site look at a URL outside the schedule."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.cache import cache

from apps.accounts.models import Person
from apps.checks.answer import Fetch
from apps.checks.asking import NotNow, asking
from apps.platforms.matching import Match

LOOKS = 10
PER_SECONDS = 600


@contextmanager
def look_for(person: Person, found: Match) -> Iterator[Fetch]:
    """What answers the asks of one look that a person wants. Raises NotNow."""
    key = f"looks-of-{person.pk}"
    # The count begins anew when the first look of it is PER_SECONDS old.
    cache.add(key, 0, PER_SECONDS)
    if cache.get(key, 0) >= LOOKS:
        raise NotNow(
            f"You have had {LOOKS} looks in {PER_SECONDS // 60} minutes. Wait a little, or use a recording."
        )
    with asking(found) as fetch:
        _count(key)
        yield fetch


def _count(key: str) -> None:
    try:
        cache.incr(key)
    except ValueError:  # it ran out between our two calls
        cache.add(key, 1, PER_SECONDS)
