"""What is due in a campaign."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.accounts.roles import Action
from apps.reports.board import board_of

from ..access import Access, campaign_page

ROWS_SHOWN = 10


@require_safe
@campaign_page(Action.COUNT)
def board(request: HttpRequest, access: Access) -> HttpResponse:
    """Deadlines, reports without a reply, bounces, what waits for a person, contradicted claims."""
    facts = {"access": access, "board": board_of(access.campaign, who=access.who, limit=ROWS_SHOWN)}
    return render(request, "workspace/board.html", facts)
