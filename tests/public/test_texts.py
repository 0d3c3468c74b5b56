"""The texts that tests compare are those that readers see."""

from __future__ import annotations

import pytest

from tests.public.texts import texts_of

PAGE = """<!doctype html><html lang="de"><head><title>Daten · Liste</title>
<meta name="description" content="Ein Befund."><meta name="viewport" content="width=device-width">
<script type="application/json">{"data": [{"name": "Zeile", "mode": "lines", "text": ["1 h", "2 h"]}],
 "layout": {"shapes": [{"name": "mark"}], "xaxis": {"ticktext": ["24 h<br>Tag"]}}}</script>
<script>const words = "not seen";</script></head>
<body data-copied="Kopiert"><a lang="en-GB" href="/">English</a><p>Ein <b>Satz</b>.<br>Noch einer.</p>
<code>sha256sum --check</code><img alt="Bild" src="x.svg"><td data-label="Spalte">7</td></body></html>"""
PAGE_TEXTS = [
    *("Daten", "Liste", "Ein Befund.", "Zeile", "1 h", "2 h", "24 h", "Tag", "Kopiert", "Ein", "Satz", "."),
    *("Noch einer.", "Bild", "Spalte", "7"),
]
FEED = """<feed xmlns="http://www.w3.org/2005/Atom"><id>x#1</id><title>Liste</title>
<entry><updated>2026-03-01</updated><summary>Ein Tag</summary></entry></feed>"""
PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" aria-label="Bild"><text>noch da</text></svg>'


@pytest.mark.parametrize(
    ("kind", "content", "texts"),
    [
        ("text/html; charset=utf-8", PAGE, PAGE_TEXTS),
        ("application/atom+xml; charset=utf-8", FEED, ["Liste", "Ein Tag"]),
        ("image/svg+xml; charset=utf-8", PICTURE, ["Bild", "noch da"]),
        ("text/csv; charset=utf-8", "group,n\r\nAlle,3\r\n", ["Alle", "3"]),
        ("text/markdown; charset=utf-8", "# Titel\n| `n` | Zahl |\n- `x`: Satz", ["Titel", "Zahl", "Satz"]),
        ("application/json", '{"title": "Items"}', []),
    ],
)
def test_each_kind_of_answer_is_read(kind: str, content: str, texts: list[str]) -> None:
    assert texts_of(kind, content) == texts
