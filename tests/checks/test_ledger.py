"""Nobody can quietly rewrite history."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db.models import QuerySet

from apps.checks import ledger
from apps.checks.adding_up import CHANGE_FIELDS, STATE_FIELDS, change_key, seen_of, with_folded
from apps.checks.models import Check, Stretch, Target, Transition
from apps.checks.outcomes import Outcome, Status
from apps.checks.recording import append
from apps.checks.status import fold_all
from tests.checks.making import check, make_targets
from tests.factories import at

pytestmark = pytest.mark.django_db


def chain() -> Target:
    target, other = make_targets("a", "b")
    append(check(target, hours, Outcome.AVAILABLE) for hours in (1, 2, 3))
    append([check(target, 4, Outcome.REMOVED, manual=True, note="Example note.")])
    append([check(other, 1, Outcome.AVAILABLE)])
    target.refresh_from_db()
    return target


def repeat(transition: Transition, **changes: object) -> None:
    transition.pk = None
    for name, value in changes.items():
        setattr(transition, name, value)
    transition.save()


@pytest.mark.parametrize(
    "tamper",
    [
        lambda target: Target.objects.filter(pk=target.pk).update(removed_by=at(3.5)),
        lambda target: Target.objects.filter(pk=target.pk).update(status=Status.AVAILABLE),
        lambda target: target.transitions.update(by=at(3.5)),
        lambda target: target.transitions.update(superseded_at=at(5)),
        lambda target: target.transitions.filter(to_status=Status.REMOVED).delete(),
        lambda target: target.transitions.update(by_person=False),
        lambda target: target.transitions.update(recorded_at=at(-1)),
        lambda target: repeat(target.transitions.latest("pk")),
        lambda target: repeat(target.transitions.latest("pk"), superseded_at=at(90)),
    ],
)
@pytest.mark.parametrize("late", [False, True], ids=["in order", "with one handed in later"])
def test_figures_are_made_of_what_the_checks_add_up_to(
    tamper: Callable[[Target], object], late: bool
) -> None:
    target = chain()
    if late:
        append([check(target, 2.5, Outcome.AVAILABLE, manual=True)])
    assert list(ledger.verify()) == []
    tamper(target)
    (fault,) = ledger.verify()
    assert fault.target_id == target.pk
    assert "add up to another status" in fault.problem


@pytest.mark.parametrize(
    "tamper",
    [
        lambda gone: gone.update(superseded_at=at(999)),
        lambda gone: gone.update(recorded_at=at(-1)),
        lambda gone: gone.update(by=at(3.9)),
        lambda gone: gone.delete(),
    ],
)
def test_so_are_figures_as_of_a_moment_before_an_observation_was_handed_in(
    tamper: Callable[[QuerySet[Transition]], object],
) -> None:
    target = chain()
    append([check(target, 3.5, Outcome.REMOVED, manual=True)])
    append([check(target, 3.2, Outcome.REMOVED, manual=True)])
    gone = target.transitions.exclude(superseded_at=None)
    assert gone.count() == 2
    assert list(ledger.verify()) == []
    tamper(gone.filter(pk=gone.latest("pk").pk))
    (fault,) = ledger.verify()
    assert "add up to another status" in fault.problem


def test_checks_that_are_there_cannot_be_counted_again_as_folded_away() -> None:
    """With one more removed outcome, made up, a suspected target would be removed."""
    (target,) = make_targets("a")
    append([check(target, 10, Outcome.AVAILABLE)])
    append([check(target, 5, Outcome.AVAILABLE, manual=True)])
    append([check(target, 20, Outcome.REMOVED)])
    append([check(target, 50, Outcome.REMOVED)])
    checks = list(target.checks.order_by("number"))
    state, changes = fold_all(with_folded([seen_of(one) for one in checks], [(3, 3)]))
    assert state.status == Status.REMOVED
    Stretch.objects.create(target=target, first=3, last=3, digests=bytes.fromhex(checks[2].digest))
    Target.objects.filter(pk=target.pk).update(**{name: getattr(state, name) for name in STATE_FIELDS})
    target.transitions.all().delete()
    for change in changes:
        named = dict(zip(CHANGE_FIELDS, change_key(change), strict=True))
        Transition.objects.create(target=target, recorded_at=checks[-1].recorded_at, **named)
    (fault,) = ledger.verify()
    assert (fault.check_number, fault.problem) == (3, "is there, and said to be folded away")


def test_an_untouched_ledger_verifies() -> None:
    chain()
    assert list(ledger.verify()) == []


def test_the_digest_can_be_recomputed_from_what_the_documentation_says() -> None:
    target = chain()
    first = target.checks.get(number=1)
    content = {
        "version": 1,
        "target": hashlib.sha256((target.salt + target.key).encode()).hexdigest(),
        "number": 1,
        "started_at": "2026-03-01T13:00:00.000000+00:00",
        "finished_at": "2026-03-01T13:00:00.000000+00:00",
        "outcome": "available",
        "reason": "ok",
        "definitive": False,
        "signal": "",
        "http_status": None,
        "evidence": {},
        "manual": False,
        "note": "",
        "recorded_at": first.recorded_at.isoformat(timespec="microseconds"),
        "previous": "",
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert first.digest == hashlib.sha256(text.encode()).hexdigest()


def edit(**changes: object) -> Callable[[Target], object]:
    return lambda target: target.checks.filter(number=2).update(**changes)


@pytest.mark.parametrize(
    ("tamper", "number"),
    [
        (edit(outcome=Outcome.REMOVED), 2),
        (edit(reason="gone"), 2),
        (edit(http_status=404), 2),
        (edit(evidence={"asks": []}), 2),
        (edit(definitive=True), 2),
        (edit(manual=True), 2),
        (lambda target: target.checks.filter(number=2).delete(), 2),
        (lambda target: target.checks.filter(number=4).delete(), 4),
        (lambda target: target.checks.filter(number=4).update(note="Another note."), 4),
        (
            lambda target: target.checks.filter(number=1).update(
                recorded_at=target.checks.get(number=1).recorded_at - timedelta(microseconds=1)
            ),
            1,
        ),
        (lambda target: Target.objects.filter(pk=target.pk).update(head_digest="0" * 64), 5),
        (lambda target: Target.objects.filter(pk=target.pk).update(key="https://example.org/other"), 1),
        (lambda target: Target.objects.filter(pk=target.pk).update(key="", salt=""), 1),
    ],
)
def test_the_first_check_that_was_tampered_with_is_named(
    tamper: Callable[[Target], object], number: int
) -> None:
    target = chain()
    tamper(target)
    assert [(fault.target_id, fault.check_number) for fault in ledger.verify()] == [(target.pk, number)]


def test_erasing_a_note_and_its_salt_keeps_the_chain() -> None:
    target = chain()
    target.checks.filter(number=4).update(note="", note_salt="")
    assert list(ledger.verify()) == []


def test_rewriting_a_digest_to_fit_shows_at_the_next_check() -> None:
    target = chain()
    second = target.checks.get(number=2)
    second.outcome = Outcome.REMOVED
    previous = target.checks.get(number=1).digest
    second.digest = ledger.digest(second, target_commitment=target.commitment, previous=previous)
    Check.objects.filter(pk=second.pk).update(outcome=second.outcome, digest=second.digest)
    assert [fault.check_number for fault in ledger.verify()] == [3]


def test_a_check_that_is_recorded_meanwhile_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    target = chain()
    look = ledger.fault_of
    meanwhile = iter([[check(target, 5, Outcome.REMOVED)], [check(target, 6, Outcome.REMOVED)]])

    def look_late(found: Target) -> ledger.Fault | None:
        if found.pk == target.pk:
            append(next(meanwhile, []))
        return look(found)

    monkeypatch.setattr(ledger, "fault_of", look_late)
    assert list(ledger.verify()) == []
    target.refresh_from_db()
    assert target.check_count == 6


def test_the_command_says_that_all_is_well_or_what_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    target = chain()
    call_command("verify_ledger")
    assert "5 checks of 2 targets" in capsys.readouterr().out
    target.checks.filter(number=2).update(reason="gone")
    with pytest.raises(SystemExit) as stopped:
        call_command("verify_ledger")
    assert stopped.value.code == 1
    assert f"target {target.pk}: check 2 is not what its digest was made for" in capsys.readouterr().err
