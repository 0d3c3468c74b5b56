"""The settings of the site, but that nothing is kept: each page is rendered anew, for `pages.py`."""

from __future__ import annotations

from config.settings import *  # noqa: F403
from config.settings import CACHES as KEPT

CACHES = {name: {"BACKEND": "django.core.cache.backends.dummy.DummyCache"} for name in KEPT}
