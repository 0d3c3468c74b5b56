"""The fictional campaign of `seed_scale`: as the project would have recorded it, and every time the same."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from io import StringIO
from random import Random
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction

from apps.checks import ledger
from apps.checks.adding_up import state_of
from apps.checks.models import Check, Target, Transition
from apps.checks.outcomes import Outcome, Status
from apps.checks.status import Seen, fold_all
from apps.demo import scale
from apps.demo.lives import lives
from apps.reports.models import Campaign, Claim, Item, Reply, Report
from tests.factories import make_campaign, make_report

ITEMS, CHECKS = 150, 2_250


def seed(**options: Any) -> scale.Made:
    chosen: dict[str, Any] = {"items": ITEMS, "checks": CHECKS, "platforms": 4, "say": lambda _: None}
    return scale.seed(**(chosen | options))


def digest_of_everything() -> str:
    """Of every row that the seed made; campaigns and owners apart, which are made as a person makes them."""
    digest = hashlib.sha256()
    for model in (Target, Check, Transition, Report, Item, Reply, Claim):
        for row in model._default_manager.order_by("pk").values():
            row.pop("campaign_id", None)
            if model in {Check, Transition, Claim}:
                row.pop("id")  # counted by the database
            digest.update(json.dumps(row, cls=DjangoJSONEncoder, sort_keys=True).encode())
    return digest.hexdigest()


@pytest.mark.django_db
def test_it_works() -> None:
    made = seed()
    assert made.items == Item.objects.count() == Target.objects.count() == ITEMS
    assert made.checks == Check.objects.count()
    assert abs(made.checks / CHECKS - 1) < 0.15
    assert list(ledger.verify()) == []
    outcomes = set(Check.objects.values_list("outcome", flat=True))
    assert outcomes == set(Outcome.values)
    assert {Status.AVAILABLE, Status.REMOVED} <= set(Target.objects.values_list("status", flat=True))
    assert Claim.objects.exists()
    assert Report.objects.count() == made.reports


@pytest.mark.django_db
def test_what_is_held_of_each_target_is_what_its_checks_add_up_to() -> None:
    seed()
    for target in Target.objects.prefetch_related("checks", "transitions"):
        state, changes = fold_all(
            Seen(
                number=check.number,
                started_at=check.started_at,
                finished_at=check.finished_at,
                outcome=Outcome(check.outcome),
                reason=check.reason,  # type: ignore[arg-type]
                definitive=check.definitive,
                manual=check.manual,
            )
            for check in target.checks.all()
        )
        assert state_of(target) == state
        held = sorted(target.transitions.all(), key=lambda transition: transition.pk)
        assert [(one.check_number, one.to_status, one.after, one.by) for one in held] == [
            (change.check_number, change.to_status, change.after, change.by) for change in changes
        ]
        assert target.check_count == len(target.checks.all())


@pytest.mark.django_db
def test_nothing_lies_in_the_future_and_little_is_overdue() -> None:
    seed()
    assert not Check.objects.filter(recorded_at__gt=scale.UNTIL).exists()
    assert not Item.objects.filter(reported_at__gt=scale.UNTIL).exists()
    assert not Target.objects.filter(next_check_at__lte=scale.UNTIL - scale.BEHIND).exists()
    assert Target.objects.filter(next_check_at__lte=scale.UNTIL).count() < ITEMS / 10


@pytest.mark.django_db
def test_the_same_seed_gives_the_same_rows_and_another_one_others() -> None:
    found = []
    for number in (7, 7, 8):
        with transaction.atomic():
            seed(seed=number)
            found.append(digest_of_everything())
            transaction.set_rollback(True)
    assert found[0] == found[1] != found[2]


@pytest.mark.django_db
def test_life_goes_on_after_it() -> None:
    made = seed()
    before = set(Report.objects.values_list("pk", flat=True))
    assert len(before) == made.reports
    assert make_report(made.campaign).pk > max(before)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--items", "10", "--checks", "5"), "ask for 20 to 1,300"),
        (("--items", "10", "--checks", "5000"), "ask for 20 to 1,300"),
        (("--items", "0", "--checks", "10"), "at least one item"),
        (("--items", "10", "--checks", "100", "--until", "yesterday"), "Write it as 2026-03-01"),
    ],
)
def test_a_size_that_cannot_be_is_refused_with_what_can(arguments: tuple[str, ...], says: str) -> None:
    with pytest.raises(CommandError, match=says):
        call_command("seed_scale", *arguments, stdout=StringIO())
    assert not Campaign.objects.exists()


@pytest.mark.django_db
def test_a_record_that_holds_anything_is_left_alone() -> None:
    make_campaign("real")
    with pytest.raises(CommandError, match="Name a new database in DATABASE_URL"):
        call_command("seed_scale", "--items", "10", "--checks", "100", stdout=StringIO())
    assert not Target.objects.exists()


@pytest.mark.django_db
def test_the_command_says_what_it_made() -> None:
    said = StringIO()
    call_command("seed_scale", "--items", "20", "--checks", "200", "--platforms", "2", stdout=said)
    assert "20 items" in said.getvalue()


@pytest.mark.parametrize("looks", [2, 5, 15, 50, 130])
def test_lives_have_about_as_many_looks_as_are_wished_for(looks: int) -> None:
    made = lives(100, looks=looks, waves=4, random=Random(1))
    assert abs(sum(len(life.looks) for life in made) / len(made) / looks - 1) < 0.25
    for life in made:
        assert life.looks[-1].finished_at - life.looks[0].started_at <= life.followed
        assert life.followed <= timedelta(days=420)
