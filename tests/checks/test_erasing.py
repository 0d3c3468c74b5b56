"""An address can be erased, and what is left of its checks is still held to account."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as DatabaseCase

from apps.checks import ledger, services
from apps.checks.adding_up import STATE_FIELDS
from apps.checks.erasing import NO_HOST, copy_without_address, erase_target, fresh_account_key
from apps.checks.models import Check, Erasure, Host, Target, Transition
from apps.checks.outcomes import ErasedFor, Outcome, Status
from apps.checks.recording import append
from tests.checks.making import check, make_targets

pytestmark = pytest.mark.django_db
SECRET = "zq-secret"


def seen(many: int = 3) -> Target:
    """A target with as many checks as wanted, and one by a person, whose evidence and note hold a secret."""
    (target,) = make_targets(SECRET)
    Target.objects.filter(pk=target.pk).update(account=SECRET, identity=SECRET)
    append(
        replace(check(target, hour, Outcome.AVAILABLE), evidence={"x": SECRET}) for hour in range(1, many + 1)
    )
    append([check(target, many + 1, Outcome.REMOVED, manual=True, note=SECRET)])
    target.refresh_from_db()
    return target


def erase(target: Target) -> Erasure:
    with transaction.atomic():
        return erase_target(target, why=ErasedFor.CONCERNED, account_key=7)


def everything() -> str:
    """All that the tables of this room hold, as one text."""
    rows: list[object] = []
    for model in (Target, Check, Transition, Erasure, Host):
        rows += list(model._default_manager.values_list())
    return repr(rows)


def test_nothing_of_the_address_is_left_and_the_ledger_says_that_it_is_erased(
    capsys: pytest.CaptureFixture[str],
) -> None:
    target = seen()
    digests = [target.key_digest, target.salt, target.host.name]
    assert all(each in everything() for each in [SECRET, *digests])
    erase(target)
    assert not any(each in everything() for each in [SECRET, *digests])
    assert list(ledger.verify()) == []
    call_command("verify_ledger")
    said = capsys.readouterr().out
    assert "0 checks of 0 targets hold." in said
    assert "4 checks of 1 targets are erased" in said


def test_what_was_seen_and_when_stays_and_it_is_not_looked_at_any_more() -> None:
    target = seen()
    facts = Check.objects.order_by("number").values_list(
        "number", "started_at", "outcome", "reason", "signal", "http_status", "manual", "digest"
    )
    before, state = list(facts), [getattr(target, name) for name in STATE_FIELDS if name != "identity"]
    erase(target)
    target.refresh_from_db()
    assert list(facts) == before
    assert [getattr(target, name) for name in STATE_FIELDS if name != "identity"] == state
    assert (target.next_check_at, target.host.name) == (None, NO_HOST)
    assert append([check(target, 9, Outcome.AVAILABLE)]) == 0  # it was under way
    assert list(ledger.verify()) == []


@pytest.mark.parametrize(
    "tamper",
    [
        lambda target: target.checks.filter(number=2).update(outcome=Outcome.REMOVED),
        lambda target: target.checks.filter(number=2).update(http_status=404),
        lambda target: target.checks.filter(number=2).update(digest="0" * 64),
        lambda target: target.checks.filter(number=2).update(evidence={"x": 1}),
        lambda target: target.checks.filter(number=4).update(note="A note."),
        lambda target: target.checks.filter(number=4).update(note_commitment="0" * 64),
        lambda target: target.checks.filter(number=4).delete(),
        lambda target: target.checks.filter(number=1).delete(),
        lambda target: Target.objects.filter(pk=target.pk).update(head_digest="0" * 64),
        lambda target: Target.objects.filter(pk=target.pk).update(commitment="0" * 64),
        lambda target: Target.objects.filter(pk=target.pk).update(check_count=9),
    ],
)
def test_nothing_of_what_is_left_can_be_changed_unnoticed(tamper: Callable[[Target], object]) -> None:
    target = seen()
    erase(target)
    tamper(target)
    assert [fault.target_id for fault in ledger.verify()] == [target.pk]


def test_evidence_that_is_emptied_without_an_erasure_is_no_erasure() -> None:
    target = seen()
    target.checks.update(evidence=ledger.ERASED)
    assert [fault.check_number for fault in ledger.verify()] == [1]


def test_what_did_not_hold_when_it_was_erased_does_not_hold_afterwards() -> None:
    target = seen()
    target.checks.filter(number=2).update(outcome=Outcome.REMOVED)
    erase(target)
    (fault,) = ledger.verify()
    assert "check 2 is not what its digest was made for" in fault.problem


@pytest.mark.parametrize("sql", ["UPDATE checks_erasure SET why = 'order'", "DELETE FROM checks_erasure"])
def test_the_database_refuses_to_change_an_erasure(sql: str) -> None:
    erase(seen())
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
        connection.cursor().execute(sql)


def test_an_address_cannot_be_erased_twice() -> None:
    target = seen()
    erase(target)
    with pytest.raises(ValueError, match="erased already"):
        erase(target)


def test_a_copy_has_all_that_was_seen_and_nothing_that_leads_to_the_other() -> None:
    target = seen()
    with transaction.atomic():
        copied = copy_without_address(target, why=ErasedFor.CONCERNED, account_key=fresh_account_key())
    copied.refresh_from_db()
    target.refresh_from_db()
    assert target.key
    assert target.next_check_at
    assert [getattr(copied, name) for name in STATE_FIELDS if name != "identity"] == [
        getattr(target, name) for name in STATE_FIELDS if name != "identity"
    ]
    facts = ("number", "finished_at", "outcome", "reason", "manual")
    assert list(copied.checks.order_by("number").values_list(*facts)) == list(
        target.checks.order_by("number").values_list(*facts)
    )
    changes = ("check_number", "from_status", "to_status", "after", "by")
    assert list(copied.transitions.order_by("pk").values_list(*changes)) == list(
        target.transitions.order_by("pk").values_list(*changes)
    )
    named = {copied.commitment, copied.head_digest, copied.key_digest}
    named |= set(copied.checks.values_list("digest", flat=True))
    assert named.isdisjoint(target.checks.values_list("digest", flat=True))
    assert SECRET not in repr(list(copied.checks.values_list()))
    assert list(ledger.verify()) == []
    copied.checks.filter(number=2).update(outcome=Outcome.REMOVED)
    assert [fault.target_id for fault in ledger.verify()] == [copied.pk]


class Properties(DatabaseCase):
    """For any record."""

    @given(
        outcomes=st.lists(st.sampled_from(list(Outcome)), max_size=6),
        change=st.sampled_from(["outcome", "reason", "signal", "digest"]),
        data=st.data(),
    )
    def test_any_record_holds_when_it_is_erased_and_none_that_is_changed_after(
        self, outcomes: list[Outcome], change: str, data: st.DataObject
    ) -> None:
        (target,) = make_targets("any")
        append(check(target, hour, outcome) for hour, outcome in enumerate(outcomes, start=1))
        erase(target)
        assert list(ledger.verify()) == []
        if outcomes:
            number = data.draw(st.integers(1, len(outcomes)))
            Check.objects.filter(target=target, number=number).update(**{change: "another"})
            assert len(list(ledger.verify())) == 1


def test_a_url_that_is_erased_while_it_is_handed_in_again_is_made_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (target,) = make_targets(SECRET)
    add = services._add_origins
    others = iter([target])

    def add_late(*args: Any) -> None:
        for erased in others:
            erase(erased)
        add(*args)

    monkeypatch.setattr(services, "_add_origins", add_late)
    (again,) = make_targets(SECRET)
    assert again.pk != target.pk
    assert again.key.endswith(SECRET)


def test_statuses_of_the_copy_stay_as_they_were() -> None:
    target = seen()
    assert target.status == Status.REMOVED
    with transaction.atomic():
        assert copy_without_address(target, why=ErasedFor.ORDER, account_key=1).status == Status.REMOVED
