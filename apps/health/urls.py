"""Addresses for programs that watch the site."""

from __future__ import annotations

from django.urls import path

from . import views

app_name = "health"
urlpatterns = [
    path("healthz", views.alive, name="alive"),
    path("readyz", views.ready, name="ready"),
    path("metrics", views.metrics_page, name="metrics"),
]
