"""The pages that say what is known of each platform."""

from __future__ import annotations

import re
from html import unescape

import pytest
from pytest_django import DjangoAssertNumQueries

from apps.checks.knowledge import knowledge
from apps.checks.models import Canary, DefinitionState, Host
from apps.checks.outcomes import Outcome, Reason
from apps.checks.signals import generic_signals
from apps.platforms import registry
from tests.factories import at, make_item, make_report, make_target
from tests.workspace.conftest import Team
from tests.workspace.test_campaigns import text_of

pytestmark = pytest.mark.django_db
LIST = "/workspace/platforms/"


def plain(page: str) -> str:
    """The words of a page without its tags."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_it_works(team: Team) -> None:
    page = text_of(team.client("viewer"), LIST)
    for definition in registry.definitions().values():
        assert f'<a href="{LIST}{definition.slug}/">{definition.name}</a>' in page
    assert f'<a href="{LIST}generic/">Every site</a>' in page


def test_a_page_has_every_kind_probe_and_signal_of_its_definition(team: Team) -> None:
    client = team.client("viewer")
    for slug, definition in registry.definitions().items():
        page = text_of(client, f"{LIST}{slug}/")
        for kind in definition.kinds:
            assert f">{kind.name}</h3>" in page, slug
            assert not kind.needs_person or kind.needs_person in unescape(plain(page)), slug
        for name in {name for kind in definition.kinds for name in kind.probes}:
            assert f"<code>{name}</code>: " in page, slug
        places = []
        for signal in definition.signals:
            mark = f'<tr role="row" id="{signal.id}">'
            row = page.partition(mark)[2].partition("</tr>")[0]
            assert f"<code>{signal.name}</code>" in row, slug
            assert f"{signal.confidence}, {signal.verified.isoformat()}" in row, slug
            assert ("definitive" in row) == signal.definitive, slug
            places.append(page.index(mark))
        assert places == sorted(places), slug


def test_the_rules_for_every_site_have_a_page_of_the_same_form(team: Team) -> None:
    page = text_of(team.client("viewer"), f"{LIST}generic/")
    rules = generic_signals()
    for signal in rules.signals:
        assert f"<code>{signal.name}</code>" in page
    assert f"<code>generic:{rules.comparison.name}</code>" in page
    assert f"The {len(rules.phrases) + len(rules.whole_titles)} phrases" in page


def test_an_unknown_platform_has_no_page(team: Team) -> None:
    assert team.client("viewer").get(f"{LIST}example-org/").status_code == 404


def test_what_is_watched_is_counted_for_ones_own_campaigns(team: Team) -> None:
    report, again = make_report(team.campaign), make_report(team.campaign)
    last = at(5)
    for checked in (at(3), last, None):
        target = make_target(platform="github", last_check_at=checked)
        for each in (report, again):  # reported twice, watched once
            make_item(each, target)
    make_item(report, make_target(platform="example.net"))
    theirs = team.people["stranger"].memberships.get().campaign
    make_item(make_report(theirs), make_target(platform="github"))
    page = text_of(team.client("viewer"), f"{LIST}github/")
    assert "3 URLs of your campaigns" in page
    assert f'last check <time datetime="{last:%Y-%m-%dT%H:%M:%SZ}">' in page
    assert "1 URL of your campaigns" in text_of(team.client("viewer"), f"{LIST}generic/")
    assert "1 URL of your campaigns" in text_of(team.client("stranger"), f"{LIST}github/")
    assert "4 URLs of your campaigns" in text_of(team.client("administrator"), f"{LIST}github/")
    assert "nothing in your campaigns" in text_of(team.client("viewer"), f"{LIST}huggingface/")


def test_the_list_takes_few_queries(team: Team, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    for platform in ("github", "huggingface", "example.net"):
        make_item(make_report(team.campaign), make_target(platform=platform))
    client = team.client("viewer")
    with django_assert_num_queries(6):  # session, person, targets, stale definitions, roles, the bell
        client.get(LIST)


def test_a_kind_shows_how_its_addresses_look() -> None:
    known = next(each for each in knowledge() if each.slug == "huggingface")
    model = next(kind for kind in known.kinds if kind.name == "model")
    assert model.shapes == ("https://huggingface.co/‹owner›/‹name›",)
    assert [(probe.name, probe.format) for probe in model.probes] == [("api", "json"), ("page", "page")]
    assert model.probes[0].shape == "https://huggingface.co/api/models/‹owner›/‹name›"


def test_whether_a_token_is_used_is_said_only_where_there_is_one(team: Team, settings: object) -> None:
    path = f"{LIST}huggingface/"
    assert "with the platform’s token" not in text_of(team.client("viewer"), path)
    settings.PLATFORM_TOKENS = {"huggingface": "example-token"}  # type: ignore[attr-defined]
    page = text_of(team.client("viewer"), path)
    assert "with the platform’s token" in page
    assert "example-token" not in page


def test_a_definition_that_has_gone_stale_says_so(team: Team) -> None:
    DefinitionState.objects.create(platform="github", stale_since=at(3), why="Its known-good page is off.")
    stamp = f'<time datetime="{at(3):%Y-%m-%dT%H:%M:%SZ}">'
    link = f'<a href="{LIST}stale/#github">'
    listed = text_of(team.client("viewer"), LIST)
    assert f"{link}stale</a> since {stamp}" in listed
    assert listed.count(">stale</a> since") == 1
    page = text_of(team.client("viewer"), f"{LIST}github/")
    assert stamp in page
    assert "Its known-good page is off." in page
    assert link in page


def test_a_page_shows_how_its_canaries_were_read(team: Team) -> None:
    Canary.objects.create(
        platform="github",
        kind="account",
        expects=Outcome.AVAILABLE,
        key="https://github.com/example-user",
        host=Host.objects.create(name="github.com"),
        checked_at=at(4),
        outcome=Outcome.REMOVED,
        reason=Reason.NOT_FOUND,
        signal="github:account-missing@1",
    )
    page = text_of(team.client("viewer"), f"{LIST}github/")
    assert "known-good account: not found <strong>(wrong)</strong>" in page
    assert "github:account-missing@1" in page
