"""How allauth behaves here: nobody registers by themselves, and messages say what to do."""

from __future__ import annotations

import logging
import smtplib
from typing import Any, ClassVar
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from .models import Person

log = logging.getLogger(__name__)

NOT_SENT = (OSError, smtplib.SMTPException)
"""What is raised where the mail server cannot be reached, or takes nothing."""

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

    # What is sent by mail names the site as its settings do. The host of a request is the visitor's own word,
    # and may be any that ALLOWED_HOSTS lets through: with ".example.org", somebody else's, too.

    def get_reset_password_from_key_url(self, key: str) -> str:
        """The address that the mail for a new password holds."""
        uidb36, _, rest = key.partition("-")
        path = reverse("account_reset_password_from_key", kwargs={"uidb36": uidb36, "key": rest})
        return f"{settings.SITE_URL}{path}"

    def format_email_subject(self, subject: str) -> str:
        """The subject, after the site's name."""
        return f"[{_site_name()}] {subject}"

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send a mail of a template."""
        site = {"name": _site_name(), "domain": _site_name()}
        super().send_mail(template_prefix, email, {**context, "current_site": site})

    def send_notification_mail(
        self,
        template_prefix: str,
        user: Person,
        context: dict[str, Any] | None = None,
        email: str | None = None,
    ) -> None:
        """Tell somebody that their account was changed. Trouble with mail undoes no change, and is logged."""
        account = {"account_url": f"{settings.SITE_URL}{reverse('account')}"}
        try:
            super().send_notification_mail(
                template_prefix, user, {**(context or {}), **account}, email or user.email
            )
        except NOT_SENT as error:
            log.warning("An e-mail about a change of an account could not be sent: %s.", type(error).__name__)


def _site_name() -> str:
    return urlsplit(settings.SITE_URL).netloc
