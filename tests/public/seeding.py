"""A campaign with everything that a public page can show, and with secrets that none of them may show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from apps.accounts.models import Person
from apps.checks.recording import NewCheck, append
from apps.exports.publication import publish, save_draft
from apps.exports.published import CHARTS, LANGUAGES
from apps.public import languages
from apps.reports.models import (
    Campaign,
    Category,
    Channel,
    ClaimWord,
    Decision,
    Delivery,
    Item,
    ReplyKind,
    Report,
    Standing,
)
from apps.reports.replies import log_reply
from tests.factories import START, at, make_campaign, make_item, make_report, make_target
from tests.metrics.watching import REASONS, WORDS, looks

SECRETS = {
    "host": "zq-private-host",  # of a site without a definition
    "path": "zq-weights-v7",
    "account": "zq-uploader",
    "label": "zq-label",
    "note": "zq-note",
    "item note": "zq-remark",
    "reference": "zq-ticket-4711",
    "reply": "zq-reply-text",
    "reply reference": "zq-case-0815",
    "policy": "zq-policy",
    "description": "zq-description",
    "name": "zq-working-title",
    "standing": "zq-standing",
    "category": "zq-category",
    "submitted": "zq-spelling",
    "person": "zq-person",
}
"""Words that are in the record, each in one place where people or platforms write."""

SLUG = "listed-models"
TITLE = "Models that break their platform’s own rules"
TEXT = "Two lists of models were sent to their platforms.\n\nThis page shows what happened then."

GOES = "up 1 4 20, gone 26 30 60 200 700"
FAST = "up 1, gone 2 3 30 200 700"
BACK = "up 1 20, gone 24 30 60, up 90 200 700"
STAYS = "up 1 4 24 26 60 200 700"
UNCLEAR = "up 1 4, unclear 30 90 200 260 700"


def seed(person: Person | None = None, **members: Person) -> Campaign:
    """The campaign, not yet public."""
    campaign = make_campaign(SLUG, **members)
    campaign.name, campaign.description = SECRETS["name"], SECRETS["description"]
    campaign.save()
    first = _report(campaign, "huggingface", Channel.WEB_FORM, 0)
    second = _report(campaign, "huggingface", Channel.EMAIL, 24 * 9)
    third = _report(campaign, "civitai", Channel.WEB_FORM, 30)
    small = _report(campaign, f"{SECRETS['host']}.example", Channel.OTHER, 40)
    items = _fill(first, [GOES] * 7 + [FAST] * 6 + [BACK] * 3 + [STAYS] * 9 + [UNCLEAR] * 2, 0)
    _fill(second, [FAST] * 8 + [GOES] * 3 + [STAYS] * 5, 24 * 9)
    _fill(third, [GOES] * 4 + [STAYS] * 11 + [UNCLEAR], 30)
    _fill(small, [STAYS, GOES], 40)
    _fill(first, [GOES] + [STAYS] * 7, 0, control=True)
    log_reply(report=first, kind=ReplyKind.ACKNOWLEDGEMENT, received_at=at(0.2))
    log_reply(
        report=first,
        kind=ReplyKind.DECISION,
        decision=Decision.PARTLY,
        received_at=at(40),
        text=f"We looked at {SECRETS['reply']}.",
        reference=SECRETS["reply reference"],
        claims={item.pk: ClaimWord.REMOVED for item in items[:20]},
        person=person,
    )
    return campaign


def _report(campaign: Campaign, platform: str, channel: Channel, hours: float) -> Report:
    report = make_report(campaign, platform=platform, sent_at=at(hours))
    report.channel = channel
    own = channel == Channel.OTHER
    report.category = SECRETS["category"] if own else Category.SYNTHETIC_INTIMATE_IMAGES
    report.standing = SECRETS["standing"] if own else Standing.JOURNALIST
    report.policy, report.reference = SECRETS["policy"], SECRETS["reference"]
    report.note = f"Sent with {SECRETS['note']}."
    report.save()
    return report


def _fill(report: Report, stories: Sequence[str], hours: float, *, control: bool = False) -> list[Item]:
    """Items of a report, and the looks of their stories, moved to when it was sent."""
    items, seen = [], []
    for number, story in enumerate(stories):
        account = f"{SECRETS['account']}-{'c' if control else ''}{number % 9}"
        path = f"{account}/{SECRETS['path']}-{report.pk}-{number}"
        item = make_item(report, make_target(path, account=account), control=control)
        item.labels = [f"{SECRETS['label']}-{number % 3}"]
        item.note = SECRETS["item note"]
        item.submitted = f"{item.target.key}?{SECRETS['submitted']}"
        item.save()
        items.append(item)
        seen += [
            NewCheck(
                target_id=item.target_id,
                started_at=at(hours + look.hours),
                finished_at=at(hours + look.hours),
                outcome=WORDS[look.word],
                reason=REASONS[WORDS[look.word]],
                definitive=look.word == "gone",
            )
            for look in looks(story)
        ]
    append(seen)
    Item.objects.filter(report=report).update(created_at=START)
    return items


def make_draft(campaign: Campaign, person: Person | None = None, **choices: Any) -> None:
    """Save what is to be public of it; all of it unless `choices` say otherwise."""
    chosen: dict[str, Any] = {
        "title": TITLE,
        "text": TEXT,
        "charts": list(CHARTS),
        "platforms": "names",
        "reports": True,
        "items": False,
        "dates": "day",
    }
    save_draft(campaign=campaign, person=person, **(chosen | choices))


def make_public(campaign: Campaign, person: Person | None = None, **choices: Any) -> None:
    """Publish it; all of it unless `choices` say otherwise."""
    make_draft(campaign, person, **choices)
    publish(campaign=campaign, person=person)


RULES_SLUG = "list-with-deadlines"


def seed_deadlines() -> Campaign:
    """A campaign whose reports start the clock of every rule that there is, one of them not delivered."""
    campaign = make_campaign(RULES_SLUG)
    long_ago, later = -24 * 900, 24 * 120  # 2023 and June 2026
    for category, standing, channel, hours in (
        (Category.TERRORISM, Standing.AUTHORITY, Channel.LEGAL, 0),
        (Category.INTIMATE_IMAGES, Standing.AUTHORITY, Channel.LEGAL, 10),
        (Category.INTIMATE_IMAGES, Standing.DEPICTED_PERSON, Channel.EMAIL, 20),
        (Category.INTIMATE_IMAGES, Standing.DEPICTED_PERSON, Channel.WEB_FORM, later),
        (Category.HATE_SPEECH, Standing.ORGANISATION, Channel.EMAIL, 30),
        (Category.HATE_SPEECH, Standing.USER, Channel.WEB_FORM, long_ago),
        (Category.MALWARE, Standing.USER, Channel.API, 40),
    ):
        report = make_report(campaign, platform="huggingface", sent_at=at(hours))
        report.category, report.standing, report.channel = category, standing, channel
        if category == Category.MALWARE:
            report.delivery = Delivery.BOUNCED
        report.save()
        _fill(report, [FAST] * 3 + [GOES] * 2 + [STAYS] * 3, hours)
    return campaign


def add_hebrew(monkeypatch: pytest.MonkeyPatch) -> None:
    """A language that reads from right to left, into which nothing is translated yet."""
    for names, name in ((languages.NAMES, "עברית"), (languages.TAGS, "he"), (languages.SHORT, "he")):
        monkeypatch.setitem(names, "he", name)
    monkeypatch.setattr(languages, "LANGUAGES", (*LANGUAGES, "he"))
