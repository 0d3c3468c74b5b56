"""Lists of addresses that say something about whoever answers there (address_lists.toml)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path

from apps.platforms.schema import CONFIDENCE, TableReader, read_toml

FILE = Path(__file__).resolve().with_suffix(".toml")


@dataclass(frozen=True, slots=True)
class AddressList:
    """Networks of one sort, with where the list is from."""

    name: str
    source: str
    verified: date
    confidence: str
    networks: tuple[IPv4Network | IPv6Network, ...]
    note: str = ""

    def holds(self, address: str) -> bool:
        """Whether an address is in one of the networks; what is no address is in none."""
        try:
            found = ip_address(address)
        except ValueError:
            return False
        return any(found in network for network in self.networks)


@lru_cache(maxsize=4096)
def lists_with(address: str) -> frozenset[str]:
    """The names of the lists that hold an address. Few addresses answer for many pages: they are kept."""
    return frozenset(name for name, found in address_lists().items() if found.holds(address))


@lru_cache(maxsize=1)
def address_lists() -> Mapping[str, AddressList]:
    """All lists by their names. Raises DefinitionError if the file cannot be used."""
    return load_address_lists(FILE)


def load_address_lists(path: Path) -> Mapping[str, AddressList]:
    """Read a file of lists. Raises DefinitionError with file, line and key."""
    reader = read_toml(path)
    found: dict[str, AddressList] = {}
    for one in reader.tables("lists"):
        read = _read_list(one)
        if read.name in found:
            raise one.error("name", f'"{read.name}" stands here twice. Give each list its own name.')
        found[read.name] = read
    reader.finish()
    return found


def _read_list(reader: TableReader) -> AddressList:
    networks: list[IPv4Network | IPv6Network] = []
    for text in reader.texts("networks", required=True):
        try:
            networks.append(ip_network(text))
        except ValueError as error:
            raise reader.error(
                "networks", f'has "{text}". Write an address or a network, as 192.0.2.0/24.'
            ) from error
    found = AddressList(
        name=reader.text("name"),
        source=reader.text("source"),
        verified=reader.day("verified"),
        confidence=reader.text("confidence", one_of=CONFIDENCE),
        networks=tuple(networks),
        note=reader.text("note", default=""),
    )
    reader.finish()
    return found
