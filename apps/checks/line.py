"""Whether our own line to the internet is down: what several platforms say, or do not say, at once. Pure.

When our line is down, everything looks alike: names do not resolve, connections are refused or hang. Where
something else answers for everybody (the sign-in page of a hotel, a filter on the way), everything looks
missing. Neither says anything of what was asked, so neither may go into the record. The rules:

1. What our line may have made is written down only if somebody else answered after it: for failures on
   several platforms, or a removal that nobody vouches for, with an answer that only its site can have given;
   for a page that is certainly up and was read as gone, with another such page that was read as up.
2. If nothing did, a few platforms are asked on purpose. Where none of them answers either, and several failed
   at once, it is our line: checking is paused, and what was held back is thrown away.
3. What fails on one platform alone is that platform's, and is recorded as ever.
4. It is over as soon as one platform gives an answer that nobody on the way can give, or several platforms,
   or all that could be asked, answer at all. Where something answered for everybody, one known-good page has
   to be read as up again: with that, no pause would have begun.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar
from urllib.parse import urlsplit

from .answer import Answer, Sign
from .outcomes import Outcome, Reason, Trouble
from .staleness import is_right

SEVERAL = 2  # platforms
LOOK_AT = 4  # platforms that are asked, at most, to learn how our line is
WINDOW_SECONDS = 120.0  # in which what fails on several platforms fails at once
FIRST_GAP = timedelta(seconds=15)
LONGEST_GAP = timedelta(minutes=5)

FAILURES = frozenset(
    {
        *(Reason.TIMEOUT, Reason.REFUSED, Reason.DNS_FAILURE, Reason.DOMAIN_GONE, Reason.BLOCKED_ADDRESS),
        *(Reason.TLS_FAILURE, Reason.CERTIFICATE_NAME, Reason.CERTIFICATE_EXPIRED, Reason.CERTIFICATE_ISSUER),
        *(Reason.PROTOCOL_ERROR, Reason.CHECKER_ERROR, Reason.NETWORK_BLOCK),
    }
)
"""Reasons of inconclusive checks that a line which is down may have given."""

PlatformSign = tuple[str, Sign]
T = TypeVar("T")


def sign_of(answers: Collection[Answer]) -> Sign:
    """What the answers to one check say of our line."""
    if any(one.status is not None and _is_trusted(one) for one in answers):
        return Sign.TOLD
    if answers and all(one.failure in FAILURES for one in answers):
        return Sign.SILENT
    return Sign.PLAIN


def _is_trusted(answer: Answer) -> bool:
    return urlsplit(answer.url or answer.ask.url).scheme == "https"


def sign_of_canary(expects: Outcome, outcome: Outcome, reason: Reason, sign: Sign) -> Sign:
    """What a canary says of our line that was read so; `sign` is what its answers say.

    A known-good URL that is read as gone is strange even over a trusted connection: whoever inspects TLS on
    the way is trusted, too.
    """
    if expects != Outcome.AVAILABLE or sign == Sign.SILENT:
        return sign
    right = is_right(expects, outcome, reason)
    if right:
        return Sign.RIGHT
    return Sign.STRANGE if right is False or sign < Sign.TOLD else sign


def trouble(signs: Collection[PlatformSign]) -> Trouble | None:
    """What is wrong with our line, by the signs of several platforms; None if they do not say that."""
    told = {sign for _, sign in signs}
    strange = {platform for platform, sign in signs if sign == Sign.STRANGE}
    silent = {platform for platform, sign in signs if sign == Sign.SILENT}
    if Sign.RIGHT in told:
        return None
    if len(strange) >= SEVERAL:
        return Trouble.STRANGE
    if told & {Sign.PLAIN, Sign.TOLD}:
        return None
    return Trouble.SILENT if len(strange | silent) >= SEVERAL else None


def is_over(why: Trouble | str, signs: Sequence[PlatformSign], *, could_be_asked: int) -> bool:
    """Whether a look shows that our line is up again.

    One answer is enough that nobody on the way can give, or, where pages were strange, one known-good page
    that is read as up: another platform may have gone down for good meanwhile, or its known-good page. After
    silence it is enough, too, that several platforms answer, or all that could be asked. `could_be_asked`
    counts the platforms, those, too, whose hosts rest. Where there is nobody at all any more it is over as
    well: then nobody could ever end it.
    """
    if not could_be_asked:
        return True
    proof = Sign.RIGHT if why == Trouble.STRANGE else Sign.TOLD
    if any(sign >= proof for _, sign in signs):
        return True
    answered = {platform for platform, sign in signs if sign >= Sign.PLAIN}
    return why == Trouble.SILENT and len(answered) >= min(SEVERAL, could_be_asked)


def in_turn(asked: Sequence[T], looks: int) -> list[T]:
    """Whom of those who can be asked the look of this number asks: others from look to look."""
    start = looks * LOOK_AT % len(asked) if asked else 0
    return [*asked[start:], *asked[:start]][:LOOK_AT]


def gap_after(looks: int) -> timedelta:
    """How long to wait after so many looks in one pause: 15 seconds, doubling to 5 minutes."""
    return min(FIRST_GAP * int(2 ** min(looks, 10)), LONGEST_GAP)


@dataclass(frozen=True, slots=True)
class Doubt:
    """Something that our own line may have made.

    It is written down if a sign of at least `needs` came after `since` (on the monotonic clock). `signs` are
    those that raised it.
    """

    needs: Sign
    since: float
    signs: tuple[PlatformSign, ...]


@dataclass(slots=True)
class Line:
    """What one process remembers of the signs that it saw, by the monotonic clock. Not thread-safe."""

    proved_at: dict[Sign, float] = field(default_factory=dict)
    silent_since: dict[str, tuple[float, float]] = field(default_factory=dict)  # first and last, by platform

    def saw(self, platform: str, sign: Sign, at: float) -> None:
        """Remember one sign."""
        for level in (Sign.TOLD, Sign.RIGHT):
            if sign >= level:
                self.proved_at[level] = max(at, self.proved_at.get(level, at))
        if sign == Sign.SILENT:
            first, last = self.silent_since.get(platform, (at, at))
            self.silent_since[platform] = (at if at - last > WINDOW_SECONDS else first, at)

    def proves(self, doubt: Doubt) -> bool:
        """Whether a doubt is settled in favour of what was seen."""
        return self.proved_at.get(doubt.needs, float("-inf")) >= doubt.since

    def trouble(self, doubts: Iterable[Doubt], signs: Iterable[PlatformSign]) -> Trouble | None:
        """What is wrong with our line, by the doubts that nobody has settled and a look's `signs`."""
        open_doubts = [doubt for doubt in doubts if not self.proves(doubt)]
        raised = [sign for doubt in open_doubts for sign in doubt.signs]
        return trouble([*raised, *signs]) if open_doubts else None

    def silent(self, now: float) -> dict[str, float]:
        """Platforms from which nothing came back lately, and since when; none once somebody told us more."""
        proved = self.proved_at.get(Sign.TOLD, float("-inf"))
        return {
            platform: max(first, proved)
            for platform, (first, last) in self.silent_since.items()
            if last > proved and now - last <= WINDOW_SECONDS
        }


def doubt_about(
    *,
    silent: Iterable[tuple[str, float]],
    unvouched: Iterable[tuple[str, float]],
    strange: Iterable[tuple[str, float]],
    line: Line,
    now: float,
) -> Doubt | None:
    """The doubt that outcomes raise together; each is given by its platform and when it was there.

    `silent`: nothing came back. `unvouched`: removed, over a connection that anybody may have answered on,
    or without any. `strange`: known-good pages, read rightly the last time, that are now read as gone.
    """
    silent, unvouched, strange = list(silent), list(unvouched), list(strange)
    signs = [(platform, Sign.STRANGE) for platform, _ in strange]
    signs += [(platform, Sign.SILENT) for platform, _ in silent]
    if strange:
        needs, at = Sign.RIGHT, [*strange, *unvouched]
    elif unvouched:
        needs, at = Sign.TOLD, [*silent, *unvouched]
    elif silent and len(others := line.silent(now)) >= SEVERAL:
        needs, at = Sign.TOLD, silent
        signs += [(platform, Sign.SILENT) for platform in others]
    else:
        return None
    return Doubt(needs, max(moment for _, moment in at), tuple(dict.fromkeys(signs)))
