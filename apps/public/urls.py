"""Addresses of the pages for everyone."""

from __future__ import annotations

from django.urls import path

from . import views

app_name = "public"
urlpatterns = [
    path("", views.front, name="front"),
    path("checker/", views.checker, name="checker"),
    path("robots.txt", views.robots, name="robots"),
]
