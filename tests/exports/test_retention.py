"""Old checks that say nothing new are folded away: figures, editions and the ledger stay what they were."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.db.models import QuerySet
from pytest_django import Settings

from apps.checks import ledger, retention
from apps.checks.erasing import copy_without_address, erase_target
from apps.checks.models import Check, Stretch, Target, Transition
from apps.checks.outcomes import ErasedFor, Status
from apps.checks.recording import append
from apps.core.append_only import AppendOnlyError
from apps.exports.edition_ledger import faults, trail
from apps.exports.editions import publish_edition
from apps.exports.models import Edition
from apps.metrics.population import population
from apps.metrics.records import read_items
from apps.reports.models import Campaign, Item
from tests.exports.test_evidence import bundle, unpacked, verified
from tests.factories import at, make_campaign, make_item, make_report
from tests.metrics.watching import Look, check_of, watched
from tests.public.seeding import make_public

pytestmark = pytest.mark.django_db
SLUG = "example-models"
YEAR = 24 * 365  # hours
NOW = at(3 * YEAR)
KEPT = timedelta(days=365)


def gaps(start: float, end: float) -> str:
    """Hours at which the cadence looks between two moments."""
    hours, found = start, []
    while hours < end:
        found.append(f"{hours:.3f}")
        hours += min(max((hours - start) / 8, 1), 24 * 7)
    return " ".join(found)


STORIES = (
    f"up {gaps(1, 2 * YEAR)}",
    f"up {gaps(1, 500)}, gone {gaps(510, 2 * YEAR)}",
    f"up {gaps(1, 500)}, gone {gaps(510, 5000)}, up {gaps(5100, 2 * YEAR)}",
    f"up {gaps(1, 900)}, unclear {gaps(1000, 2 * YEAR)}",
    "up 1 2 3 4",
)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def campaign(db: None, clock: time_machine.Traveller) -> Campaign:
    """Items of each story, with an edition that was made in the middle of them."""
    clock.move_to(at(0.5))
    campaign = make_campaign(SLUG)
    campaign.minimum_n = 2
    campaign.save()
    report = make_report(campaign)
    items = [(watched(report), story) for story in STORIES for _ in range(2)]
    make_public(campaign, items=True)
    for until in (YEAR, 2 * YEAR):
        clock.move_to(at(until))
        append(
            check_of(item, look)
            for item, story in items
            for look in _looks(story)
            if until - YEAR <= look.hours < until
        )
        if until == YEAR:
            publish_edition(campaign=campaign, person=None)
    clock.move_to(NOW)
    return campaign


def _looks(story: str) -> list[Look]:
    return [
        Look(float(hour), word)
        for word, *hours in (part.split() for part in story.split(","))
        for hour in hours
    ]


def said() -> list[str]:
    """What commands say of the campaign."""
    found = []
    for command in (
        ("summary", SLUG, "--json"),
        ("export", SLUG, "--table", "items", "--public"),
        ("export", SLUG, "--table", "items"),
        ("export", SLUG, "--table", "transitions"),
        ("verify_edition", SLUG, "1"),
    ):
        out = io.StringIO()
        call_command(*command, stdout=out)
        found.append(out.getvalue())
    return found


def thin() -> retention.Thinned:
    return retention.thin(before=NOW - KEPT)


def test_figures_files_editions_and_heads_are_the_same_before_and_after(campaign: Campaign) -> None:
    before, checks = said(), Check.objects.count()
    heads = list(Target.objects.order_by("pk").values_list("check_count", "head_digest"))
    out = io.StringIO()
    call_command("thin_checks", keep_days=365, stdout=out)
    assert said() == before
    assert list(Target.objects.order_by("pk").values_list("check_count", "head_digest")) == heads
    folded = sum(one.last - one.first + 1 for one in Stretch.objects.all())
    assert checks - Check.objects.count() == folded > checks / 3
    call_command("verify_ledger", stdout=out)
    assert f"{folded:,} checks of 8 targets are folded away" in out.getvalue()
    assert f"{folded} more were folded away" in out.getvalue()
    edition = Edition.objects.get()
    assert any(
        not Check.objects.filter(target=head.target, number=head.checks).exists() for head in trail(edition)
    ), "One of the edition's heads is among those that were folded away."
    assert thin() == retention.Thinned(), "Nothing is left to fold away."
    with pytest.raises(CommandError, match="60 or more"):
        call_command("thin_checks", keep_days=7)


def test_what_is_reported_again_counts_from_the_same_check_on(
    db: None, clock: time_machine.Traveller
) -> None:
    """The URL was watched for a year by then, and nobody attested that it was there."""
    campaign = make_campaign(SLUG)
    first = watched(make_report(campaign))
    looks = [float(hour) for hour in gaps(1, 1.5 * YEAR).split()]
    for hours in looks:
        clock.move_to(at(hours))
        append([check_of(first, Look(hours, "up"))])
    middle = next(place for place, hours in enumerate(looks) if hours > YEAR)
    for hours in looks[middle : middle + 8]:
        again = make_item(make_report(campaign), first.target)
        again.reported_at = again.created_at = at(hours + 1)
        again.save()
    clock.move_to(NOW)

    def counted() -> list[tuple[int, ...]]:
        found = []
        for hours in looks[middle:]:
            moment = at(hours + 0.5)
            records = read_items(Item.objects.order_by("pk"), as_of=moment)
            of_then = population(records, now=int(moment.timestamp()))
            found.append((*of_then.excluded.tolist(), *of_then.observed.tolist()))
        return found

    before = counted()
    assert thin().checks
    assert counted() == before
    assert thin() == retention.Thinned()
    assert list(ledger.verify()) == []


def test_evidence_holds_by_its_own_program(campaign: Campaign, tmp_path: Path) -> None:
    thin()
    item = Item.objects.order_by("pk")[0]
    folder = unpacked(bundle(campaign, item), tmp_path)
    code, output = verified(folder)
    assert code == 0, output
    assert "no longer kept" in output
    lines = (folder / "checks.jsonl").read_text().splitlines()
    place = next(place for place, line in enumerate(lines) if "folded" in line)
    shorter = json.loads(lines[place])
    shorter["folded"]["digests"].pop()
    lines[place] = json.dumps(shorter)
    (folder / "checks.jsonl").write_text("\n".join(lines) + "\n")
    code, output = verified(folder)
    assert code == 1
    assert "does not follow" in output or "is missing" in output


def test_the_schedule_thins_only_where_it_is_set(campaign: Campaign, settings: Settings) -> None:
    retention.thin_by_setting()
    assert not Stretch.objects.exists()
    settings.CHECK_KEEP_DAYS = 365
    retention.thin_by_setting()
    assert Stretch.objects.exists()


def test_what_is_handed_in_for_a_moment_inside_a_stretch_is_folded_as_if_nothing_were_missing(
    campaign: Campaign,
) -> None:
    """A person saw each item a year ago, at a moment between two checks that are gone."""
    thin()
    before = {target.pk: target.status for target in Target.objects.all()}
    for item in Item.objects.all():
        append([check_of(item, Look(0.7 * YEAR, "up", person=True))])
    after = {target.pk: target.status for target in Target.objects.all()}
    gone_before = Item.objects.order_by("pk")[2].target_id
    assert after == before
    assert after[gone_before] == Status.REMOVED
    assert list(ledger.verify()) == []


def let_stretches_change() -> None:
    """What only somebody with the whole database in hand can do."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("ALTER TABLE checks_stretch DISABLE TRIGGER checks_stretch_stays")
            return
        for change in ("update", "delete"):
            cursor.execute(f"DROP TRIGGER checks_stretch_no_{change}")


def test_neither_the_model_nor_the_database_changes_a_stretch(campaign: Campaign) -> None:
    thin()
    with pytest.raises(AppendOnlyError):
        Stretch.objects.all().delete()
    for sql in ("UPDATE checks_stretch SET last = last + 1", "DELETE FROM checks_stretch"):
        with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
            connection.cursor().execute(sql)


def forge(target: int, first: int, last: int) -> None:
    """Delete some checks and say that they were folded away."""
    gone = Check.objects.filter(target=target, number__range=(first, last)).order_by("number")
    digests = b"".join(map(bytes.fromhex, gone.values_list("digest", flat=True)))
    Stretch.objects.create(target_id=target, first=first, last=last, digests=digests)
    gone.delete()


def test_what_cannot_have_been_folded_away_is_missing(campaign: Campaign) -> None:
    up, _, gone, *_ = Item.objects.order_by("pk")
    edition = Edition.objects.get()
    seen = next(head.checks for head in trail(edition) if head.target == up.target_id)
    shown = dict(Transition.objects.filter(target=gone.target_id).values_list("to_status", "check_number"))
    for target, first, last in (
        (up.target_id, 1, 2),  # nothing before it says the same
        (up.target_id, 3, 5),  # too far apart for what had not stood for long
        (up.target_id, seen - 8, seen - 1),  # farther apart than anything may be
        (up.target_id, seen - 1, seen + 6),  # the same, with the edition's head in it
        (gone.target_id, shown[Status.SUSPECTED], shown[Status.SUSPECTED]),  # its neighbours say otherwise
        (gone.target_id, shown[Status.REMOVED], shown[Status.REMOVED]),  # a change of status rests on it
    ):
        with transaction.atomic():
            forge(target, first, last)
            (fault,) = ledger.verify()
            assert (fault.target_id, fault.check_number) == (target, first)
            assert "cannot have been folded away" in fault.problem
            assert [one.what for one in faults(edition)] == [f"target {target}: check {first}"]
            transaction.set_rollback(True)


def fold_in_bundle(folder: Path, target: int, first: int, last: int) -> None:
    """Take some checks out of an evidence bundle, and say that they were folded away."""
    file = folder / "checks.jsonl"
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    gone = [
        line
        for line in lines
        if line["target"] == target and "content" in line and first <= line["content"]["number"] <= last
    ]
    place = lines.index(gone[0])
    folded = {"first": first, "digests": [line["digest"] for line in gone]}
    kept = [line for line in lines if line not in gone]
    kept.insert(place, {"target": target, "folded": folded})
    file.write_text("".join(json.dumps(line) + "\n" for line in kept))
    sums = folder / "SHA256SUMS"
    known = [line for line in sums.read_text().splitlines() if not line.endswith("  checks.jsonl")]
    sums.write_text("\n".join([*known, f"{hashlib.sha256(file.read_bytes()).hexdigest()}  checks.jsonl", ""]))


def test_a_bundle_from_which_checks_were_taken_does_not_hold(campaign: Campaign, tmp_path: Path) -> None:
    """Whoever hands it on can make its sums anew; who says something else cannot be left out of the chain."""
    up, _, gone, *_ = Item.objects.order_by("pk")
    count = dict(Target.objects.values_list("pk", "check_count"))
    shown = dict(Transition.objects.filter(target=gone.target_id).values_list("to_status", "check_number"))
    suspected = shown[Status.SUSPECTED]
    for number, (item, first, last, problem) in enumerate(
        (
            (up, 1, 2, "check 1 is missing: it cannot"),  # nothing before it says the same
            (up, 3, 5, "check 3 is missing: it cannot"),  # too far apart for what had not stood for long
            (up, count[up.target_id] - 9, count[up.target_id] - 1, "is missing: it cannot"),  # than 30 days
            (up, count[up.target_id] - 1, count[up.target_id], "is missing: it says"),  # nothing after it
            (gone, suspected, suspected, f"check {suspected} is missing: it cannot"),  # neighbours differ
        )
    ):
        folder = unpacked(bundle(campaign, item), tmp_path / str(number))
        code, output = verified(folder)
        assert code == 0, output
        fold_in_bundle(folder, item.target_id, first, last)
        code, output = verified(folder)
        assert code == 1
        assert problem in output
        assert output.count("DOES NOT HOLD") == 1


def test_a_stretch_that_was_altered_is_named(campaign: Campaign) -> None:
    thin()
    let_stretches_change()
    stretch = Stretch.objects.order_by("pk")[0]
    own: QuerySet[Stretch] = QuerySet(Stretch).filter(pk=stretch.pk)
    digests = bytes(stretch.digests)
    for alter, number, problem in (
        (own.delete, stretch.first, "is missing"),
        (lambda: own.update(digests=digests[32:]), stretch.first, "is missing"),
        (lambda: own.update(digests=digests[:-32] + bytes(32)), stretch.last + 1, "is not what its digest"),
    ):
        with transaction.atomic():
            alter()
            (fault,) = ledger.verify()
            assert (fault.target_id, fault.check_number) == (stretch.target_id, number)
            assert fault.problem.startswith(problem)
            transaction.set_rollback(True)


def test_what_was_thinned_can_be_erased_and_is_left_alone_after(campaign: Campaign) -> None:
    thin()
    first, second, *_ = Item.objects.order_by("pk")
    stretches = Stretch.objects.filter(target=second.target_id).values_list("digests", flat=True)
    own = set(stretches)
    with transaction.atomic():
        erase_target(first.target, why=ErasedFor.CONCERNED, account_key=0)
        copied = copy_without_address(second.target, why=ErasedFor.CONCERNED, account_key=0)
    assert list(ledger.verify()) == []
    theirs = set(copied.stretches.values_list("digests", flat=True))
    assert set(stretches) == own
    assert len(own) == len(theirs) > 0
    assert own.isdisjoint(theirs), "Nothing tells whose copy it is."
    done = thin()
    assert (done.checks, done.left) == (0, 0)


def test_what_was_altered_before_is_not_forgotten(campaign: Campaign) -> None:
    item = Item.objects.order_by("pk")[0]
    Check.objects.filter(target=item.target_id, number=40).update(http_status=418)
    (fault,) = ledger.verify()
    done = thin()
    assert done.left == 1
    assert not Stretch.objects.filter(target=item.target_id).exists()
    assert list(ledger.verify()) == [fault]
