"""The site's own pages for everyone. They say what is published here and what the checker does."""

from __future__ import annotations

import hashlib
from html import escape

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.views.decorators.http import require_safe

from apps.accounts.permissions import for_everyone
from apps.exports.snapshots import Headline, NotPublished, NotReady, headlines, published

from .addresses import Addresses, path_of
from .answers import CACHE_CONTROL, kept_answer, simulated
from .languages import Language, language_of
from .pages import HTML, Document, paths

PAGES_IN_SITEMAP = {"campaign", "platform", "report", "method", "data"}


@for_everyone
@require_safe
def front(request: HttpRequest) -> HttpResponseBase:
    """What this site is, and the campaigns that are published."""
    language, found = language_of(request), headlines()

    def make() -> Document:
        return front_document(language, found)

    return kept_answer(request, language, _etag(found), None, make, key="front")


def front_document(language: Language, found: list[Headline]) -> Document:
    """The front page with these campaigns."""
    campaigns = [
        {
            "title": headline.title,
            "finding": headline.findings.get(language.code, ""),
            "since": headline.since,
            "as_of": headline.as_of,
            "address": reverse("public:campaign", args=[headline.slug]) + language.query,
        }
        for headline in found
    ]
    return _site_page("public/front.html", Addresses(language), {"campaigns": campaigns})


def _etag(found: list[Headline]) -> str:
    made_of = "".join(f"{headline.slug} {headline.etag};" for headline in found)
    return hashlib.sha256(made_of.encode()).hexdigest()


@for_everyone
@require_safe
def checker(request: HttpRequest) -> HttpResponseBase:
    """What the checker's User-Agent points to: who asks, how often, what is kept, how to limit it."""
    facts = {
        "site_url": settings.SITE_URL,
        "contact_url": settings.CHECK_CONTACT_URL,
        "interval": settings.CHECK_HOST_INTERVAL,
        "concurrency": settings.CHECK_HOST_CONCURRENCY,
        "timeout": settings.CHECK_TIMEOUT,
        "max_bytes": settings.CHECK_MAX_BYTES,
        "contact_email": settings.CHECK_CONTACT_EMAIL,
    }
    language = language_of(request)

    def make() -> Document:
        return _site_page("public/checker.html", Addresses(language, here=("checker",)), facts)

    etag = hashlib.sha256(repr(sorted(facts.items())).encode()).hexdigest()
    return kept_answer(request, language, etag, None, make, key="checker")


def _site_page(template: str, addresses: Addresses, facts: dict[str, object]) -> Document:
    with translation.override(addresses.language.code):
        known = {"addresses": addresses, "switches": addresses.switches(), **simulated(), **facts}
        return Document(render_to_string(template, known).encode(), HTML)


@for_everyone
@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """Search engines may read the public pages and have nothing to look for behind the sign-in."""
    facts = {"sitemap": settings.SITE_URL + reverse("public:sitemap")}
    answer = render(request, "public/robots.txt", facts, content_type="text/plain; charset=utf-8")
    answer["Cache-Control"] = CACHE_CONTROL
    return answer


@for_everyone
@require_safe
def sitemap(request: HttpRequest) -> HttpResponseBase:
    """Every public page, for search engines."""
    found = headlines()

    def make() -> Document:
        return sitemap_document(found)

    return kept_answer(request, Language("en-gb", asked=True), _etag(found), None, make, key="sitemap")


def sitemap_document(found: list[Headline]) -> Document:
    """The sitemap of these campaigns."""
    lines = [f"<url><loc>{escape(address)}</loc></url>" for address in _public_addresses(found)]
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{"".join(lines)}</urlset>\n'
    )
    return Document(body.encode(), "application/xml; charset=utf-8")


def _public_addresses(found: list[Headline]) -> list[str]:
    addresses = [settings.SITE_URL + reverse(f"public:{route}") for route in ("front", "checker")]
    for headline in found:
        try:
            snapshot = published(headline.slug).snapshot()
        except (NotPublished, NotReady):
            continue
        home = settings.SITE_URL + reverse("public:campaign", args=[headline.slug])
        addresses += [home + path_of(*here) for here in paths(snapshot) if here[0] in PAGES_IN_SITEMAP]
        addresses.append(home + path_of("editions"))
    return addresses
