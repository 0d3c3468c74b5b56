"""What becomes an event: found once, for those whom it concerns, however often it is looked for."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from apps.checks.cadence import MARK_TOLERANCE
from apps.checks.models import DefinitionState, Target, Transition
from apps.checks.outcomes import Outcome, Status
from apps.checks.recording import append
from apps.checks.stalled import Cause, Stall
from apps.notifications import finding, services
from apps.notifications.kinds import CHOSEN, Kind, Mails
from apps.notifications.models import Event, Letter, Notice, Reading, WebhookMessage
from apps.notifications.payload import MOST_ITEMS
from apps.reports.models import Category, ClaimWord, Decision, Item, ReplyKind, Report, Standing
from apps.reports.replies import log_reply, mark_errors
from apps.reports.services import submit_report
from tests.checks.making import check
from tests.checks.running import with_own_connection
from tests.factories import (
    at,
    make_campaign,
    make_check,
    make_item,
    make_items,
    make_person,
    make_report,
    make_target,
    make_transition,
)
from tests.notifications.conftest import Told, look

pytestmark = pytest.mark.django_db


def kinds() -> list[tuple[str, int]]:
    """Kind and count of each event, in the order found."""
    return list(Event.objects.order_by("pk").values_list("kind", "count"))


def remove(target: Target, *, after: float = 10, by: float = 20) -> Transition:
    return make_transition(target, Status.SUSPECTED, Status.REMOVED, after=after, by=by)


# ------------------------------------------------------------------------------------ removed, and back again


def test_a_removal_and_a_return_are_told_once(told: Told) -> None:
    item = make_item(make_report(told.campaign))
    told.go_to(50)
    make_transition(item.target, Status.AVAILABLE, Status.SUSPECTED, after=10, by=20)
    remove(item.target)
    assert look() == 1
    make_transition(item.target, Status.REMOVED, Status.AVAILABLE, after=20, by=40)
    assert look() == 1
    assert look() == 0  # a doubled tick
    assert kinds() == [(Kind.REMOVED, 1), (Kind.RETURNED, 1)]
    event = Event.objects.earliest("pk")
    assert (event.report, event.items, event.at) == (item.report, [item.pk], at(20))
    assert Notice.objects.count() == 4  # the owner's, and those of who sees figures only


def test_an_item_that_went_twice_between_two_looks_is_one_item(told: Told) -> None:
    item = make_item(make_report(told.campaign))
    told.go_to(100)
    remove(item.target)
    make_transition(item.target, Status.REMOVED, Status.AVAILABLE, after=20, by=40)
    remove(item.target, after=50, by=60)
    look()
    assert kinds() == [(Kind.REMOVED, 1), (Kind.RETURNED, 1)]


def test_what_is_removed_at_once_is_one_event(told: Told) -> None:
    many = MOST_ITEMS + 50
    report = make_report(told.campaign)
    make_items(report, many)
    told.go_to(50)
    Transition.objects.bulk_create(
        Transition(
            target_id=target,
            check_number=1,
            from_status=Status.SUSPECTED,
            to_status=Status.REMOVED,
            after=at(10),
            by=at(20),
            recorded_at=at(45),
        )
        for target in Item.objects.values_list("target_id", flat=True)
    )
    assert look() == 1
    assert kinds() == [(Kind.REMOVED, many)]
    assert len(Event.objects.get().items) == MOST_ITEMS


def test_more_than_a_look_takes_is_read_in_several(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "TRANSITIONS_A_LOOK", 2)
    report = make_report(told.campaign)
    told.go_to(50)
    items = [make_item(report) for _ in range(5)]
    Item.objects.update(created_at=at(0))
    for item in items:
        remove(item.target)
    assert look() == 3
    assert sum(count for _, count in kinds()) == 5
    notice = Notice.objects.filter(membership__person=told.owner).get()
    assert notice.count == 5  # one unread notice, added to


def test_a_target_in_two_campaigns_is_told_in_both(told: Told) -> None:
    other = make_campaign("other", owner=make_person())
    target = make_target()
    for campaign in (told.campaign, other):
        make_item(make_report(campaign), target)
    told.go_to(50)
    remove(target)
    assert look() == 2
    assert set(Event.objects.values_list("campaign", flat=True)) == {told.campaign.pk, other.pk}


def test_a_row_that_was_committed_late_is_not_missed(told: Told) -> None:
    """A database can show row 12 before row 11."""
    report = make_report(told.campaign)
    early, late = make_item(report), make_item(report)
    told.go_to(50)
    first, second = remove(early.target), remove(late.target)
    kept = Transition.objects.filter(pk=first.pk).values().get()
    first.delete()
    assert look() == 1
    Transition.objects.create(**kept)
    assert look() == 1
    assert look() == 0
    assert [event.items for event in Event.objects.order_by("pk")] == [[late.pk], [early.pk]]
    assert Reading.objects.get(name=services.CHANGES).upto == second.pk


@pytest.mark.django_db(transaction=True)
def test_two_notifiers_at_once_tell_once(told: Told) -> None:
    item = make_item(make_report(told.campaign))
    told.go_to(50)
    remove(item.target)
    together, made = threading.Barrier(2), list[int]()

    def look_too() -> None:
        together.wait()
        made.append(services.find_changes())

    threads = [threading.Thread(target=with_own_connection(look_too)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == [0, 1]
    assert Notice.objects.count() == 2  # one for each member


def test_what_does_not_hold_any_more_is_no_event(told: Told) -> None:
    item = make_item(make_report(told.campaign))
    told.go_to(50)
    transition = remove(item.target)
    transition.superseded_at = at(49)
    transition.save()
    assert look() == 0


def test_a_removal_that_is_only_dated_anew_is_not_told_again(told: Told) -> None:
    """A person adds what they saw earlier: the target is folded anew, with real checks."""
    item = make_item(make_report(told.campaign))
    target = item.target
    Transition.objects.all().delete()
    for hours, outcome in ((1, Outcome.AVAILABLE), (30, Outcome.REMOVED), (40, Outcome.REMOVED)):
        told.go_to(hours)
        append([check(target, hours + OFFSET, outcome)])
    told.go_to(60)
    append([check(target, 60 + OFFSET, Outcome.REMOVED)])
    assert look() == 1
    told.go_to(70)
    append([check(target, 20 + OFFSET, Outcome.REMOVED, manual=True)])
    assert Transition.objects.filter(to_status=Status.REMOVED).count() == 2
    assert look() == 0


OFFSET = (at(0) - at(0)).total_seconds() + (14 + 5 / 60 - 12)  # the checks of tests are dated from noon


@pytest.mark.parametrize("why", ["control", "in error", "erased", "reported later", "entered later"])
def test_what_is_no_news_of_an_item(told: Told, why: str) -> None:
    report = make_report(told.campaign)
    item = make_item(report, control=why == "control")
    if why == "in error":
        mark_errors(items=Item.objects.filter(pk=item.pk), reason="another person's", person=None)
    if why == "erased":
        Item.objects.update(erased_at=at(1))
    if why == "reported later":
        Item.objects.update(reported_at=at(20))
    if why == "entered later":
        Item.objects.update(created_at=at(20))
    told.go_to(50)
    remove(item.target)
    assert look() == 0


def test_the_past_is_no_news_at_the_first_look(told: Told) -> None:
    Reading.objects.all().delete()
    item = make_item(make_report(told.campaign))
    told.go_to(50)
    remove(item.target)
    assert look() == 0


def test_a_look_that_is_cut_off_has_done_nothing(told: Told) -> None:
    item = make_item(make_report(told.campaign))
    told.wants(told.owner, Mails.AT_ONCE)
    services.add_webhook(
        campaign=told.campaign, url="https://hooks.example.org/", kinds=CHOSEN, person=told.owner
    )
    told.go_to(50)
    remove(item.target)

    def cut_off() -> None:
        with transaction.atomic():
            assert look() == 1
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cut_off()
    for model in (Event, Notice, Letter, WebhookMessage):
        assert not model.objects.exists()
    assert look() == 1
    assert (Event.objects.count(), Letter.objects.count(), WebhookMessage.objects.count()) == (1, 1, 1)


# -------------------------------------------------------------------------------------------------- deadlines


def depicted(told: Told, *, standing: str = Standing.DEPICTED_PERSON) -> Report:
    """A report whose sender starts the clock of the United States' 48 hours."""
    report = make_report(told.campaign, sent_at=timezone.now())
    report.category, report.standing = Category.SYNTHETIC_INTIMATE_IMAGES, standing
    report.save()
    return report


def test_a_deadline_that_passes_for_what_is_up_is_told_once(told: Told) -> None:
    told.go_to(24 * 180)  # by then the rule is in force
    report = depicted(told)
    make_item(report, status=Status.AVAILABLE)
    make_item(report, status=Status.WAITING)
    make_item(report, status=Status.SUSPECTED)
    told.go_to(24 * 180 + 47)
    look()  # a shorter rule of another state
    told.go_to(24 * 180 + 48)
    assert look() == 0  # the check at the deadline itself may still be under way
    told.go_to(24 * 180 + 48.5)
    assert look() == 1
    assert look() == 0
    event = Event.objects.latest("pk")
    assert (event.kind, event.count, event.rule) == (Kind.DEADLINE_PASSED, 2, "us-take-it-down")
    assert event.at == report.sent_at + timedelta(hours=48)


@pytest.mark.parametrize("why", ["standing", "in error", "erased", "entered late", "control"])
def test_a_deadline_that_is_none(told: Told, why: str) -> None:
    told.go_to(24 * 180)
    report = depicted(told, standing=Standing.JOURNALIST if why == "standing" else Standing.DEPICTED_PERSON)
    item = make_item(report, status=Status.AVAILABLE, control=why == "control")
    if why == "in error":
        mark_errors(items=Item.objects.filter(pk=item.pk), reason="another person's", person=None)
    if why == "erased":
        Item.objects.update(erased_at=item.reported_at)
    if why == "entered late":
        Item.objects.update(created_at=item.reported_at + timedelta(hours=48))
    told.go_to(24 * 180 + 49)
    assert look() == 0


def test_a_decision_stops_no_deadline_of_what_was_reported_after_it(told: Told) -> None:
    told.go_to(24 * 180)
    report = depicted(told, standing=Standing.ORGANISATION)
    report.category = Category.HATE_SPEECH
    report.save()
    sent = report.sent_at
    make_item(report, status=Status.AVAILABLE)
    later = make_item(report, status=Status.AVAILABLE)
    told.go_to(24 * 180 + 2)
    log_reply(report=report, kind="decision", decision="no_violation", received_at=sent + timedelta(hours=2))
    Item.objects.filter(pk=later.pk).update(reported_at=sent + timedelta(hours=3))
    told.go_to(24 * 180 + 30)
    look()
    event = Event.objects.get(kind=Kind.DEADLINE_PASSED)
    assert (event.rule, event.items) == ("eu-hate-speech-code-plus", [later.pk])


def test_a_deadline_that_a_removal_met_has_not_passed_though_the_item_came_back(told: Told) -> None:
    """The figures count the first removal, as the board does; what a person found to be none is told."""
    told.go_to(24 * 180)
    report = depicted(told)
    sent = report.sent_at
    for removed_by, overruled in (
        (sent + timedelta(hours=40), False),
        (sent + timedelta(hours=48) + MARK_TOLERANCE, False),  # by the check that was placed at the deadline
        (sent + timedelta(hours=40), True),
        (sent - timedelta(hours=40), False),  # it was back when it was reported
    ):
        make_item(report, status=Status.AVAILABLE, removed_by=removed_by, overruled=overruled)
    told.go_to(24 * 180 + 48.5)
    look()
    assert Event.objects.get(rule="us-take-it-down").count == 2


def test_a_deadline_that_passed_while_nobody_looked_is_told(told: Told) -> None:
    told.go_to(24 * 180)
    look()
    make_item(depicted(told), status=Status.AVAILABLE)
    told.go_to(24 * 190)
    look()
    assert "us-take-it-down" in set(Event.objects.values_list("rule", flat=True))


# ---------------------------------------------------------------------------------------- claims, definitions


def claimed(told: Told, *targets: Target) -> Report:
    """A report of which the platform said that all was removed, half a day after it was sent."""
    report = make_report(told.campaign)
    items = [make_item(report, target) for target in targets]
    told.go_to(12)
    log_reply(
        report=report,
        kind=ReplyKind.DECISION,
        decision=Decision.REMOVED,
        received_at=at(12),
        claims={item.pk: ClaimWord.REMOVED for item in items},
    )
    return report


def test_a_claim_that_is_contradicted_is_told_once(told: Told) -> None:
    targets = [make_target(status=Status.AVAILABLE, present_at=at(hours)) for hours in (6, 6)]
    report = claimed(told, *targets)
    assert look() == 0  # not looked at since
    told.go_to(20)
    Target.objects.filter(pk=targets[0].pk).update(present_at=at(20))
    assert look() == 1
    assert look() == 0
    Target.objects.update(present_at=at(21))
    assert look() == 1  # the other one
    assert kinds() == [(Kind.CLAIM_CONTRADICTED, 1)] * 2
    assert set(Event.objects.values_list("report", flat=True)) == {report.pk}
    assert Notice.objects.filter(membership__person=told.owner).get().count == 2


def test_claims_of_the_past_are_no_news_at_the_first_look(told: Told) -> None:
    claimed(told, make_target(status=Status.AVAILABLE, present_at=at(20)))
    Reading.objects.all().delete()
    assert look() == 0


def test_a_stale_definition_is_told_where_it_is_in_use(told: Told) -> None:
    make_report(told.campaign, platform="github")
    make_campaign("other", owner=make_person())
    DefinitionState.objects.create(platform="github", stale_since=at(1))
    assert look() == 1
    assert look() == 0
    event = Event.objects.get()
    assert (event.campaign, event.platform) == (told.campaign, "github")
    DefinitionState.objects.update(stale_since=at(200))
    assert look() == 1  # it recovered, and went stale anew


def test_a_stale_definition_of_a_software_is_told_where_a_site_runs_it(told: Told) -> None:
    submit_report(campaign=told.campaign, urls="https://social.example.org/@somebody/1234")
    submit_report(campaign=make_campaign("other", owner=make_person()), urls="https://models.example.net/a")
    DefinitionState.objects.create(platform="mastodon", stale_since=at(1))
    assert look() == 1
    assert look() == 0
    event = Event.objects.get()
    assert (event.campaign, event.platform) == (told.campaign, "mastodon")


def test_a_stall_is_told_once(told: Told) -> None:
    """Until something is checked again, whatever is found out of its beginning meanwhile."""
    item = make_item(make_report(told.campaign))
    assert services.find_stall(Stall(at(1), Cause.NO_TICK)) == 1
    make_check(item.target, 2, person=told.owner)
    assert services.find_stall(Stall(at(0.5), Cause.PAUSED)) == 0
    make_check(item.target, 3)
    assert services.find_stall(Stall(at(30), Cause.NO_TICK)) == 1


# ------------------------------------------------------------------------------------------------ who is told


def test_who_is_no_member_any_more_is_told_nothing(told: Told) -> None:
    item = make_item(make_report(told.campaign))
    told.wants(told.counter, Mails.DAILY)
    told.go_to(50)
    remove(item.target)
    look()
    assert Letter.objects.count() == 1
    told.membership(told.counter).delete()
    assert not Letter.objects.exists()
    assert set(Notice.objects.values_list("membership__person", flat=True)) == {told.owner.pk}


def test_who_may_not_sign_in_is_told_nothing(told: Told) -> None:
    told.owner.is_active = False
    told.owner.save()
    item = make_item(make_report(told.campaign))
    told.go_to(50)
    remove(item.target)
    look()
    assert set(Notice.objects.values_list("membership__person", flat=True)) == {told.counter.pk}


def test_who_does_not_want_to_hear_is_left_alone(told: Told) -> None:
    wishes = dict.fromkeys(CHOSEN, (False, Mails.OFF))
    services.set_preferences(membership=told.membership(told.owner), wishes=wishes)
    item = make_item(make_report(told.campaign))
    told.go_to(50)
    remove(item.target)
    look()
    assert not Notice.objects.filter(membership__person=told.owner).exists()
    assert not Letter.objects.exists()


def test_what_was_read_is_not_added_to(told: Told) -> None:
    report = make_report(told.campaign)
    items = [make_item(report), make_item(report)]
    told.go_to(50)
    remove(items[0].target)
    look()
    assert services.mark_read(person=told.owner, seen=timezone.now()) == 1
    remove(items[1].target)
    look()
    counts = (
        Notice.objects.filter(membership__person=told.owner).order_by("pk").values_list("count", flat=True)
    )
    assert list(counts) == [1, 1]


def test_what_was_added_after_a_look_at_the_page_stays_unread(told: Told) -> None:
    report = make_report(told.campaign)
    items = [make_item(report), make_item(report)]
    told.go_to(50)
    remove(items[0].target)
    look()
    seen = timezone.now()
    told.go_to(51)
    remove(items[1].target)
    look()
    assert services.mark_read(person=told.owner, seen=seen) == 0
    assert Notice.objects.get(membership__person=told.owner).count == 2
