"""How allauth handles second factors here: secrets encrypted, the last one kept where one is compulsory."""

from __future__ import annotations

from typing import ClassVar
from urllib.parse import urlsplit

import qrcode
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.utils.html import format_html

from . import secret_keeping
from .models import Person
from .second_factors import may_remove


class EncryptedSecrets(DefaultMFAAdapter):  # type: ignore[misc]
    """Encrypts secrets, draws codes that a strict policy lets through, and says plainly what went wrong."""

    error_messages: ClassVar[dict[str, str]] = {
        **DefaultMFAAdapter.error_messages,
        "cannot_delete_authenticator": "This is your only second factor, and this site asks for one. Set up "
        "another one first.",
        "cannot_generate_recovery_codes": "Recovery codes stand in for a second factor. Set one up first.",
        "incorrect_code": "That was not accepted. A code of the app holds for 30 seconds and works once: "
        "wait for the next one.",
    }

    def encrypt(self, text: str) -> str:
        """Before it is written to the database."""
        return secret_keeping.encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        """Raises UnreadableSecret, for which the middleware has a page."""
        return secret_keeping.decrypt(encrypted_text)

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        """Not the last one where a second factor is compulsory."""
        return may_remove(authenticator)

    def get_totp_issuer(self) -> str:
        """What an app calls this site; people may know more than one."""
        return f"Still Up {urlsplit(settings.SITE_URL).hostname}"

    def build_totp_svg(self, url: str) -> str:
        """A QR code of `url` as an element for the page. An image by data: address would break our policy."""
        code = qrcode.QRCode(border=4)
        code.add_data(url)
        matrix = code.get_matrix()
        dark = "".join(f"M{x} {y}h1v1h-1z" for y, row in enumerate(matrix) for x, on in enumerate(row) if on)
        return format_html(
            '<svg class="qr-code" viewBox="0 0 {side} {side}" role="img" '
            'aria-label="QR code for an app" shape-rendering="crispEdges"><path d="{dark}"/></svg>',
            side=len(matrix),
            dark=dark,
        )

    def generate_authenticator_name(self, user: Person, type: str) -> str:
        """A name for a new passkey, which people may change."""
        count = Authenticator.objects.filter(user=user, type=type).count()
        return f"Passkey {count + 1}" if count else "Passkey"
