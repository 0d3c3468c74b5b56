"""Sites that a test has to itself, and pages in a real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page
from pytest_django.live_server_helper import LiveServer

from .browser import Open
from .site import Site, fresh_site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A migrated site with a database of its own, driven by commands."""
    with fresh_site(tmp_path) as made:
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
