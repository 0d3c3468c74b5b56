"""Addresses for programs. What is not among them is a problem, too, and no page."""

from __future__ import annotations

import json
from functools import cache

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, include, path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from apps.accounts.permissions import Gate, Permission, for_everyone, lets_in

from .endpoints import api
from .problems import plain_problem


@csrf_exempt  # as all here: what a browser sends by itself lets nobody in
@for_everyone
def nothing(request: HttpRequest, rest: str = "") -> HttpResponse:
    """There is nothing at this address."""
    return plain_problem(404)


@cache
def _document() -> bytes:
    return json.dumps(api.get_openapi_schema(), ensure_ascii=False).encode()


@csrf_exempt
@for_everyone
@require_safe
def document(request: HttpRequest) -> HttpResponse:
    """The OpenAPI document. It is for everyone: all of it is in the source, and nothing of this site."""
    return HttpResponse(_document(), content_type="application/json")


found, _, namespace = api.urls
operations = [each for each in found if isinstance(each, URLPattern) and each.name != "api-root"]
for each in operations:
    each.callback = lets_in(Permission(Gate.PROGRAM))(each.callback)

urlpatterns = [
    path("v1/openapi.json", document, name="openapi"),
    path("v1/", include((operations, namespace))),
    path("", nothing, name="api_nothing"),
    path("<path:rest>", nothing, name="api_nothing_else"),
]
