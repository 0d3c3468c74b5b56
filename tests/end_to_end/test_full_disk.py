"""Without room on its disk: a clear sentence, no half file, and the record as it was. Only with SQLite, whose
files are beside the others; a server of its own says itself that it has no room."""

from __future__ import annotations

import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.test import Client

from apps.exports.models import Download
from tests.factories import make_campaign, make_items, make_person, make_report

from .site import Site

KILOBYTES = 2_000  # no file may become larger: a stand-in for a disk that is full
MOST = 1_500_000  # bytes; the same for a download, of which the first million stays in memory


def listed(folder: Path, many: int) -> Path:
    """A list of so many pages."""
    file = folder / f"list-{many}.csv"
    rows = (f"https://models.example.org/items/{number},2026-03-01\n" for number in range(many))
    file.write_text("url,reported_at\n" + "".join(rows))
    return file


def with_little_room(site: Site, *arguments: str) -> str:
    """Run a command that has to fail; its last words."""
    command = " ".join([sys.executable, "manage.py", *arguments])
    done = site.run_in_shell(f"ulimit -f {KILOBYTES}; exec {command}")
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr.splitlines()[-1]


def test_commands_say_that_there_is_no_room_and_leave_nothing_half_done(site: Site, tmp_path: Path) -> None:
    few, many = listed(tmp_path, 40), listed(tmp_path, 5_000)
    site.must("import_reports", str(few), "--campaign", "models", "--create")
    words = with_little_room(site, "import_reports", str(many), "--campaign", "models")
    assert words.startswith("CommandError: The database failed on the way: ")
    assert len(site.status("models")) == 40
    site.must("import_reports", str(many), "--campaign", "models")
    assert len(site.status("models")) == 5_000

    out = tmp_path / "out"
    out.mkdir()
    file = out / "items.jsonl"
    table = ("--table", "items", "--format", "jsonl", "--out", str(file))
    assert with_little_room(site, "export", "models", *table) == (
        f"CommandError: Cannot write to {file}: File too large."
    )
    assert list(out.iterdir()) == []
    site.must("export", "models", *table)
    assert file.stat().st_size > KILOBYTES * 1024


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Let this very process write no larger file for a moment."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.django_db(transaction=True)  # what is committed SQLite need not write out while it reads
def test_a_download_that_finds_no_room_is_a_page_that_says_so() -> None:
    anna = make_person("anna@example.org")
    campaign = make_campaign(owner=anna)
    make_items(make_report(campaign), 3_000)
    client = Client(raise_request_exception=False)
    client.force_login(anna)
    path = f"/workspace/{campaign.slug}/export/items.jsonl"
    whole = client.get(path)
    assert int(whole["Content-Length"]) > MOST
    whole.close()
    with files_of_at_most(MOST):
        answer = client.get(path)
    assert answer.status_code == 507
    assert "The server has no room for this file" in answer.content.decode()
    assert Download.objects.count() == 1
