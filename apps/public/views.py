"""Pages for everyone. They say what this site is and what its checker does; no reported URL is on them."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe


@require_safe
def front(request: HttpRequest) -> HttpResponse:
    """What this site is."""
    return render(request, "public/front.html")


@require_safe
def checker(request: HttpRequest) -> HttpResponse:
    """What the checker's User-Agent points to: who asks, how often, what is kept, how to limit it."""
    facts = {
        "site_url": settings.SITE_URL,
        "contact_url": settings.CHECK_CONTACT_URL,
        "interval": f"{settings.CHECK_HOST_INTERVAL:g}",
        "concurrency": settings.CHECK_HOST_CONCURRENCY,
        "timeout": f"{settings.CHECK_TIMEOUT:g}",
        "max_bytes": settings.CHECK_MAX_BYTES,
        "contact_email": settings.CHECK_CONTACT_EMAIL,
    }
    return render(request, "public/checker.html", facts)


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """Search engines may read the public pages and have nothing to look for behind the sign-in."""
    return render(request, "public/robots.txt", content_type="text/plain; charset=utf-8")
