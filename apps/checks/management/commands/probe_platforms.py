"""`manage.py probe_platforms`: whether the definitions of platforms say what they should."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.checks.self_test import Result, Row, gaps, rows, run_cases
from apps.platforms import registry
from apps.platforms.schema import Definition, DefinitionError


class Command(BaseCommand):
    """Runs the cases of the definitions, without any network, and prints a table.

    The exit code is 0 where all cases are right, 1 where one is wrong, 2 where nothing could be run.
    """

    help = "Test the definitions of platforms."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--self-test",
            action="store_true",
            required=True,
            help="run the cases that stand beside the definitions; no network is used",
        )
        parser.add_argument("--platform", metavar="SLUG", help="only this one")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            chosen = _chosen(options["platform"])
            results = [(definition, run_cases(definition)) for definition in chosen]
            stray = registry.stray_cases()
        except DefinitionError as error:
            raise CommandError(str(error), returncode=2) from error
        for line in _table([row for definition, of_one in results for row in rows(definition, of_one)]):
            self.stdout.write(line)
        for definition, of_one in results:
            for gap in gaps(definition, of_one):
                self.stdout.write(f"lacks: {definition.slug}: {gap}")
        for path in stray:
            self.stdout.write(f"lacks: {path}: there is no definition {path.stem}.")
        wrong = [result for _, of_one in results for result in of_one if not result.right]
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
        yield f"{weight}: cases/{case.file}, line {case.line}: {case.name}"
        for problem in result.problems:
            yield f"    {problem}"
