"""A list from a file: looked through, corrected, imported by the checker, the rest handed back."""

from __future__ import annotations

import re

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.reports.importing import run_next_import
from apps.reports.models import Import, Item
from tests.factories import at, make_campaign, make_import
from tests.workspace.conftest import Team
from tests.workspace.test_campaigns import text_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("a_quiet_moment")]
UPLOAD = "/workspace/example-models/imports/new/"
LIST = (
    "Link;Date sent;Remarks\r\n"
    "https://models.example.org/a;2026-03-01 10:00;first\r\n"
    "hxxps://models[.]example[.]org/b;2026-03-01 10:00;\r\n"
    "javascript:alert(1);2026-03-01 10:00;bad\r\n"
).encode("utf-8-sig")


@pytest.fixture
def a_quiet_moment() -> object:
    """Time stands still, 100 hours after the reports of the factories."""
    with time_machine.travel(at(100), tick=False):
        yield


def upload(team: Team, content: bytes = LIST, **more: str) -> str:
    file = SimpleUploadedFile("first list.csv", content)
    answer = team.client("editor").post(UPLOAD, {"file": file, "timezone": "UTC"} | more)
    assert answer.status_code == 302, answer.content.decode()
    return str(answer["Location"])


def test_it_works(team: Team) -> None:
    client = team.client("editor")
    page = upload(team)
    seen = text_of(client, page)
    assert "3 rows. Of the first 3, 2 can be used and 1 cannot" in seen
    assert '<option value="Link" selected>' in seen
    assert '<option value="Date sent" selected>' in seen
    assert not Item.objects.exists()

    mapped = {"map_url": "Link", "map_reported_at": "Date sent", "map_note": "Remarks", "timezone": "UTC"}
    assert client.post(page, mapped | {"action": "start"})["Location"] == page
    waiting = text_of(client, page)
    assert "Waiting for the checker" in waiting
    assert '<noscript><meta http-equiv="refresh" content="2"></noscript>' in waiting
    assert "<progress" in waiting

    assert run_next_import()
    done = text_of(client, page)
    assert "refresh" not in done
    assert '<span>created</span><span class="figure">2</span>' in done
    assert '<span>rejected</span><span class="figure">1</span>' in done
    assert Item.objects.filter(report__campaign=team.campaign).count() == 2

    rejected = client.get(f"{page}rejected.csv")
    assert rejected["Content-Disposition"] == 'attachment; filename="first list.rejected.csv"'
    assert rejected.content.startswith(b"\xef\xbb\xbf")
    assert "javascript:alert(1)" in rejected.content.decode()


def test_columns_can_be_corrected(team: Team) -> None:
    client = team.client("editor")
    page = upload(team, b"what,where\nfirst,https://models.example.org/a\n")
    assert "0 can be used and 1 cannot" in text_of(client, page)
    answer = client.post(page, {"map_url": "where", "map_note": "what", "timezone": "UTC", "action": "map"})
    assert answer["Location"] == page
    assert "1 can be used" in text_of(client, page)
    assert Import.objects.get().state == "mapping"


@pytest.mark.parametrize(
    ("mapped", "sentence"),
    [
        ({}, "mapped to url"),
        ({"map_url": "Link", "map_note": "Link"}, "cannot be both"),
        ({"map_url": "Nowhere"}, "Select a valid choice"),
        ({"map_url": "Link", "timezone": "Mars/Base"}, "There is no time zone"),
    ],
)
def test_columns_that_do_not_fit_are_said_before_anything_is_imported(
    mapped: dict[str, str], sentence: str, team: Team
) -> None:
    answer = team.client("editor").post(upload(team), {"timezone": "UTC", "action": "start"} | mapped)
    assert answer.status_code == 200
    assert sentence in answer.content.decode()
    assert Import.objects.get().state == "mapping"


@pytest.mark.parametrize(
    ("content", "zone", "sentence"),
    [
        (b"", "UTC", "empty"),
        (LIST, "Mars/Base", "There is no time zone"),
        (
            "url;note\r\nhttps://models.example.org/a;café\r\n".encode("cp1252"),
            "UTC",
            "Line 2 is not in UTF-8",
        ),
    ],
)
def test_a_file_that_is_no_list_is_refused(content: bytes, zone: str, sentence: str, team: Team) -> None:
    file = SimpleUploadedFile("list.csv", content)
    answer = team.client("editor").post(UPLOAD, {"file": file, "timezone": zone})
    assert answer.status_code == 200
    assert sentence in answer.content.decode()
    assert not Import.objects.exists()


def test_a_list_can_be_discarded(team: Team) -> None:
    page = upload(team)
    answer = team.client("editor").post(page, {"action": "discard"}, follow=True)
    assert "Nothing of it was imported" in answer.content.decode()
    assert not Import.objects.exists()


def test_an_import_that_failed_says_why_and_can_be_tried_again(team: Team) -> None:
    page = upload(team)
    Import.objects.update(state="failed", problem="The import was interrupted 3 times.")
    client = team.client("editor")
    assert "The import was interrupted 3 times." in text_of(client, page)
    client.post(page, {"map_url": "Link", "timezone": "UTC", "action": "start"})
    assert Import.objects.get().state == "queued"


def test_a_list_that_was_kept_although_it_cannot_be_read_says_why_and_can_be_discarded(team: Team) -> None:
    """A version before this one took in whatever had a header."""
    pending = make_import(team.campaign, LIST + "https://models.example.org/c;;café\r\n".encode("cp1252"))
    page, client = f"/workspace/example-models/imports/{pending.pk}/", team.client("editor")
    seen = text_of(client, page)
    assert "Line 5 is not in UTF-8" in seen
    assert "Import this list" not in seen
    started = client.post(page, {"map_url": "Link", "timezone": "UTC", "action": "start"})
    assert "Line 5 is not in UTF-8" in started.content.decode()
    assert Import.objects.get().state == "mapping"
    client.post(page, {"action": "discard"})
    assert not Import.objects.exists()


def test_progress_is_shown_in_rows(team: Team) -> None:
    page = upload(team)
    Import.objects.update(state="reading", rows_total=100_000, rows_read=25_000)
    seen = text_of(team.client("editor"), page)
    assert '<progress max="100000" value="25000">' in seen
    assert "25 000 of 100 000 rows" in seen


def test_without_rejected_rows_there_is_nothing_to_download(team: Team) -> None:
    pending = make_import(team.campaign)
    path = f"/workspace/example-models/imports/{pending.pk}/"
    assert team.client("editor").get(f"{path}rejected.csv").status_code == 404


def test_an_import_of_another_campaign_is_not_found_here(team: Team) -> None:
    theirs = make_import(make_campaign("elsewhere"))
    assert team.client("owner").get(f"/workspace/example-models/imports/{theirs.pk}/").status_code == 404


def test_lists_uploaded_so_far_are_listed(team: Team) -> None:
    page = upload(team)
    assert re.search(rf'<a href="{page}">first list.csv</a>', text_of(team.client("editor"), UPLOAD))


def test_no_url_of_a_preview_is_a_link(team: Team) -> None:
    seen = text_of(team.client("editor"), upload(team))
    assert "hxxps://models[.]example[.]org/a" in seen
    assert "https://models.example.org" not in seen
