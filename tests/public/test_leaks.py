"""Nothing public holds a reported URL, an account, or a word that somebody wrote into the record."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from html import unescape
from urllib.parse import unquote, urlsplit
from zipfile import ZipFile

import pytest
from django.conf import settings
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from apps.checks.models import Target
from apps.exports.editions import publish_edition
from apps.exports.models import Publication, PublicSnapshot
from apps.exports.published import CHARTS
from apps.public.addresses import ROUTES
from apps.public.languages import SHORT
from apps.reports.models import Campaign
from tests.factories import make_person
from tests.public.seeding import SECRETS, SLUG, make_public, seed

pytestmark = pytest.mark.django_db

LINK = re.compile(
    r"""(?:href|src|content|data-library|data-copy)=["']([^"']+)["']|<(?:loc|id|link)>([^<]+)<"""
)
HARMLESS = {"models", "example", "bulk"}
"""Path segments of the test's own URLs that are plain words."""


def crawl(
    client: Client, *starts: str, same: Callable[[str], object] = str, refused: bool = False
) -> dict[str, str]:
    """Every answer that can be reached from `starts` on this site: its address and its text, headers too.

    Of addresses for which `same` gives the same, one is asked. `refused` takes refusals in, too.
    """
    found: dict[str, str] = {}
    known: set[object] = set()
    waiting = list(starts)
    while waiting:
        address = waiting.pop()
        if same(address) in known:
            continue
        known.add(same(address))
        answer = client.get(address)
        if answer.status_code != 200 and not refused:
            continue
        content = getattr(answer, "content", None)
        body = b"".join(answer.streaming_content) if content is None else content  # type: ignore[arg-type]
        text = plain_text(body)
        found[address] = f"{dict(answer.headers)}\n{text}"
        waiting += links(address, text)
    return found


def plain_text(body: bytes) -> str:
    """What somebody reads who has an answer's bytes: of a zip (an XLSX is one), all that is in it."""
    if not body.startswith(b"PK"):
        return body.decode("utf-8-sig", "replace")
    with ZipFile(io.BytesIO(body)) as packed:
        return "\n".join(f"{name}\n{plain_text(packed.read(name))}" for name in packed.namelist())


def links(address: str, text: str) -> Iterator[str]:
    for groups in LINK.findall(text):
        for target in map(unescape, filter(None, groups)):
            framed = target.split('"')[1] if "<iframe" in target else target
            try:
                parts = urlsplit(urlsplit(address).path + framed if framed.startswith("?") else framed)
            except ValueError:  # the shape of an address, or a defanged one
                continue
            if parts.netloc and f"{parts.scheme}://{parts.netloc}" != settings.SITE_URL:
                continue
            if parts.path.startswith("/"):
                yield parts.path + (f"?{parts.query}" if parts.query else "")


def public_patterns() -> set[str]:
    """Every address of the public room that a reader can be at, as Django writes it."""
    found = set()

    def walk(patterns: list[URLPattern | URLResolver], before: str) -> None:
        for each in patterns:
            route = before + str(each.pattern)
            if isinstance(each, URLResolver):
                walk(each.url_patterns, route)
            elif each.callback.__module__.startswith("apps.public"):
                found.add(route)

    walk(get_resolver().url_patterns, "")
    return {route for route in found if not route.startswith("workspace/")}


def fragments() -> set[str]:
    """What would give an item away: accounts, path segments, hosts of unknown sites, and words."""
    found = set(SECRETS.values())
    for target in Target.objects.select_related("host"):
        parts = urlsplit(target.key)
        found |= {unquote(segment) for segment in parts.path.split("/") if len(segment) > 3}
        found |= {target.account, target.host.name, target.key_digest, target.commitment, target.salt}
    return {fragment for fragment in found if fragment and fragment not in HARMLESS}


def leaks(pages: dict[str, str], secrets: set[str]) -> list[tuple[str, str]]:
    """Where which secret stands. The pages are made plain first: as a browser and as an address is read."""
    plain = {address: f"{text}\n{unquote(unescape(text))}".lower() for address, text in pages.items()}
    wanted = {secret.lower() for secret in secrets}
    return [(address, secret) for address, text in plain.items() for secret in wanted if secret in text]


def everything(client: Client) -> dict[str, str]:
    """All that is public, in each language."""
    starts = ["/", "/robots.txt", "/sitemap.xml", "/checker/"]
    pages = crawl(client, *starts)
    for language in SHORT.values():
        pages |= crawl(client, *(f"{start}?lang={language}" for start in starts))
    return pages


@pytest.fixture
def campaign() -> Campaign:
    return seed(make_person("zq-person@example.org"))


@pytest.mark.parametrize("platforms", Publication.Platforms.values)
@pytest.mark.parametrize("dates", Publication.Dates.values)
def test_no_public_page_or_file_holds_a_fragment_of_what_was_reported(
    platforms: str, dates: str, campaign: Campaign, client: Client
) -> None:
    make_public(campaign, platforms=platforms, dates=dates, items=True)
    for _ in range(2):
        publish_edition(campaign=campaign, person=None, note="As cited.")
    pages = everything(client)
    assert leaks(pages, fragments()) == []
    # The crawl got everywhere: each kind of page is among them, in both languages.
    patterns = public_patterns()
    assert {f"c/<slug:slug>/{pattern}" for pattern in ROUTES.values()} <= patterns
    for pattern in patterns:
        shape = re.compile(
            "/" + re.sub(r"<\w+:\w+>", "[^/?]+", pattern).replace(".", r"\.") + r"(\?lang=\w+)?"
        )
        reached = {match[1] for address in pages if (match := shape.fullmatch(address))}
        assert reached >= {None} or reached >= {"?lang=en", "?lang=de"}, pattern
    for name in CHARTS:
        assert {f"/c/{SLUG}/embed/{name}/{language}/" for language in SHORT.values()} <= set(pages), name
        assert any(f"/charts/{name}.csv" in address for address in pages), name


def test_the_snapshot_itself_holds_none(campaign: Campaign) -> None:
    make_public(campaign)
    row = PublicSnapshot.objects.get()
    assert leaks({"content": repr(row.content), "headline": repr(row.headline)}, fragments()) == []


def test_letters_name_no_platform(campaign: Campaign, client: Client) -> None:
    make_public(campaign, platforms="letters")
    pages = everything(client)
    assert any("Platform A" in text for text in pages.values())
    assert leaks(pages, {"hugging", "civitai"}) == []


def test_months_name_no_day_of_a_report(campaign: Campaign, client: Client) -> None:
    make_public(campaign, dates="month")
    pages = {address: text for address, text in everything(client).items() if "/c/" in address}
    assert leaks(pages, {"2026-03-10", "10 March", "10. März"}) == []


@pytest.mark.parametrize("where", ["title", "text"])
def test_the_crawl_finds_what_is_planted(where: str, campaign: Campaign, client: Client) -> None:
    make_public(campaign, **{where: f"About {SECRETS['account']}-3."})
    assert leaks(crawl(client, "/"), fragments())


@pytest.mark.parametrize("path", ["data/", "method/", "embed/removed/de/", "charts/removed.csv", "feed.atom"])
def test_the_crawl_reads_every_kind_of_page(
    path: str, campaign: Campaign, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is planted into one page alone is found there."""
    make_public(campaign)
    get = client.get

    def planted(address: str, **options: object) -> object:
        answer = get(address)
        if urlsplit(address).path == f"/c/{SLUG}/{path}":
            answer.content += SECRETS["note"].encode()
        return answer

    monkeypatch.setattr(client, "get", planted)
    found = leaks(crawl(client, "/"), fragments())
    assert {urlsplit(address).path for address, _ in found} == {f"/c/{SLUG}/{path}"}
