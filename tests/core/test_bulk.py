"""Many rows at once are what as many rows one by one would be."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from apps.checks.models import Target
from apps.checks.outcomes import Status
from apps.core import bulk
from apps.reports.models import Claim, ClaimWord, Item, Reply, ReplyKind
from tests.factories import START, make_campaign, make_item, make_report, make_target

pytestmark = pytest.mark.django_db
NAMES = ("status", "reason", "present_at", "origins", "run_count", "by_person")
AWKWARD = "tab\t, line\nand \\N, “quotes”, {braces}, 'apostrophe'"


def test_it_works() -> None:
    report = make_report(make_campaign())
    items = [make_item(report).pk for _ in range(3)]
    reply = Reply.objects.create(report=report, kind=ReplyKind.OTHER, received_at=START)
    bulk.insert(
        Claim, ("reply_id", "item_id", "claim"), ((reply.pk, item, ClaimWord.REMOVED) for item in items)
    )
    assert [claim.item_id for claim in Claim.objects.order_by("pk")] == items
    assert {claim.claim for claim in Claim.objects.all()} == {"removed"}


def test_rows_that_are_changed_hold_every_kind_of_value() -> None:
    first, second, other = make_target(), make_target(), make_target()
    moment = START + timedelta(microseconds=123_456)
    bulk.update(
        Target,
        NAMES,
        [
            (Status.REMOVED, AWKWARD[:20], moment, [START.isoformat(), AWKWARD], 7, True, first.pk),
            (Status.AVAILABLE, "", None, [], 0, False, second.pk),
        ],
    )
    assert list(Target.objects.order_by("pk").values_list(*NAMES)) == [
        ("removed", AWKWARD[:20], moment, [START.isoformat(), AWKWARD], 7, True),
        ("available", "", None, [], 0, False),
        (other.status, "", None, [], 0, False),
    ]
    assert Target.objects.get(present_at=moment) == first


def test_rows_that_are_added_hold_every_kind_of_value() -> None:
    target = make_target()
    report = make_report(make_campaign())
    names = ("report_id", "target_id", "submitted", "reported_at", "dated", "labels", "note")
    names += ("control", "attested", "created_at")
    moments = [START, START + timedelta(microseconds=1)]
    bulk.insert(
        Item,
        names,
        [(report.pk, target.pk, AWKWARD, at, True, [AWKWARD], AWKWARD, False, True, at) for at in moments],
    )
    assert list(Item.objects.order_by("pk").values_list("submitted", "labels", "note", "reported_at")) == [
        (AWKWARD, [AWKWARD], AWKWARD, at) for at in moments
    ]
    assert Item.objects.filter(reported_at=START).count() == 1


def test_any_number_of_rows_is_one_statement() -> None:
    targets = [make_target().pk for _ in range(30)]
    for many in (1, 30):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            bulk.update(Target, ("run_count",), [(5, pk) for pk in targets[:many]])
        assert len(queries) == 1
    assert Target.objects.filter(run_count=5).count() == 30


def test_no_rows_are_no_harm() -> None:
    bulk.update(Target, ("run_count",), [])
    bulk.insert(Claim, ("reply_id", "item_id", "claim"), [])
    assert not Claim.objects.exists()


def test_a_row_that_may_not_be_leaves_nothing() -> None:
    report = make_report(make_campaign())
    item = make_item(report)
    reply = Reply.objects.create(report=report, kind=ReplyKind.OTHER, received_at=START)
    row = (reply.pk, item.pk, ClaimWord.REMOVED)
    with pytest.raises(IntegrityError), transaction.atomic():
        bulk.insert(Claim, ("reply_id", "item_id", "claim"), [row, row])
    assert not Claim.objects.exists()


def test_more_keys_than_a_statement_has_room_for() -> None:
    target = make_target()
    assert list(Target.objects.filter(pk__in=bulk.among([*range(300_000), target.pk]))) == [target]
