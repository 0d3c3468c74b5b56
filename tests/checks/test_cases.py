"""Each definition of the project says what its cases expect, and has cases for all that it says."""

from __future__ import annotations

import pytest

from apps.checks.self_test import gaps, run_case, run_cases
from apps.core.canonical import canonicalise
from apps.platforms import registry
from apps.platforms.cases import Case
from apps.platforms.matching import match

OWN = sorted(path.stem for path in registry.OWN_DEFINITIONS.glob("*.toml"))
CASES = [(slug, case) for slug in OWN for case in registry.cases(slug)]


@pytest.mark.parametrize(("slug", "case"), CASES, ids=[f"{slug}: {case.name}" for slug, case in CASES])
def test_a_case_is_judged_as_it_should_be(slug: str, case: Case) -> None:
    definition = registry.definition(slug)
    assert definition is not None
    assert run_case(definition, case).problems == ()


@pytest.mark.parametrize("slug", OWN)
def test_the_cases_of_a_definition_show_each_kind_and_each_signal(slug: str) -> None:
    definition = registry.definition(slug)
    assert definition is not None
    assert gaps(definition, run_cases(definition)) == []


def test_no_file_of_cases_is_left_without_its_definition() -> None:
    assert registry.stray_cases() == ()


def test_the_key_of_each_case_is_one_address_that_gives_the_same_match_again() -> None:
    for slug, case in CASES:
        found = match(canonicalise(case.url))
        key = canonicalise(found.key)
        assert (key.key, match(key)) == (found.key, found), (slug, case.name)
