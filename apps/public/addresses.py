"""Where the public pages of a campaign are, for links between them.

The pages ask this and nothing else for an address, so the same templates serve the live site, the preview,
and files in a folder: another `Addresses` gives relative ones.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from django.conf import settings
from django.templatetags.static import static
from django.urls import reverse

from apps.exports.published import LANGUAGES

from .languages import NAMES, Language

ROUTES: Mapping[str, str] = {
    "campaign": "",
    "platform": "platforms/<slug:key>/",
    "report": "reports/<int:number>/",
    "method": "method/",
    "data": "data/",
    "summary": "summary.json",
    "chart_csv": "charts/<slug:chart>.csv",
    "codebook": "codebook.md",
    "feed": "feed.atom",
    "badge": "badge.svg",
    "card": "card.<slug:language>.png",
    "embed": "embed/<slug:chart>/<slug:language>/",
}
"""The pages and files of one campaign, as Django writes patterns, below its own address."""

IN_ONE_LANGUAGE = frozenset({"card", "embed"})
"""Routes whose last part says the language: their addresses are for other sites, which may read them from a
file server."""

EDITION_ROUTES: Mapping[str, str] = {
    "editions": "editions/",
    "edition": "editions/<int:number>/",
    "edition_compare": "editions/<int:number>/compare/<int:other>/",
    "edition_file": "editions/<int:number>/<str:name>",
}
"""Its editions, which do not change with its snapshot."""

_PARAMETER = re.compile(r"<\w+:\w+>")


@dataclass(frozen=True, slots=True)
class Switch:
    """One language to change to."""

    tag: str
    name: str
    address: str
    current: bool


@dataclass(frozen=True, slots=True)
class Addresses:
    """The addresses of one campaign's pages (and, without a campaign, of the site's) in one language.

    `slug` is the campaign's, `base` what its pages' paths are put behind, and `here` the page that links are
    made for: its route and what fills it.
    """

    language: Language
    slug: str = ""
    base: str = ""
    here: tuple[str, ...] = ("front",)

    def to(self, route: str, *parts: object) -> str:
        """The address of a page of the campaign."""
        query = "" if route in IN_ONE_LANGUAGE else self.language.query
        return f"{self.base}{path_of(route, *parts)}{query}"

    def plain(self, route: str, *parts: object) -> str:
        """The address of a file that is the same in every language."""
        return f"{self.base}{path_of(route, *parts)}"

    def site(self, route: str) -> str:
        """The address of a page of the site: "front", "checker", or the way to sign in."""
        if route == "sign_in":
            return reverse("account_login")
        return reverse(f"public:{route}") + self.language.query

    def asset(self, name: str) -> str:
        """The address of a stylesheet, a script or a picture."""
        return static(name)

    def absolute(self, route: str, *parts: object, named: bool = False) -> str:
        """The address of a page of the campaign for other sites, in this language.

        It does not name the first language, which whoever prefers none gets, unless `named`.
        """
        named = route not in IN_ONE_LANGUAGE and (named or self.language.code != LANGUAGES[0])
        return self.permanent(route, *parts) + (f"?lang={self.language.short}" if named else "")

    def permanent(self, route: str, *parts: object) -> str:
        """The same for any language: a reader gets the page in theirs."""
        home = reverse("public:campaign", args=[self.slug])
        return f"{settings.SITE_URL}{home}{path_of(route, *parts)}"

    def switches(self) -> list[Switch]:
        """This page in each language."""
        found = []
        for code, name in NAMES.items():
            other = replace(self, language=Language(code, asked=True))
            route, *parts = self.here
            if route in IN_ONE_LANGUAGE:
                parts[-1] = other.language.short
            address = other.to(route, *parts) if self.base else other.site(route)
            found.append(Switch(other.language.tag, name, address, code == self.language.code))
        return found


def path_of(route: str, *parts: object) -> str:
    """The path of a page below its campaign's address."""
    values = iter(parts)
    pattern = ROUTES[route] if route in ROUTES else EDITION_ROUTES[route]
    return _PARAMETER.sub(lambda _: str(next(values)), pattern)
