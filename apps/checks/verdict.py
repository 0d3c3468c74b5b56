"""What the answers to a check mean. Pure: the same answers always give the same verdict.

The order: walls; the platform's signals; the generic signals (where nothing came back, those for failures);
and for what a 200 or a redirect claims, the comparison with an address that cannot exist.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from urllib.parse import urlsplit

from apps.platforms import registry
from apps.platforms.matching import Match, template_parameters
from apps.platforms.schema import Probe, Signal, expand

from .answer import Answer, Ask, Identity, Verdict
from .outcomes import REASONS_OF, Outcome, Reason
from .page import distance
from .siblings import SiblingFacts, compared_with, is_home, subject
from .signals import Reading, also_matches, generic_signals, matches, may_match, values_at

SIBLING = "sibling"
GENERIC = "generic"  # where signals are from that hold for any site
SAME_TEXT_BITS = 6  # fingerprints that differ in so few of 64 bits are of the same page
LITTLE_TEXT = 200  # characters; a page without a heading that shows less shows nothing of its subject
LONGEST_RETRY_AFTER = timedelta(hours=24)
LONGEST_IDENTITY = 200  # characters

PAGE_PROBE = Probe(name="page", url="{url}")
"""How a page is asked of which no definition knows more."""

_WALL_INSTEAD = {Reason.AGE_WALL: Reason.CONSENT_WALL, Reason.PRIVATE: Reason.LOGIN_WALL}
"""What a restriction is when the whole site shows it: then it does not prove that the item is there."""


def judge(
    match: Match,
    answers: Sequence[Answer],
    seen_available: bool,
    *,
    wall: datetime,
    sibling: SiblingFacts | None = None,
    was_gone: bool = False,
) -> Verdict | Ask:
    """What the answers so far mean, or what has to be asked as well.

    1. No answer yet: ask the first probe of the kind. Where a kind has none, nothing may be asked.
    2. The last answer is read; a signal of the platform may send us on to another probe.
    3. A "removed" that could also mean "private" holds only for a target that was seen available before.
    4. A 200 without a platform's word for it, a redirect to a home page and what is said of a whole site are
       compared with a sibling: `sibling` if it is known already, else the answer named "sibling".
    5. What `was_gone` and is there again by such a 200 is so only if the sibling's answer told something.

    `wall` is the real time of the answers, for Retry-After.
    """
    params = template_parameters(match)
    asked = [answer for answer in answers if answer.ask.name != SIBLING]
    if not probes_of(match):
        return Verdict(Outcome.INCONCLUSIVE, Reason.BLOCKED_ADDRESS, False, "checker:not-asked@1", "")
    if not asked:
        return _ask(probes_of(match)[0], params)
    if any(answer.failure == Reason.NOT_RECORDED for answer in answers):
        return Verdict(
            Outcome.INCONCLUSIVE, Reason.NOT_RECORDED, False, "checker:not-recorded@1", answers[-1].ask.name
        )

    answer = asked[-1]
    probe = probe_of(match, answer)
    reading = Reading(answer, asked_of=match.key, params=params, json_after=probe.json_after)
    beside = _Beside(match, answers, sibling, was_gone=was_gone)
    retry_after = _retry_after_of_own_host(match, answers, wall)
    already = {one.ask.name for one in asked}
    for origin, signal in _possible(
        registry.directories(), match.definition, match.kind, probe, answer.status, answer.failure
    ):
        if signal.ask in already or not also_matches(signal.when, reading):
            continue
        decided_by = f"{origin}:{signal.name}"
        if signal.ask:
            further = next(one for one in probes_of(match) if one.name == signal.ask)
            return _ask(further, params, because=decided_by)
        never_seen = signal.needs_seen and not seen_available
        compares = signal.whole_site or (signal.compare and not never_seen)
        if compares and beside.is_wanted_for(signal):
            return replace(beside.ask(), because=decided_by)
        if is_set_aside(match, reading, signal, beside.facts):
            continue
        outcome, reason = Outcome(signal.outcome), Reason(signal.reason)
        if never_seen:
            outcome, reason = Outcome.INCONCLUSIVE, _cannot_tell(reason)
        elif compares:
            outcome, reason = _compared(match, reading, signal, beside.facts, seen_available, was_gone)
            if (outcome, reason) != (signal.outcome, signal.reason):
                decided_by = comparison_name()
        return Verdict(
            outcome=outcome,
            reason=reason,
            definitive=signal.definitive and outcome == Outcome.REMOVED,
            signal=decided_by,
            probe=probe.name,
            retry_after=retry_after,
        )
    assert answer.failure is not None  # noqa: S101 - the last generic signal covers every status
    return Verdict(Outcome.INCONCLUSIVE, answer.failure, False, "checker:failure@1", probe.name, retry_after)


def identity_of(match: Match, answers: Sequence[Answer]) -> Identity | None:
    """The name that stays with a thing when its address does not, as its platform gave it last.

    Another thing that answers at the same address later has another one.
    """
    for answer in reversed(answers):
        probe = probe_of(match, answer)
        if probe.identity and answer.status is not None and 200 <= answer.status < 300:
            reading = Reading(answer, asked_of=match.key, params={}, json_after=probe.json_after)
            values, _ = values_at(reading.json, probe.identity)
            for value in values:
                if isinstance(value, str | int) and not isinstance(value, bool) and str(value):
                    return Identity(probe.name, str(value)[:LONGEST_IDENTITY])
    return None


def probes_of(match: Match) -> tuple[Probe, ...]:
    """The ways to ask about a match, in their order; none where only a person may look."""
    definition = registry.definition(match.definition)
    kind = definition.kind(match.kind) if definition is not None else None
    if definition is None or kind is None:
        return (PAGE_PROBE,)
    return tuple(definition.probes[name] for name in kind.probes)


def probe_of(match: Match, answer: Answer) -> Probe:
    """The probe that an answer belongs to."""
    return next((one for one in probes_of(match) if one.name == answer.ask.name), PAGE_PROBE)


def _ask(probe: Probe, params: Mapping[str, str], *, because: str = "") -> Ask:
    return Ask(
        name=probe.name,
        url=expand(probe.url, params),
        accept=probe.accept,
        follow_redirects=probe.follow_redirects,
        because=because,
        head_only=probe.format == "file",
        post=expand(probe.post, params),
    )


def candidates(
    match: Match, probe: Probe, answer: Answer, *, already: Collection[str]
) -> list[tuple[str, Signal]]:
    """The signals that may decide what an answer means, in their order, each with the name of its source.

    The first that matches and is not set aside decides. `already` are the probes that were asked: none is
    asked twice.
    """
    found = _candidates(match.definition, match.kind, probe, failed=answer.failure is not None)
    return [(origin, signal) for origin, signal in found if signal.ask not in already]


@lru_cache(maxsize=4096)
def _possible(
    _directories: tuple[str, ...],
    definition: str,
    kind: str,
    probe: Probe,
    status: int | None,
    failure: Reason | None,
) -> tuple[tuple[str, Signal], ...]:
    """Those of the candidates whose conditions on the status, or on why there is no answer, hold.

    Kept by the folders whose definitions are in force, since most of some hundred signals drop out here.
    """
    return tuple(
        (origin, signal)
        for origin, signal in _candidates(definition, kind, probe, failed=failure is not None)
        if may_match(signal.when, status=status, failure=failure)
    )


def _candidates(definition: str, kind: str, probe: Probe, *, failed: bool) -> Iterator[tuple[str, Signal]]:
    generic = generic_signals()
    if not failed:
        yield from ((GENERIC, signal) for signal in generic.walls)
    for signal in _platform_signals(definition, kind, probe):
        yield definition, signal
    for signal in generic.failures if failed else generic.answers:
        if probe.generic or signal.outcome not in {Outcome.REMOVED, Outcome.AVAILABLE}:
            yield GENERIC, signal


def _platform_signals(slug: str, kind: str, probe: Probe) -> list[Signal]:
    definition = registry.definition(slug)
    if definition is None:
        return []
    known_kind = definition.kind(kind) is not None
    return [
        signal
        for signal in definition.signals
        if (not signal.kinds or kind in signal.kinds)
        # A page of the platform that is of no kind shares its probe's name with a kind only by accident.
        and (not signal.probes or (known_kind and probe.name in signal.probes))
    ]


def _cannot_tell(reason: Reason) -> Reason:
    """What remains of the reason of a removal that may be none."""
    return reason if reason in REASONS_OF[Outcome.INCONCLUSIVE] else Reason.MISSING_OR_PRIVATE


# ------------------------------------------------------------------------------------------------- comparison


def sibling_facts(answer: Answer) -> SiblingFacts:
    """What an answer for an address that cannot exist tells of its host."""
    asked = answer.ask.url
    reading = Reading(answer, asked_of=asked, params={})
    if answer.status is None or any(matches(signal.when, reading) for signal in generic_signals().walls):
        return SiblingFacts(told=False)
    if answer.status in {404, 410}:
        return SiblingFacts(told=True, missing=True, empty=not answer.body)
    if answer.status == 451:
        return SiblingFacts(told=True, barred=True)
    if answer.status not in {200, 203} or not answer.body:
        return SiblingFacts(told=False)
    return SiblingFacts(
        told=True,
        final_url=reading.final_url if answer.hops else "",
        media_type=reading.content.media_type,
        title=_title_without(reading, asked),
        fingerprint=reading.content.fingerprint(ignoring=(subject(asked),)),
        says_not_found=reading.says_not_found,
    )


def comparison_name() -> str:
    """What a verdict names where the comparison, not the signal, decided."""
    return f"{GENERIC}:{generic_signals().comparison.name}"


def facts_beside(answers: Iterable[Answer]) -> SiblingFacts:
    """What the answers to a check tell of an address that cannot exist."""
    return next((sibling_facts(one) for one in answers if one.ask.name == SIBLING), SiblingFacts(told=False))


def is_set_aside(match: Match, reading: Reading, signal: Signal, beside: SiblingFacts) -> bool:
    """Whether a claim about the whole site is none, because the rest of the site is answered otherwise."""
    return signal.whole_site and beside.told and not _is_answered_alike(match, reading, beside)


class _Beside:
    """The answer for an address beside a target that cannot exist, and whether it has yet to be asked for."""

    def __init__(
        self, match: Match, answers: Sequence[Answer], known: SiblingFacts | None, *, was_gone: bool
    ) -> None:
        self._key = match.key
        self._was_gone = was_gone
        self._asked = known is not None or any(one.ask.name == SIBLING for one in answers)
        self.facts = known or facts_beside(answers)

    def is_wanted_for(self, signal: Signal) -> bool:
        """Whether the answer has yet to be asked for.

        That a front page is there needs no comparison, unless it was gone: whoever has the name now may show
        one page for everything.
        """
        if self._asked:
            return False
        claims_presence = signal.outcome != Outcome.REMOVED and not signal.whole_site
        if is_home(self._key) and claims_presence and not self._was_gone:
            return False
        return compared_with(self._key) is not None

    def ask(self) -> Ask:
        url = compared_with(self._key)
        assert url is not None  # noqa: S101 - it is wanted
        return Ask(name=SIBLING, url=url)


def _compared(
    match: Match,
    reading: Reading,
    signal: Signal,
    beside: SiblingFacts,
    seen_available: bool,
    was_gone: bool,
) -> tuple[Outcome, Reason]:
    """What remains of a claim when it is held against the answer for an address that cannot exist.

    A claim that the item is there holds if the sibling is answered differently, or, unless it is news, told
    nothing; a claim that it is gone, or about the whole site, if the sibling is answered in the same way.
    """
    outcome, reason = claimed = Outcome(signal.outcome), Reason(signal.reason)
    alike = _is_answered_alike(match, reading, beside)
    if signal.whole_site and outcome == Outcome.RESTRICTED:
        return claimed if alike else (Outcome.INCONCLUSIVE, Reason.SHELL)
    if outcome != Outcome.REMOVED and is_home(match.key) and not was_gone:
        return (Outcome.INCONCLUSIVE, Reason.SOFT_404) if reading.says_not_found else claimed
    if outcome == Outcome.REMOVED:
        if alike:
            return claimed
        return Outcome.INCONCLUSIVE, _cannot_tell(reason) if reading.answer.body else Reason.EMPTY_ANSWER
    if beside.told and not alike:
        return claimed
    if outcome == Outcome.RESTRICTED:
        return Outcome.INCONCLUSIVE, _WALL_INSTEAD[reason]
    if reading.says_not_found:
        return (Outcome.REMOVED if alike and seen_available else Outcome.INCONCLUSIVE), Reason.SOFT_404
    is_news = was_gone and compared_with(match.key) is not None
    if alike or is_news or shows_little(reading):
        return Outcome.INCONCLUSIVE, Reason.SHELL
    return claimed


def _is_answered_alike(match: Match, reading: Reading, facts: SiblingFacts) -> bool:
    """Whether a target and its sibling are answered in the same way: by status, final URL, title and text."""
    if not facts.told:
        return False
    barred = reading.answer.status == 451
    if barred or facts.barred:
        return barred == facts.barred
    missing = reading.answer.status in {404, 410}
    if missing or facts.missing:
        return missing == facts.missing and facts.empty == (not reading.answer.body)
    if reading.answer.hops and reading.final_url == facts.final_url:
        return True
    if facts.media_type != reading.content.media_type:
        return False
    if reading.says_not_found and facts.says_not_found:
        return True
    if _title_without(reading, match.key) != facts.title:
        return False
    own = reading.content.fingerprint(ignoring=(subject(match.key),))
    return distance(own, facts.fingerprint) <= SAME_TEXT_BITS


def shows_little(reading: Reading) -> bool:
    """Whether a page shows hardly anything, so that it may be the same for every address."""
    page = reading.content.page
    return reading.content.media_type == "text/html" and not page.headings and len(page.text) < LITTLE_TEXT


def _title_without(reading: Reading, url: str) -> str:
    """The title without the name in the address: "nothing at abc" and "nothing at xyz" say the same."""
    name = subject(url).casefold()
    title = reading.normal_title
    return " ".join(title.replace(name, " ").split()) if len(name) > 2 else title


# ------------------------------------------------------------------------------------------------ Retry-After


def retry_after(answer: Answer, wall: datetime) -> datetime | None:
    """The real time before which a host does not want to be asked again, at most 24 h ahead; None if untold.

    From Retry-After (RFC 9110, section 10.2.3: seconds or a date), an exhausted `RateLimit` (IETF draft
    "RateLimit header fields for HTTP") or an exhausted `X-RateLimit-Remaining` with its reset.
    """
    if answer.status is None or answer.status < 400:
        return None
    until = (
        _from_retry_after(answer.headers.get("retry-after", ""), wall)
        or _from_rate_limit(answer.headers.get("ratelimit", ""), wall)
        or _from_reset(answer.headers, wall)
    )
    if until is None or until <= wall:
        return None
    return min(until, wall + LONGEST_RETRY_AFTER)


def _from_retry_after(value: str, wall: datetime) -> datetime | None:
    value = value.strip()
    if re.fullmatch(r"\d{1,9}(?:\.\d*)?", value, re.ASCII):
        return wall + timedelta(seconds=math.ceil(float(value)))
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _from_rate_limit(value: str, wall: datetime) -> datetime | None:
    remaining = re.search(r"\br=(\d{1,9})\b", value, re.ASCII)
    seconds = re.search(r"\bt=(\d{1,9})\b", value, re.ASCII)
    if remaining is None or seconds is None or int(remaining[1]) > 0:
        return None
    return wall + timedelta(seconds=int(seconds[1]))


def _from_reset(headers: Mapping[str, str], wall: datetime) -> datetime | None:
    reset = headers.get("x-ratelimit-reset", "").strip()
    if headers.get("x-ratelimit-remaining", "").strip() != "0" or not re.fullmatch(
        r"\d{9,11}", reset, re.ASCII
    ):
        return None
    return datetime.fromtimestamp(int(reset), UTC)


def _retry_after_of_own_host(match: Match, answers: Sequence[Answer], wall: datetime) -> datetime | None:
    own = urlsplit(match.key).netloc
    told = [
        retry_after(answer, wall)
        for answer in answers
        if urlsplit(answer.url or answer.ask.url).netloc == own
    ]
    return max((moment for moment in told if moment is not None), default=None)
