"""The page of the account behind a thing, as a URL that can be probed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import quote, urlsplit

from apps.core.canonical import UnusableURL, canonicalise

from . import registry
from .matching import Match, built_in_parameters, match
from .schema import Definition, Kind, expand

ACCOUNT = "account"
"""The name of the kind that is an account's own page, on every platform."""

_ONE_PART = re.compile(r"\{(\w+)(?:\|\w+)?\}")
_KEPT = "/@:!$&'()*+,;=~"  # what a path holds as it is


def account_page(found: Match) -> Match | None:
    """The page of the account behind `found`; None where none is known that could be probed.

    The platform's definition has to know accounts, to have probes that tell something of one without signing
    in, and to write its account as one part of the address, which is then put into the account's own address.
    What comes out is matched again: it counts only if it is that very account.
    """
    if not found.account or found.kind == ACCOUNT:
        return None
    parts = urlsplit(found.key)
    return _account_page(registry.directories(), f"{parts.scheme}://{parts.netloc}/", found.account)


@lru_cache(maxsize=10_000)
def _account_page(directories: tuple[str, ...], site: str, account: str) -> Match | None:
    """Cached by the folders of the definitions that are in force, as in the registry."""
    try:
        url = canonicalise(site)
    except UnusableURL:
        return None
    known = registry.definition_for_host(url.host, url.port)
    for definition in (known,) if known is not None else registry.software():
        for kind in _account_kinds(definition):
            page = _page(kind, site, account)
            if page is not None and page.definition == definition.slug:
                return page
    return None


def _account_kinds(definition: Definition) -> Iterable[Kind]:
    first = definition.kind(ACCOUNT)
    if first is None or first.needs_person:
        return ()
    return (kind for kind in definition.kinds if kind.name == ACCOUNT)


def _page(kind: Kind, site: str, account: str) -> Match | None:
    part = _ONE_PART.fullmatch(kind.account)
    if part is None:
        return None
    params = {**kind.params, **built_in_parameters(site), part[1]: quote(account, safe=_KEPT)}
    try:
        page = match(canonicalise(expand(kind.key, params)))
    except UnusableURL:
        return None
    return page if (page.kind, page.account) == (ACCOUNT, account) else None
