"""What tests of public pages share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.cache import caches


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    """Pages that an earlier test left in the cache are not this test's."""
    caches["pages"].clear()
    yield
    caches["pages"].clear()
