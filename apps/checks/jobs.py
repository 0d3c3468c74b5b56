"""The queue's side of the runner, for django-rq: a tick that hands out leases, and a job that works them off.

The queue only carries work. A tick that runs twice leases nothing twice; a job whose lease ran out finds no
host under its token and does nothing; a lost queue is made good by the next tick.
"""

from __future__ import annotations

import logging
import threading
from typing import Any

import django_rq
from django.db import close_old_connections
from rq import Queue, SimpleWorker
from rq.job import Job

from . import lease
from .runner import Runner
from .siblings import Siblings

log = logging.getLogger(__name__)

HOSTS_A_JOB = 16
JOB_SECONDS = 60.0  # then the rest goes back, so that a job never outlives its time limit
LONGEST_QUEUE = 100  # jobs; more would only wait until their leases run out

RETENTION: dict[str, Any] = {"result_ttl": 0, "failure_ttl": 7 * 24 * 3600}
"""Results are in the database; a failed job is kept a week for whoever looks into it."""

_stop = threading.Event()
_siblings = Siblings()  # a job is short; what hosts told outlasts it in its worker


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
        """Run one job, on a connection to the database that still holds: it may have gone since the last."""
        close_old_connections()
        try:
            super().execute_job(job, queue)
        finally:
            close_old_connections()


def tick() -> int:
    """Lease every host that is due and enqueue a job for each handful; returns the number of jobs."""
    jobs = django_rq.get_queue("default")
    enqueued = 0
    while jobs.count < LONGEST_QUEUE:
        leases = lease.lease_hosts(limit=HOSTS_A_JOB)
        if not leases:
            break
        try:
            jobs.enqueue(check_leased, leases[0].token, **RETENTION)
        except Exception:
            lease.release_all(leases)
            raise
        enqueued += 1
    return enqueued


def check_leased(token: str) -> int:
    """Check the due targets of the hosts leased under `token`; returns the number of checks recorded."""
    return Runner(stop=_stop, siblings=_siblings).run_leased(token, seconds=JOB_SECONDS).checks
