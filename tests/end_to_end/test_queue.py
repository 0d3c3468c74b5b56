"""django-rq with a real Valkey: workers that are killed, schedulers that tick twice."""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.checks.servers import RawServer, Visitor, response

from .site import Site, wait_for

pytestmark = pytest.mark.database

PAGE = response(b"<title>A page</title><h1>A page</h1>" + b"<p>It stands here as it always did.</p>" * 20)
GONE = response(b"gone", status="410 Gone")
TARGETS = 60
WORKER = ("rqworker", "tick", "default", "--worker-class", "apps.checks.jobs.CheckWorker")
SCHEDULER = ("rqcron", "config/cron.py")


class Platform:
    """Several hosts on loopback. Holds every answer back until `open` is set; counts requests by page."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.asked: Counter[str] = Counter()
        self.enough = threading.Event()
        self._lock = threading.Lock()
        self.servers = [RawServer(self._script, host=f"127.0.0.{number}") for number in range(2, 6)]

    def _script(self, visitor: Visitor) -> None:
        while head := visitor.head():
            path = head.split()[1]
            with self._lock:
                self.asked[f"{visitor.server.host}{path}"] += 1
                if self.asked.total() >= 6:
                    self.enough.set()
            self.open.wait(60)
            # Every other item is gone, and so is what the checker makes up to learn how the host says so.
            number = int(path.rpartition("/")[2])
            visitor.send(GONE if number % 2 or number >= TARGETS else PAGE)

    def urls(self) -> list[str]:
        return [self.servers[number % 4].url(f"/items/{number}") for number in range(TARGETS)]


@pytest.fixture
def platform() -> Iterator[Platform]:
    with ExitStack() as stack:
        made = Platform()
        for server in made.servers:
            stack.enter_context(server)
        stack.callback(made.open.set)
        yield made


@pytest.fixture
def queued_site(site: Site, platform: Platform, valkey_url: str, tmp_path: Path) -> Site:
    """A site with a queue, and a campaign whose items are on the platform."""
    import redis

    url = f"{valkey_url.rstrip('/')}/{9 if 'DATABASE_URL' in site.environment else 8}"
    redis.Redis.from_url(url).flushdb()
    site.environment |= {
        "REDIS_URL": url,
        "CHECK_ALLOW_NETWORKS": "127.0.0.0/8",
        "CHECK_ALLOW_PORTS": ",".join(str(server.port) for server in platform.servers),
        "CHECK_HOST_INTERVAL": "0",
        "CHECK_LEASE_SECONDS": "3",
        "CHECK_TICK_SECONDS": "1",
    }
    listed = tmp_path / "list.csv"
    listed.write_text("url,reported_at\n" + "".join(f"{url},2026-03-01\n" for url in platform.urls()))
    site.must("import_reports", str(listed), "--campaign", "example", "--create")
    return site


def checks(site: Site) -> list[int]:
    return [row["checks"] for row in site.status("example")]


def wait_until_all_are_checked(site: Site) -> None:
    with site.database() as ask:
        wait_for(lambda: ask("SELECT count(*) FROM checks_target WHERE check_count = 0") == [(0,)])


def test_a_worker_killed_in_mid_batch_loses_and_doubles_nothing(
    queued_site: Site, platform: Platform
) -> None:
    site = queued_site
    with ExitStack() as stack:
        stack.enter_context(site.running(*SCHEDULER))
        victim = stack.enter_context(site.running(*WORKER))
        assert platform.enough.wait(60)
        os.killpg(victim.pid, signal.SIGKILL)
        victim.wait()
        assert sum(checks(site)) == 0
        platform.open.set()
        stack.enter_context(site.running(*WORKER))
        wait_until_all_are_checked(site)
    rows = site.status("example")
    assert [row["checks"] for row in rows] == [1] * TARGETS
    statuses = {int(row["url"].rpartition("/")[2]): row["status"] for row in rows}
    assert statuses == {number: "suspected" if number % 2 else "available" for number in range(TARGETS)}
    assert "60 checks of 60 targets hold" in site.must("verify_ledger")


def test_two_schedulers_and_three_workers_check_each_target_once(
    queued_site: Site, platform: Platform
) -> None:
    site = queued_site
    platform.open.set()
    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(site.running(*SCHEDULER))
        for _ in range(3):
            stack.enter_context(site.running(*WORKER))
        wait_until_all_are_checked(site)
    assert checks(site) == [1] * TARGETS
    listed = [f"/items/{number}" for number in range(TARGETS)]
    asked = {page: times for page, times in platform.asked.items() if f"/{page.partition('/')[2]}" in listed}
    assert Counter(asked.values()) == {1: TARGETS}
    assert "60 checks of 60 targets hold" in site.must("verify_ledger")


def test_a_worker_told_to_stop_hands_back_what_it_has_not_begun(
    queued_site: Site, platform: Platform
) -> None:
    site = queued_site
    with site.running(*SCHEDULER), site.running(*WORKER) as worker:
        assert platform.enough.wait(60)
        os.kill(worker.pid, signal.SIGTERM)
        platform.open.set()
        assert worker.wait(30) == 0
    assert sum(checks(site)) < TARGETS
    assert site.must("recheck").startswith("checks ")
    assert checks(site) == [1] * TARGETS
