"""How platforms are probed and what counts as removed there, for the public: from the definitions themselves.

Only platforms that a campaign publishes by name are described. Words are in the language that is active.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.utils import translation
from django.utils.translation import gettext as _

from apps.checks.conditions import as_code, condition_words
from apps.checks.knowledge import Knowledge, KnownKind, KnownSignal, known_of, known_of_any_site
from apps.checks.outcomes import Outcome
from apps.checks.verdict import GENERIC
from apps.platforms.registry import definition

from .published import Choices, KindMethod, PlatformMethod, RemovalRule


def platform_methods(keys: Iterable[str], choices: Choices) -> tuple[PlatformMethod, ...]:
    """Of the platforms with these public keys, as far as they are named; last, the rules for every site.

    A key may be a letter that stands for a platform, or stand for all that are known by their domain alone.
    """
    named = choices.platforms == "names" and "platforms" in choices.charts
    found = [known for key in keys if (known := definition(key)) is not None] if named else []
    return (*(_method(each.slug, known_of(each)) for each in found), _method(GENERIC, known_of_any_site()))


def _method(key: str, known: Knowledge) -> PlatformMethod:
    is_generic = key == GENERIC
    removals = [each for each in known.signals if each.outcome == Outcome.REMOVED]
    return PlatformMethod(
        key=key,
        name=known.name,
        kinds=() if is_generic else tuple(map(_kind, known.kinds)),
        rules=tuple(_rule(each, is_generic=is_generic) for each in removals),
    )


def _kind(kind: KnownKind) -> KindMethod:
    return KindMethod(
        # The words of definitions are data: `locale/registries` has them under these contexts.
        name=translation.pgettext("kind", kind.name).replace("_", " "),
        shapes=kind.shapes,
        asked=_asked(kind),
        needs_person=translation.pgettext("definition", kind.needs_person) if kind.needs_person else "",
    )


def _asked(kind: KnownKind) -> str:
    probes = dict.fromkeys(probe.words for probe in kind.probes)
    if not probes:
        return _("nothing is asked: a person has to look")
    return _("asked: %(probes)s") % {"probes": _(", then ").join(probes)}


def _rule(known: KnownSignal, *, is_generic: bool) -> RemovalRule:
    signal = known.signal
    return RemovalRule(
        signal=known.name,
        conditions=condition_words(signal.when, mark=as_code),
        reason=known.reason,
        limits=tuple(_limits(known)),
        known=_("read in a source") if signal.confidence == "verified" else _("reported by others"),
        # The sources of the rules for every site name platforms that a campaign may not want to name.
        source="" if is_generic else signal.source,
        verified=signal.verified.isoformat(),
    )


def _limits(known: KnownSignal) -> Iterator[str]:
    if known.signal.definitive:
        yield _("the platform says so itself")
    if known.signal.needs_seen:
        yield _("only of what was seen before; of anything else it cannot be told")
    if known.signal.compare or known.signal.whole_site:
        yield _("only if an address that cannot exist is answered in the same way")
