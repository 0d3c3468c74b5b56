"""The text of a reminder: what was sent, and what of it is still there. Pure.

It states what is on record, describes no content and accuses nobody. URLs are defanged, so that a mail
program makes no links of them; a platform's staff knows how to read them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class StillUp:
    """An item that is still up. `seen_at` is None where only a wall before it was seen."""

    defanged: str
    seen_at: datetime | None
    restricted: bool = False
    said_removed_at: datetime | None = None  # when the platform last said that it was removed


@dataclass(frozen=True, slots=True)
class Sent:
    """What was sent to the platform, in the words of the pages."""

    platform: str
    sent_at: datetime
    channel: str
    category: str
    policy: str = ""
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """A reply of the platform's, or a reminder: when, and what it was in words."""

    at: datetime
    words: str


def reminder_text(
    *,
    sent: Sent,
    items: int,
    still_up: Sequence[StillUp],
    in_error: int = 0,
    replies: Iterable[Said] = (),
    reminders: Iterable[datetime] = (),
    now: datetime,
) -> str:
    """Plain text to send to a platform. `items` is how many were reported and count, `still_up` some of them.

    `in_error` is how many more the reporter no longer asks about. Lines end with a line feed; a list of any
    length is one line an item, with what was said of it below.
    """
    lines = [f"Reminder of a report to {sent.platform}", ""]
    lines += _facts(sent)
    lines += [f"Reply received {_moment(said.at)}: {said.words}" for said in replies]
    lines += [f"Reminder sent {_moment(at)}" for at in reminders]
    lines += ["", _standing(items, len(still_up), now)]
    if in_error:
        lines.append(f"Left out: {_items(in_error)} reported in error.")
    if still_up:
        lines += ["Beside each is the moment at which it was last seen there.", ""]
        for item in still_up:
            lines += _item(item)
    return "\n".join(lines) + "\n"


ANNEX_HEADINGS = ("url", "status", "last_seen_at", "said_removed_at")


def annex_rows(still_up: Iterable[StillUp]) -> list[tuple[str, str, str, str]]:
    """The items of a reminder as a table to attach to it, under ANNEX_HEADINGS. Moments: ISO 8601, UTC."""
    return [
        (
            item.defanged,
            "restricted" if item.restricted else "available",
            _iso(item.seen_at),
            _iso(item.said_removed_at),
        )
        for item in still_up
    ]


def _iso(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if moment else ""


def _facts(sent: Sent) -> list[str]:
    facts = [
        ("Sent", f"{_moment(sent.sent_at)}, by {sent.channel}"),
        ("Reference", sent.reference),
        ("Policy cited", sent.policy),
        ("Category", sent.category),
    ]
    return [f"{name}: {words}" for name, words in facts if words]


def _standing(items: int, up: int, now: datetime) -> str:
    if up == 0:
        return f"As of {_moment(now)}, none of the {_items(items)} in the report is still up."
    verb = "is" if up == 1 else "are"
    return f"As of {_moment(now)}, {up} of the {_items(items)} in the report {verb} still up."


def _items(count: int) -> str:
    return f"{count} {'item' if count == 1 else 'items'}"


def _item(item: StillUp) -> list[str]:
    seen = _moment(item.seen_at) if item.seen_at else "not shown to us, behind a restriction"
    restricted = ", restricted" if item.restricted and item.seen_at else ""
    lines = [f"{item.defanged}  ({seen}{restricted})"]
    if item.said_removed_at is not None:
        wrote = f"    You wrote on {_moment(item.said_removed_at)} that it was removed; "
        if item.seen_at is not None and item.seen_at > item.said_removed_at:
            lines.append(f"{wrote}it was still there on {_moment(item.seen_at)}.")
        else:
            lines.append(f"{wrote}it has not been seen since.")
    return lines


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
