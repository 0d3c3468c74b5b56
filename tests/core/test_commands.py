"""Commands on a database that is new, old, or not there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


def run(
    repository: Path, folder: Path, *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=repository,
        env={**kept, "VAR_DIR": str(folder), **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_list_of_ones_own_works_on_a_clean_copy(repository: Path, tmp_path: Path) -> None:
    """Import, recheck and status, with nothing run before them. Nothing public is asked."""
    listed = tmp_path / "list.txt"
    listed.write_text("http://127.0.0.1:9/a\nhttp://127.0.0.1:9/b\n")
    allowed = {"CHECK_ALLOW_NETWORKS": "127.0.0.0/8", "CHECK_ALLOW_PORTS": "9", "CHECK_HOST_INTERVAL": "0"}
    commands = [
        ("import_reports", str(listed), "--campaign", "mine", "--create"),
        ("recheck", "--campaign", "mine"),
        ("status", "mine"),
        ("verify_ledger",),
    ]
    said = [run(repository, tmp_path / "var", *command, **allowed) for command in commands]
    assert [one.returncode for one in said] == [0, 0, 0, 0], [one.stderr for one in said]
    assert "rows 2  created 2  duplicates 0  rejected 0" in said[0].stdout
    assert "checks 2  available 0  restricted 0  removed 0  inconclusive 2" in said[1].stdout
    assert said[2].stdout.count("refused") == 2
    assert "2 checks of 2 targets hold" in said[3].stdout


def test_what_is_known_of_a_platform_and_cannot_be_used_stops_a_command(
    repository: Path, tmp_path: Path
) -> None:
    """Such a file would leave out what it says, and items would be judged by less."""
    broken = tmp_path / "definitions"
    broken.mkdir()
    (broken / "example.toml").write_text('slug = "example"\n')
    done = run(repository, tmp_path / "var", "recheck", PLATFORM_DEFINITION_DIRS=str(broken))
    assert done.returncode == 1
    assert "example.toml" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_old_database_is_not_changed_in_passing(repository: Path, tmp_path: Path) -> None:
    assert run(repository, tmp_path, "migrate", "accounts").returncode == 0
    done = run(repository, tmp_path, "status", "mine")
    assert done.returncode == 1
    assert done.stderr.strip() == (
        "CommandError: The database is older than the program. Run: manage.py migrate"
    )


@pytest.mark.parametrize("command", [("status", "mine"), ("recheck",), ("verify_ledger",)])
def test_a_database_that_does_not_answer_is_one_sentence(
    repository: Path, tmp_path: Path, command: tuple[str, ...]
) -> None:
    done = run(repository, tmp_path, *command, DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert done.returncode == 1
    assert done.stderr.startswith("CommandError: The database does not answer: ")
    assert done.stderr.strip().endswith("Start PostgreSQL, or correct DATABASE_URL.")
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("command", [("status", "mine"), ("serve", "--port", "1")])
def test_a_fast_clock_has_to_say_from_when_on(
    repository: Path, tmp_path: Path, command: tuple[str, ...]
) -> None:
    done = run(repository, tmp_path, *command, CLOCK_SPEED="50")
    assert done.returncode == 1
    assert done.stderr.startswith("CommandError: CLOCK_SPEED needs CLOCK_ORIGIN, from when on the clock runs")
