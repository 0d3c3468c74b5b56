"""An evidence bundle: everything on record of one item or one report, in a file that can be checked alone.

A zip with what was reported, every check with its digest and the fields that the digest covers, the changes
of status, replies with their claims, a README in plain words, and a program that works all digests out again
with Python's standard library alone. The same record gives the same bytes. Memory is bounded: checks go into
the file one after the other.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from django.db.models import Q, QuerySet

from apps.accounts.models import Person
from apps.checks import ledger
from apps.checks.accounts import IS_PAGE
from apps.checks.models import Check, Erasure, Target
from apps.core.defanging import defang
from apps.platforms.registry import platform_name
from apps.reports.models import Campaign, Category, Channel, Item, Reply, Report, Standing, word_label
from apps.reports.selectors import items_of

from .models import public_key_of
from .report_rows import iso, reports_chosen
from .sql import one_view
from .writing import export_of, write_in_view

VERIFIER = Path(__file__).with_name("verify.py")
SUMS = "SHA256SUMS"
_DATE = (1980, 1, 1, 0, 0, 0)  # the first that a zip can tell: the record has its own dates
_CHUNK = 500

README = """\
Evidence from the record of “{campaign}”
{underline}

This folder holds everything that is on record of {what}.
It states what was asked, what was answered, and when. It accuses nobody: that a page is no longer accessible
was seen; who took it down is only said where the platform said so itself.

CAUTION: the files name the reported URLs as they are. Do not publish them, and do not open the URLs.

{reported}
What is in it
-------------

items.csv        each reported URL: its report, when it was reported, what is held of it now
reports.csv      the reports: to whom, how, when, and how its items stand
replies.jsonl    what the platform answered, and what it claims of each item; one reply a line
transitions.csv  each change of status, which lies somewhere in the time between “after” and “by”
targets.jsonl    each watched URL, with the digest of its last check (the head); those that were not reported
                 are the pages of the accounts behind the items, whose checks tell who went with whom
checks.jsonl     every check: its digest, what that covers (“content”), and notes of this campaign's people;
                 of those that said the same and are no longer kept, only their digests (“folded”)
verify.py        works the digests out again, and says what does not hold
SHA256SUMS       the digest of each of these files

All times are in UTC. A check that says “inconclusive” could not tell; it is never counted as a removal. The
columns are explained in docs/codebook.md of the program, Still Up.

How to check it
---------------

    python3 verify.py

needs Python 3.8 or newer and nothing else. It names the first check of each URL that is not what it was when
it was recorded. Each check's digest covers the digest of the check before it, so the last one, the head,
stands for all. Whoever has a head from an earlier day can see that nothing before it was changed since;
without one, this shows that the files agree with each other.

The digest of a check is the SHA-256 of its “content” as JSON, with sorted keys and without spaces. URLs and
notes are covered by salted digests: “target” is the SHA-256 of the salt and the URL in targets.jsonl, “note”
that of a note's salt and text. A note of a person outside this campaign is not in the bundle; its digest is.

Where a URL was erased from the record, what its checks held of it was erased, too (“evidence” says so), and
their digests cannot be worked out again. The “erasure” in targets.jsonl says when and why. Its digest is the
head from then on, and covers what is left: each check without its evidence, with its digest. A bundle or a
head of before the erasure still proves what it proved.
"""


def write_evidence(
    out: BinaryIO,
    *,
    campaign: Campaign,
    items: QuerySet[Item],
    what: str,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Write the bundle of some of a campaign's items to `out`; returns how many checks are in it.

    `what` names them: "item 12". `progress` hears the number of checks so far.
    """
    key = public_key_of(campaign)
    with one_view(), _Bundle(out) as bundle:
        with bundle.file("README.txt") as write:
            write(_readme(campaign, items, what).encode())
        for table in ("items", "reports", "transitions"):
            with bundle.file(f"{table}.csv") as write:
                export = export_of(campaign=campaign, table=table, format="csv", items=items)
                write_in_view(export, _Writing(write), key=key)
        with bundle.file("replies.jsonl") as write:
            for reply in _replies(campaign, items):
                write(_line(reply))
        targets = _targets(items)
        reported = set(items.order_by().values_list("target_id", flat=True))
        with bundle.file("targets.jsonl") as write:
            for target in targets.iterator(_CHUNK):
                write(_line(_target(target, reported=target.pk in reported)))
        count = 0
        with bundle.file("checks.jsonl") as write:
            for check in _checks(campaign, targets):
                write(_line(check))
                count += "content" in check
                if progress is not None and count % _CHUNK == 0:
                    progress(count)
        with bundle.file("verify.py") as write:
            write(VERIFIER.read_bytes())
    return count


def items_of_report(report: Report) -> QuerySet[Item]:
    """All items of a report, its controls too."""
    return items_of(report.campaign).filter(report=report)


def items_of_one(item: Item) -> QuerySet[Item]:
    """One item, as a query."""
    return items_of(item.report.campaign).filter(pk=item.pk)


class _Bundle:
    """A zip whose bytes depend on its content alone, with the digests of its files as the last of them."""

    def __init__(self, out: BinaryIO) -> None:
        self._zip = zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED)
        self._sums: dict[str, str] = {}

    def __enter__(self) -> _Bundle:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            lines = "".join(f"{digest}  {name}\n" for name, digest in sorted(self._sums.items()))
            with self._zip.open(_entry(SUMS), "w") as file:
                file.write(lines.encode())
        self._zip.close()

    @contextmanager
    def file(self, name: str) -> Iterator[Callable[[bytes], object]]:
        """One file of the bundle, to be written to in parts."""
        digest = hashlib.sha256()
        with self._zip.open(_entry(name), "w", force_zip64=True) as file:

            def write(content: bytes) -> None:
                digest.update(content)
                file.write(content)

            yield write
        self._sums[name] = digest.hexdigest()


class _Writing:
    """A file of the bundle, as an export writes to it."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write

    def write(self, content: bytes, /) -> int:
        self._write(content)
        return len(content)

    def flush(self) -> None:
        """The zip flushes at its end."""


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(f"evidence/{name}", _DATE)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    entry.create_system = 3  # Unix, wherever it is made
    return entry


def _line(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode() + b"\n"


def _readme(campaign: Campaign, items: QuerySet[Item], what: str) -> str:
    title = f"Evidence from the record of “{campaign.name}”"
    reports = list(reports_chosen(campaign, items))
    blocks = [
        f"Report {report.number}\n{'-' * len(f'Report {report.number}')}\n\n"
        f"Sent to {platform_name(report.platform)} on {_day(report.sent_at)}, by "
        f"{word_label(Channel, report.channel)}.\nAlleged: {word_label(Category, report.category)}. "
        f"Standing of the reporter: {word_label(Standing, report.standing)}.\n"
        for report in reports[:20]
    ]
    if (single := items.first()) is not None and items.count() == 1:
        blocks.append(
            f"The URL, written so that nothing follows it by accident:\n\n    "
            f"{defang(single.submitted) or '(erased)'}\n\nReported on {_day(single.reported_at)}.\n"
        )
    return README.format(
        campaign=campaign.name, underline="=" * len(title), what=what, reported="\n".join(blocks)
    )


def _day(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d at %H:%M} UTC"


def _replies(campaign: Campaign, items: QuerySet[Item]) -> Iterator[dict[str, Any]]:
    """The replies to the items' reports; of each, the claims about these items."""
    chosen = set(items.order_by().values_list("pk", flat=True))
    replies = Reply.objects.filter(report__in=reports_chosen(campaign, items).order_by().values("pk"))
    for reply in replies.select_related("report").order_by("report__number", "received_at", "pk"):
        yield {
            "reply": reply.pk,
            "report": reply.report.number,
            "kind": reply.kind,
            "decision": reply.decision or None,
            "received_at": iso(reply.received_at),
            "reference": reply.reference,
            "text": reply.text,
            "recorded_at": iso(reply.recorded_at),
            "taken_back_at": iso(reply.taken_back_at),
            "claims": [
                {"item": item, "claim": claim}
                for item, claim in reply.claims.order_by("item_id").values_list("item_id", "claim")
                if item in chosen
            ],
        }


def _targets(items: QuerySet[Item]) -> QuerySet[Target]:
    """The items' targets, and the pages of their accounts, which tell who went with whom."""
    own = items.order_by().values("target")
    accounts = items.order_by().exclude(target__account_key=0).values("target__account_key")
    pages = IS_PAGE & Q(account_key__in=accounts)
    return Target.objects.filter(Q(pk__in=own) | pages).order_by("pk")


def _target(target: Target, *, reported: bool) -> dict[str, Any]:
    erasure = Erasure.objects.filter(target=target).first() if not target.key else None
    told: dict[str, Any] = {}
    if erasure is not None:
        content = ledger.erasure_content(erasure, target_commitment=target.commitment)
        told["erasure"] = {"digest": erasure.digest, "content": content}
    return {
        "target": target.pk,
        "reported": reported,
        "url": target.key,
        "salt": target.salt,
        "commitment": target.commitment,
        "checks": target.check_count,
        "head": target.head_digest,
        **told,
    }


def _checks(campaign: Campaign, targets: QuerySet[Target]) -> Iterator[dict[str, Any]]:
    """Every check in the ledger's order, with what `ledger.digest` covers."""
    readable = set(
        Person.objects.filter(Q(memberships__campaign=campaign) | Q(is_superuser=True)).values_list(
            "pk", flat=True
        )
    )
    checks = Check.objects.filter(target__in=targets.order_by()).select_related("target")
    checks = checks.order_by("target_id", "number")
    target, previous, expected = None, "", 1
    for check in checks.iterator(_CHUNK):
        if check.target_id != target:
            target, previous, expected = check.target_id, "", 1
            folded = ledger.Folded(check.target)
        while check.number > expected and (digests := folded.starting_with(expected)):
            yield {"target": check.target_id, "folded": {"first": expected, "digests": digests}}
            previous, expected = digests[-1], expected + len(digests)
        line: dict[str, Any] = {
            "target": check.target_id,
            "digest": check.digest,
            "content": ledger.content_of(check, target_commitment=check.target.commitment, previous=previous),
        }
        if check.note and check.person_id in readable:
            line |= {"note": check.note, "note_salt": check.note_salt}
        previous, expected = check.digest, check.number + 1
        yield line
