"""What is tried against a sign-in form: a planted session, a way off the site, a list of who is here."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core import mail
from django.test import Client
from django.urls import reverse

from apps.accounts.sign_in import sign_in_link
from tests.factories import make_person

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"
HOME = "/workspace/"
ELSEWHERE = [
    "https://evil.example.org/",
    "//evil.example.org/",
    "///evil.example.org/",
    "/\\evil.example.org/",
    "\\\\evil.example.org/",
    "http:evil.example.org",
    "https:/evil.example.org",
    "javascript:alert(1)",
    "data:text/html,x",
    "\thttps://evil.example.org/",
    "https://testserver@evil.example.org/",
    "https://testserver.evil.example.org/",
]


class Counted(MD5PasswordHasher):
    """A hasher that counts how often it worked: what takes the time of a sign-in."""

    work = 0

    def encode(self, password: str, salt: str) -> str:
        type(self).work += 1
        return super().encode(password, salt)


def sign_in(client: Client, **fields: str) -> Any:
    given = {"login": "anna@example.org", "password": PASSWORD, **fields}
    return client.post(reverse("account_login"), given)


def test_a_session_from_before_is_not_the_one_that_is_signed_in(client: Client) -> None:
    make_person("anna@example.org", password=PASSWORD)
    session = client.session
    session["planted"] = "x"
    session.save()
    before, token = session.session_key, client.get(reverse("account_login")).cookies["csrftoken"].value
    assert sign_in(client).url == HOME
    assert client.session.session_key != before
    assert client.cookies["csrftoken"].value != token
    assert not client.session.exists(before)


def test_the_one_time_link_changes_the_session_too(client: Client) -> None:
    session = client.session
    session["planted"] = "x"
    session.save()
    before = session.session_key
    client.post(sign_in_link(make_person(password=PASSWORD)))
    assert client.session.session_key != before
    assert not client.session.exists(before)


@pytest.mark.parametrize("address", ELSEWHERE)
def test_nobody_is_sent_to_another_site_after_signing_in(address: str, client: Client) -> None:
    make_person("anna@example.org", password=PASSWORD)
    page = client.get(reverse("account_login"), {"next": address}).content.decode()
    assert "evil.example" not in re.sub(r'<input[^>]+name="next"[^>]*>', "", page)
    assert sign_in(client, next=address).url == HOME
    # Nor somebody who is signed in already, nor on the way out.
    assert client.get(reverse("account_login"), {"next": address}).url == HOME
    assert "evil.example" not in client.post(reverse("account_logout"), {"next": address}).url


def test_a_page_of_this_site_is_gone_back_to(client: Client) -> None:
    make_person("anna@example.org", password=PASSWORD)
    assert sign_in(client, next="/workspace/platforms/").url == "/workspace/platforms/"


def test_the_visitors_word_for_the_host_is_not_believed(client: Client, settings: Any) -> None:
    make_person("anna@example.org")
    form = {"email": "anna@example.org"}
    address = reverse("account_reset_password")
    assert client.post(address, form, headers={"host": "evil.example.org"}).status_code == 400
    client.post(address, form, headers={"x-forwarded-host": "evil.example.org"})
    assert len(mail.outbox) == 1
    assert "evil.example" not in mail.outbox[0].body + mail.outbox[0].subject
    assert f"{settings.SITE_URL}/account/password/reset/key/" in mail.outbox[0].body


@pytest.mark.parametrize("email", ["anna@example.org", "nobody@example.org"])
def test_no_host_that_is_allowed_besides_gets_into_a_mail(email: str, client: Client, settings: Any) -> None:
    settings.ALLOWED_HOSTS, settings.SITE_URL = [".example.org"], "https://still-up.example.org"
    make_person("anna@example.org")
    asked = {"email": email}
    client.post(reverse("account_reset_password"), asked, headers={"host": "evil.example.org"})
    said = mail.outbox[0].subject + mail.outbox[0].body
    assert "evil.example" not in said
    assert "still-up.example.org" in said


def test_a_mail_to_somebody_unknown_offers_no_registration(client: Client) -> None:
    client.post(reverse("account_reset_password"), {"email": "nobody@example.org"})
    assert "Nobody has an account with this address." in mail.outbox[0].body
    assert "sign up" not in mail.outbox[0].body
    assert reverse("account_signup") not in mail.outbox[0].body


def test_forms_do_not_tell_who_is_here(client: Client, settings: Any) -> None:
    settings.PASSWORD_HASHERS = [f"{Counted.__module__}.{Counted.__qualname__}"]
    make_person("anna@example.org", password=PASSWORD)
    make_person("never-set@example.org")
    seen = set()
    for email in ("anna@example.org", "never-set@example.org", "nobody@example.org"):
        Counted.work = 0
        wrong = sign_in(Client(), login=email, password="wrong horse battery")
        work = Counted.work
        reset = Client().post(reverse("account_reset_password"), {"email": email}, follow=True)
        pages = "".join(answer.content.decode() for answer in (wrong, reset)).replace(email, "")
        pages = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", pages)
        seen.add((wrong.status_code, work, reset.status_code, pages))
        assert work > 0
    assert len(seen) == 1, [each[:3] for each in seen]
