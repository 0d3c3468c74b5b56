"""One row of a list of reported URLs: what it says, or why it cannot be used. Pure.

A date without a time is a whole day, and is read on the side that claims least. A report and a sighting count
from the day's first moment, so that a platform's clock covers the day and nothing is seen later than it was;
a removal counts from the day's last moment, or from now on the same day, so that nothing is gone earlier than
somebody saw it gone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from django.db.models import TextChoices

from apps.checks.outcomes import REASONS_OF, Outcome, Reason
from apps.core.canonical import UnusableURL, canonicalise
from apps.core.csv_cells import plain_cell
from apps.core.defanging import refang
from apps.platforms import registry
from apps.platforms.matching import Match, match, registrable_domain

from .models import Category, Channel, Standing
from .moments import Moment, UnusableMoment, read_moment

COLUMNS: Mapping[str, str] = {
    "url": "the reported address, defanged or not",
    "reported_at": "when it was reported",
    "platform": "whom it was reported to: a platform's name or domain",
    "channel": "how the report was sent",
    "standing": "who the reporter is to the content",
    "category": "what the report alleges",
    "reference": "the platform's or your own reference number",
    "labels": "words of your own, separated by ; or ,",
    "note": "a note for the campaign's members",
    "control": "yes for a matched URL that was not reported",
    "attested": "no if nobody says that it was accessible when it was reported; empty: yes",
    "available_at": "when a person last saw it available",
    "outcome": "what a person saw: available, restricted, removed or inconclusive",
    "reason": "why, in the word for it",
    "removed_at": "when a person saw it gone",
    "observed_at": "when a person saw the outcome",
}
"""What a list may have, and what each column holds. Only `url` must be there."""

MAX_REFERENCE = 200
MAX_ACCOUNT = 255
MAX_HOST = 253  # with its port
MAX_LABEL = 100
MAX_OWN_WORD = 60

SYNONYMS = {
    "ncii": "intimate_images",
    "nonconsensual_intimate_images": "intimate_images",
    "synthetic_ncii": "synthetic_intimate_images",
    "deepfake": "synthetic_intimate_images",
    "deepfakes": "synthetic_intimate_images",
    "csam": "child_safety",
    "csea": "child_safety",
    "hate": "hate_speech",
    "victim": "depicted_person",
    "agent": "authorised_agent",
    "authorized_agent": "authorised_agent",
    "ngo": "organisation",
    "organization": "organisation",
    "press": "journalist",
    "regulator": "authority",
}
"""Words that people in the field use for categories and standings of ours."""

_YES = frozenset({"yes", "y", "true", "1", "x"})
_NO = frozenset({"no", "n", "false", "0"})
_SHORTENED_NUMBER = re.compile(r"[0-9](?:[.,][0-9]+)?E\+[0-9]{2,3}")
_BETWEEN_LABELS = re.compile(r"[;,]")
_NEXT_URL = re.compile(r"[,;|]https?://", re.IGNORECASE)
_CONTROL_CHARACTER = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")

Word = TypeVar("Word", bound=TextChoices)


class Group(NamedTuple):
    """What the rows of one report have in common."""

    platform: str
    channel: str
    standing: str
    category: str
    reference: str


@dataclass(frozen=True, slots=True)
class Observed:
    """What a person saw. `observed_at` is None where the row gives no moment: the import's own stands in."""

    outcome: Outcome
    reason: Reason
    observed_at: datetime | None


@dataclass(frozen=True, slots=True)
class AcceptedRow:
    """A row that can be written. `reported_at` is None where the row has no date of its own."""

    submitted: str
    match: Match
    group: Group
    reported_at: datetime | None
    labels: tuple[str, ...] = ()
    note: str = ""
    control: bool = False
    attested: bool = True  # the reporter says that it was up when it was reported
    observations: tuple[Observed, ...] = ()

    @property
    def first_removal(self) -> datetime | None:
        """The earliest dated removal that the row tells of."""
        return min(
            (
                seen.observed_at
                for seen in self.observations
                if seen.outcome == Outcome.REMOVED and seen.observed_at is not None
            ),
            default=None,
        )


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row that cannot be used, and a sentence that says why."""

    reason: str


@dataclass(frozen=True, slots=True)
class RowContext:
    """What a row is read against.

    `refusal` says why the checker must not visit an address, or None (`apps.checks.address.refusal`).
    `default_reported_at` stands in where a row has no date. `group_defaults` are words for rows that leave a
    column empty, by our column.
    """

    zone: ZoneInfo
    now: datetime
    refusal: Callable[[str], str | None]
    default_reported_at: datetime | None = None
    group_defaults: Mapping[str, str] = field(default_factory=dict)
    platforms_named: dict[str, str | None] = field(default_factory=dict)  # words that were looked up already


class _Rejected(ValueError):
    """Why the row cannot be used."""


def read_row(cells: Mapping[str, str], context: RowContext) -> AcceptedRow | RejectedRow:
    """Read one row: our column to the text in it; a column that the list lacks may be missing.

    Everything is checked before anything is written, and the first thing that is wrong is the reason.
    """
    try:
        return _read(cells, context)
    except (_Rejected, UnusableURL) as error:
        return RejectedRow(str(error))


def removal_before_report(removed: datetime | None, reported_at: datetime) -> str | None:
    """The sentence against a removal that lies before the report; None where all is well."""
    if removed is None or removed >= reported_at:
        return None
    return (
        f"It was removed ({_shown(removed)}) before it was reported ({_shown(reported_at)}): "
        "correct the dates; without a reported_at of its own a row counts from its report."
    )


def _read(cells: Mapping[str, str], context: RowContext) -> AcceptedRow:
    texts = {column: plain_cell(text).strip() for column, text in cells.items()}
    for column, text in texts.items():
        if column != "url" and _CONTROL_CHARACTER.search(text):
            raise _Rejected(f"{column}: holds a control character (or NUL): take it out.")
    found = _found(texts.get("url", ""), context)
    reported = _moment("reported_at", texts, context)
    reported_at = reported.first if reported is not None else context.default_reported_at
    observations = _observations(texts, context)
    row = AcceptedRow(
        submitted=texts.get("url", ""),
        match=found,
        group=_group(texts, found, context),
        reported_at=reported_at,
        labels=_labels(texts.get("labels", "")),
        note=texts.get("note", ""),
        control=_yes_or_no("control", texts.get("control", ""), empty=False),
        attested=_yes_or_no("attested", texts.get("attested", ""), empty=True),
        observations=observations,
    )
    if reported_at is not None:
        wrong = removal_before_report(row.first_removal, reported_at)
        if wrong is not None:
            raise _Rejected(wrong)
    return row


def _found(text: str, context: RowContext) -> Match:
    url = canonicalise(text)
    if _NEXT_URL.search(refang(text)):
        # One address of both would lead nowhere, and would then count as removed.
        raise _Rejected(
            "There is more than one URL: put each on a line of its own. If it is one, write the sign before "
            "its inner address by its code: %2C for a comma, %3B for a semicolon."
        )
    found = match(url)
    refused = context.refusal(found.key)
    if refused is not None:
        raise _Rejected(refused)
    if len(found.account) > MAX_ACCOUNT:
        raise _Rejected(f"The account in the URL is longer than {MAX_ACCOUNT} characters.")
    if len(found.host) > MAX_HOST:
        raise _Rejected(f"The host in the URL is longer than {MAX_HOST} characters, its port included.")
    return found


def _group(texts: Mapping[str, str], found: Match, context: RowContext) -> Group:
    def text(column: str) -> str:
        return texts.get(column) or context.group_defaults.get(column, "")

    reference = text("reference")
    if len(reference) > MAX_REFERENCE:
        raise _Rejected(f"reference: longer than {MAX_REFERENCE} characters.")
    if _SHORTENED_NUMBER.fullmatch(reference):
        raise _Rejected(
            f"reference: “{reference}” is what a spreadsheet makes of a long number, whose last digits are "
            "lost: give the column the format of text, enter the number again, and export it anew."
        )
    return Group(
        platform=_platform(text("platform"), found, context),
        channel=(_word("channel", text("channel"), Channel) or Channel.UNKNOWN).value,
        standing=_open_word("standing", text("standing"), Standing) or Standing.UNKNOWN.value,
        category=_open_word("category", text("category"), Category) or Category.UNKNOWN.value,
        reference=reference,
    )


def _platform(given: str, found: Match, context: RowContext) -> str:
    if not given:
        return found.platform
    if given not in context.platforms_named:
        context.platforms_named[given] = platform_named(given)
    named = context.platforms_named[given]
    if named is None:
        raise _Rejected(
            f"platform: “{given[:60]}” is neither a platform that is known here nor a domain: "
            "write its domain, or leave it empty to take it from the URL."
        )
    if named == found.definition:
        return found.platform  # a software's name may stand for the site that runs it
    if named != found.platform and named != platform_named(found.platform):
        raise _Rejected(
            f"platform: {registry.platform_name(named)} is given, but the URL is on "
            f"{registry.platform_name(found.platform)}: a report goes to one platform, so correct one."
        )
    return named


def platform_named(text: str) -> str | None:
    """The platform that a person's word means: its slug, its name or a domain; None for none of them."""
    plain = _squeezed(text)
    for slug, definition in registry.definitions().items():
        if plain in map(_squeezed, (slug, definition.name, *definition.also_called)):
            return slug
    try:
        url = canonicalise(text)
    except UnusableURL:
        # A domain that no public suffix ends, as the demo's hosts: taken where a definition knows it.
        known = registry.definition_for_host(*registry.split_authority(text.lower()))
        return known.slug if known is not None else None
    known = registry.definition_for_host(url.host, url.port)
    return known.slug if known is not None else registrable_domain(url.host)


def _squeezed(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


def _observations(texts: Mapping[str, str], context: RowContext) -> tuple[Observed, ...]:
    """What a person saw, as the columns tell it.

    - `available_at`: available at that moment. `removed_at`: removed at that moment.
    - `outcome`: seen at `observed_at`; without it a removal at `removed_at` and an availability at
      `available_at` (the same sighting, told twice); without those, at the moment of the import, undated.
    - `reason` belongs to `outcome`, and to `removed_at` where they agree or there is no outcome.
    """
    available = _moment("available_at", texts, context)
    removed = _moment("removed_at", texts, context)
    observed = _moment("observed_at", texts, context)
    outcome = _word("outcome", texts.get("outcome", ""), Outcome)
    given = _word("reason", texts.get("reason", ""), Reason)
    if observed is not None and outcome is None:
        raise _Rejected("observed_at: there is no outcome to it. Add what was seen, or leave it empty.")
    if given is not None and outcome is None and removed is None:
        raise _Rejected("reason: there is no outcome to it. Add what was seen, or leave it empty.")
    reason = given or Reason.PERSON
    _refuse_contradiction(outcome or Outcome.REMOVED, reason)

    seen: list[Observed] = []
    if available is not None:
        of_available = reason if outcome == Outcome.AVAILABLE else Reason.PERSON
        seen.append(Observed(Outcome.AVAILABLE, of_available, available.first))
    removed_at = None
    if removed is not None:
        removed_at = min(removed.last, context.now)
        if available is not None and available.first == removed_at:
            raise _Rejected("removed_at and available_at are the same moment: one of them is wrong.")
        of_removed = reason if outcome in {None, Outcome.REMOVED} else Reason.PERSON
        seen.append(Observed(Outcome.REMOVED, of_removed, removed_at))
    if outcome is not None:
        told = {Outcome.REMOVED: removed is not None, Outcome.AVAILABLE: available is not None}
        if observed is not None:
            moment = min(observed.last, context.now) if outcome == Outcome.REMOVED else observed.first
            again = Observed(outcome, reason, moment)
            if again not in seen:
                seen.append(again)
        elif not told.get(outcome, False):
            seen.append(Observed(outcome, reason, None))
    return tuple(seen)


def _refuse_contradiction(outcome: Outcome, reason: Reason) -> None:
    contradicts = {
        Outcome.AVAILABLE: reason in REASONS_OF[Outcome.REMOVED],
        Outcome.RESTRICTED: reason in REASONS_OF[Outcome.REMOVED],
        Outcome.REMOVED: reason in REASONS_OF[Outcome.AVAILABLE],
    }
    if contradicts.get(outcome, False):
        raise _Rejected(
            f"reason: “{reason.value}” ({reason.label}) contradicts the outcome “{outcome.value}”."
        )


def _moment(column: str, texts: Mapping[str, str], context: RowContext) -> Moment | None:
    text = texts.get(column, "")
    if not text:
        return None
    try:
        moment = read_moment(text, context.zone)
    except UnusableMoment as error:
        raise _Rejected(f"{column}: {error}") from error
    if moment.first > context.now:
        raise _Rejected(f"{column}: “{text[:40]}” is in the future; it is now {_shown(context.now)}.")
    return moment


def _word(column: str, text: str, words: type[Word]) -> Word | None:
    if not text:
        return None
    word: Word | None = _words(words).get(_underscored(text))
    if word is None:
        allowed = ", ".join(words.values)
        raise _Rejected(f"{column}: “{text[:60]}” is not one of its words. Write one of: {allowed}.")
    return word


def _open_word(column: str, text: str, words: type[Word]) -> str:
    """A word of the list, also by its synonyms; any other word stays the reporter's own."""
    own = " ".join(text.split())
    if len(own) > MAX_OWN_WORD:
        raise _Rejected(f"{column}: “{own[:40]}…” is longer than {MAX_OWN_WORD} characters.")
    spelt = _underscored(own)
    known = _words(words).get(SYNONYMS.get(spelt, spelt))
    return known.value if known is not None else own


@cache
def _words(words: type[Word]) -> dict[str, Word]:
    named = {_underscored(word.label): word for word in words}
    return named | {word.value: word for word in words}


def _underscored(text: str) -> str:
    return re.sub(r"[\s_-]+", "_", text.strip().casefold())


def _labels(text: str) -> tuple[str, ...]:
    labels = tuple(dict.fromkeys(filter(None, (label.strip() for label in _BETWEEN_LABELS.split(text)))))
    for label in labels:
        if len(label) > MAX_LABEL:
            raise _Rejected(f"labels: “{label[:40]}…” is longer than {MAX_LABEL} characters.")
    return labels


def _yes_or_no(column: str, text: str, *, empty: bool) -> bool:
    word = text.casefold()
    if not word:
        return empty
    if word in _YES or word == column:
        return True
    if word in _NO:
        return False
    raise _Rejected(f"{column}: “{text[:40]}” is neither yes nor no. Write yes, no, or leave it empty.")


def _shown(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
