"""`manage.py classify URL`: what a check would say of a URL, and why."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from apps.checks import address
from apps.checks.answer import Fetch
from apps.checks.fetch import Fetcher
from apps.checks.har import HarFetch, UnusableRecording
from apps.checks.models import Target
from apps.checks.observe import observe, observe_canary
from apps.checks.outcomes import Outcome, Reason
from apps.checks.siblings import Siblings
from apps.checks.verdict import probes_of
from apps.core.canonical import UnusableURL, canonicalise
from apps.platforms import registry
from apps.platforms.matching import Match, match, template_parameters
from apps.platforms.schema import DefinitionError, expand


class Command(BaseCommand):
    """Asks what a check would ask, and records nothing.

    `--json` prints one object with these keys, always all of them: `url`, `key`, `platform`, `platform_name`,
    `kind`, `account`, `probe`, `outcome`, `reason`, `definitive`, `signal`, `http_status`, `retry_after` (ISO
    time or null), `seen_available`, `canary` (null, or `url`, `outcome`, `reason`), `evidence` (facts about
    each answer) and `missing` (URLs that a recording lacks).
    """

    help = "Say what a check of a URL would say, and why. Records nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("url", help="the URL; defanged spellings are understood")
        parser.add_argument(
            "--har", type=Path, metavar="FILE", help="replay this recording; no network is used"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument(
            "--seen",
            action="store_true",
            help="judge it as a target that was seen available before, so that an answer which means "
            '"missing or private" counts as removed. What the record says of it is taken into account anyway',
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            canonical = canonicalise(options["url"])
            found = match(canonical)
        except (UnusableURL, DefinitionError) as error:
            raise CommandError(str(error), returncode=2) from error
        refusal = address.refusal(found.key)
        if refusal is not None:
            raise CommandError(refusal, returncode=2)
        seen = options["seen"] or _on_record_as_seen(found)
        recording: HarFetch | None = None
        if options["har"] is not None:
            try:
                recording = HarFetch.from_file(options["har"])
            except UnusableRecording as error:
                raise CommandError(str(error), returncode=2) from error
        if recording is not None:
            result = self._classify(found, recording, recording, seen=seen)
        else:
            with Fetcher() as fetcher:
                result = self._classify(found, fetcher, None, seen=seen)
        result = {"url": options["url"], **result}
        if options["json"]:
            self.stdout.write(json.dumps(result, ensure_ascii=False, indent=2))
        else:
            for line in _lines(result):
                self.stdout.write(line)

    def _classify(
        self, found: Match, fetch: Fetch, recording: HarFetch | None, *, seen: bool
    ) -> dict[str, object]:
        observation = observe(found, fetch=fetch, seen_available=seen, siblings=Siblings())
        verdict, canary = observation.verdict, None
        if verdict.outcome == Outcome.REMOVED:
            canary = _ask_canary(found, fetch, recording)
        outcome, reason, definitive = verdict.outcome, verdict.reason, verdict.definitive
        if canary is not None and canary["outcome"] != Outcome.AVAILABLE:
            lacking = canary["reason"] == Reason.NOT_RECORDED
            outcome, definitive = Outcome.INCONCLUSIVE, False
            reason = Reason.NOT_RECORDED if lacking else Reason.CANARY_FAILED
        return {
            "key": found.key,
            "platform": found.platform,
            "platform_name": registry.platform_name(found.platform),
            "kind": found.kind,
            "account": found.account,
            "probe": verdict.probe,
            "outcome": str(outcome),
            "reason": str(reason),
            "definitive": definitive,
            "signal": verdict.signal,
            "http_status": observation.http_status,
            "retry_after": verdict.retry_after.isoformat() if verdict.retry_after else None,
            "seen_available": seen,
            "canary": canary,
            "evidence": observation.evidence,
            "missing": list(recording.missing) if recording is not None else [],
        }


def _on_record_as_seen(found: Match) -> bool:
    """Whether the record holds the URL and has seen it; False where there is no record to ask."""
    try:
        targets = Target.objects.filter(key_digest=Target.digest_of(found.key))
        return targets.exclude(present_at=None).exists()
    except DatabaseError:
        return False


def _ask_canary(found: Match, fetch: Fetch, recording: HarFetch | None) -> dict[str, str] | None:
    """Look at the platform's known-good URL, as the checks do before they believe in a removal.

    None where the platform has no canary, or where a recording does not begin to hold it: a recording of one
    item need not hold the round that it was checked in.
    """
    definition = registry.definition(found.platform)
    if definition is None or not definition.canary:
        return None
    canary = match(canonicalise(definition.canary))
    first_ask = expand(probes_of(canary)[0].url, template_parameters(canary))
    if recording is not None and not recording.holds(first_ask):
        return None
    verdict = observe_canary(definition, fetch=fetch).verdict
    return {"url": definition.canary, "outcome": str(verdict.outcome), "reason": str(verdict.reason)}


def _lines(result: Mapping[str, Any]) -> Iterator[str]:
    """The result for people: one fact a line."""
    reason = Reason(result["reason"])
    yield f"{'URL':<12}{result['key']}"
    yield f"{'platform':<12}{result['platform_name']} ({result['platform']})"
    yield f"{'kind':<12}{result['kind']}"
    yield f"{'account':<12}{result['account'] or '-'}"
    yield f"{'seen before':<12}{'yes' if result['seen_available'] else 'no'}"
    yield f"{'probe':<12}{result['probe']}"
    yield f"{'outcome':<12}{result['outcome']}"
    yield f"{'reason':<12}{reason} ({reason.label})"
    yield f"{'definitive':<12}{'yes' if result['definitive'] else 'no'}"
    yield f"{'signal':<12}{result['signal']}"
    if result["retry_after"]:
        yield f"{'not before':<12}{result['retry_after']}"
    for facts in result["evidence"]["answers"]:
        told = facts.get("status") or f"{facts['failure']} {facts['detail']}".strip()
        extras = "".join(f", {name}: {value}" for name, value in facts.get("headers", {}).items())
        yield (
            f"{'answer':<12}{facts['probe']}: {told}, {facts['redirects']} redirects, "
            f"{facts.get('bytes', 0)} bytes, {facts['elapsed_ms']} ms{extras}"
        )
    if result["canary"]:
        yield f"{'canary':<12}{result['canary']['outcome']} ({result['canary']['reason']})"
    for url in result["missing"]:
        yield f"{'missing':<12}{url}"
