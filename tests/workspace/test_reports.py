"""A report's page, and pasting a new one: usable lines are recorded, and no line is lost."""

from __future__ import annotations

import html
import re

import pytest
import time_machine
from pytest_django import DjangoAssertNumQueries

from apps.checks.outcomes import Status
from apps.reports.models import Item, Report
from tests.factories import at, make_item, make_items, make_report
from tests.workspace.conftest import Team
from tests.workspace.test_campaigns import text_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("a_quiet_moment")]
NEW = "/workspace/example-models/reports/new/"


@pytest.fixture
def a_quiet_moment() -> object:
    """Time stands still, 100 hours after the reports of the factories."""
    with time_machine.travel(at(100), tick=False):
        yield


def form(urls: str, **more: str) -> dict[str, str]:
    return {
        "urls": urls,
        "sent_at": "2026-03-02T10:00",
        "channel": "web_form",
        "standing": "journalist",
        "category": "synthetic_intimate_images",
        "delivery": "sent",
    } | more


def box_of(page: str) -> str:
    found = re.search(r'<textarea name="urls"[^>]*>\s?(.*?)</textarea>', page, re.DOTALL)
    assert found
    return html.unescape(found[1])


@pytest.mark.parametrize(
    ("category", "channel", "said", "way"),
    [
        ("privacy", "email", "personal data", "by e-mail"),
        ("other", "other", "other", "by another channel"),
        ("unknown", "unknown", "category not recorded", "by a channel that is not recorded"),
    ],
)
def test_what_is_not_on_record_of_a_report_is_said_in_a_sentence(
    category: str, channel: str, said: str, way: str, team: Team
) -> None:
    item = make_item(make_report(team.campaign))
    Report.objects.update(category=category, channel=channel)
    client = team.client("viewer")
    assert f"{said}, {way}" in text_of(client, "/workspace/example-models/")
    for path in ("reports/1", f"items/{item.pk}"):
        page = text_of(client, f"/workspace/example-models/{path}/")
        assert ("(alleged)" in page) is (category != "unknown")
        assert path.startswith("items") or f"{way}</p>" in page


def test_it_works(team: Team) -> None:
    answer = team.client("editor").post(
        NEW,
        form(
            "hxxps://models[.]example[.]org/a\nhttps://models.example.org/b",
            policy="Section 4",
            labels="first list, urgent",
        ),
    )
    report = Report.objects.get()
    assert answer["Location"] == f"/workspace/example-models/reports/{report.number}/"
    assert (report.platform, report.channel, report.policy) == ("example.org", "web_form", "Section 4")
    assert report.sent_at.isoformat() == "2026-03-02T10:00:00+00:00"
    assert report.created_by == team.people["editor"]
    assert [item.labels for item in report.items.all()] == [["first list", "urgent"]] * 2
    page = text_of(team.client("viewer"), answer["Location"])
    assert "hxxps://models[.]example[.]org/a" in page
    assert "of 2 items" in page


def test_a_list_that_spans_platforms_becomes_one_report_each(team: Team) -> None:
    answer = team.client("editor").post(
        NEW, form("https://models.example.org/a\nhttps://files.example.net/b"), follow=True
    )
    assert "Recorded 2 items in report 1 and report 2." in answer.content.decode()


def test_lines_that_cannot_be_used_stay_in_the_box_with_their_reasons(team: Team) -> None:
    lines = ["https://models.example.org/a", "javascript:alert(1)", "no url at all", "http://10.0.0.1/x"]
    answer = team.client("editor").post(NEW, form("\n".join(lines), note="kept"))
    page = answer.content.decode()
    assert answer.status_code == 200
    assert box_of(page).splitlines() == lines[1:]
    assert "3 lines could not be used" in page
    for line in (2, 3, 4):
        assert f"line {line}</span>" in page
    assert "Recorded 1 item in report 1." in page
    assert "kept" in page


def test_mended_lines_join_the_same_report(team: Team) -> None:
    client = team.client("editor")
    page = client.post(NEW, form("https://models.example.org/a\nmodels.example.org b")).content.decode()
    assert 'value="2026-03-02T10:00"' in page
    client.post(NEW, form("https://models.example.org/b"))
    assert Report.objects.get().items.count() == 2


def test_a_list_as_long_as_the_form_allows_is_read(team: Team) -> None:
    line = "no address at all, but a long line " * 1000
    answer = team.client("editor").post(NEW, form("\n".join([line] * 130)))  # 4,550,129 characters
    assert answer.status_code == 200
    assert "130 lines could not be used" in answer.content.decode()


def test_a_list_sent_twice_is_recorded_once(team: Team) -> None:
    client = team.client("editor")
    for _ in range(2):
        answer = client.post(NEW, form("https://models.example.org/a"), follow=True)
    assert "1 item on record already." in answer.content.decode()
    assert Item.objects.count() == 1


@pytest.mark.parametrize(
    ("entered", "sentence"),
    [
        ({"urls": ""}, "This field is required"),
        ({"sent_at": "2026-03-09T00:00"}, "This is in the future"),
        ({"sent_at": "soon"}, "Write the moment as"),
        ({"channel": "pigeon"}, "Select a valid choice"),
    ],
)
def test_a_form_that_is_wrong_loses_nothing(entered: dict[str, str], sentence: str, team: Team) -> None:
    answer = team.client("editor").post(NEW, form("https://models.example.org/a") | entered)
    page = answer.content.decode()
    assert sentence in page
    assert box_of(page) == entered.get("urls", "https://models.example.org/a")
    assert not Report.objects.exists()


def test_the_clock_starts_now_unless_it_is_said_otherwise(team: Team) -> None:
    assert 'value="2026-03-05T18:05"' in text_of(team.client("editor"), NEW)


@pytest.mark.parametrize("items", [2, 200])
def test_a_reports_page_takes_as_many_queries_for_200_items_as_for_2(
    items: int, team: Team, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make_items(make_report(team.campaign), items)
    client = team.client("viewer")
    # session, person, campaign, role, report, its standing, item count, items; replies, reminders, how many
    # and which of these items were reported in error
    with django_assert_num_queries(13):
        client.get("/workspace/example-models/reports/1/")


def test_a_report_names_its_shares_and_what_they_are_of(team: Team) -> None:
    report = make_report(team.campaign)
    for status in (Status.REMOVED, Status.AVAILABLE, Status.AVAILABLE, Status.WAITING):
        make_item(report, status=status)
    page = text_of(team.client("viewer"), "/workspace/example-models/reports/1/")
    assert "of 4 items</span>" in page  # too few for percentages
    team.campaign.minimum_n = 4
    team.campaign.save()
    page = text_of(team.client("viewer"), "/workspace/example-models/reports/1/")
    assert "of 4 items · 25%" in page
    assert "of 4 items · 50%" in page


def test_a_report_that_is_not_there_is_not_found(team: Team) -> None:
    assert team.client("owner").get("/workspace/example-models/reports/9/").status_code == 404
