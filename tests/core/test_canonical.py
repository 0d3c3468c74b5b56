"""A page has one spelling, however it is written; what no checker could visit is refused in a sentence."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from apps.core.canonical import MAX_LENGTH, CanonicalURL, UnusableURL, canonicalise

SPELLINGS = [
    # plain
    ("https://example.org/page", "https://example.org/page"),
    ("https://example.org", "https://example.org/"),
    ("  https://example.org/page\r\n", "https://example.org/page"),
    ("\u00a0https://example.org/page\u3000", "https://example.org/page"),
    ("<https://example.org/page>", "https://example.org/page"),
    ("“https://example.org/page”", "https://example.org/page"),
    ("«<https://example.org/page>»", "https://example.org/page"),
    ("https://example.org/it'", "https://example.org/it'"),
    # without a scheme
    ("example.org", "https://example.org/"),
    ("www.example.co.uk/page", "https://www.example.co.uk/page"),
    ("//example.org/page", "https://example.org/page"),
    ("example.org:8443/page", "https://example.org:8443/page"),
    ("example[.]org/page", "https://example.org/page"),
    # defanged
    ("hxxp://example.org/", "http://example.org/"),
    ("hxxps://example[.]org/page", "https://example.org/page"),
    ("hXXps://example(.)org/page", "https://example.org/page"),
    ("h**ps://example{.}org/page", "https://example.org/page"),
    ("htxps://example[dot]org/page", "https://example.org/page"),
    ("hxxps://example(dot)org/page", "https://example.org/page"),
    ("hxxps[:]//www[.]example[.]org[/]page[.]html", "https://www.example.org/page.html"),
    ("hxxps[://]example[ . ]org", "https://example.org/"),
    ("https[://]example[.]org", "https://example.org/"),
    ("https://example[[.]]org", "https://example.org/"),
    ("https://example.org/wiki/(.)", "https://example.org/wiki/(.)"),
    ("https://example.org/[@]someone", "https://example.org/@someone"),
    (
        "hxxps://archive[.]example[.]org/2025/hxxps://example[.]com/x",
        "https://archive.example.org/2025/https://example.com/x",
    ),
    # case, port, fragment, dots
    ("HTTPS://Example.ORG/Page", "https://example.org/Page"),
    ("https://example.org:443/", "https://example.org/"),
    ("http://example.org:80/", "http://example.org/"),
    ("http://example.org:443/", "http://example.org:443/"),
    ("https://example.org:/", "https://example.org/"),
    ("https://example.org:08443/", "https://example.org:8443/"),
    ("https://example.org./page", "https://example.org/page"),
    ("https://example.org/page#comments", "https://example.org/page"),
    ("https://example.org#@example.net", "https://example.org/"),
    ("https://example.org/a/./b/../c", "https://example.org/a/c"),
    ("https://example.org/../..", "https://example.org/"),
    ("https://example.org/a/%2e%2E/b", "https://example.org/b"),
    ("https://example.org/a/..", "https://example.org/"),
    ("https://example.org/a//b/", "https://example.org/a//b/"),
    ("https://example.org?x=1", "https://example.org/?x=1"),
    # percent-encoding
    ("https://example.org/%7euser/%41", "https://example.org/~user/A"),
    ("https://example.org/a%2fb%c3%a9", "https://example.org/a%2Fb%C3%A9"),
    ("https://example.org/é ü", "https://example.org/%C3%A9%20%C3%BC"),
    ("https://example.org/100%", "https://example.org/100%25"),
    ("https://example.org/%2541", "https://example.org/%2541"),
    ("https://example.org/?q=[a]|{b}", "https://example.org/?q=%5Ba%5D%7C%7Bb%7D"),
    # query
    ("https://example.org/?", "https://example.org/"),
    ("https://example.org/?b=2&a=1", "https://example.org/?b=2&a=1"),
    ("https://example.org/?utm_source=x&id=7&fbclid=y", "https://example.org/?id=7"),
    ("https://example.org/?UTM_Medium=x", "https://example.org/"),
    ("https://example.org/?utm%5Fsource=x&igshid&gclid=", "https://example.org/"),
    ("https://example.org/?id=1&&", "https://example.org/?id=1"),
    ("https://example.org/?next=utm_source", "https://example.org/?next=utm_source"),
    # hosts
    ("https://Bücher.example/", "https://xn--bcher-kva.example/"),
    ("https://xn--BCHER-kva.example/", "https://xn--bcher-kva.example/"),
    ("https://faß.example/", "https://xn--fa-hia.example/"),
    ("https://example。org/", "https://example.org/"),
    ("https://ｅｘａｍｐｌｅ.org/", "https://example.org/"),
    ("https://💩.example/", "https://xn--ls8h.example/"),
    ("https://ex%61mple.org/", "https://example.org/"),
    ("https://some_user.example.org/", "https://some_user.example.org/"),
    ("https://r3---sn-x.example.org/", "https://r3---sn-x.example.org/"),
    ("https://localhost/", "https://localhost/"),
    ("http://127.1/", "http://127.0.0.1/"),
    ("http://0x7f000001/", "http://127.0.0.1/"),
    ("http://017700000001/", "http://127.0.0.1/"),
    ("http://2130706433/", "http://127.0.0.1/"),
    ("http://１２７.０.０.１/", "http://127.0.0.1/"),
    ("http://[2001:DB8:0::1]:80/", "http://[2001:db8::1]/"),
    ("http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/"),
]


@pytest.mark.parametrize(("text", "key"), SPELLINGS)
def test_every_spelling_of_a_page_has_one_key(text: str, key: str) -> None:
    assert canonicalise(text).key == key
    assert canonicalise(key).key == key


def test_the_parts_of_a_url_are_told_apart() -> None:
    assert canonicalise("hxxps://Example[.]org:8443/a%20b?x=1&utm_id=2#top") == CanonicalURL(
        key="https://example.org:8443/a%20b?x=1",
        scheme="https",
        host="example.org",
        port=8443,
        path="/a%20b",
        query="x=1",
    )
    assert canonicalise("https://example.org:8443/").authority == "example.org:8443"
    assert canonicalise("https://[2001:db8::1]/").authority == "[2001:db8::1]"


@pytest.mark.parametrize(
    ("text", "part_of_the_sentence"),
    [
        ("", "no URL"),
        ("  <> ", "no URL"),
        ("https://example.org/" + "a" * MAX_LENGTH, "longer than 2,048"),
        ("https://example.org/" + "a" * 1_000_000, "longer than 2,048"),
        ("https://example.org/" + "é" * 1000, "longer than 2,048 characters once"),
        ("https://someone:secret@example.org/", "user name or password"),
        ("https://@example.org/", "user name or password"),
        ("https://example.org@203.0.113.7/", "user name or password"),
        ("someone@example.org", "user name or password"),
        ("javascript:alert(1)", "not javascript:"),
        ("JavaScript://example.org/%0Aalert(1)", "not javascript:"),
        ("data:text/html,hello", "not data:"),
        ("file:///etc/hosts", "not file:"),
        ("ftp://example.org/", "not ftp:"),
        ("mailto:someone@example.org", "not mailto:"),
        ("https://example.org/a\x00b", "control character (U+0000)"),
        ("https://example.org/a%00b", "NUL"),
        ("https://example.org/a\x1bb", "control character (U+001B)"),
        ("https://example.org/a\tb", "control character (U+0009)"),
        ("https://example.org/a\nb", "line break"),
        ("https://example.org/\u202egpj.exe", "U+202E, RIGHT-TO-LEFT OVERRIDE"),
        ("https://example.org/\u2066a", "U+2066"),
        ("https://example.org/\u200ea", "U+200E"),
        ("https://example.org/\u061ca", "U+061C"),
        ("https://exa\u200bmple.org/", "ZERO WIDTH SPACE"),
        ("https://exa\u00admple.org/", "SOFT HYPHEN"),
        ("https://exa%E2%80%8Bmple.org/", "ZERO WIDTH SPACE"),
        ("https://example.org/\u3164", "HANGUL FILLER"),
        ("https://example.org/\ud800", "invisible character"),
        ("https://example.org/caf\ufffd", "garbled"),
        ("https://", "no host"),
        ("https:///page", "no host"),
        ("https://:8443/", "no host"),
        ("https:example.org", "two slashes"),
        ("https:\\\\example.org", "two slashes"),
        ("https://example.org\\@example.net/", "backslash"),
        ("https://example.org/a\\b", "backslash"),
        ("https://exa mple.org/", "malformed"),
        ("https://example..org/", "malformed"),
        ("https://" + "a" * 64 + ".org/", "malformed"),
        ("https://" + "a." * 130 + "org/", "malformed"),
        ("https://exa%2Fmple.org/", "malformed"),
        ("https://exa℀mple.org/", "malformed"),
        ("https://1.2.3.4.5/", "malformed"),
        ("https://256.1.1.1/", "malformed"),
        ("https://08.1.1.1/", "malformed"),
        ("https://example.0x1/", "malformed"),
        ("https://[2001:db8::1/", "malformed"),
        ("https://[2001:db8::1]x/", "malformed"),
        ("https://[example]/", "malformed"),
        ("https://[fe80::1%25eth0]/", "malformed"),
        ("https://example.org:http/", "port"),
        ("https://example.org:65536/", "port"),
        ("https://example.org:0/", "port"),
        ("https://example.org:000000000110000000/", "port"),
        ("https://example.org:٨٠/", "port"),
        ("n/a", "not a web address"),
        ("see above", "not a web address"),
        ("report.pdf", "not a web address"),
        ("localhost", "not a web address"),
        ("2025.12", "not a web address"),
        ("https://example.org/a https://example.org/b", "more than one URL"),
    ],
)
def test_what_cannot_be_watched_is_refused_in_a_sentence(text: str, part_of_the_sentence: str) -> None:
    with pytest.raises(UnusableURL) as refused:
        canonicalise(text)
    assert part_of_the_sentence in str(refused.value)
    assert str(refused.value).endswith(".")


def test_a_url_of_exactly_the_greatest_length_is_taken() -> None:
    text = "https://example.org/".ljust(MAX_LENGTH, "a")
    assert canonicalise(text).key == text
    assert canonicalise(text.replace("https://example.org", "hxxps[:]//example[.]org")).key == text


def test_a_redirect_parameter_keeps_its_address() -> None:
    assert canonicalise("https://example.org/go?to=https%3a%2f%2fexample.com%2f").query == (
        "to=https%3A%2F%2Fexample.com%2F"
    )


FRAGMENTS = """
    https:// hxxps:// hxxp[:]// h**ps:// HTTP:// // http: hx%78p:// hXXp:// hxxp:
    example.org example[.]org Bücher xn-- 127.1 [::1] 0x7f user@ :443 :80 x . : \\ é 。 💩
    / // /. /.. /./ /../ [/] [.] (.) {.} [dot] (dot) [@] [:]
    % %2 %2e %2F %41 %5B %5D %7b %64ot %25 %c3%a9 %00
    ? & = # utm_source=x fbclid ; ' " < > [ ] { } ( )
"""
PIECES = st.one_of(
    st.sampled_from(FRAGMENTS.split()),
    st.sampled_from([" ", "\u202e", "\u200d", "\u00a0"]),
    st.text(max_size=6),
)
ADDRESSES = st.one_of(
    st.lists(PIECES, max_size=12).map("".join),
    st.lists(PIECES, max_size=12).map(lambda pieces: "https://example.org/" + "".join(pieces)),
    st.text(max_size=40).map(lambda text: f"https://{text}"),
)


@given(ADDRESSES)
@example("https://example.org/hxxp:/a/..//x")
@example("https://example.org/hx%78p://[%2E][[%64ot]]x")
@example("https://example.org/[%2e]%2e/x")
@example("https://example.org/?hxxp:&utm_x=1&//")
def test_canonicalising_twice_is_canonicalising_once(text: str) -> None:
    try:
        once = canonicalise(text)
    except UnusableURL:
        return
    assert canonicalise(once.key) == once
    assert once.key.isascii()
    assert once.key.isprintable()
    assert " " not in once.key
    assert once.path.startswith("/")
    assert once.host == once.host.lower()
    assert "@" not in once.authority
    assert len(once.key) <= MAX_LENGTH


@given(st.text())
def test_any_text_is_canonicalised_or_refused_in_a_sentence(text: str) -> None:
    with suppress(UnusableURL):
        canonicalise(text)
