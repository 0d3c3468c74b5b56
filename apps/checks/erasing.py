"""Erasing a target's address from the record, so that what is left of its checks can still be vouched for.

What is erased: the URL, its salt and its digest, the account, the host, the identity, and of each check the
evidence and the note. What stays: when it was looked at, what was seen and why, by which signal, and the
digests. A digest covers the evidence, so those of erased checks can no longer be worked out again. In their
place stands an `Erasure`: it covers all that is left of the checks, and is the last link of the target's
chain from then on. Whoever has an evidence bundle of before can still prove each check, by the head.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from django.db import transaction
from django.db.models import Q

from apps.core import clock

from . import ledger
from .models import Check, Erasure, Host, Stretch, Target, Transition, Turn
from .outcomes import ErasedFor

NO_HOST = "erased.invalid"  # RFC 2606: no such name is ever given to anybody
BATCH = 500


def fresh_account_key() -> int:
    """A key to count an account by that says nothing of its name; never 0, which stands for none."""
    return secrets.randbits(63) or 1


def erase_target(target: Target, *, why: ErasedFor, account_key: int) -> Erasure:
    """Erase the address of a target that nobody else watches; `account_key` is what it counts by from now on.

    Call it in a transaction. A check that is under way at this moment is not recorded any more.
    """
    target = _locked(target)
    fault = ledger.fault_of(target)
    host = target.host
    target.checks.update(evidence=ledger.ERASED, note="", note_salt="")
    erasure = _erased(target, why=why, fault="" if fault is None else fault.words, copied=False)
    Target.objects.filter(pk=target.pk).update(
        key="",
        key_digest=secrets.token_hex(32),
        salt="",
        account="",
        account_key=account_key,
        host=_no_host(),
        identity="",
        next_check_at=None,
        head_digest=erasure.digest,
    )
    _let_host_go(host)
    return erasure


def copy_without_address(target: Target, *, why: ErasedFor, account_key: int) -> Target:
    """A copy of a target with all its checks and transitions, and without its address, which others watch.

    The copy's chain begins with the copy. Call it in a transaction.
    """
    target = _locked(target)
    checks = list(target.checks.order_by("number"))
    stretches = {stretch.first: stretch for stretch in target.stretches.all()}
    transitions = list(target.transitions.order_by("pk"))
    copied = target
    copied.pk = None
    copied._state.adding = True
    copied.key, copied.salt, copied.account, copied.identity = "", "", "", ""
    copied.key_digest, copied.commitment = secrets.token_hex(32), secrets.token_hex(32)
    copied.account_key, copied.host, copied.next_check_at = account_key, _no_host(), None
    copied.save(force_insert=True)
    previous, expected = "", 1
    for check in checks:
        if expected < check.number and (stretch := stretches.get(expected)):
            # Of what was folded away the digests would tell which target it was: others stand in their place.
            stretch.digests = secrets.token_bytes(len(stretch.digests))
            previous, expected = stretch.digests[-ledger.DIGEST_BYTES :].hex(), stretch.last + 1
        check.pk, check.target = None, copied
        check.evidence, check.note, check.note_salt, check.note_commitment = ledger.ERASED, "", "", ""
        check.digest = ledger.digest(check, target_commitment=copied.commitment, previous=previous)
        previous, expected = check.digest, check.number + 1
    for stretch in stretches.values():
        stretch.pk, stretch.target = None, copied
    Stretch.objects.bulk_create(stretches.values(), batch_size=BATCH)
    copied.head_digest = previous  # for the erasure, which then takes its place
    Check.objects.bulk_create(checks, batch_size=BATCH)
    for transition in transitions:
        transition.pk, transition.target = None, copied
    Transition.objects.bulk_create(transitions, batch_size=BATCH)
    copied.head_digest = _erased(copied, why=why, fault="", copied=True).digest
    copied.save(update_fields=["head_digest"])
    return copied


def erase_notes(checks: Iterable[int]) -> int:
    """Erase what people noted beside some checks, by their keys; the chain keeps a commitment to it."""
    return Check.objects.filter(pk__in=list(checks)).exclude(note="").update(note="", note_salt="")


def _locked(target: Target) -> Target:
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("An address is erased in one transaction.")
    found = Target.objects.select_for_update(of=("self",)).select_related("host").get(pk=target.pk)
    if not found.key:
        raise ValueError(f"The address of target {found.pk} is erased already.")
    return found


def _erased(target: Target, *, why: ErasedFor, fault: str, copied: bool) -> Erasure:
    at = clock.wall()
    left = ledger.left_of(target)
    erasure = Erasure(
        target=target,
        at=at,
        why=why,
        copied=copied,
        checks=target.check_count,
        head=target.head_digest,
        fault=fault,
        left=left,
    )
    erasure.digest = ledger.erasure_digest(erasure, target_commitment=target.commitment)
    erasure.save()
    return erasure


def _no_host() -> Host:
    return Host.called([NO_HOST])[NO_HOST]


def _let_host_go(host: Host) -> None:
    """Forget a host that nothing is left of: its name may be all of an address."""
    if not (host.targets.exists() or host.canaries.exists()):
        Turn.objects.filter(Q(host=host.name) | Q(host__startswith=f"{host.name}:")).delete()
        host.delete()
