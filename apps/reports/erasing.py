"""Erasing personal data on request: of an item, an account, a report, a reply, or somebody who signed in.

An erased item keeps its row: its report, its moments, its status, what its checks saw, what was claimed of
it. So the figures stay as they were, and its checks keep their place in the ledger (`checks.erasing`). Its
URL goes from the whole campaign, with every item that has it. A URL that other campaigns watch stays theirs:
the items here get a copy of what was seen, without the URL.

No fingerprint of an erased URL is kept, because it could be guessed. So nothing can tell that it was there
before: handed in again, it is a new item, which counts again.
"""

from __future__ import annotations

import io
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import CASCADE, Q, QuerySet

from apps.accounts.models import Person
from apps.accounts.roles import Role
from apps.checks.accounts import IS_PAGE
from apps.checks.erasing import copy_without_address, erase_notes, erase_target, fresh_account_key
from apps.checks.models import Check, Target
from apps.checks.outcomes import ErasedFor
from apps.core import clock
from apps.core.bulk import among
from apps.core.canonical import UnusableURL, canonicalise
from apps.core.defanging import refang, with_plain_dots
from apps.platforms.accounts import ACCOUNT
from apps.platforms.matching import match

from .activity import record
from .campaigns import end_membership
from .csv_files import Table, UnreadableFile
from .models import (
    Activity,
    ApiToken,
    Campaign,
    Deed,
    ErrorMark,
    Import,
    Item,
    Membership,
    Reminder,
    Reply,
    Report,
    Subject,
)

ERASED = "(erased)"
"""What stands in the place of a text that must not be empty, and what pages show."""

_UNDER_WAY = (Import.State.QUEUED, Import.State.READING, Import.State.WRITING)


class CannotErase(ValueError):
    """What cannot be erased now. `str()` is a sentence that says what to do first."""


@dataclass(frozen=True, slots=True)
class ToErase:
    """What an erasure of some items covers, before it is done."""

    items: int  # of the campaign, all that have one of the URLs
    urls: int
    shared: int  # of these URLs, those that other campaigns watch, and keep
    accounts: int  # whose name goes from the campaign with them


# ------------------------------------------------------------------------------------------------------ items


def items_to_erase(campaign: Campaign, items: QuerySet[Item]) -> QuerySet[Item]:
    """All items of the campaign that have the URL of one of `items`, and are not erased yet.

    The URL of an account's own page is the name of the account: all of the account's items go with it.
    """
    found = Item.objects.filter(report__campaign=campaign, erased_at=None)
    chosen = items.filter(erased_at=None).order_by()
    accounts = chosen.filter(target__kind=ACCOUNT).exclude(target__account_key=0)
    return found.filter(
        Q(target__in=chosen.values("target"))
        | Q(target__account_key__in=accounts.values("target__account_key"))
    )


def items_of_account(item: Item) -> QuerySet[Item]:
    """All items of the campaign whose account is the item's; that item alone where it is not known."""
    of_campaign = Item.objects.filter(report__campaign=item.report.campaign_id)
    key = item.target.account_key
    return of_campaign.filter(target__account_key=key) if key else of_campaign.filter(pk=item.pk)


def what_goes(campaign: Campaign, items: QuerySet[Item]) -> ToErase:
    """What erasing `items` would cover."""
    erased = items_to_erase(campaign, items)
    targets = list(Target.objects.filter(pk__in=erased.order_by().values("target")))
    named = {target.account_key for target in targets} - {0}
    return ToErase(
        items=erased.count(),
        urls=len(targets),
        shared=sum(_is_shared(target, campaign) for target in targets),
        accounts=sum(not _others_of_account(campaign, key, targets).exists() for key in named),
    )


@transaction.atomic
def erase_item(*, item: Item, why: ErasedFor, person: Person | None = None) -> ToErase:
    """Erase an item's URL from its campaign, with what was written of it. Raises CannotErase."""
    found = Item.objects.filter(pk=item.pk)
    return _erase(item.report.campaign, found, why, person, Subject.ITEM, item.pk)


@transaction.atomic
def erase_account(*, item: Item, why: ErasedFor, person: Person | None = None) -> ToErase:
    """Erase the account behind an item from its campaign: all items of it. Raises CannotErase."""
    return _erase(
        item.report.campaign, items_of_account(item), why, person, Subject.ITEM, item.pk, account=True
    )


@transaction.atomic
def erase_report(*, report: Report, why: ErasedFor, person: Person | None = None) -> ToErase:
    """Erase all items of a report, and what was written in it, in its replies and reminders.

    Raises CannotErase.
    """
    items = Item.objects.filter(report=report)
    if not items.filter(erased_at=None).exists() and report.erased_at is not None:
        raise CannotErase(f"Report {report.number} is erased already.")
    now = clock.now()
    erased = _erase(report.campaign, items, why, person, Subject.REPORT, report.number)
    Report.objects.filter(pk=report.pk).update(note="", reference="", policy="", erased_at=now)
    Reply.objects.filter(report=report).update(text="", reference="", erased_at=now)
    Reminder.objects.filter(report=report).update(note="")
    return erased


@transaction.atomic
def erase_reply(*, reply: Reply, why: ErasedFor, person: Person | None = None) -> None:
    """Erase what a reply says, and its reference; when it came, its kind and its claims stay.

    Raises CannotErase.
    """
    held = Reply.objects.select_for_update().get(pk=reply.pk)
    if held.erased_at is not None:
        raise CannotErase("What this reply says is erased already.")
    Reply.objects.filter(pk=reply.pk).update(text="", reference="", erased_at=clock.now())
    let_go_of_kept_answers(reply.report.campaign)
    record(
        Deed.ERASED,
        person=person,
        campaign=reply.report.campaign_id,
        subject=Subject.REPLY,
        number=reply.pk,
        became={"why": why, "report": reply.report.number},
        hidden=["text", "reference"],
    )


def _erase(
    campaign: Campaign,
    items: QuerySet[Item],
    why: ErasedFor,
    person: Person | None,
    subject: Subject,
    number: int,
    *,
    account: bool = False,
) -> ToErase:
    """Erase the URLs of items.

    1. The campaign's row is locked, as a list that is written does; a list that waits has to be done first.
    2. Each target loses its address; of one that others watch, a copy without it takes its place here.
    3. Where nothing of an account is left here, the key that its items are counted by is a new one, and its
       page goes like a target.
    4. Then the items' own texts, and every text and list of the campaign that holds one of the URLs.
    """
    campaign = Campaign.objects.select_for_update().get(pk=campaign.pk)
    if campaign.imports.filter(state__in=_UNDER_WAY).exists():
        raise CannotErase(
            "A list is being imported, and might hold what is to be erased. Wait until it is done."
        )
    told = what_goes(campaign, items)
    chosen = list(items_to_erase(campaign, items).select_related("target").order_by("pk"))
    targets = {item.target_id: item.target for item in chosen}
    if not chosen and subject != Subject.REPORT:
        raise CannotErase("This is erased already.")
    _lock(targets.values())
    spellings = _spellings([*chosen, *_pages_that_go(campaign, targets.values())])
    keys = _account_keys(campaign, targets.values(), why)
    becomes = {
        pk: _without_address(target, campaign, why, keys.get(target.account_key, 0))
        for pk, target in sorted(targets.items())
    }
    let_go_of_kept_answers(campaign)
    now = clock.now()
    for item in chosen:
        item.target_id = becomes[item.target_id]
        item.submitted, item.labels, item.note, item.erased_at = "", [], "", now
    Item.objects.bulk_update(chosen, ["target", "submitted", "labels", "note", "erased_at"], batch_size=200)
    ErrorMark.objects.filter(item__in=[item.pk for item in chosen]).update(reason=ERASED)
    told_texts = _erase_texts(campaign, spellings)
    lists = _erase_lists(campaign, spellings)
    record(
        Deed.ERASED,
        person=person,
        campaign=campaign,
        subject=subject,
        number=number,
        became={
            "why": why,
            "items": told.items,
            "urls": told.urls,
            "shared": told.shared,
            "texts": told_texts,
            "lists": lists,
            "whole_account": account,
        },
        hidden=["url", "account", "labels", "note"],
    )
    return told


def _lock(targets: Collection[Target]) -> None:
    """Lock targets and the pages of their accounts in the order of their keys, as whoever records does."""
    keys = {target.account_key for target in targets} - {0}
    both = Q(pk__in=[target.pk for target in targets]) | (IS_PAGE & Q(account_key__in=keys))
    list(Target.objects.filter(both).order_by("pk").select_for_update().values_list("pk"))


def _is_shared(target: Target, campaign: Campaign) -> bool:
    """Whether another campaign watches a target: as an item, or as the page of an item's account."""
    others = Item.objects.exclude(report__campaign=campaign)
    if others.filter(target=target).exists():
        return True
    is_page = target.kind == ACCOUNT and target.account_key != 0
    return is_page and others.filter(target__account_key=target.account_key, erased_at=None).exists()


def _without_address(target: Target, campaign: Campaign, why: ErasedFor, account_key: int) -> int:
    """The key of the target that the campaign's items have from now on."""
    if not _is_shared(target, campaign):
        erase_target(target, why=why, account_key=account_key)
        return target.pk
    _erase_own_notes(target, campaign)
    return copy_without_address(target, why=why, account_key=account_key).pk


def _erase_own_notes(target: Target, campaign: Campaign) -> None:
    """Of a target that stays, what people noted who are or were here and in no other campaign that has it."""
    others = Campaign.objects.filter(reports__items__target=target).exclude(pk=campaign.pk)
    theirs = Person.objects.filter(memberships__campaign__in=others.values("pk"))
    ours = _people_of(campaign).exclude(pk__in=theirs.values("pk"))
    checks = Check.objects.filter(target=target, person__in=ours.values("pk"))
    erase_notes(checks.values_list("pk", flat=True))


def _people_of(campaign: Campaign) -> QuerySet[Person]:
    """Members, and whoever did anything here without being one any more."""
    did = Activity.objects.filter(campaign=campaign, person__isnull=False)
    return Person.objects.filter(Q(memberships__campaign=campaign) | Q(pk__in=did.values("person")))


def _others_of_account(campaign: Campaign, key: int, targets: Iterable[Target]) -> QuerySet[Item]:
    """The items of an account that stay in the campaign when `targets` go."""
    left = Item.objects.filter(report__campaign=campaign, erased_at=None, target__account_key=key)
    return left.exclude(target__in=[target.pk for target in targets])


def _account_keys(campaign: Campaign, targets: Collection[Target], why: ErasedFor) -> dict[int, int]:
    """What each account is counted by from now on, by what it was counted by.

    While items of it stay, those that go keep the number that is shared with them: how many accounts there
    are is a figure. When the last goes, all get a new number, those that went before as well.
    """
    keys = {}
    ending = _accounts_that_end(campaign, targets)
    for key in sorted({target.account_key for target in targets} - {0}):
        if key not in ending:
            keys[key] = key
            continue
        keys[key] = fresh_account_key()
        gone_before = Item.objects.filter(report__campaign=campaign, target__key="", target__account_key=key)
        Target.objects.filter(pk__in=gone_before.order_by().values("target")).update(account_key=keys[key])
    for page in _pages_that_go(campaign, targets):
        _without_address(page, campaign, why, keys[page.account_key])
    return keys


def _accounts_that_end(campaign: Campaign, targets: Collection[Target]) -> set[int]:
    """The accounts of which no item stays in the campaign when `targets` go."""
    keys = {target.account_key for target in targets} - {0}
    return {key for key in keys if not _others_of_account(campaign, key, targets).exists()}


def _pages_that_go(campaign: Campaign, targets: Collection[Target]) -> list[Target]:
    """The pages, watched as no item, of the accounts that end with `targets`."""
    pages = Target.objects.filter(IS_PAGE, account_key__in=_accounts_that_end(campaign, targets))
    others = pages.exclude(key="").exclude(pk__in=[target.pk for target in targets])
    return list(others.select_related("host").order_by("account_key", "pk"))


# ------------------------------------------------------------------------- texts and lists that hold the URLs


_SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*://")
_GOES_ON = r"(?![\w%-])"  # what makes another name of a name


class Spellings:
    """Some URLs, as texts may spell them: with any scheme or none, and with their dots hidden."""

    def __init__(self, urls: Collection[str]) -> None:
        self.urls = frozenset(urls)
        plain = {_SCHEME.sub("", with_plain_dots(refang(url)).casefold().strip()) for url in urls} - {""}
        self._hosts = {url.partition("/")[0] for url in plain}
        self._patterns = [re.compile(re.escape(_without_last_slash(url)) + _GOES_ON) for url in plain]

    def are_in(self, text: str) -> bool:
        """Whether a text holds one of the URLs, or an address below it."""
        folded = with_plain_dots(text).casefold()
        if not any(host in folded for host in self._hosts):
            return False
        return any(pattern.search(folded) for pattern in self._patterns)

    def are(self, cell: str) -> bool:
        """Whether a cell of a list is one of the URLs, in whatever spelling, or holds one."""
        return self.are_in(cell) or _key_of(cell) in self.urls


def _without_last_slash(url: str) -> str:
    """A path is the same without it, and a host alone is in every address of a site: that one keeps it."""
    host, _, path = url.partition("/")
    return f"{host}/{path.removesuffix('/')}"


def _spellings(rows: Iterable[Item | Target]) -> Spellings:
    """The URLs of some items, as they were handed in and as they are watched, and of other targets."""
    urls = set()
    for row in rows:
        urls |= {row.key} if isinstance(row, Target) else {row.submitted, row.target.key}
    return Spellings(urls)


def _erase_texts(campaign: Campaign, spellings: Spellings) -> int:
    """Empty what people wrote elsewhere in the campaign, where it holds one of the URLs; how many texts."""
    erased = 0
    reports = Report.objects.filter(campaign=campaign)
    items = Item.objects.filter(report__campaign=campaign)
    for rows, names in (
        (Campaign.objects.filter(pk=campaign.pk), ("description",)),
        (reports, ("note", "reference", "policy")),
        (Reply.objects.filter(report__campaign=campaign), ("text", "reference")),
        (Reminder.objects.filter(report__campaign=campaign), ("note",)),
        (items, ("note",)),
    ):
        for name in names:
            erased += _empty(rows, name, spellings)
    marks = ErrorMark.objects.filter(item__report__campaign=campaign)
    erased += _empty(marks, "reason", spellings, instead=ERASED)
    labelled = items.exclude(labels=[]).values_list("pk", "labels")
    pks = [pk for pk, labels in labelled.iterator() if any(map(spellings.are_in, labels))]
    items.filter(pk__in=among(pks)).update(labels=[])
    notes = Check.objects.filter(
        manual=True,
        target__in=items.order_by().values("target"),
        person__in=_people_of(campaign).values("pk"),
    ).exclude(note="")
    hold = [pk for pk, note in notes.values_list("pk", "note").iterator() if spellings.are_in(note)]
    return erased + len(pks) + erase_notes(hold)


def _empty(rows: QuerySet[Any], name: str, spellings: Spellings, *, instead: str = "") -> int:
    written = rows.exclude(**{name: ""}).order_by().values_list("pk", name)
    pks = [pk for pk, text in written.iterator() if spellings.are_in(text)]
    rows.filter(pk__in=among(pks)).update(**{name: instead})
    return len(pks)


def _erase_lists(campaign: Campaign, spellings: Spellings) -> int:
    """Delete uploaded lists that hold one of the URLs, and empty rejected rows that do; how many."""
    erased = 0
    for pending in campaign.imports.order_by("pk"):
        waits = bytes(pending.content)
        if waits and _list_holds(waits, spellings):
            pending.delete()
            erased += 1
        elif pending.rejected_csv and _list_holds(pending.rejected_csv.encode(), spellings):
            Import.objects.filter(pk=pending.pk).update(rejected_csv="")
            erased += 1
    return erased


def _list_holds(content: bytes, spellings: Spellings) -> bool:
    return any(map(spellings.are, _cells(content)))


def _cells(content: bytes) -> Iterator[str]:
    """The cells of a list, and then its lines: comments are in no row, nor is what follows a damage."""
    encoding = "utf-8"
    try:
        table = Table(io.BytesIO(content))
        encoding = table.encoding
        yield from table.headers
        for row in table:
            yield from row.cells
    except UnreadableFile:
        pass
    yield from io.TextIOWrapper(io.BytesIO(content), encoding=encoding, errors="replace")


def _key_of(cell: str) -> str | None:
    try:
        return match(canonicalise(cell)).key
    except UnusableURL:
        return None


def let_go_of_kept_answers(campaign: Campaign) -> None:
    """Forget what programs were answered: an answer may repeat what was sent, to whoever asks again."""
    for token in ApiToken.objects.filter(campaign=campaign):
        token.kept_answers.all().delete()


# ----------------------------------------------------------------------------------------------------- people


@transaction.atomic
def erase_person(*, person: Person, why: ErasedFor, by: Person | None = None) -> None:
    """Erase who somebody is: name, address and means to sign in. What they did stays, under their number.

    Raises CannotErase for the only owner of a campaign, and for the only administrator.
    """
    held = Person.objects.select_for_update().get(pk=person.pk)
    administrators = Person.objects.filter(is_superuser=True, is_active=True)
    if held.is_superuser and not administrators.exclude(pk=held.pk).exists():
        raise CannotErase("This is the only administrator. Make somebody else one first.")
    for membership in Membership.objects.filter(person=held).select_related("campaign"):
        owners = membership.campaign.memberships.filter(role=Role.OWNER).exclude(pk=membership.pk)
        if membership.role == Role.OWNER and not owners.exists():
            raise CannotErase(
                f"They are the only owner of “{membership.campaign.slug}”. Make somebody else an owner first."
            )
        end_membership(membership=membership, person=by)
    for relation in Person._meta.related_objects:
        # Whatever would go with the row goes now: addresses, second factors, tokens.
        if getattr(relation, "on_delete", None) is CASCADE:
            relation.related_model._default_manager.filter(**{relation.field.name: held}).delete()
    for session in Session.objects.iterator():
        if session.get_decoded().get("_auth_user_id") == str(held.pk):
            session.delete()
    held.email, held.name = f"erased-{held.pk}@erased.invalid", f"erased person {held.pk}"
    held.is_active = held.is_staff = held.is_superuser = False
    held.last_login = held.last_login or clock.wall()  # nobody takes them for somebody who is yet to come
    held.set_unusable_password()
    held.save()
    record(
        Deed.PERSON_ERASED,
        person=by,
        campaign=None,
        subject=Subject.PERSON,
        number=held.pk,
        became={"why": why},
    )
