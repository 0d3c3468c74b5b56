"""Leases: which worker asks which host, for how long.

A host's due targets are leased together by one conditional update of the host's row, so that whatever the
number of ticks and workers, one of them at a time asks a host. Leases are in real time, by the database's
clock, so that it does not matter how those of the machines are set. A worker that dies loses its lease when
it runs out. One that wakes after its lease goes on if nobody has taken the host meanwhile; else it finds its
token gone and writes nothing.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from apps.core import clock

from .models import Canary, Host, Target


def length() -> timedelta:
    """How long a lease holds, in real time, unless it is renewed."""
    return timedelta(seconds=settings.CHECK_LEASE_SECONDS)


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to ask `host`, for the holder of `token`, until `ends` on this machine's monotonic clock."""

    host_id: int
    host: str
    token: str
    ends: float

    def holds(self) -> bool:
        """Whether it has not run out yet: nobody else can have taken the host."""
        return time.monotonic() < self.ends


def due_targets(now: datetime, among: QuerySet[Target] | None = None) -> QuerySet[Target]:
    """Targets whose next check is due, the longest overdue first."""
    targets = Target.objects.all() if among is None else among
    return targets.filter(next_check_at__lte=now).order_by("next_check_at", "pk")


def due_canaries(now: datetime, canaries: QuerySet[Canary] | None = None) -> QuerySet[Canary]:
    """Canaries that are due to be asked, the longest overdue first."""
    canaries = Canary.objects.all() if canaries is None else canaries
    return canaries.filter(next_check_at__lte=now).order_by("next_check_at", "pk")


def waiting_hosts(
    wall: datetime, *, among: QuerySet[Target] | None = None, canaries: QuerySet[Canary] | None = None
) -> QuerySet[Host]:
    """Hosts that have due targets or canaries, that nobody holds, and that may be asked at a real time.

    Those that were never asked come first, then those that were left alone longest: with more hosts than can
    be asked at once they take turns, and one with many targets does not keep the others waiting. `among`
    narrows the targets, and `canaries` the canaries.
    """
    now = clock.now()
    due = due_targets(now, among).filter(host=OuterRef("pk"))
    canary = due_canaries(now, canaries).filter(host=OuterRef("pk"))
    return (
        Host.objects.filter(_free(wall))
        .filter(Exists(due) | Exists(canary))
        .annotate(due_at=Coalesce(Subquery(due.values("next_check_at")[:1]), now))
        .order_by(F("not_before").asc(nulls_first=True), "due_at", "pk")
    )


def unattended_hosts(wall: datetime, *, due_by: datetime) -> QuerySet[Host]:
    """Hosts with a target that was due by a moment, that nobody holds though they may be asked; unordered."""
    due = due_targets(due_by).filter(host=OuterRef("pk")).order_by()
    return Host.objects.filter(_free(wall)).filter(Exists(due))


def lease_hosts(
    *, limit: int, among: QuerySet[Target] | None = None, canaries: QuerySet[Canary] | None = None
) -> list[Lease]:
    """Lease up to `limit` of the waiting hosts, in their order; under one new token.

    1. Without a lock, look whether there is anything: most looks find nothing.
    2. Take the candidates that no other worker is taking at this moment.
    3. Claim them on the condition that they are still free, and keep those that we got.
    4. Where another worker was faster, look for others in place of those: fewer than `limit` means that no
       more wait.
    """
    wall, ends = _now()
    waiting = waiting_hosts(wall, among=among, canaries=canaries)
    token = secrets.token_hex(16)
    tried: list[int] = []
    taken = 0
    while taken < limit:
        wanted = limit - taken
        found = list(waiting.exclude(pk__in=tried).values_list("pk", flat=True)[:wanted])
        if found:
            taken += _claim(found, token, wall)
            tried += found
        if len(found) < wanted:
            break
    return _held(token, ends) if taken else []


def _claim(hosts: Sequence[int], token: str, wall: datetime) -> int:
    """Lease those of some hosts that are free at a real time, by their keys; returns how many."""
    free = Host.objects.filter(_free(wall))
    with transaction.atomic():
        skip = connection.features.has_select_for_update_skip_locked
        locked = free.filter(pk__in=hosts).order_by("pk").select_for_update(skip_locked=skip)
        ids = [host.pk for host in locked]
        return free.filter(pk__in=ids).update(lease_token=token, lease_until=wall + length())


def lease_host(name: str) -> Lease | None:
    """Lease one watched host, whatever is due there; None while another holds it or it may not be asked."""
    wall, ends = _now()
    token, until = secrets.token_hex(16), wall + length()
    Host.objects.filter(_free(wall), name=name).update(lease_token=token, lease_until=until)
    return next(iter(_held(token, ends)), None)


def _now() -> tuple[datetime, float]:
    """The shared real time, and when a lease that begins then ends on our monotonic clock.

    Read in this order, our end of a lease is never later than that of its row.
    """
    ends = time.monotonic() + length().total_seconds()
    return clock.shared_wall(), ends


def _free(wall: datetime) -> Q:
    """Hosts that nobody holds, and that may be asked, at a real time."""
    return (Q(lease_until=None) | Q(lease_until__lte=wall)) & (Q(not_before=None) | Q(not_before__lte=wall))


def _held(token: str, ends: float) -> list[Lease]:
    hosts = Host.objects.filter(lease_token=token).order_by("pk")
    return [Lease(host.pk, host.name, token, ends) for host in hosts]


def renew(leases: Sequence[Lease]) -> list[Lease]:
    """Extend `leases`; returns those that were still ours: that ran out and nobody took counts."""
    if not leases:
        return []
    wall, ends = _now()
    mine = _held_by(leases)
    Host.objects.filter(mine).update(lease_until=wall + length())
    # A token that was replaced never comes back: whose row has it now, had it at the update.
    kept = set(Host.objects.filter(mine).values_list("pk", "lease_token"))
    return [
        Lease(one.host_id, one.host, one.token, ends) for one in leases if (one.host_id, one.token) in kept
    ]


def leave_alone(lease: Lease, *, rest: timedelta) -> None:
    """Write down that the host wants to be left alone (its Retry-After), so that this outlasts its worker."""
    until = clock.shared_wall() + rest
    hosts = Host.objects.filter(Q(not_before=None) | Q(not_before__lt=until), pk=lease.host_id)
    hosts.filter(lease_token=lease.token).update(not_before=until)


def release(lease: Lease, *, rest: timedelta) -> None:
    """Give a host back; nobody asks it before it has had its `rest` (in real time)."""
    release_all([(lease, rest)])


def release_all(given_back: Iterable[tuple[Lease, timedelta]]) -> None:
    """Give hosts back, each with its rest; with one statement for those that rest equally long."""
    by_rest: dict[timedelta, list[Lease]] = {}
    for lease, rest in given_back:
        by_rest.setdefault(rest, []).append(lease)
    for rest, leases in by_rest.items():
        Host.objects.filter(_held_by(leases)).update(
            lease_token="", lease_until=None, not_before=clock.shared_wall() + rest
        )


def still_mine(leases: Iterable[Lease]) -> set[int]:
    """The keys of the hosts that nobody else has leased, their rows locked until the transaction ends."""
    hosts = Host.objects.select_for_update().filter(_held_by(leases)).order_by("pk")
    return set(hosts.values_list("pk", flat=True))


def _held_by(leases: Iterable[Lease]) -> Q:
    """The hosts of some leases that have their tokens still."""
    by_token: dict[str, list[int]] = {}
    for lease in leases:
        by_token.setdefault(lease.token, []).append(lease.host_id)
    held = Q(pk__in=())
    for token, ids in by_token.items():
        held |= Q(lease_token=token, pk__in=ids)
    return held
