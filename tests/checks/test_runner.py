"""The runner against real servers on loopback: what is asked, at which pace, and what is recorded."""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext

from apps.checks import lease, ledger, pauses
from apps.checks.models import Canary, Host, Target
from apps.checks.outcomes import Outcome, Reason, Status, Trouble
from apps.checks.recording import NewCheck, append
from apps.checks.runner import ERROR_DELAY, Runner
from apps.checks.siblings import Siblings
from apps.core import clock
from tests.checks.running import GONE, PAGE, SLUG, Serve, define, watch, with_own_connection
from tests.checks.servers import Visitor, response, routing

pytestmark = pytest.mark.django_db(transaction=True)

LATER = response(b"", status="429 Too Many Requests", headers=["Retry-After: 120"])


def seen(target: Target) -> list[tuple[str, str]]:
    return list(target.checks.order_by("number").values_list("outcome", "reason"))


def test_it_works(serve: Serve) -> None:
    server = serve({"/a/up": PAGE, "/a/gone": GONE})
    up, gone, missing = watch(server.url("/a/up"), server.url("/a/gone"), server.url("/a/missing"))
    summary = Runner().run_due()
    assert summary.outcomes == {"available": 1, "removed": 2}
    assert seen(up) == [(Outcome.AVAILABLE, Reason.OK)]
    assert seen(gone) == [(Outcome.REMOVED, Reason.GONE)]
    assert seen(missing) == [(Outcome.REMOVED, Reason.NOT_FOUND)]
    statuses = dict(Target.objects.values_list("key", "status"))
    assert Counter(statuses.values()) == {Status.AVAILABLE: 1, Status.SUSPECTED: 2}
    assert list(ledger.verify()) == []
    assert Runner().run_due().checks == 0
    assert not Host.objects.exclude(lease_token="").exists()


def test_a_site_that_begins_to_show_one_page_for_everything_brings_nothing_back(serve: Serve) -> None:
    server = serve({"/a/up": PAGE})
    _, gone = watch(server.url("/a/up"), server.url("/a/gone"))
    siblings = Siblings()  # what is remembered of the site for a day
    Runner(siblings=siblings).run_due()

    def maintenance(visitor: Visitor) -> None:
        while visitor.head():
            visitor.send(PAGE)

    for script, outcome in (
        (maintenance, Outcome.INCONCLUSIVE),
        (routing({"/a/gone": PAGE}), Outcome.AVAILABLE),
    ):
        server.script = script
        Target.objects.filter(pk=gone.pk).update(next_check_at=clock.now())
        Runner(siblings=siblings).run_due()
        assert gone.checks.latest("number").outcome == outcome
    gone.refresh_from_db()
    assert gone.status == Status.AVAILABLE


def test_nothing_of_a_fetched_body_is_stored(serve: Serve) -> None:
    server = serve({"/a/up": response(b"<title>Zanzibar</title><h1>Zanzibar</h1>" + b"Zanzibar " * 90)})
    (target,) = watch(server.url("/a/up"))
    Runner().run_due()
    check = target.checks.get()
    assert check.evidence
    assert "zanzibar" not in str([vars(check), vars(Target.objects.get())]).lower()


def test_one_target_that_breaks_the_checker_does_not_stop_its_batch(serve: Serve) -> None:
    server = serve({"/a/up": PAGE})
    good, bad = watch(server.url("/a/up"), server.url("/a/bad"))
    Target.objects.filter(pk=bad.pk).update(key="http://[broken")
    summary = Runner().run_due()
    assert seen(good) == [(Outcome.AVAILABLE, Reason.OK)]
    assert seen(bad) == [(Outcome.INCONCLUSIVE, Reason.CHECKER_ERROR)]
    assert summary.checks == 2


def test_one_target_that_cannot_be_recorded_is_put_off_and_the_others_are_written(serve: Serve) -> None:
    server = serve({"/a/up": PAGE})
    good, bad = watch(server.url("/a/up"), server.url("/a/other"))
    # Its next number is taken: whatever is recorded for it, the database refuses.
    Runner(among=Target.objects.filter(pk=bad.pk)).run_due()
    Target.objects.filter(pk=bad.pk).update(check_count=0, next_check_at=clock.now())
    before = clock.now()
    summary = Runner().run_due()
    assert (summary.checks, summary.errors) == (1, 1)
    assert seen(good) == [(Outcome.AVAILABLE, Reason.OK)]
    assert len(seen(bad)) == 1
    bad.refresh_from_db()
    assert bad.next_check_at is not None
    assert before + ERROR_DELAY <= bad.next_check_at <= clock.now() + ERROR_DELAY


def test_a_host_that_says_when_to_come_back_is_left_alone_until_then(serve: Serve) -> None:
    server = serve(lambda visitor: _always(visitor, LATER))
    targets = watch(*[server.url(f"/a/{i}") for i in range(30)])
    Runner().run_due()
    asked = len(server.heads)
    assert asked <= 4  # what was under way when the first answer came
    host = Host.objects.get()
    assert host.not_before is not None
    assert timedelta(seconds=100) < host.not_before - clock.wall() <= timedelta(seconds=120)
    assert Runner().run_due().checks == 0
    assert len(server.heads) == asked
    assert sum(len(seen(target)) for target in targets) == asked


def test_a_check_under_way_does_not_wait_until_its_host_wants_to_be_asked_again(serve: Serve) -> None:
    limited = threading.Event()

    def script(visitor: Visitor) -> None:
        while head := visitor.head():
            if "/a/limited " in head:
                visitor.send(LATER)
                limited.set()
            elif "/a/up " in head:
                limited.wait(10)
                time.sleep(0.3)  # the runner has read the other answer by then
                visitor.send(PAGE)
            else:
                visitor.send(GONE)

    server = serve(script)
    up, _ = watch(server.url("/a/up"), server.url("/a/limited"))
    before = time.monotonic()
    Runner().run_due()
    assert time.monotonic() - before < 60
    assert seen(up) == [(Outcome.AVAILABLE, Reason.OK)]
    assert sorted(server.paths()) == ["/a/limited", "/a/up"]  # and nothing more was asked


def test_what_is_due_is_checked_however_slow_the_pace(
    serve: Serve, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.checks.runner.LONGEST_HOLD_SECONDS", 0.01)
    settings.CHECK_HOST_INTERVAL = 0.1
    server = serve({})
    watch(*[server.url(f"/a/{i}") for i in range(4)])
    assert Runner().run_due().checks == 4


@pytest.mark.postgresql  # on SQLite two writers wait for each other
def test_another_writer_in_the_way_does_not_end_the_run(serve: Serve) -> None:
    server = serve({})
    first, second = sorted(target.pk for target in watch(server.url("/a/1"), server.url("/a/2")))
    begun, latest = threading.Event(), time.monotonic() + 60

    def lock_the_other_way_round() -> None:
        # It is the runner's transaction that notices the deadlock after a second, and is broken off; only
        # where this one took longer than that to close the circle, it is this one.
        with suppress(OperationalError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL deadlock_timeout = '20s'")
            cursor.execute("SELECT 1 FROM checks_target WHERE id = %s FOR UPDATE", [second])
            begun.set()
            waits = False
            while not waits and time.monotonic() < latest:
                cursor.execute("SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted)")
                (waits,) = cursor.fetchone()
            cursor.execute("SELECT 1 FROM checks_target WHERE id = %s FOR UPDATE", [first])

    other = threading.Thread(target=with_own_connection(lock_the_other_way_round))
    other.start()
    assert begun.wait(10)
    try:
        assert Runner().run_due().checks == 2
    finally:
        other.join()


def test_hosts_take_turns_when_there_are_more_than_a_worker_has_room_for(
    serve: Serve, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.checks.runner.HOSTS_A_THREAD", 2)
    monkeypatch.setattr("apps.checks.runner.PLACE_SECONDS", 0.0)
    settings.CHECK_HOST_INTERVAL = 0.1
    stop = threading.Event()
    asked: Counter[int] = Counter()

    def script(visitor: Visitor) -> None:
        while visitor.head():
            asked[visitor.server.port] += 1
            if len(asked) == 4:
                stop.set()
            visitor.send(GONE)

    servers = [serve(script) for _ in range(4)]
    watch(*[server.url(f"/a/{i}") for server in servers for i in range(60)])
    Runner(stop=stop, threads=1).run_forever()
    assert len(asked) == 4
    assert max(asked.values()) < 60  # none was finished before the last one was begun


def test_hosts_that_no_thread_could_ask_are_left_to_other_workers(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threads that have just finished are not idle: the targets of the hosts that it has come first."""
    monkeypatch.setattr("apps.checks.runner.LOOK_EVERY_SECONDS", 600.0)
    monkeypatch.setattr("apps.checks.runner.RECORD_AT", 1)
    monkeypatch.setattr("apps.checks.runner.WRITE_AT", 1)
    first, second = serve({}), serve({})
    watch(*[server.url(f"/a/{i}") for server in (first, second) for i in range(8)])
    held = []

    def note(outcomes: Counter[str]) -> None:
        checked = Target.objects.exclude(last_check_at=None).count()
        held.append((checked, Host.objects.exclude(lease_token="").count()))

    Runner(threads=2, on_recorded=note).run_due()
    assert held[-1][0] == 16
    assert {leased for checked, leased in held if checked < 8} == {1}


def answers_after(*seconds: float) -> Callable[[Visitor], None]:
    """A script for several servers: so long they take over each request, in turn, and then again."""
    never, patience = threading.Event(), itertools.cycle(seconds)

    def script(visitor: Visitor) -> None:
        while visitor.head():
            never.wait(next(patience))
            visitor.send(GONE)

    return script


def test_a_shift_that_is_over_waits_for_its_last_answer_without_turning_in_circles(serve: Serve) -> None:
    """Though more hosts wait, and threads are idle."""
    script = answers_after(1.2, 1.2, 2.2)
    servers = [serve(script) for _ in range(6)]
    watch(*[server.url("/a/1") for server in servers])
    begun, used = time.monotonic(), time.thread_time()
    assert Runner(threads=4).run_shift(seconds=1.0).checks < 6
    assert time.thread_time() - used < (time.monotonic() - begun) / 2


def test_a_pause_is_waited_for_without_turning_in_circles(serve: Serve) -> None:
    """The same, where checking is paused after more hosts were seen to wait."""
    stop, looks = threading.Event(), 0

    def pause_once() -> None:
        nonlocal looks
        looks += 1
        if looks == 1:
            pauses.begin(Trouble.SILENT, since=clock.now(), platforms=2)
        if looks == 5:
            stop.set()

    script = answers_after(0.4)
    servers = [serve(script) for _ in range(14)]
    watch(*[server.url("/a/1") for server in servers])
    begun, used = time.monotonic(), time.thread_time()
    Runner(threads=4, stop=stop).run_forever(between=pause_once)
    assert Target.objects.filter(check_count=0).exists()
    assert time.thread_time() - used < (time.monotonic() - begun) / 2


@pytest.mark.postgresql  # on SQLite nothing is written beside another writer
def test_while_the_database_takes_no_checks_nothing_more_is_asked(serve: Serve) -> None:
    servers = [serve({}) for _ in range(3)]
    targets = watch(*[server.url(f"/a/{i}") for server in servers for i in range(200)])
    runner = threading.Thread(target=with_own_connection(lambda: Runner(threads=2).run_due()))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE checks_check IN SHARE ROW EXCLUSIVE MODE")
        runner.start()
        for _ in range(100_000):
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                break
        asked = sum(len(server.heads) for server in servers)
        cursor.execute("SELECT pg_sleep(0.5)")
        more = sum(len(server.heads) for server in servers) - asked
    runner.join(60)
    assert 0 < asked < 600
    assert more <= 2  # what was under way
    assert [len(seen(target)) for target in targets] == [1] * 600


def test_requests_to_one_host_keep_its_pace(serve: Serve, settings: Any) -> None:
    moments: list[float] = []

    def script(visitor: Visitor) -> None:
        while visitor.head():
            moments.append(time.monotonic())
            visitor.send(GONE)

    server = serve(script)
    settings.CHECK_HOST_INTERVAL = 0.05
    watch(*[server.url(f"/a/{i}") for i in range(8)])
    assert Runner(threads=8).run_due().checks == 8
    # A thread takes its moment a little before the server sees it, so single gaps may come out shorter.
    assert moments[-1] - moments[0] > 7 * 0.05 * 0.7


def test_a_host_that_hangs_does_not_hold_up_the_others(serve: Serve, settings: Any) -> None:
    settings.CHECK_TIMEOUT = 30.0
    others_done = threading.Event()

    def hang(visitor: Visitor) -> None:
        visitor.head()
        others_done.wait(30)
        visitor.send(GONE)

    slow, quick = serve(hang), serve({f"/a/{i}": GONE for i in range(5)})
    watch(slow.url("/a/slow"), *[quick.url(f"/a/{i}") for i in range(5)])
    order: list[int] = []

    def recorded(outcomes: Counter[str]) -> None:
        order.append(outcomes.total())
        if sum(order) == 5:
            others_done.set()

    assert Runner(on_recorded=recorded).run_due().checks == 6
    assert order[-1] == 1


def test_a_stop_records_what_is_finished_and_gives_the_rest_back(serve: Serve) -> None:
    stop = threading.Event()

    def script(visitor: Visitor) -> None:
        while head := visitor.head():
            if "/a/5 " in head:
                stop.set()
            visitor.send(GONE)

    server = serve(script)
    targets = watch(*[server.url(f"/a/{i}") for i in range(40)])
    checks = Runner(stop=stop, threads=1).run_due().checks
    assert 5 <= checks < 40
    assert sum(len(seen(target)) for target in targets) == checks
    assert not Host.objects.exclude(lease_token="").exists()
    assert Runner().run_due().checks == 40 - checks


def test_a_runner_that_lost_its_lease_writes_nothing(serve: Serve) -> None:
    def script(visitor: Visitor) -> None:
        visitor.head()
        # Another worker has meanwhile taken the host: as after a pause longer than the lease.
        Host.objects.update(lease_token="another", lease_until=clock.wall() + lease.length())
        visitor.send(GONE)

    server = serve(with_own_connection(script))
    (target,) = watch(server.url("/a/1"))
    assert Runner().run_due().checks == 0
    assert seen(target) == []
    assert Host.objects.get().lease_token == "another"


def test_what_several_hosts_have_finished_is_written_together(serve: Serve) -> None:
    servers = [serve({"/a/up": PAGE}) for _ in range(6)]
    targets = watch(*(server.url("/a/up") for server in servers))
    with CaptureQueriesContext(connection) as queries:
        assert Runner().run_due().checks == len(targets)
    assert [seen(target) for target in targets] == [[(Outcome.AVAILABLE, Reason.OK)]] * len(targets)
    for table in ("target", "host"):  # what was seen, and that the host is free again
        written = [query for query in queries if f'UPDATE "checks_{table}"' in query["sql"]]
        assert 0 < len(written) < len(targets)


def test_of_hosts_that_are_written_together_only_the_one_that_was_lost_is_dropped(serve: Serve) -> None:
    """And what cannot be recorded is put off alone."""
    lost = threading.Event()

    def take_it_away(visitor: Visitor) -> None:
        visitor.head()
        taken = Host.objects.filter(targets=Target.objects.get(key=theirs.key))
        taken.update(lease_token="another", lease_until=clock.wall() + lease.length())
        lost.set()
        visitor.send(GONE)

    def wait_for_that(visitor: Visitor) -> None:
        visitor.head()
        lost.wait(10)
        visitor.send(GONE)

    mine, broken = serve(wait_for_that), serve(wait_for_that)
    stolen = serve(with_own_connection(take_it_away))
    kept, bad, theirs = watch(mine.url("/a/1"), broken.url("/a/1"), stolen.url("/a/1"))
    append([NewCheck(bad.pk, clock.now(), clock.now(), Outcome.AVAILABLE, Reason.OK)])
    # Its next number is taken: whatever is recorded for it, the database refuses.
    Target.objects.filter(pk=bad.pk).update(check_count=0, next_check_at=clock.now())
    summary = Runner().run_due()
    assert (summary.checks, summary.errors) == (1, 1)
    assert seen(kept) == [(Outcome.REMOVED, Reason.GONE)]
    assert seen(theirs) == []
    bad.refresh_from_db()
    assert bad.next_check_at is not None
    assert bad.next_check_at > clock.now()
    assert list(Host.objects.exclude(lease_token="").values_list("lease_token", flat=True)) == ["another"]


def test_a_pause_that_is_longer_than_a_lease_drops_nothing_that_nobody_else_asks(
    serve: Serve, settings: Any
) -> None:
    settings.CHECK_LEASE_SECONDS = 2
    stop, paused = threading.Event(), threading.Event()

    def script(visitor: Visitor) -> None:
        while head := visitor.head():
            if "/a/5 " in head:
                paused.wait(10)
            visitor.send(GONE)

    server = serve(script)
    targets = watch(*[server.url(f"/a/{i}") for i in range(6)])

    def long_import() -> None:
        if len(server.heads) == 6 and not paused.is_set():
            paused.set()
            time.sleep(2.5)
        if not Target.objects.filter(next_check_at__lte=clock.now()).exists():
            stop.set()

    Runner(stop=stop, threads=1).run_forever(between=long_import)
    assert [len(seen(target)) for target in targets] == [1] * 6
    assert len(server.heads) == 6


def test_a_worker_that_stood_still_asks_nothing_more_without_its_lease(serve: Serve, settings: Any) -> None:
    settings.CHECK_LEASE_SECONDS = 0.5
    stop, asked, over = threading.Event(), threading.Event(), threading.Event()

    def script(visitor: Visitor) -> None:
        while visitor.head():
            asked.set()
            over.wait(10)
            visitor.send(PAGE)  # which makes the checker want to ask for an address that cannot exist

    server = serve(script)
    watch(server.url("/a/1"))

    def stand_still() -> None:
        if asked.is_set():
            time.sleep(0.7)
            over.set()
            time.sleep(0.7)
            assert server.paths() == ["/a/1"]
            stop.set()

    assert Runner(stop=stop, threads=1).run_forever(between=stand_still).checks == 0
    assert server.paths() == ["/a/1"]


def test_two_runners_at_once_check_each_target_once(serve: Serve) -> None:
    servers = [serve({}) for _ in range(4)]
    targets = watch(*[server.url(f"/a/{i}") for server in servers for i in range(10)])
    runners = [threading.Thread(target=with_own_connection(lambda: Runner().run_due())) for _ in range(3)]
    for runner in runners:
        runner.start()
    for runner in runners:
        runner.join()
    assert [len(seen(target)) for target in targets] == [1] * 40
    assert all(len(server.heads) == 10 for server in servers)
    assert list(ledger.verify()) == []


@pytest.mark.parametrize(
    ("canary", "reason", "status"),
    [(PAGE, Reason.NOT_FOUND, Status.SUSPECTED), (None, Reason.CANARY_FAILED, Status.WAITING)],
)
def test_a_round_whose_canary_is_off_removes_nothing(
    serve: Serve, settings: Any, tmp_path: Path, canary: bytes | None, reason: Reason, status: Status
) -> None:
    server = serve({"/canary": canary} if canary else {})
    define(server.port, settings, tmp_path)
    (target,) = watch(server.url("/models/one"))
    Runner().run_due()
    ((_, why),) = seen(target)
    target.refresh_from_db()
    assert (why, target.status) == (reason, status)
    assert "/canary" in server.paths()
    on_record = Canary.objects.get()
    evidence = target.checks.get().evidence
    assert (on_record.platform, on_record.outcome) == (SLUG, evidence["canary"]["outcome"])
    assert ("would_be" in evidence) == (not canary)
    if not canary:
        assert evidence["would_be"] == {"outcome": "removed", "reason": "not_found", "definitive": False}
        assert evidence["canary"]["signal"] == "generic:not-found@1"


def test_a_stop_while_a_canary_hangs_drops_only_what_it_would_have_vouched_for(
    serve: Serve, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.checks.runner.STOP_GRACE_SECONDS", 0.5)
    stop, over = threading.Event(), threading.Event()

    def script(visitor: Visitor) -> None:
        while head := visitor.head():
            if "/canary " in head:
                stop.set()
                over.wait(10)
            visitor.send(PAGE if "/models/up " in head else response(b"", status="404 Not Found"))

    server = serve(script)
    define(server.port, settings, tmp_path)
    up, missing = watch(server.url("/models/up"), server.url("/models/missing"))
    summary = Runner(stop=stop).run_due()
    over.set()
    assert (seen(up), seen(missing)) == ([(Outcome.AVAILABLE, Reason.OK)], [])
    assert summary.outcomes == {"available": 1}
    assert not Host.objects.exclude(lease_token="").exists()


def test_a_canary_that_says_when_to_come_back_is_heard(serve: Serve, settings: Any, tmp_path: Path) -> None:
    server = serve({"/canary": LATER})
    define(server.port, settings, tmp_path)
    watch(server.url("/models/one"))
    Runner().run_due()
    host = Host.objects.get()
    assert host.not_before is not None
    assert host.not_before - clock.wall() > timedelta(seconds=100)


def _always(visitor: Visitor, answer: bytes) -> None:
    while visitor.head():
        visitor.send(answer)
