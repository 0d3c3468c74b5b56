"""What tests in a real browser share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.resources import files
from typing import Any, Literal

from django.conf import settings as site_settings
from django.test import Client
from playwright.sync_api import Page, expect

from apps.accounts.models import Person

WIDTHS = [360, 1280]
SCHEMES: list[Literal["light", "dark"]] = ["light", "dark"]
AXE = (files("axe_playwright_python") / "axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
Open = Callable[..., Page]
Keep = Callable[[Page, str], None]


def sign_in(page: Page) -> None:
    """Put a session's cookie into the browser; one test signs in by the form, as people do."""
    client = Client()
    client.force_login(Person.objects.get(email="anna@example.org"))
    session = client.cookies[site_settings.SESSION_COOKIE_NAME]
    page.context.add_cookies([{"name": session.key, "value": session.value, "url": page.url}])


def at_widths(page: Page, *widths: int) -> Iterator[int]:
    """Gives the page's window each width in turn, without asking for the page again; at last the first."""
    for width in widths:
        page.set_viewport_size({"width": width, "height": 800})
        yield width
    page.set_viewport_size({"width": widths[0], "height": 800})


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


def drawn(page: Page) -> None:
    """Scroll through the page until each of its charts is drawn."""
    for place in page.locator(".chart-plot").all():
        place.scroll_into_view_if_needed()
        expect(place.locator(".main-svg").first).to_be_attached(timeout=20_000)


def broken_rules(page: Page) -> list[Any]:
    """The rules of WCAG, and axe's own of good practice, that the page breaks, each with some places.

    Everything that can be opened is opened first. The page's own policy must let axe in (`bypass_csp`). Of
    what is right axe is not asked for the particulars, which takes it a seventh of its time.
    """
    page.evaluate("document.querySelectorAll('details').forEach((it) => { it.open = true })")
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    found: list[Any] = page.evaluate(
        "(tags) => axe.run({ runOnly: tags, resultTypes: ['violations'] }).then((all) => all.violations"
        ".map((one) => [one.id, one.nodes.map((node) => node.target.join(' ')).slice(0, 5)]))",
        RULES,
    )
    return found
