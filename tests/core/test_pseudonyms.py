"""Names that lead nowhere."""

from __future__ import annotations

from apps.core.pseudonyms import LENGTH, new_key, pseudonyms


def test_a_name_is_the_same_under_its_key_and_another_under_any_other() -> None:
    one, other = new_key(), new_key()
    assert pseudonyms(one, [1, 2]) == pseudonyms(one, [1, 2])
    assert set(pseudonyms(one, range(1000))).isdisjoint(pseudonyms(other, range(1000)))


def test_names_tell_nothing_of_the_order_of_the_numbers() -> None:
    names = pseudonyms("00" * 32, range(1000))
    assert len(set(names)) == 1000
    assert {len(name) for name in names} == {LENGTH}
    assert names != sorted(names)


def test_a_name_does_not_change_with_the_program() -> None:
    assert pseudonyms("00" * 32, [1, 1_000_000]) == ["4a8a267e865edc7eb7af", "a3d7b4cd0c7cd290ed20"]
