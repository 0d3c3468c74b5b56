"""Logging replies and reminders, marking what was reported in error, and a campaign's settings."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import pytest
import time_machine
from pytest_django import DjangoAssertNumQueries

from apps.checks.outcomes import Status
from apps.reports import reply_selectors
from apps.reports.models import Claim, ClaimWord, Decision, Item, Reminder, Reply, ReplyKind
from apps.reports.replies import log_reminder, log_reply, mark_errors
from apps.reports.reply_selectors import error_reasons
from apps.workspace.views import reminders as reminder_views
from apps.workspace.views import replies as reply_views
from tests.factories import at, make_item, make_items, make_report, make_target
from tests.workspace.conftest import Team
from tests.workspace.test_campaigns import text_of
from tests.workspace.test_items import shown

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("a_quiet_moment")]
HOME = "/workspace/example-models/"
REPORT = f"{HOME}reports/1/"
NEW = f"{REPORT}replies/new/"
REMINDER = f"{REPORT}reminder/"
HOST = "https://models.example.org"


@pytest.fixture
def a_quiet_moment() -> Iterator[None]:
    """Time stands still, 100 hours after the reports of the factories."""
    with time_machine.travel(at(100), tick=False):
        yield


def form(**more: str) -> dict[str, str]:
    return {"kind": "acknowledgement", "received_at": "2026-03-02T10:00"} | more


def box_of(page: str, name: str) -> str:
    found = re.search(rf'<textarea name="{name}"[^>]*>\s?(.*?)</textarea>', page, re.DOTALL)
    assert found
    return html.unescape(found[1])


# ---------------------------------------------------------------------------------------------------- replies


def test_it_works(team: Team) -> None:
    report = make_report(team.campaign)
    gone, left = make_item(report, make_target("gone")), make_item(report, make_target("left"))
    client = team.client("editor")
    assert 'value="2026-03-05T18:05"' in text_of(client, NEW)
    answer = client.post(
        NEW,
        form(
            kind="decision",
            decision="partly",
            reference="C-9",
            text="One of them.",
            **{f"claim_{gone.pk}": "removed", f"claim_{left.pk}": "refused"},
        ),
        follow=True,
    )
    assert answer.redirect_chain == [(REPORT, 302)]
    reply = Reply.objects.get()
    assert reply.person == team.people["editor"]
    assert dict(reply.claims.values_list("item_id", "claim")) == {gone.pk: "removed", left.pk: "refused"}
    page = " ".join(answer.content.decode().split())
    assert "Recorded the reply." in page
    assert "decision: partly removed <code>C-9</code>" in page
    assert "One of them." in page
    assert "removed: 1 item</div>" in page
    assert "left as it is: 1 item</div>" in page
    assert "editor@example.org" in page


def test_a_claim_that_the_checks_contradict_is_said(team: Team) -> None:
    report = make_report(team.campaign)
    item = make_item(report, make_target(status=Status.AVAILABLE, present_at=at(60)))
    make_item(report, make_target(status=Status.REMOVED, present_at=at(60)))
    log_reply(report=report, kind=ReplyKind.DECISION, decision=Decision.REMOVED, received_at=at(50))
    page = text_of(team.client("viewer"), REPORT)
    assert "removed: 2 items" in page
    assert "1 item said to be removed was seen there later." in page
    assert str(item.pk) in page


def test_lists_can_be_pasted_beside_the_table(team: Team) -> None:
    report = make_report(team.campaign)
    gone, gated = make_item(report, make_target("gone")), make_item(report, make_target("gated"))
    team.client("editor").post(
        NEW,
        form(
            kind="decision",
            decision="partly",
            list_removed="hxxps://models[.]example[.]org/gone",
            **{f"claim_{gated.pk}": "restricted"},
        ),
    )
    assert dict(Claim.objects.values_list("item_id", "claim")) == {
        gone.pk: "removed",
        gated.pk: "restricted",
    }


def test_a_line_that_fits_no_item_keeps_everything_unsaved(team: Team) -> None:
    report = make_report(team.campaign)
    item = make_item(report, make_target("gone"))
    lines = f"{HOST}/gone\n{HOST}/unknown\nnothing"
    answer = team.client("editor").post(
        NEW,
        form(
            kind="decision",
            decision="partly",
            text="kept",
            list_removed=lines,
            **{f"claim_{item.pk}": "removed"},
        ),
    )
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "2 lines could not be used" in page
    assert "removed, line 2</span> <code>hxxps://models[.]example[.]org/unknown</code>" in page
    assert "This URL is not in the report." in page
    assert box_of(page, "list_removed") == lines
    assert "<details open>" in page
    assert '<option value="removed" selected>' in page
    assert "kept" in page
    assert not Reply.objects.exists()


def test_a_list_that_contradicts_the_table_is_said(team: Team) -> None:
    item = make_item(make_report(team.campaign), make_target("gone"))
    page = (
        team.client("editor")
        .post(NEW, form(kind="other", list_refused=f"{HOST}/gone", **{f"claim_{item.pk}": "removed"}))
        .content.decode()
    )
    assert "A list below says “left as it is”. Correct one of them." in page
    assert not Reply.objects.exists()


@pytest.mark.parametrize(
    ("entered", "sentence"),
    [
        ({"received_at": "2026-02-01T10:00"}, "before the report was sent"),
        ({"received_at": "2026-03-09T10:00"}, "This is in the future"),
        ({"received_at": "soon"}, "Write the moment as"),
        ({"kind": "decision"}, "Say what was decided"),
        ({"decision": "removed"}, "Only a decision decides"),
        ({"kind": "decision", "decision": "partly"}, "Say for which items"),
        ({"kind": "shrug"}, "Select a valid choice"),
    ],
)
def test_a_reply_that_cannot_be_recorded_says_why_and_loses_nothing(
    entered: dict[str, str], sentence: str, team: Team
) -> None:
    make_item(make_report(team.campaign))
    page = team.client("editor").post(NEW, form(text="my words") | entered).content.decode()
    assert sentence in page
    assert "my words" in page
    assert not Reply.objects.exists()


def test_an_answer_in_the_very_minute_of_the_report_can_be_logged(team: Team) -> None:
    report = make_report(team.campaign, sent_at=at(0).replace(second=40))
    make_item(report)
    team.client("editor").post(NEW, form(received_at="2026-03-01T14:05"))
    assert Reply.objects.get().received_at == report.sent_at


def test_a_longer_report_takes_lists_only(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reply_views, "ITEMS_IN_A_FORM", 2)
    report = make_report(team.campaign)
    make_items(report, 2)
    client = team.client("editor")
    assert "claim_" in text_of(client, NEW)
    item = make_item(report, make_target("gone"))
    page = text_of(client, NEW)
    assert "claim_" not in page
    assert "The report has 3 items" in page
    client.post(NEW, form(kind="decision", decision="partly", list_removed=f"{HOST}/gone"))
    assert Claim.objects.get().item == item
    assert reply_selectors.ITEMS_IN_A_FORM == 200


@pytest.mark.parametrize("items", [2, 150])
def test_the_form_takes_as_many_queries_for_150_items_as_for_2(
    items: int, team: Team, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make_items(make_report(team.campaign), items)
    client = team.client("editor")
    # session, person, campaign, role, report, its standing, items
    with django_assert_num_queries(8):
        page = client.get(NEW).content.decode()
    assert page.count('name="claim_') == items


def test_a_reply_is_taken_back_and_stays_on_the_page(team: Team) -> None:
    report = make_report(team.campaign)
    reply = log_reply(report=report, kind=ReplyKind.BOUNCED, received_at=at(1))
    client = team.client("editor")
    assert "<dd>could not be delivered</dd>" in text_of(client, REPORT)
    for sentence in ("The reply is taken back.", "had been taken back already"):
        answer = client.post(f"{REPORT}replies/{reply.pk}/take-back/", follow=True)
        assert sentence in answer.content.decode()
    page = text_of(client, REPORT)
    assert '<tr role="row" class="superseded">' in page
    assert f"taken back {shown(at(100))}" in page
    assert "<dd>sent</dd>" in page


# -------------------------------------------------------------------------------------------------- reminders


def test_a_reminder_is_prepared_to_copy_and_to_download(team: Team) -> None:
    report = make_report(team.campaign)
    make_item(report, make_target("up", status=Status.AVAILABLE, present_at=at(60)))
    make_item(report, make_target("gone", status=Status.REMOVED))
    client = team.client("editor")
    page = client.get(REMINDER).content.decode()
    found = re.search(r'<textarea id="reminder-text"[^>]*>(.*?)</textarea>', page, re.DOTALL)
    copied = re.search(r'data-copy="(.*?)"', page, re.DOTALL)
    file = client.get(f"{REPORT}reminder.txt")
    assert found
    assert copied
    assert html.unescape(found[1]) == html.unescape(copied[1]) == file.content.decode()
    assert "1 of the 2 items in the report is still up." in found[1]
    assert "hxxps://models[.]example[.]org/up  (2026-03-04 02:05 UTC)" in found[1]
    assert file["Content-Type"] == "text/plain; charset=utf-8"
    assert file["Content-Disposition"] == 'attachment; filename="reminder-example-models-1.txt"'


def test_a_very_long_reminder_is_downloaded(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reminder_views, "COPIED_CHARACTERS", 10)
    make_item(make_report(team.campaign))
    page = text_of(team.client("editor"), REMINDER)
    assert "Copy the text" not in page
    assert f'href="{REPORT}reminder.txt"' in page


def test_a_reminder_that_was_sent_is_logged_and_can_be_taken_back(team: Team) -> None:
    make_report(team.campaign)
    client = team.client("editor")
    client.post(REMINDER, {"sent_at": "2026-03-02T10:00", "note": "By phone."})
    answer = client.post(REMINDER, {"sent_at": "", "note": ""}, follow=True)
    assert "Recorded the reminder." in answer.content.decode()
    first, second = Reminder.objects.order_by("sent_at")
    assert (first.note, first.person) == ("By phone.", team.people["editor"])
    assert second.sent_at == at(100)
    page = text_of(client, REPORT)
    assert "reminder sent<div" in page
    assert "By phone." in page
    for sentence in ("The reminder is taken back.", "had been taken back already"):
        answer = client.post(f"{REPORT}reminders/{first.pk}/take-back/", follow=True)
        assert sentence in answer.content.decode()


@pytest.mark.parametrize(
    ("sent_at", "sentence"),
    [("2026-02-01T10:00", "before the report was sent"), ("2026-03-09T10:00", "This is in the future")],
)
def test_a_reminder_that_cannot_have_been_sent_is_refused(sent_at: str, sentence: str, team: Team) -> None:
    make_report(team.campaign)
    page = team.client("editor").post(REMINDER, {"sent_at": sent_at, "note": "kept"}).content.decode()
    assert sentence in page
    assert "kept" in page
    assert not Reminder.objects.exists()


# ----------------------------------------------------------------------------------------- reported in error


def test_an_item_is_marked_as_reported_in_error_and_counts_again(team: Team) -> None:
    item = make_item(make_report(team.campaign))
    path = f"{HOME}items/{item.pk}/"
    client = team.client("editor")
    for sentence in ("Marked as reported in error.", "was marked already"):
        answer = client.post(f"{path}in-error/", {"error-reason": "Someone else’s."}, follow=True)
        assert sentence in answer.content.decode()
    page = text_of(client, path)
    assert "· reported in error</p>" in page
    assert "<dd>Someone else’s. " in page
    assert "reported in error</div>" in text_of(client, REPORT)
    for sentence in ("The item counts again.", "was not marked"):
        answer = client.post(f"{path}in-error/take-back/", follow=True)
        assert sentence in answer.content.decode()
    assert error_reasons([item.pk]) == {}


def test_an_error_without_a_reason_is_refused(team: Team) -> None:
    item = make_item(make_report(team.campaign))
    client = team.client("editor")
    for path in (f"{HOME}items/{item.pk}/in-error/", f"{REPORT}in-error/"):
        answer = client.post(path, {})
        assert answer.status_code == 200
        assert "This field is required" in answer.content.decode()
    assert error_reasons([item.pk]) == {}


def test_a_control_is_not_offered_as_an_error(team: Team) -> None:
    control = make_item(make_report(team.campaign), control=True)
    client = team.client("editor")
    assert "Mark as reported in error" not in text_of(client, f"{HOME}items/{control.pk}/")
    page = client.post(f"{HOME}items/{control.pk}/in-error/", {"error-reason": "No."})
    assert page.status_code == 200
    assert error_reasons([control.pk]) == {}


def test_a_whole_report_is_marked_and_counts_again(team: Team) -> None:
    report = make_report(team.campaign)
    items = [make_item(report) for _ in range(3)]
    client = team.client("editor")
    answer = client.post(f"{REPORT}in-error/", {"reason": "Wrong platform."}, follow=True)
    page = " ".join(answer.content.decode().split())
    assert "Marked 3 items as reported in error." in page
    assert "3 items reported in error are counted here; figures leave them out." in page
    answer = client.post(f"{REPORT}in-error/take-back/", follow=True)
    assert "Taken back for 3 items." in answer.content.decode()
    assert error_reasons([item.pk for item in items]) == {}


# --------------------------------------------------------------------------------------------------- attested


@pytest.mark.parametrize(("ticked", "attested"), [({"attested": "on"}, True), ({}, False)])
def test_the_reporter_says_whether_items_were_accessible(
    ticked: dict[str, str], attested: bool, team: Team
) -> None:
    client = team.client("editor")
    assert re.search(r'name="attested"[^>]* checked', text_of(client, f"{HOME}reports/new/"))
    sent = {
        "urls": f"{HOST}/a",
        "sent_at": "2026-03-02T10:00",
        "channel": "web_form",
        "standing": "journalist",
        "category": "fraud",
        "delivery": "sent",
    }
    client.post(f"{HOME}reports/new/", sent | ticked)
    item = Item.objects.get()
    assert item.attested == attested
    words = "the reporter says that it was accessible then" if attested else "nobody says that it was"
    assert words in text_of(client, f"{HOME}items/{item.pk}/")


# --------------------------------------------------------------------------------------------------- settings


def test_an_owner_changes_the_settings(team: Team) -> None:
    client = team.client("owner")
    page = text_of(client, f"{HOME}settings/")
    assert 'value="Example Models"' in page
    assert 'value="5"' in page
    answer = client.post(
        f"{HOME}settings/", {"name": "Models, spring", "description": "A record.", "minimum_n": "10"}
    )
    assert answer["Location"] == f"{HOME}settings/"
    team.campaign.refresh_from_db()
    assert (team.campaign.name, team.campaign.description, team.campaign.minimum_n) == (
        "Models, spring",
        "A record.",
        10,
    )


@pytest.mark.parametrize(
    ("entered", "sentence"),
    [
        ({"name": " "}, "This field is required"),
        ({"minimum_n": "0"}, "greater than or equal to 1"),
        ({"minimum_n": "1001"}, "less than or equal to 1000"),
        ({"minimum_n": "few"}, "Enter a whole number"),
    ],
)
def test_settings_that_make_no_sense_change_nothing(
    entered: dict[str, str], sentence: str, team: Team
) -> None:
    sent = {"name": "Another", "description": "kept", "minimum_n": "10"} | entered
    page = team.client("owner").post(f"{HOME}settings/", sent).content.decode()
    assert sentence in page
    assert "kept" in page
    team.campaign.refresh_from_db()
    assert team.campaign.name == "Example Models"


def test_what_people_wrote_is_escaped_and_no_url_is_a_link(team: Team) -> None:
    report = make_report(team.campaign)
    item = make_item(report, make_target("gone", status=Status.AVAILABLE, present_at=at(60)))
    evil = "<script>alert(1)</script>"
    log_reply(
        report=report,
        kind=ReplyKind.OTHER,
        received_at=at(1),
        text=evil,
        reference=evil,
        claims={item.pk: ClaimWord.REMOVED},
    )
    log_reminder(report=report, sent_at=at(2), note=evil)
    mark_errors(items=[item], reason=evil)
    client = team.client("owner")
    for path in (REPORT, NEW, REMINDER, f"{HOME}items/{item.pk}/", f"{HOME}board/", f"{HOME}settings/"):
        page = text_of(client, path)
        assert "<script>alert" not in page
        assert 'href="http' not in page
        assert 'href="hxxp' not in page


def test_the_items_of_a_reminder_can_be_attached_as_a_table(team: Team) -> None:
    report = make_report(team.campaign)
    up = make_item(report, make_target("alpha", status=Status.AVAILABLE, present_at=at(30)))
    make_item(report, make_target("beta", status=Status.REMOVED, present_at=at(1), removed_by=at(2)))
    log_reply(
        report=report,
        kind=ReplyKind.OTHER,
        received_at=at(20),
        claims={up.pk: ClaimWord.REMOVED},
        text="=1+1",
    )
    answer = team.client("editor").get(f"/workspace/example-models/reports/{report.number}/reminder.csv")
    assert answer.content.decode("utf-8-sig").splitlines() == [
        "url,status,last_seen_at,said_removed_at",
        "hxxps://models[.]example[.]org/alpha,available,2026-03-02T20:05:00Z,2026-03-02T10:05:00Z",
    ]
    assert 'filename="reminder-example-models-1.csv"' in answer["Content-Disposition"]
