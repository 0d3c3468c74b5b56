"""Which canary an outcome rests on: a table, and what holds of every row of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from apps.checks.canaries import READING_HOLDS, CanaryURL, Witness, witness
from apps.checks.outcomes import REASONS_OF, Fault, Outcome, Reason, shows_item
from apps.checks.staleness import CanaryState
from apps.platforms.matching import Match

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
READ = CanaryState(checked_at=NOW - timedelta(hours=30))


def canary(kind: str, expects: Outcome, *, for_all: bool = False) -> CanaryURL:
    key = f"https://models.example.org/{kind or 'welcome'}/{expects}"
    return CanaryURL("example", kind, expects, Match("example", kind, "", key, "models.example.org"), for_all)


GOOD, MISSING = canary("model", Outcome.AVAILABLE), canary("model", Outcome.REMOVED)
OWN = canary("", Outcome.AVAILABLE, for_all=True)
ALL = {GOOD: READ, MISSING: READ, OWN: READ}
UP, LABELLED = (Outcome.AVAILABLE, Reason.OK), (Outcome.RESTRICTED, Reason.LABELLED)
GONE, WALL = (Outcome.REMOVED, Reason.NOT_FOUND), (Outcome.RESTRICTED, Reason.GEO_BLOCKED)
UNSURE = (Outcome.INCONCLUSIVE, Reason.TIMEOUT)


def old(hours: float) -> CanaryState:
    return CanaryState(checked_at=NOW - READING_HOLDS - timedelta(hours=hours))


def accepted(*canaries: CanaryURL) -> dict[CanaryURL, CanaryState]:
    """All of them, some with a fault that a person accepted."""
    fault = CanaryState(checked_at=READ.checked_at, wrong_since=READ.checked_at, accepted=Fault.WRONG)
    return ALL | dict.fromkeys(canaries, fault)


@pytest.mark.parametrize(
    ("canaries", "kind", "read", "was_gone", "expected"),
    [
        # What reads removed: asked in the round, and has to be right.
        (ALL, "model", GONE, False, (GOOD, True, True)),
        (ALL, "model", GONE, True, (GOOD, True, True)),
        (ALL, "file", GONE, False, (OWN, True, True)),
        ({GOOD: READ, MISSING: READ}, "file", GONE, False, None),
        (accepted(GOOD), "model", GONE, False, (OWN, True, True)),
        (accepted(GOOD, OWN), "model", GONE, False, None),
        # What reads up again.
        (ALL, "model", UP, True, (MISSING, True, True)),
        (ALL, "model", LABELLED, True, (MISSING, True, True)),
        (ALL, "file", UP, True, None),
        (accepted(MISSING), "model", UP, True, None),
        # What reads up as before: the last reading counts, unless there is none or it is old.
        (ALL, "model", UP, False, (MISSING, False, False)),
        (ALL | {MISSING: CanaryState()}, "model", UP, False, (MISSING, True, False)),
        (ALL | {MISSING: old(0)}, "model", UP, False, (MISSING, False, False)),
        (ALL | {MISSING: old(0.1)}, "model", LABELLED, False, (MISSING, True, False)),
        # What tells nothing rests on nothing.
        (ALL, "model", WALL, True, None),
        (ALL, "model", UNSURE, True, None),
        ({}, "model", GONE, False, None),
        ({}, "model", UP, True, None),
    ],
)
def test_what_an_outcome_rests_on(
    canaries: dict[CanaryURL, CanaryState],
    kind: str,
    read: tuple[Outcome, Reason],
    was_gone: bool,
    expected: tuple[CanaryURL, bool, bool] | None,
) -> None:
    found = witness(canaries, kind, outcome=read[0], reason=read[1], was_gone=was_gone, now=NOW)
    assert found == (Witness(*expected) if expected else None)


def test_a_witness_is_known_to_be_other_than_what_it_vouches_for() -> None:
    """So a platform that answers everything alike can neither remove nor bring back anything."""
    for (outcome, reasons), was_gone in product(REASONS_OF.items(), (True, False)):
        for reason in reasons:
            found = witness(ALL, "model", outcome=outcome, reason=reason, was_gone=was_gone, now=NOW)
            if outcome == Outcome.REMOVED or shows_item(outcome, reason):
                assert found is not None
                assert not found.believes(outcome, reason)
            else:
                assert found is None


@pytest.mark.parametrize("must_be_right", [True, False])
def test_an_inconclusive_reading_vouches_only_where_nothing_is_news(must_be_right: bool) -> None:
    for one in (GOOD, MISSING):
        assert Witness(one, ask=True, must_be_right=must_be_right).believes(*UNSURE) is not must_be_right
