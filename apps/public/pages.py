"""The pages and files of a published campaign, from its snapshot alone.

No request and no database: what is made here is the same for every reader, so it can be kept, compared by its
ETag, previewed, and written to a folder.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.template.loader import render_to_string
from django.utils import translation
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from apps.checks.outcomes import STATUS_ORDER, Outcome
from apps.exports.codebook import table_lines, word_lines
from apps.exports.columns import PUBLIC_TABLES
from apps.exports.published import Counts, ReportRow, Section, Snapshot, Words
from apps.exports.publishing import withheld_words
from apps.metrics.chart import Chart, csv_text
from apps.workspace.charts import status_bar

from .addresses import Addresses
from .card import card
from .feed import atom
from .languages import SHORT
from .pictures import badge

HTML, SVG = "text/html; charset=utf-8", "image/svg+xml; charset=utf-8"
Json = dict[str, Any]


class UnknownPage(LookupError):
    """The campaign has no such page."""


@dataclass(frozen=True, slots=True)
class Document:
    """A page or file. `filename` is set for files that are downloaded."""

    body: bytes
    content_type: str
    filename: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """A page of a campaign, and for whom it is made.

    `preview` is the address of the publication page, for a page that is not public yet; `extra` what the
    templates know besides (the simulated clock).
    """

    snapshot: Snapshot
    words: Words
    addresses: Addresses
    preview: str
    extra: Mapping[str, object]

    @property
    def parts(self) -> tuple[str, ...]:
        """What fills the page's route."""
        return self.addresses.here[1:]

    def html(self, template: str, **facts: object) -> Document:
        """A page from a template."""
        snapshot, addresses = self.snapshot, self.addresses
        route, *parts = addresses.here
        known = {
            "snapshot": snapshot,
            "words": self.words,
            "addresses": addresses,
            "switches": addresses.switches(),
            "canonical": addresses.absolute(route, *parts),
            "route": route,
            "preview": self.preview,
            "withheld": withheld_words(snapshot.minimum_n),
            **self.extra,
        }
        return Document(render_to_string(template, known | facts).encode(), HTML)

    def about(self, section: Section, counts: Counts | None, statuses: tuple[int, ...] = ()) -> Json:
        """What a page says of one group, and how its items stand."""
        by_status = dict(zip(STATUS_ORDER, statuses, strict=True)) if statuses else {}
        return {
            "section": section,
            "charts": section.charts,
            "counts": counts,
            "bar": status_bar(by_status),
            "standing": [
                (one.value, self.words.statuses[one.value], count) for one, count in by_status.items()
            ],
        }


def document(
    snapshot: Snapshot, addresses: Addresses, *, preview: str = "", extra: Mapping[str, object] | None = None
) -> Document:
    """The page or file that `addresses` is at. Raises UnknownPage."""
    code = addresses.language.code
    with translation.override(code):
        asked = Asked(snapshot, snapshot.said(code), addresses, preview, extra or {})
        return _MAKERS[addresses.here[0]](asked)


def paths(snapshot: Snapshot) -> Iterator[tuple[str, ...]]:
    """Every page and file that the campaign has: a route and what fills it."""
    charts = snapshot.words[next(iter(snapshot.words))].whole.charts
    yield ("campaign",)
    yield from (("platform", group.key) for group in snapshot.platforms)
    yield from (("report", str(report.number)) for report in snapshot.reports)
    yield from (("method",), ("data",))
    if snapshot.summary:
        yield ("summary",)
    yield from (("chart_csv", name) for name in charts)
    yield from (("embed", name, short) for name in charts for short in SHORT.values())
    yield from (("codebook",), ("feed",), ("badge",))
    yield from (("card", short) for short in SHORT.values())


# ----------------------------------------------------------------------------------------------------- pages


def _campaign(asked: Asked) -> Document:
    snapshot, words = asked.snapshot, asked.words
    return asked.html(
        "public/campaign.html",
        **asked.about(words.whole, snapshot.counts, snapshot.statuses),
        population=words.population,
        some_withheld=any(report.counts is None for report in snapshot.reports),
        dataset=_data_block(_dataset(asked)),
    )


def _platform(asked: Asked) -> Document:
    (key,) = asked.parts
    group = next((group for group in asked.snapshot.platforms if group.key == key), None)
    if group is None:
        raise UnknownPage(key)
    reports = [report for report in asked.snapshot.reports if report.platform == key]
    return asked.html(
        "public/platform.html",
        **asked.about(asked.words.platforms[key], group.counts),
        reports=reports,
        some_withheld=any(report.counts is None for report in reports),
    )


def _report(asked: Asked) -> Document:
    (number,) = asked.parts
    report = _report_row(asked.snapshot, number)
    return asked.html(
        "public/report.html", **asked.about(asked.words.reports[number], report.counts), report=report
    )


def _report_row(snapshot: Snapshot, number: str) -> ReportRow:
    for report in snapshot.reports:
        if str(report.number) == number:
            return report
    raise UnknownPage(number)


def _method(asked: Asked) -> Document:
    @dataclass(frozen=True, slots=True)
    class Said:
        value: str
        words: str

    labels = {outcome.value: _(str(outcome.label)) for outcome in Outcome}
    reasons = [(Said(name, labels[name]), words) for name, words in asked.words.reasons.items()]
    return asked.html("public/method.html", reasons=reasons)


def _data(asked: Asked) -> Document:
    return asked.html("public/data.html", charts=asked.words.whole.charts)


def _embed(asked: Asked) -> Document:
    return asked.html("public/embed.html", chart=_chart(asked))


def _chart(asked: Asked) -> Chart:
    name, *_ = asked.parts
    chart = asked.words.whole.charts.get(name)
    if chart is None:
        raise UnknownPage(name)
    return chart


# ----------------------------------------------------------------------------------------------------- files


def _summary(asked: Asked) -> Document:
    if not asked.snapshot.summary:
        raise UnknownPage("summary")
    body = json.dumps(asked.snapshot.summary, indent=1, ensure_ascii=False) + "\n"
    return Document(body.encode(), "application/json", f"{asked.snapshot.slug}-summary.json")


def _chart_csv(asked: Asked) -> Document:
    chart = _chart(asked)
    # The byte-order mark tells spreadsheets that it is UTF-8.
    body = csv_text(chart).encode("utf-8-sig")
    return Document(body, "text/csv; charset=utf-8", f"{asked.snapshot.slug}-{chart.slug}.csv")


def _codebook(asked: Asked) -> Document:
    body = "\n".join(_codebook_lines(asked.words))
    return Document(body.encode(), "text/markdown; charset=utf-8", "codebook.md")


def _codebook_lines(words: Words) -> Iterator[str]:
    yield from (f"# {_('Codebook')}", "", f"## {_('Figures')}", "")
    for each in words.meanings:
        yield f"- `{each.name}`: {each.title}. {each.meaning}"
        yield f"  {_('Formula')}: {each.formula}. {_('Unit')}: {each.unit}."
    for table in PUBLIC_TABLES.values():
        yield from table_lines(table, _(table.title))
    yield from word_lines(words)
    yield ""


def _feed(asked: Asked) -> Document:
    body = atom(asked.snapshot, asked.words, asked.addresses)
    return Document(body, "application/atom+xml; charset=utf-8")


def _badge(asked: Asked) -> Document:
    return Document(badge(asked.snapshot).encode(), SVG)


def _card(asked: Asked) -> Document:
    return Document(card(asked.snapshot, asked.words), "image/png")


_MAKERS: Mapping[str, Callable[[Asked], Document]] = {
    "campaign": _campaign,
    "platform": _platform,
    "report": _report,
    "method": _method,
    "data": _data,
    "embed": _embed,
    "summary": _summary,
    "chart_csv": _chart_csv,
    "codebook": _codebook,
    "feed": _feed,
    "badge": _badge,
    "card": _card,
}


# ------------------------------------------------------------------------------------------- for machines


def _dataset(asked: Asked) -> Json:
    """The campaign as schema.org describes a data set."""
    snapshot, addresses = asked.snapshot, asked.addresses
    files: list[tuple[str, tuple[str, ...], str]] = []
    if snapshot.summary:
        files.append(("summary", (), "application/json"))
    files += [("chart_csv", (name,), "text/csv") for name in asked.words.whole.charts]
    return {
        "@context": "https://schema.org/",
        "@type": "Dataset",
        "name": snapshot.title,
        "description": snapshot.text or asked.words.whole.finding,
        "abstract": asked.words.whole.finding,
        "url": addresses.absolute("campaign"),
        "inLanguage": addresses.language.tag,
        "dateModified": snapshot.as_of.isoformat(),
        "temporalCoverage": f"{snapshot.since}/.." if snapshot.since else "",
        "isAccessibleForFree": True,
        "measurementTechnique": addresses.absolute("method"),
        "variableMeasured": [meaning.title for meaning in asked.words.meanings],
        "distribution": [
            {
                "@type": "DataDownload",
                "encodingFormat": kind,
                "contentUrl": addresses.absolute(route, *parts),
            }
            for route, parts, kind in files
        ],
    }


def _data_block(data: Json) -> SafeString:
    """A block of JSON-LD, which browsers do not run."""
    escaped = json.dumps(data, ensure_ascii=False)
    for character in "<>&":
        escaped = escaped.replace(character, f"\\u{ord(character):04x}")
    return format_html('<script type="application/ld+json">{}</script>', mark_safe(escaped))  # noqa: S308
