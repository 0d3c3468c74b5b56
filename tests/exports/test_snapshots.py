"""A snapshot is made once a change, however many readers come at that moment."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier, Event

import pytest
from django.db import connection

from apps.checks.outcomes import Status
from apps.core import clock
from apps.exports import snapshots
from apps.exports.models import Publication, PublicSnapshot
from apps.exports.publication import withdraw
from apps.exports.published import Snapshot
from tests.factories import at, make_campaign, make_item, make_items, make_report
from tests.public.seeding import SLUG, TITLE, make_public, seed

pytestmark = pytest.mark.django_db(transaction=True)
READERS = 6


@pytest.fixture
def stale() -> PublicSnapshot:
    """A published campaign whose snapshot is of long ago."""
    make_public(seed())
    PublicSnapshot.objects.update(stamp="another", made_at=clock.wall() - timedelta(hours=3))
    return PublicSnapshot.objects.get()


def test_a_stampede_makes_it_once_and_the_others_get_the_one_before(
    stale: PublicSnapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever makes it is held until all the others have their answer."""
    make = snapshots.made_from
    made: list[Publication] = []
    begun, others_done, together = Event(), Event(), Barrier(READERS)

    def slow(publication: Publication) -> Snapshot:
        made.append(publication)
        begun.set()
        assert others_done.wait(timeout=60)
        return make(publication)

    monkeypatch.setattr(snapshots, "made_from", slow)

    def read(_: int) -> tuple[bool, str]:
        try:
            together.wait(timeout=60)
            found = snapshots.published(SLUG)
            return found.made_at == stale.made_at, found.snapshot().title
        finally:
            connection.close()

    with ThreadPoolExecutor(READERS) as pool:
        readers = [pool.submit(read, number) for number in range(READERS)]
        assert begun.wait(timeout=60)
        waiting = set(readers)
        while len(waiting) > 1:
            waiting = {reader for reader in waiting if not reader.done()}
        others_done.set()
        answers = [reader.result(timeout=60) for reader in readers]
    assert len(made) == 1
    assert [answer for answer in answers if answer[0]] == [(True, TITLE)] * (READERS - 1)
    assert PublicSnapshot.objects.get().made_at > stale.made_at
    assert PublicSnapshot.objects.get().making_until is None


def test_each_campaign_is_found_by_its_name_and_rests_until_the_record_changes() -> None:
    """The stamp of a snapshot that was made is the one that a reader's look-up finds."""
    make_public(seed())
    other = make_campaign("other-models")
    make_public(other, title="Other models")
    for slug, title in ((SLUG, TITLE), ("other-models", "Other models")):
        rows = PublicSnapshot.objects.filter(campaign__slug=slug)
        rows.update(took_ms=0)
        before = rows.values().get()
        assert snapshots.published(slug).snapshot().title == title
        assert rows.values().get() == before
    other.minimum_n += 1
    other.save()
    made_at = snapshots.published(SLUG).made_at
    assert snapshots.published("other-models").made_at > made_at
    with pytest.raises(snapshots.NotPublished):
        snapshots.published("no-models")


def test_whoever_died_while_making_it_is_followed_by_another(stale: PublicSnapshot) -> None:
    PublicSnapshot.objects.update(making_until=clock.wall() + timedelta(minutes=1))
    assert snapshots.published(SLUG).made_at == stale.made_at
    PublicSnapshot.objects.update(making_until=clock.wall() - timedelta(minutes=1))
    assert snapshots.published(SLUG).made_at > stale.made_at


def test_what_is_withdrawn_meanwhile_stays_withdrawn(
    stale: PublicSnapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = snapshots.made_from

    def slow(publication: Publication) -> Snapshot:
        withdraw(campaign=publication.campaign, person=None)
        return make(publication)

    monkeypatch.setattr(snapshots, "made_from", slow)
    with pytest.raises(snapshots.NotPublished):
        snapshots.published(SLUG)
    assert not PublicSnapshot.objects.exists()


def test_a_slow_one_is_not_made_again_at_once(stale: PublicSnapshot) -> None:
    PublicSnapshot.objects.update(made_at=clock.wall() - timedelta(seconds=30), took_ms=2_000)
    assert snapshots.published(SLUG).etag == stale.etag
    assert PublicSnapshot.objects.get().stamp == "another"


@pytest.mark.parametrize("reports", [False, True])
def test_the_day_on_which_few_items_were_reported_is_not_the_day_that_it_began(reports: bool) -> None:
    """As on the chart by day, unless each report is listed with its day."""
    campaign = make_campaign("two-lists")
    make_item(make_report(campaign), status=Status.AVAILABLE)
    make_items(make_report(campaign, sent_at=at(24 * 4)), 20)
    make_public(campaign, title="Two lists", reports=reports)
    snapshot = snapshots.published("two-lists").snapshot()
    assert snapshot.since == f"{at(0 if reports else 24 * 4):%Y-%m-%d}"
    assert snapshot.steps[0].day == f"{at(24 * 4):%Y-%m-%d}"
