"""`manage.py erase_person`: erase who somebody is who signed in here."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from apps.accounts.models import Person
from apps.checks.outcomes import ErasedFor
from apps.core.commands import RecordCommand
from apps.reports.erasing import CannotErase, erase_person


class Command(RecordCommand):
    """Erase: `erase_person EMAIL --why concerned`."""

    help = (
        "Erase somebody's name, address and means to sign in. What they did stays on record under their "
        "number. It cannot be undone, and does not reach backups or files that were taken out."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("email", metavar="EMAIL", help="the address that they sign in with")
        parser.add_argument(
            "--why",
            required=True,
            choices=ErasedFor.values,
            metavar="WORD",
            help="; ".join(f"{why.value}: {why.label}" for why in ErasedFor),
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Erase them, and say their number."""
        person = Person.objects.filter(email=options["email"].strip().lower()).first()
        if person is None:
            raise CommandError("Nobody signs in with that address.")
        try:
            erase_person(person=person, why=ErasedFor(options["why"]))
        except CannotErase as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Erased: person {person.pk}.")
