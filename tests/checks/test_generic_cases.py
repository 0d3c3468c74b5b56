"""Each generic signal has a case in which it decides, and one that it narrowly misses."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from apps.checks.generic_cases import generic_gaps, run_generic_cases
from apps.checks.outcomes import Outcome
from apps.checks.self_test import Result
from apps.checks.signals import generic_signals


@pytest.fixture(scope="module")
def results() -> tuple[Result, ...]:
    return run_generic_cases()


def test_each_case_is_judged_as_it_should_be(results: tuple[Result, ...]) -> None:
    assert {result.case.name: result.problems for result in results if not result.right} == {}


def test_each_signal_decides_in_a_case_and_is_narrowly_missed_in_another(results: tuple[Result, ...]) -> None:
    assert generic_gaps(results) == []


def test_a_signal_without_its_cases_is_named(results: tuple[Result, ...]) -> None:
    others = [one for one in results if "generic:gone" not in (one.case.signal, one.case.near_miss_of)]
    assert generic_gaps(others) == ["gone: no case shows this signal.", "gone: no case is a near miss of it."]
    assert generic_gaps([replace(results[0], problems=("says otherwise",))]) == generic_gaps([])


def test_a_near_miss_of_nothing_is_named(results: tuple[Result, ...]) -> None:
    strange = replace(results[0], case=replace(results[0].case, near_miss_of="generic:nothing"))
    assert generic_gaps([*results, strange]) == [
        f"{strange.case.name}: is a near miss of generic:nothing, which is none of the generic signals."
    ]


def test_each_signal_says_where_it_is_from_and_how_sure_that_is() -> None:
    known = generic_signals()
    for rule in (*known.signals, known.comparison):
        assert rule.version >= 1
        assert rule.source
        assert isinstance(rule.verified, date)
        assert rule.confidence in {"verified", "reported", "remembered"}


def test_what_is_remembered_alone_says_that_we_could_not_tell() -> None:
    remembered = {
        signal.id: signal.outcome for signal in generic_signals().signals if signal.confidence == "remembered"
    }
    assert set(remembered.values()) == {Outcome.INCONCLUSIVE}


def test_a_definitive_signal_is_a_status_that_says_so() -> None:
    assert {signal.id for signal in generic_signals().signals if signal.definitive} == {"gone", "legal"}
