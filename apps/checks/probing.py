"""Canaries on record: which there are, when they are due, how they were read, and what follows from that."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import fields
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from apps.core import clock
from apps.platforms import registry
from apps.platforms.schema import Definition

from .canaries import CanaryReading, CanaryURL, canaries_of
from .models import Canary, DefinitionEvent, DefinitionState, Host, Target
from .outcomes import DefinitionChange
from .staleness import CanaryState, Finding, Staleness, fault_of, fold, next_probe_at, staleness

STATE_FIELDS = tuple(field.name for field in fields(CanaryState))

TAKE_UP_EVERY = timedelta(
    hours=1
)  # between two looks at which platforms are in use, and what their canaries are

_Place = tuple[str, str, str]  # platform, kind, expects: what makes a canary the one it is


def take_up() -> None:
    """Bring the canaries on record in line with the definitions, and those of platforms in use under watch.

    A platform is in use while one of its targets is watched: nobody is asked daily for nothing.
    """
    definitions = registry.definitions()
    in_use = {slug for slug, definition in definitions.items() if _is_in_use(definition)}
    with transaction.atomic():
        _bring_in_line(definitions.values())
        Canary.objects.exclude(platform__in=definitions).delete()
        Canary.objects.filter(platform__in=in_use, next_check_at=None).update(next_check_at=clock.now())
        idle = Canary.objects.exclude(platform__in=in_use)
        idle.exclude(next_check_at=None).update(next_check_at=None)


def take_up_now(slugs: Collection[str]) -> QuerySet[Canary]:
    """Make all canaries of some definitions due at once, in use or not; returns them."""
    definitions = registry.definitions()
    _bring_in_line([definitions[slug] for slug in slugs])
    chosen = Canary.objects.filter(platform__in=slugs)
    chosen.update(next_check_at=clock.now())
    return chosen


def _is_in_use(definition: Definition) -> bool:
    if definition.is_software:
        return sites_targets(definition).exclude(next_check_at=None).exists()
    return Target.objects.exclude(next_check_at=None).filter(platform=definition.slug).exists()


def sites_targets(software: Definition) -> QuerySet[Target]:
    """The targets on sites that run a software, each a platform by its domain, as far as their kinds tell."""
    known = Target.objects.filter(kind__in=software.kind_names).exclude(kind="page")
    return known.exclude(platform__in=registry.definitions())


def _bring_in_line(definitions: Iterable[Definition]) -> None:
    for definition in definitions:
        wanted = {_place_of(one): one for one in canaries_of(definition)}
        known = {_place(row): row for row in Canary.objects.filter(platform=definition.slug)}
        gone = [row.pk for place, row in known.items() if place not in wanted]
        if gone:
            Canary.objects.filter(pk__in=gone).delete()
        changed = {
            place: one
            for place, one in wanted.items()
            if place not in known or known[place].key != one.match.key
        }
        _write_anew(changed, known)


def _write_anew(canaries: dict[_Place, CanaryURL], known: dict[_Place, Canary]) -> None:
    """Rows for canaries that are new, or that have another URL than before: nothing is known of that.

    Safe against a second worker who makes the same ones at the same moment.
    """
    if not canaries:
        return
    hosts = Host.called({one.match.host for one in canaries.values()})
    made: list[Canary] = []
    for place, one in canaries.items():
        row = known.get(place) or Canary(platform=one.platform, kind=one.kind, expects=one.expects)
        row.key, row.host = one.match.key, hosts[one.match.host]
        if row.next_check_at is not None:
            row.next_check_at = clock.now()
        _set(row, CanaryState())
        if row.pk is None:
            made.append(row)
        else:
            row.save()
    Canary.objects.bulk_create(made, ignore_conflicts=True)


def canary_url(row: Canary) -> CanaryURL | None:
    """The canary of a definition that a row stands for; None if the definitions have changed since."""
    definition = registry.definition(row.platform)
    if definition is None:
        return None
    return next(
        (
            one
            for one in canaries_of(definition)
            if _place_of(one) == _place(row) and one.match.key == row.key
        ),
        None,
    )


def last_readings(slugs: Collection[str]) -> dict[str, dict[CanaryURL, CanaryState]]:
    """The canaries of some definitions, by its slug, and how each was last read. One query."""
    rows = {(_place(row), row.key): row for row in Canary.objects.filter(platform__in=slugs)}
    found = {}
    for slug in slugs:
        definition = registry.definition(slug)
        canaries = canaries_of(definition) if definition is not None else ()
        found[slug] = {one: _state_of(rows.get((_place_of(one), one.match.key))) for one in canaries}
    return found


def record_readings(readings: Iterable[CanaryReading]) -> None:
    """Write down how canaries were read, and whether their definitions are stale now."""
    by_platform: dict[str, list[CanaryReading]] = defaultdict(list)
    for reading in readings:
        by_platform[reading.canary.platform].append(reading)
    for platform in sorted(by_platform):
        definition = registry.definition(platform)
        if definition is not None:
            with transaction.atomic():
                _record_of(definition, by_platform[platform])


def put_off(readings: Iterable[CanaryReading], *, until: datetime) -> None:
    """Do not ask canaries again before a moment: how they were read cannot be written down."""
    for reading in readings:
        platform, kind, expects = _place_of(reading.canary)
        rows = Canary.objects.filter(platform=platform, kind=kind, expects=expects)
        rows.update(next_check_at=until)


def _record_of(definition: Definition, readings: Sequence[CanaryReading]) -> None:
    state = locked_state(definition.slug)
    known = {_place(row): row for row in Canary.objects.filter(platform=definition.slug)}
    fresh = {
        place: reading.canary
        for reading in readings
        if (place := _place_of(reading.canary)) not in known or known[place].key != reading.canary.match.key
    }
    if fresh:
        _write_anew(fresh, known)
        known = {_place(row): row for row in Canary.objects.filter(platform=definition.slug)}
    for reading in readings:
        row = known[_place_of(reading.canary)]
        after = fold(
            _state_of(row),
            reading.canary.expects,
            outcome=reading.outcome,
            reason=reading.reason,
            signal=reading.signal,
            at=reading.finished_at,
            identity=reading.identity,
        )
        _set(row, after)
        row.next_check_at = next_probe_at(after, reading.finished_at)
        row.save(update_fields=["next_check_at", *STATE_FIELDS])
    at = max(reading.finished_at for reading in readings)
    before = Staleness(state.stale_since, state.why, state.kept)
    after_all = staleness(before, findings_of(definition, known.values()), at)
    state.probed_at = at
    state.stale_since, state.why, state.kept = after_all.since, after_all.why, after_all.kept
    state.save()
    if (before.since is None) != (after_all.since is None):
        gone_stale = after_all.since is not None
        DefinitionEvent.objects.create(
            platform=definition.slug,
            at=at,
            what=DefinitionChange.WENT_STALE if gone_stale else DefinitionChange.RECOVERED,
            why=after_all.why if gone_stale else before.why,
        )


def locked_state(platform: str) -> DefinitionState:
    """What is held of a definition, locked until the transaction ends; made if there is nothing yet."""
    DefinitionState.objects.get_or_create(platform=platform)
    return DefinitionState.objects.select_for_update().get(platform=platform)


def findings_of(definition: Definition, rows: Iterable[Canary]) -> list[Finding]:
    """What is held against a definition and was not accepted, in the order of its kinds."""
    found = []
    by_place = {_place(row): row for row in rows}
    for one in canaries_of(definition):
        state = _state_of(by_place.get(_place_of(one)))
        fault = fault_of(state, needs_person=one.needs_person)
        if fault is not None and fault != state.accepted:
            found.append(Finding(one.kind, one.expects, fault, state))
    return found


def stale_among(platforms: Collection[str]) -> dict[str, DefinitionState]:
    """Those of some definitions that are stale now."""
    states = DefinitionState.objects.filter(platform__in=platforms).exclude(stale_since=None)
    return {state.platform: state for state in states}


def _place_of(canary: CanaryURL) -> _Place:
    return canary.platform, canary.kind, str(canary.expects)


def _place(row: Canary) -> _Place:
    return row.platform, row.kind, str(row.expects)


def _state_of(row: Canary | None) -> CanaryState:
    if row is None:
        return CanaryState()
    return CanaryState(**{name: getattr(row, name) for name in STATE_FIELDS})


def _set(row: Canary, state: CanaryState) -> None:
    for name in STATE_FIELDS:
        setattr(row, name, getattr(state, name))
