"""Checks recorded a second: `python benchmarks/recording.py [checks]`, by default 5,000 a run.

Fills a new SQLite database and a new PostgreSQL (from the wheel that the tests use; or the empty one that
DATABASE_URL names) with a fictional campaign, and records one more check of each of so many of its targets:
by the project's own recording (locks, numbers, digests, fold, cadence, transitions and the targets' new
state), in batches of different sizes; and the same rows of checks alone, ready to be written, by Django's
`bulk_create` and by what the database is fastest at: COPY on PostgreSQL, `executemany` on SQLite. "and its
targets" is that, with the targets' new state by one statement more.

Prints, as a table in Markdown, the medians of three runs, each on targets of its own, the share of what the
database's fastest way gives, and the peak memory of each, in a process of its own.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from shared import again, databases, fill, headings, machine, peak, prepare, row, say, tell, told

RUNS = 3
CHECKS_AN_ITEM = 2
BATCHES = (1, 100, 1_000)
AT_ONCE = "recorded, all at once"
FASTEST = "fastest way, checks alone"
PARTS = (
    *(f"recorded, {size:,} at a time" for size in BATCHES),
    AT_ONCE,
    "bulk_create, checks alone",
    "fastest way, and its targets",
    FASTEST,
)
MOST_ONE_BY_ONE = 500  # checks a run, where each is a batch of its own


def measure(part: str, checks: int) -> dict[str, Any]:
    """Checks a second (the median of the runs) and peak memory of one way to write them."""
    prepare()

    from django.db import connection

    from apps.checks.models import Target

    place = PARTS.index(part)
    first = 1 + place * RUNS * checks
    connection.ensure_connection()
    if part == PARTS[0]:
        checks = min(checks, MOST_ONE_BY_ONE)
    rates = []
    before = peak()
    for run in range(RUNS):
        start = first + run * checks
        targets = list(Target.objects.filter(pk__range=(start, start + checks - 1)).order_by("pk"))
        write = _ready(part, targets)
        began = time.perf_counter()
        write()
        rates.append(checks / (time.perf_counter() - began))
    return {"rate": statistics.median(rates), "megabytes": peak(), "before": before}


def _ready(part: str, targets: list[Any]) -> Callable[[], object]:
    """Everything but the writing done: what is left to do for the clock."""
    from django.db import transaction

    from apps.checks.models import Check, Target
    from apps.checks.recording import UPDATED_FIELDS, append
    from apps.core import bulk

    new = [new_check(target) for target in targets]
    if part.startswith("recorded"):
        size = len(new) if part == AT_ONCE else BATCHES[PARTS.index(part)]
        batches = [new[start : start + size] for start in range(0, len(new), size)]
        return lambda: [append(batch) for batch in batches]
    made = [
        Check(
            target_id=one.target_id,
            number=target.check_count + 1,
            started_at=one.started_at,
            finished_at=one.finished_at,
            outcome=one.outcome,
            reason=one.reason,
            signal=one.signal,
            http_status=one.http_status,
            evidence=one.evidence,
            recorded_at=one.finished_at,
            digest=target.head_digest,
        )
        for target, one in zip(targets, new, strict=True)
    ]
    if part.startswith("bulk_create"):
        return lambda: Check.objects.bulk_create(made, batch_size=1_000)
    names = [field.attname for field in Check._meta.concrete_fields if field.attname != "id"]
    rows = [[getattr(check, name) for name in names] for check in made]
    states = [[*(getattr(target, name) for name in UPDATED_FIELDS), target.pk] for target in targets]

    def write() -> None:
        with transaction.atomic():
            bulk.insert(Check, names, rows)
            if part != FASTEST:
                bulk.update(Target, UPDATED_FIELDS, states)

    return write


def new_check(target: Any) -> Any:
    """One look more at a target, an hour after the last: as before, and one in ten finds it gone."""
    from apps.checks.outcomes import Outcome, Reason
    from apps.checks.recording import NewCheck

    last = target.checks.order_by("-number").first()
    at = target.last_check_at + timedelta(hours=1)
    gone = target.pk % 10 == 0
    return NewCheck(
        target_id=target.pk,
        started_at=at,
        finished_at=at + timedelta(milliseconds=400),
        outcome=Outcome.REMOVED if gone else Outcome(last.outcome),
        reason=Reason.NOT_FOUND if gone else Reason(last.reason),
        signal="generic:not-found@1" if gone else last.signal,
        http_status=404 if gone else last.http_status,
        evidence=last.evidence,
    )


def show(database: str, part: str, found: dict[str, Any], fastest: float) -> None:
    """One line of the table."""
    own = found["megabytes"] - found["before"]
    row(database, part, f"{found['rate']:,.0f}", f"{found['rate'] / fastest:.2f}", f"{own:.0f}")


def main(checks: int = 5_000) -> None:
    """Fill, measure, and print the table."""
    say(f"{checks:,} checks a run. {machine()}.\n")
    headings("database", "checks", "a second", "of the fastest way", "memory for it, MB")
    items = len(PARTS) * RUNS * checks
    with tempfile.TemporaryDirectory() as folder, databases(folder) as found:
        for name, environment in found.items():
            again("--fill", str(items), environment=environment)
            measured = {
                part: told(again("--measure", part, str(checks), environment=environment)) for part in PARTS
            }
            for part, figures in measured.items():
                show(name, part, figures, measured[FASTEST]["rate"])


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--fill", items]:
            fill(int(items), checks=CHECKS_AN_ITEM * int(items), platforms=50)
        case ["--measure", part, checks]:
            tell(measure(part, int(checks)))
        case numbers:
            main(*map(int, numbers))
