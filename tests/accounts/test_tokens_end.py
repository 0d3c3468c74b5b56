"""What happens to API tokens when their maker gets a new password, whichever way."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.core import mail
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from apps.accounts.models import Person
from apps.accounts.roles import Role
from apps.accounts.sign_in import sign_in_link
from apps.core import clock
from apps.reports.tokens import access_of, make_token, tokens_of
from tests.accounts.conftest import PASSWORD
from tests.factories import make_campaign, make_person

pytestmark = pytest.mark.django_db
NEW = "a long and quiet password"
TWICE = {"password1": NEW, "password2": NEW}


def by_change(person: Person, client: Client) -> None:
    client.force_login(person)
    client.post(reverse("account_change_password"), {"oldpassword": PASSWORD, **TWICE})


def by_link(person: Person, client: Client) -> None:
    Person.objects.filter(pk=person.pk).update(password="!none")
    client.post(sign_in_link(Person.objects.get(pk=person.pk)))
    client.post(reverse("account_set_password"), TWICE)


def by_mail(person: Person, client: Client) -> None:
    client.post(reverse("account_reset_password"), {"email": person.email})
    (link,) = [word for word in mail.outbox[0].body.split() if "/account/password/reset/key/" in word]
    form = client.get(link).headers["Location"]
    assert "your API tokens end" in client.get(form).content.decode()
    done = client.post(form, TWICE, follow=True).content.decode()
    assert "your API tokens have ended" in done


def by_command(person: Person, client: Client) -> None:
    with pytest.MonkeyPatch.context() as typing:
        typing.setattr("getpass.getpass", lambda prompt: NEW)
        call_command("changepassword", person.email, stdout=StringIO())


@pytest.mark.parametrize("way", [by_change, by_link, by_mail, by_command])
def test_a_new_password_ends_the_tokens_of_all_campaigns(way, client: Client) -> None:  # type: ignore[no-untyped-def]
    person, other = make_person(password=PASSWORD), make_person()
    here, there = make_campaign(owner=person, editor=other), make_campaign("elsewhere", viewer=person)
    until = clock.wall() + timedelta(days=1)

    def token(campaign, maker):  # type: ignore[no-untyped-def]
        return make_token(
            campaign=campaign, person=maker, name="x", role=Role.VIEWER, expires_at=until
        ).secret

    ended, stays = [token(here, person), token(there, person)], token(here, other)
    way(person, client)
    assert Person.objects.get(pk=person.pk).check_password(NEW)
    assert [access_of(secret) for secret in ended] == [None, None]
    assert access_of(stays) is not None


def test_a_password_that_was_refused_ends_no_token(client: Client) -> None:
    campaign = make_campaign(owner=(person := make_person(password=PASSWORD)))
    make_token(
        campaign=campaign,
        person=person,
        name="x",
        role=Role.VIEWER,
        expires_at=clock.wall() + timedelta(days=1),
    )
    client.force_login(person)
    client.post(reverse("account_change_password"), {"oldpassword": "wrong horse battery", **TWICE})
    assert [row.works for row in tokens_of(campaign)] == [True]


def test_pages_of_the_account_list_the_tokens_and_revoke_them(client: Client) -> None:
    person, other = make_person(password=PASSWORD), make_person()
    campaign = make_campaign(owner=other, viewer=person)
    for maker, name in ((person, "Nightly figures"), (person, "Spare"), (other, "Of somebody else")):
        made = make_token(
            campaign=campaign,
            person=maker,
            name=name,
            role=Role.VIEWER,
            expires_at=clock.wall() + timedelta(days=1),
        )
        if name == "Nightly figures":
            nightly = made
    client.force_login(person)
    for name in ("account", "account_change_password"):
        page = client.get(reverse(name)).content.decode()
        assert "Nightly figures" in page
        assert "Spare" in page
        assert "Of somebody else" not in page
        assert nightly.secret not in page
    revoke = reverse("workspace:end_token", args=[campaign.slug, nightly.token.pk])
    assert f'action="{revoke}"' in client.get(reverse("account")).content.decode()
    client.post(revoke, follow=True)
    page = client.get(reverse("account_change_password")).content.decode()
    assert "Nightly figures" not in page
    client.post(reverse("account_change_password"), {"oldpassword": PASSWORD, **TWICE})
    assert "None lets a program in" in client.get(reverse("account")).content.decode()
    assert "API tokens" not in client.get(reverse("account_change_password")).content.decode()
