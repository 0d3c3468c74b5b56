"""Leases: which worker asks which host, for how long.

A host's due targets are leased together by one conditional update of the host's row, so that whatever the
number of ticks and workers, one of them at a time asks a host and keeps its pace. Leases are in real time.
A worker that dies loses its lease when it runs out. One that wakes after its lease goes on if nobody has
taken the host meanwhile; else it finds its token gone and writes nothing.
"""

from __future__ import annotations

import secrets
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
    """The right to ask `host` until `until`, for the holder of `token`."""

    host_id: int
    host: str
    token: str
    until: datetime


def due_targets(now: datetime, among: QuerySet[Target] | None = None) -> QuerySet[Target]:
    """Targets whose next check is due, the longest overdue first."""
    targets = Target.objects.all() if among is None else among
    return targets.filter(next_check_at__lte=now).order_by("next_check_at", "pk")


def due_canaries(now: datetime, canaries: QuerySet[Canary] | None = None) -> QuerySet[Canary]:
    """Canaries that are due to be asked, the longest overdue first."""
    canaries = Canary.objects.all() if canaries is None else canaries
    return canaries.filter(next_check_at__lte=now).order_by("next_check_at", "pk")


def lease_hosts(
    *, limit: int, among: QuerySet[Target] | None = None, canaries: QuerySet[Canary] | None = None
) -> list[Lease]:
    """Lease up to `limit` hosts that have due targets or canaries and may be asked now; under one new token.

    `among` narrows the targets, and `canaries` the canaries.

    1. Without a lock, look whether there is anything: most looks find nothing.
    2. Take the candidates that no other tick is taking at this moment.
    3. Claim them on the condition that they are still free, and keep those that we got.
    """
    wall = clock.wall()
    free = _free(wall)
    now = clock.now()
    due = due_targets(now, among).filter(host=OuterRef("pk"))
    canary = due_canaries(now, canaries).filter(host=OuterRef("pk"))
    candidates = (
        Host.objects.filter(free)
        .filter(Exists(due) | Exists(canary))
        .annotate(due_at=Coalesce(Subquery(due.values("next_check_at")[:1]), now))
        .order_by("due_at", "pk")
    )
    found = list(candidates.values_list("pk", flat=True)[:limit])
    if not found:
        return []
    token, until = secrets.token_hex(16), wall + length()
    with transaction.atomic():
        hosts = Host.objects.filter(free, pk__in=found).order_by("pk")
        skip = connection.features.has_select_for_update_skip_locked
        ids = [host.pk for host in hosts.select_for_update(skip_locked=skip)]
        Host.objects.filter(free, pk__in=ids).update(lease_token=token, lease_until=until)
    return held(token)


def lease_host(name: str) -> Lease | None:
    """Lease one watched host, whatever is due there; None while another holds it or it may not be asked."""
    wall = clock.wall()
    token, until = secrets.token_hex(16), wall + length()
    Host.objects.filter(_free(wall), name=name).update(lease_token=token, lease_until=until)
    return next(iter(held(token)), None)


def _free(wall: datetime) -> Q:
    """Hosts that nobody holds, and that may be asked, at a real time."""
    return (Q(lease_until=None) | Q(lease_until__lte=wall)) & (Q(not_before=None) | Q(not_before__lte=wall))


def held(token: str) -> list[Lease]:
    """The leases that are still `token`'s."""
    hosts = Host.objects.filter(lease_token=token, lease_until__gt=clock.wall()).order_by("pk")
    return [Lease(host.pk, host.name, token, host.lease_until) for host in hosts if host.lease_until]


def renew(leases: Sequence[Lease]) -> list[Lease]:
    """Extend `leases`; returns those that were still ours: that ran out and nobody took counts."""
    if not leases:
        return []
    until = clock.wall() + length()
    mine = Q()
    for token, ids in _by_token(leases).items():
        mine |= Q(lease_token=token, pk__in=ids)
    Host.objects.filter(mine).update(lease_until=until)
    kept = set(Host.objects.filter(mine, lease_until=until).values_list("pk", "lease_token"))
    return [
        Lease(one.host_id, one.host, one.token, until) for one in leases if (one.host_id, one.token) in kept
    ]


def release(lease: Lease, *, not_before: datetime | None) -> None:
    """Give a host back; nobody asks it before `not_before` (real time: its pace, or its Retry-After)."""
    Host.objects.filter(pk=lease.host_id, lease_token=lease.token).update(
        lease_token="",
        lease_until=None,
        not_before=not_before if not_before is not None else F("not_before"),
    )


def still_mine(lease: Lease) -> bool:
    """Whether nobody else has leased the host, with its row locked until the transaction ends."""
    hosts = Host.objects.select_for_update().filter(pk=lease.host_id, lease_token=lease.token)
    return hosts.exists()


def release_all(leases: Iterable[Lease]) -> None:
    """Give back what was leased but not begun."""
    for lease in leases:
        release(lease, not_before=None)


def _by_token(leases: Sequence[Lease]) -> dict[str, list[int]]:
    by_token: dict[str, list[int]] = {}
    for lease in leases:
        by_token.setdefault(lease.token, []).append(lease.host_id)
    return by_token
