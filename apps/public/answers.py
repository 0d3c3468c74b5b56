"""Answers to readers of published campaigns: kept, compared with what a reader has, and made once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from django.core.cache import caches
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils.cache import get_conditional_response
from django.utils.http import content_disposition_header, http_date, quote_etag

from apps.core import clock
from apps.core.context_processors import record_clock
from apps.exports.published import VERSION
from apps.exports.snapshots import NotPublished, NotReady, Published, published

from .addresses import IN_ONE_LANGUAGE, Addresses
from .errors import not_ready
from .languages import Language, language_called, language_of, say_language
from .pages import Document, UnknownPage, document

CACHE_CONTROL = "public, max-age=60, stale-while-revalidate=600"
KEPT_SECONDS = 3600


def campaign_answer(request: HttpRequest, slug: str, *here: str) -> HttpResponseBase:
    """A page or file of a published campaign.

    1. Look up its ETag, and bring its snapshot up to date if that is due.
    2. Tell a reader who has it already that nothing changed: nothing is read or rendered for that.
    3. Else give out the page that is kept under that ETag, or make it.
    """
    try:
        found = published(slug)
    except NotPublished:
        raise Http404("There is no such campaign, or it is not public.") from None
    except NotReady:
        return not_ready(request)
    language = language_at(request, here)
    addresses = Addresses(language, slug, reverse("public:campaign", args=[slug]), here)

    def make() -> Document:
        return _made(found, addresses)

    last_modified = int(found.made_at.timestamp())
    return kept_answer(request, language, found.etag, last_modified, make, key="/".join((slug, *here)))


def language_at(request: HttpRequest, here: tuple[str, ...]) -> Language:
    """The language that a page has in its address, else the reader's."""
    route, *parts = here
    if route not in IN_ONE_LANGUAGE:
        return language_of(request)
    language = language_called(parts[-1])
    if language is None:
        raise Http404("There is nothing here in that language.")
    return language


def _made(found: Published, addresses: Addresses) -> Document:
    try:
        return document(found.snapshot(), addresses, extra=simulated())
    except (NotPublished, UnknownPage):
        raise Http404("There is nothing here.") from None


def kept_answer(
    request: HttpRequest,
    language: Language,
    etag: str,
    last_modified: int | None,
    make: Callable[[], Document],
    *,
    key: str,
) -> HttpResponseBase:
    """The answer of what `make` makes, which is the same for all readers in that language.

    While time is simulated, pages show its clock, so that nothing is kept.
    """
    if clock.is_simulated():
        answer = file_answer(make())
        answer["Cache-Control"] = "no-store"
        return say_language(answer, language)
    tag = quote_etag(f"{etag[:32]}-{VERSION}-{language.code}{'-asked' if language.asked else ''}")
    conditional = get_conditional_response(request, etag=tag, last_modified=last_modified)
    answer = conditional or file_answer(_kept(f"public:{tag}:{key}", make))
    answer["ETag"] = tag
    if last_modified is not None:
        answer["Last-Modified"] = http_date(last_modified)
    answer["Cache-Control"] = CACHE_CONTROL
    return say_language(answer, language)


def _kept(key: str, make: Callable[[], Document]) -> Document:
    name = hashlib.sha256(key.encode()).hexdigest()  # memcached takes no spaces, and 250 characters at most
    store = caches["pages"]
    kept: Document | None = store.get(name)
    if kept is None:
        kept = make()
        store.set(name, kept, KEPT_SECONDS)
    return kept


def file_answer(made: Document) -> HttpResponse:
    """A document as an answer; files that are downloaded bring their names."""
    answer = HttpResponse(made.body, content_type=made.content_type)
    if made.filename:
        answer["Content-Disposition"] = content_disposition_header(True, made.filename) or "attachment"
    return answer


def simulated() -> dict[str, object]:
    """What pages know of a simulated clock."""
    return record_clock(HttpRequest())
