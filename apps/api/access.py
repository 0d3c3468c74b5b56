"""Who asks: a token and nothing else. A browser's session does not count here, so no page can make it act."""

from __future__ import annotations

from typing import cast

from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables
from ninja.security import HttpBearer

from apps.accounts.roles import Action, may
from apps.reports.tokens import TokenAccess, access_of

from .limits import count_request
from .problems import NOT_FOR_ROLE, Refused

MAX_BODY = 2_000_000  # bytes


class Token(HttpBearer):
    """`Authorization: Bearer stillup_...`."""

    @sensitive_variables("token")
    def authenticate(self, request: HttpRequest, token: str) -> TokenAccess | None:
        """What the token lets in, or None. Refused: one that asks too often, what is too large or no JSON."""
        found = access_of(token)
        if found is None:
            return None
        count_request(found.token.pk)
        if _length(request) > MAX_BODY:
            raise Refused(
                413,
                f"A request may have {MAX_BODY:,} bytes. Send fewer items at a time, or import the list: "
                "manage.py import_reports, or the campaign's page.",
            )
        if request.method == "POST" and request.content_type != "application/json":
            raise Refused(415, "Send JSON, with the header Content-Type: application/json.")
        return found


def _length(request: HttpRequest) -> int:
    """What the request says of its size; no more than that is read of it."""
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0


def whose(request: HttpRequest) -> TokenAccess:
    """What the request's token lets in."""
    return cast(TokenAccess, request.auth)  # type: ignore[attr-defined]


def admitted(request: HttpRequest, campaign: str, action: Action) -> TokenAccess:
    """What the request's token lets in. Any campaign but its own is not there; its role has to be enough."""
    found = whose(request)
    if found.campaign.slug != campaign:
        raise Refused(404, "There is no such campaign, or the token is not for it.")
    if not may(found.role, action):
        raise Refused(
            403,
            f"The token's role is {found.role.label}. It does not let it {action.label}.",
            type=NOT_FOR_ROLE,
        )
    return found
