"""The card that other sites show for a link: its size, its sameness, and what of a title is drawn."""

from __future__ import annotations

import json
import re
import struct
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFont

from apps.exports.snapshots import published
from apps.exports.trees import to_json
from apps.public.card import BOLD, ELLIPSIS, FONTS, HEIGHT, WIDTH, drawable, wrapped
from apps.public.languages import SHORT
from tests.factories import make_campaign
from tests.public.seeding import SLUG, make_public, seed

FONT = ImageFont.truetype(FONTS / BOLD, 20, layout_engine=ImageFont.Layout.BASIC)
ROOM = 200.0  # pixels
HOME = f"/c/{SLUG}/"
AGAIN = """
import json, sys

import django
django.setup()
from django.utils import translation
from apps.exports.published import Snapshot
from apps.exports.trees import from_json
from apps.public.card import card
snapshot = from_json(Snapshot, json.load(sys.stdin))
with translation.override("de"):
    sys.stdout.buffer.write(card(snapshot, snapshot.said("de")))
"""


@pytest.mark.django_db
def test_it_works(client: Client, repository: Path) -> None:
    make_public(seed())
    cards = {}
    for language in SHORT.values():
        answer = client.get(f"{HOME}card.{language}.png")
        assert answer["Content-Type"] == "image/png"
        assert answer["Content-Language"].startswith(language)
        assert "Vary" not in answer
        assert answer.content.startswith(b"\x89PNG\r\n\x1a\n")
        assert struct.unpack(">II", answer.content[16:24]) == (WIDTH, HEIGHT) == (1200, 630)
        Image.open(BytesIO(answer.content)).verify()
        page = client.get(f"{HOME}?lang={language}").content.decode()
        (image,) = re.findall(r'<meta property="og:image" content="([^"]+)">', page)
        assert image == f"http://127.0.0.1:8000{HOME}card.{language}.png"
        cards[language] = answer.content
    assert cards["en"] != cards["de"]
    # The same bytes in another process, which has drawn nothing before.
    snapshot = json.dumps(to_json(published(SLUG).snapshot()))
    done = subprocess.run(
        [sys.executable, "-c", AGAIN],
        input=snapshot.encode(),
        cwd=repository,
        capture_output=True,
        check=True,
    )
    assert done.stdout == cards["de"]
    assert client.get(f"{HOME}card.fr.png").status_code == 404


@pytest.mark.django_db
def test_a_card_without_figures_or_title_can_be_drawn(client: Client) -> None:
    make_public(make_campaign(SLUG), title="نماذج", text="")
    assert client.get(f"{HOME}card.en.png").status_code == 200


@pytest.mark.parametrize(
    ("title", "drawn"),
    [
        ("Models that break rules", "Models that break rules"),
        ("Übergröße, Łódź, Čeština", "Übergröße, Łódź, Čeština"),
        ("U\u0308ber", "Über"),
        ("Модели и правила", "Модели и правила"),
        ("Μοντέλα", "Μοντέλα"),
        ("“Rules” – 48 h ≥ 24 h …", "“Rules” – 48 h ≥ 24 h …"),
        ("\U0001f9ea Lab \x01\t notes", "Lab notes"),
        ("模型", ""),
        ("نماذج", ""),
        ("דגמים", ""),
        ("Models 模型", ""),
        ("", ""),
    ],
)
def test_what_of_a_title_is_drawn(title: str, drawn: str) -> None:
    assert drawable(title) == drawn


@given(st.lists(st.text("abcimW.", min_size=1, max_size=40), max_size=20), st.integers(1, 5))
def test_lines_have_room_and_hold_the_text_or_say_that_it_goes_on(words: list[str], most: int) -> None:
    text = " ".join(words)
    lines = wrapped(text, FONT, room=ROOM, most=most)
    assert len(lines) <= most
    assert all(FONT.getlength(line) <= ROOM for line in lines)
    letters = "".join(lines).replace(" ", "")
    if letters.endswith(ELLIPSIS):
        assert len(lines) == most
        assert text.replace(" ", "").startswith(letters.removesuffix(ELLIPSIS))
    else:
        assert letters == text.replace(" ", "")
