"""A summary of a million items, with intervals and bands: `python benchmarks/summary.py [items] [platforms]`.

Fills a new SQLite database and a new PostgreSQL (from the wheel that the tests use; or the empty one that
DATABASE_URL names) with a fictional campaign of five checks an item, and summarises it by platform in a
process of its own: seconds (the median of three runs) and peak memory, of the whole and of reading alone;
once more as of an earlier moment, which goes by transitions and checks. Beside it lifelines fits the same
intervals of the total alone, without bands, in growing numbers of items until it needs more than a minute.
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

LIFELINES_LIMIT = 60  # seconds
CHECKS_AN_ITEM = 5
PARTS = ("reading", "in all", "by platform", "by platform, as of 100 days before")


def measure(what: str) -> dict[str, Any]:
    """Seconds (the median of three) and peak memory of one part, in this process."""
    prepare()

    from django.db import connection

    from apps.demo.scale import UNTIL
    from apps.metrics.grouping import GroupKey
    from apps.metrics.records import read_items
    from apps.metrics.summary import summarise
    from apps.reports.models import Campaign

    campaign = Campaign.objects.get()
    parts: dict[str, Callable[[], object]] = {
        "reading": lambda: read_items(campaign),
        "in all": lambda: summarise(campaign),
        "by platform": lambda: summarise(campaign, by=[GroupKey.PLATFORM]),
        "by platform, as of 100 days before": lambda: summarise(
            campaign, by=[GroupKey.PLATFORM], as_of=UNTIL - timedelta(days=100)
        ),
    }
    connection.ensure_connection()
    took = []
    for _ in range(1 if "as of" in what else 3):
        began = time.perf_counter()
        parts[what]()
        took.append(time.perf_counter() - began)
    return {"seconds": statistics.median(took), "megabytes": peak()}


def lifelines(items: int) -> dict[str, Any]:
    """lifelines' NPMLE of the intervals of the campaign's first items, rounded to the same grid."""
    import warnings

    import numpy as np
    from lifelines import KaplanMeierFitter

    prepare()

    from apps.metrics.records import read_items
    from apps.metrics.survival import rounded_outward
    from apps.reports.models import Campaign
    from apps.reports.selectors import items_of

    records = read_items(items_of(Campaign.objects.get()))
    gone = records.removed_by > records.reported
    left = np.maximum(records.present - records.reported, 0) / 3600
    right = np.where(gone, np.maximum(records.removed_by - records.reported, 1) / 3600, np.inf)
    left, right = rounded_outward(left[:items], right[:items])
    warnings.simplefilter("ignore")
    began = time.perf_counter()
    KaplanMeierFitter().fit_interval_censoring(left, right)
    took = time.perf_counter() - began
    return {"seconds": took, "megabytes": peak()}


def show(database: str, what: str, found: dict[str, Any]) -> None:
    """One line of the table."""
    if found:
        row(database, what, f"{found['seconds']:.2f}", f"{found['megabytes']:.0f}")
    else:
        row(database, what, f"over {LIFELINES_LIMIT}", "")


def main(items: int = 1_000_000, platforms: int = 50) -> None:
    """Fill, measure, and print the table."""
    say(f"{items:,} items, {platforms} platforms. {machine()}.\n")
    headings("", "what", "seconds", "peak memory, MB")
    with tempfile.TemporaryDirectory() as folder, databases(folder) as found:
        for name, environment in found.items():
            again("--fill", str(items), str(platforms), environment=environment)
            for part in PARTS:
                show(name, part, told(again("--measure", part, environment=environment)))
        for some in (1_000, 10_000, 100_000, items):
            answer = again("--lifelines", str(some), environment=found["SQLite"], limit=LIFELINES_LIMIT)
            show("lifelines", f"{some:,} items, one group, no band", told(answer))
            if not answer:
                break


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--fill", items, platforms]:
            fill(int(items), checks=CHECKS_AN_ITEM * int(items), platforms=int(platforms))
        case ["--measure", part]:
            tell(measure(part))
        case ["--lifelines", items]:
            tell(lifelines(int(items)))
        case numbers:
            main(*map(int, numbers))
