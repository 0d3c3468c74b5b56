"""Editions that were published by an earlier version stay what they were."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.migrations.executor import MigrationExecutor

from apps.checks.models import Target
from apps.exports.edition_ledger import faults, public_name
from apps.exports.models import Edition, EditionFile, EditionPiece, content_of
from tests.factories import at, make_campaign, make_report
from tests.metrics.watching import watched

pytestmark = pytest.mark.django_db(transaction=True)
KEY = "00" * 32


@pytest.fixture
def migrated() -> Iterator[Callable[[str], Any]]:
    """Brings the database to a migration of the exports, and gives the models of that time."""

    def to(name: str) -> Any:
        executor = MigrationExecutor(connection)
        executor.migrate([("exports", name)])
        return executor.loader.project_state([("exports", name)]).apps

    yield to
    executor = MigrationExecutor(connection)
    executor.migrate([node for node in executor.loader.graph.leaf_nodes() if node[0] == "exports"])


def test_files_are_put_into_pieces_and_hold(migrated: Callable[[str], Any]) -> None:
    campaign = make_campaign()
    watched(make_report(campaign), "up 1, gone 2 3 30")
    target = Target.objects.get()
    head = [public_name(KEY, target.commitment), target.pk, target.check_count, target.head_digest]
    heads = f"target,head\r\n{head[0]},{head[3]}\r\n".encode()
    large = b"a line\n" * 400_000  # more than two pieces
    sums = "".join(
        f"{hashlib.sha256(content).hexdigest()}  {name}\n"
        for name, content in (("items.csv", large), ("ledger-heads.csv", heads))
    ).encode()
    before = migrated("0003_editions")
    edition = before.get_model("exports", "Edition").objects.create(
        campaign_id=campaign.pk, number=1, title="Models", findings={}, as_of=at(40)
    )
    files = {"items.csv": large, "ledger-heads.csv": heads, "SHA256SUMS": sums}
    for name, content in (*files.items(), ("ledger-trail.json", json.dumps([head]).encode())):
        before.get_model("exports", "EditionFile").objects.create(
            edition=edition,
            name=name,
            media_type="text/plain",
            public=name in files,
            size=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
            packed=zlib.compress(content),
        )
    migrated("0004_pieces_of_editions")
    found = Edition.objects.get()
    for file in found.files.all():
        content = b"".join(content_of(file))
        assert (len(content), hashlib.sha256(content).hexdigest()) == (file.size, file.sha256)
        assert content == files.get(file.name, content)
    assert found.files.get(name="items.csv").pieces.count() == 3
    assert list(faults(found)) == []
    for rows in (EditionFile.objects.all(), EditionPiece.objects.all()):
        change = {"size": 0} if rows.model is EditionFile else {"packed": b""}
        with pytest.raises(DatabaseError, match="An edition never changes"), transaction.atomic():
            rows.update(**change)
    Edition.objects.all().delete()
