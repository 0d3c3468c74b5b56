"""When an e-mail goes out, and when what was not taken is tried again. Pure, in real time."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from .kinds import Mails

BETWEEN_MAILS = timedelta(minutes=15)
"""Between two e-mails "at once" to one person about one campaign: what comes meanwhile goes into one."""

LOOK_SLOWER = timedelta(minutes=5)
"""Between two looks for what only a read of many rows shows: deadlines, and claims."""

STALL_PATIENCE = timedelta(minutes=10)
"""Nobody is told that checking stands still before it has for so long."""

DIGEST_AT = time(7, tzinfo=UTC)
DIGEST_WEEKDAY = 0  # Monday

RETRY_MAIL = tuple(
    timedelta(minutes=minutes) for minutes in (1, 5, 30, 2 * 60, 6 * 60, 12 * 60, 24 * 60, 24 * 60)
)
RETRY_WEBHOOK = tuple(
    [timedelta(seconds=5), timedelta(minutes=5), timedelta(minutes=30)]
    + [timedelta(hours=hours) for hours in (2, 5, 10, 14, 20, 24)]
)
"""As the Standard Webhooks specification proposes (section "Deliverability and reliability")."""

WEBHOOK_OFF_AFTER = timedelta(days=5)
"""A webhook that took nothing for so long is switched off."""

ATTEMPT = timedelta(minutes=2)
"""How long an attempt may take; if its process was killed, another one tries again after it."""


def mail_due(mails: Mails, now: datetime, last: datetime | None) -> datetime:
    """When an e-mail about something that was found now goes out.

    `last` is when the last one "at once" went or goes out. A digest goes out at 07:00 UTC, the weekly one on
    Mondays.
    """
    if mails == Mails.AT_ONCE:
        return now if last is None else max(now, last + BETWEEN_MAILS)
    due = datetime.combine(now.astimezone(UTC).date(), DIGEST_AT)
    if due <= now:
        due += timedelta(days=1)
    if mails == Mails.WEEKLY:
        due += timedelta(days=(DIGEST_WEEKDAY - due.weekday()) % 7)
    return due


def retry_after(schedule: tuple[timedelta, ...], attempts: int) -> timedelta | None:
    """How long to wait after so many failed attempts; None: no more of them."""
    return schedule[attempts - 1] if attempts <= len(schedule) else None
