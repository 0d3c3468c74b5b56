"""Cases that are not as they say are found, and so are definitions that say more than their cases show."""

from __future__ import annotations

import re
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.checks.self_test import Result, gaps, run_cases
from apps.platforms import registry

DEFINITION = """\
slug = "example"
name = "Example Models"
hosts = ["models.example.org"]

[[probes]]
name = "api"
url = "https://models.example.org/api/{id}"
format = "json"
uses_token = true
identity = "$.number"

[[probes]]
name = "page"
url = "{url}"

[[kinds]]
name = "model"
path = '/m/(?P<id>\\d+)'
key = "https://models.example.org/m/{id}"
account = "the-one"
probes = ["api", "page"]

[[signals]]
id = "token-refused"
version = 1
probes = ["api"]
outcome = "inconclusive"
reason = "checker_token"
source = "the fiction of this test"
verified = 2026-01-31
confidence = "verified"
[signals.when]
status = 401
token = true

[[signals]]
id = "up"
version = 1
probes = ["api"]
outcome = "available"
reason = "ok"
source = "the fiction of this test"
verified = 2026-01-31
confidence = "verified"
[signals.when]
status = 200

[[signals]]
id = "unknown-to-api"
version = 1
probes = ["api"]
ask = "page"
source = "the fiction of this test"
verified = 2026-01-31
confidence = "verified"
[signals.when]
status = 404

[[signals]]
id = "gone"
version = 1
probes = ["page"]
outcome = "removed"
reason = "not_found"
needs_seen = true
source = "the fiction of this test"
verified = 2026-01-31
confidence = "verified"
[signals.when]
status = 404
"""

CASES = """\
[[cases]]
name = "up"
url = "https://models.example.org/m/1"
kind = "model"
account = "the-one"
key = "https://models.example.org/m/1"
identity = "11"
outcome = "available"
reason = "ok"
signal = "up"
source = "the fiction of this test"

[[cases.exchanges]]
url = "https://models.example.org/api/1"
status = 200
json = '{"number": 11}'

[[cases]]
name = "refused"
url = "https://models.example.org/m/1"
kind = "model"
token = true
outcome = "inconclusive"
reason = "checker_token"
signal = "token-refused"
source = "the fiction of this test"

[[cases.exchanges]]
url = "https://models.example.org/api/1"
status = 401

[[cases]]
name = "gone"
url = "https://models.example.org/m/1"
kind = "model"
seen = true
outcome = "removed"
reason = "not_found"
signal = "gone"
source = "the fiction of this test"

[[cases.exchanges]]
url = "https://models.example.org/api/1"
status = 404

[[cases.exchanges]]
url = "https://models.example.org/m/1"
status = 404
"""

Run = Callable[..., tuple[Result, ...]]


@pytest.fixture
def write(tmp_path: Path, settings: Any) -> Callable[[str, str], None]:
    """Puts a definition and its cases where they are looked for."""

    def put(definition: str, cases: str) -> None:
        (tmp_path / "example.toml").write_text(definition)
        (tmp_path / "cases").mkdir()
        (tmp_path / "cases" / "example.toml").write_text(cases)
        settings.PLATFORM_DEFINITION_DIRS = [tmp_path]

    return put


@pytest.fixture
def run(write: Callable[[str, str], None]) -> Run:
    def run_all(cases: str = CASES, definition: str = DEFINITION) -> tuple[Result, ...]:
        write(definition, cases)
        known = registry.definition("example")
        assert known is not None
        return run_cases(known)

    return run_all


def test_it_works(run: Run) -> None:
    results = run()
    assert [result.problems for result in results] == [(), (), ()]
    assert [result.outcome for result in results] == ["available", "inconclusive", "removed"]
    assert [sorted(result.signals) for result in results] == [
        ["up"],
        ["token-refused"],
        ["gone", "unknown-to-api"],
    ]
    known = registry.definition("example")
    assert known is not None
    assert gaps(known, results) == []


@pytest.mark.parametrize(
    ("replace", "by", "problem"),
    [
        ('"available"', '"restricted"', 'reason "ok" does not go with restricted: write one of age_wall'),
        ('"available"', '"up"', 'outcome "up": write one of available, restricted'),
        (
            'reason = "ok"',
            'reason = "renamed"',
            "says available ok by up and should say available renamed by",
        ),
        ('signal = "up"', 'signal = "on"', "says available ok by up and should say available ok by on"),
        ('account = "the-one"', 'account = "another"', 'account is "the-one" and should be "another"'),
        ('m/1"\nidentity', 'm/01"\nidentity', 'key is "https://models.example.org/m/1" and should be'),
        ('identity = "11"', 'identity = "12"', 'identity is "11" and should be "12"'),
        ('kind = "model"', 'kind = "mode"', 'kind is "model" and should be "mode"'),
        ("models.example.org/m/1", "other.example.org/m/1", 'definition is "" and should be "example"'),
        ('\nurl = "https://models', '\nurl = "https:///models', "url: "),
        ("token = true\n", "", "should say inconclusive checker_token"),
        ("seen = true\n", "", "(never seen)"),
        (
            "seen = true",
            "seen = true\ndefinitive = true",
            "should say removed not_found (definitive) by gone",
        ),
        (
            '\n[[cases.exchanges]]\nurl = "https://models.example.org/m/1"\nstatus = 404\n',
            "",
            "asks for https://models.example.org/m/1, which the case does not hold",
        ),
        (
            "json = '{\"number\": 11}'\n",
            '\n[[cases.exchanges]]\nurl = "https://models.example.org/x"\nstatus = 200\n',
            "never asks for https://models.example.org/x",
        ),
        ("status = 401", 'failure = "asleep"', 'failure "asleep" in line'),
    ],
)
def test_a_case_that_is_not_as_it_says_is_wrong(run: Run, replace: str, by: str, problem: str) -> None:
    assert replace in CASES
    problems = [one for result in run(CASES.replace(replace, by, 1)) for one in result.problems]
    assert any(problem in one for one in problems), problems


def test_exchanges_stand_in_the_order_in_which_they_are_asked(run: Run) -> None:
    head, first, second = CASES.rpartition("[[cases.exchanges]]")[0].rpartition("[[cases.exchanges]]")
    page = '[[cases.exchanges]]\nurl = "https://models.example.org/m/1"\nstatus = 404\n'
    problems = run(f"{head}{page}{first}{second}")[-1].problems
    assert problems == (
        "asks in another order: https://models.example.org/api/1, then https://models.example.org/m/1",
    )


def test_a_removal_that_needs_no_earlier_sight_is_not_said_to_need_one(run: Run) -> None:
    problems = run(definition=DEFINITION.replace("needs_seen = true\n", ""))[-1].problems
    assert problems == ("is removed for a target that was never seen, too: leave out seen = true",)


def test_what_no_case_shows_is_named(run: Run) -> None:
    first, _, _ = CASES.partition('[[cases]]\nname = "refused"')
    results = run(first)
    known = registry.definition("example")
    assert known is not None
    assert gaps(known, results) == [
        "model: no case is inconclusive.",
        "model: no case is removed. If that cannot be told, say so in needs_person.",
        "token-refused: no case shows this signal.",
        "unknown-to-api: no case shows this signal.",
        "gone: no case shows this signal.",
    ]


def test_a_kind_that_needs_a_person_has_to_show_that_it_cannot_be_told(run: Run) -> None:
    first, _, _ = CASES.partition('[[cases]]\nname = "refused"')
    results = run(
        first, DEFINITION.replace('account = "the-one"', 'account = "the-one"\nneeds_person = "Why."')
    )
    known = registry.definition("example")
    assert known is not None
    assert "model: no case is inconclusive." in gaps(known, results)
    assert not any("removed" in gap for gap in gaps(known, results))


def test_the_command_prints_a_table_and_fails_where_a_case_is_wrong(
    write: Callable[[str, str], None],
) -> None:
    write(
        DEFINITION,
        CASES.replace('outcome = "removed"\nreason = "not_found"', 'outcome = "available"\nreason = "ok"'),
    )
    out = StringIO()
    with pytest.raises(CommandError, match="1 wrong") as caught:
        call_command("probe_platforms", "--self-test", "--platform", "example", stdout=out)
    assert caught.value.returncode == 1
    lines = out.getvalue().splitlines()
    assert lines[0].split() == ["platform", "kind", "cases", "right", "wrong", "inconclusive"]
    assert lines[1].split() == ["example", "model", "3", "2", "1", "1"]
    assert lines[2].split() == ["all", "3", "2", "1", "1"]
    assert "WRONG, FALSELY REMOVED: cases/example.toml, line 32: gone" in lines


def test_all_definitions_of_the_project_are_right() -> None:
    out = StringIO()
    call_command("probe_platforms", "--self-test", stdout=out)
    *_, everywhere, total = out.getvalue().splitlines()
    assert everywhere.startswith("any other site  page ")
    assert total.split()[0] == "all", "nothing is lacking"
    assert total.split()[3] == "0", "nothing is wrong"


def test_a_file_of_cases_that_cannot_be_used_is_named(write: Callable[[str, str], None]) -> None:
    write(DEFINITION, CASES.replace("seen = true", "sen = true"))
    with pytest.raises(CommandError, match=r"example.toml, line 36: cases\[3\].sen") as caught:
        call_command("probe_platforms", "--self-test", stdout=StringIO())
    assert caught.value.returncode == 2


def test_a_definition_that_does_not_exist_is_named() -> None:
    with pytest.raises(CommandError, match="There is no definition nowhere") as caught:
        call_command("probe_platforms", "--self-test", "--platform", "nowhere", stdout=StringIO())
    assert caught.value.returncode == 2


def test_the_example_in_the_documentation_works(tmp_path: Path, settings: Any) -> None:
    text = (settings.BASE_DIR / "docs" / "design.md").read_text()
    (tmp_path / "cases").mkdir()
    for block in re.findall(r"```toml\n(.*?)```", text, re.DOTALL):
        (tmp_path / block.splitlines()[0].removeprefix("# ")).write_text(block)
    settings.PLATFORM_DEFINITION_DIRS = [tmp_path]
    known = registry.definition("models")
    assert known is not None
    assert [result.problems for result in run_cases(known)] == [()]


def test_cases_without_a_definition_are_named(write: Callable[[str, str], None], tmp_path: Path) -> None:
    write(DEFINITION, CASES)
    (tmp_path / "cases" / "exampel.toml").write_text(CASES)
    assert [path.name for path in registry.stray_cases()] == ["exampel.toml"]


ASKING_BY_POST = """
[[probes]]
name = "question"
url = "https://models.example.org/api"
format = "json"
post = '[{"id": "{id}"}]'

[[kinds]]
name = "file"
path = '/f/(?P<id>\\d+)'
key = "https://models.example.org/f/{id}"
probes = ["question"]

[[kinds]]
name = "search"
path = '/search'
key = "https://models.example.org/search"
needs_person = "The site asks not to be asked."

[[signals]]
id = "described"
version = 1
kinds = ["file"]
outcome = "available"
reason = "ok"
source = "the fiction of this test"
verified = 2026-01-31
confidence = "verified"
[signals.when]
json = [{ path = "$[0].size", present = true }]
"""

CASES_WITH_POST = """
[[cases]]
name = "described"
url = "https://models.example.org/f/1"
kind = "file"
outcome = "available"
reason = "ok"
signal = "described"
source = "the fiction of this test"

[[cases.exchanges]]
url = "https://models.example.org/api"
post = '[{"id":"1"}]'
status = 200
json = '[{"size": 5}]'

[[cases]]
name = "not to be asked"
url = "https://models.example.org/search"
kind = "search"
outcome = "inconclusive"
reason = "blocked_address"
signal = "checker:not-asked"
source = "the fiction of this test"
"""


def test_a_question_by_post_is_answered_by_a_post_of_the_same_json(run: Run) -> None:
    results = run(CASES_WITH_POST, DEFINITION + ASKING_BY_POST)
    assert [result.problems for result in results] == [(), ()]


def test_another_question_is_not_answered(run: Run) -> None:
    first, _ = run(CASES_WITH_POST.replace('"id":"1"', '"id":"2"'), DEFINITION + ASKING_BY_POST)
    assert "asks for https://models.example.org/api, which the case does not hold" in first.problems[0]
