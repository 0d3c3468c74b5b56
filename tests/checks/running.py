"""What tests of the running checker share: an answer, targets by their URLs, threads with a database."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.db import connection

from apps.checks.models import Target
from apps.checks.services import Wanted, watch_targets
from apps.core import clock
from apps.core.canonical import canonicalise
from apps.platforms.matching import match
from tests.checks.servers import RawServer, Script, response

Serve = Callable[[Script | dict[str, bytes]], RawServer]

PAGE = response(
    b"<!doctype html><title>A page</title><h1>A page</h1><p>" + b"It stands here as it always did. " * 20,
    headers=["Content-Type: text/html"],
)
GONE = response(b"gone", status="410 Gone")


SLUG = "example-platform"
_DEFINITION = """
slug = "example-platform"
name = "Example Platform"
hosts = ["127.0.0.1:{port}"]
canary = "http://127.0.0.1:{port}/canary"

[[kinds]]
name = "model"
path = "/models/(?P<name>[^/]+)"
key = "http://127.0.0.1:{port}/models/{{name}}"
probes = ["page"]
{of_kind}

[[probes]]
name = "page"
url = "{{url}}"
"""


def define(port: int, settings: Any, folder: Path, of_kind: str = "") -> None:
    """Put a definition of a platform on loopback in force; `of_kind` adds lines to its kind."""
    of_kind = of_kind.format(port=port)
    (folder / f"{SLUG}.toml").write_text(_DEFINITION.format(port=port, of_kind=of_kind))
    settings.PLATFORM_DEFINITION_DIRS = [folder]


def watch(*urls: str) -> list[Target]:
    """The targets of URLs that were reported just now, in their order."""
    matches = [match(canonicalise(url)) for url in urls]
    found = watch_targets(Wanted(one, clock.now()) for one in matches)
    return [found[one.key] for one in matches]


def with_own_connection(function: Callable[..., Any]) -> Callable[..., Any]:
    """For a thread of its own, with a database connection that is closed at its end."""

    def run(*arguments: Any) -> None:
        try:
            function(*arguments)
        finally:
            connection.close()

    return run
