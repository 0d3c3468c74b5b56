"""Mails about one's own account: what they say, and what happens where the mail server takes none."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from apps.accounts.models import Person
from tests.accounts.conftest import PASSWORD, Visitor
from tests.factories import make_person

pytestmark = pytest.mark.django_db
NEW = "another horse battery"


@pytest.fixture
def with_mail(settings: Any) -> None:
    """As with EMAIL_URL."""
    settings.SENDS_MAIL = settings.ACCOUNT_EMAIL_NOTIFICATIONS = True
    settings.SITE_URL = "https://still-up.example.org"


@pytest.fixture
def no_server(with_mail: None, settings: Any) -> None:
    """A mail server that cannot be reached."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1


def change_password(anna: Visitor) -> int:
    form = {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW}
    return anna.client.post(reverse("account_change_password"), form).status_code


def test_a_link_for_a_new_password_leads_to_it(client: Client, with_mail: None) -> None:
    make_person("anna@example.org", password=PASSWORD)
    assert "is sent to your address" in client.get(reverse("account_reset_password")).content.decode()
    client.post(reverse("account_reset_password"), {"email": "anna@example.org"})
    (sent,) = mail.outbox
    assert sent.to == ["anna@example.org"]
    (link,) = [line for line in sent.body.splitlines() if line.startswith("https://still-up.example.org/")]
    page = client.get(link.removeprefix("https://still-up.example.org"), follow=True)
    client.post(page.redirect_chain[-1][0], {"password1": NEW, "password2": NEW})
    assert Person.objects.get().check_password(NEW)
    assert "by a link that was sent to this address" in mail.outbox[1].body


def test_where_no_mail_server_is_set_the_page_says_so(client: Client) -> None:
    assert "This site sends no mails" in client.get(reverse("account_reset_password")).content.decode()


@pytest.mark.parametrize("email", ["anna@example.org", "nobody@example.org"])
def test_a_mail_server_that_takes_nothing_is_said_on_the_page(
    client: Client, no_server: None, email: str, caplog: pytest.LogCaptureFixture
) -> None:
    make_person("anna@example.org", password=PASSWORD)
    with caplog.at_level(logging.WARNING):
        answer = client.post(reverse("account_reset_password"), {"email": email})
    page = answer.content.decode()
    assert (answer.status_code, "so nothing was sent. Try again in some minutes" in page) == (200, True)
    assert f'value="{email}"' in page
    assert "ConnectionRefusedError" in caplog.text
    assert email not in caplog.text


@pytest.mark.django_db(transaction=True)
def test_whose_password_or_factors_were_changed_hears_of_it(anna: Visitor, with_mail: None) -> None:
    anna.set_up_app()
    anna.client.post(reverse("mfa_generate_recovery_codes"))
    anna.client.post(reverse("mfa_deactivate_totp"))
    assert change_password(anna) == 302
    said = [message.body.splitlines()[0].partition(" That was on ") for message in mail.outbox]
    assert [words for words, _, _ in said] == [
        "An app that shows codes is now a second factor of your account.",
        "Your account has new recovery codes. Any of before no longer work.",
        "The app that shows codes is no longer a second factor of your account.",
        "Your password was changed.",
    ]
    assert all(when.endswith(" UTC.") for _, _, when in said)
    assert {tuple(message.to) for message in mail.outbox} == {("anna@example.org",)}
    text = "".join(message.subject + message.body for message in mail.outbox)
    assert f"https://still-up.example.org{reverse('account')}" in text
    assert "127.0.0.1" not in text, "where somebody was is nothing for a mailbox"


def test_a_change_holds_though_no_mail_can_be_sent(
    anna: Visitor, no_server: None, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert change_password(anna) == 302
    assert Person.objects.get().check_password(NEW)
    assert "about a change of an account could not be sent: ConnectionRefusedError." in caplog.text
    assert "anna@" not in caplog.text


def test_without_a_mail_server_nothing_about_a_change_goes_to_the_log(anna: Visitor) -> None:
    assert change_password(anna) == 302
    assert mail.outbox == []
