"""Where attempts are counted in Redis, and it does not answer: a clear 503, and nobody gets in uncounted."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from django.test import Client

from .conftest import Programs


@pytest.fixture
def without_redis(settings: Any, programs: Programs) -> None:
    """A cache at a port of this machine where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    backend = "django.core.cache.backends.redis.RedisCache"
    default = {"BACKEND": backend, "LOCATION": f"redis://127.0.0.1:{port}/0"}
    settings.CACHES = settings.CACHES | {"default": default}


def test_programs_are_told_to_come_again(programs: Programs, without_redis: None) -> None:
    answer = programs.ask("owner", "GET", "/items")
    assert (answer.status_code, answer["Content-Type"]) == (503, "application/problem+json")
    assert answer["Retry-After"] == "60"


def test_nobody_signs_in_uncounted(programs: Programs, without_redis: None) -> None:
    client = Client(raise_request_exception=False)
    answer = client.post("/sign-in/", {"login": "owner@example.org", "password": "wrong password"})
    assert (answer.status_code, answer["Retry-After"]) == (503, "60")
    assert "The queue (Redis) does not answer" in answer.content.decode()
    assert "sessionid" not in client.cookies
