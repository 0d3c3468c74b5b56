"""Lists of addresses: what is on them, and how a mistake in them is named."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path

import pytest

from apps.checks.address_lists import FILE, address_lists, lists_with, load_address_lists
from apps.platforms.schema import DefinitionError


@pytest.mark.parametrize(
    ("name", "address", "held"),
    [
        ("sinkholes", "146.112.61.104", True),
        ("sinkholes", "146.112.61.107", True),
        ("sinkholes", "146.112.61.111", False),
        ("parking", "185.53.179.255", True),
        ("parking", "104.26.6.37", False),
        ("parking", "::1", False),
        ("parking", "", False),
        ("parking", "example.org", False),
    ],
)
def test_an_address_is_on_a_list_or_not(name: str, address: str, held: bool) -> None:
    assert address_lists()[name].holds(address) is held
    assert (name in lists_with(address)) is held


def test_no_list_holds_an_address_that_is_none_of_the_public_internet() -> None:
    for found in address_lists().values():
        assert found.source
        assert found.verified
        assert all(network.is_global for network in found.networks)
        assert not any(found.holds(str(ip_address(text))) for text in ("127.0.0.1", "10.0.0.1", "192.0.2.1"))


@pytest.mark.parametrize(
    ("replace", "by", "message"),
    [
        ('"5.79.71.205"', '"5.79.71.256"', 'line 10: lists[1].networks: has "5.79.71.256"'),
        ('"5.79.71.205"', '"5.79.71.205/24"', "Write an address or a network"),
        ('name = "parking"', 'name = "sinkholes"', '"sinkholes" stands here twice'),
        ('confidence = "verified"', 'confidence = "sure"', "Write one of: verified"),
        ("source =", "sauce =", "lists[1].source: is missing"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, replace: str, by: str, message: str) -> None:
    path = tmp_path / "address_lists.toml"
    path.write_text(FILE.read_text().replace(replace, by, 1))
    with pytest.raises(DefinitionError) as caught:
        load_address_lists(path)
    assert str(caught.value).startswith("address_lists.toml")
    assert message in str(caught.value)
