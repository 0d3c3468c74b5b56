"""Why a name did not resolve: its name servers are asked one by one, for the reason alone.

The system's resolver says that it failed, and not reliably why: of a name that does not exist, and of a
name server that fails, refuses, is silent or filters, it says different things on different systems. What is
learnt here is a word for the evidence. Nothing here gives an address: those come from the system's resolver
and pass the gate (`fetch.py`).

That a name does not exist is believed of at least two name servers, and of each only with the record of the
zone that denies the name: a name server that filters says NXDOMAIN as well, but has no zone's word for it.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple

import dns.edns
import dns.exception
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.resolver
from django.conf import settings

MAX_ASKED = 3  # name servers for one name
SECONDS_FOR_ONE = 3.0
UDP_PAYLOAD = 1232  # bytes that get through everywhere without being split (DNS Flag Day 2020)

FILTERING = frozenset(
    # RFC 8914, sections 4.16 to 4.19, and 4.5: a name server that says that it does not tell the truth.
    {
        dns.edns.EDECode.BLOCKED,
        dns.edns.EDECode.CENSORED,
        dns.edns.EDECode.FILTERED,
        dns.edns.EDECode.PROHIBITED,
        dns.edns.EDECode.FORGED_ANSWER,
    }
)


class NameServer(NamedTuple):
    """Where a name server is asked."""

    address: str
    port: int = 53


class Said(StrEnum):
    """What one name server says of a name; the value is the word for the evidence where all say so."""

    RESOLVES = "resolves for a name server"
    NOT_THERE = "NXDOMAIN"  # with the record of the zone that denies it (RFC 2308, section 2.1)
    NO_ZONE = "NXDOMAIN without its zone"
    FILTERED = "filtered by a name server"
    ALIAS = "alias to nothing"  # a CNAME whose end does not exist (RFC 6604, section 3)
    NO_ADDRESS = "no address"  # the name exists, without A and AAAA records
    FAILED = "SERVFAIL"
    REFUSED = "REFUSED"
    MALFORMED = "malformed answer"
    SILENT = "no answer"


GONE = str(Said.NOT_THERE)
GONE_FOR_ONE = "NXDOMAIN from one name server"
DISAGREE = "name servers disagree"
UNTOLD = "not told"  # no name server was asked

_TELLING = (Said.RESOLVES, Said.NOT_THERE, Said.NO_ZONE, Said.ALIAS, Said.NO_ADDRESS)
_FAILURES = (Said.FAILED, Said.REFUSED, Said.MALFORMED, Said.SILENT)


def name_servers() -> tuple[NameServer, ...]:
    """CHECK_NAME_SERVERS, or, where it is not set, those of the system (/etc/resolv.conf)."""
    if settings.CHECK_NAME_SERVERS is not None:
        return tuple(NameServer(address, port) for address, port in settings.CHECK_NAME_SERVERS)
    try:
        found = dns.resolver.Resolver().nameservers
    except (dns.exception.DNSException, OSError):
        return ()
    return tuple(NameServer(one) for one in found if isinstance(one, str) and _is_address(one))


def why(host: str, servers: Sequence[NameServer], *, until: float) -> str:
    """Why `host` did not resolve, in a word or two. Never raises.

    Asks the first `MAX_ASKED` of the name servers, each with its share of the time until `until` on the
    monotonic clock. One of the values of `Said`, GONE_FOR_ONE, DISAGREE or UNTOLD.
    """
    said: list[Said] = []
    asked = list(dict.fromkeys(servers))[:MAX_ASKED]
    for number, server in enumerate(asked):
        share = (until - time.monotonic()) / (len(asked) - number)
        said.append(ask(host, server, until=time.monotonic() + min(share, SECONDS_FOR_ONE)))
    return together(said)


def together(said: Iterable[Said]) -> str:
    """What several name servers say, taken together. It is GONE only if two say so and none knows better."""
    told = list(said)
    if not told:
        return UNTOLD
    if Said.FILTERED in told:
        return str(Said.FILTERED)
    telling = {one for one in told if one in _TELLING}
    if telling <= {Said.NOT_THERE, Said.NO_ZONE} and Said.NOT_THERE in telling:
        return GONE if told.count(Said.NOT_THERE) > 1 else GONE_FOR_ONE
    if len(telling) > 1:
        return DISAGREE
    if telling:
        return str(telling.pop())
    return str(next(one for one in _FAILURES if one in told))


def ask(host: str, server: NameServer, *, until: float) -> Said:
    """What one name server says of a name, by the time `until` on the monotonic clock. Never raises.

    A name without an IPv4 address is asked for again for an IPv6 one. What does not fit into a datagram is
    fetched by TCP.
    """
    said = Said.SILENT
    for kind in (dns.rdatatype.A, dns.rdatatype.AAAA):
        try:
            name = dns.name.from_text(host)
            query = dns.message.make_query(name, kind, use_edns=0, payload=UDP_PAYLOAD)
            timeout = until - time.monotonic()
            if timeout <= 0:
                return Said.SILENT
            response, _ = dns.query.udp_with_fallback(
                query, server.address, timeout=timeout, port=server.port, ignore_unexpected=True
            )
        except (dns.exception.Timeout, EOFError, OSError):
            return Said.SILENT
        except (dns.exception.DNSException, ValueError):
            return Said.MALFORMED
        said = read(name, response)
        if said != Said.NO_ADDRESS:
            break
    return said


def read(name: dns.name.Name, response: dns.message.Message) -> Said:
    """What a name server's answer about the addresses of `name` says."""
    errors = (option for option in response.options if isinstance(option, dns.edns.EDEOption))
    if any(error.code in FILTERING for error in errors):
        return Said.FILTERED
    rcode = response.rcode()
    aliased = any(record.rdtype == dns.rdatatype.CNAME for record in response.answer)
    if rcode == dns.rcode.NXDOMAIN:
        if aliased:
            return Said.ALIAS
        # The zone is above the name: some filters make one up that is called like the name itself.
        denied = any(
            record.rdtype == dns.rdatatype.SOA and name != record.name and name.is_subdomain(record.name)
            for record in response.authority
        )
        return Said.NOT_THERE if denied else Said.NO_ZONE
    if rcode == dns.rcode.NOERROR:
        addresses = {dns.rdatatype.A, dns.rdatatype.AAAA}
        found = any(record.rdtype in addresses for record in response.answer)
        return Said.RESOLVES if found else Said.NO_ADDRESS
    return Said.REFUSED if rcode == dns.rcode.REFUSED else Said.FAILED


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return True
