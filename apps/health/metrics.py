"""What Prometheus reads. All of it comes from the database and the queue: any web process says the same.

No label holds a host, a URL, a campaign or a person: platforms are those that have a definition.
"""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Iterator
from importlib import metadata

from django.db import DatabaseError, connection
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from apps.checks.beats import Seen, tallies
from apps.checks.outcomes import Status, Trouble
from apps.core import clock

from .conditions import Grade, conditions
from .facts import Facts, Kept, kept_facts

KEPT_SECONDS = 15.0  # however often it is scraped
OTHER = "other"  # all sites without a definition
CONTENT_TYPE = CONTENT_TYPE_LATEST


class _Site(Collector):
    def __init__(self, facts: Facts, seen: list[tuple[Seen, int]]) -> None:
        self.facts, self.seen = facts, seen

    def collect(self) -> Iterator[Metric]:
        yield from _conditions(self.facts)
        yield from _machine(self.facts)
        if not self.facts.database.problem:
            yield from _checker(self.facts)
            yield from _checks(self.seen)


def _make() -> bytes:
    facts = kept_facts.get(seconds=KEPT_SECONDS)
    try:
        seen = [] if facts.database.problem or facts.database.unapplied else tallies()
    except DatabaseError:
        connection.close()
        seen = []
    registry = CollectorRegistry()
    registry.register(_Site(facts, seen))
    return generate_latest(registry)


kept = Kept(_make)


def exposition() -> bytes:
    """All metrics in Prometheus' text format."""
    return kept.get(seconds=KEPT_SECONDS)


def _gauge(name: str, help: str, value: float | None) -> Iterator[Metric]:
    if value is not None:
        yield GaugeMetricFamily(f"still_up_{name}", help, value=value)


def _by(name: str, help: str, label: str, values: dict[str, int]) -> Metric:
    family = GaugeMetricFamily(f"still_up_{name}", help, labels=[label])
    for key, value in values.items():
        family.add_metric([str(key)], value)
    return family


def _conditions(facts: Facts) -> Iterator[Metric]:
    found = conditions(facts)
    ok = {one.name: int(one.grade == Grade.OK) for one in found}
    failing = {one.name: int(one.grade == Grade.FAILING) for one in found}
    yield _by("condition_ok", "1 if a condition of the site is in order.", "condition", ok)
    yield _by("condition_failing", "1 if the site does not do its work because of it.", "condition", failing)


def _machine(facts: Facts) -> Iterator[Metric]:
    build = GaugeMetricFamily("still_up_build_info", "Always 1.", labels=["version", "python", "database"])
    build.add_metric([metadata.version("still-up"), platform.python_version(), connection.vendor], 1)
    yield build
    yield from _gauge(
        "disk_free_bytes", "Room where VAR_DIR is, on the machine that answers.", facts.disk_free
    )
    if facts.queue is not None and not facts.queue.problem:
        yield _by("queue_jobs", "Jobs that wait.", "queue", dict(facts.queue.jobs))
        yield from _gauge("workers", "Workers of the queue.", facts.queue.workers)


def _checker(facts: Facts) -> Iterator[Metric]:
    database = facts.database
    statuses = {status.value: database.targets.get(status.value, 0) for status in Status}
    yield _by("targets", "Watched URLs by status.", "status", statuses)
    yield from _gauge("targets_due", "Targets whose next check is due.", database.due)
    overdue = 0.0
    if database.oldest_due is not None:
        overdue = clock.in_real_time(clock.in_the_record(facts.at) - database.oldest_due).total_seconds()
    yield from _gauge("targets_overdue_seconds", "How long the oldest of them is due.", max(overdue, 0.0))
    yield from _gauge("leases", "Hosts that a worker holds.", database.leases)
    for what, at in database.beats.items():
        yield from _gauge(f"last_{what}_timestamp_seconds", f"When {what.label} last.", at.timestamp())
    yield from _gauge("stalled", "1 if nothing is checked although there is work.", int(bool(database.stall)))
    why = database.pause.why if database.pause is not None else None
    paused = {trouble.value: int(trouble == why) for trouble in Trouble}
    yield _by("paused", "1 while checking is paused because our own line is down.", "why", paused)
    pauses = CounterMetricFamily("still_up_pauses", "Pauses so far.", value=database.pauses)
    yield pauses
    yield from _gauge("definitions_stale", "Definitions that are stale.", len(database.stale))
    yield _by("imports", "Uploaded lists by state.", "state", dict(database.imports))
    yield from _gauge("database_bytes", "Size of the database.", database.size_bytes)


def _checks(seen: list[tuple[Seen, int]]) -> Iterator[Metric]:
    by_reason: Counter[tuple[str, str]] = Counter()
    by_platform: Counter[tuple[str, str]] = Counter()
    for (slug, outcome, reason), count in seen:
        by_reason[outcome, reason] += count
        by_platform[slug or OTHER, outcome] += count
    for name, help, labels, counts in (
        ("checks", "Checks that the checker made.", ["outcome", "reason"], by_reason),
        ("platform_checks", "The same by platform.", ["platform", "outcome"], by_platform),
    ):
        family = CounterMetricFamily(f"still_up_{name}", help, labels=labels)
        for key, count in sorted(counts.items()):
            family.add_metric(list(key), count)
        yield family
