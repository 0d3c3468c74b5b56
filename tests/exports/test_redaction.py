"""What is taken out of figures before the public sees them, as tables."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from apps.exports.redaction import (
    Parts,
    day_number,
    letters,
    platform_keys,
    public_steps,
    thinned,
    what_is_shown,
)
from apps.exports.trees import from_json, to_json
from apps.metrics.chart import Cell, Chart, Heading
from apps.metrics.timeline import Step, Timeline

DAY = timedelta(days=1)
START = datetime(2026, 3, 1, tzinfo=UTC)


def line(*counts: int, reports: int = 0) -> Timeline:
    """Available items at the end of each day from START on."""
    steps = tuple(
        Step(START + day * DAY, (count, 0, 0, 0, 0, 0), reports, 0) for day, count in enumerate(counts)
    )
    return Timeline(steps, DAY, START + len(counts) * DAY - timedelta(hours=2))


def days(*moments: str) -> list[int]:
    return [day_number(date.fromisoformat(moment)) for moment in moments]


def test_letters_go_on_after_z() -> None:
    assert letters(28)[:2] == ["A", "B"]
    assert letters(28)[24:] == ["Y", "Z", "AA", "AB"]
    assert letters(703)[-1] == "AAA"


@pytest.mark.parametrize(
    ("by_letter", "expected"),
    [
        (False, {"huggingface": "huggingface", "bad.example": "other", "worse.example": "other"}),
        (True, {"huggingface": "a", "bad.example": "b", "worse.example": "c"}),
    ],
)
def test_a_platform_that_is_only_a_domain_is_never_named(by_letter: bool, expected: dict[str, str]) -> None:
    reported = ["huggingface", "bad.example", "huggingface", "worse.example"]
    assert platform_keys(reported, named={"huggingface"}, by_letter=by_letter) == expected


@pytest.mark.parametrize(
    ("until", "by_month", "expected"),
    [
        # Items came on the 1st and the 3rd; both may end a step, and so may the days on which none came.
        (("2026-03-01", "2026-03-03"), False, ["2026-03-01", "2026-03-02", "2026-03-03", "2026-03-04"]),
        # The 1st may not: neither may the 2nd, which has the same items.
        (("2026-03-03",), False, ["2026-03-03", "2026-03-04"]),
        # The last step is the whole, which is always shown.
        ((), False, ["2026-03-04"]),
        (("2026-03-01",), True, ["2026-03"]),
    ],
)
def test_a_line_has_only_days_by_whose_end_enough_items_had_come(
    until: tuple[str, ...], by_month: bool, expected: list[str]
) -> None:
    found = public_steps(
        line(10, 10, 13, 13, reports=1),
        days=days("2026-03-01", "2026-03-03"),
        until=days(*until),
        by_month=by_month,
    )
    assert [name for name, _ in found] == expected
    assert sum(step.reports for _, step in found) == 4


def test_a_line_without_steps_stays_empty() -> None:
    assert public_steps(line(), days=[], until=[], by_month=False) == []
    assert thinned([], most=5) == []


def test_a_long_line_is_thinned_to_its_changes() -> None:
    steps = [(f"2026-03-{day:02}", step) for day, step in enumerate(line(1, 1, 2, 2, 2, 3).steps, start=1)]
    assert [name for name, _ in thinned(steps, most=10)] == ["2026-03-01", "2026-03-03", "2026-03-06"]
    assert [name for name, _ in thinned(steps, most=2)] == ["2026-03-01", "2026-03-06"]


def test_a_day_on_which_few_items_were_reported_ends_no_step() -> None:
    """Else the line would tell the size of the small report that came on it."""
    parts = Parts(
        report=np.array([1, 2, 3]),
        day=np.array([10, 20, 30]),
        counts=np.array([[30, 30, 9, 21], [2, 2, 1, 1], [40, 40, 9, 31]]),
    )
    found = what_is_shown(
        parts, platforms={}, channels={}, rules={}, reports=[1, 2, 3], days=True, minimum_n=5
    )
    assert found.until in ({10, 30}, {20, 30})
    assert 2 not in found.reports
    assert len(found.reports) == 1


def test_a_tree_comes_back_as_it_was() -> None:
    chart = Chart(
        slug="removed",
        title="A title",
        finding="A finding.",
        headings=(Heading("n", "n"),),
        rows=((Cell("1 000", "1000"),), (Cell("–", ""),)),
        definitions=("returns",),
        plot={"data": [{"x": [1, 2.5, None]}]},
    )
    assert from_json(Chart, to_json(chart)) == chart
