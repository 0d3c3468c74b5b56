"""What is read from a body, however broken it is."""

# ruff: noqa: E501  (a row of a table stays on its line)
from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.checks.page import Content, decode, distance, fingerprint, normalise, read_blocks, read_page


def test_it_works() -> None:
    page = read_page(
        "<!doctype html><html><head><title>A &amp; B&#39;s &quot;page&quot;</title><script>var a='<h1>no</h1>';"
        "</script><style>h1{}</style></head><body><!-- <h1>no</h1> --><h1>Fine <b>th</b>ing</h1><p>Text<br>here</p>"
        "<noscript><h2>no</h2></noscript><svg><title>icon</title></svg><h2 class='x'>Second</h2></body></html>"
    )
    assert page.title == 'A & B\'s "page"'
    assert page.headings == ("Fine thing", "Second")
    assert page.text == "Fine thing Text here Second"


@pytest.mark.parametrize(
    ("markup", "title", "headings", "text"),
    [
        ("", "", (), ""),
        ("just words", "", (), "just words"),
        ("1 < 2 and 3 > 2", "", (), "1 < 2 and 3 > 2"),
        ("<title>never closed", "never closed", (), ""),
        ("<title>a <b> c</title>", "a <b> c", (), ""),
        ("<title>first</title><title>second</title>", "first", (), ""),
        ("<h1>never closed", "", (), "never closed"),
        ("<H1>Loud</H1>", "", ("Loud",), "Loud"),
        ("<h1></h1><h2> </h2>", "", (), ""),
        ("<h1>One<h2>Two</h2>", "", ("Two",), "One Two"),
        ("</h1>a<h1>b<script>c</script>d<title>e</title>f</h1>g", "e", ("b d f",), "a b d f g"),
        ("<script>if (a</b) { x }</script>after", "", (), "after"),
        ("<svg viewBox='0 0 1 1'/><p>after", "", (), "after"),
        ("<!-- a > b -->after", "", (), "after"),
        ("<!---->after", "", (), "after"),
        ("<?xml version='1.0'?><h1>x</h1>", "", ("x",), "x"),
    ],
)
def test_broken_markup_is_read_as_far_as_it_goes(
    markup: str, title: str, headings: tuple[str, ...], text: str
) -> None:
    page = read_page(markup)
    assert (page.title, page.headings, page.text) == (title, headings, text)


@given(st.text(alphabet="<>/!-hh1titlescrp \"'=&;#x", max_size=300))
def test_any_markup_is_read(markup: str) -> None:
    read_page(markup)


PIECES = (
    *("<", ">", "<p>", "</p>", "<b>", "</B>", "<h1>", "</h1>", "<title>", "</title>", "<script>", "</script>"),
    *("<!--", "-->", "<svg/>", "<?php", "</ p>", "<p", "<div class=blockMessage>", "</div>", "a", " ", "< 1 "),
)  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join), st.integers(1, 20))
def test_a_page_is_read_alike_in_however_many_parts(markup: str, characters: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("apps.checks.page._TAGS_AT_ONCE", characters)
        in_parts = read_page(markup)
    assert in_parts == read_page(markup)


@given(st.binary(max_size=300), st.text(max_size=40))
def test_any_bytes_are_read(body: bytes, content_type: str) -> None:
    content = Content(body, {"content-type": content_type})
    assert isinstance(content.page.title, str)
    assert 0 <= content.fingerprint() < 2**64
    _ = content.json


@pytest.mark.parametrize(
    "markup",
    [
        "<div>" * 200_000,
        "<p " + " ".join(f"a{number}=1" for number in range(100_000)) + ">",
        "<b></p>" * 140_000,
        "<" * 1_000_000,
        "<!--" * 250_000,
        "<script>" * 125_000,
        "<title>" * 140_000,
        "<h1>" * 250_000,
        "&amp" * 250_000,
        "<a href='" * 110_000,
    ],
    ids=["deep", "attributes", "misnested", "brackets", "comments", "scripts", "titles", "headings", "entities", "quotes"],
)  # fmt: skip
def test_hostile_markup_takes_no_longer_than_its_size(markup: str) -> None:
    # A pass over the tags takes a second at most; building a tree of these takes minutes.
    content = Content(markup.encode(), {"content-type": "text/html"})
    assert content.fingerprint() >= 0
    assert content.blocks(classes=["a"], ids=["1"]) == ()


@pytest.mark.parametrize(
    ("markup", "blocks"),
    [
        ('<div class="a notice b">It is <b>go</b>ne<div>.</div></div><p>after', ("It is gone .",)),
        ("<p id='notice'>one</p><section class=notice>two</section>", ("one", "two")),
        ('<input CLASS = "notice"><p>after', ("",)),
        ('<div class="notice">one<div class="notice">two</div></div>', ("one two",)),
        ('<div class="notice">never closed<p>goes on', ("never closed goes on",)),
        ('<div class="notice">a<script>"b"</script><!-- c -->d</div>', ("a d",)),
        ("<p>class=\"notice\" id='notice'</p>", ()),
        ("<script>document.write('<div class=\"notice\">x</div>')</script>", ()),
        ('<p title=\'x class="notice"\'>x</p><p data-class="notice">x</p>', ()),
        ('<p class="notices un-notice">x</p><p class>x</p></p class="notice">', ()),
    ],
)
def test_a_block_is_found_by_its_class_or_id_and_nothing_else(markup: str, blocks: tuple[str, ...]) -> None:
    assert read_blocks(markup, classes=["notice"], ids=["notice"]) == blocks


def test_a_block_has_an_end() -> None:
    (block,) = read_blocks('<p class="notice">' + "x" * 5_000, classes=["notice"])
    assert len(block) == 2_000
    assert len(read_blocks('<p class="notice">x</p>' * 100, classes=["notice"])) == 20


@pytest.mark.parametrize(
    ("markup", "notices"),
    [
        ("<div role=alert>User <b>not</b> found</div><p>after", ("User not found",)),
        ("<p ROLE='status'>one</p><div role='alertdialog note'>two</div>", ("one", "two")),
        ("<div class='blockMessage blockMessage--error'>gone</div>", ("gone",)),
        (
            '<div class="panel" id="message"><h2>Information</h2><p>No such user</p></div>',
            ("Information No such user",),
        ),
        ("<div class='message' id='messages'>words of a person</div>", ()),
        ("<p>role=alert</p><!-- <p role=alert>x</p> --><script>'<p role=alert>'</script>", ()),
        ("<div role=alert></div>", ()),
        (f"<div role=alert>{'word ' * 200}</div>", ()),
    ],
)
def test_a_status_block_is_what_a_page_says_about_itself(markup: str, notices: tuple[str, ...]) -> None:
    assert read_page(markup).notices == notices


@given(st.text(alphabet="<>/!-pclasid \"'=", max_size=300))
def test_any_markup_is_read_for_blocks(markup: str) -> None:
    read_blocks(markup, classes=["a"], ids=["d"])


@pytest.mark.parametrize(
    ("body", "content_type", "text"),
    [
        ("é".encode(), "text/html", "é"),
        ("é".encode("latin-1"), "text/html; charset=ISO-8859-1", "é"),
        ("я".encode("cp1251"), 'text/html; charset="windows-1251"', "я"),
        (b"<meta charset=koi8-r>" + "я".encode("koi8-r"), "text/html", "<meta charset=koi8-r>я"),
        ("é".encode("utf-8-sig"), "text/html; charset=latin-1", "é"),
        ("é".encode("utf-16"), "", "é"),
        (b"\xff", "text/html; charset=utf-8", "�"),
        ("é".encode(), "text/html; charset=rot13", "é"),
        ("é".encode(), "text/html; charset=unicode_escape", "é"),
        ("é".encode(), "text/html; charset=no-such", "é"),
        ("é".encode(), "text/html; charset=iso-8859-99", "é"),
    ],
)
def test_a_body_is_decoded_as_it_says(body: bytes, content_type: str, text: str) -> None:
    assert decode(body, content_type) == text


@pytest.mark.parametrize(
    "body",
    [b"", b"x", b"{", b"\xff{}", b"[" * 100_000, b"[1", b'{"a": ' + b"9" * 10_000 + b"}", b"<html>"],
)
def test_what_is_no_json_is_none(body: bytes) -> None:
    assert Content(body, {}).json is None


def test_json_is_read() -> None:
    assert Content(json.dumps({"a": [1]}).encode(), {}).json == {"a": [1]}


def test_wording_is_compared_without_regard_to_typography() -> None:
    assert normalise(" The page you\u2019re\u00a0looking for \u2014 isn\u2018t here\u2026 ") == (
        "the page you're looking for - isn't here..."
    )


WORDS = " ".join(f"word{number}" for number in range(400))


def test_near_texts_have_near_fingerprints() -> None:
    one = fingerprint(WORDS)
    assert distance(one, fingerprint(WORDS.replace("word200", "changed"))) <= 6
    assert distance(one, fingerprint(" ".join(f"other{number}" for number in range(400)))) > 16
    assert distance(one, one) == 0


def test_a_page_that_repeats_its_own_address_is_the_same_page() -> None:
    assert fingerprint("nothing at first-name here", ignoring=["first-name"]) == fingerprint(
        "nothing at second-name here", ignoring=["second-name"]
    )


def test_files_without_text_are_compared_by_their_bytes() -> None:
    headers = {"content-type": "image/png"}
    one, other = Content(b"\x89PNG1", headers), Content(b"\x89PNG2", headers)
    assert one.fingerprint() != other.fingerprint()
    assert one.fingerprint() == Content(b"\x89PNG1", headers).fingerprint()
    assert one.page.text == ""


@pytest.mark.parametrize(
    ("body", "value"),
    [
        ('x = {"a": [1, "}"]}; y = 2', {"a": [1, "}"]}),
        ("x =\n [1]", [1]),
        ('"x =" x = {', None),
        ('x = {broken} x = {"a": 1}', {"a": 1}),
        ("x = 5", None),
        ("y = {}", None),
        ("x = " + "[" * 100_000, None),
        ("x = {" * 1_000, None),
    ],
)
def test_json_is_found_after_its_mark(body: str, value: object) -> None:
    assert Content(body.encode(), {"content-type": "text/html"}).json_after("x =") == value
