"""A researcher who writes a case is told what is wrong with it, and where."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.platforms.cases import ORIGINS, Case, Exchange, case_text, load_cases
from apps.platforms.schema import DefinitionError

GOOD = """\
[[answers]]
name = "not found"
status = 404
json = '{"error": "no such model"}'

[[cases]]
name = "a model that is gone"
url = "https://models.example.org/m/1"
kind = "model"
seen = true
outcome = "removed"
reason = "not_found"
signal = "missing"
near_miss_of = "generic:not-found"
source = "the fiction of this test"

[[cases.exchanges]]
url = "https://api.example.org/m/1"
answer = "not found"

[[cases.exchanges]]
url = "https://models.example.org/m/1"
status = 200
headers = { X-Thing = "1" }
body = '''
status = "no key, but words of a page"
[[cases]]
'''

[[cases]]
name = "a model whose host is silent"
url = "https://models.example.org/m/2"
kind = "model"
outcome = "inconclusive"
reason = "timeout"
signal = "generic:no-answer-in-time"
source = "the fiction of this test"

[[cases.exchanges]]
url = "sibling"
failure = "timeout"
detail = "headers"

[[cases]]
name = "a model with much to say"
url = "https://models.example.org/m/3"
kind = "model"
outcome = "available"
reason = "ok"
signal = "up"
source = "the fiction of this test"

[[cases.exchanges]]
url = "https://models.example.org/m/3"
status = 200
address = "192.0.2.7"
body = "<h1>A model</h1>"
filler = 150
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "example.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_it_works(tmp_path: Path) -> None:
    gone, silent, long = load_cases(write(tmp_path, GOOD))
    assert gone.seen
    assert silent.seen is None
    api, page = gone.exchanges
    assert (api.status, api.body) == (404, b'{"error": "no such model"}')
    assert api.headers == {"content-type": "application/json"}
    assert page.headers == {"x-thing": "1", "content-type": "text/html; charset=utf-8"}
    assert (silent.exchanges[0].failure, silent.exchanges[0].detail) == ("timeout", "headers")
    assert (gone.near_miss_of, silent.near_miss_of) == ("generic:not-found", "")
    (exchange,) = long.exchanges
    assert exchange.address == "192.0.2.7"
    assert exchange.body.startswith(b"<h1>A model</h1><p>So many words")
    assert len(exchange.body) == len(b"<h1>A model</h1><p></p>") + 150


@pytest.mark.parametrize(
    ("replace", "by", "where", "hint"),
    [
        ('name = "not found"\n', "", "line 1: answers[1].name", "is missing"),
        ("json = '{", "json = '", "line 4: answers[1].json", "is not JSON"),
        ("status = 404\n", "", "answers[1].status", 'failure = "timeout"'),
        ('kind = "model"\nseen', 'kid = "model"\nseen', "cases[1].kind", "is missing"),
        ("seen = true", "seen = 1", "line 10: cases[1].seen", "true or false"),
        ("seen = true", "sen = true", "line 10: cases[1].sen", 'Did you mean "seen"?'),
        ('"missing"', '"missing@1"', "line 13: cases[1].signal", "without a version"),
        (
            '"generic:not-found"',
            '"generic:not-found@1"',
            "line 14: cases[1].near_miss_of",
            "without a version",
        ),
        ('"generic:not-found"', '"missing"', "line 14: cases[1].near_miss_of", "that almost does"),
        ('body = "<h1>A model</h1>"\n', "", "cases[3].exchanges[1].filler", "Write body as well"),
        ('failure = "timeout"\n', "status = 408\n", "cases[2].exchanges[1].detail", "belongs to a failure"),
        ('detail = "headers"', 'address = "192.0.2.7"', "cases[2].exchanges[1].failure", "alone"),
        ('answer = "not found"', 'answer = "absent"', "line 19: cases[1].exchanges[1].answer", "[[answers]]"),
        (
            'answer = "not found"',
            'answer = "not found"\nstatus = 404',
            "line 20: cases[1].exchanges[1].status",
            "not a key",
        ),
        ('X-Thing = "1"', "X-Thing = 1", "line 24: cases[1].exchanges[2].headers", "a text"),
        ("status = 200\n", "status = 2\n", "line 23: cases[1].exchanges[2].status", "at least 100"),
        ('"a model whose host is silent"', '"a model that is gone"', "line 31: cases[2].name", "twice"),
        ('url = "sibling"', 'url = "silbing"', "line 40: cases[2].exchanges[1].url", '"sibling"'),
        (
            'failure = "timeout"',
            'failure = "timeout"\nbody = "x"',
            "line 41: cases[2].exchanges[1].failure",
            "alone",
        ),
    ],
)
def test_a_mistake_is_named_with_its_file_line_and_key(
    tmp_path: Path, replace: str, by: str, where: str, hint: str
) -> None:
    assert replace in GOOD
    with pytest.raises(DefinitionError) as caught:
        load_cases(write(tmp_path, GOOD.replace(replace, by, 1)))
    message = str(caught.value)
    assert message.startswith("example.toml")
    assert where in message
    assert hint in message


def test_a_file_without_cases_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match=r"example\.toml: cases: is missing"):
        load_cases(write(tmp_path, ""))


# --------------------------------------------------------------------------------------------- writing a case

TEXT = st.text(
    st.characters(exclude_categories=("Cs",), exclude_characters="\r\n") | st.sampled_from("'\"\\\x7f\x00\t"),
    min_size=1,
    max_size=20,
)
"""Whatever a text in a case may hold."""

BODY = st.text(st.characters(exclude_categories=("Cs",)) | st.sampled_from("'\"\\\n\x7f"), max_size=40).map(
    lambda text: text.replace("\r", "")
)


@st.composite
def exchanges(draw: st.DrawFn) -> Exchange:
    """An exchange as it comes back from a file: a body has a media type."""
    url = draw(st.sampled_from(["sibling", "https://models.example.org/m/1"]))
    post = draw(st.sampled_from(["", '[{"a": 1}]']))
    if draw(st.booleans()):
        return Exchange(url, post, failure="timeout")
    body = draw(BODY | st.sampled_from(['{"a": "it\'s"}', "[]", "'''", "a'"]))
    headers = draw(st.dictionaries(st.sampled_from(["server", "x-a b", "location"]), TEXT, max_size=2))
    if body:
        media_types = ["application/json", "text/html; charset=utf-8", "text/plain"]
        headers = {"content-type": draw(st.sampled_from(media_types)), **headers}
    return Exchange(url, post, draw(st.integers(100, 599)), headers, body.encode())


@given(
    st.builds(
        Case,
        name=TEXT,
        url=st.just("https://models.example.org/m/1"),
        kind=TEXT,
        outcome=st.just("removed"),
        reason=st.just("not_found"),
        signal=st.sampled_from(["missing", "generic:not-found"]),
        source=TEXT,
        exchanges=st.lists(exchanges(), max_size=3).map(tuple),
        definitive=st.booleans(),
        seen=st.none() | st.booleans(),
        token=st.booleans(),
        account=st.none() | TEXT,
        key=st.none() | TEXT,
        identity=st.none() | TEXT,
        origin=st.sampled_from(ORIGINS),
    )
)
def test_a_case_that_is_written_is_read_back(tmp_path_factory: pytest.TempPathFactory, case: Case) -> None:
    path = tmp_path_factory.mktemp("cases") / "example.toml"
    path.write_text(case_text(case, comment=["As it was found.", ""]), encoding="utf-8")
    (read,) = load_cases(path)
    same = tuple(replace(exchange, line=0) for exchange in read.exchanges)
    assert replace(read, exchanges=same, file="", line=0) == case
