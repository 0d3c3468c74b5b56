"""A campaign is private until it is published, public as chosen, and private again when withdrawn."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any
from xml.etree import ElementTree

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.checks.outcomes import Status
from apps.core import clock
from apps.exports.models import Publication, PublicSnapshot
from apps.exports.publication import UnusablePublication, publish, save_draft, withdraw
from apps.exports.published import CHARTS, Snapshot
from apps.exports.snapshots import published
from apps.public.addresses import path_of
from apps.public.pages import paths
from apps.reports.campaigns import change_campaign
from apps.reports.models import Campaign, Item
from apps.reports.replies import mark_errors
from tests.factories import at, make_campaign, make_person, make_report
from tests.metrics.watching import Look, record, watched
from tests.public.seeding import SECRETS, SLUG, TEXT, TITLE, make_draft, make_public, seed

pytestmark = pytest.mark.django_db
HOME = f"/c/{SLUG}/"


@pytest.fixture
def campaign() -> Campaign:
    return seed()


@pytest.fixture
def public(campaign: Campaign) -> Snapshot:
    make_public(campaign)
    return published(SLUG).snapshot()


def addresses(snapshot: Snapshot) -> list[str]:
    return [HOME + path_of(*here) for here in paths(snapshot)]


def test_it_works(public: Snapshot, client: Client) -> None:
    page = client.get(HOME).content.decode()
    assert TITLE in page
    assert TEXT.split("\n")[0] in page
    assert "29 of 61 eligible items are no longer accessible" in page
    assert TITLE in client.get("/").content.decode()
    for address in addresses(public):
        assert client.get(address).status_code == 200, address
        assert client.head(address).status_code == 200, address
        assert client.post(address).status_code == 405, address


def test_a_campaign_is_private_until_it_is_published_and_after_it_is_withdrawn(
    campaign: Campaign, client: Client
) -> None:
    assert client.get(HOME).status_code == 404
    make_public(campaign)
    everywhere = addresses(published(SLUG).snapshot())
    assert all(client.get(address).status_code == 200 for address in everywhere)
    withdraw(campaign=campaign, person=None)
    for address in everywhere:
        assert client.get(address).status_code == 404, address
    for page in ("/", "/sitemap.xml"):
        assert SLUG not in client.get(page).content.decode()
    assert not PublicSnapshot.objects.exists()


def test_an_unknown_page_is_not_found(public: Snapshot, client: Client) -> None:
    for rest in (
        "platforms/nobody/",
        "reports/99/",
        "embed/nothing/en/",
        "embed/removed/xx/",
        "charts/nothing.csv",
        "secret/",
    ):
        assert client.get(HOME + rest).status_code == 404, rest
    assert client.get("/c/no-such-campaign/").status_code == 404


def test_each_decision_is_kept_with_who_and_when(campaign: Campaign) -> None:
    anna = make_person("anna@example.org")
    make_public(campaign, anna)
    withdraw(campaign=campaign, person=anna)
    assert withdraw(campaign=campaign, person=anna) is None
    acts = list(Publication.objects.order_by("pk").values_list("act", "person__email"))
    assert acts == [(act, "anna@example.org") for act in ("saved", "published", "withdrawn")]


@pytest.mark.parametrize("meanwhile", ["saved", "withdrawn"])
def test_what_nobody_looked_at_is_not_published(meanwhile: str, campaign: Campaign, client: Client) -> None:
    """Two owners, or one in two windows: one has looked and publishes, the other was faster."""
    make_public(campaign)
    make_draft(campaign, items=False, title="Other words")
    client.force_login(make_person("anna@example.org", superuser=True))
    page = f"/workspace/{SLUG}/publication/"
    looked_at = re.search(r'name="seen" value="(\d+)"', client.get(page).content.decode())
    assert looked_at
    if meanwhile == "saved":
        make_draft(campaign, items=True, title="Other words")
    else:
        withdraw(campaign=campaign, person=None)
    before = Publication.objects.count()
    sent = {"act": "publish", "seen": looked_at[1]}
    said = client.post(page, sent).content.decode()
    assert "Nothing was published" in said
    assert Publication.objects.count() == before
    again = re.search(r'name="seen" value="(\d+)"', said)
    assert again
    client.post(page, sent | {"seen": again[1]})
    assert "Other words" in Client().get(HOME).content.decode()


def test_a_draft_changes_nothing_that_is_public(campaign: Campaign, client: Client) -> None:
    make_public(campaign)
    before = client.get(HOME).content
    save_draft(
        campaign=campaign,
        person=None,
        title="Another title",
        text="",
        charts=["removed"],
        platforms="letters",
        reports=False,
        items=False,
        dates="month",
    )
    assert client.get(HOME).content == before
    publish(campaign=campaign, person=None)
    page = client.get(HOME).content.decode()
    assert "Another title" in page
    assert client.get(f"{HOME}reports/1/").status_code == 404
    assert client.get(f"{HOME}platforms/a/").status_code == 404
    assert "chart-statuses" not in page


def test_nothing_is_published_that_was_not_saved(campaign: Campaign) -> None:
    with pytest.raises(UnusablePublication, match="Save what is to be public first"):
        publish(campaign=campaign, person=None)
    with pytest.raises(UnusablePublication, match="needs a title"):
        make_public(campaign, title=" ")
    with pytest.raises(UnusablePublication, match="no chart 'nothing'"):
        make_public(campaign, charts=["nothing"])
    with pytest.raises(UnusablePublication, match="Choose how platforms"):
        make_public(campaign, platforms="all")


@pytest.mark.parametrize("chart", CHARTS)
def test_a_chart_that_is_not_chosen_is_nowhere(chart: str, campaign: Campaign, client: Client) -> None:
    make_public(campaign, charts=[name for name in CHARTS if name != chart])
    page = client.get(HOME).content.decode()
    assert f'id="chart-{chart}"' not in page
    assert client.get(f"{HOME}embed/{chart}/en/").status_code == 404
    assert client.get(f"{HOME}charts/{chart}.csv").status_code == 404


def test_small_groups_are_withheld_and_so_is_what_would_give_them_away(
    public: Snapshot, client: Client
) -> None:
    assert {group.key: group.counts is None for group in public.platforms} == {
        "huggingface": False,
        "civitai": True,  # all less Hugging Face less this would be the two items of the other site
        "other": True,
    }
    assert [report.number for report in public.reports if report.counts is None] == [3, 4]
    page = client.get(f"{HOME}platforms/civitai/").content.decode()
    assert "These figures are withheld" in page
    assert "chart-" not in page
    summary = json.loads(client.get(f"{HOME}summary.json").content)
    named = [group["by"] for group in summary["groups"]]
    assert {"platform": "huggingface"} in named
    assert {"platform": "civitai"} not in named
    assert "does_not_apply" not in client.get(f"{HOME}summary.json").content.decode()


def test_groups_that_are_all_withheld_are_not_said_to_be_none(client: Client) -> None:
    campaign = make_campaign(SLUG)
    for platform in ("huggingface", "civitai"):
        report = make_report(campaign, platform=platform)
        for _ in range(4):
            watched(report, "up 1, gone 2 3 4")
    make_public(campaign)
    snapshot = published(SLUG).snapshot()
    assert snapshot.counts is not None
    assert [group.counts for group in snapshot.platforms] == [None, None]
    page = client.get(HOME).content.decode()
    assert "0 groups" not in page
    assert "These figures are withheld." in page


def test_a_campaign_that_is_too_small_shows_no_figure(client: Client) -> None:
    campaign = make_campaign(SLUG)
    for _ in range(3):
        watched(make_report(campaign), "up 1, gone 2 3 4")
    make_public(campaign)
    snapshot = published(SLUG).snapshot()
    assert snapshot.counts is None
    assert snapshot.summary == {}
    for address in addresses(snapshot):
        text = client.get(address).content.decode(errors="replace")
        assert "3 of 3" not in text, address
    assert "Fewer than 5 items so far" in client.get(HOME).content.decode()


def test_an_empty_campaign_can_be_published(client: Client) -> None:
    make_public(make_campaign(SLUG))
    for address in addresses(published(SLUG).snapshot()):
        assert client.get(address).status_code == 200, address


# ------------------------------------------------------------------------------------- answers that are kept


def test_a_reader_who_has_the_page_is_told_so_with_one_query(public: Snapshot, client: Client) -> None:
    first = client.get(HOME)
    assert first["Cache-Control"] == "public, max-age=60, stale-while-revalidate=600"
    assert first["Vary"] == "Accept-Language"
    assert "Set-Cookie" not in first
    with CaptureQueriesContext(
        connection,
    ) as asked:
        answer = client.get(HOME, headers={"If-None-Match": first["ETag"]})
    assert answer.status_code == 304
    assert answer.content == b""
    assert answer["ETag"] == first["ETag"]
    assert len(asked) == 1
    assert client.get(HOME, headers={"If-Modified-Since": first["Last-Modified"]}).status_code == 304
    assert client.get(HOME, headers={"If-None-Match": '"another"'}).status_code == 200


def test_a_process_that_has_just_looked_compares_without_asking_the_database(
    public: Snapshot, client: Client, settings: Any
) -> None:
    settings.PUBLIC_LOOK_SECONDS = 3600
    first = client.get(HOME)
    front = client.get("/")
    with CaptureQueriesContext(connection) as asked:
        assert client.get(HOME, headers={"If-None-Match": first["ETag"]}).status_code == 304
        assert client.get(HOME).content == first.content
        assert client.get("/", headers={"If-None-Match": front["ETag"]}).status_code == 304
    assert len(asked) == 0
    settings.PUBLIC_LOOK_SECONDS = 0
    withdraw(campaign=Campaign.objects.get(), person=make_person("anna@example.org", superuser=True))
    assert client.get(HOME).status_code == 404


def test_a_cache_in_front_can_keep_every_public_page_by_its_headers_alone(
    public: Snapshot, client: Client
) -> None:
    client.force_login(make_person())  # it must make no difference
    home = [HOME + path_of(*here) for here in paths(published(SLUG).snapshot())]
    for address in ["/", "/checker/", "/sitemap.xml", *home, f"{HOME}editions/"]:
        answer = client.get(address)
        assert answer.status_code == 200, address
        assert answer["Cache-Control"] == "public, max-age=60, stale-while-revalidate=600", address
        assert "Set-Cookie" not in answer, address
        assert answer.get("Vary", "Accept-Language") == "Accept-Language", address
        assert client.get(address, headers={"If-None-Match": answer["ETag"]}).status_code == 304, address
    assert client.get("/robots.txt")["Cache-Control"].startswith("public, max-age=")


def test_a_page_is_rendered_once_for_all_readers(public: Snapshot, client: Client) -> None:
    first = client.get(HOME)
    with CaptureQueriesContext(connection) as asked:
        assert client.get(HOME).content == first.content
    assert len(asked) == 1


def test_a_page_is_the_same_for_somebody_who_is_signed_in(public: Snapshot, client: Client) -> None:
    before = client.get(HOME)
    client.force_login(make_person())
    after = client.get(HOME)
    assert after.content == before.content
    assert after["ETag"] == before["ETag"]
    assert "Cookie" not in after["Vary"]


def test_a_change_of_the_record_makes_the_page_anew_once(campaign: Campaign, client: Client) -> None:
    with time_machine.travel(at(24 * 40), tick=False) as travel:
        make_public(campaign)
        before = client.get(HOME)
        travel.shift(timedelta(minutes=10))
        item = Item.objects.filter(target__status=Status.AVAILABLE, control=False).first()
        assert item
        record(item, [Look(24 * 40, "gone", person=True)])
        after = client.get(HOME)
        assert "30 of 61 eligible items are no longer accessible" in after.content.decode()
        assert after["ETag"] != before["ETag"]
        kept = PublicSnapshot.objects.get()
        travel.shift(timedelta(minutes=10))
        client.get(HOME)
        assert PublicSnapshot.objects.get().made_at == kept.made_at


@pytest.mark.parametrize("change", ["error", "smallest group", "hour"])
def test_what_else_makes_a_page_anew(change: str, campaign: Campaign, client: Client) -> None:
    with time_machine.travel(at(24 * 40), tick=False) as travel:
        make_public(campaign)
        travel.shift(timedelta(minutes=10))
        if change == "error":
            item = Item.objects.filter(control=False).first()
            assert item
            mark_errors(items=[item], reason="A wrong link.", person=make_person())
        elif change == "smallest group":
            change_campaign(campaign=campaign, name="Another", description="", minimum_n=20)
        else:
            travel.shift(timedelta(minutes=50))
        client.get(HOME)
        assert PublicSnapshot.objects.get().made_at == clock.wall()


def test_a_snapshot_that_cannot_be_made_leaves_the_one_before(
    campaign: Campaign, client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with time_machine.travel(at(24 * 40), tick=False) as travel:
        make_public(campaign)
        before = client.get(HOME)
        travel.shift(timedelta(hours=2))

        def broken(_: object) -> Snapshot:
            raise ValueError("broken")

        monkeypatch.setattr("apps.exports.snapshots.made_from", broken)
        after = client.get(HOME)
        assert after.status_code == 200
        assert after.content == before.content
        assert "could not be made" in caplog.text
        # It is not tried again by every reader.
        caplog.clear()
        client.get(HOME)
        assert caplog.text == ""


def test_a_snapshot_of_an_older_shape_is_made_anew(public: Snapshot, client: Client) -> None:
    PublicSnapshot.objects.update(version=0, content="{}")
    assert client.get(HOME).status_code == 200
    PublicSnapshot.objects.update(version=0, content={}, making_until=clock.wall() + timedelta(minutes=1))
    for path in (HOME, f"{HOME}editions/"):
        answer = client.get(f"{path}?lang=de")
        assert answer.status_code == 503
        assert answer["Retry-After"] == "5"
        assert "Diese Seite wird gerade erstellt." in answer.content.decode()


# -------------------------------------------------------------------------------------------- kinds of pages


def test_only_charts_by_themselves_may_be_framed(public: Snapshot, client: Client) -> None:
    for address in addresses(public):
        answer = client.get(address)
        policy = answer["Content-Security-Policy"]
        if "/embed/" in address:
            assert "frame-ancestors *" in policy
            assert "X-Frame-Options" not in answer
        else:
            assert "frame-ancestors 'none'" in policy, address
            assert answer["X-Frame-Options"] == "DENY"
        assert "unsafe" not in policy


def test_the_feed_has_counts_by_day_and_no_item(public: Snapshot, client: Client) -> None:
    answer = client.get(f"{HOME}feed.atom")
    assert answer["Content-Type"] == "application/atom+xml; charset=utf-8"
    atom = "{http://www.w3.org/2005/Atom}"
    feed = ElementTree.fromstring(answer.content)
    entries = feed.findall(f"{atom}entry")
    assert entries
    newest = entries[0].findtext(f"{atom}summary") or ""
    assert "Of 61 reported items at the end of the day" in newest
    assert len({entry.findtext(f"{atom}id") for entry in entries}) == len(entries)


def test_the_badge_is_well_formed_and_says_what_it_shows(public: Snapshot, client: Client) -> None:
    answer = client.get(f"{HOME}badge.svg")
    assert answer["Content-Type"].startswith("image/svg+xml")
    ElementTree.fromstring(answer.content)
    assert "still up: 29 of 61" in answer.content.decode()


def test_a_search_engine_is_told_of_the_data_set(public: Snapshot, client: Client) -> None:
    page = client.get(HOME).content.decode()
    block = re.search(r'<script type="application/ld\+json">(.*?)</script>', page)
    assert block
    dataset = json.loads(block[1])
    assert dataset["@type"] == "Dataset"
    assert dataset["name"] == TITLE
    assert "http://127.0.0.1:8000/c/listed-models/summary.json" in json.dumps(dataset)
    assert 'property="og:image"' in page
    assert 'type="application/atom+xml"' in page
    assert 'content="noindex' not in page
    sitemap = client.get("/sitemap.xml").content.decode()
    assert "<loc>http://127.0.0.1:8000/c/listed-models/</loc>" in sitemap
    ElementTree.fromstring(sitemap)


def test_a_hostile_title_stays_text(campaign: Campaign, client: Client) -> None:
    make_public(campaign, title='</script><script>alert(1)</script>" onload="x', text="<b>bold</b> & \x01")
    for address in addresses(published(SLUG).snapshot()):
        answer = client.get(address)
        text = answer.content.decode(errors="replace")
        assert "<script>alert" not in text, address
        assert "<b>bold" not in text, address
        if "xml" in answer["Content-Type"]:
            ElementTree.fromstring(answer.content)


def test_the_method_is_what_the_code_does(public: Snapshot, client: Client) -> None:
    page = " ".join(re.sub(r"<[^>]+>", " ", client.get(f"{HOME}method/").content.decode()).split())
    for fact in (
        "after 3 such answers that span 24 hours",
        "after 2 that span 1 hour",
        "at least 15 minutes and at most 7 days",
        "fewer than 5 items",
        "behind a bot wall",
        "Share removed share_removed",
    ):
        assert fact in page, fact


# ------------------------------------------------------------------------------------------------- languages


@pytest.mark.parametrize(
    ("path", "accepts", "language"),
    [
        (HOME, "", "en-GB"),
        (HOME, "de-AT,de;q=0.9", "de"),
        (HOME, "fr,de;q=0.5", "de"),
        (HOME, "fr", "en-GB"),
        (f"{HOME}?lang=de", "en", "de"),
        (f"{HOME}?lang=en", "de", "en-GB"),
        (f"{HOME}?lang=xx", "de", "de"),
    ],
)
def test_the_language_is_the_addresses_else_the_browsers(
    path: str, accepts: str, language: str, public: Snapshot, client: Client
) -> None:
    answer = client.get(path, headers={"Accept-Language": accepts} if accepts else {})
    assert answer["Content-Language"] == language
    assert f'<html lang="{language}" dir="ltr">' in answer.content.decode()
    assert ("Vary" in answer) == ("?lang=xx" in path or "?" not in path)


def test_a_language_that_was_asked_for_stays(public: Snapshot, client: Client) -> None:
    page = client.get(f"{HOME}?lang=de").content.decode()
    assert f'href="{HOME}method/?lang=de"' in page
    assert f'href="{HOME}?lang=en"' in page
    assert client.get(f"{HOME}?lang=de")["ETag"] != client.get(f"{HOME}?lang=en")["ETag"]


# --------------------------------------------------------------------------------------------------- preview


def test_a_preview_is_the_public_page_before_it_is_public(campaign: Campaign, client: Client) -> None:
    anna = make_person("anna@example.org", superuser=True)
    client.force_login(anna)
    base = f"/workspace/{SLUG}/publication/preview/"
    with time_machine.travel(at(24 * 40), tick=False):
        assert (
            SECRETS["name"] in client.get(base).content.decode()
        )  # the campaign's own name, until one is chosen
        make_public(campaign)
        before = client.get(base).content.decode()
        assert 'content="noindex, nofollow"' in before
        assert f"{base}method/" in before
        assert "public, max-age" not in client.get(base)["Cache-Control"]
        after = Client().get(HOME).content.decode()
        only = re.compile(r"<article>.*</article>", re.DOTALL)
        shown, seen = (only.search(page) for page in (before, after))
        assert shown
        assert seen
        assert shown[0].replace(base, HOME) == seen[0]


def test_only_who_manages_a_campaign_sees_its_preview(campaign: Campaign, client: Client) -> None:
    make_public(campaign)
    base = f"/workspace/{SLUG}/publication/preview/"
    for here in paths(published(SLUG).snapshot()):
        path = base + path_of(*here)
        assert Client().get(path).status_code == 302, path
        client.force_login(make_person())
        assert client.get(path).status_code == 404, path
