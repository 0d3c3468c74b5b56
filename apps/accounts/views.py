"""The one-time sign-in link. All other pages about signing in are allauth's, with our templates."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods

from .services import use_sign_in_link
from .sign_in import person_of_link


@never_cache
@sensitive_variables("token")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in_link(request: HttpRequest, uidb64: str, token: str) -> HttpResponse:
    """Show a button; sign in when it is pressed, so that a mail scanner's prefetch cannot use the link up."""
    person = person_of_link(uidb64, token)
    if person is None:
        return render(request, "accounts/link_used.html", status=410)
    if request.method != "POST":
        return render(request, "accounts/link.html", {"person": person})
    if not use_sign_in_link(person=person):
        return render(request, "accounts/link_used.html", status=410)
    login(request, person, backend="allauth.account.auth_backends.AuthenticationBackend")
    if person.has_usable_password():
        messages.success(request, f"Signed in as {person}.")
        return redirect("workspace:campaigns")
    return redirect("account_set_password")
