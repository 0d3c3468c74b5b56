"""Who gets what from every endpoint: a token of each role, a stranger's, and those that are none."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.accounts.roles import Role
from apps.api.endpoints import api
from apps.checks.outcomes import Status
from apps.reports.models import Campaign, Reply
from tests.api.conftest import NOBODY, Programs
from tests.factories import at, make_check, make_item, make_report, make_transition

EVERYBODY = {role.value for role in Role}
REPORT = {"owner", "editor"}
NEW_REPORT = {"items": [{"url": "https://models.example.org/new"}]}
NEW_REPLY = {"kind": "acknowledgement", "received_at": at(1).isoformat()}

ENDPOINTS = [
    ("GET", "/api/v1/campaigns", None, EVERYBODY),
    ("GET", "", None, EVERYBODY),
    ("GET", "/reports", None, EVERYBODY),
    ("POST", "/reports", NEW_REPORT, REPORT),
    ("GET", "/reports/1", None, EVERYBODY),
    ("GET", "/items", None, EVERYBODY),
    ("GET", "/items/{item}", None, EVERYBODY),
    ("GET", "/checks", None, EVERYBODY),
    ("GET", "/transitions", None, EVERYBODY),
    ("GET", "/replies", None, EVERYBODY),
    ("POST", "/reports/1/replies", NEW_REPLY, REPORT),
    ("GET", "/summary", None, EVERYBODY),
]


@pytest.mark.parametrize(("method", "path", "body", "allowed"), ENDPOINTS)
def test_only_tokens_whose_role_may_get_in(
    method: str, path: str, body: object, allowed: set[str], programs: Programs
) -> None:
    item = make_item(make_report(programs.campaign))
    path = path.format(item=item.pk)
    for who in [*EVERYBODY, "stranger", *NOBODY]:
        answer = programs.ask(who, method, path, body)
        if who in NOBODY:
            assert answer.status_code == 401, who
            assert answer["WWW-Authenticate"].startswith("Bearer")
        elif who == "stranger":
            assert answer.status_code == (200 if path.endswith("/v1/campaigns") else 404), who
            assert "example-models" not in answer.content.decode()
        elif who in allowed:
            assert answer.status_code in {200, 201}, (who, answer.content)
        else:
            assert answer.status_code == 403, who
            assert answer.json()["type"].endswith("not-for-this-role")
        assert answer["Cache-Control"] == "no-store"
        if answer.status_code >= 400:
            assert answer["Content-Type"] == "application/problem+json"
            assert answer.json()["status"] == answer.status_code
    if method == "POST" and "replies" in path:
        assert Reply.objects.count() == len(allowed)


def test_no_endpoint_is_left_out() -> None:
    document = api.get_openapi_schema()
    documented = {
        (method.upper(), path.removeprefix("/api/v1").replace("/campaigns/{campaign}", "", 1))
        for path, operations in document["paths"].items()
        for method in operations
    }
    listed = {
        (method, path.removeprefix("/api/v1").replace("/reports/1", "/reports/{number}"))
        for method, path, _, _ in ENDPOINTS
    }
    assert documented == listed
    assert all(operation["security"] for path in document["paths"].values() for operation in path.values())


def test_a_browsers_session_does_not_count(programs: Programs) -> None:
    client = Client()
    client.force_login(programs.token("owner").person)
    assert client.get("/api/v1/campaigns").status_code == 401


def test_nothing_of_another_campaign_is_found_here(programs: Programs) -> None:
    other = make_item(make_report(Campaign.objects.get(slug="not-theirs")))
    make_check(other.target, 1)
    make_transition(other.target, Status.WAITING, Status.AVAILABLE, after=0, by=1)
    assert programs.ask("owner", "GET", f"/items/{other.pk}").status_code == 404
    for path in ("/items", "/checks", "/transitions", f"/checks?target={other.target_id}"):
        assert programs.get("owner", path)["data"] == []
    assert programs.ask("owner", "GET", "/reports/1").status_code == 404


def test_with_the_role_figures_only_nothing_leads_to_a_url(programs: Programs) -> None:
    person = programs.token("owner").person
    report = make_report(programs.campaign)
    report.note = report.reference = report.policy = report.category = "words-of-their-own"
    report.save()
    item = make_item(report, account="an-account-name")
    item.labels, item.note = ["words-of-their-own"], "words-of-their-own"
    item.save()
    make_check(item.target, 1)
    make_check(item.target, 2, person=person, note="words-of-their-own")
    make_transition(item.target, Status.WAITING, Status.AVAILABLE, after=0, by=1)
    Reply.objects.create(
        report=report, kind="other", received_at=at(1), text="words-of-their-own", person=person
    )
    programs.campaign.description = "words-of-their-own"
    programs.campaign.save()
    hidden = ("words-of-their-own", "models.example.org", "example.org", "an-account-name", person.email)
    for method, path, _, _ in ENDPOINTS:
        if method == "GET":
            path = path.format(item=item.pk)
            shown = programs.ask("figures", "GET", path)
            assert shown.status_code == 200
            assert not [word for word in hidden if word in shown.content.decode()], path
    everything = "".join(
        programs.ask("viewer", "GET", path).content.decode()
        for path in ("", "/reports", f"/items/{item.pk}", "/checks", "/transitions", "/replies")
    )
    assert all(word in everything for word in hidden)


@pytest.mark.parametrize(
    "query",
    ["q=models", "account=someone", "label=x"],
)
def test_with_the_role_figures_only_no_filter_tells_what_is_hidden(query: str, programs: Programs) -> None:
    make_item(make_report(programs.campaign))
    for path in ("/items", "/reports", "/checks", "/transitions", "/replies", "/summary"):
        assert programs.ask("figures", "GET", f"{path}?{query}").status_code == 403, path
        assert programs.ask("viewer", "GET", f"{path}?{query}").status_code == 200, path


def test_with_the_role_figures_only_a_domain_cannot_be_tried_out(programs: Programs) -> None:
    make_item(make_report(programs.campaign))
    for platform, who, many in (
        ("example.org", "viewer", 1),
        ("example.org", "figures", 0),
        ("example.net", "figures", 0),
        ("other", "figures", 1),
    ):
        assert len(programs.get(who, f"/items?platform={platform}")["data"]) == many, (platform, who)
    assert programs.get("figures", "/items")["data"][0]["platform"] == "other"


@pytest.mark.parametrize("key", ["account", "label"])
def test_with_the_role_figures_only_no_group_is_named_by_what_is_hidden(key: str, programs: Programs) -> None:
    make_item(make_report(programs.campaign))
    assert programs.ask("figures", "GET", f"/summary?by={key}").status_code == 403
    assert programs.ask("viewer", "GET", f"/summary?by={key}").status_code == 200
