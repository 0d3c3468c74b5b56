"""The workspace in a real browser: wide and narrow, with scripts and without, by keyboard."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from apps.accounts.models import Person
from apps.accounts.sign_in import sign_in_link
from apps.checks.models import Check
from apps.checks.outcomes import Outcome, Reason, Status
from apps.checks.recording import NewCheck, append
from apps.core import clock
from apps.reports.importing import run_next_import
from apps.reports.models import Campaign, Item
from tests.factories import at, make_campaign, make_item, make_items, make_person, make_report, make_target

from .browser import SCHEMES, WIDTHS, Keep, Open, at_widths, fits, sign_in

pytestmark = pytest.mark.django_db(transaction=True)
PASSWORD = "a long and quiet password"


@pytest.fixture
def campaign(live_server: LiveServer) -> Campaign:
    """A campaign with an item for each thing that can be seen, and enough others for a second page."""
    owner = make_person("anna@example.org")
    report = make_report(make_campaign(owner=owner))
    gone = make_item(report, make_target("gone/" + "a-long-name-" * 12, account="uploader-1"))
    doubtful = make_item(report, make_target("doubtful"))
    append(
        NewCheck(
            item.target_id, at(hours), at(hours), outcome, reason, http_status=status, signal="generic:x@1"
        )
        for item, last in ((gone, 40), (doubtful, 11))
        for hours, outcome, reason, status in (
            *((each, Outcome.AVAILABLE, Reason.OK, 200) for each in range(10)),
            *((each, Outcome.REMOVED, Reason.NOT_FOUND, 404) for each in range(10, last)),
        )
    )
    make_items(report, 60)
    return report.campaign


def test_every_page_fits_its_window(campaign: Campaign, open_page: Open, keep: Keep) -> None:
    page = open_page(width=WIDTHS[0])
    for _ in at_widths(page, *WIDTHS):
        assert fits(page)
    sign_in(page)
    home = f"/workspace/{campaign.slug}/"
    item = Item.objects.first()
    assert item
    paths = ["/checker/", "/workspace/", "/workspace/new/", home, f"{home}?page=2&sort=-status"]
    paths += [f"/workspace/{rest}/" for rest in ("platforms", "platforms/facebook", "classify", "notices")]
    paths += [
        f"{home}{rest}/"
        for rest in (
            *("members", "review", "reports/new", "reports/1", "imports/new"),
            *("notifications", "webhooks"),
        )
    ]
    main = {
        "/workspace/": "campaigns",
        f"{home}items/{item.pk}/": "item",
        **{f"{home}{name}/": name.replace("/", "-") for name in ("review", "reports/1", "reports/new")},
    }
    own = [f"/account/{rest}" for rest in ("", "password/change/", "sessions/", "second-factors/")]
    own += [f"/account/second-factors/{rest}/" for rest in ("app", "passkeys/add")]
    for path in [*paths, f"{home}items/{item.pk}/", *own]:
        page.goto(path)
        expect(page.locator("h1")).to_have_count(1)
        for width in at_widths(page, *WIDTHS, 900, 1024):
            assert fits(page), (path, width)
            for scheme in SCHEMES if width in WIDTHS and path in main else []:
                page.emulate_media(color_scheme=scheme)
                keep(page, f"workspace-{main[path]}")


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
@pytest.mark.parametrize("width", WIDTHS)
def test_filtering_items(width: int, scripts: bool, campaign: Campaign, open_page: Open) -> None:
    page = open_page(width=width, java_script_enabled=scripts)
    sign_in(page)
    page.goto("/workspace/")
    page.get_by_role("link", name=campaign.name).click()
    expect(page.get_by_text("1–50 of 62").first).to_be_visible()
    form = page.get_by_role("search")
    form.get_by_label("Text").fill("hxxps://models[.]example[.]org/doubtful")
    form.get_by_label("suspected").check()
    form.get_by_role("button", name="Apply").click()
    expect(page.get_by_text("1 item of this filter.")).to_be_visible()
    page.locator("table.items tbody a").click()
    expect(page.get_by_text("Looks removed, not confirmed yet")).to_be_visible()
    expect(page.locator("h1 code")).to_have_text("hxxps://models[.]example[.]org/doubtful")
    assert page.locator('a[href*="models.example"]').count() == 0


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
@pytest.mark.parametrize("width", WIDTHS)
def test_confirming_what_the_checker_suspects(
    width: int, scripts: bool, campaign: Campaign, open_page: Open
) -> None:
    page = open_page(width=width, java_script_enabled=scripts)
    sign_in(page)
    page.goto(f"/workspace/{campaign.slug}/")
    page.get_by_role("link", name="Review 1 URL").click()
    page.get_by_label("It is still there").check()
    page.get_by_role("button", name="Record it").click()
    expect(page.get_by_text("this overrules the checker")).to_be_visible()
    page.get_by_label("It is gone").check()
    page.get_by_label("Note").fill("Gone for me, too.")
    page.get_by_role("button", name="Record it").click()
    expect(page.get_by_text("Nothing waits for a person.")).to_be_visible()
    check = Check.objects.get(manual=True)
    assert check.target.status == Status.REMOVED
    assert check.note == "Gone for me, too."


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_adding_what_one_saw(scripts: bool, campaign: Campaign, open_page: Open) -> None:
    item = Item.objects.get(target__status=Status.REMOVED)
    page = open_page(width=360, java_script_enabled=scripts)
    sign_in(page)
    page.goto(f"/workspace/{campaign.slug}/items/{item.pk}/")
    expect(page.get_by_text("No longer accessible: last seen")).to_be_visible()
    page.get_by_label("available: it opens as itself").check()
    page.get_by_label("Note").fill("Back again.")
    page.get_by_role("button", name="Record it").click()
    expect(page.get_by_text("It had been gone, by")).to_be_visible()
    expect(page.get_by_text("Back again.")).to_be_visible()


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
@pytest.mark.parametrize("width", WIDTHS)
def test_pasting_a_list(width: int, scripts: bool, campaign: Campaign, open_page: Open) -> None:
    page = open_page(width=width, java_script_enabled=scripts)
    sign_in(page)
    page.goto(f"/workspace/{campaign.slug}/reports/new/")
    box = page.get_by_label("Reported URLs")
    box.fill("hxxps://models[.]example[.]org/new-one\nnot a url\nhttps://models.example.org/new-two")
    page.get_by_label("Channel").select_option(label="web form")
    page.get_by_role("button", name="Record and watch").click()
    expect(page.get_by_text("Recorded 2 items in report 2.")).to_be_visible()
    expect(page.get_by_text("1 line could not be used")).to_be_visible()
    expect(box).to_have_value("not a url")
    assert fits(page)


@pytest.mark.database
@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_importing_a_list(scripts: bool, campaign: Campaign, open_page: Open) -> None:
    page = open_page(java_script_enabled=scripts)
    sign_in(page)
    page.goto(f"/workspace/{campaign.slug}/imports/new/")
    page.get_by_label("File").set_input_files(
        {
            "name": "list.csv",
            "mimeType": "text/csv",
            "buffer": b'"Reported\nURL",Date\n'
            b"https://models.example.org/imported,2026-03-01\nftp://x,2026-03-01\n",
        }
    )
    page.get_by_role("button", name="Upload and look through").click()
    expect(page.get_by_text("2 rows. Of the first 2, 1 can be used and 1 cannot")).to_be_visible()
    page.get_by_role("button", name="Import this list").click()
    expect(page.get_by_text("Waiting for the checker")).to_be_visible()
    assert run_next_import()
    # The page brings itself up to date, by script or by a refresh.
    expect(page.get_by_role("link", name="Download the rejected rows")).to_be_visible(timeout=15_000)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the rejected rows").click()
    assert download.value.suggested_filename == "list.rejected.csv"


def test_a_campaign_under_simulated_time_keeps_itself_up_to_date(
    campaign: Campaign, open_page: Open, settings: Settings
) -> None:
    settings.CLOCK_ORIGIN, settings.CLOCK_SPEED = clock.wall(), 1000.0
    page = open_page()
    sign_in(page)
    page.goto(f"/workspace/{campaign.slug}/")
    expect(page.get_by_text("The clock runs 1,000 times faster")).to_be_visible()
    expect(page.get_by_role("link", name="removed 1 of 62")).to_be_visible()
    before = page.locator("#simulated-clock time").get_attribute("datetime")
    seen = Item.objects.get(target__key__endswith="/doubtful")
    append([NewCheck(seen.target_id, at(90), at(90), Outcome.REMOVED, Reason.PERSON, manual=True)])
    expect(page.get_by_role("link", name="removed 2 of 62")).to_be_visible(timeout=15_000)
    assert page.locator("#simulated-clock time").get_attribute("datetime") != before
    assert page.locator("button.copy:visible").count() > 0


def test_a_reported_url_is_copied_and_never_followed(campaign: Campaign, open_page: Open) -> None:
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    sign_in(page)
    item = Item.objects.get(target__key__endswith="/doubtful")
    page.goto(f"/workspace/{campaign.slug}/items/{item.pk}/")
    for button, copied in (
        ("Copy", "hxxps://models[.]example[.]org/doubtful"),
        ("Copy original", "https://models.example.org/doubtful"),
    ):
        page.get_by_role("button", name=button, exact=True).click()
        expect(page.get_by_role("button", name="Copied").first).to_be_visible()
        assert page.evaluate("navigator.clipboard.readText()") == copied


def test_a_copy_button_that_could_do_nothing_is_not_shown(campaign: Campaign, open_page: Open) -> None:
    page = open_page(java_script_enabled=False)
    sign_in(page)
    page.goto(f"/workspace/{campaign.slug}/")
    assert page.locator("button.copy").count() > 0
    assert page.locator("button.copy:visible").count() == 0


def test_the_keyboard_reaches_everything_and_shows_where_it_is(campaign: Campaign, open_page: Open) -> None:
    page = open_page()
    sign_in(page)
    page.goto(f"/workspace/{campaign.slug}/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    reached: set[str] = set()
    for _ in range(80):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            "() => { const it = document.activeElement, style = getComputedStyle(it);"
            " return [it.id || it.textContent.trim(), style.outlineStyle] }"
        )
        assert focused[1] != "none", focused
        reached.add(focused[0])
    assert {"New report", "Import a list", "Members", "id_q", "id_platform", "Apply"} <= reached


def test_signing_in_by_a_link_and_out_again(
    campaign: Campaign, open_page: Open, live_server: LiveServer
) -> None:
    newcomer = Person.objects.create_user("new@example.org")
    page = open_page(sign_in_link(newcomer))
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password (again)").fill(PASSWORD)
    page.get_by_role("button", name="Set password").click()
    page.goto("/workspace/")
    expect(page.get_by_text("You are not a member of a campaign yet.")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    page.goto("/workspace/platforms/")
    page.get_by_label("Email").fill("new@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Platforms", exact=True)).to_be_visible()
