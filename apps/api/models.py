"""What the API itself keeps: the answers to requests that may come again."""

from __future__ import annotations

from django.db import models

from apps.core import clock
from apps.reports.models import ApiToken


class KeptAnswer(models.Model):
    """The answer to a request that had an Idempotency-Key, for when the same request comes again."""

    token = models.ForeignKey(ApiToken, on_delete=models.CASCADE, related_name="kept_answers")
    key = models.CharField(max_length=255)
    request_digest = models.CharField(max_length=64)  # SHA-256 of method, path and body
    status = models.PositiveSmallIntegerField(default=0)
    body = models.TextField(blank=True)
    made_at = models.DateTimeField(default=clock.wall, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["token", "key"], name="kept_answer_once")]

    def __str__(self) -> str:
        return f"answer to {self.token}"
