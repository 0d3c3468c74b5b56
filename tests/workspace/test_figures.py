"""All figures and charts of a campaign on one page, and the files behind them."""

from __future__ import annotations

import csv
import io
import re
from html.parser import HTMLParser

import pytest
import time_machine
from pytest_django import DjangoAssertNumQueries

from apps.checks.outcomes import Status
from apps.reports.models import Campaign, Reply, ReplyKind
from tests.factories import at, make_check, make_item, make_items, make_report, make_transition
from tests.metrics.watching import watched
from tests.workspace.conftest import Team

pytestmark = pytest.mark.django_db
HOME = "/workspace/example-models/"
FIGURES = f"{HOME}figures/"
ALWAYS = ["removed", "statuses", "shares", "within", "times"]


class Tables(HTMLParser):
    """The tables of a page's figures: by chart, the rows of values that programs read."""

    def __init__(self) -> None:
        super().__init__()
        self.figure = ""
        self.rows: dict[str, list[list[str]]] = {}

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        if tag == "figure":
            self.figure = (given["id"] or "").removeprefix("chart-")
            self.rows[self.figure] = []
        elif tag == "tr" and self.figure:
            self.rows[self.figure].append([])
        elif tag == "data":
            self.rows[self.figure][-1].append(given["value"] or "")


def tables(page: str) -> dict[str, list[list[str]]]:
    parser = Tables()
    parser.feed(page)
    return {name: [row for row in rows if row] for name, rows in parser.rows.items()}


def text_of(page: str) -> str:
    """A page's words with runs of white space as one space."""
    return " ".join(page.split())


@pytest.fixture
def campaign(team: Team) -> Campaign:
    """Two reports to two platforms: six items, and seven, with what becomes of them."""
    Campaign.objects.update(minimum_n=3)
    first = make_report(team.campaign)
    for story in ("up 1, gone 3 5", "up 1 20, gone 30 33", "up 1 40, gone 50 53", *["up 1 200"] * 3):
        watched(first, story, account="uploader-1")
    watched(first, "up 1 200", control=True)
    second = make_report(team.campaign, platform="example.net")
    for story in ("up 1, gone 2 4", "up 1, gone 9 12", *["up 1 100"] * 5):
        watched(second, story)
    return team.campaign


@pytest.mark.usefixtures("campaign")
def test_it_works(team: Team) -> None:
    page = team.client("viewer").get(FIGURES).content.decode()
    assert "5 of 13 eligible items are no longer accessible" in page
    assert "fewer than half have gone so far" in page
    for name in (*ALWAYS, "platforms", "reports", "returns", "accounts", "controls"):
        assert f'id="chart-{name}"' in page
    assert {"groups", "claims"}.isdisjoint(tables(page))
    assert "<style" not in page
    assert "style=" not in page


def test_a_campaign_without_items_has_a_page(team: Team) -> None:
    page = text_of(team.client("viewer").get(FIGURES).content.decode())
    assert "No eligible item yet." in page
    assert "Nothing has been reported yet." in page
    for name in ALWAYS:
        assert team.client("viewer").get(f"{HOME}charts/{name}.csv").status_code == 200


@pytest.mark.parametrize("query", ["", "?platform=example.net", "?by=platform", "?by=platform&by=account"])
@pytest.mark.usefixtures("campaign")
def test_a_file_has_the_numbers_of_its_table(query: str, team: Team) -> None:
    client = team.client("viewer")
    page = client.get(FIGURES + query).content.decode()
    found = tables(page)
    assert len(found) >= 7
    for name, rows in found.items():
        link = re.search(rf'href="({HOME}charts/{name}.csv[^"]*)"', page)
        assert link, name
        answer = client.get(link[1].replace("&amp;", "&"))
        assert answer["Content-Type"] == "text/csv; charset=utf-8"
        assert re.search(rf'filename="example-models-{name}-[\dT-]+Z.csv"', answer["Content-Disposition"])
        _, *written = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
        assert written == rows, name


@pytest.mark.usefixtures("campaign")
def test_the_filter_is_for_every_chart(team: Team) -> None:
    found = tables(team.client("viewer").get(f"{FIGURES}?platform=example.net").content.decode())
    assert {row[-1] for row in found["removed"]} == {"7"}
    assert found["shares"][0][1:3] == ["2", "7"]
    assert found["statuses"][-1][7] == "7"
    assert "platforms" not in found
    assert "controls" not in found


@pytest.mark.usefixtures("campaign")
def test_groups_are_a_table_and_two_are_compared_without_a_verdict(team: Team) -> None:
    page = text_of(team.client("viewer").get(f"{FIGURES}?by=platform").content.decode())
    assert "3 of 6, example.org" in page
    comparison = re.search(r"Comparison of two groups.*?</div>", page)
    assert comparison
    words = re.sub(r"<[^>]*>", "", comparison[0])
    assert "example.net (n = 7) beside example.org (n = 6): chi-squared" in words
    assert re.search(r"p = 0\.\d+", words)
    assert "Finkelstein" in words
    assert "significant" not in page


@pytest.mark.usefixtures("campaign")
def test_of_many_groups_two_are_chosen_to_compare(team: Team) -> None:
    make_items(make_report(team.campaign, platform="example.com"), 4)
    client = team.client("viewer")
    page = text_of(client.get(f"{FIGURES}?by=platform").content.decode())
    assert "Comparison of two groups" not in page
    assert '<select name="compare_a" id="id_compare_a">' in page
    query = "by=platform&compare_a=example.net&compare_b=example.org"
    page = text_of(client.get(f"{FIGURES}?{query}").content.decode())
    assert "Comparison of two groups" in page
    assert '<option value="example.net" selected>' in page
    for wrong, sentence in (
        ("compare_a=example.net", "Choose two different groups to compare them."),
        ("compare_a=example.net&compare_b=example.net", "Choose two different groups"),
        ("compare_a=example.net&compare_b=nobody", "There is no group “nobody” to compare."),
    ):
        page = text_of(client.get(f"{FIGURES}?by=platform&{wrong}").content.decode())
        assert sentence in page
        assert "Comparison of two groups" not in page


@pytest.mark.usefixtures("campaign")
def test_a_grouping_that_cannot_be_made_is_said(team: Team) -> None:
    for query, sentence in (
        ("by=moon", "Items cannot be grouped by “moon”."),
        ("by=platform&by=platform", "A key is named twice"),
        ("by=platform&by=report&by=month", "by 2 keys at most"),
    ):
        page = text_of(team.client("viewer").get(f"{FIGURES}?{query}").content.decode())
        assert sentence in page
        assert 'id="chart-removed"' in page


@pytest.mark.usefixtures("campaign")
def test_figures_of_an_earlier_moment(team: Team) -> None:
    page = text_of(team.client("viewer").get(f"{FIGURES}?as_of=2026-03-01T14:05").content.decode())
    assert "as it stood then" in page
    assert "below are as they are now" not in page
    answer = team.client("viewer").get(f"{HOME}charts/shares.csv?as_of=2026-03-01T14:05")
    assert "example-models-shares-2026-03-01T140500Z.csv" in answer["Content-Disposition"]


@pytest.mark.usefixtures("campaign")
def test_figures_of_today_are_those_of_now(team: Team) -> None:
    """As for `manage.py summary --as-of`."""
    with time_machine.travel(at(1000), tick=False):
        client = team.client("viewer")
        shown = [
            text_of(client.get(f"{FIGURES}?as_of={day}").content.decode())
            for day in ("", f"{at(1000):%Y-%m-%d}", f"{at(1024):%Y-%m-%d}")
        ]
    assert ["has not come" in page for page in shown] == [False, False, True]


@pytest.mark.parametrize(
    "query", ["as_of=2999-01-01", "as_of=2026-03-02&status=removed", "by=moon", "status=lost"]
)
@pytest.mark.usefixtures("campaign")
def test_a_file_is_refused_rather_than_made_of_something_else(query: str, team: Team) -> None:
    answer = team.client("viewer").get(f"{HOME}charts/removed.csv?{query}")
    assert answer.status_code == 400
    assert answer["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize("name", ["nothing", "groups", "claims"])
@pytest.mark.usefixtures("campaign")
def test_a_chart_that_there_is_not_is_not_found(name: str, team: Team) -> None:
    assert team.client("viewer").get(f"{HOME}charts/{name}.csv").status_code == 404


def test_a_small_group_shows_its_counts_and_no_estimate(team: Team) -> None:
    make_items(make_report(team.campaign), 2, Status.REMOVED)
    page = text_of(team.client("viewer").get(FIGURES).content.decode())
    assert "2 of 2 eligible items are no longer accessible (too few to estimate)" in page
    assert "plot-removed" not in page
    assert "Estimates need 5 or more." in page


@pytest.mark.parametrize(("items", "checks", "reports"), [(3, 0, 2), (300, 5, 30)])
def test_the_page_takes_as_many_queries_for_300_items_as_for_3(
    items: int, checks: int, reports: int, team: Team, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(reports):
        report = make_report(team.campaign, platform=f"example-{number % 7}.org")
        make_item(report, status=Status.AVAILABLE)
        Reply.objects.create(report=report, kind=ReplyKind.QUESTION, received_at=at(3), recorded_at=at(3))
    make_items(report, items)
    removed = make_item(report).target
    make_transition(removed, Status.WAITING, Status.REMOVED, after=1, by=2)
    for hours in range(checks):
        make_check(removed, hours)
    client = team.client("viewer")
    # session, person, campaign, role; filter's reports; figures: items, their targets, error marks, reports,
    # replies, claims, their replies; timeline: its ends, entries, changes, reports, replies; the last
    # deed, by which what is kept goes
    with django_assert_num_queries(20):
        client.get(f"{FIGURES}?by=platform&by=report")


def test_an_items_checks_are_a_file_of_facts(team: Team) -> None:
    item = watched(make_report(team.campaign), "up 1 2, gone 3")
    item.target.refresh_from_db()
    make_check(item.target, 5, person=team.people["owner"], note="said by somebody")
    answer = team.client("viewer").get(f"{HOME}items/{item.pk}/checks.csv")
    content = answer.content.decode("utf-8-sig")
    header, *rows = csv.reader(io.StringIO(content))
    assert header == [
        "number",
        "started_at",
        "outcome",
        "reason",
        "definitive",
        "signal",
        "http_status",
        "manual",
    ]
    assert [row[0] for row in rows] == ["1", "2", "3", "4"]
    assert rows[2][2:5] == ["removed", "gone", "true"]
    for secret in ("said by", "owner@", "example.org"):
        assert secret not in content
    page = text_of(team.client("viewer").get(f"{HOME}items/{item.pk}/").content.decode())
    assert "4 checks: 3 available, 1 removed." in page
