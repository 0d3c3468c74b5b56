"""Reports and replies that programs hand in."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connections

from apps.api.access import MAX_BODY
from apps.api.idempotency import KEPT
from apps.api.models import KeptAnswer
from apps.api.requests import MOST_ITEMS
from apps.reports.models import Activity, ApiToken, Deed, Item, Membership, Reply, Report
from tests.api.conftest import Programs
from tests.factories import at, make_item, make_report

SENT = at(0).isoformat()


def urls(*names: str) -> list[dict[str, Any]]:
    return [{"url": f"https://models.example.org/{name}"} for name in names]


def test_a_report_is_recorded_with_all_that_it_says(programs: Programs) -> None:
    answer = programs.ask(
        "editor",
        "POST",
        "/reports",
        {
            "sent_at": SENT,
            "channel": "email",
            "category": "deepfake",
            "standing": "a word of their own",
            "policy": "Rule 1",
            "reference": "R-1",
            "delivery": "received",
            "note": "of the report",
            "items": [
                {"url": "hxxps://models.example[.]org/a", "labels": ["one", "two"], "note": "of the item"},
                {"url": "https://models.example.org/b", "reported_at": at(5).isoformat(), "attested": False},
                {"url": "https://models.example.org/c", "control": True},
            ],
        },
    )
    assert answer.status_code == 201
    said = answer.json()
    report = Report.objects.get()
    first, second, third = Item.objects.order_by("pk").select_related("target")
    by_place = {row["place"]: row["item"] for row in said["items"]}
    items = {item.target.key.rsplit("/", 1)[1]: item for item in (first, second, third)}
    assert by_place == {0: items["a"].pk, 1: items["b"].pk, 2: items["c"].pk}
    assert said["reports"] == [report.number]
    assert (said["duplicates"], said["rejected"]) == ([], [])
    assert (report.channel, report.category, report.standing) == (
        "email",
        "synthetic_intimate_images",
        "a word of their own",
    )
    assert (report.policy, report.reference, report.delivery) == ("Rule 1", "R-1", "received")
    assert (report.note, report.sent_at) == ("of the report", at(0))
    assert report.created_by == programs.token("editor").person
    assert (items["a"].labels, items["a"].note, items["a"].reported_at) == (
        ["one", "two"],
        "of the item",
        at(0),
    )
    assert (items["b"].reported_at, items["b"].attested, items["c"].control) == (at(5), False, True)


def test_the_activity_log_says_who_and_by_which_token(programs: Programs) -> None:
    programs.ask("editor", "POST", "/reports", {"sent_at": SENT, "items": urls("a")})
    body = {"kind": "question", "received_at": at(3).isoformat(), "text": "What is this about?"}
    programs.ask("editor", "POST", "/reports/1/replies", body)
    token = programs.token("editor")
    for deed in (Deed.REPORT_MADE, Deed.REPLY_LOGGED):
        noted = Activity.objects.get(deed=deed)
        assert (noted.person, noted.changes["token"]) == (token.person, {"became": token.pk})


def test_a_list_that_spans_platforms_is_one_report_each(programs: Programs) -> None:
    body = {"items": [*urls("a"), {"url": "https://other.example.net/b"}]}
    said = programs.ask("owner", "POST", "/reports", body).json()
    assert said["reports"] == [1, 2]
    assert {row["place"]: row["report"] for row in said["items"]} == {
        place: Item.objects.get(pk=row["item"]).report.number
        for place, row in enumerate(sorted(said["items"], key=lambda row: row["place"]))
    }


def test_what_cannot_be_used_comes_back_with_its_place_and_a_reason(programs: Programs) -> None:
    body = {
        "sent_at": SENT,
        "items": [
            *urls("a"),
            {"url": "no URL at all"},
            {"url": "http://10.0.0.1/private"},
            *urls("b", "a"),
            {"url": "https://models.example.org/c", "reported_at": "2999-01-01T00:00:00Z"},
        ],
    }
    answer = programs.ask("editor", "POST", "/reports", body)
    assert answer.status_code == 201
    said = answer.json()
    assert [row["place"] for row in said["items"]] == [0, 3]
    assert said["duplicates"] == [4]
    assert [row["place"] for row in said["rejected"]] == [1, 2, 5]
    assert all(row["reason"].endswith(".") for row in said["rejected"])
    assert Item.objects.count() == 2
    again = programs.ask("editor", "POST", "/reports", body)
    assert again.status_code == 200
    assert (again.json()["items"], again.json()["duplicates"]) == ([], [0, 3, 4])


def test_where_nothing_can_be_used_nothing_is_recorded(programs: Programs) -> None:
    answer = programs.ask("editor", "POST", "/reports", {"items": [{"url": "nothing"}]})
    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:problem-type:still-up:unusable"
    assert [row["place"] for row in answer.json()["rejected"]] == [0]
    assert not Report.objects.exists()


@pytest.mark.parametrize("moment", ["2999-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "0001-01-01T00:00:00Z"])
def test_a_report_was_sent_after_there_was_a_web_and_before_now(moment: str, programs: Programs) -> None:
    answer = programs.ask("editor", "POST", "/reports", {"sent_at": moment, "items": urls("a")})
    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:problem-type:still-up:unusable"
    assert not Report.objects.exists()


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"items": []}, "body.items"),
        ({"items": urls(*map(str, range(MOST_ITEMS + 1)))}, "body.items"),
        ({"items": [{"url": ""}]}, "body.items.0.url"),
        ({"items": [{"url": "https://models.example.org/a", "colour": "red"}]}, "body.items.0.colour"),
        ({"items": [{"url": "https://models.example.org/a", "control": "yes"}]}, "body.items.0.control"),
        ({"items": [{"url": "https://models.example.org/a", "labels": ["a;b"]}]}, "body.items.0.labels.0"),
        ({"sent_at": "2026-03-01"}, "body.sent_at"),
        ({"sent_at": "2026-03-01T14:05:00"}, "body.sent_at"),
        ({"sent_at": 1_772_000_000}, "body.sent_at"),
        ({"channel": "pigeon"}, "body.channel"),
        ({"note": "NUL \x00"}, "body.note"),
        ({"note": "half a character \ud800"}, "body.note"),
        ({"colour": "red"}, "body.colour"),
    ],
)
def test_what_is_not_as_the_document_says_is_refused(
    change: dict[str, Any], place: str, programs: Programs
) -> None:
    answer = programs.ask("editor", "POST", "/reports", {"items": urls("a"), **change})
    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:problem-type:still-up:invalid-request"
    assert [error["place"] for error in answer.json()["errors"]] == [place]
    assert not Report.objects.exists()


# --------------------------------------------------------------------------------------- once, and once only


def post(programs: Programs, body: Any, key: str = "key-1", who: str = "editor") -> Any:
    return programs.ask(who, "POST", "/reports", body, headers={"Idempotency-Key": key})


def test_the_same_request_again_gets_the_same_answer_and_is_not_done_again(programs: Programs) -> None:
    body = {"items": [*urls("a"), {"url": "nothing"}]}
    first, again = post(programs, body), post(programs, body)
    assert (first.status_code, first.content) == (again.status_code, again.content)
    assert first.status_code == 201
    assert Item.objects.count() == Report.objects.count() == 1


def test_a_key_belongs_to_one_request_of_one_token(programs: Programs) -> None:
    assert post(programs, {"items": urls("a")}).status_code == 201
    other = post(programs, {"items": urls("b")})
    assert other.status_code == 422
    assert other.json()["type"] == "urn:problem-type:still-up:idempotency-key-reused"
    assert post(programs, {"items": urls("b")}, key="key-2").status_code == 201
    assert post(programs, {"items": urls("c")}, who="owner").status_code == 201


def test_what_was_refused_can_be_mended_and_sent_again_with_its_key(programs: Programs) -> None:
    assert post(programs, {"items": [{"url": "nothing"}]}).status_code == 422
    assert post(programs, {"items": urls("a")}).status_code == 201


def test_answers_are_kept_for_two_days_and_not_longer(programs: Programs) -> None:
    ApiToken.objects.update(expires_at=at(24 * 1000))
    with time_machine.travel(at(0), tick=False) as time:
        first = post(programs, {"items": urls("a")})
        time.shift(KEPT - timedelta(seconds=1))
        assert post(programs, {"items": urls("a")}).content == first.content
        time.shift(timedelta(seconds=2))
        later = post(programs, {"items": urls("a")})
        assert later.status_code == 200
        assert later.json()["duplicates"] == [0]
        assert KeptAnswer.objects.count() == 1


def test_a_token_that_may_no_longer_write_gets_no_kept_answer(programs: Programs) -> None:
    post(programs, {"items": urls("a")})
    Membership.objects.filter(person=programs.token("editor").person).update(role="viewer")
    assert post(programs, {"items": urls("a")}).status_code == 403


@pytest.mark.django_db(transaction=True)
def test_two_at_once_make_one_report(programs: Programs) -> None:
    body = {"items": urls("a", "b")}
    together = threading.Barrier(3)
    answers: list[Any] = []

    def send() -> None:
        together.wait()
        try:
            answers.append(post(programs, body))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=send) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [201] * 3
    assert len({answer.content for answer in answers}) == 1
    assert (Report.objects.count(), Item.objects.count()) == (1, 2)


# --------------------------------------------------------------------------------------------------- replies


def test_a_reply_is_logged_with_its_claims(programs: Programs) -> None:
    report = make_report(programs.campaign)
    one, other = make_item(report), make_item(report)
    answer = programs.ask(
        "editor",
        "POST",
        "/reports/1/replies",
        {
            "kind": "decision",
            "decision": "partly",
            "received_at": at(3).isoformat(),
            "reference": "T-1",
            "text": "Some of it.",
            "claims": [{"item": one.pk, "claim": "removed"}, {"item": other.pk, "claim": "refused"}],
        },
    )
    assert answer.status_code == 201
    row = answer.json()
    assert (row["decision"], row["text"], row["claimed_removed"], row["claimed_refused"]) == (
        "partly",
        "Some of it.",
        1,
        1,
    )
    assert programs.get("viewer", "/replies")["data"] == [row]
    assert Reply.objects.get().person == programs.token("editor").person


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"received_at": at(-1).isoformat()}, "before the report was sent"),
        ({"received_at": "2999-01-01T00:00:00Z"}, "in the future"),
        ({"decision": None}, "what was decided"),
        ({"kind": "question"}, "Only a decision"),
        ({"claims": [{"item": 2**40, "claim": "removed"}]}, "not in report 1"),
        ({"decision": "partly"}, "for which items"),
    ],
)
def test_a_reply_that_cannot_be_is_refused_with_a_sentence(
    change: dict[str, Any], words: str, programs: Programs
) -> None:
    make_item(make_report(programs.campaign))
    body = {"kind": "decision", "decision": "removed", "received_at": at(3).isoformat(), **change}
    answer = programs.ask("editor", "POST", "/reports/1/replies", body)
    assert answer.status_code == 422
    assert words in answer.json()["detail"]
    assert not Reply.objects.exists()


def test_a_reply_sent_twice_with_one_key_is_logged_once(programs: Programs) -> None:
    make_item(make_report(programs.campaign))
    body = {"kind": "decision", "decision": "removed", "received_at": at(3).isoformat()}
    key = {"Idempotency-Key": "reply-1"}
    first, again = (programs.ask("editor", "POST", "/reports/1/replies", body, headers=key) for _ in range(2))
    assert first.status_code == again.status_code == 201
    assert first.content == again.content
    assert Reply.objects.count() == 1


# ----------------------------------------------------------------------------------------------------- sizes


def test_a_body_has_a_limit_that_is_told(programs: Programs) -> None:
    answer = programs.ask("editor", "POST", "/reports", b" " * (MAX_BODY + 1))
    assert answer.status_code == 413
    assert "import" in answer.json()["detail"]


def test_the_largest_report_goes_in_at_once(programs: Programs) -> None:
    answer = programs.ask("editor", "POST", "/reports", {"items": urls(*map(str, range(MOST_ITEMS)))})
    assert answer.status_code == 201
    assert len(answer.json()["items"]) == MOST_ITEMS
