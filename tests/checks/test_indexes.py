"""Which indexes the large tables have: each costs a write for every check."""

from __future__ import annotations

import pytest
from django.db import connection

from apps.checks.models import Check, Target, Transition
from apps.reports.models import Item


def columns_of(model: type) -> list[tuple[str, ...]]:
    """The columns of each index of a table, primary keys apart."""
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, model._meta.db_table)  # type: ignore[attr-defined]
    return sorted(
        tuple(filter(None, one["columns"]))
        for one in found.values()
        if (one["index"] or one["unique"]) and not one["primary_key"]
    )


@pytest.mark.django_db
def test_no_column_is_indexed_twice() -> None:
    assert columns_of(Check) == [("person_id",), ("target_id", "number")]
    assert columns_of(Item) == [("report_id", "target_id", "reported_at"), ("target_id",)]
    assert columns_of(Target) == [
        ("account_key",),
        ("host_id", "next_check_at"),
        ("key_digest",),
        ("platform", "account"),
        ("status",),
    ]
    assert [columns for columns in columns_of(Transition) if "target_id" in columns] == [("target_id", "by")]
