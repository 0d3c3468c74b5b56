"""English and German are complete: the catalogs, and what is really on the pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from gettext import GNUTranslations
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.utils import translation
from django.utils.translation import gettext

from apps.checks.outcomes import Outcome, Reason, Status
from apps.exports.published import LANGUAGES, Section, Snapshot
from apps.exports.snapshots import published
from apps.metrics.definitions import DEFINITIONS, EXCLUSIONS
from apps.public.languages import NAMES, SHORT, TAGS
from apps.reports.models import Category, Channel
from tests.public.seeding import SLUG, make_public, seed

CATALOGS = [Path(folder) / "de" / "LC_MESSAGES" / "django.po" for folder in settings.LOCALE_PATHS]
TEXT = r'"(?:[^"\\]|\\.)*"(?:\n"(?:[^"\\]|\\.)*")*'
TRANSLATIONS = rf"((?:msgstr(?:\[\d\])? {TEXT}\n?)+)"
ENTRY = re.compile(rf'^(?<!"\n)msgid ({TEXT})\n(?:msgid_plural {TEXT}\n)?{TRANSLATIONS}', re.MULTILINE)
"""One text without a context, and what it is translated to."""

ALIKE = {"API", "n", "Feed", "Feed (Atom)", "Status", "F Y", "min", "Position"}
"""Words that are the same in both languages."""


def entries(catalog: Path) -> Iterator[tuple[str, list[str]]]:
    """Each text with its translations, as the file has them."""
    for text, translations in ENTRY.findall(catalog.read_text()):
        found = re.findall(rf"msgstr(?:\[\d\])? ({TEXT})", translations)
        yield plain(text), [plain(each) for each in found]


def plain(quoted: str) -> str:
    joined = "".join(line[1:-1] for line in quoted.split("\n"))
    return joined.replace('\\"', '"').replace("\\n", "\n").replace("\\\\", "\\")


@pytest.mark.parametrize("catalog", CATALOGS, ids=["pages", "registries"])
def test_no_text_is_without_its_translation(catalog: Path) -> None:
    found = list(entries(catalog))
    assert len(found) > 100
    assert [text for text, translations in found if text and not all(translations)] == []
    assert "fuzzy" not in catalog.read_text()


@pytest.mark.parametrize("catalog", CATALOGS, ids=["pages", "registries"])
def test_the_compiled_catalog_is_that_of_the_text(catalog: Path) -> None:
    """`manage.py compilemessages` makes it; it is kept beside the text, so that no machine needs gettext."""
    with catalog.with_suffix(".mo").open("rb") as file:
        compiled = GNUTranslations(file)
    for text, translations in entries(catalog):
        if text and len(translations) == 1:
            assert compiled.gettext(text) == translations[0]


def test_everything_that_registries_say_is_translated() -> None:
    said = {text for each in DEFINITIONS.values() for text in (each.title, each.meaning, each.formula)}
    said |= {text for each in DEFINITIONS.values() for text in (each.unit, each.population, each.exclusions)}
    said |= {words for _, words in EXCLUSIONS.values()}
    said |= {str(each.label) for words in (Status, Outcome, Reason, Category, Channel) for each in words}
    with translation.override("de"):
        assert sorted(text for text in said - ALIKE if gettext(text) == text) == []


@pytest.mark.django_db
def test_charts_speak_the_language_of_the_page() -> None:
    make_public(seed())
    snapshot = published(SLUG).snapshot()
    english, german = (list(texts(snapshot, language)) for language in LANGUAGES)
    same = {one for one, other in zip(english, german, strict=True) if one == other and one not in ALIKE}
    alike = re.compile(r"[\d.]+ (h|min|d)|.*(Hugging Face|Civitai|Digital Services).*")  # names, durations
    assert {text for text in same if text and not alike.fullmatch(text)} == set()


def texts(snapshot: Snapshot, language: str) -> Iterator[str]:
    """All texts of the charts and readouts that have letters."""
    words = snapshot.said(language)
    sections: list[Section] = [words.whole, *words.platforms.values(), *words.reports.values()]
    for section in sections:
        yield section.finding
        for figure in section.figures:
            yield from (figure.label, figure.detail)
        for chart in section.charts.values():
            yield from (chart.title, chart.finding, *chart.notes)
            yield from (heading.label for heading in chart.headings)
            for row in chart.rows:
                yield from (cell.text for cell in row if re.search("[a-z]", cell.text))


@pytest.mark.django_db
def test_numbers_and_days_are_written_as_in_the_language(client: Client) -> None:
    make_public(seed())
    english = client.get(f"/c/{SLUG}/?lang=en").content.decode()
    german = client.get(f"/c/{SLUG}/?lang=de").content.decode()
    assert "1 March 2026" in english
    assert "1. März 2026" in german
    assert "47.5%" in english
    assert "47,5%" in german
    assert "29 von 61 gewerteten Inhalten sind nicht mehr erreichbar" in german
    assert 'x="0,0"' not in german


def test_every_language_has_its_names() -> None:
    assert set(LANGUAGES) == set(NAMES) == set(TAGS) == set(SHORT) == dict(settings.LANGUAGES).keys()
