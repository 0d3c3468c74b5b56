"""The pages on which owners erase personal data."""

from __future__ import annotations

import pytest

from apps.checks.models import Target
from apps.reports.models import Item, Report
from apps.reports.replies import log_reply
from tests.factories import START, make_campaign, make_item, make_report, make_target
from tests.workspace.conftest import Team
from tests.workspace.test_campaigns import text_of

pytestmark = pytest.mark.django_db
SURE = {"why": "concerned", "sure": "on"}


@pytest.fixture
def item(team: Team) -> Item:
    """An item of an account that has another one, on record in another campaign, too."""
    report = make_report(team.campaign)
    made = make_item(report, make_target("zq-item", account="zq-account"))
    make_item(report, make_target("zq-other", account="zq-account"))
    make_item(make_report(make_campaign("theirs")), made.target)
    return made


def test_it_works(team: Team, item: Item) -> None:
    client = team.client("owner")
    page = f"/workspace/{team.campaign.slug}/items/{item.pk}/"
    assert "Erase personal data" in text_of(client, page)
    asked = text_of(client, f"{page}erase/")
    assert "1 item of this campaign with 1 URL; with the account, 2 items with 2 URLs." in asked
    assert "1 of these URLs is watched by another campaign, too, and stay" in asked
    assert "zq-item" not in asked
    answer = client.post(f"{page}erase/", {"scope": "item", **SURE}, follow=True)
    shown = answer.content.decode()
    assert "Erased: item" in shown
    assert "Its URL was erased" in shown
    for gone in ("zq-item", "Look again soon", "Add what you saw", "Erase personal data", "Watched as"):
        assert gone not in shown
    for page in ("", "board/", "review/", "reports/1/", "figures/?by=account", "?q=zq-item"):
        there = text_of(client, f"/workspace/{team.campaign.slug}/{page}").replace('value="zq-item"', "")
        assert "zq-item" not in there.replace("?q=zq-item", "").replace("q=zq-item", "")
    assert "(erased)" in text_of(client, f"/workspace/{team.campaign.slug}/reports/1/")
    # It cannot be erased, looked at or judged any more.
    again = client.post(answer.redirect_chain[0][0] + "erase/", SURE)
    assert "erased already" in again.content.decode()
    looked = client.post(f"/workspace/{team.campaign.slug}/items/{item.pk}/look-again/", follow=True)
    assert "nobody can look at it any more" in looked.content.decode()
    judged = client.post(
        f"/workspace/{team.campaign.slug}/review/{item.pk}/", {"outcome": "removed"}, follow=True
    )
    assert "nobody can look at it any more" in judged.content.decode()


def test_nothing_is_erased_by_a_slip(team: Team, item: Item) -> None:
    page = f"/workspace/{team.campaign.slug}/items/{item.pk}/erase/"
    client = team.client("owner")
    for sent in ({}, {"why": "concerned"}, {"sure": "on"}, {"scope": "all", **SURE}):
        assert client.post(page, sent).status_code == 200
    assert not Item.objects.exclude(erased_at=None).exists()


def test_an_account_a_report_and_a_reply(team: Team, item: Item) -> None:
    client = team.client("owner")
    home = f"/workspace/{team.campaign.slug}/"
    reply = log_reply(report=item.report, kind="other", received_at=START, text="zq-text")
    report = text_of(client, f"{home}reports/1/")
    assert "Erase what it says" in report
    assert client.post(f"{home}reports/1/replies/{reply.pk}/erase/", SURE).status_code == 302
    assert "what it says was erased" in text_of(client, f"{home}reports/1/")
    assert client.post(f"{home}items/{item.pk}/erase/", {"scope": "account", **SURE}).status_code == 302
    assert Item.objects.exclude(erased_at=None).count() == 2
    assert set(Target.objects.exclude(key="").values_list("account", flat=True)) == {"zq-account"}  # theirs
    assert client.post(f"{home}reports/1/erase/", SURE).status_code == 302
    assert Report.objects.get(campaign=team.campaign).erased_at is not None
    assert "erased already" in client.post(f"{home}reports/1/erase/", SURE).content.decode()
