"""API tokens: who can make one, what it lets in, and when it ends."""

from __future__ import annotations

import threading
from contextlib import suppress
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.core.management import CommandError, call_command
from django.db import transaction

from apps.accounts.models import Person
from apps.accounts.roles import Role, roles_up_to
from apps.accounts.services import reset_second_factors
from apps.core import clock
from apps.reports.campaigns import end_membership, invite
from apps.reports.models import Activity, ApiToken, Campaign, Deed, Membership, Subject
from apps.reports.tokens import (
    LONGEST,
    NewToken,
    UnusableToken,
    access_of,
    make_token,
    revoke_token,
    tokens_of,
)
from tests.checks.running import with_own_connection
from tests.factories import START, make_campaign, make_person

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def token_for(
    campaign: Campaign, person: Person, role: Role = Role.VIEWER, *, until: datetime | None = None
) -> NewToken:
    return make_token(
        campaign=campaign,
        person=person,
        name="a fictional program",
        role=role,
        expires_at=until or clock.wall() + DAY,
    )


def test_a_token_lets_in_its_maker_for_its_campaign() -> None:
    campaign = make_campaign(editor=(person := make_person()))
    made = token_for(campaign, person, Role.REVIEWER)
    access = access_of(made.secret)
    assert access is not None
    assert (access.person, access.campaign, access.role) == (person, campaign, Role.REVIEWER)


def test_the_token_itself_is_kept_nowhere() -> None:
    made = token_for(make_campaign(owner=(person := make_person())), person)
    kept = ApiToken.objects.values_list().get()
    assert not [value for value in kept if made.secret in str(value)]


@pytest.mark.parametrize("own", Role)
def test_a_token_can_be_made_for_no_more_than_one_may_oneself(own: Role) -> None:
    campaign = make_campaign(**{own.value: (person := make_person())})
    for role in Role:
        if role in roles_up_to(own):
            token_for(campaign, person, role)
        else:
            with pytest.raises(UnusableToken, match="cannot do more"):
                token_for(campaign, person, role)
    assert ApiToken.objects.count() == len(roles_up_to(own))


def test_a_stranger_can_make_none() -> None:
    with pytest.raises(UnusableToken, match="no member"):
        token_for(make_campaign(), make_person())


@pytest.mark.parametrize("ahead", [timedelta(0), -DAY, LONGEST + timedelta(seconds=1)])
def test_a_token_expires_and_not_too_late(ahead: timedelta) -> None:
    campaign = make_campaign(owner=(person := make_person()))
    with time_machine.travel(START, tick=False), pytest.raises(UnusableToken, match="expires within"):
        token_for(campaign, person, until=START + ahead)


def test_a_token_needs_a_name() -> None:
    campaign = make_campaign(owner=(person := make_person()))
    for name in ("  ", "x" * 101):
        with pytest.raises(UnusableToken):
            make_token(
                campaign=campaign, person=person, name=name, role=Role.VIEWER, expires_at=clock.wall() + DAY
            )


def test_an_expired_token_lets_nobody_in() -> None:
    campaign = make_campaign(owner=(person := make_person()))
    with time_machine.travel(START, tick=False) as time:
        made = token_for(campaign, person)
        time.shift(DAY - timedelta(seconds=1))
        assert access_of(made.secret)
        time.shift(timedelta(seconds=1))
        assert access_of(made.secret) is None
        assert [row.works for row in tokens_of(campaign)] == [False]


def test_owners_read_who_made_and_who_revoked_a_token() -> None:
    campaign = make_campaign(owner=(owner := make_person()), editor=(editor := make_person()))
    made = token_for(campaign, editor)
    revoke_token(token=made.token, person=owner)
    noted = Activity.objects.filter(campaign=campaign, subject=Subject.TOKEN).order_by("pk")
    assert list(noted.values_list("deed", "person", "number")) == [
        (Deed.TOKEN_MADE, editor.pk, made.token.pk),
        (Deed.TOKEN_REVOKED, owner.pk, made.token.pk),
    ]


def test_a_revoked_token_lets_nobody_in() -> None:
    made = token_for(make_campaign(owner=(person := make_person())), person)
    assert revoke_token(token=made.token)
    assert not revoke_token(token=made.token)
    assert access_of(made.secret) is None


def test_a_token_never_has_more_than_its_makers_present_role() -> None:
    campaign = make_campaign(owner=make_person("owner@example.org"), editor=(person := make_person()))
    made = token_for(campaign, person, Role.EDITOR)
    for role, has in ((Role.FIGURES, Role.FIGURES), (Role.VIEWER, Role.VIEWER), (Role.OWNER, Role.EDITOR)):
        invite(campaign=campaign, email=person.email, role=role)
        access = access_of(made.secret)
        assert access is not None
        assert access.role == has


def test_a_token_dies_with_the_membership_and_does_not_come_back_with_it() -> None:
    campaign = make_campaign(owner=make_person("owner@example.org"), editor=(person := make_person()))
    elsewhere = make_campaign("elsewhere", owner=person)
    made, other = token_for(campaign, person), token_for(elsewhere, person)
    end_membership(membership=Membership.objects.get(campaign=campaign, person=person))
    assert access_of(made.secret) is None
    invite(campaign=campaign, email=person.email, role=Role.EDITOR)
    assert access_of(made.secret) is None
    assert access_of(other.secret)


def test_whoever_is_switched_off_or_no_longer_an_administrator_has_no_token_either() -> None:
    administrator = make_person(superuser=True)
    campaign = make_campaign(owner=(owner := make_person()))
    as_administrator, as_owner = token_for(campaign, administrator), token_for(campaign, owner)
    Person.objects.filter(pk=administrator.pk).update(is_superuser=False)
    Person.objects.filter(pk=owner.pk).update(is_active=False)
    assert access_of(as_administrator.secret) is None
    assert access_of(as_owner.secret) is None


@pytest.mark.parametrize("saved", [True, False])
def test_a_token_does_not_come_back_with_somebody_who_was_switched_off(saved: bool) -> None:
    campaign = make_campaign(owner=(person := make_person()))
    made = token_for(campaign, person)
    if saved:
        person.is_active = False
        person.save()
    else:  # as is done in a database's own shell; it ends when it is used
        Person.objects.filter(pk=person.pk).update(is_active=False)
    assert access_of(made.secret) is None
    Person.objects.filter(pk=person.pk).update(is_active=True)
    assert access_of(made.secret) is None


def test_who_is_switched_off_or_has_a_new_password_since_makes_no_token() -> None:
    campaign = make_campaign(owner=(person := make_person(password="the one of before")))
    in_another_browser = Person.objects.get(pk=person.pk)
    person.set_password("another long password")
    person.save()
    with pytest.raises(UnusableToken, match="new password"):
        token_for(campaign, in_another_browser)
    Person.objects.filter(pk=person.pk).update(is_active=False)
    with pytest.raises(UnusableToken, match="may not sign in"):
        token_for(campaign, person)
    assert not ApiToken.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_token_that_is_made_beside_a_new_password_does_not_outlive_the_old_one() -> None:
    campaign = make_campaign(owner=(person := make_person(password="the one of before")))
    in_another_browser = Person.objects.get(pk=person.pk)
    written, tried = threading.Event(), threading.Event()

    def change_password() -> None:
        with transaction.atomic():
            person.set_password("another long password")
            person.save()
            written.set()
            tried.wait(0.5)  # it waits for this transaction

    def make() -> None:
        written.wait()
        with suppress(UnusableToken):
            token_for(campaign, in_another_browser)
        tried.set()

    threads = [threading.Thread(target=with_own_connection(each)) for each in (change_password, make)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert tried.is_set()
    assert not [row for row in tokens_of(campaign) if row.works]


def test_a_password_that_is_only_hashed_anew_ends_no_token(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    campaign = make_campaign(owner=(person := make_person(password="the same as before")))
    made = token_for(campaign, person)
    before = person.password
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
        "django.contrib.auth.hashers.MD5PasswordHasher",
    ]
    assert person.check_password("the same as before")
    assert Person.objects.get().password != before
    assert access_of(made.secret) is not None


def test_what_else_is_changed_of_a_person_ends_no_token() -> None:
    campaign = make_campaign(owner=(person := make_person(password="the one of before")))
    made = token_for(campaign, person)
    person.name = "Anna Example"
    person.save()
    assert access_of(made.secret) is not None


def test_a_token_asks_for_the_second_factor_of_its_maker_where_there_has_to_be_one(settings: Any) -> None:
    campaign = make_campaign(owner=(person := make_person()))
    secret = token_for(campaign, person).secret
    settings.REQUIRE_MFA = True
    assert access_of(secret) is None
    Authenticator.objects.create(user=person, type=Authenticator.Type.TOTP, data={})
    assert access_of(secret) is not None
    assert reset_second_factors(person=person).tokens == 1  # type: ignore[union-attr]
    settings.REQUIRE_MFA = False
    assert access_of(secret) is None


@pytest.mark.parametrize("text", ["", "stillup_", "stillup_" + "A" * 43, "x" * 10_000, "stillup_\x00"])
def test_what_was_never_a_token_lets_nobody_in(text: str) -> None:
    assert access_of(text) is None


def test_the_last_use_is_noted_to_the_minute(django_assert_num_queries) -> None:  # type: ignore[no-untyped-def]
    made = token_for(make_campaign(owner=(person := make_person())), person)
    with django_assert_num_queries(3):
        access_of(made.secret)
    with django_assert_num_queries(2):
        access_of(made.secret)
    assert ApiToken.objects.get().last_used_at is not None


# ------------------------------------------------------------------------------------ manage.py api_token


def api_token(*arguments: str) -> str:
    out, err = StringIO(), StringIO()
    call_command("api_token", *arguments, stdout=out, stderr=err)
    return out.getvalue()


def test_a_machines_token_is_made_listed_and_revoked_by_command() -> None:
    make_campaign(editor=make_person("editor@example.org"))
    secret = api_token(
        "make", "example-models", "--person", "editor@example.org", "--role", "editor", "--name", "Nightly"
    ).strip()
    access = access_of(secret)
    assert access is not None
    assert access.role == Role.EDITOR
    listed = api_token("list", "example-models")
    assert access.token.start in listed
    assert "Nightly" in listed
    assert secret not in listed
    api_token("revoke", "example-models", access.token.start)
    assert access_of(secret) is None
    assert "revoked" in api_token("list", "example-models")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["make", "no-such", "--person", "editor@example.org", "--name", "x"], "There is no campaign"),
        (["make", "example-models", "--person", "nobody@example.org", "--name", "x"], "Nobody here"),
        (
            ["make", "example-models", "--person", "editor@example.org", "--name", " "],
            "what the token is for",
        ),
        (
            ["make", "example-models", "--person", "editor@example.org", "--name", "x", "--role", "owner"],
            "cannot do more",
        ),
        (
            ["make", "example-models", "--person", "editor@example.org", "--name", "x", "--days", "0"],
            "from 1 to",
        ),
        (["revoke", "example-models", "77"], "has no token 77. See: manage.py api_token list example-models"),
    ],
)
def test_the_command_says_what_to_mend(arguments: list[str], sentence: str) -> None:
    make_campaign(editor=make_person("editor@example.org"))
    with pytest.raises(CommandError, match=sentence):
        api_token(*arguments)
