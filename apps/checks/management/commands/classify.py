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
from apps.checks.classification import Classification, classify
from apps.checks.fetch import Fetcher
from apps.checks.har import HarFetch, UnusableRecording
from apps.checks.models import Target
from apps.checks.outcomes import Reason
from apps.core.canonical import UnusableURL, canonicalise
from apps.platforms import registry
from apps.platforms.matching import Match, match
from apps.platforms.schema import DefinitionError


class Command(BaseCommand):
    """Asks what a check would ask, and records nothing.

    `--json` prints one object with these keys, always all of them: `url`, `key`, `platform`, `platform_name`,
    `kind`, `account`, `probe`, `outcome`, `reason`, `definitive`, `signal`, `http_status`, `retry_after` (ISO
    time or null), `seen_available`, `canary` (null, or `url`, `outcome`, `reason`), `evidence` (facts about
    each answer) and `missing` (URLs that a recording lacks). With `--explain` it has `signals`, too: for each
    answer and each signal that may decide, in their order, `probe`, `signal`, `outcome`, `reason`, `ask`,
    `holds`, `lacking` (the first condition that does not hold, in words) and `decided`.
    """

    help = "Say what a check of a URL would say, and why. Records nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("url", help="the URL; defanged spellings are understood")
        parser.add_argument(
            "--har", type=Path, metavar="FILE", help="replay this recording; no network is used"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument(
            "--explain", action="store_true", help="say of each signal whether it holds, or what it lacks"
        )
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
        if options["har"] is not None:
            try:
                told = classify(found, HarFetch.from_file(options["har"]), seen=seen)
            except UnusableRecording as error:
                raise CommandError(str(error), returncode=2) from error
        else:
            with Fetcher() as fetcher:
                told = classify(found, fetcher, seen=seen)
        result = {"url": options["url"], **_facts(told)}
        if options["explain"]:
            result["signals"] = _signals(told)
        if options["json"]:
            self.stdout.write(json.dumps(result, ensure_ascii=False, indent=2))
        else:
            for line in _lines(result):
                self.stdout.write(line)


def _on_record_as_seen(found: Match) -> bool:
    """Whether the record holds the URL and has seen it; False where there is no record to ask."""
    try:
        targets = Target.objects.filter(key_digest=Target.digest_of(found.key))
        return targets.exclude(present_at=None).exists()
    except DatabaseError:
        return False


def _facts(told: Classification) -> dict[str, object]:
    """What `--json` prints, without the URL as it was given."""
    observation, verdict, canary = told.observation, told.observation.verdict, told.canary
    return {
        "key": told.found.key,
        "platform": told.found.platform,
        "platform_name": registry.platform_name(told.found.platform),
        "kind": told.found.kind,
        "account": told.found.account,
        "probe": verdict.probe,
        "outcome": str(told.outcome),
        "reason": str(told.reason),
        "definitive": told.definitive,
        "signal": verdict.signal,
        "http_status": observation.http_status,
        "retry_after": verdict.retry_after.isoformat() if verdict.retry_after else None,
        "seen_available": told.seen,
        "canary": canary
        and {"url": canary.url, "outcome": str(canary.outcome), "reason": str(canary.reason)},
        "evidence": observation.evidence,
        "missing": list(told.missing),
    }


def _signals(told: Classification) -> list[dict[str, object]]:
    """What each signal said of each answer."""
    return [
        {
            "probe": step.answer.ask.name,
            "signal": said.name,
            "outcome": said.signal.outcome or None,
            "reason": said.signal.reason or None,
            "ask": said.signal.ask or None,
            "holds": said.holds,
            "lacking": said.lacking or None,
            "decided": said.decided,
        }
        for step in told.steps
        for said in step.said
    ]


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
    yield f"{'asked from':<12}{result['evidence']['place']}"
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
    for said in result.get("signals", ()):
        told = "decided" if said["decided"] else "holds" if said["holds"] else f"lacks: {said['lacking']}"
        yield f"{'signal':<12}{said['probe']}: {said['signal']}: {told}"
