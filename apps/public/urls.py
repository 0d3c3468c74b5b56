"""Addresses of the pages for everyone."""

from __future__ import annotations

from django.urls import path

from . import campaigns, editions, views
from .addresses import EDITION_ROUTES, ROUTES

app_name = "public"
urlpatterns = [
    path("", views.front, name="front"),
    path("checker/", views.checker, name="checker"),
    path("robots.txt", views.robots, name="robots"),
    path("sitemap.xml", views.sitemap, name="sitemap"),
    *(
        path(f"c/<slug:slug>/{pattern}", campaigns.page(route), name=route)
        for route, pattern in ROUTES.items()
    ),
    *(
        path(f"c/<slug:slug>/{pattern}", editions.VIEWS[route], name=route)
        for route, pattern in EDITION_ROUTES.items()
    ),
    *(
        path(
            f"workspace/<slug:slug>/publication/preview/{pattern}",
            campaigns.preview(route),
            name=f"preview_{route}",
        )
        for route, pattern in ROUTES.items()
    ),
]
