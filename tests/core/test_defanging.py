"""An address that people see is not one that anything follows, and it can be had back exactly."""

from __future__ import annotations

import re

import pytest
from hypothesis import given

from apps.core.canonical import UnusableURL, canonicalise
from apps.core.defanging import defang, refang

from .test_canonical import ADDRESSES


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://example.org/page.html", "hxxps://example[.]org/page.html"),
        ("http://www.example.org:8080/", "hxxp://www[.]example[.]org:8080/"),
        ("https://203.0.113.7/", "hxxps://203[.]0[.]113[.]7/"),
        ("https://[2001:db8::1]/", "hxxps://[2001:db8::1]/"),
        (
            "https://archive.example.org/2025/https://www.example.com/a.html",
            "hxxps://archive[.]example[.]org/2025/https[:]//www[.]example[.]com/a.html",
        ),
        (
            "https://example.org/?to=http://example.com&x=1.5",
            "hxxps://example[.]org/?to=http[:]//example[.]com&x=1.5",
        ),
        ("hxxps://example[.]org/page", "hxxps://example[.]org/page"),
        ("example.org/page", "example[.]org/page"),
        ("ftp://example.org/", "ftp[:]//example[.]org/"),
        ("", ""),
        ("<https://example.org/page>", "<hxxps://example[.]org/page>"),
        ('"http://example.org/page"', '"hxxp://example[.]org/page"'),
        (" “hxxps://example.org/page”", " “hxxps://example[.]org/page”"),
        ("//www.example.org/page", "//www[.]example[.]org/page"),
        ("see http://www.example.org/a", "see http[:]//www[.]example[.]org/a"),
        ("(https://example.org/a)", "(https[:]//example[.]org/a)"),
    ],
)
def test_an_address_is_shown_so_that_nothing_follows_it(url: str, shown: str) -> None:
    assert defang(url) == shown
    assert defang(shown) == shown


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("hxxps://example[.]org", "https://example.org"),
        ("HXXP://example(DOT)org", "http://example.org"),
        ("h__ps://example{dot}org", "https://example.org"),
        ("hxxps[:]//example[.]org[/]a[.]b", "https://example.org/a.b"),
        ("https://example.org/(dot)", "https://example.org/(dot)"),
        ("HXXP://a.example/HXXP://b.example", "http://a.example/HTTP://b.example"),
        ("nothing here", "nothing here"),
    ],
)
def test_a_broken_spelling_is_made_whole(text: str, url: str) -> None:
    assert refang(text) == url


@given(ADDRESSES)
def test_a_defanged_address_can_be_had_back_exactly(text: str) -> None:
    try:
        key = canonicalise(text).key
    except UnusableURL:
        return
    shown = defang(key)
    assert refang(shown) == key
    assert canonicalise(shown).key == key
    assert defang(shown) == shown
    assert not re.search(r"https?://", shown, re.IGNORECASE)
    host = re.match(r"hxxps?://([^/?#]*)", shown)
    assert host is not None
    assert "." not in host[1].replace("[.]", "")
