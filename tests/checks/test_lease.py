"""Who asks a host, and for how long."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.db.models import F

from apps.checks import lease
from apps.checks.models import Host, Target
from apps.core import clock
from tests.checks.making import at, make_targets

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def frozen() -> object:
    with time_machine.travel(at(1), tick=False) as traveller:
        yield traveller


def pass_time(duration: timedelta) -> None:
    """Let real time pass for the hosts: their clock is the database's, which cannot be moved."""
    Host.objects.update(lease_until=F("lease_until") - duration, not_before=F("not_before") - duration)


def test_a_hosts_targets_are_leased_together_and_only_once() -> None:
    make_targets("a", "b")
    make_targets("a", host="other.example.org")
    taken = lease.lease_hosts(limit=10)
    assert [one.host for one in taken] == ["models.example.org", "other.example.org"]
    assert lease.lease_hosts(limit=10) == []


def another_takes(*places: int) -> Callable[..., Any]:
    """Lets another worker lease some hosts, by their places in the order of their keys, after the first look.

    That is what our own worker has seen then and is about to lease.
    """
    looks = 0

    def wrapper(execute: Callable[..., Any], sql: str, *arguments: Any) -> Any:
        nonlocal looks
        looks += "checks_host" in sql
        result = execute(sql, *arguments)
        if looks == 1:
            keys = list(Host.objects.order_by("pk").values_list("pk", flat=True))
            taken = Host.objects.filter(pk__in=[keys[place] for place in places])
            taken.update(lease_token="another", lease_until=clock.wall() + timedelta(days=36_500))
        return result

    return wrapper


@pytest.mark.parametrize(
    ("taken", "ours"),
    [([0, 1], ["c", "d"]), ([0], ["b", "c"]), ([1], ["a", "c"]), ([0, 1, 2], ["d"]), ([0, 1, 2, 3], [])],
)
def test_where_another_worker_was_faster_those_after_are_leased(taken: list[int], ours: list[str]) -> None:
    """Or it would seem as if no more waited, and a run would end that has much to do."""
    for name in "abcd":
        make_targets("1", host=f"{name}.example.org")
    with connection.execute_wrapper(another_takes(*taken)):
        leased = lease.lease_hosts(limit=2)
    assert [one.host for one in leased] == [f"{name}.example.org" for name in ours]
    assert Host.objects.filter(lease_token="another").count() == len(taken)


def test_the_longest_overdue_host_comes_first() -> None:
    make_targets("a")
    (late,) = make_targets("a", host="late.example.org")
    Target.objects.filter(pk=late.pk).update(next_check_at=at(0))
    assert [one.host for one in lease.lease_hosts(limit=1)] == ["late.example.org"]


def test_nothing_is_leased_before_it_is_due() -> None:
    make_targets("a")
    Target.objects.update(next_check_at=at(1.1))
    assert lease.lease_hosts(limit=10) == []


def test_only_hosts_of_the_wanted_targets_are_leased() -> None:
    make_targets("a")
    (wanted,) = make_targets("a", host="other.example.org")
    among = Target.objects.filter(pk=wanted.pk)
    assert [one.host for one in lease.lease_hosts(limit=10, among=among)] == ["other.example.org"]


def test_a_lease_that_ran_out_still_counts_while_nobody_has_taken_the_host() -> None:
    make_targets("a")
    (mine,) = lease.lease_hosts(limit=1)
    assert lease.still_mine([mine])
    pass_time(lease.length() + timedelta(seconds=1))
    assert lease.still_mine([mine])
    (mine,) = lease.renew([mine])
    assert lease.lease_hosts(limit=1) == []
    pass_time(lease.length() + timedelta(seconds=1))
    (theirs,) = lease.lease_hosts(limit=1)
    assert lease.still_mine([theirs])
    assert not lease.still_mine([mine])
    lease.release(mine, rest=timedelta(0))  # too late: it must not free the other's lease
    assert lease.still_mine([theirs])
    assert lease.renew([mine, theirs])[0].token == theirs.token


def test_a_renewed_lease_holds_on() -> None:
    make_targets("a")
    (mine,) = lease.lease_hosts(limit=1)
    pass_time(lease.length() - timedelta(seconds=1))
    (mine,) = lease.renew([mine])
    pass_time(lease.length() - timedelta(seconds=1))
    assert lease.still_mine([mine])


def test_a_host_that_wants_to_be_left_alone_is_not_leased_until_then() -> None:
    make_targets("a")
    (mine,) = lease.lease_hosts(limit=1)
    lease.release(mine, rest=timedelta(seconds=90))
    assert lease.lease_hosts(limit=1) == []
    pass_time(timedelta(seconds=91))
    assert len(lease.lease_hosts(limit=1)) == 1
    assert Host.objects.exclude(lease_token="").count() == 1


def test_hosts_take_turns_when_there_are_more_than_can_be_asked() -> None:
    make_targets("a")
    make_targets("a", host="other.example.org")
    asked = []
    for _ in range(4):
        (mine,) = lease.lease_hosts(limit=1)
        asked.append(mine.host)
        lease.release(mine, rest=timedelta(0))
        pass_time(timedelta(seconds=1))
    assert asked == ["models.example.org", "other.example.org"] * 2


def test_a_retry_after_outlasts_the_worker_that_heard_it() -> None:
    make_targets("a")
    (mine,) = lease.lease_hosts(limit=1)
    lease.leave_alone(mine, rest=timedelta(minutes=10))
    pass_time(lease.length() + timedelta(seconds=1))  # it was killed, and its lease ran out
    assert lease.lease_hosts(limit=1) == []
    pass_time(timedelta(minutes=10))
    assert len(lease.lease_hosts(limit=1)) == 1


@pytest.mark.postgresql  # with SQLite there is one machine
@pytest.mark.parametrize("off_by", [timedelta(minutes=-10), timedelta(minutes=10)])
def test_a_machine_whose_clock_is_off_takes_no_host_from_another(
    frozen: time_machine.Traveller, off_by: timedelta
) -> None:
    make_targets("a")
    (mine,) = lease.lease_hosts(limit=1)
    frozen.shift(off_by)
    Target.objects.update(next_check_at=at(0))
    assert lease.lease_hosts(limit=1) == []
    assert lease.lease_host(mine.host) is None
    lease.release(mine, rest=timedelta(seconds=90))
    assert lease.lease_hosts(limit=1) == []
    pass_time(timedelta(seconds=91))
    assert len(lease.lease_hosts(limit=1)) == 1
