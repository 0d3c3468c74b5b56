"""Editions and the static site of a large campaign: `python benchmarks/edition.py [items ...]`.

For each number, by default 20,000 and 200,000, it fills a new SQLite database and a new PostgreSQL (from the
wheel that the tests use; or the empty one that DATABASE_URL names, for one number alone) with a fictional
campaign of so many items with five checks each, and publishes it with its rows. Then, each in a process of
its own: the snapshot that public pages are made of, an edition, which begins with a snapshot, and the whole
site as files, twice: seconds and peak memory.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from shared import again, databases, fill, headings, machine, peak, prepare, row, say, tell, told

PLATFORMS = 2
CHECKS_AN_ITEM = 5
PARTS = ("snapshot", "edition", "site", "site, once more")


def publish(items: int) -> None:
    """Fill the database of the settings, and publish what is in it."""
    fill(items, checks=CHECKS_AN_ITEM * items, platforms=PLATFORMS)

    from apps.reports.models import Campaign
    from tests.public.seeding import make_public

    make_public(Campaign.objects.get(), items=True, title="Benchmark")


def measure(part: str, folder: Path) -> dict[str, Any]:
    """Seconds and peak memory of one part, in this process."""
    prepare()

    from django.core.management import call_command

    from apps.exports.editions import publish_edition
    from apps.exports.snapshots import in_force, made_from
    from apps.reports.models import Campaign

    campaign = Campaign.objects.get()
    publication = in_force(campaign)
    if publication is None:
        raise SystemExit("The campaign is not public.")
    before, began = peak(), time.perf_counter()
    with (folder / "said").open("w") as said:
        match part:
            case "snapshot":
                made_from(publication)
            case "edition":
                publish_edition(campaign=campaign, person=None)
            case _:
                call_command("export_site", str(folder / "site"), stdout=said)
    return {"seconds": time.perf_counter() - began, "before": before, "megabytes": peak()}


def main(*numbers: int) -> None:
    """Fill, measure, and print the table."""
    say(f"{machine()}.\n")
    headings("database", "items", "what", "seconds", "peak memory, MB", "of it for this, MB")
    for items in numbers or (20_000, 200_000):
        with tempfile.TemporaryDirectory() as folder, databases(folder) as found:
            for name, environment in found.items():
                again("--publish", str(items), environment=environment)
                with tempfile.TemporaryDirectory() as place:
                    for part in PARTS:
                        measured = told(again("--measure", part, place, environment=environment))
                        seconds, most = measured["seconds"], measured["megabytes"]
                        own = most - measured["before"]
                        row(name, f"{items:,}", part, f"{seconds:.2f}", f"{most:.0f}", f"{own:.0f}")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--publish", items]:
            publish(int(items))
        case ["--measure", part, folder]:
            tell(measure(part, Path(folder)))
        case numbers:
            main(*map(int, numbers))
