"""What the exports keep: each campaign's key for public names, and who took what out."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from django.conf import settings
from django.db import models

from apps.core import clock
from apps.core.pseudonyms import new_key
from apps.reports.models import Campaign


class PublicKey(models.Model):
    """The secret from which a campaign's public names of items are made.

    Made once and never changed, so that an item has the same name in every export and edition. It is the
    campaign's own, so that an item's names in two campaigns cannot be linked.
    """

    campaign = models.OneToOneField(Campaign, on_delete=models.CASCADE, related_name="public_key")
    key = models.CharField(max_length=64, default=new_key, editable=False)

    def __str__(self) -> str:
        return f"key of {self.campaign}"


class Download(models.Model):
    """One file that a member took out, with what tells a whole copy from a cut one."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="downloads")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    made_at = models.DateTimeField(default=clock.now)
    filename = models.CharField(max_length=255)
    filtered = models.BooleanField(default=False)  # holds only what a filter chose
    rows = models.PositiveBigIntegerField()
    size = models.PositiveBigIntegerField()  # bytes
    sha256 = models.CharField(max_length=64)

    def __str__(self) -> str:
        return self.filename


def public_key_of(campaign: Campaign) -> str:
    """The campaign's key, made on first use. Writes, so call it before a view of the record is opened."""
    return PublicKey.objects.get_or_create(campaign=campaign)[0].key


class Publication(models.Model):
    """One decision about what of a campaign is public. Append-only: the last one is in force."""

    class Act(models.TextChoices):
        SAVED = "saved", "saved as a draft"
        PUBLISHED = "published", "published"
        WITHDRAWN = "withdrawn", "withdrawn"

    class Platforms(models.TextChoices):
        NAMES = "names", "by name"
        LETTERS = "letters", "as platform A, platform B"

    class Dates(models.TextChoices):
        DAY = "day", "the day"
        MONTH = "month", "the month"

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="publications")
    act = models.CharField(max_length=10, choices=Act.choices)
    title = models.CharField(max_length=200)
    text = models.TextField(blank=True)
    charts = models.JSONField(default=list)  # names of published.CHARTS
    platforms = models.CharField(max_length=10, choices=Platforms.choices, default=Platforms.NAMES)
    reports = models.BooleanField(default=True)  # counts of each report
    items = models.BooleanField(default=False)  # a row for each item
    dates = models.CharField(max_length=10, choices=Dates.choices, default=Dates.DAY)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    made_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return f"{self.campaign}, {self.act}"


class PublicSnapshot(models.Model):
    """What the public pages of a campaign are made of. There is one exactly while it is published.

    `made_at` and `making_until` are real time: they concern readers and machines, not observations.
    """

    campaign = models.OneToOneField(Campaign, on_delete=models.CASCADE, related_name="public_snapshot")
    content = models.TextField()  # JSON; as text, since PostgreSQL would put its keys into another order
    headline = models.JSONField()  # the part of it that the list of campaigns needs
    etag = models.CharField(max_length=64)  # SHA-256 of the content
    version = models.PositiveSmallIntegerField()  # of the content's shape
    as_of = models.DateTimeField()
    stamp = models.CharField(max_length=200)  # of the record that it was made from
    by_month = models.BooleanField(default=False)  # it tells months, and is as of a midnight
    made_at = models.DateTimeField()
    took_ms = models.PositiveIntegerField()  # milliseconds to make it
    making_until = models.DateTimeField(null=True, blank=True)  # somebody is making the next one until then

    def __str__(self) -> str:
        return f"public snapshot of {self.campaign}"


class Edition(models.Model):
    """A numbered, frozen copy of what a campaign had public at one moment, to be cited.

    Never changed: no code updates a row, and the database refuses it. What is wrong gets a `Correction`, and
    a new edition.
    """

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="editions")
    number = models.PositiveIntegerField()  # 1, 2, 3 ... in the campaign
    title = models.CharField(max_length=200)
    note = models.TextField(blank=True)  # for the public: what this edition is for
    findings = models.JSONField()  # the finding in one sentence, by language
    as_of = models.DateTimeField()
    made_at = models.DateTimeField(default=clock.now)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["campaign", "number"], name="edition_number_once")]

    def __str__(self) -> str:
        return f"edition {self.number} of {self.campaign}"


class EditionFile(models.Model):
    """One file of an edition."""

    edition = models.ForeignKey(Edition, on_delete=models.CASCADE, related_name="files")
    name = models.CharField(max_length=100)
    media_type = models.CharField(max_length=100)
    public = models.BooleanField(default=True)
    size = models.PositiveBigIntegerField()  # bytes, not compressed
    sha256 = models.CharField(max_length=64)  # of the bytes that are served

    class Meta:
        constraints = [models.UniqueConstraint(fields=["edition", "name"], name="edition_file_once")]

    def __str__(self) -> str:
        return self.name


class EditionPiece(models.Model):
    """A piece of a file of an edition, compressed. It stands in the database so that a backup has it, too."""

    file = models.ForeignKey(EditionFile, on_delete=models.CASCADE, related_name="pieces")
    number = models.PositiveIntegerField()  # 0, 1, 2 ... in the file
    packed = models.BinaryField()  # zlib, RFC 1950

    class Meta:
        constraints = [models.UniqueConstraint(fields=["file", "number"], name="edition_piece_once")]

    def __str__(self) -> str:
        return f"piece {self.number} of {self.file}"


def content_of(file: EditionFile) -> Iterator[bytes]:
    """A file's bytes as they are served, a piece at a time; a query for each."""
    for number in range(file.pieces.count()):
        yield zlib.decompress(file.pieces.get(number=number).packed)


class Correction(models.Model):
    """What is wrong with an edition, said on its page. Append-only."""

    edition = models.ForeignKey(Edition, on_delete=models.CASCADE, related_name="corrections")
    text = models.TextField()
    made_at = models.DateTimeField(default=clock.now)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    def __str__(self) -> str:
        return f"correction of {self.edition}"
