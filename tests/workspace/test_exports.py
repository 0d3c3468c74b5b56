"""Taking data out of the workspace: what is offered, the files, and the list of downloads."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import zipfile

import pytest

from apps.checks.outcomes import Status
from apps.exports.models import Download
from apps.reports.models import Channel, Item
from apps.workspace import file_answers
from tests.factories import START, make_item, make_report, make_target
from tests.workspace.conftest import Team


@pytest.fixture
def item(team: Team) -> Item:
    """An item of a trusted flagger's report, and one of another report."""
    report = make_report(team.campaign)
    report.channel, report.reference = Channel.TRUSTED_FLAGGER, "T-0007"
    report.save()
    make_item(make_report(team.campaign, platform="example.net"), make_target("other"))
    return make_item(report, make_target("gone", status=Status.REMOVED, removed_by=START, account="someone"))


def rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def home(team: Team) -> str:
    return f"/workspace/{team.campaign.slug}/"


def test_it_works(team: Team, item: Item) -> None:
    client = team.client("viewer")
    answer = client.get(f"{home(team)}export/items.csv")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert 'filename="example-models-items-' in answer["Content-Disposition"]
    assert answer["Content-Length"] == str(len(answer.content))
    digest = hashlib.sha256(answer.content)
    assert answer["Repr-Digest"] == f"sha-256=:{base64.b64encode(digest.digest()).decode()}:"
    assert {row["url"] for row in rows(answer.content)} == {
        "https://models.example.org/gone",
        "https://models.example.org/other",
    }
    page = client.get(f"{home(team)}export/").content.decode()
    assert digest.hexdigest() in page
    assert "items.xlsx" in page


def test_a_large_file_is_sent_from_the_disk(team: Team, item: Item, monkeypatch: pytest.MonkeyPatch) -> None:
    small = team.client("viewer").get(f"{home(team)}export/items.jsonl")
    monkeypatch.setattr(file_answers, "IN_MEMORY", 10)
    large = team.client("viewer").get(f"{home(team)}export/items.jsonl")
    assert large.streaming
    content = b"".join(large.streaming_content)
    assert content == small.content
    assert large["Repr-Digest"] == small["Repr-Digest"]
    assert large["Content-Length"] == str(len(content))
    large.close()


def test_only_what_the_filter_chose_is_in_the_file(team: Team, item: Item) -> None:
    client = team.client("viewer")
    found = rows(client.get(f"{home(team)}export/items.csv?status=removed").content)
    assert [row["account"] for row in found] == ["someone"]
    assert [
        row["report"] for row in rows(client.get(f"{home(team)}export/reports.csv?report=1").content)
    ] == ["1"]
    page = client.get(f"{home(team)}export/?status=removed&page=2").content.decode()
    assert "items.csv?status=removed&amp;bom=1" in page
    assert "the 1 item that" in page.replace("items that", "item that")
    assert Download.objects.filter(filtered=True).count() == 2


def test_a_filter_that_is_not_understood_makes_no_file(team: Team, item: Item) -> None:
    client = team.client("viewer")
    answer = client.get(f"{home(team)}export/items.csv?status=vanished")
    assert (answer.status_code, answer.content.decode()) == (
        400,
        "A part of this filter is not understood: status. Correct it, or take it out.\n",
    )
    assert not Download.objects.exists()
    assert "not understood" in client.get(f"{home(team)}export/?status=vanished").content.decode()


@pytest.mark.parametrize(
    ("path", "status", "sentence"),
    [
        ("urls.csv", 404, ""),
        ("checks.csv?public=1", 404, ""),
        ("items.ods", 400, "There is no format “ods”"),
        ("items.csv?dialect=tabs", 400, "There is no dialect “tabs”"),
        ("items.csv?public=1&dates=year", 400, "Dates cannot be told by “year”"),
        ("items.csv?public=1&status=removed", 400, "Public tables are of the whole campaign"),
        ("summary.csv?by=colour", 400, "Items cannot be grouped by “colour”"),
        ("summary.csv?public=1&by=account", 400, "Public figures cannot be grouped by account"),
    ],
)
def test_wrong_words_get_a_sentence(path: str, status: int, sentence: str, team: Team, item: Item) -> None:
    answer = team.client("owner").get(f"{home(team)}export/{path}")
    assert answer.status_code == status
    assert sentence in answer.content.decode()


def test_the_public_form_has_no_url(team: Team, item: Item) -> None:
    team.campaign.minimum_n = 1
    team.campaign.save()
    content = team.client("owner").get(f"{home(team)}export/items.csv?public=1&dates=day").content.decode()
    assert "2026-03-01" in content
    for secret in ("models.example.org", "someone", "T-0007"):
        assert secret not in content


def test_only_ones_own_downloads_are_listed(team: Team, item: Item) -> None:
    team.client("owner").get(f"{home(team)}export/reports.csv")
    assert "reports-2" not in team.client("viewer").get(f"{home(team)}export/").content.decode()


def test_a_head_request_makes_no_file(team: Team, item: Item) -> None:
    answer = team.client("owner").head(f"{home(team)}export/items.csv")
    assert answer.status_code == 200
    assert not Download.objects.exists()


def test_the_package_describes_every_table(team: Team) -> None:
    package = json.loads(team.client("viewer").get(f"{home(team)}export/datapackage.json").content)
    assert [resource["path"] for resource in package["resources"]] == [
        f"example-models-{name}.csv"
        for name in ("items", "checks", "transitions", "reports", "replies", "summary")
    ]


def test_evidence_of_an_item_and_of_a_report(team: Team, item: Item) -> None:
    client = team.client("viewer")
    for path in (f"items/{item.pk}", f"reports/{item.report.number}"):
        answer = client.get(f"{home(team)}{path}/evidence.zip")
        names = zipfile.ZipFile(io.BytesIO(answer.content)).namelist()
        assert "evidence/verify.py" in names
    assert Download.objects.filter(filename__endswith="evidence.zip").count() == 2


def test_anothers_evidence_is_not_found_here(team: Team) -> None:
    theirs = make_item(make_report(team.people["stranger"].memberships.get().campaign))
    client = team.client("administrator")
    assert client.get(f"{home(team)}items/{theirs.pk}/evidence.zip").status_code == 404
    assert client.get(f"{home(team)}reports/9/evidence.zip").status_code == 404


def test_a_trusted_flaggers_year(team: Team, item: Item) -> None:
    client = team.client("viewer")
    page = client.get(f"{home(team)}export/trusted-flagger/?year=2026").content.decode()
    assert "1 notice in 1 report to 1 provider." in page
    assert "1 not sent by a trusted flagger" in page
    everybody = client.get(f"{home(team)}export/trusted-flagger/?year=2026&whose=all").content.decode()
    assert "2 notices in 2 reports to 2 providers." in everybody
    lines = client.get(f"{home(team)}export/trusted-flagger.csv?year=2026").content.decode("utf-8-sig")
    assert lines.startswith("year,by,provider,category,action,notices,of,reports,")
    assert (
        "“MMXXVI” is no year"
        in client.get(f"{home(team)}export/trusted-flagger/?year=MMXXVI").content.decode()
    )
    assert client.get(f"{home(team)}export/trusted-flagger.csv?year=MMXXVI").status_code == 400


def test_a_monitoring_round(team: Team, item: Item) -> None:
    client = team.client("viewer")
    days = "first=2026-03-01&last=2026-03-31"
    page = client.get(f"{home(team)}export/monitoring-round/?{days}").content.decode()
    assert "2 notified, 1 left out: of 1, 0 to 1 were assessed within 24 hours" in page
    assert "1 seen gone at or before the moment of the report" in page
    lines = client.get(f"{home(team)}export/monitoring-round.csv?{days}").content.decode("utf-8-sig")
    assert "2026-03-01,2026-03-31,platform,example.net,1,0,1," in lines
    for wrong, sentence in (
        ("first=1+March", "“1 March” is no day"),
        ("first=2026-03-02&last=2026-03-01", "A round cannot last from 2026-03-02 to 2026-03-01."),
        ("last=0001-01-01", ""),
        ("last=9999-12-31", "A round cannot last"),
    ):
        assert sentence in client.get(f"{home(team)}export/monitoring-round/?{wrong}").content.decode()


def test_the_page_asks_the_database_little(
    team: Team, item: Item, django_assert_max_num_queries: object
) -> None:
    client = team.client("viewer")
    with django_assert_max_num_queries(8):  # type: ignore[operator]
        client.get(f"{home(team)}export/")
