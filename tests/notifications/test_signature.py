"""How a receiver knows a message: as Standard Webhooks says, and as our documentation shows."""

from __future__ import annotations

from apps.notifications.signature import headers, secret_of, sign


def test_a_signature_is_that_of_the_specifications_libraries() -> None:
    """The example of the test suites of the Standard Webhooks libraries."""
    signature = sign(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        message_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp=1614265330,
        body=b'{"test": 2432232314}',
    )
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_secret_that_is_being_replaced_signs_too() -> None:
    old, new = secret_of("old"), secret_of("new")
    both = headers([new, old], message_id="msg_1", timestamp=1, body=b"{}")["webhook-signature"].split()
    assert both == [sign(one, message_id="msg_1", timestamp=1, body=b"{}") for one in (new, old)]
    assert both[0] != both[1]
