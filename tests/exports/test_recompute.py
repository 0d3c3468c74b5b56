"""Every figure of an edition that its item rows can tell comes out again, by a program of its own."""

from __future__ import annotations

import ast
import random
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import timedelta
from fnmatch import fnmatch
from pathlib import Path

import pytest
import time_machine
from lifelines import KaplanMeierFitter

from apps.exports.editions import publish_edition
from apps.exports.models import Edition, content_of
from apps.reports.models import Campaign, ClaimWord, Decision, Item, ReplyKind
from apps.reports.replies import log_reply, mark_errors
from tests.exports import bands, recompute
from tests.factories import at, make_campaign, make_person, make_report
from tests.metrics.watching import watched
from tests.public.seeding import make_public, seed, seed_deadlines

SCRIPT = Path(recompute.__file__)


def unpacked(edition: Edition, folder: Path) -> Path:
    """The edition's public files in a folder."""
    for file in edition.files.filter(public=True):
        (folder / file.name).write_bytes(b"".join(content_of(file)))
    return folder


def messy(many: int = 60) -> Campaign:
    """A campaign with removals in every form: late, early, returning, unclear, in error, refused."""
    chance = random.Random(4)
    campaign = make_campaign("messy-models")
    first, second = make_report(campaign, platform="huggingface"), make_report(campaign, platform="civitai")
    items: list[Item] = []
    for number in range(many):
        last = chance.choice([3, 20, 47.9, 48.02, 71, 160, 400])
        gone = last + chance.choice([0.2, 1, 5, 30])
        story = chance.choice(
            [
                f"up 0.5 {last:g}, gone {gone:g} {gone + 2:g} {gone + 30:g}",
                f"up 0.5 {last:g}, gone {gone:g} {gone + 2:g} {gone + 30:g}, up {gone + 60:g} 700",
                f"up 0.5 {last:g} {gone:g} 700",
                f"up 0.5 {last:g}, unclear {gone:g} {gone + 300:g}",
                f"labelled 0.5 {last:g}, labelled 650",
                f"up 0.5 {last:g}, gone {gone:g}",
                f"gone 0.1 2 40, unclear {last + 100:g}",
            ]
        )
        items.append(watched(first if number % 3 else second, story, control=number % 10 == 9))
    mark_errors(items=[items[0], items[1]], reason="A wrong link.", person=make_person())
    log_reply(
        report=first,
        kind=ReplyKind.DECISION,
        decision=Decision.PARTLY,
        received_at=at(60),
        claims={
            item.pk: chance.choice([ClaimWord.REMOVED, ClaimWord.REFUSED, ClaimWord.RESTRICTED])
            for item in items
            if item.report_id == first.pk and not item.control
        },
    )
    return campaign


def answered() -> Campaign:
    """A campaign whose reports start deadlines and are answered, soon, late or never, with claims."""
    campaign = seed_deadlines()
    for number, report in enumerate(campaign.reports.order_by("number")):
        sent = (report.sent_at - at(0)) / timedelta(hours=1)
        items = list(Item.objects.filter(report=report).order_by("pk"))
        if number < 5:
            kind = ReplyKind.ACKNOWLEDGEMENT
            log_reply(report=report, kind=kind, received_at=at(sent + 0.3 + 2.25 * number))
        if number < 4:
            words = [ClaimWord.REFUSED, ClaimWord.REMOVED, ClaimWord.REFUSED, ClaimWord.REMOVED]
            log_reply(
                report=report,
                kind=ReplyKind.DECISION,
                decision=Decision.PARTLY,
                received_at=at(sent + (1.5, 0.4, 23, 900)[number]),
                claims={item.pk: words[number] for item in items[:6]}
                | {item.pk: ClaimWord.RESTRICTED for item in items[6:7]},
            )
    return campaign


@pytest.mark.django_db
@pytest.mark.parametrize("make", [seed, messy, answered])
@pytest.mark.parametrize("dates", ["day", "month"])
def test_every_figure_comes_out_again(make: Callable[[], Campaign], dates: str, tmp_path: Path) -> None:
    with time_machine.travel(at(24 * 170), tick=False):
        campaign = make()
        make_public(campaign, items=True, dates=dates)
        folder = unpacked(publish_edition(campaign=campaign, person=None), tmp_path)
    done = subprocess.run(
        [sys.executable, "-I", SCRIPT, folder], capture_output=True, text=True, check=False, cwd="/"
    )
    assert done.stderr == ""
    assert done.returncode == 0, done.stdout
    # Far more than a handful, and of more groups than the total.
    assert int(done.stdout.split()[0]) > 200
    assert len({group for group, _ in recompute.published(folder)}) > 1
    if make is answered:
        names = {figure for _, figure in recompute.published(folder)}
        assert {"first_reply_hours.p50.from", "decision_hours.p25.to", "claims.gone.value"} <= names
        assert {"claims.hours_up_after_claim.p25.from", "deadlines.eu-tco-3.met"} <= names
    published = {
        (row["group"], row["figure"]): float(row["value"])
        for row in recompute.rows_of(folder / "figures.csv")
        if any(fnmatch(row["figure"], pattern) for pattern in recompute.BANDS)
    }
    found = bands_of(folder)
    assert set(published) == set(found)
    for name, value in found.items():
        assert value == pytest.approx(published[name], abs=6e-3 if "hours" in name[1] else 1e-3), name


def bands_of(folder: Path) -> dict[tuple[str, str], float]:
    """The 95% bands of every published group, from the rows alone."""
    minimum_n = recompute.minimum_n_of(folder)
    found = {}
    for group, (rows, reports) in recompute.rows_by_group(folder).items():
        items = [recompute.Item(row) for row in rows]
        figures = recompute.figures(rows, reports, minimum_n, whole=group == "all")
        eligible = [item for item in items if item.counts and not item.control]
        controls = [item for item in items if item.counts and item.control]
        removed = [item for item in eligible if item.was_removed]
        made = of_removals("", eligible, figures, minimum_n)
        back = [(item.returned_after, item.returned_by) for item in removed]
        made |= bands.time_bands("returns.hours_gone", back, minimum_n)
        up = [recompute.up_after_claim(item) for item in eligible if recompute.is_contradicted(item)]
        made |= bands.time_bands("claims.hours_up_after_claim", up, minimum_n)
        for name in recompute.REPLIES:
            took = [recompute.reply_time(report, name) for report in reports if report["bounced"] == "false"]
            made |= bands.time_bands(name, took, minimum_n)
        if group == "all" and len(controls) >= minimum_n:
            made |= of_removals("controls.", controls, figures, minimum_n)
            made |= bands.difference_limits(figures | made)
        found |= {(group, figure): value for figure, value in made.items()}
    return found


def of_removals(
    start: str, items: Sequence[recompute.Item], figures: dict[str, float], minimum_n: int
) -> dict[str, float]:
    times = [item.fitted() for item in items]
    return bands.time_bands(f"{start}removal_time_hours", times, minimum_n) | bands.within_bands(
        start, times, figures, minimum_n
    )


@pytest.mark.django_db
def test_what_rows_do_not_tell_is_named_in_the_codebook_with_its_reason(tmp_path: Path) -> None:
    campaign = seed()
    make_public(campaign, items=True, reports=False)
    folder = unpacked(publish_edition(campaign=campaign, person=None), tmp_path)
    assert recompute.differences(folder) == []
    for language, heading in (("en", "What can be computed again"), ("de", "Was sich nachrechnen lässt")):
        text = (folder / f"codebook.{language}.md").read_text().partition(f"## {heading}\n")[2]
        named = dict(re.findall(r"^- `(.+?)`: (.+)$", text, re.MULTILINE))
        assert set(named) == {*recompute.NOT_FROM_ROWS, *(f"{name}.*" for name in recompute.REPLIES)}
    # And every other figure is one that the script, or the test of bands, finds.
    left_out = [*named, *recompute.BANDS]
    for row in recompute.rows_of(folder / "figures.csv"):
        known = (row["group"], row["figure"]) in recompute.recomputed(folder)
        assert known != any(fnmatch(row["figure"], name) for name in left_out), row["figure"]


@pytest.mark.django_db
def test_an_edition_without_rows_says_so(tmp_path: Path) -> None:
    campaign = seed()
    make_public(campaign, items=False)
    folder = unpacked(publish_edition(campaign=campaign, person=None), tmp_path)
    assert "has no rows of items" in (folder / "codebook.en.md").read_text()


@pytest.mark.django_db
def test_a_figure_that_is_off_is_named(tmp_path: Path) -> None:
    campaign = seed()
    make_public(campaign, items=True)
    folder = unpacked(publish_edition(campaign=campaign, person=None), tmp_path)
    figures = (folder / "figures.csv").read_text()
    assert "all,share_removed.n,29" in figures
    (folder / "figures.csv").write_text(figures.replace("all,share_removed.n,29", "all,share_removed.n,30"))
    assert recompute.differences(folder) == ["all: share_removed.n is published as 30.0, and is 29"]


def test_it_shares_no_code_with_the_program() -> None:
    tree = ast.parse(SCRIPT.read_text())
    names = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert names <= sys.stdlib_module_names


def test_its_estimate_is_the_one_of_kaplan_and_meier_where_times_are_exact() -> None:
    exact = [1.0, 3.0, 3.0, 4.0, 7.0, 9.0]
    open_ended = [2.0, 5.0, 9.0, 10.0]
    cells = recompute.turnbull(
        [(time, time) for time in exact] + [(time, recompute.INFINITE) for time in open_ended]
    )
    fitted = KaplanMeierFitter().fit(exact + open_ended, [1] * len(exact) + [0] * len(open_ended))
    for time in (0.5, 1, 3, 4, 6, 7, 9):
        assert recompute.estimate(cells, time) == pytest.approx(1 - fitted.predict(time), abs=1e-6)


def test_its_interval_is_wilsons() -> None:
    # Newcombe (1998), Statistics in Medicine 17: 857-872, table I
    assert recompute.wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert recompute.wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
