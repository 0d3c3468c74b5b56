"""Fold away old checks that say nothing new."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from tqdm import tqdm

from apps.checks.retention import Thinned, thin
from apps.core import clock
from apps.core.commands import RecordCommand

FEWEST_DAYS = 60  # as of CHECK_KEEP_DAYS


class Command(RecordCommand):
    """`manage.py thin_checks --keep-days 365`."""

    help = (
        "Fold away checks that say what those around them say, once they are older than so many days. "
        "Figures and editions stay as they are, and the ledger provable; the facts about these answers are "
        "gone for good, so make a backup before the first time. It can be interrupted. CHECK_KEEP_DAYS has "
        "it done daily."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """How old."""
        parser.add_argument("--keep-days", type=int, default=settings.CHECK_KEEP_DAYS, metavar="DAYS")

    def handle(self, *args: Any, **options: Any) -> None:
        """Thin, and say what was done; exit with 1 if something was left because it does not hold."""
        days = options["keep_days"]
        if days < FEWEST_DAYS:
            raise CommandError(
                f"Say for how many days checks are kept, {FEWEST_DAYS} or more: --keep-days 365."
            )
        with tqdm(unit="checks", file=sys.stderr, disable=not sys.stderr.isatty(), leave=False) as bar:

            def show(done: Thinned) -> None:
                bar.update(done.checks - bar.n)

            done = thin(before=clock.now() - timedelta(days=days), progress=show)
        self.stdout.write(
            f"{done.checks:,} checks of {done.targets:,} targets are folded away, in {done.stretches:,} "
            "stretches."
        )
        if done.left:
            self.stderr.write(
                f"{done.left:,} targets keep all that they have: their checks are not the ones that were "
                "recorded. verify_ledger names them."
            )
            raise SystemExit(1)
