"""Addresses that cannot exist, to learn how a host says "not found".

A page that says 200 is compared with the answer for a made-up neighbour in the same folder. Where both look
the same, the host does not say "not found" by status, and the 200 proves nothing. After Bar-Yossef, Broder,
Kumar and Tomkins, "Sic transit gloria telae" (2004), section 3.

The made-up name follows from the folder alone, so that a recording can be replayed.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

KEEP_FOR = timedelta(days=1)
MAX_FOLDERS = 10_000
MAX_CLOSED_HOSTS = 1_000

_LETTERS = "bcdfghjklmnpqrstvwxz"  # no vowels: no word of any language comes out
_SCRIPT = re.compile(r".*\.(?:php\d?|aspx?|jsp|cgi|pl|do|cfm)", re.IGNORECASE)
# A made-up address must not ask a badly made site to do something.
_ACTS = frozenset(
    {
        *("add", "buy", "cancel", "checkout", "confirm", "delete", "edit", "logout", "purchase", "remove"),
        *("reset", "send", "signout", "unsubscribe", "vote"),
    }
)


@dataclass(frozen=True, slots=True)
class SiblingFacts:
    """What is remembered of the answer for an address that cannot exist.

    `told` is false when the answer says nothing about the host's ways (a failure, a wall, 403, 429, 5xx).
    """

    told: bool
    missing: bool = False  # 404 or 410: this host says "not found" properly
    empty: bool = False  # without a body
    barred: bool = False  # 451: this host says of what cannot exist that a law is in the way
    final_url: str = ""
    media_type: str = ""
    title: str = ""  # normalised, without the made-up name
    fingerprint: int = 0
    says_not_found: bool = False  # a not-found phrase in its title or headings


class Siblings:
    """What one checker process remembers of hosts between its checks. Safe for several threads.

    Two things: how a folder answers for an address that cannot exist, for a day; and until when a host that
    is only asked on the side (an API with its own limit) does not want to be asked.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._facts: OrderedDict[str, tuple[datetime, SiblingFacts]] = OrderedDict()
        self._closed: OrderedDict[str, datetime] = OrderedDict()

    def get(self, url: str, *, at: datetime) -> SiblingFacts | None:
        """What is known of the folder of a sibling's URL at a real time; None if nothing or too old."""
        with self._lock:
            kept = self._facts.get(_folder(url))
            if kept is None or not kept[0] <= at < kept[0] + KEEP_FOR:
                return None
            return kept[1]

    def put(self, url: str, facts: SiblingFacts, *, at: datetime) -> None:
        """Remember an answer that told something."""
        if not facts.told:
            return
        with self._lock:
            self._facts[_folder(url)] = (at, facts)
            self._facts.move_to_end(_folder(url))
            while len(self._facts) > MAX_FOLDERS:
                self._facts.popitem(last=False)

    def close(self, host: str, *, until: datetime) -> None:
        """A host asked to be left alone until a real time."""
        with self._lock:
            self._closed[host] = max(until, self._closed.get(host, until))
            self._closed.move_to_end(host)
            while len(self._closed) > MAX_CLOSED_HOSTS:
                self._closed.popitem(last=False)

    def closed_until(self, host: str, *, at: datetime) -> datetime | None:
        """Until when a host wants to be left alone; None if it may be asked at the real time `at`."""
        with self._lock:
            until = self._closed.get(host)
            return until if until is not None and at < until else None


def sibling_url(url: str) -> str | None:
    """An address beside `url` that cannot exist; None where there is none that may be asked.

    The last part of the path is replaced, or, where a script takes its subject from the query
    (`/view.php?id=5`, `/watch?v=abc`), the longest value there. A site's home page has no siblings, and an
    address that looks as if it does something (`/delete/5`) is not asked for anything that nobody reported.
    """
    parts = urlsplit(url)
    if _may_act(parts.path, parts.query):
        return None
    folder, last = _split(parts.path)
    if _subject_is_in_query(parts.path, parts.query):
        pairs = parse_qsl(parts.query, keep_blank_values=True)
        longest = max(range(len(pairs)), key=lambda index: len(pairs[index][1]))
        seed = f"{parts.netloc}{parts.path}?{pairs[longest][0]}"
        pairs[longest] = (pairs[longest][0], _made_up(seed, pairs[longest][1]))
        return urlunsplit(parts._replace(query=urlencode(pairs), fragment=""))
    if not last:
        return None
    slash = "/" if parts.path.endswith("/") else ""
    made_up = _made_up(f"{parts.netloc}{folder}", unquote(last))
    return urlunsplit(parts._replace(path=f"{folder}{made_up}{slash}", query="", fragment=""))


def below_home(url: str) -> str | None:
    """An address of the site that cannot exist, for a front page; None for any other page.

    A site that is parked or gone as a whole answers there as on its front page.
    """
    if not is_home(url):
        return None
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"/{_made_up(f'{parts.netloc}/', '')}", query="", fragment=""))


def compared_with(url: str) -> str | None:
    """The address that a check of `url` compares it with; None where there is none that may be asked."""
    return below_home(url) or sibling_url(url)


def subject(url: str) -> str:
    """The part of a URL that its page may repeat: the last part of the path, or the longest query value."""
    parts = urlsplit(url)
    if _subject_is_in_query(parts.path, parts.query):
        return max((value for _, value in parse_qsl(parts.query, keep_blank_values=True)), key=len)
    return unquote(_split(parts.path)[1])


def is_home(url: str) -> bool:
    """Whether a URL is the front page of its site."""
    parts = urlsplit(url)
    return parts.path in {"", "/"} and not parts.query


def _may_act(path: str, query: str) -> bool:
    folder, last = _split(path)
    pairs = [(name.casefold(), value.casefold()) for name, value in parse_qsl(query, keep_blank_values=True)]
    named = {name for name, _ in pairs} | {value for name, value in pairs if name in {"action", "do", "op"}}
    script = last.partition(".")[0] if _subject_is_in_query(path, query) else ""
    return not _ACTS.isdisjoint({*named, *folder.casefold().split("/"), script.casefold()})


def _split(path: str) -> tuple[str, str]:
    folder, _, last = path.rstrip("/").rpartition("/")
    return f"{folder}/", last


def _subject_is_in_query(path: str, query: str) -> bool:
    if not any(value for _, value in parse_qsl(query, keep_blank_values=True)):
        return False
    folder, last = _split(path)
    return not last or bool(_SCRIPT.fullmatch(last)) or (folder == "/" and last.isalpha())


def _folder(url: str) -> str:
    parts = urlsplit(url)
    if _subject_is_in_query(parts.path, parts.query):
        names = ",".join(sorted(name for name, _ in parse_qsl(parts.query, keep_blank_values=True)))
        return f"{parts.netloc}{parts.path}?{names}"
    return f"{parts.netloc}{_split(parts.path)[0]}"


def _made_up(seed: str, like: str) -> str:
    """A name of the sort of `like`: a number too high to be given out, or letters with the same ending."""
    digest = hashlib.sha256(f"still-up sibling {seed}".encode()).digest()
    if like.isdigit():
        return "9" + "".join(str(byte % 10) for byte in digest[:14])
    stem, dot, ending = like.rpartition(".")
    if not (dot and stem and ending.isalnum() and ending.isascii() and len(ending) <= 5):
        stem, ending = like, ""
    length = min(max(len(stem), 10), 32)
    name = "".join(_LETTERS[byte % len(_LETTERS)] for byte in digest[:length])
    return f"{name}.{ending}" if ending else name
