"""Whoever sees figures only finds no URL, no account and no word that somebody wrote, however they ask."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import time_machine
from django.core.management import call_command
from django.core.management.base import CommandError
from django.http import HttpResponse
from django.test import Client

from apps.accounts.roles import Audience
from apps.checks.models import DefinitionEvent, DefinitionState
from apps.checks.outcomes import DefinitionChange, Outcome, Reason
from apps.checks.recording import NewCheck, append
from apps.core import clock
from apps.exports.columns import TABLES
from apps.notifications.kinds import Kind
from apps.notifications.models import Notice, Webhook
from apps.platforms.registry import OTHER
from apps.reports.deadlines import rules
from apps.reports.models import Campaign, Item, Report
from apps.reports.replies import log_reminder, mark_errors
from apps.reports.selectors import was_seen
from apps.reports.visibility import COARSE, told
from tests.factories import at, make_api_token, make_import, make_person
from tests.public.seeding import SECRETS, SLUG, seed
from tests.public.test_leaks import crawl, fragments, leaks, plain_text
from tests.routes import examples, for_a_module, routes

pytestmark = pytest.mark.django_db

WRITTEN = {
    "error": "zq-mistaken",
    "seen": "zq-what-i-saw",
    "reminder": "zq-reminded",
    "definition": "zq-looked-at-it",
    "filename": "zq-spreadsheet",
    "blocked by": "zq-blocker",
}
"""Further words that are on record, each in one place where people or sites write."""

OF_THE_CAMPAIGN = {SECRETS["name"], SECRETS["description"]}
"""What a campaign is called and says of itself, which is for all its members."""

HOME = f"/workspace/{SLUG}/"
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="\w+"')


class Seeded:
    """The campaign with all its secrets, and browsers of somebody who sees figures only and of a viewer."""

    def __init__(self) -> None:
        members = {role: make_person(f"{role}@example.org") for role in ("owner", "figures", "viewer")}
        author = make_person("zq-person@example.org", superuser=True)
        self.campaign: Campaign = seed(author, **members)
        items = list(Item.objects.filter(report__campaign=self.campaign).order_by("pk"))
        mark_errors(items=[items[1]], reason=WRITTEN["error"], person=author)
        report = Report.objects.get(campaign=self.campaign, number=1)
        log_reminder(report=report, sent_at=at(100), note=WRITTEN["reminder"], person=author)
        blocked = {"answers": [{"blocked_by": f"https://{WRITTEN['blocked by']}.example/"}]}
        seen = {"manual": True, "person_id": author.pk, "note": WRITTEN["seen"]}
        for hours, outcome, reason, more in (
            (800, Outcome.RESTRICTED, Reason.PRIVATE, seen),
            (801, Outcome.INCONCLUSIVE, Reason.TIMEOUT, {"evidence": blocked}),
        ):
            append([NewCheck(items[0].target_id, at(hours), at(hours), outcome, reason, **more)])
        DefinitionState.objects.create(platform="huggingface", stale_since=clock.now(), why="read wrongly")
        DefinitionEvent.objects.create(
            platform="huggingface",
            what=DefinitionChange.KEPT_STALE,
            person=author,
            note=WRITTEN["definition"],
            at=clock.now(),
        )
        uploaded = make_import(self.campaign)
        uploaded.filename = f"{WRITTEN['filename']}.csv"
        uploaded.save()
        Webhook.objects.create(campaign=self.campaign, url="https://hooks.example.org/")
        make_api_token(self.campaign)
        Notice.objects.bulk_create(
            Notice(
                membership=member,
                kind=Kind.REMOVED,
                report=each,
                platform=each.platform,
                at=clock.now(),
                found_at=clock.wall(),
            )
            for member in self.campaign.memberships.all()
            for each in self.campaign.reports.all()
        )
        self.asked = {item.pk for item in [*items[:2], *items[::6]]}
        self.examples = examples(self.campaign)
        self.people = members

    def client(self, who: str) -> Client:
        client = Client()
        client.force_login(self.people[who])
        return client

    def secrets(self) -> set[str]:
        return (fragments() | set(WRITTEN.values())) - OF_THE_CAMPAIGN

    def starts(self) -> list[str]:
        """An address of each route, of those that the role may not open too, and each file in each format."""
        found = [each.address(self.examples) for each in routes() if each.name != "account_logout"]
        found += [f"{HOME}export/{table}.{format}" for table in TABLES for format in ("csv", "jsonl", "xlsx")]
        by = [f"{HOME}figures/?{urlencode({'by': key})}" for key in ("platform", "category", "standing")]
        compared = f"{HOME}figures/?by=platform&by=report&compare_a={OTHER}/4&compare_b=nothing"
        return [*found, *by, compared, f"{HOME}export/summary.csv?by=platform&by=standing"]

    def shape(self, address: str) -> object:
        """Addresses are asked once that differ only in the values of a filter or the number of a page.

        So are the items, but for some of each report.
        """
        parts = urlsplit(address)
        query = parse_qs(parts.query)
        item = re.search(r"/items/(\d+)/", parts.path)
        path = parts.path if item is None or int(item[1]) in self.asked else "an item"
        return path, tuple(sorted(query)), tuple(query.get("by", ()))


@pytest.fixture(scope="module")
def seeded(django_db_setup: None, django_db_blocker: Any) -> Iterator[Seeded]:
    with for_a_module(django_db_blocker):
        yield Seeded()


def test_no_page_or_file_tells_them_a_fragment(seeded: Seeded) -> None:
    found = crawl(seeded.client("figures"), *seeded.starts(), same=seeded.shape, refused=True)
    assert leaks(found, seeded.secrets()) == []
    # The same pages tell a viewer each of these words, so the crawl was where they stand.
    told_to_viewer = {
        secret
        for _, secret in leaks(
            crawl(seeded.client("viewer"), *seeded.starts(), same=seeded.shape),
            set(SECRETS.values()) | set(WRITTEN.values()),
        )
    }
    for_editors = {WRITTEN["filename"]}
    assert told_to_viewer == (set(SECRETS.values()) | set(WRITTEN.values())) - for_editors


def _ask(client: Client, path: str, **query: str) -> HttpResponse:
    return client.get(f"{HOME}{path}?{urlencode(query)}")  # type: ignore[return-value]


PAGES = ("", "figures/", "charts/removed.csv", "export/", "export/items.csv", "export/summary.jsonl")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("q", SECRETS["path"]),
        ("account", f"{SECRETS['account']}-3"),
        ("label", f"{SECRETS['label']}-1"),
        ("sort", "account"),
        ("sort", "-account"),
        ("sort", "platform"),
        ("by", "account"),
        ("by", "label"),
    ],
)
def test_what_would_tell_by_its_answer_is_refused_with_a_sentence(
    name: str, value: str, seeded: Seeded
) -> None:
    client = seeded.client("figures")
    for page in PAGES if name != "by" else ("", "figures/", "charts/groups.csv", "export/summary.csv"):
        answer = _ask(client, page, **{name: value})
        assert answer.status_code == 403, page
        assert "Your role does not let you ask by" in answer.content.decode(), page
        assert leaks({page: plain_text(answer.content)}, seeded.secrets() - {value.lower()}) == []
        assert _ask(seeded.client("viewer"), page, **{name: value}).status_code == 200, page


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("platform", f"{SECRETS['host']}.example"),
        ("category", SECRETS["category"]),
        ("standing", SECRETS["standing"]),
        ("compare_a", f"{SECRETS['host']}.example"),
    ],
)
def test_a_right_guess_is_answered_as_a_wrong_one(name: str, right: str, seeded: Seeded) -> None:
    client = seeded.client("figures")
    wrong = "zq-" + "x" * (len(right) - 3)
    more = {"by": "platform", "compare_b": "huggingface"} if name == "compare_a" else {}
    for page in PAGES:
        with time_machine.travel(clock.wall(), tick=False):
            answers = [_ask(client, page, **{name: guess}, **more) for guess in (right, wrong)]
        texts = [
            re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", plain_text(answer.content)).replace(
                guess, ""
            )
            for answer, guess in zip(answers, (right, wrong), strict=True)
        ]
        assert answers[0].status_code == answers[1].status_code, page
        assert texts[0] == texts[1], page


def test_what_is_told_coarsely_can_be_chosen_together(seeded: Seeded) -> None:
    client = seeded.client("figures")
    page = _ask(client, "", platform=OTHER).content.decode()
    assert "2 items of this filter." in page
    assert '<option value="other" selected>other sites</option>' in page
    assert "2 items of this filter." in _ask(client, "", category=OTHER).content.decode()
    assert "4: other sites" in page


def test_groups_of_what_is_not_told_are_one(seeded: Seeded) -> None:
    figures = _ask(seeded.client("figures"), "figures/", by="standing").content.decode()
    assert "journalist" in figures
    assert ">other<" in figures


def test_what_is_not_for_them_is_not_offered(seeded: Seeded) -> None:
    client = seeded.client("figures")
    campaign = client.get(HOME).content.decode()
    for offered in ('name="q"', 'name="account"', 'name="label"', "data-copy", "sort=platform", "New report"):
        assert offered not in campaign, offered
    assert '<option value="account"' not in client.get(f"{HOME}figures/").content.decode()
    item = client.get(f"{HOME}items/{seeded.examples['items/pk']}/").content.decode()
    for offered in ("evidence.zip", "Watched as", "Add what you saw", "Look again"):
        assert offered not in item, offered
    assert "without URLs, accounts and what people wrote" in client.get(f"{HOME}export/").content.decode()


def test_files_are_named_for_them_and_have_their_columns(seeded: Seeded) -> None:
    client = seeded.client("figures")
    for name, table in TABLES.items():
        answer = client.get(f"{HOME}export/{name}.csv")
        assert f"{SLUG}-{name}-figures-" in answer["Content-Disposition"]
        header = plain_text(answer.content).splitlines()[0].split(",")
        assert tuple(header) == table.seen_by(Audience.FIGURES).names
    package = client.get(f"{HOME}export/datapackage.json").json()
    columns = {field["name"] for each in package["resources"] for field in each["schema"]["fields"]}
    assert columns == {name for table in TABLES.values() for name in table.seen_by(Audience.FIGURES).names}


def test_whoever_sees_figures_only_cannot_ask_elsewhere_whether_a_url_is_watched(seeded: Seeded) -> None:
    key = Item.objects.filter(report__campaign=seeded.campaign, control=False).first().target.key  # type: ignore[union-attr]
    assert was_seen(seeded.people["viewer"], key)
    assert not was_seen(seeded.people["figures"], key)


@pytest.mark.parametrize(
    "command",
    [
        *(["export", SLUG, "--table", name] for name in TABLES),
        ["status", SLUG],
        ["status", SLUG, "--jsonl"],
        ["summary", SLUG, "--by", "platform", "--by", "standing"],
        ["summary", SLUG, "--by", "category", "--json"],
    ],
    ids=" ".join,
)
def test_commands_write_what_a_role_may_see(
    command: list[str], seeded: Seeded, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    call_command(*command, "--role", "figures")
    told_to_figures = plain_text(capfdbinary.readouterr().out)
    assert leaks({"out": told_to_figures}, seeded.secrets()) == []
    call_command(*command)
    if command[:3] != ["export", SLUG, "--table"] or command[3] != "summary":
        assert leaks({"out": plain_text(capfdbinary.readouterr().out)}, seeded.secrets())


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (["summary", SLUG, "--by", "account"], "does not let you ask by account"),
        (["export", SLUG, "--table", "summary", "--by", "label"], "does not let you ask by label"),
        (["export_evidence", SLUG, "--report", "1", "--out", "x.zip"], "Evidence bundles name URLs"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_commands_refuse_what_a_role_may_not_see(command: list[str], sentence: str, seeded: Seeded) -> None:
    with pytest.raises(CommandError, match=sentence):
        call_command(*command, "--role", "figures")


def test_words_told_coarsely_start_the_same_clocks() -> None:
    for rule in rules().values():
        assert OTHER not in rule.categories + rule.standings
    for name in COARSE:
        for who in Audience:
            assert told(who, name, "of our own") == ("of our own" if who.may_see(Audience.MEMBERS) else OTHER)
        known = sorted(COARSE[name]())[0]
        assert told(Audience.FIGURES, name, known) == known
