"""Editions of a campaign: published for good, and corrected by notes. Only its owners decide."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from apps.accounts.roles import Action
from apps.exports.editions import (
    MAX_NOTE,
    UnusableEdition,
    correct_edition,
    editions_of,
    publish_edition,
)
from apps.exports.snapshots import in_force

from ..access import Access, campaign_page


@require_http_methods(["GET", "HEAD", "POST"])
@campaign_page(Action.MANAGE)
def editions(request: HttpRequest, access: Access) -> HttpResponse:
    """The editions so far; on POST publish the next one, or put a correction note on one of them."""
    campaign = access.campaign
    if request.method == "POST":
        try:
            if request.POST.get("act") == "correct":
                number = request.POST.get("number", "")
                correct_edition(
                    campaign=campaign,
                    number=int(number) if number.isascii() and number.isdigit() else 0,
                    text=request.POST.get("text", ""),
                    person=access.person,
                )
                messages.success(request, f"The note stands on the page of edition {number}.")
            else:
                made = publish_edition(
                    campaign=campaign, person=access.person, note=request.POST.get("note", "")
                )
                messages.success(request, f"Edition {made.number} is published. It stays as it is.")
            return redirect("workspace:editions", slug=campaign.slug)
        except UnusableEdition as error:
            messages.error(request, str(error))
    return render(
        request,
        "workspace/editions.html",
        {
            "access": access,
            "public": in_force(campaign),
            "editions": editions_of(campaign),
            "longest": MAX_NOTE,
            "typed": request.POST,
        },
    )
