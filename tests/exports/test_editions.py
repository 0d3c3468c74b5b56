"""Editions: what they hold, that they stay as they are, and the proof of the checks behind them."""

from __future__ import annotations

import csv
import errno
import hashlib
import io
import json
import os
import re
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from io import StringIO
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import DatabaseError, transaction
from django.db.models import F, Model

from apps.checks import ledger
from apps.checks.models import Check, Target
from apps.checks.outcomes import ErasedFor
from apps.core.pseudonyms import pseudonyms
from apps.exports import edition_ledger, packing
from apps.exports.edition_comparison import compared
from apps.exports.edition_files import SUMS, edition_files
from apps.exports.edition_ledger import TRAIL, faults, public_heads, trail_file
from apps.exports.edition_statuses import row_statuses
from apps.exports.editions import (
    UnknownEdition,
    UnusableEdition,
    compare_editions,
    correct_edition,
    edition_summary,
    editions_of,
    public_content,
    public_edition,
    public_editions,
    public_file,
    publish_edition,
)
from apps.exports.figure_paths import figures_in
from apps.exports.models import Correction, Edition, EditionFile, EditionPiece, content_of, public_key_of
from apps.exports.publication import publish, save_draft, withdraw
from apps.exports.published import CHARTS
from apps.exports.snapshots import in_force, made_from, record_of
from apps.reports.deadlines import rules
from apps.reports.erasing import erase_item
from apps.reports.models import Campaign, Category, Item, Standing
from tests.exports.test_datapackage import problems
from tests.factories import START, make_campaign, make_item, make_person, make_report
from tests.metrics.watching import Look, record, watched
from tests.public.seeding import SLUG, TITLE, make_public, seed
from tests.public.test_leaks import fragments, leaks

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign() -> Campaign:
    return seed(make_person("zq-person@example.org"))


@pytest.fixture
def edition(campaign: Campaign) -> Edition:
    make_public(campaign, items=True)
    return publish_edition(campaign=campaign, person=None)


def contents(edition: Edition) -> dict[str, bytes]:
    """The public files by name."""
    return {file.name: b"".join(content_of(file)) for file in edition.files.filter(public=True)}


def rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def test_it_works(edition: Edition) -> None:
    found = contents(edition)
    assert set(found) == {
        SUMS,
        *(f"chart-{name}.csv" for name in [*CHARTS, "reports"]),
        "codebook.de.md",
        "codebook.en.md",
        "datapackage.json",
        "figures.csv",
        "items.csv",
        "ledger-heads.csv",
        "method.de.md",
        "method.en.md",
        "reports.csv",
        "summary.json",
    }
    assert edition.number == 1
    assert edition.title == TITLE
    row = public_edition(SLUG, 1)
    assert row.findings["en-gb"].startswith("29 of 61 eligible items")
    assert row.sums == hashlib.sha256(found[SUMS]).hexdigest()
    summary = json.loads(found["summary.json"])
    assert summary["as_of"] == edition.as_of.isoformat().replace("+00:00", "Z")
    assert len(rows(found["items.csv"])) == 69
    assert {row["eligible"] for row in rows(found["reports.csv"])} == {"", "27", "16"}
    method, german = (found[f"method.{language}.md"].decode() for language in ("en", "de"))
    assert "after 3 such answers that span 24 hours, with none between that saw it;" in method
    assert "Share removed (`share_removed`)" in method
    assert "nach 3 solchen Antworten über 24 Stunden, ohne dass ihn dazwischen eine sah;" in german
    assert "Entfernter Anteil (`share_removed`)" in german
    codebook = found["codebook.de.md"].decode()
    assert "| `removal_hours_by` | Zahl | Stunden seit der Meldung | … und nicht später als dies" in codebook
    assert "- `suspected`: vermutlich weg" in codebook
    # The files of charts are the same for all readers: how their words read in German stands beside them.
    assert "Said to be removed, and still up," in found["chart-claims.csv"].decode().replace('"', "")
    assert "- `Said to be removed, and still up`: Laut Plattform entfernt und noch da" in codebook


def test_the_sums_are_those_of_the_files(edition: Edition, tmp_path: Path) -> None:
    for name, content in contents(edition).items():
        (tmp_path / name).write_bytes(content)
    done = subprocess.run(
        ["sha256sum", "--check", "--strict", SUMS], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == len(contents(edition)) - 1


def test_the_data_package_describes_each_file(edition: Edition) -> None:
    found = contents(edition)
    package = json.loads(found["datapackage.json"])
    assert {resource["path"] for resource in package["resources"]} == {
        name for name in found if name.endswith(".csv")
    }
    for resource in package["resources"]:
        names = [field["name"] for field in resource["schema"]["fields"]]
        assert resource["schema"].setdefault("primaryKey", names)
        assert re.fullmatch(r"[a-z0-9._-]+", resource["name"])
        assert problems(resource, found[resource["path"]]) == [], resource["path"]


def test_figures_are_the_numbers_of_the_summary(edition: Edition) -> None:
    figures = {(row["group"], row["figure"]): row["value"] for row in rows(contents(edition)["figures.csv"])}
    assert figures["all", "share_removed.n"] == "29"
    assert figures["all", "share_removed.of"] == "61"
    assert figures["all", "share_removed.value"] == str(round(29 / 61, 4))
    assert ("platform=huggingface", "eligible") in figures
    assert not any("civitai" in group for group, _ in figures)
    assert len(figures) == len(list(figures_in(edition_summary(edition))))


@pytest.mark.parametrize("platforms", ["names", "letters"])
@pytest.mark.parametrize("dates", ["day", "month"])
def test_no_file_holds_a_fragment_of_what_was_reported(
    platforms: str, dates: str, campaign: Campaign
) -> None:
    make_public(campaign, items=True, platforms=platforms, dates=dates)
    edition = publish_edition(campaign=campaign, person=None)
    files = {name: content.decode() for name, content in contents(edition).items()}
    assert leaks(files, fragments()) == []
    if platforms == "letters":
        assert leaks(files, {"hugging", "civitai"}) == []
        assert {row["platform"] for row in rows(contents(edition)["items.csv"])} == {"a", ""}
    if dates == "month":
        assert leaks({"items": files["items.csv"], "reports": files["reports.csv"]}, {"2026-03-"}) == []


@pytest.mark.parametrize("dates", ["day", "month"])
def test_no_small_group_can_be_counted_in_the_rows(dates: str, campaign: Campaign) -> None:
    """Whatever rows are sorted by: those that tell the same are of at least the minimum of eligible items."""
    make_public(campaign, items=True, dates=dates)
    found = contents(publish_edition(campaign=campaign, person=None))
    items = [
        row for row in rows(found["items.csv"]) if row["eligible"] == "true" and row["control"] == "false"
    ]
    assert len(items) == 61
    for row in items:
        row["rules"] = ";".join(word.partition("=")[0] for word in row["deadlines"].split(";"))
    names = ("platform", "kind", "reported", "channel", "category", "report", "rules")
    for many in range(1, len(names) + 1):
        for chosen in combinations(names, many):
            sizes = Counter(tuple(row[name] for name in chosen) for row in items)
            assert min(sizes.values()) >= campaign.minimum_n, chosen
    # Two items of a site without a name of its own, and sixteen that would give them away.
    assert {row["platform"] for row in items} == {"huggingface", ""}
    # What the figures show, each row of it tells.
    groups = {row["group"] for row in rows(found["figures.csv"])}
    assert {f"platform={row['platform']}" for row in items if row["platform"]} <= groups
    assert {f"channel={row['channel']}" for row in items if row["channel"]} <= groups


@pytest.mark.parametrize("dates", ["day", "month"])
@pytest.mark.parametrize("later", [2, 20])
def test_a_rule_that_came_into_force_within_a_list_counts_for_no_small_group(later: int, dates: str) -> None:
    """Nor, where days are not told, for items that it does not cover."""
    rule = rules()["us-take-it-down"]
    begin = datetime.combine(rule.valid_from, time(9), UTC)
    with time_machine.travel(begin + timedelta(days=90), tick=False):
        campaign = make_campaign(SLUG)
        for sent, many in ((begin - timedelta(days=1), 20), (begin, later)):
            report = make_report(campaign, platform="huggingface", sent_at=sent)
            report.category, report.standing = Category.INTIMATE_IMAGES, Standing.DEPICTED_PERSON
            report.save()
            hours = (sent - START) / timedelta(hours=1)
            for _ in range(many):
                watched(report, f"up {hours + 1}, gone {hours + 30} {hours + 60} {hours + 200}")
        make_public(campaign, items=True, reports=False, dates=dates)
        edition = publish_edition(campaign=campaign, person=None)
    found = {each["rule"]: each["of"] for each in edition_summary(edition)["groups"][0]["deadlines"]}
    told = [row["deadlines"].count(rule.slug) for row in rows(contents(edition)["items.csv"])]
    covered = later if dates == "day" and later >= campaign.minimum_n else 0
    assert (found.pop(rule.slug, 0), sum(told)) == (covered, covered)
    assert set(found.values()) == {20 + later}


def test_what_was_not_chosen_is_not_in_it(campaign: Campaign) -> None:
    make_public(campaign, items=False, reports=False, charts=["removed"])
    found = contents(publish_edition(campaign=campaign, person=None))
    assert {name for name in found if name.endswith(".csv")} == {
        "chart-removed.csv",
        "figures.csv",
        "ledger-heads.csv",
    }
    assert b"huggingface" not in b"".join(found.values())


def test_items_name_no_platform_where_platforms_are_not_public(campaign: Campaign) -> None:
    make_public(campaign, items=True, charts=["removed"])
    found = rows(contents(publish_edition(campaign=campaign, person=None))["items.csv"])
    assert {(row["platform"], row["kind"]) for row in found} == {("", "")}


# ------------------------------------------------------------------------------------------ they never change


def test_later_checks_and_choices_change_nothing(edition: Edition, campaign: Campaign) -> None:
    before = contents(edition)
    item = Item.objects.filter(control=False, target__status="available").first()
    assert item
    record(item, [Look(900, "gone", person=True)])
    make_public(campaign, charts=["removed"], title="Another title", platforms="letters")
    second = publish_edition(campaign=campaign, person=None)
    assert second.number == 2
    assert contents(Edition.objects.get(number=1)) == before
    assert public_edition(SLUG, 1).title == TITLE
    assert public_edition(SLUG, 2).title == "Another title"
    assert [row.number for row in public_editions(SLUG)] == [2, 1]


@pytest.mark.parametrize(
    ("model", "change"),
    [
        (Edition, {"title": "Another"}),
        (Edition, {"as_of": F("made_at")}),
        (Edition, {"number": 7}),
        (EditionPiece, {"packed": b"x"}),
        (EditionPiece, {"number": F("number") + 1}),
        (EditionFile, {"sha256": "0" * 64}),
        (EditionFile, {"public": False}),
        (Correction, {"text": "Never mind."}),
    ],
)
def test_the_database_itself_refuses_to_change_one(
    model: type[Model], change: dict[str, object], edition: Edition, campaign: Campaign
) -> None:
    correct_edition(campaign=campaign, number=1, text="A wrong channel.", person=None)
    before = list(model._default_manager.order_by("pk").values())
    with pytest.raises(DatabaseError, match="An edition never changes"), transaction.atomic():
        model._default_manager.all().update(**change)
    assert list(model._default_manager.order_by("pk").values()) == before


def test_whoever_published_it_can_be_forgotten(campaign: Campaign) -> None:
    anna = make_person("anna@example.org")
    make_public(campaign)
    publish_edition(campaign=campaign, person=anna)
    correct_edition(campaign=campaign, number=1, text="A wrong channel.", person=anna)
    anna.delete()
    assert Edition.objects.get().person is None
    assert Correction.objects.get().person is None


def test_the_same_record_gives_the_same_bytes(edition: Edition, campaign: Campaign, tmp_path: Path) -> None:
    publication = in_force(campaign)
    assert publication
    key = public_key_of(campaign)
    record, snapshot = record_of(publication), made_from(publication)
    made = []
    for folder in (tmp_path / "first", tmp_path / "second"):
        folder.mkdir()
        trail = trail_file(record.population.records.target, key=key, folder=folder)
        files = edition_files(record, snapshot, key=key, heads=public_heads(trail), folder=folder)
        made.append({file.name: b"".join(file.packed.content()) for file in (trail, *files)})
    assert made[0] == made[1]


def test_a_file_stands_in_pieces_and_comes_out_whole(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "PIECE", 1000)
    make_public(campaign, items=True)
    heard: list[int] = []
    edition = publish_edition(campaign=campaign, person=None, progress=heard.append)
    for file in edition.files.all():
        content = b"".join(content_of(file))
        assert (len(content), hashlib.sha256(content).hexdigest()) == (file.size, file.sha256)
        assert file.pieces.count() == -(-file.size // 1000)
    assert verified()[0]
    # Figures, reports, 69 items and the heads of 69 watched URLs.
    found = contents(edition)
    tables = ("figures.csv", "reports.csv", "items.csv", "ledger-heads.csv")
    assert heard[-1] == sum(len(rows(found[name])) for name in tables)
    assert heard == sorted(heard)


def test_what_cannot_be_written_leaves_no_edition(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    make_public(campaign, items=True)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    write = Path.open

    def full(self: Path, *arguments: Any, **options: Any) -> Any:
        if self.name == "items.csv":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(self, *arguments, **options)

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(UnusableEdition, match=r"cannot be written to .*: No space left on device\."):
        publish_edition(campaign=campaign, person=None)
    assert not Edition.objects.exists()
    assert list(tmp_path.iterdir()) == []


# --------------------------------------------------------------------------------------- public and corrected


def test_a_withdrawn_campaign_takes_its_editions_along_and_brings_them_back(
    edition: Edition, campaign: Campaign
) -> None:
    before = list(public_content(SLUG, 1, SUMS))
    withdraw(campaign=campaign, person=None)
    assert public_editions(SLUG) == []
    for ask in (lambda: public_edition(SLUG, 1), lambda: public_content(SLUG, 1, SUMS)):
        with pytest.raises(UnknownEdition):
            ask()
    assert [row.number for row in editions_of(campaign)] == [1]
    publish(campaign=campaign, person=None)
    assert list(public_content(SLUG, 1, SUMS)) == before


def test_what_this_site_keeps_for_itself_is_not_served(edition: Edition) -> None:
    assert EditionFile.objects.get(name=TRAIL).public is False
    assert TRAIL not in {file.name for file in public_edition(SLUG, 1).files}
    with pytest.raises(UnknownEdition):
        public_file(SLUG, 1, TRAIL)


def test_a_correction_is_added_and_the_files_stay(edition: Edition, campaign: Campaign) -> None:
    before = contents(edition)
    correct_edition(campaign=campaign, number=1, text="Report 2 went by web form.", person=None)
    correct_edition(campaign=campaign, number=1, text="And report 3.", person=None)
    said = [correction.text for correction in public_edition(SLUG, 1).corrections]
    assert said == ["Report 2 went by web form.", "And report 3."]
    assert contents(edition) == before


def test_what_cannot_be_published_or_corrected_gets_a_sentence(campaign: Campaign) -> None:
    with pytest.raises(UnusableEdition, match="is not public"):
        publish_edition(campaign=campaign, person=None)
    make_public(campaign)
    with pytest.raises(UnusableEdition, match="at most 2000 characters"):
        publish_edition(campaign=campaign, person=None, note="x" * 2001)
    with pytest.raises(UnusableEdition, match=r"no edition 1 of “listed-models”\. It has none yet"):
        correct_edition(campaign=campaign, number=1, text="Wrong.", person=None)
    publish_edition(campaign=campaign, person=None)
    with pytest.raises(UnusableEdition, match="Say what is wrong"):
        correct_edition(campaign=campaign, number=1, text=" ", person=None)
    small = make_campaign("small")
    watched(make_report(small), "up 1, gone 2 3 4")
    save_draft(
        campaign=small,
        person=None,
        title="Small",
        text="",
        charts=[],
        platforms="names",
        reports=True,
        items=True,
        dates="day",
    )
    publish(campaign=small, person=None)
    with pytest.raises(UnusableEdition, match="fewer than 5 items"):
        publish_edition(campaign=small, person=None)


# ------------------------------------------------------------------------------------------------- the proof


def verified(slug: str = SLUG, number: int = 1) -> tuple[bool, str]:
    """Whether the command finds that an edition holds, and what it says."""
    out, err = StringIO(), StringIO()
    try:
        call_command("verify_edition", slug, str(number), stdout=out, stderr=err)
    except SystemExit:
        return False, err.getvalue()
    return True, out.getvalue()


def target_with(checks: int) -> Target:
    target = Target.objects.filter(check_count__gte=checks).order_by("pk").first()
    assert target
    return target


def test_an_edition_holds_and_later_checks_do_not_matter(edition: Edition) -> None:
    holds, said = verified()
    assert holds
    assert f"{Check.objects.count()} checks of 69 targets" in said
    before = Check.objects.count()
    record(Item.objects.all()[0], [Look(900, "up")])
    assert verified() == (True, said)
    assert Check.objects.count() == before + 1


def test_a_changed_check_is_named(edition: Edition) -> None:
    target = target_with(3)
    Check.objects.filter(target=target, number=2).update(reason="not_found")
    assert verified() == (
        False,
        f"target {target.pk}: check 2 is not what its digest was made for\n",
    )


def test_a_dropped_check_is_named(edition: Edition) -> None:
    target = target_with(3)
    Check.objects.filter(target=target, number=3).delete()
    assert [fault.what for fault in faults(edition)] == [f"target {target.pk}: check 3"]


def test_a_history_that_was_written_anew_is_found_out(edition: Edition) -> None:
    """Every digest fits again, the head too: only what was published shows it."""
    target = target_with(3)
    previous = ""
    for check in target.checks.order_by("number"):
        if check.number == 2:
            check.evidence = {"answers": []}  # an outcome would add up to another status
        check.digest = previous = ledger.digest(check, target_commitment=target.commitment, previous=previous)
        check.save()
    Target.objects.filter(pk=target.pk).update(head_digest=previous)
    assert list(ledger.verify()) == []
    ((what, problem),) = faults(edition)
    assert what == f"target {target.pk}: check {target.check_count}"
    assert "made anew" in problem


@pytest.mark.parametrize("dates", ["day", "month"])
def test_each_row_has_the_status_that_its_checks_add_up_to(dates: str, campaign: Campaign) -> None:
    """Whatever is recorded later, also of an earlier moment."""
    make_public(campaign, items=True, dates=dates)
    edition = publish_edition(campaign=campaign, person=None)
    told = Counter(row["status"] for row in rows(contents(edition)["items.csv"]))
    assert len(told) > 2
    for item in Item.objects.order_by("pk")[:9]:
        record(item, [Look(12, "gone", person=True), Look(900, "up"), Look(901, "gone", person=True)])
    make_public(campaign, items=False, dates="month" if dates == "day" else "day")
    assert Counter(row.adds_up_to for row in row_statuses(edition)) == told
    holds, said = verified()
    assert holds
    assert "The status in each of 69 rows is what these checks add up to." in said


def test_a_status_that_was_made_up_for_an_edition_is_named(campaign: Campaign) -> None:
    make_public(campaign, items=True)
    target = Target.objects.filter(status="available").first()
    assert target
    Target.objects.filter(pk=target.pk).update(status="removed", removed_by=target.present_at)
    edition = publish_edition(campaign=campaign, person=None)
    Target.objects.filter(pk=target.pk).update(status="available", removed_by=target.removed_by)
    assert list(ledger.verify()) == []
    assert list(faults(edition)) == []
    item = Item.objects.get(target=target)
    (name,) = pseudonyms(public_key_of(campaign), [item.pk])
    assert verified() == (
        False,
        f"items.csv: row {name} is “removed”, and the checks of item {item.pk} add up to “available”\n",
    )


def test_a_row_that_was_added_is_of_no_item(edition: Edition, monkeypatch: pytest.MonkeyPatch) -> None:
    read = edition_ledger.content_of

    def more(file: EditionFile) -> Iterator[bytes]:
        content = b"".join(read(file))
        if file.name == "items.csv":
            content += content.splitlines(keepends=True)[-1].replace(content.splitlines()[-1][:20], b"f" * 20)
        return iter([content])

    monkeypatch.setattr(edition_ledger, "content_of", more)
    assert [(row.row, row.problem) for row in row_statuses(edition) if row.problem] == [
        ("f" * 20, "is of no item of this campaign")
    ]


def test_a_url_that_others_watch_leaves_a_row_that_cannot_be_compared(
    edition: Edition, campaign: Campaign
) -> None:
    items = list(Item.objects.filter(control=False).order_by("pk")[:2])
    make_item(make_report(make_campaign("another"), platform="huggingface"), items[0].target)
    for item in items:
        erase_item(item=item, why=ErasedFor.CONCERNED)
    holds, said = verified()
    assert holds
    assert "The status in each of 68 rows" in said
    assert "1 more rows are of URLs that were erased here" in said


@pytest.mark.parametrize("name", ["figures.csv", "ledger-heads.csv", SUMS, TRAIL])
def test_a_changed_file_is_named(name: str, edition: Edition, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database refuses a change, so another content is read."""
    read = edition_ledger.content_of

    def another(file: EditionFile) -> Iterator[bytes]:
        content = b"".join(read(file))
        return iter([content[: len(content) // 2].rpartition(b"\n")[0]] if file.name == name else [content])

    monkeypatch.setattr(edition_ledger, "content_of", another)
    holds, said = verified()
    assert not holds
    if name in {"figures.csv", "ledger-heads.csv"}:
        assert f"{name} is not what SHA256SUMS was made for\n" in said
    if name in {TRAIL, "ledger-heads.csv"}:
        assert "ledger-heads.csv does not name the heads that this site kept beside it\n" in said


@pytest.mark.parametrize("loss", ["a piece that cannot be read", "no piece"])
def test_a_file_that_cannot_be_read_is_named(loss: str, edition: Edition) -> None:
    file = edition.files.get(name="figures.csv")
    file.pieces.all().delete()
    if loss == "a piece that cannot be read":
        EditionPiece.objects.create(file=file, number=0, packed=b"not compressed")
    assert verified() == (False, "figures.csv is not what SHA256SUMS was made for\n")


def test_commands_publish_correct_and_refuse_with_a_sentence(campaign: Campaign) -> None:
    with pytest.raises(CommandError, match="is not public"):
        call_command("publish_edition", SLUG)
    with pytest.raises(CommandError, match="There is no campaign 'nothing'"):
        call_command("publish_edition", "nothing")
    make_public(campaign)
    out = StringIO()
    call_command("publish_edition", SLUG, note="As cited.", stdout=out)
    assert out.getvalue() == f"Edition 1: http://127.0.0.1:8000/c/{SLUG}/editions/1/\n"
    call_command("correct_edition", SLUG, "1", "A wrong channel.", stdout=out)
    (row,) = public_editions(SLUG)
    assert (row.note, row.corrections[0].text) == ("As cited.", "A wrong channel.")
    with pytest.raises(CommandError, match=r"no edition 4 of “listed-models”\. The last one is 1"):
        call_command("verify_edition", SLUG, "4")


# ------------------------------------------------------------------------------------------------ comparison


def test_two_editions_are_compared_by_numbers(edition: Edition, campaign: Campaign) -> None:
    """One of the items that were up is seen gone: 30 instead of 29 of 61."""
    item = Item.objects.filter(control=False, target__status="available", report__number=1).first()
    assert item
    record(item, [Look(900, "gone", person=True)])
    publish_edition(campaign=campaign, person=None)
    groups = {group.name: group for group in compare_editions(SLUG, 1, 2)}
    total = {one.figure: one for one in groups["all"].figures}
    removed = total["share_removed.n"]
    assert [removed.first, removed.second, removed.difference] == [29, 30, 1]
    # 29 / 61 = 0.47541, 30 / 61 = 0.49180, both to four places
    assert total["share_removed.value"].difference == Decimal("0.0164")
    assert total["eligible"].difference == 0
    face = {one.figure: one.difference for one in groups["platform=huggingface"].figures}
    assert face["status.removed"] == 1


def test_what_is_withheld_in_one_has_no_difference() -> None:
    first = b"group,figure,value\r\nall,a.n,3\r\nall,a.value,0.5\r\nchannel=email,a.n,2\r\n"
    second = b"group,figure,value\r\nall,a.n,4\r\nall,b,1\r\nchannel=other,a.n,9\r\n"
    found = compared(first, second)
    assert [(group.name, group.in_first, group.in_second) for group in found] == [
        ("all", True, True),
        ("channel=email", True, False),
        ("channel=other", False, True),
    ]
    assert [(one.figure, one.first, one.second, one.difference) for one in found[0].figures] == [
        ("a.n", 3, 4, 1),
        ("a.value", Decimal("0.5"), None, None),
        ("b", None, 1, None),
    ]
    assert found[1].figures[0].difference is None
