"""The lists that people in the story send, as the CSV files that somebody would import."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from apps.demo import story
from apps.demo.story import Host

COLUMNS = ("url", "reported_at", "channel", "standing", "category", "reference", "labels", "control")
CHANNELS = {1: "email", 2: "web_form"}


def reference_of(number: int) -> str:
    """The reference under which a list was sent."""
    return f"EXAMPLE-{number}"


def write_list(number: int, path: Path, *, authorities: Mapping[Host, str], reported_at: datetime) -> int:
    """Write the first or second list to `path`; returns the number of its rows.

    The controls are in the first one. Some addresses are spelt as people spell them who do not want a click.
    """
    chosen = [item for item in story.items() if number in item.lists or (number == 1 and item.is_control)]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for position, item in enumerate(chosen):
            url = f"http://{authorities[item.host]}{item.path}"
            writer.writerow(
                [
                    _defanged(url) if position % 3 == 0 else url,
                    reported_at.isoformat(),
                    CHANNELS[number],
                    "journalist",
                    "privacy",
                    reference_of(number),
                    f"list {number}",
                    "yes" if item.is_control else "",
                ]
            )
    return len(chosen)


def _defanged(url: str) -> str:
    return url.replace("http://", "hxxp://", 1).replace(".", "[.]", 3)
