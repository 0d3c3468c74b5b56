"""The pure half of the gate out: which URLs and which addresses the checker may visit at all.

Nothing here looks a name up. Whoever connects (`fetch.py`) asks again about the addresses that a name turned
out to have. Reported URLs come from strangers, so every rule here errs towards refusing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import NamedTuple
from urllib.parse import urlsplit

import idna
from django.conf import settings

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

MAX_URL_LENGTH = 8_192  # redirects may be longer than what can be reported
DEFAULT_PORTS = frozenset({80, 443, 8080, 8443})

# Python's own `is_global` differs from one patch release to the next (3.11.7 calls multicast, 192.0.0.8 and
# the NAT64 prefix global), so the registries are written out here.
NOT_PUBLIC_V4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # "this network", and the unspecified address (RFC 791)
        "10.0.0.0/8",  # private (RFC 1918)
        "100.64.0.0/10",  # shared by a provider's customers (RFC 6598); a cloud's metadata at 100.100.100.200
        "127.0.0.0/8",  # loopback (RFC 1122)
        "168.63.129.16/32",  # looks public, and is the host's own agent inside Azure
        "169.254.0.0/16",  # link-local (RFC 3927); cloud metadata
        "172.16.0.0/12",  # private (RFC 1918)
        "192.0.0.0/24",  # protocol assignments (RFC 6890), 192.0.0.8 and a cloud's 192.0.0.192 among them
        "192.0.2.0/24",  # documentation (RFC 5737)
        "192.31.196.0/24",  # AS112 (RFC 7535)
        "192.52.193.0/24",  # multicast relays (RFC 7450)
        "192.88.99.0/24",  # former 6to4 relays (RFC 7526)
        "192.168.0.0/16",  # private (RFC 1918)
        "192.175.48.0/24",  # AS112 (RFC 7534)
        "198.18.0.0/15",  # benchmarking (RFC 2544)
        "198.51.100.0/24",  # documentation (RFC 5737)
        "203.0.113.0/24",  # documentation (RFC 5737)
        "224.0.0.0/4",  # multicast (RFC 5771)
        "240.0.0.0/4",  # reserved, and limited broadcast (RFC 1112, RFC 919)
    )
)

# For IPv6 the public part is the shorter list: one block, less what is set aside inside it.
PUBLIC_V6 = IPv6Network("2000::/3")  # global unicast (RFC 4291)
NOT_PUBLIC_V6 = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments (RFC 2928): Teredo, benchmarking, ORCHID
        "2001:db8::/32",  # documentation (RFC 3849)
        "2620:4f:8000::/48",  # AS112 (RFC 7534)
        "3fff::/20",  # documentation (RFC 9637)
    )
)
MAPPED = IPv6Network("::ffff:0:0/96")  # IPv4-mapped (RFC 4291)
NAT64 = IPv6Network("64:ff9b::/96")  # the well-known prefix (RFC 6052)
SIX_TO_FOUR = IPv6Network("2002::/16")  # 6to4 (RFC 3056)

# Names that never lead to the public internet (RFC 6761, RFC 6762, RFC 8375, ICANN's list of collisions).
PRIVATE_SUFFIXES = (
    "corp",
    "home",
    "home.arpa",
    "internal",
    "intranet",
    "lan",
    "local",
    "localdomain",
    "private",
)

_FORBIDDEN_CHARACTER = re.compile(r"[\x00-\x20\x7f-\x9f\\\s]")
_HOST_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?")
_NUMBER = re.compile(r"0[xX][0-9a-fA-F]*|[0-9]+")


def embedded(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that a packet to `address` really goes to: mapped, NAT64 and 6to4 forms."""
    number = int(address)
    if address in MAPPED or address in NAT64:
        return IPv4Address(number & 0xFFFF_FFFF)
    if address in SIX_TO_FOUR:
        return IPv4Address(number >> 80 & 0xFFFF_FFFF)
    return None


def is_public(address: Address | str) -> bool:
    """Whether an address can belong to a site on the public internet.

    IPv4 addresses inside IPv6 ones are judged as what they are. Teredo is refused as a whole: it ends in
    people's homes. Raises ValueError when `address` is text and not an address.
    """
    if isinstance(address, str):
        address = ip_address(address)
    if isinstance(address, IPv4Address):
        return not any(address in network for network in NOT_PUBLIC_V4)
    if address.scope_id is not None:
        return False
    inner = embedded(address)
    if inner is not None:
        return is_public(inner)
    return address in PUBLIC_V6 and not any(address in network for network in NOT_PUBLIC_V6)


def literal_addresses(host: str) -> tuple[Address, ...]:
    """Every address that some software reads from `host` without asking DNS; empty for a name.

    The first one is what the C library reads: decimal, octal (leading 0) or hexadecimal (0x) numbers, one to
    four of them, the last one filling what is left (inet_aton). A leading zero that others read as decimal
    gives a second one. Raises ValueError for a host that ends in a number and yet is no address.
    """
    if ":" in host:
        return (ip_address(host.strip("[]")),)
    parts = host.removesuffix(".").split(".")
    if not _NUMBER.fullmatch(parts[-1]):
        return ()
    if len(parts) > 4 or not all(_NUMBER.fullmatch(part) for part in parts):
        raise ValueError("the host ends in a number and is no address")
    readings: list[Address] = []
    for leading_zero_is_octal in (True, False):
        try:
            numbers = [_number(part, leading_zero_is_octal=leading_zero_is_octal) for part in parts]
            reading = _joined(numbers)
        except ValueError:
            continue
        if reading not in readings:
            readings.append(reading)
    if not readings:
        raise ValueError("the host ends in a number and is no address")
    return tuple(readings)


def _number(text: str, *, leading_zero_is_octal: bool) -> int:
    if text[:2].lower() == "0x":
        return int(text[2:] or "0", 16)
    if text[0] == "0" and leading_zero_is_octal:
        return int(text, 8)
    return int(text, 10)


def _joined(numbers: list[int]) -> IPv4Address:
    """The IPv4 address of one to four numbers, the last of which fills all bytes that are left."""
    *leading, last = numbers
    if any(number > 255 for number in leading) or last >= 256 ** (5 - len(numbers)):
        raise ValueError("a number is too large for its place")
    return IPv4Address(sum(number << (24 - 8 * place) for place, number in enumerate(leading)) + last)


class Refusal(NamedTuple):
    """Why a URL must not be visited: one word for the evidence, one sentence for people."""

    word: str
    sentence: str


class Place(NamedTuple):
    """Where a URL that may be asked for leads: `host` is a lower-case ASCII name or address, no brackets."""

    scheme: str
    host: str
    port: int

    @property
    def label(self) -> str:
        """The host, with its port where that is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == {"http": 80, "https": 443}[self.scheme] else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Gate:
    """What may be visited: the public internet, and what the settings name on top of it.

    `networks` and `ports` are CHECK_ALLOW_NETWORKS and CHECK_ALLOW_PORTS; `proxied` says that a proxy
    resolves names, so that names of its own (.onion) can lead somewhere.
    """

    networks: tuple[Network, ...] = ()
    ports: frozenset[int] = frozenset()
    proxied: bool = False

    @classmethod
    def from_settings(cls) -> Gate:
        """The gate as CHECK_ALLOW_NETWORKS, CHECK_ALLOW_PORTS and CHECK_PROXY set it."""
        return cls(
            networks=tuple(settings.CHECK_ALLOW_NETWORKS),
            ports=frozenset(settings.CHECK_ALLOW_PORTS),
            proxied=bool(settings.CHECK_PROXY),
        )

    def names(self, address: Address) -> bool:
        """Whether CHECK_ALLOW_NETWORKS names this very address."""
        inner = embedded(address) if isinstance(address, IPv6Address) else None
        return any(form in network for form in (address, inner) if form for network in self.networks)

    def admits(self, addresses: Iterable[Address]) -> bool:
        """Whether every one of the addresses of a host may be connected to, and there is one."""
        addresses = tuple(addresses)
        return bool(addresses) and all(is_public(address) or self.names(address) for address in addresses)

    def admits_port(self, port: int) -> bool:
        """Whether a port may be connected to: the web's own, or one that CHECK_ALLOW_PORTS names."""
        return port in DEFAULT_PORTS or port in self.ports

    def examine(self, url: str) -> Place | Refusal:
        """Where `url` leads if it may be asked for, or why it may not. Looks nothing up."""
        if len(url) > MAX_URL_LENGTH:
            return Refusal("length", f"The URL is longer than {MAX_URL_LENGTH} characters.")
        if _FORBIDDEN_CHARACTER.search(url):
            return Refusal(
                "characters", "The URL holds a space, a control character or a backslash: take it out."
            )
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            return Refusal("malformed", "The URL cannot be read: write it as https://host/path.")
        if parts.scheme not in {"http", "https"}:
            return Refusal("scheme", "Only http and https addresses can be checked.")
        if "@" in parts.netloc:
            return Refusal("credentials", "The URL holds a user name or password: take it out.")
        if not parts.hostname:
            return Refusal("malformed", "The URL names no host: write it as https://host/path.")
        if port is None:
            port = 80 if parts.scheme == "http" else 443
        if not self.admits_port(port):
            return Refusal(
                "port",
                f"Port {port} is not checked: only 80, 443, 8080, 8443 and what CHECK_ALLOW_PORTS names.",
            )
        host = _ascii_host(parts.hostname)
        if host is None or ("[" in parts.netloc) != (":" in host):
            return Refusal("host", "The host is not a valid name or address.")
        try:
            addresses = literal_addresses(host)
        except ValueError:
            return Refusal("host", "The host looks like an address and is none: write it as a.b.c.d.")
        if addresses:
            if not self.admits(addresses):
                return Refusal(
                    "address",
                    "The address is not on the public internet, and CHECK_ALLOW_NETWORKS does not name it.",
                )
        elif word := self._private_name(host.removesuffix(".")):
            return Refusal("name", word)
        return Place(parts.scheme, host, port)

    def _private_name(self, name: str) -> str | None:
        if name == "localhost" or name.endswith(".localhost"):
            if self.names(IPv4Address("127.0.0.1")) or self.names(IPv6Address("::1")):
                return None
            return "The host is this machine itself, and CHECK_ALLOW_NETWORKS does not name it."
        if name.endswith(".onion"):
            return None if self.proxied else "Onion addresses need a proxy to Tor: set CHECK_PROXY."
        if "." not in name:
            return "The host is one word, which is no name on the public internet: write it in full."
        if name.endswith(tuple("." + suffix for suffix in PRIVATE_SUFFIXES)):
            return "Names of this kind belong to a private network and cannot be checked."
        return None


def _ascii_host(host: str) -> str | None:
    """A host in the form that is resolved: lower-case ASCII; None when there is no such form."""
    if ":" in host:
        return None if "%" in host else host.lower()
    if not host.isascii():
        try:
            host = idna.encode(host, uts46=True).decode("ascii")
        except UnicodeError:  # of which idna's own errors are a kind
            return None
    host = host.lower()
    return host if len(host) <= 254 and _HOST_NAME.fullmatch(host) else None


def refusal(url: str) -> str | None:
    """Why the checker must not visit `url`, as a sentence for people; None when it may try.

    Covers scheme, credentials, port, literal addresses in every spelling and names that are never public.
    What a name resolves to is known only on connecting, and is judged there.
    """
    found = Gate.from_settings().examine(url)
    return found.sentence if isinstance(found, Refusal) else None
