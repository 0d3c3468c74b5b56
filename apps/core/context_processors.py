"""What every page knows."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest

from . import clock


def record_clock(request: HttpRequest) -> dict[str, object]:
    """`simulated_clock`: None in real time; else how many times faster the clock runs, and its time."""
    if not clock.is_simulated():
        return {"simulated_clock": None}
    return {"simulated_clock": {"speed": settings.CLOCK_SPEED, "now": clock.now()}}
