"""Columns are found by what people call them, and a wrong mapping is refused before a row is read."""

from __future__ import annotations

import pytest

from apps.reports.columns import UnusableMapping, check_mapping, guess_columns
from apps.reports.rows import COLUMNS


def test_our_own_names_are_found() -> None:
    assert guess_columns(list(COLUMNS)) == {column: column for column in COLUMNS}


@pytest.mark.parametrize(
    ("headers", "guessed"),
    [
        (["Link", "Date sent", "Remarks"], {"url": "Link", "reported_at": "Date sent", "note": "Remarks"}),
        (["Reported URL", "Reported at"], {"url": "Reported URL", "reported_at": "Reported at"}),
        (["Adresse", "Gemeldet am"], {"url": "Adresse", "reported_at": "Gemeldet am"}),
        (["id", "URL ", "Tags", "Ticket-ID"], {"url": "URL ", "labels": "Tags", "reference": "Ticket-ID"}),
        (["link", "url"], {"url": "url"}),
        (["date", "reported_at", "url"], {"url": "url", "reported_at": "reported_at"}),
        (["status", "type", "description"], {}),
        (["", "url", ""], {"url": "url"}),
    ],
)  # fmt: skip
def test_columns_are_guessed_from_their_headers(headers: list[str], guessed: dict[str, str]) -> None:
    assert guess_columns(headers) == guessed


def test_a_mapping_is_spelt_as_the_file_spells_it_and_an_empty_one_is_left_out() -> None:
    mapping = {"note": "", "url": " LINK", "labels": "Tags"}
    assert check_mapping(mapping, ["Link", "Tags"]) == {"url": "Link", "labels": "Tags"}


@pytest.mark.parametrize(
    ("mapping", "headers", "part_of_the_sentence"),
    [
        ({"link": "Link"}, ["Link"], "There is no column “link” here. Choose from: url, reported_at"),
        ({"url": "Adress"}, ["Link", ""], "The file has no column “Adress”. It has: Link, (no name)."),
        ({"url": "Link"}, ["Link", "Link"], "more than one column “Link”"),
        ({"url": "Link", "note": "Link"}, ["Link"], "cannot be both"),
        ({"note": "Note"}, ["Link", "Note"], "(Link, Note) is mapped to url"),
        ({"url": ""}, ["Link"], "is mapped to url"),
    ],
)
def test_a_mapping_that_does_not_fit_is_refused(
    mapping: dict[str, str], headers: list[str], part_of_the_sentence: str
) -> None:
    with pytest.raises(UnusableMapping) as refused:
        check_mapping(mapping, headers)
    assert part_of_the_sentence in str(refused.value)
