"""An id for each request, in its answer and in every line that is logged because of it.

A trusted proxy may have given it one already; what anybody else sends is not believed, so that nobody can
write into the log or make two requests look like one.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable

from django.conf import settings
from django.core.signals import request_finished
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse

from config.logs import request_id

HEADER = "X-Request-ID"
USABLE = re.compile(r"[A-Za-z0-9._-]{8,64}")  # UUIDs, and what proxies make


class RequestIds:
    """Middleware; the first, so that what the others log has the id, too."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get(HEADER, "") if settings.BEHIND_PROXY else ""
        own = given if USABLE.fullmatch(given) else secrets.token_hex(8)
        request_id.set(own)
        response = self.get_response(request)
        response[HEADER] = own
        return response


@receiver(request_finished, dispatch_uid="request_ids")
def _forget(**_: object) -> None:
    """Not before: Django logs an answer after all middleware, and a streamed one is made after that."""
    request_id.set("")
