"""What holds for every page of signed-in people: the second factor, where it is compulsory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from .models import Person
from .second_factors import has_second_factor, is_open_without
from .secret_keeping import UnreadableSecret


class SecondFactorMiddleware:
    """With `REQUIRE_MFA`, leads whoever has no second factor to the page for setting one up.

    It looks at who is signed in, not at how they signed in: a one-time link, a new password, a session from
    before the setting, or a factor that was taken away since make no difference.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The page as it is."""
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: list[Any], kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        """Before any view runs: None lets it run."""
        if not settings.REQUIRE_MFA or request.resolver_match is None:
            return None
        if is_open_without(request.resolver_match):
            return None
        if not isinstance(request.user, Person) or has_second_factor(request.user):
            return None
        return redirect("mfa_index")

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Say what happened when SECRET_KEY is no longer the one that secrets were encrypted with."""
        if isinstance(exception, UnreadableSecret):
            return render(request, "accounts/unreadable_secret.html", status=500)
        return None
