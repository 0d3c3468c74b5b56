"""What tests in a real browser share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from django.conf import settings as site_settings
from django.test import Client
from playwright.sync_api import Page

from apps.accounts.models import Person

WIDTHS = [360, 1280]
SCHEMES: list[Literal["light", "dark"]] = ["light", "dark"]
Open = Callable[..., Page]
Keep = Callable[[Page, str], None]


def sign_in(page: Page) -> None:
    """Put a session's cookie into the browser; one test signs in by the form, as people do."""
    client = Client()
    client.force_login(Person.objects.get(email="anna@example.org"))
    session = client.cookies[site_settings.SESSION_COOKIE_NAME]
    page.context.add_cookies([{"name": session.key, "value": session.value, "url": page.url}])


def fits(page: Page) -> bool:
    """Whether nothing is wider than the window, nor a table wider than what holds it.

    Asked when the page has all its styles: words are there before them.
    """
    page.wait_for_load_state()
    return bool(
        page.evaluate(
            "document.documentElement.scrollWidth <= window.innerWidth"
            " && [...document.querySelectorAll('table:not(.preview)')]"
            ".every((table) => table.offsetWidth <= table.parentElement.offsetWidth)"
        )
    )
