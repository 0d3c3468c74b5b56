#!/usr/bin/env python3
"""Django's command line for Still Up."""

import os
import sys


def main() -> None:
    """Run a command. A wrong setting ends it with one sentence before anything happens."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        from django.conf import settings
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import execute_from_command_line
    except ImportError as error:
        raise SystemExit(
            "Django is not installed for this Python. Run: "
            "python3 -m venv .venv && .venv/bin/pip install -c constraints.txt -e . "
            "and start with .venv/bin/python manage.py"
        ) from error
    try:
        _ = settings.BASE_DIR  # the first use reads them all
    except ImproperlyConfigured as error:
        raise SystemExit(f"Wrong setting: {error}") from error
    try:
        execute_from_command_line(sys.argv)
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except BrokenPipeError:
        # Whoever read the output (`head`) has seen enough; nothing more can be written, at exit neither.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(141) from None


if __name__ == "__main__":
    main()
