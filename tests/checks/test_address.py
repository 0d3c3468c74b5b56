"""The gate's pure part: what must never be visited, however it is written."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from apps.checks.address import (
    NOT_PUBLIC_V4,
    NOT_PUBLIC_V6,
    PUBLIC_V6,
    Gate,
    Place,
    Refusal,
    embedded,
    is_public,
    literal_addresses,
    refusal,
)

NOT_PUBLIC = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.9",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:0:127.0.0.1",
    "64:ff9b::127.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:2::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "2002:c0a8:101::",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "2606:4700::1111%eth0",
    "fec0::1",
    "ff02::1",
]
PUBLIC = [
    "8.8.8.8",
    "1.1.1.1",
    "100.63.255.255",
    "100.128.0.1",
    "172.15.0.1",
    "172.32.0.1",
    "192.0.1.1",
    "198.17.0.1",
    "223.255.255.255",
    "2606:4700:4700::1111",
    "2a00:1450:4001:80b::200e",
    "::ffff:8.8.8.8",
    "64:ff9b::8.8.8.8",
    "2002:808:808::1",
]


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_an_address_off_the_public_internet_is_refused(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_on_the_public_internet_is_taken(address):
    assert is_public(address)


def addresses_in(networks):
    return st.sampled_from(networks).flatmap(
        lambda network: st.integers(int(network[0]), int(network[-1])).map(type(network[0]))
    )


private_v4 = addresses_in(NOT_PUBLIC_V4)


@given(private_v4)
def test_no_ipv4_address_of_the_list_is_public_in_any_wrapping(address):
    number = int(address)
    assert not is_public(address)
    assert not is_public(IPv6Address((0xFFFF << 32) + number))
    assert not is_public(IPv6Address((0x64FF9B << 96) + number))
    assert not is_public(IPv6Address((0x2002 << 112) + (number << 80) + 1))


@given(addresses_in(NOT_PUBLIC_V6))
def test_no_ipv6_address_of_the_list_is_public(address):
    assert not is_public(address)


@given(st.integers(0, 2**128 - 1).map(IPv6Address))
def test_ipv6_outside_global_unicast_is_public_only_for_what_is_inside_it(address):
    assume(address not in PUBLIC_V6)
    inner = embedded(address)
    assert is_public(address) == (inner is not None and is_public(inner))


# -------------------------------------------------------------------------------------------------- spellings


def write_number(number, base):
    return {8: f"0{number:o}", 10: str(number), 16: f"0x{number:x}", -16: f"0X{number:X}"}[base]


@st.composite
def loopback_spellings(draw):
    """127.x.y.z as inet_aton, IPv6 and full-width digits let it be written."""
    number = draw(st.integers(0x7F000000, 0x7FFFFFFF))
    parts = draw(st.integers(1, 4))
    numbers = [(number >> (24 - 8 * place)) & 0xFF for place in range(parts - 1)]
    numbers.append(number & (256 ** (5 - parts) - 1))
    host = ".".join(write_number(each, draw(st.sampled_from([8, 10, 16, -16]))) for each in numbers)
    form = draw(st.sampled_from(["plain", "dot", "wide", "mapped", "nat64", "6to4", "hex-mapped"]))
    address = IPv4Address(number)
    wide = str.maketrans("0123456789.", "０１２３４５６７８９。")
    return {
        "plain": host,
        "dot": host + ".",
        "wide": host.translate(wide),
        "mapped": f"[::ffff:{address}]",
        "nat64": f"[64:FF9B::{address}]",
        "6to4": f"[2002:{number >> 16:x}:{number & 0xFFFF:x}::]",
        "hex-mapped": f"[0:0:0:0:0:FFFF:{number >> 16:x}:{number & 0xFFFF:x}]",
    }[form]


@given(
    loopback_spellings(), st.sampled_from(["http", "https", "HTTP"]), st.sampled_from(["", ":80", ":8080"])
)
def test_loopback_is_refused_in_every_spelling(host, scheme, port):
    assert refusal(f"{scheme}://{host}{port}/page?q=1") is not None


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("127.1", "127.0.0.1"),
        ("127.0.1", "127.0.0.1"),
        ("2130706433", "127.0.0.1"),
        ("0x7f000001", "127.0.0.1"),
        ("0x7F.1", "127.0.0.1"),
        ("017700000001", "127.0.0.1"),
        ("0", "0.0.0.0"),
        ("0x", "0.0.0.0"),
        ("8.8.2056", "8.8.8.8"),
        ("0x08080808", "8.8.8.8"),
        ("8.8.8.8.", "8.8.8.8"),
        ("::1", "::1"),
        ("::ffff:127.0.0.1", "::ffff:127.0.0.1"),
    ],
)
def test_a_literal_address_is_read_as_the_c_library_reads_it(host, address):
    assert literal_addresses(host)[0] == ip_address(address)


def test_a_leading_zero_is_read_both_ways():
    assert [str(address) for address in literal_addresses("010.8.8.8")] == ["8.8.8.8", "10.8.8.8"]
    assert [str(address) for address in literal_addresses("08.8.8.8")] == ["8.8.8.8"]
    assert refusal("http://010.8.8.8/") is not None
    assert refusal("http://0177.0.0.1/") is not None


@pytest.mark.parametrize("host", ["example.org", "1.example", "0x7f.example.org", "xn--bcher-kva.example"])
def test_a_name_is_no_literal_address(host):
    assert literal_addresses(host) == ()


@pytest.mark.parametrize("host", ["999.1.1.1", "1.2.3.4.5", "256.256", "4294967296", "example.1", "1..1"])
def test_a_host_that_only_ends_like_an_address_is_refused(host):
    with pytest.raises(ValueError, match="no address"):
        literal_addresses(host)
    assert refusal(f"http://{host}/") is not None


# ------------------------------------------------------------------------------------------------------- URLs


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/models/a?b=c#d",
        "http://EXAMPLE.org:8080/",
        "https://example.org.:8443/",
        "https://a_b.example.org",
        "https://bücher.example.org/",
        "http://8.8.8.8/",
        "http://0x08080808/",
        "https://[2606:4700:4700::1111]/",
        "https://example.org:/",
        "https://example.org/a%20b/ü",
    ],
)
def test_a_usual_address_is_not_refused(url):
    assert refusal(url) is None


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("ftp://example.org/", "scheme"),
        ("file:///etc/passwd", "scheme"),
        ("javascript:alert(1)", "scheme"),
        ("data:text/html,x", "scheme"),
        ("gopher://example.org/", "scheme"),
        ("//example.org/", "scheme"),
        ("example.org/page", "scheme"),
        ("", "scheme"),
        ("http:///page", "malformed"),
        ("http:/example.org", "malformed"),
        ("http://[::1", "malformed"),
        ("http://example.org:port/", "malformed"),
        ("http://example.org:99999/", "malformed"),
        ("http://user@example.org/", "credentials"),
        ("http://user:secret@example.org/", "credentials"),
        ("http://@example.org/", "credentials"),
        ("http://example.org@127.0.0.1/", "credentials"),
        ("http://example.org:22/", "port"),
        ("http://example.org:0/", "port"),
        ("http://example.org:6379/", "port"),
        ("http://127.0.0.1/", "address"),
        ("http://169.254.169.254/latest/meta-data/", "address"),
        ("http://[::1]/", "address"),
        ("http://[fd00:ec2::254]/", "address"),
        ("http://[fe80::1%25eth0]/", "host"),
        ("http://[fe80::1%eth0]/", "host"),
        ("http://[v1.example]/", "host"),
        ("http://%31%32%37.0.0.1/", "host"),
        ("http://exa mple.org/", "characters"),
        ("http://example.org/a\tb", "characters"),
        ("http://example.org/\r\nHost: x", "characters"),
        ("http://example.org\\@127.0.0.1/", "characters"),
        ("http://example.org/\x00", "characters"),
        ("http://example.org/\u2028", "characters"),
        (" http://example.org/", "characters"),
        ("http://localhost/", "name"),
        ("http://LOCALHOST./", "name"),
        ("http://ⓛocalhost/", "name"),
        ("http://app.localhost/", "name"),
        ("http://printer.local/", "name"),
        ("http://metadata.google.internal/", "name"),
        ("http://router.home.arpa/", "name"),
        ("http://nas.lan/", "name"),
        ("http://intranet/", "name"),
        ("http://exampleexample.onion/", "name"),
        ("http://a..example.org/", "host"),
        ("http://-a.example.org/", "host"),
        ("http://exa!mple.org/", "host"),
        ("http://" + "a" * 64 + ".example.org/", "host"),
        ("http://example.org/" + "a" * 9000, "length"),
    ],
)
def test_what_must_not_be_visited_is_refused_with_its_reason(url, word):
    found = Gate().examine(url)
    assert isinstance(found, Refusal)
    assert found.word == word
    assert refusal(url) == found.sentence
    assert found.sentence.endswith(".")


def test_the_settings_open_networks_and_ports_by_name(settings):
    settings.CHECK_ALLOW_NETWORKS = [ip_network("127.0.0.0/8")]
    assert refusal("http://127.0.0.1/") is None
    assert refusal("http://0x7f.1/") is None
    assert refusal("http://localhost/") is None
    assert refusal("http://[::ffff:127.0.0.1]/") is None
    assert refusal("http://10.0.0.1/") is not None
    assert refusal("http://127.0.0.1:9000/") is not None
    settings.CHECK_ALLOW_PORTS = [9000]
    assert refusal("http://127.0.0.1:9000/") is None
    assert refusal("http://127.0.0.1:9001/") is not None


def test_onion_addresses_are_taken_when_a_proxy_can_lead_there(settings):
    settings.CHECK_PROXY = "http://127.0.0.1:8118"
    assert refusal("http://exampleexample.onion/") is None
    assert refusal("http://127.0.0.1/") is not None


@pytest.mark.parametrize(
    ("url", "place", "label"),
    [
        ("https://Example.org/", Place("https", "example.org", 443), "example.org"),
        ("http://example.org:8080/", Place("http", "example.org", 8080), "example.org:8080"),
        ("http://[2606:4700::1]:8080/", Place("http", "2606:4700::1", 8080), "[2606:4700::1]:8080"),
        ("https://bücher.example.org/", Place("https", "xn--bcher-kva.example.org", 443), None),
    ],
)
def test_where_a_url_leads_is_told_in_ascii(url, place, label):
    assert Gate().examine(url) == place
    assert place.label == (label or place.host)


def test_a_host_without_an_address_is_not_admitted():
    assert not Gate().admits(())
    assert not Gate().admits([IPv4Address("8.8.8.8"), IPv4Address("127.0.0.1")])


@given(st.text(max_size=60))
def test_whatever_is_written_there_is_an_answer(text):
    assert refusal(text) is None or refusal(text).endswith(".")
    assert refusal("http://" + text) is None or refusal("http://" + text).endswith(".")
