"""`datapackage.json` says what is in the files: each file is held against its schema, cell by cell."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from datetime import datetime
from typing import Any

import pytest

from apps.exports.columns import PUBLIC_TABLES, TABLES
from apps.exports.csv_format import DIALECTS
from apps.exports.datapackage import Resource, datapackage
from apps.exports.writing import export_of, write
from apps.metrics.grouping import GroupKey
from apps.reports.models import Campaign
from tests.exports.conftest import item_called
from tests.factories import make_check, make_person

pytestmark = pytest.mark.django_db


def problems(resource: dict[str, Any], content: bytes) -> list[str]:
    """What of a file is not as its description says (Table Schema, "Validation")."""
    found = []
    if resource["bytes"] != len(content):
        found.append("bytes")
    if resource["hash"] != "sha256:" + hashlib.sha256(content).hexdigest():
        found.append("hash")
    dialect = resource["dialect"]
    text = io.StringIO(content.decode(resource["encoding"]), newline="")
    header, *rows = csv.reader(text, delimiter=dialect["delimiter"], strict=True)
    fields = resource["schema"]["fields"]
    if header != [field["name"] for field in fields]:
        found.append("header")
    if resource["rows"] != len(rows):
        found.append("rows")
    keys = set()
    for number, row in enumerate(rows):
        values = dict(zip(header, row, strict=True))
        found += [
            f"{number} {field['name']} {values[field['name']]!r}"
            for field in fields
            if not fits(field, values[field["name"]], resource["schema"]["missingValues"])
        ]
        keys.add(tuple(values[name] for name in resource["schema"]["primaryKey"]))
    if len(keys) != len(rows):
        found.append("primary key")
    return found


def fits(field: dict[str, Any], cell: str, missing: list[str]) -> bool:
    """Whether a cell has its field's type and is one of its words."""
    if cell in missing:
        return True
    enum = field.get("constraints", {}).get("enum")
    if enum is not None and cell not in enum:
        return False
    match field["type"]:
        case "integer":
            return bool(re.fullmatch(r"-?\d+", cell))
        case "number":
            return bool(re.fullmatch(r"-?\d+(\.\d+)?", cell.replace(field.get("decimalChar", "."), ".")))
        case "boolean":
            return cell in field["trueValues"] + field["falseValues"]
        case "datetime":
            return cell.endswith("Z") and datetime.fromisoformat(cell) is not None
        case "string":
            return True
    return False


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("public", [False, True])
def test_every_file_is_as_the_package_says(public: bool, dialect: str, campaign: Campaign) -> None:
    make_check(item_called(campaign, "up-model").target, 50, person=make_person(), note="=1")
    resources, contents = [], []
    for table in (PUBLIC_TABLES if public else TABLES).values():
        out = io.BytesIO()
        by = [GroupKey.CHANNEL] if table.name == "summary" else []
        written = write(
            export_of(
                campaign=campaign, table=table.name, format="csv", public=public, dialect=dialect, by=by
            ),
            out,
        )
        resources.append(Resource(f"{table.name}.csv", table, written, DIALECTS[dialect]))
        contents.append(out.getvalue())
    package = datapackage(name=campaign.slug, title=campaign.name, resources=resources)
    assert re.fullmatch(r"[a-z0-9._-]+", package["name"])
    for described, content in zip(package["resources"], contents, strict=True):
        assert problems(described, content) == [], described["name"]
        assert described["rows"] > 0


def test_a_cell_that_is_not_as_described_is_found() -> None:
    field = {"name": "status", "type": "string", "constraints": {"enum": ["removed"]}}
    assert fits(field, "removed", [""])
    assert not fits(field, "gone", [""])
    assert not fits({"type": "integer"}, "1.5", [""])
