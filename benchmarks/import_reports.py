"""How long a list takes, and how much memory: `python benchmarks/import_reports.py [rows]`.

Makes a fictional list, imports it into a new SQLite database (or into the one that DATABASE_URL names: take
an empty one) with `manage.py import_reports`, and imports it again, when every row is a duplicate.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
HOSTS = ("https://huggingface.co/user-{}/model-{}", "https://models.example.org/{}/{}")


def write_list(file: Path, rows: int) -> None:
    """A list with dates, three channels and forty references; one row in ten tells of a removal."""
    with file.open("w") as out:
        out.write("url,reported_at,channel,reference,labels,note,removed_at\n")
        for number in range(rows):
            url = HOSTS[number % len(HOSTS)].format(number % 997, number)
            reported = f"2025-{number % 12 + 1:02d}-{number % 28 + 1:02d} {number % 24:02d}:{number % 60:02d}"
            removed = "2026-01-15 10:00" if number % 10 == 0 else ""
            channel = ("web form", "e-mail", "api")[number % 3]
            out.write(f'{url},{reported},{channel},R-{number % 40},"a;b","a note, quoted",{removed}\n')


def timed(environment: dict[str, str], *arguments: str) -> str:
    """Run a command; what it printed, its seconds and its peak memory."""
    began = time.monotonic()
    with subprocess.Popen(
        [sys.executable, "manage.py", *arguments],
        cwd=REPOSITORY,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None  # noqa: S101
        said = " / ".join(process.stdout.read().splitlines())
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return (
        f"{said}: {time.monotonic() - began:.1f} s, {usage.ru_utime + usage.ru_stime:.1f} s of it computing, "
        f"{usage.ru_maxrss / 1024:.0f} MB\n"
    )


def main() -> None:
    """Import twice and say how it went."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "VAR_DIR": folder}
        file = Path(folder) / "list.csv"
        write_list(file, rows)
        timed(environment, "migrate", "--verbosity", "0")
        for _ in range(2):
            sys.stdout.write(
                timed(environment, "import_reports", str(file), "--campaign", "benchmark", "--create")
            )
            sys.stdout.flush()


if __name__ == "__main__":
    main()
