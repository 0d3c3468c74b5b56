"""The codebook: one list that headers, pages and the documentation cannot drift from."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from apps.accounts.roles import Audience, Role
from apps.exports.columns import (
    CHECKS,
    ITEMS,
    OWNERS_TABLES,
    PUBLIC_TABLES,
    REPLIES,
    REPORTS,
    TABLES,
    Table,
    UnknownTable,
    codebook_lines,
    columns_for,
    table_called,
)
from apps.exports.items import worked_out_columns
from apps.exports.sources import ITEM_VALUES
from apps.reports.reply_selectors import ReplyRow
from apps.reports.selectors import CheckRow, ItemRow, ReportRow
from apps.reports.visibility import hidden_fields


def test_the_codebook_has_every_table_and_column_with_its_meaning(repository: Path) -> None:
    text = (repository / "docs" / "codebook.md").read_text()
    tables = text.partition("## Tables\n\n")[2].partition("## Figures\n")[0]
    assert tables.splitlines() == list(codebook_lines())


def test_each_table_has_columns_of_different_names_and_its_key_among_them() -> None:
    for table in (*OWNERS_TABLES.values(), *PUBLIC_TABLES.values()):
        assert len(set(table.names)) == len(table.names), table.title
        assert set(table.key) <= set(table.names), table.title
        for column in table.columns:
            assert column.meaning.endswith("."), column.name


def test_public_tables_have_public_columns_only() -> None:
    for table in PUBLIC_TABLES.values():
        assert {column.who for column in table.columns} == {Audience.PUBLIC}, table.title


def test_what_people_or_other_sites_wrote_is_for_members() -> None:
    for table in TABLES.values():
        for column in table.columns:
            if column.is_free_text and column.who != Audience.MEMBERS:
                plain = {"kind", "signal", "digest", "group", "figure", "unit", "problem"}
                assert column.name in plain or column.is_coarse


def test_a_role_sees_the_columns_of_its_audience() -> None:
    for table in TABLES.values():
        for role in Role:
            seen = columns_for(role, table)
            if role == Role.FIGURES:
                assert seen == tuple(each for each in table.columns if each.who != Audience.MEMBERS)
            else:
                assert seen == table.columns
        assert set(table.key) <= {column.name for column in columns_for(Role.FIGURES, table)}
        assert {column.who for column in columns_for(None, table)} <= {Audience.PUBLIC}


@pytest.mark.parametrize(
    ("table", "row"), [(ITEMS, ItemRow), (CHECKS, CheckRow), (REPORTS, ReportRow), (REPLIES, ReplyRow)]
)
def test_rows_of_pages_hide_what_the_codebook_has_for_members(table: Table, row: type) -> None:
    shared = {field.name for field in fields(row)} & set(table.names)
    for_members = {column.name for column in table.columns if column.who == Audience.MEMBERS}
    assert shared & for_members
    assert shared & set(hidden_fields(row, Audience.FIGURES)) == shared & for_members


def test_what_stands_in_the_record_comes_before_what_is_worked_out() -> None:
    assert ITEMS.names == (*ITEM_VALUES, *(column.name for column in worked_out_columns(Audience.MEMBERS)))


def test_a_table_that_there_is_not_is_answered_with_those_that_there_are() -> None:
    with pytest.raises(UnknownTable, match=r"There is no table “itmes”\. Tables: items, checks, trans"):
        table_called("itmes")
    with pytest.raises(
        UnknownTable, match=r"Checks have no public form\. Public tables: items, reports, summary\."
    ):
        table_called("checks", public=True)
