"""People who sign in as people do: by forms, with codes that are computed as an app computes them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
import time_machine
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from apps.accounts.models import Person
from tests.factories import make_person

PASSWORD = "correct horse battery"
PERIOD = 30  # seconds that a code holds


@pytest.fixture(autouse=True)
def quick_and_fresh(settings: Settings) -> Iterator[None]:
    """Passwords that are hashed quickly, no attempts counted from other tests, and a clock that stands still.

    It stands where a code begins to hold, so that none runs out between computing and sending it.
    """
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    cache.clear()
    with time_machine.travel(time.time() // PERIOD * PERIOD, tick=False):
        yield
    cache.clear()


def code_of(secret: str) -> str:
    """The code that an app shows now for a secret (RFC 6238 with the numbers of RFC 4226)."""
    counter = struct.pack(">Q", int(time.time()) // PERIOD)
    digest = hmac.digest(base64.b32decode(secret), counter, hashlib.sha1)
    start = digest[-1] & 15
    return f"{(int.from_bytes(digest[start : start + 4], 'big') & 0x7FFFFFFF) % 10**6:06}"


@dataclass
class Visitor:
    """A person at a browser, with their app."""

    person: Person
    client: Client = field(default_factory=Client)
    secret: str = ""

    def sign_in(self, client: Client | None = None) -> HttpResponse:
        """Give e-mail address and password."""
        given = {"login": self.person.email, "password": PASSWORD}
        return (client or self.client).post(reverse("account_login"), given)

    def confirm(self) -> None:
        """Give the password once more, as pages ask that change second factors."""
        self.client.post(reverse("account_reauthenticate"), {"password": PASSWORD})

    def set_up_app(self) -> HttpResponse:
        """Read the secret from the page and send the app's code."""
        page = self.client.get(reverse("mfa_activate_totp")).content.decode()
        shown = re.search(r"<code>([A-Z2-7]{32})</code>", page)
        assert shown
        self.secret = shown[1]
        return self.client.post(reverse("mfa_activate_totp"), {"code": self.code})

    def send_code(self, code: str, client: Client | None = None) -> HttpResponse:
        """The second step of signing in."""
        return (client or self.client).post(reverse("mfa_authenticate"), {"code": code})

    @property
    def code(self) -> str:
        """What the app shows now."""
        return code_of(self.secret)


@pytest.fixture
def anna(db: None) -> Visitor:
    """Somebody with a password who is signed in and has confirmed it."""
    visitor = Visitor(make_person("anna@example.org", password=PASSWORD))
    visitor.sign_in()
    visitor.confirm()
    return visitor


@pytest.fixture
def anna_with_app(anna: Visitor) -> Visitor:
    """The same with an app as second factor."""
    anna.set_up_app()
    return anna
