"""One-time links, the first administrator, and the closed door."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
import time_machine
from allauth.account import app_settings as account_settings
from allauth.mfa import app_settings as mfa_settings
from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import get_resolver, reverse

from apps.accounts.models import Person
from apps.accounts.services import create_first_administrator, use_sign_in_link
from apps.accounts.sign_in import person_of_link, sign_in_link
from apps.core import clock
from tests.factories import make_person

pytestmark = pytest.mark.django_db


def signed_in_as(client: Client) -> str | None:
    return client.session.get("_auth_user_id")


def test_a_link_shows_a_button_and_the_button_signs_in(client: Client) -> None:
    person = make_person(password=None)
    link = sign_in_link(person)
    assert "works once" in client.get(link).content.decode()
    assert signed_in_as(client) is None
    answer = client.post(link)
    assert answer.url == reverse("account_set_password")
    assert signed_in_as(client) == str(person.pk)


def test_a_prefetch_does_not_use_the_link_up(client: Client) -> None:
    link = sign_in_link(make_person(password="correct horse battery"))
    for _ in range(3):
        assert client.get(link).status_code == 200
        assert client.head(link).status_code == 200
    assert client.post(link).url == reverse("workspace:campaigns")


def test_a_used_link_says_so(client: Client) -> None:
    link = sign_in_link(make_person(password="correct horse battery"))
    client.post(link)
    stranger = Client()
    for answer in (stranger.get(link), stranger.post(link)):
        assert answer.status_code == 410
        assert "does not work any more" in answer.content.decode()
    assert signed_in_as(stranger) is None


def test_of_two_people_who_press_the_button_at_once_one_gets_in() -> None:
    person = make_person()
    link = sign_in_link(person).strip("/").split("/")
    first, second = person_of_link(*link[1:]), person_of_link(*link[1:])
    assert first
    assert second
    assert [use_sign_in_link(person=first), use_sign_in_link(person=second)] == [True, False]


def test_a_link_runs_out_after_a_day_and_says_so(client: Client) -> None:
    link = sign_in_link(make_person(password="correct horse battery"))
    with time_machine.travel(clock.wall() + timedelta(hours=23)):
        assert client.get(link).status_code == 200
    with time_machine.travel(clock.wall() + timedelta(hours=25)):
        for answer in (client.get(link), client.post(link)):
            assert answer.status_code == 410
            assert "This link has run out" in answer.content.decode()
    assert signed_in_as(client) is None


def test_a_used_link_is_not_said_to_have_run_out(client: Client) -> None:
    link = sign_in_link(make_person())
    client.post(link)
    with time_machine.travel(clock.wall() + timedelta(hours=25)):
        page = client.get(link).content.decode()
    assert "used already" in page
    assert "You are signed in as" in page
    assert "has run out" not in page


@pytest.mark.parametrize("change", ["signs in", "sets a password", "is switched off"])
def test_a_link_dies_when_the_person(change: str, client: Client) -> None:
    person = make_person(password="correct horse battery")
    link = sign_in_link(person)
    if change == "signs in":
        Client().login(email=person.email, password="correct horse battery")
    elif change == "sets a password":
        person.set_password("another long password")
        person.save()
    else:
        person.is_active = False
        person.save()
    assert client.get(link).status_code == 410


@pytest.mark.parametrize("identity", ["MQ", "!!!!", "AAAAAAAAAAAAAAAAAAAAAAAA", "w7w"])
def test_a_made_up_link_is_refused(identity: str, client: Client) -> None:
    assert client.get(f"/sign-in/{identity}/abcdef-0123456789/").status_code == 410


def test_a_password_reset_token_does_not_sign_in(client: Client) -> None:
    person = make_person()
    identity = sign_in_link(person).split("/")[2]
    assert client.get(f"/sign-in/{identity}/{default_token_generator.make_token(person)}/").status_code == 410


def test_after_the_link_a_password_can_be_set_and_used(client: Client) -> None:
    person = make_person(password=None)
    client.post(sign_in_link(person))
    page = client.get(reverse("account_set_password")).content.decode()
    assert "Not now" in page
    assert reverse("mfa_add_webauthn") in page  # a passkey will do, too
    assert client.get(reverse("mfa_add_webauthn")).status_code == 200
    password = "a long and quiet password"
    client.post(reverse("account_set_password"), {"password1": password, "password2": password})
    answer = Client().post(reverse("account_login"), {"login": person.email, "password": password})
    assert answer.url == reverse("workspace:campaigns")


def test_the_command_prints_a_fresh_link(client: Client) -> None:
    make_person("anna@example.org")
    out = StringIO()
    call_command("sign_in_link", "Anna@Example.org ", stdout=out)
    link = out.getvalue().strip()
    assert link.startswith("http://127.0.0.1:8000/sign-in/")
    assert client.get(link.removeprefix("http://127.0.0.1:8000")).status_code == 200


@pytest.mark.parametrize(("active", "sentence"), [(None, "Nobody here has"), (False, "switched off")])
def test_the_command_says_why_there_is_no_link(active: bool | None, sentence: str) -> None:
    if active is not None:
        Person.objects.create_user("anna@example.org", is_active=active)
    with pytest.raises(CommandError, match=sentence):
        call_command("sign_in_link", "anna@example.org")


def test_the_first_administrator_is_made_once() -> None:
    administrator = create_first_administrator()
    assert administrator
    assert administrator.is_superuser
    assert not administrator.has_usable_password()
    assert create_first_administrator() is None


def test_nobody_registers_by_themselves(client: Client) -> None:
    everything = {
        **dict.fromkeys(("email", "email2", "login", "username"), "new@example.org"),
        **dict.fromkeys(("password", "password1", "password2"), "a long and quiet password"),
        "name": "Example",
        "credential": "{}",
        "code": "123456",
    }
    names = {name for name in get_resolver().reverse_dict if isinstance(name, str)}
    allauths = {name for name in names if name.startswith(("account_", "mfa_", "usersessions_"))}
    assert len(allauths) > 20
    for name in allauths:
        ((path, arguments),) = get_resolver().reverse_dict.getlist(name)[0][0]
        address = "/" + path % dict.fromkeys(arguments, "1")
        for method in (client.post, client.get):
            assert method(address, everything).status_code < 500, name
        assert not Person.objects.exists(), name
        assert signed_in_as(client) is None, name
    assert "no registration" in client.post(reverse("account_signup"), everything).content.decode()


def test_of_allauth_there_is_nothing_that_registers() -> None:
    installed = {name for name in settings.INSTALLED_APPS if name.startswith("allauth")}
    assert installed == {"allauth", "allauth.account", "allauth.mfa", "allauth.usersessions"}
    assert not mfa_settings.PASSKEY_SIGNUP_ENABLED
    assert not account_settings.LOGIN_BY_CODE_ENABLED


def test_signing_in_and_out(client: Client) -> None:
    person = make_person("anna@example.org", password="correct horse battery")
    wrong = client.post(reverse("account_login"), {"login": person.email, "password": "wrong"})
    assert wrong.status_code == 200
    assert 'role="alert"' in wrong.content.decode()
    right = client.post(
        reverse("account_login"), {"login": "anna@example.org", "password": "correct horse battery"}
    )
    assert right.url == reverse("workspace:campaigns")
    client.get(reverse("account_logout"))
    assert signed_in_as(client) == str(person.pk)
    client.post(reverse("account_logout"))
    assert signed_in_as(client) is None


def test_a_forgotten_password_is_reset_by_mail(client: Client) -> None:
    person = make_person("anna@example.org")
    page = client.post(reverse("account_reset_password"), {"email": person.email}, follow=True)
    assert "mailbox" in page.content.decode()
    (link,) = [word for word in mail.outbox[0].body.split() if "/account/password/reset/key/" in word]
    form = client.get(link, follow=True)
    password = "a long and quiet password"
    done = client.post(form.request["PATH_INFO"], {"password1": password, "password2": password}, follow=True)
    assert "Your password is set" in done.content.decode()
    assert Client().login(email=person.email, password=password)


def test_mail_does_not_tell_whether_somebody_is_here(client: Client) -> None:
    page = client.post(reverse("account_reset_password"), {"email": "nobody@example.org"}, follow=True)
    assert "mailbox" in page.content.decode()


@pytest.mark.parametrize(
    "name", ["account_change_password", "account_set_password", "account_reauthenticate"]
)
def test_account_pages_need_a_person(name: str, client: Client) -> None:
    assert client.get(reverse(name)).status_code == 302
    client.force_login(make_person(password="correct horse battery"))
    assert client.get(reverse(name), follow=True).status_code == 200
