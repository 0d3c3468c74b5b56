"""The closed lists: what people are told, and how."""

from __future__ import annotations

from django.db.models import TextChoices

from apps.accounts.roles import Action, may


class Kind(TextChoices):
    """What happened. A new word here is a change to docs/notifications.md, too."""

    REMOVED = "removed", "Items are no longer accessible"
    RETURNED = "returned", "Items are accessible again after a removal"
    DEADLINE_PASSED = "deadline_passed", "A deadline passed for items that do not look gone"
    CLAIM_CONTRADICTED = "claim_contradicted", "Items that the platform said it removed were seen there later"
    DEFINITION_STALE = "definition_stale", "What is known of a platform is out of date"
    CHECKER_STALLED = "checker_stalled", "Nothing is being checked although checks are due"
    WEBHOOK_OFF = "webhook_off", "A webhook was switched off because it only failed"


CHOSEN = tuple(kind for kind in Kind if kind != Kind.WEBHOOK_OFF)
"""What a person or a webhook can choose. That a webhook is off is told to those who can mend it, unasked."""

OF_ITEMS = frozenset({Kind.REMOVED, Kind.RETURNED, Kind.DEADLINE_PASSED, Kind.CLAIM_CONTRADICTED})
"""Kinds that count items of a report."""


def may_hear(role: str | None, kind: str) -> bool:
    """Whether somebody of this role (None: not a member) may be told. No kind holds more than figures do."""
    return may(role, Action.MANAGE if kind == Kind.WEBHOOK_OFF else Action.COUNT)


class Mails(TextChoices):
    """When a person wants an e-mail about something."""

    OFF = "off", "no e-mail"
    AT_ONCE = "at_once", "at once"
    DAILY = "daily", "once a day"
    WEEKLY = "weekly", "once a week"


class Failure(TextChoices):
    """Why an e-mail or a webhook was not taken, as one word. The words of checks come beside these."""

    # e-mail
    MAIL_ADDRESS = "mail_address", "the mail server refused the address"
    MAIL_SIGN_IN = "mail_sign_in", "the mail server refused the sign-in"
    MAIL_TIMEOUT = "mail_timeout", "the mail server did not answer in time"
    MAIL_SERVER = "mail_server", "the mail server could not be reached or refused"
    # webhook
    REDIRECTED = "redirected", "it redirects, and redirects are not followed"
    GONE = "gone", "it says that it is gone (410)"
    ANSWERED_ERROR = "answered_error", "it answered with an error"
