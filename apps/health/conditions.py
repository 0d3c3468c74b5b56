"""What is wrong with the running site, in words, and what to do about it. Pure: facts in, conditions out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db.models import TextChoices

from apps.checks.beats import What
from apps.checks.stalled import Cause, patience
from apps.core import clock
from apps.core.templatetags.show import duration

from .facts import Facts

LONGEST_OVERDUE = timedelta(hours=1)  # then there is more to check than is checked
LONGEST_IMPORT_WAIT = timedelta(minutes=10)
LONGEST_SILENCE = timedelta(minutes=10)  # of the notifier, unless it looks more rarely
LARGEST_CLOCK_OFFSET = timedelta(seconds=5)
LITTLE_ROOM, NO_ROOM = 2_000_000_000, 200_000_000  # bytes


class Grade(TextChoices):
    """How a condition stands."""

    OK = "ok", "in order"
    LOOK = "look", "to be looked at"  # the site does its work; somebody should look
    FAILING = "failing", "failing"  # the site does not do its work


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing that has to be in order, how it stands, and what to do if it is not.

    `name` is for programs. `age` is how long ago, or how long already, in real seconds. `page` is the name of
    the workspace's page on it.
    """

    name: str
    title: str
    grade: Grade
    sentence: str
    remedy: str = ""
    age: timedelta | None = None
    page: str = ""

    @property
    def for_members(self) -> bool:
        """Whether it concerns what members see, and not only whoever runs the site."""
        return self.name in {"checks", "tick", "overdue", "definitions"}


def conditions(facts: Facts) -> list[Condition]:
    """Every condition, in the order in which to mend them. Where the database is missing, little is known."""
    found = list(_of_database(facts))
    if all(one.grade != Grade.FAILING for one in found):
        found += [rule(facts) for rule in _RULES]
    return [*found, *_of_queue(facts), _disk(facts)]


def grade_of(found: Sequence[Condition]) -> Grade:
    """How the site stands as a whole: as its worst condition."""
    grades = {one.grade for one in found}
    return next(grade for grade in (Grade.FAILING, Grade.LOOK, Grade.OK) if grade in grades or not grades)


# ----------------------------------------------------------------------------------- the database, the queue


def _of_database(facts: Facts) -> Iterator[Condition]:
    if facts.database.problem:
        yield Condition(
            "database",
            "Database",
            Grade.FAILING,
            f"The database does not answer ({facts.database.problem}).",
            "Start it, or correct DATABASE_URL. The log of the web server says why it does not answer.",
        )
        return
    yield Condition("database", "Database", Grade.OK, "The database answers.")
    if facts.database.unapplied:
        yield Condition(
            "migrations",
            "Migrations",
            Grade.FAILING,
            "The database is older than the program: "
            f"{_count(facts.database.unapplied, 'migration')} missing.",
            "Run manage.py migrate.",
        )
        return
    yield Condition("migrations", "Migrations", Grade.OK, "The database is as new as the program.")


def _of_queue(facts: Facts) -> Iterator[Condition]:
    queue = facts.queue
    if queue is None:
        return
    if queue.problem:
        yield Condition(
            "queue",
            "Queue",
            Grade.FAILING,
            f"Redis does not answer ({queue.problem}): no work is handed out, and no host is asked.",
            "Start Redis or Valkey, or correct REDIS_URL. Nothing is lost: what is due is in the database.",
        )
        return
    jobs = sum(queue.jobs.values())
    if not queue.workers:
        yield Condition(
            "queue",
            "Queue",
            Grade.LOOK,
            f"No worker is there; {_count(jobs, 'job')} waiting.",
            "Start workers: manage.py rqworker-pool tick default --num-workers 2 "
            "--worker-class apps.checks.jobs.CheckWorker.",
        )
        return
    yield Condition(
        "queue",
        "Queue",
        Grade.OK,
        f"The queue answers: {_count(queue.workers, 'worker')}, {_count(jobs, 'job')} waiting.",
    )


# ------------------------------------------------------------------------------------------------ the checker


def _tick(facts: Facts) -> Condition:
    at = facts.database.beats.get(What.TICK)
    watched = sum(facts.database.targets.values())
    remedy = (
        "Start the checker: manage.py serve starts all parts. Apart from it, that is manage.py rqcron "
        "config/cron.py with a queue, and manage.py run_checker without one."
    )
    if at is None:
        grade = Grade.FAILING if watched else Grade.OK
        sentence = "No checker has looked yet for what is due."
        return Condition("tick", "Checker", grade, sentence, remedy if watched else "")
    age = facts.at - at
    if age >= patience() and watched:
        sentence = f"Nobody has looked for what is due for {duration(age)}."
        return Condition("tick", "Checker", Grade.FAILING, sentence, remedy, age)
    return Condition("tick", "Checker", Grade.OK, f"The checker looked what is due {_ago(age)}.", age=age)


_MEND_THE_LINE = (
    "Look whether the machine that checks reaches the internet: its cable or Wi-Fi, its name servers, a "
    "proxy (CHECK_PROXY), a sign-in page, a filter. Checking goes on by itself once that is mended."
)


def _checking(facts: Facts) -> Condition:
    stall, told_at = facts.database.stall, facts.database.beats.get(What.TOLD)
    pause = facts.database.pause
    if stall is None and pause is not None:
        place = pause.place or "one place"
        sentence = f"Checking is paused at {place}: its line seems to be down. Other places go on."
        return Condition("checks", "Checks", Grade.LOOK, sentence, _MEND_THE_LINE)
    if stall is None:
        if told_at is None:
            return Condition("checks", "Checks", Grade.OK, "No check has told anything yet.")
        age = facts.at - told_at
        sentence = f"The last check that could tell what it saw was {_ago(age)}."
        return Condition("checks", "Checks", Grade.OK, sentence, age=age)
    age = clock.in_real_time(clock.in_the_record(facts.at) - stall.since)
    since = f"Nothing is checked since {_moment(stall.since)}"
    sentences = {
        Cause.PAUSED: f"{since}: our own line seems to be down. {_why_paused(facts)} Nothing is recorded as "
        "removed because of it, and all that is due waits.",
        Cause.NO_TICK: f"{since}, although there is work: nobody looks for it.",
        Cause.NO_WORKER: f"{since}, although there is work: it is handed out, and nobody takes it.",
    }
    remedies = {
        Cause.PAUSED: _MEND_THE_LINE,
        Cause.NO_TICK: "Start the checker: see above.",
        Cause.NO_WORKER: "Look whether workers run, what their log says, and whether Redis answers; start "
        "them anew if they hang.",
    }
    return Condition(
        "checks",
        "Checks",
        Grade.FAILING,
        sentences[stall.cause],
        remedies[stall.cause],
        max(age, timedelta(0)),
    )


def _why_paused(facts: Facts) -> str:
    pause = facts.database.pause
    if pause is None:
        return ""
    return f"When it began, {pause.get_why_display()} ({pause.platforms})."


def _overdue(facts: Facts) -> Condition:
    due, oldest = facts.database.due, facts.database.oldest_due
    if oldest is None:
        return Condition("overdue", "Due targets", Grade.OK, "Nothing is overdue.", age=timedelta(0))
    age = clock.in_real_time(clock.in_the_record(facts.at) - oldest)
    sentence = f"{_count(due, 'target')} due, the oldest for {duration(max(age, timedelta(0)))}."
    if age <= LONGEST_OVERDUE:
        return Condition("overdue", "Due targets", Grade.OK, sentence, age=age)
    return Condition(
        "overdue",
        "Due targets",
        Grade.LOOK,
        sentence,
        "If nothing else is wrong, there is more to check than is checked. Hosts that want to be left alone "
        "are a reason that passes; else start more workers, or raise CHECK_PROCESSES.",
        age,
    )


def _definitions(facts: Facts) -> Condition:
    stale = facts.database.stale
    if not stale:
        return Condition("definitions", "Definitions", Grade.OK, "No definition of a platform is stale.")
    return Condition(
        "definitions",
        "Definitions",
        Grade.LOOK,
        f"{_count(len(stale), 'definition')} stale: {', '.join(stale)}. Nothing counts as removed there.",
        "Look at each of them, and say whether it is right.",
        page="stale_definitions",
    )


def _imports(facts: Facts) -> Condition:
    failed, oldest = facts.database.failed_imports, facts.database.oldest_import
    wait = clock.in_real_time(clock.in_the_record(facts.at) - oldest) if oldest is not None else None
    if wait is not None and wait > LONGEST_IMPORT_WAIT:
        return Condition(
            "imports",
            "Imports",
            Grade.LOOK,
            f"An uploaded list waits for the checker since {duration(wait)}.",
            "The checker imports lists, one after the other: look whether it runs.",
            wait,
        )
    if failed:
        return Condition(
            "imports",
            "Imports",
            Grade.LOOK,
            f"Imports that failed in the last seven days: {failed:,}. Nothing of them was written.",
            "Its page, in its campaign, says why, and lets it be begun anew.",
        )
    return Condition("imports", "Imports", Grade.OK, "No import has failed, and none waits for long.")


def _notifier(facts: Facts) -> Condition:
    at = facts.database.beats.get(What.NOTICE)
    remedy = (
        "Start the notifier: manage.py serve starts all parts. Apart from it, that is manage.py "
        "run_notifier. If it runs, a mail server or webhooks that do not answer may hold it up: its log "
        "says so."
    )
    unsent = "Nobody hears of removals, deadlines or a checker that stands still."
    if at is None:
        if not facts.database.targets:
            return Condition(
                "notifier", "Notifier", Grade.OK, "No notifier has looked yet what there is to tell."
            )
        sentence = f"No notifier has looked yet what there is to tell. {unsent}"
        return Condition("notifier", "Notifier", Grade.LOOK, sentence, remedy)
    age = facts.at - at
    if age > max(LONGEST_SILENCE, patience()):
        sentence = f"Nobody has looked what there is to tell for {duration(age)}. {unsent}"
        return Condition("notifier", "Notifier", Grade.LOOK, sentence, remedy, age)
    return Condition(
        "notifier", "Notifier", Grade.OK, f"The notifier looked what there is to tell {_ago(age)}.", age=age
    )


# ------------------------------------------------------------------------------------------------ the machine


def _clock(facts: Facts) -> Condition:
    offset = facts.database.clock_offset
    if abs(offset) <= LARGEST_CLOCK_OFFSET:
        return Condition("clock", "Clock", Grade.OK, "This machine's clock agrees with the database's.")
    return Condition(
        "clock",
        "Clock",
        Grade.LOOK,
        f"This machine's clock is {offset.total_seconds():+.0f} seconds off the database's. Checks are dated "
        "by the clock of the machine that makes them.",
        "Set the clocks of all machines by NTP.",
    )


def _disk(facts: Facts) -> Condition:
    free, total = facts.disk_free, facts.disk_total
    folder = settings.VAR_DIR
    if free is None or total is None:
        return Condition(
            "disk", "Disk", Grade.LOOK, "The folder of VAR_DIR cannot be read.", f"Make {folder} readable."
        )
    sentence = f"{free / 1e9:,.1f} of {total / 1e9:,.1f} GB are free where VAR_DIR is."
    if free >= LITTLE_ROOM:
        return Condition("disk", "Disk", Grade.OK, sentence)
    grade = Grade.FAILING if free < NO_ROOM and not settings.DATABASE_URL else Grade.LOOK
    return Condition("disk", "Disk", grade, sentence, f"Make room on the disk of {folder}, or move VAR_DIR.")


_RULES: tuple[Callable[[Facts], Condition], ...] = (
    _tick,
    _checking,
    _overdue,
    _definitions,
    _imports,
    _notifier,
    _clock,
)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun} is" if number == 1 else f"{number:,} {noun}s are"


def _ago(age: timedelta) -> str:
    if age < timedelta(minutes=1):
        seconds = round(max(age.total_seconds(), 0))
        return "1 second ago" if seconds == 1 else f"{seconds} seconds ago"
    return f"{duration(age)} ago"


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
