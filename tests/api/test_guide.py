"""docs/api.md: each command that it shows is run against a site, and gives what it says."""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from tests.factories import make_campaign, make_person

BLOCK = re.compile(r"^```(sh|json)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"TOKEN=\$\(\S+ manage\.py (.+)\)")


def blocks(repository: Path) -> Iterator[tuple[str, Any]]:
    """Each command, with the JSON that the guide shows below it; None where it shows none."""
    found = BLOCK.findall((repository / "docs" / "api.md").read_text())
    for (kind, text), (next_kind, shown) in zip(found, [*found[1:], ("", "")], strict=True):
        if kind == "sh":
            yield text, json.loads(shown) if next_kind == "json" else None


def holds(answer: Any, shown: Any) -> bool:
    """Whether an answer has all that the guide shows of it."""
    if isinstance(shown, dict):
        return all(name in answer and holds(answer[name], value) for name, value in shown.items())
    if isinstance(shown, list):
        return len(answer) == len(shown) and all(map(holds, answer, shown))
    return bool(answer == shown)


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl on this machine")
def test_the_guides_commands_do_what_it_says(repository: Path, live_server: Any) -> None:
    make_campaign(editor=make_person("editor@example.org"))
    environment = {"PATH": os.environ["PATH"], "SITE": live_server.url, "no_proxy": "*"}
    run = 0
    for text, shown in blocks(repository):
        if command := COMMAND.match(text):
            out = io.StringIO()
            call_command(*shlex.split(command[1]), stdout=out, stderr=io.StringIO())
            environment["TOKEN"] = out.getvalue().strip()
            continue
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", text],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, text + done.stdout + done.stderr
        assert holds(json.loads(done.stdout), shown), (text, done.stdout, shown)
        run += 1
    assert run == 6
