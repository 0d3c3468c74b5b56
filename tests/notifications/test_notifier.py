"""The notifier as a process: what fails does not keep the rest from being done."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.core import mail
from django.db import OperationalError

from apps.checks.beats import What, last_beats
from apps.checks.outcomes import Status
from apps.core import clock
from apps.notifications import letters, notifier, services
from apps.notifications.kinds import Kind, Mails
from apps.notifications.models import Event
from apps.notifications.notifier import Notifier
from apps.notifications.timing import STALL_PATIENCE
from tests.factories import make_item, make_report, make_transition
from tests.notifications.conftest import Told

pytestmark = pytest.mark.django_db


@pytest.fixture
def removed(told: Told) -> Told:
    """An item has gone, and the owner wants to hear of it at once."""
    told.wants(told.owner, Mails.AT_ONCE)
    item = make_item(make_report(told.campaign))
    told.go_to(48)
    make_transition(item.target, Status.SUSPECTED, Status.REMOVED, after=1, by=2)
    return told


def test_a_round_finds_and_sends(removed: Told) -> None:
    Notifier(threading.Event()).round()
    assert [message.to for message in mail.outbox] == [[removed.owner.email]]


def test_a_round_leaves_a_sign_of_life(told: Told) -> None:
    before = clock.shared_wall()
    Notifier(threading.Event()).round()
    assert before <= last_beats()[What.NOTICE] <= clock.shared_wall()


def test_a_step_that_fails_keeps_no_other_from_being_done(
    removed: Told, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any) -> int:
        raise RuntimeError("unheard of")

    monkeypatch.setattr(services, "find_stale_definitions", broken)
    Notifier(threading.Event()).round()
    assert len(mail.outbox) == 1
    assert "A step of the notifier failed" in caplog.text


def test_a_database_that_does_not_answer_is_waited_for(
    removed: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any) -> int:
        raise OperationalError("the server closed the connection")

    monkeypatch.setattr(notifier.connections, "close_all", lambda: None)  # this test's own connection
    with monkeypatch.context() as patch:
        patch.setattr(letters, "send_due_letters", away)
        Notifier(threading.Event()).round()
    assert mail.outbox == []
    Notifier(threading.Event()).round()
    assert len(mail.outbox) == 1


def test_it_says_that_checking_stands_still(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    item = make_item(make_report(told.campaign))
    item.target.next_check_at = item.reported_at
    item.target.save()
    told.go_to(1)
    running = [0.0]
    monkeypatch.setattr(notifier.time, "monotonic", lambda: running[0])
    one = Notifier(threading.Event())
    one.round()
    running[0] += STALL_PATIENCE.total_seconds() - 1
    one.round()
    assert not Event.objects.exists()  # it may begin at any moment
    running[0] += 1
    one.round()
    one.round()
    assert list(Event.objects.values_list("kind", flat=True)) == [Kind.CHECKER_STALLED]


def test_it_stops_between_two_steps(removed: Told) -> None:
    stop = threading.Event()
    stop.set()
    Notifier(stop).round()
    assert mail.outbox == []
    Notifier(stop).run()


def test_sessions_that_ran_out_do_not_add_up(told: Told) -> None:
    for days in (-1, 1):
        session = SessionStore()
        session.set_expiry(clock.wall() + timedelta(days=days))
        session["of"] = days
        session.save()
    Notifier(threading.Event()).round()
    assert [session.get_decoded()["of"] for session in Session.objects.all()] == [1]
