"""What holds for every answer: problems, limits, no sign-in by cookie, nothing that a cache would keep."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from apps.reports.models import Report
from tests.api.conftest import Programs


def is_problem(answer: Any, status: int) -> dict[str, Any]:
    """The problem that an answer is; fails for anything else."""
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["Cache-Control"] == "no-store"
    said: dict[str, Any] = json.loads(answer.content)
    assert said["status"] == status
    assert said["title"]
    assert said["detail"].endswith("."), said["detail"]
    assert answer["X-Content-Type-Options"] == "nosniff"
    return said


@pytest.mark.parametrize(
    "path", ["/api/", "/api/v1/", "/api/v2/campaigns", "/api/v1/nothing", "/api/v1/docs"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_an_address_that_there_is_not_is_a_problem(path: str, method: str, db: None) -> None:
    is_problem(Client(enforce_csrf_checks=True).generic(method, path), 404)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
def test_a_method_that_there_is_not_is_a_problem_that_names_the_others(
    method: str, programs: Programs
) -> None:
    answer = programs.ask("owner", method, "/reports")
    assert answer.status_code == 405
    assert {each.strip() for each in answer["Allow"].split(",")} == {"GET", "POST"}
    if method != "HEAD":
        is_problem(answer, 405)


def test_a_body_that_is_no_json_is_a_problem(programs: Programs) -> None:
    for body in (b"{", b"\xff", b"[" * 100_000):
        is_problem(programs.ask("owner", "POST", "/reports", body), 400)
    is_problem(programs.ask("owner", "POST", "/reports", b" "), 400)


def test_a_body_that_is_not_said_to_be_json_is_a_problem(programs: Programs) -> None:
    answer = Client().post(
        "/api/v1/campaigns/example-models/reports",
        {"items": "x"},
        headers={"Authorization": f"Bearer {programs.secrets['owner']}"},
    )
    is_problem(answer, 415)


def test_a_name_that_is_not_the_sites_is_a_problem(programs: Programs, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["still-up.example.org"]
    is_problem(programs.ask("owner", "GET", "/items"), 400)


def test_an_error_of_our_own_is_a_problem_that_tells_nothing(programs: Programs, settings: Any) -> None:
    settings.API_REQUESTS_A_MINUTE = "a secret that is no number"
    said = is_problem(programs.ask("owner", "GET", "/items"), 500)
    assert "secret" not in json.dumps(said)


def test_no_other_site_may_read_it_from_a_browser(programs: Programs) -> None:
    answer = programs.ask("owner", "GET", "/items", headers={"Origin": "https://www.example.net"})
    assert not [name for name in answer.headers if name.startswith("Access-Control")]
    assert not answer.cookies


def test_the_document_is_for_everyone_and_asks_no_third_party(db: None) -> None:
    answer = Client().get("/api/v1/openapi.json")
    assert answer.status_code == 200
    text = answer.content.decode()
    assert "cdn" not in text
    assert json.loads(text)["openapi"].startswith("3.1")


def test_a_token_that_asks_too_often_is_told_when_to_come_back(programs: Programs, settings: Any) -> None:
    settings.API_REQUESTS_A_MINUTE = 3
    seen = [programs.ask("editor", "GET", "").status_code for _ in range(3)]
    refused = programs.ask("editor", "POST", "/reports", {"items": [{"url": "https://models.example.org/a"}]})
    if seen != [200, 200, 200] or refused.status_code != 429:  # the minute ended just then
        cache.clear()
        seen = [programs.ask("editor", "GET", "").status_code for _ in range(3)]
        refused = programs.ask("editor", "GET", "")
    assert seen == [200, 200, 200]
    is_problem(refused, 429)
    assert 1 <= int(refused["Retry-After"]) <= 60
    assert not Report.objects.exists()
    assert programs.ask("owner", "GET", "").status_code == 200
