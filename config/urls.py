"""All addresses of the site."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

handler400 = "apps.public.errors.bad_request"
handler404 = "apps.public.errors.not_found"
handler500 = "apps.public.errors.broken"
handler429 = "apps.accounts.views.too_many_attempts"  # allauth asks for it

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("apps.public.urls")),
    path("", include("apps.accounts.urls")),
    path("", include("apps.health.urls")),
    path("workspace/", include("apps.workspace.urls")),
    path("api/", include("apps.api.urls")),
]
