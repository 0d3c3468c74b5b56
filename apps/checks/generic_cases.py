"""Runs the cases of the generic signals (generic_cases.toml), and says what they do not show."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from apps.platforms.cases import Case, load_cases
from apps.platforms.schema import Definition, Kind

from .self_test import Result, run_case
from .signals import generic_signals

FILE = Path(__file__).resolve().with_suffix(".toml")
PREFIX = "generic:"

ANY_SITE = Definition(
    slug="",
    name="any other site",
    hosts=(),
    kinds=(Kind(name="page", path=re.compile(".*"), key="{url}", probes=()),),
    probes={},
    signals=(),
)
"""What stands for a site that no definition knows, where one is asked for."""


@lru_cache(maxsize=1)
def generic_cases() -> tuple[Case, ...]:
    """The cases, in their order. Raises DefinitionError if the file cannot be used."""
    return load_cases(FILE)


def run_generic_cases() -> tuple[Result, ...]:
    """Run all of them. No network is used."""
    return tuple(run_case(ANY_SITE, case) for case in generic_cases())


def generic_gaps(results: Iterable[Result]) -> list[str]:
    """What the cases do not show, as sentences; [] where they suffice.

    Each generic signal, and the comparison, decides in one case and is narrowly missed in another.
    """
    right = [result.case for result in results if result.right]
    decided = {case.signal for case in right}
    missed = {case.near_miss_of for case in right}
    known = [*(signal.id for signal in generic_signals().signals), generic_signals().comparison.id]
    return [
        *(f"{name}: no case shows this signal." for name in known if PREFIX + name not in decided),
        *(f"{name}: no case is a near miss of it." for name in known if PREFIX + name not in missed),
        *(
            f"{case.name}: is a near miss of {case.near_miss_of}, which is none of the generic signals."
            for case in right
            if case.near_miss_of and case.near_miss_of.removeprefix(PREFIX) not in known
        ),
    ]
