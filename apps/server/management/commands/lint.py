"""`manage.py lint`: everything that is inspected without running the program, in one command."""

from __future__ import annotations

import io
import subprocess
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import CommandError, call_command
from django.core.management.base import BaseCommand, SystemCheckError

SCRIPTS = Path(sysconfig.get_path("scripts"))  # the folder of this Python's own commands
PROGRAM = ["apps", "config", "manage.py"]
CODE = [*PROGRAM, "tests", "benchmarks"]


class Command(BaseCommand):
    help = "Inspect code, types, migrations and templates. Exits with 1 if something is to be mended."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        steps: dict[str, Callable[[], bool]] = {
            "ruff check": lambda: self._tool("ruff", "check", *CODE),
            "ruff format": lambda: self._tool("ruff", "format", "--check", *CODE),
            "bandit": lambda: self._tool("bandit", "-q", "-c", "pyproject.toml", "-r", *PROGRAM),
            "mypy": lambda: self._tool("mypy", *PROGRAM, "benchmarks"),
            "djade": lambda: self._tool("djade", "--target-version", "5.2", "--check", *self._templates()),
            "migrations": lambda: self._django("makemigrations", "--check", "--dry-run"),
            "django": lambda: self._django("check", "--fail-level", "WARNING"),
        }
        self._require("ruff", "bandit", "mypy", "djade")
        failed = []
        for name, passes in steps.items():
            self.stdout.write(f"{name} ... ", ending="")
            self.stdout.flush()
            if not passes():
                failed.append(name)
        if failed:
            raise CommandError(f"To be mended: {', '.join(failed)}.")

    def _require(self, *tools: str) -> None:
        missing = [tool for tool in tools if not (SCRIPTS / tool).exists()]
        if missing:
            raise CommandError(
                f"Not installed: {', '.join(missing)}. Run: "
                "pip install -c constraints.txt -e '.[test]' with this Python's pip."
            )

    def _templates(self) -> list[str]:
        return sorted(map(str, (settings.BASE_DIR / "templates").rglob("*.html")))

    def _tool(self, name: str, *arguments: str) -> bool:
        finished = subprocess.run(
            [SCRIPTS / name, *arguments],
            cwd=settings.BASE_DIR,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return self._say(finished.returncode == 0, finished.stdout)

    def _django(self, *command: str) -> bool:
        output = io.StringIO()
        try:
            call_command(*command, stdout=output, stderr=output)
        except SystemExit as ending:
            return self._say(not ending.code, output.getvalue())
        except (CommandError, SystemCheckError) as error:
            return self._say(False, f"{output.getvalue()}{error}")
        return self._say(True, output.getvalue())

    def _say(self, passed: bool, output: str) -> bool:
        self.stdout.write(self.style.SUCCESS("good") if passed else self.style.ERROR("to be mended"))
        if not passed:
            self.stdout.write(output.rstrip())
        return passed
