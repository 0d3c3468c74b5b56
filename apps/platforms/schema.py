"""What a platform definition can say, and the strict reader of the files that say it.

A definition is a TOML file. Everything in it is checked when it is loaded, and an error names the file, the
line and the key, and says what to write instead: an unknown key is an error too, because a misspelt
condition would otherwise hold always.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

CONFIDENCE = ("verified", "reported", "remembered")
FORMATS = ("page", "json", "file")
ACCEPT = {
    "page": "text/html,application/xhtml+xml,*/*;q=0.8",
    "json": "application/json",
    "file": "*/*",
}
ANY_HOST = "*"
BUILT_IN_PARAMETERS = frozenset({"url", "scheme", "host", "authority"})
TAKEN_SLUGS = frozenset({"generic", "checker", "stale"})
"""Where signals of the rules for every site and of the checker itself are from, and an address of a page."""


class DefinitionError(ValueError):
    """A definition cannot be used. The message is one sentence or two with file, line and key."""


# ----------------------------------------------------------------------------------------------- what it says


@dataclass(frozen=True, slots=True)
class HeaderCondition:
    """One header of the answer. `equals` and `contains` ignore case; any one of their values is enough."""

    name: str  # lower case
    present: bool | None = None
    equals: tuple[str, ...] = ()
    contains: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BlockCondition:
    """An element of a page: one that carries one of the classes or one of the ids.

    Without `says` it is enough that there is one; with it, the visible text of one has to contain one of the
    phrases, where case and kinds of quotation marks make no difference. So a platform's notice is found, and
    the same words in an article are not.
    """

    classes: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    says: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class JsonCondition:
    """One place in a JSON answer, written as `$.items[0].id`, `$[*].path` or `$["a.name.with.dots"].id`.

    `equals` and `one_of` compare strictly (`true` is not `1`), except that a template such as "{id}" also
    equals the number it spells. `contains` holds when one value at the path is the given one, ignoring
    case; `lacks` when the path leads somewhere and none is. `says` holds when the text at the path, or the
    texts inside what stands there, contain one of its phrases; case and kinds of quotation marks make no
    difference. `filled` holds when something other than null, false, 0 or what is empty stands there.
    `present = false` counts `null` as absent. `null` holds when one of the values is null.
    """

    path: str
    one_of: tuple[str | int | float | bool, ...] = ()
    contains: str = ""
    lacks: str = ""
    starts_with: str = ""
    says: tuple[str, ...] = ()
    empty: bool = False
    null: bool = False
    filled: bool = False
    present: bool | None = None


@dataclass(frozen=True, slots=True)
class When:
    """The conditions of a signal. All that are given must hold; within one, any of its values is enough."""

    status: tuple[tuple[int, int], ...] = ()  # inclusive ranges
    failure: tuple[str, ...] = ()
    detail: tuple[str, ...] = ()  # of a failure, compared exactly
    own_host: bool | None = None  # it came of the target's own host, without a redirect
    address_in: tuple[str, ...] = ()  # lists of addresses, in one of which the server's stands
    blocked_by: str = ""  # Link: rel="blocked-by" (RFC 7725) names "any" address, or one of "another_site"
    header: tuple[HeaderCondition, ...] = ()
    header_name: re.Pattern[str] | None = None
    json: tuple[JsonCondition, ...] = ()
    title: tuple[str, ...] = ()  # contained in the title
    title_equals: tuple[str, ...] = ()
    title_part: tuple[str, ...] = ()  # is what stands between two of the title's bars, dashes or dots
    heading: tuple[str, ...] = ()  # contained in an h1 or h2
    title_or_heading: tuple[str, ...] = ()  # or in a status block, which is a page's word about itself
    title_or_heading_equals: tuple[str, ...] = ()
    block: tuple[BlockCondition, ...] = ()
    text: tuple[str, ...] = ()  # contained in the visible text of a short page
    body: tuple[str, ...] = ()  # machine marks, compared exactly
    final_url: tuple[str, ...] = ()
    redirect_to: tuple[str, ...] = ()  # contained in one of the places that the answer sent us to
    redirect: str = ""  # "home": the root of the same site; "other_host"; "any"
    text_under: int | None = None  # characters of visible text
    bytes_under: int | None = None  # of the body, as received
    empty: bool | None = None  # the body has no bytes
    token: bool | None = None  # the request carried the platform's token


@dataclass(frozen=True, slots=True)
class Signal:
    """A rule: when an answer looks like this, it means that.

    A signal gives an outcome with a reason, or names another probe to `ask`. `definitive` marks what needs
    fewer repeats to be believed. `needs_seen` is a "removed" that could also mean "private" or "wrong
    address": it holds only for a target that was seen available before. `compare` is a claim that is held
    against the answer for an address that cannot exist: that the item is there, or restricted, holds if that
    is another answer; that it is removed, if it is the same, and else it is inconclusive. `whole_site` is a
    claim about the site as a whole, from words that an article may have as well: where an address that cannot
    exist is answered otherwise it is no claim at all, and the signals after it are looked at.
    """

    id: str
    version: int
    when: When
    source: str
    verified: date
    confidence: str
    probes: tuple[str, ...] = ()  # none: every probe
    kinds: tuple[str, ...] = ()  # none: every kind
    outcome: str = ""
    reason: str = ""
    ask: str = ""
    definitive: bool = False
    needs_seen: bool = False
    compare: bool = False
    whole_site: bool = False
    note: str = ""
    line: int = 0

    @property
    def name(self) -> str:
        """The id with its version, as it is recorded with a check."""
        return f"{self.id}@{self.version}"


@dataclass(frozen=True, slots=True)
class Probe:
    """One way to ask about a target. Of a file only the head is asked for, never the file.

    `generic` lets the generic signals say "removed" and "available" of its answers; without it they may only
    say that we could not tell. It is never so for JSON and files, where a status alone says too little.
    `json_after` is a text in a page after which a JSON value stands, which the conditions on JSON then read.
    `post` is the body, in JSON, of a question that an API takes as POST only; it must change nothing there.
    `identity` is where a JSON answer holds the name that stays with the thing when its address does not, as
    `$.did`.
    """

    name: str
    url: str
    format: str = "page"
    uses_token: bool = False
    follow_redirects: bool = True
    generic: bool = True
    json_after: str = ""
    post: str = ""
    identity: str = ""

    @property
    def accept(self) -> str:
        """The Accept header that belongs to the format."""
        return ACCEPT[self.format]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of thing on a platform, and how its URLs look.

    `path` is matched against the whole canonical path (with "?" and the query if `with_query`), and `host`,
    if it is given, against the whole host; the named parts of both are parts. Without `probes` nothing is
    asked, and a person has to look. Several entries may share one name, for several spellings of one kind;
    they then share their probes, and the first of them carries what is said of the kind as a whole:

    - `needs_person` says, in a sentence for the public, what cannot be told of this kind without signing in.
      Most of its checks are then inconclusive, and a person has to look.
    - `known_good` is a URL of this kind that is certainly up, `known_missing` one that certainly leads
      nowhere, and `canary_note` says where that certainty comes from, or why there is none.
    """

    name: str
    path: re.Pattern[str]
    key: str
    probes: tuple[str, ...]
    account: str = ""
    hosts: tuple[str, ...] = ()  # none: every host of the definition
    host: re.Pattern[str] | None = None
    with_query: bool = False
    params: Mapping[str, str] = field(default_factory=dict, hash=False)
    needs_person: str = ""
    known_good: str = ""
    known_missing: str = ""
    canary_note: str = ""

    @property
    def parts(self) -> frozenset[str]:
        """The names that its templates may use, beside those that are always there."""
        in_host = self.host.groupindex if self.host is not None else {}
        return frozenset(self.path.groupindex) | frozenset(in_host) | frozenset(self.params)


@dataclass(frozen=True, slots=True)
class Politeness:
    """How a host wants to be asked: seconds between two requests, and how many at a time."""

    interval_seconds: float
    concurrency: int


@dataclass(frozen=True, slots=True)
class ReportChannel:
    """A way in which a platform takes reports."""

    name: str
    url: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Definition:
    """What we know of one platform, or, where `hosts` is "*", of a software that anybody may run.

    A software's sites are platforms of their own by their domains. Its kinds match on every host that no
    definition names, so its probes have to find out whether a host runs it at all.
    """

    slug: str
    name: str
    hosts: tuple[str, ...]
    kinds: tuple[Kind, ...]
    probes: Mapping[str, Probe] = field(hash=False)
    signals: tuple[Signal, ...]
    canary: str = ""
    politeness: Politeness | None = None
    host_politeness: Mapping[str, Politeness] = field(default_factory=dict, hash=False)
    channels: tuple[ReportChannel, ...] = ()
    also_called: tuple[str, ...] = ()  # other names that people write for it
    file: str = ""

    @property
    def is_software(self) -> bool:
        """Whether it is about any host that answers as its software does."""
        return self.hosts == (ANY_HOST,)

    @property
    def kind_names(self) -> tuple[str, ...]:
        """The names of its kinds, each once, in their order."""
        return tuple(dict.fromkeys(kind.name for kind in self.kinds))

    def kind(self, name: str) -> Kind | None:
        """The first entry of a kind, which carries its probes; None if the platform has no such kind."""
        return next((kind for kind in self.kinds if kind.name == name), None)


# -------------------------------------------------------------------------------------------------- templates

_FIELD = re.compile(r"\{(\w+)(?:\|(\w+))?\}")
_FILTERS: Mapping[str, Callable[[str], str]] = {
    "decoded": unquote,
    "encoded": lambda text: quote(text, safe=""),
    "lower": str.lower,
}


def expand(template: str, params: Mapping[str, str]) -> str:
    """Fill `{name}`, `{name|decoded}`, `{name|encoded}` and `{name|lower}`; a missing name is empty.

    "encoded" makes one value of a query, or one part of a path, of a text as it stands: slashes are encoded,
    and so are its percent signs.
    """
    if "{" not in template:
        return template

    def value(found: re.Match[str]) -> str:
        text = params.get(found[1], "")
        return _FILTERS[found[2]](text) if found[2] else text

    return _FIELD.sub(value, template)


def _names_in(template: str) -> Iterable[tuple[str, str | None]]:
    return ((found[1], found[2]) for found in _FIELD.finditer(template))


# ---------------------------------------------------------------------------------------------- host patterns

_HOST_PATTERN = re.compile(
    r"(?:\*\.)?(?:[\w-]+\.)*[\w-]+(?::(?:\*|\d{1,5}))?|\[[0-9a-f:.]+\](?::(?:\*|\d{1,5}))?"
)


def host_matches(pattern: str, host: str, port: int | None) -> bool:
    """Whether a host pattern covers a host. A pattern without a port means the scheme's own port."""
    name, _, wanted_port = pattern.rpartition(":") if re.search(r":(\*|\d+)$", pattern) else (pattern, "", "")
    if wanted_port != "*" and (str(port) if port is not None else "") != wanted_port:
        return False
    if name.startswith("*."):
        return host.endswith(name[1:]) and len(host) > len(name) - 1
    return host.strip("[]") == name.strip("[]")


# ------------------------------------------------------------------------------------------------- the reader


class _Lines:
    """Where tables and keys stand in a TOML file: good enough to send a person to the right place."""

    _array = re.compile(r"\s*\[\[\s*([\w.-]+)\s*\]\]")
    _table = re.compile(r"\s*\[\s*([\w.\"-]+)\s*\]")
    _key = re.compile(r"\s*([\w-]+)\s*=")
    _long_text = re.compile(r"\"{3}|'{3}")

    def __init__(self, text: str) -> None:
        self._at: dict[str, int] = {}
        self._counts: dict[str, int] = {}
        here = ""
        inside = False  # a text of several lines, which may look like anything
        for number, line in enumerate(text.splitlines(), start=1):
            within = inside
            if len(self._long_text.findall(line)) % 2:
                inside = not inside
            if within:
                continue
            if found := self._array.match(line):
                parent, _, name = found[1].rpartition(".")
                array = f"{self._place(parent)}.{name}".lstrip(".")
                self._counts[array] = self._counts.get(array, 0) + 1
                here = f"{array}[{self._counts[array]}]"
                self._at[here] = number
            elif found := self._table.match(line):
                here = self._place(found[1])
                self._at[here] = number
            elif found := self._key.match(line):
                self._at.setdefault(f"{here}.{found[1]}".lstrip("."), number)

    def _place(self, dotted: str) -> str:
        """A header such as `cases.exchanges` with the numbers of the entries that it stands in."""
        place = ""
        for name in filter(None, dotted.split(".")):
            place = f"{place}.{name}".lstrip(".")
            if place in self._counts:
                place = f"{place}[{self._counts[place]}]"
        return place

    def of(self, place: str) -> int:
        """The line of a place such as `signals[3].when.status`, or of what is around it; 0 if unknown."""
        while place:
            if place in self._at:
                return self._at[place]
            # An entry of a list on one line has no line of its own: the list has.
            place = place.rpartition("[" if place.endswith("]") else ".")[0]
        return 0


class TableReader:
    """Takes keys out of one TOML table, each once and with its type; what is left over is an error."""

    def __init__(self, table: Mapping[str, Any], place: str, file: str, lines: _Lines) -> None:
        self._table = dict(table)
        self._known: list[str] = []
        self.place = place
        self.file = file
        self._lines = lines

    @property
    def line(self) -> int:
        """Where the table begins."""
        return self._lines.of(self.place)

    def error(self, key: str, message: str) -> DefinitionError:
        """An error that names file, line and key."""
        place = f"{self.place}.{key}".strip(".") if key else self.place
        line = self._lines.of(place)
        return DefinitionError(f"{self.file}{f', line {line}' if line else ''}: {place}: {message}")

    def _take(self, key: str) -> Any:
        self._known.append(key)
        return self._table.pop(key, None)

    def text(self, key: str, *, default: str | None = None, one_of: Iterable[str] = ()) -> str:
        value = self._take(key)
        if value is None:
            if default is None:
                raise self.error(key, f'is missing. Write {key} = "...".')
            return default
        if not isinstance(value, str) or not value:
            raise self.error(key, f"is {value!r}. Write a text in double quotes.")
        choices = tuple(one_of)
        if choices and value not in choices:
            raise self.error(key, f'is "{value}". Write one of: {", ".join(choices)}.')
        return value

    def optional_text(self, key: str) -> str | None:
        """A text that may be empty; None if it is not there."""
        value = self._take(key)
        if value is not None and not isinstance(value, str):
            raise self.error(key, f"is {value!r}. Write a text in double quotes.")
        return value

    def texts(self, key: str, *, required: bool = False) -> tuple[str, ...]:
        """One text or a list of texts."""
        value = self._take(key)
        if value is None and not required:
            return ()
        values = [value] if isinstance(value, str) else value
        if not isinstance(values, list) or not values or not all(isinstance(v, str) and v for v in values):
            raise self.error(key, f'is {value!r}. Write ["...", "..."], a list of texts.')
        return tuple(values)

    def flag(self, key: str, *, default: bool = False) -> bool:
        value = self.optional_flag(key)
        return default if value is None else value

    def optional_flag(self, key: str) -> bool | None:
        value = self._take(key)
        if value is not None and not isinstance(value, bool):
            raise self.error(key, f"is {value!r}. Write true or false.")
        return value

    def number(self, key: str, *, at_least: float) -> float | None:
        value = self._take(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or value < at_least:
            raise self.error(key, f"is {value!r}. Write a number of at least {at_least:g}.")
        return value

    def whole(self, key: str, *, at_least: int) -> int | None:
        value = self.number(key, at_least=at_least)
        if value is not None and not isinstance(value, int):
            raise self.error(key, f"is {value!r}. Write a whole number.")
        return value

    def day(self, key: str) -> date:
        value = self._take(key)
        if type(value) is not date:
            raise self.error(key, f"is {value!r}. Write the day without quotes, as {key} = 2026-01-31.")
        return value

    def scalars(self, key: str) -> tuple[str | int | float | bool, ...]:
        """One text, number or truth value, or a list of them."""
        value = self._take(key)
        if value is None:
            return ()
        values = value if isinstance(value, list) else [value]
        if not values or not all(isinstance(v, str | int | float | bool) for v in values):
            raise self.error(key, f"is {value!r}. Write a text, a number, true or false, or a list of them.")
        return tuple(values)

    def ranges(self, key: str) -> tuple[tuple[int, int], ...]:
        """A status, a list of them, and ranges as texts: 404, [404, 410], ["500-599"]."""
        value = self._take(key)
        if value is None:
            return ()
        ranges = []
        for one in value if isinstance(value, list) else [value]:
            found = re.fullmatch(r"(\d{3})-(\d{3})", one) if isinstance(one, str) else None
            if found:
                ranges.append((int(found[1]), int(found[2])))
            elif isinstance(one, int) and not isinstance(one, bool) and 100 <= one <= 999:
                ranges.append((one, one))
            else:
                raise self.error(key, f'has {one!r}. Write 404, [404, 410] or ["500-599"].')
        if not ranges:
            raise self.error(key, "is empty. Write at least one status.")
        return tuple(ranges)

    def pattern(self, key: str, *, required: bool) -> re.Pattern[str] | None:
        text = self.text(key, default=None if required else "")
        if not text:
            return None
        try:
            return re.compile(text)
        except re.error as error:
            raise self.error(key, f"is not a regular expression: {error}.") from error

    def table(self, key: str) -> TableReader | None:
        value = self._take(key)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self.error(key, f"is {value!r}. Write a table: [{self.place or key}].")
        return TableReader(value, f"{self.place}.{key}".lstrip("."), self.file, self._lines)

    def tables(self, key: str) -> list[TableReader]:
        value = self._take(key)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            raise self.error(key, f"is {value!r}. Write [[{key}]] before each entry, or a list of {{ ... }}.")
        place = f"{self.place}.{key}".lstrip(".")
        return [
            TableReader(one, f"{place}[{number}]", self.file, self._lines)
            for number, one in enumerate(value, start=1)
        ]

    def mapping(self, key: str) -> dict[str, Any]:
        """A table whose keys are free."""
        value = self._take(key)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self.error(key, f"is {value!r}. Write a table.")
        return value

    def text_mapping(self, key: str) -> dict[str, str]:
        """A table whose keys are free and whose values are texts."""
        values = self.mapping(key)
        for name, value in values.items():
            if not isinstance(value, str):
                raise self.error(key, f'has {name} = {value!r}. Write {{ {name} = "..." }}, a text.')
        return values

    def finish(self) -> None:
        """Refuse what was not asked for."""
        for key in self._table:
            near = difflib.get_close_matches(key, self._known, n=1)
            hint = f'Did you mean "{near[0]}"?' if near else f"Known keys: {', '.join(sorted(self._known))}."
            raise self.error(key, f"is not a key that is known here. {hint}")


def read_toml(path: Path) -> TableReader:
    """Open a file for reading by `TableReader`. Raises DefinitionError if it is not TOML in UTF-8."""
    try:
        text = path.read_text(encoding="utf-8")
        table = tomllib.loads(text)
    except OSError as error:
        raise DefinitionError(f"{path.name}: cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise DefinitionError(f"{path.name}: is not UTF-8. Save it as UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        raise DefinitionError(f"{path.name}: is not TOML: {error}.") from error
    return TableReader(table, "", path.name, _Lines(text))


def _read_header_condition(reader: TableReader) -> HeaderCondition:
    condition = HeaderCondition(
        name=reader.text("name").lower(),
        present=reader.optional_flag("present"),
        equals=reader.texts("equals"),
        contains=reader.texts("contains"),
        lacks=reader.texts("lacks"),
    )
    reader.finish()
    if condition.present is None and not (condition.equals or condition.contains or condition.lacks):
        raise reader.error("name", "has no test beside it. Add equals, contains, lacks or present.")
    return condition


def _read_block_condition(reader: TableReader) -> BlockCondition:
    condition = BlockCondition(
        classes=reader.texts("class"), ids=reader.texts("id"), says=reader.texts("says")
    )
    reader.finish()
    if not (condition.classes or condition.ids):
        raise reader.error("class", "and id: write at least one, so that it is known which element is meant.")
    return condition


_JSON_PATH = re.compile(r'\$(?:\.[\w$-]+|\[(?:\d+|\*|"[^"]+")\])*')


def _read_json_path(reader: TableReader, key: str, *, default: str | None = None) -> str:
    path = reader.text(key, default=default)
    if path and not _JSON_PATH.fullmatch(path):
        raise reader.error(key, f'is "{path}". Write it as $.items[0].id, $[*].path or $["a.b"].id.')
    return path


def _read_json_condition(reader: TableReader) -> JsonCondition:
    path = _read_json_path(reader, "path")
    condition = JsonCondition(
        path=path,
        one_of=reader.scalars("equals") + reader.scalars("one_of"),
        contains=reader.text("contains", default=""),
        lacks=reader.text("lacks", default=""),
        starts_with=reader.text("starts_with", default=""),
        says=reader.texts("says"),
        empty=reader.flag("empty"),
        null=reader.flag("null"),
        filled=reader.flag("filled"),
        present=reader.optional_flag("present"),
    )
    reader.finish()
    if condition == JsonCondition(path=path):
        raise reader.error(
            "path",
            "has no test beside it. Add equals, one_of, contains, lacks, starts_with, says, empty, null, "
            "filled or present.",
        )
    return condition


def _read_when(reader: TableReader) -> When:
    when = When(
        status=reader.ranges("status"),
        failure=reader.texts("failure"),
        detail=reader.texts("detail"),
        own_host=reader.optional_flag("own_host"),
        address_in=reader.texts("address_in"),
        blocked_by=reader.text("blocked_by", default="", one_of=("any", "another_site")),
        header=tuple(_read_header_condition(one) for one in reader.tables("header")),
        header_name=reader.pattern("header_name", required=False),
        json=tuple(_read_json_condition(one) for one in reader.tables("json")),
        title=reader.texts("title"),
        title_equals=reader.texts("title_equals"),
        title_part=reader.texts("title_part"),
        heading=reader.texts("heading"),
        title_or_heading=reader.texts("title_or_heading"),
        title_or_heading_equals=reader.texts("title_or_heading_equals"),
        block=tuple(_read_block_condition(one) for one in reader.tables("block")),
        text=reader.texts("text"),
        body=reader.texts("body"),
        final_url=reader.texts("final_url"),
        redirect_to=reader.texts("redirect_to"),
        redirect=reader.text("redirect", default="", one_of=("home", "other_host", "any")),
        text_under=reader.whole("text_under", at_least=1),
        bytes_under=reader.whole("bytes_under", at_least=1),
        empty=reader.optional_flag("empty"),
        token=reader.optional_flag("token"),
    )
    reader.finish()
    if when == When():
        raise reader.error("", "has no condition. Write at least one, such as status = 404.")
    if when.text and when.text_under is None:
        raise reader.error("text", "proves nothing on a long page. Add text_under = 1000.")
    if when.detail and not when.failure:
        raise reader.error("detail", 'belongs to a failure. Add failure = "dns_failure" or another.')
    return when


def read_signal(reader: TableReader) -> Signal:
    """One `[[signals]]` entry. Outcome and reason are mere texts here: the checks hold the closed lists."""
    when = reader.table("when")
    if when is None:
        raise reader.error("when", "is missing. Write [signals.when] with at least one condition.")
    signal = Signal(
        id=reader.text("id"),
        version=reader.whole("version", at_least=1) or 1,
        when=_read_when(when),
        source=reader.text("source"),
        verified=reader.day("verified"),
        confidence=reader.text("confidence", one_of=CONFIDENCE),
        probes=reader.texts("probes"),
        kinds=reader.texts("kinds"),
        outcome=reader.text("outcome", default=""),
        reason=reader.text("reason", default=""),
        ask=reader.text("ask", default=""),
        definitive=reader.flag("definitive"),
        needs_seen=reader.flag("needs_seen"),
        compare=reader.flag("compare"),
        whole_site=reader.flag("whole_site"),
        note=reader.text("note", default=""),
        line=reader.line,
    )
    reader.finish()
    if not re.fullmatch(r"[a-z0-9]+(?:-[a-z0-9]+)*", signal.id) or len(signal.id) > 40:
        raise reader.error("id", f'is "{signal.id}". Use up to 40 small letters, digits and hyphens.')
    if bool(signal.ask) == bool(signal.outcome):
        raise reader.error(
            "outcome", "and ask: write one of the two, what it means or which probe to go on to."
        )
    if signal.outcome and not signal.reason:
        raise reader.error("reason", "is missing. An outcome always has a reason.")
    if signal.ask and (
        signal.reason or signal.definitive or signal.needs_seen or signal.compare or signal.whole_site
    ):
        raise reader.error("ask", "stands alone. Leave out reason and all that qualifies an outcome.")
    if signal.whole_site and (signal.outcome not in {"removed", "restricted"} or signal.compare):
        raise reader.error("whole_site", "goes with removed and restricted, and without compare.")
    if (signal.definitive or signal.needs_seen) and signal.outcome != "removed":
        raise reader.error(
            "outcome", "is not removed, so definitive and needs_seen say nothing. Leave them out."
        )
    if signal.confidence == "remembered" and signal.outcome == "removed":
        raise reader.error(
            "confidence", "is remembered, which cannot carry removed. Find a source, or say inconclusive."
        )
    return signal


def read_signals(readers: Iterable[TableReader]) -> tuple[Signal, ...]:
    """Entries in their order, each id once."""
    signals: list[Signal] = []
    for reader in readers:
        signal = read_signal(reader)
        if any(other.id == signal.id for other in signals):
            raise reader.error("id", f'"{signal.id}" stands here twice. Give each signal its own id.')
        signals.append(signal)
    return tuple(signals)


def _read_probe(reader: TableReader) -> Probe:
    probe_format = reader.text("format", default="page", one_of=FORMATS)
    post = reader.text("post", default="")
    probe = Probe(
        name=reader.text("name"),
        url=reader.text("url"),
        format=probe_format,
        uses_token=reader.flag("uses_token"),
        follow_redirects=reader.flag("follow_redirects", default=not post),
        generic=reader.flag("generic", default=probe_format == "page"),
        json_after=reader.text("json_after", default=""),
        post=post,
        identity=_read_json_path(reader, "identity", default=""),
    )
    reader.finish()
    if probe.name in {"sibling", "canary"}:
        raise reader.error("name", f'is "{probe.name}", which the checks use themselves. Choose another.')
    if probe.format != "page" and probe.generic:
        raise reader.error("generic", "is true and it is no page. Say with signals what its answers mean.")
    if probe.json_after and probe.format != "page":
        raise reader.error("json_after", f"is for pages, and the format is {probe.format}. Leave it out.")
    if probe.post and (probe.format != "json" or probe.follow_redirects):
        raise reader.error("post", "asks an API once: it needs format json, and follows no redirects.")
    if probe.identity and probe.format != "json" and not probe.json_after:
        raise reader.error("identity", "is read from JSON, which this probe does not have. Leave it out.")
    return probe


def _read_kind(reader: TableReader, probes: Mapping[str, Probe]) -> Kind:
    path = reader.pattern("path", required=True)
    assert path is not None  # noqa: S101 - required
    params = reader.mapping("params")
    kind = Kind(
        name=reader.text("name"),
        path=path,
        key=reader.text("key"),
        probes=reader.texts("probes"),
        account=reader.text("account", default=""),
        hosts=_read_hosts(reader, required=False),
        host=reader.pattern("host", required=False),
        with_query=reader.flag("with_query"),
        params={name: str(value) for name, value in params.items()},
        needs_person=reader.text("needs_person", default=""),
        known_good=_read_address(reader, "known_good"),
        known_missing=_read_address(reader, "known_missing"),
        canary_note=reader.text("canary_note", default=""),
    )
    reader.finish()
    available = kind.parts | BUILT_IN_PARAMETERS
    templates = [("key", kind.key), ("account", kind.account)]
    for name in kind.probes:
        if name not in probes:
            raise reader.error(
                "probes", f'names "{name}". Define it under [[probes]] or choose: {", ".join(probes)}.'
            )
        templates += [("probes", probes[name].url), ("probes", probes[name].post)]
    for key, template in templates:
        for parameter, filter_name in _names_in(template):
            if parameter not in available or (filter_name and filter_name not in _FILTERS):
                raise reader.error(
                    key,
                    f'needs {{{parameter}}} in "{template}". Known here: {", ".join(sorted(available))}; '
                    f"filters: {', '.join(sorted(_FILTERS))}.",
                )
    return kind


def _read_hosts(reader: TableReader, *, required: bool) -> tuple[str, ...]:
    hosts = reader.texts("hosts", required=required)
    for host in hosts:
        if host == ANY_HOST and len(hosts) == 1 and required:
            continue
        if not _HOST_PATTERN.fullmatch(host):
            raise reader.error(
                "hosts", f'has "{host}". Write example.org, *.example.org or example.org:8080.'
            )
    return hosts


def _read_address(reader: TableReader, key: str) -> str:
    """A whole address, or "" where there is none."""
    address = reader.text(key, default="")
    if address and urlsplit(address).scheme not in {"http", "https"}:
        raise reader.error(key, f'is "{address}". Write a whole address with https://.')
    return address


def _read_politeness(reader: TableReader) -> Politeness:
    interval = reader.number("interval_seconds", at_least=0)
    concurrency = reader.whole("concurrency", at_least=1)
    if interval is None or concurrency is None:
        raise reader.error("", "is incomplete. Write interval_seconds = 1.0 and concurrency = 2.")
    return Politeness(interval_seconds=float(interval), concurrency=concurrency)


def _read_channel(reader: TableReader) -> ReportChannel:
    channel = ReportChannel(
        name=reader.text("name"), url=reader.text("url", default=""), note=reader.text("note", default="")
    )
    reader.finish()
    return channel


def load_definition(path: Path) -> Definition:
    """Read one definition. Raises DefinitionError with file, line and key."""
    reader = read_toml(path)
    probe_readers = reader.tables("probes")
    probes: dict[str, Probe] = {}
    for one in probe_readers:
        probe = _read_probe(one)
        if probe.name in probes:
            raise one.error("name", f'"{probe.name}" stands here twice. Give each probe its own name.')
        probes[probe.name] = probe

    kinds: list[Kind] = []
    kind_readers = reader.tables("kinds")
    for one in kind_readers:
        kind = _read_kind(one, probes)
        earlier = next((other for other in kinds if other.name == kind.name), None)
        if earlier is not None and earlier.probes != kind.probes:
            raise one.error(
                "probes", f'differ from those of the other "{kind.name}". Give one kind one set of probes.'
            )
        if earlier is None and not (kind.probes or kind.needs_person):
            raise one.error("probes", "is missing. Write it, or say in needs_person why nothing is asked.")
        if earlier is not None:
            for key in ("needs_person", "known_good", "known_missing", "canary_note"):
                if getattr(kind, key):
                    raise one.error(key, f'belongs to the first "{kind.name}". Write it there.')
        kinds.append(kind)
    if not kinds:
        raise reader.error("kinds", "is missing. Write [[kinds]] with name, path, key and probes.")

    signal_readers = reader.tables("signals")
    signals = read_signals(signal_readers)
    for signal, one in zip(signals, signal_readers, strict=True):
        _check_references(signal, one, probes, kinds)

    politeness, host_politeness = _read_all_politeness(reader)
    definition = Definition(
        slug=reader.text("slug"),
        name=reader.text("name"),
        hosts=_read_hosts(reader, required=True),
        kinds=tuple(kinds),
        probes=probes,
        signals=signals,
        canary=_read_address(reader, "canary"),
        politeness=politeness,
        host_politeness=host_politeness,
        channels=tuple(_read_channel(one) for one in reader.tables("channels")),
        also_called=reader.texts("also_called"),
        file=path.name,
    )
    reader.finish()
    if not re.fullmatch(r"[a-z0-9]+(?:-[a-z0-9]+)*", definition.slug):
        raise reader.error("slug", f'is "{definition.slug}". Use small letters, digits and hyphens.')
    if definition.slug in TAKEN_SLUGS:
        raise reader.error("slug", f'is "{definition.slug}", which means something else here. Write another.')
    if definition.is_software:
        for kind, one in zip(definition.kinds, kind_readers, strict=True):
            if kind.path.fullmatch("/") or kind.path.fullmatch("/example/page"):
                raise one.error(
                    "path", 'matches most pages of any site. With hosts = "*", name its own paths.'
                )
        if definition.canary or definition.politeness or host_politeness:
            raise reader.error(
                "hosts", 'is "*", a software, so a canary or a pace says nothing. Leave it out.'
            )
    return definition


def _read_all_politeness(reader: TableReader) -> tuple[Politeness | None, dict[str, Politeness]]:
    table = reader.table("politeness")
    if table is None:
        return None, {}
    politeness = _read_politeness(table)
    hosts: dict[str, Politeness] = {}
    for one in table.tables("hosts"):
        host = one.text("host")
        hosts[host] = _read_politeness(one)
        one.finish()
    table.finish()
    return politeness, hosts


def _check_references(
    signal: Signal, reader: TableReader, probes: Mapping[str, Probe], kinds: Iterable[Kind]
) -> None:
    kinds = list(kinds)
    for name in (*signal.probes, *([signal.ask] if signal.ask else [])):
        if name not in probes:
            key = "ask" if name == signal.ask else "probes"
            raise reader.error(key, f'names "{name}". Choose from the probes: {", ".join(probes)}.')
    names = {kind.name for kind in kinds}
    for name in signal.kinds:
        if name not in names:
            raise reader.error("kinds", f'names "{name}". Choose from the kinds: {", ".join(sorted(names))}.')
    concerned = [
        kind
        for kind in kinds
        if (not signal.kinds or kind.name in signal.kinds)
        and (not signal.probes or set(signal.probes) & set(kind.probes))
    ]
    for kind in concerned:
        if signal.ask and signal.ask not in kind.probes:
            raise reader.error(
                "ask",
                f'names "{signal.ask}", which kind "{kind.name}" does not have. Add it there, or name kinds.',
            )
        for template in _templates_of(signal.when):
            for parameter, _ in _names_in(template):
                if parameter not in kind.parts | BUILT_IN_PARAMETERS:
                    raise reader.error(
                        "when",
                        f'needs {{{parameter}}}, which kind "{kind.name}" does not have. Name other kinds.',
                    )


def _templates_of(when: When) -> Iterable[str]:
    yield from when.title
    yield from when.final_url
    yield from when.redirect_to
    for condition in when.json:
        yield condition.contains
        yield condition.lacks
        yield from (value for value in condition.one_of if isinstance(value, str))
