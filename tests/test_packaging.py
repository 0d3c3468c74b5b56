"""What a newcomer types works with what is in the repository, and with nothing else."""

from __future__ import annotations

import re
import tomllib
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from packaging.requirements import Requirement

REPOSITORY = Path(__file__).resolve().parent.parent


def commands_of_readme() -> list[str]:
    lines = (REPOSITORY / "README.md").read_text().splitlines()
    return [line.strip() for line in lines if line.startswith("    python3 -m venv")]


def normal(name: str) -> str:
    """A distribution's name as package indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pins_of_constraints() -> list[str]:
    lines = (REPOSITORY / "constraints.txt").read_text().splitlines()
    return [line for line in lines if not line.startswith("#")]


def test_continuous_integration_runs_the_readmes_test_command_and_then_lint() -> None:
    _, test_command = commands_of_readme()
    lines = [line.strip() for line in (REPOSITORY / ".ci" / "run").read_text().splitlines()]
    assert test_command in lines
    assert ".venv/bin/python manage.py lint" in lines[lines.index(test_command) :]


def test_every_dependency_is_pinned_by_name_and_version_alone() -> None:
    pins = pins_of_constraints()
    assert [pin for pin in pins if not re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.+!]*", pin)] == []

    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["test"]]
    names = {normal(re.split(r"[\[<>=~! ]", one, maxsplit=1)[0]) for one in wanted}
    assert names <= {normal(pin.partition("==")[0]) for pin in pins}


def test_what_only_the_oldest_python_needs_is_pinned_too() -> None:
    """Debian 12 has Python 3.11.2, for which redis wants one package more than for a later 3.11."""
    oldest = {"python_version": "3.11", "python_full_version": "3.11.0", "extra": ""}
    pinned = {normal(pin.partition("==")[0]) for pin in pins_of_constraints()}
    missing = set()
    for name in pinned:
        with suppress(PackageNotFoundError):
            for one in map(Requirement, requires(name) or ()):
                if one.marker is None or one.marker.evaluate(oldest):
                    missing |= {normal(one.name)} - pinned
    assert missing == set()
