"""`datapackage.json`: what is in a set of CSV files, for programs (Frictionless Data Package, version 1).

The schema of each file is made of the codebook. A list is a string there, with its words separated by `;`:
version 1 has no lists but those of JSON.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .columns import Column, Table, Type
from .csv_format import DIALECTS, Dialect
from .writing import Written

PROFILE = "tabular-data-package"
_TYPES = {Type.LIST: "string", Type.DATETIME: "datetime", Type.DATE: "date"}


@dataclass(frozen=True, slots=True)
class Resource:
    """One CSV file: its path in the package, its table, and what is known of its bytes if it is written."""

    path: str
    table: Table
    written: Written | None = None
    dialect: Dialect = DIALECTS[""]


def datapackage(*, name: str, title: str, resources: Iterable[Resource]) -> dict[str, Any]:
    """The descriptor of a package called `name` (lower-case letters, digits and `-`)."""
    return {
        "profile": PROFILE,
        "name": name.lower().replace("_", "-"),
        "title": title,
        "resources": [_resource(resource) for resource in resources],
    }


def _resource(resource: Resource) -> dict[str, Any]:
    described: dict[str, Any] = {
        "profile": "tabular-data-resource",
        "name": resource.path.removesuffix(".csv").lower().replace("_", "-"),
        "path": resource.path,
        "title": resource.table.title,
        "description": f"One row is {resource.table.row}.",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "dialect": {
            "delimiter": resource.dialect.delimiter,
            "lineTerminator": "\r\n",
            "quoteChar": '"',
            "doubleQuote": True,
            "header": True,
        },
        "schema": schema(resource.table, resource.dialect),
    }
    if resource.written is not None:
        described |= {
            "bytes": resource.written.size,
            "hash": f"sha256:{resource.written.sha256}",
            "rows": resource.written.rows,
        }
    return described


def schema(table: Table, dialect: Dialect = DIALECTS[""]) -> dict[str, Any]:
    """The Table Schema of a table."""
    return {
        "fields": [_field(column, dialect) for column in table.columns],
        **({"primaryKey": list(table.key)} if table.key else {}),
        "missingValues": [""],
    }


def _field(column: Column, dialect: Dialect) -> dict[str, Any]:
    field: dict[str, Any] = {
        "name": column.name,
        "type": _TYPES.get(column.type, column.type.value),
        "description": column.meaning,
    }
    if column.unit:
        field["unit"] = column.unit
    if column.type == Type.BOOLEAN:
        field |= {"trueValues": ["true"], "falseValues": ["false"]}
    if column.type == Type.NUMBER and dialect.decimal != ".":
        field["decimalChar"] = dialect.decimal
    if column.words:
        field["constraints"] = {"enum": list(column.words)}
    return field
