"""The page that says in words whether the site does its work."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from apps.checks.beats import What, beat
from apps.checks.models import Pause
from apps.checks.outcomes import Trouble
from apps.checks.services import keep_definition_stale
from apps.core import clock
from tests.workspace.conftest import Team


@pytest.fixture(autouse=True)
def no_queue(settings: Any) -> None:
    settings.REDIS_URL = ""


def page(team: Team, who: str, path: str = "/workspace/system/") -> str:
    return team.client(who).get(path).content.decode()


@pytest.fixture
def paused(team: Team) -> None:
    beat(*What)
    now = clock.wall()
    Pause.objects.create(
        since=now - timedelta(minutes=5),
        why=Trouble.SILENT,
        platforms=3,
        noticed_at=clock.wall(),
        look_at=clock.wall(),
    )


def test_all_in_order_says_so_with_figures(team: Team) -> None:
    beat(*What)
    text = page(team, "administrator")
    assert "Everything is in order." in text
    assert "The database answers." in text
    assert "0 URLs, 0 of them due" in text
    assert "The checker looked what is due" in text


@pytest.mark.usefixtures("paused")
def test_a_pause_is_told_with_what_to_do(team: Team) -> None:
    text = page(team, "administrator")
    assert "The site does not do all of its work." in text
    assert "our own line seems to be down. When it began, nothing comes back" in text
    assert "Look whether the machine that checks reaches the internet" in text


@pytest.mark.usefixtures("paused")
def test_members_read_what_concerns_them_and_no_more(team: Team) -> None:
    text = page(team, "viewer")
    assert "our own line seems to be down" in text
    for told_to_administrators in ("Look whether the machine", "VAR_DIR", "The database answers", "Figures"):
        assert told_to_administrators not in text


@pytest.mark.usefixtures("paused")
def test_everybody_is_told_where_they_begin(team: Team) -> None:
    home = page(team, "figures", "/workspace/")
    assert "Nothing is checked: our own line to the internet seems to be down." in home
    Pause.objects.update(ended_at=clock.now())
    assert "Nothing is checked" not in page(team, "figures", "/workspace/")


def test_a_stale_definition_leads_to_its_page(team: Team) -> None:
    beat(*What)
    keep_definition_stale(platform="github")
    text = page(team, "administrator")
    assert "Somebody should look at what follows." in text
    assert 'href="/workspace/platforms/stale/"' in text


def test_only_administrators_are_led_there(team: Team) -> None:
    assert 'href="/workspace/system/"' in page(team, "administrator", "/workspace/")
    assert 'href="/workspace/system/"' not in page(team, "owner", "/workspace/")
