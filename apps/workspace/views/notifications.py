"""What a member wants to hear of a campaign, and the webhooks of its owners."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.roles import Action
from apps.notifications.models import Webhook
from apps.notifications.selectors import membership_of, preferences_of, webhooks_of
from apps.notifications.services import (
    UnusableWebhook,
    add_webhook,
    delete_webhook,
    rotate_secret,
    send_test,
    set_preferences,
    switch_webhook,
)

from ..access import Access, campaign_page
from ..notification_forms import PreferencesForm, WebhookForm

MESSAGES_SHOWN = 5


@require_http_methods(["GET", "HEAD", "POST"])
@campaign_page(Action.COUNT)
def preferences(request: HttpRequest, access: Access) -> HttpResponse:
    """How the member hears of each kind of event. An administrator who is no member hears of none."""
    membership = membership_of(access.campaign, access.person)
    form = None
    if membership is not None:
        form = PreferencesForm(request.POST or None, preferences=preferences_of(membership))
        if request.method == "POST" and form.is_valid():
            set_preferences(membership=membership, wishes=form.wishes())
            messages.success(request, "Saved.")
            return redirect("workspace:notifications", slug=access.campaign.slug)
    to_the_log = settings.EMAIL_BACKEND.endswith("console.EmailBackend")
    return render(
        request,
        "workspace/notifications.html",
        {"access": access, "form": form, "mails_go_to_the_log": to_the_log},
    )


@require_http_methods(["GET", "HEAD", "POST"])
@campaign_page(Action.MANAGE)
def webhooks(request: HttpRequest, access: Access) -> HttpResponse:
    """The campaign's webhooks and how their last messages fared; on POST, a new one."""
    form = WebhookForm(request.POST or None)
    secret = ""
    if request.method == "POST" and form.is_valid():
        try:
            _, secret = add_webhook(campaign=access.campaign, person=access.person, **form.cleaned_data)
        except UnusableWebhook as error:
            form.add_error("url", str(error))
        else:
            form = WebhookForm()
    return _webhooks_page(request, access, form, secret)


@require_POST
@campaign_page(Action.MANAGE)
def change_webhook(request: HttpRequest, access: Access, pk: int) -> HttpResponse:
    """Test a webhook, give it a new secret, switch it on or off, or delete it."""
    webhook = get_object_or_404(Webhook, campaign=access.campaign, pk=pk)
    match request.POST.get("act"):
        case "test":
            send_test(webhook=webhook, person=access.person)
            messages.success(request, "A test is on its way: load this page again to see what came of it.")
        case "rotate":
            return _webhooks_page(
                request, access, WebhookForm(), rotate_secret(webhook=webhook, person=access.person)
            )
        case "on" | "off" as act:
            switch_webhook(webhook=webhook, on=act == "on", person=access.person)
            messages.success(request, f"Switched {act}.")
        case "delete":
            delete_webhook(webhook=webhook, person=access.person)
            messages.success(request, "Deleted.")
    return redirect("workspace:webhooks", slug=access.campaign.slug)


def _webhooks_page(request: HttpRequest, access: Access, form: WebhookForm, secret: str) -> HttpResponse:
    """The page; `secret` is shown this once."""
    rows = webhooks_of(access.campaign, messages=MESSAGES_SHOWN)
    return render(
        request,
        "workspace/webhooks.html",
        {"access": access, "form": form, "rows": rows, "secret": secret},
    )
