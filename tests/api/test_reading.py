"""Lists for programs: their rows, their pages, and the filters of the workspace."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import pytest
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext

from apps.accounts.roles import Audience
from apps.checks.outcomes import Outcome, Reason, Status
from apps.exports.columns import TABLES
from apps.exports.pages import Wanted, page_of
from apps.exports.writing import export_of, write
from apps.reports.filters import ItemFilter
from apps.reports.models import Campaign, Channel, ClaimWord, Item, Reply
from apps.reports.replies import log_reply, mark_errors
from apps.reports.selectors import items_of
from tests.api.conftest import Programs
from tests.factories import (
    at,
    make_campaign,
    make_check,
    make_item,
    make_items,
    make_report,
    make_target,
    make_transition,
)

LISTS = ("reports", "items", "checks", "transitions", "replies")


def fill(campaign: Campaign) -> list[Item]:
    """A small record with something in every table, and something that each filter finds."""
    first, second = make_report(campaign), make_report(campaign, platform="example.net", sent_at=at(48))
    second.channel, second.category, second.standing = Channel.EMAIL, "harassment", "journalist"
    second.save()
    items = [make_item(first, status=status, account="someone") for status in Status]
    items += [make_item(second, items[0].target), make_item(second, control=True)]
    items.append(make_item(second, items[3].target, control=True))  # and reported before
    again = make_item(second, items[4].target)
    items += [again, Item.objects.create(report=second, target=again.target, reported_at=at(72))]
    back = make_target(status=Status.AVAILABLE, reinstated_at=at(9), removed_by=at(3), removal_count=1)
    items.append(make_item(second, back))
    items[1].labels, items[1].note = ["one", "two"], "a note of example"
    items[1].save()
    # Somebody else's, among ours in the order of keys.
    others = make_item(make_report(make_campaign("others")))
    for number, item in enumerate([*items[:4], others], start=1):
        make_check(item.target, number)
        make_check(item.target, number + 1, Outcome.REMOVED, Reason.NOT_FOUND)
        make_transition(item.target, Status.WAITING, Status.AVAILABLE, after=0, by=number)
    removed = items[4]
    log_reply(
        report=first,
        kind="decision",
        decision="partly",
        received_at=at(5),
        claims={removed.pk: ClaimWord.REMOVED},
    )
    log_reply(report=second, kind="question", received_at=at(50), text="What is this about?")
    mark_errors(items=[items[2]], reason="It was a fictional example.")
    return items


def exported(campaign: Campaign, table: str) -> list[dict[str, Any]]:
    """The rows of the JSON Lines file of a table."""
    file = io.BytesIO()
    write(export_of(campaign=campaign, table=table, format="jsonl"), file)
    return [json.loads(line) for line in file.getvalue().splitlines()]


def all_pages(programs: Programs, path: str, limit: int) -> list[dict[str, Any]]:
    """The rows of all pages of a list, one after the other."""
    rows: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = programs.get("viewer", f"{path}{'&' if '?' in path else '?'}limit={limit}{cursor}")
        assert 0 < len(page["data"]) <= limit
        rows += page["data"]
        if page["next_cursor"] is None:
            return rows
        cursor = f"&cursor={page['next_cursor']}"


@pytest.mark.parametrize("table", LISTS)
@pytest.mark.parametrize("limit", [1, 3, 200])
def test_the_pages_of_a_list_have_the_rows_of_the_exported_file(
    table: str, limit: int, programs: Programs
) -> None:
    fill(programs.campaign)
    rows = all_pages(programs, f"/{table}", limit)
    key = TABLES[table].key

    def in_order(some: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return sorted(some, key=lambda row: [str(row[name]) for name in key])

    assert in_order(rows) == in_order(exported(programs.campaign, table))
    assert [list(row) for row in rows] == [list(TABLES[table].names)] * len(rows)


def test_one_report_and_one_item_are_as_in_their_lists(programs: Programs) -> None:
    items = fill(programs.campaign)
    of_reports = {row["report"]: row for row in programs.get("viewer", "/reports")["data"]}
    assert programs.get("viewer", "/reports/2") == of_reports[2]
    of_items = {row["item"]: row for row in programs.get("viewer", "/items")["data"]}
    for item in items:
        assert programs.get("viewer", f"/items/{item.pk}") == of_items[item.pk]


def test_a_list_that_grows_while_it_is_read_shows_each_row_once(programs: Programs) -> None:
    report = make_report(programs.campaign)
    make_items(report, 5)
    before = [row["item"] for row in programs.get("viewer", "/items")["data"]]
    page = programs.get("viewer", "/items?limit=2")
    seen = [row["item"] for row in page["data"]]
    while page["next_cursor"]:
        make_item(report)
        page = programs.get("viewer", f"/items?limit=4&cursor={page['next_cursor']}")
        seen += [row["item"] for row in page["data"]]
    assert len(seen) == len(set(seen))
    assert seen[: len(before)] == before
    assert seen == sorted(seen)


FILTERS = [
    "q=a note",
    "q=hxxps://models[.]example[.]org",
    "status=removed",
    "status=removed&status=available",
    "came_back=true",
    "came_back=false",
    "platform=example.net",
    "report=2",
    "account=SOMEONE",
    "channel=email",
    "category=harassment",
    "standing=journalist",
    "label=two",
    "reported_from=2026-03-02",
    "reported_to=2026-03-01",
    "report=2&status=waiting",
]


@pytest.mark.parametrize("query", FILTERS)
def test_filters_are_those_of_the_pages(query: str, programs: Programs) -> None:
    fill(programs.campaign)
    campaign = programs.campaign
    page = ItemFilter(
        QueryDict(query.replace("came_back=false", "")),
        queryset=items_of(campaign),
        campaign=campaign,
        who=Audience.MEMBERS,
    )
    chosen = list(page.qs)
    assert chosen
    rows = {table: programs.get("viewer", f"/{table}?{query}")["data"] for table in LISTS}
    assert {row["item"] for row in rows["items"]} == {item.pk for item in chosen}
    assert {row["report"] for row in rows["reports"]} == {item.report.number for item in chosen}
    assert {row["report"] for row in rows["replies"]} == {item.report.number for item in chosen}
    targets = {item.target_id for item in chosen}
    checked = {row["target"] for row in programs.get("viewer", "/checks")["data"]}
    assert {row["target"] for row in rows["checks"]} == targets & checked
    assert {row["target"] for row in rows["transitions"]} == targets & checked
    assert programs.get("viewer", f"/summary?{query}")["groups"][0]["reported"] == len(chosen)


@pytest.mark.parametrize(
    "query", ["platform=nowhere.example", "report=77", "channel=legal", "category=fraud", "label=none"]
)
def test_what_the_campaign_does_not_have_is_no_mistake(query: str, programs: Programs) -> None:
    fill(programs.campaign)
    for table in LISTS:
        assert programs.get("viewer", f"/{table}?{query}") == {"data": [], "next_cursor": None}


def test_the_checks_of_one_url_can_be_asked_for(programs: Programs) -> None:
    item = fill(programs.campaign)[0]
    for table in ("checks", "transitions"):
        rows = programs.get("viewer", f"/{table}?target={item.target_id}")["data"]
        assert rows
        assert {row["target"] for row in rows} == {item.target_id}


def test_a_cursor_is_of_its_own_list_and_cannot_be_made_up(programs: Programs) -> None:
    make_items(make_report(programs.campaign), 3)
    cursor = programs.get("viewer", "/items?limit=1&status=available")["next_cursor"]
    assert programs.ask("viewer", "GET", f"/items?status=available&cursor={cursor}").status_code == 200
    for path in (
        f"/items?cursor={cursor}",
        f"/items?status=removed&cursor={cursor}",
        f"/checks?status=available&cursor={cursor}",
        "/items?cursor=1",
        f"/items?status=available&cursor={cursor[:-1]}",
    ):
        answer = programs.ask("viewer", "GET", path)
        assert answer.status_code == 422, path
        assert "cursor" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("limit=0", "query.limit"),
        ("limit=201", "query.limit"),
        ("status=nonsense", "query.status.0"),
        ("reported_from=yesterday", "query.reported_from"),
        ("reported_to=2026-02-30", "query.reported_to"),
        ("came_back=perhaps", "query.came_back"),
        ("statsu=removed", "query.statsu"),
        ("sort=report", "query.sort"),
    ],
)
def test_what_is_not_understood_is_refused_and_not_left_out(
    query: str, place: str, programs: Programs
) -> None:
    answer = programs.ask("viewer", "GET", f"/items?{query}")
    assert answer.status_code == 422
    assert [error["place"] for error in answer.json()["errors"]] == [place]


# (list, queries of a page): two for the token, the same for one row and for fifty
QUERIES = {"reports": 17, "items": 17, "checks": 4, "transitions": 4, "replies": 4}


@pytest.mark.parametrize("table", LISTS)
def test_a_page_takes_as_many_queries_however_many_rows_it_has(table: str, programs: Programs) -> None:
    items = fill(programs.campaign)
    programs.get("viewer", f"/{table}")  # the token's use is noted, and the key of public names made
    with CaptureQueriesContext(connection) as few:
        programs.get("viewer", f"/{table}")
    for _ in range(3):
        report = make_report(programs.campaign)
        for _ in range(10):
            item = make_item(report, status=Status.AVAILABLE)
            make_check(item.target, 1)
            make_transition(item.target, Status.WAITING, Status.AVAILABLE, after=0, by=1)
        Reply.objects.create(report=report, kind="other", received_at=at(60))
    with CaptureQueriesContext(connection) as many:
        programs.get("viewer", f"/{table}")
    queries = [each["sql"] for each in many if not each["sql"].startswith(("BEGIN", "ROLLBACK", "SET"))]
    assert len(many) == len(few)
    assert len(queries) <= QUERIES[table], "\n".join(queries)
    assert items


@pytest.mark.parametrize("table", ["items", "checks", "transitions"])
def test_a_late_page_is_found_by_an_index(table: str, programs: Programs) -> None:
    fill(programs.campaign)
    wanted = Wanted(programs.campaign, Audience.MEMBERS, after=3, size=2)
    with CaptureQueriesContext(connection) as captured:
        page_of(table, wanted)
    (ahead, *_) = (each["sql"] for each in captured if "LIMIT" in each["sql"])
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":  # it would read a table of a few rows as a whole
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute(f"EXPLAIN {ahead}")
            plan = [row[0] for row in cursor.fetchall()]
        else:
            cursor.execute(f"EXPLAIN QUERY PLAN {ahead}")
            plan = [row[3] for row in cursor.fetchall()]
    whole = re.compile("^SCAN|TEMP B-TREE|Seq Scan")
    assert not [step for step in plan if whole.search(step)], plan
