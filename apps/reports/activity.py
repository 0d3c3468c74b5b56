"""The activity log: who did what, when, to what, from which values to which.

Every service that changes a campaign, or takes something out of it, calls `record` in the transaction of the
change: neither is there without the other. Nothing that somebody wrote is kept in it, no URL, account, name
or secret: values are numbers, moments, yes or no, and words of closed lists. Of everything else it is only
said that it changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from enum import Enum
from typing import Any, TypeAlias

from django.db import transaction

from apps.accounts.models import Person

from .models import Activity, Campaign, Deed, Subject


class Word(str):
    """A word of a closed list of the program's own, such as the name of a table; nothing that was typed."""


Telling: TypeAlias = bool | int | datetime | Enum | Word | None
Told: TypeAlias = Telling | Sequence[Word]


def record(
    deed: Deed,
    *,
    person: Person | int | None,
    campaign: Campaign | int | None,
    subject: Subject | None = None,
    number: int | None = None,
    became: Mapping[str, Told] | None = None,
    was: Mapping[str, Told] | None = None,
    hidden: Iterable[str] = (),
    token: int | None = None,
) -> Activity:
    """Note what somebody did, in the transaction of what they did. One row, however much it was.

    `person` is None at the command line, `campaign` None for what concerns the whole site. Both can be given
    by their keys. `number` is the number of the `subject`. `became` are values by name, and `was` those
    before; `hidden` names what changed as well, and is not said. `token` is the number of the API token by
    which a program did it on behalf of `person`. Raises RuntimeError outside a transaction, and TypeError for
    a text that may be somebody's words.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("What somebody did is noted in the transaction in which it is done.")
    changes: dict[str, dict[str, Any]] = {name: {} for name in hidden}
    for name, value in (was or {}).items():
        changes.setdefault(name, {})["was"] = _kept(value)
    by_token = {} if token is None else {"token": token}
    for name, value in {**(became or {}), **by_token}.items():
        changes.setdefault(name, {})["became"] = _kept(value)
    return Activity.objects.create(
        person_id=person.pk if isinstance(person, Person) else person,
        campaign_id=campaign.pk if isinstance(campaign, Campaign) else campaign,
        deed=deed,
        subject=subject or "",
        number=number,
        changes=changes,
    )


def word_of(words: type[Enum], value: str) -> Word:
    """A word that people chose or wrote: as it is if the list has it, else only that it is their own."""
    return Word(value if value in {word.value for word in words} else "other_words")


def _kept(value: Told) -> Any:
    """A value as JSON has it."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds")
    if isinstance(value, Word):
        return str(value)
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_kept(each) for each in value]
    raise TypeError("The activity log keeps no text that somebody may have written. Name it in `hidden`.")
