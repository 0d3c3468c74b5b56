"""Replays a recorded exchange (HAR 1.2, what browsers export) in place of the network.

Of several entries for one URL the last complete one counts: it is what the browser ended with.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from apps.core import clock

from .outcomes import Reason
from .replay import REDIRECTS, Exchange, Replay, comparable, comparable_json

MAX_FILE_BYTES = 200_000_000

_FAILURES = (  # part of a browser's word, what it means, and the checker's own word where it has one
    ("ERR_NAME_NOT_RESOLVED", Reason.DNS_FAILURE, ""),
    ("UNKNOWN_HOST", Reason.DNS_FAILURE, ""),
    ("ERR_CERT_COMMON_NAME_INVALID", Reason.TLS_FAILURE, "certificate: hostname mismatch"),
    ("ERR_CERT_AUTHORITY_INVALID", Reason.TLS_FAILURE, "certificate: unknown issuer"),
    ("ERR_CERT", Reason.TLS_FAILURE, ""),
    ("ERR_SSL", Reason.TLS_FAILURE, ""),
    ("TIMED_OUT", Reason.TIMEOUT, ""),
    ("NET_TIMEOUT", Reason.TIMEOUT, ""),
    ("ERR_CONNECTION", Reason.REFUSED, ""),
    ("CONNECTION_REFUSED", Reason.REFUSED, ""),
)


class UnusableRecording(ValueError):
    """The file is no HAR that could be replayed. `str()` is a sentence for the person who gave it."""


class HarFetch(Replay):
    """Answers asks from a recording."""

    @classmethod
    def from_file(cls, path: Path) -> HarFetch:
        """Open a .har file. Raises UnusableRecording with a sentence."""
        try:
            if path.stat().st_size > MAX_FILE_BYTES:
                raise UnusableRecording(
                    f"{path.name} is over {MAX_FILE_BYTES // 1_000_000} MB: export fewer entries."
                )
            text = path.read_text(encoding="utf-8-sig")
        except OSError as error:
            raise UnusableRecording(f"{path.name} cannot be read: {error.strerror}.") from error
        except UnicodeDecodeError as error:
            raise UnusableRecording(f"{path.name} is not UTF-8 text, as a HAR file must be.") from error
        return cls.from_text(text, name=path.name)

    @classmethod
    def from_text(cls, text: str, *, name: str = "The recording") -> HarFetch:
        """Read the text of a .har file. Raises UnusableRecording with a sentence."""
        try:
            document = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise UnusableRecording(f"{name} is not JSON, as a HAR file must be.") from error
        try:
            raw_entries = document["log"]["entries"]
            if not isinstance(raw_entries, list):
                raise TypeError
        except (KeyError, TypeError) as error:
            raise UnusableRecording(
                f"{name} has no log.entries: export it from a browser as HAR 1.2."
            ) from error
        entries = []
        for number, raw in enumerate(raw_entries, start=1):
            try:
                if str(raw["request"]["method"]).upper() in {"GET", "POST"}:
                    entries.append(_read_entry(raw))
            except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
                raise UnusableRecording(
                    f"Entry {number} of {name} is not as HAR 1.2 has it: it needs request.method, "
                    "request.url, response.status, response.headers and response.content."
                ) from error
        return cls(entries)


def _read_entry(raw: dict[str, Any]) -> Exchange:
    response = raw["response"]
    status = int(response["status"])
    if status and not 100 <= status <= 999:  # 0: there was no answer
        raise ValueError("status")
    headers: dict[str, str] = {}
    for header in response["headers"]:
        name = str(header["name"]).lower()
        value = str(header["value"])
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    if response.get("redirectURL") and status in REDIRECTS:
        headers.setdefault("location", str(response["redirectURL"]))
    content = response.get("content") or {}
    body, missing = _read_body(content, headers, status)
    failure, detail = _failure(
        str(response.get("_error") or "no answer")[:80], str(response.get("_detail") or "")[:80]
    )
    return Exchange(
        url=comparable(str(raw["request"]["url"])),
        status=status or None,
        headers=headers,
        body=body,
        body_missing=missing,
        started_at=_read_time(raw.get("startedDateTime")),
        elapsed_ms=max(0, min(int(raw.get("time") or 0), 3_600_000)),
        address=str(raw.get("serverIPAddress") or "").strip("[]"),
        failure=None if status else failure,
        detail="" if status else detail,
        post=_read_post(raw["request"]),
    )


def _read_post(request: dict[str, Any]) -> str:
    """What a POST sent; "" for a GET. A form, or nothing, answers no question of ours."""
    if str(request["method"]).upper() != "POST":
        return ""
    return comparable_json(str((request.get("postData") or {}).get("text") or "nothing"))


def _read_body(content: dict[str, Any], headers: dict[str, str], status: int) -> tuple[bytes, bool]:
    """The body, and whether it was left out of the recording although the answer had one that matters."""
    text = content.get("text")
    if text is None:
        return b"", 200 <= status < 300 and int(content.get("size") or 0) > 0
    if content.get("encoding") == "base64":
        try:
            return base64.b64decode(str(text), validate=False), False
        except binascii.Error as error:
            raise ValueError("base64") from error
    media_type = str(headers.get("content-type") or content.get("mimeType") or "")
    # The recording holds decoded text, whatever the answer was encoded in.
    if media_type:
        without = re.sub(r";\s*charset\s*=\s*[^;]*", "", media_type, flags=re.IGNORECASE)
        headers["content-type"] = f"{without}; charset=utf-8"
    return str(text).encode("utf-8", errors="replace"), False


def _read_time(text: object) -> datetime:
    """When an entry was recorded; now, where it does not say, or says what cannot have been."""
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return clock.now()
    if not 1990 <= moment.year <= 9000:
        return clock.now()
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _failure(error: str, detail: str) -> tuple[Reason, str]:
    """What a browser's word for a failure means, with one for the evidence; our own recordings have ours."""
    if error in Reason.values:
        return Reason(error), detail
    for mark, reason, word in _FAILURES:
        if mark in error.upper():
            return reason, word or error
    return Reason.REFUSED, error


# ---------------------------------------------------------------------------------------- writing a recording


def har_text(exchanges: Iterable[Exchange], *, creator: str) -> str:
    """Exchanges as a HAR 1.2 file, as `HarFetch` reads them back."""
    log = {
        "version": "1.2",
        "creator": {"name": creator, "version": "1"},
        "entries": [_entry(exchange) for exchange in exchanges],
    }
    return json.dumps({"log": log}, ensure_ascii=False, indent=1) + "\n"


def _entry(exchange: Exchange) -> dict[str, Any]:
    response: dict[str, Any] = {
        "status": exchange.status or 0,
        "statusText": "",
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": [{"name": name, "value": value} for name, value in exchange.headers.items()],
        "content": {
            "size": len(exchange.body),
            "mimeType": exchange.headers.get("content-type", ""),
            "text": exchange.body.decode(errors="replace"),
        },
        "redirectURL": exchange.headers.get("location", ""),
        "headersSize": -1,
        "bodySize": len(exchange.body),
    }
    if exchange.failure is not None:
        response["_error"], response["_detail"] = str(exchange.failure), exchange.detail
    request: dict[str, Any] = {
        "method": "POST" if exchange.post else "GET",
        "url": exchange.url,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": [],
        "queryString": [],
        "headersSize": -1,
        "bodySize": len(exchange.post.encode()),
    }
    if exchange.post:
        request["postData"] = {"mimeType": "application/json", "text": exchange.post}
    return {
        "startedDateTime": exchange.started_at.isoformat(),
        "time": exchange.elapsed_ms,
        "request": request,
        "response": response,
        "serverIPAddress": exchange.address,
        "cache": {},
        "timings": {"send": 0, "wait": exchange.elapsed_ms, "receive": 0},
    }
