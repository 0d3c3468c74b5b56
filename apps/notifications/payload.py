"""What a webhook is sent: ids and counts, no URL, no account, no text that people wrote. Pure.

docs/notifications.md has the same for those who receive it. `version` counts up when a field changes its
meaning; new fields can come at any time.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime

VERSION = 1
MOST_ITEMS = 100
"""So many items are named by their ids; the rest is counted, and the API lists all."""


def payload(
    *,
    kind: str,
    event: int | None,
    campaign: str,
    at: datetime,
    report: int | None = None,
    platform: str = "",
    rule: str = "",
    count: int = 0,
    items: Sequence[int] = (),
) -> bytes:
    """The body of a message, the same whenever it is made. Moments are in UTC, the record's time."""
    told = {
        "version": VERSION,
        "type": kind,
        "timestamp": at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "data": {
            "event": event,
            "campaign": campaign,
            "report": report,
            "platform": platform or None,
            "deadline": rule or None,
            "count": count,
            "items": list(items[:MOST_ITEMS]),
        },
    }
    return json.dumps(told, separators=(",", ":")).encode()
