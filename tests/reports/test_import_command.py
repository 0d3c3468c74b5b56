"""`manage.py import_reports`: what it prints, what it writes, and what stops it."""

from __future__ import annotations

import csv
import io
import os
import pty
import re
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.reports.models import Campaign, Item
from tests.end_to_end.site import REPOSITORY, fresh_site
from tests.factories import make_campaign
from tests.migrated import Migrated

from .lists import HOST, utc

LIST = f"url,reported_at,note\n{HOST}/a,2026-01-05 10:00,=1+1\n{HOST}/b,2026-01-05,x\nnothing,,\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "list.csv"
    made.write_text(LIST)
    return made


def rejected_of(file: Path) -> Path:
    return file.with_name(file.name + ".rejected.csv")


def run(file: Path, *arguments: str, campaign: str = "example") -> None:
    call_command("import_reports", str(file), "--campaign", campaign, *arguments)


@pytest.mark.django_db
class TestImport:
    def test_it_counts_the_rows_and_writes_the_rejected_ones(self, file: Path, capsys: Any) -> None:
        run(file, "--create", "--timezone", "Europe/Berlin")
        said = capsys.readouterr()
        assert said.out == "rows 3  created 2  duplicates 0  rejected 1\n"
        assert str(rejected_of(file)) in said.err
        assert list(csv.reader(io.StringIO(rejected_of(file).read_text(), newline=""))) == [
            ["line", "url", "reported_at", "note", "rejected_because"],
            [
                "4",
                "nothing",
                "",
                "",
                "This is not a web address: write it in full, as https://example.org/page.",
            ],
        ]
        assert Item.objects.get(target__key=f"{HOST}/a").reported_at == utc("2026-01-05T09:00")
        assert Item.objects.get(target__key=f"{HOST}/b").reported_at == utc("2026-01-04T23:00")
        run(file, "--timezone", "Europe/Berlin")
        assert capsys.readouterr().out == "rows 3  created 0  duplicates 2  rejected 1\n"

    def test_observations_are_counted_on_a_line_of_their_own(self, file: Path, capsys: Any) -> None:
        file.write_text(f"url,reported_at,outcome\n{HOST}/a,2026-01-05,available\n")
        run(file, "--create")
        assert capsys.readouterr().out == "rows 1  created 1  duplicates 0  rejected 0\nobservations 1\n"

    def test_rejected_rows_can_be_corrected_and_imported_again(self, file: Path, capsys: Any) -> None:
        file.write_text(f"url;reported_at;note\n{HOST}/a;05/01/2026;=1+1\n{HOST}/b;2026-01-05;a;b\n")
        run(file, "--create")
        rejected = rejected_of(file)
        text = rejected.read_text()
        assert "'=1+1" in text
        rejected.write_text(text.replace("05/01/2026", "2026-01-05"))
        capsys.readouterr()
        run(rejected)
        assert capsys.readouterr().out == "rows 2  created 2  duplicates 0  rejected 0\n"
        assert Item.objects.get(target__key=f"{HOST}/a").note == "=1+1"
        assert Item.objects.get(target__key=f"{HOST}/b").note == "a;b"
        assert not rejected_of(rejected).exists()

    def test_a_list_without_rejected_rows_takes_an_earlier_file_of_them_away(self, file: Path) -> None:
        run(file, "--create")
        assert rejected_of(file).exists()
        file.write_text(LIST.replace("nothing,,\n", ""))
        run(file)
        assert not rejected_of(file).exists()

    def test_a_file_with_a_byte_order_mark_gets_one_for_its_rejected_rows(self, file: Path) -> None:
        file.write_text(LIST, encoding="utf-16")
        run(file, "--create")
        assert rejected_of(file).read_bytes().startswith(b"\xef\xbb\xbfline,")

    def test_a_dry_run_says_the_same_and_keeps_nothing(self, file: Path, capsys: Any) -> None:
        run(file, "--create", "--dry-run")
        assert capsys.readouterr().out == "rows 3  created 2  duplicates 0  rejected 1\n"
        assert not Campaign.objects.exists()
        assert not Item.objects.exists()
        assert rejected_of(file).exists()

    def test_columns_can_be_named(self, file: Path, capsys: Any) -> None:
        file.write_text(f"Model,Link,Note\n{HOST}/a,x,y\n")
        run(file, "--create", "--map", "url=Model", "--map", "labels=note", "--map", "note=")
        assert capsys.readouterr().out.startswith("rows 1  created 1 ")
        item = Item.objects.get()
        assert (item.target.key, item.labels, item.note) == (f"{HOST}/a", ["y"], "")

    def test_a_plain_list_of_urls_is_a_list(self, file: Path, capsys: Any) -> None:
        file.write_text(f"{HOST}/a\n# b\nhxxps://models[.]example[.]org/c\n")
        run(file, "--create", "--sent-at", "2026-01-05 10:00")
        assert capsys.readouterr().out == "rows 2  created 2  duplicates 0  rejected 0\n"
        assert {(item.reported_at, item.dated) for item in Item.objects.all()} == {
            (utc("2026-01-05T10:00"), True)
        }

    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            (["--timezone", "Europe/Bonn"], "There is no time zone “Europe/Bonn”"),
            (["--map", "url"], "write it as url=COLUMN"),
            (["--map", "address=url"], "There is no column “address” here"),
            (["--map", "url=Address"], "The file has no column “Address”. It has: url, reported_at, note."),
            (["--map", "url="], "is mapped to url"),
            (["--map", "note=url"], "is mapped to url"),
            (["--sent-at", "5/1/2026"], "--sent-at: “5/1/2026” has slashes"),
            (["--sent-at", "2999-01-01"], "in the future"),
        ],
    )
    def test_what_was_asked_for_is_checked_before_a_row_is_read(
        self, file: Path, arguments: list[str], sentence: str
    ) -> None:
        with pytest.raises(CommandError) as stopped:
            run(file, "--create", *arguments)
        assert sentence in str(stopped.value)
        assert not Campaign.objects.exists()
        assert not rejected_of(file).exists()

    def test_a_campaign_is_made_only_when_asked_for(self, file: Path) -> None:
        with pytest.raises(CommandError, match="There is no campaign “example”"):
            run(file)
        for name in ("no such/name", "platforms", "x" * 81):
            with pytest.raises(CommandError, match="cannot name a campaign"):
                run(file, "--create", campaign=name)
        make_campaign("example")
        run(file)
        assert Item.objects.count() == 2

    @pytest.mark.parametrize(
        ("content", "sentence"),
        [
            (b"", "is empty"),
            (b"Titel;Datum\nx;y\n", "(Titel, Datum) is mapped to url"),
            ("url\nhttps://example.org/ä\n".encode("latin-1"), "Line 2 is not in UTF-8"),
        ],
    )
    def test_a_file_that_is_no_list_is_refused(self, file: Path, content: bytes, sentence: str) -> None:
        file.write_bytes(content)
        with pytest.raises(CommandError) as stopped:
            run(file, "--create")
        assert sentence in str(stopped.value)
        assert not Campaign.objects.exists()

    def test_a_file_that_is_not_there_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(CommandError, match=r"Cannot read .*none\.csv: No such file"):
            run(tmp_path / "none.csv", "--create")
        with pytest.raises(CommandError, match=r"Cannot read .*: Is a directory"):
            run(tmp_path, "--create")

    def test_rejected_rows_that_cannot_be_written_stop_the_import(self, file: Path) -> None:
        rejected_of(file).with_name(rejected_of(file).name + ".part").mkdir()
        with pytest.raises(CommandError, match="Nothing was imported: the rejected rows cannot be written"):
            run(file, "--create")
        assert not Item.objects.exists()


@pytest.mark.database
def test_an_import_that_is_killed_leaves_nothing(tmp_path: Path, migrated: Migrated) -> None:
    rows = 2_500
    file = tmp_path / "list.csv"
    file.write_text("url,reported_at\n" + "".join(f"{HOST}/{n},2026-01-05\n" for n in range(rows)))
    command = ["import_reports", str(file), "--campaign", "example"]
    with fresh_site(tmp_path, migrated) as site:
        terminal, its_end = pty.openpty()
        termios.tcsetwinsize(terminal, (24, 100))
        process = subprocess.Popen(
            [sys.executable, "manage.py", *command, "--create"],
            cwd=REPOSITORY,
            env={**os.environ, "VAR_DIR": str(tmp_path), **site.environment},
            stdout=subprocess.PIPE,
            stderr=its_end,
        )
        os.close(its_end)
        shown = b""
        # The bar on the terminal tells when it is in the middle of writing.
        while not re.search(rb"Writing: +[1-9]\d?%", shown):
            shown += os.read(terminal, 1024)
        process.kill()
        assert process.communicate()[0] == b""
        os.close(terminal)
        assert b"Reading: 100%" in shown
        assert site.must(*command, "--create") == f"rows {rows}  created {rows}  duplicates 0  rejected 0\n"
