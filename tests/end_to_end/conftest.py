"""Sites that a test has to itself, and pages in a real browser."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page
from pytest_django.live_server_helper import LiveServer

from tests.databases import SECOND_RUN
from tests.migrated import Migrated

from .browser import Keep, Open
from .site import Site, fresh_site


@pytest.fixture
def site(tmp_path: Path, migrated: Migrated) -> Iterator[Site]:
    """A migrated site with a database of its own, driven by commands."""
    with fresh_site(tmp_path, migrated) as made:
        yield made


@pytest.fixture
def open_page(live_server: LiveServer, new_context: Callable[..., BrowserContext]) -> Iterator[Open]:
    """Opens pages that must make no error, break no policy, and ask no other origin; checked at the end."""
    problems: list[str] = []

    def open_one(path: str = "/", *, width: int = 1280, **options: Any) -> Page:
        context = new_context(
            base_url=live_server.url, viewport={"width": width, "height": 800}, locale="en-GB", **options
        )
        page = context.new_page()
        page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on(
            "request",
            lambda asked: None if asked.url.startswith(live_server.url) else problems.append(asked.url),
        )
        page.goto(path)
        return page

    yield open_one
    assert problems == []


@pytest.fixture
def keep(pytestconfig: pytest.Config) -> Keep:
    """Keeps a picture of a whole page under a name, its width and its colours, for people to look at.

    In the folder of `--output`. Pages look the same on each database: the second run keeps none.
    """
    folder = Path(pytestconfig.getoption("--output")) / "screenshots"

    def keep_one(page: Page, name: str) -> None:
        if SECOND_RUN in os.environ:
            return
        page.evaluate("window.scrollTo(0, 0)")  # else the heads of tables stand at their feet
        width = page.evaluate("window.innerWidth")
        dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
        file = folder / f"{name}-{width}-{'dark' if dark else 'light'}.jpg"  # twice as fast as a PNG
        page.screenshot(path=file, full_page=True, quality=80)

    return keep_one
