"""`manage.py recheck` on a real server."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.checks.models import Check, Host, Target
from apps.core import clock
from tests.checks.running import GONE, watch
from tests.checks.servers import RawServer, routing
from tests.factories import make_campaign, make_item, make_report

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server(settings: Any) -> Iterator[RawServer]:
    with RawServer(routing({"/a/gone": GONE})) as running:
        settings.CHECK_ALLOW_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
        settings.CHECK_ALLOW_PORTS = [running.port]
        settings.CHECK_HOST_INTERVAL = 0.0
        yield running


def test_what_is_due_is_checked_and_counted(server: RawServer, capsys: pytest.CaptureFixture[str]) -> None:
    watch(server.url("/a/gone"))
    watch("http://10.0.0.1/a")
    call_command("recheck")
    out = capsys.readouterr().out
    assert out == "checks 2  available 0  restricted 0  removed 1  inconclusive 1\n"
    call_command("recheck")
    assert capsys.readouterr().out.startswith("checks 0 ")


def test_only_one_campaign_and_force(server: RawServer, capsys: pytest.CaptureFixture[str]) -> None:
    mine, other = watch(server.url("/a/gone"), server.url("/a/missing"))
    make_item(make_report(make_campaign("mine")), mine)
    call_command("recheck", "--campaign", "mine")
    call_command("recheck", "--campaign", "mine", "--force")
    assert capsys.readouterr().out.count("checks 1 ") == 2
    assert [target.checks.count() for target in (mine, other)] == [2, 0]


def test_watching_until_a_moment_ends_there(server: RawServer, capsys: pytest.CaptureFixture[str]) -> None:
    watch(server.url("/a/gone"))
    until = clock.now() + timedelta(seconds=1)
    call_command("recheck", "--until", until.isoformat())
    out = capsys.readouterr().out
    assert clock.now() >= until
    assert Check.objects.count() == 1
    assert re.search(r"(?m)^checks 1  available 0 ", out)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--campaign", "exmaple"], "There is no campaign 'exmaple'. Campaigns: none yet."),
        (["--until", "tomorrow"], "'tomorrow' is no time with an offset. Write it as 2026-03-01T12:00:00"),
        (["--until", "2026-03-01T12:00:00"], "is no time with an offset"),
        (["--until", "2026-13-01T12:00:00Z"], "is no time with an offset"),
    ],
)
def test_wrong_options_get_a_sentence(arguments: list[str], sentence: str) -> None:
    with pytest.raises(CommandError, match=re.escape(sentence)):
        call_command("recheck", *arguments)


def test_what_was_left_is_told_with_the_reason(server: RawServer, capsys: pytest.CaptureFixture[str]) -> None:
    watch(server.url("/a/gone"))
    Host.objects.update(not_before=clock.wall() + timedelta(minutes=5))
    call_command("recheck")
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("checks 0 ")
    assert re.fullmatch(rf"left 1  127\.0\.0\.1:{server.port} is left alone until \S+ \S+ UTC", second)
    Host.objects.update(not_before=None, lease_token="other", lease_until=clock.wall() + timedelta(minutes=1))
    call_command("recheck")
    assert "is being asked by another checker" in capsys.readouterr().out


def test_force_begins_with_what_has_waited_longest(server: RawServer, settings: Any) -> None:
    settings.CHECK_HOST_CONCURRENCY = 1
    recent, waiting = watch(server.url("/a/1"), server.url("/a/2"))
    call_command("recheck")
    Target.objects.filter(pk=waiting.pk).update(last_check_at=clock.now() - timedelta(days=1))
    server.heads.clear()
    call_command("recheck", "--force")
    assert [path for path in server.paths() if path in {"/a/1", "/a/2"}] == ["/a/2", "/a/1"]
    assert recent.checks.count() == 2


def test_the_demo_is_not_checked_on_real_time(settings: Any) -> None:
    settings.DEMO = True
    with pytest.raises(CommandError, match="The demo's time is known to `serve --demo` only"):
        call_command("recheck")
