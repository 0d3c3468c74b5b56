"""Canaries on record: who is asked and when, what makes a definition stale, and what that does to checks."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command

from apps.accounts.models import Person
from apps.checks import ledger, probing
from apps.checks.canaries import CanaryReading, canaries_of, known_good
from apps.checks.models import Canary, Check, DefinitionEvent, DefinitionState, Host, Target
from apps.checks.outcomes import DefinitionChange, Outcome, Reason, Status
from apps.checks.probing import record_readings, take_up
from apps.checks.runner import Runner
from apps.checks.selectors import stale_definitions
from apps.checks.services import check_soon, find_definition_right, keep_definition_stale
from apps.checks.staleness import LASTING, PROBE_AGAIN, PROBE_EVERY
from apps.core import clock
from apps.platforms import registry
from apps.platforms.schema import Definition
from tests.checks.making import at
from tests.checks.running import PAGE, SLUG, Serve, define, watch
from tests.checks.servers import RawServer, response, routing
from tests.factories import make_person

pytestmark = pytest.mark.django_db(transaction=True)

BOTH = """
known_good = "http://127.0.0.1:{port}/models/good"
known_missing = "http://127.0.0.1:{port}/models/nowhere"
"""
ROUTES = {"/canary": PAGE, "/models/good": PAGE, "/models/one": PAGE}


@pytest.fixture
def server(serve: Serve, settings: Any, tmp_path: Path) -> RawServer:
    """A platform that answers as its definition has it: the platform's canary, and two of the kind."""
    running = serve(dict(ROUTES))
    define(running.port, settings, tmp_path, BOTH)
    return running


def definition() -> Definition:
    known = registry.definition(SLUG)
    assert known is not None
    return known


def read(kind: str, expects: Outcome, outcome: Outcome, hours: float) -> CanaryReading:
    """A canary that was read so, so many hours after the start."""
    reasons = {Outcome.AVAILABLE: Reason.OK, Outcome.REMOVED: Reason.NOT_FOUND}
    canary = next(one for one in canaries_of(definition()) if (one.kind, one.expects) == (kind, expects))
    reason = reasons.get(outcome, Reason.TIMEOUT)
    return CanaryReading(canary, outcome, reason, "example-platform:rule@1", at(hours))


def good(outcome: Outcome, hours: float) -> CanaryReading:
    return read("model", Outcome.AVAILABLE, outcome, hours)


def asked(server: RawServer) -> list[str]:
    """What was asked for, without the addresses that cannot exist."""
    return [path for path in server.paths() if path in {*ROUTES, "/models/nowhere", "/models/gone"}]


def events() -> list[str]:
    return list(DefinitionEvent.objects.order_by("pk").values_list("what", flat=True))


# -- which canaries there are, and when they are asked


def test_a_kind_has_its_own_canaries_and_the_platforms_vouches_for_the_others(server: RawServer) -> None:
    found = canaries_of(definition())
    assert [(one.kind, str(one.expects), one.for_all, one.match.key) for one in found] == [
        ("model", "available", False, server.url("/models/good")),
        ("model", "removed", False, server.url("/models/nowhere")),
        ("", "available", True, server.url("/canary")),
    ]
    assert known_good(found, "model") == found[0]
    assert known_good(found, "page") == found[2]
    assert known_good(canaries_of(replace(definition(), canary="")), "page") is None


def test_one_url_is_one_canary(server: RawServer) -> None:
    same = canaries_of(replace(definition(), canary=server.url("/models/good")))
    assert [(one.kind, one.for_all) for one in same] == [("model", True), ("model", False)]
    assert known_good(same, "page") == same[0]


def test_only_platforms_in_use_are_asked_by_themselves(server: RawServer) -> None:
    take_up()
    assert set(Canary.objects.values_list("platform", flat=True)) >= {SLUG, "huggingface"}
    assert not Canary.objects.exclude(next_check_at=None).exists()
    watch(server.url("/models/one"))
    take_up()
    assert set(Canary.objects.exclude(next_check_at=None).values_list("platform", flat=True)) == {SLUG}
    Target.objects.update(next_check_at=None)
    take_up()
    assert not Canary.objects.exclude(next_check_at=None).exists()


def test_the_checker_asks_canaries_by_itself_daily(server: RawServer) -> None:
    watch(server.url("/models/one"))
    take_up()
    before = clock.now()
    Runner().run_due()
    assert sorted(asked(server)) == ["/canary", "/models/good", "/models/nowhere", "/models/one"]
    for canary in Canary.objects.filter(platform=SLUG):
        assert canary.outcome == canary.expects
        assert canary.next_check_at is not None
        assert before + PROBE_EVERY <= canary.next_check_at <= clock.now() + PROBE_EVERY
    assert Target.objects.count() == Check.objects.count() == 1
    assert stale_definitions() == []
    assert DefinitionState.objects.get().probed_at is not None
    Runner().run_due()
    assert len(asked(server)) == 4


def test_a_run_for_some_targets_asks_no_canary_by_itself(server: RawServer) -> None:
    watch(server.url("/models/one"))
    take_up()
    Runner(among=Target.objects.all()).run_due()
    assert asked(server) == ["/models/one", "/models/nowhere"]  # which what is up rests on


def test_a_host_that_wants_to_be_left_alone_is_not_asked_for_its_canaries(server: RawServer) -> None:
    watch(server.url("/models/one"))
    take_up()
    Host.objects.update(not_before=clock.wall() + timedelta(hours=1))
    Runner().run_due()
    assert server.paths() == []


def test_another_url_for_a_canary_starts_anew(server: RawServer, settings: Any, tmp_path: Path) -> None:
    record_readings([good(Outcome.REMOVED, 0)])
    assert Canary.objects.get().wrong_since == at(0)
    changed = tmp_path / "changed"
    changed.mkdir()
    define(server.port, settings, changed, BOTH.replace("/models/good", "/models/other"))
    take_up()
    row = Canary.objects.get(platform=SLUG, kind="model", expects=Outcome.AVAILABLE)
    assert (row.key, row.wrong_since, row.outcome) == (server.url("/models/other"), None, "")
    settings.PLATFORM_DEFINITION_DIRS = []
    take_up()
    assert not Canary.objects.filter(platform=SLUG).exists()


# -- what makes a definition stale, and who ends it


def test_a_wrong_reading_makes_stale_at_once_and_is_asked_again_every_hour(server: RawServer) -> None:
    record_readings([good(Outcome.AVAILABLE, 0)])
    record_readings([good(Outcome.REMOVED, 24)])
    (stale,) = stale_definitions()
    assert (stale.platform, stale.since, stale.kept) == (SLUG, at(24), False)
    assert "known-good model" in stale.why
    assert "example-platform:rule@1" in stale.why
    assert Canary.objects.get().next_check_at == at(24) + PROBE_AGAIN
    record_readings([good(Outcome.AVAILABLE, 25)])
    assert stale_definitions() == []
    assert events() == [DefinitionChange.WENT_STALE, DefinitionChange.RECOVERED]


def test_what_lasted_a_day_waits_for_a_person_who_finds_it_right(server: RawServer) -> None:
    somebody = make_person()
    record_readings([good(Outcome.REMOVED, 0)])
    record_readings([good(Outcome.AVAILABLE, LASTING / timedelta(hours=1))])
    assert len(stale_definitions()) == 1
    find_definition_right(platform=SLUG, person_id=somebody.pk, note="It moved its welcome page.")
    assert stale_definitions() == []
    state = DefinitionState.objects.get()
    assert state.looked_by == somebody
    last = DefinitionEvent.objects.latest("pk")
    assert (last.what, last.person, last.note) == (
        DefinitionChange.FOUND_RIGHT,
        somebody,
        "It moved its welcome page.",
    )
    assert "known-good model" in last.why


def test_what_a_person_accepted_does_not_come_back_until_it_was_right_in_between(server: RawServer) -> None:
    record_readings([good(Outcome.REMOVED, 0)])
    find_definition_right(platform=SLUG)
    record_readings([good(Outcome.REMOVED, 24)])
    assert stale_definitions() == []
    # Another fault is another matter.
    record_readings([read("model", Outcome.REMOVED, Outcome.AVAILABLE, 25)])
    assert "known-missing model" in stale_definitions()[0].why
    assert "known-good" not in stale_definitions()[0].why
    find_definition_right(platform=SLUG)
    record_readings([good(Outcome.AVAILABLE, 48)])
    record_readings([good(Outcome.REMOVED, 72)])
    assert len(stale_definitions()) == 1


def test_what_a_person_found_stale_stays_so_until_a_person_finds_it_right(server: RawServer) -> None:
    record_readings([good(Outcome.REMOVED, 0)])
    keep_definition_stale(platform=SLUG)
    record_readings([good(Outcome.AVAILABLE, 1)])
    assert stale_definitions()[0].kept
    find_definition_right(platform=SLUG)
    # And they may find it stale before the checker does.
    keep_definition_stale(platform=SLUG, note="They announced a new design.")
    record_readings([good(Outcome.AVAILABLE, 2)])
    assert stale_definitions()[0].kept
    assert events()[-1] == DefinitionChange.KEPT_STALE


def test_a_person_who_leaves_takes_no_decision_along(server: RawServer) -> None:
    somebody = make_person()
    keep_definition_stale(platform=SLUG, person_id=somebody.pk)
    Person.objects.filter(pk=somebody.pk).delete()
    assert stale_definitions()[0].kept


# -- what that does to checks


def test_on_a_stale_platform_what_looks_removed_is_inconclusive_and_nothing_is_undone(
    server: RawServer,
) -> None:
    up, gone = watch(server.url("/models/one"), server.url("/models/gone"))
    Runner(among=Target.objects.all()).run_due()
    before = gone.checks.get()
    assert before.outcome == Outcome.REMOVED
    assert before.evidence["canary"]["outcome"] == "available"
    keep_definition_stale(platform=SLUG)
    asked = len(server.paths())
    for target in (up, gone):
        check_soon(target)
    Runner(among=Target.objects.all()).run_due()
    assert server.paths()[asked:].count("/models/good") == 0  # nothing can vouch, so nobody is asked
    assert up.checks.get(number=2).outcome == Outcome.AVAILABLE
    check = gone.checks.get(number=2)
    assert (check.outcome, check.reason) == (Outcome.INCONCLUSIVE, Reason.STALE_DEFINITION)
    # The signal that spoke stays on record, with what it said and what was held against it.
    assert check.signal == before.signal
    assert check.evidence["would_be"] == {"outcome": "removed", "reason": "not_found", "definitive": False}
    state = DefinitionState.objects.get()
    assert state.stale_since is not None
    assert check.evidence["stale"] == {
        "since": state.stale_since.isoformat(),
        "why": state.why,
        "by_person": True,
    }
    gone.refresh_from_db()
    assert (gone.status, gone.run_count) == (Status.SUSPECTED, 1)
    assert gone.checks.get(number=1).digest == before.digest
    assert list(ledger.verify()) == []
    find_definition_right(platform=SLUG)
    check_soon(gone)
    Runner(among=Target.objects.all()).run_due()
    assert gone.checks.get(number=3).outcome == Outcome.REMOVED


def look_at(*targets: Target) -> None:
    """Check some targets now, and no canary on its own."""
    for target in targets:
        check_soon(target)
    Runner(among=Target.objects.all()).run_due()


def saw(target: Target) -> tuple[str, str]:
    check = target.checks.latest("number")
    return check.outcome, check.reason


def test_each_kind_is_vouched_for_by_its_own_canary_and_the_others_by_the_platforms(
    server: RawServer,
) -> None:
    server.script = routing({"/canary": PAGE})
    model, page = watch(server.url("/models/gone"), server.url("/elsewhere/gone"))
    look_at(model, page)
    assert saw(model) == (Outcome.INCONCLUSIVE, Reason.CANARY_FAILED)
    assert saw(page) == (Outcome.REMOVED, Reason.NOT_FOUND)
    assert model.checks.get().evidence["canary"]["kind"] == "model"
    assert page.checks.get().evidence["canary"]["kind"] == ""


def test_what_comes_back_needs_the_known_missing_url_to_be_missing(server: RawServer) -> None:
    (target,) = watch(server.url("/models/gone"))
    look_at(target)
    assert saw(target) == (Outcome.REMOVED, Reason.NOT_FOUND)
    # The platform begins to say 200 to everything: nothing has come back.
    server.script = routing({**ROUTES, "/models/gone": PAGE, "/models/nowhere": PAGE})
    look_at(target)
    assert saw(target) == (Outcome.INCONCLUSIVE, Reason.CANARY_FAILED)
    evidence = target.checks.latest("number").evidence
    assert evidence["would_be"]["outcome"] == "available"
    assert (evidence["canary"]["expects"], evidence["canary"]["outcome"]) == ("removed", "available")
    assert "known-missing model" in stale_definitions()[0].why
    # One that cannot be told vouches for no return either.
    busy = response(b"", status="503 Service Unavailable")
    server.script = routing({**ROUTES, "/models/gone": PAGE, "/models/nowhere": busy})
    look_at(target)
    assert saw(target) == (Outcome.INCONCLUSIVE, Reason.CANARY_FAILED)
    # And if it really is back, it is.
    server.script = routing({**ROUTES, "/models/gone": PAGE})
    look_at(target)
    assert saw(target) == (Outcome.AVAILABLE, Reason.OK)
    assert target.checks.latest("number").evidence["canary"]["outcome"] == "removed"
    target.refresh_from_db()
    assert target.status == Status.AVAILABLE
    assert list(ledger.verify()) == []


def test_what_is_up_as_before_rests_on_the_daily_reading_and_asks_nothing_more(server: RawServer) -> None:
    (target,) = watch(server.url("/models/one"))
    look_at(target)
    assert asked(server) == ["/models/one", "/models/nowhere"]  # it had never been read
    look_at(target)
    assert asked(server)[2:] == ["/models/one"]
    record_readings([read("model", Outcome.REMOVED, Outcome.AVAILABLE, 0)])
    Canary.objects.update(checked_at=clock.now())
    look_at(target)
    assert asked(server)[3:] == ["/models/one"]
    assert saw(target) == (Outcome.INCONCLUSIVE, Reason.CANARY_FAILED)
    assert target.checks.latest("number").evidence["canary"]["wrong_since"] == at(0).isoformat()
    # A person who has looked finds that the URL, and not the definition, is what changed.
    find_definition_right(platform=SLUG)
    look_at(target)
    assert saw(target) == (Outcome.AVAILABLE, Reason.OK)
    assert "canary" not in target.checks.latest("number").evidence


def test_a_canary_whose_fault_was_accepted_vouches_for_nothing(server: RawServer) -> None:
    server.script = routing({"/canary": PAGE})
    record_readings([good(Outcome.REMOVED, 0)])
    find_definition_right(platform=SLUG)
    (target,) = watch(server.url("/models/gone"))
    look_at(target)
    assert saw(target) == (Outcome.REMOVED, Reason.NOT_FOUND)
    assert target.checks.get().evidence["canary"]["kind"] == ""  # the platform's stands in for it


def test_a_site_without_a_definition_is_never_stale(serve: Serve) -> None:
    server = serve({})
    DefinitionState.objects.create(platform="127.0.0.1", stale_since=clock.now())
    (target,) = watch(server.url("/a/gone"))
    Runner().run_due()
    assert target.checks.get().outcome == Outcome.REMOVED


# -- the command


def probe(*arguments: str) -> str:
    out = StringIO()
    call_command("probe_platforms", "--platform", SLUG, *arguments, stdout=out)
    return out.getvalue()


def test_the_command_prints_how_each_canary_is_read(server: RawServer) -> None:
    lines = [line.split() for line in probe().splitlines()]
    assert lines[0] == ["platform", "canary", "read", "as", "by"]
    told = {" ".join(line[1:3]): " ".join(line[3:]) for line in lines[1:]}
    assert told == {
        "known-good model": "available (ok): as it should be generic:ok@1",
        "known-missing model": "removed (not_found): as it should be generic:not-found@1",
        "known-good page": "available (ok): as it should be generic:ok@1",
    }
    # It asks again whenever it is run, and a platform that is not in use is not asked daily because of it.
    probe()
    assert server.paths().count("/models/good") == 2
    take_up()
    assert not Canary.objects.exclude(next_check_at=None).exists()


def test_the_command_ends_with_1_and_says_what_has_gone_stale(server: RawServer) -> None:
    server.script = routing({**ROUTES, "/models/nowhere": PAGE})
    with pytest.raises(CommandError, match="1 stale") as told:
        probe()
    assert told.value.returncode == 1
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("probe_platforms", "--platform", SLUG, stdout=out)
    assert "available (ok): WRONG" in out.getvalue()
    assert f"STALE: {SLUG}, since" in out.getvalue()
    assert "The known-missing model is read wrongly" in out.getvalue()


def test_the_command_says_what_was_not_asked(server: RawServer) -> None:
    Host.called([f"127.0.0.1:{server.port}"])
    Host.objects.update(lease_token="somebody", lease_until=clock.wall() + timedelta(minutes=1))
    assert "not asked: its host is held by another checker" in probe()
    assert server.paths() == []


def test_the_command_tells_a_definition_without_a_canary(settings: Any, tmp_path: Path) -> None:
    define(1, settings, tmp_path)
    path = tmp_path / f"{SLUG}.toml"
    path.write_text("\n".join(line for line in path.read_text().splitlines() if "canary" not in line))
    assert probe().splitlines()[1:] == [f"{SLUG} has no canary."]


def test_an_answer_that_cannot_be_told_is_neither_right_nor_stale(server: RawServer) -> None:
    busy = response(b"", status="503 Service Unavailable")
    server.script = routing({**ROUTES, "/models/good": busy})
    assert "inconclusive (server_error): could not tell" in probe()


@pytest.mark.usefixtures("server")
def test_a_reading_that_cannot_be_written_is_put_off(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(readings: object) -> None:
        raise ValueError("not to be written")

    canaries = probing.take_up_now([SLUG])
    monkeypatch.setattr(probing, "record_readings", broken)
    before = clock.now()
    Runner(among=Target.objects.none(), canaries=canaries).run_due()
    assert all(row.next_check_at is not None and row.next_check_at > before for row in Canary.objects.all())


def test_probes_keep_the_records_time(server: RawServer) -> None:
    with time_machine.travel(at(0), tick=False):
        record_readings([good(Outcome.AVAILABLE, 0)])
        assert DefinitionState.objects.get().probed_at == at(0)
