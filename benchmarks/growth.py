"""What grows with the record: `python benchmarks/growth.py [checks an item] [items ...]`.

By default 50 checks an item, and 10,000, 100,000 and 1,000,000 items; fewer where there is no room for as
many (a million items of 10 checks take 7 GB). For each number it fills a new PostgreSQL (from the wheel that
the tests use; or the empty one that DATABASE_URL names, for one number alone), and for the first two a new
SQLite database, with a fictional campaign, as `manage.py seed_scale` does, and measures in a process of its
own, a few minutes after the moment at which the campaign stands: the look for hosts with something due, the
look for what is due on the largest host, recording a hundred checks, the pages, the figures, and the export
of all items. Pages are asked of the program itself, without a server in between.

Prints, as tables in Markdown, the medians of three runs in milliseconds (of one, where that takes more than
five seconds), with those in which the program itself computed and did not wait for the database or for a
processor, and by how much each grew from the first number to the last; the plan of the slowest query of
whatever grew more than threefold; and the bytes that a check takes in its table and in each index.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from typing import Any

from shared import again, databases, fill, headings, machine, prepare, row, say, tell, told

RUNS = 3
PLATFORMS = 50
CHECKS_AN_ITEM = 50
NUMBERS = (10_000, 100_000, 1_000_000)
MOST_ON_SQLITE = 100_000
BATCH = 100
HOSTS = 64  # leased at a time
LONG_SECONDS = 5.0  # what takes longer is measured once
GREW = 3.0
AFTER = timedelta(minutes=5)  # that the campaign has stood as it does


class Slowest:
    """The query that took longest while it listened."""

    def __init__(self) -> None:
        self.took, self.sql, self.parameters = 0.0, "", None

    def __call__(self, execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
        """Run a query, and remember it if none took longer."""
        began = time.perf_counter()
        try:
            return execute(sql, parameters, many, context)
        finally:
            took = time.perf_counter() - began
            if took > self.took and not many and sql.lstrip("(").startswith("SELECT"):
                self.took, self.sql, self.parameters = took, sql, parameters

    def plan(self) -> list[str]:
        """How the database goes about it."""
        from django.db import connection

        if not self.sql:
            return []
        explain = "EXPLAIN" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
        with connection.cursor() as cursor:
            cursor.execute(f"{explain} {self.sql}", self.parameters)
            return [str(line[-1]) for line in cursor.fetchall()]


def publish(items: int, checks: int) -> None:
    """Fill the database of the settings, and make the campaign public."""
    fill(items, checks=checks, platforms=PLATFORMS)

    from apps.accounts.models import Person
    from apps.reports.models import Campaign
    from tests.public.seeding import make_public

    Person.objects.create_superuser("owner@example.org")
    make_public(Campaign.objects.get(), title="Benchmark", reports=False)


@contextmanager
def parts() -> Iterator[dict[str, Callable[[], object]]]:
    """What is measured, by its name; each is ready to be run again and again."""
    from django.conf import settings
    from django.core.cache import caches
    from django.test import Client
    from export import Nowhere
    from recording import new_check

    from apps.accounts.models import Person
    from apps.checks import lease
    from apps.checks.models import Host, Target
    from apps.checks.recording import append
    from apps.core import clock
    from apps.exports.models import PublicSnapshot
    from apps.exports.published import VERSION
    from apps.exports.snapshots import in_force, made_from, save_snapshot
    from apps.exports.writing import export_of, write
    from apps.metrics.summary import summarise
    from apps.reports.models import Campaign, Item

    settings.ALLOWED_HOSTS = ["*"]
    campaign = Campaign.objects.get()
    publication = in_force(campaign)
    if publication is None:
        raise SystemExit("The campaign is not public.")
    if not PublicSnapshot.objects.filter(version=VERSION).exists():
        save_snapshot(publication)
    largest = Host.objects.order_by("pk")[0]
    client = Client()
    client.force_login(Person.objects.get(is_superuser=True))
    item = Item.objects.order_by("pk")[Item.objects.count() // 2]
    page = f"/workspace/{campaign.slug}/"
    batches = iter(range(10_000))
    taken: list[lease.Lease] = []

    def get(path: str) -> None:
        answer = client.get(path, secure=True)
        if answer.status_code != 200:
            raise SystemExit(f"{path} was answered {answer.status_code}.")

    def leased() -> None:
        taken.extend(lease.lease_hosts(limit=HOSTS))

    def free() -> None:
        while taken:
            lease.release(taken.pop(), rest=timedelta(0))

    def due() -> None:
        targets = lease.due_targets(clock.now()).filter(host_id=largest.pk)
        list(targets.values_list("pk", "key", "present_at")[:200])

    def record() -> None:
        # Of targets that are spread over all of them, and each time of others.
        first = next(batches)
        step = max(Target.objects.order_by("-pk")[0].pk // BATCH, 1)
        targets = list(Target.objects.filter(pk__in=[1 + first + step * n for n in range(BATCH - 1)]))
        new = [new_check(target) for target in targets]
        record.ready = lambda: append(new)  # type: ignore[attr-defined]

    def recorded() -> None:
        record.ready()  # type: ignore[attr-defined]

    recorded.before = record  # type: ignore[attr-defined]
    leased.before = free  # type: ignore[attr-defined]

    def page_anew() -> None:
        get(page)

    def forget() -> None:
        for cache in caches.all():
            cache.clear()

    page_anew.before = forget  # type: ignore[attr-defined]
    yield {
        f"look for hosts with something due, and lease {HOSTS}": leased,
        "look for what is due on one host": due,
        f"record {BATCH} checks": recorded,
        "campaign page, its summary made anew": page_anew,
        "campaign page": lambda: get(page),
        "item page": lambda: get(f"{page}items/{item.pk}/"),
        "summary": lambda: summarise(campaign),
        "public page, made anew": lambda: made_from(publication),
        "public page": lambda: get(f"/c/{campaign.slug}/"),
        "export of all items, CSV": lambda: write(
            export_of(campaign=campaign, table="items", format="csv", public=False), Nowhere()
        ),
    }


def measure() -> dict[str, Any]:
    """Milliseconds (the median of the runs) of every part, with the plan of its slowest query."""
    prepare()
    import time_machine
    from django.db import connection

    from apps.demo.scale import UNTIL

    found = {}
    with time_machine.travel(UNTIL + AFTER), parts() as measured:
        for name, run in measured.items():
            took, computing = [], []
            slowest = Slowest()
            for number in range(RUNS + 1):
                getattr(run, "before", lambda: None)()
                began, computed = time.perf_counter(), time.process_time()
                with connection.execute_wrapper(slowest) if number == 0 else nullcontext():
                    run()
                took.append((time.perf_counter() - began) * 1000)
                computing.append((time.process_time() - computed) * 1000)
                if number == 0 and took[0] > LONG_SECONDS * 1000:
                    break
            # The first found nothing in memory.
            took, computing = took[1:] or took, computing[1:] or computing
            found[name] = {
                "ms": statistics.median(took),
                "computing": statistics.median(computing),
                "query": slowest.sql,
                "plan": slowest.plan(),
            }
    return {"parts": found, "storage": storage()}


def storage() -> dict[str, Any]:
    """Checks on record, and the bytes a check of their table and of each of its indexes."""
    from django.db import connection

    from apps.checks.models import Check

    checks = Check.objects.count()
    table = Check._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT relname, pg_relation_size(oid) FROM pg_class WHERE oid = %s::regclass OR oid IN "
                "(SELECT indexrelid FROM pg_index WHERE indrelid = %s::regclass)",
                [table, table],
            )
        else:
            cursor.execute("SELECT name FROM sqlite_master WHERE tbl_name = %s", [table])
            names = [name for (name,) in cursor.fetchall()]
            cursor.execute(
                "SELECT name, SUM(pgsize) FROM dbstat WHERE name IN (SELECT value FROM json_each(%s)) "
                "GROUP BY name",
                [json.dumps(names)],
            )
        sizes = {name: size / checks for name, size in cursor.fetchall()}
    return {"checks": checks, "bytes": sizes}


def show(database: str, found: Mapping[int, Mapping[str, Any]]) -> None:
    """The tables of one database."""
    numbers = list(found)
    say("")
    headings(database, *(f"{items:,} items, ms (of it computing here)" for items in numbers), "grew")
    growing = []
    for part in found[numbers[0]]["parts"]:
        times = [found[items]["parts"][part]["ms"] for items in numbers]
        grew = times[-1] / times[0]
        growing += [part] if grew > GREW else []
        computing = [found[items]["parts"][part]["computing"] for items in numbers]
        cells = (f"{one:,.1f} ({own:,.1f})" for one, own in zip(times, computing, strict=True))
        row(part, *cells, f"{grew:.1f} times")
    for part in growing:
        last = found[numbers[-1]]["parts"][part]
        say(f"\n{database}, the slowest query of “{part}”:\n")
        for line in (last["query"][:2_000], "", *last["plan"]):
            say(f"    {line}")
    say("")
    headings(database, *(f"{found[items]['storage']['checks']:,} checks, bytes each" for items in numbers))
    names = found[numbers[0]]["storage"]["bytes"]
    for name in sorted(names, key=names.__getitem__, reverse=True):
        row(name, *(f"{found[items]['storage']['bytes'].get(name, 0):.1f}" for items in numbers))
    row("all", *(f"{sum(found[items]['storage']['bytes'].values()):.1f}" for items in numbers))


def main(checks_an_item: int = CHECKS_AN_ITEM, *numbers: int) -> None:
    """Fill, measure, and print the tables."""
    say(f"{checks_an_item} checks an item. {machine()}.")
    measured: dict[str, dict[int, dict[str, Any]]] = {"PostgreSQL": {}, "SQLite": {}}
    for items in numbers or NUMBERS:
        with tempfile.TemporaryDirectory() as folder, databases(folder) as found:
            for database, environment in found.items():
                if database == "SQLite" and items > MOST_ON_SQLITE:
                    continue
                again("--fill", str(items), str(items * checks_an_item), environment=environment)
                measured[database][items] = told(again("--measure", environment=environment))
    for database, found_there in measured.items():
        show(database, found_there)


def compare(database: str, files: Sequence[str]) -> None:
    """Print the tables of what `--measure` printed into files named after the number of items."""
    from pathlib import Path

    show(database, {int(Path(file).stem): told(Path(file).read_text()) for file in files})


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--fill", items, checks]:
            publish(int(items), int(checks))
        case ["--measure"]:
            tell(measure())
        case ["--compare", database, *files]:
            compare(database, files)
        case given:
            main(*map(int, given))
