"""`manage.py status`: for people on a terminal, and for programs."""

from __future__ import annotations

import json

import pytest
from django.core.management import CommandError, call_command

from apps.checks.models import Target
from apps.checks.outcomes import Outcome, Reason, Status
from apps.checks.recording import NewCheck, append
from apps.exports.columns import ITEMS
from tests.factories import at, make_campaign, make_item, make_report, make_target


@pytest.mark.django_db
def test_each_item_is_one_json_object_with_the_columns_of_the_codebook(
    capsys: pytest.CaptureFixture[str],
) -> None:
    report = make_report(make_campaign())
    gone, waiting = make_target("gone"), make_target("waiting")
    make_item(report, gone)
    make_item(report, waiting, control=True)
    append(
        NewCheck(gone.pk, at(hours), at(hours), outcome, reason, manual=True)
        for hours, outcome, reason in [
            (1, Outcome.AVAILABLE, Reason.OK),
            (2, Outcome.REMOVED, Reason.NOT_FOUND),
        ]
    )
    account = make_target("accounts/one", kind="account", account="one")
    Target.objects.filter(pk=gone.pk).update(account="one", account_key=account.account_key)
    append(
        NewCheck(account.pk, at(hours), at(hours), outcome, Reason.OK, manual=True)
        for hours, outcome in ((1.2, Outcome.AVAILABLE), (1.6, Outcome.REMOVED))
    )
    call_command("status", "example-models", "--jsonl")
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert list(first) == list(ITEMS.names)
    assert first["url"] == "https://models.example.org/gone"
    assert (first["status"], first["reason"], first["by_person"]) == ("removed", "not_found", True)
    assert (first["removed_after"], first["removed_by"]) == ("2026-03-01T15:05:00Z", "2026-03-01T16:05:00Z")
    assert first["checks"] == 2
    assert (first["gone_with"], second["gone_with"]) == ("with_account", None)
    assert (second["status"], second["reason"], second["control"]) == ("waiting", None, True)
    types = {
        "string": str,
        "integer": int,
        "number": float,
        "boolean": bool,
        "datetime": str,
        "list": list,
    }
    for column in ITEMS.columns:
        assert first[column.name] is None or type(first[column.name]) is types[column.type]


@pytest.mark.django_db
def test_people_get_a_line_an_item_with_a_defanged_url_and_the_counts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    report = make_report(make_campaign())
    make_item(report, make_target("a", status=Status.AVAILABLE))
    make_item(report, make_target("b", status=Status.SUSPECTED, reason=Reason.GONE))
    call_command("status", "example-models")
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "items 2  available 1  suspected 1"
    assert "hxxps://models[.]example[.]org/b" in lines[1]
    assert "https://" not in "".join(lines)


@pytest.mark.django_db
def test_an_unknown_campaign_is_answered_with_those_that_there_are() -> None:
    make_campaign("example-models")
    with pytest.raises(CommandError, match=r"no campaign 'exmaple'\. Campaigns: example-models\."):
        call_command("status", "exmaple")
