"""The figures for programs: those of `manage.py summary`, and a 304 while nothing has changed."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
import time_machine
from django.core.management import call_command

from apps.checks.outcomes import Status
from apps.reports.models import ApiToken, Campaign
from apps.reports.replies import log_reply
from tests.api.conftest import Programs
from tests.factories import at, make_item, make_report


def fill(campaign: Campaign) -> None:
    """Two reports with removed items and others."""
    for platform, removed in (("example.org", 4), ("example.net", 2)):
        report = make_report(campaign, platform=platform)
        for number in range(6):
            gone = number < removed
            make_item(
                report,
                status=Status.REMOVED if gone else Status.AVAILABLE,
                platform=platform,
                present_at=at(number + 1),
                checker_present_at=at(number + 1),
                removed_by=at(number + 2) if gone else None,
                conclusive_at=at(number + 2),
                removal_count=int(gone),
            )


@pytest.fixture
def asked(programs: Programs) -> Any:
    """Programs that ask a day after a report."""
    ApiToken.objects.exclude(name="expired").update(expires_at=at(24 * 300))
    with time_machine.travel(at(24), tick=False):
        fill(programs.campaign)
        yield programs


def commanded(*options: str) -> Any:
    """What the command prints."""
    out = io.StringIO()
    call_command("summary", "example-models", "--json", *options, stdout=out)
    return json.loads(out.getvalue())


@pytest.mark.parametrize(
    ("query", "options"),
    [
        ("", []),
        ("?by=platform", ["--by", "platform"]),
        ("?by=platform&by=evidence", ["--by", "platform", "--by", "evidence"]),
        ("?by=report&compare_a=1&compare_b=2", ["--by", "report", "--compare", "1", "2"]),
        ("?as_of=2026-03-02T10:00:00Z", ["--as-of", "2026-03-02T10:00:00Z"]),
        ("?as_of=2026-03-02T12:00:00%2B02:00", ["--as-of", "2026-03-02T10:00:00Z"]),
    ],
)
def test_it_is_the_json_of_the_command(query: str, options: list[str], asked: Programs) -> None:
    assert asked.get("viewer", f"/summary{query}") == {**commanded(*options), "groups_left_out": 0}


def test_an_answer_whose_figures_have_not_changed_need_not_come_again(asked: Programs) -> None:
    first = asked.ask("viewer", "GET", "/summary")
    assert first["ETag"].startswith('W/"')
    same = asked.ask("viewer", "GET", "/summary", headers={"If-None-Match": first["ETag"]})
    assert (same.status_code, same.content, same["ETag"]) == (304, b"", first["ETag"])
    assert same["Cache-Control"] == "no-store"
    log_reply(report=asked.campaign.reports.get(number=1), kind="question", received_at=at(5))
    changed = asked.ask("viewer", "GET", "/summary", headers={"If-None-Match": first["ETag"]})
    assert changed.status_code == 200
    assert changed["ETag"] != first["ETag"]


@pytest.mark.parametrize(
    "query",
    [
        "by=platform&by=platform",
        "compare_a=1&compare_b=2",
        "by=report&compare_a=1",
        "by=report&compare_a=1&compare_b=1",
        "by=report&compare_a=1&compare_b=77",
        "as_of=2999-01-01T00:00:00Z",
        "as_of=2026-03-02T10:00:00Z&status=removed",
        "as_of=2026-03-02T10:00:00Z&came_back=true",
    ],
)
def test_what_cannot_be_answered_is_refused_with_a_sentence(query: str, asked: Programs) -> None:
    answer = asked.ask("viewer", "GET", f"/summary?{query}")
    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:problem-type:still-up:unusable"


@pytest.mark.parametrize("query", ["by=colour", "by=platform&by=report&by=month", "as_of=yesterday"])
def test_what_is_not_as_the_document_says_is_refused(query: str, asked: Programs) -> None:
    answer = asked.ask("viewer", "GET", f"/summary?{query}")
    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:problem-type:still-up:invalid-request"
