"""The demo as its users start it: 30 simulated days of real requests, held to the truth."""

from __future__ import annotations

import json
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from apps.core.clock import simulated, wall
from apps.demo import story
from apps.demo.story import PRESENT, Item, State
from tests.server.test_serve import free_port

from .site import Site, wait_for

pytestmark = [pytest.mark.database, pytest.mark.timeout(900)]

SPEED = 57_600  # 30 days in 45 seconds
STARTING = timedelta(seconds=12)  # for the parts to come up before the story begins
SETTLED = timedelta(days=3)  # what happened this long before the end has had time to be confirmed
HIDES_ITS_END = {State.SHELL}  # answers that nobody could tell from an item that is up
TRANSITIONS = """
import json
from apps.checks.models import Transition
rows = Transition.objects.select_related("target").order_by("pk")
print(json.dumps([
    [row.target.key, row.to_status, row.after and row.after.isoformat(), row.by.isoformat(),
     row.target.checks.get(number=row.check_number).started_at.isoformat()] for row in rows
]))
"""


@dataclass
class Played:
    """What the site holds when the story is over."""

    origin: datetime
    end: timedelta
    rows: list[dict[str, Any]]
    removals: list[tuple[str, datetime | None, datetime, datetime]]  # key, after, by, confirmed
    ledger: str

    def truth(self, row: dict[str, Any]) -> Item:
        return ITEMS[urlsplit(row["key"]).path]

    def state(self, item: Item) -> State:
        return story.state(item, self.end)


ITEMS = {item.path: item for item in story.items()}


@contextmanager
def playing(site: Site, origin: datetime) -> Iterator[dict[str, str]]:
    port = free_port(3)
    clock = {"CLOCK_ORIGIN": origin.isoformat(), "CLOCK_SPEED": str(SPEED)}
    arguments = ("serve", "--demo", "--port", str(port), "--demo-port", str(port + 1))
    with site.running(*arguments, **clock) as server:
        yield {**clock, "DEMO": "1"}
        server.send_signal(signal.SIGTERM)
        assert server.wait(60) == 0


@pytest.fixture
def played(site: Site) -> Played:
    origin = datetime.now(UTC) + STARTING
    with playing(site, origin) as environment:
        wait_for(lambda: simulated(wall(), origin=origin, speed=SPEED) > origin + story.LENGTH)
    rows = site.must("status", "example-models", "--jsonl", **environment).splitlines()
    transitions = json.loads(site.must("shell", "--no-imports", "-c", TRANSITIONS, **environment))
    parsed = [json.loads(row) for row in rows]
    return Played(
        origin=origin,
        end=max(datetime.fromisoformat(row["last_check_at"]) for row in parsed) - origin,
        rows=parsed,
        removals=[
            (
                key,
                datetime.fromisoformat(after) if after else None,
                datetime.fromisoformat(by),
                datetime.fromisoformat(confirmed),
            )
            for key, status, after, by, confirmed in transitions
            if status == "removed"
        ],
        ledger=site.must("verify_ledger", **environment),
    )


def test_the_record_agrees_with_the_truth(played: Played) -> None:
    """One test, because the story is played once: each paragraph is a promise."""
    listed = [number for item in story.items() for number in (item.lists or (0,))]
    assert len(played.rows) == len(listed)
    assert "hold." in played.ledger

    # No item that is up is ever removed, and every removal interval contains the true time.
    for key, after, by, confirmed in played.removals:
        item = ITEMS[urlsplit(key).path]
        assert story.state(item, confirmed - played.origin) not in PRESENT, item
        true_times = [played.origin + removal for removal in story.removals(item)]
        assert any((after is None or after < moment) and moment <= by for moment in true_times), (
            item,
            after,
            by,
        )

    # What had gone for good before the last days is held as removed; what is up is not. What was gone before
    # anybody had seen it there, on a machine that was too busy to look in time, may stay without a verdict.
    for row in played.rows:
        item = played.truth(row)
        present = played.state(item) in PRESENT
        changed = max((at for at, _ in item.changes), default=timedelta(0))
        if present:
            assert row["status"] not in {"removed", "suspected"} or changed > played.end - SETTLED, row
        elif played.state(item) not in HIDES_ITS_END and changed < played.end - SETTLED:
            assert row["status"] == "removed" or row["available_at"] is None, row

    # The first list: some of it was removed, but not all, and the counts are the truth's.
    first = Counter(row["status"] for row in played.rows if 1 in played.truth(row).lists)
    assert 0 < first["removed"] < first.total()
    # Of what went, some went with its account, as the truth has it, and some without it.
    with_account = [row for row in played.rows if row["gone_with"] == "with_account"]
    assert with_account
    assert all(
        story.account_state(played.truth(row).owner, played.end) not in PRESENT for row in with_account
    )
    assert any(row["gone_with"] == "alone" for row in played.rows)
    # Items that came back are known as such.
    back = [row for row in played.rows if story.returns(played.truth(row))]
    confirmed = {key for key, *_ in played.removals}
    for row in back:
        if played.state(played.truth(row)) in PRESENT and row["key"] in confirmed:
            assert row["reinstated_at"] is not None
