"""What the figures are made of, read from the record in columns: one number an item and column.

A campaign may have a million items. They are read as whole numbers into NumPy columns (`reading`); no row
becomes a Python object. Moments are seconds since 1970 in UTC, and 0 stands for "never".

`as_of` asks for the record as it stood at a moment: what was written down later, or holds no more, does not
count, even if it tells of an earlier time. That is what makes a number that was cited come out again.
`until` asks for what holds now of what had been seen by a moment, whenever it was written down.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from typing import NamedTuple

import numpy as np
from django.db.models import BigIntegerField, Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet, Value

from apps.checks.accounts import IS_PAGE
from apps.checks.models import Check, Target, Transition
from apps.checks.outcomes import PROVES_PRESENCE, STATUS_ORDER, Outcome, Reason, Status
from apps.core.bulk import among
from apps.reports.models import Campaign, ErrorMark, Item, Report
from apps.reports.selectors import items_of

from .reading import (
    SPREAD,
    Column,
    Flags,
    Whole,
    distinct,
    in_bits,
    in_codes,
    in_seconds,
    latest,
    places,
    read_columns,
    read_of,
    read_through,
)

NEVER = 0
STATUS_CODES: Mapping[str, int] = {status.value: code for code, status in enumerate(STATUS_ORDER)}
"""A status as its place in STATUS_ORDER."""

WITH_ACCOUNT, ALONE = 1, 2
"""Whether an item that is gone went with its account; 0 where that is not known, or where it is not gone."""

NO_PAGE = -1  # the status of an account whose page is not watched

SAID_BY_PLATFORM = (
    Reason.GONE,
    Reason.LEGAL,
    Reason.PLATFORM_DISABLED,
    Reason.ACCOUNT_SUSPENDED,
    Reason.UPLOADER_DELETED,
)
"""Reasons that are the platform's own word, which no misreading gives."""

SUSPENDED = Q(outcome=Outcome.REMOVED, reason=Reason.ACCOUNT_SUSPENDED)
SHOWS_ITEM = Q(outcome=Outcome.AVAILABLE) | Q(outcome=Outcome.RESTRICTED, reason__in=PROVES_PRESENCE)
SHOWS_ITEM_TO_PERSON = Q(outcome=Outcome.RESTRICTED, manual=True)


class Change(NamedTuple):
    """A change of status that holds: to which, somewhere in (after, by]; `after` is NEVER if not bounded."""

    status: int
    after: int
    by: int
    by_person: bool = False  # a person's check showed it
    said: bool = False  # the platform itself says so, by its reason


@dataclass(frozen=True, slots=True)
class ItemRecords:
    """The items of a campaign, or those of a filter, with what is held of their targets.

    All columns have one value an item, in the order of the items' numbers. `changes` has the whole history
    of the targets that were removed more than once or came back, under the keys that `history` gives. For the
    others that are removed, `removed_by` is when, and `present` after when.
    """

    pk: Whole
    report: Whole
    target: Whole
    account: Whole  # a key; 0 where the account is not known
    reported: Whole
    control: Flags
    attested: Flags
    error: Flags
    is_account: Flags  # is an account's own page
    account_gone: Flags  # shows that its account is gone: itself an account's page, or gone with it
    page: Whole  # the status of its account's page; NO_PAGE where none is watched
    fate: Whole  # WITH_ACCOUNT, ALONE or 0
    observed: Flags  # the checker itself saw it there at or after the report
    status: Whole
    present: Whole  # last seen there, by whomever
    concluded: Whole  # of what is removed: the last check that saw that it is gone
    removed_by: Whole  # of what is removed: no later than this, the last removal
    history: Whole  # the key of the target's changes
    changes: Mapping[int, Sequence[Change]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.pk)

    def eventful(self, items: Whole | slice = slice(None)) -> Flags:
        """Whether `changes` has the history of each of some items, which are places in the columns."""
        return np.isin(self.history[items], np.fromiter(self.changes, np.int64, len(self.changes)))


_REMOVED = STATUS_CODES[Status.REMOVED]
_CHANGE_FLAGS = 2
_CHANGE_COLUMNS: Mapping[str, Column] = {
    "target": F("target_id"),
    "status": in_codes("to_status", STATUS_CODES),
    "after": in_seconds("after"),
    "by": in_seconds("by"),
    "number": F("check_number"),
    # The status before stands above the flags: time goes by columns.
    "flags": ExpressionWrapper(
        in_bits(Q(by_person=True), Q(reason__in=SAID_BY_PLATFORM))
        + in_codes("from_status", STATUS_CODES) * Value(1 << _CHANGE_FLAGS),
        BigIntegerField(),
    ),
}
_ITEM_COLUMNS: Mapping[str, Column] = {
    "pk": F("pk"),
    "report": F("report_id"),
    "target": F("target_id"),
    "reported": in_seconds("reported_at"),
    "flags": in_bits(Q(control=True), Q(attested=True)),
}
_IS_REMOVED = Q(status=Status.REMOVED)
_BY_CHECKER = Q(checker_present_at=F("present_at"))
_STATE = (
    IS_PAGE,
    Q(account_suspended_at__isnull=False)
    & (Q(present_at=None) | Q(account_suspended_at__gt=F("present_at"))),
    Q(removal_count__gt=1) | Q(reinstated_at__isnull=False),
    _BY_CHECKER,
)
_TARGET_COLUMNS: Mapping[str, Column] = {
    "target": F("pk"),
    "account": F("account_key"),
    # In one number what fits into one, and a moment only where there is one that is not the one beside it:
    # time goes by columns and by values.
    "state": ExpressionWrapper(
        in_bits(*_STATE) + in_codes("status", STATUS_CODES) * Value(1 << len(_STATE)), BigIntegerField()
    ),
    "present": in_seconds("present_at"),
    "checker_present": in_seconds("checker_present_at", where=~_BY_CHECKER),
    "concluded": in_seconds("conclusive_at", where=_IS_REMOVED),
    "removed_by": in_seconds("removed_by", where=_IS_REMOVED),
}
_TARGET_ITSELF: Mapping[str, Column] = {
    "target": F("pk"),
    "account": F("account_key"),
    "is_account": in_bits(IS_PAGE),
}
_PAGE_COLUMNS: Mapping[str, Column] = {
    "target": F("account_key"),
    "status": in_codes("status", STATUS_CODES),
    "removed_after": in_seconds("removed_after"),
    "removed_by": in_seconds("removed_by"),
    "present": in_seconds("present_at"),
}
_MANY = 10_000  # of which the database had rather not be told one by one


def seconds(moment: datetime) -> int:
    """Whole seconds since 1970 in UTC, rounded as the databases do: to the millisecond, then down."""
    return math.floor(moment.timestamp() + 0.0005)


def moment(value: int) -> datetime:
    """The moment of so many seconds since 1970."""
    return datetime.fromtimestamp(value, UTC)


def read_items(
    items: QuerySet[Item] | Campaign, *, as_of: datetime | None = None, until: datetime | None = None
) -> ItemRecords:
    """The records of a campaign's items or of some, as they stand now or stood at `as_of`, or as far as was
    seen by `until`."""
    some = items_of(items) if isinstance(items, Campaign) else items
    if as_of is not None:
        return _then(some.filter(created_at__lte=as_of), _recorded_by(as_of))
    if until is not None:
        return _then(some.filter(reported_at__lte=until), _seen_by(until))
    columns = (
        read_of(Report.objects.filter(campaign=items), Item, "report", _ITEM_COLUMNS)
        if isinstance(items, Campaign)
        else read_through(items, _ITEM_COLUMNS)
    )
    columns |= _looked_up(columns["target"], _state_of(_targets(columns["target"], _TARGET_COLUMNS)))
    eventful = columns.pop("eventful") > 0
    changes: Mapping[int, Sequence[Change]] = {}
    if eventful.any():
        transitions = Transition.objects.filter(
            superseded_at=None, target_id__in=among(np.unique(columns["target"][eventful]))
        )
        changes = _histories(_changes_in_order(transitions))
    return _records(columns, changes, ErrorMark.objects.filter(taken_back_at=None), None)


def _targets(keys: Whole, columns: Mapping[str, Column]) -> dict[str, Whole]:
    """The `columns` of the targets with those keys, and maybe of others, in any order.

    Apart from the items: to put two columns together here takes less than it takes a database to join a row.
    """
    if not len(keys):
        return _no_rows(columns)
    first, last = int(keys.min()), int(keys.max())
    if last - first < SPREAD * len(keys):
        return read_through(Target.objects.all(), columns, between=(first, last))
    return read_columns(Target.objects.filter(pk__in=among(distinct(keys))).order_by(), columns)


def _state_of(targets: dict[str, Whole]) -> dict[str, Whole]:
    """_TARGET_COLUMNS, each with a value a target."""
    state = targets.pop("state")
    status = state >> len(_STATE)
    is_account, suspended, eventful, by_checker = _bits(state, len(_STATE))
    removed = status == _REMOVED
    return {
        **targets,
        "status": status,
        "is_account": is_account.astype(np.int64),
        "suspended": suspended.astype(np.int64),
        "eventful": eventful.astype(np.int64),
        "checker_present": _spread(targets["checker_present"], ~by_checker, others=targets["present"]),
        "concluded": _spread(targets["concluded"], removed),
        "removed_by": _spread(targets["removed_by"], removed),
    }


def _spread(values: Whole, where: Flags, *, others: Whole | int = NEVER) -> Whole:
    """A column with the `values` where they belong, one after the other, and `others` everywhere else."""
    column = np.empty(len(where), np.int64)
    column[...] = others
    column[where] = values
    return column


@dataclass(frozen=True, slots=True)
class _Known:
    """The transitions, checks, marks of error and accounts' pages that were known at a moment."""

    transitions: QuerySet[Transition]
    checks: QuerySet[Check]
    errors: QuerySet[ErrorMark]
    pages: QuerySet[Target]


def _recorded_by(as_of: datetime) -> _Known:
    held = Q(superseded_at=None) | Q(superseded_at__gt=as_of)
    stood = Q(taken_back_at=None) | Q(taken_back_at__gt=as_of)
    return _Known(
        Transition.objects.filter(held, recorded_at__lte=as_of),
        Check.objects.filter(recorded_at__lte=as_of),
        ErrorMark.objects.filter(stood, recorded_at__lte=as_of),
        Target.objects.filter(IS_PAGE, created_at__lte=as_of),
    )


def _seen_by(until: datetime) -> _Known:
    """A change is seen with the check that showed it, which for a confirmation is later than it is dated."""
    shown = Check.objects.filter(
        target=OuterRef("target"), number=OuterRef("check_number"), finished_at__lte=until
    )
    return _Known(
        Transition.objects.filter(Exists(shown), superseded_at=None),
        Check.objects.filter(finished_at__lte=until),
        ErrorMark.objects.filter(taken_back_at=None),
        Target.objects.filter(IS_PAGE),
    )


def _then(items: QuerySet[Item], known: _Known) -> ItemRecords:
    """Status and removals from the transitions that were known, what was seen from the checks."""
    columns = read_through(items, _ITEM_COLUMNS)
    columns |= _looked_up(columns["target"], _targets(columns["target"], _TARGET_ITSELF))
    targets = items.order_by().values("target")
    rows = _changes_in_order(known.transitions.filter(target__in=targets))
    standing, eventful = _standing(rows)
    columns |= _looked_up(columns["target"], standing, default=STATUS_CODES[Status.WAITING], of="status")
    columns |= _looked_up(columns["target"], _last_seen(known.checks.filter(target__in=targets)))
    columns["concluded"] = np.where(columns["status"] == _REMOVED, columns["concluded"], NEVER)
    columns["suspended"] = (columns["suspended"] > columns["present"]).astype(np.int64)
    told = np.isin(rows["target"], eventful)
    histories = _histories({name: row[told] for name, row in rows.items()})
    return _records(columns, histories, known.errors, known)


def _records(
    columns: dict[str, Whole],
    changes: Mapping[int, Sequence[Change]],
    errors: QuerySet[ErrorMark],
    known: _Known | None,
) -> ItemRecords:
    if not (np.diff(columns["pk"]) > 0).all():
        # A database gives rows in any order, and sums of fractions depend on it in their last digits.
        # They are mostly some runs that are in order, which a stable sort puts together in no time.
        order = np.argsort(columns["pk"], kind="stable")
        columns = {name: column[order] for name, column in columns.items()}
    # Of all campaigns: they are few, and the way from a campaign to its marks leads through all its items.
    marked = np.fromiter(errors.values_list("item_id", flat=True), np.int64)
    control, attested = _bits(columns.pop("flags"), 2)
    is_account = columns.pop("is_account") > 0
    columns |= _fates(columns, columns.pop("suspended") > 0, is_account, known)
    went_with_account = is_account | (columns["fate"] == WITH_ACCOUNT)
    return ItemRecords(
        error=np.isin(columns["pk"], marked),
        control=control,
        attested=attested,
        is_account=is_account,
        account_gone=(columns["status"] == _REMOVED) & went_with_account,
        observed=columns.pop("checker_present") >= columns["reported"],
        history=columns["target"],
        changes=changes,
        **columns,
    )


def _fates(
    columns: Mapping[str, Whole], suspended: Flags, is_account: Flags, known: _Known | None
) -> dict[str, Whole]:
    """How each item's account stands, and whether an item that is gone went with it.

    The rules are those of `checks.accounts.fate`.
    """
    removed = (columns["status"] == _REMOVED) & ~is_account
    after, by = columns["present"], columns["removed_by"]
    pages = _pages(columns["account"][(columns["account"] != 0) & ~is_account], known)
    page = _looked_up(columns["account"], pages, default=NO_PAGE, of="status")
    page["status"] = np.where(is_account, NO_PAGE, page["status"])
    went = (page["removed_after"] != NEVER) & (page["removed_by"] != NEVER) & (after != NEVER)
    overlap = np.maximum(page["removed_after"], after) < np.minimum(page["removed_by"], by)
    alone = (went & (page["removed_by"] <= after)) | (page["present"] >= by)
    watched = page["status"] != NO_PAGE
    fate = np.select(
        [removed & suspended, removed & watched & went & overlap, removed & watched & alone],
        [WITH_ACCOUNT, WITH_ACCOUNT, ALONE],
        0,
    )
    return {"page": page["status"], "fate": fate}


def _bits(flags: Whole, many: int) -> list[Flags]:
    return [(flags >> bit & 1).astype(bool) for bit in range(many)]


def _changes_in_order(transitions: QuerySet[Transition]) -> dict[str, Whole]:
    rows = read_columns(transitions, _CHANGE_COLUMNS)
    before = rows["flags"] >> _CHANGE_FLAGS
    return in_order({**rows, "before": before, "flags": rows["flags"] & (1 << _CHANGE_FLAGS) - 1})


def in_order(rows: dict[str, Whole]) -> dict[str, Whole]:
    """Transitions by target, in the order in which they happened: each begins `before` with the status that
    the one before it led to.

    A confirmed removal is dated like the suspicion that it confirms, and comes after it. What two people saw
    may carry one and the same moment; there only the statuses tell which came first.
    """
    order = np.lexsort((rows["number"], rows["status"] == _REMOVED, rows["by"], rows["target"]))
    target, by, status, before = (rows[name][order] for name in ("target", "by", "status", "before"))
    apart = (target[1:] == target[:-1]) & (before[1:] != status[:-1])
    if apart.any():
        starts = np.flatnonzero(np.diff(target, prepend=-1))
        ends = np.append(starts[1:], len(target))
        for target_of in np.unique(target[1:][apart]).tolist():
            place = np.searchsorted(target[starts], target_of)
            some = slice(starts[place], ends[place])
            steps = zip(by[some].tolist(), before[some].tolist(), status[some].tolist(), strict=True)
            order[some] = order[some][_one_after_the_other(list(steps))]
    return {name: column[order] for name, column in rows.items()}


def _one_after_the_other(steps: Sequence[tuple[int, int, int]]) -> list[int]:
    """The places of a target's (moment, before, status), those of one moment as one leads to the next.

    A walk along all of them (Hierholzer 1873); those of a moment that make none stay as they are.
    """
    found: list[int] = []
    standing = STATUS_CODES[Status.WAITING]
    for _, of_moment in groupby(range(len(steps)), key=lambda place: steps[place][0]):
        places = list(of_moment)
        ahead: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for place in reversed(places):
            _, before, status = steps[place]
            ahead[before].append((status, place))
        way, walk = [(standing, -1)], list[int]()
        while way:
            if ahead[way[-1][0]]:
                way.append(ahead[way[-1][0]].pop())
            else:
                walk.append(way.pop()[1])
        walk = walk[-2::-1]
        found += walk if len(walk) == len(places) else places
        standing = steps[found[-1]][2]
    return found


def _pages(accounts: Whole, known: _Known | None) -> dict[str, Whole]:
    """What is held of the pages of the accounts with those keys, a row an account with its key in `target`;
    or what was known of them at a moment.

    Of an account with several pages nothing is told. `removed_after` and `removed_by` are of the last
    removal, whether or not it came back; `present` is its last sight.
    """
    if not len(accounts):
        return _no_rows(_PAGE_COLUMNS)
    pages = Target.objects.filter(IS_PAGE) if known is None else known.pages
    if len(accounts) < _MANY or pages.count() > SPREAD * len(accounts):
        pages = pages.filter(account_key__in=among(distinct(accounts)))
    if known is None:
        return _once_each(read_columns(pages.order_by(), _PAGE_COLUMNS))
    named = read_columns(pages.order_by(), {"pk": F("pk"), "target": F("account_key")})
    targets = pages.order_by().values("pk")
    rows = _changes_in_order(known.transitions.filter(target__in=targets))
    removals = {name: column[rows["status"] == _REMOVED] for name, column in rows.items()}
    last = np.ones(len(removals["target"]), bool)
    last[:-1] = removals["target"][1:] != removals["target"][:-1]
    gone = {
        "target": removals["target"][last],
        "removed_after": removals["after"][last],
        "removed_by": removals["by"][last],
    }
    standing, _ = _standing(rows)
    waiting = STATUS_CODES[Status.WAITING]
    status = _looked_up(
        named["pk"], {name: standing[name] for name in ("target", "status")}, default=waiting, of="status"
    )
    seen = _last_seen(known.checks.filter(target__in=targets))
    present = _looked_up(named["pk"], {name: seen[name] for name in ("target", "present")})
    return _once_each({"target": named["target"], **status, **_looked_up(named["pk"], gone), **present})


def _no_rows(names: Iterable[str]) -> dict[str, Whole]:
    return {name: np.zeros(0, np.int64) for name in names}


def _once_each(rows: dict[str, Whole]) -> dict[str, Whole]:
    """The rows in the order of their keys, without those whose key stands there more than once."""
    order = np.argsort(rows["target"])
    keys = rows["target"][order]
    alone = np.ones(len(keys), bool)
    same = keys[1:] == keys[:-1]
    alone[1:] &= ~same
    alone[:-1] &= ~same
    return {name: column[order][alone] for name, column in rows.items()}


def _standing(rows: dict[str, Whole]) -> tuple[dict[str, Whole], Whole]:
    """What ordered transitions add up to, a row a target; and the targets removed twice, or back again."""
    target = rows["target"]
    last = np.ones(len(target), bool)
    last[:-1] = target[1:] != target[:-1]
    removal = rows["status"] == _REMOVED
    back = np.zeros(len(target), bool)
    back[1:] = removal[:-1] & ~removal[1:] & ~last[:-1]
    removed, times = np.unique(target[removal], return_counts=True)
    standing = {
        "target": target[last],
        "status": rows["status"][last],
        "removed_by": np.where(removal, rows["by"], NEVER)[last],
    }
    return standing, np.union1d(removed[times > 1], target[back])


def _histories(rows: dict[str, Whole]) -> dict[int, list[Change]]:
    """Ordered transitions as lists of changes, by target."""
    changes: dict[int, list[Change]] = defaultdict(list)
    table = np.stack([rows[name] for name in ("target", "status", "after", "by", "flags")], axis=1)
    for target, status, after, by, flags in table.tolist():
        changes[target].append(Change(status, after, by, bool(flags & 1), bool(flags & 2)))
    return dict(changes)


def _looked_up(
    targets: Whole, rows: dict[str, Whole], *, default: int = NEVER, of: str = ""
) -> dict[str, Whole]:
    """Columns of `rows`, one a target, for each of `targets`.

    A target without a row gets NEVER, or `default` in the column `of`.
    """
    place = places(rows["target"], targets)
    there = place >= 0
    if there.all():
        return {name: column[place] for name, column in rows.items() if name != "target"}
    if not len(rows["target"]):
        rows = {name: np.full(1, NEVER) for name in rows}
    return {
        name: np.where(there, column[place], default if name == of else NEVER)
        for name, column in rows.items()
        if name != "target"
    }


def _last_seen(checks: QuerySet[Check]) -> dict[str, Whole]:
    """When each target was last seen there, by whomever and by the checker, was last seen at all or gone, and
    last seen gone with its account."""
    shows = SHOWS_ITEM | SHOWS_ITEM_TO_PERSON
    rows = read_columns(
        checks.exclude(outcome=Outcome.INCONCLUSIVE).order_by().values("target_id"),
        {
            "target": F("target_id"),
            "present": latest("started_at", shows),
            "checker_present": latest("started_at", SHOWS_ITEM & Q(manual=False)),
            "concluded": latest("started_at", shows | Q(outcome=Outcome.REMOVED)),
            "suspended": latest("started_at", SUSPENDED),
        },
    )
    order = np.argsort(rows["target"])
    return {name: column[order] for name, column in rows.items()}
