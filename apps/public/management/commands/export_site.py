"""`manage.py export_site`: the public side as plain files."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from apps.core.commands import RecordCommand
from apps.exports.folders import UnusableFolder, write_folder
from apps.exports.management.outputs import bar
from apps.public.static_site import UnusableSite, site_files


class Command(RecordCommand):
    """Write the site: `export_site DIR`."""

    help = (
        "Write everything that is public into a folder that any file server can serve, from any address. "
        "Only what changed is written again; what is no longer public is removed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "folder", metavar="DIR", type=Path, help="an empty folder, or one of an earlier run"
        )
        parser.add_argument(
            "--campaign",
            action="append",
            default=[],
            metavar="SLUG",
            help="only this campaign; may be given several times",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the files, and say how many."""
        try:
            files = site_files(options["campaign"])
            with bar("Files", None, " files") as progress:
                done = write_folder(options["folder"], files, progress=progress)
        except (UnusableSite, UnusableFolder) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"{done.written + done.unchanged} files in {options['folder']}: {done.written} written, "
            f"{done.unchanged} as they were; {done.removed} removed."
        )
