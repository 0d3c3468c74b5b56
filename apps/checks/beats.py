"""Signs of life of the checker and the notifier, kept in the database so that every process sees them.

They are in real time by the shared clock. Each process writes one at most as often as the checker ticks, and
outside the transactions that write checks: no two workers ever wait for each other because of them.
"""

from __future__ import annotations

import time
from collections import Counter
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import TextChoices

from apps.core import clock
from apps.platforms import registry

from .models import Beat, Tally

_TALLY = """
    INSERT INTO checks_tally (platform, outcome, reason, count) VALUES (%s, %s, %s, %s)
    ON CONFLICT (platform, outcome, reason) DO UPDATE SET count = checks_tally.count + excluded.count
"""

Seen = tuple[str, str, str]
"""What is counted: the slug of the definition that judged ("": none), outcome and reason."""


class What(TextChoices):
    """What there is a sign of."""

    TICK = "tick", "somebody looked what is due"
    CHECK = "check", "a check was recorded"
    TOLD = "told", "a check was recorded that could tell what it saw"
    NOTICE = "notice", "somebody looked what there is to tell"


def tick() -> timedelta:
    """How often somebody looks what is due, in real time."""
    return timedelta(seconds=settings.CHECK_TICK_SECONDS)


def last_beats() -> dict[What, datetime]:
    """When each thing last happened, in real time. One query."""
    return {What(what): at for what, at in Beat.objects.values_list("what", "at") if what in What}


def beat(*what: What) -> None:
    """Write down that something happens now."""
    at = clock.shared_wall()
    rows = [Beat(what=one, at=at) for one in what]
    Beat.objects.bulk_create(rows, update_conflicts=True, unique_fields=["what"], update_fields=["at"])


class Beats:
    """What one process has yet to write down. Not thread-safe."""

    def __init__(self) -> None:
        self._written: dict[What, float] = {}
        self._seen: Counter[Seen] = Counter()
        self._tallied = time.monotonic()

    def note(self, *what: What) -> None:
        """Write down that something happens, unless this process has done so less than a tick ago."""
        now, pause = time.monotonic(), tick().total_seconds()
        due = [one for one in what if now - self._written.get(one, -pause) >= pause]
        if due:
            beat(*due)
            self._written.update(dict.fromkeys(due, now))

    def count(self, seen: Counter[Seen]) -> None:
        """Count checks that were recorded; written down once a tick."""
        self._seen += seen
        if time.monotonic() - self._tallied >= tick().total_seconds():
            self.write()

    def write(self) -> None:
        """Write down what was counted since the last time."""
        seen, self._seen = self._seen, Counter()
        self._tallied = time.monotonic()
        if not seen:
            return
        known = registry.definitions()
        by_slug: Counter[Seen] = Counter()
        for (platform, outcome, reason), count in seen.items():
            by_slug[platform if platform in known else "", outcome, reason] += count
        with transaction.atomic(), connection.cursor() as cursor:
            # In one order, so that two processes never wait for each other in a circle.
            cursor.executemany(_TALLY, [(*labels, count) for labels, count in sorted(by_slug.items())])


def tallies() -> list[tuple[Seen, int]]:
    """How many checks were made by platform ("": without a definition), outcome and reason. One query."""
    rows = Tally.objects.order_by("platform", "outcome", "reason")
    return [
        ((platform, outcome, reason), count)
        for platform, outcome, reason, count in rows.values_list("platform", "outcome", "reason", "count")
    ]
