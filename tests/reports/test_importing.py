"""A list becomes reports and items, each row is accounted for, and a second time nothing is new."""

from __future__ import annotations

import threading
from datetime import timedelta
from itertools import permutations

import pytest
import time_machine
from django.db import connections
from django.db.models import F

from apps.checks.models import Check, Host, Target
from apps.checks.outcomes import Outcome, Reason, Status
from apps.core import clock
from apps.reports import importing
from apps.reports.importing import ImportResult, UnknownTimeZone, run_next_import, time_zone
from apps.reports.models import Campaign, Import, Item, Report
from apps.reports.services import queue_import, upload_list
from tests.factories import make_campaign, make_person

from .lists import HOST, bring_in, utc

pytestmark = pytest.mark.django_db

LIST = f"""url,reported_at,channel,labels,note,control
hxxps://models[.]example[.]org/a,2026-01-05 10:00,web form,first;urgent,"two
lines",
{HOST}/b?utm_source=x,2026-01-06 10:00,web form,,,
{HOST}/c,,web form,,,
{HOST}/d,2026-01-07 10:00,e-mail,,,yes
https://files.example.net/e,2026-01-05 10:00,web form,,,
"""


def items(campaign: Campaign) -> set[tuple[str, str, str, bool]]:
    """(last part of the path, reported at, channel, dated) of each item."""
    return {
        (item.target.key[-1], f"{item.reported_at:%m-%d %H:%M}", item.report.channel, item.dated)
        for item in Item.objects.filter(report__campaign=campaign).select_related("target", "report")
    }


def test_a_list_becomes_one_report_a_group_and_its_items() -> None:
    campaign = make_campaign()
    result, rejected = bring_in(campaign, LIST)
    assert result == ImportResult(rows=5, created=5, duplicates=0, rejected=0, observations=0)
    assert rejected == []
    assert items(campaign) == {
        ("a", "01-05 10:00", "web_form", True),
        ("b", "01-06 10:00", "web_form", True),
        ("c", "01-05 10:00", "web_form", False),
        ("d", "01-07 10:00", "email", True),
        ("e", "01-05 10:00", "web_form", True),
    }
    reports = campaign.reports.order_by("number")
    assert [(r.number, r.platform, r.channel, r.sent_at) for r in reports] == [
        (1, "example.org", "web_form", utc("2026-01-05T10:00")),
        (2, "example.org", "email", utc("2026-01-07T10:00")),
        (3, "example.net", "web_form", utc("2026-01-05T10:00")),
    ]
    first = Item.objects.get(target__key=f"{HOST}/a")
    assert (first.submitted, first.labels, first.note) == (
        "hxxps://models[.]example[.]org/a",
        ["first", "urgent"],
        "two\nlines",
    )
    assert Item.objects.get(target__key=f"{HOST}/d").control
    target = Target.objects.get(key=f"{HOST}/b")
    assert target.next_check_at is not None
    assert target.next_check_at <= clock.now()
    assert target.origins == ["2026-01-06T10:00:00+00:00"]


def test_a_list_says_which_items_nobody_attests() -> None:
    campaign = make_campaign()
    bring_in(campaign, f"url,attested\n{HOST}/a,\n{HOST}/b,no\n{HOST}/c,yes\n")
    assert Item.objects.get(attested=False).target.key == f"{HOST}/b"


def test_the_same_list_a_second_time_creates_nothing() -> None:
    campaign = make_campaign()
    bring_in(campaign, LIST)
    before = items(campaign), list(Target.objects.values_list("origins", "next_check_at"))
    for content in (LIST, LIST.replace("web form", "Web-Form").replace("2026-01-05 10:00", "5.1.2026 10:00")):
        result, _ = bring_in(campaign, content)
        assert result == ImportResult(rows=5, created=0, duplicates=5, rejected=0, observations=0)
    assert (items(campaign), list(Target.objects.values_list("origins", "next_check_at"))) == before
    assert campaign.reports.count() == 3


def test_a_list_that_has_grown_adds_to_its_reports() -> None:
    campaign = make_campaign()
    bring_in(campaign, LIST)
    result, _ = bring_in(campaign, LIST + f"{HOST}/f,2026-01-09 10:00,web form,,,\n")
    assert (result.created, result.duplicates) == (1, 5)
    assert campaign.reports.count() == 3
    assert Item.objects.get(target__key=f"{HOST}/f").report.number == 1


def test_the_same_url_reported_again_is_a_second_item_of_one_target() -> None:
    campaign = make_campaign()
    content = "url,reported_at,reference\n" + "".join(
        f"{HOST}/a,{row}\n" for row in ("2026-01-05,T-1", "2026-02-05,T-1", "2026-02-05,T-2")
    )
    result, _ = bring_in(campaign, content)
    assert result.created == 3
    assert Target.objects.count() == 1
    assert Target.objects.get().origins == ["2026-01-05T00:00:00+00:00", "2026-02-05T00:00:00+00:00"]


def test_two_campaigns_share_a_target_and_not_their_items() -> None:
    one, two = make_campaign("one"), make_campaign("two")
    bring_in(one, LIST)
    result, _ = bring_in(two, LIST)
    assert result.created == 5
    assert Target.objects.count() == 5


def test_the_order_of_the_rows_does_not_matter() -> None:
    rows = [
        f"{HOST}/a,2026-01-07 10:00",
        f"{HOST}/a,",
        f"{HOST}/b,2026-01-05 10:00",
        f"{HOST}/c,",
    ]
    outcomes = set()
    for number, order in enumerate(permutations(rows)):
        campaign = make_campaign(f"order-{number}")
        result, _ = bring_in(campaign, "url,reported_at\n" + "\n".join(order))
        outcomes.add((result, frozenset(items(campaign))))
    assert outcomes == {
        (
            ImportResult(rows=4, created=3, duplicates=1, rejected=0, observations=0),
            frozenset(
                {
                    ("a", "01-07 10:00", "unknown", True),
                    ("b", "01-05 10:00", "unknown", True),
                    ("c", "01-05 10:00", "unknown", False),
                }
            ),
        )
    }


def test_a_list_without_dates_counts_from_now_and_only_once() -> None:
    campaign = make_campaign()
    content = f"{HOST}/a\n{HOST}/b\n{HOST}/a/../a\n"
    with time_machine.travel("2026-03-01T12:00:00Z", tick=False):
        result, _ = bring_in(campaign, content)
    assert (result.created, result.duplicates) == (2, 1)
    assert {item.reported_at for item in Item.objects.all()} == {utc("2026-03-01T12:00")}
    with time_machine.travel("2026-03-02T12:00:00Z", tick=False):
        result, _ = bring_in(campaign, content + f"{HOST}/c\n")
    assert (result.created, result.duplicates) == (1, 3)
    assert [report.sent_at for report in campaign.reports.order_by("number")] == [
        utc("2026-03-01T12:00"),
        utc("2026-03-02T12:00"),
    ]


def test_what_was_watched_as_a_control_can_be_reported_later() -> None:
    campaign = make_campaign()
    lists = (f"url,control\n{HOST}/a,yes\n", f"url\n{HOST}/a\n")
    for created, day in ((1, 1), (0, 3)):  # what is handed in again creates nothing
        for number, content in enumerate(lists):
            with time_machine.travel(utc(f"2026-03-0{day + number}T12:00"), tick=False):
                result, _ = bring_in(campaign, content)
            assert (result.created, result.duplicates) == (created, 1 - created)
    assert set(Item.objects.values_list("control", "reported_at")) == {
        (True, utc("2026-03-01T12:00")),
        (False, utc("2026-03-02T12:00")),
    }


def test_rejected_rows_come_back_in_order_and_do_not_stop_the_others() -> None:
    campaign = make_campaign()
    result, rejected = bring_in(
        campaign,
        f"url,reported_at,removed_at,outcome\n{HOST}/a,2026-01-05,,\njavascript:x,,,\n{HOST}/b,,2026-01-01,\n"
        f"{HOST}/c,2999-01-01,,\n{HOST}/d\n{HOST}/e,2026-01-05,,vanished\n{HOST}/f,2026-01-06,2026-01-07,\n",
    )
    assert result == ImportResult(rows=7, created=2, duplicates=0, rejected=5, observations=1)
    assert [(row.line, row.cells[0]) for row in rejected] == [
        (3, "javascript:x"),
        (4, f"{HOST}/b"),
        (5, f"{HOST}/c"),
        (6, f"{HOST}/d"),
        (7, f"{HOST}/e"),
    ]
    assert "before it was reported (2026-01-05" in rejected[1].reason
    assert Target.objects.count() == 2


def test_what_people_saw_becomes_manual_checks_once() -> None:
    campaign = make_campaign()
    content = (
        "url,reported_at,available_at,removed_at,outcome,reason,observed_at\n"
        f"{HOST}/a,2026-01-05,2026-01-06 10:00,2026-01-07 10:00,removed,legal,\n"
        f"{HOST}/b,2026-01-05,,,restricted,gated,2026-01-09 10:00\n"
        f"{HOST}/c,2026-01-05,,,available,,\n"
    )
    result, _ = bring_in(campaign, content)
    assert result.observations == 4
    checks = Check.objects.order_by("target__key", "number").values_list("outcome", "reason", "finished_at")
    assert list(checks)[:3] == [
        (Outcome.AVAILABLE, Reason.PERSON, utc("2026-01-06T10:00")),
        (Outcome.REMOVED, Reason.LEGAL, utc("2026-01-07T10:00")),
        (Outcome.RESTRICTED, Reason.GATED, utc("2026-01-09T10:00")),
    ]
    removed = Target.objects.get(key=f"{HOST}/a")
    assert (removed.status, removed.reason) == (Status.REMOVED, Reason.LEGAL)
    assert (removed.removed_after, removed.removed_by) == (utc("2026-01-06T10:00"), utc("2026-01-07T10:00"))
    assert Target.objects.get(key=f"{HOST}/c").status == Status.AVAILABLE
    result, _ = bring_in(campaign, content)
    assert (result.created, result.duplicates, result.observations) == (0, 3, 0)


def test_a_duplicate_row_that_tells_something_new_is_heard() -> None:
    campaign = make_campaign()
    bring_in(campaign, f"url,reported_at\n{HOST}/a,2026-01-05\n")
    result, _ = bring_in(campaign, f"url,reported_at,removed_at\n{HOST}/a,2026-01-05,2026-01-09 10:00\n")
    assert (result.created, result.duplicates, result.observations) == (0, 1, 1)
    assert Target.objects.get().status == Status.REMOVED


def test_a_dry_run_counts_the_same_and_leaves_nothing() -> None:
    campaign = make_campaign()
    content = LIST + f"{HOST}/a,2026-01-05 10:00,web form,,,\nnothing,,,,,\n"
    dry, _ = bring_in(campaign, content, dry_run=True)
    assert not Target.objects.exists()
    assert not Host.objects.exists()
    assert not Report.objects.exists()
    real, _ = bring_in(campaign, content)
    assert dry == real == ImportResult(rows=7, created=5, duplicates=1, rejected=1, observations=0)


def test_many_rows_are_written_in_chunks_as_if_they_were_one() -> None:
    campaign = make_campaign()
    rows = "".join(f"{HOST}/{n % 900},2026-01-{n % 9 + 10},R-{n % 900 % 450}\n" for n in range(1600))
    result, _ = bring_in(campaign, "url,reported_at,reference\n" + rows)
    assert result.rows == result.created + result.duplicates == 1600
    assert Item.objects.count() == result.created
    assert campaign.reports.count() == 450
    assert sorted(campaign.reports.values_list("number", flat=True)) == list(range(1, 451))
    again, _ = bring_in(campaign, "url,reported_at,reference\n" + rows)
    assert again.duplicates == 1600


@pytest.mark.parametrize("name", ["Europe/Berlin", "UTC", "America/Argentina/Ushuaia"])
def test_a_time_zone_is_known_by_its_name(name: str) -> None:
    assert time_zone(name).key == name


@pytest.mark.parametrize("name", ["", "Berlin", "Europe", "../etc/passwd", "/etc/passwd", "CET+1\x00"])
def test_a_time_zone_that_does_not_exist_is_refused(name: str) -> None:
    with pytest.raises(UnknownTimeZone, match="Write a name such as Europe/Berlin"):
        time_zone(name)


# --------------------------------------------------------------------------------- imports from the workspace


def queued(campaign: Campaign, content: str = LIST) -> Import:
    pending = upload_list(
        campaign=campaign, filename="list.csv", content=content.encode(), person=make_person()
    )
    queue_import(pending=pending)
    return pending


def test_a_queued_list_is_imported_by_the_checker_and_its_content_let_go() -> None:
    campaign = make_campaign()
    pending = queued(campaign, LIST + "nothing,,,,,\n")
    assert pending.rows_total == 6
    assert run_next_import()
    pending.refresh_from_db()
    assert (pending.state, pending.problem, pending.lease_until) == (Import.State.DONE, "", None)
    assert (pending.rows_read, pending.rows_total) == (6, 6)
    assert (pending.created_count, pending.duplicate_count, pending.rejected_count) == (5, 0, 1)
    assert bytes(pending.content) == b""
    assert pending.rejected_csv.splitlines()[1].startswith("8,nothing,")
    assert {report.created_by for report in campaign.reports.all()} == {pending.created_by}
    assert not run_next_import()


def test_lists_are_imported_in_the_order_they_were_handed_in() -> None:
    campaign = make_campaign()
    first, second = queued(campaign), queued(campaign)
    assert run_next_import()
    first.refresh_from_db()
    assert first.created_count == 5
    assert run_next_import()
    second.refresh_from_db()
    assert (second.created_count, second.duplicate_count) == (0, 5)


def test_a_list_that_cannot_be_read_to_its_end_fails_with_a_sentence_and_writes_nothing() -> None:
    campaign = make_campaign()
    pending = queued(campaign)
    Import.objects.update(content=LIST.encode() + "https://example.org/ä,,,,,\n".encode("latin-1"))
    assert run_next_import()
    pending.refresh_from_db()
    assert pending.state == Import.State.FAILED
    assert "Line 8 is not in UTF-8" in pending.problem
    assert not Item.objects.exists()
    assert not run_next_import()


def let_leases_run_out() -> None:
    """They are in the database's time, which cannot be moved."""
    Import.objects.update(lease_until=F("lease_until") - importing.READING_LEASE - timedelta(seconds=1))


def test_an_import_whose_worker_died_is_taken_again_when_its_lease_has_run_out() -> None:
    pending = queued(make_campaign())
    taken = importing._take()
    assert taken is not None
    assert not run_next_import()
    let_leases_run_out()
    assert run_next_import()
    pending.refresh_from_db()
    assert (pending.state, pending.created_count, pending.attempts) == (Import.State.DONE, 5, 2)


def test_a_worker_that_was_taken_for_dead_writes_nothing() -> None:
    campaign = make_campaign()
    queued(campaign)
    slow = importing._take()
    assert slow is not None
    let_leases_run_out()
    other = importing._take()
    assert other is not None
    with pytest.raises(importing.ImportInterrupted):
        importing._run(slow, None)
    assert not Item.objects.exists()
    importing._run(other, None)
    assert Item.objects.count() == 5


def test_an_import_that_ends_its_worker_every_time_fails() -> None:
    pending = queued(make_campaign())
    for _ in range(importing.IMPORT_ATTEMPTS):
        assert importing._take() is not None
        let_leases_run_out()
    assert not run_next_import()
    pending.refresh_from_db()
    assert (pending.state, "interrupted 3 times" in pending.problem) == (Import.State.FAILED, True)


def test_a_checker_that_stops_gives_the_import_back() -> None:
    pending = queued(make_campaign())
    stop = threading.Event()
    stop.set()
    assert run_next_import(stop)
    pending.refresh_from_db()
    assert (pending.state, pending.attempts, pending.lease_until) == (Import.State.QUEUED, 0, None)
    assert not Item.objects.exists()
    assert run_next_import()


@pytest.mark.django_db(transaction=True)
def test_two_imports_of_one_list_at_once_create_each_item_once() -> None:
    campaign = make_campaign()
    content = "url,reported_at\n" + "".join(f"{HOST}/{n},2026-01-05\n" for n in range(300))
    results: list[ImportResult] = []
    together = threading.Barrier(2)

    def run() -> None:
        try:
            together.wait()
            results.append(bring_in(campaign, content)[0])
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted((result.created, result.duplicates) for result in results) == [(0, 300), (300, 0)]
    assert Item.objects.count() == 300
    assert campaign.reports.count() == 1
