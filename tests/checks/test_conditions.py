"""The conditions of a signal one by one: together they are the signal, and each can be read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields

import pytest
from django.utils import translation

from apps.checks.answer import Answer, Ask
from apps.checks.conditions import as_code, condition_words, first_lacking, parts
from apps.checks.outcomes import Reason
from apps.checks.signals import Reading, generic_signals, matches
from apps.platforms import registry
from apps.platforms.schema import BlockCondition, HeaderCondition, JsonCondition, Signal, When
from tests.checks.answering import Told, answer_to, failing, page

URL = "https://example.org/list/7"
ASK = Ask("page", URL)


def signals() -> list[Signal]:
    rules = generic_signals()
    own = [signal for each in registry.definitions().values() for signal in each.signals]
    return [*rules.signals, *own]


def answers() -> Iterator[Answer]:
    """Answers of every sort."""
    yield answer_to(ASK, failing(Reason.TIMEOUT))
    yield answer_to(ASK, failing(Reason.RATE_LIMITED))
    for status in (200, 401, 403, 404, 410, 429, 451, 503):
        yield answer_to(ASK, Told(status))
        yield answer_to(ASK, page("404 – Hugging Face", "Access Denied", status=status, server="cloudflare"))
        yield answer_to(ASK, Told(status, {"id": "x", "gated": "auto", "items": []}))
        yield answer_to(ASK, Told(status, "text", goes_to=("https://example.org/login/",)))
    yield answer_to(ASK, failing(Reason.DNS_FAILURE, "NXDOMAIN"))
    yield answer_to(ASK, failing(Reason.TLS_FAILURE, "certificate: expired"))
    yield answer_to(ASK, Told(200, {"error": "no"}, address="146.112.61.104"))
    yield answer_to(ASK, Told(451, headers={"link": '<https://isp.example.net/>; rel="blocked-by"'}))


def test_a_signal_holds_where_none_of_its_conditions_lacks() -> None:
    for answer in answers():
        reading = Reading(answer, asked_of=URL, params={"id": "7"})
        for signal in signals():
            holds = matches(signal.when, reading)
            assert holds == (first_lacking(signal.when, reading) is None), (signal.name, answer)


SAMPLES = {
    "status": (When(status=((404, 404), (500, 599))), "status 404 or 500 to 599"),
    "failure": (When(failure=("timeout",)), "no answer: no answer in time"),
    "detail": (When(detail=("NXDOMAIN",)), "in the checker’s word: “NXDOMAIN”"),
    "own_host": (When(own_host=True), "from the item’s own host"),
    "address_in": (When(address_in=("parking",)), "from an address in the list “parking”"),
    "blocked_by": (When(blocked_by="another_site"), "a header that says that another site blocks it"),
    "header": (
        When(header=(HeaderCondition("server", contains=("a", "b")),)),
        "header server contains “a” or “b”",
    ),
    "header_name": (When(header_name=re.compile("^x-.$")), "a header whose name fits ^x-.$"),
    "json": (When(json=(JsonCondition("$.a", one_of=(True, "{id}")),)), "in the JSON, $.a is true or “‹id›”"),
    "title": (When(title=("a", "b", "c")), "the title contains “a”, “b” or “c”"),
    "title_equals": (When(title_equals=("a",)), "the title is “a”"),
    "heading": (When(heading=("a",)), "a heading contains “a”"),
    "title_or_heading": (
        When(title_or_heading=("a",)),
        "the title, a heading or a status block contains “a”",
    ),
    "title_or_heading_equals": (
        When(title_or_heading_equals=("a",)),
        "the title, a heading or a status block is “a”",
    ),
    "title_part": (When(title_part=("a",)), "a part of the title is “a”"),
    "text": (When(text=("a",)), "the text contains “a”"),
    "block": (
        When(block=(BlockCondition(("notice",), ("gone",), ("removed", "deleted")),)),
        "in the page, an element .notice or #gone contains “removed” or “deleted”",
    ),
    "body": (When(body=("{a-b}",)), "the body contains “{a-b}”"),
    "final_url": (When(final_url=("/login/",)), "the address that answered contains “/login/”"),
    "redirect_to": (When(redirect_to=("/m/{id|lower}",)), "sent on to an address that contains “/m/‹id›”"),
    "redirect": (When(redirect="home"), "sent on to the home page of the site"),
    "text_under": (When(text_under=200), "fewer than 200 characters of text"),
    "bytes_under": (When(bytes_under=1024), "fewer than 1024 bytes"),
    "empty": (When(empty=True), "an empty answer"),
    "token": (When(token=False), "asked without a token"),
}


@pytest.mark.parametrize(("when", "words"), SAMPLES.values(), ids=SAMPLES)
def test_a_condition_in_words(when: When, words: str) -> None:
    assert condition_words(when) == (words,)


def test_every_condition_has_its_words() -> None:
    assert set(SAMPLES) == {field.name for field in fields(When)}


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (HeaderCondition("a", present=True, lacks=("b",)), "header a is there and does not contain “b”"),
        (HeaderCondition("a", present=False), "no header a"),
        (HeaderCondition("a", equals=("b",)), "header a is “b”"),
        (BlockCondition(("notice",)), "the page has an element .notice"),
        (JsonCondition("$", contains="a"), "in the JSON, $ holds “a”"),
        (JsonCondition("$", lacks="a"), "in the JSON, $ does not hold “a”"),
        (JsonCondition("$", starts_with="a"), "in the JSON, $ begins with “a”"),
        (JsonCondition("$", says=("a",)), "in the JSON, $ says “a”"),
        (JsonCondition("$", empty=True), "in the JSON, $ is empty"),
        (JsonCondition("$", filled=True), "in the JSON, $ is neither empty nor false"),
        (JsonCondition("$", null=True), "in the JSON, $ is null"),
        (JsonCondition("$", present=True), "in the JSON, $ is there"),
        (JsonCondition("$", present=False), "in the JSON, $ is not there"),
    ],
)
def test_a_test_of_a_part_of_an_answer_in_words(
    condition: HeaderCondition | BlockCondition | JsonCondition, words: str
) -> None:
    match condition:
        case HeaderCondition():
            when = When(header=(condition,))
        case BlockCondition():
            when = When(block=(condition,))
        case JsonCondition():
            when = When(json=(condition,))
    assert condition_words(when) == (words,)


def test_a_text_that_is_looked_for_can_be_set_apart_as_code() -> None:
    assert condition_words(When(title=("a `b`",)), mark=as_code) == ("the title contains `a ´b´`",)
    assert condition_words(When(title=("a",))) == ("the title contains “a”",)


def test_each_of_several_conditions_is_said() -> None:
    when = When(
        status=((200, 200),),
        json=(JsonCondition("$.a", present=True), JsonCondition("$.b", present=True)),
        title=("a",),
    )
    assert len(parts(when)) == len(condition_words(when)) == 4


def test_every_signal_can_be_read_in_each_language() -> None:
    for language in ("en-gb", "de"):
        with translation.override(language):
            for signal in signals():
                assert all(condition_words(signal.when)), signal.name
