"""The page that says what a check would say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.checks.lease import lease_host
from apps.checks.models import Check, Host, Target
from apps.core import clock
from apps.workspace import classify_form, looks
from tests.checks.making import at
from tests.checks.recordings import Recorder, one_page_site
from tests.checks.test_classify import MODEL, MODEL_API, REFUSED
from tests.factories import make_item, make_report, make_target
from tests.workspace.conftest import Team

pytestmark = pytest.mark.django_db
PAGE = "/workspace/classify/"
UP = '{"id": "example-user/example-model"}'
JSON = {"Content-Type": "application/json"}


@pytest.fixture(autouse=True)
def _no_pace(settings: Any) -> None:
    settings.CHECK_HOST_INTERVAL = 0
    cache.clear()


@pytest.fixture
def recorder(tmp_path: Path) -> Recorder:
    return Recorder(tmp_path / "recorded.har")


@pytest.fixture
def site(settings: Any) -> Iterator[str]:
    with one_page_site(settings) as address:
        yield address


def har(recorder: Recorder) -> SimpleUploadedFile:
    return SimpleUploadedFile("recorded.har", Path(recorder.write()).read_bytes())


def posted(client: Client, **entered: Any) -> str:
    answer = client.post(PAGE, entered)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_it_works(team: Team, recorder: Recorder) -> None:
    recorder.add(MODEL_API, 200, UP, JSON)
    page = posted(
        team.client("reviewer"),
        url="hxxps://huggingface[.]co/example-user/example-model",
        file=har(recorder),
    )
    assert '<span class="mark mark-available">available</span>' in page
    assert "answered as itself, decided by <code>huggingface:up@1</code>" in page
    assert "holds, and decides" in page
    assert "lacks: status 401 or 404" in page
    assert "rules for every site" in page
    assert "hxxps://huggingface[.]co/api/models/example-user/example-model" in page
    assert f'href="{MODEL}' not in page


def test_a_pasted_recording_need_not_be_told_its_url(team: Team, recorder: Recorder) -> None:
    url = "https://example.org/list/an-item"
    recorder.add(url, 410)
    page = posted(team.client("reviewer"), pasted=Path(recorder.write()).read_text())
    assert "gone (410)" in page
    assert "hxxps://example[.]org/list/an-item" in page


def test_what_the_recording_lacks_can_be_copied(team: Team, recorder: Recorder) -> None:
    recorder.add(MODEL_API, 401, "", REFUSED)
    page = posted(team.client("reviewer"), url=MODEL, file=har(recorder))
    assert "The recording lacks" in page
    assert f'data-copy="{MODEL}"' in page


def test_nothing_of_it_is_kept(team: Team, recorder: Recorder, site: str) -> None:
    recorder.add(MODEL_API, 200, UP, JSON)
    client = team.client("reviewer")
    posted(client, url=MODEL, file=har(recorder))
    assert "mark-available" in posted(client, url=f"{site}/list/an-item")
    assert not Target.objects.exists()
    assert not Check.objects.exists()
    assert not Host.objects.exists()
    kept = json.dumps([*client.session.items()], default=str)
    assert "example-model" not in kept
    assert "an-item" not in kept
    assert "an-item" not in client.get(PAGE).content.decode()


def test_what_was_seen_counts_in_ones_own_campaigns_alone(team: Team, recorder: Recorder) -> None:
    recorder.add(MODEL_API, 401, "", REFUSED)
    recorder.add(MODEL, 401, "<title>404 – Hugging Face</title>")
    theirs = team.people["stranger"].memberships.get().campaign
    target = make_target(platform="huggingface", present_at=at(1))
    target.key = MODEL
    target.commit_to_key()
    target.save()
    make_item(make_report(theirs), target)
    assert "never seen" in posted(team.client("reviewer"), url=MODEL, file=har(recorder))
    assert "mark-removed" in posted(team.client("stranger"), url=MODEL, file=har(recorder))
    assert "mark-removed" in posted(team.client("reviewer"), url=MODEL, file=har(recorder), seen="on")


@pytest.mark.parametrize(
    ("entered", "sentence"),
    [
        ({}, "Write a URL, or give a recording."),
        ({"url": "javascript:alert(1)"}, "Only http and https"),
        ({"url": "http://10.0.0.1/x"}, "not on the public internet"),
        ({"pasted": "no JSON"}, "The text is not JSON, as a HAR file must be."),
        ({"pasted": '{"log": {"entries": []}}'}, "Write a URL, or give a recording."),
        ({"file": (b"\xff\xfe", "a.har")}, "The file is not UTF-8 text"),
        ({"file": (b"{}", "a.har")}, "The file has no log.entries"),
        ({"file": (b"{}", "a.har"), "pasted": "{}"}, "Give one recording"),
        ({"file": (b"", "a.har")}, "The submitted file is empty."),
    ],
)
def test_what_cannot_be_used_is_said_in_a_sentence(
    entered: dict[str, Any], sentence: str, team: Team
) -> None:
    files = {
        name: SimpleUploadedFile(value[1], value[0]) if isinstance(value, tuple) else value
        for name, value in entered.items()
    }
    assert sentence in posted(team.client("reviewer"), **files)


def test_a_recording_has_a_largest_size(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classify_form, "MAX_RECORDING_BYTES", 10)
    file = SimpleUploadedFile("a.har", b"[" * 11)
    assert "export fewer entries" in posted(team.client("reviewer"), file=file)


def test_without_a_recording_the_network_is_asked(team: Team, site: str) -> None:
    page = posted(team.client("reviewer"), url=f"{site}/list/absent")
    assert "mark-removed" in page
    assert "generic:not-found@" in page


def test_a_host_that_the_checker_is_asking_is_left_to_it(team: Team, site: str) -> None:
    name = site.removeprefix("http://")
    Host.objects.create(name=name)
    assert lease_host(name)
    page = posted(team.client("reviewer"), url=f"{site}/list/an-item")
    assert "The checker is asking this site at this moment." in page
    Host.objects.update(lease_until=None, lease_token="")
    assert "mark-available" in posted(team.client("reviewer"), url=f"{site}/list/an-item")
    host = Host.objects.get()
    assert (host.lease_token, host.lease_until) == ("", None)


def test_a_host_that_wants_to_be_left_alone_is(team: Team, site: str) -> None:
    until = clock.wall().replace(microsecond=0) + timedelta(hours=1)
    Host.objects.create(name=site.removeprefix("http://"), not_before=until)
    page = posted(team.client("reviewer"), url=f"{site}/list/an-item")
    assert f"The site wants to be left alone until {until:%H:%M} UTC." in page


def test_one_person_has_so_many_looks(team: Team, site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looks, "LOOKS", 2)
    client, url = team.client("reviewer"), f"{site}/list/an-item"
    for _ in range(2):
        assert "mark-available" in posted(client, url=url)
    assert "Wait a little, or use a recording." in posted(client, url=url)
    assert "mark-available" in posted(team.client("owner"), url=url)
