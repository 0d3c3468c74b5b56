"""A request that comes again gets the answer that it got, and is not done again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta

from django.db import transaction
from django.http import HttpRequest, HttpResponse

from apps.core import clock
from apps.reports.tokens import TokenAccess

from .models import KeptAnswer
from .problems import KEY_REUSED, Refused

KEPT = timedelta(hours=48)


def once(
    request: HttpRequest, access: TokenAccess, key: str | None, make: Callable[[], HttpResponse]
) -> HttpResponse:
    """What `make` makes, or has made for the same key before, in one transaction with what it writes.

    1. The key is written first. Of two requests at once the second waits there for the first.
    2. A key that is there already gives its answer for the same request, and is refused for another.
    3. A refusal undoes all, the key too: what was refused can be mended and sent again.
    """
    if key is None:
        return make()
    with transaction.atomic():
        now = clock.wall()
        KeptAnswer.objects.filter(made_at__lt=now - KEPT).delete()
        digest = _digest(request)
        kept, is_new = KeptAnswer.objects.get_or_create(
            token=access.token, key=key, defaults={"request_digest": digest, "made_at": now}
        )
        if not is_new:
            if kept.request_digest != digest:
                raise Refused(
                    422,
                    "This Idempotency-Key came with another request before. Give each new request a new key.",
                    type=KEY_REUSED,
                )
            return HttpResponse(kept.body, status=kept.status, content_type="application/json")
        answer = make()
        kept.status, kept.body = answer.status_code, answer.content.decode()
        kept.save(update_fields=["status", "body"])
    return answer


def _digest(request: HttpRequest) -> str:
    digest = hashlib.sha256(f"{request.method} {request.path}\n".encode())
    digest.update(request.body)
    return digest.hexdigest()
