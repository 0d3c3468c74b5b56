"""Lists are read in whatever form people's programs write them, and each row knows its line."""

from __future__ import annotations

import csv
import io
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.reports.csv_files import MAX_ROW, Row, Table, UnreadableFile

URL = "https://example.org/"


def read(content: str | bytes) -> tuple[Table, list[Row]]:
    table = Table(io.BytesIO(content.encode() if isinstance(content, str) else content))
    return table, list(table)


def cells(content: str | bytes) -> list[tuple[str, ...]]:
    table, rows = read(content)
    assert [row.problem for row in rows] == [""] * len(rows)
    return [table.headers, *(row.cells for row in rows)]


WANTED = [("url", "note"), (URL + "ä", "two\nlines"), (URL, "a;b")]
PLAIN = f'url,note\n{URL}ä,"two\nlines"\n{URL},a;b\n'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_every_usual_encoding_is_read(encoding: str) -> None:
    assert cells(PLAIN.encode(encoding)) == WANTED


def test_a_byte_order_mark_of_the_other_byte_order_is_read() -> None:
    assert cells(b"\xfe\xff" + PLAIN.encode("utf-16-be")) == WANTED


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_every_usual_delimiter_is_found_in_the_header(delimiter: str) -> None:
    content = f'url{delimiter}note\n{URL}{delimiter}"one{delimiter}cell"\n'
    assert cells(content) == [("url", "note"), (URL, f"one{delimiter}cell")]


def test_a_first_line_may_name_the_delimiter() -> None:
    assert cells(f"sep=;\r\nurl;note, long\r\n{URL};x\r\n") == [("url", "note, long"), (URL, "x")]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_every_line_end_is_read(line_end: str) -> None:
    _, rows = read(PLAIN.replace("\n", line_end))
    assert [row.line for row in rows] == [2, 4]
    assert rows[0].cells == (URL + "ä", f"two{line_end}lines")


def test_comments_and_empty_lines_count_as_nothing_and_rows_know_their_line() -> None:
    content = (
        f'# exported\n\nurl,note\n# first\n{URL}1,"a\n# not a comment\n\nb"\n   \n,\n#{URL}2,x\n{URL}3,y\n'
    )
    table, rows = read(content)
    assert table.headers == ("url", "note")
    assert [(row.line, row.cells) for row in rows] == [
        (5, (URL + "1", "a\n# not a comment\n\nb")),
        (12, (URL + "3", "y")),
    ]


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        (f"reference,url\n#1001,{URL}\n# all of March, as sent\n#1002,models.example.org/b\n",
         [("#1001", URL), ("#1002", "models.example.org/b")]),
        (f'reference;note;url\n#1001;"a; b";"{URL}"\n', [("#1001", "a; b", URL)]),
        (f"# exported\n#,url\n1,{URL}\n", [("1", URL)]),
        (f"#\turl\n#1\t{URL}\n", [("#1", URL)]),
        (f"url\n#{URL}\n# {URL},{URL}\n{URL}\n", [(URL,)]),
        (f"url,source\n# {URL},{URL}\n{URL},\n", [(URL, "")]),
    ],
)  # fmt: skip
def test_a_case_number_with_a_hash_begins_a_row(content: str, rows: list[tuple[str, ...]]) -> None:
    """A row that is taken for a comment is dropped without a word."""
    assert cells(content)[1:] == rows


def test_a_heading_of_several_lines_is_one_name() -> None:
    """A browser sends it back with other line ends, and would choose a column that is not there."""
    assert read(f'"Link to\nthe page",note\n{URL},x\n')[0].headers == ("Link to the page", "note")


def test_space_after_a_delimiter_does_not_break_a_quoted_cell() -> None:
    assert cells(f'url, note\n{URL}, "a, b"\n') == [("url", "note"), (URL, "a, b")]


def test_empty_cells_beyond_the_header_are_no_cells() -> None:
    assert cells(f"url;note\n{URL};x;;\n") == [("url", "note"), (URL, "x")]


def test_a_row_with_too_many_or_too_few_cells_is_given_back_with_the_problem() -> None:
    _, rows = read(f"url,note,labels\n{URL},a,b,c\n{URL}\n{URL},a,b\n")
    assert [row.line for row in rows] == [2, 3, 4]
    assert "4 cells where the header has 3" in rows[0].problem
    assert "1 cell where the header has 3" in rows[1].problem
    assert rows[2].problem == ""


def test_a_quote_that_is_never_closed_costs_one_row_and_not_the_rest_of_the_file() -> None:
    _, rows = read(f'url,note\n{URL}1,"open\n{URL}2,x\n{URL}3,"closed"\n{URL}4,"open\n{URL}5,y\n')
    # The first quote is closed by the next one in the file, wherever that is; nobody can tell them apart.
    assert [row.line for row in rows if row.problem] != []
    assert rows[-1] == Row(6, (URL + "5", "y"))


def test_an_open_quote_at_the_end_is_named() -> None:
    _, rows = read(f'url,note\n{URL}1,x\n{URL}2,"open\n{URL}3,y\n')
    assert [row.cells for row in rows if not row.problem] == [(URL + "1", "x"), (URL + "3", "y")]
    assert rows[1].line == 3
    assert "A quote is opened here and not closed" in rows[1].problem


def test_a_row_that_is_far_too_long_is_given_back_and_reading_goes_on() -> None:
    long = "x" * (3 * MAX_ROW)
    _, rows = read(f'url,note\n{URL}1,{long}\n{URL}2,"{long}"\n{URL}3,ok\n')
    assert [(row.line, bool(row.problem)) for row in rows] == [(2, True), (3, True), (4, False)]
    assert all(len(row.cells[0]) <= 200 for row in rows if row.problem)


def test_a_long_cell_of_many_lines_is_no_danger_to_the_rest() -> None:
    _, rows = read(f'url,note\n{URL}1,"' + "line\n" * (MAX_ROW // 5) + f'"\n{URL}3,ok\n')
    assert rows[0].problem
    assert rows[-1].cells == (URL + "3", "ok")


def test_a_nul_is_an_ordinary_character_here() -> None:
    assert cells(f"url,note\n{URL},a\x00b\n")[1] == (URL, "a\x00b")


@pytest.mark.parametrize(
    "content",
    [
        f"{URL}1\n{URL}2,3;4\n",
        f"# mine\n\n<{URL}1>\n# more\n{URL}2,3;4\n",
        "hxxps://example[.]org/1\r\nhxxps://example[.]org/2,3;4\r\n",
    ],
)
def test_a_plain_list_of_urls_needs_no_header(content: str) -> None:
    table, rows = read(content)
    assert table.is_plain_list
    assert table.headers == ("url",)
    assert len(rows) == 2
    assert rows[1].cells[0].endswith("2,3;4")


@pytest.mark.parametrize(
    ("content", "part_of_the_sentence"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"\n\n# nothing\n", "is empty"),
        (f"{URL},2025-12-31\n".encode(), "the header is missing"),
        ("url,note\nhttps://example.org/,caf\xe9\n".encode("latin-1"), "Line 2 is not in UTF-8"),
        (b"\xff\xfe" + "url\nx".encode("utf-16-le") + b"\x00", "damaged after line"),
        ("url\n".encode("utf-32"), "UTF-32"),
        (b"PK\x03\x04" + b"\x00" * 30, "spreadsheet's own file"),
        (b'"url\nhttps://example.org/\n', "the header, cannot be read"),
        (b"GIF89a\x00\x00", "holds a NUL character"),
    ],
)
def test_a_file_that_is_no_list_is_refused_in_a_sentence(content: bytes, part_of_the_sentence: str) -> None:
    with pytest.raises(UnreadableFile, match=r"\.$") as refused:
        read(content)
    assert part_of_the_sentence in str(refused.value)


TEXTS = st.text(
    alphabet=st.sampled_from("ab ,;\t\"'#=\r\nä"), min_size=1, max_size=8
).map(lambda text: "x" + text)  # fmt: skip


@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=6), st.sampled_from([",", ";", "\t"]))
def test_what_a_csv_writer_wrote_is_read_back(rows: list[tuple[str, str]], delimiter: str) -> None:
    written = io.StringIO()
    csv.writer(written, delimiter=delimiter).writerows([("url", "note"), *rows])
    assert cells(written.getvalue()) == [("url", "note"), *rows]


def test_a_list_of_any_length_takes_the_same_memory(tmp_path: Path) -> None:
    def peak(rows: int) -> int:
        file = tmp_path / f"{rows}.csv"
        with file.open("w") as out:
            out.write("url,note\n")
            out.writelines(f'{URL}{number},"a note, quoted"\n' for number in range(rows))
        with file.open("rb") as stream:
            tracemalloc.start()
            assert sum(1 for _ in Table(stream)) == rows
            taken = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        return taken

    assert peak(20_000) < peak(500) + 100_000
