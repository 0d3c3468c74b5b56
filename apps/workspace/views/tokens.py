"""API tokens: each member makes and ends their own; owners see and end everybody's."""

from __future__ import annotations

from datetime import timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.roles import Action, Role
from apps.core import clock
from apps.reports.models import ApiToken
from apps.reports.tokens import UnusableToken, make_token, revoke_token, tokens_of

from ..access import Access, campaign_page
from ..forms import TokenForm


@sensitive_variables("secret")
@require_http_methods(["GET", "HEAD", "POST"])
@campaign_page(Action.COUNT)
def tokens(request: HttpRequest, access: Access) -> HttpResponse:
    """The tokens; on POST, make one. It is shown on that one answer and never again."""
    form = TokenForm(request.POST or None, own=access.role)
    secret = ""
    if request.method == "POST" and form.is_valid():
        try:
            secret = make_token(
                campaign=access.campaign,
                person=access.person,
                name=form.cleaned_data["name"],
                role=Role(form.cleaned_data["role"]),
                expires_at=clock.wall() + timedelta(days=int(form.cleaned_data["days"])),
            ).secret
        except UnusableToken as error:
            form.add_error(None, str(error))
        else:
            form = TokenForm(own=access.role)
    rows = tokens_of(access.campaign, person=None if access.may_manage else access.person)
    facts = {"access": access, "form": form, "secret": secret, "tokens": rows}
    return render(request, "workspace/tokens.html", facts)


@require_POST
@campaign_page(Action.COUNT)
def end_token(request: HttpRequest, access: Access, pk: int) -> HttpResponse:
    """Revoke a token: one's own, or as an owner anybody's."""
    found = get_object_or_404(ApiToken, campaign=access.campaign, pk=pk)
    if not (access.may_manage or found.person_id == access.person.pk):
        messages.error(request, "This is somebody else's token: they can revoke it, and so can an owner.")
    elif revoke_token(token=found, person=access.person):
        messages.success(request, f"Revoked: {found.name}. Whatever uses it is refused from now on.")
    return redirect("workspace:tokens", slug=access.campaign.slug)
