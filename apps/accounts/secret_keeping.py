"""How the secrets of second factors are kept: encrypted, with a key that is made of SECRET_KEY.

Who reads the database or a backup of it cannot make anybody's codes. Who has SECRET_KEY, too, can. When
SECRET_KEY is changed, these secrets can no longer be read: apps and recovery codes of all people have to be
set up anew (`manage.py reset_second_factors`). Passkeys go on working: only their public half is kept here.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode

from cryptography.fernet import Fernet, InvalidToken
from django.utils.crypto import salted_hmac

KEY_SALT = "apps.accounts.secret_keeping"  # nothing else is signed or encrypted with the key that this gives


class UnreadableSecret(Exception):
    """A secret was encrypted with another SECRET_KEY."""


def encrypt(text: str) -> str:
    """`text`, unreadable without SECRET_KEY."""
    return _fernet().encrypt(text.encode()).decode()


def decrypt(encrypted: str) -> str:
    """What was encrypted. Raises UnreadableSecret if it was not with this SECRET_KEY."""
    try:
        return _fernet().decrypt(encrypted).decode()
    except InvalidToken as error:
        raise UnreadableSecret from error


def _fernet() -> Fernet:
    return Fernet(urlsafe_b64encode(salted_hmac(KEY_SALT, "", algorithm="sha256").digest()))
