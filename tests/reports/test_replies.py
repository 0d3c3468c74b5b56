"""What platforms say about a report, what they claim of its items, and what was reported in error."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import time_machine
from pytest_django import DjangoAssertNumQueries

from apps.accounts.roles import Audience
from apps.checks.outcomes import Status
from apps.reports.campaigns import UnusableCampaign, change_campaign
from apps.reports.models import (
    Claim,
    ClaimWord,
    Decision,
    Delivery,
    ErrorMark,
    Item,
    Reply,
    ReplyKind,
    Report,
)
from apps.reports.replies import (
    UnusableReply,
    log_reminder,
    log_reply,
    mark_errors,
    mark_report_in_error,
    read_claims,
    take_back_error,
    take_back_reminder,
    take_back_reply,
    take_back_report_errors,
)
from apps.reports.reply_selectors import (
    bounced,
    claimable_items,
    delivery_of,
    error_count,
    error_reasons,
    in_order,
    reminders_of,
    removal_claims,
    replies_of,
    unanswered,
)
from tests.factories import at, make_campaign, make_item, make_items, make_person, make_report, make_target

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("a_quiet_moment")]


@pytest.fixture
def a_quiet_moment() -> Iterator[None]:
    """Time stands still, 100 hours after the reports of the factories."""
    with time_machine.travel(at(100), tick=False):
        yield


def said(reply: Reply) -> dict[int, str]:
    return dict(reply.claims.values_list("item_id", "claim"))


def decide(report: Report, decision: Decision, hours: float = 10, **more: object) -> Reply:
    return log_reply(
        report=report,
        kind=ReplyKind.DECISION,
        decision=decision,
        received_at=at(hours),
        **more,  # type: ignore[arg-type]
    )


def test_a_reply_is_kept_with_what_it_says_of_each_item() -> None:
    report, anna = make_report(make_campaign()), make_person()
    gone, gated, left, unmentioned = (make_item(report) for _ in range(4))
    reply = decide(
        report,
        Decision.PARTLY,
        claims={gone.pk: "removed", gated.pk: ClaimWord.RESTRICTED, left.pk: "refused"},
        text="We removed one of them.",
        reference="C-9",
        person=anna,
    )
    reply.refresh_from_db()
    assert (reply.kind, reply.decision, reply.received_at) == ("decision", "partly", at(10))
    assert (reply.text, reply.reference, reply.person) == ("We removed one of them.", "C-9", anna)
    assert said(reply) == {gone.pk: "removed", gated.pk: "restricted", left.pk: "refused"}
    assert unmentioned.pk not in said(reply)


@pytest.mark.parametrize(
    ("decision", "word"), [("removed", "removed"), ("rejected", "refused"), ("no_violation", "refused")]
)
def test_a_decision_on_the_whole_report_speaks_of_each_item_that_counts(
    decision: Decision, word: str
) -> None:
    report = make_report(make_campaign())
    items = [make_item(report) for _ in range(3)]
    make_item(report, control=True)
    mark_errors(items=[items[2]], reason="Not theirs.")
    assert said(decide(report, decision)) == {items[0].pk: word, items[1].pk: word}


def test_a_decision_speaks_of_no_item_that_was_reported_only_later() -> None:
    """A list that grows adds items to its report, each with a clock of its own."""
    report = make_report(make_campaign())
    first, same_minute, later = (make_item(report) for _ in range(3))
    for item, hours in ((same_minute, 10 + 59 / 3600), (later, 11)):
        Item.objects.filter(pk=item.pk).update(reported_at=at(hours))
    assert said(decide(report, Decision.REMOVED)) == {first.pk: "removed", same_minute.pk: "removed"}
    with pytest.raises(UnusableReply, match=rf"Item {later.pk} was reported \(2026-03-02 01:05 UTC\) after"):
        decide(report, Decision.PARTLY, claims={later.pk: "removed"})


def test_a_decision_that_names_items_speaks_of_no_others() -> None:
    report = make_report(make_campaign())
    named, _ = make_item(report), make_item(report)
    assert said(decide(report, Decision.REMOVED, claims={named.pk: "removed"})) == {named.pk: "removed"}


@pytest.mark.parametrize(
    ("entered", "sentence"),
    [
        ({"received_at": at(-1)}, r"\(2026-03-01 13:05 UTC\) before the report was sent \(2026-03-01 14:05"),
        ({"received_at": at(101)}, "in the future; it is now 2026-03-05 18:05 UTC"),
        ({"kind": "decision"}, "Say what was decided"),
        ({"kind": "question", "decision": "removed"}, "Only a decision decides: this is “question”"),
        ({"kind": "shrug"}, "“shrug” is not one of its words: acknowledgement, question"),
        ({"kind": "decision", "decision": "deleted"}, "“deleted” is not one of its words: removed, partly"),
        ({"kind": "decision", "decision": "partly"}, "Say for which items"),
        ({"claims": {"item": "removed"}}, "“automatic acknowledgement” says nothing of items"),
        (
            {"kind": "bounced", "claims": {"item": "removed"}},
            "“could not be delivered” says nothing of items",
        ),
        ({"kind": "other", "claims": {"theirs": "removed"}}, "is not in report 1"),
        ({"kind": "other", "claims": {"control": "removed"}}, "is a control: it was not reported"),
        (
            {"kind": "other", "claims": {"item": "deleted"}},
            "“deleted” is not one of its words: removed, restr",
        ),
        ({"reference": "x" * 201}, "longer than 200 characters"),
    ],
)
def test_a_reply_that_cannot_be_says_why_and_leaves_nothing(
    entered: dict[str, object], sentence: str
) -> None:
    report = make_report(make_campaign())
    items = {
        "item": make_item(report).pk,
        "control": make_item(report, control=True).pk,
        "theirs": make_item(make_report(make_campaign("other"))).pk,
    }
    entered = {"kind": "acknowledgement", "received_at": at(1)} | entered
    claims = entered.pop("claims", {})
    assert isinstance(claims, dict)
    with pytest.raises(UnusableReply, match=sentence):
        log_reply(
            report=report,
            claims={items[name]: word for name, word in claims.items()},
            **entered,  # type: ignore[arg-type]
        )
    assert not Reply.objects.exists()
    assert not Claim.objects.exists()


@pytest.mark.parametrize("items", [10, 1000])
def test_a_decision_on_1000_items_takes_few_queries(
    items: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    report = make_report(make_campaign())
    make_items(report, items)
    # Two around each of two transactions, the items, the reply, and one for each 400 claims.
    with django_assert_max_num_queries(9):
        reply = decide(report, Decision.REMOVED)
    assert reply.claims.count() == items


def test_a_reply_taken_back_stays_on_record_and_is_not_taken_back_twice() -> None:
    report, anna = make_report(make_campaign()), make_person()
    make_item(report)
    reply = decide(report, Decision.REMOVED)
    assert take_back_reply(reply=reply, person=anna)
    assert not take_back_reply(reply=reply, person=anna)
    (row,) = replies_of(report, who=Audience.MEMBERS)
    assert (row.taken_back_at, row.removed) == (at(100), 1)
    assert removal_claims(report) == {}


def test_replies_and_reminders_are_told_in_the_order_of_time(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    report = make_report(make_campaign())
    for status, present in ((Status.AVAILABLE, 30), (Status.AVAILABLE, 20), (Status.REMOVED, 30)):
        make_item(report, make_target(status=status, present_at=at(present)))
    make_item(report, control=True)
    decide(report, Decision.REMOVED, hours=25)
    log_reply(report=report, kind=ReplyKind.ACKNOWLEDGEMENT, received_at=at(0))
    reminder = log_reminder(report=report, sent_at=at(20), note="By phone.")
    with django_assert_num_queries(2):
        rows = in_order(replies_of(report, who=Audience.MEMBERS), reminders_of(report, who=Audience.MEMBERS))
    assert [row.at for row in rows] == [at(0), at(20), at(25)]
    assert [row.is_reminder for row in rows] == [False, True, False]
    acknowledgement, decision = replies_of(report, who=Audience.MEMBERS)
    assert (acknowledgement.words, acknowledgement.claims) == ("automatic acknowledgement", 0)
    # Of three that were said to be removed one was seen there after hour 25; one only before; one is gone.
    assert (decision.words, decision.removed, decision.contradicted) == ("decision: removed", 3, 1)
    assert take_back_reminder(reminder=reminder)
    assert [row.taken_back_at for row in reminders_of(report, who=Audience.MEMBERS)] == [at(100)]


@pytest.mark.parametrize(("hours", "sentence"), [(-1, "before the report was sent"), (101, "in the future")])
def test_a_reminder_is_sent_after_the_report_and_before_now(hours: float, sentence: str) -> None:
    report = make_report(make_campaign())
    with pytest.raises(UnusableReply, match=sentence):
        log_reminder(report=report, sent_at=at(hours))


@pytest.mark.parametrize(
    ("entered", "kinds", "known"),
    [
        ("sent", [], Delivery.SENT),
        ("received", [], Delivery.RECEIVED),
        ("bounced", [], Delivery.BOUNCED),
        ("sent", ["bounced"], Delivery.BOUNCED),
        ("sent", ["acknowledgement"], Delivery.RECEIVED),
        ("bounced", ["question"], Delivery.RECEIVED),
        ("sent", ["bounced", "acknowledgement"], Delivery.RECEIVED),
        ("sent", ["acknowledgement", "bounced"], Delivery.RECEIVED),
        ("sent", ["taken back"], Delivery.SENT),
        ("bounced", ["taken back"], Delivery.BOUNCED),
    ],
)
def test_any_answer_shows_that_a_report_arrived(entered: str, kinds: list[str], known: Delivery) -> None:
    report = make_report(make_campaign())
    report.delivery = entered
    report.save()
    for hours, kind in enumerate(kinds):
        back = kind == "taken back"
        kind = ReplyKind.BOUNCED if back else kind
        reply = log_reply(report=report, kind=kind, received_at=at(hours))
        if back:
            take_back_reply(reply=reply)
    assert delivery_of(report.delivery, replies_of(report, who=Audience.MEMBERS)) == known
    assert bounced(Report.objects.all()).exists() == (known == Delivery.BOUNCED)
    answered = bool(kinds) and kinds != ["taken back"]
    assert unanswered(Report.objects.all()).exists() == (not answered and known != Delivery.BOUNCED)


# --------------------------------------------------------------------------------------------- pasted claims


def test_pasted_claims_are_matched_in_any_spelling() -> None:
    report = make_report(make_campaign())
    alpha, beta = make_item(report, make_target("alpha")), make_item(report, make_target("beta"))
    again = Item.objects.create(
        report=report, target=alpha.target, submitted=alpha.submitted, reported_at=at(3)
    )
    pasted = read_claims(
        report=report,
        lists={
            ClaimWord.REMOVED: "- hxxps://models[.]example[.]org/alpha#top\n\n",
            ClaimWord.REFUSED: "https://MODELS.example.org:443/beta",
        },
    )
    assert pasted.unusable == []
    assert pasted.claims == {alpha.pk: "removed", again.pk: "removed", beta.pk: "refused"}


def test_pasted_claims_are_about_what_had_been_reported() -> None:
    report = make_report(make_campaign())
    alpha, beta = make_item(report, make_target("alpha")), make_item(report, make_target("beta"))
    Item.objects.create(report=report, target=alpha.target, submitted=alpha.submitted, reported_at=at(30))
    Item.objects.filter(pk=beta.pk).update(reported_at=at(30))
    urls = "https://models.example.org/alpha\nhttps://models.example.org/beta"
    pasted = read_claims(report=report, lists={ClaimWord.REMOVED: urls}, received_at=at(10))
    assert pasted.claims == {alpha.pk: "removed"}
    (line,) = pasted.unusable
    assert line.line == 2
    assert "only after the reply was received (2026-03-02 20:05 UTC)" in line.reason


def test_a_pasted_line_that_fits_no_item_comes_back_with_its_reason() -> None:
    report = make_report(make_campaign())
    make_item(report, make_target("alpha"))
    make_item(report, make_target("matched"), control=True)
    make_item(make_report(report.campaign), make_target("elsewhere"))
    host = "https://models.example.org"
    pasted = read_claims(
        report=report,
        lists={
            ClaimWord.REMOVED: f"{host}/alpha\n{host}/elsewhere\n{host}/matched\n{host}/alpha gone",
            ClaimWord.REFUSED: f"\n{host}/alpha\nno url",
        },
    )
    found = [(line.word.value, line.line, line.reason) for line in pasted.unusable]
    assert [(word, line) for word, line, _ in found] == [
        ("removed", 2),
        ("removed", 3),
        ("removed", 4),
        ("refused", 2),
        ("refused", 3),
    ]
    reasons = [reason for _, _, reason in found]
    assert reasons[0] == "This URL is not in the report."
    assert "watched as a control" in reasons[1]
    assert "other text beside the URL" in reasons[2]
    assert "stands as “removed”, too" in reasons[3]


def test_matching_a_long_list_takes_one_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    report = make_report(make_campaign())
    make_items(report, 500)
    urls = "\n".join(f"https://models.example.org/bulk/{number}" for number in range(500))
    with django_assert_num_queries(1):
        pasted = read_claims(report=report, lists={ClaimWord.REMOVED: urls})
    assert (len(pasted.claims), pasted.unusable) == (500, [])


# -------------------------------------------------------------------------------------------------- in error


def test_an_item_reported_in_error_keeps_its_reason_and_can_count_again() -> None:
    report, anna = make_report(make_campaign()), make_person()
    item, other = make_item(report), make_item(report)
    assert mark_errors(items=[item], reason=" Someone else's. ", person=anna) == 1
    assert mark_errors(items=[item, other], reason="A second thought.") == 1
    assert error_reasons([item.pk, other.pk]) == {
        item.pk: "Someone else's.",
        other.pk: "A second thought.",
    }
    assert take_back_error(item=item)
    assert not take_back_error(item=item)
    assert error_reasons([item.pk]) == {}
    assert mark_errors(items=[item], reason="After all.") == 1
    assert ErrorMark.objects.filter(item=item).count() == 2


@pytest.mark.parametrize(("reason", "sentence"), [("  ", "Say why"), ("x" * 501, "longer than 500")])
def test_an_error_needs_a_reason(reason: str, sentence: str) -> None:
    report = make_report(make_campaign())
    make_item(report)
    with pytest.raises(UnusableReply, match=sentence):
        mark_report_in_error(report=report, reason=reason)
    assert not ErrorMark.objects.exists()


def test_a_control_cannot_have_been_reported_in_error() -> None:
    control = make_item(make_report(make_campaign()), control=True)
    with pytest.raises(UnusableReply, match="is a control"):
        mark_errors(items=[control], reason="Not theirs.")


def test_a_whole_report_can_have_been_an_error() -> None:
    report = make_report(make_campaign())
    make_items(report, 900)
    make_item(report, control=True)
    make_item(make_report(report.campaign))
    assert mark_report_in_error(report=report, reason="Sent to the wrong platform.") == 900
    assert mark_report_in_error(report=report, reason="Again.") == 0
    assert error_count(report) == 900
    assert take_back_report_errors(report=report) == 900
    assert error_count(report) == 0


def test_the_items_to_choose_from_are_those_that_were_reported() -> None:
    report = make_report(make_campaign())
    item = make_item(report, status=Status.REMOVED)
    make_item(report, control=True)
    mark_errors(items=[item], reason="Not theirs.")
    (row,) = claimable_items(report)
    assert (row.pk, row.status, row.error) == (item.pk, Status.REMOVED, True)


# -------------------------------------------------------------------------------------------------- settings


def test_a_campaign_is_changed_as_a_whole() -> None:
    campaign = make_campaign()
    change_campaign(campaign=campaign, name=" Models ", description="A record.", minimum_n=1000)
    campaign.refresh_from_db()
    assert (campaign.name, campaign.description, campaign.minimum_n) == ("Models", "A record.", 1000)


@pytest.mark.parametrize(
    ("name", "minimum_n", "sentence"),
    [
        ("  ", 5, "needs a name"),
        ("x" * 201, 5, "longer than 200"),
        ("Models", 0, "from 1 to 1000"),
        ("Models", 1001, "from 1 to 1000"),
    ],
)
def test_a_campaign_cannot_be_set_to_what_makes_no_sense(name: str, minimum_n: int, sentence: str) -> None:
    campaign = make_campaign()
    with pytest.raises(UnusableCampaign, match=sentence):
        change_campaign(campaign=campaign, name=name, description="", minimum_n=minimum_n)
    campaign.refresh_from_db()
    assert (campaign.name, campaign.minimum_n) == ("Example Models", 5)
