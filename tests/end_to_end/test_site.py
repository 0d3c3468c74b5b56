"""The exported folder in a real browser, served by Python alone from a subfolder, and from a disk."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import caches
from django.core.management import call_command
from playwright.sync_api import BrowserContext, Page, expect

from apps.exports.editions import publish_edition
from tests.public.seeding import SLUG, TITLE, make_public, seed
from tests.routes import for_a_module

from .browser import WIDTHS, fits

pytestmark = pytest.mark.django_db  # the database is there before the browser


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, format: str, *args: object) -> None:
        """Requests are not written anywhere."""


@pytest.fixture(scope="module")
def exported(
    django_db_setup: object, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A folder with `some/where` in it, which holds the site. It is made once: readers change nothing."""
    folder = tmp_path_factory.mktemp("exported")
    caches["pages"].clear()
    with for_a_module(django_db_blocker):
        campaign = seed()
        make_public(campaign, items=True)
        for _ in range(2):
            publish_edition(campaign=campaign, person=None)
        call_command("export_site", str(folder / "some" / "where"))
    caches["pages"].clear()
    return folder


@pytest.fixture
def served(exported: Path) -> Iterator[str]:
    """The address under which a file server on this machine gives it out."""
    handler = functools.partial(Quiet, directory=str(exported))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/some/where/"
        finally:
            server.shutdown()
            thread.join()


def watched_page(context: BrowserContext, problems: list[str], home: str) -> Page:
    """A page that reports errors, other origins, and what is not found."""
    page = context.new_page()
    page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda asked: None if asked.url.startswith(home) else problems.append(asked.url))
    page.on("response", lambda answer: problems.append(answer.url) if answer.status >= 400 else None)
    return page


def click_through(page: Page, *, scripts: bool) -> None:
    """From the front page to every kind of page, and to the other language."""
    page.get_by_role("link", name=TITLE).click()
    expect(page.locator("#headline")).to_contain_text("29 of 61 eligible items")
    assert fits(page)
    if scripts:
        page.locator("#chart-statuses .finding").scroll_into_view_if_needed()
        expect(page.locator("#chart-statuses[data-drawn] .chart-plot svg.main-svg").first).to_be_visible()
    else:
        expect(page.locator("#chart-statuses tbody tr").first).to_be_visible()
    page.get_by_role("link", name="Hugging Face").first.click()
    expect(page.locator("h1")).to_contain_text("Hugging Face")
    page.get_by_role("link", name="Method", exact=True).click()
    page.get_by_role("navigation", name="Figures").get_by_role("link").first.click()
    page.get_by_role("link", name="Data", exact=True).click()
    page.get_by_role("link", name="All editions").click()
    page.get_by_role("link", name="Edition 2").click()
    expect(page.locator("h1")).to_contain_text("Edition 2")
    assert fits(page)
    page.get_by_role("link", name="With edition 1").click()
    expect(page.locator("h1")).to_contain_text("Editions 1 and 2 side by side")
    assert fits(page)
    page.get_by_role("link", name="Deutsch").click()
    expect(page.locator("html")).to_have_attribute("lang", "de")
    page.get_by_role("link", name="Still Up").first.click()
    expect(page.locator("html")).to_have_attribute("lang", "de")
    page.get_by_role("link", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en-GB")
    expect(page.get_by_role("link", name="Sign in")).to_have_count(0)


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
@pytest.mark.parametrize("width", WIDTHS)
def test_the_folder_works_from_a_subfolder_of_any_file_server(
    width: int, scripts: bool, served: str, new_context: Callable[..., BrowserContext]
) -> None:
    problems: list[str] = []
    context = new_context(
        viewport={"width": width, "height": 800}, locale="en-GB", java_script_enabled=scripts
    )
    page = watched_page(context, problems, served)
    page.goto(served)
    click_through(page, scripts=scripts)
    assert problems == []


def test_the_folder_works_from_a_disk(exported: Path, new_context: Callable[..., BrowserContext]) -> None:
    problems: list[str] = []
    home = (exported / "some" / "where").as_uri()
    page = watched_page(new_context(locale="en-GB"), problems, home)
    page.goto(f"{home}/index.html")
    click_through(page, scripts=True)
    assert problems == []


def test_a_file_of_an_edition_is_downloaded_as_it_is(
    exported: Path, served: str, new_context: Callable[..., BrowserContext]
) -> None:
    page = new_context(accept_downloads=True).new_page()
    page.goto(f"{served}de/c/{SLUG}/editions/1/index.html")
    with page.expect_download() as download:
        page.get_by_role("link", name="SHA256SUMS").click()
    kept = exported / "some" / "where" / "c" / SLUG / "editions" / "1" / "SHA256SUMS"
    assert download.value.path().read_bytes() == kept.read_bytes()
