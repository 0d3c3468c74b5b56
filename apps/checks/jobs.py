"""The queue's side of the runner, for django-rq: a tick that calls workers to a shift, and the shift.

The queue only carries the word that there is something to do. What is due, and who asks which host, is in
the database: a worker in a shift leases hosts one handful after the other, as it has room for them. No host
waits in the queue behind others, and a lost queue loses only the word, which the next tick says again.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from typing import Any

import django_rq
from django.db import close_old_connections
from rq import Queue, SimpleWorker
from rq.job import Job

from apps.core import clock
from config.logs import request_id

from .beats import Beats, What, beat
from .lease import waiting_hosts
from .line import Line
from .runner import HOSTS_A_LOOK, Runner
from .siblings import Siblings
from .stalled import Stall, current_pause, patience, pause_in_force, stall

log = logging.getLogger(__name__)

SHIFT_SECONDS = 60.0  # then the rest goes back, so that other jobs get their turn
MOST_SHIFTS = 64  # that wait in the queue at once: more than there are workers is more than is needed

RETENTION: dict[str, Any] = {"result_ttl": 0, "failure_ttl": 7 * 24 * 3600}
"""Results are in the database; a failed job is kept a week for whoever looks into it."""

_stop = threading.Event()
_siblings = Siblings()  # a shift is short; what hosts told outlasts it in its worker
_beats = Beats()  # and so does when this worker last gave a sign
_said_at = -math.inf  # when this process last said that nothing is checked, on the monotonic clock
_line = Line()  # and what it saw of our own line


class CheckWorker(SimpleWorker):
    """A worker that hands back what it has not begun when it is told to stop.

    It runs jobs in its own process: what a fork would protect against is held off by the runner, and a job
    costs a quarter.
    """

    def handle_warm_shutdown_request(self) -> None:
        """Called by rq on the first SIGINT or SIGTERM."""
        _stop.set()
        super().handle_warm_shutdown_request()  # type: ignore[no-untyped-call]

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Run one job, on a connection to the database that still holds: it may have gone since the last.

        What is logged meanwhile has the job's id.
        """
        close_old_connections()
        token = request_id.set(str(job.id))
        try:
            super().execute_job(job, queue)
        finally:
            request_id.reset(token)
            close_old_connections()


def tick() -> int:
    """Call a worker for each handful of hosts that wait, but for those called already; returns how many.

    While checking is paused because our own line is down, one is called when it is time to look again. Where
    nobody has taken the work for three ticks, one waits in the queue for whoever comes, and no more.
    """
    found = stall()
    beat(What.TICK)
    shifts = django_rq.get_queue("default")
    pause = pause_in_force(clock.shared_wall()) if found is not None else None
    if pause is not None:
        return _call(shifts, int(pause.look_at <= clock.shared_wall()) - shifts.count)
    if found is not None:
        _say(found)
        return _call(shifts, 1 - shifts.count)
    waiting = waiting_hosts(clock.shared_wall())[: MOST_SHIFTS * HOSTS_A_LOOK].count()
    return _call(shifts, math.ceil(waiting / HOSTS_A_LOOK) - shifts.count)


def _say(found: Stall) -> None:
    """Write a stall into the log, once in three ticks."""
    global _said_at
    if time.monotonic() - _said_at >= patience().total_seconds():
        _said_at = time.monotonic()
        log.warning("%s This is so since %s.", found, found.since)


def _call(shifts: Queue, wanted: int) -> int:
    for _ in range(wanted):
        shifts.enqueue(check_due, **RETENTION)
    return max(wanted, 0)


def check_due() -> int:
    """A shift: check what is due on any host that nobody has; returns the number of checks recorded."""
    if current_pause() is None and not waiting_hosts(clock.shared_wall()).exists():
        return 0  # the workers of other shifts have them all
    return (
        Runner(stop=_stop, siblings=_siblings, beats=_beats, line=_line)
        .run_shift(seconds=SHIFT_SECONDS)
        .checks
    )
