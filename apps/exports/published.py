"""What is public of a campaign: one tree that all public pages, feeds and files are made of.

It holds counts, figures and words that this program wrote, and two texts that were written for the public
(`title`, `text`). It has no place for a URL, a path, an account, a label, a note, a reference or a reply.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from apps.metrics.chart import Chart

VERSION = 4
"""Of the tree's shape. A snapshot of another version is made anew."""

LANGUAGES = ("en-gb", "de")
"""What the words are there in; the first is the one for everybody else."""

Json = dict[str, Any]


class ChartChoice(NamedTuple):
    """A chart that can be published: what it is called, and whether it is there by default."""

    label: str
    default: bool = True


CHARTS: Mapping[str, ChartChoice] = {
    "removed": ChartChoice("share removed since the report"),
    "statuses": ChartChoice("statuses over time"),
    "platforms": ChartChoice("platforms side by side, and a page for each"),
    "channels": ChartChoice("reporting channels side by side"),
    "within": ChartChoice("removed within 24 hours, 48 hours, ..."),
    "times": ChartChoice("how long removals, replies and decisions took"),
    "claims": ChartChoice("claims against observation"),
    "returns": ChartChoice("returns"),
    "accounts": ChartChoice("accounts behind the items, counted"),
    "deadlines": ChartChoice("deadlines"),
    "controls": ChartChoice("reported items beside controls"),
}
"""Every chart and table that can be published, by its name in addresses, in the order of the page."""


DATES = ("month", "day")
"""How exactly the public may be told when something was reported, the coarsest first."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What was chosen to be public.

    `platforms` is "names" or "letters", `dates` one of DATES. A chart that is not chosen is not made, and
    neither is the table that it would need.
    """

    charts: tuple[str, ...]
    platforms: str
    reports: bool
    items: bool
    dates: str


@dataclass(frozen=True, slots=True)
class Counts:
    """How the items of a group stand. `up` are available or restricted; `unclear` all that are neither
    that nor removed.
    """

    eligible: int
    removed: int
    up: int
    unclear: int


@dataclass(frozen=True, slots=True)
class Group:
    """A platform or a channel. `key` is its name in addresses; `counts` is None where it is withheld."""

    key: str
    counts: Counts | None


@dataclass(frozen=True, slots=True)
class ReportRow:
    """One report: when, to whom, how and what about, and how its items stand; None where that is withheld.

    `sent` is a day or a month, `platform` the key of a group (empty where platforms are not public).
    """

    number: int
    sent: str
    platform: str
    channel: str
    category: str
    bounced: bool
    counts: Counts | None


@dataclass(frozen=True, slots=True)
class Step:
    """How all reported items stood at the end of a day or a month, and what came in since the last step."""

    day: str
    statuses: tuple[int, ...]  # in STATUS_ORDER
    reports: int
    replies: int


@dataclass(frozen=True, slots=True)
class Figure:
    """One entry of a short readout. `definition` names what it means."""

    label: str
    figure: str
    detail: str
    definition: str


@dataclass(frozen=True, slots=True)
class Section:
    """What is said of one group: its name, the finding, a readout, and its charts by name.

    Where a group is withheld there is its name alone.
    """

    name: str
    finding: str
    figures: tuple[Figure, ...]
    charts: Mapping[str, Chart]


@dataclass(frozen=True, slots=True)
class Meaning:
    """A definition in words; see `metrics.definitions.Definition`."""

    name: str
    title: str
    meaning: str
    formula: str
    unit: str
    population: str
    exclusions: str
    withheld_below_minimum_n: bool
    source: str


@dataclass(frozen=True, slots=True)
class KindMethod:
    """How a kind of thing is asked for: how its addresses look, and what is `asked`, in words.

    `needs_person` says what cannot be told of it without signing in.
    """

    name: str
    shapes: tuple[str, ...]
    asked: str
    needs_person: str


@dataclass(frozen=True, slots=True)
class RemovalRule:
    """When an answer means that a thing is gone. `signal` is how a check names the rule.

    Of `conditions` all have to hold; what stands in backticks in them is code. `limits` say what else has to
    be so, `known` how sure it is, from which `source` ("" where that is not told) and since which day
    (`verified`).
    """

    signal: str
    conditions: tuple[str, ...]
    reason: str
    limits: tuple[str, ...]
    known: str
    source: str
    verified: str


@dataclass(frozen=True, slots=True)
class PlatformMethod:
    """How a platform is probed, and what counts as removed there. `key` is the one of its group."""

    key: str
    name: str
    kinds: tuple[KindMethod, ...]
    rules: tuple[RemovalRule, ...]


@dataclass(frozen=True, slots=True)
class Words:
    """All that is said in one language.

    `channels` and `categories` are labels by word; `exclusions` the reasons to leave an item out. `methods`
    are those of the platforms that are named, and last the rules for every site.
    """

    whole: Section
    population: str
    platforms: Mapping[str, Section]
    reports: Mapping[str, Section]
    channels: Mapping[str, str]
    categories: Mapping[str, str]
    statuses: Mapping[str, str]
    meanings: tuple[Meaning, ...]
    exclusions: Mapping[str, str]
    reasons: Mapping[str, Mapping[str, str]]  # by outcome, by reason
    methods: tuple[PlatformMethod, ...]


@dataclass(frozen=True, slots=True)
class Method:
    """The numbers that the record is made by, from the code that makes it. Hours, unless a name says else."""

    confirm_count: int
    confirm_hours: int
    definitive_count: int
    definitive_hours: int
    unverifiable_count: int
    unverifiable_days: int
    shortest_gap_minutes: int
    longest_gap_days: int
    age_share: int
    marks_hours: tuple[int, ...]
    confirmation_hours: tuple[int, ...]
    mark_tolerance_minutes: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that is public of a campaign, as of one moment.

    `counts` is None while the campaign has fewer items than `minimum_n`: then nothing of it is shown.
    `statuses` are those of the eligible items, in STATUS_ORDER. `summary` is the JSON of docs/summary.md with
    the groups that are shown.
    """

    version: int
    slug: str
    title: str
    text: str
    as_of: datetime
    since: str
    minimum_n: int
    choices: Choices
    counts: Counts | None
    statuses: tuple[int, ...]
    platforms: tuple[Group, ...]
    channels: tuple[Group, ...]
    reports: tuple[ReportRow, ...]
    reports_left_out: int
    steps: tuple[Step, ...]
    method: Method
    summary: Json
    words: Mapping[str, Words]

    def said(self, language: str) -> Words:
        """The words of a language, or of the first where there are none."""
        return self.words.get(language) or self.words[LANGUAGES[0]]
