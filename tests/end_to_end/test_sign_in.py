"""An invitation, a passkey, and signing in with it, in a real browser that holds a virtual key."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from pytest_django.fixtures import Settings

from apps.accounts.models import Person
from apps.accounts.sign_in import sign_in_link

from .browser import Keep, Open, fits

pytestmark = pytest.mark.django_db(transaction=True)


def plug_in_a_key(page: Page) -> None:
    """Give the browser a device that keeps passkeys, and whose owner says yes to everything."""
    tools = page.context.new_cdp_session(page)
    tools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    tools.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def test_somebody_invited_makes_a_passkey_and_signs_in_with_it(
    open_page: Open, keep: Keep, settings: Settings
) -> None:
    settings.REQUIRE_MFA = True
    newcomer = Person.objects.create_user("new@example.org")
    page = open_page(sign_in_link(newcomer), width=360)
    plug_in_a_key(page)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="a passkey instead").click()
    page.get_by_label("Name").fill("Example key")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    assert fits(page)
    page.get_by_role("link", name="Second factors").click()
    expect(page.get_by_role("row", name="Example key")).to_contain_text("signs you in alone")
    assert fits(page)
    keep(page, "account-second-factors")

    page.get_by_role("button", name="Sign out").click()
    page.goto("/sign-in/?next=/workspace/platforms/")
    keep(page, "account-sign-in")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", name="Platforms", exact=True)).to_be_visible()

    # With a link it is the second step, and a new one may not be made by whoever only finds the browser open.
    page.get_by_role("button", name="Sign out").click()
    newcomer.refresh_from_db()
    page.goto(sign_in_link(newcomer))
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Use your passkey").click()
    expect(page.get_by_text("You are not a member of a campaign yet.")).to_be_visible()
    page.goto("/account/second-factors/passkeys/add/")
    expect(page.get_by_role("heading", name="Confirm that it is you")).to_be_visible()
    page.get_by_role("link", name="with your passkey").click()
    page.get_by_role("button", name="Use your passkey").click()
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_text("is on your account already")).to_be_visible()
