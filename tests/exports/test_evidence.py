"""Evidence bundles: whole, the same every time, and provable without the program."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.checks import ledger
from apps.checks.models import Check, Target
from apps.checks.outcomes import ErasedFor, Outcome, Reason
from apps.checks.recording import NewCheck, append
from apps.exports.evidence import items_of_one, items_of_report, write_evidence
from apps.reports.erasing import erase_item
from apps.reports.models import Campaign, Item
from tests.exports.conftest import item_called
from tests.factories import at, make_campaign, make_person, make_target

pytestmark = pytest.mark.django_db


def bundle(campaign: Campaign, item: Item | None = None) -> bytes:
    """The zip of an item, or of report 1."""
    out = io.BytesIO()
    items = items_of_one(item) if item else items_of_report(campaign.reports.get(number=1))
    write_evidence(out, campaign=campaign, items=items, what="what was asked for")
    return out.getvalue()


def unpacked(content: bytes, folder: Path) -> Path:
    """The folder of the bundle's files."""
    zipfile.ZipFile(io.BytesIO(content)).extractall(folder)
    return folder / "evidence"


def verified(folder: Path) -> tuple[int, str]:
    """What the bundle's own program says, in a Python that knows nothing of this project."""
    done = subprocess.run(
        [sys.executable, "-I", folder / "verify.py"], capture_output=True, text=True, check=False, cwd="/"
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


@pytest.fixture
def item(campaign: Campaign) -> Item:
    """An item with checks, one of them by a member with a note, one by a stranger with another."""
    found = item_called(campaign, "removed-model")
    stranger = make_person("stranger@example.com")
    make_campaign("theirs", owner=stranger)
    append(
        NewCheck(
            target_id=found.target_id,
            started_at=at(hours),
            finished_at=at(hours),
            outcome=Outcome.REMOVED,
            reason=Reason.PERSON,
            manual=True,
            person_id=person.pk,
            note=note,
            evidence={"numbers": [1, 2.5, 1e-7], "words": "é\u2028"},
        )
        for hours, person, note in ((8, campaign.members.get(), "=seen\r\ngone"), (9, stranger, "not yours"))
    )
    return found


def test_a_bundle_holds_by_its_own_program(campaign: Campaign, item: Item, tmp_path: Path) -> None:
    folder = unpacked(bundle(campaign), tmp_path)
    assert sorted(path.name for path in folder.iterdir()) == [
        "README.txt",
        "SHA256SUMS",
        "checks.jsonl",
        "items.csv",
        "replies.jsonl",
        "reports.csv",
        "targets.jsonl",
        "transitions.csv",
        "verify.py",
    ]
    code, said = verified(folder)
    assert (code, said.splitlines()[-1]) == (0, "Everything holds.")
    assert said.count("holds: ") == 6
    item.target.refresh_from_db()
    assert f"removed-model: 6 checks, head {item.target.head_digest}" in said


def test_the_same_record_gives_the_same_bytes(campaign: Campaign, item: Item) -> None:
    assert bundle(campaign, item) == bundle(campaign, item)


def test_what_is_covered_is_what_the_ledger_covers(campaign: Campaign, item: Item, tmp_path: Path) -> None:
    folder = unpacked(bundle(campaign, item), tmp_path)
    lines = [json.loads(line) for line in (folder / "checks.jsonl").read_text().split("\n")[:-1]]
    checks = list(Check.objects.filter(target=item.target_id).order_by("number"))
    assert [line["digest"] for line in lines] == [check.digest for check in checks]
    for line, check in zip(lines, checks, strict=True):
        content = line["content"]
        assert line["digest"] == ledger.digest(
            check, target_commitment=content["target"], previous=content["previous"]
        )


def test_one_changed_byte_of_a_check_is_named(campaign: Campaign, item: Item, tmp_path: Path) -> None:
    folder = unpacked(bundle(campaign, item), tmp_path)
    file = folder / "checks.jsonl"
    lines = file.read_bytes().split(b"\n")
    lines[2] = lines[2].replace(b'"number": 3, "started_at": "2026', b'"number": 3, "started_at": "2025')
    file.write_bytes(b"\n".join(lines))
    code, said = verified(folder)
    assert code == 1
    assert "removed-model: check 3 is not what its digest was made for" in said
    assert "DOES NOT HOLD: checks.jsonl was changed" in said


def with_content(line: bytes, **changes: object) -> bytes:
    """A line of checks.jsonl whose content says something else."""
    check = json.loads(line)
    check["content"] |= changes
    return json.dumps(check).encode()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda lines: lines[:1] + lines[2:], "check 2 is missing"),
        (lambda lines: lines[:-2] + lines[-1:], "check 6 is missing: the head names a later one"),
        (
            lambda lines: [lines[0].replace(b"{", b"[", 1), *lines[1:]],
            "Line 1 of checks.jsonl cannot be read",
        ),
        (
            lambda lines: [line.replace(b'"=seen', b'"=saw') for line in lines],
            "check 5 has another note than its digest was made for",
        ),
        *(
            (
                lambda lines, evidence=evidence: [with_content(lines[0], evidence=evidence), *lines[1:]],
                "check 1 is not what its digest was made for",
            )
            for evidence in ([], None, "x")
        ),
    ],
)
def test_dropped_checks_and_changed_notes_are_named(
    change, problem: str, campaign: Campaign, item: Item, tmp_path: Path
) -> None:
    folder = unpacked(bundle(campaign, item), tmp_path)
    file = folder / "checks.jsonl"
    file.write_bytes(b"\n".join(change(file.read_bytes().split(b"\n"))))
    code, said = verified(folder)
    assert code == 1
    assert problem in said


def test_another_url_under_the_same_checks_is_named(campaign: Campaign, item: Item, tmp_path: Path) -> None:
    folder = unpacked(bundle(campaign, item), tmp_path)
    file = folder / "targets.jsonl"
    file.write_text(file.read_text().replace("removed-model", "another-model"))
    code, said = verified(folder)
    assert code == 1
    assert "the URL is not the one that the checks are of" in said


def test_a_bundle_has_what_was_reported_and_answered_and_no_strangers_words(
    campaign: Campaign, item: Item, tmp_path: Path
) -> None:
    folder = unpacked(bundle(campaign, item), tmp_path)
    readme = (folder / "README.txt").read_text()
    assert "hxxps://models[.]example[.]org/removed-model" in readme
    assert "https://" not in readme
    (reply,) = map(json.loads, (folder / "replies.jsonl").read_text().splitlines())
    assert reply["claims"] == [{"item": item.pk, "claim": "removed"}]
    everything = "".join(path.read_text() for path in folder.iterdir())
    assert "not yours" not in everything
    assert "stranger@" not in everything
    assert "up-model" not in everything


def test_a_bundle_has_the_checks_of_the_accounts_page_and_of_no_other(
    campaign: Campaign, item: Item, tmp_path: Path
) -> None:
    Target.objects.filter(pk=item.target_id).update(account="uploader-1", account_key=1)
    pages = [make_target(f"accounts/{number}", kind="account") for number in (1, 2)]
    for number, page in enumerate(pages, 1):
        Target.objects.filter(pk=page.pk).update(account_key=number)
        append([NewCheck(page.pk, at(2), at(2), Outcome.AVAILABLE, Reason.OK)])
    folder = unpacked(bundle(campaign, item), tmp_path)

    def lines(name: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (folder / name).read_text().split("\n")[:-1]]

    told = {line["target"]: line["reported"] for line in lines("targets.jsonl")}
    assert told == {item.target_id: True, pages[0].pk: False}
    assert {line["target"] for line in lines("checks.jsonl")} == set(told)
    assert verified(folder)[0] == 0


def test_the_command_writes_a_bundle(campaign: Campaign, item: Item, tmp_path: Path) -> None:
    out = tmp_path / "item.zip"
    call_command("export_evidence", "example-models", "--item", str(item.pk), "--out", str(out))
    assert verified(unpacked(out.read_bytes(), tmp_path))[0] == 0
    with pytest.raises(CommandError, match=r"no item 999999 in “example-models”"):
        call_command("export_evidence", "example-models", "--item", "999999", "--out", str(out))
    with pytest.raises(CommandError, match=r"no report 7 in “example-models”\. Reports: 1, 2\."):
        call_command("export_evidence", "example-models", "--report", "7", "--out", str(out))
    assert [path.name for path in tmp_path.glob("*.part")] == []


def test_a_bundle_says_what_was_erased_and_that_the_rest_is_as_it_was_left(
    campaign: Campaign, item: Item, tmp_path: Path
) -> None:
    erase_item(item=item, why=ErasedFor.CONCERNED)
    item = Item.objects.select_related("target", "report__campaign").get(pk=item.pk)
    folder = unpacked(bundle(campaign, item), tmp_path)
    code, said = verified(folder)
    assert (code, said.splitlines()[-1]) == (0, "Everything holds.")
    assert f"erased: target {item.target_id}: 6 checks, as they were left at" in said
    assert "(erased)" in (folder / "README.txt").read_text()
    checks = folder / "checks.jsonl"
    for changed in (
        checks.read_text().replace('"outcome": "removed"', '"outcome": "available"', 1),
        checks.read_text().replace('"erased": true', '"erased": false', 1),
        "".join(checks.read_text().splitlines(keepends=True)[:-1]),
    ):
        text = checks.read_text()
        checks.write_text(changed)
        code, said = verified(folder)
        assert (code, said.count("DOES NOT HOLD: target")) == (1, 1)
        checks.write_text(text)
    targets = folder / "targets.jsonl"
    targets.write_text(targets.read_text().replace('"why": "concerned"', '"why": "mistake"'))
    assert "the erasure is not what its digest was made for" in verified(folder)[1]
