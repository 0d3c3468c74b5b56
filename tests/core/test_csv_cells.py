"""A CSV file that people open in a spreadsheet runs nothing, and reading it back loses nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.csv_cells import plain_cell, safe_cell


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+49 30 0000", "'+49 30 0000"),
        ("-5", "'-5"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("  =1+1", "'  =1+1"),
        ("\t=1+1", "'\t=1+1"),
        ("\rnext", "'\rnext"),
        ("＝1+1", "'＝1+1"),
        ("'=1+1", "''=1+1"),
        ("https://example.org/?a=1", "https://example.org/?a=1"),
        ("it's = fine", "it's = fine"),
        ("'quoted'", "'quoted'"),
        ("", ""),
    ],
)
def test_a_spreadsheet_runs_no_cell(text: str, cell: str) -> None:
    assert safe_cell(text) == cell
    assert plain_cell(cell) == text


@given(st.text() | st.text(alphabet="'=+-@ \t\n\rx＝"))
def test_every_text_comes_back_as_it_was(text: str) -> None:
    cell = safe_cell(text)
    assert plain_cell(cell) == text
    assert cell.lstrip(" ")[:1] not in set("=+-@＝＋－＠\t\r\n")
