"""Every page behind the sign-in, by the URL map, against the rules of WCAG: wide in light, narrow in dark."""

from __future__ import annotations

import pytest
import time_machine
from django.test import Client
from pytest_django.live_server_helper import LiveServer

from apps.accounts.models import Person
from apps.accounts.permissions import Gate
from apps.checks.models import DefinitionState
from apps.checks.outcomes import Outcome, Reason
from apps.checks.recording import NewCheck, append
from apps.core import clock
from apps.exports.editions import publish_edition
from apps.notifications.models import Webhook
from apps.reports.models import Campaign, Category, ClaimWord, Decision, Item, ReplyKind, Standing
from apps.reports.replies import log_reminder, log_reply, mark_errors
from tests.factories import (
    at,
    make_api_token,
    make_campaign,
    make_import,
    make_item,
    make_person,
    make_report,
    make_target,
)
from tests.public.seeding import make_public
from tests.routes import examples, routes

from .browser import Open, broken_rules, drawn, fits, sign_in

pytestmark = pytest.mark.django_db(transaction=True)
NOW = at(24 * 5)
UP, GONE = (Outcome.AVAILABLE, Reason.OK), (Outcome.REMOVED, Reason.NOT_FOUND)
STORIES = ([UP, UP, GONE, GONE, GONE], [UP, UP, UP, UP, UP], [UP, UP, UP, GONE, UP], [UP, UP, UP, UP, GONE])
LOOKS = (0, 1, 20, 50, 80)  # hours


def _seed(anna: Person) -> Campaign:
    """A campaign that has something to show in every part of a page."""
    campaign = make_campaign(owner=anna)
    for platform in ("huggingface", "example.org"):
        report = make_report(campaign, platform=platform)
        report.category, report.standing = Category.SYNTHETIC_INTIMATE_IMAGES, Standing.DEPICTED_PERSON
        report.policy, report.reference, report.note = "Its rule 4", "T-17", "Sent with two others."
        report.save()
        for number in range(15):
            target = make_target(platform=platform, account=f"uploader-{number % 2}")
            item = make_item(report, target, control=number > 12)
            Item.objects.filter(pk=item.pk).update(labels=["first"], note="Seen twice.")
            append(
                NewCheck(item.target_id, at(hours), at(hours), outcome, reason)
                for hours, (outcome, reason) in zip(LOOKS, STORIES[number % 4], strict=True)
            )
    report = campaign.reports.get(number=1)
    items = list(report.items.order_by("pk"))
    log_reply(
        report=report,
        kind=ReplyKind.DECISION,
        decision=Decision.PARTLY,
        received_at=at(30),
        text="Some of it is gone.",
        claims={item.pk: ClaimWord.REMOVED for item in items[:3]},
        person=anna,
    )
    log_reminder(report=report, sent_at=at(40), note="By e-mail.", person=anna)
    mark_errors(items=items[4:5], reason="Not theirs.", person=anna)
    Webhook.objects.create(campaign=campaign, url="https://hooks.example.org/")
    make_api_token(campaign)
    waiting = make_import(campaign)
    waiting.rejected_csv = "line,url,reason\r\n"
    waiting.save()
    DefinitionState.objects.create(platform="huggingface", stale_since=clock.now(), why="Read wrongly.")
    make_public(campaign, anna)
    publish_edition(campaign=campaign, person=anna, note="As cited.")
    return campaign


def _pages(anna: Person, campaign: Campaign) -> list[str]:
    """The addresses of the pages that the owner can open: those that answer with HTML.

    What the public would see is the public pages themselves with a line above (`test_public`): one is enough.
    """
    known = examples(campaign)
    client = Client()
    client.force_login(anna)
    found = []
    for route in routes():
        if route.permission is None or route.permission.gate in {Gate.EVERYONE, Gate.MACHINE}:
            continue
        if route.name.startswith("public:preview_") and route.name != "public:preview_report":
            continue
        answer = client.head(route.address(known))
        if answer.status_code == 200 and answer["Content-Type"].startswith("text/html"):
            found.append(route.address(known))
    return found


def test_no_page_behind_the_sign_in_breaks_a_rule_of_wcag(live_server: LiveServer, open_page: Open) -> None:
    broken: dict[str, object] = {}
    with time_machine.travel(NOW):
        anna = make_person("anna@example.org")
        paths = _pages(anna, _seed(anna))
        page = open_page(bypass_csp=True)
        sign_in(page)
        for path in paths:
            page.set_viewport_size({"width": 1280, "height": 800})
            page.emulate_media(color_scheme="light")
            page.goto(path)
            drawn(page)
            if rules := broken_rules(page):
                broken[f"{path} wide, light"] = rules
            page.set_viewport_size({"width": 360, "height": 800})
            page.emulate_media(color_scheme="dark")
            if rules := broken_rules(page):
                broken[f"{path} narrow, dark"] = rules
            if not fits(page):
                broken[f"{path} narrow"] = "is wider than its window"
    assert broken == {}
    assert len(paths) > 30
