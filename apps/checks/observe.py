"""One check of one target: ask, judge, ask again if need be, and keep the facts about the answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from django.conf import settings

from apps.core import clock
from apps.core.canonical import CanonicalURL
from apps.platforms import registry
from apps.platforms.matching import Match
from apps.platforms.matching import match as match_url

from .answer import Answer, Ask, Fetch, Observation, Verdict
from .canaries import CanaryReading, CanaryURL
from .identity import KnownIdentity, held_against
from .line import sign_of, sign_of_canary
from .outcomes import Outcome, Reason
from .siblings import SiblingFacts, Siblings
from .signals import blocked_by
from .verdict import SIBLING, identity_of, judge, probes_of, retry_after, sibling_facts

MAX_ASKS = 5
KEPT_HEADERS = (
    "server",
    "retry-after",
    "x-error-code",
    "x-error-message",
    "cf-mitigated",
    "content-language",
)
KEPT_HEADER_CHARACTERS = 120
UNNAMED_PLACE = "unnamed"


def observe(
    url: CanonicalURL | Match,
    *,
    fetch: Fetch,
    seen_available: bool,
    siblings: Siblings,
    was_gone: bool = False,
    token: str | None = None,
    identity: KnownIdentity | None = None,
    place: str | None = None,
) -> Observation:
    """Check a target once. Makes at most `MAX_ASKS` asks.

    `seen_available` says whether the target was ever seen available: without that, an answer that means
    "missing or private" stays inconclusive. `siblings` remembers, between the checks of one process, how
    hosts answer for addresses that cannot exist, and which of them want to be left alone. Whether a target
    that `was_gone` is there again is told by an answer of this very check, not by a remembered one: the host
    may answer everything alike by now. `token` stands for the platform's token; without it the one of the
    settings is used. `identity` is what is kept of the target's: what is seen under another one is not the
    target.

    The evidence is `{"answers": [...]}`: for each answer its probe, the signal because of which it was asked,
    status or failure, number of redirects, whether they left the host, media type, bytes, milliseconds, the
    fingerprint of the text (hexadecimal) and a few headers. Never the body, nor words of it. `identity` is
    beside it where the platform gives the target a name that stays with it: a salted digest. Where it is
    another one than before, `replaces` has what was read of the other thing, and by which signal. `place` is
    where it was asked from (without one, that of the settings): a geo-block or a filter is seen from there.
    """
    match = url if isinstance(url, Match) else match_url(url)
    answers: list[Answer] = []
    known: SiblingFacts | None = None
    anew = False  # whether what is remembered of siblings no longer counts
    for _ in range(MAX_ASKS + 2):
        wall = clock.wall()
        step = judge(match, answers, seen_available, wall=wall, sibling=known, was_gone=was_gone)
        if isinstance(step, Verdict):
            if was_gone and known is not None and step.outcome != Outcome.REMOVED:
                known, anew = None, True
                continue
            return _observation(step, match, answers, known, identity, place)
        if len(answers) == MAX_ASKS:
            break
        if step.name == SIBLING:
            known = siblings.get(step.url, at=wall) if not anew else None
            if known is not None:
                continue
        answer = _answer(_with_token(step, match, token), match, fetch, siblings)
        answers.append(answer)
        if step.name == SIBLING:
            siblings.put(step.url, sibling_facts(answer), at=clock.wall())
    gave_up = Verdict(
        Outcome.INCONCLUSIVE, Reason.UNKNOWN_ANSWER, False, "checker:too-many-asks@1", answers[-1].ask.name
    )
    return _observation(gave_up, match, answers, known, identity, place)


def read_canary(canary: CanaryURL, *, fetch: Fetch, kept: str = "") -> CanaryReading:
    """Read a canary as a URL that was seen before, under the identity that was kept of it ("": none yet)."""
    known = KnownIdentity(salt=canary.match.key, kept=kept)
    observation = observe(canary.match, fetch=fetch, seen_available=True, siblings=Siblings(), identity=known)
    verdict, told = observation.verdict, observation.identity
    return CanaryReading(
        canary,
        outcome=verdict.outcome,
        reason=verdict.reason,
        signal=verdict.signal,
        finished_at=observation.finished_at,
        identity=known.to_keep(told) if told is not None else "",
        retry_after=verdict.retry_after,
        sign=sign_of_canary(canary.expects, verdict.outcome, verdict.reason, observation.sign),
    )


def _with_token(ask: Ask, match: Match, token: str | None) -> Ask:
    """With the platform's token, where the probe uses it; never over a connection that others can read."""
    probe = next((one for one in probes_of(match) if one.name == ask.name), None)
    if probe is None or not probe.uses_token or urlsplit(ask.url).scheme != "https":
        return ask
    if token is None:
        token = registry.token(match.definition)
    return replace(ask, headers={**ask.headers, "Authorization": f"Bearer {token}"}) if token else ask


def _answer(ask: Ask, match: Match, fetch: Fetch, siblings: Siblings) -> Answer:
    """Ask; but leave a host alone that is only asked on the side and said when it wants to be asked again.

    The target's own host is paced by the caller, who is told through the verdict.
    """
    host = urlsplit(ask.url).netloc
    own = host == urlsplit(match.key).netloc
    wall = clock.wall()
    if not own and siblings.closed_until(host, at=wall) is not None:
        return left_alone(ask)
    answer = fetch(ask)
    if not own:
        until = retry_after(answer, wall)
        if until is not None:
            siblings.close(host, until=until)
    return answer


def left_alone(ask: Ask) -> Answer:
    """What stands for an answer where a host was not asked because it wants to be left alone."""
    now = clock.now()
    return Answer(ask, started_at=now, finished_at=now, failure=Reason.RATE_LIMITED, detail="left alone")


def _observation(
    verdict: Verdict,
    match: Match,
    answers: list[Answer],
    known: SiblingFacts | None,
    identity: KnownIdentity | None,
    place: str | None,
) -> Observation:
    evidence: dict[str, object] = {
        "answers": [facts_of(answer) for answer in answers],
        "place": place or settings.CHECK_PLACE or UNNAMED_PLACE,
    }
    if not answers:
        now = clock.now()
        return Observation(verdict=verdict, started_at=now, finished_at=now, evidence=evidence)
    deciding = next((one for one in reversed(answers) if one.ask.name == verdict.probe), answers[-1])
    told = identity_of(match, answers)
    if told is not None and identity is not None:
        evidence["identity"] = identity.to_keep(told)
    held = held_against(verdict, told, identity)
    if held != verdict:
        read = {"outcome": str(verdict.outcome), "reason": str(verdict.reason), "signal": verdict.signal}
        evidence["replaces"] = {**read, "identity": identity.kept if identity is not None else ""}
    if known is not None:
        evidence["sibling"] = {
            "known": True,
            "told": known.told,
            "missing": known.missing,
            "barred": known.barred,
            "fingerprint": f"{known.fingerprint:016x}",
        }
    started_at = min(answer.started_at for answer in answers)
    return Observation(
        verdict=held,
        started_at=started_at,
        finished_at=max(started_at, *(answer.finished_at for answer in answers)),
        http_status=deciding.status,
        evidence=evidence,
        identity=told,
        sign=sign_of(answers),
    )


def facts_of(answer: Answer) -> Mapping[str, object]:
    """What is kept of an answer, ready for JSON."""
    facts: dict[str, object] = {"probe": answer.ask.name, "elapsed_ms": answer.elapsed_ms}
    if answer.ask.because:
        facts["because"] = answer.ask.because
    if answer.failure is not None:
        facts["failure"] = str(answer.failure)
        facts["detail"] = answer.detail[:KEPT_HEADER_CHARACTERS]
    if answer.ask.headers:
        facts["token"] = True
    facts["redirects"] = len(answer.hops)
    if answer.status is None:
        return facts
    content = answer.content
    if blocker := blocked_by(answer):
        # Without its query, which may repeat what was asked for.
        facts["blocked_by"] = blocker.partition("?")[0].partition("#")[0][:KEPT_HEADER_CHARACTERS]
    asked, final = urlsplit(answer.ask.url), urlsplit(answer.url or answer.ask.url)
    facts |= {
        "status": answer.status,
        "left_host": asked.netloc != final.netloc,
        "content_type": content.media_type[:KEPT_HEADER_CHARACTERS],
        "bytes": answer.received_bytes or len(answer.body),
        "truncated": answer.truncated,
        "fingerprint": f"{content.fingerprint():016x}",
        "headers": {
            name: answer.headers[name][:KEPT_HEADER_CHARACTERS]
            for name in KEPT_HEADERS
            if name in answer.headers
        },
    }
    return facts
