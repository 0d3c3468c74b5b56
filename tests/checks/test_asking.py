"""A look on a person's behalf keeps to the pace and the leases of the checks, and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from apps.checks import asking as module
from apps.checks.answer import Ask
from apps.checks.asking import NotNow, asking
from apps.checks.lease import lease_host
from apps.checks.models import Host
from apps.checks.outcomes import Reason
from apps.core import clock
from apps.core.canonical import canonicalise
from apps.platforms.matching import Match, match
from tests.checks.recordings import one_page_site

pytestmark = pytest.mark.django_db


@pytest.fixture
def found(settings: Any) -> Iterator[Match]:
    """A page of a real site that answers at once."""
    settings.CHECK_HOST_INTERVAL = 0
    with one_page_site(settings) as address:
        yield match(canonicalise(f"{address}/list/an-item"))


def test_it_works(found: Match) -> None:
    with asking(found) as fetch:
        assert fetch(Ask("page", found.key)).status == 200
    assert not Host.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_watched_host_is_nobody_elses_while_the_look_lasts(found: Match, settings: Any) -> None:
    settings.CHECK_HOST_INTERVAL = 1
    Host.objects.create(name=found.host)
    with asking(found) as fetch:
        assert fetch(Ask("page", found.key)).status == 200
        assert lease_host(found.host) is None
    host = Host.objects.get()
    assert (host.lease_token, host.lease_until) == ("", None)
    # Nobody asks it again before its pace allows.
    assert host.not_before is not None
    assert timedelta(0) < host.not_before - clock.wall() <= timedelta(seconds=1)


def test_a_host_is_given_back_when_the_look_fails(found: Match) -> None:
    Host.objects.create(name=found.host)
    with pytest.raises(ZeroDivisionError), asking(found):
        raise ZeroDivisionError
    assert lease_host(found.host) is not None


def test_few_looks_run_at_once(found: Match) -> None:
    refused = pytest.raises(NotNow, match="Other people are looking")
    with asking(found), asking(found), refused, asking(found):
        raise AssertionError("a third look began")
    with asking(found) as fetch:
        assert fetch(Ask("page", found.key)).status == 200


def test_a_look_asks_no_more_after_its_time(found: Match, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONGEST_LOOK_SECONDS", -1.0)
    with asking(found) as fetch:
        assert fetch(Ask("page", found.key)).failure == Reason.TIMEOUT
