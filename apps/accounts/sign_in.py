"""One-time links that sign a person in: the first administrator's, and those handed out by hand.

Nothing is stored. A link's token is keyed with the person's password and the moment of their last sign-in, so
it dies when it is used, when they sign in by any other way, when their password changes, and after
`PASSWORD_RESET_TIMEOUT`.
"""

from __future__ import annotations

from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_decode, urlsafe_base64_encode

from .models import Person


class SignInTokens(PasswordResetTokenGenerator):
    """Tokens for signing in; a password-reset token is not one of them, nor the other way round."""

    key_salt = "apps.accounts.sign_in"


_tokens = SignInTokens()


def sign_in_link(person: Person) -> str:
    """The path of a fresh one-time link for `person`. Whoever opens it first is signed in as them."""
    identity = urlsafe_base64_encode(force_bytes(person.pk))
    return reverse("sign_in_link", kwargs={"uidb64": identity, "token": _tokens.make_token(person)})


def person_of_link(uidb64: str, token: str) -> Person | None:
    """Whom a link would sign in; None if it was used, has run out, or was never ours."""
    try:
        person = Person.objects.get(pk=int(urlsafe_base64_decode(uidb64)), is_active=True)
    except (Person.DoesNotExist, ValueError, OverflowError):
        return None
    return person if _tokens.check_token(person, token) else None
