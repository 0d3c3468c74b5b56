"""The page of one's own account, where one is signed in, and how many attempts there are."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from apps.accounts.browsers import browser_words
from apps.accounts.sign_in import sign_in_link
from apps.exports.snapshots import published
from apps.public.addresses import path_of
from apps.public.pages import paths
from tests.accounts.conftest import PASSWORD, Visitor
from tests.factories import make_person
from tests.public.seeding import SLUG, make_public, seed

pytestmark = pytest.mark.django_db
REPOSITORY = Path(__file__).resolve().parents[2]
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0"
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/19.0 Mobile/15E148 Safari/604.1"
)
CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0"


def sign_in(client: Client, password: str = PASSWORD) -> str:
    """The page that follows."""
    given = {"login": "anna@example.org", "password": password}
    return client.post(reverse("account_login"), given, follow=True).content.decode()


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        (FIREFOX, "Firefox on Linux"),
        (SAFARI, "Safari on an iPhone"),
        (
            f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Safari/537.36",
            "Chrome or one like it on Windows",
        ),
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Safari/537.36 Edg/150.0", "Edge on Windows"),
        (f"Mozilla/5.0 (Linux; Android 15; Example) {CHROME} Mobile", "Chrome or one like it on Android"),
        ("", "An unknown browser on an unknown system"),
    ],
)
def test_a_browser_is_called_as_people_call_it(user_agent: str, words: str) -> None:
    assert browser_words(user_agent) == words


def test_one_signs_out_elsewhere() -> None:
    make_person("anna@example.org", password=PASSWORD)
    laptop, phone = Client(headers={"user-agent": FIREFOX}), Client(headers={"user-agent": SAFARI})
    for client in (laptop, phone):
        sign_in(client)
    page = laptop.get(reverse("usersessions_list")).content.decode()
    assert page.index("Firefox on Linux") < page.index("this browser") < page.index("Safari on an iPhone")
    assert "2 browsers" in laptop.get(reverse("account")).content.decode()
    done = laptop.post(reverse("usersessions_list"), follow=True).content.decode()
    assert "You are signed in nowhere else." in done
    assert phone.get("/workspace/").url.startswith("/sign-in/")
    assert laptop.get("/workspace/").status_code == 200


def test_nobody_ends_the_sessions_of_others(anna: Visitor) -> None:
    other = Client()
    other.force_login(make_person())
    page = other.get(reverse("usersessions_list")).content.decode()
    assert "127.0.0.1" not in page
    other.post(reverse("usersessions_list"))
    assert anna.client.get("/workspace/").status_code == 200


def test_a_session_by_link_is_on_the_list_too(client: Client) -> None:
    client.post(sign_in_link(make_person()))
    assert "1 browser." in client.get(reverse("account")).content.decode()


def test_another_password_signs_out_elsewhere(anna: Visitor) -> None:
    other = Client()
    anna.sign_in(other)
    new = "a long and quiet password"
    given = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    assert anna.client.post(reverse("account_change_password"), given).url == reverse("account")
    assert anna.client.get("/workspace/").status_code == 200
    assert other.get("/workspace/").status_code == 302
    assert "1 browser." in anna.client.get(reverse("account")).content.decode()


def test_the_account_page_leads_to_all_that_is_ones_own(anna: Visitor) -> None:
    assert Client().get(reverse("account")).url.startswith("/sign-in/")
    page = anna.client.get(reverse("account")).content.decode()
    for name in ("account_change_password", "mfa_index", "usersessions_list"):
        assert f'href="{reverse(name)}"' in page
    assert f'href="{reverse("account")}"' in anna.client.get("/workspace/").content.decode()


def test_passwords_cannot_be_guessed_for_long() -> None:
    make_person("anna@example.org", password=PASSWORD)
    client = Client()
    for _ in range(5):
        assert "not correct" in sign_in(client, "wrong")
    assert "Too many attempts that failed. Wait five minutes" in sign_in(client)
    assert "_auth_user_id" not in client.session


def test_no_crawl_of_public_pages_makes_attempts_forgotten(settings: Settings) -> None:
    cache_of_counts = {**settings.CACHES["default"], "OPTIONS": {"MAX_ENTRIES": 10}}
    settings.CACHES = {**settings.CACHES, "default": cache_of_counts}  # as if there were more pages
    make_public(seed(make_person("anna@example.org", password=PASSWORD)))
    client = Client()
    for _ in range(5):
        sign_in(client, "wrong")
    home = f"/c/{SLUG}/"
    for here in paths(published(SLUG).snapshot()):
        assert client.get(home + path_of(*here)).status_code == 200
    assert "Wait five minutes" in sign_in(client)


def test_no_attempts_for_others_make_attempts_forgotten() -> None:
    make_person("anna@example.org", password=PASSWORD)
    for _ in range(5):
        sign_in(Client(), "wrong")
    for number in range(200):  # each from another address, as from a network of hijacked machines
        from_elsewhere = Client(REMOTE_ADDR=f"192.0.2.{number}")
        given = {"login": f"{number}@example.org", "password": "wrong"}
        assert "not correct" in from_elsewhere.post(reverse("account_login"), given).content.decode()
    assert "Wait five minutes" in sign_in(Client())


def test_too_many_requests_get_a_page_that_says_so(client: Client) -> None:
    answers = [
        client.post(reverse("account_reset_password"), {"email": f"{n}@example.org"}) for n in range(21)
    ]
    assert {answer.status_code for answer in answers[:-1]} == {302}
    assert answers[-1].status_code == 429
    assert answers[-1]["Retry-After"] == "60"
    page = answers[-1].content.decode()
    assert "Wait a minute" in page
    assert 'href="/static/still-up.css"' in page


ANOTHER_PROCESS = """
import django
django.setup()
from allauth.core.ratelimit import consume
from django.test import RequestFactory
request = RequestFactory().post("/sign-in/")
print([consume(request, action="login_failed", key="testserver:anna@example.org") for _ in range(6)])
"""


def test_attempts_are_counted_across_processes_where_there_is_redis(
    settings: Settings, valkey_url: str
) -> None:
    settings.CACHES = {
        **settings.CACHES,
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": valkey_url},
    }
    cache.clear()
    make_person("anna@example.org", password=PASSWORD)
    other = subprocess.run(
        [sys.executable, "-c", ANOTHER_PROCESS],
        cwd=REPOSITORY,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", "REDIS_URL": valkey_url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert other.stdout.strip() == str([True] * 5 + [False]), other.stderr
    assert "Wait five minutes" in sign_in(Client())


@pytest.mark.parametrize("name", ["account_login", "mfa_add_webauthn"])
def test_passkeys_say_that_they_need_scripts(name: str, client: Client) -> None:
    if name != "account_login":
        client.force_login(make_person())
    answer = client.get(reverse(name))
    page = answer.content.decode()
    assert "<noscript><p" in page
    assert '<button type="submit" hidden>' in page
    assert "unsafe" not in answer["Content-Security-Policy"]
    assert "<script>" not in page
