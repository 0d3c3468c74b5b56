"""What is true of the running site at one moment, read from the database, the queue and the machine.

All of it is the same whichever process of the site reads it, except the room on the disk and the clock, which
are those of the machine that reads. Nothing names a campaign, a person or a site.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Generic, TypeVar

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Count, Min
from rq import Queue, Worker

from apps.checks.beats import What, last_beats
from apps.checks.models import Host, Pause, Target
from apps.checks.selectors import stale_definitions
from apps.checks.stalled import Stall, pause_in_force, stall
from apps.core import clock
from apps.reports.models import Import

REDIS_SECONDS = 2.0  # that Redis has to answer in
RECENT = timedelta(days=7)  # imports that failed since then are worth a word

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class QueueFacts:
    """What is known of the queue. `problem` is why it does not answer, or ""."""

    problem: str = ""
    jobs: Mapping[str, int] = field(default_factory=dict)  # that wait, by queue
    workers: int = 0


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """What the database holds, as far as it answers. Beats are in real time, all else in the record's."""

    problem: str = ""
    clock_offset: timedelta = timedelta(0)  # of this machine's clock from the database's
    unapplied: int = 0  # migrations
    size_bytes: int = 0
    beats: Mapping[What, datetime] = field(default_factory=dict)
    stall: Stall | None = None
    pause: Pause | None = None
    pauses: int = 0
    targets: Mapping[str, int] = field(default_factory=dict)  # by status
    due: int = 0
    oldest_due: datetime | None = None
    leases: int = 0
    stale: tuple[str, ...] = ()  # slugs of definitions
    imports: Mapping[str, int] = field(default_factory=dict)  # by state
    failed_imports: int = 0  # of the last days, and not begun anew
    oldest_import: datetime | None = None  # that waits for the checker


@dataclass(frozen=True, slots=True)
class Facts:
    """All of it, and when it was read, in real time."""

    at: datetime
    database: DatabaseFacts
    queue: QueueFacts | None  # None where there is none
    disk_free: int | None  # bytes; None where the folder cannot be read
    disk_total: int | None


def facts() -> Facts:
    """Read everything. What does not answer is a fact, too: nothing is raised because of it."""
    free = total = None
    with suppress(OSError):
        usage = shutil.disk_usage(settings.VAR_DIR)
        free, total = usage.free, usage.total
    return Facts(clock.wall(), _database_facts(), _queue_facts(), free, total)


def _database_facts() -> DatabaseFacts:
    try:
        wall = clock.shared_wall()
        offset = clock.wall() - wall
        unapplied = _unapplied()
        if unapplied:
            return DatabaseFacts(clock_offset=offset, unapplied=unapplied)
        now = clock.now()
        due = Target.objects.filter(next_check_at__lte=now)
        waiting = Import.objects.filter(state=Import.State.QUEUED)
        failed = Import.objects.filter(state=Import.State.FAILED, created_at__gt=now - RECENT)
        return DatabaseFacts(
            clock_offset=offset,
            size_bytes=_size(),
            beats=last_beats(),
            stall=stall(),
            pause=pause_in_force(wall),
            pauses=Pause.objects.count(),
            targets=dict(Target.objects.order_by().values_list("status").annotate(Count("pk"))),
            **due.aggregate(due=Count("pk"), oldest_due=Min("next_check_at")),
            leases=Host.objects.filter(lease_until__gt=wall).count(),
            stale=tuple(one.platform for one in stale_definitions()),
            imports=dict(Import.objects.order_by().values_list("state").annotate(Count("pk"))),
            failed_imports=failed.count(),
            oldest_import=waiting.aggregate(at=Min("created_at"))["at"],
        )
    except DatabaseError as error:
        connection.close()
        return DatabaseFacts(problem=type(error).__name__)


def _queue_facts() -> QueueFacts | None:
    if not settings.REDIS_URL:
        return None
    client: redis.Redis = redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=REDIS_SECONDS, socket_connect_timeout=REDIS_SECONDS
    )
    try:
        jobs = {name: Queue(name, connection=client).count for name in settings.RQ_QUEUES}
        return QueueFacts(jobs=jobs, workers=Worker.count(connection=client))
    except redis.RedisError as error:
        return QueueFacts(problem=type(error).__name__)
    finally:
        client.close()


@cache
def _known_migrations() -> frozenset[tuple[str, str]]:
    """The migrations of the program: they do not change while it runs."""
    loader = MigrationLoader(None, ignore_no_migrations=True)
    return frozenset(loader.disk_migrations)


def _unapplied() -> int:
    return len(_known_migrations() - set(MigrationRecorder(connection).applied_migrations()))


def _size() -> int:
    """Bytes of the whole database, without its log of writes."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_database_size(current_database())")
        else:
            cursor.execute("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()")
        return int(cursor.fetchone()[0])


class Kept(Generic[Value]):
    """What is made anew at most every so many seconds, by one thread, however many ask."""

    def __init__(self, make: Callable[[], Value]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._made: tuple[float, Value] | None = None

    def get(self, *, seconds: float) -> Value:
        """The latest, if it is no older than `seconds`; else a new one."""
        with self._lock:
            if self._made is None or time.monotonic() - self._made[0] > seconds:
                made = self._make()
                self._made = time.monotonic(), made
            return self._made[1]

    def let_go(self) -> None:
        """Make it anew the next time."""
        with self._lock:
            self._made = None


kept_facts = Kept(facts)
