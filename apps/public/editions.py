"""Editions of a campaign: their list, the page of each, two side by side, and the files to cite."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping

from django.http import Http404, HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.urls import reverse
from django.utils import translation
from django.utils.cache import get_conditional_response
from django.utils.http import content_disposition_header, quote_etag
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from apps.accounts.permissions import for_everyone
from apps.exports.editions import (
    EditionRow,
    UnknownEdition,
    compare_editions,
    public_content,
    public_editions,
    public_file,
)
from apps.exports.published import Words
from apps.exports.snapshots import NotPublished, NotReady, published

from .addresses import Addresses
from .answers import CACHE_CONTROL, kept_answer, simulated
from .citation import bibtex, citation
from .errors import not_ready
from .languages import language_of
from .pages import Asked, Document

Made = Callable[[Asked, list[EditionRow], tuple[int, ...]], Document]


def page(route: str, make: Made) -> Callable[..., HttpResponseBase]:
    """The view of one route, from what makes its page. Its parts are numbers of editions that there are."""

    @for_everyone
    @require_safe
    def view(request: HttpRequest, slug: str, **parts: int) -> HttpResponseBase:
        numbers = tuple(parts.values())
        try:
            found = published(slug)
        except NotPublished:
            raise Http404("There is no such campaign, or it is not public.") from None
        except NotReady:
            return not_ready(request)
        editions = public_editions(slug)
        if not set(numbers) <= {edition.number for edition in editions}:
            raise Http404("There is no such edition.")
        language = language_of(request)
        here = (route, *map(str, numbers))
        addresses = Addresses(language, slug, reverse("public:campaign", args=[slug]), here)

        def made() -> Document:
            with translation.override(language.code):
                snapshot = found.snapshot()
                asked = Asked(snapshot, snapshot.said(language.code), addresses, "", simulated())
                return make(asked, editions, numbers)

        tag = hashlib.sha256(f"{found.etag} {_state(editions)}".encode()).hexdigest()
        return kept_answer(request, language, tag, None, made, key="/".join((slug, *here)))

    return view


def _state(editions: list[EditionRow]) -> list[tuple[int, str, int]]:
    """What changes when a page about editions does."""
    return [(edition.number, edition.sums, len(edition.corrections)) for edition in editions]


def _list(asked: Asked, editions: list[EditionRow], numbers: tuple[int, ...]) -> Document:
    return asked.html("public/editions.html", editions=_said(asked, editions))


def _edition(asked: Asked, editions: list[EditionRow], numbers: tuple[int, ...]) -> Document:
    (number,) = numbers
    edition = next(each for each in editions if each.number == number)
    address = asked.addresses.permanent("edition", number)
    return asked.html(
        "public/edition.html",
        edition=edition,
        finding=edition.findings.get(asked.addresses.language.code, ""),
        newer=next((each.number for each in editions if each.number > number), None),
        others=[each.number for each in editions if each.number != number],
        files=[(file, _about(file.name, asked.words)) for file in edition.files],
        citation=citation(edition, address),
        bibtex=bibtex(edition, address, slug=asked.snapshot.slug),
    )


def _compare(asked: Asked, editions: list[EditionRow], numbers: tuple[int, ...]) -> Document:
    first, second = numbers
    by_number = {edition.number: edition for edition in editions}
    return asked.html(
        "public/edition_compare.html",
        first=by_number[first],
        second=by_number[second],
        groups=compare_editions(asked.snapshot.slug, first, second),
    )


def _said(asked: Asked, editions: list[EditionRow]) -> list[tuple[EditionRow, str]]:
    """The editions with their findings in the page's language."""
    return [(edition, edition.findings.get(asked.addresses.language.code, "")) for edition in editions]


def _about(name: str, said: Words) -> str:
    """What a file of an edition holds, in a few words; of a chart, with its title if it is still public."""
    words = {
        "SHA256SUMS": _("the sums of all other files"),
        "codebook.de.md": _("what each column means, in German"),
        "codebook.en.md": _("what each column means, in English"),
        "datapackage.json": _("the tables described for programs (Frictionless Data Package)"),
        "figures.csv": _("every number of the summary, a line each"),
        "items.csv": _("a line for each item, under a name that leads nowhere"),
        "ledger-heads.csv": _("the last digest of each watched address, which proves the checks behind it"),
        "method.de.md": _("how the record was made and what its figures mean, in German"),
        "method.en.md": _("how the record was made and what its figures mean, in English"),
        "reports.csv": _("a line for each report"),
        "summary.json": _("all figures with their definitions, in a stable shape"),
    }
    if name in words:
        return words[name]
    chart = said.whole.charts.get(name.removeprefix("chart-").removesuffix(".csv"))
    return _("the numbers of a chart") + (f": {chart.title}" if chart else "")


@for_everyone
@require_safe
def file(request: HttpRequest, slug: str, number: int, name: str) -> HttpResponseBase:
    """A file of an edition: the same for ever, but not public for ever. Caches ask whether it still is."""
    try:
        row = public_file(slug, number, name)
        etag = quote_etag(row.sha256)
        answer: HttpResponseBase | None = get_conditional_response(request, etag=etag)
        if answer is None:
            content = public_content(slug, number, name)
            answer = StreamingHttpResponse(content, content_type=row.media_type)
            answer["Content-Length"] = str(row.size)
            answer["Content-Disposition"] = content_disposition_header(
                True, f"{slug}-edition-{number}-{name}"
            )
    except UnknownEdition:
        raise Http404("There is no such file.") from None
    answer["ETag"] = etag
    answer["Cache-Control"] = CACHE_CONTROL
    return answer


VIEWS: Mapping[str, Callable[..., HttpResponseBase]] = {
    "editions": page("editions", _list),
    "edition": page("edition", _edition),
    "edition_compare": page("edition_compare", _compare),
    "edition_file": file,
}
