"""Erasing personal data on request: what would go, why, and then for good. Only a campaign's owners may."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from apps.accounts.roles import Action
from apps.checks.outcomes import ErasedFor
from apps.reports.erasing import (
    CannotErase,
    ToErase,
    erase_account,
    erase_item,
    erase_reply,
    erase_report,
    items_of_account,
    what_goes,
)
from apps.reports.models import Item, Reply, Report
from apps.reports.selectors import items_of

from ..access import Access, campaign_page
from ..erase_form import ALL_OF_ACCOUNT, EraseForm


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be erased: in words, where to go back to, and what goes with it (None: no item does)."""

    what: str
    back: str
    goes: ToErase | None = None
    with_account: ToErase | None = None  # what would go with the whole account


@require_http_methods(["GET", "HEAD", "POST"])
@campaign_page(Action.MANAGE)
def erase_item_page(request: HttpRequest, access: Access, pk: int) -> HttpResponse:
    """An item, or all items of its account."""
    found = get_object_or_404(items_of(access.campaign), pk=pk)
    may_all = found.erased_at is None and found.target.account_key != 0
    asked = Asked(
        what=f"item {pk}",
        back=reverse("workspace:item", args=[access.campaign.slug, pk]),
        goes=what_goes(access.campaign, Item.objects.filter(pk=pk)),
        with_account=what_goes(access.campaign, items_of_account(found)) if may_all else None,
    )
    form = EraseForm(request.POST or None, may_choose_account=may_all)

    def erase(why: ErasedFor) -> None:
        chosen = erase_account if form.cleaned_data.get("scope") == ALL_OF_ACCOUNT else erase_item
        chosen(item=found, why=why, person=access.person)

    return _answer(request, access, asked, form, erase)


@require_http_methods(["GET", "HEAD", "POST"])
@campaign_page(Action.MANAGE)
def erase_report_page(request: HttpRequest, access: Access, number: int) -> HttpResponse:
    """A report with its items, replies and reminders."""
    found = get_object_or_404(Report, campaign=access.campaign, number=number)
    asked = Asked(
        what=f"report {number}",
        back=reverse("workspace:report", args=[access.campaign.slug, number]),
        goes=what_goes(access.campaign, Item.objects.filter(report=found)),
    )

    def erase(why: ErasedFor) -> None:
        erase_report(report=found, why=why, person=access.person)

    return _answer(request, access, asked, EraseForm(request.POST or None), erase)


@require_http_methods(["GET", "HEAD", "POST"])
@campaign_page(Action.MANAGE)
def erase_reply_page(request: HttpRequest, access: Access, number: int, pk: int) -> HttpResponse:
    """What a reply says."""
    reply = get_object_or_404(Reply, report__campaign=access.campaign, report__number=number, pk=pk)
    asked = Asked(
        what=f"the text of a reply to report {number}",
        back=reverse("workspace:report", args=[access.campaign.slug, number]),
    )

    def erase(why: ErasedFor) -> None:
        erase_reply(reply=reply, why=why, person=access.person)

    return _answer(request, access, asked, EraseForm(request.POST or None), erase)


def _answer(
    request: HttpRequest, access: Access, asked: Asked, form: EraseForm, erase: Callable[[ErasedFor], None]
) -> HttpResponse:
    """The page that asks; on POST, `erase` and go back, or say why it cannot be done."""
    if request.method == "POST" and form.is_valid():
        try:
            erase(ErasedFor(form.cleaned_data["why"]))
        except CannotErase as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, f"Erased: {asked.what}. Figures stay as they were.")
            return redirect(asked.back)
    return render(request, "workspace/erase.html", {"access": access, "asked": asked, "form": form})
