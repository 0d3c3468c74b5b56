"""Pages for everyone, and what every page promises."""

from __future__ import annotations

import pytest
from django.test import Client
from django.test.utils import override_settings

from apps.core import clock
from tests.factories import make_campaign, make_item, make_person, make_report

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["/", "/checker/", "/robots.txt"])
def test_everyone_may_read(path: str, client: Client) -> None:
    assert client.get(path).status_code == 200
    assert client.head(path).status_code == 200
    assert client.post(path).status_code == 405


@override_settings(
    SITE_URL="https://still-up.example.org",
    CHECK_HOST_INTERVAL=2.5,
    CHECK_HOST_CONCURRENCY=3,
    CHECK_CONTACT_EMAIL="checks@example.org",
)
def test_the_checkers_page_says_who_asks_how_often_and_how_to_limit_it(client: Client) -> None:
    page = client.get("/checker/").content.decode()
    for fact in ("https://still-up.example.org", "2.5 s", "at most 3 at a time", "Retry-After"):
        assert fact in page
    assert 'href="mailto:checks@example.org"' in page


def test_search_engines_are_kept_out_of_the_workspace(client: Client) -> None:
    robots = client.get("/robots.txt")
    assert robots["Content-Type"] == "text/plain; charset=utf-8"
    assert "Disallow: /workspace/" in robots.content.decode()
    assert 'content="noindex' not in client.get("/").content.decode()
    assert 'content="noindex' in client.get("/sign-in/").content.decode()


def test_a_page_allows_no_other_origin_and_no_inline_code(client: Client) -> None:
    answer = client.get("/")
    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    page = answer.content.decode()
    assert " style=" not in page
    assert "<style" not in page
    assert " onclick" not in page
    assert "https://" not in page


def test_an_unknown_address_is_a_page_of_its_own(client: Client) -> None:
    answer = client.get("/nowhere/")
    assert answer.status_code == 404
    assert "There is nothing here" in answer.content.decode()


def test_a_stale_form_is_a_page_of_its_own() -> None:
    answer = Client(enforce_csrf_checks=True).post("/sign-in/", {"login": "anna@example.org"})
    assert answer.status_code == 403
    assert "This form has run out" in answer.content.decode()


def test_an_error_of_the_site_is_a_page_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client(raise_request_exception=False)
    monkeypatch.delattr("django.conf.settings.CHECK_HOST_INTERVAL")
    answer = client.get("/checker/")
    assert answer.status_code == 500
    assert "Something broke on our side" in answer.content.decode()


@pytest.mark.parametrize(
    ("path", "status", "german"),
    [
        ("/nowhere/", 404, "Hier ist nichts"),
        ("/c/no-such-campaign/data/", 404, "Hier ist nichts"),
        ("/checker/", 500, "Bei uns ist ein Fehler aufgetreten"),
        ("/", 400, "Diese Anfrage wurde nicht verstanden"),
    ],
)
def test_an_error_is_said_in_the_language_of_the_reader(
    path: str, status: int, german: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client(raise_request_exception=False)
    monkeypatch.delattr("django.conf.settings.CHECK_HOST_INTERVAL")
    host = {"Host": "evil.example.org" if status == 400 else "testserver"}
    for asked, language in (("", "de-AT, en;q=0.5"), ("?lang=de", "en")):
        answer = client.get(path + asked, headers={"Accept-Language": language, **host})
        assert answer.status_code == status
        assert german in answer.content.decode()
        assert answer["Content-Language"] == "de"
        assert ("Accept-Language" in answer.get("Vary", "")) == (not asked)
    answer = client.get(path, headers=host)
    assert german not in answer.content.decode()
    assert '<html lang="en-GB"' in answer.content.decode()


def test_an_error_outside_of_the_public_pages_is_in_english(client: Client) -> None:
    answer = client.get("/account/nowhere/", headers={"Accept-Language": "de"})
    assert answer.status_code == 404
    assert "There is nothing here" in answer.content.decode()


def test_every_page_says_so_while_time_is_simulated(client: Client) -> None:
    person = make_person()
    make_item(make_report(make_campaign(owner=person)))
    client.force_login(person)
    paths = ["/", "/checker/", "/workspace/", "/workspace/example-models/", "/nowhere/"]
    for path in paths:
        assert "Simulated time" not in client.get(path).content.decode()
    with override_settings(CLOCK_SPEED=14400.0, CLOCK_ORIGIN=clock.wall()):
        for path in paths:
            page = client.get(path).content.decode()
            assert "Simulated time" in page
            assert "14,400 times faster" in page
