"""How times, durations and numbers are written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
import time_machine

from apps.core.templatetags.show import duration, items, moment, thousands, until

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_a_moment_is_written_in_utc() -> None:
    berlin = datetime(2026, 3, 1, 15, 5, 59, tzinfo=timezone(timedelta(hours=1)))
    assert moment(berlin) == (
        '<time datetime="2026-03-01T14:05:59Z">2026-03-01 14:05 '
        '<abbr title="Coordinated Universal Time">UTC</abbr></time>'
    )
    assert moment(None, "none yet") == "none yet"


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (timedelta(0), "0 min"),
        (timedelta(seconds=30), "under 1 min"),
        (timedelta(minutes=59), "59 min"),
        (timedelta(hours=1), "1 h"),
        (timedelta(hours=2, minutes=5), "2 h 5 min"),
        (timedelta(days=3, hours=4, minutes=9), "3 d 4 h"),
        (timedelta(days=3, minutes=9), "3 d"),
    ],
)
def test_a_duration_is_written_in_its_two_largest_units(length: timedelta, words: str) -> None:
    assert duration(length) == words


@pytest.mark.parametrize(
    ("ahead", "words"),
    [
        (timedelta(days=-1), "due now"),
        (timedelta(seconds=20), "due now"),
        (timedelta(minutes=5), "in 5 min"),
        (timedelta(days=3, hours=4), "in 3 d"),
    ],
)
def test_what_is_ahead_is_written_in_its_largest_unit(ahead: timedelta, words: str) -> None:
    with time_machine.travel(NOON, tick=False):
        assert until(NOON + ahead) == words
        assert until(None) == "–"


def test_numbers_are_easy_to_read() -> None:
    assert thousands(1234567) == "1\u202f234\u202f567"
    assert (items(1), items(0), items(1000)) == ("1 item", "0 items", "1\u202f000 items")
