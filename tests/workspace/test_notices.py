"""Notices, what people choose to hear, and webhooks, as pages."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from apps.notifications.kinds import CHOSEN, Kind, Mails
from apps.notifications.models import Notice, Preference, Webhook, WebhookMessage
from apps.notifications.selectors import MOST_COUNTED
from apps.notifications.services import add_webhook
from apps.reports.models import Membership
from tests.factories import at, make_report
from tests.workspace.conftest import Team

pytestmark = pytest.mark.django_db
NOTICES = "/workspace/notices/"
HOME = "/workspace/example-models/"


def tell(team: Team, who: str, many: int = 1) -> list[Notice]:
    """Unread notices of as many removals."""
    report = team.campaign.reports.first() or make_report(team.campaign)
    member = Membership.objects.get(campaign=team.campaign, person=team.people[who])
    return Notice.objects.bulk_create(
        Notice(
            membership=member,
            kind=Kind.REMOVED,
            report=report,
            platform=report.platform,
            count=number + 1,
            at=at(2),
            found_at=timezone.now(),
        )
        for number in range(many)
    )


def bell_of(page: str) -> str:
    found = re.search(r'class="bell">([^<]*)<', page)
    return found[1] if found else ""


def text(team: Team, who: str, path: str = NOTICES) -> str:
    answer = team.client(who).get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_bell_has_the_number_of_unread_notices(team: Team) -> None:
    assert bell_of(text(team, "viewer", "/workspace/")) == ""
    tell(team, "viewer", 3)
    assert bell_of(text(team, "viewer", "/workspace/")) == "3"
    assert bell_of(text(team, "editor", "/workspace/")) == ""
    tell(team, "viewer", MOST_COUNTED)
    assert bell_of(text(team, "viewer", "/workspace/")) == f"{MOST_COUNTED - 1}+"


@pytest.mark.parametrize("many", [1, 60])
def test_the_list_takes_few_queries(
    many: int, team: Team, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    tell(team, "viewer", many)
    client = team.client("viewer")
    with django_assert_num_queries(5):  # session, person, count, notices, the bell
        client.get(NOTICES)


def test_a_notice_names_a_site_by_its_domain_to_those_who_may_read_it(team: Team) -> None:
    for who, platform in (("viewer", "example.org"), ("figures", "other sites")):
        tell(team, who)
        words = f"1 item of report 1 ({platform}) is no longer accessible."
        assert f'<a href="{HOME}reports/1/">{words}</a>' in text(team, who)


def test_notices_are_marked_as_read_one_by_one_or_all(team: Team) -> None:
    first, *_ = tell(team, "viewer", 3)
    tell(team, "editor")
    client = team.client("viewer")
    page = client.get(NOTICES).content.decode()
    assert bell_of(page) == "3"  # opening it marks nothing
    found = re.search(r'name="seen" value="([^"]+)"', page)
    assert found is not None
    client.post(f"{NOTICES}read/", {"seen": found[1], "notice": first.pk})
    assert bell_of(client.get(NOTICES).content.decode()) == "2"
    client.post(f"{NOTICES}read/", {"seen": found[1]})
    assert bell_of(client.get(NOTICES).content.decode()) == ""
    assert Notice.objects.filter(read_at=None).count() == 1  # another person's
    theirs = Notice.objects.get(read_at=None)
    client.post(f"{NOTICES}read/", {"seen": found[1], "notice": theirs.pk})
    assert Notice.objects.filter(read_at=None).count() == 1


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"seen": "x"},
        {"seen": "2026-03-01T00:00"},
        {"seen": "x", "notice": "y"},
        {"seen": "0001-01-01T00:00:00+14:00"},
        {"seen": "9999-12-31T23:59:59-14:00"},
    ],
)
def test_a_made_up_form_marks_nothing(sent: dict[str, str], team: Team) -> None:
    tell(team, "viewer")
    assert team.client("viewer").post(f"{NOTICES}read/", sent).status_code == 302
    assert Notice.objects.filter(read_at=None).exists()


def test_who_left_sees_no_notices(team: Team) -> None:
    tell(team, "viewer")
    Membership.objects.get(person=team.people["viewer"]).delete()
    assert "no longer accessible" not in text(team, "viewer")


def test_a_member_chooses_what_they_hear(team: Team) -> None:
    path = f"{HOME}notifications/"
    page = text(team, "figures", path)
    assert all(kind.label in page for kind in CHOSEN)
    assert Kind.WEBHOOK_OFF.label not in page
    form = {f"{kind}_mails": "off" for kind in CHOSEN}
    form |= {"removed_in_workspace": "on", "removed_mails": "weekly"}
    assert team.client("figures").post(path, form).status_code == 302
    chosen = {one.kind: (one.in_workspace, one.mails) for one in Preference.objects.all()}
    assert chosen.pop("removed") == (True, Mails.WEEKLY)
    assert set(chosen.values()) == {(False, Mails.OFF)}
    assert 'value="weekly" selected' in text(team, "figures", path)
    wrong = team.client("figures").post(path, form | {"removed_mails": "hourly"})
    assert "Choose one of the offered times" in wrong.content.decode()


def test_an_administrator_who_is_no_member_is_told_so(team: Team) -> None:
    path = f"{HOME}notifications/"
    assert "not a member" in text(team, "administrator", path)
    team.client("administrator").post(path, {})
    assert not Preference.objects.exists()


def test_an_owner_adds_a_webhook_and_sees_its_secret_once(team: Team) -> None:
    path = f"{HOME}webhooks/"
    client = team.client("owner")
    form: dict[str, Any] = {"url": "https://hooks.example.org/a", "kinds": ["removed", "returned"]}
    page = client.post(path, form).content.decode()
    found = re.search(r"whsec_[\w+/=]+", page)
    assert found is not None
    webhook = Webhook.objects.get()
    assert webhook.kinds == ["removed", "returned"]
    assert "whsec_" not in client.get(path).content.decode()
    rotated = client.post(f"{path}{webhook.pk}/", {"act": "rotate"}).content.decode()
    again = re.search(r"whsec_[\w+/=]+", rotated)
    assert again is not None
    assert again[0] != found[0]


def test_an_address_that_cannot_be_is_explained(team: Team) -> None:
    form = {"url": "http://127.0.0.1/hook", "kinds": ["removed"]}
    page = team.client("owner").post(f"{HOME}webhooks/", form).content.decode()
    assert "address" in page
    assert "whsec_" not in page
    assert not Webhook.objects.exists()


def test_a_webhook_is_tested_switched_and_deleted(team: Team) -> None:
    owner = team.people["owner"]
    webhook, _ = add_webhook(
        campaign=team.campaign, url="https://hooks.example.org/", kinds=CHOSEN, person=owner
    )
    client, path = team.client("owner"), f"{HOME}webhooks/"
    client.post(f"{path}{webhook.pk}/", {"act": "test"})
    assert WebhookMessage.objects.get().event is None
    assert "not tried yet" in client.get(path).content.decode()
    client.post(f"{path}{webhook.pk}/", {"act": "off"})
    assert "<strong>Off</strong>" in client.get(path).content.decode()
    client.post(f"{path}{webhook.pk}/", {"act": "on"})
    webhook.refresh_from_db()
    assert webhook.off_since is None
    client.post(f"{path}{webhook.pk}/", {"act": "delete"})
    assert not Webhook.objects.exists()


def test_another_campaigns_webhook_is_not_found_here(team: Team) -> None:
    stranger = team.people["stranger"]
    theirs, _ = add_webhook(
        campaign=stranger.memberships.get().campaign,
        url="https://hooks.example.org/",
        kinds=CHOSEN,
        person=stranger,
    )
    for act in ("test", "rotate", "off", "delete"):
        answer = team.client("owner").post(f"{HOME}webhooks/{theirs.pk}/", {"act": act})
        assert answer.status_code == 404
    theirs.refresh_from_db()
    assert theirs.off_since is None
