"""Targets for tests, made the way the project makes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from apps.checks.models import Target
from apps.checks.outcomes import Outcome, Reason
from apps.checks.recording import NewCheck
from apps.checks.services import Wanted, watch_targets
from apps.platforms.matching import Match

REPORTED = datetime(2026, 3, 1, 12, tzinfo=UTC)


def at(hours: float) -> datetime:
    """A moment so many hours after the report."""
    return REPORTED + timedelta(hours=hours)


def match_of(path: str, *, host: str = "models.example.org") -> Match:
    """A URL of a host that no definition knows."""
    return Match(
        platform="example.org", kind="page", account="", key=f"https://{host}/{path}", host=host, params={}
    )


def make_targets(*paths: str, host: str = "models.example.org") -> list[Target]:
    """Watched targets, reported at `REPORTED`, in the order of `paths`."""
    matches = [match_of(path, host=host) for path in paths]
    found = watch_targets(Wanted(match, REPORTED) for match in matches)
    return [found[match.key] for match in matches]


def check(
    target: Target, hours: float, outcome: Outcome, *, manual: bool = False, note: str = ""
) -> NewCheck:
    """A check of `target` so many hours after the report."""
    reasons = {
        Outcome.AVAILABLE: Reason.OK,
        Outcome.REMOVED: Reason.NOT_FOUND,
        Outcome.RESTRICTED: Reason.GATED,
        Outcome.INCONCLUSIVE: Reason.TIMEOUT,
    }
    return NewCheck(
        target_id=target.pk,
        started_at=at(hours),
        finished_at=at(hours),
        outcome=outcome,
        reason=reasons[outcome],
        manual=manual,
        note=note,
    )
