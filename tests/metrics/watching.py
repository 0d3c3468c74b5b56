"""Small campaigns for tests of figures: items and the checks that were made of them, folded as live."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from apps.checks.outcomes import Outcome, Reason
from apps.checks.recording import NewCheck, append
from apps.reports.models import Item, Report
from tests.factories import START, at, make_item, make_target

REASONS = {
    Outcome.AVAILABLE: Reason.OK,
    Outcome.RESTRICTED: Reason.LABELLED,
    Outcome.REMOVED: Reason.GONE,
    Outcome.INCONCLUSIVE: Reason.TIMEOUT,
}
WORDS = {
    "up": Outcome.AVAILABLE,
    "labelled": Outcome.RESTRICTED,
    "gone": Outcome.REMOVED,
    "unclear": Outcome.INCONCLUSIVE,
}


@dataclass(frozen=True, slots=True)
class Look:
    """One look at an item, so many hours after START: what was seen, and whether a person looked."""

    hours: float
    word: str
    person: bool = False


def looks(story: str, *, person: bool = False) -> list[Look]:
    """ "up 1, gone 4 5 6" as looks: a word and the hours at which it was seen."""
    made = []
    for part in story.split(","):
        word, *hours = part.split()
        made += [Look(float(hour), word, person) for hour in hours]
    return made


def watched(
    report: Report,
    story: str = "",
    *,
    by_person: bool = False,
    account: str = "",
    control: bool = False,
    target: str = "",
    reported_hours: float | None = None,
) -> Item:
    """An item of `report` and the checks of its target, recorded as the checker or a person would."""
    made = make_target(target, account=account)
    item = make_item(report, made, control=control)
    if reported_hours is not None:
        item.reported_at = at(reported_hours)
    item.created_at = min(START, item.reported_at)
    item.save()
    record(item, looks(story, person=by_person) if story else [])
    return item


def record(item: Item, seen: Sequence[Look]) -> None:
    """Record looks at an item's target."""
    append(check_of(item, look) for look in seen)


def check_of(item: Item, look: Look) -> NewCheck:
    """A look at an item's target as it is recorded."""
    return NewCheck(
        target_id=item.target_id,
        started_at=at(look.hours),
        finished_at=at(look.hours),
        outcome=WORDS[look.word],
        reason=Reason.PERSON if look.person else REASONS[WORDS[look.word]],
        definitive=look.word == "gone" and not look.person,
        manual=look.person,
    )
