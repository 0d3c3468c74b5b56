"""Dates are read as they were meant, or not at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.reports.moments import Moment, UnusableMoment, read_moment

BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2025-12-31 14:00", "2025-12-31T13:00"),
        ("2025-12-31 14:00:30", "2025-12-31T13:00:30"),
        ("2025-12-31T14:00", "2025-12-31T13:00"),
        ("  2025-12-31  14:00 ", "2025-12-31T13:00"),
        ("2025-12-31T14:00:00Z", "2025-12-31T14:00"),
        ("2025-12-31t14:00z", "2025-12-31T14:00"),
        ("2025-12-31 14:00 UTC", "2025-12-31T14:00"),
        ("2025-12-31T14:00:00.250+01:00", "2025-12-31T13:00:00.250"),
        ("2025-12-31 14:00 -0500", "2025-12-31T19:00"),
        ("2025-12-31 14:00+01", "2025-12-31T13:00"),
        ("20251231T140000Z", "2025-12-31T14:00"),
        ("31.12.2025 14:00", "2025-12-31T13:00"),
        ("1.2.2025 9:05", "2025-02-01T08:05"),
        ("1.2.2025 9:05:30", "2025-02-01T08:05:30"),
        ("31. 12. 2025, 14:00:05", "2025-12-31T13:00:05"),
        ("2025-07-01 14:00", "2025-07-01T12:00"),
    ],
)
def test_a_time_is_read_in_the_lists_time_zone(text: str, moment: str) -> None:
    assert read_moment(text, BERLIN) == Moment(utc(moment), utc(moment))


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2025-12-31", "2025-12-30T23:00", "2025-12-31T22:59:59"),
        ("31.12.2025", "2025-12-30T23:00", "2025-12-31T22:59:59"),
        ("20251231", "2025-12-30T23:00", "2025-12-31T22:59:59"),
        ("2025-03-30", "2025-03-29T23:00", "2025-03-30T21:59:59"),  # a day of 23 hours
    ],
)
def test_a_date_alone_is_the_whole_day(text: str, first: str, last: str) -> None:
    assert read_moment(text, BERLIN) == Moment(utc(first), utc(last))


def test_a_day_that_begins_after_midnight_begins_at_the_jump() -> None:
    assert read_moment("2018-11-04", ZoneInfo("America/Sao_Paulo")).first == utc("2018-11-04T03:00")


def test_of_a_time_that_the_clock_showed_twice_the_earlier_is_meant() -> None:
    assert read_moment("2025-10-26 02:30", BERLIN).first == utc("2025-10-26T00:30")
    assert read_moment("2025-11-02 01:30", NEW_YORK).first == utc("2025-11-02T05:30")


@pytest.mark.parametrize(
    ("text", "part_of_the_sentence"),
    [
        ("31/12/2025", "slashes"),
        ("12/31/2025 14:00", "slashes"),
        ("2025/12/31", "slashes"),
        ("31.12.25", "no date that can be read"),
        ("46022", "spreadsheet's day number"),
        ("46022.583", "spreadsheet's day number"),
        ("2025-02-30", "no date that exists"),
        ("32.01.2025", "no date that exists"),
        ("2025-12-31 25:00", "no date that exists"),
        ("2025-12-31 14:00+25:00", "no date that exists"),
        ("1925-12-31", "before there was a web"),
        ("0001-01-01 00:00+14:00", "no date that exists"),
        ("9999-12-31", "no date that exists"),
        ("2025-03-30 02:30", "does not exist in Europe/Berlin"),
        ("yesterday", "no date that can be read"),
        ("2025", "no date that can be read"),
        ("1767189600", "no date that can be read"),
        ("31 Dec 2025", "no date that can be read"),
        ("2025-12-31x14:00", "no date that can be read"),
    ],
)
def test_what_would_have_to_be_guessed_is_refused(text: str, part_of_the_sentence: str) -> None:
    with pytest.raises(UnusableMoment, match=r"\.$") as refused:
        read_moment(text, BERLIN)
    assert part_of_the_sentence in str(refused.value)


@given(
    st.datetimes(min_value=datetime(1992, 1, 1), max_value=datetime(2100, 1, 1)),  # noqa: DTZ001
    st.sampled_from([UTC, BERLIN, NEW_YORK, ZoneInfo("Asia/Kathmandu")]),
)
def test_a_moment_written_with_its_offset_comes_back(naive: datetime, zone: ZoneInfo) -> None:
    moment = naive.replace(tzinfo=UTC)
    written = moment.astimezone(zone).isoformat()
    assert read_moment(written, NEW_YORK).first == moment


@given(st.dates(min_value=datetime(1992, 1, 1).date(), max_value=datetime(2100, 1, 1).date()))  # noqa: DTZ001
def test_days_follow_on_each_other_without_gap_or_overlap(day: object) -> None:
    today = read_moment(str(day), BERLIN)
    assert timedelta(hours=22) < today.last - today.first < timedelta(hours=25)


@given(st.text())
def test_any_text_is_a_moment_or_a_sentence(text: str) -> None:
    try:
        moment = read_moment(text, BERLIN)
    except UnusableMoment:
        return
    assert moment.first <= moment.last
