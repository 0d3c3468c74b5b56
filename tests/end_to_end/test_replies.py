"""Replies, reminders, errors and the board in a real browser: wide and narrow, with scripts and without."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import expect
from pytest_django.live_server_helper import LiveServer

from apps.checks.outcomes import Status
from apps.core import clock
from apps.reports.models import Campaign, Category, Channel, Claim, Delivery, Item, Reminder, Reply, Standing
from apps.reports.replies import log_reply
from tests.factories import make_campaign, make_item, make_person, make_report, make_target

from .browser import WIDTHS, Open, at_widths, fits, sign_in

pytestmark = pytest.mark.django_db(transaction=True)
SCRIPTS = pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])


@pytest.fixture
def campaign(live_server: LiveServer) -> Campaign:
    """A report of ten hours ago with something of each sort due, and one that bounced."""
    now = clock.now().replace(second=0, microsecond=0)
    campaign = make_campaign(owner=make_person("anna@example.org"))
    report = make_report(campaign, sent_at=now - timedelta(hours=10))
    report.standing, report.category = Standing.DEPICTED_PERSON, Category.SYNTHETIC_INTIMATE_IMAGES
    report.policy, report.reference = "Terms of service, section 4.2", "T-2026-0007"
    report.save()
    seen = now - timedelta(hours=1)
    for name, status in (
        ("up/" + "a-long-name-" * 12, Status.AVAILABLE),
        ("gated", Status.RESTRICTED),
        ("doubtful", Status.SUSPECTED),
        ("gone", Status.REMOVED),
    ):
        make_item(report, make_target(name, status=status, present_at=seen, run_started_at=seen))
    bounced = make_report(campaign, sent_at=now - timedelta(days=40))
    bounced.channel, bounced.delivery = Channel.EMAIL, Delivery.BOUNCED
    bounced.save()
    make_item(bounced)
    make_item(make_report(campaign, sent_at=now - timedelta(days=9)))
    return campaign


def test_every_page_fits_its_window(campaign: Campaign, open_page: Open) -> None:
    report, item = campaign.reports.get(number=1), Item.objects.filter(report__number=1).first()
    assert item
    log_reply(
        report=report,
        kind="decision",
        decision="removed",
        received_at=report.sent_at + timedelta(hours=1),
        reference="A-VERY-LONG-REFERENCE-" * 8,
        text="We removed everything that you reported to us. " * 20,
    )
    page = open_page(width=WIDTHS[0])
    sign_in(page)
    home = f"/workspace/{campaign.slug}/"
    paths = ("board/", "settings/", "reports/1/", "reports/1/replies/new/", "reports/1/reminder/")
    for path in (*paths, f"items/{item.pk}/"):
        page.goto(home + path)
        expect(page.locator("h1")).to_have_count(1)
        for width in at_widths(page, *WIDTHS, 900):
            assert fits(page), (path, width)


@SCRIPTS
@pytest.mark.parametrize("width", WIDTHS)
def test_logging_a_reply(width: int, scripts: bool, campaign: Campaign, open_page: Open) -> None:
    page = open_page(width=width, java_script_enabled=scripts)
    sign_in(page)
    page.goto(f"/workspace/{campaign.slug}/reports/1/")
    page.get_by_role("link", name="Log a reply").click()
    page.get_by_label("What it is").select_option(label="decision")
    page.get_by_label("What was decided").select_option(label="partly removed")
    page.get_by_label("hxxps://models[.]example[.]org/gone").select_option(label="removed")
    page.get_by_text("Paste lists instead").click()
    box = page.get_by_label("Items said to be restricted or labelled")
    box.fill("https://models.example.org/gated\nhttps://models.example.org/not-there")
    page.get_by_role("button", name="Record the reply").click()
    expect(page.get_by_text("1 line could not be used")).to_be_visible()
    expect(page.get_by_text("This URL is not in the report.")).to_be_visible()
    assert fits(page)
    assert not Reply.objects.exists()
    box.fill("https://models.example.org/gated")
    page.get_by_role("button", name="Record the reply").click()
    expect(page.get_by_text("decision: partly removed")).to_be_visible()
    assert set(Claim.objects.values_list("item__target__key", "claim")) == {
        ("https://models.example.org/gone", "removed"),
        ("https://models.example.org/gated", "restricted"),
    }
    page.get_by_role("button", name="Take back the reply").click()
    expect(page.get_by_text("The reply is taken back.")).to_be_visible()
    expect(page.get_by_role("button", name="Take back the reply")).to_have_count(0)


@SCRIPTS
@pytest.mark.parametrize("width", WIDTHS)
def test_preparing_and_logging_a_reminder(
    width: int, scripts: bool, campaign: Campaign, open_page: Open
) -> None:
    permissions = ["clipboard-read", "clipboard-write"]
    page = open_page(width=width, java_script_enabled=scripts, permissions=permissions)
    sign_in(page)
    page.goto(f"/workspace/{campaign.slug}/reports/1/")
    page.get_by_role("link", name="Prepare a reminder").click()
    text = page.get_by_role("textbox", name="The text").input_value()
    assert "2 of the 4 items in the report are still up." in text
    if scripts:
        page.get_by_role("button", name="Copy the text").click()
        expect(page.get_by_role("button", name="Copied")).to_be_visible()
        assert page.evaluate("navigator.clipboard.readText()") == text
    else:
        expect(page.get_by_role("button", name="Copy the text")).to_have_count(0)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download it").click()
    assert download.value.suggested_filename == f"reminder-{campaign.slug}-1.txt"
    assert download.value.path().read_text().splitlines() == text.splitlines()
    page.get_by_label("Note").fill("Sent by mail.")
    page.get_by_role("button", name="Record the reminder").click()
    expect(page.get_by_text("Sent by mail.")).to_be_visible()
    assert Reminder.objects.count() == 1


@SCRIPTS
def test_marking_an_item_as_reported_in_error(scripts: bool, campaign: Campaign, open_page: Open) -> None:
    item = Item.objects.get(target__key__endswith="/gated")
    page = open_page(width=360, java_script_enabled=scripts)
    sign_in(page)
    page.goto(f"/workspace/{campaign.slug}/items/{item.pk}/")
    section = page.get_by_role("region", name="Reported in error")
    section.get_by_label("Why").fill("It shows somebody else.")
    section.get_by_role("button", name="Mark as reported in error").click()
    expect(section.get_by_text("It shows somebody else.")).to_be_visible()
    section.get_by_role("button", name="Let it count again").click()
    expect(section.get_by_role("button", name="Mark as reported in error")).to_be_visible()


@SCRIPTS
@pytest.mark.parametrize("width", WIDTHS)
def test_the_board_leads_to_what_is_due(
    width: int, scripts: bool, campaign: Campaign, open_page: Open
) -> None:
    page = open_page(width=width, java_script_enabled=scripts)
    sign_in(page)
    page.goto(f"/workspace/{campaign.slug}/board/")
    due = page.get_by_role("region", name="Deadlines ahead")
    expect(due.get_by_text("TAKE IT DOWN Act, 48 h")).to_be_visible()
    expect(due.get_by_text("2 items")).to_be_visible()
    expect(page.get_by_role("region", name="Could not be delivered").get_by_text("40 d")).to_be_visible()
    assert page.locator('a[href*="models.example"]').count() == 0
    page.get_by_role("region", name="Waiting for a person").get_by_role(
        "link", name="Go to the review"
    ).click()
    expect(page.get_by_role("heading", name="Review")).to_be_visible()


def test_changing_the_settings(campaign: Campaign, open_page: Open) -> None:
    page = open_page(width=360)
    sign_in(page)
    page.goto(f"/workspace/{campaign.slug}/settings/")
    page.get_by_label("Smallest group with estimates").fill("12")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    campaign.refresh_from_db()
    assert campaign.minimum_n == 12
