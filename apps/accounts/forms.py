"""The forms of allauth's pages for second factors, in our words."""

from __future__ import annotations

from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn.forms import AddWebAuthnForm, EditWebAuthnForm
from django import forms

LONGEST_NAME = 100


def _code(help_text: str) -> forms.CharField:
    widget = forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"})
    return forms.CharField(label="Code", help_text=help_text, max_length=20, widget=widget)


class FirstCodeForm(ActivateTOTPForm):  # type: ignore[misc]
    """The first code of an app, which shows that the app has the secret."""

    code = _code("The six digits that the app shows now.")


class SignInCodeForm(AuthenticateForm):  # type: ignore[misc]
    """After the password."""

    code = _code("Six digits from your app, or one of your recovery codes.")


class ConfirmCodeForm(ReauthenticateForm):  # type: ignore[misc]
    """Before something that only the owner of the account should do."""

    code = _code("Six digits from your app, or one of your recovery codes.")


class AddPasskeyForm(AddWebAuthnForm):  # type: ignore[misc]
    """A new passkey; the script fills in what the browser says of it."""

    name = forms.CharField(
        label="Name",
        max_length=LONGEST_NAME,
        required=False,
        help_text="For yourself, to tell passkeys apart.",
    )
    passwordless = forms.BooleanField(
        label="Let it sign me in alone, without a password",
        required=False,
        initial=True,
        help_text="It then asks for a PIN, a fingerprint or your face. Older security keys cannot.",
    )


class RenamePasskeyForm(EditWebAuthnForm):  # type: ignore[misc]
    """Another name for a passkey."""

    name = forms.CharField(label="Name", max_length=LONGEST_NAME)
