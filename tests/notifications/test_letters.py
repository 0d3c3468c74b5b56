"""E-mails as they go out: gathered, retried, and never more than their readers want to know."""

from __future__ import annotations

import re
import smtplib
import socketserver
import threading
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.test import Client

from apps.accounts.roles import Role
from apps.checks.outcomes import Status
from apps.notifications import letters
from apps.notifications.kinds import Failure, Mails
from apps.notifications.letters import no_more_mails_path, send_due_letters
from apps.notifications.models import Letter, Preference
from apps.notifications.timing import ATTEMPT, BETWEEN_MAILS, RETRY_MAIL
from apps.reports.models import Membership
from tests.factories import make_item, make_person, make_report, make_transition
from tests.notifications.conftest import Told, look

pytestmark = pytest.mark.django_db


class Trouble(EmailBackend):
    """A mail server that fails as a test says, before it is reached or after."""

    at_opening: Exception | None = None
    at_sending: Exception | None = None
    openings = 0

    def open(self) -> bool:
        Trouble.openings += 1
        if Trouble.at_opening is not None:
            raise Trouble.at_opening
        return True

    def send_messages(self, messages: Any) -> int:
        sent = super().send_messages(messages)
        if Trouble.at_sending is not None:
            raise Trouble.at_sending
        return sent


@pytest.fixture
def trouble(settings: Any, monkeypatch: pytest.MonkeyPatch) -> type[Trouble]:
    """The mail server of the site."""
    settings.EMAIL_BACKEND = f"{__name__}.Trouble"
    for name, value in (("at_opening", None), ("at_sending", None), ("openings", 0)):
        monkeypatch.setattr(Trouble, name, value)
    return Trouble


def something_happens(told: Told) -> None:
    """An item goes, and is found to be gone."""
    item = make_item(make_report(told.campaign))
    item.created_at = item.reported_at
    item.save()
    make_transition(item.target, Status.SUSPECTED, Status.REMOVED, after=1, by=2)
    assert look() == 1


def minutes(number: float) -> float:
    """In hours after START, two days on."""
    return 48 + number / 60


@pytest.fixture
def happened(told: Told) -> Told:
    """Two days later, something has happened that the owner wants to hear of at once."""
    told.wants(told.owner, Mails.AT_ONCE)
    told.go_to(48)
    something_happens(told)
    return told


def test_an_email_says_what_happened_and_leads_to_the_site(happened: Told, settings: Any) -> None:
    settings.SITE_URL = "https://still-up.example.org"
    assert send_due_letters() == 1
    (message,) = mail.outbox
    assert message.to == [happened.owner.email]
    assert message.subject == "Still Up: 1 item no longer accessible"
    assert "1 item of report 1 (other sites) is no longer accessible." in message.body
    assert "https://still-up.example.org/workspace/notices/" in message.body
    addresses = re.findall(r"https?://\S+", message.body)
    assert len(addresses) == 2
    assert all(address.startswith("https://still-up.example.org/workspace/notices/") for address in addresses)
    assert message.extra_headers["List-Unsubscribe"] == f"<{addresses[1]}>"
    assert message.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert send_due_letters() == 0


def test_many_things_at_once_are_one_email_and_the_next_comes_later(happened: Told) -> None:
    assert send_due_letters() == 1
    for minute in (1, 2, 3):
        happened.go_to(minutes(minute))
        something_happens(happened)
        assert send_due_letters() == 0
    happened.go_to(minutes(BETWEEN_MAILS.total_seconds() / 60))
    assert send_due_letters() == 1
    assert mail.outbox[1].subject == "Still Up: 3 items no longer accessible"


def test_a_digest_waits_for_its_hour(told: Told) -> None:
    told.wants(told.counter, Mails.DAILY)
    told.go_to(48)  # 14:05 UTC
    something_happens(told)
    something_happens(told)
    told.go_to(48 + 16)
    assert send_due_letters() == 0
    told.go_to(48 + 17)
    assert send_due_letters() == 1
    assert mail.outbox[0].subject == "Still Up, this day: 2 items no longer accessible"
    assert mail.outbox[0].to == [told.counter.email]


@pytest.mark.parametrize(
    ("when", "error", "word"),
    [
        ("at_opening", ConnectionRefusedError(), Failure.MAIL_SERVER),
        ("at_opening", TimeoutError(), Failure.MAIL_TIMEOUT),
        ("at_opening", smtplib.SMTPAuthenticationError(535, b"no"), Failure.MAIL_SIGN_IN),
        ("at_sending", smtplib.SMTPRecipientsRefused({}), Failure.MAIL_ADDRESS),
        ("at_sending", RuntimeError("unheard of"), Failure.MAIL_SERVER),
    ],
)
def test_an_email_that_is_not_taken_is_tried_again(
    when: str, error: Exception, word: str, happened: Told, trouble: type[Trouble], monkeypatch: Any
) -> None:
    monkeypatch.setattr(trouble, when, error)
    minute = 0.0
    for attempt, wait in enumerate(RETRY_MAIL, 1):
        assert send_due_letters() == 0
        letter = Letter.objects.get()
        assert (letter.attempts, letter.last_error) == (attempt, word)
        happened.go_to(minutes(minute + wait.total_seconds() / 60 - 0.1))
        assert send_due_letters() == 0
        minute += wait.total_seconds() / 60
        happened.go_to(minutes(minute))
    monkeypatch.setattr(trouble, when, None)
    assert send_due_letters() == 1
    assert Letter.objects.get().last_error == ""


def test_an_email_that_is_never_taken_is_given_up(happened: Told, trouble: type[Trouble]) -> None:
    trouble.at_sending = smtplib.SMTPServerDisconnected()
    Letter.objects.update(attempts=len(RETRY_MAIL))
    assert send_due_letters() == 0
    assert Letter.objects.get().next_attempt_at is None


def test_nobody_waits_for_each_email_while_the_mail_server_is_away(
    happened: Told, trouble: type[Trouble]
) -> None:
    happened.wants(happened.counter, Mails.AT_ONCE)
    something_happens(happened)
    trouble.at_opening = TimeoutError()
    assert Letter.objects.count() == 2
    happened.go_to(minutes(20))
    assert send_due_letters() == 0
    assert trouble.openings == 1
    assert set(Letter.objects.values_list("attempts", "last_error")) == {(1, Failure.MAIL_TIMEOUT)}


class Mailbox(socketserver.ThreadingTCPServer):
    """A mail server that ends each connection after `most` messages, with a word or without one."""

    daemon_threads = True

    def __init__(self, most: int, farewell: bytes) -> None:
        self.most, self.farewell = most, farewell
        self.connections, self.taken = 0, list[str]()
        super().__init__(("127.0.0.1", 0), MailboxConnection)


class MailboxConnection(socketserver.StreamRequestHandler):
    server: Mailbox

    def handle(self) -> None:
        self.server.connections += 1
        self.wfile.write(b"220 ready\r\n")
        taken = 0
        for line in self.rfile:
            word = line[:4].upper()
            if word == b"MAIL" and taken == self.server.most:
                self.wfile.write(self.server.farewell)
                return
            if word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                body = list(iter(self.rfile.readline, b".\r\n"))
                self.server.taken += [text.decode().split()[1] for text in body if text.startswith(b"To: ")]
                taken += 1
            self.wfile.write(b"250 well\r\n")


@pytest.mark.parametrize("farewell", [b"421 enough for once\r\n", b""])
@pytest.mark.parametrize("most", [0, 1, 2])
def test_a_mail_server_that_ends_connections_gets_all_emails(
    most: int, farewell: bytes, told: Told, settings: Any
) -> None:
    people = [make_person(f"reader-{number}@example.org") for number in range(7)]
    for person in people:
        Membership.objects.create(campaign=told.campaign, person=person, role=Role.VIEWER)
        told.wants(person, Mails.AT_ONCE)
    told.go_to(48)
    something_happens(told)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    with Mailbox(most, farewell) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.server_address
        first = send_due_letters()
        if most == 0:
            # It takes nothing: one connection shows it, and nobody waits for the others.
            assert (first, server.connections) == (0, 1)
            assert set(Letter.objects.values_list("attempts", "last_error")) == {(1, Failure.MAIL_SERVER)}
        else:
            assert first == len(people) - len(people) // (most + 1)  # one of each connection is tried again
            told.go_to(minutes(RETRY_MAIL[0].total_seconds() / 60))
            send_due_letters()
            told.go_to(minutes(60))
            send_due_letters()
            assert sorted(server.taken) == sorted(person.email for person in people)
        server.shutdown()


def test_an_email_whose_sender_was_killed_goes_out_again_as_the_same(happened: Told) -> None:
    """At least once: the Message-ID lets a mail program drop the second."""

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(letters, "_note", killed)
        with pytest.raises(KeyboardInterrupt):
            send_due_letters()
    assert send_due_letters() == 0  # its attempt has not run out
    happened.go_to(minutes(ATTEMPT.total_seconds() / 60))
    assert send_due_letters() == 1
    first, second = (message.extra_headers["Message-ID"] for message in mail.outbox)
    assert first == second
    happened.go_to(minutes(60))
    assert send_due_letters() == 0


def test_what_happens_while_an_email_is_tried_goes_into_the_next(
    happened: Told, trouble: type[Trouble]
) -> None:
    trouble.at_sending = TimeoutError()
    send_due_letters()
    something_happens(happened)
    assert [letter.events.count() for letter in Letter.objects.order_by("pk")] == [1, 1]


@pytest.mark.parametrize("why", ["left", "signed out", "changed their mind"])
def test_who_does_not_hear_of_it_any_more_gets_no_email(why: str, happened: Told) -> None:
    if why == "left":
        happened.membership(happened.owner).delete()
    elif why == "signed out":
        happened.owner.is_active = False
        happened.owner.save()
    else:
        Preference.objects.update(mails=Mails.OFF)
    assert send_due_letters() == 0
    assert not mail.outbox
    assert not Letter.objects.exists()


def test_the_link_in_an_email_ends_emails_without_signing_in(happened: Told) -> None:
    happened.wants(happened.counter, Mails.WEEKLY)
    path = no_more_mails_path(happened.membership(happened.owner).pk)
    browser = Client(enforce_csrf_checks=True)
    assert "Send no more" in browser.get(path).content.decode()
    assert Preference.objects.filter(mails=Mails.AT_ONCE).exists()  # a scanner that opens links ends nothing
    done = browser.post(path, {"List-Unsubscribe": "One-Click"})
    assert done.status_code == 200
    assert happened.campaign.name not in done.content.decode()
    assert send_due_letters() == 0
    assert set(Preference.objects.values_list("membership__person__email", "mails")) == {
        (happened.owner.email, Mails.OFF),
        (happened.counter.email, Mails.WEEKLY),
    }
    assert "_auth_user_id" not in browser.session  # it does nothing else


def test_a_made_up_link_ends_nothing(happened: Told) -> None:
    path = no_more_mails_path(happened.membership(happened.owner).pk)
    for made_up in (path.replace("/no-more-mails/", "/no-more-mails/1"), f"{path[:-2]}x/"):
        assert Client().post(made_up).status_code == 410
    Membership.objects.filter(person=happened.owner).delete()
    assert Client().post(path).status_code == 410
