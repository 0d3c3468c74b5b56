"""Sending e-mails. Each goes out at least once: one whose sender was killed is sent again, with the same
Message-ID, when its attempt has run out.
"""

from __future__ import annotations

import logging
import smtplib
import threading
from datetime import timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.core import signing
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db.models import F
from django.urls import reverse

from apps.accounts.roles import Audience
from apps.core import clock
from apps.reports.models import Membership

from .kinds import Failure, Mails, may_hear
from .models import Letter, Preference
from .selectors import fact_of
from .texts import added_up, body, subject
from .timing import ATTEMPT, RETRY_MAIL, retry_after

log = logging.getLogger(__name__)

LETTERS_A_ROUND = 200
TAKES_LEAVE = 421  # RFC 5321, section 4.2.3: the server closes the connection
_signer = signing.Signer(salt="apps.notifications.no-more-mails")


def send_due_letters(stop: threading.Event | None = None) -> int:
    """Send the e-mails that are due; returns how many went out. Trouble with mail never raises.

    A connection serves as long as the mail server keeps it: many end one after some messages. While the
    server cannot be reached, or takes nothing and lets go, all that are due count one failed attempt, and
    nobody waits for each.
    """
    due = Letter.objects.filter(next_attempt_at__lte=clock.wall())
    due = due.select_related("membership__person", "membership__campaign").order_by("next_attempt_at", "pk")
    letters = list(due[:LETTERS_A_ROUND])
    if not letters:
        return 0
    sent = 0
    connection: BaseEmailBackend | None = None
    unreachable: Failure | None = None
    carried = 0  # by this connection
    for letter in letters:
        if stop is not None and stop.is_set():
            break
        if not _take(letter):
            continue  # another process has it, or has sent it
        message = _message(letter)
        if message is None:
            letter.delete()
            continue
        if connection is None and unreachable is None:
            connection, unreachable = _connected()
            carried = 0
        failure = unreachable
        if connection is not None:
            message.connection = connection
            error = _send(message)
            failure = None if error is None else _failure(error)
            carried += error is None
            if error is not None and _is_cut(error):
                _close(connection)
                connection, unreachable = None, None if carried else failure
        _note(letter, failure)
        sent += failure is None
    if connection is not None:
        _close(connection)
    return sent


def no_more_mails_path(membership: int) -> str:
    """The path under which a member's e-mails about a campaign are switched off, without signing in."""
    return reverse("workspace:no_more_mails", args=[_signer.sign(str(membership))])


def membership_of_token(token: str) -> Membership | None:
    """Whose e-mails a link switches off; None for one that is not ours, or of a membership that ended."""
    try:
        pk = int(_signer.unsign(token))
    except (signing.BadSignature, ValueError):
        return None
    return Membership.objects.filter(pk=pk).first()


def _take(letter: Letter) -> bool:
    """Count an attempt at a letter that nobody else has taken meanwhile."""
    until = clock.wall() + ATTEMPT
    held = Letter.objects.filter(pk=letter.pk, next_attempt_at=letter.next_attempt_at)
    if held.update(next_attempt_at=until, attempts=F("attempts") + 1) != 1:
        return False
    letter.next_attempt_at, letter.attempts = until, letter.attempts + 1
    return True


def _message(letter: Letter) -> EmailMessage | None:
    """The e-mail; None where its reader must not or does not want to know any of it any more."""
    member = letter.membership
    if not member.person.is_active:
        return None
    wanted = Preference.objects.filter(membership=member).exclude(mails=Mails.OFF)
    kinds = {kind for kind in wanted.values_list("kind", flat=True) if may_hear(member.role, kind)}
    events = letter.events.filter(kind__in=kinds).select_related("report").order_by("pk")
    # Who carries it reads it, too: no site's domain, whoever it is for.
    facts = added_up(fact_of(event, who=Audience.FIGURES) for event in events)
    if not facts:
        return None
    off = settings.SITE_URL + no_more_mails_path(member.pk)
    return EmailMessage(
        subject=subject(facts, Mails(letter.mails)),
        body=body(
            facts,
            campaign=member.campaign.name,
            notices=settings.SITE_URL + reverse("workspace:notices"),
            off=off,
        ),
        to=[member.person.email],
        headers={
            "Message-ID": f"<still-up-{letter.pk}-{letter.key}@{urlsplit(settings.SITE_URL).hostname}>",
            "List-Unsubscribe": f"<{off}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",  # RFC 8058
            "Auto-Submitted": "auto-generated",  # RFC 3834: nobody's out-of-office answers
        },
    )


def _connected() -> tuple[BaseEmailBackend | None, Failure | None]:
    connection = get_connection()
    try:
        connection.open()
    except Exception as error:
        return None, _failure(error)
    return connection, None


def _send(message: EmailMessage) -> Exception | None:
    try:
        message.send()
    except Exception as error:
        return error
    return None


def _is_cut(error: Exception) -> bool:
    """Whether nothing more can be sent by this connection: it broke, or the server takes leave (421)."""
    match error:
        case smtplib.SMTPServerDisconnected():
            return True
        case smtplib.SMTPResponseException():
            return error.smtp_code == TAKES_LEAVE
        case smtplib.SMTPRecipientsRefused():
            return any(code == TAKES_LEAVE for code, _ in error.recipients.values())
        case smtplib.SMTPException():
            return False
    return isinstance(error, OSError)


def _failure(error: Exception) -> Failure:
    """The word for what went wrong. Neither the log nor the database gets the server's words: they can name
    whom the e-mail was for."""
    log.warning("An e-mail could not be sent: %s.", type(error).__name__)
    match error:
        case smtplib.SMTPRecipientsRefused() | smtplib.SMTPSenderRefused() if not _is_cut(error):
            return Failure.MAIL_ADDRESS
        case smtplib.SMTPAuthenticationError():
            return Failure.MAIL_SIGN_IN
        case TimeoutError():
            return Failure.MAIL_TIMEOUT
    return Failure.MAIL_SERVER


def _close(connection: BaseEmailBackend) -> None:
    try:
        connection.close()
    except (smtplib.SMTPException, OSError) as error:
        log.warning("The mail server did not take leave: %s.", type(error).__name__)


def _note(letter: Letter, failure: Failure | None) -> None:
    """Write down how an attempt ended, unless it ran out meanwhile and another process tries."""
    now = clock.wall()
    held = Letter.objects.filter(pk=letter.pk, next_attempt_at=letter.next_attempt_at)
    if failure is None:
        held.update(next_attempt_at=None, sent_at=now, last_error="")
        return
    wait: timedelta | None = retry_after(RETRY_MAIL, letter.attempts)
    held.update(next_attempt_at=now + wait if wait is not None else None, last_error=failure)
