"""Who gets in where: every address of the site by its URL map, for every kind of person, and each method."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction
from django.http import HttpResponse
from django.test import Client

from apps.accounts.models import Person
from apps.accounts.permissions import Gate, Permission
from apps.accounts.roles import Role, may
from apps.core import clock
from apps.exports.publication import save_draft
from apps.exports.published import CHARTS
from apps.notifications.models import Webhook
from apps.reports.models import Campaign, ReplyKind
from apps.reports.replies import log_reminder, log_reply
from apps.reports.tokens import make_token
from tests.factories import make_campaign, make_import, make_items, make_person, make_report
from tests.routes import OF_OTHERS, Route, examples, for_a_module, routes

ROUTES = routes()
pytestmark = pytest.mark.django_db


class Everybody:
    """A campaign, everybody around it, each with a session of their own, and an address for each route."""

    def __init__(self) -> None:
        members = {role.value: make_person(f"{role.value}@example.org") for role in Role}
        people = members | {
            "stranger": make_person("stranger@example.org"),
            "administrator": make_person("administrator@example.org", superuser=True),
        }
        self.roles: dict[str, Role | None] = {
            **{role.value: role for role in Role},
            "administrator": Role.OWNER,
            "stranger": None,
            "anonymous": None,
        }
        make_campaign("not-theirs", owner=people["stranger"])
        self.campaign: Campaign = make_campaign(**members)
        report = make_report(self.campaign, platform="huggingface")
        make_items(report, 20)
        save_draft(
            campaign=self.campaign,
            person=None,
            title="What happened",
            text="",
            charts=list(CHARTS),
            platforms="names",
            reports=True,
            items=False,
            dates="day",
        )
        log_reply(report=report, kind=ReplyKind.ACKNOWLEDGEMENT, received_at=report.sent_at)
        log_reminder(report=report, sent_at=report.sent_at)
        Webhook.objects.create(campaign=self.campaign, url="https://hooks.example.org/")
        waiting = make_import(self.campaign)
        waiting.rejected_csv = "line,url,reason\r\n"
        waiting.save()
        make_token(
            campaign=self.campaign,
            person=people["owner"],
            name="Example",
            role=Role.VIEWER,
            expires_at=clock.wall() + timedelta(days=1),
        )
        self.examples = examples(self.campaign)
        self.sessions = {who: _session(person) for who, person in people.items()}

    def ask(self, who: str, method: str, route: Route) -> HttpResponse:
        """The answer that somebody gets. What it changed is undone, so that each finds the same."""
        client = Client()
        if who in self.sessions:
            client.cookies[settings.SESSION_COOKIE_NAME] = self.sessions[who]
        with transaction.atomic():
            answer = client.generic(method, route.address(self.examples))
            transaction.set_rollback(True)
        return answer  # type: ignore[return-value]

    def gets_in(self, who: str, permission: Permission, method: str) -> bool:
        """Whether the view says that it lets somebody in."""
        action = permission.action(method)
        match permission.gate:
            case Gate.EVERYONE | Gate.MACHINE:  # the tests ask from this machine
                return True
            case Gate.ADMINISTRATOR:
                return who == "administrator"
            case Gate.SOMEWHERE:  # the stranger owns another campaign
                role = Role.OWNER if who == "stranger" else self.roles[who]
                return action is not None and may(role, action)
            case Gate.CAMPAIGN:
                return action is not None and may(self.roles[who], action)
        return who != "anonymous"


def _session(person: Person) -> str:
    client = Client()
    client.force_login(person)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


@pytest.fixture(scope="module")
def everybody(django_db_setup: None, django_db_blocker: Any) -> Iterator[Everybody]:
    with for_a_module(django_db_blocker):
        yield Everybody()


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_a_view_lets_in_whom_it_says_and_nobody_else(route: Route, everybody: Everybody) -> None:
    permission = route.permission
    assert permission is not None, f"{route.name} does not say whom it lets in: see accounts/permissions.py"
    for method in ("GET", "POST"):
        if everybody.ask("administrator", method, route).status_code == 405:
            continue
        for who in everybody.roles:
            answer = everybody.ask(who, method, route)
            if permission.gate == Gate.PROGRAM:  # tests/api has tokens; who is signed in has none
                assert answer.status_code == 401, (method, who)
                continue
            sent_to_sign_in = answer.get("Location", "").startswith("/sign-in/?next=")
            if everybody.gets_in(who, permission, method):
                if route.name not in OF_OTHERS:  # allauth refuses to confirm a password that there is not
                    assert answer.status_code not in {401, 403}, (method, who)
                if route.name != "health:ready":  # it says so with 503 where no checker runs
                    assert answer.status_code < 500, (method, who)
                assert not sent_to_sign_in, (method, who)
                if permission.gate == Gate.CAMPAIGN:
                    assert answer.status_code in {200, 302}, (method, who)
            elif who == "anonymous":
                assert sent_to_sign_in, (method, who)
            elif who == "stranger" and permission.gate == Gate.CAMPAIGN:
                assert answer.status_code == 404, (method, who)
            else:
                assert answer.status_code == 403, (method, who)
                assert "Your role" in answer.content.decode(), (method, who)


def test_pages_of_people_are_kept_by_no_cache(everybody: Everybody) -> None:
    for route in ROUTES:
        permission = route.permission
        if permission is None or permission.gate in {Gate.EVERYONE, Gate.MACHINE}:
            continue
        if route.name not in OF_OTHERS:
            answer = everybody.ask("owner", "GET", route)
            if answer.status_code == 200:
                assert "no-store" in answer.get("Cache-Control", ""), route.name


def test_a_view_without_a_declaration_is_found() -> None:
    assert Route("new", "new/", lambda request: None).permission is None
