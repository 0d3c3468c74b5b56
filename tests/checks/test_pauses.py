"""Our own line goes down and comes back, against real servers: nothing is made up, and nothing is lost."""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import hypothesis
import pytest
import redis
from django.db.models import QuerySet
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from rq import Queue

from apps.checks import jobs, ledger, pauses, runner
from apps.checks.line import Doubt, doubt_about
from apps.checks.models import Canary, Check, Host, Pause, Target, Transition
from apps.checks.outcomes import Outcome, Reason, Status, Trouble
from apps.checks.probing import take_up
from apps.checks.runner import Runner
from apps.checks.selectors import stale_definitions
from apps.checks.staleness import LASTING
from apps.checks.stalled import Cause, stall
from apps.core import clock
from tests.checks.running import GONE, PAGE, Serve, watch
from tests.checks.servers import RawServer, Script, Visitor, redirect, response, routing

pytestmark = pytest.mark.django_db(transaction=True)

DEFINITION = """
slug = "{slug}"
name = "{slug}"
hosts = ["127.0.0.1:{port}"]
canary = "http://127.0.0.1:{port}/canary"

[[kinds]]
name = "model"
path = "/models/(?P<name>[^/]+)"
key = "http://127.0.0.1:{port}/models/{{name}}"
probes = ["page"]

[[probes]]
name = "page"
url = "{{url}}"
"""
UP = {"/canary": PAGE, "/models/one": PAGE, "/models/two": PAGE}
MISSING = response(b"<title>Not here</title>", status="404 Not Found")
PORTAL = response(
    b"<!doctype html><title>Welcome</title><h1>Welcome</h1><p>" + b"Sign in to use this network. " * 20,
    headers=["Content-Type: text/html"],
)


def cut(visitor: Visitor) -> None:
    """As where no connection holds."""
    visitor.reset()


def alike(answer: bytes) -> Script:
    """As where something else answers for everybody."""

    def script(visitor: Visitor) -> None:
        while visitor.head():
            visitor.send(answer)

    return script


DOWN: dict[str, Script] = {
    "silent": cut,
    "hangs": Visitor.hang,
    "missing": alike(MISSING),
    "gone": alike(GONE),
    "portal": alike(PORTAL),
    "redirect": alike(redirect("http://127.0.0.9:9/portal")),
    "broken": alike(b"no HTTP at all\r\n\r\n"),
}


class Internet:
    """Two platforms with canaries, and sites that nobody has defined, all of them up at the beginning."""

    def __init__(self, platforms: list[RawServer], site: RawServer, settings: Any) -> None:
        self.platforms, self.site, self.settings = platforms, site, settings
        self.servers = [*platforms, site]

    def goes(self, script: Script | None) -> None:
        """Whatever is asked answers like this; with None, as itself again."""
        # What hangs is not waited for; what answers may take its time on a busy machine.
        self.settings.CHECK_TIMEOUT = 0.3 if script is Visitor.hang else 20
        for server in self.servers:
            server.script = script or routing(UP)

    @property
    def asked(self) -> int:
        return sum(server.connections for server in self.servers)


@pytest.fixture
def internet(serve: Serve, settings: Any, tmp_path: Path) -> Internet:
    made = Internet([serve(dict(UP)), serve(dict(UP))], serve(dict(UP)), settings)
    for number, server in enumerate(made.platforms):
        slug = f"example-{number}"
        (tmp_path / f"{slug}.toml").write_text(DEFINITION.format(slug=slug, port=server.port))
    settings.PLATFORM_DEFINITION_DIRS = [tmp_path]
    return made


@pytest.fixture
def targets(internet: Internet) -> list[Target]:
    """Items everywhere, each seen once; the canaries were read, too."""
    made = watch(
        *[server.url(path) for server in internet.servers for path in ("/models/one", "/models/two")]
    )
    take_up()
    Runner().run_due()
    assert {target.checks.get().outcome for target in made} == {Outcome.AVAILABLE}
    return made


def make_due() -> None:
    Target.objects.update(next_check_at=clock.now())


def look_now() -> None:
    Pause.objects.filter(ended_at=None).update(look_at=clock.shared_wall())


def rest(hosts: QuerySet[Host]) -> None:
    """As where these have said that they want to be left alone."""
    Host.objects.filter(pk__in=hosts.values("pk")).update(not_before=clock.shared_wall() + timedelta(hours=1))


def outcomes() -> set[str]:
    return set(Check.objects.values_list("outcome", flat=True))


@pytest.mark.parametrize("how", [name for name in DOWN if name not in {"portal", "redirect"}])
def test_a_line_that_goes_down_pauses_and_goes_on_where_it_was(
    internet: Internet, targets: list[Target], how: str
) -> None:
    internet.goes(DOWN[how])
    make_due()
    before = Canary.objects.get(platform="example-0").checked_at
    Runner().run_due()
    pause = Pause.objects.get()
    assert pause.ended_at is None
    assert Trouble(pause.why) == (Trouble.STRANGE if how in {"missing", "gone"} else Trouble.SILENT)
    assert pause.platforms >= 2
    # Nothing says that anything is gone, and no definition is blamed for it.
    assert not Check.objects.filter(outcome=Outcome.REMOVED).exists()
    assert stale_definitions() == []
    assert Canary.objects.get(platform="example-0").checked_at == before
    # While it lasts nobody is asked, whoever looks.
    asked = internet.asked
    assert Runner().run_due().checks == 0
    assert internet.asked == asked
    found = stall()
    assert found is not None
    assert (found.cause, found.since) == (Cause.PAUSED, pause.since)
    # A look that finds it down still puts the next one off.
    look_now()
    Runner().run_due()
    assert internet.asked > asked
    pause.refresh_from_db()
    assert (pause.ended_at, pause.looks) == (None, 1)
    assert pause.look_at > clock.shared_wall()
    # And once it is up, the very next look goes on with everything that is due.
    internet.goes(None)
    look_now()
    checked = Check.objects.count()
    Runner().run_due()
    pause.refresh_from_db()
    assert pause.ended_at is not None
    assert Check.objects.count() == checked + len(targets)
    assert {target.checks.latest("number").outcome for target in targets} == {Outcome.AVAILABLE}
    assert not Target.objects.filter(next_check_at__lte=clock.now()).exists()
    assert stall() is None
    assert list(ledger.verify()) == []


def test_a_page_that_stands_for_everything_removes_nothing(internet: Internet, targets: list[Target]) -> None:
    for how in ("portal", "redirect"):
        internet.goes(DOWN[how])
        make_due()
        Runner().run_due()
    assert outcomes() <= {Outcome.AVAILABLE, Outcome.INCONCLUSIVE}


@pytest.mark.parametrize("how", ["silent", "missing"])
def test_what_fails_on_one_platform_alone_is_its_own(
    internet: Internet, targets: list[Target], how: str
) -> None:
    internet.platforms[0].script = DOWN[how]
    make_due()
    Runner().run_due()
    assert not Pause.objects.exists()
    theirs = [target.checks.latest("number") for target in targets[:2]]
    assert {check.outcome for check in theirs} == {Outcome.INCONCLUSIVE}
    assert {check.reason for check in theirs} == {Reason.REFUSED if how == "silent" else Reason.CANARY_FAILED}
    assert {target.checks.latest("number").outcome for target in targets[2:]} == {Outcome.AVAILABLE}


def test_a_removal_on_a_site_that_nobody_knows_is_believed_while_somebody_vouches_for_our_line(
    internet: Internet, targets: list[Target]
) -> None:
    internet.site.script = DOWN["missing"]
    look_at_site = Target.objects.filter(platform="127.0.0.1")
    look_at_site.update(next_check_at=clock.now())
    Runner(among=look_at_site).run_due()
    assert {check.reason for check in Check.objects.filter(outcome=Outcome.REMOVED)} == {Reason.NOT_FOUND}
    assert not Pause.objects.exists()


def test_it_is_not_believed_where_the_one_who_could_vouch_fails(
    internet: Internet, targets: list[Target]
) -> None:
    Canary.objects.filter(platform="example-1").delete()
    internet.goes(DOWN["missing"])
    Target.objects.exclude(platform="127.0.0.1").update(next_check_at=None)
    Target.objects.filter(platform="127.0.0.1").update(next_check_at=clock.now())
    Runner().run_due()
    assert not Check.objects.filter(outcome=Outcome.REMOVED).exists()
    void = targets[-1].checks.latest("number")
    assert (void.outcome, void.reason) == (Outcome.INCONCLUSIVE, Reason.CANARY_FAILED)
    assert void.evidence["would_be"]["outcome"] == Outcome.REMOVED


def test_nor_where_the_one_who_could_vouch_cannot_be_asked_just_now(
    internet: Internet, targets: list[Target]
) -> None:
    internet.goes(DOWN["missing"])
    Target.objects.filter(platform="127.0.0.1").update(next_check_at=clock.now())
    rest(Host.objects.filter(canaries__isnull=False))
    Runner().run_due()
    assert targets[-1].checks.count() == 2
    void = targets[-1].checks.latest("number")
    assert (void.outcome, void.reason) == (Outcome.INCONCLUSIVE, Reason.CANARY_FAILED)
    assert not Check.objects.filter(outcome=Outcome.REMOVED).exists()


def test_where_the_canaries_are_in_doubt_themselves_items_that_are_up_are_asked(
    internet: Internet, targets: list[Target]
) -> None:
    for server in internet.platforms:
        server.script = cut
    Target.objects.exclude(platform="127.0.0.1").update(next_check_at=clock.now())
    Runner().run_due()
    assert not Pause.objects.exists()
    assert {target.checks.latest("number").outcome for target in targets[:4]} == {Outcome.INCONCLUSIVE}


def test_a_platform_that_goes_down_for_good_meanwhile_does_not_keep_it_paused(
    internet: Internet, targets: list[Target]
) -> None:
    internet.goes(cut)
    make_due()
    Runner().run_due()
    assert Pause.objects.get().ended_at is None
    internet.goes(None)
    internet.platforms[0].script = cut
    look_now()
    Runner().run_due()
    assert Pause.objects.get().ended_at is not None
    assert {target.checks.latest("number").outcome for target in targets[2:]} == {Outcome.AVAILABLE}


def test_a_canary_that_goes_for_good_meanwhile_does_not_keep_it_paused(
    internet: Internet, targets: list[Target]
) -> None:
    internet.goes(DOWN["missing"])
    make_due()
    Runner().run_due()
    assert Trouble(Pause.objects.get().why) == Trouble.STRANGE
    internet.goes(None)
    internet.platforms[0].script = routing({"/models/one": PAGE, "/models/two": MISSING})
    look_now()
    Runner().run_due()
    assert Pause.objects.get().ended_at is not None
    assert {target.checks.latest("number").outcome for target in targets[2:]} == {Outcome.AVAILABLE}
    # It is held against its own platform alone, where nothing is believed to be gone.
    assert [one.platform for one in stale_definitions()] == ["example-0"]
    assert targets[1].checks.latest("number").outcome == Outcome.INCONCLUSIVE
    assert not Transition.objects.filter(to_status=Status.SUSPECTED).exists()


def test_it_is_over_by_items_that_are_up_where_one_canary_is_gone_and_the_other_platform_down(
    internet: Internet, targets: list[Target]
) -> None:
    pauses.begin(Trouble.SILENT, since=clock.now(), platforms=2)
    internet.platforms[0].script = routing({"/models/one": PAGE, "/models/two": PAGE})
    internet.platforms[1].script = cut
    # Whoever is asked, one look after the other: within a round two answer in the same look.
    for _ in range(len(pauses.vouchers(besides=(), targets=True))):
        look_now()
        Runner().run_due()
    assert Pause.objects.get().ended_at is not None


def test_another_canary_of_the_same_platform_is_asked_as_well(
    internet: Internet, targets: list[Target], settings: Any, tmp_path: Path
) -> None:
    first, port = internet.platforms[0], internet.platforms[0].port
    own = f'known_good = "{first.url("/models/good")}"\n\n[[probes]]'
    (tmp_path / "more").mkdir()
    for file in tmp_path.glob("*.toml"):
        more = own if file.stem == "example-0" else "[[probes]]"
        (tmp_path / "more" / file.name).write_text(file.read_text().replace("[[probes]]", more))
    settings.PLATFORM_DEFINITION_DIRS = [tmp_path / "more"]
    first.script = routing({**UP, "/models/good": PAGE})
    take_up()
    Runner().run_due()
    asked = [urlsplit(one.match.key).port for one in pauses.vouchers(besides=(), targets=False)]
    assert sorted(asked[:2]) == sorted(
        server.port for server in internet.platforms
    )  # one of each comes first
    assert asked[2:] == [port]
    pauses.begin(Trouble.STRANGE, since=clock.now(), platforms=2)
    internet.goes(DOWN["missing"])
    first.script = routing({"/models/good": PAGE})
    look_now()
    Runner().run_due()
    assert Pause.objects.get().ended_at is not None


def test_it_is_not_over_because_nobody_can_be_asked_just_now(
    internet: Internet, targets: list[Target]
) -> None:
    pauses.begin(Trouble.SILENT, since=clock.now(), platforms=2)
    internet.goes(cut)
    rest(Host.objects.all())
    look_now()
    asked = internet.asked
    Runner().run_due()
    assert internet.asked == asked
    assert Pause.objects.get().ended_at is None
    Host.objects.update(not_before=None)
    internet.goes(None)
    look_now()
    Runner().run_due()
    assert Pause.objects.get().ended_at is not None


def test_where_pages_were_strange_one_canary_that_is_left_ends_it(
    internet: Internet, targets: list[Target]
) -> None:
    Canary.objects.filter(platform="example-1").delete()
    pauses.begin(Trouble.STRANGE, since=clock.now(), platforms=2)
    look_now()
    Runner().run_due()
    assert Pause.objects.get().ended_at is not None


def test_where_nobody_has_defined_anything_items_that_are_up_are_asked(settings: Any) -> None:
    settings.CHECK_ALLOW_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    settings.CHECK_HOST_INTERVAL = 0.0
    with ExitStack() as stack:
        servers = [
            stack.enter_context(RawServer(routing(UP), host=f"127.0.0.{number}")) for number in range(2, 5)
        ]
        settings.CHECK_ALLOW_PORTS = [server.port for server in servers]
        watch(*[server.url("/models/one") for server in servers])
        Runner().run_due()
        for how, ends in ((cut, False), (cut, False), (routing(UP), True)):
            for server in servers:
                server.script = how
            make_due()
            look_now()
            Runner().run_due()
            assert (Pause.objects.get().ended_at is not None) is ends
    assert set(Target.objects.values_list("last_outcome", flat=True)) == {Outcome.AVAILABLE}


def test_what_lasts_for_a_day_is_the_platforms_own(internet: Internet, targets: list[Target]) -> None:
    internet.goes(DOWN["missing"])
    make_due()
    Runner().run_due()
    Pause.objects.update(since=clock.now() - LASTING)
    look_now()
    Runner().run_due()
    assert Pause.objects.get().ended_at is not None
    assert len(stale_definitions()) == 2
    assert not Check.objects.filter(outcome=Outcome.REMOVED).exists()  # nor on the site that nobody knows
    assert not Transition.objects.filter(to_status=Status.SUSPECTED).exists()


def test_what_failed_before_anybody_noticed_is_due_again_at_once(targets: list[Target]) -> None:
    pause = pauses.begin(Trouble.SILENT, since=clock.now(), platforms=2)
    failed = Target.objects.filter(pk__in=[target.pk for target in targets[:2]])
    failed.update(last_outcome=Outcome.INCONCLUSIVE, last_reason=Reason.BOT_WALL, last_check_at=clock.now())
    failed.filter(pk=targets[0].pk).update(last_reason=Reason.TIMEOUT)
    pauses.end(pause)
    due = Target.objects.filter(next_check_at__lte=clock.now())
    assert [target.pk for target in due] == [targets[0].pk]


def test_two_workers_make_one_pause_and_take_turns_in_looking() -> None:
    first = pauses.begin(Trouble.SILENT, since=clock.now(), platforms=2)
    second = pauses.begin(Trouble.STRANGE, since=clock.now(), platforms=3)
    assert first == second
    assert not pauses.claim_look(first)
    look_now()
    one, other = Pause.objects.get(), Pause.objects.get()
    assert pauses.claim_look(one)
    assert not pauses.claim_look(other)
    pauses.end(one)
    pauses.end(other)
    third = pauses.begin(Trouble.SILENT, since=clock.now(), platforms=2)
    assert third != first


def test_what_failed_first_is_doubted_again_once_others_fail(
    internet: Internet, targets: list[Target], patient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What one host has finished waits to be written with what others have, and is looked at again then."""
    looked_at = threading.Event()

    def and_tell(**signs: Any) -> Doubt | None:
        found = doubt_about(**signs)
        looked_at.set()
        return found

    def later(visitor: Visitor) -> None:
        looked_at.wait(10)
        visitor.reset()

    monkeypatch.setattr(runner, "doubt_about", and_tell)
    internet.goes(later)
    internet.platforms[0].script = cut
    make_due()
    before = Check.objects.count()
    assert Runner().run_due().checks == 0
    assert Check.objects.count() == before
    assert Pause.objects.get().platforms >= 2


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is finished waits for what is still under way, however busy the machine is."""
    monkeypatch.setattr(runner, "WRITE_TOGETHER_SECONDS", 60)


def test_a_line_that_is_down_at_one_place_pauses_no_other(
    internet: Internet, targets: list[Target], settings: Any, patient: None
) -> None:
    internet.goes(DOWN["silent"])
    make_due()
    settings.CHECK_PLACE = "with a line that is down"
    Runner().run_due()
    internet.goes(None)
    settings.CHECK_PLACE = "elsewhere"
    assert Runner().run_due().checks == len(targets)
    assert Pause.objects.get().ended_at is None


def test_while_it_is_paused_the_queue_carries_one_look_at_a_time(
    internet: Internet, targets: list[Target], valkey_url: str, settings: Any
) -> None:
    url = f"{valkey_url.rstrip('/')}/6"
    settings.RQ_QUEUES = {"default": {"URL": url}}
    with redis.Redis.from_url(url) as connection:
        connection.flushdb()
        queue = Queue("default", connection=connection)
        internet.goes(DOWN["silent"])
        make_due()
        assert jobs.check_due() < len(targets)  # what failed before a second platform did
        assert Pause.objects.get().ended_at is None
        assert jobs.tick() == 0
        look_now()
        assert jobs.tick() == 1
        assert jobs.tick() == 0
        assert queue.count == 1
        internet.goes(None)
        assert jobs.check_due() == len(targets)
        assert Pause.objects.get().ended_at is not None


@hypothesis.settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(["up", *DOWN]), min_size=1, max_size=5))
def test_no_sequence_of_failures_of_our_line_removes_anything(
    reset: Callable[[], None], internet: Internet, rounds: list[str]
) -> None:
    reset()
    for how in rounds:
        internet.goes(DOWN.get(how))
        make_due()
        look_now()
        Runner().run_due()
    assert not Check.objects.filter(outcome=Outcome.REMOVED).exists()
    assert stale_definitions() == []
    internet.goes(None)
    make_due()
    look_now()
    Runner().run_due()
    assert set(Target.objects.values_list("status", flat=True)) == {Status.AVAILABLE}


@pytest.fixture
def reset(internet: Internet, targets: list[Target]) -> Callable[[], None]:
    """Forgets what came of the sequence before."""

    def forget() -> None:
        Pause.objects.all().delete()
        internet.goes(None)

    return forget
