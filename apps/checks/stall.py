"""Whether checking stands still: checks are due on hosts that nobody asks, and none is recorded.

Hosts that are leased or want to be left alone do not count: slow is not still. The checker cannot tell this
of itself, so another process has to ask.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Min

from apps.core import clock

from .lease import waiting_hosts
from .models import Check

TICKS = 3


@dataclass(frozen=True, slots=True)
class Stall:
    """Nothing was checked since `since` (the record's time), after the check with the key `after`."""

    since: datetime
    after: int


def stalled() -> Stall | None:
    """How checking stands still, if nothing was checked for three ticks while something could have been.

    A look of one moment: just after a machine wakes it is true for a while, and nothing is wrong.
    """
    patience = TICKS * timedelta(seconds=settings.CHECK_TICK_SECONDS) * settings.CLOCK_SPEED
    now = clock.now()
    last = Check.objects.filter(manual=False).order_by("-pk").values_list("pk", "recorded_at").first()
    if last is not None and now - last[1] < patience:
        return None
    due = waiting_hosts(clock.shared_wall()).order_by().aggregate(first=Min("due_at"))["first"]
    if due is None:
        return None
    since = max(due, last[1]) if last is not None else due
    return Stall(since, last[0] if last is not None else 0) if now - since >= patience else None


class StallWatch:
    """Believes a stall that lasts: one that every look saw for `seconds` of this process's running time.

    So neither a machine that slept nor a site that was just started stands still.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._first: tuple[int, float] | None = None

    def look(self, found: Stall | None, now: float) -> Stall | None:
        """What to believe after one more look. `now` is on a monotonic clock."""
        if found is None:
            self._first = None
            return None
        if self._first is None or self._first[0] != found.after:
            self._first = (found.after, now)
        return found if now - self._first[1] >= self.seconds else None
