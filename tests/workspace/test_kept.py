"""What pages of large campaigns keep for a while, and when they let it go."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.cache import caches
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.checks.outcomes import Status
from apps.reports.activity import record
from apps.reports.models import Deed, Item
from apps.reports.services import submit_report
from apps.workspace import kept
from apps.workspace.views import campaigns
from tests.factories import make_campaign, make_item, make_report, make_target
from tests.workspace.conftest import Team

pytestmark = pytest.mark.django_db
HOME = "/workspace/example-models/"


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(kept, "LARGE", 2)
    caches["kept"].clear()
    yield
    caches["kept"].clear()


def make_two(team: Team) -> None:
    report = make_report(team.campaign)
    for _ in range(2):
        make_item(report, status=Status.AVAILABLE)


def asked(team: Team, path: str = HOME) -> int:
    """How many queries a page takes."""
    with CaptureQueriesContext(connection) as queries:
        assert team.client("owner").get(path).status_code == 200
    return len(queries)


def test_the_figures_of_a_large_campaign_are_kept_and_the_items_are_not(team: Team) -> None:
    make_two(team)
    first = asked(team)
    assert asked(team) < first
    make_item(team.campaign.reports.get(), make_target("later", status=Status.REMOVED))
    Item.objects.update(submitted="https://models.example.org/spelt-otherwise")
    page = team.client("owner").get(HOME).content.decode()
    assert "of 2 items" in page
    assert "spelt-otherwise" in page


def test_the_figures_of_a_small_campaign_are_always_read_anew(team: Team) -> None:
    make_item(make_report(team.campaign), status=Status.AVAILABLE)
    assert asked(team) == asked(team)


def test_another_question_has_an_answer_of_its_own(team: Team) -> None:
    make_two(team)
    make_item(team.campaign.reports.get(), status=Status.REMOVED)
    client = team.client("owner")
    assert "of 3 items" in client.get(HOME).content.decode()
    assert "of 2 items" in client.get(f"{HOME}?status=available").content.decode()
    assert "of 3 items" in client.get(f"{HOME}?sort=-status&page=1").content.decode()


def test_what_a_member_changes_is_seen_at_once(team: Team) -> None:
    make_two(team)
    client = team.client("owner")
    assert "of 2 items" in client.get(HOME).content.decode()
    item = make_item(team.campaign.reports.get(), status=Status.AVAILABLE)
    client.post(f"{HOME}items/{item.pk}/look-again/")
    assert "of 3 items" in client.get(HOME).content.decode()


def test_what_another_process_changes_is_seen_at_once(team: Team) -> None:
    """Two web servers keep each their own, and a list or an erasure can come from a worker or a command."""
    make_two(team)
    client = team.client("owner")
    assert "of 2 items" in client.get(HOME).content.decode()
    submit_report(campaign=team.campaign, urls="https://models.example.org/example-author/third")
    assert "of 3 items" in client.get(HOME).content.decode()


def test_taking_a_file_lets_nothing_go(team: Team) -> None:
    """Members take files all day; no figure changes by that."""
    make_two(team)
    first = asked(team)
    record(Deed.FILE_TAKEN, person=team.people["owner"], campaign=team.campaign)
    assert asked(team) < first


def test_each_campaign_keeps_its_own() -> None:
    campaigns = [make_campaign("one"), make_campaign("two")]

    def of(number: int) -> int:
        return kept.kept(campaigns[number], "x", lambda: number + 10, size=lambda value: value)

    assert [of(0), of(1), of(0)] == [10, 11, 10]


def test_many_reports_are_shown_on_demand(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campaigns, "REPORTS_SHOWN", 2)
    for name in ("one", "two", "three"):
        make_report(team.campaign, platform=f"{name}.example")
    client = team.client("owner")
    page = client.get(HOME).content.decode()
    assert "show 1 more" in page
    assert "1: one.example" not in page.partition('id="items"')[0]
    page = client.get(f"{HOME}?reports=all").content.decode()
    assert "1: one.example" in page.partition('id="items"')[0]
    assert "more</a>" not in page.partition('id="items"')[0]
