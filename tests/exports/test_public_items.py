"""Rows for everyone that are read a few items at a time are those of the record read at once."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import timedelta
from itertools import chain

import numpy as np
import pytest
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.exports import items, public_items
from apps.exports.columns import PUBLIC_ITEMS
from apps.exports.models import public_key_of
from apps.exports.public_items import item_blocks, shelves_for, streamed_item_blocks
from apps.exports.public_record import read_public
from apps.exports.publication import draft_of
from apps.exports.published import Choices
from apps.exports.snapshots import choices_of
from apps.exports.sql import Block
from apps.exports.writing import export_of, write
from apps.reports.models import Campaign, Item
from tests.exports.test_by_month import campaign_of
from tests.exports.test_recompute import answered, messy
from tests.factories import at, make_campaign, make_item, make_report
from tests.metrics.watching import watched
from tests.public.seeding import make_public

pytestmark = pytest.mark.django_db

NOW = 24 * 200  # hours after START


def rows_of(blocks: list[Block]) -> list[tuple[object, ...]]:
    """The rows of all blocks."""
    return list(chain.from_iterable(zip(*block, strict=True) for block in blocks))


def few_at_a_time(monkeypatch: pytest.MonkeyPatch, many: int) -> None:
    """So many items in memory at once."""
    for module in (items, public_items):
        monkeypatch.setattr(module, "CHUNK", many)


def chosen(campaign: Campaign, **words: object) -> Choices:
    """Everything, but for `words`."""
    make_public(campaign, items=True, **words)
    return choices_of(draft_of(campaign))


@pytest.mark.parametrize("dates", ["day", "month"])
@pytest.mark.parametrize("platforms", ["names", "letters"])
@pytest.mark.parametrize("story", [messy, answered, lambda: campaign_of((0, 3, 1), NOW)])
def test_rows_read_a_few_at_a_time_are_those_of_the_whole(
    story: Callable[[], Campaign], platforms: str, dates: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with time_machine.travel(at(NOW), tick=False):
        campaign = story()
        twice = Item.objects.filter(report__campaign=campaign).order_by("pk").first()
        assert twice is not None
        again = Item(
            report=twice.report, target=twice.target, reported_at=twice.reported_at + timedelta(days=1)
        )
        again.save()
        choices, key = chosen(campaign, platforms=platforms, dates=dates), public_key_of(campaign)
        whole = rows_of(list(item_blocks(read_public(campaign, choices), key=key)))
        assert len(whole) > 40
        assert any(row[PUBLIC_ITEMS.names.index("deadlines")] for row in whole)
        for many in (1, 7, 1_000):
            few_at_a_time(monkeypatch, many)
            blocks = list(streamed_item_blocks(campaign, choices, key=key))
            assert max(len(block[0]) for block in blocks) <= many
            assert rows_of(blocks) == whole


def test_nothing_is_told_of_too_few(monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = make_campaign()
    for _ in range(campaign.minimum_n - 1):
        make_item(make_report(campaign))
    assert list(streamed_item_blocks(campaign, chosen(campaign), key=public_key_of(campaign))) == []


def test_a_campaign_without_items_has_no_rows() -> None:
    campaign = make_campaign()
    assert list(streamed_item_blocks(campaign, chosen(campaign), key=public_key_of(campaign))) == []


def test_a_control_that_was_reported_too_is_none_wherever_its_report_stands(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with time_machine.travel(at(100), tick=False):
        campaign = make_campaign()
        control = watched(make_report(campaign), "up 1 2, gone 4 5 40", control=True)
        for _ in range(5):
            watched(make_report(campaign), "up 1 2 50")
        make_item(make_report(campaign), control.target)
        told = []
        for many in (1, 1_000):
            few_at_a_time(monkeypatch, many)
            file = io.BytesIO()
            write(export_of(campaign=campaign, table="items", format="csv"), file)
            rows = csv.DictReader(io.StringIO(file.getvalue().decode(), newline=""))
            told.append({row["item"]: row["removal_hours_by"] for row in rows})
    assert told[0] == told[1]
    assert told[0][str(control.pk)] == ""


@given(names=st.sets(st.binary(min_size=10, max_size=10), max_size=60), many=st.integers(1, 9))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_shelves_give_all_back_by_name(names: set[bytes], many: int, monkeypatch: pytest.MonkeyPatch) -> None:
    few_at_a_time(monkeypatch, many)
    facts = np.zeros(len(names), [("name", "S20"), ("number", np.int64)])
    facts["name"] = [name.hex().encode() for name in names]
    facts["number"] = np.arange(len(names))
    with shelves_for(len(names)) as shelves:
        for start in range(0, len(facts), many):
            shelves.add(facts[start : start + many])
        found = list(shelves.in_order())
    assert all(len(some) <= many for some in found)
    assert [one for some in found for one in some.tolist()] == sorted(facts.tolist())
