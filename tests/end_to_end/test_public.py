"""The public pages in a real browser: light, dark and on paper, with scripts and without, and framed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import BrowserContext, Response, expect
from pytest_django.live_server_helper import LiveServer

from apps.exports.snapshots import published
from apps.public.pages import paths
from tests.factories import make_person
from tests.public.seeding import SLUG, TITLE, add_hebrew, make_public, seed

from .browser import SCHEMES, WIDTHS, Keep, Open, at_widths, broken_rules, drawn, fits, sign_in

REFUSED = "frame-ancestors|X-Frame-Options"

pytestmark = pytest.mark.django_db(transaction=True)

HOME = f"/c/{SLUG}/"
PAGES = ["/", "/checker/", HOME]
PAGES += [f"{HOME}{rest}" for rest in ("platforms/huggingface/", "platforms/other/", "reports/1/")]
PAGES += [f"{HOME}{rest}" for rest in ("method/", "data/", "embed/removed/en/", "embed/times/de/")]
KEPT = {"/": "front", HOME: "campaign", f"{HOME}platforms/huggingface/": "platform"}
KEPT |= {f"{HOME}reports/1/": "report", f"{HOME}method/": "method", f"{HOME}data/": "data"}
KEPT |= {f"{HOME}embed/removed/en/": "embed"}
MOST_BYTES = 200_000
CHARTS_FIT = (
    "[...document.querySelectorAll('.chart-plot .main-svg')]"
    ".every((drawn) => drawn.getBoundingClientRect().right <= window.innerWidth)"
)


@pytest.fixture(autouse=True)
def campaign(live_server: LiveServer) -> None:
    anna = make_person("anna@example.org")
    make_public(seed(anna, owner=anna), anna)


def test_every_public_page_fits_its_window(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    add_hebrew(monkeypatch)
    page = open_page(width=WIDTHS[0])
    for path in [*PAGES, f"{HOME}?lang=de", f"{HOME}method/?lang=de", *(f"{path}?lang=he" for path in PAGES)]:
        page.goto(path)
        expect(page.locator("h1")).to_have_count(1)
        for width in at_widths(page, *WIDTHS):
            assert fits(page), (path, width)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_page_that_reads_from_right_to_left(
    width: int, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_hebrew(monkeypatch)
    page = open_page(f"{HOME}?lang=he", width=width)
    # From right to left: what comes first is at the right.
    brand, name = (page.locator(one).bounding_box() for one in (".brand", "#chart-within tbody th >> nth=0"))
    assert brand
    assert name
    assert brand["x"] + brand["width"] > 0.9 * width
    assert name["x"] + name["width"] > 0.9 * width
    # A chart is drawn from left to right all the same, with its labels whole.
    page.locator("#chart-removed").scroll_into_view_if_needed()
    plot = page.locator("#drawn-removed")
    expect(plot.locator(".main-svg").first).to_be_attached(timeout=20_000)
    label = plot.locator(".annotation-text" if width > 500 else ".legendtext").first
    room, words = plot.bounding_box(), label.bounding_box()
    assert room
    assert words
    assert room["x"] <= words["x"] < words["x"] + words["width"] <= room["x"] + room["width"]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_no_rule_of_wcag_is_broken(scheme: str, open_page: Open, keep: Keep) -> None:
    page = open_page(color_scheme=scheme, bypass_csp=True)
    for path in [*PAGES, f"{HOME}?lang=de"]:
        page.goto(path)
        drawn(page)
        for width in WIDTHS if path in KEPT else []:
            page.set_viewport_size({"width": width, "height": 800})
            page.wait_for_function(CHARTS_FIT)
            keep(page, f"public-{KEPT[path]}")
        assert broken_rules(page) == [], path


def test_charts_are_drawn_and_language_changes_without_a_cookie(open_page: Open) -> None:
    page = open_page(HOME)
    drawn(page)
    page.get_by_role("link", name="Deutsch").click()
    assert page.url.endswith("?lang=de")
    expect(page.locator("html")).to_have_attribute("lang", "de")
    drawn(page)
    expect(page.locator("#chart-statuses .xtick text").first).to_contain_text("März")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator("#chart-removed .embed-code summary").click()
    page.locator("#chart-removed button.copy").click()
    expect(page.locator("#chart-removed button.copy")).to_have_text("Kopiert")
    page.get_by_role("link", name="Methode", exact=True).click()
    expect(page.locator("html")).to_have_attribute("lang", "de")
    assert page.context.cookies() == []


@pytest.mark.parametrize("width", WIDTHS)
def test_without_scripts_each_chart_is_its_table(width: int, open_page: Open) -> None:
    page = open_page(HOME, width=width, java_script_enabled=False)
    for chart in ("removed", "statuses", "within", "claims"):
        figure = page.locator(f"#chart-{chart}")
        expect(figure.locator("tbody tr").first).to_be_visible()
        expect(figure.locator(".chart-plot")).to_have_count(1 if chart in {"removed", "statuses"} else 0)
        expect(figure.locator(".chart-plot:visible")).to_have_count(0)
    assert page.locator("button.copy:visible").count() == 0
    expect(page.get_by_text("<iframe").first).to_be_visible()


def test_the_first_view_is_small(live_server: LiveServer, new_context: Callable[..., BrowserContext]) -> None:
    """All that the browser asked for before a chart was near, without the library that draws charts."""
    page = new_context(base_url=live_server.url, viewport={"width": 1280, "height": 800}).new_page()
    came: list[Response] = []
    page.on("response", lambda answer: came.append(answer))
    page.goto(HOME, wait_until="load")
    sizes = {answer.url: len(answer.body()) for answer in came if "/vendor/" not in answer.url}
    assert len(sizes) >= 4
    assert sum(sizes.values()) < MOST_BYTES, sizes


def test_on_paper(open_page: Open, tmp_path: Path) -> None:
    page = open_page(HOME)
    page.emulate_media(media="print")
    expect(page.locator(".headline")).to_be_visible()
    expect(page.locator("nav.tabs")).to_be_hidden()
    expect(page.locator("#chart-within table")).to_be_visible()
    assert page.pdf(path=tmp_path / "page.pdf").startswith(b"%PDF")


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Another site that shows an address in a frame; gives its own page's address."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()

    def framing(address: str) -> str:
        # Each has a name of its own: of one that changed within a second the browser would keep the first.
        name = f"{len(list(folder.iterdir()))}.html"
        (folder / name).write_text(f'<!doctype html><iframe src="{address}" width="900" height="600">')
        return f"http://127.0.0.1:{server.server_port}/{name}"

    yield framing
    server.shutdown()
    thread.join()
    server.server_close()


def test_only_charts_by_themselves_are_shown_in_other_sites(
    live_server: LiveServer, new_context: Callable[..., BrowserContext], elsewhere: Callable[[str], str]
) -> None:
    page = new_context(viewport={"width": 1280, "height": 800}).new_page()
    page.goto(elsewhere(f"{live_server.url}{HOME}embed/removed/en/"))
    frame = page.frame_locator("iframe")
    expect(frame.locator("#chart-removed .main-svg").first).to_be_attached(timeout=20_000)
    expect(frame.get_by_role("link", name=TITLE)).to_be_visible()
    others = [HOME + path for path in ("", "method/", "data/", "card.en.png", "feed.atom")]
    for path in [*others, "/", "/checker/", "/sign-in/"]:
        # The browser says so in its own time: it is waited for.
        with page.expect_console_message(lambda said: bool(re.search(REFUSED, said.text))):
            page.goto(elsewhere(f"{live_server.url}{path}"))


def test_choosing_looking_publishing_and_withdrawing(open_page: Open) -> None:
    page = open_page("/")
    sign_in(page)
    page.goto(f"/workspace/{SLUG}/publication/")
    assert fits(page)
    page.get_by_label("Title for the public").fill("Another title")
    page.get_by_label("as platform A, platform B").check()
    page.get_by_role("button", name="Save without publishing").click()
    page.get_by_role("link", name="Preview what was saved last").click()
    expect(page.get_by_role("heading", name="Another title")).to_be_visible()
    page.get_by_role("link", name="Platform A").first.click()
    expect(page.get_by_role("heading", name="Platform A")).to_be_visible()
    page.get_by_role("link", name="Back to publication").click()
    page.get_by_role("button", name="Publish these choices instead").click()
    expect(page.get_by_text("Published.", exact=True)).to_be_visible()
    page.goto(HOME)
    expect(page.get_by_role("heading", name="Another title")).to_be_visible()
    page.goto(f"/workspace/{SLUG}/publication/")
    page.get_by_role("button", name="Withdraw").click()
    expect(page.get_by_text("Private.", exact=True)).to_be_visible()
    page.goto("/")
    assert page.get_by_text("Another title").count() == 0


def test_there_is_no_page_that_this_file_forgets() -> None:
    kinds = {here[0] for here in paths(published(SLUG).snapshot())}
    seen = {"campaign", "platform", "report", "method", "data", "embed"}
    assert kinds - seen == {"summary", "chart_csv", "codebook", "feed", "badge", "card"}  # no pages
