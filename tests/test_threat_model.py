"""What docs/threat-model.md says is held by a file and a test is held by one that is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
MODEL = (REPOSITORY / "docs" / "threat-model.md").read_text()
NAMED = sorted(set(re.findall(r"`((?:apps|config|tests)/[\w/]+\.py)(?:::(\w+))?`", MODEL)))


@pytest.mark.parametrize(("file", "test"), NAMED)
def test_what_the_threat_model_names_is_there(file: str, test: str) -> None:
    source = (REPOSITORY / file).read_text()
    assert not test or re.search(rf"^def {test}\(", source, re.MULTILINE)


def test_each_attacker_has_what_stops_them_and_what_does_not() -> None:
    sections = dict(re.findall(r"^## (.+)\n((?:(?!## ).*\n?)+)", MODEL, re.MULTILINE))
    attackers = {name: text for name, text in sections.items() if "what stops" in text}
    assert len(attackers) == 5
    for name, text in attackers.items():
        assert "\nNot stopped" in text, name
        assert all("tests/" in row or "below" in row or "verdict" in row for row in rows_of(text)), name


def rows_of(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("| ") and "what stops" not in line]
