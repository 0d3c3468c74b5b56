"""Reminding a platform of a report: the text to send, and that it was sent."""

from __future__ import annotations

import csv
import io

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.roles import Action
from apps.core import clock
from apps.core.csv_cells import safe_cell
from apps.reports.models import Reminder, Report, Subject
from apps.reports.reminders import ANNEX_HEADINGS, annex_rows, reminder_text
from apps.reports.replies import UnusableReply, log_reminder, take_back_reminder
from apps.reports.reply_selectors import reminder_facts
from apps.reports.selectors import report_row

from ..access import Access, campaign_page
from ..file_answers import note_taken
from ..reply_forms import ReminderForm

COPIED_CHARACTERS = 100_000
"""A longer text is downloaded: a copy button holds the text a second time."""


@require_http_methods(["GET", "HEAD", "POST"])
@campaign_page(Action.REPORT)
def reminder(request: HttpRequest, access: Access, number: int) -> HttpResponse:
    """The text of a reminder as of now; on POST, log that it was sent."""
    found = get_object_or_404(Report, campaign=access.campaign, number=number)
    form = ReminderForm(request.POST or None, report=found)
    if request.method == "POST":
        form = ReminderForm(request.POST, report=found)
        if form.is_valid():
            try:
                log_reminder(report=found, person=access.person, **form.cleaned_data)
            except UnusableReply as error:
                form.add_error("sent_at", str(error))
            else:
                messages.success(request, "Recorded the reminder.")
                return redirect("workspace:report", slug=access.campaign.slug, number=number)
    text = _text(found)
    return render(
        request,
        "workspace/reminder.html",
        {
            "access": access,
            "report": report_row(found, who=access.who),
            "text": text,
            "copied": text if len(text) <= COPIED_CHARACTERS else "",
            "form": form,
        },
    )


@require_safe
@campaign_page(Action.REPORT)
def reminder_file(request: HttpRequest, access: Access, number: int) -> HttpResponse:
    """The same text as a file."""
    found = get_object_or_404(Report, campaign=access.campaign, number=number)
    note_taken(request, access, "reminder_text", subject=Subject.REPORT, number=number)
    answer = HttpResponse(_text(found), content_type="text/plain; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="reminder-{access.campaign.slug}-{number}.txt"'
    return answer


@require_safe
@campaign_page(Action.REPORT)
def annex(request: HttpRequest, access: Access, number: int) -> HttpResponse:
    """The items of the reminder as a table to attach to it: nothing but what the text says of each."""
    found = get_object_or_404(Report, campaign=access.campaign, number=number)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(ANNEX_HEADINGS)
    writer.writerows(map(safe_cell, row) for row in annex_rows(reminder_facts(found).still_up))
    note_taken(request, access, "reminder_annex", subject=Subject.REPORT, number=number)
    # The byte-order mark tells spreadsheets that it is UTF-8.
    answer = HttpResponse(out.getvalue().encode("utf-8-sig"), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="reminder-{access.campaign.slug}-{number}.csv"'
    return answer


@require_POST
@campaign_page(Action.REPORT)
def take_back(request: HttpRequest, access: Access, number: int, pk: int) -> HttpResponse:
    """Let a reminder no longer hold. It stays on record."""
    sent = get_object_or_404(Reminder, report__campaign=access.campaign, report__number=number, pk=pk)
    if take_back_reminder(reminder=sent, person=access.person):
        messages.success(request, "The reminder is taken back. It stays on record.")
    else:
        messages.info(request, "This reminder had been taken back already.")
    return redirect("workspace:report", slug=access.campaign.slug, number=number)


def _text(found: Report) -> str:
    facts = reminder_facts(found)
    return reminder_text(
        sent=facts.sent,
        items=facts.items,
        in_error=facts.in_error,
        still_up=facts.still_up,
        replies=facts.replies,
        reminders=facts.reminders,
        now=clock.now(),
    )
