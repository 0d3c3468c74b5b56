"""Answers for tests of the verdict: a scripted web that is asked like the real one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from apps.checks.answer import Answer, Ask, Hop
from apps.checks.outcomes import Reason
from apps.checks.siblings import sibling_url
from apps.core.canonical import canonicalise
from apps.platforms.matching import match

MOMENT = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Told:
    """What a URL answers. `body` may be text, or anything that JSON can hold."""

    status: int = 200
    body: Any = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    goes_to: tuple[str, ...] = ()  # redirects that were followed
    failure: Reason | None = None
    detail: str = "scripted"
    address: str = ""


def page(title: str = "", heading: str = "", text: str = "", *, status: int = 200, **headers: str) -> Told:
    """An HTML page."""
    head = f"<!doctype html><html><head><title>{title}</title></head>"
    body = f"{head}<body><h1>{heading}</h1><p>{text}</p></body></html>"
    return Told(status, body, {name.replace("_", "-"): value for name, value in headers.items()})


def failing(reason: Reason, detail: str = "scripted") -> Told:
    """No answer at all."""
    return Told(failure=reason, detail=detail)


class Web:
    """A scripted web. Whatever it has no word for is 404, as it would be."""

    def __init__(self, told: Mapping[str, Told]) -> None:
        self.told = dict(told)
        self.asks: list[Ask] = []

    @property
    def asked(self) -> list[str]:
        """The URLs that were asked, in order."""
        return [ask.url for ask in self.asks]

    def __call__(self, ask: Ask) -> Answer:
        self.asks.append(ask)
        return answer_to(ask, self.told.get(ask.url, Told(404, "nothing")))


def answer_to(ask: Ask, told: Told) -> Answer:
    """The answer that `told` makes."""
    if told.failure is not None:
        return Answer(ask, MOMENT, MOMENT + timedelta(seconds=1), failure=told.failure, detail=told.detail)
    is_json = not isinstance(told.body, str | bytes)
    body = json.dumps(told.body).encode() if is_json else told.body
    body = body.encode() if isinstance(body, str) else body
    media_type = "application/json" if is_json else "text/html; charset=utf-8"
    return Answer(
        ask,
        MOMENT,
        MOMENT + timedelta(seconds=1),
        status=told.status,
        url=told.goes_to[-1] if told.goes_to else ask.url,
        hops=tuple(Hop(302, url) for url in told.goes_to),
        headers={"content-type": media_type, **told.headers},
        body=body,
        received_bytes=len(body),
        elapsed_ms=1000,
        address=told.address,
    )


def beside(url: str) -> str:
    """The address that cannot exist, which a check of `url` asks."""
    found = sibling_url(match(canonicalise(url)).key)
    assert found is not None
    return found
