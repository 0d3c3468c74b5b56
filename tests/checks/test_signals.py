"""Each condition of a signal holds when it says so, and no other time."""

# ruff: noqa: E501  (a row of a table stays on its line)
from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from apps.checks.answer import Ask, Hop
from apps.checks.outcomes import REASONS_OF, Outcome, Reason
from apps.checks.signals import (
    GENERIC_FILE,
    Reading,
    check_reasons,
    generic_signals,
    load_generic,
    matches,
    values_at,
)
from apps.platforms.schema import (
    BlockCondition,
    DefinitionError,
    HeaderCondition,
    JsonCondition,
    When,
    load_definition,
)
from tests.checks.answering import Told, answer_to, failing, page

URL = "https://example.org/list/7"
PARAMS = {"id": "7", "name": "An%20Name"}


def holds(when: When, told: Told, *, ask: Ask | None = None) -> bool:
    return matches(when, Reading(answer_to(ask or Ask("page", URL), told), asked_of=URL, params=PARAMS))


@pytest.mark.parametrize(
    ("when", "yes", "no"),
    [
        (When(status=((404, 404), (500, 599))), Told(503), Told(403)),
        (When(failure=("timeout",)), failing(Reason.TIMEOUT), failing(Reason.REFUSED)),
        (When(failure=("timeout",)), failing(Reason.TIMEOUT), Told(200)),
        (When(header=(HeaderCondition("server", equals=("Example",)),)), Told(headers={"server": "EXAMPLE"}), Told(headers={"server": "example/2"})),
        (When(header=(HeaderCondition("server", contains=("exa", "y")),)), Told(headers={"server": "EXAMPLE"}), Told()),
        (When(header=(HeaderCondition("server", present=True),)), Told(headers={"server": ""}), Told()),
        (When(header=(HeaderCondition("server", present=False),)), Told(), Told(headers={"server": ""})),
        (When(header=(HeaderCondition("server", lacks=("bad",)),)), Told(), Told(headers={"server": "a bad one"})),
        (When(title=("removed by",)), page("Removed&nbsp;by its owner"), page("x", "removed by")),
        (When(title=("item {id}",)), page("An item 7"), page("An item 8")),
        (When(title_equals=("Just a moment…",)), page("Just a moment..."), page("Just a moment... or two")),
        (When(heading=("it\u2019s gone",)), page("x", "It's gone"), page("it's gone")),
        (When(title_or_heading=("gone",)), page("x", "Gone now"), page("x", "y", "gone")),
        (When(title_or_heading_equals=("Log in",)), page("x", "LOG IN"), page("How to log in")),
        (When(block=(BlockCondition(classes=("notice",)),)), Told(body="<p class='a notice'>x"), Told(body="<p>class='notice'")),
        (When(block=(BlockCondition(ids=("gone",), says=("by its owner",)),)), Told(body="<p id=gone>Removed <b>by</b> its Owner</p>"), Told(body="<p id=gone>Removed</p><p>by its owner</p>")),
        (When(body=('data-target="Mark"',)), Told(body='<p data-target="Mark">'), Told(body="<p data-target='mark'>")),
        (When(text_under=10), page("", "", "short"), page("", "", "long enough to be a page")),
        (When(bytes_under=3), Told(body="ab"), Told(body="abc")),
        (When(failure=("dns_failure",), detail=("NXDOMAIN",)), failing(Reason.DNS_FAILURE, "NXDOMAIN"), failing(Reason.DNS_FAILURE, "SERVFAIL")),
        (When(own_host=True), Told(), Told(goes_to=("https://example.net/",))),
        (When(own_host=True), Told(), Told(goes_to=("https://example.org/b",))),
        (When(own_host=False), Told(goes_to=(URL,)), Told()),
        (When(address_in=("sinkholes",)), Told(address="146.112.61.104"), Told(address="192.0.2.1")),
        (When(address_in=("parking", "sinkholes")), Told(address="185.53.177.1"), Told()),
        (When(blocked_by="any"), Told(headers={"link": '<https://example.org/law>; rel="blocked-by"'}), Told(headers={"link": '<https://example.org/law>; rel="license"'})),
        (When(blocked_by="any"), Told(headers={"link": "</a>; rel=next, </law>; title=x; REL=Blocked-By"}), Told(headers={"link": "blocked-by"})),
        (When(blocked_by="another_site"), Told(headers={"link": '<//isp.example.net/x>; rel="nofollow blocked-by"'}), Told(headers={"link": '<https://law.example.org/x>; rel="blocked-by"'})),
        (When(blocked_by="another_site"), Told(headers={"link": "<https://isp.example.net>; rel=blocked-by"}), Told(headers={"link": "<http://[>; rel=blocked-by"})),
        (When(title_part=("Log in",)), page("Example \u2013 LOG IN"), page("My blog in pictures")),
        (When(title_part=("Log in",)), page("Log in"), page("Example", "Log in")),
        (When(title_part=("Log in",)), page("Log in: Example"), page("Log in-Example")),
        (When(text=("it\u2019s gone",), text_under=20), page("", "", "Oh, it's GONE"), page("it's gone", "", "")),
        (When(text=("it's gone",), text_under=20), page("", "", "it's gone"), page("", "", "it's gone, and so much more")),
        (When(title_or_heading=("gone",)), Told(body="<p role='alert'>It is gone"), Told(body="<p>It is gone")),
        (When(title_or_heading_equals=("gone",)), Told(body="<p role=status>Gone</p>"), Told(body="<p role=status>Gone now</p>")),
        (When(heading=("gone",)), page("x", "gone"), Told(body="<p role='alert'>gone")),
        (When(json=(JsonCondition("$.a", filled=True),)), Told(body={"a": "x"}), Told(body={"a": ""})),
        (When(json=(JsonCondition("$.a", filled=True),)), Told(body={"a": {"b": 0}}), Told(body={"a": {}})),
        (When(json=(JsonCondition("$.a", filled=True),)), Told(body={"a": True}), Told(body={"a": False})),
        (When(json=(JsonCondition("$.a", filled=True),)), Told(body={"a": 1}), Told(body={"b": 1})),
        (When(empty=True), Told(body=""), Told(body="x")),
        (When(empty=False), Told(body="x"), Told(body="")),
        (When(final_url=("/sorry/",)), Told(goes_to=("https://example.org/sorry",)), Told(goes_to=("https://example.org/x?u=/sorry/",))),
        (When(final_url=("//consent.example.org/",)), Told(goes_to=("https://consent.example.org/a",)), Told(goes_to=("https://example.org/consent.example.org/",))),
        (When(redirect_to=("/login/",)), Told(goes_to=("https://example.org/login?x=1", URL)), Told(goes_to=("https://example.org/login-tips",))),
        (When(redirect_to=("/list/{id}/",)), Told(goes_to=("https://example.org/list/7/name",)), Told(goes_to=("https://example.org/list/8/name",))),
        (When(redirect_to=("/login/",)), Told(302, headers={"location": "/login"}), Told(200, headers={"location": "/login"})),
        (When(redirect="any"), Told(goes_to=(URL,)), Told()),
        (When(redirect="home"), Told(goes_to=("https://www.example.org/",)), Told(goes_to=("https://example.org/?x=1",))),
        (When(redirect="home"), Told(goes_to=("https://example.org",)), Told(goes_to=("https://example.net/",))),
        (When(redirect="other_host"), Told(goes_to=("https://example.net/",)), Told(goes_to=("https://www.example.org/",))),
        (When(json=(JsonCondition("$.a", one_of=(True,)),)), Told(body={"a": True}), Told(body={"a": 1})),
        (When(json=(JsonCondition("$.a", one_of=(1,)),)), Told(body={"a": 1}), Told(body={"a": True})),
        (When(json=(JsonCondition("$.a", one_of=("x", "y")),)), Told(body={"a": "y"}), Told(body={"a": "z"})),
        (When(json=(JsonCondition("$.a", one_of=("{id}",)),)), Told(body={"a": 7}), Told(body={"a": 77})),
        (When(json=(JsonCondition("$.a", one_of=("7",)),)), Told(body={"a": "7"}), Told(body={"a": 7})),
        (When(json=(JsonCondition("$.a[*].b", contains="{name|decoded}"),)), Told(body={"a": [{"b": "x"}, {"b": "an name"}]}), Told(body={"a": [{"b": "x"}]})),
        (When(json=(JsonCondition("$[*].b", lacks="{id}"),)), Told(body=[]), Told(body=[{"b": 7}])),
        (When(json=(JsonCondition("$[*].b", lacks="{id}"),)), Told(body=[{"b": 8}]), Told(body={"error": "x"})),
        (When(json=(JsonCondition("$.a", starts_with="No model"),)), Told(body={"a": "no model with id"}), Told(body={"a": ["no model"]})),
        (When(json=(JsonCondition("$.a", says=("it\u2019s GONE", "x")),)), Told(body={"a": "Sorry, it's gone now"}), Told(body={"a": "here", "b": "it's gone"})),
        (When(json=(JsonCondition("$.a", says=("removed for violating our terms",)),)), Told(body={"a": {"runs": [{"text": "This was removed for"}, {"text": "violating our terms"}]}}), Told(body={"a": {"runs": [{"text": "violating our terms"}]}})),
        (When(json=(JsonCondition('$.a["b.c"].$type', one_of=("gone",)),)), Told(body={"a": {"b.c": {"$type": "gone"}}}), Told(body={"a": {"b": {"c": {"$type": "gone"}}}})),
        (When(json=(JsonCondition("$.a", empty=True),)), Told(body={"a": []}), Told(body={"b": []})),
        (When(json=(JsonCondition("$[*].a", null=True),)), Told(body=[{"a": 1}, {"a": None}]), Told(body=[{"a": 1}, {}])),
        (When(json=(JsonCondition("$.a", present=True),)), Told(body={"a": 0}), Told(body={"a": None})),
        (When(json=(JsonCondition("$.a", present=False),)), Told(body={"a": None}), Told(body={"a": 0})),
        (When(json=(JsonCondition("$.a", present=False),)), Told(body={}), Told(body="<html>")),
    ],
)  # fmt: skip
def test_a_condition(when: When, yes: Told, no: Told) -> None:
    assert holds(when, yes)
    assert not holds(when, no)


def test_every_condition_has_to_hold() -> None:
    when = When(status=((200, 200),), title=("gone",))
    assert holds(when, page("gone"))
    assert not holds(when, page("gone", status=404))
    assert not holds(when, page("here"))


def test_a_header_is_found_by_the_shape_of_its_name(tmp_path: Path) -> None:
    shape = next(signal for signal in generic_signals().walls if signal.id == "shape")
    assert holds(shape.when, Told(403, headers={"x-abcd1234-f": "1"}))
    assert not holds(shape.when, Told(403, headers={"x-abcd1234-g": "1"}))


def test_whether_a_token_was_sent_can_matter() -> None:
    with_token = Ask("page", URL, headers={"Authorization": "Bearer example"})
    assert holds(When(token=True), Told(), ask=with_token)
    assert not holds(When(token=True), Told())
    assert holds(When(token=False), Told())


def test_a_body_that_was_cut_off_proves_nothing_by_what_it_lacks() -> None:
    answer = replace(answer_to(Ask("page", URL), Told(body=[])), truncated=True)
    reading = Reading(answer, asked_of=URL, params=PARAMS)
    assert not matches(When(json=(JsonCondition("$[*].b", lacks="x"),)), reading)
    assert not matches(When(text_under=1000), reading)


def test_a_location_that_is_no_url_is_still_an_answer() -> None:
    reading = Reading(
        answer_to(Ask("page", URL), Told(302, headers={"location": "http://[oops"})), asked_of=URL, params={}
    )
    assert reading.places == ("http://[oops",)


@pytest.mark.parametrize(
    ("path", "values", "reached"),
    [
        ("$", [{"a": [{"b": 1}, {"b": 2}, 3], "c": {}}], True),
        ("$.a[0].b", [1], True),
        ("$.a[9].b", [], True),
        ("$.a[*].b", [1, 2], True),
        ("$.c[*]", [], False),
        ("$.d[*].e", [], False),
        ("$.a.b", [], True),
    ],
)
def test_a_path_leads_to_values(path: str, values: list[Any], reached: bool) -> None:
    assert values_at({"a": [{"b": 1}, {"b": 2}, 3], "c": {}}, path) == (values, reached)


# ------------------------------------------------------------------------------------------------- closed lists


def test_every_reason_belongs_to_an_outcome_or_to_the_checker() -> None:
    used = frozenset[Reason]().union(*REASONS_OF.values())
    by_hand = {
        Reason.CANARY_FAILED,
        Reason.STALE_DEFINITION,
        Reason.NOT_RECORDED,
        Reason.CHECKER_ERROR,
        Reason.PERSON,
    }
    assert used | by_hand == set(Reason)
    assert not used & by_hand


def test_a_wall_never_says_what_is_behind_it() -> None:
    assert {signal.outcome for signal in generic_signals().walls} == {Outcome.INCONCLUSIVE}


def test_the_failures_of_the_fetch_all_have_their_signal() -> None:
    covered = {reason for signal in generic_signals().failures for reason in signal.when.failure}
    transport = {
        *(Reason.TIMEOUT, Reason.DNS_FAILURE, Reason.TLS_FAILURE, Reason.REFUSED, Reason.PROTOCOL_ERROR),
        *(Reason.TOO_MANY_REDIRECTS, Reason.BLOCKED_ADDRESS, Reason.RATE_LIMITED),
    }
    assert covered == transport


def test_the_last_generic_signal_covers_every_status() -> None:
    last = generic_signals().answers[-1]
    assert last.when == When(status=((100, 999),))


@pytest.mark.parametrize(
    ("replace", "by", "message"),
    [
        ('reason = "bot_wall"', 'reason = "not_found"', 'reason: "not_found" does not go with inconclusive'),
        ('outcome = "inconclusive"', 'outcome = "dunno"', 'outcome: "dunno" is not an outcome'),
        ('outcome = "inconclusive"\nreason = "bot_wall"', 'outcome = "available"\nreason = "ok"', "a wall says nothing"),
        ("[[phrases]]\nlanguages", "[[phrases]]\nlanguage", "phrases[1].languages"),
        ('failure = "timeout"\n', "status = 408\n", "no-answer-in-time: failure: is missing"),
        ('address_in = "sinkholes"', 'address_in = "sinkhole"', "Write one of: parking, sinkholes."),
        ('id = "gone"', 'id = "sucuri"', '"sucuri" stands here twice'),
        ('[comparison]\nid = "sibling"\n', "[comparison]\n", "comparison.id: is missing"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_generic_signals_is_named(
    tmp_path: Path, replace: str, by: str, message: str
) -> None:
    path = tmp_path / "generic.toml"
    path.write_text(GENERIC_FILE.read_text().replace(replace, by, 1))
    with pytest.raises(DefinitionError) as caught:
        load_generic(path)
    assert "generic.toml, line" in str(caught.value)
    assert message in str(caught.value)


WRONG = """
slug = "example"
name = "Example Models"
hosts = ["models.example.org"]
[[probes]]
name = "page"
url = "{url}"
[[kinds]]
name = "model"
path = '/m/(?P<id>[0-9]+)'
key = "{url}"
probes = ["page"]
[[signals]]
id = "up"
version = 1
outcome = "available"
reason = "OK"
source = "the fiction of this test"
verified = 2026-01-31
confidence = "verified"
[signals.when]
status = 200
"""


def test_a_reason_that_is_not_in_the_list_stops_the_start(tmp_path: Path, settings: Any) -> None:
    path = tmp_path / "example.toml"
    path.write_text(WRONG)
    with pytest.raises(
        DefinitionError, match=r'example.toml, line 13: up: reason: "OK" does not go with available'
    ):
        check_reasons(load_definition(path))
    settings.PLATFORM_DEFINITION_DIRS = [tmp_path]
    with pytest.raises(SystemCheckError, match=r"checks.E001.*example.toml, line 13"):
        call_command("check")


def test_a_followed_redirect_is_seen_in_the_hops() -> None:
    answer = answer_to(Ask("page", URL), Told(goes_to=("https://example.org/a", "https://example.org/b")))
    assert answer.hops == (Hop(302, "https://example.org/a"), Hop(302, "https://example.org/b"))
    reading = Reading(answer, asked_of=URL, params={})
    assert reading.places == ("https://example.org/a", "https://example.org/b")
    assert reading.final_url == "https://example.org/b"


def test_json_is_read_from_inside_a_page_even_of_one_that_is_cut_off_behind_it() -> None:
    body = '<script>say("data = ")</script><script>data = {"a": 1};</script>'
    answer = replace(answer_to(Ask("page", URL), Told(body=body)), truncated=True)
    when = When(json=(JsonCondition("$.a", one_of=(1,)),))
    assert matches(when, Reading(answer, asked_of=URL, params={}, json_after="data = "))
    assert not matches(when, Reading(answer, asked_of=URL, params={}, json_after="other = "))
    assert not matches(when, Reading(answer, asked_of=URL, params={}))
