"""Second factors: setting up, signing in with them, losing them, and doing without them where one may not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.urls.resolvers import RegexPattern, RoutePattern
from pytest_django.fixtures import Settings

from apps.accounts.models import Person
from apps.accounts.roles import Role
from apps.accounts.second_factors import OPEN_PAGES
from apps.accounts.secret_keeping import UnreadableSecret, decrypt, encrypt
from apps.accounts.sign_in import sign_in_link
from apps.core import clock
from apps.reports.tokens import make_token
from tests.accounts.conftest import PASSWORD, PERIOD, Visitor, code_of
from tests.factories import make_campaign, make_person

pytestmark = pytest.mark.django_db
SET_UP = "/account/second-factors/"
SAMPLES = ("1", "example-models", "00000000-0000-0000-0000-000000000000")  # for variables of addresses
PASSWORD_KEY = "account/password/reset/key/1-abc/"


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def give_passkey(person: Person) -> Authenticator:
    """A passkey that nobody holds, for what does not sign in with it."""
    return Authenticator.objects.create(
        user=person, type=Authenticator.Type.WEBAUTHN, data={"name": "Example key", "credential": {}}
    )


@pytest.mark.parametrize(
    ("seconds", "code"), [(59, "287082"), (1111111109, "081804"), (2000000000, "279037")]
)
def test_codes_of_these_tests_are_those_of_the_standard(seconds: int, code: str) -> None:
    # RFC 6238, appendix B, SHA-1; the secret is "12345678901234567890", and of eight digits the last six.
    with time_machine.travel(seconds, tick=False):
        assert code_of("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ") == code


def test_an_app_is_set_up_by_a_picture_or_a_text(anna: Visitor) -> None:
    page = anna.client.get(reverse("mfa_activate_totp"))
    assert '<svg class="qr-code"' in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    assert anna.set_up_app().url == reverse("mfa_view_recovery_codes")
    codes = anna.client.get(reverse("mfa_view_recovery_codes")).content.decode()
    assert len(re.findall(r"<code>\d{8}</code>", codes)) == 10
    overview = anna.client.get(SET_UP).content.decode()
    assert "10 of yours are left" in overview
    assert "Remove the app" in overview


def test_a_wrong_code_sets_up_nothing(anna: Visitor) -> None:
    anna.client.get(reverse("mfa_activate_totp"))
    answer = anna.client.post(reverse("mfa_activate_totp"), {"code": "000000"})
    assert "That was not accepted" in answer.content.decode()
    assert not Authenticator.objects.exists()


def test_secrets_are_kept_encrypted(anna_with_app: Visitor) -> None:
    app = Authenticator.objects.get(type=Authenticator.Type.TOTP)
    codes = Authenticator.objects.get(type=Authenticator.Type.RECOVERY_CODES)
    assert anna_with_app.secret not in app.data["secret"]
    assert decrypt(app.data["secret"]) == anna_with_app.secret
    assert decrypt(codes.data["seed"]) not in codes.data["seed"]


def test_another_key_reads_no_secret(settings: Settings) -> None:
    encrypted = encrypt("example")
    settings.SECRET_KEY = "another-key-" * 5
    with pytest.raises(UnreadableSecret):
        decrypt(encrypted)


def test_a_changed_key_is_said_to_be_the_reason(anna_with_app: Visitor, settings: Settings) -> None:
    settings.SECRET_KEY = "another-key-" * 5
    client = Client()
    anna_with_app.sign_in(client)
    answer = anna_with_app.send_code(anna_with_app.code, client)
    assert answer.status_code == 500
    assert "manage.py reset_second_factors" in answer.content.decode()


def test_signing_in_takes_password_and_code(anna_with_app: Visitor) -> None:
    client = Client()
    assert anna_with_app.sign_in(client).url == reverse("mfa_authenticate")
    assert not is_signed_in(client)
    assert client.get("/workspace/").url.startswith("/sign-in/")
    wrong = anna_with_app.send_code("000000", client)
    assert "That was not accepted" in wrong.content.decode()
    assert anna_with_app.send_code(anna_with_app.code, client).url == reverse("workspace:campaigns")
    assert is_signed_in(client)


def test_a_code_works_once(anna_with_app: Visitor) -> None:
    first, second = Client(), Client()
    for client in (first, second):
        anna_with_app.sign_in(client)
        anna_with_app.send_code(anna_with_app.code, client)
    assert is_signed_in(first)
    assert not is_signed_in(second)
    with time_machine.travel(clock.wall() + timedelta(seconds=PERIOD)):
        anna_with_app.send_code(anna_with_app.code, second)
    assert is_signed_in(second)


def test_a_recovery_code_stands_in_once(anna_with_app: Visitor) -> None:
    file = anna_with_app.client.get(reverse("mfa_download_recovery_codes"))
    assert "attachment" in file["Content-Disposition"]
    code = file.content.decode().split()[0]
    first, second = Client(), Client()
    for client in (first, second):
        anna_with_app.sign_in(client)
        anna_with_app.send_code(code, client)
    assert is_signed_in(first)
    assert not is_signed_in(second)
    assert "9 of yours are left" in first.get(SET_UP).content.decode()


def test_new_recovery_codes_end_the_old_ones(anna_with_app: Visitor) -> None:
    download = reverse("mfa_download_recovery_codes")
    old = anna_with_app.client.get(download).content.decode().split()
    anna_with_app.client.post(reverse("mfa_generate_recovery_codes"))
    assert set(old).isdisjoint(anna_with_app.client.get(download).content.decode().split())


def test_guessing_codes_is_stopped(anna_with_app: Visitor) -> None:
    client = Client()
    anna_with_app.sign_in(client)
    for _ in range(5):
        anna_with_app.send_code("000000", client)
    refused = anna_with_app.send_code(anna_with_app.code, client)
    assert "Wait five minutes" in refused.content.decode()
    assert not is_signed_in(client)
    with time_machine.travel(clock.wall() + timedelta(minutes=5, seconds=1)):
        anna_with_app.send_code(anna_with_app.code, client)
    assert is_signed_in(client)


def test_a_one_time_link_does_not_replace_the_second_factor(anna_with_app: Visitor) -> None:
    client = Client()
    assert client.post(sign_in_link(anna_with_app.person)).status_code == 410  # they have signed in since
    anna_with_app.person.refresh_from_db()
    answer = client.post(sign_in_link(anna_with_app.person))
    assert answer.url == reverse("mfa_authenticate")
    assert not is_signed_in(client)
    anna_with_app.send_code(anna_with_app.code, client)
    assert is_signed_in(client)


def test_a_reset_password_does_not_replace_the_second_factor(anna_with_app: Visitor) -> None:
    client = Client()
    client.post(reverse("account_reset_password"), {"email": anna_with_app.person.email})
    (link,) = [word for word in mail.outbox[0].body.split() if "/account/password/reset/key/" in word]
    form = client.get(link, follow=True)
    client.post(form.request["PATH_INFO"], {"password1": PASSWORD, "password2": PASSWORD})
    assert not is_signed_in(client)
    assert anna_with_app.sign_in(client).url == reverse("mfa_authenticate")


def test_a_link_opened_where_somebody_else_is_signed_in_signs_them_out(
    anna_with_app: Visitor, client: Client
) -> None:
    client.force_login(make_person())
    anna_with_app.person.refresh_from_db()
    client.post(sign_in_link(anna_with_app.person))
    assert not is_signed_in(client)
    assert client.get(reverse("mfa_authenticate")).status_code == 200


def test_changing_second_factors_asks_who_it_is(anna: Visitor) -> None:
    with time_machine.travel(clock.wall() + timedelta(minutes=6)):
        for name in ("mfa_activate_totp", "mfa_add_webauthn"):
            answer = anna.client.get(reverse(name))
            assert answer.url.startswith(reverse("account_reauthenticate"))
        anna.confirm()
        assert anna.client.get(reverse("mfa_activate_totp")).status_code == 200


@pytest.mark.parametrize("kind", ["app", "passkey"])
def test_who_has_no_password_shows_the_second_factor_before_setting_one(
    kind: str, anna_with_app: Visitor
) -> None:
    anna = anna_with_app.person
    Person.objects.filter(pk=anna.pk).update(password="!")
    if kind == "passkey":
        Authenticator.objects.filter(user=anna).delete()
        give_passkey(anna)
    found_open = Client()  # as a browser that was left signed in
    found_open.force_login(Person.objects.get(pk=anna.pk))
    address, new = reverse("account_set_password"), "a long and quiet password"
    assert found_open.get(address).url.startswith("/account/confirm/")
    assert found_open.post(address, {"password1": new, "password2": new}).url == address
    assert not Person.objects.get(pk=anna.pk).has_usable_password()
    assert new not in str(dict(found_open.session.items()))
    if kind == "app":
        with time_machine.travel(clock.wall() + timedelta(seconds=PERIOD), tick=False):
            confirm = found_open.get(address, follow=True).redirect_chain[-1][0]
            assert found_open.post(confirm, {"code": anna_with_app.code}).url == address
            found_open.post(address, {"password1": new, "password2": new})
        assert Person.objects.get(pk=anna.pk).check_password(new)


def test_what_was_confirmed_by_code_needs_no_password(anna_with_app: Visitor) -> None:
    with time_machine.travel(clock.wall() + timedelta(minutes=6)):
        codes = reverse("mfa_view_recovery_codes")
        assert anna_with_app.client.get(codes).status_code == 302
        page = anna_with_app.client.get(reverse("account_reauthenticate")).content.decode()
        assert "with a code" in page
        anna_with_app.client.post(reverse("mfa_reauthenticate"), {"code": anna_with_app.code})
        assert anna_with_app.client.get(codes).status_code == 200


def test_the_first_second_factor_signs_out_whoever_had_the_password_only(anna: Visitor) -> None:
    stranger = Client()
    anna.sign_in(stranger)
    assert is_signed_in(stranger)
    page = anna.client.get(anna.set_up_app().url).content.decode()
    assert "You are signed out everywhere else." in page
    assert stranger.get("/workspace/").url.startswith("/sign-in/")
    assert anna.client.get("/workspace/").status_code == 200


def test_who_sets_up_the_first_factor_is_told_that_tokens_stay(anna: Visitor) -> None:
    make_token(
        campaign=make_campaign(owner=anna.person),
        person=anna.person,
        name="made with the password only",
        role=Role.VIEWER,
        expires_at=clock.wall() + timedelta(days=1),
    )
    anna.set_up_app()
    assert "Your API tokens go on working" in anna.client.get(reverse("account")).content.decode()


def test_removing_the_app_takes_its_recovery_codes_along(anna_with_app: Visitor) -> None:
    page = anna_with_app.client.get(reverse("mfa_deactivate_totp")).content.decode()
    assert "Remove the app?" in page
    anna_with_app.client.post(reverse("mfa_deactivate_totp"))
    assert not Authenticator.objects.exists()
    client = Client()
    anna_with_app.sign_in(client)
    assert is_signed_in(client)


def test_a_passkey_is_renamed_and_removed(anna: Visitor) -> None:
    key = give_passkey(anna.person)
    anna.client.post(reverse("mfa_edit_webauthn", args=[key.pk]), {"name": "Blue key"})
    assert "Blue key" in anna.client.get(SET_UP).content.decode()
    assert "Blue key" in anna.client.get(reverse("mfa_remove_webauthn", args=[key.pk])).content.decode()
    answer = anna.client.post(reverse("mfa_remove_webauthn", args=[key.pk]))
    assert answer.url == SET_UP
    assert not Authenticator.objects.exists()


def test_nobody_changes_the_passkey_of_another(anna: Visitor) -> None:
    theirs = give_passkey(make_person())
    for name in ("mfa_edit_webauthn", "mfa_remove_webauthn"):
        assert anna.client.post(reverse(name, args=[theirs.pk]), {"name": "Mine"}).status_code == 404


@pytest.mark.parametrize(
    "credential", ["", "{}", "[]", "7", '{"response": {"userHandle": "MQ"}}', "not json"]
)
def test_a_made_up_passkey_is_refused(credential: str, anna: Visitor) -> None:
    client = Client()
    client.get(reverse("mfa_login_webauthn"), headers={"accept": "application/json"})
    answer = client.post(reverse("mfa_login_webauthn"), {"credential": credential})
    assert answer.url == reverse("account_login")
    assert not is_signed_in(client)
    anna.client.get(reverse("mfa_add_webauthn"))
    page = anna.client.post(reverse("mfa_add_webauthn"), {"name": "x", "credential": credential})
    assert "could not be used" in page.content.decode()
    assert not Authenticator.objects.exists()


# -- where a second factor is compulsory


@pytest.fixture
def required(settings: Settings) -> Settings:
    settings.REQUIRE_MFA = True
    return settings


def pages(
    among: list[URLPattern | URLResolver], before: str = "/", space: str = ""
) -> Iterator[tuple[str, str]]:
    """The name and a made-up address of every page of the site."""
    for each in among:
        address = before + filled(each.pattern)
        if isinstance(each, URLResolver):
            inside = f"{space}{each.namespace}:" if each.namespace else space
            yield from pages(each.url_patterns, address, inside)
        else:
            yield f"{space}{each.name}", address


def filled(pattern: object) -> str:
    """A part of an address, with something for each of its variables."""
    if isinstance(pattern, RoutePattern):
        samples = {
            name: next(each for each in SAMPLES if re.fullmatch(converter.regex, each))
            for name, converter in pattern.converters.items()
        }
        return re.sub(r"<(?:\w+:)?(\w+)>", lambda found: samples[found[1]], str(pattern))
    assert isinstance(pattern, RegexPattern)
    assert pattern.match(PASSWORD_KEY), f"Give an example of {pattern}"
    return PASSWORD_KEY


def test_without_a_second_factor_every_page_leads_to_setting_one_up(
    required: Settings, client: Client
) -> None:
    anna = make_person("anna@example.org", superuser=True)
    make_campaign(owner=anna)
    client.force_login(anna)
    client.raise_request_exception = False
    everything = list(pages(get_resolver().url_patterns))
    assert {name for name, _ in everything} >= OPEN_PAGES
    for name, path in everything:
        if name in {"account_logout", "sign_in_link"}:  # these sign out, and have tests of their own
            continue
        is_open = name in OPEN_PAGES or path.startswith("/c/")
        for method in ("GET", "POST"):
            answer = client.generic(method, path)
            led = answer.status_code == 302 and answer["Location"] == SET_UP
            assert led is not is_open, (name, method, answer.status_code)


def test_the_pages_that_are_open_say_why(required: Settings, anna: Visitor) -> None:
    for path in ("/account/", SET_UP):
        assert "asks everybody for a second factor" in anna.client.get(path).content.decode()
    assert anna.client.get("/workspace/").url == SET_UP


def test_signing_in_leads_to_setting_up_and_then_in(required: Settings, anna: Visitor) -> None:
    client = Client()
    assert anna.client.get(anna.sign_in(client).url).url == SET_UP
    anna.set_up_app()
    assert anna.client.get("/workspace/").status_code == 200
    assert "asks everybody" not in anna.client.get("/account/").content.decode()


def test_recovery_codes_alone_are_no_second_factor(required: Settings, anna: Visitor) -> None:
    Authenticator.objects.create(
        user=anna.person, type=Authenticator.Type.RECOVERY_CODES, data={"seed": encrypt("00"), "used_mask": 0}
    )
    assert anna.client.get("/workspace/").url == SET_UP


def test_a_one_time_link_leads_to_setting_up_too(required: Settings, client: Client) -> None:
    client.post(sign_in_link(make_person()))
    assert is_signed_in(client)
    assert client.get("/workspace/").url == SET_UP


@pytest.mark.parametrize("kind", ["app", "passkey"])
def test_the_last_second_factor_stays(kind: str, required: Settings, anna: Visitor) -> None:
    if kind == "app":
        anna.set_up_app()
        remove = reverse("mfa_deactivate_totp")
    else:
        remove = reverse("mfa_remove_webauthn", args=[give_passkey(anna.person).pk])
    page = anna.client.post(remove, follow=True).content.decode()
    assert "This is your only second factor" in page
    assert Authenticator.objects.exclude(type=Authenticator.Type.RECOVERY_CODES).exists()


def test_of_two_second_factors_one_may_go(required: Settings, anna_with_app: Visitor) -> None:
    key = give_passkey(anna_with_app.person)
    anna_with_app.client.post(reverse("mfa_deactivate_totp"))
    assert Authenticator.objects.filter(type=Authenticator.Type.TOTP).count() == 0
    anna_with_app.client.post(reverse("mfa_remove_webauthn", args=[key.pk]))
    assert Authenticator.objects.filter(pk=key.pk).exists()


def test_a_factor_that_was_taken_away_leads_an_open_session_back(
    required: Settings, anna_with_app: Visitor
) -> None:
    assert anna_with_app.client.get("/workspace/").status_code == 200
    Authenticator.objects.all().delete()
    assert anna_with_app.client.get("/workspace/").url == SET_UP


# -- for somebody who lost them


def reset(email: str) -> str:
    out = StringIO()
    call_command("reset_second_factors", email, stdout=out)
    return out.getvalue()


def test_an_administrator_takes_lost_factors_away(anna_with_app: Visitor, settings: Settings) -> None:
    give_passkey(anna_with_app.person)
    said = reset(" Anna@example.org")
    assert "Removed from anna@example.org: the app, 1 passkey, the recovery codes." in said
    assert "Ended sessions: 1. Revoked API tokens: 0." in said
    assert "one-time link" not in said
    assert anna_with_app.client.get("/workspace/").url.startswith("/sign-in/")
    client = Client()
    anna_with_app.sign_in(client)
    assert is_signed_in(client)


def test_who_has_no_password_needs_a_link_then(required: Settings) -> None:
    give_passkey(make_person("anna@example.org"))
    said = reset("anna@example.org")
    assert "manage.py sign_in_link anna@example.org" in said
    assert "they have to set up a second factor" in said


@pytest.mark.parametrize(("there", "sentence"), [(False, "Nobody here has"), (True, "no second factor")])
def test_the_command_says_why_nothing_was_done(there: bool, sentence: str) -> None:
    if there:
        make_person("anna@example.org")
    with pytest.raises(CommandError, match=sentence):
        reset("anna@example.org")
