"""The closed lists: what one check can see, why, and what is held of a target after all its checks.

A new word here is a change to the method page and to every export, too.
"""

from __future__ import annotations

from django.db.models import TextChoices


class Outcome(TextChoices):
    """What one check saw."""

    AVAILABLE = "available", "available"
    RESTRICTED = "restricted", "restricted"  # reachable, but not by everyone
    REMOVED = "removed", "removed"
    INCONCLUSIVE = "inconclusive", "inconclusive"  # we could not tell; never counted as removed


class Reason(TextChoices):
    """Why the outcome is what it is."""

    # available
    OK = "ok", "answered as itself"
    RENAMED = "renamed", "moved to another address of the platform"
    # restricted
    GATED = "gated", "behind a request for access"
    AGE_WALL = "age_wall", "behind an age check"
    LABELLED = "labelled", "behind a warning label"
    PRIVATE = "private", "made private"
    ARCHIVED = "archived", "shown, but not for download"
    GEO_BLOCKED = "geo_blocked", "not shown where the checker stands"
    # removed
    NOT_FOUND = "not_found", "not found"
    GONE = "gone", "gone (410)"
    LEGAL = "legal", "unavailable for legal reasons"
    PLATFORM_DISABLED = "platform_disabled", "disabled by the platform"
    ACCOUNT_SUSPENDED = "account_suspended", "its account is suspended"
    UPLOADER_DELETED = "uploader_deleted", "deleted by its uploader"
    SOFT_404 = "soft_404", "a not-found page that says 200"
    PARKED = "parked", "the domain is parked or for sale"
    HOSTING_GONE = "hosting_gone", "the hosting no longer has this site"
    REDIRECTED_HOME = "redirected_home", "redirected to the home page"
    REPLACED = "replaced", "another thing is at its address"
    DOMAIN_GONE = "domain_gone", "its name is not in the DNS"
    DOMAIN_SEIZED = "domain_seized", "a notice that the domain was seized"
    # inconclusive
    MISSING_OR_PRIVATE = "missing_or_private", "missing or private: never seen, so it cannot be told"
    LOGIN_WALL = "login_wall", "behind a sign-in"
    CONSENT_WALL = "consent_wall", "behind a consent page"
    BOT_WALL = "bot_wall", "behind a bot wall"
    RATE_LIMITED = "rate_limited", "asked too often"
    FORBIDDEN = "forbidden", "refused (403)"
    SERVER_ERROR = "server_error", "server error"
    MAINTENANCE = "maintenance", "closed for maintenance"
    ERROR_ANSWER = "error_answer", "an error message that says 200"
    TIMEOUT = "timeout", "no answer in time"
    DNS_FAILURE = "dns_failure", "the name did not resolve"
    TLS_FAILURE = "tls_failure", "no trusted connection"
    CERTIFICATE_NAME = "certificate_name", "a certificate for another name"
    CERTIFICATE_EXPIRED = "certificate_expired", "a certificate that has expired"
    CERTIFICATE_ISSUER = "certificate_issuer", "a certificate that nobody trusted vouches for"
    REFUSED = "refused", "connection refused or cut"
    PROTOCOL_ERROR = "protocol_error", "the answer was not valid HTTP"
    TOO_MANY_REDIRECTS = "too_many_redirects", "redirected in a loop or too often"
    BLOCKED_ADDRESS = "blocked_address", "an address that the checker must not visit"
    NETWORK_BLOCK = "network_block", "a block page of a network or a state"
    EMPTY_ANSWER = "empty_answer", "an empty answer"
    SHELL = "shell", "a page that shows nothing of its own"
    UNKNOWN_ANSWER = "unknown_answer", "an answer that no rule covers"
    CHECKER_TOKEN = "checker_token", "the checker's own token was refused"
    CANARY_FAILED = "canary_failed", "the platform's known-good page failed too"
    STALE_DEFINITION = "stale_definition", "what is known of the platform is out of date"
    NOT_RECORDED = "not_recorded", "the recording lacks this exchange"
    CHECKER_ERROR = "checker_error", "an error of the checker itself"
    # any, by a person
    PERSON = "person", "seen by a person"


PROVES_PRESENCE = frozenset({Reason.GATED, Reason.AGE_WALL, Reason.LABELLED, Reason.PRIVATE, Reason.ARCHIVED})
"""Restricted reasons that show that the item itself is still there, unlike a wall before a whole site."""


def shows_item(outcome: Outcome | str, reason: Reason | str) -> bool:
    """Whether a check that saw this saw the item itself."""
    return outcome == Outcome.AVAILABLE or (outcome == Outcome.RESTRICTED and reason in PROVES_PRESENCE)


REASONS_OF: dict[Outcome, tuple[Reason, ...]] = {
    Outcome.AVAILABLE: (Reason.OK, Reason.RENAMED),
    Outcome.RESTRICTED: (
        Reason.GATED,
        Reason.AGE_WALL,
        Reason.LABELLED,
        Reason.PRIVATE,
        Reason.ARCHIVED,
        Reason.GEO_BLOCKED,
    ),
    Outcome.REMOVED: (
        Reason.NOT_FOUND,
        Reason.GONE,
        Reason.LEGAL,
        Reason.PLATFORM_DISABLED,
        Reason.ACCOUNT_SUSPENDED,
        Reason.UPLOADER_DELETED,
        Reason.SOFT_404,
        Reason.PARKED,
        Reason.HOSTING_GONE,
        Reason.REDIRECTED_HOME,
        Reason.REPLACED,
        Reason.DOMAIN_GONE,
        Reason.DOMAIN_SEIZED,
    ),
    Outcome.INCONCLUSIVE: (
        Reason.MISSING_OR_PRIVATE,
        Reason.LOGIN_WALL,
        Reason.CONSENT_WALL,
        Reason.BOT_WALL,
        Reason.RATE_LIMITED,
        Reason.FORBIDDEN,
        Reason.SERVER_ERROR,
        Reason.MAINTENANCE,
        Reason.ERROR_ANSWER,
        Reason.TIMEOUT,
        Reason.DNS_FAILURE,
        Reason.TLS_FAILURE,
        Reason.CERTIFICATE_NAME,
        Reason.CERTIFICATE_EXPIRED,
        Reason.CERTIFICATE_ISSUER,
        Reason.REFUSED,
        Reason.PROTOCOL_ERROR,
        Reason.TOO_MANY_REDIRECTS,
        Reason.BLOCKED_ADDRESS,
        Reason.NETWORK_BLOCK,
        Reason.EMPTY_ANSWER,
        Reason.SHELL,
        Reason.UNKNOWN_ANSWER,
        Reason.CHECKER_TOKEN,
        # Looks removed, but the comparison, the target's past or a second name server does not bear it out.
        Reason.SOFT_404,
        Reason.REDIRECTED_HOME,
        Reason.PARKED,
        Reason.HOSTING_GONE,
        Reason.DOMAIN_GONE,
        Reason.DOMAIN_SEIZED,
    ),
}
"""Which reasons what was seen of an answer may have, by outcome."""


class Status(TextChoices):
    """What we hold of a target after all its checks."""

    WAITING = "waiting", "waiting"  # no check could tell yet
    AVAILABLE = "available", "available"
    RESTRICTED = "restricted", "restricted"
    SUSPECTED = "suspected", "suspected"  # looks removed, not yet confirmed
    REMOVED = "removed", "removed"
    UNVERIFIABLE = "unverifiable", "unverifiable"  # only inconclusive for long


STATUS_ORDER = (
    Status.AVAILABLE,
    Status.RESTRICTED,
    Status.SUSPECTED,
    Status.REMOVED,
    Status.UNVERIFIABLE,
    Status.WAITING,
)
"""Statuses from "still up" by way of "gone" to "could not tell": the order of every table and chart."""


class Fault(TextChoices):
    """What is held against a definition because of how one of its canaries is read."""

    WRONG = "wrong", "read wrongly"  # a known-good URL reads removed, a known-missing one reads up
    UNTOLD = "untold", "not told for a week"  # only inconclusive


class DefinitionChange(TextChoices):
    """What happened to a definition."""

    WENT_STALE = "went_stale", "went stale"
    RECOVERED = "recovered", "its canaries are read rightly again"
    FOUND_RIGHT = "found_right", "a person looked: it is right"
    KEPT_STALE = "kept_stale", "a person looked: it is stale"


class ErasedFor(TextChoices):
    """Why an address was erased from the record. Closed: a text could hold what was to be erased."""

    CONCERNED = "concerned", "somebody concerned asked for it"
    REPORTER = "reporter", "whoever reported it asked for it"
    ORDER = "order", "a court or an authority ordered it"
    NOT_NEEDED = "not_needed", "it is no longer needed"
    MISTAKE = "mistake", "it should never have been entered"


class Trouble(TextChoices):
    """What speaks for it that our own line is down, and not what was asked."""

    SILENT = "silent", "nothing comes back from several platforms at once"
    STRANGE = "strange", "pages of several platforms that are certainly up are all read as gone"
