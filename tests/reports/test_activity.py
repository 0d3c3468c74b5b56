"""What people did is on record, once and for good, and nothing that they wrote is in it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from apps.accounts.roles import Role
from apps.core import clock
from apps.core.append_only import AppendOnlyError
from apps.reports.activity import Word, record, word_of
from apps.reports.campaigns import change_campaign, create_campaign, end_membership, invite
from apps.reports.models import Activity, Campaign, Channel, Deed, Membership, Standing
from apps.reports.services import submit_report
from tests.factories import START, make_campaign, make_person

pytestmark = pytest.mark.django_db


def only() -> Activity:
    return Activity.objects.get()


@pytest.mark.parametrize("sql", ["UPDATE reports_activity SET deed = 'seen'", "DELETE FROM reports_activity"])
def test_the_database_itself_refuses_to_change_or_delete_a_row(sql: str) -> None:
    record(Deed.CAMPAIGN_MADE, person=None, campaign=make_campaign())
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
        connection.cursor().execute(sql)
    assert only().deed == Deed.CAMPAIGN_MADE


def test_the_model_refuses_it_too() -> None:
    row = record(Deed.CAMPAIGN_MADE, person=None, campaign=make_campaign())
    rows = Activity.objects.all()
    for change in (row.save, row.delete, rows.delete, lambda: rows.update(deed=Deed.SEEN)):
        with pytest.raises(AppendOnlyError):
            change()


def test_a_row_outlives_the_person_that_it_is_about_unchanged() -> None:
    person = make_person("editor@example.org")
    row = record(Deed.SEEN, person=person, campaign=make_campaign())
    number = person.pk
    person.delete()
    row.refresh_from_db()
    assert row.person_id == number
    assert Activity.objects.select_related("person").get().person is None


@pytest.mark.parametrize("told", ["typed", ["typed"], b"typed", {"a": 1}, 1.5])
def test_no_text_that_somebody_wrote_can_be_kept(told: object) -> None:
    with pytest.raises(TypeError, match="keeps no text"):
        record(Deed.SEEN, person=None, campaign=None, became={"note": told})  # type: ignore[dict-item]


def test_words_of_closed_lists_numbers_and_moments_are_kept_as_they_are() -> None:
    record(
        Deed.SEEN,
        person=None,
        campaign=None,
        was={"channel": Channel.EMAIL, "count": 2},
        became={"channel": Channel.POST, "at": START, "charts": [Word("removed")], "yes": True},
        hidden=["note"],
    )
    assert only().changes == {
        "channel": {"was": "email", "became": "post"},
        "count": {"was": 2},
        "at": {"became": "2026-03-01T14:05:00+00:00"},
        "charts": {"became": ["removed"]},
        "yes": {"became": True},
        "note": {},
    }
    assert word_of(Standing, "organisation") == "organisation"
    assert word_of(Standing, "the aunt of somebody") == "other_words"


@pytest.mark.django_db(transaction=True)
def test_nothing_is_noted_outside_the_transaction_of_the_change() -> None:
    with pytest.raises(RuntimeError, match="in the transaction"):
        record(Deed.SEEN, person=None, campaign=None)


@pytest.mark.django_db(transaction=True)
def test_what_is_not_done_is_not_noted() -> None:
    campaign = create_campaign(slug="example", name="Example", person=make_person())
    noted = Activity.objects.count()
    with transaction.atomic():
        change_campaign(campaign=campaign, name="Another", description="", minimum_n=9)
        transaction.set_rollback(True)
    assert Activity.objects.count() == noted
    assert Campaign.objects.get().name == "Example"


def test_a_change_says_from_which_values_to_which_and_hides_what_was_written() -> None:
    owner = make_person()
    campaign = create_campaign(slug="example", name="Example", person=owner)
    before = clock.wall()
    change_campaign(campaign=campaign, name="Another", description="", minimum_n=9, person=owner)
    row = Activity.objects.latest("pk")
    assert (row.deed, row.person, row.campaign) == (Deed.CAMPAIGN_CHANGED, owner, campaign)
    assert row.changes == {"minimum_n": {"was": 5, "became": 9}, "name": {}}
    assert before - timedelta(seconds=1) <= row.at <= clock.wall()


def test_memberships_are_told_by_numbers_and_roles() -> None:
    owner = make_person()
    campaign = make_campaign(owner=owner)
    guest = invite(campaign=campaign, email="guest@example.org", role=Role.VIEWER, person=owner).person
    invite(campaign=campaign, email="guest@example.org", role=Role.EDITOR, person=owner)
    end_membership(membership=Membership.objects.get(person=guest), person=owner)
    rows = list(Activity.objects.order_by("pk").values_list("deed", "number", "changes"))
    assert rows == [
        ("member_added", guest.pk, {"role": {"became": "viewer"}}),
        ("member_changed", guest.pk, {"role": {"was": "viewer", "became": "editor"}}),
        ("member_removed", guest.pk, {"role": {"was": "editor"}}),
    ]


def test_a_long_list_is_one_row() -> None:
    urls = "\n".join(f"https://models.example.org/m/{number}" for number in range(30))
    submit_report(campaign=make_campaign(), urls=urls, sent_at=START)
    row = only()
    assert (row.deed, row.number, row.person) == (Deed.REPORT_MADE, 1, None)
    assert row.changes["items"] == {"became": 30}
