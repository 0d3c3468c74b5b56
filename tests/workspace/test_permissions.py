"""Who gets in where: every address of the workspace, for every kind of person."""

from __future__ import annotations

import re

import pytest
from django.urls import get_resolver

from apps.checks.models import Check
from apps.reports.campaigns import ADDRESS_WORDS
from apps.reports.models import Membership, ReplyKind
from apps.reports.replies import log_reminder, log_reply
from apps.workspace.urls import urlpatterns as workspace_urls
from tests.factories import make_import, make_item, make_report
from tests.workspace.conftest import Team

VIEW = {"viewer", "reviewer", "editor", "owner", "administrator"}
REVIEW = VIEW - {"viewer"}
REPORT = REVIEW - {"reviewer"}
MANAGE = REPORT - {"editor"}
MEMBERS = VIEW - {"administrator"}

# (address's name, method, who may)
PAGES = [
    ("campaign", "GET", VIEW),
    ("figures", "GET", VIEW),
    ("chart_csv", "GET", VIEW),
    ("members", "GET", MANAGE),
    ("members", "POST", MANAGE),
    ("remove_member", "POST", MANAGE),
    ("review", "GET", VIEW),
    ("decide", "POST", REVIEW),
    ("item", "GET", VIEW),
    ("item", "POST", REVIEW),
    ("item_checks", "GET", VIEW),
    ("look_again", "POST", REVIEW),
    ("item_problem", "GET", REVIEW),
    ("item_problem", "POST", REVIEW),
    ("new_report", "GET", REPORT),
    ("new_report", "POST", REPORT),
    ("report", "GET", VIEW),
    ("new_reply", "GET", REPORT),
    ("new_reply", "POST", REPORT),
    ("take_back_reply", "POST", REPORT),
    ("reminder", "GET", REPORT),
    ("reminder", "POST", REPORT),
    ("reminder_file", "GET", REPORT),
    ("reminder_annex", "GET", REPORT),
    ("take_back_reminder", "POST", REPORT),
    ("report_error", "POST", REPORT),
    ("take_back_report_error", "POST", REPORT),
    ("item_error", "POST", REPORT),
    ("take_back_item_error", "POST", REPORT),
    ("board", "GET", VIEW),
    ("export", "GET", VIEW),
    ("download", "GET", VIEW),
    ("datapackage", "GET", VIEW),
    ("item_evidence", "GET", VIEW),
    ("report_evidence", "GET", VIEW),
    ("flagger_report", "GET", VIEW),
    ("flagger_csv", "GET", VIEW),
    ("round_report", "GET", VIEW),
    ("round_csv", "GET", VIEW),
    ("editions", "GET", MANAGE),
    ("editions", "POST", MANAGE),
    ("publication", "GET", MANAGE),
    ("publication", "POST", MANAGE),
    ("settings", "GET", MANAGE),
    ("settings", "POST", MANAGE),
    ("new_import", "GET", REPORT),
    ("new_import", "POST", REPORT),
    ("import", "GET", REPORT),
    ("import", "POST", REPORT),
    ("rejected", "GET", REPORT),
]


@pytest.fixture
def addresses(team: Team) -> dict[str, str]:
    """A working address of each page."""
    report = make_report(team.campaign)
    item = make_item(report)
    reply = log_reply(report=report, kind=ReplyKind.ACKNOWLEDGEMENT, received_at=report.sent_at)
    reminder = log_reminder(report=report, sent_at=report.sent_at)
    waiting = make_import(team.campaign)
    waiting.rejected_csv = "line,url,reason\r\n"
    waiting.save()
    only_owner = Membership.objects.get(campaign=team.campaign, role="owner")
    home = f"/workspace/{team.campaign.slug}/"
    return {
        "campaign": home,
        "figures": f"{home}figures/",
        "chart_csv": f"{home}charts/removed.csv",
        "members": f"{home}members/",
        "remove_member": f"{home}members/{only_owner.pk}/remove/",
        "review": f"{home}review/",
        "decide": f"{home}review/{item.pk}/",
        "item": f"{home}items/{item.pk}/",
        "item_checks": f"{home}items/{item.pk}/checks.csv",
        "look_again": f"{home}items/{item.pk}/look-again/",
        "item_problem": f"{home}items/{item.pk}/problem/",
        "new_report": f"{home}reports/new/",
        "report": f"{home}reports/{report.number}/",
        "new_reply": f"{home}reports/{report.number}/replies/new/",
        "take_back_reply": f"{home}reports/{report.number}/replies/{reply.pk}/take-back/",
        "reminder": f"{home}reports/{report.number}/reminder/",
        "reminder_file": f"{home}reports/{report.number}/reminder.txt",
        "reminder_annex": f"{home}reports/{report.number}/reminder.csv",
        "take_back_reminder": f"{home}reports/{report.number}/reminders/{reminder.pk}/take-back/",
        "report_error": f"{home}reports/{report.number}/in-error/",
        "take_back_report_error": f"{home}reports/{report.number}/in-error/take-back/",
        "item_error": f"{home}items/{item.pk}/in-error/",
        "take_back_item_error": f"{home}items/{item.pk}/in-error/take-back/",
        "board": f"{home}board/",
        "export": f"{home}export/",
        "download": f"{home}export/items.csv",
        "datapackage": f"{home}export/datapackage.json",
        "item_evidence": f"{home}items/{item.pk}/evidence.zip",
        "report_evidence": f"{home}reports/{report.number}/evidence.zip",
        "flagger_report": f"{home}export/trusted-flagger/",
        "flagger_csv": f"{home}export/trusted-flagger.csv",
        "round_report": f"{home}export/monitoring-round/",
        "round_csv": f"{home}export/monitoring-round.csv",
        "editions": f"{home}editions/",
        "publication": f"{home}publication/",
        "settings": f"{home}settings/",
        "new_import": f"{home}imports/new/",
        "import": f"{home}imports/{waiting.pk}/",
        "rejected": f"{home}imports/{waiting.pk}/rejected.csv",
    }


@pytest.mark.parametrize(("name", "method", "allowed"), PAGES)
def test_only_those_who_may_get_in(
    name: str, method: str, allowed: set[str], team: Team, addresses: dict[str, str]
) -> None:
    for who in [*team.people, "anonymous"]:
        answer = team.client(who).generic(method, addresses[name])
        if who == "anonymous":
            assert answer.status_code == 302, who
            assert answer["Location"].startswith("/sign-in/?next="), who
        elif who == "stranger":
            assert answer.status_code == 404, who
        elif who in allowed:
            assert answer.status_code in {200, 302}, who
        else:
            assert answer.status_code == 403, who
            assert "Your role" in answer.content.decode(), who
    assert not Check.objects.exists()


NOT_OF_A_CAMPAIGN = {
    "campaigns",
    "new_campaign",
    "definitions",
    "platforms",
    "platform",
    "classify",
    "stale_definitions",
    "looked_at_definition",
}


def test_no_address_is_left_out(addresses: dict[str, str]) -> None:
    names = {
        name for name in get_resolver().namespace_dict["workspace"][1].reverse_dict if isinstance(name, str)
    }
    assert names - NOT_OF_A_CAMPAIGN == {name for name, _, _ in PAGES} == set(addresses)


@pytest.mark.parametrize(
    "path",
    [
        "/workspace/",
        "/workspace/new/",
        "/workspace/definitions/",
        "/workspace/platforms/",
        "/workspace/platforms/github/",
        "/workspace/platforms/generic/",
    ],
)
def test_the_pages_of_no_campaign_need_a_person(path: str, team: Team) -> None:
    assert team.client("anonymous").get(path).status_code == 302
    for who in team.people:
        assert team.client(who).get(path).status_code == 200


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_only_those_who_review_somewhere_classify(method: str, team: Team) -> None:
    path = "/workspace/classify/"
    assert team.client("anonymous").generic(method, path).status_code == 302
    for who in REVIEW | {"stranger"}:  # the stranger owns another campaign
        assert team.client(who).generic(method, path).status_code == 200, who
    viewer = team.client("viewer").generic(method, path)
    assert viewer.status_code == 403
    assert "Your role" in viewer.content.decode()


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


def test_pages_are_not_kept_by_caches(team: Team, addresses: dict[str, str]) -> None:
    answer = team.client("owner").get(addresses["campaign"])
    assert "no-store" in answer["Cache-Control"]


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
