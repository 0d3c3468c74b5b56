"""A recording is replayed as the network would have answered, and what it lacks is said."""

# ruff: noqa: E501  (a row of a table stays on its line)
from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from apps.checks.answer import Ask
from apps.checks.har import HarFetch, UnusableRecording, har_text
from apps.checks.outcomes import Reason
from apps.checks.replay import Exchange
from apps.core import clock

URL = "https://example.org/list/an-item"
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def entry(url: str, status: int = 200, text: str | None = "body", **more: Any) -> dict[str, Any]:
    """An entry as browsers write it."""
    headers = more.pop("headers", {"Content-Type": "text/html"})
    content: dict[str, Any] = {"size": len(text or ""), "mimeType": headers.get("Content-Type", "")}
    if text is not None:
        content["text"] = text
    return {
        "startedDateTime": "2026-03-01T12:00:00.000Z",
        "time": 250.7,
        "request": {"method": more.pop("method", "GET"), "url": url, "headers": [], "queryString": []},
        "response": {
            "status": status,
            "headers": [{"name": name, "value": value} for name, value in headers.items()],
            "content": {**content, **more.pop("content", {})},
            "redirectURL": "",
            **more,
        },
    }


def recording(*entries: dict[str, Any]) -> HarFetch:
    return HarFetch.from_text(json.dumps({"log": {"version": "1.2", "entries": list(entries)}}))


def test_it_works() -> None:
    fetch = recording(entry(URL, headers={"Content-Type": "text/html; charset=latin-1", "X-Thing": "1"}))
    answer = fetch(Ask("page", URL))
    assert answer.status == 200
    assert answer.body == b"body"
    assert answer.headers == {"content-type": "text/html; charset=utf-8", "x-thing": "1"}
    assert answer.started_at == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert answer.elapsed_ms == 250
    assert answer.url == URL
    assert fetch.missing == []


@pytest.mark.parametrize(
    "recorded",
    ["https://EXAMPLE.org:443/list/an-item#part", "https://example.org/list/an%2Ditem?utm_source=x"],
)
def test_entries_are_matched_by_canonical_url(recorded: str) -> None:
    assert recording(entry(recorded))(Ask("page", URL)).status == 200


def test_only_what_was_read_counts() -> None:
    fetch = recording(entry(URL, method="POST"), entry(URL, method="HEAD"))
    assert fetch(Ask("page", URL)).failure == Reason.NOT_RECORDED
    assert fetch.missing == [URL]


def test_what_is_not_there_is_listed_once_in_order() -> None:
    fetch = recording()
    for url in (URL, "https://example.org/other", URL):
        assert fetch(Ask("page", url)).failure == Reason.NOT_RECORDED
    assert fetch.missing == [URL, "https://example.org/other"]


def test_the_last_complete_entry_counts() -> None:
    fetch = recording(entry(URL, 503), entry(URL, 200), entry(URL, 0))
    assert fetch(Ask("page", URL)).status == 200


def test_bodies_may_be_base64() -> None:
    body = b"\x89PNG\x00"
    told = entry(URL, text=base64.b64encode(body).decode(), content={"encoding": "base64"}, headers={"Content-Type": "image/png"})  # fmt: skip
    answer = recording(told)(Ask("page", URL))
    assert answer.body == body
    assert answer.headers["content-type"] == "image/png"


def test_repeated_headers_are_joined() -> None:
    told = entry(URL)
    told["response"]["headers"] = [{"name": "Link", "value": "a"}, {"name": "link", "value": "b"}]
    assert recording(told)(Ask("page", URL)).headers["link"] == "a, b"


def test_redirects_are_followed_entry_by_entry() -> None:
    fetch = recording(
        entry(URL, 302, headers={"Location": "/list/b"}),
        entry("https://example.org/list/b", 301, redirectURL="https://example.org/list/c#x", headers={}),
        entry("https://example.org/list/c", 200, "there"),
    )
    answer = fetch(Ask("page", URL))
    assert [(hop.status, hop.url) for hop in answer.hops] == [
        (302, "https://example.org/list/b"),
        (301, "https://example.org/list/c"),
    ]
    assert answer.url == "https://example.org/list/c"
    assert answer.body == b"there"
    assert answer.elapsed_ms == 750
    still = fetch(Ask("page", URL, follow_redirects=False))
    assert still.status == 302
    assert still.hops == ()


def test_a_redirect_that_leads_out_of_the_recording_is_missing() -> None:
    fetch = recording(entry(URL, 302, headers={"Location": "/gone-on"}))
    answer = fetch(Ask("page", URL))
    assert answer.failure == Reason.NOT_RECORDED
    assert fetch.missing == ["https://example.org/gone-on"]


def test_a_redirect_to_a_private_address_is_refused_as_in_a_real_check() -> None:
    fetch = recording(entry(URL, 302, headers={"Location": "http://10.0.0.1/"}), entry("http://10.0.0.1/"))
    assert fetch(Ask("page", URL)).failure == Reason.BLOCKED_ADDRESS


def test_a_loop_of_redirects_ends() -> None:
    fetch = recording(entry(URL, 302, headers={"Location": URL}))
    assert fetch(Ask("page", URL)).failure == Reason.TOO_MANY_REDIRECTS


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("net::ERR_NAME_NOT_RESOLVED", Reason.DNS_FAILURE),
        ("net::ERR_CERT_COMMON_NAME_INVALID", Reason.TLS_FAILURE),
        ("net::ERR_CONNECTION_REFUSED", Reason.REFUSED),
        ("net::ERR_TIMED_OUT", Reason.TIMEOUT),
        ("", Reason.REFUSED),
    ],
)
def test_an_attempt_that_failed_is_replayed_as_a_failure(error: str, reason: Reason) -> None:
    assert recording(entry(URL, 0, _error=error))(Ask("page", URL)).failure == reason


def test_a_browsers_word_for_a_certificate_is_said_in_ours() -> None:
    answer = recording(entry(URL, 0, _error="net::ERR_CERT_COMMON_NAME_INVALID"))(Ask("page", URL))
    assert answer.detail == "certificate: hostname mismatch"
    answer = recording(entry(URL, 0, _error="net::ERR_CERT_REVOKED"))(Ask("page", URL))
    assert answer.detail == "net::ERR_CERT_REVOKED"


@pytest.mark.parametrize(
    ("recorded", "address"), [("192.0.2.7", "192.0.2.7"), ("[2001:db8::7]", "2001:db8::7"), (None, "")]
)
def test_the_address_of_the_server_is_recorded(recorded: str | None, address: str) -> None:
    assert recording(entry(URL) | {"serverIPAddress": recorded})(Ask("page", URL)).address == address


def test_a_body_that_the_browser_left_out_is_missing() -> None:
    left_out = entry(URL, 200, None, content={"size": 5000})
    fetch = recording(left_out)
    answer = fetch(Ask("page", URL))
    assert (answer.failure, answer.detail) == (Reason.NOT_RECORDED, "the body was not recorded")
    assert fetch.missing == [URL]
    assert recording(entry(URL, 404, None, content={"size": 5000}))(Ask("page", URL)).status == 404


def test_a_long_body_is_cut_like_a_fetched_one(settings: Any) -> None:
    settings.CHECK_MAX_BYTES = 10
    answer = recording(entry(URL, text="x" * 50))(Ask("page", URL))
    assert (len(answer.body), answer.truncated, answer.received_bytes) == (10, True, 50)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"not json", "recorded.har is not JSON, as a HAR file must be."),
        (b"\xff\xfe\x00", "recorded.har is not UTF-8 text, as a HAR file must be."),
        (b"{}", "recorded.har has no log.entries: export it from a browser as HAR 1.2."),
        (b'{"log": {"entries": 3}}', "recorded.har has no log.entries: export it from a browser as HAR 1.2."),
        (b"[" * 100_000, "recorded.har is not JSON, as a HAR file must be."),
        (
            b'{"log": {"entries": [{"request": {"method": "GET"}}]}}',
            "Entry 1 of recorded.har is not as HAR 1.2",
        ),
        (b'{"log": {"entries": [7]}}', "Entry 1 of recorded.har is not as HAR 1.2"),
        *(
            (
                b'{"log": {"entries": [{"request": {"method": "GET", "url": "https://example.org/"}, '
                b'"response": {"headers": [], "status": %b}}]}}' % status,
                "Entry 1 of recorded.har is not as HAR 1.2",
            )
            for status in (b"1e400", b"1000000000000", b"-5", b"7")
        ),
    ],
)
def test_a_file_that_is_no_recording_is_refused_in_a_sentence(
    tmp_path: Path, content: bytes, sentence: str
) -> None:
    path = tmp_path / "recorded.har"
    path.write_bytes(content)
    with pytest.raises(UnusableRecording) as caught:
        HarFetch.from_file(path)
    assert str(caught.value).startswith(sentence)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnusableRecording, match=r"absent.har cannot be read: No such file or directory"):
        HarFetch.from_file(tmp_path / "absent.har")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["request", "response", "method", "url", "status", "headers", "name",
                                       "value", "content", "text", "encoding", "size", "time"]), inner),
    max_leaves=15,
)  # fmt: skip


@given(st.lists(JSON, max_size=3))
def test_any_entries_are_read_or_refused(entries: list[Any]) -> None:
    try:
        fetch = HarFetch.from_text(json.dumps({"log": {"entries": entries}}))
    except UnusableRecording:
        return
    assert fetch(Ask("page", URL)).failure == Reason.NOT_RECORDED


def test_the_head_of_a_file_is_recorded_even_where_its_body_was_left_out() -> None:
    fetch = recording(entry(URL, text=None, content={"size": 5_000_000}))
    assert fetch(Ask("file", URL)).failure == Reason.NOT_RECORDED
    answer = fetch(Ask("file", URL, head_only=True))
    assert (answer.status, answer.body) == (200, b"")


@pytest.mark.parametrize("started", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "noon"])
def test_a_moment_at_which_nothing_was_recorded_is_taken_for_now(started: str) -> None:
    with time_machine.travel(AT, tick=False):
        answer = recording(entry(URL) | {"startedDateTime": started})(Ask("page", URL))
        assert answer.started_at == clock.now()


def test_a_recorded_post_answers_the_same_question_only() -> None:
    raw = entry(URL, text='[{"s": 5}]', method="POST")
    raw["request"]["postData"] = {"mimeType": "application/json", "text": '[{"a": "g", "p": "x"}]'}
    fetch = recording(raw)
    assert fetch(Ask("api", URL, post='[{"p":"x","a":"g"}]')).body == b'[{"s": 5}]'
    assert fetch(Ask("api", URL, post='[{"p":"y","a":"g"}]')).failure == Reason.NOT_RECORDED
    assert fetch(Ask("page", URL)).failure == Reason.NOT_RECORDED


@pytest.mark.parametrize(
    "exchange",
    [
        Exchange(URL, 200, {"content-type": "text/html; charset=utf-8"}, b"<title>A</title>", AT),
        Exchange(URL, 301, {"location": "https://example.org/"}, b"", AT),
        Exchange(URL, 200, {"content-type": "application/json; charset=utf-8"}, b"[-9]", AT, post='["a"]'),
        Exchange(URL, None, {}, b"", AT, failure=Reason.RATE_LIMITED, detail="rate_limited"),
        Exchange(URL, None, {}, b"", AT, failure=Reason.TOO_MANY_REDIRECTS, detail="too_many_redirects"),
    ],
    ids=["page", "redirect", "question", "left alone", "loop"],
)
def test_a_recording_that_is_written_is_read_back(exchange: Exchange) -> None:
    fetch = HarFetch.from_text(har_text([exchange], creator="a test"))
    answer = fetch(Ask("page", URL, follow_redirects=False, post=exchange.post))
    assert (answer.status, answer.headers, answer.body) == (exchange.status, exchange.headers, exchange.body)
    assert (answer.failure, answer.started_at) == (exchange.failure, AT)
    assert fetch.missing == []
