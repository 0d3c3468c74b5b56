"""Every trick we can name for making the checker ask what is not public: as a table, and as a grammar.

`TRICKS` are whole URLs. `{port}` stands for the port on which a test listens on this machine, so that a URL
that got through would be seen. The fuzzers (`test_gate.py`, `tests/fuzz/`) make more of the same pieces.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

from hypothesis import strategies as st

from apps.checks.address import NOT_PUBLIC_V4, NOT_PUBLIC_V6


class Trick(NamedTuple):
    """One URL that must not be asked for; `plain`: an ordinary client does end up at the listener."""

    kind: str
    url: str
    plain: bool = False


PLAIN_HOSTS = (  # what an ordinary client takes to this machine
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f000001",
    "0X7F.0.0.1",
    "0x7f.1",
    "017700000001",
    "0177.0.0.1",
    "0177.0.0x0.01",
    "00000000177.0.0.1",
    "0",
    "0.0.0.0",
    "0x0",
    "%31%32%37.0.0.1",
    "127.0.0%2e1",
    "[::ffff:127.0.0.1]",
    "[::FFFF:7f00:1]",
    "[0:0:0:0:0:ffff:7f00:0001]",
    "localhost",
    "LocalHost",
)
DRESSED_HOSTS = (  # what some client, resolver or later version may take there
    "127.0.0.1.",
    "127.000.000.001",
    "0x7f000001.",
    "4294967296",
    "6425673729",  # 127.0.0.1 and one more turn of 32 bits
    "0x17f000001",
    "127.0.0.1.0",
    "１２７.０.０.１",
    "127。0。0。1",
    "127．0．0．1",
    "①②⑦.⓪.⓪.①",
    "𝟏𝟐𝟕.𝟎.𝟎.𝟏",
    "١٢٧.٠.٠.١",
    "0ｘ7f000001",
    "127.0.0.1%00.example.org",
    "127.0.0.1%20",
    "127.0.0.1%0d%0a",
    "[::1]",
    "[::1].",
    "[0:0:0:0:0:0:0:1]",
    "[::]",
    "[::127.0.0.1]",
    "[::ffff:0:127.0.0.1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::1]",
    "[2001:0:7f00:1::]",
    "[::1%lo]",
    "[::1%25lo]",
    "[fe80::1]",
    "[fe80::1%251]",
    "[fec0::1]",
    "[fc00::1]",
    "[fd12:3456:789a::1]",
    "[ff02::1]",
    "[100::1]",
    "[::ffff:127.0.0.1%25lo]",
    "[127.0.0.1]",
    "::1",
    "[v1.127]",
    "localhost.",
    "a.localhost",
    "localhost.localdomain",
    "ｌｏｃａｌｈｏｓｔ",
    "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ",
    "loc\u00adalhost",
    "lo\u200bcalhost",
    "localhos\u0074\u2060",
    "localhoſt",
    "lоcalhost",  # with a Cyrillic letter
    "localhost%00.example.org",
    "ip6-localhost",
    "broadcasthost",
    "printer",
    "printer.local",
    "router.lan",
    "db.internal",
    "host.docker.internal",
    "kubernetes.default.svc.cluster.local",
)
METADATA_HOSTS = (  # where clouds tell their machines secrets
    "169.254.169.254",
    "2852039166",
    "0xa9fea9fe",
    "0251.0376.0251.0376",
    "169.254.43518",
    "①⑥⑨.254.169.254",
    "[::ffff:169.254.169.254]",
    "[64:ff9b::a9fe:a9fe]",
    "[2002:a9fe:a9fe::]",
    "[fd00:ec2::254]",  # Amazon
    "[fd20:ce::254]",  # Google
    "[fd00:42::42]",  # Scaleway
    "169.254.42.42",
    "169.254.170.2",  # credentials of Amazon's containers
    "169.254.0.23",  # Tencent
    "100.100.100.200",  # Alibaba
    "192.0.0.192",  # Oracle
    "168.63.129.16",  # Azure
    "metadata.google.internal",
    "metadata.google.internal.",
    "metadata",
    "instance-data",
    "instance-data.ec2.internal",
    "169.254.169.254.",
)
PRIVATE_HOSTS = (
    "10.0.0.1",
    "172.16.0.1",
    "192.168.0.1",
    "100.64.0.1",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
)
PARSERS = (  # where two parsers may see two hosts, the one that is looked at and the one that is asked
    ("http://example.org@127.0.0.1:{port}/", True),
    ("http://example.org:80@127.0.0.1:{port}/", True),
    ("http://a@b@127.0.0.1:{port}/", True),
    ("http://127.0.0.1:{port}#@example.org/", True),
    ("http://127.0.0.1:{port}?@example.org/", True),
    ("http://127.0.0.1:{port}/@example.org/", True),
    ("http://example.org%2f@127.0.0.1:{port}/", True),
    ("http://example.org#@127.0.0.1:{port}/\x00", False),
    ("http://127.0.0.1:{port}\\@example.org/", False),
    ("http://example.org\\@127.0.0.1:{port}/", False),
    ("http://127.0.0.1:{port}@example.org:{port}@/", False),
    ("http://example.org:80:{port}@127.0.0.1/", False),
    ("http://:{port}@127.0.0.1:{port}/", True),
    ("http://@127.0.0.1:{port}/", True),
    ("http://[::ffff:127.0.0.1]@127.0.0.1:{port}/", False),
    ("http://[example.org]@127.0.0.1:{port}/", False),
    ("http://example.org;@127.0.0.1:{port}/", True),
    ("http:/127.0.0.1:{port}/", False),
    ("http:127.0.0.1:{port}/", False),
    ("http:///127.0.0.1:{port}/", False),
    ("http:////127.0.0.1:{port}/", False),
    ("http:/\\127.0.0.1:{port}/", False),
    ("http:\\\\127.0.0.1:{port}/", False),
    ("http://\\127.0.0.1:{port}/", False),
    ("http://\t127.0.0.1:{port}/", False),
    ("http://127.0.0.1\t:{port}/", False),
    ("http://127.0.0.1:{port}\n/", False),
    ("http://127.0.0.1:{port}/\r\nHost: example.org", False),
    ("ht\ntp://127.0.0.1:{port}/", False),
    ("\x01http://127.0.0.1:{port}/", False),
    (" http://127.0.0.1:{port}/", True),
    ("\u3000http://127.0.0.1:{port}/", False),
    ("http://127.0.0.1:{port}\x00.example.org/", False),
    ("http://127.0.0.1:{port}／example.org/", False),
    ("http://127.0.0.1：{port}/", False),
    ("http://example.org／@127.0.0.1:{port}/", False),
    ("http://example.org＠127.0.0.1:{port}/", False),
    ("http://example.org℀@127.0.0.1:{port}/", False),
    ("http://127.0.0.1:{port}", True),
)
SCHEMES = (
    ("HTTP://127.0.0.1:{port}/", True),
    ("hTtP://127.0.0.1:{port}/", True),
    ("https://127.0.0.1:{port}/", False),
    ("file:///etc/passwd", False),
    ("file://127.0.0.1:{port}/", False),
    ("gopher://127.0.0.1:{port}/_GET%20/", False),
    ("dict://127.0.0.1:{port}/info", False),
    ("ftp://127.0.0.1:{port}/", False),
    ("ldap://127.0.0.1:{port}/", False),
    ("ws://127.0.0.1:{port}/", False),
    ("javascript:fetch('//127.0.0.1:{port}')", False),
    ("data:text/html,<img src=//127.0.0.1:{port}>", False),
    ("blob:http://127.0.0.1:{port}/", False),
    ("view-source:http://127.0.0.1:{port}/", False),
    ("jar:http://127.0.0.1:{port}/!/", False),
    ("http+unix://%2Fvar%2Frun%2Fdocker.sock/", False),
    ("unix:/var/run/docker.sock", False),
    ("feed:http://127.0.0.1:{port}/", False),
    ("url:http://127.0.0.1:{port}/", False),
    ("//127.0.0.1:{port}/", False),
    ("127.0.0.1:{port}/", False),
)
PORTS = (
    "22",
    "25",
    "6379",
    "0",
    "65536",
    "99999",
    "-1",
    "+{port}",
    "８０",
    "{port}_0",
    "0x50",
    "80%00",
    "80 ",
    "80.",
)

TRICKS = (
    *(Trick("spelling", f"http://{host}:{{port}}/", True) for host in PLAIN_HOSTS),
    *(Trick("spelling", f"http://{host}:{{port}}/") for host in DRESSED_HOSTS),
    *(Trick("metadata", f"http://{host}/latest/meta-data/") for host in METADATA_HOSTS),
    *(Trick("private", f"http://{host}:{{port}}/") for host in PRIVATE_HOSTS),
    *(Trick("parser", url, plain) for url, plain in PARSERS),
    *(Trick("scheme", url, plain) for url, plain in SCHEMES),
    *(Trick("port", f"http://127.0.0.1:{port}/") for port in PORTS),
)


# ------------------------------------------------------------------------------------------------ the grammar


def _number(number: int, base: str) -> str:
    return {"octal": f"0{number:o}", "decimal": str(number), "hex": f"0x{number:x}", "zeros": f"000{number}"}[
        base
    ]


@st.composite
def ipv4_spellings(draw: st.DrawFn, address: IPv4Address) -> str:
    """An IPv4 address as inet_aton, IPv6 and Unicode let it be written."""
    number = int(address)
    parts = draw(st.integers(1, 4))
    numbers = [(number >> (24 - 8 * place)) & 0xFF for place in range(parts - 1)]
    numbers.append(number & (256 ** (5 - parts) - 1))
    base = st.sampled_from(["octal", "decimal", "hex", "zeros"])
    plain = ".".join(_number(each, draw(base)) for each in numbers)
    wide = str.maketrans("0123456789.", "０１２３４５６７８９。")
    halves = f"{number >> 16:x}:{number & 0xFFFF:x}"
    forms = [
        str(address),
        plain,
        plain + ".",
        plain.translate(wide),
        "".join(f"%{ord(letter):02x}" for letter in plain),
        f"[::ffff:{address}]",
        f"[::{halves}]",
        f"[64:ff9b::{halves}]",
        f"[2002:{halves}::]",
        f"[2001:0:{halves}::1]",
        f"[::ffff:{halves}%25lo]",
    ]
    return draw(st.sampled_from(forms))


_v4 = st.one_of(
    st.sampled_from(NOT_PUBLIC_V4).flatmap(
        lambda network: st.integers(int(network[0]), int(network[-1])).map(IPv4Address)
    ),
    st.sampled_from(["127.0.0.1", "169.254.169.254", "8.8.8.8", "1.1.1.1"]).map(IPv4Address),
)
_v6 = st.one_of(
    st.sampled_from(NOT_PUBLIC_V6).flatmap(
        lambda network: st.integers(int(network[0]), int(network[-1])).map(IPv6Address)
    ),
    st.sampled_from(["::1", "::", "fe80::1", "fc00::1", "fd00:ec2::254", "2606:4700:4700::1111"]).map(
        IPv6Address
    ),
    st.integers(0, 2**128 - 1).map(IPv6Address),
)
addresses: st.SearchStrategy[IPv4Address | IPv6Address] = st.one_of(_v4, _v6)
"""Public addresses, and more often ones that are not."""

_HOSTS = (*PLAIN_HOSTS, *DRESSED_HOSTS, *METADATA_HOSTS, *PRIVATE_HOSTS)
_USERS = (
    "",
    "",
    "",
    "",
    "example.org@",
    "a:b@",
    "@",
    "a@b@",
    "example.org\\@",
    "example.org#@",
    "example.org%2f@",
)
_STARTS = (
    "http://",
    "http://",
    "http://",
    "https://",
    "HTTP://",
    "http:/",
    "http:",
    "http:///",
    "http:/\\",
    "//",
    "",
)
_ENDS = ("/", "", "/a?b=c#d", "#@example.org/", "?@example.org/", "/@example.org")
_MARKS = "@:/\\?#%[].,;&=+-_ \t\r\n\x00\x7f。．／＠：\u00ad\u200b\u2028"


@st.composite
def urls(draw: st.DrawFn, *, names: st.SearchStrategy[str], ports: st.SearchStrategy[str]) -> str:
    """A URL put together from the pieces of the tricks, and then perhaps damaged in a place or two."""
    host = draw(
        st.one_of(
            names,
            names,
            st.sampled_from(_HOSTS),
            _v4.flatmap(ipv4_spellings),
            _v6.map(lambda address: f"[{address}]"),
        )
    )
    port = draw(
        st.one_of(st.just(""), ports.map(lambda port: f":{port}"), st.sampled_from([":22", ":", ":８０"]))
    )
    if draw(st.booleans()):
        return f"{draw(st.sampled_from(['http', 'https', 'HTTP']))}://{host}{port}/"
    start, user, end = (draw(st.sampled_from(pieces)) for pieces in (_STARTS, _USERS, _ENDS))
    url = f"{start}{user}{host}{port}{end}"
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.integers(0, len(url)))
        url = url[:place] + draw(st.sampled_from(_MARKS)) + url[place:]
    return url
