"""Who works on a campaign. Only its owners decide."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.roles import ROLES_IN_WORDS, Action, Role
from apps.accounts.sign_in import sign_in_link
from apps.reports.campaigns import LastOwner, end_membership, invite
from apps.reports.models import Membership

from ..access import Access, campaign_page
from ..forms import MemberForm

KNOWN_ALREADY = (
    "They had an account already, which another campaign may have made. If you do not know that it is they "
    "who use it, ask them."
)
NO_WAY_IN = (
    "They were invited to another campaign before and have not come in yet. Links that were made for them "
    "are void now: an administrator can make a new one (manage.py sign_in_link), or they ask for a new "
    "password."
)


@require_http_methods(["GET", "HEAD", "POST"])
@campaign_page(Action.MANAGE)
def members(request: HttpRequest, access: Access) -> HttpResponse:
    """The members; on POST, add one or change a role. A newcomer's one-time link is shown once."""
    form = MemberForm(request.POST or None)
    link = ""
    if request.method == "POST" and form.is_valid():
        try:
            invited = invite(
                campaign=access.campaign,
                email=form.cleaned_data["email"],
                role=Role(form.cleaned_data["role"]),
                person=access.person,
            )
        except LastOwner as error:
            form.add_error("role", str(error))
        else:
            messages.success(request, f"{invited.person} is {invited.role.label} of {access.campaign.name}.")
            if not invited.is_new:
                messages.warning(request, KNOWN_ALREADY if invited.has_been_here else NO_WAY_IN)
                return redirect("workspace:members", slug=access.campaign.slug)
            link = settings.SITE_URL + sign_in_link(invited.person)
            form = MemberForm()
    memberships = access.campaign.memberships.select_related("person").order_by("person__email")
    return render(
        request,
        "workspace/members.html",
        {
            "access": access,
            "form": form,
            "memberships": memberships,
            "link": link,
            "roles": [(role.label, words) for role, words in ROLES_IN_WORDS.items()],
        },
    )


@require_POST
@campaign_page(Action.MANAGE)
def remove_member(request: HttpRequest, access: Access, pk: int) -> HttpResponse:
    """End a membership. What the person recorded stays."""
    membership = get_object_or_404(Membership, campaign=access.campaign, pk=pk)
    try:
        end_membership(membership=membership, person=access.person)
    except LastOwner as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{membership.person} is no longer a member.")
    return redirect("workspace:members", slug=access.campaign.slug)
