"""Every figure of an edition that its item rows can tell comes out again, by a program of its own."""

from __future__ import annotations

import ast
import random
import subprocess
import sys
from pathlib import Path

import pytest
import time_machine
from lifelines import KaplanMeierFitter

from apps.exports.editions import publish_edition
from apps.exports.models import Edition, content_of
from apps.reports.models import Campaign, ClaimWord, Decision, Item, ReplyKind
from apps.reports.replies import log_reply, mark_errors
from tests.exports import recompute
from tests.factories import at, make_campaign, make_person, make_report
from tests.metrics.watching import watched
from tests.public.seeding import make_public, seed

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


@pytest.mark.django_db
@pytest.mark.parametrize("make", [seed, messy])
@pytest.mark.parametrize("dates", ["day", "month"])
def test_every_figure_comes_out_again(make: object, dates: str, tmp_path: Path) -> None:
    with time_machine.travel(at(24 * 40), tick=False):
        campaign = make()  # type: ignore[operator]
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
