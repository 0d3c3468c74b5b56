"""An upgrade keeps nobody waiting: no migration locks a large table for as long as it takes to read it.

The rules are those of PostgreSQL's manual (ALTER TABLE, Notes; CREATE INDEX, Building Indexes Concurrently).
What stands before the first release is on a list of its own: such a database is small, or is new.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.db import connection
from django.db.migrations import Migration, RunPython
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations import SeparateDatabaseAndState
from django.db.migrations.operations.base import Operation

APPS = {"accounts", "checks", "reports", "exports", "api"}
SMALL = {
    "accounts_person",
    "checks_canary",
    "checks_definitionevent",
    "checks_definitionstate",
    "exports_download",
    "exports_edition",
    "exports_publication",
    "exports_publickey",
    "exports_publicsnapshot",
    "reports_campaign",
    "reports_import",
    "reports_membership",
}
"""Tables with some thousand rows at most, however large the record is. Every other one may have millions."""

BEFORE_THE_FIRST_RELEASE = {
    "accounts.0002_sign_out_everybody": "empties the table of sessions, of which there are few",
    "checks.0002_figures_of_targets": "removal_count is a positive number, which is checked for every row",
    "checks.0003_fill_figures_of_targets": "fills account_key of all targets in one go",
    "checks.0004_account_suspended_at": "fills its column for all targets in one go",
    "checks.0005_canaries_and_definitions": "moves what was known of canaries, of which there were few",
    "checks.0007_account_pages": "builds target_account_page while writers wait",
    "exports.0003_editions": "makes triggers on tables that are new",
    "exports.0004_pieces_of_editions": "cuts the files of editions, of which there were few",
}
"""Migrations that break a rule, and why that is borne. After the first release nothing is added: what takes
long is made in steps, as docs/design.md says under "Upgrades"."""

_TABLE = r'"(?P<table>\w+)"'
RULES = {
    "builds an index while writers wait: use AddIndexBesideWriters": re.compile(
        rf"^CREATE (UNIQUE )?INDEX (?!CONCURRENTLY).* ON {_TABLE}"
    ),
    "adds a column that has to be filled: add it nullable, or with a plain default": re.compile(
        rf"^ALTER TABLE {_TABLE} ADD COLUMN (?!.* DEFAULT ).*NOT NULL"
    ),
    "adds a column whose default is another for each row": re.compile(
        rf"^ALTER TABLE {_TABLE} ADD COLUMN .*(DEFAULT [^'( ]*\(|GENERATED|UNIQUE|PRIMARY KEY)"
    ),
    "changes a column's type, which may copy the table": re.compile(
        rf"^ALTER TABLE {_TABLE} ALTER COLUMN .* TYPE "
    ),
    "reads the whole table for a NOT NULL": re.compile(
        rf"^ALTER TABLE {_TABLE} ALTER COLUMN .* SET NOT NULL"
    ),
    "reads the whole table for a constraint: add it NOT VALID, then validate it": re.compile(
        rf"^ALTER TABLE {_TABLE} (ADD CONSTRAINT|ADD COLUMN .* (CONSTRAINT|CHECK))"
        r"(?!.*(NOT VALID|USING INDEX))"
    ),
    "changes rows in the transaction that changes tables": re.compile(rf"^(UPDATE|DELETE FROM) {_TABLE}"),
}
CREATED = re.compile(rf"^CREATE TABLE {_TABLE}")


def faults(statements: list[str]) -> Iterator[str]:
    """What of a migration's statements keeps somebody waiting. Tables that it makes itself are empty."""
    new = {found["table"] for statement in statements if (found := CREATED.match(statement))}
    for statement in statements:
        for words, rule in RULES.items():
            if (found := rule.match(statement)) and found["table"] not in SMALL | new:
                yield f"{found['table']}: {words}"


def runs_python(operations: list[Operation]) -> bool:
    """Whether it does something that no statement tells."""
    return any(
        isinstance(one, RunPython)
        or (isinstance(one, SeparateDatabaseAndState) and runs_python(one.database_operations))
        for one in operations
    )


@pytest.mark.parametrize(
    ("statement", "waits"),
    [
        ('CREATE INDEX "a" ON "checks_check" ("reason")', True),
        ('CREATE INDEX CONCURRENTLY "a" ON "checks_check" ("reason")', False),
        ('CREATE UNIQUE INDEX "a" ON "reports_item" ("note")', True),
        ('CREATE INDEX "a" ON "reports_campaign" ("name")', False),
        ('ALTER TABLE "checks_check" ADD COLUMN "a" text NULL', False),
        ('ALTER TABLE "checks_check" ADD COLUMN "a" integer DEFAULT 0 NOT NULL', False),
        ('ALTER TABLE "checks_check" ADD COLUMN "a" varchar(5) DEFAULT \'\' NOT NULL', False),
        ('ALTER TABLE "checks_check" ADD COLUMN "a" text NOT NULL', True),
        ('ALTER TABLE "checks_check" ADD COLUMN "a" uuid DEFAULT gen_random_uuid() NOT NULL', True),
        ('ALTER TABLE "checks_check" ADD COLUMN "a" integer DEFAULT 0 NOT NULL UNIQUE', True),
        (
            'ALTER TABLE "checks_check" ADD COLUMN "a_id" bigint NULL CONSTRAINT "b" REFERENCES "c"("id")',
            True,
        ),
        ('ALTER TABLE "checks_check" ALTER COLUMN "a" DROP DEFAULT', False),
        ('ALTER TABLE "checks_check" ALTER COLUMN "a" TYPE bigint', True),
        ('ALTER TABLE "checks_check" ALTER COLUMN "a" SET NOT NULL', True),
        ('ALTER TABLE "checks_check" ADD CONSTRAINT "a" CHECK ("b" > 0)', True),
        ('ALTER TABLE "checks_check" ADD CONSTRAINT "a" CHECK ("b" > 0) NOT VALID', False),
        ('ALTER TABLE "checks_check" ADD COLUMN "a" integer DEFAULT 0 NOT NULL CHECK ("a" >= 0)', True),
        ('UPDATE "checks_check" SET "a" = 1', True),
        ('ALTER TABLE "checks_check" DROP COLUMN "a" CASCADE', False),
    ],
)
def test_the_rules_know_what_takes_long(statement: str, waits: bool) -> None:
    assert bool(list(faults([statement]))) == waits
    assert not list(
        faults(['CREATE TABLE "checks_check" ("id" bigint)', 'CREATE TABLE "reports_item" ()', statement])
    )


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_no_migration_locks_a_large_table_for_long() -> None:
    loader = MigrationLoader(connection, replace_migrations=False)
    found: dict[str, set[str]] = {}
    for (app, name), migration in sorted(loader.disk_migrations.items()):
        if app in APPS:
            label = f"{app}.{name}"
            found[label] = set(faults(statements_of(loader, migration)))
            if migration.atomic and runs_python(migration.operations):
                found[label].add(
                    "runs Python in the transaction that changes tables: let it be atomic = False"
                )
    breaks = {label for label, problems in found.items() if problems}
    assert [
        f"{label}: {problem}"
        for label in sorted(breaks - BEFORE_THE_FIRST_RELEASE.keys())
        for problem in sorted(found[label])
    ] == []
    assert BEFORE_THE_FIRST_RELEASE.keys() <= breaks, "Take what breaks no rule off the list."


def statements_of(loader: MigrationLoader, migration: Migration) -> list[str]:
    """What `sqlmigrate` says of it, a statement a line, without what follows later in the transaction."""
    text: list[str] = loader.collect_sql([(migration, False)])
    return [" ".join(line.split()) for line in text if not line.startswith("--")]
