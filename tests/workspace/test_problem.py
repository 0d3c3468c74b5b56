"""Overruling a verdict offers a report of the definition: a recording and a case about an example."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache

from apps.checks.classification import classify
from apps.checks.generic_cases import ANY_SITE
from apps.checks.har import HarFetch
from apps.checks.models import Check, Host
from apps.checks.outcomes import Outcome, Reason
from apps.checks.problem_report import TO_BE_WRITTEN
from apps.checks.recording import NewCheck, append
from apps.checks.self_test import run_case
from apps.checks.services import Wanted, watch_targets
from apps.core.canonical import canonicalise
from apps.platforms import registry
from apps.platforms.cases import load_cases
from apps.platforms.matching import match
from apps.reports.models import Item
from tests.checks.recordings import one_page_site
from tests.factories import at, make_item, make_report
from tests.workspace.conftest import Team
from tests.workspace.test_campaigns import text_of

pytestmark = pytest.mark.django_db
SECRETS = ("zqkxv-account", "wjzqx-item", "qqzzw-note")

DEFINITION = """\
slug = "example-site"
name = "Example Site"
hosts = ["{host}"]

[[probes]]
name = "page"
url = "{{url}}"
generic = false

[[kinds]]
name = "thing"
path = '/u/(?P<account>[\\w-]+)/(?P<name>[\\w-]+)'
key = "http://{host}/u/{{account}}/{{name}}"
account = "{{account}}"
probes = ["page"]
{needs_person}

[[signals]]
id = "missing"
version = 1
outcome = "removed"
reason = "not_found"
source = "the fiction of this test"
verified = 2026-01-31
confidence = "verified"
[signals.when]
status = 404
title = ["A fine"]

[[signals]]
id = "up"
version = 1
outcome = "available"
reason = "ok"
source = "the fiction of this test"
verified = 2026-01-31
confidence = "verified"
[signals.when]
status = 200
"""


@pytest.fixture
def site(settings: Any) -> Iterator[str]:
    settings.CHECK_HOST_INTERVAL = 0
    cache.clear()
    with one_page_site(settings) as address:
        yield address


@pytest.fixture
def define(site: str, tmp_path: Path, settings: Any) -> Any:
    """Makes a definition of the site, which then reads its things as gone."""

    def made(*, needs_person: str = "") -> None:
        host = site.removeprefix("http://")
        line = f'needs_person = "{needs_person}"' if needs_person else ""
        (tmp_path / "example-site.toml").write_text(DEFINITION.format(host=host, needs_person=line))
        settings.PLATFORM_DEFINITION_DIRS = [tmp_path]

    return made


def watched(team: Team, url: str, outcome: Outcome = Outcome.REMOVED) -> Item:
    """An item of a URL that the checker saw, and then read as something else."""
    found = match(canonicalise(url))
    target = watch_targets([Wanted(found, at(0))])[found.key]
    item = make_item(make_report(team.campaign, platform=found.platform), target)
    item.note = SECRETS[2]
    item.save()
    reason = Reason.NOT_FOUND if outcome == Outcome.REMOVED else Reason.BOT_WALL
    append([NewCheck(target.pk, at(1), at(1), Outcome.AVAILABLE, Reason.OK)])
    append([NewCheck(target.pk, at(2), at(2), outcome, reason, signal="example-site:missing@1")])
    return item


def thing(site: str) -> str:
    return f"{site}/u/{SECRETS[0]}/{SECRETS[1]}"


def page_of(team: Team, item: Item) -> str:
    return f"/workspace/{team.campaign.slug}/items/{item.pk}/problem/"


def overrule(team: Team, item: Item, outcome: str = "available") -> str:
    """A reviewer's word, and the page that they see then."""
    answer = team.client("reviewer").post(
        f"/workspace/{team.campaign.slug}/review/{item.pk}/",
        {"outcome": outcome, "note": SECRETS[2]},
        follow=True,
    )
    return " ".join(answer.content.decode().split())


def files_in(content: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(content)) as bundle:
        return {
            name.removeprefix("definition-problem/"): bundle.read(name).decode() for name in bundle.namelist()
        }


def test_it_works(team: Team, site: str, define: Any, tmp_path: Path) -> None:
    define()
    item = watched(team, thing(site))
    address = page_of(team, item)
    assert f'<a href="{address}">Report it as a problem of the definition</a>' in overrule(team, item)
    assert f'<a href="{address}">' in text_of(team.client("reviewer"), address.removesuffix("problem/"))
    client = team.client("reviewer")
    page = text_of(client, address)
    assert "because no answer is ever kept" in page
    assert "example-site:missing@1" in page
    before = Check.objects.count()
    answer = client.post(address, {"reason": "ok"})
    assert answer["Content-Disposition"] == 'attachment; filename="definition-problem-example-site.zip"'
    assert "no-store" in answer["Cache-Control"]
    files = files_in(answer.content)
    assert set(files) == {"README.txt", "exchange.har", "example-site.toml"}
    for name, text in files.items():
        for secret in SECRETS:
            for part in (secret, *secret.split("-")[:1]):
                assert part not in text, name
    assert Check.objects.count() == before

    # The case is read and run by the runner of all cases: it fails, as long as the definition says so.
    path = tmp_path / "read-back.toml"
    path.write_text(files["example-site.toml"])
    (case,) = load_cases(path)
    definition = registry.definition("example-site")
    assert definition is not None
    assert run_case(definition, case).problems == (
        f"says removed not_found by missing and should say available ok by {TO_BE_WRITTEN}",
    )
    # And the recording is judged as the platform was.
    told = classify(match(canonicalise(case.url)), HarFetch.from_text(files["exchange.har"]), seen=True)
    assert told.observation.verdict.signal == "example-site:missing@1"
    assert case.url in files["README.txt"]


def test_a_site_without_a_definition_is_not_named(team: Team, site: str, tmp_path: Path) -> None:
    item = watched(team, f"{site}/{SECRETS[0]}/{SECRETS[1]}")
    overrule(team, item)
    files = files_in(team.client("reviewer").post(page_of(team, item), {"reason": "ok"}).content)
    assert set(files) == {"README.txt", "exchange.har", "generic.toml"}
    for text in files.values():
        assert site.removeprefix("http://") not in text
        assert not any(secret in text for secret in SECRETS)
    assert "http://www.example.org/" in files["exchange.har"]
    path = tmp_path / "read-back.toml"
    path.write_text(files["generic.toml"])
    (case,) = load_cases(path)
    (told,) = run_case(ANY_SITE, case).problems
    assert told.startswith(
        "says removed not_found by generic:not-found and should say available ok by generic:"
    )


def test_where_the_checker_agrees_by_now_there_is_nothing_to_report(team: Team, site: str) -> None:
    item = watched(team, f"{site}/list/an-item")
    overrule(team, item)
    page = team.client("reviewer").post(page_of(team, item), {"reason": "ok"})
    assert page["Content-Type"].startswith("text/html")
    assert "The checker says available now, as you did." in page.content.decode()


def test_a_host_that_cannot_be_asked_now_is_said(team: Team, site: str) -> None:
    item = watched(team, f"{site}/gone")
    overrule(team, item)
    Host.objects.update(lease_token="a" * 32, lease_until=at(10_000_000))
    page = team.client("reviewer").post(page_of(team, item), {"reason": "ok"})
    assert "The checker is asking this site at this moment." in page.content.decode()


@pytest.mark.parametrize("outcome", ["removed", "inconclusive"])
def test_whoever_agrees_or_cannot_tell_is_offered_nothing(outcome: str, team: Team, site: str) -> None:
    item = watched(team, f"{site}/gone")
    assert "Report it as a problem" not in overrule(team, item, outcome)
    answer = team.client("reviewer").get(page_of(team, item))
    assert answer["Location"] == page_of(team, item).removesuffix("problem/")


def test_what_a_definition_leaves_to_people_is_no_problem_of_it(team: Team, site: str, define: Any) -> None:
    define(needs_person="The site shows things only to those who are signed in.")
    item = watched(team, thing(site), Outcome.INCONCLUSIVE)
    assert "Report it as a problem" not in overrule(team, item)
    # A removal that is none is one all the same.
    other = watched(team, f"{thing(site)}-2")
    assert "Report it as a problem" in overrule(team, other)


def test_the_reason_has_to_be_one_of_the_outcome(team: Team, site: str) -> None:
    item = watched(team, f"{site}/gone")
    overrule(team, item)
    page = team.client("reviewer").post(page_of(team, item), {"reason": "parked"})
    assert "Select a valid choice" in page.content.decode()


def test_a_manual_check_on_the_items_own_page_is_an_overruling_too(team: Team, site: str) -> None:
    item = watched(team, f"{site}/gone")
    page = team.client("reviewer").post(
        page_of(team, item).removesuffix("problem/"),
        {"outcome": "available", "note": "It opens."},
        follow=True,
    )
    assert "Report it as a problem of the definition" in page.content.decode()
    assert "Report it" not in text_of(team.client("viewer"), page_of(team, item).removesuffix("problem/"))
