"""Who asks a host, and for how long."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine

from apps.checks import lease
from apps.checks.models import Host, Target
from apps.core import clock
from tests.checks.making import at, make_targets

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def frozen() -> object:
    with time_machine.travel(at(1), tick=False) as traveller:
        yield traveller


def test_a_hosts_targets_are_leased_together_and_only_once() -> None:
    make_targets("a", "b")
    make_targets("a", host="other.example.org")
    taken = lease.lease_hosts(limit=10)
    assert [one.host for one in taken] == ["models.example.org", "other.example.org"]
    assert lease.lease_hosts(limit=10) == []


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


def test_a_lease_that_ran_out_still_counts_while_nobody_has_taken_the_host(
    frozen: time_machine.Traveller,
) -> None:
    make_targets("a")
    (mine,) = lease.lease_hosts(limit=1)
    assert lease.still_mine(mine)
    frozen.shift(lease.length() + timedelta(seconds=1))
    assert lease.still_mine(mine)
    (mine,) = lease.renew([mine])
    assert lease.lease_hosts(limit=1) == []
    frozen.shift(lease.length() + timedelta(seconds=1))
    (theirs,) = lease.lease_hosts(limit=1)
    assert lease.still_mine(theirs)
    assert not lease.still_mine(mine)
    lease.release(mine, not_before=None)  # too late: it must not free the other's lease
    assert lease.still_mine(theirs)
    assert lease.renew([mine, theirs])[0].token == theirs.token


def test_a_renewed_lease_holds_on(frozen: time_machine.Traveller) -> None:
    make_targets("a")
    (mine,) = lease.lease_hosts(limit=1)
    frozen.shift(lease.length() - timedelta(seconds=1))
    (mine,) = lease.renew([mine])
    frozen.shift(lease.length() - timedelta(seconds=1))
    assert lease.still_mine(mine)


def test_a_host_that_wants_to_be_left_alone_is_not_leased_until_then(
    frozen: time_machine.Traveller,
) -> None:
    make_targets("a")
    (mine,) = lease.lease_hosts(limit=1)
    lease.release(mine, not_before=clock.wall() + timedelta(seconds=90))
    assert lease.lease_hosts(limit=1) == []
    frozen.shift(timedelta(seconds=91))
    assert len(lease.lease_hosts(limit=1)) == 1
    assert Host.objects.exclude(lease_token="").count() == 1
