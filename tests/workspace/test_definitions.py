"""The page that says what each figure means."""

from __future__ import annotations

import html

import pytest

from apps.metrics.definitions import DEFINITIONS, EXCLUSIONS
from tests.workspace.conftest import Team

pytestmark = pytest.mark.django_db
PATH = "/workspace/definitions/"


def test_every_figure_has_its_place_and_everything_that_is_defined_of_it(team: Team) -> None:
    page = html.unescape(team.client("stranger").get(PATH).content.decode())
    for name, each in DEFINITIONS.items():
        assert f'<section id="{name}"' in page
        for words in (each.title, each.meaning, each.formula, each.unit, each.population, each.exclusions):
            assert words in page
        assert each.source in page
    for _, words in EXCLUSIONS.values():
        assert words in page


def test_what_a_chart_means_is_one_click_away(team: Team) -> None:
    page = team.client("viewer").get("/workspace/example-models/figures/").content.decode()
    places = set(team.client("viewer").get(PATH).content.decode().split('id="'))
    for link in page.split(f'href="{PATH}#')[1:]:
        name = link.split('"')[0]
        assert any(place.startswith(f'{name}"') for place in places), name
