"""An example of a URL: of the same platform and kind, judged by the same rules, and about nothing real.

Whatever identifies a thing (account, name, number, the host of an unknown site) is replaced; what stands in
the definition already is kept. So nobody can tell from the example which URL it was made of.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from functools import lru_cache
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from apps.core.canonical import UnusableURL, canonicalise
from apps.platforms import registry
from apps.platforms.matching import Match, match
from apps.platforms.schema import Definition, Kind, host_matches

EXAMPLE_HOST = "www.example.org"
_ENDINGS = frozenset({"asp", "aspx", "cgi", "cfm", "htm", "html", "jsp", "php", "pl"})
_ESCAPED = re.compile(r"%[0-9A-Fa-f]{2}")
_WORD = re.compile(r"[\w.-]+")
_RUN = re.compile(r"[^\W_]+")
_MARKS = re.compile(r"[^\w/?]*")
_FIELD = re.compile(r"\{[^}]*\}")
_GROUP = re.compile(r"\(\?P<\w+>")


class NoExample(ValueError):
    """No example can be made of a URL: its kind allows no other value for what identifies it."""


def example_of(found: Match) -> Match:
    """The example of what a URL is. The same URL always gives the same. Raises NoExample.

    1. The host of an unknown site, and the part of a host that is an account, are replaced.
    2. The named parts of the path get values that say what they are, as far as the kind's pattern takes them.
    3. Every other part of the path and the query that does not stand in a pattern is replaced, too.
    """
    definition = registry.definition(found.definition)
    work = _Work(found, _literals(definition))
    work.replace_host(definition)
    kind, spans = _kind(definition, found)
    if kind is not None:
        for name in sorted(spans, key=spans.__getitem__):
            work.replace_group(kind, name)
    work.replace_segments()
    work.replace_query()
    return work.match


def _hosts(definition: Definition | None, host: str, port: int | None) -> Iterator[str]:
    """Hosts for the example, with their ports: the real one where a definition names it whole."""
    if definition is None or definition.is_software:
        yield EXAMPLE_HOST
        return
    known = {*definition.hosts, *(host for kind in definition.kinds for host in kind.hosts)}
    covering = [pattern for pattern in known if host_matches(pattern, host, port)]
    after = f":{port}" if port is not None else ""
    if not covering or any(not pattern.startswith("*.") for pattern in covering):
        yield f"{host}{after}"
        return
    suffix = max(covering, key=len).removeprefix("*").partition(":")[0]
    own = host.removesuffix(suffix)
    words = {word for kind in definition.kinds if kind.host for word in _words(kind.host.pattern)}
    shapes = (of_same_shape(own, 1, words=words), of_same_shape(own, 1))
    for name in ("example", "example-name", "exampleuser", *shapes):
        yield f"{name}{suffix}{after}"


@lru_cache(maxsize=256)
def _literals(definition: Definition | None) -> frozenset[str]:
    """The words that stand in the patterns and keys of a definition's kinds."""
    if definition is None:
        return frozenset()
    patterns = [kind.path.pattern for kind in definition.kinds]
    patterns += [_FIELD.sub(" ", urlsplit(kind.key).path) for kind in definition.kinds]
    return frozenset(word for pattern in patterns for word in _words(pattern))


def _words(pattern: str) -> set[str]:
    """The words that a pattern has literally, whole and in their parts."""
    plain = re.sub(r"\\[a-zA-Z]", " ", _GROUP.sub("(", pattern)).replace("\\", "")
    return {*_WORD.findall(plain), *_RUN.findall(plain)}


def _kind(definition: Definition | None, found: Match) -> tuple[Kind | None, dict[str, tuple[int, int]]]:
    """The entry of the kind that the key itself matches, and where its named parts stand."""
    for kind in definition.kinds if definition is not None else ():
        if kind.name == found.kind and (matched := kind.path.fullmatch(_text(kind, found.key))):
            names = (name for name, value in matched.groupdict().items() if value)
            return kind, {name: matched.span(name) for name in names}
    return None, {}


def _text(kind: Kind, url: str) -> str:
    """What the pattern of a kind is matched against."""
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if kind.with_query and parts.query else parts.path


class _Work:
    """A URL while its parts are replaced, one after the other; each step keeps platform and kind."""

    def __init__(self, found: Match, literals: frozenset[str]) -> None:
        self.real = found
        self.literals = literals
        self.values: dict[str, str] = {}
        self.numbers = 0
        self.match = found

    def replace_host(self, definition: Definition | None) -> None:
        """Replace the host, or the part of it that is an account."""
        parts = urlsplit(self.real.key)
        for host in _hosts(definition, parts.hostname or "", parts.port):
            if self._take(urlunsplit(parts._replace(netloc=host))):
                return
        raise NoExample("Another host makes something else of this URL.")

    def _take(self, url: str, holds: Callable[[Match], bool] = lambda _: True) -> bool:
        """Go on with `url`, if it is of the same sort and `holds`."""
        try:
            found = match(canonicalise(url))
        except UnusableURL:
            return False
        same = (found.definition, found.kind) == (self.real.definition, self.real.kind)
        if not (same and found.key == url and holds(found)):
            return False
        self.match = found
        return True

    def replace_group(self, kind: Kind, name: str) -> None:
        """Replace one named part of the path."""
        matched = kind.path.fullmatch(_text(kind, self.match.key))
        if matched is None or not matched[name]:
            return
        value, (start, end) = matched[name], matched.span(name)
        for candidate in self._candidates(value, name, kind.path.pattern):
            text = f"{matched.string[:start]}{candidate}{matched.string[end:]}"
            path, _, query = text.partition("?")
            parts = urlsplit(self.match.key)
            query = query if kind.with_query else parts.query
            url = urlunsplit(parts._replace(path=path, query=query))
            if self._take(url, lambda found, to=candidate: found.params.get(name) == to):  # type: ignore[misc]
                self.values.setdefault(value, candidate)
                return
        raise NoExample(f"The part “{name}” of a URL of this kind takes no other value.")

    def _candidates(self, value: str, name: str, pattern: str) -> Iterator[str]:
        """What may stand for a value, the most telling first."""
        if value in self.values:
            yield self.values[value]
        words = name.replace("_", "-")
        taken = set(self.values.values())
        mark = _MARKS.match(value)[0]  # type: ignore[index]  # it matches the empty text, too
        for word in (f"example-{words}", f"example_{name}", f"example{name}"):
            each = "/".join(word if part else "" for part in value.split("/"))
            for candidate in (each, mark + each, each + "-2", each + "2"):
                if candidate not in taken:
                    yield candidate
        self.numbers += 1
        yield f"{1000 + self.numbers}"
        known = _words(pattern)
        yield of_same_shape(value, self.numbers, words=known)
        yield of_same_shape(value, self.numbers)
        yield of_same_shape(value, self.numbers, words=known, starts=known)
        if value in known:
            yield value

    def replace_segments(self) -> None:
        """Replace the parts of the path that are neither examples yet nor words of a pattern."""
        for place, segment in enumerate(urlsplit(self.match.key).path.split("/")):
            if segment and not self._is_harmless(segment) and not self._replace_segment(place, segment):
                raise NoExample("A part of the path of this URL takes no other value.")

    def _replace_segment(self, place: int, segment: str) -> bool:
        segments = urlsplit(self.match.key).path.split("/")
        for candidate in self._for_segment(segment):
            segments[place] = candidate
            url = urlunsplit(urlsplit(self.match.key)._replace(path="/".join(segments)))
            if self._take(url):
                self.values.setdefault(segment, candidate)
                return True
        return False

    def _for_segment(self, segment: str) -> Iterator[str]:
        if segment in self.values:
            yield self.values[segment]
        self.numbers += 1
        stem, dot, ending = segment.rpartition(".")
        ending = f".{ending.lower()}" if dot and stem and ending.lower() in _ENDINGS else ""
        if segment.isalpha():
            yield f"example{chr(ord('a') + self.numbers % 26)}"
        elif not segment.isdigit():
            yield f"example-{self.numbers}{ending}"
        yield f"{1000 + self.numbers}"
        yield of_same_shape(segment, self.numbers)

    def _is_harmless(self, segment: str) -> bool:
        """Whether a part of the address is made of examples and of words of the patterns alone."""
        if segment in self.literals:
            return True
        made = {part for value in self.values.values() for part in value.split("/")}
        for value in sorted(made, key=len, reverse=True):
            segment = segment.replace(value, "/") if value else segment
        return all(word in self.literals for word in _RUN.findall(segment))

    def replace_query(self) -> None:
        """Leave the query out, or replace its names and values."""
        parts = urlsplit(self.match.key)
        if self._is_harmless(parts.query):
            return
        if self.real.definition and self._take(urlunsplit(parts._replace(query=""))):
            return
        pairs = parse_qsl(parts.query, keep_blank_values=True)
        for names_too in (True, False):
            replaced = [self._pair(name, value, names_too=names_too) for name, value in pairs]
            if self._take(urlunsplit(parts._replace(query=urlencode(replaced)))):
                return
        raise NoExample("The query of this URL takes no other value.")

    def _pair(self, name: str, value: str, *, names_too: bool) -> tuple[str, str]:
        if value in self.values.values():
            return name, value
        self.numbers += 1
        if names_too and name not in self.literals:
            name = f"name{self.numbers}"
        if value.isdigit():
            return name, f"{1000 + self.numbers}"
        return name, f"example-{self.numbers}" if value else ""


def of_same_shape(
    value: str, number: int, *, words: Collection[str] = (), starts: Collection[str] = ()
) -> str:
    """A value with letters for letters and digits for digits; those of two numbers begin differently.

    What is one of `words` stays; so does the beginning of a word that is one of `starts`.
    """

    def made(run: re.Match[str]) -> str:
        if run[0] in words:
            return run[0]
        beginnings = (start for start in starts if run[0].startswith(start))
        kept = max(beginnings, key=len, default="")
        rest = enumerate(run[0][len(kept) :], start=number)
        return kept + "".join(_like(character, place) for place, character in rest)

    return _RUN.sub(made, _ESCAPED.sub("a", value))


def _like(character: str, place: int) -> str:
    if character.isdigit():
        return "234567"[place % 6]
    letter = "abcdef"[place % 6]
    return letter.upper() if character.isupper() else letter
