"""What is written down for a batch of checks, and what is held of their targets afterwards."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.checks import ledger
from apps.checks.adding_up import state_of
from apps.checks.models import Check, Target, Transition
from apps.checks.outcomes import Outcome, Reason, Status
from apps.checks.recording import NewCheck, append
from tests.checks.making import at, check, make_targets
from tests.factories import make_target

pytestmark = pytest.mark.django_db
UP, GONE, UNSURE = Outcome.AVAILABLE, Outcome.REMOVED, Outcome.INCONCLUSIVE


def held(target: Target) -> Target:
    return Target.objects.get(pk=target.pk)


def test_it_works() -> None:
    (target,) = make_targets("a")
    assert append([check(target, 1, UP), check(target, 2, GONE), check(target, 8, GONE)]) == 3
    target = held(target)
    assert (target.status, target.check_count, target.run_count) == (Status.SUSPECTED, 3, 2)
    assert target.next_check_at == at(24)  # a mark, before the next rung of the confirmation ladder at 26
    append([check(target, 26, GONE)])
    target = held(target)
    assert (target.status, target.removed_after, target.removed_by) == (Status.REMOVED, at(1), at(2))
    assert target.confirmed_at == at(26)
    assert list(target.transitions.order_by("pk").values_list("to_status", "after", "by")) == [
        (Status.AVAILABLE, None, at(1)),
        (Status.SUSPECTED, at(1), at(2)),
        (Status.REMOVED, at(1), at(2)),
    ]


def test_checks_are_numbered_in_the_order_in_which_they_were_recorded() -> None:
    (target,) = make_targets("a")
    append([check(target, 5, UP), check(target, 1, UP)])
    append([check(target, 3, UP, manual=True)])
    assert list(target.checks.order_by("number").values_list("number", "finished_at")) == [
        (1, at(1)),
        (2, at(5)),
        (3, at(3)),
    ]


def test_an_earlier_observation_handed_in_later_folds_the_target_anew() -> None:
    (target,) = make_targets("a")
    append([check(target, 10, UP), check(target, 12, GONE), check(target, 18, GONE)])
    assert held(target).present_at == at(10)
    append([check(target, 11, UP, manual=True)])
    append([check(target, 36, GONE)])
    target = held(target)
    assert (target.status, target.removed_after) == (Status.REMOVED, at(11))
    standing = target.transitions.filter(superseded_at=None).order_by("by", "pk")
    assert list(standing.values_list("to_status", "after")) == [
        (Status.AVAILABLE, None),
        (Status.SUSPECTED, at(11)),
        (Status.REMOVED, at(11)),
    ]
    (superseded,) = target.transitions.exclude(superseded_at=None)
    assert (superseded.to_status, superseded.after) == (Status.SUSPECTED, at(10))


def test_what_a_person_saw_brings_the_next_look_forward_but_never_puts_it_off() -> None:
    (target,) = make_targets("a")
    append([check(target, 1, UP, manual=True)])
    first = held(target).next_check_at
    assert first is not None
    assert at(1) < first <= at(1.25)
    append([check(target, 20 * 24, UP)])
    later = held(target).next_check_at
    append([check(target, 20 * 24 + 1, GONE, manual=True)])
    soon = held(target).next_check_at
    append([check(target, 20 * 24 + 2, UP, manual=True)])
    assert later is not None
    assert soon is not None
    assert soon < later
    assert held(target).next_check_at == soon


def test_an_answer_that_was_under_way_at_a_mark_does_not_stand_for_it() -> None:
    (target,) = make_targets("a")
    slow = replace(check(target, 47.999, UP), finished_at=at(48.001))
    append([slow])
    assert held(target).next_check_at == at(48)
    append([check(target, 48.002, UP)])
    following = held(target).next_check_at
    assert following is not None
    assert following > at(50)


def test_two_targets_reported_together_are_spread_by_jitter_and_repeatably() -> None:
    targets = make_targets("a", "b", "c", "d")
    append(check(target, 200, UP) for target in targets)
    gaps = {held(target).next_check_at for target in targets}
    assert len(gaps) == 4
    assert all(at(200) + timedelta(hours=200 / 16 * 0.9) <= moment <= at(212.5) for moment in gaps if moment)


def test_the_number_of_statements_does_not_grow_with_the_number_of_checks() -> None:
    def statements(targets: list[Target]) -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            append(check(target, 1, UP) for target in targets)
        return len(captured)

    few = statements(make_targets(*[f"few/{i}" for i in range(5)]))
    many = statements(make_targets(*[f"many/{i}" for i in range(25)]))
    assert many == few


@pytest.mark.postgresql  # SQLite locks the whole database
def test_rows_are_locked_in_the_order_of_their_keys() -> None:
    first, second = make_targets("a", "b")
    with CaptureQueriesContext(connection) as queries:
        append([check(second, 1, UP), check(first, 1, UP)])
    (locking,) = (query["sql"] for query in queries if "FOR UPDATE" in query["sql"])
    assert 'ORDER BY "checks_target"."id" ASC FOR UPDATE' in locking


def test_a_failed_batch_writes_nothing() -> None:
    one, other = make_targets("a", "b")
    bad = check(other, 2, UP)
    object.__setattr__(bad, "finished_at", at(1))  # ends before it starts: the database refuses it
    with pytest.raises(Exception, match="check_finishes_after_start"):
        append([check(one, 1, UP), bad])


def test_a_failed_batch_leaves_no_trace(transactional_db: None) -> None:
    one, other = make_targets("a", "b")
    bad = check(other, 2, UP)
    object.__setattr__(bad, "finished_at", at(1))
    with pytest.raises(Exception, match="check_finishes_after_start"):
        append([check(one, 1, UP), bad])
    assert not Check.objects.exists()
    assert not Transition.objects.exists()
    assert held(one).status == Status.WAITING


rows = st.lists(
    st.tuples(st.integers(0, 60), st.sampled_from([UP, GONE, UNSURE]), st.booleans()), min_size=1, max_size=12
)


@given(rows, st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_row_is_the_same_whichever_way_checks_are_batched(
    rows: list[tuple[int, Outcome, bool]], data: st.DataObject
) -> None:
    """Whole, one by one, or cut anywhere, even out of order: the fold in the database agrees with itself."""
    run = f"{Target.objects.count()}"
    whole, cut = make_targets(f"whole/{run}", f"cut/{run}")
    # One moment holds one observation here: which of two at the same moment came first is their order of
    # arrival, which batching does change.
    rows = list({hours: (hours, outcome, manual) for hours, outcome, manual in rows}.values())
    append(check(whole, hours, outcome, manual=manual) for hours, outcome, manual in rows)
    rest = data.draw(st.permutations(rows))
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        append(check(cut, hours, outcome, manual=manual) for hours, outcome, manual in rest[:size])
        rest = rest[size:]
    assert state_of(held(whole)) == state_of(held(cut))
    assert [ledger.fault_of(held(target)) for target in (whole, cut)] == [None, None]
    intervals = [
        list(
            Transition.objects.filter(target=target, superseded_at=None)
            .order_by("by", "pk")
            .values_list("from_status", "to_status", "after", "by")
        )
        for target in (whole, cut)
    ]
    assert sorted(map(str, intervals[0])) == sorted(map(str, intervals[1]))


def test_the_migration_fills_what_recording_keeps() -> None:
    seen = make_target("seen", account="uploader-1")
    append(
        NewCheck(seen.pk, at(hours), at(hours), outcome, reason, manual=manual)
        for hours, outcome, reason, manual in (
            (1, Outcome.AVAILABLE, Reason.OK, False),
            (2, Outcome.AVAILABLE, Reason.PERSON, True),
            (3, Outcome.REMOVED, Reason.PERSON, True),
            (4, Outcome.RESTRICTED, Reason.LABELLED, False),
            (5, Outcome.RESTRICTED, Reason.GEO_BLOCKED, False),
            (6, Outcome.REMOVED, Reason.PERSON, True),
        )
    )
    make_target("never seen")
    names = ("account_key", "checker_present_at", "removal_count")
    kept = list(Target.objects.order_by("pk").values_list(*names))
    assert kept[0] == (Target.account_key_of("example.org", "uploader-1"), at(4), 2)
    Target.objects.update(account_key=0, checker_present_at=None, removal_count=0)
    import_module("apps.checks.migrations.0003_fill_figures_of_targets").fill(apps, None)
    assert list(Target.objects.order_by("pk").values_list(*names)) == kept
