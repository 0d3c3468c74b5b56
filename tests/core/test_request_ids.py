"""Each request has an id, in its answer and in what is logged because of it."""

from __future__ import annotations

import json
import logging
import re
import sys
from typing import Any

import pytest
from django.test import Client

from apps.core.request_ids import HEADER
from config.logs import JsonLines, WithoutAddresses, WithRequestId, request_id

OURS = re.compile(r"[0-9a-f]{16}")
THEIRS = "5f0c1b9e-proxy.example_1"


def answered(**headers: str) -> str:
    return str(Client().get("/healthz", headers=headers)[HEADER])


def test_every_answer_has_an_id_of_its_own() -> None:
    first, second = answered(), answered()
    assert OURS.fullmatch(first)
    assert first != second
    assert request_id.get() == ""


@pytest.mark.parametrize(
    ("behind_proxy", "given", "kept"),
    [
        (True, THEIRS, True),
        (False, THEIRS, False),  # a visitor's own words
        (True, "", False),
        (True, "short", False),
        (True, "x" * 65, False),
        (True, "with blanks in it", False),
        (True, "with\nline", False),
        (True, "número-de-petición", False),
    ],
)
def test_only_a_usable_id_of_a_trusted_proxy_is_kept(
    settings: Any, behind_proxy: bool, given: str, kept: bool
) -> None:
    settings.BEHIND_PROXY = behind_proxy
    own = answered(**{HEADER: given})
    assert (own == given) is kept
    assert kept or OURS.fullmatch(own)


@pytest.mark.django_db
def test_what_is_logged_because_of_a_request_has_its_id(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.filtering(WithRequestId()):
        answer = Client().get("/no-such-page/")
    (record,) = [one for one in caplog.records if one.name == "django.request"]
    assert record.__dict__["request_id"] == answer[HEADER]


def written(*, message: str, arguments: tuple[object, ...] = (), error: bool = False) -> logging.LogRecord:
    information = sys.exc_info() if error else None
    record = logging.LogRecord("apps.checks", logging.WARNING, "", 0, message, arguments, information)
    WithRequestId().filter(record)
    return record


def test_a_line_has_the_id_where_there_is_one() -> None:
    line = WithoutAddresses("%(name)s%(of_request)s: %(message)s")
    assert line.format(written(message="a")) == "apps.checks: a"
    token = request_id.set("0123456789abcdef")
    try:
        assert line.format(written(message="a")) == "apps.checks [0123456789abcdef]: a"
    finally:
        request_id.reset(token)


def test_json_is_one_line_without_any_address() -> None:
    token = request_id.set("0123456789abcdef")
    try:
        raise ValueError("cannot read\nhttps://models.example.org/owner/name?x=1")
    except ValueError:
        record = written(message="failed: %s", arguments=("http://example.org/a",), error=True)
    finally:
        request_id.reset(token)
    line = JsonLines().format(record)
    told = json.loads(line)
    assert "\n" not in line
    assert "example.org" not in line
    assert {name: told[name] for name in ("level", "logger", "message", "request")} == {
        "level": "warning",
        "logger": "apps.checks",
        "message": "failed: [address]",
        "request": "0123456789abcdef",
    }
    assert "ValueError: cannot read\n[address]" in told["error"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", told["time"])


def test_json_says_nothing_of_what_is_not_there() -> None:
    assert set(json.loads(JsonLines().format(written(message="a")))) == {"time", "level", "logger", "message"}
