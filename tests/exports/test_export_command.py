"""`manage.py export`: to standard output or to a file, whole or not at all."""

from __future__ import annotations

import hashlib
import io
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from apps.reports.models import Campaign

pytestmark = pytest.mark.django_db


def test_a_table_goes_to_standard_output_and_its_digest_to_standard_error(
    campaign: Campaign, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    said = io.StringIO()
    call_command("export", "example-models", "--table", "reports", stderr=said)
    out = capfdbinary.readouterr().out
    assert out.startswith(b"report,platform,channel,")
    assert said.getvalue() == f"rows 2  bytes {len(out)}  sha256 {hashlib.sha256(out).hexdigest()}\n"


@pytest.mark.parametrize("format", ["csv", "jsonl", "xlsx"])
def test_a_file_is_put_in_place_when_it_is_whole(
    format: str, campaign: Campaign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / f"items.{format}"
    out.write_text("earlier")
    arguments = ("export", "example-models", "--table", "items", "--format", format, "--out", str(out))

    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("in the middle")

    with monkeypatch.context() as broken:
        broken.setattr("apps.exports.writing.worked_out", fail)
        broken.setattr("apps.exports.writing.all_csv_lines", fail)
        with pytest.raises(RuntimeError):
            call_command(*arguments, stderr=io.StringIO())
    assert out.read_text() == "earlier"
    assert list(tmp_path.iterdir()) == [out]
    said = io.StringIO()
    call_command(*arguments, stderr=said)
    assert hashlib.sha256(out.read_bytes()).hexdigest() in said.getvalue()
    assert list(tmp_path.iterdir()) == [out]


def test_options_reach_the_file(campaign: Campaign, tmp_path: Path) -> None:
    out = tmp_path / "summary.csv"
    arguments = ["--table", "summary", "--by", "channel", "--bom", "--dialect", "excel-eu", "--out", str(out)]
    call_command("export", "example-models", *arguments, stderr=io.StringIO())
    lines = out.read_bytes().decode("utf-8-sig").splitlines()
    assert lines[0].startswith("group;figure;n;of;value;")
    assert "channel=trusted_flagger;share_removed;1;4;0,25;" in "\n".join(lines)
    public = tmp_path / "items.jsonl"
    arguments = ["--table", "items", "--format", "jsonl", "--public", "--dates", "day", "--out", str(public)]
    call_command("export", "example-models", *arguments, stderr=io.StringIO())
    assert '"reported": "2026-03-01"' in public.read_text()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nowhere", "--table", "items"], "There is no campaign 'nowhere'"),
        (["example-models", "--table", "urls"], "There is no table “urls”"),
        (["example-models", "--table", "checks", "--public"], "Checks have no public form"),
        (["example-models", "--table", "items", "--format", "ods"], "There is no format “ods”"),
        (["example-models", "--table", "items", "--by", "channel"], "Only the summary has groups"),
        (["example-models", "--table", "summary", "--by", "colour"], "cannot be grouped by “colour”"),
        (
            ["example-models", "--table", "items", "--out", "/no/such/folder/x.csv"],
            "Cannot write to /no/such",
        ),
    ],
)
def test_wrong_words_get_a_sentence(arguments: list[str], sentence: str, campaign: Campaign) -> None:
    with pytest.raises(CommandError, match=sentence.replace("(", r"\(")):
        call_command("export", *arguments)


def test_whoever_is_stopped_on_the_way_leaves_no_part_of_a_file(tmp_path: Path) -> None:
    program = (
        "import os, pathlib, signal, sys, django; django.setup()\n"
        "from apps.exports.management.outputs import file_or_output\n"
        "with file_or_output(pathlib.Path(sys.argv[1])) as stream:\n"
        "    stream.write(b'half of it')\n"
        "    print(len(os.listdir(os.path.dirname(sys.argv[1]))), flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "items.csv")],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "1\n", done.stderr
    assert done.returncode == 128 + signal.SIGTERM
    assert list(tmp_path.iterdir()) == []
