"""Sending to webhooks, through the same gate as checks. Each message goes out at least once: one whose sender
was killed is sent again, with the same `webhook-id`, when its attempt has run out.
"""

from __future__ import annotations

import logging
import threading

from django.db.models import F

from apps.accounts.roles import Audience
from apps.checks.answer import Answer, Ask
from apps.checks.fetch import Fetcher
from apps.core import clock
from apps.reports.visibility import told

from .kinds import Failure
from .models import Webhook, WebhookMessage
from .payload import payload
from .services import give_up_webhook
from .signature import headers, secret_of
from .timing import ATTEMPT, RETRY_WEBHOOK, WEBHOOK_OFF_AFTER, retry_after

log = logging.getLogger(__name__)

MESSAGES_A_ROUND = 500
LONGEST_SECONDS = 10.0  # for one attempt; CHECK_TIMEOUT where that is shorter


def send_due_messages(stop: threading.Event | None = None) -> int:
    """Send the messages that are due; returns how many were taken. Trouble with a receiver never raises.

    After a failure the other messages to the same webhook wait as long, so that one that does not answer
    costs its time once a round.
    """
    due = WebhookMessage.objects.filter(next_attempt_at__lte=clock.wall())
    messages = list(
        due.select_related("webhook__campaign", "event__report").order_by("pk")[:MESSAGES_A_ROUND]
    )
    if not messages:
        return 0
    taken = 0
    failed: set[int] = set()
    with Fetcher() as fetch:
        fetch.timeout = min(fetch.timeout, LONGEST_SECONDS)
        for message in messages:
            if stop is not None and stop.is_set():
                break
            if message.webhook_id in failed or not _take(message):
                continue
            if _note(message, _send(fetch, message)):
                taken += 1
            else:
                failed.add(message.webhook_id)
    return taken


def body_of(message: WebhookMessage) -> bytes:
    """What a message says, the same at each attempt."""
    campaign = message.webhook.campaign.slug
    event = message.event
    if event is None:
        return payload(kind="test", event=None, campaign=campaign, at=message.created_at)
    return payload(
        kind=event.kind,
        event=event.pk,
        campaign=campaign,
        at=event.at,
        report=event.report.number if event.report is not None else None,
        platform=told(Audience.FIGURES, "platform", event.platform) if event.platform else "",
        rule=event.rule,
        count=event.count,
        items=event.items,
    )


def _take(message: WebhookMessage) -> bool:
    """Count an attempt at a message that nobody else has taken meanwhile."""
    until = clock.wall() + ATTEMPT
    held = WebhookMessage.objects.filter(pk=message.pk, next_attempt_at=message.next_attempt_at)
    if held.update(next_attempt_at=until, attempts=F("attempts") + 1) != 1:
        return False
    message.next_attempt_at, message.attempts = until, message.attempts + 1
    return True


def _send(fetch: Fetcher, message: WebhookMessage) -> Answer:
    """One attempt. Of the answer, only the status is read."""
    webhook, body = message.webhook, body_of(message)
    now = clock.wall()
    secrets = [secret_of(webhook.salt)]
    if webhook.previous_until is not None and now < webhook.previous_until:
        secrets.append(secret_of(webhook.previous_salt))
    signed = headers(secrets, message_id=message.message_id, timestamp=int(now.timestamp()), body=body)
    ask = Ask("webhook", webhook.url, accept="*/*", headers=signed, post=body.decode(), head_only=True)
    return fetch(ask)


def error_of(answer: Answer) -> str:
    """Why a message was not taken, as one word; "" where it was: an answer from 200 to 299."""
    if answer.failure is not None:
        return str(answer.failure)
    status = answer.status or 0
    if 200 <= status < 300:
        return ""
    if 300 <= status < 400:
        return Failure.REDIRECTED
    return Failure.GONE if status == 410 else Failure.ANSWERED_ERROR


def _note(message: WebhookMessage, answer: Answer) -> bool:
    """Write down how an attempt ended; returns whether the message was taken.

    Nothing is written where the attempt ran out meanwhile and another process tries.
    """
    now, error = clock.wall(), error_of(answer)
    held = WebhookMessage.objects.filter(pk=message.pk, next_attempt_at=message.next_attempt_at)
    webhooks = Webhook.objects.filter(pk=message.webhook_id)
    if not error:
        held.update(next_attempt_at=None, taken_at=now, last_error="", http_status=answer.status)
        webhooks.exclude(failing_since=None).update(failing_since=None)
        return True
    wait = retry_after(RETRY_WEBHOOK, message.attempts)
    if message.event_id is None:
        wait = None  # whoever pressed the button looks at what came of it
    again = now + wait if wait is not None else None
    held.update(next_attempt_at=again, last_error=error, http_status=answer.status)
    if message.event_id is None:
        return False
    webhooks.filter(failing_since=None).update(failing_since=now)
    if again is not None:
        waiting = WebhookMessage.objects.filter(webhook=message.webhook_id, event__isnull=False)
        waiting.filter(next_attempt_at__lt=again).update(next_attempt_at=again)
    webhook = webhooks.filter(off_since=None).first()
    if webhook is not None and _is_given_up(webhook, error):
        give_up_webhook(webhook=webhook)
        log.warning("Webhook %d is switched off: %s.", webhook.pk, error)
    return False


def _is_given_up(webhook: Webhook, error: str) -> bool:
    """It says itself that it is gone, or has taken nothing for days."""
    failing_for = clock.wall() - webhook.failing_since if webhook.failing_since is not None else None
    return error == Failure.GONE or (failing_for is not None and failing_for >= WEBHOOK_OFF_AFTER)
