"""A campaign's settings. Only its owners decide."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from apps.accounts.roles import Action
from apps.reports.campaigns import UnusableCampaign, change_campaign

from ..access import Access, campaign_page
from ..reply_forms import SettingsForm


@require_http_methods(["GET", "HEAD", "POST"])
@campaign_page(Action.MANAGE)
def settings(request: HttpRequest, access: Access) -> HttpResponse:
    """The campaign's name, its description, and from how many items on it gives estimates."""
    form = SettingsForm.of(access.campaign)
    if request.method == "POST":
        form = SettingsForm(request.POST)
        if form.is_valid():
            try:
                change_campaign(campaign=access.campaign, person=access.person, **form.cleaned_data)
            except UnusableCampaign as error:
                form.add_error(None, str(error))
            else:
                messages.success(request, "Saved.")
                return redirect("workspace:settings", slug=access.campaign.slug)
    return render(request, "workspace/settings.html", {"access": access, "form": form})
