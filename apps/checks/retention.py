"""Folding away checks that say nothing new, once they are old enough; the ledger stays provable.

Of a stretch of checks that said the same remains one row: which target, from which number to which, and the
digest of each. The check after it covers the last of these, so the chain still leads from the first check to
the head, and an edition that was made in between still finds its head.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, Max, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from apps.core import bulk, clock

from . import ledger
from .adding_up import seen_of, with_folded
from .models import Check, Stretch, Target, Transition
from .outcomes import Outcome, Reason, shows_item
from .status import fold_all
from .thinning import Said, stretches

log = logging.getLogger(__name__)

TARGETS_A_BATCH = 200
UNLOOKED = 8  # checks after a target's last stretch have to be old enough before it is looked at again
THIN_EVERY = timedelta(days=1)


@dataclass(slots=True)
class Thinned:
    """What was folded away. `left` are targets whose chain or fold does not come out as it stands."""

    checks: int = 0
    stretches: int = 0
    targets: int = 0
    left: int = 0


def thin_by_setting(stop: Event | None = None) -> None:
    """What the schedule does once a day: nothing, unless CHECK_KEEP_DAYS says how long checks are kept."""
    if settings.CHECK_KEEP_DAYS:
        done = thin(before=clock.now() - timedelta(days=settings.CHECK_KEEP_DAYS), stop=stop)
        if done.checks or done.left:
            log.info("Folded away %d checks of %d targets; left %d.", done.checks, done.targets, done.left)


def thin(
    *, before: datetime, progress: Callable[[Thinned], None] | None = None, stop: Event | None = None
) -> Thinned:
    """Fold away what says nothing new and is older than `before`.

    In batches of targets, each in a transaction of its own that takes their row locks: it can be interrupted
    at any time, two can run at once, and a target that somebody records at this moment waits for the next
    time. A target whose ledger does not hold keeps all it has: what was altered must not be forgotten.
    """
    done, last = Thinned(), 0
    while stop is None or not stop.is_set():
        with transaction.atomic():
            skip = connection.features.has_select_for_update_skip_locked
            keys = list(
                _candidates(before).filter(pk__gt=last)[:TARGETS_A_BATCH].values_list("pk", flat=True)
            )
            targets = Target.objects.filter(pk__in=bulk.among(keys)).order_by("pk")
            if not keys:
                break
            _thin(list(targets.select_for_update(skip_locked=skip)), before, done)
        last = keys[-1]
        if progress is not None:
            progress(done)
    return done


def _candidates(before: datetime) -> QuerySet[Target]:
    """Targets with something to look at, by their keys. One look into the index of checks for each."""
    ends = Stretch.objects.filter(target=OuterRef("pk")).order_by().values("target").annotate(end=Max("last"))
    old = Check.objects.filter(
        target=OuterRef("pk"), number=OuterRef("end") + Value(UNLOOKED), finished_at__lt=before
    )
    targets = Target.objects.annotate(end=Coalesce(Subquery(ends.values("end")), 0))
    return targets.filter(Exists(old), erasure=None).order_by("pk")


def _thin(targets: Sequence[Target], before: datetime, done: Thinned) -> None:
    keys = [target.pk for target in targets]
    checks: dict[int, list[Check]] = defaultdict(list)
    for check in Check.objects.filter(target__in=bulk.among(keys)).order_by("target", "number"):
        checks[check.target_id].append(check)
    named: dict[int, set[int]] = defaultdict(set)
    transitions = Transition.objects.filter(target__in=bulk.among(keys))
    for key, number in transitions.values_list("target_id", "check_number"):
        named[key].add(number)
    reported = _reported(keys)
    folded = folded_of(keys)
    gone: list[int] = []
    rows: list[Stretch] = []
    for target in targets:
        own = checks[target.pk]
        staying = named[target.pk] | _first_shown(own, reported[target.pk])
        new = list(stretches([_said(check, staying) for check in own], before=before))
        if not new:
            continue
        going = [check for check in own if any(first <= check.number <= last for first, last in new)]
        if ledger.fault_of(target) or not _folds_alike(own, going, folded[target.pk], new):
            done.left += 1
            continue
        digests = {check.number: bytes.fromhex(check.digest) for check in going}
        rows += [
            Stretch(
                target=target,
                first=first,
                last=last,
                digests=b"".join(digests[number] for number in range(first, last + 1)),
            )
            for first, last in new
        ]
        gone += [check.pk for check in going]
        done.targets += 1
    Stretch.objects.bulk_create(rows)
    Check.objects.filter(pk__in=bulk.among(gone)).delete()
    done.checks += len(gone)
    done.stretches += len(rows)


def _reported(keys: Sequence[int]) -> dict[int, list[datetime]]:
    """The moments at which some targets were reported."""
    found: dict[int, list[datetime]] = defaultdict(list)
    rows = Target.objects.filter(pk__in=bulk.among(keys), items__isnull=False)
    for key, moment in rows.values_list("pk", "items__reported_at"):
        found[key].append(moment)
    return found


def _first_shown(checks: Sequence[Check], reported: Iterable[datetime]) -> set[int]:
    """The first check from each report on that shows the item: from then on, the item counts."""
    shown = [check for check in checks if shows_item(Outcome(check.outcome), Reason(check.reason))]
    since = ([check for check in shown if check.started_at >= moment] for moment in set(reported))
    return {min(later, key=lambda check: check.started_at).number for later in since if later}


def _said(check: Check, staying: set[int]) -> Said:
    return Said(
        number=check.number,
        started_at=check.started_at,
        finished_at=check.finished_at,
        recorded_at=check.recorded_at,
        says=ledger.said(check),
        stays=check.manual or bool(check.note_commitment) or check.number in staying,
    )


def folded_of(keys: Iterable[int]) -> dict[int, list[tuple[int, int]]]:
    """The stretches of some targets: the first and the last number of each."""
    found: dict[int, list[tuple[int, int]]] = defaultdict(list)
    rows = Stretch.objects.filter(target__in=bulk.among(keys)).order_by("target", "first")
    for key, first, last in rows.values_list("target_id", "first", "last"):
        found[key].append((first, last))
    return found


def _folds_alike(
    checks: Sequence[Check],
    going: Sequence[Check],
    folded: Sequence[tuple[int, int]],
    new: Sequence[tuple[int, int]],
) -> bool:
    """Whether status and changes come out of what stays as they come out of all."""
    seen = [seen_of(check) for check in checks]
    numbers = {check.number for check in going}
    stays = [one for one in seen if one.number not in numbers]
    return fold_all(with_folded(seen, folded)) == fold_all(with_folded(stays, [*folded, *new]))
