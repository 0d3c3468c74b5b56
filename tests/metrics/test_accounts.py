"""Items that went with their account, or without it: in the figures, in files, and as of any moment."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
import time_machine

from apps.checks.accounts import AccountPage, Fate, fate, page_of
from apps.checks.models import Target
from apps.checks.outcomes import Outcome, Reason, Status
from apps.checks.recording import NewCheck, append
from apps.metrics import records as metrics_records
from apps.metrics.figures import AccountFigures
from apps.metrics.records import ALONE, NO_PAGE, STATUS_CODES, WITH_ACCOUNT, read_items, seconds
from apps.metrics.summary import summarise
from apps.metrics.summary_json import summary_json
from apps.reports.models import Campaign, Item
from tests.factories import START, at, make_campaign, make_report, make_target
from tests.metrics.watching import WORDS, looks, watched

pytestmark = [pytest.mark.django_db, pytest.mark.database]
NOW = 400
FATES = {None: 0, Fate.WITH_ACCOUNT: WITH_ACCOUNT, Fate.ALONE: ALONE}


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(at(NOW), tick=False) as traveller:
        yield traveller


@pytest.fixture
def campaign() -> Campaign:
    return make_campaign()


def account(name: str, story: str = "") -> Target:
    """An account's page, with what was seen of it."""
    page = make_target(f"accounts/{name}", kind="account", account=name)
    Target.objects.filter(pk=page.pk).update(created_at=START)
    look(page, story)
    return page


def look(target: Target, story: str) -> None:
    append(
        NewCheck(
            target.pk,
            at(each.hours),
            at(each.hours),
            WORDS[each.word],
            Reason.TIMEOUT if each.word == "unclear" else Reason.OK if each.word == "up" else Reason.GONE,
            definitive=each.word == "gone",
        )
        for each in (looks(story) if story else [])
    )


def accounts(campaign: Campaign, **asked: Any) -> AccountFigures:
    return summarise(campaign, **asked).total.accounts


def test_items_are_counted_by_whether_they_went_with_their_account(campaign: Campaign) -> None:
    report = make_report(campaign)
    account("banned", "up 1, gone 5 7")  # gone in (1, 5]
    watched(report, "up 1 2, gone 4 6", account="banned")  # gone in (2, 4]
    watched(report, "up 1 9, gone 12 14", account="banned")  # gone in (9, 12]: later than the account
    account("goes-on", "up 1 20")
    watched(report, "up 1 2, gone 4 6", account="goes-on")
    watched(report, "up 1 2 30", account="goes-on")
    account("untold", "up 1, unclear 8")
    watched(report, "up 1 2, gone 4 6", account="untold")
    watched(report, "up 1 2, gone 4 6", account="not-watched")
    watched(report, "up 1 2, gone 4 6")
    found = accounts(campaign)
    assert (found.items_with, found.items_alone, found.items_untold) == (1, 2, 3)
    assert (found.accounts, found.gone, found.up, found.up_with_removed) == (4, 1, 2, 2)
    # The pages are no items.
    figures = summarise(campaign).total
    assert (figures.reported, figures.eligible, Item.objects.count()) == (7, 7, 7)
    said = summary_json(summarise(campaign))["groups"][0]["accounts"]["removed_items"]
    assert said == {"with_account": 1, "alone": 2, "unknown": 3}


def test_an_account_that_is_gone_counts_though_its_items_went_before_it(campaign: Campaign) -> None:
    report = make_report(campaign)
    page = account("later", "up 1 20")
    watched(report, "up 1 2, gone 4 6", account="later")
    assert (accounts(campaign).gone, accounts(campaign).items_alone) == (0, 1)
    look(page, "gone 30 32")
    assert (accounts(campaign).gone, accounts(campaign).items_alone) == (1, 1)


def test_an_accounts_own_page_that_was_reported_went_with_nobody(campaign: Campaign) -> None:
    report = make_report(campaign)
    item = watched(report, "up 1 2, gone 4 6", account="reported")
    Target.objects.filter(pk=item.target_id).update(kind="account")
    found = accounts(campaign)
    assert (found.gone, found.items_with, found.items_alone, found.items_untold) == (1, 0, 0, 0)


def test_of_an_account_with_two_pages_nothing_is_told(campaign: Campaign) -> None:
    report = make_report(campaign)
    account("double", "up 1, gone 5 7")
    watched(report, "up 1 2, gone 4 6", account="double")
    assert accounts(campaign).items_with == 1
    second = make_target("accounts/double-again", kind="account", account="double")
    look(second, "up 1 50")
    assert (accounts(campaign).items_untold, accounts(campaign).gone) == (1, 0)


def test_as_of_a_moment_only_what_was_written_down_by_then_counts(
    campaign: Campaign, clock: time_machine.Traveller
) -> None:
    clock.move_to(at(8))
    report = make_report(campaign)
    page = account("banned", "up 1")
    watched(report, "up 1 2, gone 4 6", account="banned")
    before = accounts(campaign)
    assert (before.items_with, before.items_untold, before.gone) == (0, 1, 0)
    clock.move_to(at(12))
    look(page, "gone 9 11")
    clock.move_to(at(NOW))
    assert accounts(campaign, as_of=at(8)) == before
    assert accounts(campaign, as_of=at(12)) == accounts(campaign)
    assert accounts(campaign).items_with == 1


STORIES = ("up", "gone", "gone", "unclear")


@pytest.mark.parametrize("seed", range(3))
def test_columns_say_what_each_item_says_for_itself_now_and_as_of_any_moment(
    seed: int, campaign: Campaign, clock: time_machine.Traveller
) -> None:
    """A random record: each item's fate, worked out on the way and one by one, is that of the columns."""
    random = Random(seed)
    report = make_report(campaign)
    clock.move_to(START)
    pages = {name: account(name) for name in ("a", "b", "c")}
    items = [watched(report, account=name) for name in ("a", "a", "b", "b", "c", "none", "")]
    said: dict[int, list[tuple[int, int]]] = {}
    for hour in range(1, 200):
        clock.move_to(at(hour + 0.5))
        for target in random.sample([*pages.values(), *(item.target for item in items)], 3):
            look(target, f"{random.choice(STORIES)} {hour}")
        if hour % 20 == 0:
            said[hour] = [one_by_one(item) for item in items]
            assert columns(report.items.all()) == said[hour]
    clock.move_to(at(NOW))
    for hour, then in said.items():
        assert columns(report.items.all(), as_of=at(hour + 0.5)) == then, hour
    assert {WITH_ACCOUNT, ALONE, 0} <= {fate for then in said.values() for _, fate in then}


def test_of_many_accounts_all_pages_are_read_and_say_the_same(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = make_report(campaign)
    account("a-gone", "up 1, gone 5 40")
    account("a-up", "up 1, up 50")
    for name in ("a-gone", "a-up", "a-up", "a-bare"):
        watched(report, "up 1, gone 4 41", account=name)
    items = report.items.all()
    told = [(columns(items, **asked), asked) for asked in ({}, {"as_of": at(NOW)})]
    assert {fate for found, _ in told for _, fate in found} == {WITH_ACCOUNT, ALONE, 0}
    monkeypatch.setattr(metrics_records, "_MANY", 0)
    for found, asked in told:
        assert columns(items, **asked) == found


def test_targets_far_apart_are_read_one_by_one_and_side_by_side_together(campaign: Campaign) -> None:
    report = make_report(campaign)
    items = [watched(report, f"up {hour}") for hour in range(1, 61)]
    present = {item.pk: seconds(at(hour)) for hour, item in enumerate(items, start=1)}
    far_apart = [items[0].pk, items[-1].pk]
    for keys in (far_apart, [item.pk for item in items]):
        found = read_items(Item.objects.filter(pk__in=keys))
        assert dict(zip(found.pk.tolist(), found.present.tolist(), strict=True)) == {
            key: present[key] for key in keys
        }


def columns(items: Any, **asked: Any) -> list[tuple[int, int]]:
    records = read_items(items, **asked)
    return list(zip(records.page.tolist(), records.fate.tolist(), strict=True))


def one_by_one(item: Item) -> tuple[int, int]:
    target = Target.objects.get(pk=item.target_id)
    page: AccountPage | None = page_of(target)
    went = None
    if target.status == Status.REMOVED:
        assert target.removed_by is not None
        went = fate(
            removed_after=target.removed_after,
            removed_by=target.removed_by,
            suspended_at=target.account_suspended_at,
            page=page,
        )
    return (STATUS_CODES[page.status] if page is not None else NO_PAGE), FATES[went]


def test_the_platforms_own_word_needs_no_page(campaign: Campaign) -> None:
    report = make_report(campaign)
    item = watched(report, "up 1, gone 4 5", account="suspended")
    append(
        [NewCheck(item.target_id, at(9), at(9), Outcome.REMOVED, Reason.ACCOUNT_SUSPENDED, definitive=True)]
    )
    for found in (accounts(campaign), accounts(campaign, as_of=at(NOW))):
        assert (found.gone, found.items_with) == (1, 1)
