"""One list says what each figure means; pages, codebook and JSON cannot say anything else."""

from __future__ import annotations

from pathlib import Path

import pytest

from apps.metrics.definitions import DEFINITIONS, EXCLUSIONS
from apps.metrics.population import Exclusion
from apps.metrics.summary import summarise
from apps.metrics.summary_json import summary_json
from tests.factories import make_campaign, make_item, make_report


@pytest.mark.django_db
def test_every_figure_of_the_json_is_defined_and_every_definition_is_a_figure() -> None:
    campaign = make_campaign()
    make_item(make_report(campaign))
    said = summary_json(summarise(campaign))
    figures = (set(said["groups"][0]) | {"comparison"}) - {"by", "problem"}
    assert figures == set(DEFINITIONS) == set(said["definitions"])


def test_every_reason_to_leave_an_item_out_has_words() -> None:
    assert set(EXCLUSIONS) == set(Exclusion) - {Exclusion.NONE}


def test_a_definition_is_complete() -> None:
    for definition in DEFINITIONS.values():
        for part in (definition.title, definition.formula, definition.unit, definition.population):
            assert part, definition.name
        assert definition.meaning.endswith("."), definition.name


def test_the_codebook_has_every_figure_as_it_is_defined(repository: Path) -> None:
    text = (repository / "docs" / "codebook.md").read_text()
    lines = text.split("\n## Figures\n")[1].splitlines()
    assert [line for line in lines if line.startswith("| `")] == [
        f"| `{each.name}` | {each.meaning} | {each.formula} | {each.unit} | {each.population} "
        f"| {each.exclusions} | {each.source} |"
        for each in DEFINITIONS.values()
    ]


def test_the_page_about_the_json_names_every_key_of_a_group(repository: Path) -> None:
    text = (repository / "docs" / "summary.md").read_text()
    assert [name for name in DEFINITIONS if f"`{name}`" not in text] == []
