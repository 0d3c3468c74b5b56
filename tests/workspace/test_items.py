"""An item's page: what was reported, what the checks saw, and what a person adds."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import time_machine
from pytest_django import DjangoAssertNumQueries

from apps.checks.models import Check
from apps.checks.outcomes import Outcome, Reason, Status
from apps.checks.recording import NewCheck, append
from apps.checks.services import ManualObservation, record_manual_checks
from apps.reports.models import Item
from tests.factories import at, make_check, make_item, make_report, make_target, make_transition
from tests.workspace.conftest import Team
from tests.workspace.test_campaigns import text_of

pytestmark = pytest.mark.django_db
NOW = at(100)


def path_of(item: Item) -> str:
    return f"/workspace/{item.report.campaign.slug}/items/{item.pk}/"


def shown(moment: datetime) -> str:
    return (
        f'<time datetime="{moment:%Y-%m-%dT%H:%M:%SZ}">{moment:%Y-%m-%d %H:%M} '
        '<abbr title="Coordinated Universal Time">UTC</abbr></time>'
    )


@pytest.mark.parametrize(
    ("state", "sentences"),
    [
        ({}, ["Not checked yet."]),
        ({"check_count": 3}, ["No check could tell anything yet."]),
        ({"status": Status.AVAILABLE, "available_at": at(5)}, [f"last seen available on {shown(at(5))}."]),
        (
            {
                "status": Status.AVAILABLE,
                "available_at": at(50),
                "removed_by": at(20),
                "reinstated_at": at(40),
            },
            [f"It had been gone, by {shown(at(20))}, and was seen again on {shown(at(40))}."],
        ),
        (
            {"status": Status.RESTRICTED, "reason": Reason.GATED, "available_at": at(5)},
            ["There, but not for everyone: behind a request for access.", shown(at(5))],
        ),
        (
            {
                "status": Status.SUSPECTED,
                "reason": Reason.NOT_FOUND,
                "run_started_at": at(9),
                "present_at": at(8),
            },
            [
                f"Looks removed, not confirmed yet: not found since {shown(at(9))}",
                f"last seen there on {shown(at(8))}.",
            ],
        ),
        (
            {
                "status": Status.REMOVED,
                "reason": Reason.NOT_FOUND,
                "removed_after": at(50),
                "removed_by": at(53),
                "confirmed_at": at(77),
            },
            [
                f"last seen there on {shown(at(50))}, gone by {shown(at(53))}; confirmed on {shown(at(77))}.",
                "It went more than 2 d 2 h and at most 2 d 5 h after it was reported.",
                "Who took it down is not known.",
            ],
        ),
        (
            {
                "status": Status.REMOVED,
                "reason": Reason.PLATFORM_DISABLED,
                "definitive": True,
                "by_person": True,
                "removed_by": at(-3),
                "confirmed_at": at(1),
            },
            [
                "never seen there",
                "confirmed by a person on",
                "That is before it was reported.",
                "The platform itself",
            ],
        ),
        (
            {"status": Status.UNVERIFIABLE, "reason": Reason.BOT_WALL, "inconclusive_since": at(3)},
            [f"Could not tell since {shown(at(3))}: behind a bot wall."],
        ),
        (
            {
                "status": Status.AVAILABLE,
                "available_at": at(5),
                "last_outcome": Outcome.INCONCLUSIVE,
                "last_reason": Reason.TIMEOUT,
                "last_check_at": at(6),
            },
            ["could not tell: no answer in time."],
        ),
    ],
)
def test_the_status_is_said_in_words(state: dict[str, object], sentences: list[str], team: Team) -> None:
    item = make_item(make_report(team.campaign), **state)
    page = text_of(team.client("viewer"), path_of(item))
    for sentence in sentences:
        assert sentence in page
    assert "removed by the platform" not in page


def test_the_page_takes_as_many_queries_for_2000_checks_as_for_2(
    team: Team, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    item = make_item(make_report(team.campaign))
    record_manual_checks(
        ManualObservation(item.target_id, Outcome.AVAILABLE, Reason.OK, at(hours / 10))
        for hours in range(2000)
    )
    client = team.client("reviewer")
    # session, person, campaign, role, item, whether in error, report's standing, moments, checks, people,
    # transitions, siblings
    with django_assert_num_queries(13):
        page = client.get(path_of(item)).content.decode()
    assert "The last 30 of 2" in page
    assert page.count("<rect") < 200


@pytest.mark.parametrize(
    ("looks", "said"),
    [
        ([], "was not looked at yet"),
        ([(1, Outcome.AVAILABLE)], "The page of its account:"),
        (
            [(1, Outcome.AVAILABLE), (7, Outcome.AVAILABLE)],
            "<strong>It went without its account</strong>, whose",
        ),
        (
            [(1, Outcome.AVAILABLE), (6, Outcome.REMOVED)],
            "<strong>It went with its account</strong>, whose page",
        ),
    ],
)
def test_the_page_says_whether_an_item_went_with_its_account(
    looks: list[tuple[float, Outcome]], said: str, team: Team
) -> None:
    item = make_item(make_report(team.campaign), make_target(account="uploader-1"))
    account = make_target("accounts/1", kind="account", account="uploader-1")
    append(
        NewCheck(target_id, at(hours), at(hours), outcome, Reason.PERSON, manual=True)
        for target_id, seen in (
            (item.target_id, [(2.0, Outcome.AVAILABLE), (5.0, Outcome.REMOVED)]),
            (account.pk, looks),
        )
        for hours, outcome in seen
    )
    assert said in text_of(team.client("viewer"), f"/workspace/example-models/items/{item.pk}/")


def test_transitions_show_their_intervals(team: Team) -> None:
    item = make_item(make_report(team.campaign))
    undone = make_transition(item.target, Status.AVAILABLE, Status.SUSPECTED, after=1, by=2)
    undone.superseded_at = at(9)
    undone.save()
    page = text_of(team.client("viewer"), path_of(item))
    for moment in (at(1), at(2), at(9)):
        assert shown(moment) in page
    assert "an earlier observation was added" in page


@time_machine.travel(NOW, tick=False)
def test_a_person_adds_what_they_saw(team: Team) -> None:
    item = make_item(make_report(team.campaign))
    answer = team.client("reviewer").post(
        path_of(item),
        {
            "outcome": "removed",
            "reason": "not_found",
            "observed_at": "2026-03-03T10:00",
            "note": "Not there.",
        },
    )
    assert answer["Location"] == path_of(item)
    check = Check.objects.get()
    assert (check.outcome, check.reason, check.note) == ("removed", "not_found", "Not there.")
    assert check.person == team.people["reviewer"]
    assert check.finished_at.isoformat() == "2026-03-03T10:00:00+00:00"
    item.target.refresh_from_db()
    assert item.target.status == Status.REMOVED
    page = text_of(team.client("viewer"), path_of(item))
    assert "reviewer@example.org" in page
    assert "Not there." in page


@time_machine.travel(NOW, tick=False)
def test_without_a_moment_or_a_reason_it_is_now_and_the_persons_word(team: Team) -> None:
    item = make_item(make_report(team.campaign))
    team.client("reviewer").post(path_of(item), {"outcome": "available"})
    check = Check.objects.get()
    assert (check.finished_at, check.reason) == (NOW, "person")


@time_machine.travel(NOW, tick=False)
@pytest.mark.parametrize(
    ("entered", "sentence"),
    [
        ({}, "This field is required"),
        ({"outcome": "removed", "reason": "ok"}, "is no reason for"),
        ({"outcome": "gone"}, "Select a valid choice"),
        ({"outcome": "removed", "observed_at": "last week"}, "Write the moment as 2026-03-01 14:05"),
        ({"outcome": "removed", "observed_at": "2026-03-06T00:00"}, "This is in the future"),
        ({"outcome": "removed", "note": "x" * 5001}, "5000 characters"),
    ],
)
def test_what_cannot_be_recorded_is_said_and_kept(entered: dict[str, str], sentence: str, team: Team) -> None:
    item = make_item(make_report(team.campaign))
    answer = team.client("reviewer").post(path_of(item), {"note": "my note"} | entered)
    page = answer.content.decode()
    assert sentence in page
    assert entered.get("note", "my note") in page
    assert not Check.objects.exists()


@time_machine.travel(NOW, tick=False)
def test_the_same_sighting_twice_is_recorded_once(team: Team) -> None:
    item = make_item(make_report(team.campaign))
    client = team.client("reviewer")
    for _ in range(2):
        answer = client.post(
            path_of(item), {"outcome": "available", "observed_at": "2026-03-02T10:00"}, follow=True
        )
    assert "This is on record already." in answer.content.decode()
    assert Check.objects.count() == 1


@time_machine.travel(NOW, tick=False)
def test_looking_again_soon_makes_the_target_due(team: Team) -> None:
    target = make_target(next_check_at=NOW + timedelta(days=5))
    item = make_item(make_report(team.campaign), target)
    team.client("reviewer").post(path_of(item) + "look-again/")
    target.refresh_from_db()
    assert target.next_check_at == NOW
    assert "due now" in text_of(team.client("viewer"), path_of(item))


def test_the_same_url_in_another_report_is_named(team: Team) -> None:
    target = make_target()
    first = make_item(make_report(team.campaign), target)
    second = make_item(make_report(team.campaign), target)
    assert f">item {second.pk}</a> in report 2" in text_of(team.client("viewer"), path_of(first))


def test_a_check_shows_where_it_was_made_from_and_who_says_that_it_blocks(team: Team) -> None:
    item = make_item(make_report(team.campaign))
    check = make_check(item.target, 1, Outcome.RESTRICTED, Reason.GEO_BLOCKED)
    for place in ("unnamed", "Berlin"):
        blocked = {"blocked_by": "https://isp.example.net/law"}
        check.evidence = {"answers": [{"probe": "page", **blocked}], "place": place}
        check.save()
        page = text_of(team.client("viewer"), path_of(item))
        assert ("asked from Berlin" in page) == (place == "Berlin")
        assert "unnamed" not in page
        assert "hxxps://isp[.]example[.]net/law" in page


def test_a_persons_check_shows_who_made_it_to_members_only(team: Team) -> None:
    item = make_item(make_report(team.campaign))
    make_check(item.target, 1, person=team.people["stranger"], note="another campaign's words")
    page = text_of(team.client("owner"), path_of(item))
    assert "a person outside this campaign" in page
    assert "stranger@example.org" not in page
    assert "another campaign" not in page
