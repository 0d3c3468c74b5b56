"""Spellings of a URL that nothing follows by accident, and the way back.

People who write about abuse break the addresses on purpose: `hxxps://models[.]example[.]org/x`. There is no
standard for it. `refang` understands the spellings that are common in lists and mails, `defang` writes one:
`hxxp` for `http`, `[.]` for each dot of the host, and, where a second address stands inside the first (as
in an archive's copy), `[:]//` for its `://`.
"""

from __future__ import annotations

import re

# A bracket and what it hides. Round brackets are legal in a path, so `(.)` counts in a host only.
_BRACKETED = re.compile(r"\[ ?(\.|dot|://|:|//?|@) ?\]|\{ ?(\.|dot|://|:|//?|@) ?\}", re.IGNORECASE)
_ROUND = re.compile(r"\( ?(?:\.|dot) ?\)", re.IGNORECASE)
_SCHEME = re.compile(r"h(?:[tx*_]{2})p(s?)(?=:)", re.IGNORECASE)
_INNER_SCHEME = re.compile(r"(h)xx(ps?://)", re.IGNORECASE)
_INNER_ADDRESS = re.compile(r"://([^/?#&:]*)")
_LEAD = re.compile(r"[\s<\"'`“„‘«‹]*/*")
_HOST = re.compile(r"(?:(?!://)[^/?#])*")
_BEFORE_PATH = re.compile(r"(?:[a-z][a-z0-9+.-]*:)?(?://)?[^/?#]*", re.IGNORECASE)


def unbracket(text: str) -> str:
    """`text` with `[.]`, `{.}`, `[dot]`, `[:]`, `[://]`, `[/]` and `[@]` written plainly, nested ones too."""
    if "[" not in text and "{" not in text:
        return text
    count = 1
    while count:
        text, count = _BRACKETED.subn(_plain, text)
    return text


def with_plain_dots(text: str) -> str:
    """A text of any length with every dot written plainly that was hidden in brackets, round ones too."""
    return _ROUND.sub(".", unbracket(text))


def _plain(found: re.Match[str]) -> str:
    hidden = found[1] or found[2]
    return "." if hidden.lower() == "dot" else hidden


def refang_inner_schemes(text: str) -> str:
    """The part after the host with `hxxp://` inside it written as `http://`."""
    return _INNER_SCHEME.sub(lambda found: found[1] + ("TT" if found[1] == "H" else "tt") + found[2], text)


def refang(text: str) -> str:
    """The plain spelling of an address that was broken on purpose; a plain one comes back unchanged.

    Understood: `hxxp`, `hxxps`, `hXXp`, `h**p`, `htxp`; `[.]`, `{.}`, `[dot]`, `{dot}`, and in the host
    `(.)` and `(dot)`; `[:]//`, `[://]`, `[/]`, `[@]`. The result is not checked: `canonicalise` does that.
    """
    text = unbracket(text)
    scheme = _SCHEME.match(text)
    if scheme is not None:
        text = ("https" if scheme[1] else "http") + text[scheme.end() :]
    before_path = _BEFORE_PATH.match(text)
    end = before_path.end() if before_path is not None else 0
    return _ROUND.sub(".", text[:end]) + refang_inner_schemes(text[end:])


def defang(url: str) -> str:
    """The spelling to show people: not a link for a browser, a mail program or a chat to follow.

    For a canonical URL, `refang` gives it back exactly. An address that is defanged already stays as it is.
    One in quotes or `<>`, or with words before it, is no link either.
    """
    lead = _LEAD.match(url)[0]  # type: ignore[index]  # it matches the empty text, too
    url = refang(url[len(lead) :])
    scheme, separator, rest = url.partition("://")
    if not separator or not scheme.isalnum():
        scheme, separator, rest = "", "", url
    elif scheme in {"http", "https"}:
        scheme = scheme.replace("tt", "xx")
    else:
        separator = "[:]//"
    end = len(_HOST.match(rest)[0])  # type: ignore[index]  # it matches the empty text, too
    inner = _INNER_ADDRESS.sub(lambda found: "[:]//" + found[1].replace(".", "[.]"), rest[end:])
    return lead + scheme + separator + rest[:end].replace(".", "[.]") + inner
