"""Addresses that cannot exist: always the same ones, of the same sort, remembered for a day."""

from __future__ import annotations

import re
import threading
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.checks import siblings
from apps.checks.siblings import SiblingFacts, Siblings, compared_with, sibling_url, subject
from apps.core.canonical import canonicalise

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
FACTS = SiblingFacts(told=True, missing=True)


@pytest.mark.parametrize(
    ("url", "pattern"),
    [
        ("https://example.org/list/an-item-name", r"https://example\.org/list/[a-z]{12}"),
        ("https://example.org/list/an-item-name/", r"https://example\.org/list/[a-z]{12}/"),
        ("https://example.org/list/picture-one.html", r"https://example\.org/list/[a-z]{11}\.html"),
        ("https://example.org/list/x", r"https://example\.org/list/[a-z]{10}"),
        ("https://example.org/list/12345", r"https://example\.org/list/9\d{14}"),
        ("https://example.org/list/an-item?page=2", r"https://example\.org/list/[a-z]{10}"),
        ("https://example.org/view.php?id=5&lang=english", r"https://example\.org/view\.php\?id=5&lang=[a-z]{10}"),
        ("https://example.org/watch?v=AbCdEf12345", r"https://example\.org/watch\?v=[a-z]{11}"),
        ("https://example.org/?p=123", r"https://example\.org/\?p=9\d{14}"),
        ("http://127.0.0.1:8001/a/b", r"http://127\.0\.0\.1:8001/a/[a-z]{10}"),
    ],
)  # fmt: skip
def test_a_sibling_is_of_the_same_sort(url: str, pattern: str) -> None:
    made = sibling_url(url)
    assert made is not None
    assert re.fullmatch(pattern, made)
    assert sibling_url(url) == made, "a recording can be replayed"


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/delete/an-item",
        "https://example.org/account/Remove/5",
        "https://example.org/unsubscribe?id=5",
        "https://example.org/delete.php?id=5",
        "https://example.org/view.php?id=5&action=delete",
        "https://example.org/view.php?vote=5",
    ],
)
def test_nothing_is_made_up_for_an_address_that_may_do_something(url: str) -> None:
    assert sibling_url(url) is None
    assert compared_with(url) is None


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/list/delete",
        "https://example.org/how-to-delete/an-item",
        "https://example.org/watch?v=delete",
        "https://example.org/deleted/5",
    ],
)
def test_a_word_alone_does_nothing(url: str) -> None:
    assert sibling_url(url) is not None


def test_a_front_page_is_compared_with_an_address_below_it() -> None:
    made = compared_with("https://example.org/")
    assert made is not None
    assert re.fullmatch(r"https://example\.org/[a-z]{10}", made)
    assert made == sibling_url("https://example.org/an-item"), "one answer is remembered for both"


@pytest.mark.parametrize(
    "url", ["https://example.org/", "https://example.org/?", "https://example.org/?flag"]
)
def test_a_front_page_has_no_sibling(url: str) -> None:
    assert sibling_url(url) is None


def test_neighbours_share_their_sibling() -> None:
    assert sibling_url("https://example.org/list/item-one") == sibling_url(
        "https://example.org/list/item-two"
    )
    assert sibling_url("https://example.org/list/item-one") != sibling_url(
        "https://example.org/other/item-one"
    )


@given(st.text(alphabet="abc019-._%2F/?=&é", max_size=60))
def test_a_sibling_is_a_usable_neighbour(rest: str) -> None:
    try:
        url = canonicalise(f"https://example.org/{rest}").key
    except ValueError:
        return
    made = sibling_url(url)
    if made is None:
        return
    assert made != url
    assert urlsplit(made).netloc == "example.org"
    canonicalise(made)
    subject(url)


def test_an_answer_is_remembered_for_a_day_for_the_whole_folder() -> None:
    kept = Siblings()
    url = "https://example.org/list/aaaaaaaaaa"
    assert kept.get(url, at=NOON) is None
    kept.put(url, FACTS, at=NOON)
    assert kept.get("https://example.org/list/bbbbbbbbbbbb", at=NOON + timedelta(hours=23)) == FACTS
    assert kept.get("https://example.org/other/bbbbbbbbbbbb", at=NOON) is None
    assert kept.get(url, at=NOON + timedelta(hours=24)) is None


def test_what_told_nothing_is_not_remembered() -> None:
    kept = Siblings()
    kept.put("https://example.org/list/aaaaaaaaaa", SiblingFacts(told=False), at=NOON)
    assert kept.get("https://example.org/list/aaaaaaaaaa", at=NOON) is None


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(siblings, "MAX_FOLDERS", 3)
    kept = Siblings()
    for number in range(5):
        kept.put(f"https://example.org/{number}/aaaaaaaaaa", FACTS, at=NOON)
    remembered = [kept.get(f"https://example.org/{number}/b", at=NOON) is not None for number in range(5)]
    assert remembered == [False, False, True, True, True]


def test_a_closed_host_is_left_alone_until_its_time() -> None:
    kept = Siblings()
    until = NOON + timedelta(minutes=5)
    kept.close("api.example.org", until=until)
    kept.close("api.example.org", until=NOON)
    assert kept.closed_until("api.example.org", at=NOON) == until
    assert kept.closed_until("api.example.org", at=until) is None
    assert kept.closed_until("example.org", at=NOON) is None


def test_threads_may_share_it() -> None:
    kept = Siblings()
    errors: list[BaseException] = []

    def work(name: str) -> None:
        try:
            for number in range(300):
                kept.put(f"https://example.org/{name}{number}/a", FACTS, at=NOON)
                kept.get(f"https://example.org/{name}{number}/b", at=NOON)
                kept.close(f"{name}{number}.example.org", until=NOON)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
