"""Prove that the checks on record are the ones that were recorded."""

from __future__ import annotations

from typing import Any

from apps.checks import ledger
from apps.core.commands import RecordCommand


class Command(RecordCommand):
    """`manage.py verify_ledger`."""

    help = "Recompute the digest of every check; name the first of each target that does not hold."

    def handle(self, *args: Any, **options: Any) -> None:
        """Print each fault; exit with 1 if there was one."""
        faults = 0
        for fault in ledger.verify():
            self.stderr.write(f"target {fault.target_id}: check {fault.check_number} {fault.problem}")
            faults += 1
        if faults:
            raise SystemExit(1)
        found = ledger.covered()
        self.stdout.write(f"{found.checks} checks of {found.targets} targets hold.")
        if found.folded:
            self.stdout.write(f"{found.folded} more were folded away; their digests stand in the chain.")
        if found.erased_notes:
            self.stdout.write(f"Of them, {found.erased_notes} had a note that was erased.")
        if found.erased_targets:
            self.stdout.write(
                f"{found.erased_checks} checks of {found.erased_targets} targets are erased, and are as the "
                "erasures left them."
            )
