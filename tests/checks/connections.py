"""Sees every connection that a piece of code asks the system for, and lets none leave this machine.

    with watched() as attempts:
        fetch(...)
    attempts  # the addresses, in order, connected or not

It is told by the interpreter itself (PEP 578), below all libraries. A connection to another machine is
refused before anything is sent, as a closed port would refuse it.
"""

from __future__ import annotations

import errno
import ipaddress
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

from apps.checks.address import NAT64


class Attempt(NamedTuple):
    """Where a socket was told to connect to."""

    address: str
    port: int


_attempts: ContextVar[list[Attempt] | None] = ContextVar("attempts", default=None)
_installed = False


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    if event != "socket.connect" or (attempts := _attempts.get()) is None:
        return
    address, port = arguments[1][:2]  # type: ignore[index]
    attempts.append(Attempt(address, port))
    if not ipaddress.ip_address(address).is_loopback:
        raise ConnectionRefusedError(errno.ECONNREFUSED, "A test asks only this machine")


@contextmanager
def watched() -> Iterator[list[Attempt]]:
    """What this thread connects to meanwhile. The hook stays: Python has no way to take one out."""
    global _installed
    if not _installed:
        sys.addaudithook(_hook)
        _installed = True
    attempts: list[Attempt] = []
    token = _attempts.set(attempts)
    try:
        yield attempts
    finally:
        _attempts.reset(token)


def surely_public(text: str) -> bool:
    """Whether Python's own registries call an address public, and what it is wrapped around, too.

    A second opinion beside the gate's own lists; it knows less than they do, but nothing that they do not.
    """
    address = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
        if inner is not None:
            return surely_public(str(inner))
        if address.teredo:
            return False
    return address.is_global and not address.is_multicast
