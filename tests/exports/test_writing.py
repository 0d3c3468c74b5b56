"""Tables as files: byte for byte, and texts that break files."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import openpyxl
import pytest
import time_machine
from django.db import connection
from openpyxl.utils.escape import unescape

from apps.core.csv_cells import plain_cell
from apps.exports import items as items_module
from apps.exports import xlsx_format
from apps.exports.columns import PUBLIC_ITEMS, TABLES, Type
from apps.exports.models import public_key_of
from apps.exports.snapshots import published
from apps.exports.writing import Export, UnusableExport, csv_rows, export_of, write
from apps.metrics.grouping import GroupKey, UnusableGrouping
from apps.metrics.population import Exclusion, population
from apps.metrics.records import read_items, seconds
from apps.metrics.summary import summarise
from apps.metrics.summary_json import summary_json
from apps.reports.models import Campaign, Item
from apps.reports.selectors import items_of
from tests.exports.conftest import HOSTILE, item_called
from tests.factories import at, make_campaign, make_check, make_item, make_items, make_person, make_report
from tests.metrics.watching import watched
from tests.public.seeding import make_public, seed, seed_deadlines

pytestmark = pytest.mark.django_db


def made(campaign: Campaign, table: str, format: str = "csv", **options: Any) -> bytes:
    """The bytes of an export, whose size and digest were told right."""
    out = io.BytesIO()
    written = write(export_of(campaign=campaign, table=table, format=format, **options), out)
    content = out.getvalue()
    assert written.size == len(content)
    assert written.sha256 == hashlib.sha256(content).hexdigest()
    return content


def rows(content: bytes, delimiter: str = ",") -> list[dict[str, str]]:
    """The rows of a CSV file by their headers, as Python reads them."""
    return list(
        csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=delimiter, strict=True)
    )


# ----------------------------------------------------------------------------------------------- byte by byte


def test_a_csv_file_is_exactly_this(campaign: Campaign) -> None:
    target = item_called(campaign, "removed-model").target
    lines = made(campaign, "transitions", items=items_of(campaign).filter(target=target)).split(b"\r\n")
    key = b"https://models.example.org/removed-model"
    assert lines == [
        b"target,key,platform,from_status,to_status,reason,after,by,by_person,check,recorded_at,superseded_at",
        b"%d,%s,example.org,waiting,available,ok,,2026-03-01T15:05:00Z,false,1,2026-03-05T18:05:00Z,"
        % (target.pk, key),
        b"%d,%s,example.org,available,suspected,gone,2026-03-01T16:05:00Z,2026-03-01T18:05:00Z,false,3,"
        b"2026-03-05T18:05:00Z," % (target.pk, key),
        b"%d,%s,example.org,suspected,removed,gone,2026-03-01T16:05:00Z,2026-03-01T18:05:00Z,false,4,"
        b"2026-03-05T18:05:00Z," % (target.pk, key),
        b"",
    ]


def test_an_item_has_what_the_figures_know_of_it(campaign: Campaign) -> None:
    found = {row["url"].rpartition("/")[2]: row for row in rows(made(campaign, "items"))}
    removed = found["removed-model"]
    assert removed["labels"] == "first list;models"
    assert (removed["removal_hours_after"], removed["removal_hours_by"]) == ("2", "4")
    assert (removed["claim"], removed["claimed_at"]) == ("removed", "2026-03-01T17:05:30Z")
    assert (removed["eligible"], removed["excluded"], removed["observed"]) == ("true", "", "true")
    assert (found["up-model"]["removal_hours_after"], found["up-model"]["removal_hours_by"]) == ("30", "")
    assert found["restored-model"]["removal_hours_by"] == "6"
    assert found["wrong-model"]["excluded"] == "error"
    assert found["wrong-model"]["removal_hours_after"] == ""
    assert found["control-model"]["excluded"] == "control"
    assert found["control-model"]["removal_hours_by"] == "90"
    assert found["other-model"]["removal_hours_by"] == "6"


def test_the_figures_can_be_counted_from_the_rows(campaign: Campaign) -> None:
    summary = summarise(campaign).total
    found = rows(made(campaign, "items"))
    eligible = [row for row in found if row["eligible"] == "true"]
    assert len(eligible) == summary.eligible
    assert sum(row["status"] == "removed" for row in eligible) == summary.removed.n
    for mark in summary.within:
        surely = [
            row
            for row in eligible
            if row["removal_hours_by"] and float(row["removal_hours_by"]) <= mark.hours
        ]
        possibly = [row for row in eligible if float(row["removal_hours_after"]) < mark.hours]
        assert (len(surely), len(possibly)) == (mark.surely, mark.possibly)


def test_json_lines_have_types_and_nulls(campaign: Campaign) -> None:
    lines = made(campaign, "items", "jsonl").decode().splitlines()
    found = {json.loads(line)["url"].rpartition("/")[2]: json.loads(line) for line in lines}
    assert found["removed-model"]["labels"] == ["first list", "models"]
    assert found["removed-model"]["removal_hours_by"] == 4.0
    assert found["up-model"]["removal_hours_by"] is None
    assert found["up-model"]["excluded"] is None
    assert found["control-model"]["control"] is True


def test_a_european_spreadsheet_gets_semicolons_decimal_commas_and_a_mark(campaign: Campaign) -> None:
    item = item_called(campaign, "up-model")
    Item.objects.filter(pk=item.pk).update(reported_at=at(29.75))
    content = made(campaign, "items", dialect="excel-eu", bom=True)
    assert content.startswith(b"\xef\xbb\xbfitem;target;url;")
    found = {row["item"]: row for row in rows(content, ";")}
    assert found[str(item.pk)]["removal_hours_after"] == "0,25"
    assert '"first list;models"' in content.decode()


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("format", ["csv", "jsonl", "xlsx"])
def test_every_table_has_its_columns_in_every_format(table: str, format: str, campaign: Campaign) -> None:
    content = made(campaign, table, format)
    names = list(TABLES[table].names)
    if format == "csv":
        assert list(rows(content)[0]) == names
    elif format == "jsonl":
        assert list(json.loads(content.splitlines()[0])) == names
    else:
        sheet = openpyxl.load_workbook(io.BytesIO(content), read_only=True).active
        assert sheet is not None
        assert [cell.value for cell in next(sheet.iter_rows())] == names


@pytest.mark.parametrize("table", TABLES)
def test_an_empty_campaign_gives_headers_alone(table: str) -> None:
    campaign = make_campaign()
    if table != "summary":
        assert made(campaign, table) == ",".join(TABLES[table].names).encode() + b"\r\n"
        assert made(campaign, table, "jsonl") == b""


# ---------------------------------------------------------------------------------------------- hostile cells


@pytest.fixture
def hostile(campaign: Campaign) -> list[str]:
    """Every hostile text as the note of a check and as a label, an account and a URL of an item."""
    anna = campaign.members.get()
    report = make_report(campaign)
    texts = [text for text in HOSTILE if connection.vendor == "sqlite" or "\0" not in text]
    texts += ["nul\0l"] if connection.vendor == "sqlite" else []
    for text in texts:
        item = make_item(report, account=text[:255])
        item.labels = [text.replace(";", ""), "ok"]
        item.submitted = text
        item.save()
        make_check(item.target, 1, person=anna, note=text)
    return texts


def test_hostile_texts_come_back_from_csv(campaign: Campaign, hostile: list[str]) -> None:
    found = rows(made(campaign, "checks"))
    assert [plain_cell(row["note"]) for row in found if row["manual"] == "true"] == hostile
    items = rows(made(campaign, "items", items=items_of(campaign).filter(report__number=3)))
    assert [plain_cell(row["url"]) for row in items] == hostile
    assert [plain_cell(row["labels"]) for row in items] == [f"{text.replace(';', '')};ok" for text in hostile]
    for cell in (row["url"] for row in items):
        assert cell.lstrip("' \t\r\n\x1c\u3000")[:1] not in set("=+-@＝") or cell.startswith("'")


def test_hostile_texts_come_back_from_json_lines(campaign: Campaign, hostile: list[str]) -> None:
    lines = made(campaign, "checks", "jsonl").decode().split("\n")[:-1]
    assert [row["note"] for row in map(json.loads, lines) if row["manual"]] == hostile


def test_hostile_texts_come_back_from_a_spreadsheet_as_texts(campaign: Campaign, hostile: list[str]) -> None:
    book = openpyxl.load_workbook(io.BytesIO(made(campaign, "checks", "xlsx")))
    assert book.active is not None
    header, *found = book.active.iter_rows()
    note = [cell.value for cell in header].index("note")
    manual = [cell.value for cell in header].index("manual")
    notes = [row[note] for row in found if row[manual].value]
    assert {cell.data_type for cell in notes} == {"s"}
    assert [unescape(cell.value) for cell in notes] == hostile


@pytest.mark.postgresql
@pytest.mark.parametrize("dialect", ["", "excel-eu"])
@pytest.mark.parametrize("table", ["items", "checks", "transitions"])
def test_the_database_writes_the_same_bytes(
    table: str, dialect: str, campaign: Campaign, hostile: list[str]
) -> None:
    export = export_of(campaign=campaign, table=table, format="csv", dialect=dialect)
    key = public_key_of(campaign)
    fast, plain = (
        b"".join(lines for _, lines in csv_rows(export, key, plainly=how)) for how in (False, True)
    )
    assert fast == plain


@pytest.mark.postgresql
def test_the_database_finds_the_same_characters_dangerous(campaign: Campaign) -> None:
    report = make_report(campaign)
    codes = [*range(1, 0x2100), *range(0x2FF0, 0x3010), 0xFEFF, *range(0xFF00, 0xFF30)]
    for start in range(0, len(codes), 32):
        item = make_item(report)
        item.submitted = "".join(map(chr, codes[start : start + 32]))
        item.save()
    for code in codes:
        if chr(code).isspace() or not chr(code).isalnum():
            item = make_item(report)
            item.submitted = chr(code) + "=1"
            item.save()
    export = export_of(campaign=campaign, table="items", format="csv")
    fast, plain = (
        b"".join(lines for _, lines in csv_rows(export, "00", plainly=how)) for how in (False, True)
    )
    assert fast == plain


# ----------------------------------------------------------------------------------------------- spreadsheets


def test_a_spreadsheet_keeps_types(campaign: Campaign) -> None:
    sheet = openpyxl.load_workbook(io.BytesIO(made(campaign, "items", "xlsx"))).active
    assert sheet is not None
    header, *found = sheet.iter_rows()
    names = [cell.value for cell in header]
    row = {name: cell.value for name, cell in zip(names, found[0], strict=True)}
    assert row["reported_at"] == at(0).replace(tzinfo=None)
    assert row["control"] is False
    assert row["removal_hours_by"] == 4
    assert row["labels"] == "first list;models"
    assert row["reinstated_at"] is None


def test_more_rows_than_a_sheet_holds_go_on_to_the_next() -> None:
    out = io.BytesIO()
    blocks = [[list(range(start, start + 4)), *[[None] * 4] * 11] for start in (0, 4, 8)]
    many = list(xlsx_format.write_xlsx(out, TABLES["transitions"], iter(blocks), made_at=at(0), most_rows=6))
    assert many == [4, 4, 4]
    book = openpyxl.load_workbook(out)
    assert book.sheetnames == ["transitions", "transitions 2", "transitions 3"]
    assert [[row[0] for row in sheet.values] for sheet in book] == [
        ["target", 0, 1, 2, 3, 4],
        ["target", 5, 6, 7, 8, 9],
        ["target", 10, 11],
    ]


@pytest.mark.parametrize("character", ["x", "\U0001f9ea", "é"])
def test_a_text_too_long_for_a_cell_says_that_it_is_cut(character: str) -> None:
    for many in (16_383, 16_384, 32_767, 32_768, 50_000):
        text = character * many
        fitted = xlsx_format.fitting(text)
        length = len(fitted.encode("utf-16-le")) // 2
        assert length <= xlsx_format.MOST_CHARACTERS
        if fitted != text:
            assert len(text.encode("utf-16-le")) // 2 > xlsx_format.MOST_CHARACTERS
            assert fitted.endswith("a cell holds 32,767 characters)")


# ------------------------------------------------------------------------------------------------- who counts


def test_items_are_judged_together_however_small_the_parts(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = campaign.reports.get(number=1)
    for hours, name in ((5, "up-model"), (50, "removed-model"), (-1, "restored-model")):
        target = Item.objects.filter(target__key__endswith=f"/{name}").first()
        assert target is not None
        Item.objects.create(
            report=report, target=target.target, submitted=target.submitted, reported_at=at(hours)
        )
    whole = made(campaign, "items")
    public = made(campaign, "items", public=True)
    monkeypatch.setattr(items_module, "CHUNK", 2)
    assert made(campaign, "items") == whole
    assert made(campaign, "items", public=True) == public
    records = read_items(items_of(campaign))
    found = population(records, now=seconds(at(100)))
    excluded = dict(zip(records.pk.tolist(), found.excluded.tolist(), strict=True))
    for row in rows(whole):
        assert (row["excluded"] == "duplicate") == (excluded[int(row["item"])] == Exclusion.DUPLICATE)


def test_only_what_a_filter_chose_is_written(campaign: Campaign) -> None:
    chosen = items_of(campaign).filter(report__number=2)
    assert [row["report"] for row in rows(made(campaign, "items", items=chosen))] == ["2"]
    assert [row["report"] for row in rows(made(campaign, "reports", items=chosen))] == ["2"]
    assert rows(made(campaign, "replies", items=chosen)) == []
    assert {row["key"].rpartition("/")[2] for row in rows(made(campaign, "checks", items=chosen))} == {
        "other-model"
    }


def test_another_campaigns_words_are_not_in_the_checks(campaign: Campaign) -> None:
    target = item_called(campaign, "up-model").target
    theirs = make_person("theirs@example.com")
    make_campaign("theirs", owner=theirs)
    make_check(target, 40, person=theirs, note="their note")
    (row,) = [row for row in rows(made(campaign, "checks")) if row["manual"] == "true"]
    assert (row["person"], row["note"]) == ("", "")


def test_reports_have_their_counts_and_clocks(campaign: Campaign) -> None:
    first, second = rows(made(campaign, "reports"))
    assert (first["items"], first["controls"], first["eligible"]) == ("5", "1", "4")
    assert (first["removed"], first["decision_hours"]) == ("1", "3.0083")
    assert (second["first_reply_hours"], second["bounced"]) == ("", "false")
    assert first["note"] == "'=our note"


# ----------------------------------------------------------------------------------------------------- public


def test_public_rows_hold_nothing_that_leads_to_a_url(campaign: Campaign) -> None:
    secrets = [
        "models.example",
        "removed-model",
        "uploader",
        "T-0007",
        "note",
        "first list",
        "regards",
        "anna",
    ]
    secrets += ["example.net", "example.org"]
    for table in ("items", "reports", "summary"):
        for format in ("csv", "jsonl"):
            content = made(campaign, table, format, public=True).decode().lower()
            assert [secret for secret in secrets if secret in content] == [], table


def test_public_names_are_stable_random_and_the_campaigns_own(campaign: Campaign) -> None:
    first = rows(made(campaign, "items", public=True))
    names = [row["public_id"] for row in first]
    assert names == sorted(names)
    assert names == [row["public_id"] for row in rows(made(campaign, "items", public=True))]
    assert set(names) == {row["public_id"] for row in rows(made(campaign, "items"))}
    other = make_campaign("other")
    assert public_key_of(other) != public_key_of(campaign)


def test_public_rows_tell_the_month_or_the_day_as_the_publication_does(
    campaign: Campaign, clock: time_machine.Traveller
) -> None:
    def told(**options: str) -> set[str]:
        return {row["reported"] for row in rows(made(campaign, "items", public=True, **options))}

    assert told(dates="month") == set()  # the month is not over
    clock.move_to(at(24 * 40))
    assert told(dates="month") == {"2026-03"}
    assert told(dates="day") == told() == {"2026-03-01", "2026-03-02"}
    make_public(campaign, dates="month")
    assert told() == {"2026-03"}
    with pytest.raises(UnusableExport, match="tells dates by month, so no public file tells more"):
        told(dates="day")


def test_public_files_speak_as_the_publication_does(campaign: Campaign) -> None:
    make_public(campaign, platforms="letters", reports=False)
    for row in rows(made(campaign, "items", public=True)):
        assert (row["platform"] in {"a", "b"}, row["kind"]) == (True, "")
    with pytest.raises(UnusableExport, match="does not list reports"):
        made(campaign, "reports", public=True)


def test_public_files_are_of_the_whole_campaign(campaign: Campaign) -> None:
    """What a filter chose is a group that nobody weighed, and so is the rest."""
    for table in ("items", "reports", "summary"):
        with pytest.raises(UnusableExport, match="of the whole campaign"):
            made(campaign, table, public=True, items=items_of(campaign).filter(report__number=1))


def test_public_files_and_pages_withhold_the_same(clock: time_machine.Traveller, db: None) -> None:
    campaign = seed()
    make_public(campaign)
    snapshot = published(campaign.slug).snapshot()
    for key, groups in (("platform", snapshot.platforms), ("channel", snapshot.channels)):
        shown = {f"{key}={group.key}" for group in groups if group.counts is not None}
        assert shown
        assert shown < {f"{key}={group.key}" for group in groups}
        figures = rows(made(campaign, "summary", public=True, by=[GroupKey(key)]))
        assert {row["group"] for row in figures} == shown | {"all"}
    listed = {str(report.number): report.counts is not None for report in snapshot.reports}
    for row in rows(made(campaign, "reports", public=True)):
        assert (row["items"] != "") == (row["eligible"] != "") == listed[row["report"]]


@pytest.mark.parametrize("make", [seed, seed_deadlines])
@pytest.mark.parametrize("public", [True, False])
def test_a_summary_as_a_table_says_what_the_json_says(
    public: bool, make: Callable[[], Campaign], clock: time_machine.Traveller, db: None
) -> None:
    campaign = make()
    if make is seed:  # most are lost from sight, so that later marks have no estimate
        watched_shortly = make_report(campaign, platform="huggingface")
        for _ in range(60):
            watched(watched_shortly, "up 1 4")
    make_public(campaign)
    (group, *_) = summary_json(summarise(campaign))["groups"]
    found = {row["figure"]: row for row in rows(made(campaign, "summary", public=public)) if row["of"]}

    def number(value: float | None) -> str:
        return "" if value is None else f"{value:g}"

    for name, mark in group["removed_within"].items():
        row = found[f"removed_within.{name}"]
        assert (row["value"], row["problem"]) == (number(mark["estimate"]), mark["problem"] or "")
    for each in group["deadlines"]:
        for part in ("met", "missed", "running", "indeterminate"):
            row = found.get(f"deadlines.{each['rule']}.{part}")
            assert row or public
            if row:
                assert (row["n"], bool(row["problem"])) == (number(each[part]), each[part] is None)


@pytest.mark.parametrize("key", [GroupKey.CATEGORY, GroupKey.MONTH])
def test_public_figures_are_of_groups_that_rows_tell(
    key: GroupKey, clock: time_machine.Traveller, db: None
) -> None:
    """A word of the reporter's own is "other" in both."""
    campaign = seed()
    own = make_report(campaign, platform="huggingface", sent_at=at(-24 * 40))
    make_items(own, 30)
    campaign.reports.filter(pk=own.pk).update(category="a word of their own")

    def shown() -> dict[str, int]:
        return {
            row["group"].partition("=")[2]: int(row["n"])
            for row in rows(made(campaign, "summary", public=True, by=[key]))
            if row["figure"] == "reported" and row["group"] != "all"
        }

    def told() -> Counter[str]:
        column, length = ("category", None) if key == GroupKey.CATEGORY else ("reported", len("2026-03"))
        return Counter(row[column][:length] for row in rows(made(campaign, "items", public=True)))

    # The two items of another category take some others along, so neither category is told by all its rows.
    assert shown() == ({} if key == GroupKey.CATEGORY else dict(told()))
    campaign.reports.get(number=4).items.all().delete()
    assert shown() == dict(told())
    assert len(shown()) == 2


def test_the_reporters_own_words_are_not_public(campaign: Campaign) -> None:
    campaign.reports.filter(number=2).update(category="what happened to Jane Example")
    categories = {row["category"] for row in rows(made(campaign, "items", public=True))}
    assert categories == {"synthetic_intimate_images", "other"}
    for by in (GroupKey.CATEGORY, GroupKey.PLATFORM):
        content = made(campaign, "summary", public=True, by=[by]).decode()
        assert "Jane" not in content
        assert "example.net" not in content


def test_public_figures_are_grouped_by_nothing_that_names_anybody(campaign: Campaign) -> None:
    with pytest.raises(UnusableGrouping, match=r"cannot be grouped by account\. Choose from: platform, "):
        made(campaign, "summary", public=True, by=[GroupKey.ACCOUNT])


def test_a_small_campaign_shows_no_public_figure_and_no_row(campaign: Campaign) -> None:
    campaign.minimum_n = 50
    assert rows(made(campaign, "summary", public=True)) == []
    assert rows(made(campaign, "items", public=True)) == []


# ----------------------------------------------------------------------------------------------------- memory


@contextmanager
def peak() -> Iterator[list[int]]:
    """How many bytes Python had at most, beside what it had before."""
    found: list[int] = []
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    try:
        yield found
        found.append(tracemalloc.get_traced_memory()[1] - before)
    finally:
        tracemalloc.stop()


class Nowhere:
    """A file that keeps nothing."""

    def write(self, content: bytes, /) -> int:
        return len(content)

    def flush(self) -> None:
        pass


@pytest.mark.parametrize("format", ["csv", "jsonl", "xlsx"])
def test_ten_times_the_rows_need_little_more_memory(
    format: str, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(items_module, "CHUNK", 300)
    monkeypatch.setattr("apps.exports.sql.BLOCK", 100)
    make_items(make_report(campaign), 6_000)
    pks = sorted(items_of(campaign).values_list("pk", flat=True))
    found = []
    for last in (pks[600], pks[-1]):
        items = items_of(campaign).filter(pk__lte=last)
        export = export_of(campaign=campaign, table="items", format=format, items=items)
        write(export, Nowhere())
        with peak() as bytes_at_most:
            write(export, Nowhere())
        found += bytes_at_most
    # Ten times the rows; what grows is a number an item, and what a driver keeps for its next answer.
    assert found[1] < 2 * found[0]


# ------------------------------------------------------------------------------------------------ wrong words


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"format": "pdf"}, "There is no format “pdf”. Formats: csv, jsonl, xlsx."),
        ({"dialect": "tabs"}, "There is no dialect “tabs”. Dialects: excel-eu, or none for commas."),
        (
            {"format": "jsonl", "bom": True},
            "A byte-order mark and a dialect are for CSV, not for jsonl.",
        ),
        (
            {"public": True, "dates": "year"},
            "Dates cannot be told by “year”. Choose from: month, day.",
        ),
        (
            {"dates": "day"},
            "Only public rows tell dates by month or day; others have the moment itself.",
        ),
    ],
)
def test_wrong_words_get_a_sentence(options: dict[str, Any], sentence: str, campaign: Campaign) -> None:
    with pytest.raises(UnusableExport) as raised:
        export_of(**{"campaign": campaign, "table": "items", "format": "csv", **options})
    assert str(raised.value) == sentence


def test_a_public_table_is_named_so_in_its_file(campaign: Campaign) -> None:
    export = export_of(campaign=campaign, table="items", format="csv", public=True)
    assert isinstance(export, Export)
    assert export.filename == "example-models-items-public.csv"
    assert export.table is PUBLIC_ITEMS
    assert export.table.columns[0].type == Type.STRING
