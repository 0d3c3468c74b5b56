"""What every answer must have, whatever it is, by a walk over the whole site with production's settings.

Like a scanner that looks for missing headers, as its owner and as nobody: every address of the URL map by GET
and by POST, every link that pages have, static files, downloads, redirects and errors.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from html import unescape
from html.parser import HTMLParser
from types import ModuleType
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import pytest
from django.db.models import Value
from django.db.models.functions import Concat
from django.http import HttpResponseBase
from django.test import Client
from django.urls import Resolver404, URLPattern, URLResolver, get_resolver, resolve
from django.urls.converters import IntConverter

from apps.accounts.models import Person
from apps.checks.models import Check, Target
from apps.core.answers import HEADERS, MULTIPART_OVERHEAD
from apps.exports.editions import correct_edition, publish_edition
from apps.reports.models import Campaign, Import, Item, Membership, Reminder, Reply, Report
from apps.reports.replies import log_reminder
from tests.factories import at, make_import, make_person
from tests.public.seeding import SECRETS, SLUG, make_public, seed
from tests.test_settings import PRODUCTION, load_settings

__all__ = ["load_settings"]

pytestmark = pytest.mark.django_db

SITE = PRODUCTION["SITE_URL"]
POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
}
HSTS = {
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains"
}  # over HTTPS alone (RFC 6797, 7.2)
REQUIRED = {
    **{name: value for name, value in HEADERS.items() if name != "Cache-Control"},
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    **HSTS,
}
CHOSEN = (
    "SECURE_",
    "SESSION_COOKIE_",
    "CSRF_COOKIE_",
    "CONTENT_SECURITY_POLICY",
    "X_FRAME_OPTIONS",
    "MIDDLEWARE",
)
HOSTILE = """"'><zq-evil zq-evil=1>{{ 7|add:7 }}</title></script><!--"""
"""Whoever shows this as anything but text has made an element or an attribute of it."""
MARKUP = ("text/html", "application/xhtml", "application/xml", "application/atom", "image/svg")
ADDRESSES_A_ROUTE = 2  # that the walk follows, of all filters and rows: they are made by the same code
PREVIEW = "/publication/preview/"  # the public pages once more, made anew each time
FOR_OTHER_SITES = re.compile(rf"/c/{SLUG}/(badge\.svg|card\.\w+\.png|embed/.*)")
PUBLIC = re.compile(r"/(c/.*|static/.*|checker/|robots\.txt|sitemap\.xml)?")
EMBED = re.compile(rf"/c/{SLUG}/embed/.*")


@pytest.fixture
def production(load_settings: Callable[..., ModuleType], settings: Any) -> None:
    """What production says of headers and cookies, on the database and the static files of the tests."""
    for name, value in vars(load_settings(**PRODUCTION)).items():
        if name.startswith(CHOSEN):
            setattr(settings, name, value)
    settings.ALLOWED_HOSTS = [PRODUCTION["ALLOWED_HOSTS"]]
    settings.SITE_URL = SITE


class Page(HTMLParser):
    """What a page links to, what it loads by itself, and what runs in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.fields: set[str] = set()
        self.inline: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attributes}
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        if tag in {"input", "select", "textarea"} and "name" in found:
            self.fields.add(found["name"])
        self.loads += [found[name] for name in ("src", "srcset", "data", "poster", "action") if name in found]
        self.loads += [found["href"] for _ in [0] if tag == "link" and "href" in found]
        self.loads += [value for name, value in found.items() if name.startswith("data-library")]
        self.inline += [f"{tag} {name}" for name in found if name.startswith("on") or name == "style"]
        self.inline += [f"a text: {tag} {name}" for name in (tag, *found) if name.startswith("zq-evil")]
        if tag == "style" or (tag == "script" and "src" not in found and "json" not in found.get("type", "")):
            self.inline.append(tag)
        if tag == "base" or found.get("http-equiv", "").lower() == "refresh":
            self.inline.append(tag)


def routes() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every address of the site as Django writes it, with the kinds of its parts."""

    def walk(patterns: list[URLPattern | URLResolver], before: str, parts: dict[str, Any]) -> Iterator[Any]:
        for each in patterns:
            route, own = before + str(each.pattern), {**parts, **each.pattern.converters}
            if isinstance(each, URLResolver):
                yield from walk(each.url_patterns, route, own)
            else:
                yield route, own

    yield from walk(get_resolver().url_patterns, "/", {})


def address(route: str, parts: dict[str, Any], values: dict[str, str]) -> str:
    """An address of a route, with the rows of this test where it names some."""
    for name, converter in parts.items():
        value = values.get(name, "1" if isinstance(converter, IntConverter) else "example")
        route = re.sub(rf"<(\w+:)?{name}>", value, route)
    # What a library writes as an expression: an address that leads into it is enough.
    return re.sub(r"\(\?P<\w+>[^)]*\)", "example", route).replace("^", "").replace("$", "").replace("\\", "")


def route_of(path: str) -> str:
    """The route that an address belongs to, or the address itself where there is none."""
    try:
        return resolve(urlsplit(path).path).route
    except Resolver404:
        return path


class Walk:
    """All that a visitor can ask for, and what is wrong with the answers."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.wrong: list[str] = []
        self.kinds: set[tuple[int, str]] = set()
        self.asked: set[str] = set()
        self.of_a_route: Counter[str] = Counter()
        self.fields: set[str] = set()  # names of all forms' fields that were seen

    def ask(self, method: str, path: str, **options: Any) -> HttpResponseBase:
        answer = self.client.generic(
            method, path, secure=True, headers={"host": urlsplit(SITE).netloc}, **options
        )
        self.kinds.add((answer.status_code, answer.headers.get("Content-Type", "").partition(";")[0]))
        found = [*faults(path, answer.status_code, answer.headers), *open_cookies(answer)]
        if answer.streaming:
            b"".join(answer.streaming_content)  # type: ignore[attr-defined]  # its file is closed at its end
        elif answer.headers.get("Content-Type", "").startswith(MARKUP):
            text = answer.content.decode()
            page = Page(text)
            self.fields |= page.fields
            found += [f"runs or styles inline: {each}" for each in page.inline]
            found += ["made an element of a text"] if "<zq-evil" in text else []
            found += ["took a text for a template"] if "14</title>" in unescape(text) else []
        self.wrong += [f"{method} {path} {answer.status_code}: {fault}" for fault in found]
        return answer

    def pages(self, *starts: str) -> None:
        """Follow links from page to page, and look at what each loads."""
        waiting = list(starts)
        while waiting:
            path = waiting.pop()
            route = route_of(path)
            most = 1 if PREVIEW in path else ADDRESSES_A_ROUTE
            if path in self.asked or self.of_a_route[route] == most:
                continue
            self.asked.add(path)
            self.of_a_route[route] += 1
            answer = self.ask("GET", path)
            if not answer.headers.get("Content-Type", "").startswith("text/html"):
                continue
            page = Page(answer.content.decode())  # type: ignore[attr-defined]
            for link in [*page.links, *page.loads]:
                parts = urlsplit(urljoin(SITE + path, link))
                if f"{parts.scheme}://{parts.netloc}" == SITE:
                    waiting.append(parts.path + (f"?{parts.query}" if parts.query else ""))
                elif link in page.loads:
                    self.wrong.append(f"{path}: loads from elsewhere: {link}")


def faults(address: str, status: int, headers: Mapping[str, str]) -> Iterator[str]:
    """What an answer to an address lacks."""
    required: dict[str, str | None] = {**REQUIRED}
    policy, path = POLICY, urlsplit(address).path
    if FOR_OTHER_SITES.fullmatch(path) and status in {200, 405}:
        required["Cross-Origin-Resource-Policy"] = "cross-origin"
    if EMBED.fullmatch(path) and status in {200, 405}:
        required["X-Frame-Options"] = None
        policy = POLICY | {"frame-ancestors": "*"}
    for name, value in required.items():
        if headers.get(name) != value:
            yield f"{name} is {headers.get(name)}"
    said = dict(part.split(" ", 1) for part in headers.get("Content-Security-Policy", "x x").split("; "))
    if said != policy:
        yield f"Content-Security-Policy is {said}"
    if not PUBLIC.fullmatch(path) and "no-store" not in headers.get("Cache-Control", ""):
        yield "may be kept by caches"


def open_cookies(answer: HttpResponseBase) -> Iterator[str]:
    """Cookies that others than this site, over HTTPS, could read or write."""
    for cookie in filter(lambda each: each.value, answer.cookies.values()):
        kept = cookie["secure"] and cookie["httponly"] and cookie["samesite"] == "Lax"
        if not kept or cookie["domain"]:
            yield f"the cookie {cookie.key} is open"
        if cookie.key != "messages" and not cookie.key.startswith("__Host-"):
            yield f"the cookie {cookie.key} may come from another host"


def write_hostile_texts() -> None:
    """Put HOSTILE wherever people, platforms and lists write."""
    Person.objects.update(name=HOSTILE)
    Campaign.objects.update(name=HOSTILE, description=HOSTILE)
    Report.objects.update(policy=HOSTILE, reference=HOSTILE, note=HOSTILE)
    Report.objects.filter(standing=SECRETS["standing"]).update(standing=HOSTILE[:60], category=HOSTILE[:60])
    Item.objects.update(submitted=HOSTILE, labels=[HOSTILE], note=HOSTILE)
    Target.objects.exclude(key__contains="zq-evil").update(
        key=Concat("key", Value(HOSTILE)), account=HOSTILE, identity=HOSTILE
    )
    Check.objects.update(note=HOSTILE, evidence={"title": HOSTILE, "detail": HOSTILE})
    Reply.objects.update(text=HOSTILE, reference=HOSTILE)
    Reminder.objects.update(note=HOSTILE)
    Import.objects.update(filename=HOSTILE, problem=HOSTILE)


@pytest.fixture
def rows(production: None) -> dict[str, str]:
    """A campaign with one of everything, and what stands for it in addresses."""
    owner = make_person("owner@example.org", password="correct horse battery")
    campaign = seed(owner, owner=owner)
    report = campaign.reports.get(number=1)
    log_reminder(report=report, sent_at=at(1))
    write_hostile_texts()
    make_public(campaign, items=True, title=HOSTILE, text=HOSTILE)
    publish_edition(campaign=campaign, person=owner, note=HOSTILE)
    correct_edition(campaign=campaign, number=1, person=owner, text=HOSTILE)
    waiting = make_import(campaign, f'url,"{HOSTILE.replace(chr(34), chr(34) * 2)}"\n{HOSTILE},x\n'.encode())
    waiting.rejected_csv = "line,url,reason\r\n"
    waiting.save()
    write_hostile_texts()
    return {
        "slug": campaign.slug,
        "item": str(Item.objects.filter(report=report).order_by("pk")[0].pk),
        "import": str(Import.objects.get().pk),
        "reply": str(Reply.objects.order_by("pk")[0].pk),
        "reminder": str(Reminder.objects.get().pk),
        "membership": str(Membership.objects.get(campaign=campaign).pk),
        "number": "1",
        "other": "1",
        "chart": "removed",
        "table": "items",
        "format": "csv",
        "language": "en",
        "key": "huggingface",
        "platform": "huggingface",
    }


def walked(client: Client, rows: dict[str, str]) -> Walk:
    """All of the site, as whoever is signed in sees it."""
    walk = Walk(client)
    walk.pages("/", "/workspace/", f"/workspace/{SLUG}/", f"/c/{SLUG}/", "/robots.txt", "/no-such-page/")
    walk.pages("/workspace/no-such-campaign/", "/static/still-up.css", "/static/no-such-file.css", "/c/%ff/")
    for route, parts in routes():
        kinds = {"items": "item", "imports": "import", "replies": "reply", "reminders": "reminder"}
        kind = next((each for word, each in kinds.items() if f"/{word}/<" in route), "membership")
        path = address(route, parts, {**rows, "pk": rows[kind]})
        if "/sign-out/" in path:
            continue
        said = urlencode(dict.fromkeys(sorted(walk.fields), HOSTILE))
        if PREVIEW not in path:
            walk.ask("GET", f"{path}?{said}")
        elif path not in walk.asked:
            walk.ask("GET", path)
        walk.ask("DELETE", path)
        walk.ask("POST", path, data=said, content_type="application/x-www-form-urlencoded")
    return walk


def test_no_answer_lacks_a_header_or_takes_a_text_for_more_than_text(
    rows: dict[str, str],
) -> None:
    anonymous = walked(Client(enforce_csrf_checks=True, raise_request_exception=False), rows)
    assert anonymous.wrong == [], anonymous.wrong
    assert {status for status, _ in anonymous.kinds} >= {200, 302, 403, 404, 405}

    client = Client(raise_request_exception=False)
    door = Walk(client)
    door.ask("GET", "/sign-in/")
    form = urlencode({"login": "owner@example.org", "password": "correct horse battery"})
    door.ask("POST", "/sign-in/", data=form, content_type="application/x-www-form-urlencoded")
    assert (door.wrong, "__Host-session" in client.cookies) == ([], True)
    owner = walked(client, rows)
    assert owner.wrong == [], owner.wrong
    assert {status for status, _ in owner.kinds} >= {200, 302, 404, 405}
    failures = {kind for kind in owner.kinds | anonymous.kinds if kind[0] >= 500}
    assert failures <= {(503, "application/json")}  # /readyz, where no checker runs
    kinds = {kind for _, kind in owner.kinds}
    assert kinds >= {"text/html", "text/css", "image/svg+xml", "image/png", "application/json", "text/csv"}
    assert len([path for path in owner.asked if path.startswith("/workspace/")]) > 50


def test_refusals_have_their_headers_too(production: None, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client(raise_request_exception=False)
    plain = client.get("/", headers={"host": urlsplit(SITE).netloc})
    assert (plain.status_code, plain["Location"]) == (301, SITE + "/")
    assert list(faults("/", 301, {**plain.headers, **HSTS})) == []
    wrong_host = client.get("/", secure=True, headers={"host": "evil.example.org"})
    assert (wrong_host.status_code, list(faults("/", 400, wrong_host.headers))) == (400, [])
    walk = Walk(client)
    monkeypatch.setattr("apps.public.views.kept_answer", None)
    assert walk.ask("GET", "/checker/").status_code == 500
    assert walk.wrong == []


def test_a_request_that_is_too_large_is_not_read(production: None, settings: Any) -> None:
    settings.LARGEST_UPLOAD_BYTES = 2_000_000
    walk = Walk(Client())
    size = settings.LARGEST_UPLOAD_BYTES + MULTIPART_OVERHEAD

    def send(length: int) -> HttpResponseBase:
        return walk.ask(
            "POST",
            "/sign-in/",
            data=b"x",
            content_type="application/octet-stream",
            CONTENT_LENGTH=str(length),
        )

    answer = send(size + 1)
    assert answer.status_code == 413
    assert "A file may have 2 MB" in answer.content.decode()  # type: ignore[attr-defined]
    assert send(size).status_code != 413
    assert walk.wrong == []


def test_a_form_with_too_many_fields_or_files_is_refused(production: None) -> None:
    client = Client(raise_request_exception=False)
    host = {"host": urlsplit(SITE).netloc}
    fields = {f"field-{number}": "x" for number in range(1001)}
    assert client.post("/sign-in/", fields, secure=True, headers=host).status_code == 400
    parts = "".join(
        f'--x\r\nContent-Disposition: form-data; name="f{number}"; filename="f"\r\n\r\nx\r\n'
        for number in range(101)
    )
    files = f"{parts}--x--\r\n".encode()
    answer = client.generic(
        "POST", "/sign-in/", files, "multipart/form-data; boundary=x", secure=True, headers=host
    )
    assert answer.status_code == 400
    body = b"login=" + b"x" * 25_000_001
    answer = client.generic(
        "POST", "/sign-in/", body, "application/x-www-form-urlencoded", secure=True, headers=host
    )
    assert answer.status_code == 400
