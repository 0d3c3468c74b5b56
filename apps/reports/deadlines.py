"""Time limits to compare a platform's answer with: whose report starts each, and whether it was met.

A rule is a TOML file in `deadline_rules/`. It is compared with the record, nothing more: whether a platform
has to keep it is for others to say. A clock that the reporter's standing does not start is not judged at all,
and says why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
from django.db.models import Q, TextChoices

from apps.checks.cadence import MARK_TOLERANCE
from apps.platforms.schema import DefinitionError, TableReader, read_toml

from .models import Category, Channel, Standing, word_label

OWN_RULES = Path(__file__).resolve().parent / "deadline_rules"
CONFIDENCE = ("verified", "remembered")


class StopsAt(TextChoices):
    """Which event stops a deadline's clock."""

    REMOVAL = "removal", "its removal"
    DECISION = "decision", "a decision"
    EITHER = "either", "a decision or its removal"


class Verdict(TextChoices):
    """How an item stands to a deadline whose clock was started. Closed."""

    MET = "met", "met"
    MISSED = "missed", "missed"
    RUNNING = "running", "running"  # the deadline lies ahead
    INDETERMINATE = "indeterminate", "indeterminate"  # what was seen leaves both open


VERDICTS = tuple(Verdict)
NOTHING = 0  # in place of a moment, among moments in seconds
Moments = npt.NDArray[np.int64] | npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Rule:
    """One time limit.

    `categories`, `standings` and `channels` hold words of ours; empty means any. Days are counted in UTC.
    `valid_until` is the first day that the rule no longer covers. `binding` is false for a commitment that
    companies made of their own will. `hours` is None where the text names no number: then only the times to
    the first reply and to the decision are looked at.
    """

    slug: str
    name: str
    jurisdiction: str
    citation: str
    binding: bool
    categories: tuple[str, ...]
    standings: tuple[str, ...]
    channels: tuple[str, ...]
    starts_with: str  # follows "the clock starts with"
    stops_at: StopsAt
    hours: int | None
    valid_from: date
    valid_until: date | None
    ended_by: str  # what ended it; empty while it is in force
    source: str
    verified: date  # the day on which `source` was read
    confidence: str  # one of CONFIDENCE: of the hours, the dates and who starts the clock
    remembered: str  # what of the rest was not verified; empty if nothing
    notes: str


@dataclass(frozen=True, slots=True)
class Fit:
    """A rule that a report is about. `refusal` is None where the report starts its clock, else a sentence."""

    rule: Rule
    refusal: str | None

    @property
    def starts(self) -> bool:
        """Whether the report starts the rule's clock."""
        return self.refusal is None


# ------------------------------------------------------------------------------------------ whose clock it is


def is_about(rule: Rule, *, category: str) -> bool:
    """Whether a rule concerns reports of that category. Others are not shown with it."""
    return not rule.categories or category in rule.categories


def covers(rule: Rule, moment: datetime) -> bool:
    """Whether a rule was in force at the moment at which something was reported. Days are counted in UTC."""
    day = moment.astimezone(UTC).date()
    return day >= rule.valid_from and (rule.valid_until is None or day < rule.valid_until)


def in_force(rule: Rule, field: str) -> Q:
    """What `covers` says, asked of the moments in a field."""
    begun = Q(**{f"{field}__gte": datetime.combine(rule.valid_from, time(), UTC)})
    if rule.valid_until is None:
        return begun
    return begun & Q(**{f"{field}__lt": datetime.combine(rule.valid_until, time(), UTC)})


def applies(rule: Rule, *, standing: str, channel: str) -> str | None:
    """None where a report of that standing and channel starts the rule's clock, else the sentence why not."""
    if rule.standings and standing not in rule.standings:
        return f"does not apply: the clock starts with {rule.starts_with}; {_sent_by(standing)}"
    if rule.channels and channel not in rule.channels:
        return f"does not apply: the clock starts with {rule.starts_with}; {_sent_as(channel)}"
    return None


def fits(*, category: str, standing: str, channel: str) -> list[Fit]:
    """The rules that a report is about, each with whether it starts the clock; by jurisdiction and name.

    Whether a rule was in force (`covers`) is asked of each item, whose clock starts when it was reported.
    """
    return [
        Fit(rule, applies(rule, standing=standing, channel=channel))
        for rule in rules().values()
        if is_about(rule, category=category)
    ]


def _sent_by(standing: str) -> str:
    if standing == Standing.UNKNOWN:
        return "who sent this is not recorded"
    label = word_label(Standing, standing)
    if label == standing and standing not in Standing.values:
        return f"this was sent by “{label}”"
    if label.startswith("the "):
        return f"this was sent by {label}"
    article = "an" if label[0] in "aeio" else "a"  # a user, an authorised agent
    return f"this was sent by {article} {label}"


def _sent_as(channel: str) -> str:
    if channel == Channel.UNKNOWN:
        return "how this was sent is not recorded"
    return f"this was sent by {word_label(Channel, channel)}"


# ---------------------------------------------------------------------------------------------- met or missed


def deadline(start: datetime, hours: float) -> datetime:
    """The moment at which a clock that started at `start` runs out."""
    return start + timedelta(hours=hours)


def judge(
    *, start: datetime, hours: float, after: datetime | None, by: datetime | None, now: datetime
) -> Verdict:
    """Whether an event in (`after`, `by`] came within `hours` of `start`, as far as the record tells.

    `by` is None for an event that has not been seen. `after` is the last moment that it had not happened yet
    (for a reply that has not come, `now` itself), and None where nothing is known later than the start. Where
    `after` equals `by` the moment is known exactly, as a reply's is.

    1. Missed where it is known to come later than the deadline.
    2. Met where it came by the deadline. A check that ended within MARK_TOLERANCE after it counts as made at
       it, since a check placed exactly at a mark begins a little after it.
    3. Running while the deadline lies ahead and it has not happened.
    4. Otherwise what was seen leaves both open.
    """
    moments = [None if each is None else each.timestamp() for each in (after, by)]
    (verdict,) = judge_all(
        start=np.array([start.timestamp()]),
        hours=hours,
        after=np.array([NOTHING if moments[0] is None else moments[0]]),
        by=np.array([NOTHING if moments[1] is None else moments[1]]),
        now=now.timestamp(),
    )
    return VERDICTS[int(verdict)]


def judge_all(
    *, start: Moments, hours: float, after: Moments, by: Moments, now: float
) -> npt.NDArray[np.int8]:
    """`judge` for many at once: moments in seconds since 1970, NOTHING for None; places in VERDICTS."""
    end = start + hours * 3600
    seen, exact = by != NOTHING, by == after
    return np.select(
        [
            seen & exact & (by <= end),
            (seen & exact) | ((after != NOTHING) & (after >= end)),
            seen & (by <= end + MARK_TOLERANCE.total_seconds()),
            ~seen & (now < end),
        ],
        [VERDICTS.index(each) for each in (Verdict.MET, Verdict.MISSED, Verdict.MET, Verdict.RUNNING)],
        VERDICTS.index(Verdict.INDETERMINATE),
    ).astype(np.int8)


EITHER = (Verdict.MET, Verdict.RUNNING, Verdict.INDETERMINATE, Verdict.MISSED)
"""Where any one of several events stops the clock: the first that is met is enough."""


def either_all(one: npt.NDArray[np.int8], other: npt.NDArray[np.int8]) -> npt.NDArray[np.int8]:
    """The verdicts where any one of two events stops the clock, as places in VERDICTS."""
    rank = np.array([EITHER.index(verdict) for verdict in VERDICTS], np.int8)
    return np.where(rank[one] <= rank[other], one, other)


# ------------------------------------------------------------------------------------------------- the reader


def rules() -> Mapping[str, Rule]:
    """Every rule by its slug, by jurisdiction and name. Raises DefinitionError if one cannot be used."""
    return load_rules(OWN_RULES)


@lru_cache(maxsize=8)
def load_rules(folder: Path) -> Mapping[str, Rule]:
    """The rules of a folder. Raises DefinitionError, whose message names the file and the key."""
    found: dict[str, Rule] = {}
    for path in sorted(folder.glob("*.toml")):
        rule = _read_rule(read_toml(path))
        if rule.slug != path.stem:
            raise DefinitionError(
                f'{path.name}: slug: is "{rule.slug}". Give the file and the rule the same name.'
            )
        found[rule.slug] = rule
    ordered = sorted(found.values(), key=lambda rule: (rule.jurisdiction, rule.name))
    return MappingProxyType({rule.slug: rule for rule in ordered})


def _read_rule(reader: TableReader) -> Rule:
    hours = reader.whole("hours", at_least=1)
    valid_from = reader.day("valid_from")
    valid_until, ended_by = _read_end(reader.table("ended"), valid_from)
    rule = Rule(
        slug=reader.text("slug"),
        name=reader.text("name"),
        jurisdiction=reader.text("jurisdiction"),
        citation=reader.text("citation"),
        binding=_flag(reader, "binding"),
        categories=_words(reader, "categories", Category),
        standings=_words(reader, "standings", Standing),
        channels=_words(reader, "channels", Channel),
        starts_with=reader.text("starts_with"),
        stops_at=StopsAt(reader.text("stops_at", one_of=StopsAt.values)),
        hours=hours,
        valid_from=valid_from,
        valid_until=valid_until,
        ended_by=ended_by,
        source=reader.text("source"),
        verified=reader.day("verified"),
        confidence=reader.text("confidence", one_of=CONFIDENCE),
        remembered=reader.text("remembered", default=""),
        notes=reader.text("notes"),
    )
    reader.finish()
    return rule


def _read_end(reader: TableReader | None, valid_from: date) -> tuple[date | None, str]:
    if reader is None:
        return None, ""
    valid_until, ended_by = reader.day("on"), reader.text("by")
    reader.finish()
    if valid_until <= valid_from:
        raise reader.error(
            "on", f"is {valid_until}, not after valid_from ({valid_from}). Correct one of them."
        )
    return valid_until, ended_by


def _flag(reader: TableReader, key: str) -> bool:
    value = reader.optional_flag(key)
    if value is None:
        raise reader.error(key, f"is missing. Write {key} = true, or false for a voluntary commitment.")
    return value


def _words(reader: TableReader, key: str, words: type[TextChoices]) -> tuple[str, ...]:
    given = reader.texts(key)
    for word in given:
        if word not in words.values:
            allowed: Sequence[str] = words.values
            raise reader.error(key, f'has "{word}". Write words of: {", ".join(allowed)}.')
    return given
