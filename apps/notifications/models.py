"""What was found to tell, whom and how it is told, and how far each message got.

Times of what happened are the record's; `found_at`, and all that is about sending, are real time: they
concern people and machines.
"""

from __future__ import annotations

import secrets

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.core import clock
from apps.reports.models import Campaign, Claim, Membership, Report

from .kinds import Kind, Mails

ABOUT_LENGTH = 320


def new_key() -> str:
    """128 random bits, in hexadecimal."""
    return secrets.token_hex(16)


class Reading(models.Model):
    """How far something was read. Its row is also the lock under which one process at a time finds events."""

    name = models.CharField(max_length=20, unique=True)
    upto = models.BigIntegerField(default=0)  # the highest primary key that was read
    gaps = models.JSONField(default=list)  # [first, last, since] of keys that were not there yet
    at = models.DateTimeField()  # in the record's time: everything before it was looked at

    def __str__(self) -> str:
        return f"{self.name}, read up to {self.upto}"


class Event(models.Model):
    """Something that happened in a campaign, found once. Many items at once are one event with a count."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="events")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    about = models.CharField(max_length=ABOUT_LENGTH)  # what it is about, so that it is found once
    report = models.ForeignKey(Report, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    platform = models.CharField(max_length=253, blank=True)
    rule = models.CharField(max_length=100, blank=True)  # slug of the deadline's rule
    count = models.PositiveIntegerField(default=0)  # of items
    items = models.JSONField(default=list)  # ids of the first of them
    at = models.DateTimeField()
    found_at = models.DateTimeField(default=clock.wall)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign", "kind", "about"], name="event_once"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} ({self.count}) about {self.about}"


class ToldClaim(models.Model):
    """A claim of which it has been told that what is seen contradicts it."""

    claim = models.OneToOneField(Claim, on_delete=models.CASCADE, primary_key=True, related_name="+")

    def __str__(self) -> str:
        return f"claim {self.claim_id}"


class Preference(models.Model):
    """How a member wants to hear of one kind. Without a row: in the workspace, and no e-mail."""

    membership = models.ForeignKey(
        Membership,
        on_delete=models.CASCADE,
        related_name="preferences",
        db_index=False,  # that of preference_once serves
    )
    kind = models.CharField(max_length=20, choices=Kind.choices)
    in_workspace = models.BooleanField(default=True)
    mails = models.CharField(max_length=10, choices=Mails.choices, default=Mails.OFF)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["membership", "kind"], name="preference_once"),
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.mails}"


class Notice(models.Model):
    """What one member is told in the workspace. It goes with the membership.

    While it is unread, more of the same is added to it, so that the number of unread notices says something.
    """

    membership = models.ForeignKey(
        Membership,
        on_delete=models.CASCADE,
        related_name="notices",
        db_index=False,  # that of notice_latest serves
    )
    kind = models.CharField(max_length=20, choices=Kind.choices)
    report = models.ForeignKey(Report, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    platform = models.CharField(max_length=253, blank=True)
    rule = models.CharField(max_length=100, blank=True)
    count = models.PositiveIntegerField(default=0)
    at = models.DateTimeField()
    found_at = models.DateTimeField()  # of the last that was added
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index("membership", "found_at", name="notice_latest"),
            models.Index("membership", name="notice_unread", condition=Q(read_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} ({self.count})"


class Letter(models.Model):
    """An e-mail to one member about one campaign, that gathers events until it goes out."""

    membership = models.ForeignKey(Membership, on_delete=models.CASCADE, related_name="letters")
    mails = models.CharField(max_length=10, choices=Mails.choices)
    events = models.ManyToManyField(Event, related_name="letters")
    key = models.CharField(max_length=32, default=new_key)  # of its Message-ID: the same at each attempt
    due_at = models.DateTimeField()
    next_attempt_at = models.DateTimeField(null=True, blank=True)  # None: done with, one way or the other
    attempts = models.PositiveSmallIntegerField(default=0)
    last_error = models.CharField(max_length=20, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index("next_attempt_at", name="letter_due", condition=Q(next_attempt_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"letter {self.pk}"


class Webhook(models.Model):
    """Where a program of a campaign's owners is told.

    Its secret follows from `salt` and SECRET_KEY, and is kept nowhere. After a rotation the previous one
    signs, too, until `previous_until`.
    """

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="webhooks")
    url = models.TextField()
    kinds = models.JSONField(default=list)
    salt = models.CharField(max_length=32, default=new_key)
    previous_salt = models.CharField(max_length=32, blank=True)
    previous_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=clock.wall, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    failing_since = models.DateTimeField(null=True, blank=True)  # first failure since it last took a message
    off_since = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"webhook {self.pk}"


class WebhookMessage(models.Model):
    """One message to one webhook. Without an event it is a test."""

    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="messages")
    event = models.ForeignKey(
        Event, on_delete=models.CASCADE, null=True, blank=True, related_name="webhook_messages"
    )
    key = models.CharField(max_length=32, default=new_key)  # of its webhook-id: the same at each attempt
    created_at = models.DateTimeField(default=clock.wall)
    next_attempt_at = models.DateTimeField(null=True, blank=True)  # None: done with, one way or the other
    attempts = models.PositiveSmallIntegerField(default=0)
    last_error = models.CharField(max_length=20, blank=True)
    http_status = models.PositiveSmallIntegerField(null=True, blank=True)
    taken_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(
                "next_attempt_at", name="webhook_message_due", condition=Q(next_attempt_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"message {self.pk} to {self.webhook}"

    @property
    def message_id(self) -> str:
        """Its `webhook-id`, by which a receiver knows a message that comes twice."""
        return f"msg_{self.key}"
