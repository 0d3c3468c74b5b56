"""One-time links that sign a person in: invitations, the first administrator's, those handed out by hand.

Nothing is stored. A link's token is keyed with the person's password and the moment of their last sign-in, so
it dies when it is used, when they sign in by any other way, when their password changes, and after
`PASSWORD_RESET_TIMEOUT`. It stands for a password: a second factor is asked for all the same.
"""

from __future__ import annotations

from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from django.utils.encoding import force_bytes
from django.utils.http import base36_to_int, urlsafe_base64_decode, urlsafe_base64_encode

from .models import Person


class SignInTokens(PasswordResetTokenGenerator):
    """Tokens for signing in; a password-reset token is not one of them, nor the other way round."""

    key_salt = "apps.accounts.sign_in"

    def is_too_old(self, person: Person, token: str) -> bool:
        """Whether it would be good, had it been used in time. False if it was never ours, or is used."""
        try:
            made = base36_to_int(token.partition("-")[0])
        except ValueError:
            return False
        ours = self._make_token_with_timestamp(person, made, self.secret)
        return constant_time_compare(ours, token) and not self.check_token(person, token)


_tokens = SignInTokens()


def sign_in_link(person: Person) -> str:
    """The path of a fresh one-time link for `person`. Whoever opens it first is signed in as them."""
    identity = urlsafe_base64_encode(force_bytes(person.pk))
    return reverse("sign_in_link", kwargs={"uidb64": identity, "token": _tokens.make_token(person)})


def person_of_link(uidb64: str, token: str) -> Person | None:
    """Whom a link would sign in; None if it was used, has run out, or was never ours."""
    person = _person(uidb64)
    return person if person is not None and _tokens.check_token(person, token) else None


def has_run_out(uidb64: str, token: str) -> bool:
    """Whether a link that signs nobody in was never used, and is only too old."""
    person = _person(uidb64)
    return person is not None and _tokens.is_too_old(person, token)


def _person(uidb64: str) -> Person | None:
    try:
        return Person.objects.get(pk=int(urlsafe_base64_decode(uidb64)), is_active=True)
    except (Person.DoesNotExist, ValueError, OverflowError):
        return None
