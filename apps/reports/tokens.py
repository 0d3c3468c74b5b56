"""API tokens: who may make one, what it lets a program do, and when it ends.

A token is for one campaign and has a role. It never does more than its maker may at that moment, and it ends
when it expires, when it is revoked, and for good when its maker leaves the campaign, gets a new password,
or may not sign in any more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from apps.accounts.models import Person
from apps.accounts.roles import Audience, Role, audience_of, lower, roles_up_to
from apps.accounts.second_factors import has_second_factor
from apps.accounts.tokens import PATTERN, digest_of, new_secret
from apps.core import clock

from .activity import record
from .models import ApiToken, Campaign, Deed, Subject
from .selectors import role_in

LONGEST = timedelta(days=366)
USE_NOTED_EVERY = timedelta(minutes=1)
MAX_NAME = 100


class UnusableToken(ValueError):
    """A token that cannot be made. `str()` is a sentence for people."""


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token that was just made. `secret` is shown once and kept nowhere."""

    token: ApiToken
    secret: str


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A token in a list, without what would let anybody in."""

    pk: int
    name: str
    start: str
    person: str
    role: Role
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None
    expired: bool

    @property
    def works(self) -> bool:
        """Neither revoked nor expired."""
        return self.revoked_at is None and not self.expired


@dataclass(frozen=True, slots=True)
class TokenAccess:
    """What a token that works lets in, and as whom."""

    token: ApiToken
    person: Person
    campaign: Campaign
    role: Role

    @property
    def who(self) -> Audience:
        """What it may see."""
        return audience_of(self.role)


def make_token(
    *, campaign: Campaign, person: Person, name: str, role: Role, expires_at: datetime
) -> NewToken:
    """A token of `person` for `campaign`. Raises UnusableToken, and then there is none.

    `role` is at most the person's own there; `expires_at` at most LONGEST ahead, in real time. `person` is as
    they were when it was asked for: with another password by now, or switched off, they make none.
    """
    name = " ".join(name.split())
    if not name:
        raise UnusableToken("Say what the token is for.")
    if len(name) > MAX_NAME:
        raise UnusableToken(f"The name is longer than {MAX_NAME} characters.")
    now = clock.wall()
    if not now < expires_at <= now + LONGEST:
        raise UnusableToken(f"A token expires within {LONGEST.days} days from now.")
    secret = new_secret()
    with transaction.atomic():
        # A new password waits for this lock and then ends the token, or this waits for the new password.
        standing = Person.objects.select_for_update(no_key=True).filter(
            pk=person.pk, password=person.password, is_active=True
        )
        if not standing:
            raise UnusableToken(f"{person} has a new password, or may not sign in any more.")
        own = role_in(campaign, person)
        if own is None:
            raise UnusableToken(f"{person} is no member of {campaign.name}.")
        if role not in roles_up_to(own):
            raise UnusableToken(f"A token cannot do more than its maker, whose role here is {own.label}.")
        token = ApiToken.objects.create(
            campaign=campaign,
            person=person,
            name=name,
            role=role,
            start=secret.start,
            digest=secret.digest,
            created_at=now,
            expires_at=expires_at,
        )
        record(
            Deed.TOKEN_MADE,
            person=person,
            campaign=campaign,
            subject=Subject.TOKEN,
            number=token.pk,
            became={"role": role, "expires_at": expires_at},
            hidden=["name"],
        )
    return NewToken(token, secret.text)


@transaction.atomic
def revoke_token(*, token: ApiToken, person: Person | None = None) -> bool:
    """End a token; `person` is who does it. False if it had been revoked already."""
    standing = ApiToken.objects.filter(pk=token.pk, revoked_at=None)
    done = standing.update(revoked_at=clock.wall()) == 1
    if done:
        record(
            Deed.TOKEN_REVOKED,
            person=person,
            campaign=token.campaign_id,
            subject=Subject.TOKEN,
            number=token.pk,
        )
    return done


def revoke_tokens_of(*, campaign: Campaign, person: Person) -> int:
    """End a person's tokens for a campaign, which they leave; how many that were."""
    standing = ApiToken.objects.filter(campaign=campaign, person=person, revoked_at=None)
    return standing.update(revoked_at=clock.wall())


def access_of(secret: str) -> TokenAccess | None:
    """What a token lets in; None if it was never ours, ended, or its maker is no member any more.

    The role is the lower of the token's and of its maker's at this moment; where `REQUIRE_MFA` is on, its
    maker has to have a second factor. Two queries, or three; one more once a minute, which notes that the
    token is in use.
    """
    if PATTERN.fullmatch(secret) is None:
        return None
    now = clock.wall()
    found = (
        ApiToken.objects.select_related("campaign", "person")
        .filter(digest=digest_of(secret), revoked_at=None, expires_at__gt=now)
        .first()
    )
    if found is None:
        return None
    if not found.person.is_active:
        found.person.end_api_tokens()  # they do not come back with the account
        return None
    own = role_in(found.campaign, found.person)
    if own is None:
        revoke_tokens_of(campaign=found.campaign, person=found.person)  # it does not come back with its maker
        return None
    if settings.REQUIRE_MFA and not has_second_factor(found.person):
        return None
    if found.last_used_at is None or now - found.last_used_at >= USE_NOTED_EVERY:
        ApiToken.objects.filter(pk=found.pk).update(last_used_at=now)
    return TokenAccess(found, found.person, found.campaign, lower(Role(found.role), own))


def tokens_of(campaign: Campaign, *, person: Person | None = None) -> list[TokenRow]:
    """The campaign's tokens, or one person's, newest first. One query."""
    whose = Q() if person is None else Q(person=person)
    now = clock.wall()
    return [
        TokenRow(
            pk=token.pk,
            name=token.name,
            start=token.start,
            person=str(token.person),
            role=Role(token.role),
            created_at=token.created_at,
            expires_at=token.expires_at,
            last_used_at=token.last_used_at,
            revoked_at=token.revoked_at,
            expired=token.expires_at <= now,
        )
        for token in campaign.api_tokens.filter(whose).select_related("person").order_by("-pk")
    ]
