"""How log lines are written: without any URL, because a list of live URLs is a directory of abuse.

And without e-mail addresses, and without rows that a database quotes in its errors.
"""

from __future__ import annotations

import logging
import re

from django.views.debug import SafeExceptionReporterFilter

EMAIL = re.compile(r"[^\s@<>()\[\]\"',;:=]+@[^\s@<>()\[\]\"',;:=]+\.\w+")
# Where PostgreSQL quotes a row: "DETAIL:  Key (email)=(...) already exists.", "CONTEXT:  COPY items, line 3".
QUOTED_ROW = re.compile(r"^(DETAIL|CONTEXT|LINE \d+): .*$", re.MULTILINE)
ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s'\"<>)\]]+", re.IGNORECASE)


class WithoutAddresses(logging.Formatter):
    """Writes "[address]" for a URL, "[e-mail]" for an e-mail address, "[a row]" for what a database quotes.

    In messages and in tracebacks. Whatever is logged has to be free of other people's words by itself.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The finished line."""
        line = ADDRESS.sub("[address]", super().format(record))
        return EMAIL.sub("[e-mail]", QUOTED_ROW.sub(r"\1: [a row]", line))


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


class HiddenSettings(SafeExceptionReporterFilter):
    """Stars on Django's own error page (with DEBUG) for URLs of services, too: they hold passwords."""

    hidden_settings = re.compile(
        SafeExceptionReporterFilter.hidden_settings.pattern
        + "|DATABASE|REDIS|_URL|PROXY|QUEUE|CACHES|LOCATION",
        flags=re.IGNORECASE,
    )
