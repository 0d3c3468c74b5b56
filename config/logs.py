"""How log lines are written: without any URL, because a list of live URLs is a directory of abuse."""

from __future__ import annotations

import logging
import re

ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s'\"<>)\]]+", re.IGNORECASE)


class WithoutAddresses(logging.Formatter):
    """Writes "[address]" where a message or a traceback holds a URL."""

    def format(self, record: logging.LogRecord) -> str:
        """The finished line."""
        return ADDRESS.sub("[address]", super().format(record))


class RouteInsteadOfPath(logging.Filter):
    """Names the route of a request ("campaigns/<slug:slug>/") where Django names its path.

    A path can hold a one-time sign-in token, and what somebody searched for.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Always True: nothing is left out, only rewritten."""
        request = getattr(record, "request", None)
        path = getattr(request, "path", None)
        if path and isinstance(record.args, tuple):
            match = getattr(request, "resolver_match", None)
            route = f"/{match.route}" if match else "[a path of no page]"
            record.args = tuple(
                argument.replace(path, route) if isinstance(argument, str) else argument
                for argument in record.args
            )
        return True
