"""`manage.py classify` says what a check would say, from the network or from a recording."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from apps.checks.outcomes import Outcome
from apps.checks.recording import append
from apps.checks.services import Wanted, watch_targets
from apps.core.canonical import canonicalise
from apps.platforms.matching import match
from tests.checks.answering import beside
from tests.checks.making import at, check
from tests.checks.recordings import Recorder, one_page_site

pytestmark = pytest.mark.django_db

MODEL = "https://huggingface.co/example-user/example-model"
MODEL_API = "https://huggingface.co/api/models/example-user/example-model"
CANARY_API = "https://huggingface.co/api/models/google-bert/bert-base-uncased"
CANARY = "https://huggingface.co/google-bert/bert-base-uncased"
REFUSED = {"X-Error-Message": "Invalid username or password.", "Content-Type": "application/json"}
KEYS = {
    *(
        "url",
        "key",
        "platform",
        "platform_name",
        "kind",
        "account",
        "probe",
        "outcome",
        "reason",
        "definitive",
    ),
    *("signal", "http_status", "retry_after", "seen_available", "canary", "evidence", "missing"),
}


@pytest.fixture
def recorder(tmp_path: Path) -> Recorder:
    return Recorder(tmp_path / "recorded.har")


def classify(*arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command("classify", *arguments, "--json", stdout=out)
    result: dict[str, Any] = json.loads(out.getvalue())
    assert set(result) == KEYS
    return result


def told(result: dict[str, Any]) -> tuple[str, str, bool]:
    return result["outcome"], result["reason"], result["definitive"]


def test_it_works(recorder: Recorder) -> None:
    body = '{"id": "example-user/example-model", "private": false, "gated": false}'
    recorder.add(MODEL_API, 200, body, {"Content-Type": "application/json"})
    result = classify("hxxps://huggingface[.]co/example-user/example-model", "--har", recorder.write())
    assert told(result) == ("available", "ok", False)
    assert (result["platform"], result["platform_name"]) == ("huggingface", "Hugging Face")
    assert (result["kind"], result["account"], result["key"]) == ("model", "example-user", MODEL)
    assert (result["probe"], result["signal"]) == ("api", "huggingface:up@1")
    assert result["http_status"] == 200
    assert result["evidence"]["answers"][0]["status"] == 200
    assert result["missing"] == []


def test_a_bare_refusal_is_a_removal_only_of_what_was_seen(recorder: Recorder) -> None:
    recorder.add(MODEL_API, 401, '{"error": "Invalid username or password."}', REFUSED)
    recorder.add(MODEL, 401, "<title>404 – Hugging Face</title><h1>404</h1>")
    file = recorder.write()
    assert told(classify(MODEL, "--har", file)) == ("inconclusive", "missing_or_private", False)
    assert told(classify(MODEL, "--har", file, "--seen")) == ("removed", "not_found", False)


def test_what_the_record_has_seen_counts(recorder: Recorder) -> None:
    recorder.add(MODEL_API, 401, '{"error": "Invalid username or password."}', REFUSED)
    recorder.add(MODEL, 401, "<title>404 – Hugging Face</title><h1>404</h1>")
    file = recorder.write()
    found = match(canonicalise(MODEL))
    target = watch_targets([Wanted(found, at(0))])[found.key]
    assert told(classify(MODEL, "--har", file))[0] == "inconclusive"
    append([check(target, 1, Outcome.AVAILABLE)])
    result = classify(MODEL, "--har", file)
    assert told(result) == ("removed", "not_found", False)
    assert result["seen_available"] is True


def test_what_the_recording_lacks_is_listed(recorder: Recorder) -> None:
    recorder.add(MODEL_API, 401, "", REFUSED)
    result = classify(MODEL, "--har", recorder.write(), "--seen")
    assert told(result) == ("inconclusive", "not_recorded", False)
    assert result["missing"] == [MODEL]


def test_a_sibling_can_be_in_the_same_file(recorder: Recorder) -> None:
    url = "https://example.org/list/an-item"
    lost = "<title>Page not found</title><h1>Oops</h1>"
    recorder.add(url, 200, lost)
    result = classify(url, "--har", recorder.write(), "--seen")
    assert told(result) == ("inconclusive", "not_recorded", False)
    assert result["missing"] == [beside(url)]
    recorder.add(result["missing"][0], 200, lost)
    assert told(classify(url, "--har", recorder.write(), "--seen")) == ("removed", "soft_404", False)


def test_a_failing_canary_in_the_file_takes_a_removal_back(recorder: Recorder) -> None:
    disabled = {"Content-Type": "application/json", "X-Error-Message": "Access to this resource is disabled."}
    recorder.add(MODEL_API, 403, "{}", disabled)
    result = classify(MODEL, "--har", recorder.write())
    assert told(result) == ("removed", "platform_disabled", True)
    assert result["canary"] is None

    recorder.add(CANARY_API, 503, "")
    result = classify(MODEL, "--har", recorder.write())
    assert told(result) == ("inconclusive", "canary_failed", False)
    assert result["canary"] == {"url": CANARY, "outcome": "inconclusive", "reason": "server_error"}

    recorder.add(
        CANARY_API, 200, '{"id": "google-bert/bert-base-uncased"}', {"Content-Type": "application/json"}
    )
    assert told(classify(MODEL, "--har", recorder.write())) == ("removed", "platform_disabled", True)

    recorder.add(CANARY_API, 401, "", REFUSED)
    result = classify(MODEL, "--har", recorder.write())
    assert told(result) == ("inconclusive", "not_recorded", False)
    assert result["missing"] == [CANARY]


def test_people_read_lines(recorder: Recorder) -> None:
    out = StringIO()
    recorder.add(MODEL_API, 401, "", REFUSED)
    call_command("classify", MODEL, "--har", recorder.write(), stdout=out)
    lines = dict(
        line.split(maxsplit=1) for line in out.getvalue().splitlines() if not line.startswith("answer")
    )
    assert lines["platform"] == "Hugging Face (huggingface)"
    assert lines["outcome"] == "inconclusive"
    assert lines["reason"].startswith("not_recorded (")
    assert lines["missing"] == MODEL
    assert "answer      api: 401, 0 redirects" in out.getvalue()


def test_each_signal_can_be_asked_for(recorder: Recorder) -> None:
    recorder.add(MODEL_API, 401, "", REFUSED)
    file = recorder.write()
    out = StringIO()
    call_command("classify", MODEL, "--har", file, "--explain", stdout=out)
    assert "signal      api: huggingface:missing-private-or-disabled@1: decided" in out.getvalue()
    assert "signal      api: huggingface:up@1: lacks: status 200" in out.getvalue()
    out = StringIO()
    call_command("classify", MODEL, "--har", file, "--explain", "--json", stdout=out)
    told = json.loads(out.getvalue())
    assert set(told) == KEYS | {"signals"}
    (decided,) = [one for one in told["signals"] if one["decided"]]
    assert (decided["ask"], decided["outcome"], decided["lacking"]) == ("page", None, None)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["javascript:alert(1)"], "Only http and https"),
        (["http://10.0.0.1/x"], "not on the public internet"),
        (["https://user:secret@example.org/"], "user name or password"),
        (["https://example.org/", "--har", "absent.har"], "absent.har cannot be read"),
    ],
)
def test_what_cannot_be_used_is_said_in_a_sentence(arguments: list[str], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence) as caught:
        call_command("classify", *arguments)
    assert caught.value.returncode == 2


def test_the_command_line_exits_with_2_on_bad_usage(tmp_path: Path) -> None:
    manage = Path(__file__).resolve().parents[2] / "manage.py"
    bad = tmp_path / "bad.har"
    bad.write_text("no JSON")
    run = subprocess.run(
        [sys.executable, str(manage), "classify", "https://example.org/", "--har", str(bad)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 2
    assert run.stderr.strip() == "CommandError: bad.har is not JSON, as a HAR file must be."


@pytest.fixture
def site(settings: Any) -> Iterator[str]:
    with one_page_site(settings) as address:
        yield address


def test_without_a_recording_it_really_asks(site: str) -> None:
    there = classify(f"{site}/list/an-item")
    assert told(there) == ("available", "ok", False)
    assert [answer["probe"] for answer in there["evidence"]["answers"]] == ["page", "sibling"]
    assert told(classify(f"{site}/list/absent")) == ("removed", "not_found", False)
