"""The secrets of API tokens."""

from __future__ import annotations

import base64
import hashlib

from apps.accounts.roles import MAY, Role, lower, roles_up_to
from apps.accounts.tokens import PATTERN, PREFIX, new_secret


def test_a_token_is_256_random_bits_behind_a_prefix_that_scanners_know() -> None:
    secret = new_secret()
    assert PATTERN.fullmatch(secret.text)
    random = base64.urlsafe_b64decode(secret.text.removeprefix(PREFIX) + "=")
    assert len(random) * 8 == 256
    assert new_secret().text != secret.text


def test_what_is_kept_of_a_token_does_not_lead_back_to_it() -> None:
    secret = new_secret()
    assert secret.text.startswith(secret.start)
    assert len(secret.text) - len(secret.start) == 35
    assert secret.digest == hashlib.sha256(secret.text.encode()).hexdigest()
    assert secret.text not in repr(secret)


def test_of_two_roles_the_lower_may_do_what_both_may() -> None:
    for one in Role:
        for other in Role:
            assert MAY[lower(one, other)] == MAY[one] & MAY[other]
        assert [role for role in Role if MAY[role] <= MAY[one]] == roles_up_to(one)
