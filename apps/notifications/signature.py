"""How a webhook's receiver knows that a message is ours, unchanged and fresh. Pure.

As the Standard Webhooks specification says (https://www.standardwebhooks.com, version 1): HMAC-SHA256 over
the message's id, the moment of the attempt and the body, joined by dots; secrets are 32 bytes, written in
base64 after `whsec_`. While a secret is being replaced there is a signature with each, separated by a space.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence

from django.utils.crypto import salted_hmac

PREFIX = "whsec_"


def secret_of(salt: str) -> str:
    """The secret that follows from a webhook's salt and the site's SECRET_KEY.

    It stands nowhere: who gets hold of the database alone cannot sign.
    """
    key = salted_hmac("apps.notifications.webhook", salt, algorithm="sha256").digest()
    return PREFIX + base64.b64encode(key).decode()


def sign(secret: str, *, message_id: str, timestamp: int, body: bytes) -> str:
    """One signature, as `v1,` and base64. `timestamp` is in seconds since 1970."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = b".".join([message_id.encode(), str(timestamp).encode(), body])
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def headers(secrets: Sequence[str], *, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers of one attempt, with a signature by each of the secrets."""
    signatures = (sign(one, message_id=message_id, timestamp=timestamp, body=body) for one in secrets)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
    }
