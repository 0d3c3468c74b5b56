"""Which checks say nothing new, and can be folded away: a pure rule over the checks of one target.

Most checks say what the one before said. What stays are the first and the last of what says the same, what a
change of status rests on, what a person saw, and in between enough to know at any time how the target stood:
the longer it had stood so, the farther apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

SHARE_OF_AGE = 0.5  # of the time for which the target has said the same: the longest that a stretch covers
LONGEST = timedelta(days=30)
FEWEST = 2  # checks; to fold a single one away saves little


@dataclass(frozen=True, slots=True)
class Said:
    """What of a check decides whether it can be folded away. `says` is all that it said and who
    looked, in any form."""

    number: int
    started_at: datetime
    finished_at: datetime
    recorded_at: datetime
    says: object
    stays: bool  # a person made it, or a change of status names it, or it shows what was just reported


def stretches(checks: Sequence[Said], *, before: datetime) -> Iterator[tuple[int, int]]:
    """The first and the last number of each stretch of checks that can be folded away.

    `checks` are those of a target that are there, by number. A stretch stands between two checks that stay
    and say the same, is older than `before`, and follows the order in which things were seen: what was
    handed in later stays, with its neighbours.
    """
    folded: list[Said] = []
    anchor = since = None
    for place, check in enumerate(checks):
        follower = checks[place + 1] if place + 1 < len(checks) else None
        if anchor is None or since is None or check.says != anchor.says:
            since = check
        elif (
            follower is not None
            and _can_go(check, folded[-1] if folded else anchor, follower, before)
            and follower.finished_at - anchor.finished_at <= longest(since.started_at, anchor.finished_at)
        ):
            folded.append(check)
            continue
        yield from _whole(folded)
        folded = []
        anchor = check
    yield from _whole(folded)


def longest(since: datetime, until: datetime) -> timedelta:
    """How far the check after a stretch can be from the one before it, which ended at `until`.

    `since` is when the first check began after which all said the same.
    """
    return min((until - since) * SHARE_OF_AGE, LONGEST)


def _can_go(check: Said, last: Said, follower: Said, before: datetime) -> bool:
    return (
        not check.stays
        and check.says == follower.says
        and last.number + 1 == check.number == follower.number - 1
        and last.finished_at <= check.started_at
        and check.finished_at <= follower.started_at
        and check.finished_at < before
        and check.recorded_at < before
    )


def _whole(folded: Iterable[Said]) -> Iterator[tuple[int, int]]:
    numbers = [check.number for check in folded]
    if len(numbers) >= FEWEST:
        yield numbers[0], numbers[-1]
