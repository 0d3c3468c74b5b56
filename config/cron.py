"""The periodic schedule, for `manage.py rqcron config/cron.py`.

The scheduler has no lock, so two of them tick twice. That is harmless: a tick leases what is due by
conditional update, and an import is taken by one worker only.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from rq import cron

from apps.checks.jobs import RETENTION, tick
from apps.checks.probing import TAKE_UP_EVERY, take_up
from apps.checks.retention import THIN_EVERY, thin_by_setting
from apps.reports.importing import run_next_import

# A look that was not taken up before the next one is due is dropped, so that looks do not pile up.
every: dict[str, Any] = {
    "queue_name": "tick",
    "interval": settings.CHECK_TICK_SECONDS,
    "ttl": settings.CHECK_TICK_SECONDS,
    **RETENTION,
}
cron.register(tick, **every)
cron.register(run_next_import, job_timeout=3600, **every)
hour = int(TAKE_UP_EVERY.total_seconds())
cron.register(take_up, **{**every, "interval": hour, "ttl": hour})
day = int(THIN_EVERY.total_seconds())
cron.register(thin_by_setting, job_timeout=6 * 3600, **{**every, "interval": day, "ttl": day})
