"""A small real name server on loopback that answers, or misbehaves, as a test says.

    with Zone({"gone.example.org": denied}) as server:
        server.address, server.port, server.asked

An answer is a function of the question that returns a message, bytes, or None for silence. The same port is
served by UDP and TCP; `asked` holds (transport, name, type) of each question.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Any, Self

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.resolver
import dns.rrset

Reply = dns.message.Message | bytes | None
Says = Callable[[dns.message.Message], Reply]

ZONE = "example.org."


def _reply(
    query: dns.message.Message,
    rcode: dns.rcode.Rcode = dns.rcode.NOERROR,
    *,
    answer: tuple[str, ...] = (),
    authority: tuple[str, ...] = (),
    errors: tuple[int, ...] = (),
) -> dns.message.Message:
    """A reply whose records are written as in a zone file: "name ttl IN type data"."""
    reply = dns.message.make_response(query, recursion_available=True)
    reply.set_rcode(rcode)
    if errors:
        reply.use_edns(options=[dns.edns.EDEOption(code) for code in errors])
    for section, rows in ((reply.answer, answer), (reply.authority, authority)):
        for row in rows:
            name, ttl, kind, data = row.split(" ", 3)
            section.append(dns.rrset.from_text(name, int(ttl), "IN", kind, data))
    return reply


def soa(owner: str = ZONE) -> str:
    """The record of the zone that denies a name."""
    return f"{owner} 300 SOA ns.example.org. root.example.org. 1 2 3 4 5"


def denied(query: dns.message.Message) -> Reply:
    """The name does not exist, says its zone."""
    return _reply(query, dns.rcode.NXDOMAIN, authority=(soa(),))


def denied_by_parent(query: dns.message.Message) -> Reply:
    """The domain does not exist, says the registry."""
    return _reply(query, dns.rcode.NXDOMAIN, authority=(soa("org."),))


def denied_by_another_zone(query: dns.message.Message) -> Reply:
    """The name does not exist, says a zone that it does not belong to: a list of a filter."""
    return _reply(query, dns.rcode.NXDOMAIN, authority=(soa("filter.example.net."),))


def denied_by_itself(query: dns.message.Message) -> Reply:
    """The name does not exist, says the name: filters make such a record up, so that the answer is kept."""
    return _reply(query, dns.rcode.NXDOMAIN, authority=(soa(query.question[0].name.to_text()),))


def denied_without_zone(query: dns.message.Message) -> Reply:
    """The name does not exist, says a filter."""
    return _reply(query, dns.rcode.NXDOMAIN)


def filtered(query: dns.message.Message) -> Reply:
    """The name does not exist here, says a filter that does not hide (RFC 8914, code 17)."""
    return _reply(query, dns.rcode.NXDOMAIN, authority=(soa(),), errors=(17,))


def stale(query: dns.message.Message) -> Reply:
    """An older denial, for want of a newer one (RFC 8914, code 19)."""
    return _reply(query, dns.rcode.NXDOMAIN, authority=(soa(),), errors=(19,))


def alias_to_nothing(query: dns.message.Message) -> Reply:
    """The name is an alias of one that does not exist."""
    name = query.question[0].name
    return _reply(
        query,
        dns.rcode.NXDOMAIN,
        answer=(f"{name} 300 CNAME gone.example.net.",),
        authority=(soa("example.net."),),
    )


def without_address(query: dns.message.Message) -> Reply:
    """The name exists and has no address."""
    return _reply(query, authority=(soa(),))


def with_address(query: dns.message.Message) -> Reply:
    """The name has an IPv4 address."""
    name = query.question[0].name
    if query.question[0].rdtype == dns.rdatatype.AAAA:
        return _reply(query)
    return _reply(query, answer=(f"{name} 300 A 192.0.2.7",))


def at_loopback(query: dns.message.Message) -> Reply:
    """The name has the address of this machine."""
    return _reply(query, answer=(f"{query.question[0].name} 300 A 127.0.0.1",))


def addressed(*addresses: str, alias: str = "") -> Says:
    """The name has these addresses, of both kinds; with `alias`, by way of that other name."""

    def says(query: dns.message.Message) -> Reply:
        name, kind = query.question[0].name, query.question[0].rdtype
        wanted = [each for each in addresses if (":" in each) == (kind == dns.rdatatype.AAAA)]
        owner = alias or name
        rows = [f"{owner} 0 {dns.rdatatype.to_text(kind)} {each}" for each in wanted]
        return _reply(query, answer=(f"{name} 0 CNAME {alias}", *rows) if alias else tuple(rows))

    return says


def in_turn(*answers: Says) -> Says:
    """The name has another answer each time it is looked up; the last one is repeated. By kind of address."""
    asked: Counter[int] = Counter()

    def says(query: dns.message.Message) -> Reply:
        kind = query.question[0].rdtype
        turn = min(asked[kind], len(answers) - 1)
        asked[kind] += 1
        return answers[turn](query)

    return says


def with_ipv6_alone(query: dns.message.Message) -> Reply:
    """The name has an IPv6 address and no other."""
    name = query.question[0].name
    if query.question[0].rdtype == dns.rdatatype.A:
        return _reply(query)
    return _reply(query, answer=(f"{name} 300 AAAA 2001:db8::7",))


def failing(query: dns.message.Message) -> Reply:
    """SERVFAIL."""
    return _reply(query, dns.rcode.SERVFAIL)


def refusing(query: dns.message.Message) -> Reply:
    """REFUSED."""
    return _reply(query, dns.rcode.REFUSED)


def silent(query: dns.message.Message) -> Reply:
    """Nothing at all."""
    return None


def garbled(query: dns.message.Message) -> Reply:
    """An answer to the question that ends in the middle of a record."""
    whole = _reply(query, dns.rcode.NXDOMAIN, authority=(soa(),)).to_wire()
    return whole[:-6]


class Zone:
    """Listens on loopback; a name that it does not know is denied by its zone."""

    def __init__(self, says: Mapping[str, Says], *, truncated: bool = False) -> None:
        self.says = dict(says)
        self.truncated = truncated  # by UDP, so that the visitor has to come back by TCP
        self.asked: list[tuple[str, str, str]] = []
        self.address = "127.0.0.1"
        self._tcp = socket.create_server((self.address, 0))
        self.port: int = self._tcp.getsockname()[1]
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind((self.address, self.port))
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._by_udp, self._by_tcp)]
        self._open: list[socket.socket] = []

    def _answer(self, wire: bytes, transport: str) -> bytes | None:
        query = dns.message.from_wire(wire)
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True)
        self.asked.append((transport, name, dns.rdatatype.to_text(question.rdtype)))
        reply = self.says.get(name.lower(), denied)(query)
        if self.truncated and transport == "udp":
            reply = dns.message.make_response(query)
            reply.flags |= dns.flags.TC
        return reply.to_wire() if isinstance(reply, dns.message.Message) else reply

    def _by_udp(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                wire, visitor = self._udp.recvfrom(4096)
                if not wire:
                    return
                if reply := self._answer(wire, "udp"):
                    self._udp.sendto(reply, visitor)

    def _by_tcp(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._tcp.accept()
                self._open.append(connection)
                length = int.from_bytes(connection.recv(2))
                if reply := self._answer(connection.recv(length), "tcp"):
                    connection.sendall(len(reply).to_bytes(2) + reply)

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for each in (self._tcp, *self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._udp.sendto(b"", (self.address, self.port))  # wakes the thread that waits for a datagram
        for thread in self._threads:
            thread.join(5)
        for each in (self._tcp, self._udp, *self._open):
            each.close()


@contextlib.contextmanager
def resolving(zone: Zone) -> Iterator[None]:
    """The system's way to look names up, with `zone` in the place of its name servers.

    As in the C library, what it can read as an address is not asked of anybody.
    """
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = [zone.address], zone.port
    system = socket.getaddrinfo
    dns.resolver.override_system_resolver(resolver)
    by_name_server = socket.getaddrinfo

    def getaddrinfo(
        host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
    ) -> Any:
        try:
            return system(host, port, family, type, proto, flags | socket.AI_NUMERICHOST)
        except socket.gaierror:
            return by_name_server(host, port, family, type, proto, flags)

    socket.getaddrinfo = getaddrinfo
    try:
        yield
    finally:
        dns.resolver.restore_system_resolver()
