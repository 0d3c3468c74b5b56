"""Dates and times as people write them in lists, read so that nothing is guessed.

Read: ISO 8601 in its usual spellings (`2025-12-31`, `2025-12-31 14:00`, `2025-12-31T14:00:00.5+01:00`,
`20251231T140000Z`), also with `UTC` or `GMT` behind it, and dates with dots, which are day first
(`31.12.2025 14:00`). Without an offset the time is local time in the list's time zone; of a time that the
clock showed twice in autumn the earlier one is meant; a time that it skipped in spring is refused.

Refused: slashes (day and month cannot be told apart), years of two digits, and the bare numbers that
spreadsheets keep dates in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

EARLIEST = datetime(1991, 1, 1, tzinfo=UTC)  # there was no web before

_ISO = re.compile(
    r"(?P<date>\d{4}-\d{2}-\d{2}|\d{8})"
    r"(?:[Tt ] ?(?P<time>\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?|\d{4}(?:\d{2})?)"
    r" ?(?P<offset>[Zz]|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?)?"
)
_DOTTED = re.compile(r"(\d{1,2})\. ?(\d{1,2})\. ?(\d{4})(?:,? (\d{1,2})(:\d{2}(?::\d{2})?))?")
_SPREADSHEET_NUMBER = re.compile(r"\d{5}(?:[.,]\d+)?")


class UnusableMoment(ValueError):
    """A text that cannot be read as a moment without guessing. `str()` is a sentence for people."""


@dataclass(frozen=True, slots=True)
class Moment:
    """The time in which something happened, in UTC: a whole day, or an instant (`first` is `last`)."""

    first: datetime
    last: datetime


def read_moment(text: str, zone: ZoneInfo) -> Moment:
    """The moment that `text` names, in `zone` where it has no offset. Raises UnusableMoment."""
    text = " ".join(text.split())
    try:
        moment = _read(text, zone)
    except (ValueError, OverflowError) as error:
        if isinstance(error, UnusableMoment):
            raise
        raise UnusableMoment(f"“{text[:40]}” is no date that exists.") from error
    if moment.first < EARLIEST:
        raise UnusableMoment(f"“{text[:40]}” is before there was a web: check the year.")
    return moment


def _read(text: str, zone: ZoneInfo) -> Moment:
    iso = _ISO.fullmatch(text)
    if iso is not None:
        day = date.fromisoformat(iso["date"])
        if iso["time"] is None:
            return _whole_day(day, zone)
        at = datetime.combine(day, time.fromisoformat(iso["time"]))
        return _instant(at, iso["offset"], zone, text)
    dotted = _DOTTED.fullmatch(text)
    if dotted is not None:
        day = date(int(dotted[3]), int(dotted[2]), int(dotted[1]))
        if dotted[4] is None:
            return _whole_day(day, zone)
        at = datetime.combine(day, time.fromisoformat(dotted[4].zfill(2) + dotted[5]))
        return _instant(at, None, zone, text)
    if "/" in text:
        raise UnusableMoment(
            f"“{text[:40]}” has slashes, so day and month cannot be told apart: write 2025-12-31 14:00."
        )
    if _SPREADSHEET_NUMBER.fullmatch(text):
        raise UnusableMoment(
            f"“{text}” is a spreadsheet's day number: give the column a date format and export it anew."
        )
    raise UnusableMoment(f"“{text[:40]}” is no date that can be read: write 2025-12-31 14:00.")


def _whole_day(day: date, zone: ZoneInfo) -> Moment:
    # Where the clock is put forward at midnight, the day begins at the jump, which is what this gives.
    first = datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)
    after = datetime.combine(day + timedelta(days=1), time(), tzinfo=zone).astimezone(UTC)
    return Moment(first, after - timedelta(seconds=1))


def _instant(at: datetime, offset: str | None, zone: ZoneInfo, text: str) -> Moment:
    if offset is not None:
        offset = "+00:00" if offset.upper() in {"Z", "UTC", "GMT"} else offset
        moment = datetime.fromisoformat(at.isoformat() + offset).astimezone(UTC)
        return Moment(moment, moment)
    moment = at.replace(tzinfo=zone).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) != at:
        raise UnusableMoment(
            f"“{text[:40]}” does not exist in {zone.key}: clocks were put forward then. Add the UTC offset."
        )
    return Moment(moment, moment)
