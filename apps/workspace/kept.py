"""What pages of large campaigns keep for a while, because to work it out anew takes seconds.

A campaign below LARGE items is always read anew. What is kept of a larger one carries the moment that it is
of, and pages say it. It is let go as soon as anything was done in that campaign, whichever process did it:
each keeps its own, and a site may have several. Otherwise it is let go after twenty times what it took to
make: what the checker sees meanwhile comes with the next.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from typing import TypeVar, cast

from django.core.cache import caches

from apps.exports.snapshots import REST
from apps.reports.activity_log import last_deed
from apps.reports.models import Campaign

LARGE = 5_000  # items
SHORTEST_REST, LONGEST_REST = 30.0, 600.0  # seconds

Value = TypeVar("Value")


def kept(campaign: Campaign, what: str, make: Callable[[], Value], *, size: Callable[[Value], int]) -> Value:
    """What `make` makes, or has made for the same campaign and the same `what` since the last deed there.

    `size` says of how many items it is.
    """
    store = caches["kept"]
    key = hashlib.sha256(f"{campaign.pk}\n{last_deed(campaign)}\n{what}".encode()).hexdigest()
    found = store.get(key)
    if found is not None:
        return cast(Value, found)
    began = time.perf_counter()
    made = make()
    if size(made) >= LARGE:
        rest = REST * (time.perf_counter() - began)
        store.set(key, made, min(max(rest, SHORTEST_REST), LONGEST_REST))
    return made
