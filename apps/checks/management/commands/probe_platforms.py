"""`manage.py probe_platforms`: whether the definitions of platforms say what they should."""

from __future__ import annotations

import signal
import threading
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.checks.generic_cases import ANY_SITE, generic_gaps, run_generic_cases
from apps.checks.generic_cases import FILE as GENERIC_CASES
from apps.checks.models import Target
from apps.checks.probing import take_up_now
from apps.checks.runner import Runner
from apps.checks.selectors import CanaryRow, canaries_on_record, stale_definitions
from apps.checks.self_test import Result, Row, gaps, rows, run_cases
from apps.core import clock
from apps.core.commands import RecordCommand, demo_problem
from apps.platforms import registry
from apps.platforms.schema import Definition, DefinitionError


class Command(RecordCommand):
    """Asks the canaries of the definitions, and prints how they are read and which definitions are stale.

    With `--self-test` it runs the cases of the definitions and of the general rules instead, without network
    or record, and prints a table. The exit code is 0 where all is right, 1 where a definition is stale or a
    case is wrong, 2 where nothing could be run.
    """

    help = (
        "Ask the known-good and the known-missing URL of each platform and kind, record how they are read, "
        "and print which definitions have gone stale."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--self-test",
            action="store_true",
            help="run the cases of the definitions and of the general rules instead; no network is used",
        )
        parser.add_argument("--platform", metavar="SLUG", help="only this one")

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run the command; the cases need no database."""
        if options["self_test"]:
            return BaseCommand.execute(self, *args, **options)
        return super().execute(*args, **options)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            chosen = _chosen(options["platform"])
            if options["self_test"]:
                self._self_test(chosen, everywhere=options["platform"] is None)
            else:
                self._probe(chosen)
        except DefinitionError as error:
            raise CommandError(str(error), returncode=2) from error

    def _probe(self, chosen: list[Definition]) -> None:
        if problem := demo_problem():
            raise CommandError(problem, returncode=2)
        slugs = [definition.slug for definition in chosen]
        stop = threading.Event()
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, lambda *_: stop.set())
        since = clock.now()
        canaries = take_up_now(slugs)
        Runner(among=Target.objects.none(), canaries=canaries, stop=stop).run_due()
        for line in _readings({slug: canaries_on_record(slug) for slug in slugs}, since):
            self.stdout.write(line)
        stale = [one for one in stale_definitions() if one.platform in slugs]
        for one in stale:
            self.stdout.write(
                f"STALE: {one.platform}, since {one.since:%Y-%m-%d %H:%M} UTC: {one.why}".rstrip()
            )
        if stale:
            raise CommandError(f"{len(stale)} stale.", returncode=1)

    def _self_test(self, chosen: list[Definition], *, everywhere: bool) -> None:
        results = [(definition, run_cases(definition)) for definition in chosen]
        generic = run_generic_cases() if everywhere else ()
        counted = [row for definition, of_one in results for row in rows(definition, of_one)]
        counted += rows(ANY_SITE, generic) if everywhere else []
        for line in _table(counted):
            self.stdout.write(line)
        for definition, of_one in results:
            for gap in gaps(definition, of_one):
                self.stdout.write(f"lacks: {definition.slug}: {gap}")
        for gap in generic_gaps(generic) if everywhere else ():
            self.stdout.write(f"lacks: {ANY_SITE.name}: {gap}")
        for path in registry.stray_cases():
            self.stdout.write(f"lacks: {path}: there is no definition {path.stem}.")
        ran = [*(result for _, of_one in results for result in of_one), *generic]
        wrong = [result for result in ran if not result.right]
        for line in _wrong(wrong):
            self.stdout.write(line)
        if wrong:
            raise CommandError(f"{len(wrong)} wrong.", returncode=1)


def _chosen(slug: str | None) -> list[Definition]:
    known = registry.definitions()
    if slug is None:
        return [known[one] for one in sorted(known)]
    if slug not in known:
        raise CommandError(f"There is no definition {slug}. Known: {', '.join(sorted(known))}.", returncode=2)
    return [known[slug]]


def _readings(found: Mapping[str, list[CanaryRow]], since: datetime) -> Iterator[str]:
    """One line for each canary: how it was read just now, by which signal, and whether that is right."""
    lines = [
        (
            platform,
            row.what,
            _read(row, since),
            row.signal if row.checked_at is not None and row.checked_at >= since else "",
        )
        for platform, rows_of_one in found.items()
        for row in rows_of_one
    ]
    heads = ("platform", "canary", "read as", "by")
    widths = [max(len(line[column]) for line in (heads, *lines)) for column in range(3)]
    for line in (heads, *lines):
        yield "  ".join(
            [*(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=False)), line[3]]
        ).rstrip()
    for platform, rows_of_one in found.items():
        if not rows_of_one:
            yield f"{platform} has no canary."


def _read(row: CanaryRow, since: datetime) -> str:
    if row.outcome is None or row.reason is None or row.checked_at is None or row.checked_at < since:
        return "not asked: its host is held by another checker, or wants to be left alone"
    word = {True: "as it should be", False: "WRONG", None: "could not tell"}[row.right]
    return f"{row.outcome} ({row.reason}): {word}"


def _table(of_kinds: list[Row]) -> Iterator[str]:
    total = Row(
        "all",
        "",
        *(
            sum(getattr(row, name) for row in of_kinds)
            for name in ("cases", "right", "wrong", "inconclusive")
        ),
    )
    width = max(len(row.platform) for row in (*of_kinds, total))
    kind_width = max(len("kind"), *(len(row.kind) for row in of_kinds))
    yield f"{'platform':<{width}}  {'kind':<{kind_width}}  cases  right  wrong  inconclusive"
    for row in (*of_kinds, total):
        yield (
            f"{row.platform:<{width}}  {row.kind:<{kind_width}}  {row.cases:>5}  {row.right:>5}  "
            f"{row.wrong:>5}  {row.inconclusive:>12}"
        )


def _wrong(results: Iterable[Result]) -> Iterator[str]:
    """What is wrong, the false removals first."""
    for result in sorted(results, key=lambda one: not one.falsely_removed):
        case = result.case
        weight = "WRONG, FALSELY REMOVED" if result.falsely_removed else "WRONG"
        folder = "" if case.file == GENERIC_CASES.name else "cases/"
        yield f"{weight}: {folder}{case.file}, line {case.line}: {case.name}"
        for problem in result.problems:
            yield f"    {problem}"
