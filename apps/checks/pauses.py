"""The pause on record: beginning one, looking whether it is over, ending it; and who is asked about our line.

It is in the database, so that all workers of a place (CHECK_PLACE), which share one line, see it. One of them
at a time looks whether it is over.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Exists, F, OuterRef, Q

from apps.core import clock
from apps.core.canonical import canonicalise
from apps.platforms.matching import Match, match

from . import line, probing
from .canaries import CanaryURL
from .models import Canary, Host, Pause, Target
from .outcomes import Fault, Outcome, Status, Trouble
from .stalled import own_place

log = logging.getLogger(__name__)

HOSTS_LOOKED_THROUGH = 50  # for targets that are up, where no canaries can be asked
TARGETS_IN_TURN = 4 * line.LOOK_AT  # of them, each of another platform: four looks ask others


@dataclass(frozen=True, slots=True)
class Voucher:
    """What is known to be up, and is asked how our line is: a canary (with its identity), or a target.

    `rests`: its host wants to be left alone just now, so that it could be asked, but not yet.
    """

    platform: str
    asked: CanaryURL | Match
    identity: str = ""
    rests: bool = False

    @property
    def match(self) -> Match:
        """Its URL."""
        return self.asked.match if isinstance(self.asked, CanaryURL) else self.asked


def begin(why: Trouble, *, since: datetime, platforms: int) -> Pause:
    """Pause checking at this place, unless it is paused already; returns the pause that is in force here."""
    wall = clock.shared_wall()
    try:
        with transaction.atomic():
            pause = Pause.objects.create(
                place=own_place(),
                since=since,
                noticed_at=wall,
                why=why,
                platforms=platforms,
                look_at=wall + line.gap_after(0),
            )
    except IntegrityError:
        return Pause.objects.get(place=own_place(), ended_at=None)
    log.warning("Checking is paused: %s. It goes on when our line is up again.", why.label)
    return pause


def claim_look(pause: Pause) -> bool:
    """Take the next look whether `pause` is over, if it is time for one and no other worker takes it."""
    wall = clock.shared_wall()
    if pause.look_at > wall:
        return False
    due = Pause.objects.filter(pk=pause.pk, ended_at=None, look_at=pause.look_at)
    pause.looks += 1
    return due.update(look_at=wall + line.gap_after(pause.looks), looks=F("looks") + 1) == 1


def end(pause: Pause) -> None:
    """Let checking go on. What failed while nobody had noticed yet is due again at once."""
    now = clock.now()
    with transaction.atomic():
        if not Pause.objects.filter(pk=pause.pk, ended_at=None).update(ended_at=now):
            return
        failed = Target.objects.filter(last_outcome=Outcome.INCONCLUSIVE, last_check_at__gte=pause.since)
        failed.filter(next_check_at__gt=now, last_reason__in=line.FAILURES).update(next_check_at=now)
    log.warning("Checking goes on: our line is up again. It was paused since %s.", pause.since)


def last_pause() -> Pause | None:
    """The latest pause, over or not. One query."""
    return Pause.objects.order_by("-pk").first()


def vouchers(*, besides: Collection[str], targets: bool) -> list[Voucher]:
    """Who can be asked how our line is: the canaries in use that were read rightly last time.

    One of each platform comes first, and with `targets` items that are up, one of a platform; then those of
    the platforms `besides`; then the other canaries: one can go for good, and must not speak alone for its
    platform. Those whose hosts rest are among them: that nobody can be asked just now does not mean that
    nobody could vouch.
    """
    wall = clock.shared_wall()
    rows = Canary.objects.filter(expects=Outcome.AVAILABLE, outcome=Outcome.AVAILABLE, wrong_since=None)
    rows = rows.exclude(next_check_at=None).exclude(accepted=Fault.WRONG).order_by("-checked_at", "pk")
    first: dict[str, Voucher] = {}
    others: list[Voucher] = []
    for row in sorted(rows.select_related("host"), key=lambda row: _rests(row.host, wall)):
        canary = probing.canary_url(row)
        if canary is None:
            continue
        voucher = Voucher(row.platform, canary, row.identity, _rests(row.host, wall))
        if first.setdefault(row.platform, voucher) is not voucher:
            others.append(voucher)
    up = sorted(_targets_that_are_up(wall) if targets else [], key=lambda target: target.platform in first)
    items = [
        Voucher(target.platform, match(canonicalise(target.key)), rests=_rests(target.host, wall))
        for target in up
    ]
    return [*sorted([*first.values(), *items], key=lambda one: one.platform in besides), *others]


def none_can_vouch() -> bool:
    """Whether no canary in use is read rightly, and those of several platforms wrongly: nobody can vouch."""
    in_use = Canary.objects.filter(expects=Outcome.AVAILABLE).exclude(next_check_at=None)
    wrong = in_use.exclude(wrong_since=None).values("platform").distinct().count()
    return wrong >= line.SEVERAL and not in_use.filter(outcome=Outcome.AVAILABLE).exists()


def _rests(host: Host, wall: datetime) -> bool:
    return host.not_before is not None and host.not_before > wall


def _targets_that_are_up(wall: datetime) -> list[Target]:
    """One target that is up for each platform of the hosts that were asked last; first of those free now."""
    watched = Target.objects.filter(status=Status.AVAILABLE).exclude(next_check_at=None)
    up = watched.filter(host=OuterRef("pk"))
    hosts = Host.objects.filter(Exists(up)).order_by(F("not_before").desc(nulls_last=True), "pk")
    free = hosts.filter(Q(not_before=None) | Q(not_before__lte=wall))
    resting = hosts.filter(not_before__gt=wall)
    found: dict[str, Target] = {}
    for host in [*free[:HOSTS_LOOKED_THROUGH], *resting[:HOSTS_LOOKED_THROUGH]]:
        target = watched.filter(host=host).select_related("host").first()
        if target is not None:
            found.setdefault(target.platform, target)
        if len(found) == TARGETS_IN_TURN:
            break
    return list(found.values())
