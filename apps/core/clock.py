"""The project's only source of the time.

Two kinds of time are kept apart:

- `now()` is the time that the record is written in. It is the wall's time unless `CLOCK_SPEED` makes it run
  faster (the demo plays 30 days in three minutes).
- `wall()` is real time, for what concerns the outside: a server's Retry-After, say. `shared_wall()` is real
  time by the clock that all machines go by, for what they have to agree on: leases, and when a host may be
  asked.

The rule: simulated = CLOCK_ORIGIN + (wall - CLOCK_ORIGIN) x CLOCK_SPEED.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import connection


def wall() -> datetime:
    """The real time, aware, in UTC."""
    return datetime.now(UTC)


def shared_wall() -> datetime:
    """The real time by the database's clock, aware, in UTC: the same on all machines, however theirs are set.

    With SQLite there is one machine, and its clock is this one.
    """
    if connection.vendor != "postgresql":
        return wall()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment.astimezone(UTC)


def now() -> datetime:
    """The time that checks and reports are dated in, aware, in UTC."""
    return in_the_record(wall())


def in_the_record(moment: datetime) -> datetime:
    """What the record's time is at a real `moment`."""
    return simulated(moment, origin=settings.CLOCK_ORIGIN, speed=settings.CLOCK_SPEED)


def simulated(moment: datetime, *, origin: datetime, speed: float) -> datetime:
    """The record's time at a real `moment`, for a clock that leaves `origin` at `speed` (1 is real time)."""
    if speed == 1:
        return moment
    return origin + (moment - origin) * speed


def is_simulated() -> bool:
    """Whether the record's time differs from real time."""
    return bool(settings.CLOCK_SPEED != 1)


def in_real_time(recorded: timedelta) -> timedelta:
    """How long one really waits for a duration in the record's time."""
    return recorded / settings.CLOCK_SPEED
