"""The review list: what the checker is not sure of, and a person's word on it."""

from __future__ import annotations

import pytest
from pytest_django import DjangoAssertNumQueries

from apps.checks.models import Check
from apps.checks.outcomes import Outcome, Reason, Status
from apps.checks.recording import NewCheck, append
from apps.reports.models import Item
from tests.factories import at, make_item, make_report
from tests.workspace.conftest import Team
from tests.workspace.test_campaigns import text_of

pytestmark = pytest.mark.django_db
LIST = "/workspace/example-models/review/"


@pytest.fixture
def suspected(team: Team) -> Item:
    """An item that the checker saw, and then once did not find."""
    item = make_item(make_report(team.campaign))
    append(
        NewCheck(item.target_id, at(hours), at(hours), outcome, reason)
        for hours, outcome, reason in (
            (1, Outcome.AVAILABLE, Reason.OK),
            (2, Outcome.REMOVED, Reason.NOT_FOUND),
        )
    )
    return item


def test_it_works(team: Team, suspected: Item) -> None:
    page = text_of(team.client("viewer"), LIST)
    assert "1 URL, the longest waiting first." in page
    assert "not found" in page
    assert "Record it" not in page
    assert "Record it" in text_of(team.client("reviewer"), LIST)


@pytest.mark.parametrize(
    ("outcome", "note", "status", "reason"),
    [
        ("removed", "", Status.REMOVED, "not_found"),
        ("available", "It opens for me.", Status.AVAILABLE, "person"),
        ("restricted", "Only after an age check.", Status.RESTRICTED, "person"),
        ("inconclusive", "", Status.SUSPECTED, "person"),
    ],
)
def test_a_persons_word_is_a_check_and_history_stays(
    outcome: str, note: str, status: Status, reason: str, team: Team, suspected: Item
) -> None:
    before = list(Check.objects.order_by("number").values_list("digest", flat=True))
    answer = team.client("reviewer").post(f"{LIST}{suspected.pk}/", {"outcome": outcome, "note": note})
    assert answer["Location"] == LIST
    assert list(Check.objects.order_by("number").values_list("digest", flat=True))[:2] == before
    check = Check.objects.get(number=3)
    assert (check.manual, check.reason, check.note, check.person) == (
        True,
        reason,
        note,
        team.people["reviewer"],
    )
    suspected.target.refresh_from_db()
    assert suspected.target.status == status


@pytest.mark.parametrize(
    ("reason", "listed"),
    [(Reason.LOGIN_WALL, True), (Reason.BLOCKED_ADDRESS, True), (Reason.TIMEOUT, False)],
)
def test_what_only_a_person_can_see_is_listed_at_once_until_one_has_looked(
    reason: Reason, listed: bool, team: Team
) -> None:
    item = make_item(make_report(team.campaign))
    append([NewCheck(item.target_id, at(1), at(1), Outcome.INCONCLUSIVE, reason)])
    assert ("1 URL, the longest waiting first." in text_of(team.client("viewer"), LIST)) == listed
    team.client("reviewer").post(f"{LIST}{item.pk}/", {"outcome": "available", "note": "It opens for me."})
    assert "Nothing waits for a person" in text_of(team.client("viewer"), LIST)


@pytest.mark.parametrize(
    ("entered", "sentence"),
    [({"outcome": "available"}, "this overrules the checker"), ({"note": "hm"}, "This field is required")],
)
def test_overruling_needs_a_note(entered: dict[str, str], sentence: str, team: Team, suspected: Item) -> None:
    answer = team.client("reviewer").post(f"{LIST}{suspected.pk}/", entered)
    assert answer.status_code == 200
    assert sentence in answer.content.decode()
    assert Check.objects.count() == 2


def test_the_list_takes_as_many_queries_for_15_as_for_1(
    team: Team, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client = team.client("reviewer")
    report = make_report(team.campaign)
    for many in (1, 14):
        for _ in range(many):
            make_item(report, status=Status.SUSPECTED, run_started_at=at(2))
        # session, person, campaign, role, count, targets, items, people, checks
        with django_assert_num_queries(11):
            client.get(LIST)


def test_an_empty_list_says_so(team: Team) -> None:
    assert "Nothing waits for a person." in text_of(team.client("viewer"), LIST)
