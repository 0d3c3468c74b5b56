"""Answers asks from exchanges that are known already, in place of the network.

- An exchange answers an ask when it is a GET of the same URL in canonical form; its head answers a HEAD. A
  question that is sent as POST is answered by a POST of the same JSON.
- Redirects are exchanges of their own and are followed by hand, under the rules that hold for real checks.
- What is asked and not there is listed in `missing`, and the answer is then `not_recorded`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urldefrag, urljoin

from django.conf import settings

from apps.core import clock
from apps.core.canonical import UnusableURL, canonicalise

from . import address
from .answer import Answer, Ask, Hop
from .outcomes import Reason

MAX_REDIRECTS = 10
REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and what came back for it. `url` and `post` are comparable, header names are in lower case.

    Either `status` is set or `failure`, with a short technical word in `detail`. `body_missing` marks an
    answer whose body was not kept. `address` is the server's, where it is known.
    """

    url: str
    status: int | None
    headers: Mapping[str, str]
    body: bytes
    started_at: datetime
    elapsed_ms: int = 0
    body_missing: bool = False
    address: str = ""
    failure: Reason | None = None
    detail: str = ""
    post: str = ""  # the JSON that was sent; "" for a GET


class Replay:
    """Answers asks from exchanges. Of several for one URL the last that came to an answer counts.

    `asked` holds the URLs of the exchanges that were used, in that order; `missing` those that were asked and
    are not there.
    """

    def __init__(self, exchanges: Iterable[Exchange]) -> None:
        self._exchanges: dict[tuple[str, str], Exchange] = {}
        for exchange in exchanges:
            key = exchange.url, exchange.post
            kept = self._exchanges.get(key)
            # A browser notes an attempt that was cut off, too; it does not outweigh an answer.
            if kept is None or exchange.status is not None or kept.status is None:
                self._exchanges[key] = exchange
        self.asked: list[str] = []
        self.missing: list[str] = []

    @property
    def first_url(self) -> str:
        """The URL of the first exchange; "" where there is none."""
        return next((url for url, _ in self._exchanges), "")

    def holds(self, url: str) -> bool:
        """Whether there is an exchange for a URL."""
        return (comparable(url), "") in self._exchanges

    def __call__(self, ask: Ask) -> Answer:
        """Answer an ask. Never raises."""
        url = ask.url
        hops: list[Hop] = []
        exchange: Exchange | None = None
        first: datetime | None = None
        elapsed_ms = 0
        while True:
            if address.refusal(url) is not None:
                return _failed(ask, exchange, first, elapsed_ms, hops, Reason.BLOCKED_ADDRESS, "address")
            exchange = self._exchanges.get((comparable(url), comparable_json(ask.post)))
            if exchange is None or (exchange.body_missing and not ask.head_only):
                if url not in self.missing:
                    self.missing.append(url)
                detail = "the body was not recorded" if exchange else ""
                return _failed(ask, exchange, first, elapsed_ms, hops, Reason.NOT_RECORDED, detail)
            self.asked.append(exchange.url)
            first = first or exchange.started_at
            elapsed_ms += exchange.elapsed_ms
            if exchange.status is None:
                failure = exchange.failure or Reason.REFUSED
                return _failed(ask, exchange, first, elapsed_ms, hops, failure, exchange.detail)
            location = exchange.headers.get("location", "")
            follows = ask.follow_redirects and not ask.post
            if not (follows and exchange.status in REDIRECTS and location):
                break
            if len(hops) == MAX_REDIRECTS:
                return _failed(ask, exchange, first, elapsed_ms, hops, Reason.TOO_MANY_REDIRECTS, "")
            try:
                url = urldefrag(urljoin(url, location)).url
            except ValueError:
                return _failed(ask, exchange, first, elapsed_ms, hops, Reason.PROTOCOL_ERROR, "location")
            hops.append(Hop(status=exchange.status, url=url))
        whole = b"" if ask.head_only else exchange.body
        body = whole[: settings.CHECK_MAX_BYTES]
        return Answer(
            ask=ask,
            started_at=first,
            finished_at=first + timedelta(milliseconds=elapsed_ms),
            status=exchange.status,
            url=url,
            hops=tuple(hops),
            headers=exchange.headers,
            body=body,
            truncated=len(whole) > len(body),
            received_bytes=len(whole),
            elapsed_ms=elapsed_ms,
            address=exchange.address,
        )


def _failed(
    ask: Ask,
    exchange: Exchange | None,
    first: datetime | None,
    elapsed_ms: int,
    hops: list[Hop],
    failure: Reason,
    detail: str,
) -> Answer:
    started_at = first or (exchange.started_at if exchange else clock.now())
    return Answer(
        ask=ask,
        started_at=started_at,
        finished_at=started_at + timedelta(milliseconds=elapsed_ms),
        hops=tuple(hops),
        elapsed_ms=elapsed_ms,
        failure=failure,
        detail=detail,
    )


def comparable(url: str) -> str:
    """The form in which URLs of exchanges are compared."""
    try:
        return canonicalise(url).key
    except UnusableURL:
        return urldefrag(url).url


def comparable_json(text: str) -> str:
    """The form in which the JSON of questions is compared; a text that is no JSON as it stands."""
    try:
        return json.dumps(json.loads(text), sort_keys=True)
    except (ValueError, RecursionError):
        return text
