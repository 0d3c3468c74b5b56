"""The method page says how published platforms are probed, and names no other."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.test import Client
from django.utils import translation

from apps.checks.outcomes import Outcome
from apps.exports.platform_methods import platform_methods
from apps.exports.published import CHARTS, Choices
from apps.platforms import registry
from tests.public.seeding import SLUG, make_public, seed

ALL = tuple(CHARTS)


def choices(charts: tuple[str, ...] = ALL, platforms: str = "names") -> Choices:
    return Choices(charts=charts, platforms=platforms, reports=True, items=False, dates="day")


def described(page: str) -> set[str]:
    return set(re.findall(r'<section id="platform-([\w-]+)"', page))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("chosen", "named"),
    [
        ({}, {"huggingface", "civitai"}),
        ({"platforms": "letters"}, set()),
        ({"charts": [name for name in CHARTS if name != "platforms"]}, set()),
    ],
    ids=["names", "letters", "no platforms"],
)
def test_only_platforms_that_are_published_by_name_are_described(
    chosen: dict[str, object], named: set[str], client: Client
) -> None:
    make_public(seed(), **chosen)
    page = client.get(f"/c/{SLUG}/method/").content.decode()
    assert described(page) == named | {"generic"}
    names = {definition.name for definition in registry.definitions().values()}
    headings = set(re.findall(r"<h3 [^>]*>([^<]+)</h3>", page))
    assert headings & names == {registry.platform_name(slug) for slug in named}


@pytest.mark.django_db
def test_it_says_how_each_kind_is_probed_and_what_counts_as_removed(client: Client) -> None:
    make_public(seed())
    page = unescape(client.get(f"/c/{SLUG}/method/").content.decode())
    definition = registry.definition("huggingface")
    assert definition is not None
    assert "<code>https://huggingface.co/‹owner›/‹name›</code>" in page
    assert "asked: an API, then the page" in page
    for signal in definition.signals:
        row = f"<code>{signal.name}</code>"
        assert (row in page) == (signal.outcome == Outcome.REMOVED), signal.id
    assert "<code>Access to this model has been disabled</code>" in page
    assert "the platform says so itself" in page
    assert "only of what was seen before; of anything else it cannot be told" in page


def test_what_is_said_of_every_site_is_the_same_for_every_campaign() -> None:
    everywhere = platform_methods([], choices())
    for keys, chosen in ((["a", "b"], choices(platforms="letters")), (["github"], choices(charts=()))):
        assert platform_methods(keys, chosen) == everywhere
    assert not any(rule.source for rule in everywhere[0].rules)


def test_a_letter_is_no_platform_of_that_name() -> None:
    """Letters stand for platforms, and there is a platform called X."""
    assert registry.definition("x") is not None
    keys = ["a", "x", "huggingface"]
    assert [one.key for one in platform_methods(keys, choices(platforms="letters"))] == ["generic"]
    assert [one.key for one in platform_methods(keys, choices())] == ["x", "huggingface", "generic"]


def test_what_cannot_be_told_is_said_in_each_language() -> None:
    (x, _) = platform_methods(["x"], choices())
    account = next(kind for kind in x.kinds if kind.name == "account")
    assert account.needs_person.startswith("X shows accounts only to those who are signed in.")
    with translation.override("de"):
        (x, _) = platform_methods(["x"], choices())
    konto = next(kind for kind in x.kinds if kind.name == "Konto")
    assert konto.needs_person.startswith("X zeigt Konten nur denen")


def test_every_platform_can_be_described_in_each_language() -> None:
    for language in ("en-gb", "de"):
        with translation.override(language):
            found = platform_methods(registry.definitions(), choices())
        assert [one.key for one in found] == [*registry.definitions(), "generic"]
        for one in found:
            for rule in one.rules:
                assert all(text.count("`") % 2 == 0 for text in rule.conditions), rule.signal
