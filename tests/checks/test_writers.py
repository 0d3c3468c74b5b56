"""Ten writers at once on SQLite, in a file as a site has it, wait for each other, and nothing is lost."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent.parent
WRITERS, ROUNDS, TARGETS = 10, 6, 8

SCRIPT = f"""
import threading
import django
django.setup()
from django.core.management import call_command
from django.db import connection
call_command("migrate", verbosity=0)
from apps.checks import ledger
from apps.checks.models import Check, Target
from apps.checks.outcomes import Outcome
from apps.checks.recording import append
from tests.checks.making import check, make_targets

assert connection.settings_dict["NAME"].name == "stillup.sqlite3"
targets = make_targets(*(f"target-{{number}}" for number in range({TARGETS})))
together = threading.Barrier({WRITERS})
problems = []

def write(writer):
    try:
        together.wait()
        for round in range({ROUNDS}):
            # Each writer has moments of its own, many of them earlier than what the others have written.
            hours = round + writer / 100
            append(check(target, hours, Outcome.AVAILABLE) for target in targets)
    except Exception as error:
        problems.append(repr(error))
    finally:
        connection.close()

writers = [threading.Thread(target=write, args=[writer]) for writer in range({WRITERS})]
for one in writers:
    one.start()
for one in writers:
    one.join()
assert problems == [], problems
assert Check.objects.count() == {WRITERS * ROUNDS * TARGETS}
assert list(ledger.verify()) == []
for target in Target.objects.all():
    moments = set(target.checks.values_list("finished_at", flat=True))
    assert len(moments) == target.check_count == {WRITERS * ROUNDS}
    assert target.last_check_at == max(moments)
print("nothing is lost")
"""


def test_ten_writers_at_once_wait_for_each_other_and_lose_nothing(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "DEMO"}}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=REPOSITORY,
        env={**environment, "VAR_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "config.settings"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "nothing is lost\n", done.stderr
