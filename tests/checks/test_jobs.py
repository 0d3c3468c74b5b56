"""The queue's side of the runner: what outlasts one job in its worker, and what must not."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import redis
from django.conf import settings
from django.db import connection
from rq import Queue
from rq.cron import CronScheduler
from rq.job import JobStatus

from apps.checks import jobs
from apps.checks.beats import What, beat
from apps.checks.jobs import CheckWorker, check_due
from apps.checks.models import Host, Target
from apps.checks.runner import HOSTS_A_LOOK
from apps.checks.siblings import Siblings
from apps.checks.stalled import patience
from apps.core import clock
from tests.checks.making import make_targets
from tests.checks.running import PAGE, Serve, watch, with_own_connection

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.postgresql  # SQLite has no server that could go away
def test_a_worker_outlives_its_connection_to_the_database(valkey_url: str) -> None:
    queue = Queue("default", connection=redis.Redis.from_url(valkey_url))
    worker = CheckWorker([queue], connection=queue.connection)

    def status_of_one_job() -> JobStatus:
        job = queue.enqueue(check_due, result_ttl=60)
        worker.execute_job(job, queue)
        return job.get_status()

    assert status_of_one_job() == JobStatus.FINISHED
    connection.ensure_connection()
    _end_session(connection.connection.info.backend_pid)
    assert status_of_one_job() == JobStatus.FINISHED


def test_what_a_host_said_is_remembered_from_job_to_job(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "_siblings", Siblings())
    server = serve({"/a/1": PAGE, "/a/2": PAGE})
    for path in ("/a/1", "/a/2"):
        watch(server.url(path))
        Host.objects.update(not_before=None)
        assert check_due() == 1
    assert len(server.paths()) == 3  # the address that cannot exist was asked for once


@pytest.fixture
def queue(valkey_url: str, settings: Any) -> Iterator[Queue]:
    """The queue that workers take shifts from, empty, on a real Valkey."""
    url = f"{valkey_url.rstrip('/')}/6"
    settings.RQ_QUEUES = {"default": {"URL": url}}
    with redis.Redis.from_url(url) as connection:
        connection.flushdb()
        yield Queue("default", connection=connection)


def test_a_tick_calls_a_worker_for_each_handful_of_hosts_and_no_second_one(queue: Queue) -> None:
    assert jobs.tick() == 0
    for number in range(HOSTS_A_LOOK + 1):
        make_targets("a", host=f"host-{number}.example.org")
    assert jobs.tick() == 2
    assert jobs.tick() == 0  # another scheduler's
    assert queue.count == 2
    Host.objects.filter(name="host-0.example.org").update(lease_until=clock.wall() + timedelta(minutes=1))
    queue.empty()
    assert jobs.tick() == 1


def test_a_lost_queue_costs_a_tick_and_keeps_no_host_waiting(queue: Queue) -> None:
    make_targets("a")
    assert jobs.tick() == 1
    queue.connection.flushdb()
    assert not Host.objects.exclude(lease_token="").exists()
    assert jobs.tick() == 1


def test_where_nobody_takes_the_work_it_does_not_pile_up(
    queue: Queue, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(2 * HOSTS_A_LOOK):
        make_targets("a", host=f"host-{number}.example.org")
    Target.objects.update(next_check_at=clock.now() - 2 * patience())
    assert [jobs.tick() for _ in range(3)] == [1, 0, 0]
    assert caplog.text.count("Nothing is checked") == 1
    queue.empty()
    beat(What.CHECK)  # somebody does
    assert jobs.tick() == 2


def test_failed_looks_are_not_kept_for_a_year(valkey_url: str) -> None:
    scheduler = CronScheduler(connection=redis.Redis.from_url(valkey_url))
    scheduler.load_config_from_file(str(settings.BASE_DIR / "config" / "cron.py"))
    kept = [job.job_options["failure_ttl"] for job in scheduler.get_jobs()]
    assert kept == [jobs.RETENTION["failure_ttl"]] * len(kept)
    assert {job.func_name.rpartition(".")[2] for job in scheduler.get_jobs()} == {
        "tick",
        "run_next_import",
        "take_up",
        "thin_by_setting",
    }


def _end_session(process: int) -> None:
    """End a session of the database, as a restart of the server does."""

    def end() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [process])

    thread = threading.Thread(target=with_own_connection(end))
    thread.start()
    thread.join()
