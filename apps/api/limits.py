"""How many requests a token may make: counted in the cache, so with Redis by all processes together."""

from __future__ import annotations

import math
import time

from django.conf import settings
from django.core.cache import cache

from .problems import Refused

WINDOW = 60  # seconds


def count_request(token: int) -> None:
    """Count a request of a token in this minute. Refused with 429 once there were too many."""
    now = time.time()
    window = int(now // WINDOW)
    name = f"api-requests:{token}:{window}"
    cache.add(name, 0, 2 * WINDOW)
    try:
        made = cache.incr(name)
    except ValueError:  # the cache has dropped it meanwhile
        return
    most: int = settings.API_REQUESTS_A_MINUTE
    if made > most:
        wait = max(1, math.ceil((window + 1) * WINDOW - now))
        raise Refused(
            429,
            f"A token may make {most} requests a minute. Try again in {wait} s.",
            headers={"Retry-After": str(wait)},
        )
