"""`manage.py summary`: for people on a terminal, for programs, and on lists of what people saw."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command

from tests.factories import at, make_campaign, make_item, make_report
from tests.metrics.watching import watched

pytestmark = pytest.mark.django_db


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    call_command("summary", "example-models", *arguments)
    return capsys.readouterr().out


@pytest.fixture
def list_of_observations(tmp_path: Path) -> Path:
    """What a person saw a month after 84 items were reported to two platforms. No check was ever made."""
    file = tmp_path / "list.csv"
    outcomes = {
        "example.org": ["removed"] * 13 + ["restricted"] + ["available"] * 35 + ["inconclusive"],
        "example.net": ["removed"] * 28 + ["available"] * 6,
    }
    with file.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["url", "reported_at", "channel", "outcome", "reason", "observed_at"])
        for host, kinds in outcomes.items():
            for number, outcome in enumerate(kinds):
                reason = {"restricted": "labelled", "removed": "not_found"}.get(outcome, "")
                writer.writerow(
                    [f"https://{host}/{number}", "2026-01-10", "email", outcome, reason, "2026-02-10"]
                )
    return file


def test_a_list_of_observations_gives_exactly_the_shares_of_its_rows(
    list_of_observations: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("import_reports", str(list_of_observations), "--campaign", "example-models", "--create")
    capsys.readouterr()
    total, net, org = json.loads(said(capsys, "--by", "platform", "--json"))["groups"]
    # The rows themselves, read a second time.
    rows = list(csv.DictReader(list_of_observations.read_text().splitlines()))
    for group, host in ((total, ""), (net, "example.net"), (org, "example.org")):
        outcomes = [row["outcome"] for row in rows if host in row["url"]]
        removed, restricted = outcomes.count("removed"), outcomes.count("restricted")
        assert group["reported"] == group["eligible"] == group["attested"] == len(outcomes)
        assert group["observed"] == 0
        assert group["status"]["available"] == outcomes.count("available")
        assert group["status"]["waiting"] == outcomes.count("inconclusive")
        for name, n in (
            ("share_removed", removed),
            ("share_acted_on", removed + restricted),
            ("share_inconclusive", outcomes.count("inconclusive")),
        ):
            assert (group[name]["n"], group[name]["of"]) == (n, len(outcomes))
            assert group[name]["value"] == pytest.approx(n / len(outcomes), abs=5e-5)
    # Half of the second platform's items were gone when somebody looked; when they went is not known.
    low, high = net["removal_time_hours"]["p50"]
    assert low == 0
    assert high >= 31 * 24
    assert org["removal_time_hours"]["p50"] is None


@time_machine.travel(at(100), tick=False)
def test_people_get_one_line_a_figure(capsys: pytest.CaptureFixture[str]) -> None:
    report = make_report(make_campaign())
    for hour in range(6):
        watched(report, f"up 1 2, gone {4 + hour} {5 + hour}")
    watched(report, "up 1 30")
    watched(report, control=True)
    lines = [" ".join(line.split()) for line in said(capsys).splitlines()]
    assert lines[:5] == [
        "Example Models, as of 2026-03-05 18:05:00 UTC. Unit: items.",
        "",
        "all: 8 reported, 7 eligible (7 observed, 0 attested); left out: 1 control",
        "status 1 available, 6 removed",
        "removed 6 of 7 (86%, 95% interval 48.7% to 97.4%)",
    ]
    assert "first reply 0 of 1 reports; too few to estimate" in lines
    assert any(line.startswith("removed within 24h 86%, estimate 85.7% (95%: ") for line in lines)
    assert any(line.startswith("removal time 6 of 7 removed; 25%: 2 h to 4 h (95%: ") for line in lines)


def test_two_groups_are_compared_in_figures_only(capsys: pytest.CaptureFixture[str]) -> None:
    campaign = make_campaign()
    for platform in ("example.net", "example.org"):
        make_item(make_report(campaign, platform=platform))
    assert "example.net (n = 1) beside example.org (n = 1): too few to estimate" in said(
        capsys, "--by", "platform"
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--by", "colour"], "Items cannot be grouped by “colour”. Choose from: platform, channel,"),
        (["--by", "report", "--by", "report"], "A key is named twice: report, report. Name each once."),
        (["--by", "report", "--by", "label", "--by", "month"], "Items are grouped by 2 keys at most."),
        (["--compare", "1", "2"], "--compare needs groups: say by what with --by"),
        (["--by", "report", "--compare", "1", "2"], "There is no group “1” to compare. Groups: none."),
        (["--as-of", "yesterday"], "--as-of 'yesterday' is no moment. Write it as 2026-03-01 or"),
        (["--as-of", "2999-01-01"], "2999-01-01 23:59 UTC has not come"),
    ],
)
def test_wrong_words_get_a_sentence(arguments: list[str], sentence: str) -> None:
    make_campaign()
    with pytest.raises(CommandError) as error:
        call_command("summary", "example-models", *arguments)
    assert sentence in str(error.value)


def test_an_unknown_campaign_is_said() -> None:
    with pytest.raises(CommandError, match="There is no campaign 'nowhere'"):
        call_command("summary", "nowhere")


@pytest.mark.parametrize(
    ("as_of", "reported"), [("2026-03-01", 1), ("2026-03-01T14:04Z", 0), ("2026-03-01T16:05+02:00", 1)]
)
def test_as_of_takes_a_day_or_a_moment(as_of: str, reported: int, capsys: Any) -> None:
    watched(make_report(make_campaign()))
    (total,) = json.loads(said(capsys, "--as-of", as_of, "--json"))["groups"]
    assert total["reported"] == reported
