"""The activity log: every way to change something leaves a row, and owners can read and take it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import NoReverseMatch, get_resolver, reverse

from apps.accounts.roles import Role
from apps.checks.outcomes import Outcome, Reason
from apps.checks.recording import NewCheck, append
from apps.checks.services import Wanted, watch_targets
from apps.core.canonical import canonicalise
from apps.exports.models import Publication
from apps.notifications.models import Webhook
from apps.platforms.matching import match
from apps.reports.activity import record
from apps.reports.campaigns import invite
from apps.reports.models import (
    Activity,
    Deed,
    Item,
    Membership,
    Reminder,
    Reply,
    Report,
)
from apps.reports.replies import log_reminder, log_reply, mark_errors
from tests.checks.recordings import one_page_site
from tests.factories import START, at, make_api_token, make_import, make_item, make_report
from tests.workspace.conftest import Team
from tests.workspace.test_campaigns import text_of

pytestmark = pytest.mark.django_db
WRITTEN = "zq-written"
SOMEWHERE: dict[str, Any] = {
    "slug": "no-such-campaign",
    "pk": 1,
    "number": 1,
    "table": "items",
    "format": "csv",
    "chart": "removed",
    "platform": "github",
    "token": "made-up",
}


@dataclass(slots=True)
class There:
    """What the addresses lead to."""

    report: Report
    item: Item
    reply: Reply
    reminder: Reminder
    membership: Membership
    site: str


@pytest.fixture
def there(team: Team, settings: Any) -> Iterator[There]:
    """An item that the checker and a person see differently, on a site that answers."""
    settings.CHECK_HOST_INTERVAL = 0
    cache.clear()
    with one_page_site(settings) as site:
        found = match(canonicalise(f"{site}/list/an-item"))
        target = watch_targets([Wanted(found, START)])[found.key]
        report = make_report(team.campaign, platform=found.platform)
        item = make_item(report, target)
        append([NewCheck(target.pk, at(1), at(1), Outcome.REMOVED, Reason.NOT_FOUND)])
        append([NewCheck(target.pk, at(2), at(2), Outcome.AVAILABLE, Reason.OK, manual=True)])
        yield There(
            report,
            item,
            log_reply(report=report, kind="question", received_at=START),
            log_reminder(report=report, sent_at=START),
            Membership.objects.get(campaign=team.campaign, role="viewer"),
            site,
        )


Sent = tuple[dict[str, Any], dict[str, Any]]  # the parts of the address, and what is posted there

POSTS: dict[str, Callable[[There], Sent]] = {
    "new_campaign": lambda there: ({}, {"slug": "another", "name": WRITTEN, "description": WRITTEN}),
    "classify": lambda there: ({}, {"url": f"{there.site}/list/an-item"}),
    "looked_at_definition": lambda there: ({"platform": "github"}, {"right": "right", "note": WRITTEN}),
    "settings": lambda there: ({}, {"name": WRITTEN, "description": WRITTEN, "minimum_n": "7"}),
    "publication": lambda there: (
        {},
        {"act": "save", "title": WRITTEN, "text": WRITTEN, "platforms": "names", "dates": "day"},
    ),
    "editions": lambda there: ({}, {"act": "publish", "note": WRITTEN}),
    "members": lambda there: ({}, {"email": f"{WRITTEN}@example.org", "role": "viewer"}),
    "remove_member": lambda there: ({"pk": there.membership.pk}, {}),
    "decide": lambda there: ({"pk": there.item.pk}, {"outcome": "removed", "note": WRITTEN}),
    "item": lambda there: (
        {"pk": there.item.pk},
        {
            "outcome": "available",
            "reason": "person",
            "observed_at": "2026-03-02T10:00",
            "note": WRITTEN,
        },
    ),
    "look_again": lambda there: ({"pk": there.item.pk}, {}),
    "item_problem": lambda there: ({"pk": there.item.pk}, {"reason": "ok"}),
    "webhooks": lambda there: ({}, {"url": f"https://{WRITTEN}.example.org/", "kinds": ["removed"]}),
    "change_webhook": lambda there: (
        {"pk": Webhook.objects.create(campaign=there.report.campaign, url=f"https://{WRITTEN}.example/").pk},
        {"act": "rotate"},
    ),
    "tokens": lambda there: ({}, {"name": WRITTEN, "role": "figures", "days": "7"}),
    "end_token": lambda there: ({"pk": make_api_token(there.report.campaign, name=WRITTEN).pk}, {}),
    "erase_item": lambda there: ({"pk": there.item.pk}, {"scope": "item", "why": "order", "sure": "on"}),
    "erase_report": lambda there: ({"number": there.report.number}, {"why": "order", "sure": "on"}),
    "erase_reply": lambda there: (
        {"number": there.report.number, "pk": there.reply.pk},
        {"why": "order", "sure": "on"},
    ),
    "item_error": lambda there: ({"pk": there.item.pk}, {"error-reason": WRITTEN}),
    "take_back_item_error": lambda there: ({"pk": there.item.pk}, {}),
    "new_report": lambda there: (
        {},
        {
            "urls": f"https://{WRITTEN}.example.org/{WRITTEN}",
            "channel": "email",
            "standing": "organisation",
            "category": "other",
            "policy": WRITTEN,
            "reference": WRITTEN,
            "labels": WRITTEN,
            "delivery": "sent",
            "note": WRITTEN,
            "sent_at": "2026-03-02T10:00",
        },
    ),
    "new_reply": lambda there: (
        {"number": there.report.number},
        {
            "kind": "question",
            "received_at": "2026-03-02T10:00",
            "text": WRITTEN,
            "reference": WRITTEN,
        },
    ),
    "take_back_reply": lambda there: ({"number": there.report.number, "pk": there.reply.pk}, {}),
    "reminder": lambda there: (
        {"number": there.report.number},
        {"sent_at": "2026-03-02T10:00", "note": WRITTEN},
    ),
    "take_back_reminder": lambda there: ({"number": there.report.number, "pk": there.reminder.pk}, {}),
    "report_error": lambda there: ({"number": there.report.number}, {"reason": WRITTEN}),
    "take_back_report_error": lambda there: ({"number": there.report.number}, {}),
    "new_import": lambda there: (
        {},
        {
            "file": SimpleUploadedFile(f"{WRITTEN}.csv", f"url\nhttps://example.org/{WRITTEN}\n".encode()),
            "timezone": "UTC",
        },
    ),
    "import": lambda there: (
        {"pk": make_import(there.report.campaign).pk},
        {"map_url": "url", "timezone": "Europe/Berlin", "action": "start"},
    ),
}
"""Of each page that takes something, what changes something there. A new page has to be added."""


OF_ONESELF = {"notifications", "read_notices", "no_more_mails"}
"""Pages that take what changes nothing but what a person is told."""


def pages() -> Iterator[tuple[str, str]]:
    """Every page of the workspace by name, with an address that leads nowhere."""
    for name in get_resolver().namespace_dict["workspace"][1].reverse_dict:
        if not isinstance(name, str):
            continue
        for wanted in _parts():
            try:
                yield name, reverse(f"workspace:{name}", kwargs=wanted)
                break
            except NoReverseMatch:
                continue
        else:
            raise AssertionError(f"No address of {name} is known: add its parts to SOMEWHERE.")


def _parts() -> Iterator[dict[str, Any]]:
    names = list(SOMEWHERE)
    for bits in range(2 ** len(names)):
        yield {name: SOMEWHERE[name] for place, name in enumerate(names) if bits >> place & 1}


def test_every_page_that_takes_something_is_tried(team: Team) -> None:
    client = team.client("owner")
    assert {name for name, path in pages() if client.post(path).status_code != 405} == {
        *POSTS,
        *OF_ONESELF,
    }


@pytest.mark.parametrize("name", sorted(POSTS.keys() - {"editions"}))  # which need figures: the next test
def test_whatever_is_done_leaves_a_row_and_no_word_of_what_was_written(
    name: str, team: Team, there: There
) -> None:
    owner = team.people["owner"]
    if name.startswith("take_back"):
        mark_errors(items=[there.item], reason=WRITTEN, person=owner)
    parts, sent = POSTS[name](there)
    before = Activity.objects.count()
    if name not in {"new_campaign", "classify", "looked_at_definition"}:
        parts["slug"] = team.campaign.slug
    answer = team.client("owner").post(reverse(f"workspace:{name}", kwargs=parts), sent)
    assert answer.status_code in {200, 302}
    rows = list(Activity.objects.order_by("pk")[before:])
    assert rows, answer.content.decode()
    assert {row.person_id for row in rows} == {owner.pk}
    told = json.dumps([[row.changes, row.subject, row.number] for row in rows])
    assert WRITTEN not in told
    assert "example.org" not in told


def test_what_is_published_and_withdrawn_leaves_rows(team: Team) -> None:
    from tests.public.seeding import seed

    campaign = seed(owner=team.people["owner"])
    client = team.client("owner")
    page = reverse("workspace:publication", args=[campaign.slug])
    before = Activity.objects.count()
    choices = {"title": WRITTEN, "platforms": "names", "dates": "day", "charts": ["removed"]}
    client.post(page, choices | {"act": "save"})
    client.post(page, {"act": "publish", "seen": Publication.objects.get().pk})
    editions = reverse("workspace:editions", args=[campaign.slug])
    client.post(editions, {"act": "publish", "note": WRITTEN})
    client.post(editions, {"act": "correct", "number": "1", "text": WRITTEN})
    client.post(page, {"act": "withdraw"})
    rows = Activity.objects.order_by("pk")[before:]
    assert [row.deed for row in rows] == [
        "choices_saved",
        "published",
        "edition_published",
        "edition_corrected",
        "withdrawn",
    ]
    assert WRITTEN not in json.dumps([row.changes for row in rows])


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("download", {"table": "items", "format": "jsonl"}),
        ("item_evidence", {"pk": ...}),
        ("report_evidence", {"number": 1}),
        ("item_checks", {"pk": ...}),
        ("flagger_csv", {}),
        ("round_csv", {}),
        ("reminder_file", {"number": 1}),
        ("reminder_annex", {"number": 1}),
        ("activity_file", {"format": "csv"}),
    ],
)
def test_whatever_is_taken_out_leaves_a_row(
    name: str, parts: dict[str, Any], team: Team, there: There
) -> None:
    parts = {key: there.item.pk if value is ... else value for key, value in parts.items()}
    path = reverse(f"workspace:{name}", kwargs={"slug": team.campaign.slug, **parts})
    before = Activity.objects.count()
    assert team.client("owner").head(path).status_code == 200
    assert Activity.objects.count() == before  # nobody has it by that
    assert team.client("owner").get(path).status_code == 200
    row = Activity.objects.latest("pk")
    assert (row.deed, row.person) == (Deed.FILE_TAKEN, team.people["owner"])


def test_owners_see_who_did_what_and_can_narrow_it(team: Team) -> None:
    owner = team.people["owner"]
    invite(campaign=team.campaign, email="guest@example.org", role=Role.VIEWER, person=owner)
    record(Deed.LIST_IMPORTED, person=None, campaign=team.campaign, became={"rows": 3})
    other = team.people["stranger"].memberships.get().campaign
    record(Deed.WITHDRAWN, person=owner, campaign=other)
    record(Deed.DEFINITION_LOOKED_AT, person=team.people["stranger"], campaign=None)
    record(Deed.DEFINITION_LOOKED_AT, person=team.people["reviewer"], campaign=None)
    page = reverse("workspace:activity", args=[team.campaign.slug])
    client = team.client("owner")
    shown = text_of(client, page)
    assert "made somebody a member: <bdi>guest@example.org</bdi>" in shown
    assert "role: viewer" in shown
    assert "<bdi>at the command line</bdi>" in shown
    assert "(of the whole site)" in shown
    assert "<bdi>reviewer@example.org</bdi>" in shown
    assert "stranger@example.org" not in shown
    assert "withdrew the campaign</td>" not in shown
    assert "1 row," in text_of(client, f"{page}?person=command")
    assert "1 row," in text_of(client, f"{page}?person={owner.pk}&deed=member_added")
    assert "Nothing that fits" in text_of(client, f"{page}?last=2020-01-01")
    assert "3 rows," in text_of(client, f"{page}?first=2020-01-01")
    assert "left out: first" in text_of(client, f"{page}?first=yesterday")


def test_the_log_is_a_file_like_any_other(team: Team) -> None:
    invite(campaign=team.campaign, email="guest@example.org", role=Role.VIEWER, person=team.people["owner"])
    record(Deed.LIST_IMPORTED, person=None, campaign=team.campaign, became={"rows": 3})
    path = reverse("workspace:activity_file", args=[team.campaign.slug, "csv"])
    client = team.client("owner")
    rows = list(csv.DictReader(io.StringIO(client.get(path).content.decode())))
    assert [(row["who"], row["deed"]) for row in rows] == [
        ("owner@example.org", "member_added"),
        ("at the command line", "list_imported"),
    ]
    assert json.loads(rows[1]["changes"]) == {"rows": {"became": 3}}
    narrowed = client.get(f"{path}?deed=file_taken").content.decode()
    assert len(narrowed.splitlines()) == 2
    assert client.get(f"{path}?first=yesterday").status_code == 400
    assert client.get(path.replace(".csv", ".exe")).status_code == 404
    members = reverse("workspace:download", args=[team.campaign.slug, "activity", "csv"])
    assert team.client("viewer").get(members).status_code == 404


def test_the_page_asks_as_often_however_long_the_log_is(
    team: Team, django_assert_max_num_queries: Any
) -> None:
    page = reverse("workspace:activity", args=[team.campaign.slug])
    client = team.client("owner")
    for number in range(60):
        person = team.people["editor" if number % 2 else "owner"]
        record(Deed.SEEN, person=person, campaign=team.campaign)
    with django_assert_max_num_queries(10):
        client.get(page)
