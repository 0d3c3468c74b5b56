"""What a reader gets in place of a page, in a language of the public pages.

The workspace and the pages for signing in are in English, and so are their errors.
"""

from __future__ import annotations

import errno
import sys

from django.core.exceptions import SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.loader import render_to_string
from django.utils import translation
from django.views import defaults
from redis.exceptions import RedisError

from apps.core.context_processors import record_clock
from apps.exports.published import LANGUAGES

from .addresses import Addresses
from .languages import Language, language_of, say_language

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
IN_ENGLISH = ("/workspace/", "/sign-in/", "/sign-out/", "/account/")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """The site's page for 400."""
    if request.path.startswith(IN_ENGLISH):
        return defaults.bad_request(request, exception)
    return error_page(request, 400)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """The site's page for 404."""
    if request.path.startswith(IN_ENGLISH):
        return defaults.page_not_found(request, exception)
    return error_page(request, 404)


def broken(request: HttpRequest) -> HttpResponseBase:
    """The site's page for 500, for 503 where the database or Redis failed, for 507 where a disk is full.

    It asks the database nothing.
    """
    error = sys.exc_info()[1]
    if isinstance(error, OperationalError | InterfaceError):
        return unreachable(request)
    if isinstance(error, RedisError):  # it counts attempts to sign in and the requests of programs
        return unreachable(request, "queue (Redis)")
    if request.path.startswith(IN_ENGLISH):
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            return HttpResponse(render_to_string("507.html"), status=507)
        return defaults.server_error(request)
    return error_page(request, 500)


def unreachable(request: HttpRequest, service: str = "database") -> HttpResponseBase:
    """While the database does not answer, or its disk is full: what was sent is in no part of it."""
    answer: HttpResponseBase
    if request.path.startswith(IN_ENGLISH):
        answer = HttpResponse(render_to_string("503.html", {"service": service}), status=503)
    else:
        answer = error_page(request, 503, unreachable=True)
    answer["Retry-After"] = "60"
    return answer


def not_ready(request: HttpRequest) -> HttpResponseBase:
    """While the first snapshot of a campaign is being made."""
    answer = error_page(request, 503)
    answer["Retry-After"] = "5"
    return answer


def error_page(request: HttpRequest, status: int, *, unreachable: bool = False) -> HttpResponseBase:
    """The page that says what an answer with this status means, and what the reader can do.

    `unreachable`: it is the database that does not answer.
    """
    try:
        language = language_of(request)
    except SuspiciousOperation:  # the very address is what could not be read
        language = Language(LANGUAGES[0])
    addresses = Addresses(language)
    known = {
        "status": status,
        "unreachable": unreachable,
        "addresses": addresses,
        "switches": addresses.switches(),
    }
    with translation.override(language.code):
        page = render_to_string("public/error.html", {**known, **record_clock(request)})
    return say_language(HttpResponse(page, status=status), language)
