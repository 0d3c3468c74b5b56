"""Reading a growing table in the order of its keys: nothing is missed, nothing is read twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from apps.notifications.gaps import MOST_GAPS, PATIENCE, Gap, Place, read_on

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def come_to_light(place: Place, there: set[int]) -> list[int]:
    """What a look finds: rows above the place, or in one of its gaps."""
    return sorted(
        key for key in there if key > place.upto or any(gap.first <= key <= gap.last for gap in place.gaps)
    )


@given(st.permutations(range(1, 25)), st.lists(st.integers(1, 6), max_size=10), st.sets(st.integers(1, 24)))
def test_each_row_is_read_once_in_whatever_order_rows_are_committed(
    order: list[int], handfuls: list[int], rolled_back: set[int]
) -> None:
    place, there, read = Place(0), set[int](), list[int]()
    waiting = [key for key in order if key not in rolled_back]
    for handful in [*handfuls, 100]:
        there |= set(waiting[:handful])
        waiting = waiting[handful:]
        found = come_to_light(place, there)
        read += found
        place = read_on(place, found, NOW)
        assert come_to_light(place, there) == []
    assert sorted(read) == sorted(there)
    missing = {key for gap in place.gaps for key in range(gap.first, gap.last + 1)}
    assert missing == {key for key in rolled_back if key < max(there, default=0)}


def test_a_key_that_never_comes_is_given_up() -> None:
    place = read_on(Place(10), [12], NOW)
    assert place == Place(12, (Gap(11, 11, NOW),))
    assert read_on(place, [13], NOW + PATIENCE - timedelta(seconds=1)).gaps == place.gaps
    assert read_on(place, [13], NOW + PATIENCE) == Place(13)


def test_gaps_do_not_pile_up() -> None:
    place = read_on(Place(0), range(2, 10 * MOST_GAPS, 2), NOW)
    assert len(place.gaps) == MOST_GAPS
