"""All addresses of the site."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("apps.public.urls")),
    path("", include("apps.accounts.urls")),
    path("workspace/", include("apps.workspace.urls")),
]
