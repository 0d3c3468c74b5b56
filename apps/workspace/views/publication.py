"""What of a campaign is public: chosen, looked at, published, withdrawn. Only its owners decide."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from apps.accounts.roles import Action
from apps.exports.publication import UnusablePublication, draft_of, publish, save_draft, withdraw
from apps.exports.snapshots import history, in_force

from ..access import Access, campaign_page
from ..publication_form import PublicationForm

HISTORY_SHOWN = 20


@require_http_methods(["GET", "HEAD", "POST"])
@campaign_page(Action.MANAGE)
def publication(request: HttpRequest, access: Access) -> HttpResponse:
    """The choices and their history; on POST save them, publish the saved ones, or withdraw."""
    form = PublicationForm.of(draft_of(access.campaign))
    if request.method == "POST":
        act = request.POST.get("act", "save")
        try:
            if act == "publish":
                seen = request.POST.get("seen", "")
                seen_draft = int(seen) if seen.isascii() and seen.isdigit() else 0
                publish(campaign=access.campaign, person=access.person, seen=seen_draft)
                messages.success(request, "Published.")
                return redirect("workspace:publication", slug=access.campaign.slug)
            if act == "withdraw":
                withdraw(campaign=access.campaign, person=access.person)
                messages.success(request, "Withdrawn. Its public addresses answer as if it had never been.")
                return redirect("workspace:publication", slug=access.campaign.slug)
            form = PublicationForm(request.POST)
            if form.is_valid():
                save_draft(campaign=access.campaign, person=access.person, **form.cleaned_data)
                messages.success(request, "Saved. Look at the preview, then publish.")
                return redirect("workspace:publication", slug=access.campaign.slug)
        except UnusablePublication as error:
            messages.error(request, str(error))
    draft = draft_of(access.campaign)
    public = in_force(access.campaign)
    facts = {
        "access": access,
        "form": form,
        "draft": draft if draft.pk else None,
        "public": public,
        "differs": public is not None and public.pk != draft.pk,
        "history": list(history(access.campaign)[:HISTORY_SHOWN]),
        "site_url": settings.SITE_URL,
    }
    return render(request, "workspace/publication.html", facts)
