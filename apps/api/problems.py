"""What a program is told when something is refused: RFC 9457, Problem Details for HTTP APIs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.http import HttpResponse

MEDIA_TYPE = "application/problem+json"

INVALID = "urn:problem-type:still-up:invalid-request"
"""The request is not as the OpenAPI document says."""
UNUSABLE = "urn:problem-type:still-up:unusable"
"""The request is as the document says, and the record cannot take it, or cannot answer it."""
NOT_FOR_ROLE = "urn:problem-type:still-up:not-for-this-role"
KEY_REUSED = "urn:problem-type:still-up:idempotency-key-reused"
PLAIN = "about:blank"  # nothing to say beside the status

TYPES: Mapping[str, str] = {
    PLAIN: "the status says it all",
    INVALID: "the request is not as this document says; `errors` has each place",
    UNUSABLE: "the request is well formed, but the record cannot take or answer it; `rejected` has the rows",
    NOT_FOR_ROLE: "the token's role does not include this",
    KEY_REUSED: "the Idempotency-Key was used for another request",
}
"""Each `type` and what it means."""


class Refused(Exception):
    """A request that is answered by a problem. `detail` is a sentence that says what to do."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        type: str = PLAIN,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.type = status, detail, type
        self.headers, self.more = dict(headers or {}), more

    def answer(self) -> HttpResponse:
        """The problem as an answer."""
        return problem(self.status, self.detail, type=self.type, headers=self.headers, **self.more)


def problem(
    status: int, detail: str, *, type: str = PLAIN, headers: Mapping[str, str] | None = None, **more: Any
) -> HttpResponse:
    """A problem; `more` are further members of it."""
    said = {"type": type, "title": _title(status), "status": status, "detail": detail, **more}
    return HttpResponse(
        json.dumps(said, ensure_ascii=False), status=status, content_type=MEDIA_TYPE, headers=headers
    )


def unusable(detail: str, **more: Any) -> Refused:
    """The refusal of a well-formed request that the record cannot take or answer."""
    return Refused(422, detail, type=UNUSABLE, **more)


_DETAILS = {
    400: "The request could not be read.",
    404: "There is nothing at this address.",
    405: "This method is not for this address; the header Allow has those that are.",
    413: "The request is too large.",
    500: "An error of the site itself. It has been noted in its log.",
    503: "The site is not ready.",
}


def plain_problem(status: int) -> HttpResponse:
    """The problem that says no more than its status, for answers that were made outside of the API."""
    return problem(status, _DETAILS.get(status, f"{_title(status)}."))


def _title(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"
