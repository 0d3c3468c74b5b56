"""What people paste or upload in the workspace."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine

from apps.core import clock
from apps.reports.columns import UnusableMapping
from apps.reports.csv_files import UnreadableFile
from apps.reports.importing import UnknownTimeZone, run_next_import
from apps.reports.models import Channel, Delivery, Import, Item, Report
from apps.reports.services import (
    UnusableReport,
    discard_import,
    map_columns,
    preview,
    queue_import,
    submit_report,
    upload_list,
)
from tests.factories import make_campaign, make_person

from .lists import HOST, utc

pytestmark = pytest.mark.django_db

PASTED = f"""
Models that we found:
- hxxps://models[.]example[.]org/a
2) <{HOST}/b>,
{HOST}/c {HOST}/d
# {HOST}/e
{HOST}/f the worst of them
https://files.example.net/g;
javascript:alert(1)
"""


def test_a_pasted_list_becomes_one_report_a_platform() -> None:
    campaign, person = make_campaign(), make_person()
    result = submit_report(
        campaign=campaign,
        urls=PASTED,
        person=person,
        channel=Channel.EMAIL,
        policy="Terms, 4.2",
        reference="T-7",
        sent_at=utc("2026-01-05T10:00"),
        delivery=Delivery.RECEIVED,
        note="Sent with the first list.",
        labels=["first"],
    )
    assert [item.target.key for item in result.items] == [
        *(f"{HOST}/{letter}" for letter in "abcd"),
        "https://files.example.net/g",
    ]
    assert [(row.line, row.cells) for row in result.rejected] == [
        (2, ("Models that we found:",)),
        (7, (f"{HOST}/f the worst of them",)),
        (9, ("javascript:alert(1)",)),
    ]
    assert "other text beside the URL" in result.rejected[1].reason
    assert [(report.platform, report.items.count()) for report in result.reports] == [
        ("example.org", 4),
        ("example.net", 1),
    ]
    report = result.reports[0]
    assert (report.policy, report.reference, report.delivery, report.note, report.created_by) == (
        "Terms, 4.2",
        "T-7",
        Delivery.RECEIVED,
        "Sent with the first list.",
        person,
    )
    assert result.items[0].labels == ["first"]
    assert result.items[0].submitted == "hxxps://models[.]example[.]org/a"
    assert {item.reported_at for item in result.items} == {utc("2026-01-05T10:00")}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (f"{HOST}/holiday clip.mov", "other text beside the URL"),
        (f"{HOST}/a\texample.org", "other text beside the URL"),
        (f"{HOST}/a;{HOST}/b", "more than one URL"),
    ],
)
def test_a_line_of_which_nobody_can_tell_what_it_means_is_left_to_the_person(line: str, reason: str) -> None:
    result = submit_report(campaign=make_campaign(), urls=line)
    assert result.items == []
    assert [row.cells for row in result.rejected] == [(line,)]
    assert reason in result.rejected[0].reason


def test_what_was_pasted_before_is_a_duplicate() -> None:
    campaign = make_campaign()
    for sent_at in (None, utc("2026-01-05T10:00")):
        first = submit_report(campaign=campaign, urls=[f"{HOST}/a"], sent_at=sent_at)
        assert len(first.items) == 1
        with time_machine.travel(clock.wall() + timedelta(minutes=5)):
            again = submit_report(campaign=campaign, urls=[f"{HOST}/a#top"], sent_at=sent_at)
        assert (again.items, again.duplicates, again.reports) == ([], [(1, f"{HOST}/a#top")], [])


def test_two_lists_sent_at_one_moment_keep_what_each_says() -> None:
    campaign = make_campaign()

    def paste(path: str, **details: str) -> Report:
        (report,) = submit_report(
            campaign=campaign, urls=f"{HOST}/{path}", sent_at=utc("2026-03-01T10:00"), **details
        ).reports
        return report

    first = paste("a", note="By the first form.", policy="rule 3")
    assert paste("b", note="By the first form.", policy="rule 3") == first  # what was mended joins it
    second = paste("c", note="By the second form.", policy="rule 3")
    assert paste("d", note="By the first form.", policy="rule 3", delivery="bounced") not in {first, second}
    assert set(Report.objects.values_list("number", "note", "delivery")) == {
        (1, "By the first form.", "sent"),
        (2, "By the second form.", "sent"),
        (3, "By the first form.", "bounced"),
    }


def test_a_list_for_one_platform_rejects_the_urls_of_others() -> None:
    result = submit_report(campaign=make_campaign(), urls=PASTED, platform="example.net")
    assert [item.target.platform for item in result.items] == ["example.net"]
    assert "is given, but the URL is on example.org" in result.rejected[1].reason


def test_a_report_cannot_have_been_sent_in_the_future() -> None:
    with pytest.raises(UnusableReport, match="in the future"):
        submit_report(campaign=make_campaign(), urls=f"{HOST}/a", sent_at=clock.now() + timedelta(minutes=1))
    assert not Item.objects.exists()


UPLOADED = f"Link,Date sent,Remarks\n{HOST}/a,2026-01-05,x\n{HOST}/b,05/01/2026,y\n{HOST}/c\n".encode()


def test_an_uploaded_list_is_previewed_with_the_problem_of_each_row() -> None:
    pending = upload_list(campaign=make_campaign(), filename="list.csv", content=UPLOADED)
    assert pending.state == Import.State.MAPPING
    assert pending.column_map == {"url": "Link", "reported_at": "Date sent", "note": "Remarks"}
    seen = preview(pending)
    assert seen.headers == ("Link", "Date sent", "Remarks")
    assert [(row.line, row.cells.get("note"), bool(row.problem)) for row in seen.rows] == [
        (2, "x", False),
        (3, "y", True),
        (4, None, True),
    ]
    assert [row.line for row in seen.problems] == [3, 4]
    assert (seen.checked, seen.total) == (3, 3)
    assert not Item.objects.exists()


def test_a_preview_of_a_long_list_counts_all_rows_and_shows_the_first() -> None:
    content = b"url\n" + b"nothing\n" * 2_500
    seen = preview(upload_list(campaign=make_campaign(), filename="list.csv", content=content), rows=10)
    assert (len(seen.rows), len(seen.problems), seen.checked, seen.total) == (10, 2_000, 2_000, 2_500)


def test_columns_and_time_zone_can_be_corrected_before_the_import() -> None:
    pending = upload_list(campaign=make_campaign(), filename="list.csv", content=UPLOADED)
    map_columns(
        pending=pending, column_map={"url": "link", "labels": "Remarks", "note": ""}, timezone="Asia/Tokyo"
    )
    pending.refresh_from_db()
    assert (pending.column_map, pending.timezone) == ({"url": "Link", "labels": "Remarks"}, "Asia/Tokyo")
    with pytest.raises(UnusableMapping):
        map_columns(pending=pending, column_map={"note": "Remarks"}, timezone="UTC")
    with pytest.raises(UnknownTimeZone):
        map_columns(pending=pending, column_map={"url": "Link"}, timezone="Nowhere")
    queue_import(pending=pending)
    assert (pending.state, pending.rows_total) == (Import.State.QUEUED, 3)
    with pytest.raises(UnusableReport, match="being imported already"):
        map_columns(pending=pending, column_map={"url": "Link"}, timezone="UTC")
    assert run_next_import()
    assert Item.objects.get(target__key=f"{HOST}/a").labels == ["x"]


def test_a_list_whose_urls_were_not_found_cannot_be_queued() -> None:
    pending = upload_list(campaign=make_campaign(), filename="list.csv", content=b"Titel,Datum\nx,y\n")
    assert "url" not in pending.column_map
    assert preview(pending).problems
    with pytest.raises(UnusableMapping, match="is mapped to url"):
        queue_import(pending=pending)


def test_a_failed_import_can_be_corrected_and_queued_again_or_discarded() -> None:
    pending = upload_list(campaign=make_campaign(), filename="list.csv", content=UPLOADED)
    Import.objects.update(state=Import.State.FAILED, attempts=3, problem="It was interrupted.")
    queue_import(pending=pending)
    assert (pending.state, pending.attempts, pending.problem) == (Import.State.QUEUED, 0, "")
    assert not discard_import(pending=pending)
    Import.objects.update(state=Import.State.FAILED)
    assert discard_import(pending=pending)
    assert not Import.objects.exists()


def test_a_file_that_is_no_list_is_not_kept() -> None:
    campaign = make_campaign()
    with pytest.raises(UnreadableFile):
        upload_list(campaign=campaign, filename="list.xlsx", content=b"PK\x03\x04")
    with pytest.raises(UnreadableFile, match="Line 4 is not in UTF-8"):
        upload_list(
            campaign=campaign, filename="list.csv", content=UPLOADED[:-1] + "\u00e9\n".encode("cp1252")
        )
    with pytest.raises(UnusableReport, match="larger than 50 MB"):
        upload_list(campaign=campaign, filename="list.csv", content=b"x" * 50_000_001)
    with pytest.raises(UnknownTimeZone):
        upload_list(campaign=campaign, filename="list.csv", content=UPLOADED, timezone="Nowhere")
    assert not Import.objects.exists()
