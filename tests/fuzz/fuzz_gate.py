"""Looks for a URL that makes the checker connect to what is not public, led by which code each input reaches.

    .venv/bin/pip install -c constraints.txt -e '.[test,fuzz]'
    .venv/bin/python tests/fuzz/fuzz_gate.py -max_total_time=300

It begins with the tricks of `tests/checks/tricks.py`, and keeps what led it further in `var/fuzz/gate/`. Each
input is asked for as it is, and as what a site redirects to. Nothing leaves this machine: names have made-up
addresses, and a connection to another machine is refused before it is made. Arguments are libFuzzer's. It
ends with the input that breaks the rule, if it finds one: make a test of it.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
import zlib
from pathlib import Path
from typing import Any

import atheris

REPOSITORY = Path(__file__).resolve().parent.parent.parent
CORPUS = REPOSITORY / "var" / "fuzz" / "gate"
ENTRANCE = "127.0.0.9"
PORT = 8080

sys.path.insert(0, str(REPOSITORY))
os.environ.update(
    DJANGO_SETTINGS_MODULE="config.settings",
    CHECK_ALLOW_NETWORKS=f"{ENTRANCE}/32",
    CHECK_NAME_SERVERS="none",
    CHECK_TIMEOUT="10",
)
with atheris.instrument_imports(
    include=["apps.checks.address", "apps.checks.fetch", "idna", "requests", "urllib3"]
):
    import django

    django.setup()
    from django.conf import settings

    from apps.checks.answer import Ask
    from apps.checks.fetch import Fetcher
    from tests.checks.connections import surely_public, watched
    from tests.checks.servers import RawServer, Visitor
    from tests.checks.tricks import TRICKS

ADDRESSES = (  # one of these rows for each name, by its letters
    ["8.8.8.8"],
    ["8.8.8.8", "2606:4700:4700::1111"],
    ["127.0.0.1"],
    ["8.8.8.8", "10.0.0.1"],
    ["::ffff:127.0.0.1"],
    ["2606:4700:4700::1111", "::1"],
)
_by_the_system = socket.getaddrinfo


def looked_up(
    host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
) -> list[Any]:
    """What the C library reads as an address, and for every other name one of the rows above."""
    try:
        return _by_the_system(host, port, family, type, proto, flags | socket.AI_NUMERICHOST)
    except (socket.gaierror, UnicodeError):
        row = ADDRESSES[zlib.crc32(str(host).lower().encode("utf-8", "replace")) % len(ADDRESSES)]
    return [
        (socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
        for address in row
    ]


def main() -> None:
    """Write the seeds, open the site that redirects, and hand over to libFuzzer."""
    logging.disable()
    CORPUS.mkdir(parents=True, exist_ok=True)
    for number, trick in enumerate(TRICKS):
        seed = trick.url.replace("{port}", str(PORT)).encode("utf-8", "surrogatepass")
        (CORPUS / f"trick-{number:03}").write_bytes(seed)
    (CORPUS / "plain").write_bytes(b"https://example.org/models/a?b=c#d")
    location = b""

    def redirecting(visitor: Visitor) -> None:
        while visitor.head():
            visitor.send(b"HTTP/1.1 302 Found\r\nLocation: " + location + b"\r\nContent-Length: 0\r\n\r\n")
            visitor.server.heads.clear()

    site = RawServer(redirecting, host=ENTRANCE)
    settings.CHECK_ALLOW_PORTS = [site.port]
    socket.getaddrinfo = looked_up  # type: ignore[assignment]
    fetch = Fetcher()

    def one(data: bytes) -> None:
        nonlocal location
        location = data.replace(b"\n", b" ")
        for url in (data.decode("utf-8", "replace"), site.url("/start")):
            with watched() as attempts:
                answer = fetch(Ask("page", url))
            wrong = [
                each for each in attempts if each.address != ENTRANCE and not surely_public(each.address)
            ]
            if wrong or answer.failure == "checker_error":
                raise AssertionError(f"{url!r}, {data!r}: {wrong or answer.detail}")

    with site:
        atheris.Setup([*sys.argv, "-timeout=30", str(CORPUS)], one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
