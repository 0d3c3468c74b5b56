"""Charts in a real browser: within the content security policy, wide and narrow, light, dark and printed."""

from __future__ import annotations

import csv
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from apps.checks.outcomes import Outcome
from apps.checks.recording import NewCheck, append
from apps.core import clock
from apps.reports.models import Campaign, Item, Reply, ReplyKind
from tests.factories import at, make_campaign, make_person, make_report
from tests.metrics.watching import watched

from .browser import SCHEMES, WIDTHS, Keep, Open, fits, sign_in

pytestmark = pytest.mark.django_db(transaction=True)
HOME = "/workspace/example-models/"
FIGURES = f"{HOME}figures/"
LIBRARY = "/static/vendor/plotly-basic.min.js"
# chart -> its lines, areas and rows of points, counted as the traces that plotly draws
DRAWN = {"removed": 2, "statuses": 4, "platforms": 5, "reports": 4, "controls": 4}


@pytest.fixture
def campaign(live_server: LiveServer) -> Campaign:
    """Two reports to two platforms with what became of their items, two controls, and a reply."""
    campaign = make_campaign(owner=make_person("anna@example.org"))
    Campaign.objects.update(minimum_n=2)
    first = make_report(campaign)
    for story in ("up 1, gone 3 5", "up 1 20, gone 30 33", "up 1 40, gone 50 53", *["up 1 48 200"] * 3):
        watched(first, story, account="uploader-1")
    for story in ("up 1 100, gone 150 160", "up 1 200"):
        watched(first, story, control=True)
    second = make_report(campaign, platform="example.net", sent_at=at(48))
    for story in ("up 49, gone 60 64", *["up 49 200"] * 3):
        watched(second, story)
    Reply.objects.create(report=first, kind=ReplyKind.DECISION, received_at=at(30), recorded_at=at(30))
    return campaign


def show(page: Page, chart: str) -> None:
    """Scroll to a chart and wait until it is drawn."""
    page.locator(f"#chart-{chart} .finding").scroll_into_view_if_needed()
    expect(page.locator(f"#chart-{chart}[data-drawn] .chart-plot svg.main-svg").first).to_be_visible()


def drawn(page: Page, chart: str) -> list[dict[str, Any]]:
    """The traces that plotly has drawn."""
    found = page.evaluate(
        "(id) => document.getElementById(id).data.map("
        "({ x, y, name, meta, line }) => ({ x, y, name, meta, colour: line?.color }))",
        f"drawn-{chart}",
    )
    assert isinstance(found, list)
    return found


def table(page: Page, chart: str) -> list[list[str]]:
    """A chart's table as programs read it."""
    rows = page.locator(f"#chart-{chart} tbody tr")
    return rows.evaluate_all(
        "(rows) => rows.map((row) => [...row.querySelectorAll('data')].map((one) => one.value))"
    )


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.usefixtures("campaign")
def test_every_chart_is_drawn(width: int, scheme: str, open_page: Open, keep: Keep) -> None:
    page = open_page(width=width, color_scheme=scheme, is_mobile=width < 500, has_touch=width < 500)
    sign_in(page)
    page.goto(FIGURES)
    tall = page.evaluate("document.documentElement.scrollHeight")
    for chart, traces in DRAWN.items():
        show(page, chart)
        assert len(drawn(page, chart)) == traces, chart
        box = page.locator(f"#chart-{chart} .chart-plot").bounding_box()
        svg = page.locator(f"#chart-{chart} svg.main-svg").first.bounding_box()
        assert box
        assert svg
        assert svg["width"] <= box["width"] + 1
        assert svg["height"] <= box["height"] + 1
    assert page.locator("#chart-removed .scatterlayer .trace").count() == 2
    assert page.locator("#chart-removed .js-line").count() >= 1
    assert page.locator("style").count() == 0
    assert page.evaluate("document.documentElement.scrollHeight") == tall  # nothing moved when it was drawn
    assert fits(page)
    expect(page.locator(".modebar")).to_have_count(0)
    keep(page, "workspace-figures")
    page.goto(HOME)
    show(page, "removed")
    keep(page, "workspace-campaign")


@pytest.mark.usefixtures("campaign")
def test_labels_stand_at_the_lines_where_there_is_room_and_above_them_where_not(open_page: Open) -> None:
    page = open_page(width=1280)
    sign_in(page)
    page.goto(f"{FIGURES}?by=platform")
    show(page, "removed")
    assert page.locator("#chart-removed .annotation").count() == 2
    assert page.locator("#chart-removed .legend").count() == 0
    page.set_viewport_size({"width": 360, "height": 800})
    expect(page.locator("#chart-removed .legend .traces")).to_have_count(2)
    expect(page.locator("#chart-removed .annotation")).to_have_count(0)
    assert fits(page)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.usefixtures("campaign")
def test_table_drawing_and_file_have_the_same_numbers(width: int, open_page: Open) -> None:
    page = open_page(width=width, accept_downloads=True)
    sign_in(page)
    page.goto(f"{FIGURES}?by=platform")
    for chart in (*DRAWN, "groups", "shares", "within", "times", "accounts"):
        with page.expect_download() as download:
            page.locator(f"#chart-{chart}").get_by_role("link", name="Download these numbers").click()
        with open(download.value.path(), encoding="utf-8-sig", newline="") as file:
            _, *written = csv.reader(file)
        assert written == table(page, chart), chart
        assert download.value.suggested_filename.startswith(f"example-models-{chart}-")
    show(page, "removed")
    lines = [trace for trace in drawn(page, "removed") if trace["meta"]["part"] == "line"]
    assert len(lines) == 2
    for group, hours, estimate, *_ in table(page, "removed"):
        (line,) = (each for each in lines if each["name"].startswith(group))
        at_hours = dict(zip(line["x"], line["y"], strict=True))
        assert at_hours[float(hours)] == pytest.approx(float(estimate), abs=1e-4)
    show(page, "platforms")
    points = next(each for each in drawn(page, "platforms") if each["meta"]["part"] == "points")
    assert [round(share, 4) for share in points["x"]] == [float(row[3]) for row in table(page, "platforms")]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.usefixtures("campaign")
def test_without_scripts_a_chart_is_its_table(width: int, open_page: Open) -> None:
    page = open_page(width=width, java_script_enabled=False)
    sign_in(page)
    page.goto(FIGURES)
    for chart in DRAWN:
        expect(page.locator(f"#chart-{chart} .finding")).to_be_visible()
        expect(page.locator(f"#chart-{chart} .chart-plot")).to_be_hidden()
        expect(page.locator(f"#chart-{chart} tbody tr").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.usefixtures("campaign")
def test_the_library_is_asked_for_when_a_chart_comes_near_and_only_once(open_page: Open) -> None:
    page = open_page(width=360)
    sign_in(page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if LIBRARY in request.url else None)
    page.goto(HOME)
    expect(page.locator(".chart-plot")).to_be_attached()
    page.wait_for_load_state("networkidle")
    assert asked == []
    show(page, "removed")
    page.goto(f"{HOME}review/")
    page.wait_for_load_state("networkidle")
    assert len(asked) == 1
    page.goto(FIGURES)
    for chart in DRAWN:
        show(page, chart)
    assert len(asked) == 2


@pytest.mark.usefixtures("campaign")
def test_charts_follow_the_window_into_the_dark_and_onto_paper(open_page: Open) -> None:
    page = open_page(color_scheme="light")
    sign_in(page)
    page.goto(FIGURES)
    show(page, "removed")

    def line_is(variable: str, colour: str) -> None:
        """The line has a colour of the stylesheet, the SVG that somebody sees, too."""
        page.wait_for_function(
            "(colour) => document.getElementById('drawn-removed').data[1].line.color === colour", arg=colour
        )
        stroke = page.locator("#chart-removed .js-line").last.evaluate(
            "(line) => getComputedStyle(line).stroke"
        )
        digits = colour.lstrip("#")
        red, green, blue = (int(digits[place : place + 2], 16) for place in (0, 2, 4))
        assert stroke == f"rgb({red}, {green}, {blue})", variable

    def value(name: str) -> str:
        return str(
            page.evaluate(
                "(name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim()", name
            )
        )

    light = value("--series-1")
    line_is("light", light)
    page.emulate_media(color_scheme="dark")
    dark = value("--series-1")
    assert dark != light
    line_is("dark", dark)
    page.emulate_media(media="print", color_scheme="dark")
    line_is("paper", light)
    # What was not drawn when the page was printed is its table.
    expect(page.locator("#chart-controls tbody tr").first).to_be_visible()
    page.emulate_media(media="screen", color_scheme="dark")
    line_is("dark again", dark)


def test_a_chart_is_kept_up_to_date_in_place(campaign: Campaign, open_page: Open, settings: Settings) -> None:
    settings.CLOCK_ORIGIN, settings.CLOCK_SPEED = clock.wall(), 1000.0
    page = open_page()
    sign_in(page)
    page.goto(FIGURES)
    page.locator("#numbers-removed summary").click()
    show(page, "removed")
    page.evaluate("document.activeElement.blur()")
    page.evaluate("window.kept = document.getElementById('drawn-removed')")
    expect(page.locator("#finding-removed")).to_contain_text("4 of 10 eligible items")
    up = Item.objects.filter(control=False, target__status="available").first()
    assert up
    append(
        [NewCheck(up.target_id, at(900), at(900), Outcome.REMOVED, "person", manual=True)]  # type: ignore[arg-type]
    )
    expect(page.locator("#finding-removed")).to_contain_text("5 of 10 eligible items", timeout=15_000)
    page.wait_for_function(
        "JSON.parse(document.getElementById('plot-removed').textContent).data[1].y.at(-1)"
        " === document.getElementById('drawn-removed').data[1].y.at(-1)"
    )
    assert page.evaluate(
        "window.kept === document.getElementById('drawn-removed') && window.kept.isConnected"
    )
    assert page.locator(".js-plotly-plot").count() == page.locator(".chart-plot:not(:empty)").count()
    assert page.locator("#numbers-removed").evaluate("(details) => details.open")


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
@pytest.mark.parametrize("width", WIDTHS)
def test_asking_a_question_of_the_record(
    width: int, scripts: bool, campaign: Campaign, open_page: Open
) -> None:
    page = open_page(width=width, java_script_enabled=scripts)
    sign_in(page)
    page.goto(HOME)
    page.get_by_role("link", name="All figures and charts").click()
    form = page.get_by_role("search")
    form.get_by_label("Group by").select_option("platform")
    form.get_by_role("button", name="Apply").click()
    expect(page.get_by_text("Comparison of two groups")).to_be_visible()
    form.get_by_text("More filters").click()
    form.get_by_label("Reported to (UTC)").fill("2026-03-02")
    form.get_by_role("button", name="Apply").click()
    expect(page.get_by_text("Figures and charts are about the items of this filter alone.")).to_be_visible()
    expect(page.locator("#finding-removed")).to_contain_text("of 6 eligible items")
    form.get_by_label("Figures as of (UTC)").fill("2026-03-02T14:05")
    form.get_by_role("button", name="Apply").click()
    expect(page.get_by_text("Figures and charts show the record as it stood then")).to_be_visible()
    page.locator("#chart-removed").get_by_role("link", name="removal time").click()
    expect(page.locator("#removal_time_hours h2")).to_be_in_viewport()
    assert fits(page)


@pytest.mark.parametrize("width", WIDTHS)
def test_an_items_strip_has_its_numbers_beside_it(width: int, campaign: Campaign, open_page: Open) -> None:
    page = open_page(width=width, accept_downloads=True)
    sign_in(page)
    item = Item.objects.filter(control=False).order_by("pk").first()
    assert item
    page.goto(f"{HOME}items/{item.pk}/")
    expect(page.locator("#finding-checks")).to_have_text("3 checks: 1 available, 2 removed.")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download all checks").click()
    assert len(download.value.path().read_text(encoding="utf-8-sig").splitlines()) == 4
    assert fits(page)
