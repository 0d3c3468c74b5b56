"""The accounts behind reported items: their pages, watched apart, and whether an item went with its account.

An account's page is a target without a clock of its own, of the kind `account`, known by `account_key`. It is
no item and stands in no figure as one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from django.db import connection
from django.db.models import Q, TextChoices

from apps.core import clock
from apps.core.bulk import among
from apps.platforms.accounts import ACCOUNT

from .models import Target
from .outcomes import Status
from .status import Change

IS_PAGE = Q(kind=ACCOUNT)
GONE = {Status.SUSPECTED, Status.REMOVED}


class Fate(TextChoices):
    """Whether an item that is gone went with its account."""

    WITH_ACCOUNT = "with_account", "with its account"
    ALONE = "alone", "without its account"


@dataclass(frozen=True, slots=True)
class AccountPage:
    """What is held of an account's page: its last confirmed removal, in (after, by], and its last sight."""

    status: Status
    removed_after: datetime | None
    removed_by: datetime | None
    present_at: datetime | None
    last_check_at: datetime | None = None


def fate(
    *,
    removed_after: datetime | None,
    removed_by: datetime,
    suspended_at: datetime | None,
    page: AccountPage | None,
) -> Fate | None:
    """Whether an item that was last seen at `removed_after` and gone by `removed_by` went with its account.

    None where that is not known. The first that fits:

    1. The platform answered for the item itself that its account is suspended, since it was last seen.
    2. The account's page was removed, and the two intervals overlap: with it.
    3. The page was seen at or after the item was first seen gone, or had gone before the item was last
       seen: without it.

    An interval that nothing bounds from below overlaps everything, and proves nothing: an account that was
    never seen may have gone at any time.
    """
    if suspended_at is not None and (removed_after is None or suspended_at > removed_after):
        return Fate.WITH_ACCOUNT
    if page is None:
        return None
    gone = page.removed_by is not None and page.removed_after is not None
    if gone and removed_after is not None:
        assert page.removed_after is not None  # noqa: S101 - for the types alone
        assert page.removed_by is not None  # noqa: S101
        if max(page.removed_after, removed_after) < min(page.removed_by, removed_by):
            return Fate.WITH_ACCOUNT
        if page.removed_by <= removed_after:
            return Fate.ALONE
    if page.present_at is not None and page.present_at >= removed_by:
        return Fate.ALONE
    return None


def page_of(target: Target) -> AccountPage | None:
    """The page of the account behind a target; None where none is watched, or more than one. One query."""
    if not target.account_key or target.kind == ACCOUNT:
        return None
    pages = list(Target.objects.filter(IS_PAGE, account_key=target.account_key)[:2])
    if len(pages) != 1:
        return None
    (page,) = pages
    return AccountPage(
        status=Status(page.status),
        removed_after=page.removed_after,
        removed_by=page.removed_by,
        present_at=page.present_at,
        last_check_at=page.last_check_at,
    )


class WithAccount(Protocol):
    """Anything that has an account behind it."""

    @property
    def kind(self) -> str: ...

    @property
    def account_key(self) -> int: ...


def look_at_pages(changed: Iterable[tuple[WithAccount, Change]]) -> None:
    """Make the pages of accounts due whose items have just gone, or come back.

    Between such changes they are looked at once a week; a look now tells whether the account went with the
    item. Rows that another writer holds are left to it: it is recording them at this moment.
    """
    keys = {
        target.account_key
        for target, change in changed
        if (change.to_status in GONE or change.from_status == Status.REMOVED) and target.kind != ACCOUNT
    } - {0}
    if not keys:
        return
    now = clock.now()
    due_later = Target.objects.filter(IS_PAGE, account_key__in=among(keys), next_check_at__gt=now)
    skip = connection.features.has_select_for_update_skip_locked
    found = [page.pk for page in due_later.select_for_update(skip_locked=skip).only("pk")]
    if found:
        Target.objects.filter(pk__in=among(found)).update(next_check_at=now)
