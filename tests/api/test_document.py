"""The OpenAPI document, held against the site by schemathesis: what it says is what happens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import Client
from hypothesis import HealthCheck, Phase
from schemathesis.config import SchemathesisConfig

from apps.checks.outcomes import Status
from apps.reports.replies import log_reply
from config.wsgi import application
from tests.api.conftest import Programs
from tests.factories import at, make_check, make_item, make_report, make_transition

CONFIG = {
    "seed": 20260301,
    "checks": {
        # What no document can say (a date in the future, a cursor of another list) is 422, too: see below.
        "positive_data_acceptance": {"expected-statuses": ["2xx", "304", "403", "404", "422"]},
    },
}


def document() -> dict[str, Any]:
    """The document as it is served, with the one campaign that there is for a token of the test."""
    served: dict[str, Any] = Client(HTTP_HOST="localhost").get("/api/v1/openapi.json").json()
    for operations in served["paths"].values():
        for operation in operations.values():
            for parameter in operation["parameters"]:
                if parameter["name"] == "campaign":
                    parameter["schema"] = {"type": "string", "enum": ["example-models"]}
    return served


schema = schemathesis.openapi.from_dict(document(), config=SchemathesisConfig.from_dict(CONFIG))
schema.app = application


@pytest.fixture
def asked(programs: Programs, settings: Any) -> Iterator[Programs]:
    """Something on record to ask about, by a token without a limit, through the test's own connection."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    settings.API_REQUESTS_A_MINUTE = 1_000_000
    report = make_report(programs.campaign)
    for status in Status:
        item = make_item(report, status=status)
        make_check(item.target, 1)
        make_transition(item.target, Status.WAITING, status, after=0, by=1)
    log_reply(report=report, kind="acknowledgement", received_at=at(1))
    yield programs
    for signal in signals:
        signal.connect(close_old_connections)


@schema.parametrize()
@hypothesis.settings(
    max_examples=5,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_what_the_document_says_is_what_happens(case: Any, asked: Programs) -> None:
    answer = case.call_and_validate(headers={"Authorization": f"Bearer {asked.secrets['owner']}"})
    if case.meta.generation.mode.is_positive and answer.status_code == 422:
        assert answer.json()["type"] != "urn:problem-type:still-up:invalid-request", answer.text
