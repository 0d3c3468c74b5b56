"""A small campaign with everything in it, and texts that break files."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine

from apps.reports.models import Campaign, Category, Channel, Item, ReplyKind
from apps.reports.replies import log_reply, mark_errors
from tests.factories import at, make_campaign, make_person, make_report
from tests.metrics.watching import watched

AS_OF = 100  # hours after START

HOSTILE = (
    "=1+1",
    "'=1+1",
    "''+1",
    " \t@SUM(A1)",
    "-1",
    "\ttab",
    "\rreturn",
    "two\r\nlines",
    "two\nlines",
    'a "quoted" word',
    '"',
    "a,b;c",
    "'",
    "’",
    "\u202eright to left",
    "\u05e9\u05dc\u05d5\u05dd, \u0645\u0631\u062d\u0628\u0627",
    "\U0001f9ea emoji \U0001f468\u200d\U0001f469\u200d\U0001f467",
    "\x01\x1f control",
    "\x1c=1",
    "\u3000＝1",
    "\u2028line separator",
    "_x000D_",
    "<r><t>markup</t>",
    "<r></r>",
    "\ufffe\uffff",
    "{}[]%s %% \\n \\.",
    "x" * 10_000,
    " spaces ",
)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(at(AS_OF), tick=False) as traveller:
        yield traveller


@pytest.fixture
def campaign(db: None, clock: time_machine.Traveller) -> Campaign:
    """Two reports: one of each kind of item to example.org, one gone item to another platform."""
    campaign = make_campaign(owner=make_person("anna@example.org"))
    campaign.minimum_n = 1
    campaign.save()
    report = make_report(campaign)
    report.category, report.channel = Category.SYNTHETIC_INTIMATE_IMAGES, Channel.TRUSTED_FLAGGER
    report.reference, report.note = "T-0007", "=our note"
    report.save()
    removed = watched(report, "up 1 2, gone 4 5", account="uploader-secret", target="removed-model")
    watched(report, "up 1 30", target="up-model")
    watched(report, "up 1, gone 6 7, up 20", target="restored-model")
    watched(report, "unclear 1", target="unclear-model")
    wrong = watched(report, "up 1", target="wrong-model")
    watched(report, "up 1, gone 90 91", target="control-model", control=True)
    mark_errors(items=[wrong], reason="Somebody else's.")
    removed.labels = ["first list", "models"]
    removed.note = "the note of the item"
    removed.save()
    other = make_report(campaign, platform="other.example.net", sent_at=at(24))
    watched(other, "gone 30 31", reported_hours=24, target="other-model")
    log_reply(
        report=report,
        kind=ReplyKind.DECISION,
        decision="partly",
        claims={removed.pk: "removed"},
        received_at=at(3) + timedelta(seconds=30),
        text="We looked at it.\r\n=Regards",
    )
    return campaign


def item_called(campaign: Campaign, name: str) -> Item:
    """The campaign's item whose URL ends so."""
    return Item.objects.get(report__campaign=campaign, target__key__endswith=f"/{name}")
