"""Webhooks against a real server on loopback, through the gate."""

from __future__ import annotations

import ipaddress
import json
import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import pytest
from django.utils import timezone

from apps.checks.outcomes import Reason, Status
from apps.notifications import services, webhooks
from apps.notifications.kinds import CHOSEN, Failure, Kind
from apps.notifications.models import Event, Notice, Webhook, WebhookMessage
from apps.notifications.services import UnusableWebhook, add_webhook, rotate_secret, send_test, switch_webhook
from apps.notifications.timing import ATTEMPT, RETRY_WEBHOOK, WEBHOOK_OFF_AFTER
from apps.notifications.webhooks import send_due_messages
from tests.checks.servers import RawServer, Visitor
from tests.factories import make_item, make_report, make_transition
from tests.notifications.conftest import Told, look

pytestmark = pytest.mark.django_db
Received = tuple[dict[str, str], bytes]


class Receiver:
    """A program that receives webhooks, and answers as `answers` says; the last answer is repeated."""

    def __init__(self) -> None:
        self.answers = [200]
        self.location = ""
        self.got: list[Received] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
                answers = receiver.answers
                self.send_response(answers.pop(0) if len(answers) > 1 else answers[0])
                if receiver.location:
                    self.send_header("Location", receiver.location)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_GET(self) -> None:
                raise AssertionError("a redirect was followed")

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    """A receiver on loopback that the gate lets through."""
    settings.CHECK_ALLOW_NETWORKS = [ipaddress.ip_network("127.0.0.1/32")]
    with Receiver() as receiver:
        settings.CHECK_ALLOW_PORTS = [receiver.port]
        yield receiver


@pytest.fixture
def is_genuine(repository: Path) -> Callable[..., bool]:
    """The lines of docs/notifications.md, as a reader would copy them."""
    text = (repository / "docs" / "notifications.md").read_text()
    (lines,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    names: dict[str, Any] = {}
    exec(lines, names)
    return names["is_genuine"]  # type: ignore[no-any-return]


def something_happens(told: Told) -> Event:
    """An item goes, and is found to be gone."""
    item = make_item(make_report(told.campaign))
    item.created_at = item.reported_at
    item.save()
    make_transition(item.target, Status.SUSPECTED, Status.REMOVED, after=1, by=2)
    assert look() == 1
    return Event.objects.latest("pk")


def add(told: Told, url: str) -> tuple[Webhook, str]:
    return add_webhook(campaign=told.campaign, url=url, kinds=CHOSEN, person=told.owner)


def later(told: Told, seconds: float) -> None:
    """Let time pass."""
    told.clock.shift(seconds)


def test_a_message_is_signed_and_holds_ids_and_counts(
    told: Told, receiver: Receiver, is_genuine: Callable[..., bool]
) -> None:
    _, secret = add(told, receiver.url)
    event = something_happens(told)
    assert send_due_messages() == 1
    assert send_due_messages() == 0
    ((headers, body),) = receiver.got
    assert is_genuine(secret, headers, body)
    assert not is_genuine(secret, headers, body + b" ")
    assert not is_genuine("whsec_" + "A" * 44, headers, body)
    assert headers["content-type"] == "application/json"
    item = event.report.items.get()  # type: ignore[union-attr]
    assert json.loads(body) == {
        "version": 1,
        "type": "removed",
        "timestamp": "2026-03-01T16:05:00Z",
        "data": {
            "event": event.pk,
            "campaign": told.campaign.slug,
            "report": 1,
            "platform": "other",
            "deadline": None,
            "count": 1,
            "items": [item.pk],
        },
    }
    assert item.target.key.encode() not in body
    assert b"http" not in body
    later(told, 301)
    assert not is_genuine(secret, headers, body)  # a message that somebody kept and sends again


def test_a_message_that_is_not_taken_is_tried_again_as_the_same(told: Told, receiver: Receiver) -> None:
    webhook, _ = add(told, receiver.url)
    receiver.answers = [503]
    something_happens(told)
    something_happens(told)
    for wait in RETRY_WEBHOOK:
        assert send_due_messages() == 0
        later(told, wait.total_seconds() - 1)
        assert send_due_messages() == 0
        later(told, 1)
    tried = len(receiver.got)
    assert tried == len(RETRY_WEBHOOK)  # the second message waited with the first
    message = WebhookMessage.objects.earliest("pk")
    assert (message.last_error, message.http_status) == (Failure.ANSWERED_ERROR, 503)
    assert Webhook.objects.get().failing_since is not None
    receiver.answers = [200]
    assert send_due_messages() == 2
    assert len({(headers["webhook-id"], body) for headers, body in receiver.got[: tried + 1]}) == 1
    stamps = [int(headers["webhook-timestamp"]) for headers, _ in receiver.got[: tried + 1]]
    assert stamps == sorted(set(stamps))
    webhook.refresh_from_db()
    assert webhook.failing_since is None


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:{}/hook", "http://localhost:{}/hook", "http://[::1]:{}/hook"]
)
def test_an_address_that_is_not_public_is_refused_at_each_attempt(
    url: str, told: Told, receiver: Receiver, settings: Any
) -> None:
    webhook = Webhook.objects.create(
        campaign=told.campaign, url=url.format(receiver.port), kinds=list(CHOSEN)
    )
    settings.CHECK_ALLOW_NETWORKS = []
    something_happens(told)
    assert send_due_messages() == 0
    assert receiver.got == []
    assert WebhookMessage.objects.get(webhook=webhook).last_error == Reason.BLOCKED_ADDRESS


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/hook",
        "http://2130706433/hook",
        "ftp://hooks.example.org/",
        "https://user:secret@hooks.example.org/",
        "https://hooks.example.org/#part",
        "https://hooks.example.org:22/",
        "hooks.example.org",
        "https://hooks.example.org/" + "a" * 2_000,
    ],
)
def test_an_address_that_cannot_be_is_refused_when_it_is_entered(url: str, told: Told) -> None:
    with pytest.raises(UnusableWebhook):
        add(told, url)
    assert not Webhook.objects.exists()


def test_in_production_messages_go_over_https_only(told: Told, settings: Any) -> None:
    settings.PRODUCTION = True
    with pytest.raises(UnusableWebhook, match="https://"):
        add(told, "http://hooks.example.org/")
    add(told, "https://hooks.example.org/")


def test_a_redirect_is_not_followed(told: Told, receiver: Receiver) -> None:
    add(told, receiver.url)
    receiver.answers, receiver.location = [302], receiver.url
    something_happens(told)
    assert send_due_messages() == 0
    assert len(receiver.got) == 1
    assert WebhookMessage.objects.get().last_error == Failure.REDIRECTED


def test_a_message_whose_sender_was_killed_is_sent_again_as_the_same(told: Told, receiver: Receiver) -> None:
    """At least once: the `webhook-id` lets a receiver drop the second."""
    add(told, receiver.url)
    something_happens(told)

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(webhooks, "_note", killed)
        with pytest.raises(KeyboardInterrupt):
            send_due_messages()
    assert send_due_messages() == 0  # its attempt has not run out
    later(told, ATTEMPT.total_seconds())
    assert send_due_messages() == 1
    (first, body), (second, again) = receiver.got
    assert (first["webhook-id"], body) == (second["webhook-id"], again)


def test_a_replaced_secret_signs_for_a_day(
    told: Told, receiver: Receiver, is_genuine: Callable[..., bool]
) -> None:
    webhook, old = add(told, receiver.url)
    new = rotate_secret(webhook=webhook, person=told.owner)
    something_happens(told)
    send_due_messages()
    later(told, services.ROTATION.total_seconds())
    something_happens(told)
    send_due_messages()
    during, after = receiver.got
    later(told, -services.ROTATION.total_seconds())
    assert is_genuine(old, *during)
    assert is_genuine(new, *during)
    later(told, services.ROTATION.total_seconds())
    assert not is_genuine(old, *after)
    assert is_genuine(new, *after)


def test_a_webhook_that_takes_nothing_for_days_is_switched_off_and_owners_are_told(
    told: Told, receiver: Receiver
) -> None:
    add(told, receiver.url)
    receiver.answers = [500]
    something_happens(told)
    send_due_messages()
    later(told, WEBHOOK_OFF_AFTER.total_seconds())
    something_happens(told)
    send_due_messages()
    webhook = Webhook.objects.get()
    assert webhook.off_since == timezone.now()
    assert not WebhookMessage.objects.exclude(next_attempt_at=None).exists()
    notices = Notice.objects.filter(kind=Kind.WEBHOOK_OFF)
    assert [notice.membership.person for notice in notices] == [told.owner]
    something_happens(told)
    assert not WebhookMessage.objects.exclude(next_attempt_at=None).exists()
    switch_webhook(webhook=webhook, on=True, person=told.owner)
    receiver.answers = [200]
    something_happens(told)
    assert send_due_messages() == 1


def test_a_webhook_that_says_that_it_is_gone_is_switched_off_at_once(told: Told, receiver: Receiver) -> None:
    add(told, receiver.url)
    receiver.answers = [410]
    something_happens(told)
    send_due_messages()
    assert Webhook.objects.get().off_since is not None
    assert Notice.objects.filter(kind=Kind.WEBHOOK_OFF).count() == 1


def test_a_test_is_sent_once_even_while_the_webhook_is_off(told: Told, receiver: Receiver) -> None:
    webhook, _ = add(told, receiver.url)
    switch_webhook(webhook=webhook, on=False, person=told.owner)
    receiver.answers = [500, 200]
    for taken in (0, 1):
        send_test(webhook=webhook, person=told.owner)
        assert send_due_messages() == taken
        later(told, 3600)
    assert send_due_messages() == 0
    assert [json.loads(body)["type"] for _, body in receiver.got] == ["test", "test"]
    webhook.refresh_from_db()
    assert webhook.failing_since is None


def test_a_test_that_waits_is_not_doubled(told: Told) -> None:
    webhook, _ = add(told, "https://hooks.example.org/")
    assert send_test(webhook=webhook, person=told.owner) == send_test(webhook=webhook, person=told.owner)


def test_what_a_receiver_answers_is_not_read(told: Told, settings: Any) -> None:
    """Its status is enough: it may say for ever."""

    def endless(visitor: Visitor) -> None:
        visitor.head()
        visitor.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n" + b"x" * 100)
        visitor.hang()

    settings.CHECK_ALLOW_NETWORKS = [ipaddress.ip_network("127.0.0.1/32")]
    with RawServer(endless) as server:
        settings.CHECK_ALLOW_PORTS = [server.port]
        add(told, server.url())
        something_happens(told)
        assert send_due_messages() == 1


def test_a_webhook_is_told_only_what_it_chose(told: Told, receiver: Receiver) -> None:
    add_webhook(campaign=told.campaign, url=receiver.url, kinds=[Kind.RETURNED], person=told.owner)
    something_happens(told)
    assert not WebhookMessage.objects.exists()


def test_a_campaign_has_only_so_many_webhooks(told: Told) -> None:
    for _ in range(services.MOST_WEBHOOKS):
        add(told, "https://hooks.example.org/")
    with pytest.raises(UnusableWebhook, match="at most"):
        add(told, "https://hooks.example.org/")
