"""Servers that the checker may ask."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.checks.running import Serve
from tests.checks.servers import RawServer, Script, routing


@pytest.fixture
def serve(settings: Any) -> Iterator[Serve]:
    """Starts servers on loopback that the checker may ask, without any pause between requests."""
    settings.CHECK_ALLOW_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    settings.CHECK_ALLOW_PORTS = []
    settings.CHECK_HOST_INTERVAL = 0.0
    with ExitStack() as stack:

        def start(script: Script | dict[str, bytes]) -> RawServer:
            server = stack.enter_context(RawServer(routing(script) if isinstance(script, dict) else script))
            settings.CHECK_ALLOW_PORTS = [*settings.CHECK_ALLOW_PORTS, server.port]
            return server

        yield start
