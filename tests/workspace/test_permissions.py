"""What members are offered, and what belongs to another campaign. tests/test_permissions.py: who gets in."""

from __future__ import annotations

import re

import pytest

from apps.reports.campaigns import ADDRESS_WORDS
from apps.reports.models import ReplyKind
from apps.reports.replies import log_reminder, log_reply
from apps.workspace.urls import urlpatterns as workspace_urls
from tests.factories import make_item, make_report
from tests.workspace.conftest import Team


@pytest.fixture
def addresses(team: Team) -> dict[str, str]:
    """A working address of some pages."""
    report = make_report(team.campaign)
    item = make_item(report)
    home = f"/workspace/{team.campaign.slug}/"
    return {
        "campaign": home,
        "item": f"{home}items/{item.pk}/",
        "report": f"{home}reports/{report.number}/",
    }


def test_no_campaign_can_be_called_as_a_page_is() -> None:
    patterns = {str(each.pattern) for each in workspace_urls}
    words = {pattern.split("/")[0] for pattern in patterns if pattern and not pattern.startswith("<")}
    assert words == ADDRESS_WORDS


def test_an_item_of_another_campaign_is_not_found_here(team: Team, addresses: dict[str, str]) -> None:
    theirs = team.people["stranger"].memberships.get().campaign
    item = make_item(make_report(theirs))
    for page in ("items/{}/", "review/{}/", "items/{}/look-again/", "items/{}/problem/"):
        path = f"/workspace/{team.campaign.slug}/" + page.format(item.pk)
        assert team.client("administrator").post(path).status_code == 404


def test_the_checks_of_another_campaigns_item_are_not_found_here(
    team: Team, addresses: dict[str, str]
) -> None:
    theirs = make_item(make_report(team.people["stranger"].memberships.get().campaign))
    path = f"/workspace/{team.campaign.slug}/items/{theirs.pk}/checks.csv"
    assert team.client("administrator").get(path).status_code == 404


def test_a_reply_or_reminder_of_another_campaign_is_not_found_here(
    team: Team, addresses: dict[str, str]
) -> None:
    theirs = make_report(team.people["stranger"].memberships.get().campaign)
    reply = log_reply(report=theirs, kind=ReplyKind.OTHER, received_at=theirs.sent_at)
    reminder = log_reminder(report=theirs, sent_at=theirs.sent_at)
    for page in (f"replies/{reply.pk}", f"reminders/{reminder.pk}"):
        path = f"/workspace/{team.campaign.slug}/reports/1/{page}/take-back/"
        assert team.client("administrator").post(path).status_code == 404
    reply.refresh_from_db()
    assert reply.taken_back_at is None


def test_a_stranger_cannot_tell_whether_a_campaign_exists(team: Team) -> None:
    client = team.client("stranger")
    there, not_there = (
        client.get(f"/workspace/{slug}/") for slug in (team.campaign.slug, "no-such-campaign")
    )
    assert there.status_code == not_there.status_code == 404
    token = re.compile(r'name="csrfmiddlewaretoken" value="\w+"')
    assert token.sub("", there.content.decode()) == token.sub("", not_there.content.decode())


def test_what_a_role_may_not_do_is_not_offered(team: Team, addresses: dict[str, str]) -> None:
    item = team.client("viewer").get(addresses["item"]).content.decode()
    assert "Look again soon" not in item
    assert "Add what you saw" not in item
    assert "Mark as reported in error" not in item
    report = team.client("reviewer").get(addresses["report"]).content.decode()
    for offered in ("Log a reply", "Prepare a reminder", "Take back", "Mark all items"):
        assert offered not in report
    campaign = team.client("reviewer").get(addresses["campaign"]).content.decode()
    assert "New report" not in campaign
    assert "Members" not in campaign
