"""The pages of the accounts behind items: which are watched, how often, and who went with whom."""

from __future__ import annotations

from datetime import datetime, timedelta
from io import StringIO
from itertools import pairwise

import pytest
import time_machine
from django.core.management import call_command

from apps.checks.accounts import AccountPage, Fate, fate, page_of
from apps.checks.cadence import LONGEST_GAP
from apps.checks.models import Target
from apps.checks.outcomes import Outcome, Reason, Status
from apps.checks.recording import NewCheck, append
from apps.checks.services import Wanted, watch_targets
from apps.core.canonical import canonicalise
from apps.platforms.accounts import account_page
from apps.platforms.matching import match
from apps.reports.models import Item
from tests.checks.making import REPORTED, at, check
from tests.factories import make_campaign, make_item, make_report

MODEL, OTHER = "https://huggingface.co/example-user/one", "https://huggingface.co/example-user/two"
PAGE = "https://huggingface.co/example-user"


# -- whether an item went with its account: hours, as (removed_after, removed_by)


def page(
    gone: tuple[float | None, float] | None, seen: float | None, status: Status = Status.REMOVED
) -> AccountPage:
    after, by = gone if gone is not None else (None, None)
    return AccountPage(status, _at(after), _at(by), _at(seen))


def _at(hours: float | None) -> datetime | None:
    return None if hours is None else at(hours)


@pytest.mark.parametrize(
    ("account", "went"),
    [
        # The item went in (10, 20].
        (None, None),
        (page((12, 18), 12), Fate.WITH_ACCOUNT),
        (page((5, 11), 5), Fate.WITH_ACCOUNT),
        (page((19, 400), 19), Fate.WITH_ACCOUNT),
        (page((0, 300), 0), Fate.WITH_ACCOUNT),
        # Seen when the item had gone; gone before the item was last seen.
        (page((20, 30), 20), Fate.ALONE),
        (page((25, 30), 25), Fate.ALONE),
        (page((2, 10), 2), Fate.ALONE),
        (page(None, 20, Status.AVAILABLE), Fate.ALONE),
        # Not looked at since, not confirmed yet, or never seen: nothing is known.
        (page(None, 19.9, Status.AVAILABLE), None),
        (page(None, 12, Status.SUSPECTED), None),
        (page(None, None, Status.WAITING), None),
        (page((None, 15), None), None),
        # It came back since, which the interval of its removal outlives.
        (page((12, 18), 90, Status.AVAILABLE), Fate.WITH_ACCOUNT),
        (page((2, 8), 90, Status.AVAILABLE), Fate.ALONE),
    ],
)
def test_whether_an_item_went_with_its_account(account: AccountPage | None, went: Fate | None) -> None:
    gone = {"removed_after": at(10), "removed_by": at(20), "page": account}
    assert fate(suspended_at=None, **gone) == went  # type: ignore[arg-type]
    # The platform's word on the item itself needs no page; one from before the item was last seen is no word.
    assert fate(suspended_at=at(21), **gone) == Fate.WITH_ACCOUNT  # type: ignore[arg-type]
    assert fate(suspended_at=at(9), **gone) == went  # type: ignore[arg-type]


def test_an_item_that_was_never_seen_may_have_gone_at_any_time() -> None:
    never = {"removed_after": None, "removed_by": at(20), "suspended_at": None}
    assert fate(page=page((12, 18), 12), **never) is None  # type: ignore[arg-type]
    assert fate(page=page(None, 20, Status.AVAILABLE), **never) == Fate.ALONE  # type: ignore[arg-type]


# -- which pages are watched


@pytest.mark.parametrize(
    ("url", "account"),
    [
        (MODEL, PAGE),
        (
            "https://huggingface.co/datasets/Example-User/x/resolve/main/a.bin",
            "https://huggingface.co/Example-User",
        ),
        ("https://gist.github.com/example/0123456789abcdef0123", "https://github.com/example"),
        (
            "https://social.example.org/@one@other.example.org/1",
            "https://social.example.org/@one@other.example.org",
        ),
        (PAGE, None),  # is one
        ("https://x.com/example/status/1", None),  # cannot be told without signing in
        ("https://modelscope.cn/models/example/x", None),  # has no address that its name alone would make
        ("https://civitai.com/models/1", None),  # its account is not in the address
        ("https://models.example.org/a/b", None),  # no definition
    ],
)
def test_the_page_of_an_account(url: str, account: str | None) -> None:
    found = match(canonicalise(url))
    made = account_page(found)
    assert (made and made.key) == account
    if made is not None:
        assert (made.platform, made.kind, made.account) == (found.platform, "account", found.account)
        assert Target.account_key_of(made.platform, made.account) == Target.account_key_of(
            found.platform, found.account
        )


def watch(*urls: str, origin: datetime = REPORTED, with_account: bool = True) -> list[Target]:
    found = watch_targets(Wanted(match(canonicalise(url)), origin, with_account) for url in urls)
    return [found[url] for url in urls]


@pytest.mark.django_db
def test_the_account_of_what_is_reported_is_watched_once_and_is_no_item() -> None:
    with time_machine.travel(at(0), tick=False):
        one, two = watch(MODEL, OTHER)
        watch(MODEL)
    (account,) = Target.objects.exclude(pk__in=(one.pk, two.pk))
    assert (account.key, account.kind, account.origins) == (PAGE, "account", [])
    assert (account.next_check_at, account.account_key) == (at(0), one.account_key)
    assert page_of(one) == page_of(two) == AccountPage(Status.WAITING, None, None, None)
    assert page_of(account) is None


@pytest.mark.django_db
def test_the_account_of_a_control_is_left_alone() -> None:
    watch(MODEL, with_account=False)
    assert Target.objects.count() == 1


@pytest.mark.django_db
def test_an_account_that_is_reported_itself_gets_a_clock() -> None:
    watch(MODEL)
    (account,) = watch(PAGE)
    assert account.origins == [REPORTED.isoformat()]
    assert Target.objects.count() == 2
    watch(PAGE, "https://huggingface.co/example-user/three")
    assert Target.objects.count() == 3


@pytest.mark.django_db
def test_the_command_watches_the_accounts_of_what_was_reported_before() -> None:
    report = make_report(make_campaign())
    for url, control in ((MODEL, False), (OTHER, False), ("https://huggingface.co/other-user/x", True)):
        (target,) = watch(url, with_account=False)
        make_item(report, target, control=control)
    out = StringIO()
    call_command("watch_accounts", stdout=out)
    call_command("watch_accounts", stdout=out)
    assert out.getvalue().splitlines() == [f"accounts watched from now on: {many}" for many in (1, 0)]
    assert Target.objects.get(kind="account").key == PAGE
    assert Item.objects.count() == 3


# -- how often


def held(target: Target) -> Target:
    return Target.objects.get(pk=target.pk)


@pytest.mark.django_db
def test_an_account_is_looked_at_once_a_week_and_at_once_when_an_item_goes_or_comes_back() -> None:
    with time_machine.travel(at(0), tick=False) as clock:
        (item,) = watch(MODEL)
        account = Target.objects.get(kind="account")
        append([check(account, 0.1, Outcome.AVAILABLE), check(item, 0.1, Outcome.AVAILABLE)])
        weekly = held(account).next_check_at
        assert weekly is not None
        assert LONGEST_GAP * 0.9 <= weekly - at(0.1) <= LONGEST_GAP
        clock.move_to(at(30))
        append([check(item, 29, Outcome.AVAILABLE)])
        assert held(account).next_check_at == weekly
        append([check(item, 30, Outcome.REMOVED)])
        assert held(account).next_check_at == at(30)
        append([check(account, 30.1, Outcome.AVAILABLE)])
        # A second removed outcome is no news; that it is confirmed is, and so is a return.
        append([check(item, 36, Outcome.REMOVED)])
        assert held(account).next_check_at != at(30)
        clock.move_to(at(60))
        append([check(item, 60, Outcome.REMOVED)])
        assert held(item).status == Status.REMOVED
        assert held(account).next_check_at == at(60)
        append([check(account, 60.1, Outcome.AVAILABLE)])
        clock.move_to(at(70))
        append([check(item, 70, Outcome.AVAILABLE)])
        assert held(account).next_check_at == at(70)


@pytest.mark.django_db
def test_an_account_that_looks_gone_is_confirmed_like_anything_and_then_looked_at_weekly() -> None:
    watch(MODEL)
    account = Target.objects.get(kind="account")
    append([check(account, 0, Outcome.AVAILABLE), check(account, 30, Outcome.REMOVED)])
    assert held(account).next_check_at == at(31)
    append([check(account, 31, Outcome.REMOVED), check(account, 54, Outcome.REMOVED)])
    gone = held(account)
    assert (gone.status, gone.removed_after, gone.removed_by) == (Status.REMOVED, at(0), at(30))
    assert gone.next_check_at is not None
    assert gone.next_check_at - at(54) > LONGEST_GAP * 0.9


@pytest.mark.django_db
def test_after_answers_that_tell_nothing_an_account_is_asked_again_sooner_and_ever_more_seldom() -> None:
    watch(MODEL)
    account = Target.objects.get(kind="account")
    gaps = []
    for number in range(12):
        append([NewCheck(account.pk, at(number), at(number), Outcome.INCONCLUSIVE, Reason.TIMEOUT)])
        next_at = held(account).next_check_at
        assert next_at is not None
        gaps.append(next_at - at(number))
    assert gaps[0] <= timedelta(minutes=15)
    assert all(later > earlier for earlier, later in pairwise(gaps[:10]))
    assert gaps[-1] <= LONGEST_GAP
