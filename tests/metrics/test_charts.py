"""Findings, tables and plots of small campaigns, worked out by hand; and what must hold of any."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import time_machine
from django.utils import translation
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.checks.outcomes import STATUS_ORDER, Outcome
from apps.metrics import charts, findings, plots, survival, tables
from apps.metrics.chart import Chart, csv_text, instant, points, portion, text, whole
from apps.metrics.check_facts import check_facts
from apps.metrics.definitions import DEFINITIONS
from apps.metrics.figures import MARKS, NOT_FOLLOWED, TOO_FEW, Material, group_figures
from apps.metrics.grouping import GroupKey
from apps.metrics.summary import Summary, summarise
from apps.metrics.timeline import Step, Timeline
from apps.metrics.words import hours_words, spelt, spelt_range
from apps.reports.models import Campaign, Claim, ClaimWord, Decision, Reply, ReplyKind, Report
from tests.factories import START, at, make_campaign, make_check, make_person, make_report
from tests.metrics.test_figures import materials
from tests.metrics.watching import watched

HOSTILE = "%{y}.example.org"  # as plotly writes a place to be filled in
PLATFORM, REPORT = (GroupKey.PLATFORM,), (GroupKey.REPORT,)


@pytest.fixture
def campaign(db: None) -> Campaign:
    """Ten items, of which six are gone, three up and one came back; four of another platform; two controls.

    example.org, report 1: gone in (1, 2], (3, 4], (20, 23], (30, 40], (47, 48] and (90, 100] hours, up until
    200 three times, and one gone in (5, 6] and back in (50, 60]. example.net, report 2: gone in (10, 20] and
    (20, 30], up twice. Of the controls one is gone in (100, 150].
    """
    campaign = make_campaign(owner=make_person("anna@example.org"))
    first = make_report(campaign)
    for story in (
        "up 0.5 1, gone 2 4",
        "up 1 3, gone 4 6",
        "up 1 20, gone 23 25",
        "up 1 30, gone 40 44",
        "up 1 47, gone 48 50",
        "up 1 90, gone 100 103",
        *["up 1 24 48 168 200"] * 3,
        "up 1 5, gone 6 8 50, up 60 200",
    ):
        watched(first, story)
    second = make_report(campaign, platform="example.net")
    for story in ("up 1 10, gone 20 22", "up 1 20, gone 30 33", "up 1 200", "up 1 200"):
        watched(second, story)
    watched(first, "up 1 100, gone 150 160", control=True)
    watched(first, "up 1 200", control=True)
    Campaign.objects.update(minimum_n=2)
    return Campaign.objects.get()


def read(campaign: Campaign, **options: Any) -> Summary:
    with time_machine.travel(at(210), tick=False):
        return summarise(campaign, also=(PLATFORM, REPORT), **options)


def column(chart: Chart, name: str) -> list[str]:
    """One column as the CSV file has it."""
    rows = list(csv.DictReader(io.StringIO(csv_text(chart))))
    return [row[name] for row in rows]


def traces(chart: Chart, part: str) -> list[dict[str, Any]]:
    """The traces of a plot that are lines, bands, points and so on."""
    assert chart.plot
    return [trace for trace in chart.plot["data"] if trace["meta"]["part"] == part]


# ------------------------------------------------------------------------------------------- cumulative share


def test_the_first_chart_says_what_is_gone_how_fast_and_what_is_up(campaign: Campaign) -> None:
    chart = charts.removed(read(campaign).total)
    # In the order of their ends: 2, 4, 6, 20, 23, 30, 40, 48, 100. Half of 14 is the seventh.
    assert chart.finding == (
        "8 of 14 eligible items are no longer accessible; half were gone within 30 to 40 h; 6 are still up."
    )
    assert "6 of 14 still up" in json.dumps(chart.plot)


def test_the_table_has_the_drawn_line_at_every_mark_and_at_its_end(campaign: Campaign) -> None:
    chart = charts.removed(read(campaign).total)
    (line,) = traces(chart, "line")
    drawn = dict(zip(line["x"], line["y"], strict=True))
    assert column(chart, "hours") == ["1", "2", "3", "24", "48", "72", "168", "210"]
    for hours, estimate in zip(column(chart, "hours"), column(chart, "estimate"), strict=True):
        assert drawn[float(hours)] == pytest.approx(float(estimate), abs=1e-4)
    # What was up at 200 h is due again a sixteenth later, so it counts as up until now, 210 h. 9 of 14 went.
    assert float(column(chart, "estimate")[-1]) == pytest.approx(9 / 14, abs=1e-4)
    assert set(column(chart, "of")) == {"14"}


def test_groups_are_told_apart_by_dash_and_label_and_those_left_out_are_counted(campaign: Campaign) -> None:
    summary = read(campaign, by=PLATFORM)
    chart = charts.removed(summary.total, summary.groups)
    lines = traces(chart, "line")
    assert [line["line"]["dash"] for line in lines] == ["solid", "dash"]
    assert [line["name"] for line in lines] == [
        "example.org: 4 of 10 still up",
        "example.net: 2 of 4 still up",
    ]
    assert chart.plot
    assert [note["text"] for note in chart.plot["layout"]["annotations"]] == [
        "example.org<br>4 of 10 still up",
        "example.net<br>2 of 4 still up",
    ]
    assert chart.notes == ()
    Campaign.objects.update(minimum_n=5)
    summary = read(Campaign.objects.get(), by=PLATFORM)
    few = charts.removed(summary.total, summary.groups, left_out=7)
    assert [line["name"] for line in traces(few, "line")] == ["example.org: 4 of 10 still up"]
    assert few.notes == ("8 groups are not drawn, 1 of them too few to estimate.",)


def test_what_was_not_followed_is_not_taken_for_not_gone(campaign: Campaign) -> None:
    """Of ten, seven were lost from sight after 100 h, three went long after that: who can tell of half?"""
    with time_machine.travel(at(400), tick=False):
        report = make_report(make_campaign("lost"))
        for story in ["up 1 24 72 100, unclear 110 200 290"] * 7 + ["up 1 24 72 250, gone 300 302"] * 3:
            watched(report, story)
        report.campaign.minimum_n = 5
        total = summarise(report.campaign).total
    half = "fewer than half were gone within 4.2 d, and too few were followed longer"
    assert total.removal.horizon == 100
    assert findings.removed(total) == (
        f"3 of 10 eligible items are no longer accessible; {half}; 0 are still up, "
        "and of 7 it cannot be told."
    )
    assert findings.times(total).startswith(
        "Fewer than half of 10 eligible items were gone within 4.2 d, and"
    )
    assert [total.removal.unreached(p) for p in (0.25, 0.5)] == ["too few followed so long", "not reached"]
    (row,) = (row for row in tables.times(total).rows if row[0].text == "Removal")
    assert row[2].text == "too few followed so long"


def test_what_came_back_has_gone(db: None) -> None:
    """Six of ten had gone and are back, four were lost from sight: it is not so that fewer than half went."""
    report = make_report(make_campaign())
    for hours in range(10, 70, 10):
        watched(report, f"up 1 {hours - 1}, gone {hours} {hours + 2}, up {hours + 5} 99")
    for _ in range(4):
        watched(report)
    with time_machine.travel(at(100), tick=False):
        total = summarise(report.campaign).total
    assert (total.removal.n, total.still_up, total.removal.unreached(0.5)) == (6, 6, NOT_FOLLOWED)
    half = "ewer than half were gone within 20 h, and too few were followed longer"
    assert half in findings.removed(total)
    assert half.replace("half were", "half of 10 eligible items were") in findings.times(total)


def test_a_group_that_is_too_small_shows_counts_and_says_so(campaign: Campaign) -> None:
    Campaign.objects.update(minimum_n=15)
    chart = charts.removed(read(Campaign.objects.get()).total)
    assert chart.finding == f"8 of 14 eligible items are no longer accessible ({TOO_FEW}); 6 are still up."
    assert chart.plot is None
    assert chart.rows == ()


@pytest.mark.django_db
def test_an_empty_campaign_has_sentences_and_no_plots() -> None:
    summary = read(make_campaign())
    assert charts.removed(summary.total).finding == "No eligible item yet."
    assert tables.within(summary.total).rows
    assert charts.platforms(summary.others[PLATFORM].groups) is None
    assert charts.reports(summary.others[REPORT].groups) is None
    assert charts.controls(summary.total) is None
    assert tables.deadlines(summary.total) is None
    assert charts.statuses(Timeline((), timedelta(days=1), START)).finding == "Nothing has been reported yet."


def test_marks_are_drawn_as_far_as_the_record_reaches(campaign: Campaign) -> None:
    chart = charts.removed(read(campaign).total)
    assert chart.plot
    layout = chart.plot["layout"]
    assert [shape["x0"] for shape in layout["shapes"]] == [24, 48, 168]
    assert {"24 h", "48 h", "7 d"} <= set(layout["xaxis"]["ticktext"])


def test_a_long_line_is_thinned_and_keeps_its_ends() -> None:
    left = np.sort(np.random.default_rng(1).uniform(0.1, 2000, 3000))
    fit = survival.fit(left, left)
    line = plots.line_of("Many", "", fit)
    assert len(line.times) <= 3 * plots.POINTS + 20
    assert line.times[-1] == pytest.approx(left[-1], abs=1e-3)
    assert line.estimate[-1] == 1
    assert list(line.times) == sorted(line.times)
    assert list(line.estimate) == sorted(line.estimate)


# ----------------------------------------------------------------------------------------------- side by side


def test_platforms_stand_side_by_side_by_share(campaign: Campaign) -> None:
    chart = charts.platforms(read(campaign).others[PLATFORM].groups)
    assert chart
    assert chart.finding == (
        "Of 2 platforms, the share that is no longer accessible runs from 50% (2 of 4, example.net) to "
        "60% (6 of 10, example.org)."
    )
    assert column(chart, "platform") == ["example.org", "example.net"]
    assert column(chart, "share") == ["0.6", "0.5"]
    shares, times = traces(chart, "points")
    assert shares["x"] == [0.6, 0.5]
    assert len(times["x"]) == 2
    assert chart.plot
    assert chart.plot["layout"]["yaxis"]["ticktext"] == ["example.org<br>n = 10", "example.net<br>n = 4"]


def test_a_platform_that_is_too_small_stands_last_and_says_so(campaign: Campaign) -> None:
    Campaign.objects.update(minimum_n=5)
    chart = charts.platforms(read(Campaign.objects.get()).others[PLATFORM].groups)
    assert chart
    assert chart.finding == (
        "Of 2 platforms, example.org has an estimate: 6 of 10 are no longer accessible; "
        "1 is too few to estimate."
    )
    assert [cell.text for cell in chart.rows[-1]][:4] == ["example.net", "2", "4", TOO_FEW]
    assert column(chart, "share") == ["0.6", ""]
    assert chart.plot
    said = [note["text"] for note in chart.plot["layout"]["annotations"]]
    assert f"2 of 4 ({TOO_FEW})" in said
    assert TOO_FEW in said


def test_platforms_that_were_left_out_are_counted_and_said_so(campaign: Campaign) -> None:
    chart = charts.platforms(read(campaign).others[PLATFORM].groups, left_out=3)
    assert chart
    assert chart.finding.startswith("Of the 2 largest of 5 platforms, the share")
    assert chart.notes[-1] == "3 smaller groups are not shown."


def test_a_median_stands_with_its_band_in_the_table_as_it_is_drawn(campaign: Campaign) -> None:
    found = read(campaign).others[PLATFORM].groups
    chart = charts.platforms(found)
    assert chart
    bands = [group.removal.quantile(0.5).band for group in tables.by_share(found)]
    for place, name in enumerate(("median_band_from_hours", "median_band_to_hours")):
        assert column(chart, name) == ["" if band[place] is None else f"{band[place]:.6g}" for band in bands]
    drawn = [trace for trace in chart.plot["data"] if trace["meta"]["part"] == "points"]
    assert len(drawn) == 2


def test_reports_are_small_multiples_with_the_same_axes(campaign: Campaign) -> None:
    chart = charts.reports(read(campaign).others[REPORT].groups, left_out=3)
    assert chart
    assert chart.plot
    layout = chart.plot["layout"]
    assert layout["xaxis"]["range"] == layout["xaxis2"]["range"]
    assert layout["yaxis"]["range"] == layout["yaxis2"]["range"]
    assert [line["xaxis"] for line in traces(chart, "line")] == ["x", "x2"]
    assert [line["name"] for line in traces(chart, "line")] == [
        "Report 1: 4 of 10 still up",
        "Report 2: 2 of 4 still up",
    ]
    assert chart.notes == ("3 reports are not drawn: smaller, or too few to estimate.",)


def test_no_more_than_24_reports_are_drawn(campaign: Campaign) -> None:
    group = read(campaign).others[REPORT].groups[0]
    chart = charts.reports([group] * 30)
    assert chart
    assert len(traces(chart, "line")) == charts.REPORTS_DRAWN
    assert chart.notes[0].startswith("6 reports are not drawn")


# --------------------------------------------------------------------------------------------------- controls


def test_reported_items_stand_beside_controls(campaign: Campaign) -> None:
    total = read(campaign).total
    chart = charts.controls(total)
    assert chart
    assert total.controls
    assert [line["name"].partition(":")[0] for line in traces(chart, "line")] == ["Reported", "Controls"]
    assert [line["line"]["dash"] for line in traces(chart, "line")] == ["solid", "dash"]
    # At 7 d: 9 of 14 had gone, and 1 of 2 controls. A difference of 9/14 - 1/2 = 14.3 percentage points.
    assert chart.finding.startswith(
        "Within 7 d, 64.3% of 14 eligible items and 50.0% of 2 controls were gone: a difference of +14.3 "
        "percentage points (95%: −"
    )
    row = dict(zip(column(chart, "within_hours"), column(chart, "difference"), strict=True))
    assert row["168"] == "0.1429"
    # At 3 h: 1 of 14 in (1, 2], and none of the controls.
    assert row["3"] == "0.0714"
    # The bands that are drawn stand there, too.
    for part, fit in (("reported", total.removal.fit), ("controls", total.controls.times.fit)):
        assert fit
        low, high = survival.band(fit, list(map(float, MARKS.values())))
        for name, limits in ((f"{part}_low", low), (f"{part}_high", high)):
            written = {place: float(one) for place, one in enumerate(column(chart, name)) if one}
            assert len(written) > 5  # up to the mark that enough were followed to
            assert written == pytest.approx({place: limits[place] for place in written}, abs=1e-4)


def test_too_few_controls_are_said_and_not_compared(campaign: Campaign) -> None:
    Campaign.objects.update(minimum_n=5)
    chart = charts.controls(read(Campaign.objects.get()).total)
    assert chart
    assert chart.finding == (
        f"1 of 2 controls and 8 of 14 are no longer accessible; {TOO_FEW} beside each other."
    )
    assert set(column(chart, "difference")) == {""}
    assert len(traces(chart, "line")) == 1


# ----------------------------------------------------------------------------------------- statuses over time


def test_statuses_are_stacked_with_reports_and_replies_as_marks() -> None:
    day = datetime(2026, 3, 1, tzinfo=UTC)
    steps = (
        Step(day, (5, 0, 0, 0, 0, 1), 1, 0),
        Step(day + timedelta(days=1), (2, 1, 1, 2, 0, 0), 0, 2),
    )
    chart = charts.statuses(Timeline(steps, timedelta(days=1), day + timedelta(days=1, hours=12)))
    assert chart.finding == (
        "After 1 report and 2 replies, 3 of 6 reported items are up, 2 are gone, and of 1 it cannot be told."
    )
    assert [trace["name"] for trace in traces(chart, "area")] == [
        "available",
        "restricted",
        "suspected",
        "removed",
        "waiting",
    ]
    for trace in traces(chart, "area"):
        assert [str(count) for count in trace["y"][:-1]] == column(chart, trace["name"])
    assert [trace["text"] for trace in traces(chart, "points")] == [
        ["2026-03-02: 2 replies"],
        ["2026-03-01: 1 report"],
    ]
    fills = {trace["meta"]["role"]: trace["fillpattern"]["shape"] for trace in traces(chart, "area")}
    assert len(set(fills.values())) == 4  # up and gone are plain, and never next to each other alone
    assert column(chart, "of") == ["6", "6"]


# ----------------------------------------------------------------------------------------------------- tables


def test_shares_stand_beside_their_denominators(campaign: Campaign) -> None:
    chart = tables.shares(read(campaign).total)
    assert chart.finding == (
        "Of 14 eligible items, 8 are removed, 8 removed or restricted, and of 0 it cannot be told."
    )
    assert [cell.value for cell in chart.rows[0]][:4] == ["Removed", "8", "14", "0.5714"]


def test_within_a_mark_the_bounds_are_counts(campaign: Campaign) -> None:
    chart = tables.within(read(campaign).total)
    # By 48 h: 2, 4, 6, 23, 40, 48 of the first report, 20 and 30 of the second.
    assert chart.finding == "Within 48 h of the report, 8 of 14 eligible items were gone."
    # By 24 h surely 2, 4, 6, 23 and 20; the one in (20, 30] possibly.
    row = dict(zip(column(chart, "within_hours"), chart.rows, strict=True))["24"]
    assert [cell.value for cell in row][1:6] == ["5", "6", "14", "0.3571", "0.4286"]


def test_claims_stand_against_what_was_seen(campaign: Campaign) -> None:
    report = Report.objects.get(number=1)
    reply = Reply.objects.create(
        report=report,
        kind=ReplyKind.DECISION,
        decision=Decision.PARTLY,
        received_at=at(25),
        recorded_at=at(25),
    )
    items = list(report.items.filter(control=False).order_by("pk"))
    for item in items[3:8]:  # gone at 40, 48 and 100; up twice
        Claim.objects.create(reply=reply, item=item, claim=ClaimWord.REMOVED)
    Claim.objects.create(reply=reply, item=items[0], claim=ClaimWord.REFUSED)  # gone at 2, before
    chart = tables.claims(read(campaign).total)
    assert chart
    assert chart.finding == (
        "Of 5 items said to be removed, 2 are still up; of 1 said to be left as they are, 0 are gone."
    )
    # Seen there after 25 h: those gone at 40 (seen at 30), 48, 100, and both that are up.
    assert column(chart, "n") == ["2", "5", "0", "0"]
    # Half of two reports is the first, and its reply is dated exactly.
    assert tables.times(read(campaign).total).finding == (
        "Half of 14 eligible items were gone within 30 to 40 h; "
        "half of 2 reports had a first reply after 25 h."
    )


def test_returns_are_counted_of_what_had_been_removed(campaign: Campaign) -> None:
    chart = tables.returns(read(campaign).total)
    assert chart
    assert chart.finding == "1 of 9 items that had been removed came back; 1 is up now."


def test_a_deadline_that_does_not_apply_says_why(campaign: Campaign) -> None:
    Report.objects.update(category="synthetic_intimate_images", standing="journalist", sent_at=at(24 * 90))
    group = read(campaign).total
    chart = tables.deadlines(group)
    assert chart
    words = [cell.text for row in chart.rows for cell in row]
    assert any(word.startswith("does not apply: the clock starts with") for word in words)
    assert "not run" in chart.finding
    assert "breach" not in chart.finding


def test_groups_are_sorted_by_share_and_the_rest_is_counted(campaign: Campaign) -> None:
    summary = read(campaign, by=PLATFORM, most=1)
    assert (len(summary.groups), summary.left_out, summary.names) == (1, 1, ("example.net", "example.org"))
    chart = tables.groups(PLATFORM, summary.groups, summary.left_out)
    assert chart.finding == (
        "Of the 1 largest of 2 groups, example.org has an estimate: 6 of 10 are no longer accessible."
    )
    assert column(chart, "platform") == ["example.org"]
    assert chart.notes == ("1 smaller group is not shown.",)


@pytest.mark.django_db
def test_an_items_checks_are_facts_without_words_of_people() -> None:
    item = watched(make_report(make_campaign()), "up 1 2")
    item.target.refresh_from_db()
    make_check(item.target, 3, Outcome.AVAILABLE, person=make_person(), note="somebody told me")
    chart = tables.checks(check_facts(item.target))
    assert "somebody" not in csv_text(chart)
    assert "example.org" not in csv_text(chart)
    assert column(chart, "number") == ["1", "2", "3"]
    assert column(chart, "manual") == ["false", "false", "true"]
    short = tables.checks_by_outcome([(at(1), Outcome.AVAILABLE, False), (at(2), Outcome.AVAILABLE, True)])
    assert short.finding == "2 checks: 2 available."
    assert column(short, "by_persons") == ["1", "0", "0", "0"]
    assert column(short, "last")[0] == "2026-03-01T16:05:00Z"


# -------------------------------------------------------------------------------------------------- the form


@pytest.mark.parametrize(
    ("cell", "shown", "written"),
    [
        (whole(12345), "12\N{NARROW NO-BREAK SPACE}345", "12345"),
        (whole(None), "–", ""),
        (portion(0.48809), "48.8%", "0.4881"),
        (portion(0.0), "0.0%", "0"),
        (points(-0.125), "−12.5", "-0.125"),
        (instant(START), "2026-03-01 14:05", "2026-03-01T14:05:00Z"),
        (text("=cmd()"), "=cmd()", "'=cmd()"),
        (text("-5 apples"), "-5 apples", "'-5 apples"),
    ],
)
def test_a_cell_is_read_by_people_and_by_programs(cell: Any, shown: str, written: str) -> None:
    assert (cell.text, cell.csv) == (shown, written)


def test_points_have_the_decimal_sign_of_the_language_and_in_files_that_of_programs() -> None:
    with translation.override("de"):
        cell = points(0.1429)
    assert (cell.text, cell.csv) == ("+14,3", "0.1429")


@pytest.mark.parametrize(
    ("p", "words"),
    [(1.0, "1.00"), (0.5, "0.50"), (0.0312, "0.031"), (0.00004, "0.000040"), (1e-9, "less than 0.000001")],
)
def test_a_p_value_is_a_number_and_no_verdict(p: float, words: str) -> None:
    assert findings.p_words(p) == words


def test_a_name_from_a_list_cannot_bring_markup_into_a_plot() -> None:
    fit = survival.fit(np.array([1.0, 2.0, 3.0]), np.array([2.0, 3.0, np.inf]))
    line = plots.line_of('<a href="https://example.org">x</a>', "", fit)
    assert "<a" not in json.dumps(plots.curves([line]))
    assert "<a" not in json.dumps(plots.small_multiples([line]))


@pytest.mark.parametrize("many", [1, 2, 3, 6, 12])
def test_labels_at_the_ends_of_lines_do_not_cover_each_other(many: int) -> None:
    wanted = [0.5] * many
    heights = sorted(plots._spaced(wanted, 0.08, 1.0))
    assert all(upper - lower >= 0.08 - 1e-9 for lower, upper in pairwise(heights))


def every_chart(material: Material) -> list[Chart]:
    figures = group_figures(material, np.arange(len(material.claim)), {"platform": HOSTILE})
    groups = [figures, figures]
    numbered = group_figures(material, np.arange(len(material.claim)), {"report": "1"})
    builders: list[Callable[[], Chart | None]] = [
        lambda: charts.removed(figures),
        lambda: charts.removed(figures, groups, left_out=1),
        lambda: charts.platforms(groups),
        lambda: charts.reports([numbered, numbered]),
        lambda: charts.controls(figures),
        *(
            lambda build=build: build(figures)  # type: ignore[misc]
            for build in (
                tables.shares,
                tables.within,
                tables.times,
                tables.claims,
                tables.returns,
                tables.accounts,
                tables.deadlines,
            )
        ),
        lambda: tables.groups(PLATFORM, groups, 0),
    ]
    return [chart for build in builders if (chart := build()) is not None]


@given(materials())
@settings(max_examples=60)
def test_whatever_the_items_are_a_chart_is_a_sentence_a_table_and_plain_json(material: Material) -> None:
    for chart in every_chart(material):
        assert chart.finding[0].isupper() or chart.finding[0].isdigit(), chart.finding
        assert chart.finding.endswith("."), chart.finding
        assert "  " not in chart.finding
        assert chart.definitions
        assert set(chart.definitions) <= set(DEFINITIONS)
        assert all(len(row) == len(chart.headings) for row in chart.rows)
        written = list(csv.reader(io.StringIO(csv_text(chart))))
        assert written == [list(row) for row in chart.csv_rows()]
        drawn = json.dumps(chart.plot)
        assert "NaN" not in drawn
        assert "Infinity" not in drawn
        assert "bdata" not in drawn  # numbers, and no packed arrays
        assert "<b>" not in drawn  # it would become a style attribute
        assert "color" not in drawn.replace("bgcolor", "")  # the page's script knows the colours
        assert "significant" not in drawn + chart.finding
        templates = [trace.get("hovertemplate", "") for trace in (chart.plot or {}).get("data", ())]
        assert not any("%{y}.example" in template for template in templates)  # it would be filled in


@given(st.lists(st.floats(0, 1), min_size=2, max_size=6))
def test_labels_stay_in_the_order_of_their_lines(wanted: list[float]) -> None:
    heights = plots._spaced(wanted, 0.05, 1.0)
    order = sorted(range(len(wanted)), key=lambda at: wanted[at])
    assert [heights[at] for at in order] == sorted(heights)


def test_every_mark_and_status_has_a_word() -> None:
    assert {hours_words(hours) for hours in MARKS.values()} >= {"1 h", "48 h", "7 d", "90 d"}
    assert set(findings.UP) | set(findings.UNDECIDED) < set(STATUS_ORDER)


@pytest.mark.parametrize(
    ("low", "high", "english", "german"),
    [
        (0.5, 0.75, "30 to 45 min", "30 bis 45 Minuten"),
        (0.5, 1, "30 min to 1 h", "30 Minuten bis 1 Stunde"),
        (2.5, 72, "2.5 to 72 h", "2,5 bis 72 Stunden"),
        (72, 84, "72 h to 3.5 d", "72 Stunden bis 3,5 Tagen"),
        (96, 240, "4 to 10 d", "4 bis 10 Tagen"),
    ],
)
def test_a_duration_in_a_sentence_is_inflected(low: float, high: float, english: str, german: str) -> None:
    for language, words in (("en-gb", english), ("de", german)):
        with translation.override(language):
            ends = spelt_range(low, high)
            joined = ends["low"] + (" bis " if language == "de" else " to ") + ends["high"]
            assert joined == words
            assert ends["high"] == spelt(high)
