"""The runner: takes leased hosts, asks their due targets at their pace, and records what came back.

One thread (the caller's) leases, schedules and writes; a pool of daemon threads fetches and judges and never
touches the database. The same runner serves `serve` on a laptop, `recheck`, and a django-rq worker's job.
"""

from __future__ import annotations

import logging
import math
import queue
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import cast

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import QuerySet

from apps.core import clock
from apps.core.canonical import canonicalise
from apps.platforms import registry
from apps.platforms.matching import match
from apps.platforms.schema import Politeness

from . import lease as leases
from . import pauses, probing
from .accounts import GONE
from .answer import Answer, Ask, Observation, Sign, Verdict
from .beats import Beats, What
from .canaries import CanaryReading, CanaryURL, Witness, witness
from .cores import OneCore
from .fetch import HOSTS_A_THREAD, Fetcher
from .identity import KnownIdentity
from .lease import Lease
from .line import Doubt, Line, PlatformSign, doubt_about, in_turn, is_over
from .models import Canary, DefinitionState, Pause, Target
from .observe import left_alone, observe, read_canary
from .outcomes import Outcome, Reason, Trouble, shows_item
from .pace import Pacer
from .pauses import Voucher
from .recording import NewCheck, append
from .siblings import Siblings
from .staleness import LASTING, CanaryState
from .stalled import current_pause
from .turns import OutOfTurn

log = logging.getLogger(__name__)

TARGETS_A_LOAD = 200  # of one host, at a time
RECORD_AT = 100  # finished checks of one host before they are written
RECORD_EVERY_SECONDS = 2.0
RECORD_SUSPICIOUS_EVERY = timedelta(seconds=20)  # with removed outcomes: each such batch costs a canary
WRITE_TOGETHER_SECONDS = 0.25  # batches of several hosts wait so long for each other, while there is work
WRITE_AT = 200  # checks that wait to be written together
RECORD_ATTEMPTS = 3  # where the database breaks a transaction off: another writer was in its way
RENEW_SHARE = 4  # of a lease's length: leases are renewed well before they run out
LOOK_EVERY_SECONDS = 0.5  # for newly due targets, while there is nothing else to do
STOP_GRACE_SECONDS = 5.0  # for answers under way when a stop is asked for
LONGEST_HOLD_SECONDS = 15.0  # a host that wants to be left alone for longer is given back meanwhile
PLACE_SECONDS = 20.0  # then a host makes room, where others wait
HOSTS_A_LOOK = 16  # leased at a time, so that several workers share them
MOST_UNRECORDED = 2_000  # finished checks: while the database is too slow to take them, nothing more is asked
OUT_OF_TURN_REST = timedelta(seconds=5)  # for a host whose turn could not be told
CLOCK_TOLERANCE_SECONDS = 5.0
ERROR_DELAY = timedelta(hours=1)  # a target that breaks the checker must not hold up the others


@dataclass(frozen=True, slots=True)
class Due:
    """What a fetching thread needs to know of a target."""

    target_id: int
    key: str
    seen_available: bool
    was_gone: bool  # it is held as suspected or removed
    identity: KnownIdentity


@dataclass(frozen=True, slots=True)
class DueCanary:
    """A canary whose time has come to be read, apart from any target."""

    canary_id: int
    canary: CanaryURL
    identity: str  # that is kept of it


@dataclass(frozen=True, slots=True)
class Finished:
    """One observation on its way into the record.

    `definition` is the slug of the one that it was judged by, or "", and `kind` is that of its URL. `witness`
    is the canary that has yet to be asked before its outcome is believed, if any. `ended` is on the monotonic
    clock.
    """

    due: Due
    observation: Observation
    definition: str = ""
    kind: str = ""
    witness: Witness | None = None
    platform: str = ""
    ended: float = field(default_factory=time.monotonic)

    @property
    def outcome(self) -> Outcome:
        return self.observation.verdict.outcome

    @property
    def is_news(self) -> bool:
        """Whether it says other than what is held of its target, so that a canary may have to be asked."""
        verdict = self.observation.verdict
        back = self.due.was_gone and shows_item(verdict.outcome, verdict.reason)
        return bool(self.definition) and (verdict.outcome == Outcome.REMOVED or back)


@dataclass(frozen=True, slots=True)
class Witnesses:
    """What the canaries of a batch answered."""

    readings: tuple[CanaryReading, ...]


@dataclass(frozen=True, slots=True)
class Probed:
    """A canary that was read because its time had come."""

    due: DueCanary
    reading: CanaryReading


@dataclass(frozen=True, slots=True)
class Held:
    """What our own line may have made: it is not written before somebody has vouched for the line."""

    batch: Sequence[Finished]
    readings: Sequence[CanaryReading]
    doubt: Doubt


@dataclass(frozen=True, slots=True, eq=False)
class Unwritten:
    """A batch of one host that may be written: it waits for those of other hosts (`Runner._write_out`).

    `settled`: whoever was asked how our line is has decided about it, and it is not doubted again.
    """

    run: HostRun
    batch: Sequence[Finished]
    readings: Sequence[CanaryReading]
    settled: bool = True


@dataclass(frozen=True, slots=True)
class LineLook:
    """What came back of those who were asked how our line is.

    `could_be_asked`: of how many platforms there is somebody, though their hosts may rest just now.
    """

    readings: tuple[CanaryReading, ...]
    signs: tuple[PlatformSign, ...]
    could_be_asked: int


@dataclass(frozen=True, slots=True)
class PutBack:
    """A target or canary that was not asked after all: its host wants to be left alone."""

    due: Due | DueCanary


@dataclass(frozen=True, slots=True)
class NotOurTurn:
    """The host must not be asked any more: `due`, or the canaries of a batch, were not asked to their end."""

    due: Due | DueCanary | None


@dataclass(slots=True)
class HostRun:
    """One leased host while it is worked on."""

    lease: Lease
    politeness: Politeness
    since: float = field(default_factory=time.monotonic)
    waiting: deque[Due | DueCanary] = field(default_factory=deque)
    pending_ids: set[int] = field(default_factory=set)  # targets loaded and not yet recorded
    pending_canaries: dict[int, CanaryURL] = field(default_factory=dict)  # loaded and not yet written down
    more: bool = True  # targets may be due beside those that are pending
    loaded: bool = False  # has been once
    in_flight: int = 0
    finished: list[Finished] = field(default_factory=list)
    finished_since: float = 0.0
    suspicious: bool = False  # among the finished is an outcome that needs a canary
    awaiting_canary: list[Finished] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    unwritten: list[Unwritten] = field(default_factory=list)
    closing: bool = False  # what is under way is finished, nothing new is begun
    rest: timedelta = timedelta(0)  # that the host gets at least

    @property
    def unrecorded(self) -> int:
        held = sum(len(one.batch) for one in self.held)
        unwritten = sum(len(one.batch) for one in self.unwritten)
        return len(self.finished) + len(self.awaiting_canary) + held + unwritten

    @property
    def is_idle(self) -> bool:
        return not (self.waiting or self.in_flight or self.unrecorded or self.held or self.unwritten)

    def close(self) -> None:
        """Begin nothing more on this host."""
        self.closing = True
        for due in self.waiting:
            self.forget(due)
        self.waiting.clear()

    def forget(self, due: Due | DueCanary) -> None:
        """Let what was not asked be loaded again."""
        self.more = True
        if isinstance(due, Due):
            self.pending_ids.discard(due.target_id)
        else:
            self.pending_canaries.pop(due.canary_id, None)

    def done_with(self, readings: Iterable[CanaryReading]) -> None:
        """Let the canaries that were read be loaded again when they are due."""
        read = {reading.canary for reading in readings}
        self.pending_canaries = {pk: one for pk, one in self.pending_canaries.items() if one not in read}


@dataclass(slots=True)
class Summary:
    """What a run recorded."""

    outcomes: Counter[str] = field(default_factory=Counter)
    errors: int = 0

    @property
    def checks(self) -> int:
        return self.outcomes.total()


Result = tuple[HostRun | None, object]
"""What a thread brings back, for which host; without one it is about our own line."""


class Runner:
    """Works through due targets. Not thread-safe: one runner, one calling thread.

    While checking is paused because our own line is down (line.py), it only looks whether that is over.

    `among` narrows which targets are checked; then canaries are read on their own only if `canaries` names
    some. `stop` ends it early: answers under way are given a few seconds, what
    finished is recorded, the rest is given back untouched. `on_recorded` is told the outcomes of each batch.
    """

    def __init__(
        self,
        *,
        among: QuerySet[Target] | None = None,
        canaries: QuerySet[Canary] | None = None,
        stop: threading.Event | None = None,
        on_recorded: Callable[[Counter[str]], None] | None = None,
        threads: int | None = None,
        siblings: Siblings | None = None,
        beats: Beats | None = None,
        line: Line | None = None,
    ) -> None:
        self._among = among
        self._canaries = Canary.objects.none() if canaries is None and among is not None else canaries
        self._stop = stop or threading.Event()
        self._on_recorded = on_recorded
        self._threads = threads or settings.CHECK_CONCURRENCY
        self._core = OneCore()
        self._pacer = Pacer()
        self._fetch = Fetcher(pace=self._pacer)
        self._siblings = siblings or Siblings()
        self._beats = beats or Beats()
        self._jobs: queue.SimpleQueue[Callable[[], Result] | None] = queue.SimpleQueue()
        self._results: queue.SimpleQueue[Result] = queue.SimpleQueue()
        self._line = Line() if line is None else line
        self._paused: Pause | None = None  # that is in force
        self._looking = False  # how our line is
        self._runs: dict[int, HostRun] = {}
        self._unwritten: list[Unwritten] = []
        self._unwritten_since = 0.0
        self._looked_at_held = 0.0
        self._given_back: list[tuple[Lease, timedelta]] = []
        self._busy = 0
        self._waits_for_slow_hosts = False
        self._more_wait = False
        self._is_behind = False
        self._renewed_at = time.monotonic()
        self._workers: list[threading.Thread] = []
        self.summary = Summary()

    # -- ways to run it

    def run_due(self) -> Summary:
        """Check what is due now, and return when nothing more is."""
        self._waits_for_slow_hosts = True
        return self._run(forever=False)

    def run_forever(self, *, between: Callable[[], None] | None = None) -> Summary:
        """Check what is due, as it becomes due, until stopped. `between` is called about twice a second."""
        return self._run(forever=True, between=between)

    def run_shift(self, *, seconds: float) -> Summary:
        """Check what is due, and return when nothing more is; begins nothing after `seconds`."""
        return self._run(forever=False, until=time.monotonic() + seconds)

    # -- the main loop

    def _run(
        self,
        *,
        forever: bool,
        between: Callable[[], None] | None = None,
        until: float = math.inf,
    ) -> Summary:
        look_at = 0.0
        _look_at_clock()
        self._core.take()
        try:
            while not self._stop.is_set():
                over = time.monotonic() > until
                if over:
                    self._more_wait = False  # for others to take
                    for run in self._runs.values():
                        run.close()
                looks = time.monotonic() >= look_at
                if looks:
                    if forever:
                        self._beats.note(What.TICK)
                    self._core.look(self._workers)
                    self._mind_pause()
                if self._is_time_for_what_is_held():
                    self._look_at_what_is_held()
                self._renew()
                if self._is_time_to_write():
                    self._write_out()
                self._is_behind = sum(run.unrecorded for run in self._runs.values()) >= MOST_UNRECORDED
                for run in list(self._runs.values()):
                    self._advance(run)
                if (looks or self._wants_hosts()) and time.monotonic() <= until:
                    self._take_hosts()
                if looks:
                    if between:
                        between()
                    look_at = time.monotonic() + LOOK_EVERY_SECONDS
                self._give_leases_back()
                if not self._runs and not forever and (over or not self._looking):
                    if over or not self._take_hosts():
                        break
                    continue
                self._collect(timeout=self._pause(look_at))
            self._wind_down()
        finally:
            self._core.give_back()
            self._give_back()
        return self.summary

    def _take_hosts(self) -> bool:
        if self._paused is not None:
            self._more_wait = False
            return False
        room = HOSTS_A_THREAD * self._threads - len(self._runs)
        if room <= 0:
            self._make_room()
            return False
        may_be_asked = self._free_threads() // settings.CHECK_HOST_CONCURRENCY
        limit = min(room, HOSTS_A_LOOK, max(may_be_asked, 1))
        taken = leases.lease_hosts(limit=limit, among=self._among, canaries=self._canaries)
        runs = {lease.host_id: HostRun(lease, registry.politeness(lease.host)) for lease in taken}
        self._runs |= runs
        self._more_wait = len(taken) == limit
        if runs:
            self._load_canaries(runs)
            for run in runs.values():
                self._advance(run)
        return bool(taken)

    def _wants_hosts(self) -> bool:
        """Whether to look for more hosts at once: there are more, and those it has leave threads idle.

        Beyond that it takes more from look to look, so that other workers get theirs. Ask after `_advance`.
        """
        free = self._free_threads() >= settings.CHECK_HOST_CONCURRENCY
        return self._more_wait and free and len(self._runs) < self._threads

    def _make_room(self) -> None:
        """Give back the hosts that were kept longest, if others wait: no host's targets wait for another's.

        Not where the run ends with the last target: then it comes to the same.
        """
        if self._waits_for_slow_hosts:
            return
        kept = sorted(self._runs.values(), key=lambda run: run.since)
        kept = [run for run in kept if time.monotonic() - run.since > PLACE_SECONDS][:HOSTS_A_LOOK]
        if not kept or any(run.closing for run in self._runs.values()):
            return
        waiting = leases.waiting_hosts(clock.shared_wall(), among=self._among, canaries=self._canaries)
        for run in kept[: waiting[:HOSTS_A_LOOK].count()]:
            run.close()

    def _advance(self, run: HostRun) -> None:
        """Hand out what may be asked now, write what is finished, and give the host back at the end."""
        if run.more and not run.waiting and not run.in_flight:
            self._load(run)
        if run.waiting and self._seconds_to_hold(run.lease.host) > LONGEST_HOLD_SECONDS:
            run.close()
        while (
            run.waiting
            and run.in_flight < run.politeness.concurrency
            and self._free_threads() > 0
            and run.lease.holds()
            and not self._is_behind
            and not self._pacer.seconds_until_free(run.lease.host)
        ):
            self._submit(partial(self._answer, run, run.waiting.popleft()))
            run.in_flight += 1
            if run.politeness.interval_seconds:
                break  # the thread takes the slot; look at the pace again next time round
        if run.finished and (
            len(run.finished) >= RECORD_AT
            or time.monotonic() >= _record_at(run)
            or not (run.waiting or run.in_flight)
        ):
            self._finish_batch(run)
        if run.is_idle and not (run.more and self._load(run)):
            self._release(run)

    def _free_threads(self) -> int:
        """How many more checks may be under way. A thread that waits for its turn at a host does nothing."""
        return self._threads + self._pacer.waiting - self._busy

    def _seconds_to_hold(self, host: str) -> float:
        """How long a lease would be kept for nothing. `run_due` waits for a slow pace, but not for a hold."""
        if self._waits_for_slow_hosts:
            return self._pacer.seconds_held(host)
        return self._pacer.seconds_until_free(host)

    def _load(self, run: HostRun) -> bool:
        """Take in the host's due canaries and targets; each once until it is recorded."""
        if run.closing:
            return False
        if run.loaded:
            self._load_canaries({run.lease.host_id: run})
        run.loaded = True
        due = leases.due_targets(clock.now(), self._among).filter(host_id=run.lease.host_id)
        rows = due.exclude(pk__in=run.pending_ids) if run.pending_ids else due
        loaded = list(rows.only("key", "present_at", "status", "salt", "identity")[:TARGETS_A_LOAD])
        run.more = len(loaded) == TARGETS_A_LOAD
        for target in loaded:
            run.waiting.append(
                Due(
                    target.pk,
                    target.key,
                    seen_available=target.present_at is not None,
                    was_gone=target.status in GONE,
                    identity=KnownIdentity(target.salt, target.identity),
                )
            )
            run.pending_ids.add(target.pk)
        return bool(run.waiting)

    def _load_canaries(self, runs: Mapping[int, HostRun]) -> None:
        """Take in the due canaries of some hosts, by the hosts' keys."""
        due = leases.due_canaries(clock.now(), self._canaries).filter(host_id__in=runs)
        for row in due:
            run = runs[row.host_id]
            if row.pk in run.pending_canaries:
                continue
            canary = probing.canary_url(row)
            if canary is None:
                # The definitions have changed: `take_up` will bring this one in line with them.
                Canary.objects.filter(pk=row.pk).update(next_check_at=None)
                continue
            run.waiting.append(DueCanary(row.pk, canary, row.identity))
            run.pending_canaries[row.pk] = canary

    def _pause(self, look_at: float) -> float:
        """Seconds until there is something to do other than to collect an answer."""
        now = time.monotonic()
        waits = [0.0 if self._wants_hosts() else look_at - now]
        for run in self._runs.values():
            may_ask = run.in_flight < run.politeness.concurrency
            if run.waiting and may_ask and self._free_threads() > 0:
                waits.append(max(self._pacer.seconds_until_free(run.lease.host), 0.002))
            if run.finished and not run.awaiting_canary:
                waits.append(_record_at(run) - now)
            if run.held and not self._looking:
                waits.append(self._looked_at_held + WRITE_TOGETHER_SECONDS - now if self._busy else 0.0)
        if self._unwritten:
            waits.append(self._unwritten_since + WRITE_TOGETHER_SECONDS - now if self._busy else 0.0)
        return max(0.0, min(waits))

    def _collect(self, timeout: float) -> None:
        """Take in answers: wait for one, then all that are there."""
        taken = []
        try:
            if timeout:
                taken.append(self._results.get(timeout=timeout))
            while True:
                taken.append(self._results.get_nowait())
        except queue.Empty:
            pass
        for run, result in taken:
            self._busy -= 1
            if run is None:
                self._take_in(cast(LineLook, result))
            elif isinstance(result, Finished):
                run.in_flight -= 1
                self._line.saw(result.platform, result.observation.sign, result.ended)
                if not run.finished:
                    run.finished_since = time.monotonic()
                run.finished.append(result)
                run.suspicious = run.suspicious or result.is_news
                self._hold(run, result.observation.verdict.retry_after)
            elif isinstance(result, PutBack):
                run.in_flight -= 1
                run.forget(result.due)
            elif isinstance(result, NotOurTurn):
                self._break_off(run, result.due)
            elif isinstance(result, Probed):
                run.in_flight -= 1
                self._hold(run, result.reading.retry_after)
                self._settle(run, [], [result.reading])
            elif isinstance(result, Witnesses):
                for reading in result.readings:
                    self._hold(run, reading.retry_after)
                batch, run.awaiting_canary = run.awaiting_canary, []
                self._settle(run, _with_canaries(batch, result.readings), result.readings)

    def _hold(self, run: HostRun, retry_after: datetime | None) -> None:
        if retry_after is not None:
            self._pacer.hold(run.lease.host, retry_after)
            leases.leave_alone(run.lease, rest=retry_after - clock.wall())

    def _break_off(self, run: HostRun, due: Due | DueCanary | None) -> None:
        """Ask no more of this host: the lease is gone, or nobody can say whose turn it is."""
        run.close()
        run.rest = OUT_OF_TURN_REST
        if due is not None:
            run.in_flight -= 1
            run.forget(due)
            return
        for one in run.awaiting_canary:
            run.pending_ids.discard(one.due.target_id)
        run.awaiting_canary = []

    # -- what the threads carry

    def _submit(self, job: Callable[[], Result]) -> None:
        if len(self._workers) <= self._busy:
            worker = threading.Thread(target=self._work, name="fetch", daemon=True)
            self._workers.append(worker)
            worker.start()
        self._busy += 1
        self._jobs.put(job)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            self._results.put(job())

    def _ask(self, run: HostRun, ask: Ask) -> Answer:
        """One more request of a check, unless its host has meanwhile said that it wants none.

        Raises OutOfTurn if the lease has run out: this process was stopped for a while, and the host may be
        another worker's by now.
        """
        if self._pacer.seconds_held(run.lease.host):
            return left_alone(ask)
        if not run.lease.holds():
            raise OutOfTurn("the lease ran out")
        return self._fetch(ask, ends=lambda: run.lease.ends)

    def _answer(self, run: HostRun, due: Due | DueCanary) -> Result:
        if self._pacer.seconds_held(run.lease.host):
            return run, PutBack(due)
        try:
            if isinstance(due, DueCanary):
                return run, Probed(due, self._read_canary(run, due.canary, due.identity))
            return run, self._observe(run, due)
        except OutOfTurn as error:
            log.warning("a check was broken off: %s", error)
            return run, NotOurTurn(due)

    def _observe(self, run: HostRun, due: Due) -> Finished:
        started_at = clock.now()
        try:
            found = match(canonicalise(due.key))
            observation = observe(
                found,
                fetch=partial(self._ask, run),
                seen_available=due.seen_available,
                siblings=self._siblings,
                was_gone=due.was_gone,
                identity=due.identity,
            )
            return Finished(due, observation, found.definition, found.kind, platform=found.platform)
        except OutOfTurn:
            raise
        except Exception as error:
            # Whatever it is, it concerns one target: it is recorded as ours, and the others go on.
            log.exception("target %s could not be checked", due.target_id)
            observation = Observation(
                Verdict(Outcome.INCONCLUSIVE, Reason.CHECKER_ERROR, False, "checker:error@1", ""),
                started_at=started_at,
                finished_at=clock.now(),
                evidence={"error": type(error).__name__},
            )
            return Finished(due, observation)

    def _ask_witnesses(self, run: HostRun, wanted: Mapping[CanaryURL, str]) -> Result:
        """Read canaries, each under the identity that is kept of it."""
        try:
            readings = (self._read_canary(run, canary, kept) for canary, kept in wanted.items())
            return run, Witnesses(tuple(readings))
        except OutOfTurn as error:
            log.warning("a canary was not asked: %s", error)
            return run, NotOurTurn(None)

    def _read_canary(self, run: HostRun, canary: CanaryURL, kept: str) -> CanaryReading:
        try:
            return read_canary(canary, fetch=partial(self._ask, run), kept=kept)
        except OutOfTurn:
            raise
        except Exception:
            log.exception("a canary of %s could not be read", canary.platform)
            return CanaryReading(
                canary, Outcome.INCONCLUSIVE, Reason.CHECKER_ERROR, "checker:error@1", clock.now()
            )

    # -- our own line

    def _settle(self, run: HostRun, batch: Sequence[Finished], readings: Sequence[CanaryReading]) -> None:
        """Write what stands; hold back what our own line may have made until somebody vouches for it."""
        now = time.monotonic()
        for reading in readings:
            self._line.saw(reading.canary.platform, reading.sign, now)
        if not self._is_held_back(run, batch, readings, now):
            self._record(run, batch, readings, settled=False)

    def _is_held_back(
        self, run: HostRun, batch: Sequence[Finished], readings: Sequence[CanaryReading], now: float
    ) -> bool:
        """Whether a batch is in doubt that nobody has settled: then it is held back, or dropped."""
        doubt = self._doubt_about(batch, readings, now)
        if doubt is None or self._line.proves(doubt):
            return False
        held = Held(batch, readings, doubt)
        if self._paused is not None:
            self._drop(run, held)
        else:
            run.held.append(held)
        return True

    def _doubt_about(
        self, batch: Sequence[Finished], readings: Sequence[CanaryReading], now: float
    ) -> Doubt | None:
        strange = [one.canary for one in readings if one.sign == Sign.STRANGE]
        silent = [one.canary.platform for one in readings if one.sign == Sign.SILENT]
        return doubt_about(
            silent=[
                *((one.platform, one.ended) for one in batch if _is_silent(one)),
                *((platform, now) for platform in silent),
            ],
            unvouched=[(one.platform, one.ended) for one in batch if _is_unvouched(one)],
            strange=[(one.platform, now) for one in strange if _was_right(one)],
            line=self._line,
            now=now,
        )

    def _is_time_for_what_is_held(self) -> bool:
        """Whether to ask how our line is: batches that are held back wait for each other, too."""
        return not self._busy or time.monotonic() >= self._looked_at_held + WRITE_TOGETHER_SECONDS

    def _look_at_what_is_held(self) -> None:
        """Ask a few platforms how our line is, if something is held back because of it."""
        held = [one for run in self._runs.values() for one in run.held]
        if not held or self._looking:
            return
        self._looked_at_held = time.monotonic()
        doubted = {platform for one in held for platform, _ in one.doubt.signs}
        only_silent = all(sign == Sign.SILENT for one in held for _, sign in one.doubt.signs)
        asked = pauses.vouchers(besides=doubted, targets=only_silent and bool(doubted))
        if asked:
            self._look(asked, turn=0, enough=max(one.doubt.needs for one in held))
        else:
            self._take_in(LineLook((), (), could_be_asked=0))

    def _mind_pause(self) -> None:
        """See whether checking is paused, and if it is time look whether that is over."""
        self._paused = current_pause()
        if self._paused is None:
            return
        for run in list(self._runs.values()):
            run.close()
            dropped, run.held = run.held, []
            for held in dropped:
                if self._line.proves(held.doubt):
                    self._record(run, held.batch, held.readings)
                else:
                    self._drop(run, held)
        if not self._looking and pauses.claim_look(self._paused):
            # A target's page is none that we know: it cannot tell what answers for everybody from itself.
            asked = pauses.vouchers(besides=(), targets=self._paused.why == Trouble.SILENT)
            self._look(asked, turn=self._paused.looks, enough=None)

    def _look(self, asked: Sequence[Voucher], *, turn: int, enough: Sign | None) -> None:
        self._looking = True
        self._submit(partial(self._ask_vouchers, asked, turn, enough))

    def _ask_vouchers(self, asked: Sequence[Voucher], turn: int, enough: Sign | None) -> Result:
        """Ask one after the other, at their pace, until one proves as much as is `enough`."""
        readings: list[CanaryReading] = []
        signs: list[PlatformSign] = []
        for one in in_turn([one for one in asked if not one.rests], turn):
            if self._pacer.seconds_held(one.match.host):
                continue
            try:
                if isinstance(one.asked, CanaryURL):
                    readings.append(read_canary(one.asked, fetch=self._fetch, kept=one.identity))
                    sign = readings[-1].sign
                else:
                    seen = observe(one.asked, fetch=self._fetch, seen_available=True, siblings=Siblings())
                    sign = seen.sign
            except OutOfTurn:
                continue
            except Exception:
                log.exception("%s could not be asked how our line is", one.platform)
                continue
            signs.append((one.platform, sign))
            if enough is not None and sign >= enough:
                break
        platforms = {one.platform for one in asked}
        return None, LineLook(tuple(readings), tuple(signs), could_be_asked=len(platforms))

    def _take_in(self, look: LineLook) -> None:
        """Draw the conclusion from a look: it goes on, it is paused, or it is none of our line's."""
        self._looking = False
        for platform, sign in look.signs:
            self._line.saw(platform, sign, time.monotonic())
        if self._paused is not None:
            self._end_pause(self._paused, look)
            return
        held = [one for run in self._runs.values() for one in run.held]
        wrong = self._line.trouble((one.doubt for one in held), look.signs)
        if wrong is not None and look.signs:
            now = time.monotonic()
            first = min([*self._line.silent(now).values(), *(one.doubt.since for one in held)], default=now)
            # The first that failed may have been asked as long ago as an answer may take.
            ago = timedelta(seconds=now - first + settings.CHECK_TIMEOUT)
            since = clock.in_the_record(clock.wall() - ago)
            signs = [*look.signs, *(sign for one in held for sign in one.doubt.signs)]
            pauses.begin(wrong, since=since, platforms=len({platform for platform, _ in signs}))
            self._mind_pause()
            return
        void = look.could_be_asked > 0 or pauses.none_can_vouch()
        for run in list(self._runs.values()):
            released, run.held = run.held, []
            for one in released:
                stands = self._line.proves(one.doubt) or not void
                batch = one.batch if stands else [_void_if_unvouched(each) for each in one.batch]
                self._record(run, batch, one.readings)

    def _end_pause(self, pause: Pause, look: LineLook) -> None:
        """End it if our line is up. What lasts for longer than outages do is the platforms', and recorded."""
        if is_over(pause.why, look.signs, could_be_asked=look.could_be_asked):
            pauses.end(pause)
        elif pause.why == Trouble.STRANGE and clock.now() - pause.since >= LASTING:
            probing.record_readings(look.readings)
            pauses.end(pause)
        self._mind_pause()

    def _drop(self, run: HostRun, held: Held) -> None:
        """Throw away what our line may have made, so that it is asked anew; write down the rest."""
        kept = [one for one in held.batch if not (_is_silent(one) or _is_unvouched(one) or _is_voided(one))]
        run.pending_ids.difference_update(one.due.target_id for one in held.batch if one not in kept)
        run.done_with(held.readings)
        self._record(run, kept, [one for one in held.readings if one.sign >= Sign.TOLD])

    # -- what is written

    def _finish_batch(self, run: HostRun) -> None:
        """Write a host's finished checks; those that need a canary only after it was asked.

        The canary is asked after the answers that it vouches for, so that an outage which began between two
        looks cannot pass for removals. Where the definition is stale nothing can vouch, and none is asked.
        """
        if run.awaiting_canary:
            return  # one batch at a time waits for its canaries
        self._renew()  # writing may take long, and the other hosts wait for it
        batch, wanted = _held_to_canaries(run.finished)
        run.finished, run.suspicious = [], False
        if not wanted:
            self._settle(run, batch, [])
            return
        run.awaiting_canary = batch
        self._submit(partial(self._ask_witnesses, run, wanted))

    def _record(
        self,
        run: HostRun,
        batch: Sequence[Finished],
        readings: Sequence[CanaryReading],
        *,
        settled: bool = True,
    ) -> None:
        """Have `batch` written, together with those of other hosts."""
        if not (batch or readings):
            return
        if not self._unwritten:
            self._unwritten_since = time.monotonic()
        one = Unwritten(run, batch, readings, settled)
        self._unwritten.append(one)
        run.unwritten.append(one)

    def _is_time_to_write(self) -> bool:
        """Whether much waits to be written, or has waited long enough, or nothing else is under way."""
        return bool(self._unwritten) and (
            not self._busy
            or time.monotonic() >= self._unwritten_since + WRITE_TOGETHER_SECONDS
            or sum(len(one.batch) for one in self._unwritten) >= WRITE_AT
        )

    def _write_out(self) -> None:
        """Write what waits in one transaction; of hosts whose lease is not ours any more it is dropped.

        What failed on one platform is doubted once more first: others may have failed while it waited.
        """
        waiting, self._unwritten = self._unwritten, []
        now, batches = time.monotonic(), []
        for one in waiting:
            one.run.unwritten.remove(one)
            if one.settled or not self._is_held_back(one.run, one.batch, one.readings, now):
                batches.append(one)
        if not batches:
            return
        try:
            written = self._write(batches)
        except (OperationalError, InterfaceError):
            raise  # the database itself is in trouble: nothing was written, the leases run out
        except Exception:
            log.exception("%s batches could not be recorded together; trying one by one", len(batches))
            written = [kept for one in batches if (kept := self._write_alone(one)) is not None]
        else:
            self._drop_lost([one for one in batches if one not in written])
        checks = [check for one in written for check in one.batch]
        for one in written:
            one.run.pending_ids.difference_update(check.due.target_id for check in one.batch)
            one.run.done_with(one.readings)
        if not checks:
            return
        outcomes = Counter(str(check.outcome) for check in checks)
        self._give_signs_of(checks)
        self.summary.outcomes += outcomes
        if self._on_recorded:
            self._on_recorded(outcomes)

    def _write_alone(self, one: Unwritten) -> Unwritten | None:
        """What could be written of one host's batch; None if its lease is not ours any more."""
        try:
            if not self._write([one]):
                self._drop_lost([one])
                return None
            return one
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            log.exception("a batch of %s checks could not be recorded; trying one by one", len(one.batch))
            batch = [check for check in one.batch if self._record_alone(one.run, check)]
            probing.put_off(one.readings, until=clock.now() + ERROR_DELAY)
            return replace(one, batch=batch)

    def _drop_lost(self, batches: Iterable[Unwritten]) -> None:
        """Drop what may not be written: it is done again, by whoever has the host now."""
        for one in batches:
            log.warning("a lease ran out: %s answers are dropped and asked again", len(one.batch))
            self._forget(one.run)

    def _give_signs_of(self, batch: Sequence[Finished]) -> None:
        told = any(one.outcome != Outcome.INCONCLUSIVE for one in batch)
        self._beats.note(What.CHECK, *([What.TOLD] if told else []))
        self._beats.count(
            Counter((one.definition, str(one.outcome), str(one.observation.verdict.reason)) for one in batch)
        )

    def _record_alone(self, run: HostRun, one: Finished) -> bool:
        try:
            return bool(self._write([Unwritten(run, [one], [])]))
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            log.exception("target %s could not be recorded; it is put off", one.due.target_id)
            Target.objects.filter(pk=one.due.target_id).exclude(key="").update(
                next_check_at=clock.now() + ERROR_DELAY
            )
            self.summary.errors += 1
            return False

    def _write(self, batches: Sequence[Unwritten]) -> list[Unwritten]:
        """Write in one transaction; returns what was written: all whose leases are still ours.

        A transaction that the database breaks off, because another writer was in its way, is tried again.
        """
        for attempt in range(1, RECORD_ATTEMPTS + 1):
            try:
                with transaction.atomic():
                    held = leases.still_mine({one.run.lease for one in batches})
                    mine = [one for one in batches if one.run.lease.host_id in held]
                    probing.record_readings(reading for one in mine for reading in one.readings)
                    append(_new_check(check) for one in mine for check in one.batch)
                return mine
            except OperationalError:
                if attempt == RECORD_ATTEMPTS or not connection.is_usable():
                    raise
                log.warning("recording was broken off by the database (attempt %s); trying again", attempt)
        raise AssertionError("the last attempt returns or raises")

    # -- leases, end

    def _renew(self) -> None:
        if time.monotonic() - self._renewed_at < leases.length().total_seconds() / RENEW_SHARE:
            return
        self._renewed_at = time.monotonic()
        kept = {lease.host_id: lease for lease in leases.renew([run.lease for run in self._runs.values()])}
        for host_id, run in list(self._runs.items()):
            if host_id in kept:
                run.lease = kept[host_id]
            else:
                del self._runs[host_id]

    def _release(self, run: HostRun) -> None:
        paced = self._pacer.rest(registry.asked_hosts(run.lease.host))
        self._given_back.append((run.lease, max(run.rest, paced)))
        self._forget(run)

    def _give_leases_back(self) -> None:
        given_back, self._given_back = self._given_back, []
        leases.release_all(given_back)

    def _forget(self, run: HostRun) -> None:
        """Drop `run`; a later lease of the same host, if we got one, stays."""
        if self._runs.get(run.lease.host_id) is run:
            del self._runs[run.lease.host_id]

    def _wind_down(self) -> None:
        """Give answers under way a few seconds, then record what there is.

        What still waits for a canary then, or for somebody to vouch for our line, is dropped: without that
        it is not to be trusted, and the target is asked again.
        """
        until = time.monotonic() + STOP_GRACE_SECONDS
        for run in self._runs.values():
            run.close()
        while time.monotonic() < until:
            for run in list(self._runs.values()):
                if run.finished and not run.in_flight:
                    self._finish_batch(run)
            self._look_at_what_is_held()
            self._write_out()
            if not self._busy:
                return
            self._collect(timeout=0.1)
        for run in list(self._runs.values()):
            answers = [*run.awaiting_canary, *_held_to_canaries(run.finished)[0]]
            self._settle(run, [one for one in answers if one.witness is None], [])
        while self._unwritten:
            self._write_out()

    def _give_back(self) -> None:
        for _ in self._workers:
            self._jobs.put(None)
        self._pacer.close()
        self._fetch.close()
        for run in list(self._runs.values()):
            self._release(run)
        self._give_leases_back()
        self._beats.write()


def _is_silent(one: Finished) -> bool:
    return one.observation.sign == Sign.SILENT


def _is_unvouched(one: Finished) -> bool:
    """Whether it reads removed, by an answer that anybody on the way may have given, or without any."""
    return one.outcome == Outcome.REMOVED and one.observation.sign < Sign.TOLD


def _is_voided(one: Finished) -> bool:
    return one.observation.verdict.reason == Reason.CANARY_FAILED


def _void_if_unvouched(one: Finished) -> Finished:
    """`one` as it may be recorded where those failed who could have vouched for our line."""
    return _voided(one, Reason.CANARY_FAILED, {"line": "nobody vouched"}) if _is_unvouched(one) else one


def _was_right(canary: CanaryURL) -> bool:
    """Whether a canary was read rightly the last time, so that it is news if it is not."""
    state = probing.last_readings({canary.platform}).get(canary.platform, {}).get(canary, CanaryState())
    return state.outcome == Outcome.AVAILABLE and state.wrong_since is None


def _look_at_clock() -> None:
    """Say so if this machine's clock is off: checks are dated by it."""
    off = (clock.wall() - clock.shared_wall()).total_seconds()
    if abs(off) > CLOCK_TOLERANCE_SECONDS:
        log.warning("This machine's clock is %+.0f seconds off the database's. Set it by NTP.", off)


def _record_at(run: HostRun) -> float:
    """When the host's finished checks are written at the latest, on the monotonic clock."""
    patience = clock.in_real_time(RECORD_SUSPICIOUS_EVERY).total_seconds() if run.suspicious else 0.0
    return run.finished_since + max(patience, RECORD_EVERY_SECONDS)


def _held_to_canaries(batch: Sequence[Finished]) -> tuple[list[Finished], dict[CanaryURL, str]]:
    """The batch as far as it can be told without asking; whom to ask, with what is kept of each."""
    batch = _without_stale(batch)
    known = probing.last_readings({one.definition for one in batch} - {""})
    held = [_with_last_reading(one, known.get(one.definition, {})) for one in batch]
    wanted = [one.witness.canary for one in held if one.witness is not None]
    return held, {canary: known[canary.platform][canary].identity for canary in wanted}


def _without_stale(batch: Sequence[Finished]) -> list[Finished]:
    """The batch as it may be recorded: while its definition is stale, no removed outcome stands."""
    suspicious = {one.definition for one in batch if one.outcome == Outcome.REMOVED} - {""}
    stale = probing.stale_among(suspicious) if suspicious else {}
    return [
        _voided(one, Reason.STALE_DEFINITION, {"stale": _stale_facts(stale[one.definition])})
        if one.outcome == Outcome.REMOVED and one.definition in stale
        else one
        for one in batch
    ]


def _stale_facts(state: DefinitionState) -> dict[str, object]:
    since = state.stale_since.isoformat() if state.stale_since else None
    return {"since": since, "why": state.why, "by_person": state.kept}


def _with_last_reading(one: Finished, canaries: Mapping[CanaryURL, CanaryState]) -> Finished:
    """`one` with the canary that has to be asked, or, if its last reading counts, as that leaves it."""
    verdict = one.observation.verdict
    found = witness(
        canaries,
        one.kind,
        outcome=verdict.outcome,
        reason=verdict.reason,
        was_gone=one.due.was_gone,
        now=clock.now(),
    )
    if found is None or found.ask:
        return replace(one, witness=found)
    state = canaries[found.canary]
    if state.wrong_since is None:
        return one
    return _voided(one, Reason.CANARY_FAILED, {"canary": _canary_facts(found.canary, state)})


def _with_canaries(batch: Sequence[Finished], readings: Sequence[CanaryReading]) -> list[Finished]:
    """The batch as it may be recorded: what needs a canary stands only if its reading lets it."""
    by_canary = {reading.canary: reading for reading in readings}
    told = []
    for one in batch:
        if one.witness is None:
            told.append(one)
            continue
        reading = by_canary[one.witness.canary]
        facts = {"canary": _canary_facts(reading.canary, reading)}
        if one.witness.believes(reading.outcome, reading.reason):
            told.append(_with_evidence(replace(one, witness=None), facts))
        else:
            told.append(_voided(one, Reason.CANARY_FAILED, facts))
    return told


def _canary_facts(canary: CanaryURL, read: CanaryReading | CanaryState) -> dict[str, object]:
    """How a canary was read, as it stands in the evidence of what rests on it. Without its URL."""
    at = read.finished_at if isinstance(read, CanaryReading) else read.checked_at
    facts: dict[str, object] = {
        "kind": canary.kind,
        "expects": str(canary.expects),
        "outcome": str(read.outcome),
        "reason": str(read.reason),
        "signal": read.signal,
        "finished_at": at.isoformat() if at is not None else None,
    }
    if isinstance(read, CanaryState) and read.wrong_since is not None:
        facts["wrong_since"] = read.wrong_since.isoformat()
    return facts


def _with_evidence(one: Finished, facts: Mapping[str, object]) -> Finished:
    evidence = {**one.observation.evidence, **facts}
    return replace(one, observation=replace(one.observation, evidence=evidence))


def _voided(one: Finished, reason: Reason, facts: Mapping[str, object]) -> Finished:
    """`one` as inconclusive for `reason`, with what it would have been in its evidence."""
    verdict = one.observation.verdict
    would_be = {"outcome": str(verdict.outcome), "reason": str(verdict.reason)}
    one = _with_evidence(one, {"would_be": {**would_be, "definitive": verdict.definitive}, **facts})
    void = replace(verdict, outcome=Outcome.INCONCLUSIVE, reason=reason, definitive=False)
    return replace(one, observation=replace(one.observation, verdict=void), witness=None)


def _new_check(one: Finished) -> NewCheck:
    observation = one.observation
    return NewCheck(
        target_id=one.due.target_id,
        started_at=observation.started_at,
        finished_at=observation.finished_at,
        outcome=observation.verdict.outcome,
        reason=observation.verdict.reason,
        definitive=observation.verdict.definitive,
        signal=observation.verdict.signal,
        http_status=observation.http_status,
        evidence=observation.evidence,
    )
