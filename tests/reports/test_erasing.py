"""Personal data can be erased on request: nothing of it is left, and figures and ledger stay as they were."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.apps import apps
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command
from django.test import Client

from apps.accounts.models import Person
from apps.accounts.roles import Role
from apps.api.models import KeptAnswer
from apps.checks import ledger
from apps.checks.models import Check, Host, Target
from apps.checks.outcomes import ErasedFor, Outcome, Reason
from apps.checks.recording import append
from apps.core.defanging import defang
from apps.exports.editions import publish_edition
from apps.exports.writing import export_of, write
from apps.metrics.grouping import group_keys
from apps.metrics.summary import summarise
from apps.metrics.summary_json import summary_json
from apps.platforms.accounts import ACCOUNT
from apps.reports import erasing
from apps.reports.campaigns import invite
from apps.reports.erasing import (
    CannotErase,
    erase_account,
    erase_item,
    erase_person,
    erase_reply,
    erase_report,
)
from apps.reports.models import Activity, Campaign, Deed, Import, Item, Membership, Reply, Report
from apps.reports.observations import ErasedItem, look_again, record_seen
from apps.reports.replies import log_reminder, log_reply, mark_errors, mark_report_in_error
from apps.reports.selectors import review_targets
from apps.reports.services import submit_report
from tests.checks.making import check
from tests.factories import (
    START,
    at,
    make_api_token,
    make_campaign,
    make_import,
    make_item,
    make_person,
    make_report,
    make_target,
)
from tests.metrics.watching import watched
from tests.public.seeding import make_public, seed

pytestmark = pytest.mark.django_db
WHY = ErasedFor.CONCERNED
URL = "https://models.example.org/zq-account/zq-item"
LATER = START + timedelta(days=60)


def everything() -> str:
    """All that the database holds, as one text."""
    rows: list[object] = []
    for model in filter(lambda model: model._meta.managed, apps.get_models()):
        for values in model._default_manager.values_list():
            rows += [bytes(value) if isinstance(value, memoryview) else value for value in values]
    return repr(rows)


def reported(campaign: Campaign, url: str = URL, **more: object) -> Item:
    """An item that was pasted in, of a site without a definition, with words of every kind beside it."""
    words = {"note": "zq-note", "labels": ["zq-label"], "policy": "zq-policy", "reference": "zq-reference"}
    (item,) = submit_report(campaign=campaign, urls=url, sent_at=START, **(words | more)).items  # type: ignore[arg-type]
    append([check(item.target, 1, Outcome.AVAILABLE), check(item.target, 2, Outcome.REMOVED)])
    return Item.objects.select_related("target", "report__campaign").get(pk=item.pk)


def test_nothing_of_an_item_is_left_and_its_row_stands() -> None:
    person = make_person()
    campaign = make_campaign(owner=person)
    item = reported(campaign)
    Target.objects.filter(pk=item.target_id).update(account="zq-account", identity="page:zq-identity")
    Item.objects.filter(pk=item.pk).update(note="zq-remark", labels=["zq-label"])
    record_seen(
        item=item,
        outcome=Outcome.REMOVED,
        reason=Reason.PERSON,
        observed_at=at(3),
        note="zq-seen",
        person=person,
    )
    mark_errors(items=[item], reason="zq-reason")
    log_reply(report=item.report, kind="other", received_at=at(4), text=f"About {defang(URL)}: gone.")
    log_reminder(report=item.report, sent_at=at(5), note=f"See {URL} again.")
    waiting = make_import(campaign, f"url,note\n{URL},x\n".encode())
    done = make_import(campaign, b"")
    Import.objects.filter(pk=done.pk).update(
        state="done", rejected_csv=f"line,url,rejected_because\r\n2,{URL},no date\r\n"
    )
    target = Target.objects.get(pk=item.target_id)
    secrets = [target.salt, target.key_digest, "zq-account", "zq-item", "zq-identity", "zq-remark"]
    secrets += ["zq-label", "zq-seen", "zq-reason", "models.example.org"]
    held = everything()
    assert all(secret in held for secret in secrets)
    told = erase_item(item=item, why=WHY, person=person)
    assert (told.items, told.urls, told.shared) == (1, 1, 0)
    held = everything()
    assert [secret for secret in secrets if secret in held] == []
    assert not Import.objects.filter(pk=waiting.pk).exists()
    item.refresh_from_db()
    assert (item.submitted, item.labels, item.note) == ("", [], "")
    assert item.erased_at is not None
    assert list(ledger.verify()) == []
    row = Activity.objects.latest("pk")
    assert (row.deed, row.subject, row.number, row.person) == (Deed.ERASED, "item", item.pk, person)
    assert row.changes["why"] == {"became": "concerned"}


def test_what_is_erased_is_not_looked_at_any_more() -> None:
    item = reported(make_campaign())
    Target.objects.filter(pk=item.target_id).update(status="suspected")
    erase_item(item=item, why=WHY)
    item = Item.objects.select_related("target", "report").get(pk=item.pk)
    assert item.target.next_check_at is None
    assert not review_targets(item.report.campaign).exists()
    for look in (
        lambda: look_again(item=item),
        lambda: record_seen(item=item, outcome=Outcome.REMOVED, reason=Reason.PERSON, observed_at=at(9)),
    ):
        with pytest.raises(ErasedItem, match="was erased"):
            look()
    call_command("recheck", "--campaign", "example-models", "--force")
    assert Check.objects.filter(target=item.target_id).count() == 2
    with pytest.raises(CannotErase, match="already"):
        erase_item(item=item, why=WHY)


def test_a_url_goes_with_every_item_of_the_campaign_that_has_it() -> None:
    campaign = make_campaign()
    item = reported(campaign)
    again = reported(campaign, reference="another")
    other = reported(campaign, f"{URL}-2")
    assert erase_item(item=item, why=WHY).items == 2
    erased = set(Item.objects.exclude(erased_at=None).values_list("pk", flat=True))
    assert erased == {item.pk, again.pk}
    other.refresh_from_db()
    assert other.submitted == f"{URL}-2"
    assert Host.objects.filter(name="models.example.org").exists()


def test_handed_in_again_it_is_a_new_item_and_nothing_tells_that_it_was_there() -> None:
    campaign = make_campaign()
    item = reported(campaign)
    erase_item(item=item, why=WHY)
    again = reported(campaign)
    assert again.pk != item.pk
    assert again.target_id != item.target_id
    assert again.target.check_count == 2


def test_a_url_that_another_campaign_watches_stays_there_and_goes_here() -> None:
    ours, theirs = make_person("ours@example.org"), make_person("theirs@example.org")
    campaign, other = make_campaign("ours", owner=ours), make_campaign("theirs", owner=theirs)
    item, kept = reported(campaign), reported(other)
    assert item.target_id == kept.target_id
    for who, note in ((ours, "zq-ours"), (theirs, "zq-theirs")):
        record_seen(
            item=item,
            outcome=Outcome.REMOVED,
            reason=Reason.PERSON,
            observed_at=at(5 if who == ours else 6),
            note=note,
            person=who,
        )
    told = erase_item(item=item, why=WHY)
    assert told.shared == 1
    item.refresh_from_db()
    kept.refresh_from_db()
    shared = Target.objects.get(pk=kept.target_id)
    assert (shared.key, kept.submitted) == (URL, URL)
    assert shared.next_check_at is not None
    assert item.target_id != kept.target_id
    assert (item.target.key, item.target.check_count) == ("", shared.check_count)
    notes = set(shared.checks.exclude(note="").values_list("note", flat=True))
    assert notes == {"zq-theirs"}
    assert not item.target.checks.exclude(note="").exists()
    assert list(ledger.verify()) == []
    # When the other one erases it as well, nothing is left of it.
    erase_item(item=kept, why=WHY)
    assert "zq-item" not in everything()
    assert list(ledger.verify()) == []


def accounts_of(campaign: Campaign) -> list[int]:
    items = Item.objects.filter(report__campaign=campaign).order_by("pk")
    return list(items.values_list("target__account_key", flat=True))


def test_an_account_goes_with_all_its_items_and_its_page() -> None:
    campaign = make_campaign()
    report = make_report(campaign)
    first, second = (watched(report, "up 1, gone 4 30 60", account="zq-account") for _ in range(2))
    other = watched(report, "up 1", account="another")
    page = make_target("zq-account", kind=ACCOUNT, account="zq-account")
    append([check(page, hour, Outcome.AVAILABLE) for hour in (1, 50)])
    key = first.target.account_key
    erase_account(item=first, why=WHY)
    held = everything()
    assert "zq-account" not in held
    assert str(key) not in held
    new, same, untouched = accounts_of(campaign)
    assert new == same != key
    assert untouched == other.target.account_key
    page.refresh_from_db()
    assert (page.key, page.account_key, page.next_check_at) == ("", new, None)
    assert {first.pk, second.pk} == set(Item.objects.exclude(erased_at=None).values_list("pk", flat=True))


def test_items_that_go_one_by_one_lose_their_account_with_the_last() -> None:
    campaign = make_campaign()
    report = make_report(campaign)
    first, second = (watched(report, "up 1", account="zq-account") for _ in range(2))
    key = first.target.account_key
    erase_item(item=first, why=WHY)
    assert accounts_of(campaign) == [key, key]  # how many accounts there are is a figure
    erase_item(item=second, why=WHY)
    one, other = accounts_of(campaign)
    assert one == other != key


def test_a_report_goes_with_its_items_replies_and_words() -> None:
    campaign = make_campaign()
    item = reported(campaign)
    log_reply(report=item.report, kind="other", received_at=at(1), text="zq-reply", reference="zq-case")
    log_reminder(report=item.report, sent_at=at(2), note="zq-reminder")
    erase_report(report=item.report, why=WHY)
    held = everything()
    words = re.findall(r"zq-[a-z]+", held)
    assert words == []
    with pytest.raises(CannotErase, match="already"):
        erase_report(report=Report.objects.get(), why=WHY)


def test_a_reply_keeps_when_it_came_and_what_it_claims() -> None:
    item = reported(make_campaign())
    reply = log_reply(
        report=item.report,
        kind="decision",
        decision="removed",
        received_at=at(4),
        text="zq-text",
        reference="zq-case",
    )
    erase_reply(reply=reply, why=WHY)
    assert not {"zq-text", "zq-case"} & set(re.findall(r"zq-[a-z]+", everything()))
    after = Reply.objects.get()
    assert (after.received_at, after.decision, after.claims.count()) == (at(4), "removed", 1)
    with pytest.raises(CannotErase, match="already"):
        erase_reply(reply=reply, why=WHY)


def test_while_a_list_is_being_imported_nothing_is_erased() -> None:
    item = reported(make_campaign())
    pending = make_import(item.report.campaign)
    Import.objects.filter(pk=pending.pk).update(state="queued")
    with pytest.raises(CannotErase, match="Wait until it is done"):
        erase_item(item=item, why=WHY)
    item.refresh_from_db()
    assert item.submitted == URL


@pytest.mark.django_db(transaction=True)
def test_an_erasure_that_fails_leaves_all_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    item = reported(make_campaign())
    before = everything()

    def fail(*args: object, **options: object) -> None:
        raise OSError("The disk is full.")

    monkeypatch.setattr(erasing, "record", fail)
    with pytest.raises(OSError, match="full"):
        erase_item(item=item, why=WHY)
    assert everything() == before


def shown(campaign: Campaign) -> str:
    """Every figure of a campaign, now and at an earlier moment, and its public files."""
    told: list[str] = []
    for by in ([], ["platform"], ["category"], ["report"], ["month"], ["evidence"]):
        for as_of in (None, at(48)):
            found = summary_json(summarise(campaign, by=group_keys(by), as_of=as_of))
            assert isinstance(found, dict)
            told.append(json.dumps({name: each for name, each in found.items() if name != "as_of"}))
    for table in ("items", "reports", "summary"):
        out = io.BytesIO()
        write(export_of(campaign=campaign, table=table, format="csv", public=True), out)
        told.append(out.getvalue().decode())
    return "\n".join(told)


def first_item(campaign: Campaign) -> Item:
    found = Item.objects.select_related("target", "report__campaign").filter(report__campaign=campaign)
    return found.order_by("pk")[0]


@pytest.mark.parametrize(
    "erase",
    [
        lambda campaign: erase_item(item=first_item(campaign), why=WHY),
        lambda campaign: erase_account(item=first_item(campaign), why=WHY),
        lambda campaign: [erase_report(report=report, why=WHY) for report in campaign.reports.all()],
    ],
    ids=["item", "account", "everything"],
)
@pytest.mark.parametrize("shared", [False, True])
def test_figures_and_public_files_stay_byte_for_byte(
    erase: Callable[[Campaign], object], shared: bool
) -> None:
    campaign = seed()
    make_public(campaign, items=True)
    first = first_item(campaign)
    page = make_target("zq-page", kind=ACCOUNT, account=first.target.account, platform=first.target.platform)
    append([check(page, hour, Outcome.REMOVED) for hour in (25, 40, 60)])
    mark_errors(items=list(Item.objects.order_by("-pk").filter(control=False)[:2]), reason="twice")
    if shared:
        theirs = make_report(make_campaign("theirs"))
        for item in Item.objects.filter(report__campaign=campaign).order_by("pk")[:12]:
            make_item(theirs, item.target)
    with time_machine.travel(LATER, tick=False):
        before = shown(campaign)
        edition = publish_edition(campaign=campaign, person=None)
        erase(campaign)
        assert shown(campaign) == before
        assert Item.objects.exclude(erased_at=None).exists()
        assert list(ledger.verify()) == []
        call_command("verify_edition", campaign.slug, str(edition.number))
        again = publish_edition(campaign=campaign, person=None)
        call_command("verify_edition", campaign.slug, str(again.number))


def test_a_report_in_error_leaves_the_figures_and_stays_on_record() -> None:
    campaign = seed()
    report = campaign.reports.order_by("number")[0]
    before = summarise(campaign).total
    marked = mark_report_in_error(report=report, reason="Sent twice.")
    after = summarise(campaign).total
    assert after.eligible < before.eligible
    assert marked == report.items.filter(control=False).count()
    assert Check.objects.filter(target__items__report=report).exists()


def test_the_commands_erase_and_say_what_went(capsys: pytest.CaptureFixture[str]) -> None:
    campaign = make_campaign()
    item, other = reported(campaign), reported(campaign, f"{URL}-2", reference="another")
    reply = log_reply(report=other.report, kind="other", received_at=at(1), text="zq-reply")
    call_command("erase", campaign.slug, "--reply", str(reply.pk), "--why", "order")
    call_command("erase", campaign.slug, "--item", str(item.pk), "--why", "order")
    assert "items 1  urls 1  watched elsewhere, too 0" in capsys.readouterr().out
    call_command("erase", campaign.slug, "--account", str(other.pk), "--why", "order")
    call_command("erase", campaign.slug, "--report", "1", "--why", "order")
    assert not re.findall(r"zq-(?:reply|item)", everything())
    assert set(Activity.objects.filter(deed=Deed.ERASED).values_list("person", flat=True)) == {None}
    for wrong in (["--item", "0"], ["--report", "99"], ["--reply", "0"], ["--account", "0"]):
        with pytest.raises(CommandError, match="There is no"):
            call_command("erase", campaign.slug, *wrong, "--why", "order")


def test_somebody_who_signed_in_is_erased_and_what_they_did_stays_under_their_number() -> None:
    owner = make_person("owner@example.org")
    campaign = make_campaign(owner=owner)
    guest = invite(campaign=campaign, email="zq-guest@example.org", role=Role.OWNER, person=owner).person
    Person.objects.filter(pk=guest.pk).update(name="zq-name")
    guest.set_password("a password of the test")
    guest.save()
    client = Client()
    client.force_login(guest)
    item = reported(campaign, person=guest)
    erase_person(person=guest, why=WHY)
    held = everything()
    assert "zq-guest" not in held
    assert "zq-name" not in held
    assert client.get("/workspace/").status_code == 302
    assert authenticate(email="zq-guest@example.org", password="a password of the test") is None
    item.report.refresh_from_db()
    assert item.report.created_by_id == guest.pk
    assert str(item.report.created_by) == f"erased person {guest.pk}"
    assert not Membership.objects.filter(person=guest).exists()
    assert Activity.objects.filter(person_id=guest.pk).exists()
    with pytest.raises(CannotErase, match="only owner"):
        erase_person(person=owner, why=WHY)
    administrator = make_person(superuser=True)
    with pytest.raises(CannotErase, match="only administrator"):
        erase_person(person=administrator, why=WHY)
    call_command(
        "erase_person",
        invite(campaign=campaign, email="x@example.org", role=Role.VIEWER).person.email,
        "--why",
        "order",
    )
    with pytest.raises(CommandError, match="Nobody"):
        call_command("erase_person", "x@example.org", "--why", "order")


@pytest.mark.parametrize(
    "text",
    [
        URL,
        "the same as hxxps://models[.]example[.]org/zq-account/zq-item.",
        "hxxps://models.example[.]org/zq-account/zq-item, again",
        "models[dot]example[dot]org/zq-account/zq-item",
        "models(.)example(.)org/zq-account/zq-item/files?x=1",
        "HTTPS://MODELS.EXAMPLE.ORG/zq-account/zq-item/",
    ],
)
def test_a_url_is_known_in_whatever_spelling(text: str) -> None:
    assert erasing.Spellings([URL, f"{URL}/"]).are_in(text)


@pytest.mark.parametrize(
    ("url", "text"),
    [
        (URL, "models.example.org/zq-account/zq-item-2"),
        (URL, "models.example.org/zq-account"),
        (URL, "models.example.org/other/zq-item"),
        ("https://models.example.org/", "https://models.example.org/zq-account/zq-item"),
        (
            "https://archive.example.org/2020/https://models.example.org/",
            "https://models.example.org/zq-account/zq-item",
        ),
    ],
)
def test_another_url_is_not_taken_for_it(url: str, text: str) -> None:
    spellings = erasing.Spellings([url])
    assert spellings.are_in(f"see {url}")
    assert not spellings.are_in(text)


def test_every_text_of_the_campaign_that_holds_it_is_emptied() -> None:
    anna = make_person()
    campaign = make_campaign(owner=anna)
    item, other = reported(campaign), reported(campaign, "https://models.example.org/other/one")
    Campaign.objects.filter(pk=campaign.pk).update(description=f"About {URL}.")
    Item.objects.filter(pk=other.pk).update(labels=[f"like {URL}", "second"])
    mark_errors(items=[other], reason=f"The same as {defang(URL)}", person=anna)
    record_seen(
        item=other,
        outcome=Outcome.AVAILABLE,
        reason=Reason.OK,
        observed_at=at(3),
        note=f"Not {URL}",
        person=anna,
    )
    erase_item(item=item, why=WHY, person=anna)
    assert "zq-item" not in everything()
    other.refresh_from_db()
    assert (other.labels, other.erased_at) == ([], None)
    assert list(ledger.verify()) == []


@pytest.mark.parametrize(
    "content",
    [
        f"url\n# {URL}\nhttps://models.example.org/other\n".encode(),
        # Half a character in UTF-16, beyond what is read with the header.
        ("\ufeffurl\n" + "x\n" * 10_000).encode("utf-16-le") + b"\x00\xd8" + f"\n{URL}\n".encode("utf-16-le"),
    ],
    ids=["in a comment", "after a damage"],
)
def test_a_waiting_list_goes_wherever_it_holds_the_url(content: bytes) -> None:
    campaign = make_campaign()
    item = reported(campaign)
    make_import(campaign, content)
    kept = make_import(campaign, content.replace(b"e", b"o"))
    erase_item(item=item, why=WHY)
    assert [pending.pk for pending in campaign.imports.all()] == [kept.pk]


def test_the_page_of_the_account_is_looked_for_in_texts_too() -> None:
    campaign = make_campaign()
    item = reported(campaign)
    page = "https://models.example.org/zq-account"
    key = item.target.account_key or 7
    Target.objects.filter(pk=item.target_id).update(account_key=key, account="zq-account")
    watched_page = make_target()
    Target.objects.filter(pk=watched_page.pk).update(key=page, kind=ACCOUNT, account_key=key)
    report = make_report(campaign)
    Report.objects.filter(pk=report.pk).update(note=f"All of {page} should go.")
    item.refresh_from_db()
    erase_account(item=item, why=WHY)
    report.refresh_from_db()
    assert report.note == ""


def test_what_programs_were_answered_is_forgotten_with_it() -> None:
    campaign = make_campaign(owner=make_person())
    reply = log_reply(report=reported(campaign).report, kind="other", received_at=at(5), text="zq-text")
    KeptAnswer.objects.create(token=make_api_token(campaign), key="k", request_digest="d", body="zq-text")
    erase_reply(reply=reply, why=WHY)
    assert not KeptAnswer.objects.exists()
