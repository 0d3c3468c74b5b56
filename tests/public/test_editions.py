"""The public pages of editions: what they say, that their files stay the same, and when they are gone."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace

import pytest
from django.test import Client

from apps.exports.editions import correct_edition, public_edition, publish_edition
from apps.exports.publication import publish, withdraw
from apps.public.citation import bibtex, citation
from apps.reports.models import Campaign, Item
from tests.factories import make_person
from tests.metrics.watching import Look, record
from tests.public.seeding import SLUG, TITLE, make_public, seed

pytestmark = pytest.mark.django_db
HOME = f"/c/{SLUG}/editions/"


@pytest.fixture
def campaign() -> Campaign:
    made = seed(make_person("zq-person@example.org"))
    make_public(made, items=True)
    publish_edition(campaign=made, person=None, note="As cited in a paper.")
    return made


def page(client: Client, path: str = "") -> str:
    answer = client.get(HOME + path)
    assert answer.status_code == 200, path
    return " ".join(answer.content.decode().split())


def test_it_works(campaign: Campaign, client: Client) -> None:
    assert "29 of 61 eligible items" in page(client)
    found = page(client, "1/")
    assert f"Edition 1 of “<bdi>{TITLE}</bdi>”" in found
    assert "As cited in a paper." in found
    assert public_edition(SLUG, 1).sums in found
    assert f"http://127.0.0.1:8000{HOME}1/" in found
    assert "@misc{listed-models-1," in found
    for file in public_edition(SLUG, 1).files:
        assert f'href="{HOME}1/{file.name}"' in found
    assert HOME in client.get(f"/c/{SLUG}/data/").content.decode()


def test_a_file_is_served_under_its_sum(campaign: Campaign, client: Client) -> None:
    for file in public_edition(SLUG, 1).files:
        answer = client.get(f"{HOME}1/{file.name}")
        assert hashlib.sha256(answer.getvalue()).hexdigest() == file.sha256
        assert answer["Content-Length"] == str(file.size)
        assert answer["ETag"] == f'"{file.sha256}"'
        assert answer["Cache-Control"] == client.get(f"{HOME}1/")["Cache-Control"]
        assert answer["Content-Type"] == file.media_type
        assert "Set-Cookie" not in answer
        assert "Vary" not in answer
        again = client.get(f"{HOME}1/{file.name}", headers={"If-None-Match": answer["ETag"]})
        assert again.status_code == 304
        assert again.content == b""
        assert client.head(f"{HOME}1/{file.name}").status_code == 200
        assert client.post(f"{HOME}1/{file.name}").status_code == 405


@pytest.mark.parametrize(
    "path",
    ["2/", "0/", "1/nothing.csv", "1/ledger-trail.jsonl", "2/SHA256SUMS", "1/compare/2/", "1/../SHA256SUMS"],
)
def test_what_there_is_not_is_not_found(path: str, campaign: Campaign, client: Client) -> None:
    assert client.get(HOME + path).status_code == 404


def test_withdrawing_hides_editions_and_publishing_shows_them_unchanged(
    campaign: Campaign, client: Client
) -> None:
    addresses = [HOME, f"{HOME}1/", f"{HOME}1/SHA256SUMS", f"{HOME}1/compare/1/"]
    sums = client.get(f"{HOME}1/SHA256SUMS").getvalue()
    withdraw(campaign=campaign, person=None)
    for address in addresses:
        assert client.get(address).status_code == 404, address
    publish(campaign=campaign, person=None)
    assert client.get(f"{HOME}1/SHA256SUMS").getvalue() == sums


def test_a_correction_stands_on_the_old_page_and_the_newer_edition_is_named(
    campaign: Campaign, client: Client
) -> None:
    before = client.get(f"{HOME}1/")
    assert "Correction" not in before.content.decode()
    correct_edition(campaign=campaign, number=1, text="Report 2 went by <web> form.", person=None)
    publish_edition(campaign=campaign, person=None)
    after = page(client, "1/")
    assert "Report 2 went by &lt;web&gt; form." in after
    assert "There is a newer one: edition 2." in after
    assert "newer one" not in page(client, "2/")
    assert "It has a correction note." in page(client)
    assert client.get(f"{HOME}1/")["ETag"] != before["ETag"]


def test_two_editions_side_by_side(campaign: Campaign, client: Client) -> None:
    item = Item.objects.filter(control=False, target__status="available", report__number=1).first()
    assert item
    record(item, [Look(900, "gone", person=True)])
    publish_edition(campaign=campaign, person=None)
    found = re.sub(r"<[^>]+>", " ", page(client, "1/compare/2/"))
    found = " ".join(found.split())
    assert "share_removed.n 29 30 +1" in found
    assert "share_removed.value 0.4754 0.4918 +0.0164" in found
    assert "status.available 29 28 −1" in found
    german = client.get(f"{HOME}1/compare/2/?lang=de").content.decode()
    assert "0,4754" in german
    assert "+0,0164" in german
    assert "civitai" not in found


def test_a_citation_names_what_it_is_of(campaign: Campaign) -> None:
    edition = public_edition(SLUG, 1)
    day = f"{edition.as_of.day} {edition.as_of:%B %Y}"
    address = "https://still-up.example.org/c/listed-models/editions/1/"
    assert citation(edition, address) == (
        f"{TITLE}. Edition 1, as of {day}. Still Up. {address} (SHA-256 {edition.sums})"
    )


def test_bibtex_takes_any_title(campaign: Campaign) -> None:
    edition = replace(public_edition(SLUG, 1), title="100% of {x} & \\y_z\n#1 ~ ^")
    entry = bibtex(edition, "https://still-up.example.org/x/", slug=SLUG)
    title = next(line for line in entry.splitlines() if "title" in line)
    assert title == (
        r"  title = {{100\% of \{x\} \& \textbackslash{}y\_z \#1 \textasciitilde{} \textasciicircum{}}},"
    )
    assert entry.count("{") - entry.count("\\{") == entry.count("}") - entry.count("\\}")
