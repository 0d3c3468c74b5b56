"""How allauth behaves here: nobody registers by themselves, and messages say what to do."""

from __future__ import annotations

from typing import ClassVar

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest
from django.urls import reverse

# As long as ACCOUNT_RATE_LIMITS says.
TOO_MANY_ATTEMPTS = "Too many attempts that failed. Wait five minutes, then try again. Nothing was changed."


class InvitedPeopleOnly(DefaultAccountAdapter):  # type: ignore[misc]
    """Closes registration; an administrator invites."""

    error_messages: ClassVar[dict[str, str]] = {
        **DefaultAccountAdapter.error_messages,
        "too_many_login_attempts": TOO_MANY_ATTEMPTS,
        "rate_limited": TOO_MANY_ATTEMPTS,
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Never."""
        return False

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        """After a password was set or changed: what else there is to do for one's account."""
        return reverse("account")
