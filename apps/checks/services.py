"""What other rooms ask of the checks: watch these, record what a person saw, look again soon."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from apps.core import clock
from apps.platforms import registry
from apps.platforms.accounts import account_page
from apps.platforms.matching import Match

from . import probing
from .models import ACCOUNT_LENGTH, Canary, Check, DefinitionEvent, DefinitionState, Host, Target
from .outcomes import DefinitionChange, Outcome, Reason
from .recording import NewCheck, append


@dataclass(frozen=True, slots=True)
class Wanted:
    """A URL to watch, and the moment it was reported, where its clock starts.

    `with_account`: the page of its account is watched as well, where it can be.
    """

    match: Match
    origin: datetime
    with_account: bool = True


def watch_targets(wanted: Iterable[Wanted]) -> dict[str, Target]:
    """Create or find the target of each URL, by canonical key; due at once.

    A target that is already watched gets one more clock origin. The pages of accounts are made as well; they
    are not in the answer, and have no clock. Safe against a second caller who creates the same target at the
    same moment, and against one who erases it.
    """
    wanted = list(wanted)
    origins: dict[str, set[datetime]] = defaultdict(set)
    matches: dict[str, Match] = {}
    accounts: dict[str, Match] = {}
    for one in wanted:
        matches[one.match.key] = one.match
        origins[one.match.key].add(one.origin)
        page = account_page(one.match) if one.with_account else None
        if page is not None:
            accounts[page.key] = page
    digests = {Target.digest_of(key): key for key in matches}
    now = clock.now()
    with transaction.atomic():
        known = Target.objects.in_bulk(list(digests), field_name="key_digest")
        missing = [key for digest, key in digests.items() if digest not in known]
        if missing:
            hosts = Host.called({matches[key].host for key in missing})
            Target.objects.bulk_create(
                [_new_target(matches[key], hosts[matches[key].host], origins[key], now) for key in missing],
                ignore_conflicts=True,
                batch_size=500,
            )
        if known:
            _add_origins(list(known), digests, origins, now)
        found = Target.objects.in_bulk(list(digests), field_name="key_digest")
        if len(found) < len(digests):
            return watch_targets(wanted)  # one was erased between our read and our lock: it is made anew
        watch_pages(accounts.values())
    return {digests[digest]: target for digest, target in found.items()}


def watch_pages(pages: Iterable[Match]) -> int:
    """Create the targets of pages of accounts that are not watched yet, due at once; returns how many."""
    by_digest = {Target.digest_of(page.key): page for page in pages}
    if not by_digest:
        return 0
    known = Target.objects.filter(key_digest__in=list(by_digest)).values_list("key_digest", flat=True)
    missing = [by_digest[digest] for digest in by_digest.keys() - set(known)]
    if not missing:
        return 0
    now = clock.now()
    with transaction.atomic():
        hosts = Host.called({page.host for page in missing})
        made = [_new_target(page, hosts[page.host], set(), now) for page in missing]
        Target.objects.bulk_create(made, ignore_conflicts=True, batch_size=500)
    return len(missing)


def watch_pages_of(targets: Iterable[Target]) -> int:
    """Watch the pages of the accounts behind `targets`; returns how many were not watched before."""
    pages = {}
    for target in targets:
        match = Match(target.platform, target.kind, target.account, target.key, host="")
        page = account_page(match)
        if page is not None:
            pages[page.key] = page
    return watch_pages(pages.values())


def _new_target(match: Match, host: Host, origins: set[datetime], now: datetime) -> Target:
    target = Target(
        key=match.key,
        platform=match.platform,
        kind=match.kind,
        account=match.account[:ACCOUNT_LENGTH],
        host=host,
        created_at=now,
        origins=[origin.isoformat() for origin in sorted(origins)],
        next_check_at=now,
    )
    target.commit_to_key()
    return target


def _add_origins(
    known: list[str], digests: dict[str, str], origins: dict[str, set[datetime]], now: datetime
) -> None:
    targets = Target.objects.order_by("pk").select_for_update().in_bulk(known, field_name="key_digest")
    changed = []
    for digest, target in sorted(targets.items(), key=lambda pair: pair[1].pk):
        have = {datetime.fromisoformat(origin) for origin in target.origins}
        if origins[digests[digest]] <= have:
            continue
        target.origins = [origin.isoformat() for origin in sorted(have | origins[digests[digest]])]
        target.next_check_at = min(target.next_check_at or now, now)
        changed.append(target)
    Target.objects.bulk_update(changed, ["origins", "next_check_at"], batch_size=200)


def check_soon(target: Target) -> None:
    """Let the checker look at `target` next, ahead of its cadence."""
    Target.objects.filter(pk=target.pk).exclude(key="").update(next_check_at=clock.now())


@dataclass(frozen=True, slots=True)
class ManualObservation:
    """What a person saw. `undated`: no moment was given, and `observed_at` is when it was handed in."""

    target_id: int
    outcome: Outcome
    reason: Reason
    observed_at: datetime
    person_id: int | None = None
    note: str = ""
    undated: bool = False


def record_manual_checks(entries: Iterable[ManualObservation]) -> int:
    """Record what people saw as manual checks; returns how many were new.

    One that is already on record (same target, moment, outcome and reason; the moment does not count for an
    undated one) is not recorded twice, so that the same list can be imported again.
    """
    entries = list(entries)
    with transaction.atomic():
        ids = sorted({entry.target_id for entry in entries})
        for start in range(0, len(ids), 500):
            list(Target.objects.select_for_update().filter(pk__in=ids[start : start + 500]).order_by("pk"))
        known = _known_manual_checks(ids)
        fresh: dict[tuple[object, ...], ManualObservation] = {}
        for entry in entries:
            key = _manual_key(entry.target_id, entry.outcome, entry.reason, entry.observed_at, entry.undated)
            if key not in known:
                fresh.setdefault(key, entry)
        return append(
            NewCheck(
                target_id=entry.target_id,
                started_at=entry.observed_at,
                finished_at=entry.observed_at,
                outcome=entry.outcome,
                reason=entry.reason,
                evidence={"undated": True} if entry.undated else {},
                manual=True,
                person_id=entry.person_id,
                note=entry.note,
            )
            for entry in fresh.values()
        )


def _known_manual_checks(target_ids: list[int]) -> set[tuple[object, ...]]:
    known = set()
    for start in range(0, len(target_ids), 500):
        checks = Check.objects.filter(manual=True, target_id__in=target_ids[start : start + 500])
        for target_id, outcome, reason, moment, evidence in checks.values_list(
            "target_id", "outcome", "reason", "finished_at", "evidence"
        ):
            known.add(_manual_key(target_id, outcome, reason, moment, bool(evidence.get("undated"))))
    return known


def _manual_key(
    target_id: int, outcome: str, reason: str, moment: datetime, undated: bool
) -> tuple[object, ...]:
    return (target_id, str(outcome), str(reason), None if undated else moment)


def find_definition_right(*, platform: str, person_id: int | None = None, note: str = "") -> None:
    """A person looked at a definition and finds that it is right: it is not stale, or no longer.

    What is held against it now is accepted: it does not make it stale again before the canary has been read
    rightly in between.
    """
    definition = registry.definitions()[platform]
    with transaction.atomic():
        state = probing.locked_state(platform)
        rows = list(state_rows := Canary.objects.filter(platform=platform))
        for row in rows:
            row.accepted = ""
        for finding in probing.findings_of(definition, rows):
            of_finding = state_rows.filter(kind=finding.kind, expects=finding.expects)
            of_finding.update(accepted=finding.fault, identity="")
            # Another thing is at its address, and that is well: the next reading keeps what it finds.
            of_finding.filter(reason=Reason.REPLACED).update(accepted="", wrong_since=None)
        _note_look(state, DefinitionChange.FOUND_RIGHT, person_id, note)
        state.stale_since, state.why, state.kept = None, "", False
        state.save()


def keep_definition_stale(*, platform: str, person_id: int | None = None, note: str = "") -> None:
    """A person looked at a definition and finds it stale: it is from now on, until one finds it right."""
    with transaction.atomic():
        state = probing.locked_state(platform)
        _note_look(state, DefinitionChange.KEPT_STALE, person_id, note)
        state.stale_since = state.stale_since or state.looked_at
        state.kept = True
        state.save()


def _note_look(state: DefinitionState, what: DefinitionChange, person_id: int | None, note: str) -> None:
    state.looked_at, state.looked_by_id = clock.now(), person_id
    DefinitionEvent.objects.create(
        platform=state.platform, at=state.looked_at, what=what, why=state.why, person_id=person_id, note=note
    )
