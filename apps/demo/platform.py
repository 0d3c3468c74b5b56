"""The simulated platform: a plain HTTP server that answers as the story says, on loopback only.

It knows no database. What it answers at a moment follows from the story and from the record's clock, which it
reads from the same environment as the checker.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

from apps.demo import story
from apps.demo.story import Hidden, Host, Item, Kind, State

LOOPBACK = "127.0.0.1"
RETRY_AFTER_SECONDS = 1  # real ones: a rate limit is between machines


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP response."""

    status: int
    body: str
    headers: dict[str, str] = field(default_factory=dict)
    media_type: str = "text/html; charset=utf-8"


def respond(host: Host, path: str, moment: timedelta) -> Response:
    """What `host` answers to a GET of `path`, `moment` after the start of the story. Pure."""
    parts = [part for part in path.partition("?")[0].split("/") if part]
    if host is Host.ELSEWHERE:
        return _elsewhere(path, moment)
    match parts:
        case ["api", "models", owner, name]:
            return _api_of_model(owner, name, moment)
        case ["api", "accounts", owner]:
            return _api_of_account(owner, moment)
        case [owner, folder, "files", _]:
            return _page_of_file(path, owner, folder, moment)
        case [owner, name]:
            return _page_of_model(owner, name, moment)
        case [owner]:
            return _page_of_account(owner, moment)
        case []:
            return _page(200, "Example Models", "A fictional platform, for the demo of Still Up.")
        case _:
            return NOT_FOUND


def _item(host: Host, path: str) -> Item | None:
    return _by_path().get((host, path.partition("?")[0].rstrip("/")))


@cache
def _by_path() -> dict[tuple[Host, str], Item]:
    return {(item.host, item.path): item for item in story.items()}


# ------------------------------------------------------------------------------------------------- the pages


def _page(status: int, title: str, text: str, *, site: str = "Example Models", **headers: str) -> Response:
    paragraphs = "".join(
        f"<p>{text} This paragraph is number {number} of the page.</p>" for number in range(1, 9)
    )
    body = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{title} - {site}</title></head><body><h1>{title}</h1>{paragraphs}</body></html>"
    )
    return Response(status, body, {name.replace("_", "-"): value for name, value in headers.items()})


NOT_FOUND = _page(404, "Page not found", "There is nothing at this address.")
HIDDEN: dict[Hidden, Response] = {
    Hidden.RATE_LIMITED: _page(
        429, "Too many requests", "Come back later.", Retry_After=str(RETRY_AFTER_SECONDS)
    ),
    Hidden.BOT_WALL: _page(403, "Just a moment...", "Checking your browser.", cf_mitigated="challenge"),
    Hidden.SERVER_ERROR: _page(503, "Service unavailable", "We are repairing something."),
    Hidden.FALSE_MISSING: NOT_FOUND,
}
GONE: dict[State, Response] = {
    State.DISABLED: _page(403, "Disabled by Example Models", "It broke the platform's rules."),
    State.MISSING: NOT_FOUND,
    State.SOFT_MISSING: _page(200, "Page not found", "There is nothing at this address."),
    State.LEGAL: _page(451, "Unavailable for legal reasons", "An order names this page."),
    State.SHELL: _page(200, "Loading", "This application needs scripts.", site="Example Elsewhere"),
    State.ACCOUNT_SUSPENDED: NOT_FOUND,
    State.ACCOUNT_DELETED: NOT_FOUND,
}
# What an address that never existed is answered with, by its folder.
UNKNOWN = {story.SOFT_FOLDER: State.SOFT_MISSING, story.SHELL_FOLDER: State.SHELL}


def _page_of_model(owner: str, name: str, moment: timedelta) -> Response:
    item = _item(Host.PLATFORM, f"/{owner}/{name}")
    if hidden := story.spell(Host.PLATFORM, Kind.MODEL, moment):
        return HIDDEN[hidden]
    if (owner, name) == (story.CANARY_OWNER, story.CANARY_NAME):
        return _page(200, f"{owner}/{name}", "A model that is always there.")
    if item is None:
        return NOT_FOUND
    now = story.state(item, moment)
    if now is State.GATED:
        return _page(200, f"{owner}/{name}", "Ask its uploader for access.")
    return GONE.get(now) or _page(200, f"{owner}/{name}", "A fictional model.")


def _page_of_file(path: str, owner: str, folder: str, moment: timedelta) -> Response:
    item = _item(Host.PLATFORM, path)
    if hidden := story.spell(Host.PLATFORM, Kind.FILE, moment):
        return HIDDEN[hidden]
    if item is None:
        return GONE[UNKNOWN.get(folder, State.MISSING)]
    return GONE.get(story.state(item, moment)) or _page(200, f"{item.name} of {owner}", "A fictional file.")


def _page_of_account(owner: str, moment: timedelta) -> Response:
    if hidden := story.spell(Host.PLATFORM, Kind.ACCOUNT, moment):
        return HIDDEN[hidden]
    if owner not in _owners():
        return NOT_FOUND
    return GONE.get(story.account_state(owner, moment)) or _page(200, owner, "A fictional uploader.")


def _elsewhere(path: str, moment: timedelta) -> Response:
    item = _item(Host.ELSEWHERE, path)
    if hidden := story.spell(Host.ELSEWHERE, Kind.PAGE, moment):
        return HIDDEN[hidden]
    if item is None:
        folder = path.split("/")[1]
        return GONE[UNKNOWN.get(folder, State.MISSING)]
    gone = GONE.get(story.state(item, moment))
    return gone or _page(200, f"Shared page {item.name}", "A fictional page.", site="Example Elsewhere")


# --------------------------------------------------------------------------------------------------- the API


def _json(status: int, value: dict[str, object]) -> Response:
    return Response(status, json.dumps(value), media_type="application/json")


def _api_error(status: int, code: str) -> Response:
    return _json(status, {"error": {"code": code}})


API_HIDDEN: dict[Hidden, Response] = {
    Hidden.RATE_LIMITED: HIDDEN[Hidden.RATE_LIMITED],
    Hidden.BOT_WALL: HIDDEN[Hidden.BOT_WALL],
    Hidden.SERVER_ERROR: _api_error(503, "unavailable"),
    Hidden.FALSE_MISSING: _api_error(404, "not_found"),
}
API_GONE: dict[State, Response] = {
    State.DISABLED: _api_error(403, "disabled_by_platform"),
    State.LEGAL: _api_error(451, "legal_order"),
}


def _api_of_model(owner: str, name: str, moment: timedelta) -> Response:
    if hidden := story.spell(Host.PLATFORM, Kind.MODEL, moment):
        return API_HIDDEN[hidden]
    item = _item(Host.PLATFORM, f"/{owner}/{name}")
    now = State.MISSING if item is None else story.state(item, moment)
    if (owner, name) == (story.CANARY_OWNER, story.CANARY_NAME):
        now = State.UP
    if now not in story.PRESENT:
        return API_GONE.get(now) or _api_error(404, "not_found")
    return _json(
        200,
        {
            "id": f"{owner}/{name}",
            "gated": now is State.GATED,
            "label": "sensitive" if now is State.LABELLED else None,
        },
    )


def _api_of_account(owner: str, moment: timedelta) -> Response:
    if hidden := story.spell(Host.PLATFORM, Kind.ACCOUNT, moment):
        return API_HIDDEN[hidden]
    if owner not in _owners():
        return _api_error(404, "not_found")
    match story.account_state(owner, moment):
        case State.ACCOUNT_SUSPENDED:
            return _api_error(403, "account_suspended")
        case State.ACCOUNT_DELETED:
            return _api_error(410, "account_deleted")
        case _:
            return _json(200, {"id": owner})


@cache
def _owners() -> frozenset[str]:
    return frozenset(item.owner for item in story.items()) | {story.CANARY_OWNER}


# ------------------------------------------------------------------------------------------------ the server


class StoryServer(ThreadingHTTPServer):
    """Answers for one host of the story, on a loopback port. `moment` tells how far the story has got.

    Raises OSError when the port is taken.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, host: Host, port: int, moment: Callable[[], timedelta]) -> None:
        self.host = host
        self.moment = moment
        super().__init__((LOOPBACK, port), _Handler)

    @property
    def authority(self) -> str:
        """Its `host:port`, as URLs have it."""
        return f"{LOOPBACK}:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: StoryServer
    protocol_version = "HTTP/1.1"
    timeout: ClassVar[float] = 30  # seconds that a silent connection is kept

    def do_GET(self) -> None:
        response = respond(self.server.host, self.path, self.server.moment())
        content = response.body.encode()
        self.send_response(response.status)
        self.send_header("Content-Type", response.media_type)
        self.send_header("Content-Length", str(len(content)))
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the checks are the record."""
