"""What is known of a platform, as rows for pages: its kinds, how they are probed, what each signal means.

All of it is read from the definitions and from generic.toml. Words are in the language that is active.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _

from apps.platforms import registry
from apps.platforms.schema import (
    BUILT_IN_PARAMETERS,
    Definition,
    Kind,
    Politeness,
    Probe,
    ReportChannel,
    Signal,
    expand,
)

from .conditions import condition_words
from .outcomes import Outcome, Reason
from .signals import Comparison, generic_signals
from .verdict import GENERIC, PAGE_PROBE


@dataclass(frozen=True, slots=True)
class KnownProbe:
    """A way to ask. `shape` is the address that is asked, with ‹names› for the parts of the item's own.

    It is "" where the item's own is asked as it is. `post` is the JSON that is sent there, in the same way.
    """

    name: str
    format: str  # "page", "json" or "file"
    words: str
    shape: str
    post: str
    uses_token: bool
    follows_redirects: bool
    generic: bool
    identity: str


@dataclass(frozen=True, slots=True)
class KnownKind:
    """A kind of thing. `shapes` are how its addresses look; `probes` are in the order of the asking.

    Without probes nothing is asked. `needs_person` says what cannot be told of it without signing in.
    """

    name: str
    shapes: tuple[str, ...]
    probes: tuple[KnownProbe, ...]
    needs_person: str
    known_good: str
    known_missing: str
    canary_note: str


@dataclass(frozen=True, slots=True)
class KnownSignal:
    """A signal in words."""

    signal: Signal

    @property
    def name(self) -> str:
        """The id with its version."""
        return self.signal.name

    @property
    def conditions(self) -> tuple[str, ...]:
        """What has to be so of an answer, one condition each."""
        return condition_words(self.signal.when)

    @property
    def outcome(self) -> Outcome | None:
        """What it then means; None for one that goes on to ask another probe."""
        return Outcome(self.signal.outcome) if self.signal.outcome else None

    @property
    def reason(self) -> str:
        """Why, in words; "" for one that goes on to ask another probe."""
        return _(str(Reason(self.signal.reason).label)) if self.signal.reason else ""


@dataclass(frozen=True, slots=True)
class SignalGroup:
    """Signals that are looked at one after the other; the first that matches decides."""

    title: str
    about: str
    signals: tuple[KnownSignal, ...]


@dataclass(frozen=True, slots=True)
class Knowledge:
    """All that is known of one platform, or (`slug` is "generic") of every site.

    `verified` are the first and the last day on which one of its signals was verified. `phrases` are what
    the general rules take for "not found" in a title, a heading or a status block.
    """

    slug: str
    name: str
    hosts: tuple[str, ...]
    is_software: bool
    kinds: tuple[KnownKind, ...]
    groups: tuple[SignalGroup, ...]
    verified: tuple[date, date] | None
    canary: str = ""
    paces: tuple[tuple[str, Politeness], ...] = ()
    channels: tuple[ReportChannel, ...] = ()
    phrases: tuple[str, ...] = ()
    comparison: Comparison | None = None

    @property
    def signals(self) -> tuple[KnownSignal, ...]:
        """Those of all groups, in their order."""
        return tuple(signal for group in self.groups for signal in group.signals)

    @property
    def needs_person(self) -> tuple[KnownKind, ...]:
        """The kinds of which too little is shown to those who are not signed in."""
        return tuple(kind for kind in self.kinds if kind.needs_person)


def knowledge() -> list[Knowledge]:
    """Of every platform with a definition, by name; the general rules last."""
    found = sorted(registry.definitions().values(), key=lambda each: each.name.casefold())
    return [*map(known_of, found), known_of_any_site()]


def known_of(definition: Definition) -> Knowledge:
    """What a definition says."""
    group = SignalGroup("", "", _signals(definition.signals))
    return Knowledge(
        slug=definition.slug,
        name=definition.name,
        hosts=definition.hosts,
        is_software=definition.is_software,
        kinds=tuple(_kind(definition, name) for name in definition.kind_names),
        groups=(group,),
        verified=_verified(definition.signals),
        canary=definition.canary,
        paces=_paces(definition),
        channels=definition.channels,
    )


def known_of_any_site() -> Knowledge:
    """The rules for sites without a definition, and for what the definitions leave open."""
    rules = generic_signals()
    return Knowledge(
        slug=GENERIC,
        name=_("Every site"),
        hosts=(),
        is_software=False,
        kinds=(
            KnownKind(
                name="page",
                shapes=(),
                probes=(_probe(PAGE_PROBE, {}),),
                needs_person="",
                known_good="",
                known_missing="",
                canary_note="",
            ),
        ),
        groups=(
            SignalGroup(
                "Failures",
                "What it means that nothing came back, where no signal of a platform says so.",
                _signals(rules.failures),
            ),
            SignalGroup(
                "Walls",
                "A wall says nothing of what is behind it, so it is looked for first, on every platform.",
                _signals(rules.walls),
            ),
            SignalGroup(
                "Answers",
                "What an answer means where no signal of a platform does.",
                _signals(rules.answers),
            ),
        ),
        verified=_verified(rules.signals),
        phrases=(*rules.phrases, *rules.whole_titles),
        comparison=rules.comparison,
    )


def _kind(definition: Definition, name: str) -> KnownKind:
    entries = [kind for kind in definition.kinds if kind.name == name]
    first = entries[0]
    return KnownKind(
        name=name,
        shapes=tuple(dict.fromkeys(_shape(kind.key, kind) for kind in entries)),
        probes=tuple(
            _probe(definition.probes[probe], _placeholders(first), token_of=definition.slug)
            for probe in first.probes
        ),
        needs_person=first.needs_person,
        known_good=first.known_good,
        known_missing=first.known_missing,
        canary_note=first.canary_note,
    )


def _shape(template: str, kind: Kind) -> str:
    if template == "{url}":
        return _("any other address")
    return expand(template, _placeholders(kind))


def _placeholders(kind: Kind) -> dict[str, str]:
    names = kind.parts | BUILT_IN_PARAMETERS
    return {**{name: f"‹{name}›" for name in names}, "scheme": "https", **kind.params}


def _probe(probe: Probe, known: dict[str, str], *, token_of: str = "") -> KnownProbe:
    return KnownProbe(
        name=probe.name,
        format=probe.format,
        words=_format_words(probe),
        shape="" if probe.url == "{url}" else expand(probe.url, known),
        post=expand(probe.post, known),
        uses_token=probe.uses_token and bool(registry.token(token_of)),
        follows_redirects=probe.follow_redirects,
        generic=probe.generic,
        identity=probe.identity,
    )


def _format_words(probe: Probe) -> str:
    if probe.json_after:
        return _("the page, and the data in it")
    return {"page": _("the page"), "json": _("an API"), "file": _("the head of the file")}[probe.format]


def _paces(definition: Definition) -> tuple[tuple[str, Politeness], ...]:
    own = [(host, registry.politeness(host)) for host in definition.hosts[:1] if not definition.is_software]
    return (*own, *definition.host_politeness.items())


def _signals(signals: Iterable[Signal]) -> tuple[KnownSignal, ...]:
    return tuple(map(KnownSignal, signals))


def _verified(signals: Iterable[Signal]) -> tuple[date, date] | None:
    days = sorted(signal.verified for signal in signals)
    return (days[0], days[-1]) if days else None
