"""Campaigns, the reports sent in them, and the items of each report."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from apps.accounts.roles import Role
from apps.checks.models import Target
from apps.core import clock
from apps.core.append_only import AppendOnly, AppendOnlyRows


class Channel(models.TextChoices):
    """How a report reached the platform."""

    WEB_FORM = "web_form", "web form"
    IN_APP = "in_app", "in-app flag"
    EMAIL = "email", "e-mail"
    API = "api", "API"
    TRUSTED_FLAGGER = "trusted_flagger", "trusted-flagger channel"
    PARTNER = "partner", "partner or escalation contact"
    LEGAL = "legal", "legal notice or order"
    POST = "post", "letter"
    OTHER = "other", "other"
    UNKNOWN = "unknown", "not recorded"


class Standing(models.TextChoices):
    """Who the reporter is to the content. Some deadlines start only for some standings."""

    DEPICTED_PERSON = "depicted_person", "the depicted person"
    AUTHORISED_AGENT = "authorised_agent", "authorised agent of the depicted person"
    RIGHTS_HOLDER = "rights_holder", "rights holder"
    TRUSTED_FLAGGER = "trusted_flagger", "trusted flagger"
    AUTHORITY = "authority", "public authority"
    ORGANISATION = "organisation", "organisation"
    JOURNALIST = "journalist", "journalist"
    RESEARCHER = "researcher", "researcher"
    USER = "user", "user of the platform"
    UNKNOWN = "unknown", "not recorded"


class Category(models.TextChoices):
    """What the report alleges. An allegation, not a finding."""

    INTIMATE_IMAGES = "intimate_images", "intimate images without consent"
    SYNTHETIC_INTIMATE_IMAGES = "synthetic_intimate_images", "synthetic intimate images without consent"
    CHILD_SAFETY = "child_safety", "child safety"
    HARASSMENT = "harassment", "harassment"
    HATE_SPEECH = "hate_speech", "hate speech"
    VIOLENCE = "violence", "violence or threats"
    TERRORISM = "terrorism", "terrorist content"
    SELF_HARM = "self_harm", "self-harm"
    FRAUD = "fraud", "fraud or impersonation"
    PRIVACY = "privacy", "personal data"
    COPYRIGHT = "copyright", "copyright or trademark"
    MALWARE = "malware", "malware"
    DISINFORMATION = "disinformation", "disinformation"
    OTHER = "other", "other"
    UNKNOWN = "unknown", "not recorded"


def word_label(words: type[models.TextChoices], word: str) -> str:
    """How a word reads: as its list says, or as it is where it is the reporter's own."""
    return words(word).label if word in words.values else word


class Delivery(models.TextChoices):
    """What is known of the report's arrival."""

    SENT = "sent", "sent"
    RECEIVED = "received", "receipt acknowledged"
    BOUNCED = "bounced", "could not be delivered"
    UNKNOWN = "unknown", "not recorded"


class ReplyKind(models.TextChoices):
    """What the platform said, or what the post said for it."""

    ACKNOWLEDGEMENT = "acknowledgement", "automatic acknowledgement"
    QUESTION = "question", "question"
    DECISION = "decision", "decision"
    OTHER = "other", "other reply"
    BOUNCED = "bounced", "could not be delivered"  # no reply: the report never arrived


class Decision(models.TextChoices):
    """What a platform decided on a report as a whole."""

    REMOVED = "removed", "removed"
    PARTLY = "partly", "partly removed"
    REJECTED = "rejected", "rejected"
    NO_VIOLATION = "no_violation", "no violation found"


class ClaimWord(models.TextChoices):
    """What a platform said that it did with one item. A claim, not an observation."""

    REMOVED = "removed", "removed"
    RESTRICTED = "restricted", "restricted or labelled"
    REFUSED = "refused", "left as it is"


class Deed(models.TextChoices):
    """What somebody did, as the activity log names it. Closed: each way to change a campaign has a word."""

    CAMPAIGN_MADE = "campaign_made", "made the campaign"
    CAMPAIGN_CHANGED = "campaign_changed", "changed the campaign’s settings"
    MEMBER_ADDED = "member_added", "made somebody a member"
    MEMBER_CHANGED = "member_changed", "changed a member’s role"
    MEMBER_REMOVED = "member_removed", "ended a membership"
    TOKEN_MADE = "token_made", "made an API token"
    TOKEN_REVOKED = "token_revoked", "revoked an API token"
    REPORT_MADE = "report_made", "recorded what was reported"
    LIST_UPLOADED = "list_uploaded", "uploaded a list"
    LIST_MAPPED = "list_mapped", "set the columns of a list"
    LIST_QUEUED = "list_queued", "started an import"
    LIST_DISCARDED = "list_discarded", "discarded a list"
    LIST_IMPORTED = "list_imported", "imported a list"
    REPLY_LOGGED = "reply_logged", "logged a reply"
    REPLY_TAKEN_BACK = "reply_taken_back", "took a reply back"
    REMINDER_LOGGED = "reminder_logged", "logged a reminder"
    REMINDER_TAKEN_BACK = "reminder_taken_back", "took a reminder back"
    ERROR_MARKED = "error_marked", "marked as reported in error"
    ERROR_TAKEN_BACK = "error_taken_back", "took back that it was reported in error"
    SEEN = "seen", "said what they saw"
    LOOK_WANTED = "look_wanted", "had it looked at again"
    LOOKED_AT_ONCE = "looked_at_once", "had a URL looked at outside the record"
    DEFINITION_LOOKED_AT = "definition_looked_at", "looked at a platform’s definition"
    CHOICES_SAVED = "choices_saved", "saved what is to be public"
    PUBLISHED = "published", "published the campaign"
    WITHDRAWN = "withdrawn", "withdrew the campaign"
    EDITION_PUBLISHED = "edition_published", "published an edition"
    EDITION_CORRECTED = "edition_corrected", "put a correction note on an edition"
    FILE_TAKEN = "file_taken", "took out a file"
    ERASED = "erased", "erased personal data"
    WEBHOOK_ADDED = "webhook_added", "added a webhook"
    WEBHOOK_CHANGED = "webhook_changed", "switched a webhook, tested it or replaced its secret"
    WEBHOOK_DELETED = "webhook_deleted", "deleted a webhook"
    PERSON_ERASED = "person_erased", "erased somebody’s account here"


class Subject(models.TextChoices):
    """What the number in a row of the activity log is a number of."""

    REPORT = "report", "report"  # its number in the campaign
    ITEM = "item", "item"
    REPLY = "reply", "reply"
    REMINDER = "reminder", "reminder"
    IMPORT = "import", "list"
    PERSON = "person", "person"
    TOKEN = "token", "API token"
    EDITION = "edition", "edition"  # its number in the campaign
    WEBHOOK = "webhook", "webhook"


class Campaign(models.Model):
    """A body of work with its own members, public page and data."""

    slug = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    minimum_n = models.PositiveSmallIntegerField(default=5)  # smaller groups show counts, no estimates
    created_at = models.DateTimeField(default=clock.now, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    members = models.ManyToManyField(settings.AUTH_USER_MODEL, through="Membership", related_name="campaigns")

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A person's role in one campaign."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="memberships")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.VIEWER)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["campaign", "person"], name="membership_once")]

    def __str__(self) -> str:
        return f"{self.person} as {self.role}"


class ApiToken(models.Model):
    """What lets a program in, for one campaign, on behalf of the member who made it. Never deleted: revoked.

    Its times are real time. Only the token's digest is kept, and its first characters to find it by.
    """

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="api_tokens")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100)  # what it is for
    role = models.CharField(max_length=10, choices=Role.choices)  # at most: its maker's may be lower by now
    start = models.CharField(max_length=20)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=clock.wall, editable=False)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)  # to the minute
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.start}… ({self.name})"


class Report(models.Model):
    """One submission to one platform, through one channel, at one time, listing items."""

    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="reports")
    number = models.PositiveIntegerField()  # 1, 2, 3 ... in the campaign
    platform = models.CharField(max_length=253)
    channel = models.CharField(max_length=20, choices=Channel.choices, default=Channel.UNKNOWN)
    # Words of the lists above, or the reporter's own: a list in other words is still a list.
    standing = models.CharField(max_length=60, default=Standing.UNKNOWN)
    category = models.CharField(max_length=60, default=Category.UNKNOWN)
    policy = models.CharField("policy cited", max_length=500, blank=True)
    reference = models.CharField(max_length=200, blank=True)
    sent_at = models.DateTimeField()
    delivery = models.CharField(max_length=10, choices=Delivery.choices, default=Delivery.SENT)
    note = models.TextField(blank=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    erased_at = models.DateTimeField(null=True, blank=True)  # what was written in it, see erasing.py

    class Meta:
        constraints = [models.UniqueConstraint(fields=["campaign", "number"], name="report_number_once")]

    def __str__(self) -> str:
        return f"report {self.number} to {self.platform}"


class Item(models.Model):
    """A URL in a report, with the moment it was reported, where its clock starts."""

    report = models.ForeignKey(
        Report,
        on_delete=models.PROTECT,
        related_name="items",
        db_index=False,  # that of item_once_a_moment serves
    )
    target = models.ForeignKey(Target, on_delete=models.PROTECT, related_name="items")
    submitted = models.TextField()  # the spelling that was handed in
    reported_at = models.DateTimeField()
    dated = models.BooleanField(default=True)  # False: it had no date, and the report's `sent_at` stands in
    labels = models.JSONField(default=list)
    note = models.TextField(blank=True)
    control = models.BooleanField(default=False)  # a matched, unreported target
    attested = models.BooleanField(default=True)  # the reporter says that it was up when it was reported
    created_at = models.DateTimeField(default=clock.now, editable=False)
    erased_at = models.DateTimeField(null=True, blank=True)  # its URL and what was written of it

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["report", "target", "reported_at"], name="item_once_a_moment"),
        ]

    def __str__(self) -> str:
        return f"item {self.pk} of {self.report}"


class ErrorMark(models.Model):
    """An item that was reported in error, and leaves the figures. Taken back, it stays on record."""

    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="error_marks")
    reason = models.CharField(max_length=500)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    recorded_at = models.DateTimeField(default=clock.now)
    taken_back_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(
                "taken_back_at", name="error_mark_taken_back", condition=Q(taken_back_at__isnull=False)
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["item"], condition=Q(taken_back_at=None), name="error_mark_once_at_a_time"
            ),
        ]

    def __str__(self) -> str:
        return f"item {self.item_id} was reported in error"


class Reply(models.Model):
    """What a platform said about a report, at one moment. Never edited: taken back, and logged anew."""

    report = models.ForeignKey(Report, on_delete=models.PROTECT, related_name="replies")
    kind = models.CharField(max_length=15, choices=ReplyKind.choices)
    decision = models.CharField(max_length=15, choices=Decision.choices, blank=True)  # of a decision only
    received_at = models.DateTimeField()
    reference = models.CharField(max_length=200, blank=True)
    text = models.TextField(blank=True)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    recorded_at = models.DateTimeField(default=clock.now)
    taken_back_at = models.DateTimeField(null=True, blank=True)
    erased_at = models.DateTimeField(null=True, blank=True)  # its text and reference

    class Meta:
        indexes = [
            models.Index("report", "received_at", name="reply_report_received"),
            # Whether one was taken back since a snapshot was made.
            models.Index("taken_back_at", name="reply_taken_back", condition=Q(taken_back_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.report}"


class Claim(models.Model):
    """What a reply says of one item."""

    reply = models.ForeignKey(Reply, on_delete=models.PROTECT, related_name="claims")
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="claims")
    claim = models.CharField(max_length=10, choices=ClaimWord.choices)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["reply", "item"], name="claim_once_a_reply")]

    def __str__(self) -> str:
        return f"{self.claim} claimed of item {self.item_id}"


class Reminder(models.Model):
    """A reminder that was sent to the platform about a report."""

    report = models.ForeignKey(Report, on_delete=models.PROTECT, related_name="reminders")
    sent_at = models.DateTimeField()
    note = models.TextField(blank=True)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    recorded_at = models.DateTimeField(default=clock.now)
    taken_back_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"reminder of {self.report}"


class Import(models.Model):
    """An uploaded list on its way in: mapped, previewed, then written in one transaction by the checker."""

    class State(models.TextChoices):
        MAPPING = "mapping", "waiting for its columns to be confirmed"
        QUEUED = "queued", "waiting for the checker"
        READING = "reading", "reading rows"
        WRITING = "writing", "writing"
        DONE = "done", "done"
        FAILED = "failed", "failed"

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="imports")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)
    filename = models.CharField(max_length=255)
    content = models.BinaryField()  # emptied when done
    column_map = models.JSONField(default=dict)  # our column -> the file's header
    timezone = models.CharField(max_length=64, default="UTC")
    state = models.CharField(max_length=10, choices=State.choices, default=State.MAPPING)
    lease_until = models.DateTimeField(null=True, blank=True)  # real time
    attempts = models.PositiveSmallIntegerField(default=0)  # how often it was taken
    rows_total = models.PositiveIntegerField(null=True, blank=True)
    rows_read = models.PositiveIntegerField(default=0)
    created_count = models.PositiveIntegerField(default=0)
    duplicate_count = models.PositiveIntegerField(default=0)
    rejected_count = models.PositiveIntegerField(default=0)
    observation_count = models.PositiveIntegerField(default=0)
    rejected_csv = models.TextField(blank=True)
    problem = models.TextField(blank=True)

    def __str__(self) -> str:
        return self.filename


class Activity(AppendOnly):
    """One thing that somebody did. Append-only: the model refuses a change, and so does the database.

    It holds nothing that somebody wrote and no name, so that nothing in it ever has to be erased: a person is
    their number, and who that is stands with the person alone. Hence no constraint on `person`, which a
    database would keep by changing the row. `changes` is the name of each thing that was set, with what it
    `was` and `became`; with neither, where it is only said that it changed. `activity.record` writes it.
    """

    at = models.DateTimeField(default=clock.wall)  # real time: it concerns people, not observations
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.DO_NOTHING,
        null=True,  # at the command line
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    # None: it concerns the whole site
    campaign = models.ForeignKey(
        Campaign, on_delete=models.PROTECT, null=True, db_index=False, related_name="activities"
    )
    deed = models.CharField(max_length=30, choices=Deed.choices)
    subject = models.CharField(max_length=10, choices=Subject.choices, blank=True)
    number = models.PositiveBigIntegerField(null=True)
    changes = models.JSONField(default=dict)

    objects = AppendOnlyRows.as_manager()

    class Meta:
        indexes = [models.Index("campaign", F("id").desc(), name="activity_of_campaign")]

    def __str__(self) -> str:
        return f"{self.deed} at {self.at:%Y-%m-%d %H:%M}"
