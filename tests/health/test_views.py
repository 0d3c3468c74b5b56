"""What programs read: alive, ready, metrics; who may, and what it says without naming anything."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import DjangoAssertNumQueries

from apps.checks.beats import Beats, What, beat, last_beats
from apps.checks.models import Host, Pause
from apps.checks.outcomes import Status, Trouble
from apps.core import clock
from apps.health.facts import facts
from apps.reports.models import Import
from tests.factories import make_campaign, make_import, make_target

pytestmark = pytest.mark.django_db

TOKEN = "example-token-of-the-tests"


@pytest.fixture
def working(settings: Any) -> None:
    """A site that checks: something is watched, and was looked at just now."""
    settings.REDIS_URL = ""
    beat(*What)
    make_target("secret-path", status=Status.AVAILABLE, next_check_at=clock.now() + timedelta(hours=1))
    make_import(make_campaign("secret-campaign"))


def get(path: str, **headers: str) -> Any:
    return Client().get(path, headers=headers)


def test_alive_asks_nothing_of_the_database() -> None:
    with CaptureQueriesContext(connection) as asked:
        answer = get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"ok\n")
    assert "no-store" in answer["Cache-Control"]
    assert not asked.captured_queries


@pytest.mark.usefixtures("working")
def test_ready_says_how_each_condition_stands_and_names_nothing() -> None:
    answer = get("/readyz")
    told = answer.json()
    assert (answer.status_code, told["status"]) == (200, "ok")
    assert {"database", "migrations", "tick", "checks", "overdue", "definitions"} <= set(told["conditions"])
    assert told["conditions"]["tick"]["status"] == "ok"
    assert told["conditions"]["tick"]["age_seconds"] >= 0
    assert {key for one in told["conditions"].values() for key in one} <= {"status", "age_seconds"}
    assert b"secret" not in answer.content


@pytest.mark.usefixtures("working")
def test_a_pause_is_not_ready() -> None:
    now = clock.wall()
    Pause.objects.create(
        since=now - timedelta(minutes=2),
        why=Trouble.SILENT,
        platforms=2,
        noticed_at=clock.wall(),
        look_at=clock.wall(),
    )
    answer = get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["status"] == "failing"
    assert answer.json()["conditions"]["checks"]["age_seconds"] >= 120


@pytest.mark.usefixtures("working")
def test_however_often_it_is_asked_the_database_is_asked_once() -> None:
    assert get("/readyz").status_code == 200
    with CaptureQueriesContext(connection) as asked:
        for path in ("/readyz", "/readyz"):
            assert get(path).status_code == 200
    assert not asked.captured_queries


@pytest.mark.parametrize("rows", [0, 5])
def test_reading_all_facts_takes_few_queries_whatever_there_is(
    rows: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    facts()  # some of it is read once for all
    for _ in range(rows):
        make_target(next_check_at=clock.now())
    with django_assert_max_num_queries(20):
        facts()


# -- metrics


def samples() -> dict[str, dict[tuple[str, ...], float]]:
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(get("/metrics").content.decode()):
        for sample in family.samples:
            labels = tuple(value for _, value in sorted(sample.labels.items()))
            found.setdefault(sample.name, {})[labels] = sample.value
    return found


@pytest.mark.usefixtures("working")
def test_metrics_say_what_the_database_holds() -> None:
    make_target(status=Status.REMOVED, next_check_at=clock.now() - timedelta(minutes=5))
    Host.objects.update(lease_until=clock.shared_wall() + timedelta(minutes=1))
    beats = Beats()
    gone = Counter({("huggingface", "removed", "gone"): 2, ("", "removed", "gone"): 1})
    beats.count(gone + Counter({("", "available", "ok"): 4}))
    beats.write()
    found = samples()
    assert found["still_up_targets"] == {
        (status.value,): float(status in {Status.AVAILABLE, Status.REMOVED}) for status in Status
    }
    assert found["still_up_targets_due"][()] == 1
    assert found["still_up_targets_overdue_seconds"][()] >= 300
    assert found["still_up_checks_total"] == {("removed", "gone"): 3, ("available", "ok"): 4}
    assert found["still_up_platform_checks_total"] == {
        ("removed", "huggingface"): 2,
        ("removed", "other"): 1,
        ("available", "other"): 4,
    }
    assert found["still_up_leases"][()] == 1
    assert found["still_up_last_tick_timestamp_seconds"][()] == last_beats()[What.TICK].timestamp()
    assert found["still_up_stalled"][()] == 0
    assert found["still_up_paused"] == {("silent",): 0, ("strange",): 0}
    assert found["still_up_imports"] == {(Import.State.MAPPING.value,): 1}
    assert found["still_up_database_bytes"][()] > 0
    assert found["still_up_condition_ok"]["database",] == 1
    ((vendor, python, version),) = found["still_up_build_info"]
    assert version
    assert python
    assert vendor == connection.vendor


@pytest.mark.usefixtures("working")
def test_metrics_hold_no_host_and_no_name() -> None:
    text = get("/metrics").content.decode()
    assert "secret" not in text
    assert "example.org" not in text


def test_a_queue_is_counted(settings: Any, valkey_url: str) -> None:
    settings.REDIS_URL = valkey_url
    found = samples()
    assert set(found["still_up_queue_jobs"]) == {("tick",), ("default",)}
    assert "still_up_workers" in found


def test_a_queue_that_does_not_answer_is_a_condition_and_no_error(settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert samples()["still_up_condition_failing"]["queue",] == 1
    assert get("/readyz").status_code == 503


@pytest.mark.parametrize(
    ("configured", "behind_proxy", "remote", "headers", "status"),
    [
        ("", False, "127.0.0.1", {}, 200),
        ("", False, "::1", {}, 200),
        ("", False, "192.0.2.1", {}, 404),
        ("", False, "", {}, 404),
        ("", True, "127.0.0.1", {}, 404),  # everybody comes from the proxy
        ("", False, "127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, 404),
        (TOKEN, True, "192.0.2.1", {"Authorization": f"Bearer {TOKEN}"}, 200),
        (TOKEN, False, "127.0.0.1", {}, 401),
        (TOKEN, False, "127.0.0.1", {"Authorization": "Bearer wrong"}, 401),
        (TOKEN, False, "127.0.0.1", {"Authorization": "Bearer wröng"}, 401),
        (TOKEN, False, "127.0.0.1", {"Authorization": f"Basic {TOKEN}"}, 401),
    ],
)
def test_who_may_read_metrics(
    settings: Any, configured: str, behind_proxy: bool, remote: str, headers: dict[str, str], status: int
) -> None:
    settings.METRICS_TOKEN, settings.BEHIND_PROXY = configured, behind_proxy
    answer = Client(REMOTE_ADDR=remote).get("/metrics", headers=headers)
    assert answer.status_code == status
    if status != 200:
        assert b"still_up" not in answer.content


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_nothing_is_changed_and_no_cookie_is_set(path: str) -> None:
    assert Client().post(path).status_code == 405
    answer = get(path)
    assert not answer.cookies
    assert "Vary" not in answer or "Cookie" not in answer["Vary"]
