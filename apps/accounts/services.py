"""What changes people."""

from __future__ import annotations

from dataclasses import dataclass

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.sessions.backends.db import SessionStore
from django.db import transaction

from apps.core import clock

from .models import Person

FIRST_ADMINISTRATOR = "admin@localhost"


def create_first_administrator(*, email: str = FIRST_ADMINISTRATOR) -> Person | None:
    """Make an administrator without a password, who signs in by a one-time link.

    Returns None, and changes nothing, when some active administrator is there already.
    """
    if Person.objects.filter(is_superuser=True, is_active=True).exists():
        return None
    return Person.objects.create_superuser(email)


def use_sign_in_link(*, person: Person) -> bool:
    """Spend the link that `person` was read from. False if it was spent since they were read.

    Two requests with the same link can both have found it good; only one of them changes the row.
    """
    spent = Person.objects.filter(
        pk=person.pk, last_login=person.last_login, password=person.password, is_active=True
    ).update(last_login=clock.wall())
    return spent == 1


@dataclass(frozen=True, slots=True)
class SecondFactorsReset:
    """What was taken away."""

    app: bool
    passkeys: int
    recovery_codes: bool
    sessions: int
    tokens: int


@transaction.atomic
def reset_second_factors(*, person: Person) -> SecondFactorsReset | None:
    """Take away all second factors of somebody who lost them, and end all their sessions and API tokens.

    What was lost may be in other hands, and a browser with it. Returns None, and changes nothing, when there
    is no second factor.
    """
    types = list(Authenticator.objects.filter(user=person).values_list("type", flat=True))
    if not types:
        return None
    Authenticator.objects.filter(user=person).delete()
    sessions = UserSession.objects.purge_and_list(person)
    for session in sessions:
        session.end()
    return SecondFactorsReset(
        app=Authenticator.Type.TOTP in types,
        passkeys=types.count(Authenticator.Type.WEBAUTHN),
        recovery_codes=Authenticator.Type.RECOVERY_CODES in types,
        sessions=len(sessions),
        tokens=person.end_api_tokens(),
    )


def forget_expired_sessions() -> None:
    """Let go of sessions that have run out. Visitors who begin to sign in make them, too, so they add up."""
    SessionStore.clear_expired()
