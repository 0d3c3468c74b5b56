"""Targets, their checks, and the transitions that follow from them."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from apps.core import clock
from apps.core.append_only import AppendOnly, AppendOnlyRows

from .outcomes import DefinitionChange, ErasedFor, Fault, Outcome, Reason, Status, Trouble

ACCOUNT_LENGTH = 255  # more of a name is not kept: a path can hold thousands of characters


def new_salt() -> str:
    """128 random bits, in hexadecimal."""
    return secrets.token_hex(16)


def commitment(key: str, salt: str) -> str:
    """What the ledger names a URL by: SHA-256 of its salt and itself, in hexadecimal."""
    return hashlib.sha256((salt + key).encode()).hexdigest()


class Host(models.Model):
    """One host (or platform with a shared limit) that is asked at one pace, by one worker at a time.

    Its times are real time by the shared clock, not the record's: they concern machines, not observations.
    """

    name = models.CharField(max_length=253, unique=True)
    lease_token = models.CharField(max_length=32, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    not_before = models.DateTimeField(null=True, blank=True)  # since it was given back: pace, Retry-After

    def __str__(self) -> str:
        return self.name

    @staticmethod
    def called(names: Collection[str]) -> dict[str, Host]:
        """The hosts of these names, made where they are new. Safe against a second caller at once."""
        Host.objects.bulk_create([Host(name=name) for name in sorted(names)], ignore_conflicts=True)
        return {host.name: host for host in Host.objects.filter(name__in=names)}


class Turn(models.Model):
    """When a host was last asked, where no Redis keeps it (turns.py). Hosts are named as in a URL."""

    host = models.CharField(max_length=259, primary_key=True)  # a name of 253 characters, and a port
    asked_at = models.BigIntegerField()  # microseconds since 1970, by the database's clock

    def __str__(self) -> str:
        return self.host


class Beat(models.Model):
    """When something last happened in any process of the site (beats.py), in real time."""

    what = models.CharField(max_length=20, primary_key=True)  # one of beats.What
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.what} at {self.at}"


class Tally(models.Model):
    """How many checks the checker made so far, for whoever watches it; a kill may lose the latest."""

    platform = models.CharField(max_length=253)  # the definition's slug, or "" for all other sites together
    outcome = models.CharField(max_length=12)
    reason = models.CharField(max_length=20)
    count = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["platform", "outcome", "reason"], name="tally_once"),
        ]

    def __str__(self) -> str:
        return f"{self.count} times {self.outcome} ({self.reason}) on {self.platform or 'other sites'}"


class Pause(models.Model):
    """A time in which nothing was checked at one place, whose line was down (line.py). Kept when over."""

    place = models.CharField(max_length=200, blank=True)  # CHECK_PLACE of the machines whose line it is
    since = models.DateTimeField()  # the first sign of it, in the record's time
    noticed_at = models.DateTimeField()  # in real time
    why = models.CharField(max_length=20, choices=Trouble.choices)
    platforms = models.PositiveSmallIntegerField()  # that failed at once when it began
    look_at = models.DateTimeField()  # when to look next whether it is over, in real time
    looks = models.PositiveIntegerField(default=0)
    ended_at = models.DateTimeField(null=True, blank=True)  # in the record's time

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["place"], condition=Q(ended_at__isnull=True), name="one_pause_at_a_place"
            ),
        ]

    def __str__(self) -> str:
        return f"paused since {self.since}"


class Target(models.Model):
    """A URL that is watched, once, however many items point at it."""

    # What it is
    key = models.TextField()  # canonical URL; empty once it is erased (see Erasure)
    key_digest = models.CharField(max_length=64, unique=True)  # sha256 of key: an index of fixed size
    salt = models.CharField(max_length=32, default=new_salt)
    commitment = models.CharField(max_length=64, editable=False)  # sha256(salt + key): what the ledger names
    platform = models.CharField(max_length=253)
    kind = models.CharField(max_length=50)
    account = models.CharField(max_length=ACCOUNT_LENGTH, blank=True)
    account_key = models.BigIntegerField(default=0)  # of platform and account, to count by; 0: not known
    # No index of its own: what is asked by host is asked for what is due there, which has one.
    host = models.ForeignKey(Host, on_delete=models.PROTECT, related_name="targets", db_index=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    origins = models.JSONField(default=list)  # ISO times of the reports: where its clocks start

    # What its checks add up to: the fields of status.State, which says what each means
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.WAITING)
    reason = models.CharField(max_length=20, choices=Reason.choices, blank=True)
    definitive = models.BooleanField(default=False)
    by_person = models.BooleanField(default=False)
    overruled = models.BooleanField(default=False)
    available_at = models.DateTimeField(null=True, blank=True)
    present_at = models.DateTimeField(null=True, blank=True)
    checker_present_at = models.DateTimeField(null=True, blank=True)
    conclusive_at = models.DateTimeField(null=True, blank=True)
    run_started_at = models.DateTimeField(null=True, blank=True)
    run_count = models.PositiveIntegerField(default=0)
    run_definitive_at = models.DateTimeField(null=True, blank=True)
    run_definitive_count = models.PositiveIntegerField(default=0)
    removed_after = models.DateTimeField(null=True, blank=True)
    removed_by = models.DateTimeField(null=True, blank=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    reinstated_at = models.DateTimeField(null=True, blank=True)
    removal_count = models.PositiveIntegerField(default=0)
    account_suspended_at = models.DateTimeField(null=True, blank=True)
    inconclusive_since = models.DateTimeField(null=True, blank=True)
    inconclusive_count = models.PositiveIntegerField(default=0)
    identity = models.CharField(max_length=200, blank=True)  # a probe's name and a salted digest
    last_outcome = models.CharField(max_length=12, choices=Outcome.choices, blank=True)
    last_reason = models.CharField(max_length=20, choices=Reason.choices, blank=True)
    last_check_at = models.DateTimeField(null=True, blank=True)

    # When to look again, and the ledger's head
    check_count = models.PositiveIntegerField(default=0)
    head_digest = models.CharField(max_length=64, blank=True)
    next_check_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(
                "host", "next_check_at", name="target_due", condition=Q(next_check_at__isnull=False)
            ),
            models.Index("platform", "account", name="target_account"),
            models.Index("status", name="target_status"),
            models.Index("account_key", name="target_account_page", condition=Q(kind="account")),
        ]

    def __str__(self) -> str:
        return f"target {self.pk} on {self.platform}"

    @staticmethod
    def digest_of(key: str) -> str:
        """The value of `key_digest` for a canonical URL."""
        return hashlib.sha256(key.encode()).hexdigest()

    @staticmethod
    def account_key_of(platform: str, account: str) -> int:
        """The value of `account_key`: 64 bits of a digest, never 0 for an account that is known."""
        if not account:
            return 0
        digest = hashlib.sha256(f"{platform}\n{account}".encode()).digest()
        return int.from_bytes(digest[:8], signed=True) or 1

    def commit_to_key(self) -> None:
        """Set what follows from `key` (digest, the salted commitment of the ledger) and from the account."""
        self.key_digest = self.digest_of(self.key)
        self.commitment = commitment(self.key, self.salt)
        self.account_key = self.account_key_of(self.platform, self.account)


class Check(models.Model):
    """One observation of a target. Append-only; never edited, and only folded away in a `Stretch`."""

    target = models.ForeignKey(
        Target,
        on_delete=models.PROTECT,
        related_name="checks",
        db_index=False,  # that of target and number serves
    )
    number = models.PositiveIntegerField()  # 1, 2, 3 ... in the order recorded: the ledger's order
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField()
    outcome = models.CharField(max_length=12, choices=Outcome.choices)
    reason = models.CharField(max_length=20, choices=Reason.choices)
    definitive = models.BooleanField(default=False)
    signal = models.CharField(max_length=80, blank=True)  # id and version of the signal that decided
    http_status = models.PositiveSmallIntegerField(null=True, blank=True)
    evidence = models.JSONField(default=dict)  # facts about the answers, never the answers
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="manual_checks",
        db_index=False,  # only a few have one: see check_person
    )
    manual = models.BooleanField(default=False)
    note = models.TextField(blank=True)
    note_salt = models.CharField(max_length=32, blank=True)
    note_commitment = models.CharField(max_length=64, blank=True)
    recorded_at = models.DateTimeField()
    digest = models.CharField(max_length=64)

    class Meta:
        indexes = [models.Index("person", name="check_person", condition=Q(person__isnull=False))]
        constraints = [
            models.UniqueConstraint(fields=["target", "number"], name="check_number_once"),
            models.CheckConstraint(
                condition=Q(finished_at__gte=F("started_at")), name="check_finishes_after_start"
            ),
        ]

    def __str__(self) -> str:
        return f"check {self.number} of target {self.target_id}"


class Erasure(AppendOnly):
    """A target's address was erased, with what its checks held of it: its chain's last link. Append-only.

    `left` stands for all that is left of its checks, and the digest for all of this row: see ledger.py.
    """

    target = models.OneToOneField(Target, on_delete=models.PROTECT, related_name="erasure")
    at = models.DateTimeField()  # real time
    why = models.CharField(max_length=12, choices=ErasedFor.choices)
    copied = models.BooleanField(default=False)  # made for this, of a target that others still watch
    checks = models.PositiveIntegerField()  # how many the target has
    head = models.CharField(max_length=64, blank=True)  # the digest of the last of them
    fault = models.CharField(max_length=100, blank=True)  # what did not hold then; "": all did
    left = models.CharField(max_length=64, blank=True)
    digest = models.CharField(max_length=64)

    objects = AppendOnlyRows.as_manager()

    def __str__(self) -> str:
        return f"erasure of target {self.target_id}"


class Stretch(AppendOnly):
    """Checks that said what those around them said, and were folded away (retention.py). Append-only."""

    target = models.ForeignKey(
        Target,
        on_delete=models.PROTECT,
        related_name="stretches",
        db_index=False,  # that of target and first serves
    )
    first = models.PositiveIntegerField()  # number of the first check of it
    last = models.PositiveIntegerField()
    digests = models.BinaryField()  # SHA-256 of each, 32 bytes, in the order of their numbers
    folded_at = models.DateTimeField(default=clock.now)

    objects = AppendOnlyRows.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["target", "first"], name="stretch_first_once"),
            models.CheckConstraint(condition=Q(last__gte=F("first")), name="stretch_ends_after_start"),
        ]

    def __str__(self) -> str:
        return f"checks {self.first} to {self.last} of target {self.target_id}"


class Transition(models.Model):
    """The status changed somewhere in (`after`, `by`]. Append-only.

    When a check of an earlier moment is added later (a person's observation), the target is folded anew;
    transitions that no longer hold stay, marked with `superseded_at`.
    """

    target = models.ForeignKey(
        Target,
        on_delete=models.PROTECT,
        related_name="transitions",
        db_index=False,  # that of target and by serves
    )
    check_number = models.PositiveIntegerField()  # the check that showed it
    from_status = models.CharField(max_length=12, choices=Status.choices)
    to_status = models.CharField(max_length=12, choices=Status.choices)
    reason = models.CharField(max_length=20, choices=Reason.choices)
    after = models.DateTimeField(null=True, blank=True)
    by = models.DateTimeField()
    by_person = models.BooleanField(default=False)
    recorded_at = models.DateTimeField()
    superseded_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index("target", "by", name="transition_target_by"),
            # The latest changes of a campaign, by going back in time until there are enough.
            models.Index(
                F("by").desc(),
                F("id").desc(),
                name="transition_latest",
                condition=Q(superseded_at__isnull=True),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(after__isnull=True) | Q(after__lt=F("by")),
                name="transition_after_before_by",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.from_status} to {self.to_status} of target {self.target_id}"


class Canary(models.Model):
    """A URL that shows whether a definition still reads its platform rightly, and how it was last read.

    The fields from `checked_at` on are those of `staleness.CanaryState`, which says what each means.
    """

    platform = models.CharField(max_length=253)  # slug of the definition
    kind = models.CharField(max_length=50, blank=True)  # that it vouches for; "": those without their own
    expects = models.CharField(max_length=12, choices=Outcome.choices)  # available, or removed
    key = models.CharField(max_length=2048)  # canonical URL
    host = models.ForeignKey(Host, on_delete=models.PROTECT, related_name="canaries")
    next_check_at = models.DateTimeField(null=True, blank=True)

    checked_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=12, choices=Outcome.choices, blank=True)
    reason = models.CharField(max_length=20, choices=Reason.choices, blank=True)
    signal = models.CharField(max_length=80, blank=True)
    identity = models.CharField(max_length=200, blank=True)
    wrong_since = models.DateTimeField(null=True, blank=True)
    untold_since = models.DateTimeField(null=True, blank=True)
    untold_count = models.PositiveIntegerField(default=0)
    accepted = models.CharField(max_length=12, choices=Fault.choices, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["platform", "kind", "expects"], name="canary_once"),
        ]

    def __str__(self) -> str:
        return f"canary of {self.platform} {self.kind} that expects {self.expects}: {self.outcome}"


class DefinitionState(models.Model):
    """Whether a platform's definition has gone stale: its canaries are not read as they should be."""

    platform = models.CharField(max_length=253, unique=True)  # slug of the definition
    probed_at = models.DateTimeField(null=True, blank=True)  # the last canary that was read
    stale_since = models.DateTimeField(null=True, blank=True)
    why = models.TextField(blank=True)  # a sentence for each canary; without any address
    kept = models.BooleanField(default=False)  # a person looked, and said that it is stale
    looked_at = models.DateTimeField(null=True, blank=True)
    looked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    def __str__(self) -> str:
        return f"definition of {self.platform}{', stale' if self.stale_since else ''}"


class DefinitionEvent(models.Model):
    """A definition went stale, or ceased to be, or a person looked at it. Append-only."""

    platform = models.CharField(max_length=253)
    at = models.DateTimeField()
    what = models.CharField(max_length=12, choices=DefinitionChange.choices)
    why = models.TextField(blank=True)  # what was held against the definition at that moment
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    note = models.TextField(blank=True)

    class Meta:
        indexes = [models.Index("platform", "at", name="definition_event")]

    def __str__(self) -> str:
        return f"{self.platform} {self.what}"
