"""How log lines are written: without any URL, because a list of live URLs is a directory of abuse.

And without e-mail addresses, and without rows that a database quotes in its errors.
"""

from __future__ import annotations

import json
import logging
import re
from contextvars import ContextVar
from datetime import UTC, datetime

from django.views.debug import SafeExceptionReporterFilter

EMAIL = re.compile(r"[^\s@<>()\[\]\"',;:=]+@[^\s@<>()\[\]\"',;:=]+\.\w+")
# Where PostgreSQL quotes a row: "DETAIL:  Key (email)=(...) already exists.", "CONTEXT:  COPY items, line 3".
QUOTED_ROW = re.compile(r"^(DETAIL|CONTEXT|LINE \d+): .*$", re.MULTILINE)
ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s'\"<>)]+", re.IGNORECASE)

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The id of the request, or of the job, that this thread works on; "" where there is none."""


def redacted(text: str) -> str:
    """`text` as it may be logged: "[address]" for a URL, "[e-mail]", "[a row]" for what a database quotes."""
    return EMAIL.sub("[e-mail]", QUOTED_ROW.sub(r"\1: [a row]", ADDRESS.sub("[address]", text)))


class WithoutAddresses(logging.Formatter):
    """Writes lines for people, redacted.

    In messages and in tracebacks. Whatever is logged has to be free of other people's words by itself.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The finished line."""
        return redacted(super().format(record))


class JsonLines(logging.Formatter):
    """Writes each record as one line of JSON, redacted as well.

    `time` (UTC), `level`, `logger` and `message` are always there; `request` is the id of the request or job,
    and `error` the traceback, where there is one.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The finished line."""
        written = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request := getattr(record, "request_id", ""):
            written["request"] = request
        if record.exc_info:
            written["error"] = self.formatException(record.exc_info)
        if record.stack_info:
            written["stack"] = self.formatStack(record.stack_info)
        return json.dumps({name: redacted(text) for name, text in written.items()}, ensure_ascii=False)


class WithRequestId(logging.Filter):
    """Adds the id of the request or job: `request_id`, and `of_request` as it stands in a line."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Always True: nothing is left out."""
        known = request_id.get()
        record.__dict__ |= {"request_id": known, "of_request": f" [{known}]" if known else ""}
        return True


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
