"""One spelling for each URL, so that the same page reported twice is one target.

What is done follows RFC 3986, section 6.2.2 (case, percent-encoding, dot segments) and 6.2.3 (default port,
empty path). Beyond it, and on purpose: the fragment goes, because a server never sees it; parameters that
only say who clicked where (`TRACKING_PARAMETERS`) go, because they do not choose the page; an
internationalised host is written in Punycode after UTS #46; and an IPv4 address in any spelling that browsers
take (`0x7f.1`, `2130706433`) is written as four decimal numbers, so that no address hides from a rule.

What is left alone, because it may choose another page: http against https, `www.`, a slash at the end, upper
and lower case in the path, the order of parameters, characters that are reserved and encoded (`%2F`, `%28`).

Nothing here asks the network or knows which addresses may be visited: `apps.checks.address` does.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from urllib.parse import unquote

import idna
import tldextract

from .defanging import refang, refang_inner_schemes, unbracket

MAX_LENGTH = 2048  # characters, of what was handed in (its defanging undone) and of the canonical form

TRACKING_PREFIXES = ("utm_",)
TRACKING_PARAMETERS = frozenset(
    {
        # advertising click identifiers
        "dclid", "epik", "fbclid", "gad_campaignid", "gad_source", "gbraid", "gclid", "gclsrc", "li_fat_id",
        "msclkid", "rb_clickid", "rdt_cid", "srsltid", "ttclid", "twclid", "wbraid", "wickedid", "yclid",
        "ysclid",
        # who shared a link
        "igsh", "igshid", "mibextid", "ref_src", "ref_url",
        # newsletters and marketing tools
        "__hsfp", "__hssc", "__hstc", "_hsenc", "_hsmi", "hsctatracking", "mc_cid", "mc_eid", "mkt_tok",
        "oly_anon_id", "oly_enc_id", "vero_conv", "vero_id",
        # analytics across domains
        "_ga", "_gl", "_openstat",
    }
)  # fmt: skip

_DEFAULT_PORTS = {"http": 80, "https": 443}
_QUOTES = {"<": ">", '"': '"', "'": "'", "`": "`", "“": "”", "„": "“", "‘": "’", "«": "»", "‹": "›"}
_SPACES = " \t\r\n\f\v\u00a0\u3000"
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_HOST_AND_PORT = re.compile(r"[^/?#:]+\.[^/?#:]+:[0-9]*(?:[/?#]|$)")
_AUTHORITY = re.compile(r"[^/?#]*")
_SECOND_URL = re.compile(r"\s(?:https?://|www\.)", re.IGNORECASE)
_LABEL = re.compile(r"[a-z0-9_-]{1,63}")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_TRIPLET_OR_PERCENT = re.compile(r"%(?:[0-9A-Fa-f]{2})?")
_NOT_IN_PATH = re.compile(r"[^A-Za-z0-9\-._~!$&'()*+,;=:@/%]+")
_NOT_IN_QUERY = re.compile(r"[^A-Za-z0-9\-._~!$&'()*+,;=:@/?%]+")
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_TRIPLETS = {
    f"%{first}{second}": chr(byte) if byte in _UNRESERVED else f"%{byte:02X}"
    for byte in range(256)
    for first in {f"{byte:02x}"[0], f"{byte:02X}"[0]}
    for second in {f"{byte:02x}"[1], f"{byte:02X}"[1]}
} | {"%": "%25"}
# Not of the categories below, yet nothing that a reader could see.
_INVISIBLE_LETTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_INVISIBLE_CATEGORIES = frozenset({"Cf", "Cs", "Zl", "Zp"})


class UnusableURL(ValueError):
    """A text that is no URL which could be watched. `str()` is a sentence for the person who gave it."""


@dataclass(frozen=True, slots=True)
class CanonicalURL:
    """A URL in its one spelling. All fields are ASCII; `key` is the whole.

    `host` is as it stands in the URL: a lower-case name (Punycode where it needs it), an IPv4 address, or an
    IPv6 address in square brackets. `port` is None where it is the scheme's own. `path` begins with a slash;
    `query` has no question mark and is empty where there is none.
    """

    key: str
    scheme: str
    host: str
    port: int | None
    path: str
    query: str

    @property
    def authority(self) -> str:
        """Host and port as they stand in the URL."""
        return self.host if self.port is None else f"{self.host}:{self.port}"

    def __str__(self) -> str:
        return self.key


def canonicalise(text: str) -> CanonicalURL:
    """The canonical form of a URL as people hand it in, defanged or not. Raises `UnusableURL`.

    1. Space, quotes and `<>` around it go; a defanged spelling is undone (see `defanging`).
    2. What cannot be seen, or cannot be meant, is refused rather than repaired.
    3. Without a scheme it is https, if a host under a public suffix stands first (`example.org/x`).
    4. Host, port, path and query are normalised as the module says.

    Its own result comes back unchanged.
    """
    text = _unwrap(text)
    if not text:
        raise UnusableURL("There is no URL.")
    if len(text) > 8 * MAX_LENGTH:
        raise UnusableURL(f"The URL is longer than {MAX_LENGTH:,} characters.")
    _refuse_invisible(text)
    if _SECOND_URL.search(text):
        raise UnusableURL("There is more than one URL: put each on a line of its own.")
    text = refang(text)
    if len(text) > MAX_LENGTH:
        raise UnusableURL(f"The URL is longer than {MAX_LENGTH:,} characters.")

    scheme, rest = _split_scheme(text)
    authority = _AUTHORITY.match(rest)[0]  # type: ignore[index]  # it matches the empty text, too
    rest = rest[len(authority) :].partition("#")[0]
    raw_path, _, raw_query = rest.partition("?")
    if "\\" in authority or "\\" in raw_path:
        raise UnusableURL("The URL has a backslash: write / where a slash is meant, or %5C for a backslash.")
    host, port = _host_and_port(authority, scheme)
    path = _path(raw_path)
    query = _query(raw_query)

    key = f"{scheme}://{host}{'' if port is None else f':{port}'}{path}{'?' if query else ''}{query}"
    if len(key) > MAX_LENGTH:
        raise UnusableURL(f"The URL is longer than {MAX_LENGTH:,} characters once it is percent-encoded.")
    return CanonicalURL(key=key, scheme=scheme, host=host, port=port, path=path, query=query)


def _unwrap(text: str) -> str:
    """Without space, quotes and `<>` around it; quotes go in pairs, as an address may end in one."""
    text = text.strip(_SPACES)
    while len(text) > 1 and _QUOTES.get(text[0]) == text[-1]:
        text = text[1:-1].strip(_SPACES)
    return text


def _refuse_invisible(text: str) -> None:
    if text.isascii() and text.isprintable():
        return
    for character in text:
        category = unicodedata.category(character)
        if character in "\r\n":
            raise UnusableURL("The URL is broken by a line break: write it on one line.")
        if category == "Cc":
            raise UnusableURL(f"The URL holds a control character (U+{ord(character):04X}): take it out.")
        if category in _INVISIBLE_CATEGORIES or character in _INVISIBLE_LETTERS:
            name = unicodedata.name(character, "no character")
            raise UnusableURL(
                f"The URL holds an invisible character (U+{ord(character):04X}, {name}): take it out."
            )
        if character == "\ufffd":
            raise UnusableURL("The URL was garbled before it came here (it holds U+FFFD): copy it anew.")


def _split_scheme(text: str) -> tuple[str, str]:
    """(scheme in lower case, what follows the two slashes)."""
    named = _SCHEME.match(text)
    if named is None or _HOST_AND_PORT.match(text):
        rest = text.removeprefix("//")
        authority = _AUTHORITY.match(rest)[0]  # type: ignore[index]  # it matches the empty text, too
        if "@" not in authority and not _is_under_public_suffix(authority.partition(":")[0]):
            raise UnusableURL("This is not a web address: write it in full, as https://example.org/page.")
        return "https", rest
    scheme = named[1].lower()
    if scheme not in _DEFAULT_PORTS:
        raise UnusableURL(f"Only http and https addresses can be watched, not {scheme[:20]}:.")
    rest = text[named.end() :]
    if not rest.startswith("//"):
        raise UnusableURL(f"The URL is malformed: write two slashes after {scheme}:.")
    return scheme, rest[2:]


@cache
def _suffixes() -> tldextract.TLDExtract:
    # The list that comes with the package: no request, no cache on disk.
    return tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None, fallback_to_snapshot=True)


def _is_under_public_suffix(host: str) -> bool:
    parts = _suffixes()(host.rstrip("."))
    return bool(parts.domain and parts.suffix)


def _host_and_port(authority: str, scheme: str) -> tuple[str, int | None]:
    if "@" in authority:
        raise UnusableURL("The URL has a user name or password before an @: take it out, with the @.")
    if authority.startswith("["):
        bracketed, closed, after = authority[1:].partition("]")
        if not closed or (after and not after.startswith(":")):
            raise UnusableURL("The host of the URL is malformed: an IPv6 address stands in [ ].")
        return _ipv6(bracketed), _port(after[1:], scheme)
    name, _, port = authority.partition(":")
    return _host(name), _port(port, scheme)


def _port(text: str, scheme: str) -> int | None:
    if not text:
        return None
    digits = text.lstrip("0")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 5 and int(digits) < 65536):
        raise UnusableURL("The port of the URL is not a number from 1 to 65535.")
    port = int(digits)
    return None if port == _DEFAULT_PORTS[scheme] else port


def _host(name: str) -> str:
    if "%" in name:
        name = unquote(name, errors="replace")
        _refuse_invisible(name)
    name = _ascii_name(name).lower().rstrip(".")
    if not name:
        raise UnusableURL("The URL has no host.")
    labels = name.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return _ipv4(labels)
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise UnusableURL("The host of the URL is malformed.")
    return name


def _ascii_name(name: str) -> str:
    """UTS #46 without its transitional part, then Punycode.

    IDNA 2008 refuses names that are registered and work in browsers (emoji, for one); those labels are
    written in Punycode as they are.
    """
    if name.isascii():
        return name
    try:
        mapped = idna.uts46_remap(name, std3_rules=False, transitional=False)
        return ".".join(_ascii_label(label) for label in mapped.split("."))
    except (idna.IDNAError, UnicodeError) as error:
        raise UnusableURL("The host of the URL holds a character that no host name can have.") from error


def _ascii_label(label: str) -> str:
    if label.isascii():
        return label
    try:
        return idna.alabel(label).decode()
    except idna.IDNAError:
        return "xn--" + label.encode("punycode").decode()


def _ipv4(parts: list[str]) -> str:
    """The address that browsers read in one to four decimal, octal or hexadecimal numbers (WHATWG URL)."""
    try:
        if len(parts) > 4:
            raise ValueError
        *leading, last = [_ipv4_number(part) for part in parts]
        if any(number > 255 for number in leading) or last >= 256 ** (5 - len(parts)):
            raise ValueError
    except ValueError as error:
        raise UnusableURL("The host of the URL is malformed: it is not an IPv4 address.") from error
    return str(ipaddress.IPv4Address(last + sum(n << (8 * (3 - place)) for place, n in enumerate(leading))))


def _ipv4_number(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise ValueError(text)
    if text.startswith("0x"):
        return int(text[2:] or "0", 16)
    return int(text, 8) if len(text) > 1 and text.startswith("0") else int(text)


def _ipv6(text: str) -> str:
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError as error:
        raise UnusableURL("The host of the URL is malformed: it is not an IPv6 address.") from error
    if address.scope_id is not None:
        raise UnusableURL("The host of the URL is malformed: an IPv6 zone means nothing to another machine.")
    if address.ipv4_mapped is not None:
        # Written out, because Python writes these differently from one version to the next.
        low = int(address.ipv4_mapped)
        return f"[::ffff:{low >> 16:x}:{low & 0xFFFF:x}]"
    return f"[{address.compressed}]"


def _path(raw: str) -> str:
    text = unbracket(_decode_unreserved(raw))
    return _encode(refang_inner_schemes(_without_dot_segments(text)), _NOT_IN_PATH) or "/"


def _query(raw: str) -> str:
    if not raw:
        return ""
    text = refang_inner_schemes(unbracket(_decode_unreserved(raw)))
    kept = [part for part in text.split("&") if part and not _is_tracking(part)]
    return _encode("&".join(kept), _NOT_IN_QUERY)


def _is_tracking(parameter: str) -> bool:
    name = parameter.partition("=")[0].lower()
    return name in TRACKING_PARAMETERS or name.startswith(TRACKING_PREFIXES)


def _decode_unreserved(text: str) -> str:
    """Letters, digits and `-._~` decoded, other triplets in upper case, a `%` of none encoded."""
    if "%" not in text:
        return text
    text = _TRIPLET_OR_PERCENT.sub(lambda found: _TRIPLETS[found[0]], text)
    if "%00" in text:
        raise UnusableURL("The URL holds a NUL character (%00): take it out.")
    return text


def _encode(text: str, illegal: re.Pattern[str]) -> str:
    return illegal.sub(lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), text)


def _without_dot_segments(path: str) -> str:
    """RFC 3986, section 5.2.4, for a path that is empty or begins with a slash."""
    if "/." not in path:
        return path
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            if kept:
                kept.pop()
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in {".", ".."}:
        kept.append("")
    return "/" + "/".join(kept)
