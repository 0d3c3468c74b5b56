"""Whether checking has come to a stand although there is work: what a person has to be told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import TextChoices

from apps.core import clock

from .beats import What, last_beats, tick
from .lease import due_targets, unattended_hosts
from .models import Host, Pause, Target

ABANDONED = timedelta(hours=1)  # a look that is overdue for so long: no worker of that place runs any more
TICKS = 3  # without a check although there is work: one may be lost, and a second be late


class Cause(TextChoices):
    """Why nothing is checked. The words go on from "Nothing is checked:"."""

    PAUSED = "paused", "our own line to the internet seems to be down"
    NO_TICK = "no_tick", "nobody looks for what is due"
    NO_WORKER = "no_worker", "what is due is handed out, and nobody takes it"


@dataclass(frozen=True, slots=True)
class Stall:
    """Nothing is checked `since` a moment in the record's time, though there is work."""

    since: datetime
    cause: Cause

    def __str__(self) -> str:
        return f"Nothing is checked: {self.cause.label}."


def patience() -> timedelta:
    """How long work may lie about before that is worth a word, in real time."""
    return TICKS * tick()


def stalled_since() -> datetime | None:
    """Since when nothing is checked although there is work, in the record's time; None if all is well."""
    found = stall()
    return found.since if found is not None else None


def stall() -> Stall | None:
    """Why nothing is checked although there is work, and since when; None if all is well.

    1. While checking is paused because our own line is down, and no other place checks, that is why.
    2. Whatever is leased is being worked on, and what became due less than three ticks ago may wait.
    3. Else nothing was checked for three ticks. If nobody ticked for as long, no checker runs; else there is
       one that hands out work, and nobody who takes it.

    At most five queries, of which none reads a table as a whole.
    """
    wall = clock.shared_wall()
    paused = pause_in_force(wall)
    if paused is not None:
        checked_at = last_beats().get(What.CHECK)
        # What was under way may still be written; what comes later comes from somewhere else.
        elsewhere = checked_at is not None and checked_at > max(paused.noticed_at + tick(), wall - patience())
        return None if elsewhere else Stall(paused.since, Cause.PAUSED)
    before = clock.in_the_record(wall - patience())
    if Host.objects.filter(lease_until__gt=wall).exists():
        return None
    hosts = unattended_hosts(wall, due_by=before)
    if not hosts.exists():
        return None
    beats = last_beats()
    checked_at, ticked_at = beats.get(What.CHECK), beats.get(What.TICK)
    if checked_at is not None and wall - checked_at < patience():
        return None
    waits_since = _first_due(before)
    since = max(clock.in_the_record(checked_at), waits_since) if checked_at is not None else waits_since
    no_tick = ticked_at is None or wall - ticked_at >= patience()
    return Stall(since, Cause.NO_TICK if no_tick else Cause.NO_WORKER)


def own_place() -> str:
    """The place whose line this process uses."""
    return str(settings.CHECK_PLACE)[:200]


def current_pause() -> Pause | None:
    """The pause that is in force at this place, if any. One query."""
    return Pause.objects.filter(place=own_place(), ended_at=None).first()


def pause_in_force(wall: datetime) -> Pause | None:
    """Of the pauses at all places the one that is looked at next, if anybody looks. One query."""
    looked_at = Pause.objects.filter(ended_at=None, look_at__gt=wall - ABANDONED)
    return looked_at.order_by("look_at").first()


def _first_due(before: datetime) -> datetime:
    wall = clock.shared_wall()
    hosts = unattended_hosts(wall, due_by=before)
    first: Target | None = due_targets(before).filter(host__in=hosts).first()
    return first.next_check_at if first is not None and first.next_check_at is not None else before
