"""Who has a second factor, and which pages there are without one where `REQUIRE_MFA` is on."""

from __future__ import annotations

from allauth.mfa import app_settings
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db.models import QuerySet
from django.urls import ResolverMatch

from .models import Person

# Recovery codes only stand in for one of these.
FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)

# Every other address is closed to whoever has no second factor: a new page has nothing to remember. Only what
# leads to a second factor, or away, belongs here, and what anybody may see.
OPEN_PAGES = frozenset(
    {
        "sign_in_link",
        "account",
        "account_change_password",
        "account_inactive",
        "account_login",
        "account_logout",
        "account_reauthenticate",
        "account_reset_password",
        "account_reset_password_done",
        "account_reset_password_from_key",
        "account_reset_password_from_key_done",
        "account_set_password",
        "account_signup",
        "mfa_activate_totp",
        "mfa_add_webauthn",
        "mfa_authenticate",
        "mfa_index",
        "mfa_login_webauthn",
        "mfa_reauthenticate",
        "mfa_reauthenticate_webauthn",
        "usersessions_list",
        "public:front",
        "public:checker",
        "public:robots",
        "public:sitemap",
        "workspace:no_more_mails",  # for whoever holds the link, signed in or not
    }
)
PUBLIC_PAGES_OF_CAMPAIGNS = "c/<slug:slug>/"


def factors_of(person: Person) -> QuerySet[Authenticator]:
    """A person's second factors: their app for codes, and their passkeys."""
    owned: QuerySet[Authenticator] = Authenticator.objects.filter(user=person, type__in=FACTORS)
    return owned


def has_second_factor(person: Person) -> bool:
    """Whether a password is not enough to sign in as `person`."""
    return factors_of(person).exists()


def may_remove(factor: Authenticator) -> bool:
    """Whether its owner may do without this second factor."""
    return not settings.REQUIRE_MFA or factors_of(factor.user).exclude(pk=factor.pk).exists()


def is_open_without(match: ResolverMatch) -> bool:
    """Whether somebody who has to set up a second factor first may see this address before."""
    return match.view_name in OPEN_PAGES or match.route.startswith(PUBLIC_PAGES_OF_CAMPAIGNS)


def recovery_codes_left(codes: Authenticator) -> int:
    """How many of a set of recovery codes are not used yet, without decrypting them."""
    return int(app_settings.RECOVERY_CODE_COUNT) - int(codes.data["used_mask"]).bit_count()
