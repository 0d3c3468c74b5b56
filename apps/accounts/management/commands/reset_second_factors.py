"""`manage.py reset_second_factors EMAIL`: for somebody who lost their phone or their keys."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from apps.accounts.models import Person
from apps.accounts.services import SecondFactorsReset, reset_second_factors
from apps.core.commands import RecordCommand


class Command(RecordCommand):
    help = (
        "Take away a person's second factors, end their sessions and API tokens. Be sure that it is they who "
        "ask."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", help="the person's e-mail address")

    def handle(self, *args: Any, email: str, **options: Any) -> None:
        person = Person.objects.filter(email=email.strip().lower()).first()
        if person is None:
            raise CommandError(f"Nobody here has the e-mail address {email}.")
        done = reset_second_factors(person=person)
        if done is None:
            raise CommandError(f"{person.email} has no second factor. Nothing was changed.")
        self.stdout.write(f"Removed from {person.email}: {factors_in_words(done)}.")
        self.stdout.write(f"Ended sessions: {done.sessions}. Revoked API tokens: {done.tokens}.")
        if settings.REQUIRE_MFA:
            self.stdout.write("After signing in, they have to set up a second factor before anything else.")
        if not person.has_usable_password():
            self.stdout.write(
                f"They have no password. This makes a one-time link: manage.py sign_in_link {person.email}"
            )


def factors_in_words(done: SecondFactorsReset) -> str:
    """What was taken away, for example "the app, 2 passkeys, the recovery codes"."""
    parts = [
        "the app" if done.app else "",
        f"{done.passkeys} passkey{'' if done.passkeys == 1 else 's'}" if done.passkeys else "",
        "the recovery codes" if done.recovery_codes else "",
    ]
    return ", ".join(filter(None, parts))
