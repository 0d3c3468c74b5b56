"""English and German are complete: the catalogs, and what is really on the pages and in the files."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from gettext import GNUTranslations
from pathlib import Path
from typing import NamedTuple

import pytest
from django.conf import settings
from django.test import Client
from django.utils import translation
from django.utils.translation import gettext, pgettext
from django.utils.translation.template import templatize

from apps.checks.outcomes import Outcome, Reason, Status
from apps.exports.codebook import table_lines
from apps.exports.columns import PUBLIC_TABLES
from apps.exports.edition_files import FIGURES, HEADS
from apps.exports.editions import correct_edition, publish_edition
from apps.exports.published import LANGUAGES
from apps.metrics.definitions import DEFINITIONS, EXCLUSIONS
from apps.metrics.figures import NOT_CONVERGED, NOT_FOLLOWED, NOT_REACHED, TOO_FEW
from apps.platforms import registry
from apps.public.languages import NAMES, SHORT, TAGS
from apps.reports.deadlines import rules
from apps.reports.models import Category, Channel
from tests.factories import make_campaign, make_report
from tests.metrics.watching import watched
from tests.public.seeding import SLUG, TEXT, TITLE, add_hebrew, make_public, seed, seed_deadlines
from tests.public.test_leaks import crawl
from tests.public.texts import texts_of

CATALOGS = [Path(folder) / "de" / "LC_MESSAGES" / "django.po" for folder in settings.LOCALE_PATHS]
QUOTED = r'"(?:[^"\\]|\\.)*"(?:\n"(?:[^"\\]|\\.)*")*'
ENTRY = re.compile(
    rf"^(?:msgctxt ({QUOTED})\n)?msgid ({QUOTED})\n(?:msgid_plural {QUOTED}\n)?"
    rf"((?:msgstr(?:\[\d\])? {QUOTED}\n?)+)",
    re.MULTILINE,
)
"""One text with its context, and what it is translated to."""

ALIKE = {"API", "Feed", "Feed (Atom)", "Status", "Position", "Code", "BibTeX", "min", "n", "F Y", "%(n)s d"}
"""Words and formats that are the same in both languages."""

NAMES_KEPT = {
    *("TAKE IT DOWN Act", "IT (Intermediary Guidelines and Digital Media Ethics Code) Rules, 2021"),
    # laws without an official German name
    *(each.source for each in DEFINITIONS.values()),  # works, cited by their own titles
    *("Still Up", "Hugging Face", "Civitai"),
}
"""What is called the same in every language."""

NOTE, CORRECTION, OTHER_TITLE = "As cited in a paper.", "A report was counted twice.", "Another list"
WRITTEN = {TITLE, " ".join(TEXT.split()), NOTE, CORRECTION, OTHER_TITLE}
"""What people wrote, in their own language."""

SAME = re.compile(
    r"[^a-z]*|[\w.-]+\.(csv|json|md)|SHA256SUMS"  # numbers and signs, files
    r"|\d+([.]\d)? (h|min|d)|(April|August|September|November) 20\d\d"  # durations, months
    r"|%\{text\}",  # what plotly fills in
    re.IGNORECASE,
)

ENGLISH = re.compile(
    r"\b(the|of|to|and|is|are|with|by|for|from|it|its|that|this|not|no|or|after|within|than|been|which)\b"
)
"""Small words that English sentences are made with, and German ones are not."""


class Entry(NamedTuple):
    """One text of a catalog; `context` is empty for most."""

    context: str
    text: str
    translations: list[str]


def entries(catalog: Path) -> Iterator[Entry]:
    """Each text with its translations, as the file has them."""
    for context, text, translations in ENTRY.findall(catalog.read_text()):
        if text != '""' or "Language:" not in translations:
            found = re.findall(rf"msgstr(?:\[\d\])? ({QUOTED})", translations)
            yield Entry(plain(context), plain(text), [plain(each) for each in found])


def plain(quoted: str) -> str:
    joined = "".join(line[1:-1] for line in quoted.split("\n"))
    return joined.replace('\\"', '"').replace("\\n", "\n").replace("\\\\", "\\")


# ---------------------------------------------------------------------------------------------- the catalogs


@pytest.mark.parametrize("catalog", CATALOGS, ids=["pages", "registries"])
def test_no_text_is_without_its_translation(catalog: Path) -> None:
    found = list(entries(catalog))
    assert len(found) > 100
    assert [each.text for each in found if not all(each.translations)] == []
    assert "fuzzy" not in catalog.read_text()


@pytest.mark.parametrize("catalog", CATALOGS, ids=["pages", "registries"])
def test_the_compiled_catalog_is_that_of_the_text(catalog: Path) -> None:
    """`manage.py compilemessages` makes it; it is kept beside the text, so that no machine needs gettext."""
    with catalog.with_suffix(".mo").open("rb") as file:
        compiled = GNUTranslations(file)
    for context, text, (one, *more) in entries(catalog):
        asked = (compiled.npgettext, compiled.ngettext) if more else (compiled.pgettext, compiled.gettext)
        arguments = [context, text] if context else [text]
        for place, translated in enumerate([one, *more]):
            count = [text, place + 1] if more else []
            assert asked[0 if context else 1](*arguments, *count) == translated  # type: ignore[operator]


def test_the_catalog_has_what_pages_and_programs_ask_for(repository: Path) -> None:
    wanted = {
        asked
        for room in ("core", "checks", "metrics", "exports", "public")
        for file in (repository / "apps" / room).rglob("*.py")
        for asked in asked_for(file.read_text())
    }
    for file in (repository / "templates" / "public").rglob("*.html"):
        wanted |= set(asked_for(as_program(file.read_text())))
    assert len(wanted) > 200
    known = {(each.context, each.text) for catalog in CATALOGS for each in entries(catalog)}
    assert wanted - known == set()
    # And nothing else: a text that nobody asks for any more goes.
    assert {(each.context, each.text) for each in entries(CATALOGS[0])} - wanted == set()


def asked_for(program: str) -> Iterator[tuple[str, str]]:
    """The texts that a program asks a translation of, with their contexts."""
    for node in ast.walk(ast.parse(program)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            texts = [one.value for one in node.args if isinstance(one, ast.Constant)]
            if node.func.id in {"_", "gettext", "gettext_noop", "ngettext"} and texts:
                yield "", str(texts[0])
            elif node.func.id in {"pgettext", "npgettext"}:
                yield str(texts[0]), str(texts[1])


def as_program(template: str) -> str:
    """What a template asks for, as Python."""
    return "\n".join(re.findall(r"n?p?gettext\(.*?\)(?= |$)", templatize(template), re.MULTILINE))


def test_everything_that_registries_say_is_translated() -> None:
    said = {text for each in DEFINITIONS.values() for text in (each.title, each.meaning, each.formula)}
    said |= {text for each in DEFINITIONS.values() for text in (each.unit, each.population, each.exclusions)}
    said |= {words for _, words in EXCLUSIONS.values()}
    said |= {TOO_FEW, NOT_CONVERGED, NOT_FOLLOWED, NOT_REACHED}
    said |= {str(each.label) for words in (Status, Outcome, Reason, Category, Channel) for each in words}
    said |= {text for rule in rules().values() for text in (rule.name, rule.jurisdiction, rule.citation)}
    with translation.override("de"):
        assert sorted(text for text in said - ALIKE - NAMES_KEPT if gettext(text) == text) == []


def test_what_definitions_say_to_the_public_is_translated() -> None:
    own = [registry.definitions()[path.stem] for path in registry.OWN_DEFINITIONS.glob("*.toml")]
    kinds = {kind for definition in own for kind in definition.kinds}
    with translation.override("de"):
        said = [("kind", kind.name) for kind in kinds]
        said += [("definition", kind.needs_person) for kind in kinds if kind.needs_person]
        assert sorted({text for context, text in said if pgettext(context, text) == text}) == []


def test_the_codebook_is_translated() -> None:
    tables = [*PUBLIC_TABLES.values(), FIGURES, HEADS]
    with translation.override("de"):
        lines = [line for table in tables for line in table_lines(table, gettext(table.title))]
    assert [text for text in texts_of("text/markdown", "\n".join(lines)) if ENGLISH.search(text)] == []


def test_every_language_has_its_names() -> None:
    assert set(LANGUAGES) == set(NAMES) == set(TAGS) == set(SHORT) == dict(settings.LANGUAGES).keys()


# ------------------------------------------------------------------------------------------ pages and files


@pytest.mark.django_db
def test_numbers_and_days_are_written_as_in_the_language(client: Client) -> None:
    make_public(seed())
    english = client.get(f"/c/{SLUG}/?lang=en").content.decode()
    german = client.get(f"/c/{SLUG}/?lang=de").content.decode()
    assert "1 March 2026" in english
    assert "1. März 2026" in german
    assert "47.5%" in english
    assert "47,5\N{NO-BREAK SPACE}%" in german
    assert "29 von 61 gewerteten Inhalten sind nicht mehr erreichbar" in german
    assert 'x="0,0"' not in german


@pytest.mark.django_db
@pytest.mark.parametrize(("asked", "kept"), [("en", ""), ("de", "?lang=de")])
def test_addresses_for_other_sites_stay_in_the_language(asked: str, kept: str, client: Client) -> None:
    """Whoever shares a German page shares it, and its picture, in German."""
    make_public(seed())
    home = f"{settings.SITE_URL}/c/{SLUG}/"
    page = client.get(f"/c/{SLUG}/?lang={asked}").content.decode()
    assert f'<link rel="canonical" href="{home}{kept}">' in page
    assert f'<meta property="og:url" content="{home}{kept}">' in page
    assert f'<meta property="og:image" content="{home}card.{asked}.png">' in page
    assert f"{home}badge.svg?lang={asked}" in client.get(f"/c/{SLUG}/data/?lang={asked}").content.decode()
    feed = client.get(f"/c/{SLUG}/feed.atom?lang={asked}").content.decode()
    assert f'href="{home}feed.atom{kept}" rel="self"' in feed
    assert f'href="{home}{kept}" rel="alternate"' in feed


@pytest.mark.django_db
def test_nothing_public_is_left_in_english(client: Client) -> None:
    """Every page, feed, picture and file in German, beside the same in English."""
    publish_all()
    english, german = (everything(client, SHORT[language]) for language in LANGUAGES)
    assert set(english) == set(german)
    assert len(german) > 90
    said = {(path, text) for path, texts in german.items() for text in texts if not is_for_all(text)}
    assert {(path, text) for path, text in said if text in set(english[path])} == set()
    assert {(path, text) for path, text in said if ENGLISH.search(without_names(text))} == set()
    msgids = {each.text for catalog in CATALOGS for each in entries(catalog) if not each.context}
    assert {(path, text) for path, text in said if text in msgids} == set()


def is_for_all(text: str) -> bool:
    """Whether a text is the same in every language."""
    return (
        text in ALIKE | NAMES_KEPT
        or any(text in written for written in WRITTEN)
        or SAME.fullmatch(text) is not None
    )


def without_names(text: str) -> str:
    for kept in sorted(WRITTEN | NAMES_KEPT, key=len, reverse=True):
        text = text.replace(kept, "")
    return re.sub(r"[\w.-]+\.(csv|json|md)", "", text)


def publish_all() -> None:
    """Campaigns that show all there is: with names and with letters, by day and by month, small and empty."""
    campaign = seed()
    make_public(campaign, items=True)
    for _ in range(2):
        publish_edition(campaign=campaign, person=None, note=NOTE)
    correct_edition(campaign=campaign, number=1, text=CORRECTION, person=None)
    make_public(seed_deadlines(), title=OTHER_TITLE, text="", platforms="letters", dates="month")
    small = make_campaign("small-list")
    watched(make_report(small), "up 1, gone 2 3 4")
    for campaign in (small, make_campaign("empty-list")):
        make_public(campaign, title=OTHER_TITLE, text="")


def everything(client: Client, language: str) -> dict[str, list[str]]:
    """The texts of all that is public in one language, by address without the language."""
    found = {}
    for address, answer in crawl(client, f"/?lang={language}", f"/checker/?lang={language}").items():
        headers, _, text = answer.partition("\n")
        kind = ast.literal_eval(headers)["Content-Type"]
        path, _, query = address.partition("?")
        if query == f"lang={language}" or path.endswith((f".{language}.md", f"/{language}/")):
            same = path.replace(f".{language}.md", ".md").removesuffix(f"{language}/")
            found[same] = texts_of(kind, text)
    for path in ("/nowhere/", "/c/nothing-here/"):
        missing = client.get(f"{path}?lang={language}")
        assert missing.status_code == 404
        found[path] = texts_of(missing["Content-Type"], missing.content.decode())
    return found


@pytest.mark.django_db
def test_a_page_reads_from_right_to_left_where_its_language_does(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_public(seed())
    add_hebrew(monkeypatch)
    home = f"/c/{SLUG}/"
    for path in ("/", "/nowhere/", home, f"{home}method/", f"{home}data/", f"{home}embed/removed/"):
        for language, direction in (("he", "rtl"), ("de", "ltr")):
            address = f"{path}{language}/" if "embed" in path else f"{path}?lang={language}"
            page = client.get(address).content.decode()
            assert f'<html lang="{language}" dir="{direction}">' in page, address


def test_stylesheets_name_no_side_but_where_it_is_meant(repository: Path) -> None:
    """Left and right are start and end, so that pages also read from right to left."""
    for sheet in ("still-up.css", "public.css"):
        rules = re.sub(r"/\*.*?\*/", "", (repository / "templates" / "static" / sheet).read_text())
        sided = re.findall(r"^.*\b(?:left|right)\b.*$", rules, re.MULTILINE)
        assert sided == [rule for rule in sided if rule.startswith('[dir="rtl"]')]
        # Of four lengths the second is at the right, and the fourth at the left.
        for lengths in re.findall(r"(?:margin|padding|inset): ([^;]+);", rules):
            _, right, _, left = [*lengths.split(), *[""] * 4][:4]
            assert left in {"", right}, lengths


def test_scripts_bring_no_words_of_their_own(repository: Path) -> None:
    """What a script writes on a page stands in the page, where it is translated."""
    for script in (repository / "templates" / "static").glob("*.js"):
        code = re.sub(r"^\s*//.*$", "", script.read_text(), flags=re.MULTILINE)
        assert re.findall(r"textContent = [\"'`]", code) == []
        words = set(re.findall(r"[\"'`]([A-Z][a-z]+(?: \w+)*)[\"'`]", code))
        assert words <= {"Accept"}, script.name  # the name of a header
