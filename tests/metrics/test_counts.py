"""The words for shares."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.metrics.counts import percent


@pytest.mark.parametrize(
    ("count", "of", "words"),
    [(0, 0, "n/a"), (0, 9, "0%"), (1, 1000, "<1%"), (1, 3, "33%"), (999, 1000, ">99%"), (9, 9, "100%")],
)
def test_a_share_is_never_rounded_to_none_or_all(count: int, of: int, words: str) -> None:
    assert percent(count, of) == words


@given(st.integers(1, 10**6), st.data())
def test_only_none_is_0_percent_and_only_all_is_100_percent(of: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(0, of))
    assert (percent(count, of) == "0%") == (count == 0)
    assert (percent(count, of) == "100%") == (count == of)
