"""A backup holds all of the record, and a restore gives all of it back or leaves everything as it was."""

from __future__ import annotations

import io
import json
import resource
import sqlite3
import sys
import tarfile
import zlib
from collections.abc import Callable
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import time_machine
from django.contrib.sessions.backends.db import SessionStore
from django.core.management import CommandError, call_command
from django.db import connection

from apps.checks.models import Check
from apps.exports.editions import publish_edition
from apps.exports.models import EditionPiece
from apps.reports.models import Campaign
from apps.server.backup import write_backup
from apps.server.backup_file import PART, UnusableBackup
from apps.server.restore import LedgerDoesNotHold, check_backup, restore
from tests.end_to_end.site import Site
from tests.exports.conftest import HOSTILE
from tests.factories import at, make_campaign, make_item, make_person, make_report, make_target
from tests.metrics.watching import watched
from tests.public.seeding import SLUG, make_public, seed

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.filterwarnings("default::ResourceWarning")]


@pytest.fixture
def campaign() -> Campaign:
    """A small campaign whose texts are difficult; somebody is signed in."""
    SessionStore().create()
    campaign = make_campaign(owner=make_person("anna@example.org"))
    report = make_report(campaign)
    item = watched(report, "up 1 2, gone 4 5")
    item.labels, item.note = list(HOSTILE), "\n".join(HOSTILE)
    item.save()
    return campaign


def backup() -> bytes:
    out = io.BytesIO()
    write_backup(out)
    return out.getvalue()


def files_in(content: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        return {member.name: archive.extractfile(member).read() for member in archive}  # type: ignore[union-attr]


def packed(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


def sums(file: Path) -> Any:
    return json.loads(files_in(file.read_bytes())["sums.json"])


def held() -> dict[str, Any]:
    """Every row of the record in the test's own database."""
    return json.loads(files_in(backup())["sums.json"])  # type: ignore[no-any-return]


# -------------------------------------------------------------------------------------------------- the drill


@pytest.mark.database
def test_the_record_goes_to_another_database_and_back_and_stays_what_it_was(tmp_path: Path) -> None:
    """From SQLite to a new SQLite and back; from PostgreSQL to a new SQLite and back."""
    with time_machine.travel(at(2000), tick=False):
        campaign = seed(make_person("anna@example.org"))
        make_public(campaign, items=True)
        publish_edition(campaign=campaign, person=None)
        before = said_of_it()
        there, back = tmp_path / "there.backup", tmp_path / "back.backup"
        call_command("backup", str(there), stderr=io.StringIO())
        assert there.stat().st_mode & 0o777 == 0o600
        site = Site(_folder(tmp_path, "site"))
        site.must("restore", str(there))
        site.must("backup", str(back))
        assert sums(back) == sums(there)
        Campaign.objects.update(name="What is put in its place")
        call_command("restore", str(back), replace=True, stdout=io.StringIO())
        assert said_of_it() == before


def said_of_it() -> list[str]:
    """What commands say of the record: its figures, its edition, its ledger, and the rows for everyone."""
    said = []
    for command in (
        ("summary", SLUG, "--json"),
        ("verify_edition", SLUG, "1"),
        ("verify_ledger",),
        ("export", SLUG, "--table", "items", "--public"),
    ):
        out = io.StringIO()
        call_command(*command, stdout=out)
        said.append(out.getvalue())
    return said


def _folder(parent: Path, name: str) -> Path:
    folder = parent / name
    folder.mkdir()
    return folder


@pytest.mark.database
def test_a_backup_of_an_older_version_is_brought_up_to_date(tmp_path: Path) -> None:
    """Its editions had each file in one piece. It was made before `migrate`, as before an upgrade.

    It has what migrations of other projects write, as every database of a site has it (django-rq's do).
    """
    older = Site(_folder(tmp_path, "older"))
    older.must("migrate", "exports", "0003", "--verbosity", "0")
    older.must("migrate", "django_rq", "--verbosity", "0")
    content = b"a line\n" * 400_000
    with closing(sqlite3.connect(older.folder / "stillup.sqlite3")) as database, database:
        now = "2026-03-01 12:00:00"
        database.execute(
            "INSERT INTO reports_campaign (id, slug, name, description, minimum_n, created_at) "
            "VALUES (7, 'models', 'Models', '', 5, ?)",
            [now],
        )
        database.execute(
            "INSERT INTO exports_edition (id, number, title, note, findings, as_of, made_at, campaign_id) "
            "VALUES (3, 1, 'Models', '', '{}', ?, ?, 7)",
            [now, now],
        )
        database.execute(
            "INSERT INTO exports_editionfile (name, media_type, public, size, sha256, packed, edition_id) "
            "VALUES ('items.csv', 'text/csv', 1, ?, ?, ?, 3)",
            [len(content), sha256(content).hexdigest(), zlib.compress(content)],
        )
    file = tmp_path / "older.backup"
    older.must("backup", str(file))
    with file.open("rb") as source:
        restore(source)
    pieces = EditionPiece.objects.order_by("number").values_list("packed", flat=True)
    assert len(pieces) > 1
    assert b"".join(zlib.decompress(piece) for piece in pieces) == content
    with pytest.raises(CommandError, match="not empty"):
        call_command("restore", str(file))


# ---------------------------------------------------------------------------------------------- what is in it


def test_it_works(campaign: Campaign) -> None:
    content, before = backup(), held()
    header, found = check_backup(io.BytesIO(content))
    assert found.rows == header.rows == sum(table["rows"] for table in before.values())
    restored = restore(io.BytesIO(content), replace=True)
    assert restored == found
    assert held() == before
    item = campaign.reports.get().items.get()
    assert (item.labels, item.note) == (list(HOSTILE), "\n".join(HOSTILE))


def test_nobody_is_signed_in_after_a_restore(campaign: Campaign) -> None:
    content = backup()
    assert "django_session" not in json.loads(files_in(content)["sums.json"])
    restore(io.BytesIO(content), replace=True)
    assert not SessionStore.get_model_class().objects.exists()


def test_new_rows_are_numbered_after_those_that_were_restored(campaign: Campaign) -> None:
    restore(io.BytesIO(backup()), replace=True)
    assert make_campaign("another").pk > campaign.pk
    make_item(make_report(campaign), make_target())


def test_what_is_written_meanwhile_is_not_in_it(campaign: Campaign) -> None:
    class Slow(io.BytesIO):
        """Something is recorded once the first byte of the backup is there."""

        def write(self, content: Any, /) -> int:
            if not self.tell():
                writer = Thread(target=self.record)
                writer.start()
                writer.join()
            return super().write(content)

        def record(self) -> None:
            try:
                make_campaign("later")
            finally:
                connection.close()

    out = Slow()
    write_backup(out)
    assert Campaign.objects.filter(slug="later").exists()
    restore(io.BytesIO(out.getvalue()), replace=True)
    assert list(Campaign.objects.all()) == [campaign]


def test_large_tables_are_written_in_parts(campaign: Campaign) -> None:
    campaign.description = "x" * PART
    campaign.save()
    make_campaign("another")
    content = backup()
    assert {"rows/reports_campaign/000001.jsonl", "rows/reports_campaign/000002.jsonl"} <= set(
        files_in(content)
    )
    before = held()
    restore(io.BytesIO(content), replace=True)
    assert held() == before


# ------------------------------------------------------------------------------------ what cannot be restored


def _cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _without_its_last_file(content: bytes) -> bytes:
    files = files_in(content)
    del files["sums.json"]
    return packed(files)


def _with_another_row(content: bytes) -> bytes:
    files = files_in(content)
    name = "rows/reports_campaign/000001.jsonl"
    return packed({**files, name: files[name].replace(b"Example Models", b"Example Modules")})


def _of_a_newer_version(content: bytes) -> bytes:
    files = files_in(content)
    header = json.loads(files["backup.json"])
    header["migrations"].append("checks.9999_what_comes")
    return packed({**files, "backup.json": json.dumps(header).encode()})


def _in_a_newer_form(content: bytes) -> bytes:
    files = files_in(content)
    header = json.loads(files["backup.json"])
    return packed({**files, "backup.json": json.dumps({**header, "version": 2}).encode()})


def _with_more_after_it(content: bytes) -> bytes:
    return packed({**files_in(content), "more": b""})


def _encrypted(content: bytes) -> bytes:
    return b"age-encryption.org/v1\n" + bytes(byte ^ 0x5A for byte in content)


def _another_archive(content: bytes) -> bytes:
    return packed({"README": b"Hello."})


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (_cut, "cut off or damaged"),
        (_without_its_last_file, "its end is missing"),
        (_with_another_row, "rows of reports_campaign are not those"),
        (_of_a_newer_version, "newer version of Still Up: it has the migration checks.9999_what_comes"),
        (_in_a_newer_form, "made by a newer version"),
        (_with_more_after_it, "stands after the end"),
        (_encrypted, "If it is encrypted, decrypt it first"),
        (_another_archive, "no backup of Still Up"),
    ],
)
def test_what_is_not_whole_leaves_the_record_as_it_was(
    spoil: Callable[[bytes], bytes], sentence: str, campaign: Campaign
) -> None:
    before = held()
    with pytest.raises(UnusableBackup, match=sentence):
        restore(io.BytesIO(spoil(backup())), replace=True)
    assert held() == before


def test_a_record_that_holds_something_is_only_replaced_when_asked(
    campaign: Campaign, tmp_path: Path
) -> None:
    file = tmp_path / "a.backup"
    call_command("backup", str(file), stderr=io.StringIO())
    before = held()
    with pytest.raises(CommandError, match="not empty"):
        call_command("restore", str(file))
    make_campaign("later")
    call_command("restore", str(file), replace=True, stdout=io.StringIO())
    assert held() == before


def test_a_record_whose_ledger_does_not_hold_is_not_restored_unawares(campaign: Campaign) -> None:
    content, before = backup(), held()
    Check.objects.filter(number=1).update(reason="gone")
    forged = backup()
    restore(io.BytesIO(content), replace=True)
    with pytest.raises(LedgerDoesNotHold, match="check 1 of target"):
        restore(io.BytesIO(forged), replace=True)
    assert held() == before
    restore(io.BytesIO(forged), replace=True, with_faults=True)
    assert Check.objects.get(number=1).reason == "gone"


def test_a_disk_that_fills_up_leaves_no_half_of_a_backup(
    campaign: Campaign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = tmp_path / "there.backup"
    there.write_bytes(b"the one of yesterday")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(CommandError, match=r"Cannot write to .*: File too large"):
            call_command("backup", str(there))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [b"the one of yesterday"]


def test_an_output_that_takes_no_more_gets_a_sentence(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    """/dev/full is a disk without room (Linux, full(4))."""
    with io.TextIOWrapper(io.FileIO("/dev/full", "w")) as full:  # type: ignore[type-var]
        monkeypatch.setattr(sys, "stdout", full)
        with pytest.raises(CommandError, match="Cannot write the backup: No space left on device"):
            call_command("backup", "-")
