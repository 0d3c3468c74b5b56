"""A researcher who writes a case is told what is wrong with it, and where."""

from __future__ import annotations

from pathlib import Path

import pytest

from apps.platforms.cases import load_cases
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
signal = "generic:transport"
source = "the fiction of this test"

[[cases.exchanges]]
url = "sibling"
failure = "timeout"
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "example.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_it_works(tmp_path: Path) -> None:
    gone, silent = load_cases(write(tmp_path, GOOD))
    assert gone.seen
    assert silent.seen is None
    api, page = gone.exchanges
    assert (api.status, api.body) == (404, b'{"error": "no such model"}')
    assert api.headers == {"content-type": "application/json"}
    assert page.headers == {"x-thing": "1", "content-type": "text/html; charset=utf-8"}
    assert silent.exchanges[0].failure == "timeout"


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
        ('answer = "not found"', 'answer = "absent"', "line 18: cases[1].exchanges[1].answer", "[[answers]]"),
        (
            'answer = "not found"',
            'answer = "not found"\nstatus = 404',
            "line 19: cases[1].exchanges[1].status",
            "not a key",
        ),
        ('X-Thing = "1"', "X-Thing = 1", "line 23: cases[1].exchanges[2].headers", "a text"),
        ("status = 200\n", "status = 2\n", "line 22: cases[1].exchanges[2].status", "at least 100"),
        ('"a model whose host is silent"', '"a model that is gone"', "line 30: cases[2].name", "twice"),
        ('url = "sibling"', 'url = "silbing"', "line 39: cases[2].exchanges[1].url", '"sibling"'),
        (
            'failure = "timeout"',
            'failure = "timeout"\nbody = "x"',
            "line 40: cases[2].exchanges[1].failure",
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
