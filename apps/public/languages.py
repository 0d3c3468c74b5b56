"""Which language a reader gets: the one that the address asks for, else the browser's, else the first."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.utils.translation.trans_real import parse_accept_lang_header

from apps.exports.published import LANGUAGES

NAMES = {"en-gb": "English", "de": "Deutsch"}
TAGS = {"en-gb": "en-GB", "de": "de"}
"""As HTML and HTTP write them."""

SHORT = {"en-gb": "en", "de": "de"}
"""As addresses write them: `?lang=de`."""


@dataclass(frozen=True, slots=True)
class Language:
    """A language of the public pages. `asked` is true where the address names it, and links then keep it."""

    code: str
    asked: bool = False

    @property
    def tag(self) -> str:
        """Its tag in HTML and HTTP."""
        return TAGS[self.code]

    @property
    def short(self) -> str:
        """Its name in addresses."""
        return SHORT[self.code]

    @property
    def query(self) -> str:
        """What links carry on."""
        return f"?lang={self.short}" if self.asked else ""


def language_called(short: str) -> Language | None:
    """The language that an address names with a part of its path."""
    return next((Language(code, asked=True) for code in LANGUAGES if SHORT[code] == short), None)


def language_of(request: HttpRequest) -> Language:
    """The language of a request. No cookie is read or set."""
    asked = request.GET.get("lang", "").lower()
    for code in LANGUAGES:
        if asked in {code, SHORT[code]}:
            return Language(code, asked=True)
    for wanted, _ in parse_accept_lang_header(request.headers.get("Accept-Language", "").lower()):
        for code in LANGUAGES:
            if wanted.split("-")[0] == SHORT[code]:
                return Language(code)
    return Language(LANGUAGES[0])


def say_language(answer: HttpResponseBase, language: Language) -> HttpResponseBase:
    """The answer with its language among its headers, and whether another reader may get another."""
    answer["Content-Language"] = language.tag
    if not language.asked:
        patch_vary_headers(answer, ["Accept-Language"])
    return answer
