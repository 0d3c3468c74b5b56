"""`manage.py sign_in_link EMAIL`: a fresh one-time link, for somebody who cannot sign in."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from apps.accounts.models import Person
from apps.accounts.sign_in import sign_in_link
from apps.core.commands import RecordCommand


class Command(RecordCommand):
    help = "Print a one-time link that signs a person in."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", help="the person's e-mail address")

    def handle(self, *args: Any, email: str, **options: Any) -> None:
        person = Person.objects.filter(email=email.strip().lower()).first()
        if person is None:
            raise CommandError(
                f"Nobody here has the e-mail address {email}. Invite them on a campaign's members page, or "
                "make an administrator with: manage.py createsuperuser"
            )
        if not person.is_active:
            raise CommandError(f"{email} may not sign in: the account is switched off.")
        self.stdout.write(settings.SITE_URL + sign_in_link(person))
