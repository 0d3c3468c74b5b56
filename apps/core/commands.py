"""What the commands that work on the record have in common: a database that answers and is up to date."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.utils import InterfaceError, OperationalError

from . import clock

KNOWLEDGE = "knowledge"
"""The tag of system checks of what is known of platforms and deadlines."""


class RecordCommand(BaseCommand):
    """A command that reads or writes the record.

    A new database is set up first, so that a clean copy of the project can be used at once. One that holds
    something already is never changed in passing: then the command stops with a sentence.

    It begins with the checks of what is known of platforms and deadlines alone. Those of pages and addresses,
    which read every module, are for those who start or change a site: `serve`, `migrate`, `check`.
    """

    requires_system_checks = (KNOWLEDGE,)

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run the command once the database is ready. Raises CommandError otherwise."""
        problem = clock_problem() or database_problem()
        if problem:
            raise CommandError(problem)
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            if executor.loader.applied_migrations:
                raise CommandError("The database is older than the program. Run: manage.py migrate")
            call_command("migrate", interactive=False, verbosity=0)
        try:
            return super().execute(*args, **options)
        except (OperationalError, InterfaceError) as error:
            reason = str(error).strip().splitlines()[0].rstrip(".")
            raise CommandError(
                f"The database failed on the way: {reason}. What was not finished was taken back. See if it "
                "answers and has room on its disk, then try again."
            ) from error


def clock_problem() -> str | None:
    """One sentence if the clock is to run faster without a word from when on; None if all is well.

    `serve --demo` sets both for its parts.
    """
    if settings.CLOCK_SPEED != 1 and not settings.CLOCK_ORIGIN_IS_SET and not settings.DEMO:
        return (
            "CLOCK_SPEED needs CLOCK_ORIGIN, from when on the clock runs faster. Set it to now, for example "
            f"{clock.wall().isoformat(timespec='seconds')}."
        )
    return None


def demo_problem() -> str | None:
    """One sentence if the record is the demo's, whose time only `serve --demo` knows; None if all is well."""
    if settings.DEMO and not clock.is_simulated():
        return (
            "The demo's time is known to `serve --demo` only, which checks by itself. Unset DEMO to check "
            "what is your own."
        )
    return None


def database_problem() -> str | None:
    """One sentence on why the database cannot be used and what to do; None if it answers."""
    try:
        if connection.vendor == "sqlite":
            settings.VAR_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
        connection.ensure_connection()
    except OSError as error:
        return f"Cannot write to {settings.VAR_DIR} ({error.strerror}). Set VAR_DIR to a writable folder."
    except OperationalError as error:
        reason = str(error).strip().splitlines()[0].rstrip(".")
        if connection.vendor == "sqlite":
            return f"Cannot open {settings.DATABASES['default']['NAME']}: {reason}."
        return f"The database does not answer: {reason}. Start PostgreSQL, or correct DATABASE_URL."
    return None
