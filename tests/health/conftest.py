"""Nothing is kept from one test to the next."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from apps.health import metrics
from apps.health.facts import kept_facts


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    """What is kept for some seconds is made anew."""
    kept_facts.let_go()
    metrics.kept.let_go()
    yield
    kept_facts.let_go()
    metrics.kept.let_go()
