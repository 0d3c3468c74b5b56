"""A download in a real browser."""

from __future__ import annotations

import csv
import hashlib

import pytest
from playwright.sync_api import expect
from pytest_django.live_server_helper import LiveServer

from apps.checks.outcomes import Status
from apps.reports.models import Campaign
from tests.factories import make_campaign, make_item, make_person, make_report, make_target

from .browser import WIDTHS, Open, fits, sign_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def campaign(live_server: LiveServer) -> Campaign:
    """One item that is up, and one that is gone."""
    campaign = make_campaign(owner=make_person("anna@example.org"))
    report = make_report(campaign)
    make_item(report, make_target("up", status=Status.AVAILABLE))
    make_item(report, make_target("gone", status=Status.REMOVED))
    return campaign


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
@pytest.mark.parametrize("width", WIDTHS)
def test_taking_out_what_a_filter_chose(
    width: int, scripts: bool, campaign: Campaign, open_page: Open
) -> None:
    page = open_page(width=width, java_script_enabled=scripts)
    sign_in(page)
    page.goto(f"/workspace/{campaign.slug}/export/?status=removed")
    expect(page.get_by_text("the 1 item that the filter chose")).to_be_visible()
    assert fits(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV of Items", exact=True).click()
    content = download.value.path().read_bytes()
    (row,) = csv.DictReader(content.decode().splitlines())
    assert row["url"] == "https://models.example.org/gone"
    page.reload()
    expect(page.get_by_text(hashlib.sha256(content).hexdigest())).to_be_visible()
    assert fits(page)


@pytest.mark.parametrize("path", ["trusted-flagger", "monitoring-round"])
@pytest.mark.parametrize("width", WIDTHS)
def test_reports_in_fixed_shapes_fit_their_window(
    path: str, width: int, campaign: Campaign, open_page: Open
) -> None:
    page = open_page(width=width)
    sign_in(page)
    page.goto(f"/workspace/{campaign.slug}/export/{path}/")
    expect(page.locator("h1")).to_have_count(1)
    assert fits(page)
