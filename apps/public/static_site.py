"""The public side as files: every page in every language, with links that work from any folder.

Pages come from the views that serve them, so there is nothing here that a page says. The first language has
the addresses of the site itself; the others have a folder each, but for what has its language in its address
already. Addresses for other sites (canonical links, feeds, snippets) stay those of the site.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import cast
from urllib.parse import parse_qs, quote, unquote, urljoin, urlsplit

from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.handlers.wsgi import WSGIRequest
from django.http import Http404, HttpResponse
from django.templatetags.static import static
from django.urls import Resolver404, resolve, reverse

from apps.exports.editions import UnknownEdition, public_content, public_editions
from apps.exports.folders import Content
from apps.exports.published import LANGUAGES
from apps.exports.snapshots import Headline, NotPublished, NotReady, headlines, published

from .addresses import IN_ONE_LANGUAGE, path_of
from .languages import SHORT, Language
from .pages import paths
from .relinking import relinked
from .views import front_document, sitemap_document

HERE = "https://still-up.invalid"
"""Stands for the site while links are resolved."""

_CSS_LINK = re.compile(r"""url\(\s*['"]?([^'")]+)['"]?\s*\)|@import\s+['"]([^'"]+)['"]""")


class UnusableSite(ValueError):
    """A site that cannot be written. The message is a sentence."""


def site_files(slugs: Collection[str] = ()) -> Iterator[tuple[str, Content]]:
    """Every file of the public side with its path, one after the other; of these campaigns alone, if any are
    named.

    Raises UnusableSite where one of them is not public, or where a page links to what is not there.
    """
    try:
        static("still-up.css")
    except ValueError:
        raise UnusableSite("Stylesheets were not collected yet. Run: manage.py collectstatic") from None
    return _Site(_chosen(slugs)).files()


def _chosen(slugs: Collection[str]) -> list[Headline]:
    found = headlines()
    known = {headline.slug for headline in found}
    for slug in slugs:
        if slug not in known:
            raise UnusableSite(
                f"“{slug}” is not public. Public campaigns: {', '.join(sorted(known)) or 'none yet'}."
            )
    return [headline for headline in found if not slugs or headline.slug in slugs]


def file_of(address: str) -> str:
    """Where in the folder the answer of an address stands: `/c/x/?lang=de` is `de/c/x/index.html`."""
    parts = urlsplit(address)
    path = unquote(parts.path).lstrip("/")
    language = parse_qs(parts.query).get("lang", [""])[0]
    folder = "" if language in {"", SHORT[LANGUAGES[0]]} else f"{language}/"
    return f"{folder}{path}{'index.html' if path.endswith('/') or not path else ''}"


class _Site:
    """What still has to be made, addresses and names of assets, and where every file is that is known."""

    def __init__(self, campaigns: list[Headline]) -> None:
        self.campaigns = campaigns
        self.known: set[str] = set()
        self.waiting: list[str] = []
        self.needed: list[str] = []
        self.home = reverse("public:front")
        self.assets = urlsplit(settings.STATIC_URL).path
        self.only_live = {reverse("account_login")}

    def files(self) -> Iterator[tuple[str, Content]]:
        try:
            for address in self._starts():
                self._wait_for(address)
            for headline in self.campaigns:
                yield from self._edition_files(headline.slug)
            while self.waiting or self.needed:
                yield self._asset_file(self.needed.pop()) if self.needed else self._page(self.waiting.pop())
        except (NotPublished, NotReady, UnknownEdition):
            raise UnusableSite("What is public changed in the meantime. Try again.") from None

    def _wait_for(self, address: str) -> None:
        place = file_of(address)
        if place not in self.known:
            self.known.add(place)
            self.waiting.append(address)

    def _starts(self) -> Iterator[str]:
        yield from (self.home + name for name in ("robots.txt", "sitemap.xml"))
        yield from _in_each_language(self.home)
        yield from _in_each_language(reverse("public:checker"))
        for headline in self.campaigns:
            base = reverse("public:campaign", args=[headline.slug])
            for here in paths(published(headline.slug).snapshot()):
                address = base + path_of(*here)
                yield from [address] if here[0] in IN_ONE_LANGUAGE else _in_each_language(address)

    def _edition_files(self, slug: str) -> Iterator[tuple[str, Content]]:
        for edition in public_editions(slug):
            for file in edition.files:
                place = file_of(reverse("public:edition_file", args=[slug, edition.number, file.name]))
                self.known.add(place)
                yield place, public_content(slug, edition.number, file.name)

    def _page(self, address: str) -> tuple[str, Content]:
        """The answer of an address; what it links to is waited for from now on."""
        place = file_of(address)
        content = self._bytes(address)
        if place.endswith(".html"):
            content = relinked(content.decode(), partial(self._relink, address)).encode()
        return place, [content]

    def _relink(self, page: str, link: str) -> str | None:
        """A link of a page as it stands in the file; None for what only the site itself has."""
        whole = urlsplit(urljoin(HERE + page, link.strip()))
        origin = f"{whole.scheme}://{whole.netloc}"
        if not link.strip() or link.startswith("#") or origin not in {HERE, settings.SITE_URL}:
            return link
        if whole.path in self.only_live:
            return None
        address = f"{whole.path}{f'?{whole.query}' if whole.query else ''}"
        place = file_of(address)
        if place not in self.known:
            self._want(address, page)
        path = posixpath.relpath(place, posixpath.dirname(file_of(page)) or ".")
        return quote(path) + (f"#{whole.fragment}" if whole.fragment else "")

    def _want(self, address: str, page: str) -> None:
        path = urlsplit(address).path
        if path.startswith(self.assets):
            self._need(unquote(path.removeprefix(self.assets)), page)
            return
        try:
            is_public = resolve(path).namespace == "public" and not path.startswith("/workspace/")
        except Resolver404:
            is_public = False
        if not is_public:
            raise UnusableSite(f"{page} links to {address}, which is no public page.")
        self._wait_for(address)

    def _need(self, name: str, page: str) -> None:
        if _asset(name) is None:
            raise UnusableSite(f"{page} needs {name}, which is not there. Run: manage.py collectstatic")
        place = self._place_of(name)
        if place not in self.known:
            self.known.add(place)
            self.needed.append(name)

    def _place_of(self, name: str) -> str:
        return f"{self.assets.lstrip('/')}{name}"

    def _asset_file(self, name: str) -> tuple[str, Content]:
        """A stylesheet, script or picture; what a stylesheet names is needed from now on."""
        file = _asset(name)
        content = file.read_bytes() if file else b""
        if name.endswith(".css"):
            for groups in _CSS_LINK.findall(content.decode()):
                link = "".join(groups)
                if not urlsplit(link).scheme and not link.startswith("#"):
                    beside = posixpath.join(posixpath.dirname(name), urlsplit(link).path)
                    self._need(posixpath.normpath(beside), name)
        return self._place_of(name), [content]

    def _bytes(self, address: str) -> bytes:
        path = urlsplit(address).path
        if path == self.home:
            code = next(code for code, short in SHORT.items() if f"lang={short}" in address)
            return front_document(Language(code, asked=True), self.campaigns).body
        if path == reverse("public:sitemap"):
            return sitemap_document(self.campaigns).body
        return _answer(address)


def _in_each_language(address: str) -> list[str]:
    return [f"{address}?lang={short}" for short in SHORT.values()]


def _answer(address: str) -> bytes:
    """What the site answers to a reader who asks for an address."""
    parts = urlsplit(address)
    match = resolve(parts.path)
    request = WSGIRequest(
        {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": parts.path,
            "QUERY_STRING": parts.query,
            "SERVER_NAME": "still-up.invalid",
            "SERVER_PORT": "443",
            "wsgi.input": BytesIO(),
            "wsgi.url_scheme": "https",
        }
    )
    try:
        answer = cast(HttpResponse, match.func(request, *match.args, **match.kwargs))
    except Http404 as error:
        raise UnusableSite(f"{address} is not there: {error}") from error
    if answer.status_code != 200:
        raise UnusableSite(f"{address} cannot be had right now. Try again in a minute.")
    return answer.content


def _asset(name: str) -> Path | None:
    """The file of an asset: with hashed names where they were collected, else where it lies."""
    if settings.STATIC_ROOT and (collected := Path(settings.STATIC_ROOT) / name).is_file():
        return collected
    found = finders.find(name)
    return Path(found) if isinstance(found, str) else None
