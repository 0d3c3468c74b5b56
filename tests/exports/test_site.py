"""The site as files: whole, the same every time, with links that work anywhere, and nothing private."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator
from contextlib import suppress
from html import unescape
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

import pytest
import time_machine
from django.conf import settings
from django.core.cache import caches
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import Settings

from apps.exports.editions import publish_edition
from apps.exports.folders import MANIFEST, Content, Outcome, UnusableFolder, write_folder
from apps.exports.publication import publish, save_draft, withdraw
from apps.exports.published import CHARTS
from apps.public.relinking import ADDRESSES, CANDIDATES, SPACED, relinked
from apps.public.static_site import file_of
from apps.reports.models import Campaign
from tests.factories import at, make_campaign, make_person
from tests.public.seeding import SLUG, make_public, seed
from tests.public.test_leaks import fragments, leaks

NOW = 24 * 40  # hours after START


@pytest.fixture
def campaign(db: None) -> Iterator[Campaign]:
    """A public campaign with two editions. Time stands still: what is public is as of one moment."""
    with time_machine.travel(at(NOW), tick=False):
        caches["pages"].clear()
        made = seed(make_person("zq-person@example.org"))
        make_public(made, items=True)
        for _ in range(2):
            publish_edition(campaign=made, person=None)
        yield made
        caches["pages"].clear()


def export(folder: Path, *campaigns: str) -> str:
    out = StringIO()
    call_command("export_site", str(folder), *(f"--campaign={slug}" for slug in campaigns), stdout=out)
    return out.getvalue()


def tree(folder: Path) -> dict[str, bytes]:
    """Every file of a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class Links(HTMLParser):
    """Every attribute of a page that holds an address, and every id."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, str, str]] = []
        self.ids: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        self.ids |= {value for name, value in attrs if name == "id" and value}
        if known.get("rel") == "canonical":
            return
        self.found += [(tag, name, value) for name, value in attrs if name in ADDRESSES and value is not None]


def check_links(files: dict[str, bytes]) -> None:
    """Each link of each page is relative, and leads to a file, and to a place in it."""
    pages = {path: Links(content.decode()) for path, content in files.items() if path.endswith(".html")}
    for path, links in pages.items():
        for tag, name, value in links.found:
            parts = urlsplit(value)
            if parts.scheme == "mailto":
                continue
            assert not parts.scheme, (path, tag, name, value)
            assert not parts.netloc, (path, tag, name, value)
            assert not parts.query, (path, tag, name, value)
            assert not parts.path.startswith("/"), (path, tag, name, value)
            to = posixpath.normpath(posixpath.join(posixpath.dirname(path), unquote(parts.path)))
            to = to if parts.path else path
            assert to in files, (path, value)
            if parts.fragment:
                assert parts.fragment in pages[to].ids, (path, value)


# --------------------------------------------------------------------------------------------- the whole site


def test_every_link_leads_to_a_file_of_the_folder(campaign: Campaign, tmp_path: Path, client: Client) -> None:
    said = export(tmp_path)
    files = tree(tmp_path)
    assert (
        said
        == f"{len(files) - 1} files in {tmp_path}: {len(files) - 1} written, 0 as they were; 0 removed.\n"
    )
    check_links(files)
    # Both languages, each kind of page and file.
    for folder, language in (("", "en-GB"), ("de/", "de")):
        assert f'<html lang="{language}"' in files[f"{folder}index.html"].decode()
        home = f"{folder}c/{SLUG}/"
        for page in (
            "",
            "method/",
            "data/",
            "platforms/huggingface/",
            "reports/1/",
            "editions/",
        ):
            assert f'<html lang="{language}"' in files[f"{home}{page}index.html"].decode()
        for name in ("feed.atom", "badge.svg", "summary.json", "codebook.md"):
            assert f"{home}{name}" in files
        assert {f"{home}charts/{chart}.csv" for chart in CHARTS} <= set(files)
        assert f"{home}editions/1/compare/2/index.html" in files
    # What other sites point to has its language in its address, which a file server reads, too.
    for short, language in (("en", "en-GB"), ("de", "de")):
        name = f"c/{SLUG}/card.{short}.png"
        assert files[name] == client.get(f"/{name}").content
        framed = f"c/{SLUG}/embed/removed/{short}/"
        assert f'<html lang="{language}"' in files[f"{framed}index.html"].decode()
        home = file_of(f"/c/{SLUG}/?lang={short}")
        assert f'src="{settings.SITE_URL}/{framed}"' in unescape(files[home].decode())
    for number in (1, 2):
        assert f"c/{SLUG}/editions/{number}/SHA256SUMS" in files
    assert "static/charts.js" in files
    assert "static/vendor/plotly-basic.min.js" in files
    # The pages are those of the site: the same words, the links apart.
    live = client.get(f"/c/{SLUG}/method/?lang=en").content.decode()
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", live)).replace(" Sign in ", " ")
    kept = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", files[f"c/{SLUG}/method/index.html"].decode()))
    assert kept == re.sub(r"\s+", " ", words)


def test_nothing_in_the_folder_gives_an_item_away_or_needs_the_site(
    campaign: Campaign, tmp_path: Path
) -> None:
    export(tmp_path)
    files = {path: content.decode("utf-8-sig", "replace") for path, content in tree(tmp_path).items()}
    ours = {path: text for path, text in files.items() if not path.startswith("static/vendor/")}
    assert leaks(ours, fragments()) == []
    assert leaks(ours, {"/sign-in", "csrfmiddlewaretoken", str(tmp_path)}) == [("robots.txt", "/sign-in")]
    for path, text in ours.items():
        # Addresses of the site itself stand where another site or a program reads them.
        text = re.sub(r'<link rel="canonical"[^>]*>|<meta property="og:(url|image)"[^>]*>', "", text)
        text = re.sub(r'<script type="application/ld\+json">.*?</script>', "", text, flags=re.DOTALL)
        text = re.sub(r'<(p|div) class="snippet">.*?</\1>', "", text, flags=re.DOTALL)
        if path.endswith((".html", ".css", ".js")) and not path.endswith("checker/index.html"):
            assert settings.SITE_URL not in text, path
        if path.endswith((".svg", ".atom", ".xml")):
            ElementTree.fromstring(text)


def test_the_same_record_gives_the_same_bytes_and_a_second_run_rewrites_nothing(
    campaign: Campaign, tmp_path: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    export(first)
    caches["pages"].clear()
    export(second)
    files = tree(first)
    assert files == tree(second)
    before = {path: path.stat() for path in first.rglob("*")}
    said = export(first)
    assert f": 0 written, {len(files) - 1} as they were; 0 removed." in said
    after = {path: path.stat() for path in first.rglob("*")}
    assert {path: (was.st_ino, was.st_mtime_ns) for path, was in before.items()} == {
        path: (now.st_ino, now.st_mtime_ns) for path, now in after.items()
    }


def test_a_withdrawn_campaign_disappears_and_only_it(campaign: Campaign, tmp_path: Path) -> None:
    other = make_campaign("other-models")
    save_draft(
        campaign=other,
        person=None,
        title="Other models",
        text="",
        charts=[],
        platforms="names",
        reports=True,
        items=False,
        dates="day",
    )
    publish(campaign=other, person=None)
    export(tmp_path)
    assert (tmp_path / "c" / "other-models" / "index.html").exists()
    mine = tmp_path / "c" / SLUG / "notes.txt"
    mine.write_text("Not written by the command.")
    withdraw(campaign=campaign, person=None)
    export(tmp_path)
    left = {path for path in tree(tmp_path) if SLUG in path}
    assert left == {f"c/{SLUG}/notes.txt"}
    assert SLUG not in (tmp_path / "index.html").read_text()
    assert SLUG not in (tmp_path / "sitemap.xml").read_text()
    assert (tmp_path / "de" / "c" / "other-models" / "index.html").exists()
    assert not (tmp_path / "de" / "c" / SLUG).exists()


def test_one_campaign_can_be_chosen(campaign: Campaign, tmp_path: Path) -> None:
    save_draft(
        campaign=(other := make_campaign("other-models")),
        person=None,
        title="Other models",
        text="",
        charts=[],
        platforms="names",
        reports=True,
        items=False,
        dates="day",
    )
    with pytest.raises(CommandError, match=r"“other-models” is not public\. Public campaigns: listed-models"):
        export(tmp_path / "none", "other-models")
    assert not (tmp_path / "none").exists()
    publish(campaign=other, person=None)
    export(tmp_path / "site", "other-models")
    assert not any(SLUG in path for path in tree(tmp_path / "site"))
    for name in ("index.html", "sitemap.xml"):
        text = (tmp_path / "site" / name).read_text()
        assert "other-models" in text
        assert SLUG not in text


@pytest.mark.django_db
def test_stylesheets_have_the_names_that_the_site_gives_them(settings: Settings, tmp_path: Path) -> None:
    """In production each name has the sum of its file in it, and files stand where they were collected."""
    settings.STATIC_ROOT = tmp_path / "static"
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"}
    }
    caches["pages"].clear()
    with pytest.raises(CommandError, match=r"Run: manage\.py collectstatic"):
        export(tmp_path / "site")
    call_command("collectstatic", interactive=False, verbosity=0)
    export(tmp_path / "site")
    caches["pages"].clear()
    files = tree(tmp_path / "site")
    check_links(files)
    (style,) = (path for path in files if path.startswith("static/still-up.") and path.endswith(".css"))
    assert style != "static/still-up.css"


@pytest.mark.django_db
def test_a_site_without_campaigns_can_be_written(tmp_path: Path) -> None:
    caches["pages"].clear()
    export(tmp_path)
    assert {"index.html", "checker/index.html", "de/index.html"} <= set(tree(tmp_path))


# ------------------------------------------------------------------------------------------------- the folder


FILES = {"index.html": b"front", "a/index.html": b"page", "a/b.csv": b"numbers"}


def given(files: dict[str, bytes]) -> Iterator[tuple[str, Content]]:
    """The files one after the other, each byte a chunk of its own."""
    for path, content in files.items():
        yield path, (bytes([byte]) for byte in content)


def test_a_folder_holds_what_was_written_last(tmp_path: Path) -> None:
    assert write_folder(tmp_path / "new" / "site", given(FILES)) == Outcome(3, 0, 0)
    assert write_folder(tmp_path / "new" / "site", given(FILES)) == Outcome(0, 3, 0)
    changed = {"index.html": b"another front", "c.txt": b"in chunks"}
    assert write_folder(tmp_path / "new" / "site", given(changed)) == Outcome(2, 0, 2)
    assert {
        path: content for path, content in tree(tmp_path / "new" / "site").items() if path != MANIFEST
    } == {
        "index.html": b"another front",
        "c.txt": b"in chunks",
    }
    assert not (tmp_path / "new" / "site" / "a").exists()
    manifest = json.loads((tmp_path / "new" / "site" / MANIFEST).read_text())
    assert set(manifest["files"]) == {"index.html", "c.txt"}


def test_a_folder_with_foreign_files_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("Mine.")
    with pytest.raises(UnusableFolder, match=r"holds thesis\.tex, which was not written from here"):
        write_folder(tmp_path, given(FILES))
    assert set(tree(tmp_path)) == {"thesis.tex"}
    with pytest.raises(UnusableFolder, match="is a file"):
        write_folder(tmp_path / "thesis.tex", given(FILES))


@pytest.mark.parametrize("kind", ["file", "link", "folder", "link above"])
def test_what_is_in_the_way_is_not_written_over(kind: str, tmp_path: Path) -> None:
    site, outside = tmp_path / "site", tmp_path / "outside"
    outside.mkdir()
    write_folder(site, given(FILES))
    if kind == "file":
        (site / "x").write_text("Mine.")
    elif kind == "link":
        (site / "x").symlink_to(outside / "y")
    elif kind == "folder":
        (site / "x").mkdir()
    else:
        (site / "z").symlink_to(outside)
    before = tree(tmp_path)
    with pytest.raises(UnusableFolder, match="is in the way"):
        write_folder(site, given({"a/new": b"new", "z/x" if kind == "link above" else "x": b"new"}))
    assert tree(tmp_path) == before


def test_a_file_that_somebody_changed_is_not_removed(tmp_path: Path) -> None:
    write_folder(tmp_path, given(FILES))
    (tmp_path / "a" / "b.csv").write_bytes(b"my numbers")
    assert write_folder(tmp_path, given({"index.html": b"front"})) == Outcome(0, 1, 1)
    assert (tmp_path / "a" / "b.csv").read_bytes() == b"my numbers"


@pytest.mark.parametrize("stop_at", range(1, 8))
def test_an_interrupted_run_leaves_whole_files_and_the_next_one_finishes(
    stop_at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many files were put in place before the power went out."""
    new = {"index.html": b"front 2", "a/index.html": b"page 2", "d/e.csv": b"new numbers"}
    write_folder(tmp_path, given(FILES))
    replace, done = Path.replace, 0

    def interrupted(self: Path, target: Path) -> Path:
        nonlocal done
        done += 1
        if done == stop_at:
            raise KeyboardInterrupt
        return replace(self, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", interrupted)
        with suppress(KeyboardInterrupt):
            write_folder(tmp_path, given(new))
    for path, content in FILES.items():
        there = tmp_path / path
        if path in new:
            assert there.read_bytes() in {content, new[path]}
    write_folder(tmp_path, given(new))
    assert {path: content for path, content in tree(tmp_path).items() if path != MANIFEST} == new


@pytest.mark.parametrize("where", ["before a file", "within a file"])
@pytest.mark.parametrize("there", [True, False], ids=["a folder of an earlier run", "no folder yet"])
def test_a_failure_on_the_way_leaves_the_folder_as_it_was(there: bool, where: str, tmp_path: Path) -> None:
    site = tmp_path / "new" / "site"
    if there:
        write_folder(site, given(FILES))
    before = tree(tmp_path)

    def cut() -> Iterator[bytes]:
        yield b"some of it"
        raise RuntimeError("the record cannot be read")

    def failing() -> Iterator[tuple[str, Content]]:
        yield "index.html", [b"front 2"]
        if where == "before a file":
            raise RuntimeError("the record cannot be read")
        yield "d.csv", cut()

    with pytest.raises(RuntimeError, match="cannot be read"):
        write_folder(site, failing())
    assert tree(tmp_path) == before
    assert site.exists() == there
    assert write_folder(site, given(FILES)) == (Outcome(0, 3, 0) if there else Outcome(3, 0, 0))


def test_progress_hears_each_file(tmp_path: Path) -> None:
    heard: list[int] = []
    write_folder(tmp_path, given(FILES), progress=heard.append)
    assert heard == [1, 2, 3]


def test_a_manifest_that_cannot_be_read_gets_a_sentence(tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_text("{}")
    with pytest.raises(UnusableFolder, match="cannot be read"):
        write_folder(tmp_path, given(FILES))


# -------------------------------------------------------------------------------------------------- the links


@pytest.mark.parametrize(
    ("address", "file"),
    [
        ("/", "index.html"),
        ("/?lang=en", "index.html"),
        ("/?lang=de", "de/index.html"),
        ("/c/x/?lang=de#top", "de/c/x/index.html"),
        ("/c/x/feed.atom", "c/x/feed.atom"),
        ("/c/x/charts/a%20b.csv?lang=de", "de/c/x/charts/a b.csv"),
    ],
)
def test_where_an_address_stands(address: str, file: str) -> None:
    assert file_of(address) == file


def swapped(link: str) -> str | None:
    return None if link == "/gone/" else f"<{link}>"


@pytest.mark.parametrize("name", sorted(ADDRESSES))
@pytest.mark.parametrize("tag", ["a", "img", "link", "div"])
def test_every_attribute_that_holds_an_address_is_replaced(name: str, tag: str) -> None:
    page = f"<{tag} class=\"x\" {name}='/c/x/?a=1&amp;b=2'>words &amp; &#8211; more"
    expected = f'<{tag} class="x" {name}="&lt;/c/x/?a=1&amp;b=2&gt;">words &amp; &#8211; more'
    assert relinked(page, swapped) == expected


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        *(
            (
                f'<img {name}="a.png 1x, /b.png 2x,c.png">',
                f'<img {name}="&lt;a.png&gt; 1x, &lt;/b.png&gt; 2x,&lt;c.png&gt;">',
            )
            for name in sorted(CANDIDATES)
        ),
        *((f'<a {name}="/a /b">', f'<a {name}="&lt;/a&gt; &lt;/b&gt;">') for name in sorted(SPACED)),
        (
            '<meta http-equiv="Refresh" content="5; url=/next/">',
            '<meta http-equiv="Refresh" content="5; url=&lt;/next/&gt;">',
        ),
        ('<p data-anything="/c/x/">', '<p data-anything="&lt;/c/x/&gt;">'),
        ('<IMG SRC="/a.png" alt>', '<img src="&lt;/a.png&gt;" alt>'),
        ('<br/><img src="/a.png"/>', '<br/><img src="&lt;/a.png&gt;"/>'),
    ],
)
def test_other_forms_of_addresses(page: str, expected: str) -> None:
    assert relinked(page, swapped) == expected


@pytest.mark.parametrize(
    "page",
    [
        '<!doctype html>\n<html lang="en-GB">\n<!-- a <b> -->',
        '<link rel="canonical" href="https://still-up.example.org/">',
        '<meta property="og:url" content="https://still-up.example.org/">',
        "<script>if (1 < 2 && 3 > 2) document.write('<a href=\"/x\">')</script>",
        '<script type="application/json">{"a": "</p><a href=\'/x\'>"}</script>',
        '<P Class=A>it&rsquo;s &lt;a href="/x"&gt; &#x2013;</P>'.replace("</P>", "</p>"),
        '<p title="a / b">//</p>',
    ],
)
def test_what_is_no_address_stays_as_it_is(page: str) -> None:
    assert relinked(page, swapped) == page


def test_a_link_to_what_only_the_site_has_goes_with_its_words() -> None:
    page = '<nav><a href="/a/">A</a> <a class="b" href="/gone/">Sign <b>in</b> &amp; out</a> <i>C</i></nav>'
    assert relinked(page, swapped) == '<nav><a href="&lt;/a/&gt;">A</a>  <i>C</i></nav>'
