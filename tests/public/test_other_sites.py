"""Sites without a definition are one group for the public, "other sites", and stay one however one counts."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import pytest
import time_machine
from django.core.management import call_command
from django.test import Client

from apps.checks.models import Target
from apps.exports.editions import publish_edition
from apps.exports.snapshots import published
from apps.exports.writing import export_of, write
from apps.metrics.grouping import GroupKey
from apps.reports.models import Campaign
from tests.factories import at, make_campaign, make_report
from tests.metrics.watching import watched
from tests.public.seeding import make_public
from tests.public.test_leaks import everything, leaks

pytestmark = pytest.mark.django_db

SITES = {"zq-first.example": (20, "page"), "zq-second.example": (3, "file")}
"""Domains, how many items were reported to each, and of what kind these are."""


@pytest.fixture
def campaign() -> Iterator[Campaign]:
    with time_machine.travel(at(24 * 40), tick=False):
        campaign = make_campaign("listed-models")
        known = make_report(campaign, platform="huggingface")
        for number in range(30):
            watched(known, "up 1 4, gone 5 6 30" if number % 3 else "up 1 24 700")
        for domain, (many, kind) in SITES.items():
            report = make_report(campaign, platform=domain)
            for number in range(many):
                item = watched(report, "up 1 4, gone 5 6 30" if number % 2 else "up 1 24 700")
                Target.objects.filter(pk=item.target_id).update(kind=kind, platform=domain)
        make_public(campaign, items=True)
        yield campaign


def rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def public_file(campaign: Campaign, table: str, **options: object) -> bytes:
    out = io.BytesIO()
    write(export_of(campaign=campaign, table=table, format="csv", public=True, **options), out)  # type: ignore[arg-type]
    return out.getvalue()


def test_pages_editions_and_the_static_site_know_them_as_one(
    campaign: Campaign, client: Client, tmp_path: Path
) -> None:
    publish_edition(campaign=campaign, person=None)
    pages = everything(client)
    call_command("export_site", str(tmp_path))
    files = {str(path): path.read_text("utf-8", "replace") for path in tmp_path.rglob("*") if path.is_file()}
    assert leaks(pages | files, set(SITES)) == []
    assert leaks(pages | files, {"zq-first", "zq-second"}) == []
    for text in (pages["/c/listed-models/?lang=en"], files[str(tmp_path / "c/listed-models/index.html")]):
        assert "other sites" in text
    assert "andere Websites" in pages["/c/listed-models/?lang=de"]
    snapshot = published("listed-models").snapshot()
    assert [(group.key, group.counts and group.counts.eligible) for group in snapshot.platforms] == [
        ("huggingface", 30),
        ("other", 23),
    ]
    assert [report.platform for report in snapshot.reports] == ["huggingface", "other", "other"]


def test_the_counts_of_their_reports_do_not_give_the_small_one_away(campaign: Campaign) -> None:
    """All of them less the report to the first would be the report to the second."""
    snapshot = published("listed-models").snapshot()
    assert [report.counts and report.counts.eligible for report in snapshot.reports] == [30, None, None]
    text = json.dumps(snapshot.summary)
    assert '"platform": "other"' in text
    listed = rows(public_file(campaign, "reports"))
    assert [(row["platform"], row["items"]) for row in listed] == [
        ("huggingface", "30"),
        ("other", ""),
        ("other", ""),
    ]


def test_rows_do_not_tell_them_apart(campaign: Campaign) -> None:
    """Nor does the kind, of which the second has one of its own."""
    items = rows(public_file(campaign, "items"))
    of_others = [row for row in items if row["platform"] == "other"]
    assert len(of_others) == 23
    assert {(row["kind"], row["report"]) for row in of_others} == {("", "")}
    names = ("platform", "kind", "reported", "channel", "category", "report")
    for many in range(1, len(names) + 1):
        for chosen in combinations(names, many):
            sizes = Counter(tuple(row[name] for name in chosen) for row in items)
            assert min(sizes.values()) >= campaign.minimum_n


def test_figures_by_platform_know_them_as_one(campaign: Campaign) -> None:
    figures = rows(public_file(campaign, "summary", by=[GroupKey.PLATFORM]))
    assert {row["group"] for row in figures} == {"all", "platform=huggingface", "platform=other"}


def test_letters_tell_no_more_of_them_than_of_others(campaign: Campaign) -> None:
    """By letters no platform has a name: each site has one, and the small one is withheld with another."""
    make_public(campaign, items=True, platforms="letters")
    snapshot = published("listed-models").snapshot()
    withheld = {group.key for group in snapshot.platforms if group.counts is None}
    assert "c" in withheld
    assert len(withheld) == 2
    told = {row["platform"] for row in rows(public_file(campaign, "items"))}
    assert told == {"", *({"a", "b", "c"} - withheld)}
