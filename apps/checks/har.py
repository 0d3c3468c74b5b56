"""Replays a recorded exchange (HAR 1.2, what browsers export) in place of the network.

- An entry answers an ask when it is a GET of the same URL in canonical form.
- Of several entries for one URL the last complete one counts: it is what the browser ended with.
- Redirects are entries of their own and are followed by hand, under the rules that hold for real checks.
- What is asked and not there is listed in `missing`, and the answer is then `not_recorded`.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urldefrag, urljoin

from django.conf import settings

from apps.core import clock
from apps.core.canonical import UnusableURL, canonicalise

from . import address
from .answer import Answer, Ask, Hop
from .outcomes import Reason

MAX_FILE_BYTES = 200_000_000
MAX_REDIRECTS = 10
REDIRECTS = frozenset({301, 302, 303, 307, 308})

_FAILURES = (
    ("ERR_NAME_NOT_RESOLVED", Reason.DNS_FAILURE),
    ("UNKNOWN_HOST", Reason.DNS_FAILURE),
    ("ERR_CERT", Reason.TLS_FAILURE),
    ("ERR_SSL", Reason.TLS_FAILURE),
    ("TIMED_OUT", Reason.TIMEOUT),
    ("NET_TIMEOUT", Reason.TIMEOUT),
    ("ERR_CONNECTION", Reason.REFUSED),
    ("CONNECTION_REFUSED", Reason.REFUSED),
)


class UnusableRecording(ValueError):
    """The file is no HAR that could be replayed. `str()` is a sentence for the person who gave it."""


@dataclass(frozen=True, slots=True)
class _Entry:
    url: str
    status: int
    headers: dict[str, str]
    body: bytes
    body_missing: bool
    started_at: datetime
    elapsed_ms: int
    error: str


class HarFetch:
    """Answers asks from a recording. `missing` holds the URLs that were asked and are not in it, in order."""

    def __init__(self, entries: Iterable[_Entry]) -> None:
        self._entries: dict[str, _Entry] = {}
        for entry in entries:
            kept = self._entries.get(entry.url)
            # A browser notes an attempt that was cut off, too; it does not outweigh an answer.
            if kept is None or entry.status or not kept.status:
                self._entries[entry.url] = entry
        self.missing: list[str] = []

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
                if str(raw["request"]["method"]).upper() == "GET":
                    entries.append(_read_entry(raw))
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                raise UnusableRecording(
                    f"Entry {number} of {name} is not as HAR 1.2 has it: it needs request.method, "
                    "request.url, response.status, response.headers and response.content."
                ) from error
        return cls(entries)

    def holds(self, url: str) -> bool:
        """Whether the recording has an entry for a URL."""
        return _comparable(url) in self._entries

    def __call__(self, ask: Ask) -> Answer:
        """Answer an ask from the recording. Never raises."""
        url = ask.url
        hops: list[Hop] = []
        entry: _Entry | None = None
        first: datetime | None = None
        elapsed_ms = 0
        while True:
            sentence = address.refusal(url)
            if sentence is not None:
                return self._failed(ask, entry, first, elapsed_ms, hops, Reason.BLOCKED_ADDRESS, "address")
            entry = self._entries.get(_comparable(url))
            if entry is None or entry.body_missing:
                if url not in self.missing:
                    self.missing.append(url)
                detail = "the body was not recorded" if entry else ""
                return self._failed(ask, entry, first, elapsed_ms, hops, Reason.NOT_RECORDED, detail)
            first = first or entry.started_at
            elapsed_ms += entry.elapsed_ms
            if not entry.status:
                return self._failed(ask, entry, first, elapsed_ms, hops, _failure(entry.error), entry.error)
            location = entry.headers.get("location", "")
            if not (ask.follow_redirects and entry.status in REDIRECTS and location):
                break
            if len(hops) == MAX_REDIRECTS:
                return self._failed(ask, entry, first, elapsed_ms, hops, Reason.TOO_MANY_REDIRECTS, "")
            try:
                url = urldefrag(urljoin(url, location)).url
            except ValueError:
                return self._failed(ask, entry, first, elapsed_ms, hops, Reason.PROTOCOL_ERROR, "location")
            hops.append(Hop(status=entry.status, url=url))
        body = entry.body[: settings.CHECK_MAX_BYTES]
        return Answer(
            ask=ask,
            started_at=first,
            finished_at=first + timedelta(milliseconds=elapsed_ms),
            status=entry.status,
            url=url,
            hops=tuple(hops),
            headers=entry.headers,
            body=body,
            truncated=len(entry.body) > len(body),
            received_bytes=len(entry.body),
            elapsed_ms=elapsed_ms,
        )

    def _failed(
        self,
        ask: Ask,
        entry: _Entry | None,
        first: datetime | None,
        elapsed_ms: int,
        hops: list[Hop],
        failure: Reason,
        detail: str,
    ) -> Answer:
        started_at = first or (entry.started_at if entry else clock.now())
        return Answer(
            ask=ask,
            started_at=started_at,
            finished_at=started_at + timedelta(milliseconds=elapsed_ms),
            hops=tuple(hops),
            elapsed_ms=elapsed_ms,
            failure=failure,
            detail=detail,
        )


def _comparable(url: str) -> str:
    try:
        return canonicalise(url).key
    except UnusableURL:
        return urldefrag(url).url


def _read_entry(raw: dict[str, Any]) -> _Entry:
    response = raw["response"]
    status = int(response["status"])
    headers: dict[str, str] = {}
    for header in response["headers"]:
        name = str(header["name"]).lower()
        value = str(header["value"])
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    if response.get("redirectURL") and status in REDIRECTS:
        headers.setdefault("location", str(response["redirectURL"]))
    content = response.get("content") or {}
    body, missing = _read_body(content, headers, status)
    return _Entry(
        url=_comparable(str(raw["request"]["url"])),
        status=status,
        headers=headers,
        body=body,
        body_missing=missing,
        started_at=_read_time(raw.get("startedDateTime")),
        elapsed_ms=max(0, min(int(raw.get("time") or 0), 3_600_000)),
        error=str(response.get("_error") or "no answer")[:80],
    )


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
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return clock.now()
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _failure(error: str) -> Reason:
    return next((reason for mark, reason in _FAILURES if mark in error.upper()), Reason.REFUSED)
