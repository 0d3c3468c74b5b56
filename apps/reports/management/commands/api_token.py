"""`manage.py api_token make|list|revoke CAMPAIGN`: tokens for programs, by hand."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError, CommandParser

from apps.accounts.models import Person
from apps.accounts.roles import Role
from apps.core import clock
from apps.core.commands import RecordCommand
from apps.reports.models import ApiToken, Campaign
from apps.reports.selectors import UnknownCampaign, campaign_called
from apps.reports.tokens import LONGEST, TokenRow, UnusableToken, make_token, revoke_token, tokens_of


class Command(RecordCommand):
    """Makes, lists and revokes tokens. Only a new token goes to standard output when one is made."""

    help = "Make, list or revoke tokens for the API. docs/api.md says what they are for."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare what can be done."""
        acts = parser.add_subparsers(dest="act", required=True, metavar="make|list|revoke")
        make = acts.add_parser("make", help="make a token and print it, once")
        make.add_argument("campaign", metavar="CAMPAIGN", help="the campaign's slug")
        make.add_argument(
            "--person", required=True, metavar="EMAIL", help="the member on whose behalf it acts"
        )
        make.add_argument(
            "--role", choices=Role.values, default=Role.VIEWER.value, help="at most (default: %(default)s)"
        )
        make.add_argument("--name", required=True, help="what it is for")
        make.add_argument(
            "--days",
            type=int,
            default=90,
            help=f"how long it works, at most {LONGEST.days} (default: %(default)s)",
        )
        listed = acts.add_parser("list", help="list a campaign's tokens")
        listed.add_argument("campaign", metavar="CAMPAIGN", help="the campaign's slug")
        revoke = acts.add_parser("revoke", help="end a token")
        revoke.add_argument("campaign", metavar="CAMPAIGN", help="the campaign's slug")
        revoke.add_argument("token", metavar="TOKEN", help="its number, or its first characters as listed")

    def handle(self, *args: Any, act: str, campaign: str, **options: Any) -> None:
        """Do it. Raises CommandError with a sentence."""
        try:
            found = campaign_called(campaign)
        except UnknownCampaign as error:
            raise CommandError(str(error)) from error
        if act == "make":
            self._make(found, **options)
        elif act == "list":
            for row in tokens_of(found):
                self.stdout.write(_line(row))
        else:
            self._revoke(found, options["token"])

    def _make(
        self, campaign: Campaign, *, person: str, role: str, name: str, days: int, **options: Any
    ) -> None:
        maker = Person.objects.filter(email=person.strip().lower()).first()
        if maker is None:
            raise CommandError(f"Nobody here has the e-mail address {person}.")
        if not 1 <= days <= LONGEST.days:
            raise CommandError(f"--days {days}: write a number from 1 to {LONGEST.days}.")
        try:
            made = make_token(
                campaign=campaign,
                person=maker,
                name=name,
                role=Role(role),
                expires_at=clock.wall() + timedelta(days=days),
            )
        except UnusableToken as error:
            raise CommandError(str(error)) from error
        self.stderr.write(
            f"Token {made.token.pk} of {maker} for {campaign.slug}, as {Role(role).label}, until "
            f"{made.token.expires_at:%Y-%m-%d %H:%M} UTC. It is not shown again."
        )
        self.stdout.write(made.secret)

    def _revoke(self, campaign: Campaign, token: str) -> None:
        tokens = ApiToken.objects.filter(campaign=campaign)
        found = list(tokens.filter(pk=int(token)) if token.isdecimal() else tokens.filter(start=token))
        if len(found) != 1:
            raise CommandError(
                f"{campaign.slug} has no token {token}. See: manage.py api_token list {campaign.slug}"
            )
        if not revoke_token(token=found[0]):
            raise CommandError(f"Token {token} had been revoked already.")
        self.stdout.write(f"Revoked {found[0]}.")


def _line(row: TokenRow) -> str:
    state = "revoked" if row.revoked_at else "expired" if row.expired else "works"
    used = f"{row.last_used_at:%Y-%m-%d %H:%M}" if row.last_used_at else "never"
    return (
        f"{row.pk}  {row.start}…  {state}  {row.role.value}  until {row.expires_at:%Y-%m-%d %H:%M}  "
        f"used {used}  {row.person}  {row.name}"
    )
