"""Sites that a test has to itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .site import Site, fresh_site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A migrated site with a database of its own, driven by commands."""
    with fresh_site(tmp_path) as made:
        yield made
