"""What `serve --demo` changes: a database of its own, a fast clock, and a platform on this machine."""

from __future__ import annotations

import fcntl
import os
from datetime import timedelta
from pathlib import Path
from typing import TextIO

from django.conf import settings

from apps.core import clock
from apps.server.parts import CannotServe

SPEED = 14_400  # 30 days in 3 minutes
START_IN = timedelta(seconds=3)  # until the parts are up; the story begins then
DEFINITION = Path("apps") / "demo" / "definitions" / "example-models.toml"


def environment(*, port: int) -> dict[str, str]:
    """What the environment of the parts adds. A clock that somebody has set already stays."""
    return {
        "DEMO": "1",
        "CLOCK_ORIGIN": os.environ.get("CLOCK_ORIGIN") or (clock.wall() + START_IN).isoformat(),
        "CLOCK_SPEED": os.environ.get("CLOCK_SPEED") or str(SPEED),
        "CHECK_ALLOW_NETWORKS": "127.0.0.0/8",
        "CHECK_ALLOW_PORTS": f"{port},{port + 1}",
        "CHECK_HOST_INTERVAL": "0",
        "CHECK_HOST_CONCURRENCY": "4",
        "CHECK_TICK_SECONDS": "1",
        "CHECK_PROXY": "",  # no proxy reaches this machine's loopback
        "CHECK_PROXY_FILE": "",
        "PLATFORM_DEFINITION_DIRS": str(_definitions_for(port)),
    }


def _definitions_for(port: int) -> Path:
    """A folder with the definition of the simulated platform as it runs on `port`."""
    folder: Path = settings.VAR_DIR / "demo-definitions"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    source = settings.BASE_DIR / DEFINITION
    (folder / source.name).write_text(source.read_text().replace("127.0.0.1:8765", f"127.0.0.1:{port}"))
    return folder


def lock() -> TextIO:
    """Hold the demo's files for this process, as long as the returned file is open.

    Raises CannotServe if another demo holds them: its database must not be moved away under it.
    """
    held = (settings.VAR_DIR / "demo.lock").open("w")
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        held.close()
        raise CannotServe(
            f"Another demo runs with the files in {settings.VAR_DIR}. Stop it first, or set VAR_DIR to "
            "another folder."
        ) from error
    return held


def put_previous_database_aside() -> None:
    """Keep the database of the last demo as demo.previous.sqlite3; this one begins anew."""
    database = Path(settings.DATABASES["default"]["NAME"])
    previous = database.with_suffix(".previous.sqlite3")
    for ending in ("", "-wal", "-shm"):  # SQLite's own files beside it
        Path(f"{previous}{ending}").unlink(missing_ok=True)
        if (current := Path(f"{database}{ending}")).exists():
            current.rename(f"{previous}{ending}")
