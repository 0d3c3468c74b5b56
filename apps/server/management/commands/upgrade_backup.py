"""Bring a backup of an older version up to date; `restore` calls it by itself."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

from apps.core.commands import database_problem
from apps.server.backup import write_backup
from apps.server.backup_file import BackupFile, UnusableBackup
from apps.server.record_rows import Node, carried, models_at
from apps.server.restore import empty, load, nodes_of


class Command(BaseCommand):
    """`manage.py upgrade_backup < OLD > NEW`, in a database of its own: set VAR_DIR to an empty folder."""

    help = "Read a backup of an older version, and write it as this version would have made it."

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the tables as the backup had them, load its rows, migrate, and write them out again."""
        if problem := database_problem():
            raise CommandError(problem)
        if connection.introspection.table_names():
            raise CommandError(
                "This needs a database that holds nothing at all. Set VAR_DIR to an empty folder."
            )
        try:
            file = BackupFile(sys.stdin.buffer)
            nodes = nodes_of(file.header, MigrationLoader(connection))
            executor = MigrationExecutor(connection)
            executor.migrate(_last_of(nodes, executor.loader))
            models = models_at(MigrationLoader(connection), nodes)
            with transaction.atomic():
                empty(models)  # migrations of others make rows, and the backup has them as well
                load(file, carried(models))
            call_command("migrate", interactive=False, verbosity=0)
            write_backup(sys.stdout.buffer)
            sys.stdout.buffer.flush()
        except UnusableBackup as error:
            raise CommandError(str(error)) from error


def _last_of(nodes: list[Node], loader: MigrationLoader) -> list[Node]:
    """Of each app those that no other of `nodes` follows."""
    known = set(nodes)
    return [
        node
        for node in nodes
        if not any(
            child.key in known and child.key[0] == node[0] for child in loader.graph.node_map[node].children
        )
    ]
