"""The list of campaigns, making one, and a campaign's page."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from apps.checks.outcomes import Status
from apps.reports.models import Campaign
from apps.reports.replies import mark_errors
from tests.factories import (
    at,
    make_campaign,
    make_check,
    make_item,
    make_items,
    make_person,
    make_report,
    make_target,
    make_transition,
)
from tests.workspace.conftest import Team

pytestmark = pytest.mark.django_db
HOME = "/workspace/example-models/"


def text_of(client: Client, path: str) -> str:
    """A page's source with runs of white space as one space."""
    return " ".join(client.get(path).content.decode().split())


def test_it_works(team: Team) -> None:
    report = make_report(team.campaign)
    make_item(report, status=Status.AVAILABLE, present_at=at(2), available_at=at(2))
    removed = make_item(report, status=Status.REMOVED, removed_after=at(30), removed_by=at(32))
    make_transition(removed.target, Status.AVAILABLE, Status.SUSPECTED, after=30, by=32)
    page = text_of(team.client("owner"), HOME)
    assert "of 2 items</span>" in page  # too few for percentages
    assert '<time datetime="2026-03-02T22:05:00Z">2026-03-02 22:05' in page
    assert "at most 1 d 8 h after" in page
    assert "hxxps://models[.]example[.]org/" in page


def test_a_reported_url_is_never_a_link(team: Team) -> None:
    item = make_item(make_report(team.campaign), make_target("alpha", status=Status.SUSPECTED))
    for path in (HOME, f"{HOME}items/{item.pk}/", f"{HOME}reports/1/", f"{HOME}review/"):
        page = text_of(team.client("owner"), path)
        assert "hxxps://models[.]example[.]org/alpha" in page
        live = page.count("https://models.example.org/alpha")
        assert live == page.count('data-copy="https://models.example.org/alpha"')
        assert 'href="http' not in page
        assert 'href="hxxp' not in page


def test_nothing_of_another_campaign_is_on_the_page(team: Team) -> None:
    other = make_report(make_campaign("elsewhere"))
    item = make_item(other, make_target("secret-of-another-campaign", status=Status.SUSPECTED))
    make_transition(item.target, Status.AVAILABLE, Status.SUSPECTED, after=1, by=2)
    assert "secret-of-another-campaign" not in text_of(team.client("owner"), HOME)


@pytest.mark.parametrize(("items", "checks", "reports"), [(3, 0, 1), (300, 5, 12)])
def test_the_page_takes_as_many_queries_for_300_items_as_for_3(
    items: int, checks: int, reports: int, team: Team, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(reports):
        report = make_report(team.campaign)
    make_items(report, items)
    removed = make_item(report).target
    make_transition(removed, Status.AVAILABLE, Status.REMOVED, after=1, by=2)
    for hours in range(checks):
        make_check(removed, hours)
    client = team.client("editor")
    # session, person, campaign, role; filter's reports; figures: items, their targets, error marks, reports,
    # replies, claims, their replies; the table: item count, items, their errors; what waits for a person;
    # transitions, their items; reports; twice the last deed, by which what is kept goes
    with django_assert_num_queries(24):
        client.get(HOME)


def test_filters_sort_and_page_keep_each_other(team: Team) -> None:
    make_items(make_report(team.campaign), 120, Status.REMOVED)
    page = text_of(team.client("viewer"), f"{HOME}?status=removed&sort=-platform&page=2")
    assert "51–100 of 120" in page
    assert "status=removed&amp;sort=-platform&amp;page=3" in page
    assert 'aria-sort="descending"><a href="?status=removed&amp;sort=platform#items"' in page


def test_a_filter_that_fits_nothing_offers_the_way_back(team: Team) -> None:
    make_items(make_report(team.campaign), 1)
    page = text_of(team.client("viewer"), f"{HOME}?q=nothing+like+it")
    assert "No item fits this filter" in page
    assert f'<a href="{HOME}#items">Show all items</a>' in page


def test_a_filter_that_is_not_understood_is_said(team: Team) -> None:
    make_items(make_report(team.campaign), 1)
    assert "not understood and was left out: status" in text_of(team.client("viewer"), f"{HOME}?status=lost")


def test_a_page_number_out_of_range_shows_the_last_page(team: Team) -> None:
    make_items(make_report(team.campaign), 60)
    assert "51–60 of 60" in text_of(team.client("viewer"), f"{HOME}?page=99")


def test_an_empty_campaign_says_what_to_do(team: Team) -> None:
    page = text_of(team.client("editor"), HOME)
    assert "No report yet." in page
    assert "0 items on record" in page


def test_counts_are_of_eligible_items_and_say_what_is_left_out(team: Team) -> None:
    report = make_report(team.campaign)
    for _ in range(6):
        make_item(report, status=Status.AVAILABLE, present_at=at(2), checker_present_at=at(2))
    make_item(report, status=Status.AVAILABLE, control=True)
    page = text_of(team.client("viewer"), HOME)
    assert "of 6 items · 100%" in page
    assert (
        "7 items on record, 6 eligible: 6 seen there by the checker at or after the report, 0 attested by "
        "people alone. Left out: 1 watched as controls." in page
    )
    assert (
        "0 of 6 eligible items are no longer accessible; fewer than half have gone so far; 6 are still up."
    ) in page


def test_the_filter_is_for_the_figures_and_for_the_table(team: Team) -> None:
    make_items(make_report(team.campaign), 6, Status.REMOVED)
    make_item(make_report(team.campaign, platform="example.net"), status=Status.AVAILABLE)
    page = text_of(team.client("viewer"), f"{HOME}?platform=example.net")
    assert "1 item on record, 1 eligible" in page
    assert "1 item of this filter." in page
    assert "Figures and charts are about the items of this filter alone." in page
    assert 'href="?platform=example.net&amp;status=removed#items"' in page
    assert f'href="{HOME}figures/?platform=example.net"' in page


def test_figures_of_an_earlier_moment_stand_above_items_of_now(team: Team) -> None:
    item = make_item(make_report(team.campaign), status=Status.REMOVED, removed_by=at(30))
    item.created_at = at(0)
    item.save()
    make_transition(item.target, Status.WAITING, Status.AVAILABLE, after=0, by=1)
    make_transition(item.target, Status.AVAILABLE, Status.REMOVED, after=29, by=30)
    page = text_of(team.client("viewer"), f"{HOME}?as_of=2026-03-02T14:05")
    assert "Figures and charts show the record as it stood then" in page
    assert "The items, reports and changes below are as they are now." in page
    assert "0 of 1 eligible item are no longer accessible" in page
    assert "The items as they are now." in page
    assert 'value="2026-03-02T14:05:00"' in page


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("as_of=2026-03-02&status=removed", "cannot be combined with an earlier moment"),
        ("as_of=2026-03-02&came_back=on", "cannot be combined with an earlier moment"),
        ("as_of=2999-01-01", "has not come: it is now"),
        ("as_of=yesterday", "“yesterday” is no moment. Write it as 2026-03-01 14:05, in UTC."),
        ("as_of=%3Cscript%3E", "“&lt;script&gt;” is no moment."),
    ],
)
def test_a_moment_that_cannot_be_answered_is_said_and_breaks_nothing(
    query: str, sentence: str, team: Team
) -> None:
    make_items(make_report(team.campaign), 1)
    for path in (HOME, f"{HOME}figures/"):
        page = text_of(team.client("viewer"), f"{path}?{query}")
        assert sentence in page
        assert "The figures below are as of now." in page
        assert "as it stood then" not in page


def test_the_review_list_is_counted_whatever_the_filter(team: Team) -> None:
    make_item(make_report(team.campaign), status=Status.SUSPECTED)
    make_item(make_report(team.campaign, platform="example.net"), status=Status.AVAILABLE)
    assert "Review 1 URL" in text_of(team.client("viewer"), f"{HOME}?platform=example.net")


def test_the_page_leads_to_what_else_there_is(team: Team) -> None:
    page = text_of(team.client("owner"), HOME)
    for rest in ("figures/", "board/", "settings/", "members/", "review/"):
        assert f'href="{HOME}{rest}"' in page
    assert f'href="{HOME}settings/"' not in text_of(team.client("editor"), HOME)


def test_text_is_escaped(team: Team) -> None:
    team.campaign.name = "<script>alert(1)</script>"
    team.campaign.save()
    make_item(make_report(team.campaign), make_target('"><script>'))
    assert "<script>alert" not in text_of(team.client("owner"), HOME)
    assert '"><script>' not in text_of(team.client("owner"), HOME)


@pytest.mark.parametrize(
    ("who", "may"), [("stranger", True), ("editor", True), ("viewer", False), ("figures", False)]
)
def test_only_who_reports_somewhere_makes_campaigns(who: str, may: bool, team: Team) -> None:
    client = team.client(who)
    assert client.get("/workspace/new/").status_code == (200 if may else 403)
    assert ("New campaign" in text_of(client, "/workspace/")) == may


def test_whoever_makes_a_campaign_owns_it() -> None:
    anna = make_person(superuser=True)
    client = Client()
    client.force_login(anna)
    answer = client.post("/workspace/new/", {"name": "Example Models, spring", "slug": "", "description": ""})
    assert answer["Location"] == "/workspace/example-models-spring/"
    assert anna.memberships.get().role == "owner"
    assert "Example Models, spring" in text_of(client, "/workspace/")


@pytest.mark.parametrize(
    ("name", "slug", "sentence"),
    [
        ("Another", "example-models", "There is a campaign called example-models already"),
        ("Another", "new", "is an address of the site"),
        ("Another", "definitions", "is an address of the site"),
        ("???", "", "No short name can be made"),
        ("", "fine", "This field is required"),
        ("Another", "not a slug", "Enter a valid"),
    ],
)
def test_a_campaign_that_cannot_be_made_says_why(name: str, slug: str, sentence: str, team: Team) -> None:
    before = Campaign.objects.count()
    answer = team.client("stranger").post("/workspace/new/", {"name": name, "slug": slug})
    assert sentence in answer.content.decode()
    assert Campaign.objects.count() == before


def test_an_item_that_was_reported_in_error_says_so(team: Team) -> None:
    item = make_item(make_report(team.campaign), status=Status.AVAILABLE)
    mark_errors(items=[item], reason="a wrong link")
    assert '<div class="aside">reported in error</div>' in text_of(team.client("viewer"), HOME)
