"""Each condition: what is said of it, what is to be done, and how it makes the site stand as a whole."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from apps.checks.beats import What
from apps.checks.models import Pause
from apps.checks.outcomes import Trouble
from apps.checks.stalled import Cause, Stall, patience
from apps.health.conditions import (
    LARGEST_CLOCK_OFFSET,
    LITTLE_ROOM,
    LONGEST_IMPORT_WAIT,
    LONGEST_OVERDUE,
    LONGEST_SILENCE,
    NO_ROOM,
    Condition,
    Grade,
    conditions,
    grade_of,
)
from apps.health.facts import DatabaseFacts, Facts, QueueFacts
from tests.factories import at

NOW = at(100)
WELL = Facts(
    NOW,
    DatabaseFacts(
        beats={
            What.TICK: NOW - timedelta(seconds=4),
            What.TOLD: NOW - timedelta(minutes=3),
            What.NOTICE: NOW - timedelta(seconds=9),
        },
        targets={"available": 3},
    ),
    QueueFacts(jobs={"tick": 0, "default": 2}, workers=2),
    disk_free=LITTLE_ROOM,
    disk_total=10 * LITTLE_ROOM,
)


def ago(span: timedelta) -> datetime:
    return NOW - span


def of(name: str, known: Facts) -> Condition:
    return next(one for one in conditions(known) if one.name == name)


def with_database(**changes: Any) -> Facts:
    return replace(WELL, database=replace(WELL.database, **changes))


def stalled(cause: Cause) -> Facts:
    return with_database(
        stall=Stall(ago(timedelta(minutes=7)), cause),
        pause=Pause(why=Trouble.SILENT, platforms=3) if cause == Cause.PAUSED else None,
    )


def test_all_is_well() -> None:
    found = conditions(WELL)
    assert grade_of(found) == Grade.OK
    assert not [one for one in found if one.remedy]
    assert [one.name for one in found] == [
        *("database", "migrations", "tick", "checks", "overdue", "definitions", "imports", "notifier"),
        *("clock", "queue", "disk"),
    ]
    assert of("tick", WELL).sentence == "The checker looked what is due 4 seconds ago."
    assert of("checks", WELL).age == timedelta(minutes=3)
    assert of("tick", with_beats(TICK=ago(timedelta(seconds=1)))).sentence.endswith("due 1 second ago.")
    assert of("notifier", WELL).sentence == "The notifier looked what there is to tell 9 seconds ago."


def with_beats(**changes: datetime) -> Facts:
    """All is well, but for some beats."""
    return with_database(
        beats={**WELL.database.beats, **{What[what]: when for what, when in changes.items()}}
    )


def never(what: What) -> Facts:
    return with_database(beats={one: when for one, when in WELL.database.beats.items() if one != what})


NEVER_TICKED = never(What.TICK)
TABLE = [
    ("database", with_database(problem="OperationalError"), Grade.FAILING, "does not answer"),
    ("migrations", with_database(unapplied=2), Grade.FAILING, "2 migrations are missing"),
    ("queue", replace(WELL, queue=QueueFacts(problem="ConnectionError")), Grade.FAILING, "Redis does not"),
    (
        "queue",
        replace(WELL, queue=QueueFacts(jobs={"default": 1})),
        Grade.LOOK,
        "No worker is there; 1 job is",
    ),
    ("tick", NEVER_TICKED, Grade.FAILING, "No checker has looked yet"),
    ("tick", with_beats(TICK=ago(patience())), Grade.FAILING, "Nobody has looked"),
    ("notifier", never(What.NOTICE), Grade.LOOK, "No notifier has looked yet"),
    (
        "notifier",
        with_beats(NOTICE=ago(LONGEST_SILENCE + timedelta(minutes=1))),
        Grade.LOOK,
        "tell for 11 min",
    ),
    ("checks", stalled(Cause.PAUSED), Grade.FAILING, "our own line seems to be down. When it began, nothing"),
    ("checks", stalled(Cause.NO_TICK), Grade.FAILING, "nobody looks for it"),
    ("checks", stalled(Cause.NO_WORKER), Grade.FAILING, "nobody takes it"),
    (
        "overdue",
        with_database(due=7, oldest_due=ago(LONGEST_OVERDUE + timedelta(minutes=1))),
        Grade.LOOK,
        "7 targets are due, the oldest for 1 h 1 min",
    ),
    (
        "checks",
        with_database(pause=Pause(place="Berlin", why=Trouble.SILENT, platforms=2)),
        Grade.LOOK,
        "Checking is paused at Berlin",
    ),
    ("definitions", with_database(stale=("huggingface",)), Grade.LOOK, "1 definition is stale: huggingface"),
    ("imports", with_database(failed_imports=2), Grade.LOOK, "seven days: 2."),
    (
        "imports",
        with_database(oldest_import=ago(2 * LONGEST_IMPORT_WAIT)),
        Grade.LOOK,
        "waits for the checker",
    ),
    ("clock", with_database(clock_offset=-2 * LARGEST_CLOCK_OFFSET), Grade.LOOK, "-10 seconds off"),
    ("disk", replace(WELL, disk_free=LITTLE_ROOM - 1), Grade.LOOK, "GB are free"),
    ("disk", replace(WELL, disk_free=None), Grade.LOOK, "cannot be read"),
]


@pytest.mark.parametrize(("name", "known", "grade", "words"), TABLE)
def test_what_is_wrong_says_so_and_what_to_do(name: str, known: Facts, grade: Grade, words: str) -> None:
    found = of(name, known)
    assert found.grade == grade
    assert words in found.sentence
    assert found.remedy
    assert grade_of(conditions(known)) == grade
    for text in (found.sentence, found.remedy):
        assert text.endswith(".")


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("tick", with_beats(TICK=ago(patience() - timedelta(seconds=1)))),
        ("notifier", with_beats(NOTICE=ago(LONGEST_SILENCE))),
        ("notifier", with_database(beats={}, targets={})),
        ("tick", with_database(beats={}, targets={})),  # a new site: nothing is watched yet
        ("checks", NEVER_TICKED),
        ("overdue", with_database(due=1, oldest_due=ago(LONGEST_OVERDUE))),
        ("imports", with_database(oldest_import=ago(LONGEST_IMPORT_WAIT))),
        ("clock", with_database(clock_offset=LARGEST_CLOCK_OFFSET)),
    ],
)
def test_what_is_not_yet_wrong_is_in_order(name: str, known: Facts) -> None:
    found = of(name, known)
    assert (found.grade, found.remedy) == (Grade.OK, "")


def test_a_notifier_that_looks_rarely_is_none_that_does_not_run(settings: Any) -> None:
    rarely = with_beats(NOTICE=ago(timedelta(minutes=50)))
    assert of("notifier", rarely).grade == Grade.LOOK
    settings.CHECK_TICK_SECONDS = 3600
    assert of("notifier", rarely).grade == Grade.OK


def test_a_full_disk_stops_a_site_whose_database_is_on_it(settings: Any) -> None:
    full = replace(WELL, disk_free=NO_ROOM - 1)
    settings.DATABASE_URL = ""
    assert of("disk", full).grade == Grade.FAILING
    settings.DATABASE_URL = "postgresql://db.example.org/still_up"
    assert of("disk", full).grade == Grade.LOOK


def test_without_a_database_or_a_queue_nothing_is_said_that_nobody_knows() -> None:
    names = [one.name for one in conditions(replace(with_database(problem="OperationalError"), queue=None))]
    assert names == ["database", "disk"]


def test_a_fast_clock_makes_no_age_of_seconds_long(settings: Any) -> None:
    settings.CLOCK_ORIGIN, settings.CLOCK_SPEED = NOW, 3600
    known = with_database(due=1, oldest_due=ago(timedelta(hours=2)))
    assert of("overdue", known).age == timedelta(seconds=2)
