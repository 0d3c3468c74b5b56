"""Which platform, kind and account a URL belongs to, and the one key that it is watched under."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import unquote, urlsplit

from tldextract import TLDExtract

from apps.core.canonical import CanonicalURL, canonicalise

from . import registry
from .schema import Definition, Kind, expand, host_matches

# The list of public suffixes that comes with the package: never fetched, never cached on disk. Private
# suffixes count, so that someone.github.io is a platform of its own and not a part of github.io.
_public_suffixes = TLDExtract(suffix_list_urls=(), cache_dir=None, include_psl_private_domains=True)


@dataclass(frozen=True, slots=True)
class Match:
    """What a URL is.

    `platform` is the definition's slug, or the registrable domain of an unknown host. `kind` is "page" for
    what no definition knows. `key` is the final canonical URL: what is asked, and what two spellings of one
    thing share. `host` names the group that is asked at one pace. `params` are the named parts of the path.
    `definition` is the slug of the definition whose probes and signals apply: the platform's own, that of a
    software which an unknown host may run, or "".
    """

    platform: str
    kind: str
    account: str
    key: str
    host: str
    params: Mapping[str, str] = field(default_factory=dict, hash=False)
    definition: str = ""


def match(url: CanonicalURL) -> Match:
    """Match a canonical URL. Matching the key of a match gives the same match again."""
    found = _match(url)
    # A key can be spelled differently from the URL (its letters, say), and it is the key that is asked for.
    return found if found.key == url.key else _match(canonicalise(found.key))


def _match(url: CanonicalURL) -> Match:
    known = registry.definition_for_host(url.host, url.port)
    for candidate in (known,) if known is not None else registry.software():
        for kind in candidate.kinds:
            found = _match_kind(candidate, kind, url)
            if found is not None:
                return found
    return Match(
        platform=known.slug if known is not None else registrable_domain(url.host),
        kind="page",
        account="",
        key=url.key,
        host=_pace_group(known, url.key),
        definition=known.slug if known is not None else "",
    )


def _match_kind(known: Definition, kind: Kind, url: CanonicalURL) -> Match | None:
    if kind.hosts and not any(host_matches(pattern, url.host, url.port) for pattern in kind.hosts):
        return None
    text = f"{url.path}?{url.query}" if kind.with_query and url.query else url.path
    found = kind.path.fullmatch(text)
    in_host = kind.host.fullmatch(url.host) if kind.host is not None else None
    if found is None or (kind.host is not None and in_host is None):
        return None
    parts = (in_host.groupdict() if in_host is not None else {}) | found.groupdict()
    params = {**kind.params, **{name: value or "" for name, value in parts.items()}}
    key = expand(kind.key, {**params, **built_in_parameters(url.key)})
    return Match(
        platform=registrable_domain(url.host) if known.is_software else known.slug,
        kind=kind.name,
        account=unquote(expand(kind.account, {**params, **built_in_parameters(key)})),
        key=key,
        host=_pace_group(known, key),
        params=params,
        definition=known.slug,
    )


def built_in_parameters(key: str) -> dict[str, str]:
    """What every template may use beside the parts of the path: `url`, `scheme`, `host`, `authority`."""
    parts = urlsplit(key)
    return {"url": key, "scheme": parts.scheme, "host": parts.hostname or "", "authority": parts.netloc}


def template_parameters(found: Match) -> dict[str, str]:
    """All parameters for the templates of a match's probes and signals."""
    return {**found.params, **built_in_parameters(found.key)}


def _pace_group(known: Definition | None, key: str) -> str:
    if known is not None and "*" not in known.hosts[0]:
        return known.hosts[0]
    return urlsplit(key).netloc


@lru_cache(maxsize=4096)
def registrable_domain(host: str) -> str:
    """What somebody registered of a host ("example.org" of "www.example.org"); else the host itself."""
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return _public_suffixes(host).top_domain_under_public_suffix or host
    return host.strip("[]")
