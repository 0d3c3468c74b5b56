"""For whoever watches the site by a program: is it alive, is it ready, how is it doing."""

from __future__ import annotations

import ipaddress
import secrets

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apps.accounts.permissions import for_everyone, for_machines

from . import metrics
from .conditions import Condition, Grade, conditions, grade_of
from .facts import kept_facts

READY_SECONDS = 5.0  # however often it is asked, the database is asked no more often


@require_safe
@for_everyone
@never_cache
def alive(request: HttpRequest) -> HttpResponse:
    """200 while this process answers. Asks nothing of the database."""
    return HttpResponse("ok\n", content_type="text/plain; charset=utf-8")


@require_safe
@for_everyone
@never_cache
def ready(request: HttpRequest) -> HttpResponse:
    """Each condition as JSON, with 200, or 503 where one is failing. Strangers may see it: words and ages."""
    found = conditions(kept_facts.get(seconds=READY_SECONDS))
    grade = grade_of(found)
    return JsonResponse(
        {"status": grade, "conditions": {one.name: _told(one) for one in found}},
        status=503 if grade == Grade.FAILING else 200,
    )


def _told(condition: Condition) -> dict[str, object]:
    told: dict[str, object] = {"status": condition.grade}
    if condition.age is not None:
        told["age_seconds"] = max(round(condition.age.total_seconds()), 0)
    return told


@require_safe
@for_machines
@never_cache
def metrics_page(request: HttpRequest) -> HttpResponse:
    """Prometheus' text format. With METRICS_TOKEN for whoever has it; else for this machine alone.

    To others it is no page. Behind a proxy everybody comes from its address, so there the token is needed.
    """
    if settings.METRICS_TOKEN:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        right = secrets.compare_digest(token.strip().encode(), settings.METRICS_TOKEN.encode())
        if scheme.lower() != "bearer" or not right:
            return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"})
    elif not _is_from_this_machine(request):
        raise Http404("There is no such page.")
    return HttpResponse(metrics.exposition(), content_type=metrics.CONTENT_TYPE)


def _is_from_this_machine(request: HttpRequest) -> bool:
    if settings.BEHIND_PROXY or {"X-Forwarded-For", "Forwarded", "Via"} & set(request.headers):
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False
