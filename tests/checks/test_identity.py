"""Another thing at the address of a target is not the target back again."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.checks import ledger
from apps.checks.answer import Identity, Verdict
from apps.checks.identity import REPLACED, KnownIdentity, held_against
from apps.checks.models import Canary, Check, Target
from apps.checks.outcomes import REASONS_OF, Outcome, Reason, Status, shows_item
from apps.checks.recording import NewCheck, append
from apps.checks.runner import Runner
from apps.checks.selectors import stale_definitions
from apps.checks.services import check_soon, find_definition_right
from apps.checks.status import Seen, fold_all
from tests.checks.making import at, make_targets
from tests.checks.running import SLUG, Serve, define, watch
from tests.checks.servers import RawServer, response, routing

KNOWN = KnownIdentity("salt")
MINE, THEIRS = Identity("api", "did:example:1"), Identity("api", "did:example:2")
ELSEWHERE = Identity("page", "did:example:2")  # told by another probe, which may name things otherwise


def kept(told: Identity, salt: str = "salt") -> KnownIdentity:
    return KnownIdentity(salt, KnownIdentity(salt).to_keep(told))


def read(outcome: Outcome, reason: Reason) -> Verdict:
    return Verdict(outcome, reason, outcome == Outcome.REMOVED, "example:rule@3", "api")


# -- the verdict


@pytest.mark.parametrize(
    ("told", "known", "another"),
    [
        (MINE, kept(MINE), False),
        (THEIRS, kept(MINE), True),
        (ELSEWHERE, kept(MINE), False),
        (None, kept(MINE), False),
        (THEIRS, KNOWN, False),
    ],
)
def test_what_is_another_thing(told: Identity | None, known: KnownIdentity, another: bool) -> None:
    assert known.is_another(told) is another
    for outcome, reasons in REASONS_OF.items():
        for reason in reasons:
            verdict = read(outcome, reason)
            held = held_against(verdict, told, known)
            if not (another and shows_item(outcome, reason)):
                assert held == verdict
                continue
            assert (held.outcome, held.reason, held.definitive) == (Outcome.REMOVED, Reason.REPLACED, False)
            assert (held.signal, held.probe) == (REPLACED, verdict.probe)


def test_without_a_record_nothing_is_held_against() -> None:
    assert held_against(read(Outcome.AVAILABLE, Reason.OK), THEIRS, None).outcome == Outcome.AVAILABLE


words = st.text(max_size=30)
identities = st.builds(Identity, st.text(min_size=1, max_size=120), words)


@given(identities, identities, words, words)
def test_what_is_kept_tells_a_thing_from_another_and_nothing_else(
    one: Identity, other: Identity, salt: str, other_salt: str
) -> None:
    known = kept(one, salt)
    assert not known.is_another(one)
    if one.probe[:100] == other.probe[:100]:
        assert known.is_another(other) == (one != other)
    else:
        assert not known.is_another(other)
    assert len(known.kept) <= Target._meta.get_field("identity").max_length  # type: ignore[operator]
    if salt != other_salt and "\n" not in salt + other_salt + one.probe + one.value:
        assert known.kept != kept(one, other_salt).kept


# -- the status

UP, GONE, REPLACEMENT, UNSURE = "up", "gone", "replaced", "unsure"
READ = {
    UP: (Outcome.AVAILABLE, Reason.OK),
    GONE: (Outcome.REMOVED, Reason.NOT_FOUND),
    REPLACEMENT: (Outcome.REMOVED, Reason.REPLACED),
    UNSURE: (Outcome.INCONCLUSIVE, Reason.CANARY_FAILED),
}


def history(*rows: tuple[float, str, str]) -> Any:
    start = datetime(2026, 3, 1, 12, tzinfo=UTC)
    seen = []
    for number, (hours, what, told) in enumerate(rows, 1):
        moment = start + timedelta(hours=hours)
        manual = told == "person"
        seen.append(Seen(number, moment, moment, *READ[what], manual=manual, identity="" if manual else told))
    return fold_all(seen)[0]


@pytest.mark.parametrize(
    ("rows", "identity", "status"),
    [
        ([(0, UP, "")], "", Status.AVAILABLE),
        ([(0, UP, ""), (1, UP, "a")], "a", Status.AVAILABLE),
        ([(0, UP, "a"), (1, UP, "a")], "a", Status.AVAILABLE),
        # What could not be told keeps nothing; what was gone may tell what it was.
        ([(0, UNSURE, "a"), (1, UP, "b")], "b", Status.AVAILABLE),
        ([(0, GONE, "a"), (1, UP, "a")], "a", Status.AVAILABLE),
        # Replaced is removed like any other, with the same confirmation, and it keeps what it was.
        ([(0, UP, "a"), (1, REPLACEMENT, "b")], "a", Status.SUSPECTED),
        ([(0, UP, "a"), *[(hours, REPLACEMENT, "b") for hours in (1, 7, 25)]], "a", Status.REMOVED),
        ([(0, UP, "a"), *[(hours, REPLACEMENT, "b") for hours in (1, 7, 24)]], "a", Status.SUSPECTED),
        ([(0, UP, "a"), (1, GONE, ""), (7, GONE, ""), (25, REPLACEMENT, "b")], "a", Status.REMOVED),
        ([(0, UP, "a"), (1, GONE, ""), (7, REPLACEMENT, "b"), (8, UP, "a")], "a", Status.AVAILABLE),
        # The same thing is back again; and so it is when a person says that the other one is the same.
        ([(0, UP, "a"), (1, REPLACEMENT, "b"), (7, UP, "a")], "a", Status.AVAILABLE),
        ([(0, UP, "a"), (1, REPLACEMENT, "b"), (2, UP, "person")], "", Status.AVAILABLE),
        ([(0, UP, "a"), (1, REPLACEMENT, "b"), (2, UP, "person"), (3, UP, "b")], "b", Status.AVAILABLE),
        # A person who contradicts another removal says nothing about which thing it is.
        ([(0, UP, "a"), (1, GONE, ""), (2, UP, "person")], "a", Status.AVAILABLE),
        ([(0, UP, "a"), (1, UP, "person")], "a", Status.AVAILABLE),
    ],
)
def test_the_first_identity_stays_with_a_target(
    rows: list[tuple[float, str, str]], identity: str, status: str
) -> None:
    state = history(*rows)
    assert (state.identity, state.status) == (identity, status)


# -- the record

LINES = """
known_good = "http://127.0.0.1:{port}/models/good"
"""


@pytest.fixture
def server(serve: Serve, settings: Any, tmp_path: Path) -> RawServer:
    """A platform whose API says what number each thing has."""
    running = serve({})
    define(running.port, settings, tmp_path, LINES)
    path = tmp_path / f"{SLUG}.toml"
    path.write_text(
        path.read_text().replace('url = "{url}"', 'url = "{url}"\nformat = "json"\nidentity = "$.number"\n')
        + """
[[signals]]
id = "up"
version = 7
outcome = "available"
reason = "ok"
source = "the fiction of this test"
verified = 2026-01-31
confidence = "verified"
[signals.when]
status = 200

[[signals]]
id = "gone"
version = 1
outcome = "removed"
reason = "not_found"
source = "the fiction of this test"
verified = 2026-01-31
confidence = "verified"
[signals.when]
status = 404
"""
    )
    return running


def answer(server: RawServer, **numbers: int) -> None:
    """From here on the platform has these things, by their numbers."""
    kind = ["Content-Type: application/json"]
    server.script = routing(
        {
            f"/models/{name}": response(json.dumps({"number": number}).encode(), headers=kind)
            for name, number in numbers.items()
        }
    )


def look(target: Target) -> Check:
    check_soon(target)
    Runner(among=Target.objects.all()).run_due()
    target.refresh_from_db()
    return target.checks.latest("number")


@pytest.mark.django_db(transaction=True)
def test_another_thing_at_the_address_is_not_a_return(server: RawServer) -> None:
    answer(server, good=1, one=1234567)
    (target,) = watch(server.url("/models/one"))
    first = look(target)
    assert (first.outcome, target.identity) == (Outcome.AVAILABLE, first.evidence["identity"])
    answer(server, good=1)
    assert look(target).reason == Reason.NOT_FOUND
    answer(server, good=1, one=7654321)
    check = look(target)
    assert (check.outcome, check.reason, check.signal) == (Outcome.REMOVED, Reason.REPLACED, REPLACED)
    # What spoke, and what it said of the other thing, is on record; and the canary vouched.
    assert check.evidence["replaces"] == {
        "outcome": "available",
        "reason": "ok",
        "signal": f"{SLUG}:up@7",
        "identity": target.identity,
    }
    assert check.evidence["identity"] not in {target.identity, first.evidence["identity"]}
    assert check.evidence["canary"]["outcome"] == "available"
    assert (target.status, target.run_count) == (Status.SUSPECTED, 2)
    answer(server, good=1, one=1234567)
    assert look(target).outcome == Outcome.AVAILABLE
    assert target.status == Status.AVAILABLE
    rows = (*Check.objects.all(), *Target.objects.all(), *Canary.objects.all())
    everything = str([vars(one) for one in rows])
    assert "1234567" not in everything
    assert "7654321" not in everything
    assert list(ledger.verify()) == []
    # The ledger holds the identity that each check told.
    check = target.checks.earliest("number")
    check.evidence = {**check.evidence, "identity": target.checks.get(number=3).evidence["identity"]}
    check.save()
    assert [fault.check_number for fault in ledger.verify()] == [1]


@pytest.mark.django_db(transaction=True)
def test_a_platform_that_gives_all_its_things_new_names_removes_nothing(server: RawServer) -> None:
    answer(server, good=1, one=11)
    (target,) = watch(server.url("/models/one"))
    look(target)
    answer(server, good=1)
    look(target)  # the canary is asked, and its name is kept
    answer(server, good=2, one=22)
    check = look(target)
    assert (check.outcome, check.reason) == (Outcome.INCONCLUSIVE, Reason.CANARY_FAILED)
    assert check.evidence["canary"]["reason"] == Reason.REPLACED
    assert "known-good model" in stale_definitions()[0].why
    assert look(target).reason == Reason.STALE_DEFINITION
    # A person who looked and found it right has the canary's new name kept; the item's is another matter.
    find_definition_right(platform=SLUG)
    assert look(target).reason == Reason.REPLACED
    assert stale_definitions() == []


@pytest.mark.django_db
def test_a_check_that_comes_late_changes_which_identity_is_kept() -> None:
    (target,) = make_targets("a")

    def told(hours: float, identity: str) -> NewCheck:
        return NewCheck(
            target.pk, at(hours), at(hours), Outcome.AVAILABLE, Reason.OK, evidence={"identity": identity}
        )

    append([told(2, "b")])
    append([told(1, "a")])
    target.refresh_from_db()
    assert target.identity == "a"
