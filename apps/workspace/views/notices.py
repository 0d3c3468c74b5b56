"""A person's notices, and the link in an e-mail that ends e-mails."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.models import Person
from apps.accounts.permissions import for_everyone, for_signed_in
from apps.core import clock
from apps.notifications.letters import membership_of_token
from apps.notifications.selectors import notice_rows, notices_of
from apps.notifications.services import mark_read, stop_mails

from ..paging import page_numbers, page_of

NOTICES_A_PAGE = 50


@require_safe
@for_signed_in
def notice_list(request: HttpRequest) -> HttpResponse:
    """What the person was told, the latest first. Reading marks nothing: a button does."""
    seen = clock.wall()  # what is added after this was not on the page
    found = notices_of(cast(Person, request.user)).select_related("membership__campaign", "report")
    page = page_of(request, found, size=NOTICES_A_PAGE)
    return render(
        request,
        "workspace/notices.html",
        {
            "rows": notice_rows(list(page)),
            "page": page,
            "numbers": page_numbers(page),
            "seen": seen.isoformat(),
        },
    )


@require_POST
@for_signed_in
def read(request: HttpRequest) -> HttpResponse:
    """Mark one notice as read, or all that were on the page or before it."""
    try:
        seen = datetime.fromisoformat(request.POST.get("seen", ""))
        notice = int(request.POST["notice"]) if "notice" in request.POST else None
        if seen.tzinfo is not None:
            seen = seen.astimezone(UTC)
            mark_read(person=cast(Person, request.user), seen=seen, notice=notice)
    except (ValueError, OverflowError):  # made up: no page of ours sends it
        pass
    return redirect("workspace:notices")


@for_everyone
@csrf_exempt  # a mail program has no cookie of ours: RFC 8058; the signed address is what counts
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def no_more_mails(request: HttpRequest, token: str) -> HttpResponse:
    """End e-mails about one campaign to one person, for whoever holds the link. It does nothing else.

    Opening it shows a button, because mail scanners open links; mail programs post to it at once.
    """
    membership = membership_of_token(token)
    if membership is None:
        return render(request, "workspace/no_more_mails.html", {"unknown": True}, status=410)
    if request.method == "POST":
        stop_mails(membership=membership)
    return render(request, "workspace/no_more_mails.html", {"done": request.method == "POST"})
