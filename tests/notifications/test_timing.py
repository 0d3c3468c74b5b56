"""When e-mails go out, and when what was not taken is tried again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from apps.notifications.kinds import Mails
from apps.notifications.timing import (
    BETWEEN_MAILS,
    RETRY_MAIL,
    RETRY_WEBHOOK,
    WEBHOOK_OFF_AFTER,
    mail_due,
    retry_after,
)

SUNDAY = datetime(2026, 3, 1, 6, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("mails", "now", "due"),
    [
        (Mails.DAILY, SUNDAY, datetime(2026, 3, 1, 7, tzinfo=UTC)),
        (Mails.DAILY, datetime(2026, 3, 1, 7, tzinfo=UTC), datetime(2026, 3, 2, 7, tzinfo=UTC)),
        # 00:30 in Auckland is the day before in UTC.
        (
            Mails.DAILY,
            datetime(2026, 3, 2, 0, 30, tzinfo=timezone(timedelta(hours=13))),
            datetime(2026, 3, 2, 7, tzinfo=UTC),
        ),
        (Mails.WEEKLY, SUNDAY, datetime(2026, 3, 2, 7, tzinfo=UTC)),
        (Mails.WEEKLY, datetime(2026, 3, 2, 6, tzinfo=UTC), datetime(2026, 3, 2, 7, tzinfo=UTC)),
        (Mails.WEEKLY, datetime(2026, 3, 2, 8, tzinfo=UTC), datetime(2026, 3, 9, 7, tzinfo=UTC)),
    ],
)
def test_a_digest_goes_out_at_seven(mails: Mails, now: datetime, due: datetime) -> None:
    assert mail_due(mails, now, None) == mail_due(mails, now, now) == due
    assert due > now


def test_the_first_mail_goes_at_once_and_the_next_waits_a_quarter_of_an_hour() -> None:
    assert mail_due(Mails.AT_ONCE, SUNDAY, None) == SUNDAY
    assert mail_due(Mails.AT_ONCE, SUNDAY, SUNDAY - timedelta(days=1)) == SUNDAY
    assert mail_due(Mails.AT_ONCE, SUNDAY, SUNDAY) == SUNDAY + BETWEEN_MAILS


@pytest.mark.parametrize("schedule", [RETRY_MAIL, RETRY_WEBHOOK])
def test_attempts_thin_out_and_end(schedule: tuple[timedelta, ...]) -> None:
    waits = [retry_after(schedule, attempts) for attempts in range(1, len(schedule) + 1)]
    assert waits == sorted(schedule)
    assert retry_after(schedule, len(schedule) + 1) is None
    assert sum(schedule, timedelta()) < WEBHOOK_OFF_AFTER
