"""Whether an answer matches a signal, and the signals that hold for any site (generic.toml)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from django.utils.functional import cached_property

from apps.platforms.matching import registrable_domain
from apps.platforms.schema import (
    CONFIDENCE,
    BlockCondition,
    Definition,
    DefinitionError,
    HeaderCondition,
    JsonCondition,
    Signal,
    TableReader,
    When,
    expand,
    read_signals,
    read_toml,
)

from .address_lists import address_lists, lists_with
from .answer import Answer
from .outcomes import REASONS_OF, Outcome, Reason
from .page import normalise
from .siblings import is_home

GENERIC_FILE = Path(__file__).resolve().parent / "generic.toml"


@dataclass(frozen=True, slots=True)
class Comparison:
    """The rule that decides where a signal's claim does not hold against an address that cannot exist."""

    id: str
    version: int
    source: str
    verified: date
    confidence: str
    note: str = ""

    @property
    def name(self) -> str:
        """The id with its version, as it is recorded with a check."""
        return f"{self.id}@{self.version}"


@dataclass(frozen=True, slots=True)
class GenericSignals:
    """The content of generic.toml. `phrases` and `whole_titles` are normalised."""

    failures: tuple[Signal, ...]
    walls: tuple[Signal, ...]
    answers: tuple[Signal, ...]
    comparison: Comparison
    phrases: tuple[str, ...]  # contained in a title, a heading or a status block
    whole_titles: tuple[str, ...]  # the title, or what stands between two of its bars

    @property
    def signals(self) -> tuple[Signal, ...]:
        """All signals, in the order of their groups."""
        return (*self.failures, *self.walls, *self.answers)


@lru_cache(maxsize=1)
def generic_signals() -> GenericSignals:
    """The signals for any site. Raises DefinitionError if the file cannot be used."""
    return load_generic(GENERIC_FILE)


def load_generic(path: Path) -> GenericSignals:
    """Read a file of generic signals. Raises DefinitionError with file, line and key."""
    reader = read_toml(path)
    phrases: list[str] = []
    whole_titles: list[str] = []
    for one in reader.tables("phrases"):
        one.texts("languages", required=True)
        one.text("source")
        phrases += [normalise(phrase) for phrase in one.texts("any", required=True)]
        whole_titles += [normalise(phrase) for phrase in one.texts("whole_title")]
        one.finish()
    # Read as one list, so that an id stands in one group alone.
    groups = {group: reader.tables(group) for group in ("failures", "walls", "answers")}
    signals = read_signals(one for group in groups.values() for one in group)
    failures, rest = signals[: len(groups["failures"])], signals[len(groups["failures"]) :]
    walls, answers = rest[: len(groups["walls"])], rest[len(groups["walls"]) :]
    comparison = _read_comparison(reader)
    reader.finish()
    for signal in signals:
        check_reason(signal, path.name)
        if signal.ask or signal.probes or signal.kinds:
            raise DefinitionError(
                f"{path.name}, line {signal.line}: {signal.id}: names a probe or a kind. Leave that to "
                "platforms."
            )
    for signal in walls:
        if signal.outcome != Outcome.INCONCLUSIVE:
            raise DefinitionError(
                f"{path.name}, line {signal.line}: {signal.id}: outcome: a wall says nothing of what is "
                "behind it. Write inconclusive."
            )
    for signal in failures:
        if not signal.when.failure:
            raise DefinitionError(
                f"{path.name}, line {signal.line}: {signal.id}: failure: is missing. Where something came "
                "back, it belongs to walls or answers."
            )
    return GenericSignals(failures, walls, answers, comparison, tuple(phrases), tuple(whole_titles))


def _read_comparison(reader: TableReader) -> Comparison:
    table = reader.table("comparison")
    if table is None:
        raise reader.error("comparison", "is missing. Write [comparison] with id, version and source.")
    comparison = Comparison(
        id=table.text("id"),
        version=table.whole("version", at_least=1) or 1,
        source=table.text("source"),
        verified=table.day("verified"),
        confidence=table.text("confidence", one_of=CONFIDENCE),
        note=table.text("note", default=""),
    )
    table.finish()
    return comparison


def check_reasons(definition: Definition) -> None:
    """Refuse a definition whose outcomes or reasons are not in the closed lists. Raises DefinitionError."""
    for signal in definition.signals:
        check_reason(signal, definition.file)


def check_reason(signal: Signal, file: str) -> None:
    """Refuse a signal whose outcome, reason or failure is not in the closed lists. Raises DefinitionError."""
    where = f"{file}, line {signal.line}: {signal.id}"
    for failure in signal.when.failure:
        if failure not in Reason.values:
            raise DefinitionError(f'{where}: failure: "{failure}" is not a reason.')
    for name in signal.when.address_in:
        if name not in address_lists():
            raise DefinitionError(
                f'{where}: address_in: "{name}" is no list of addresses. '
                f"Write one of: {', '.join(sorted(address_lists()))}."
            )
    if signal.ask:
        return
    if signal.outcome not in Outcome.values:
        raise DefinitionError(
            f'{where}: outcome: "{signal.outcome}" is not an outcome. '
            f"Write one of: {', '.join(Outcome.values)}."
        )
    allowed = REASONS_OF[Outcome(signal.outcome)]
    if signal.reason not in allowed:
        raise DefinitionError(
            f'{where}: reason: "{signal.reason}" does not go with {signal.outcome}. '
            f"Write one of: {', '.join(sorted(allowed))}."
        )


# -------------------------------------------------------------------------------------------- an answer, read


_BETWEEN = re.compile(r"\s+[|·•:-]+\s+|\s*[|·•]\s*|:\s+")
_LINK = re.compile(r"<([^<>]*)>([^<>]*)")
_REL = re.compile(r";\s*rel\s*=\s*(?:\"([^\"]*)\"|([^\s;,\"]+))", re.IGNORECASE)


class Reading:
    """An answer together with what can be read from it, each part read once and only when asked for."""

    def __init__(
        self, answer: Answer, *, asked_of: str, params: Mapping[str, str], json_after: str = ""
    ) -> None:
        self.answer = answer
        self.asked_of = asked_of  # the target's own URL
        self.params = params
        self.json_after = json_after  # the text in a page after which JSON stands; "" where the body is JSON
        self.content = answer.content

    @property
    def normal_title(self) -> str:
        """The title, normalised for comparing wording."""
        return self.content.normal_page.title

    @property
    def normal_headings(self) -> tuple[str, ...]:
        """The headings, normalised for comparing wording."""
        return self.content.normal_page.headings

    @property
    def normal_notices(self) -> tuple[str, ...]:
        """The status blocks, normalised for comparing wording."""
        return self.content.normal_page.notices

    @property
    def normal_text(self) -> str:
        """The visible text, normalised for comparing wording."""
        return self.content.normal_page.text

    @cached_property
    def title_parts(self) -> tuple[str, ...]:
        """The normalised title, and what stands between two of its bars, dashes, dots or colons."""
        parts = (part.strip() for part in _BETWEEN.split(self.normal_title))
        return (self.normal_title, *(part for part in parts if part))

    @property
    def json(self) -> Any:
        """The JSON of the answer; None if there is none, or if it was cut off."""
        if self.json_after:
            return self.content.json_after(self.json_after)
        return None if self.answer.truncated else self.content.json

    @property
    def final_url(self) -> str:
        """Where the answer came from."""
        return self.answer.url or self.answer.ask.url

    @property
    def places(self) -> tuple[str, ...]:
        """Every place that the answer sent us to, followed or not."""
        places = [hop.url for hop in self.answer.hops]
        location = self.answer.headers.get("location", "")
        if location and self.answer.status is not None and 300 <= self.answer.status < 400:
            try:
                places.append(urljoin(self.final_url, location))
            except ValueError:
                places.append(location)
        return tuple(places)

    @cached_property
    def says_not_found(self) -> bool:
        """Whether the title, a heading or a status block has one of the not-found phrases."""
        known = generic_signals()
        places = (self.normal_title, *self.normal_headings, *self.normal_notices)
        return any(phrase in text for text in places for phrase in known.phrases) or any(
            title in known.whole_titles for title in self.title_parts
        )


def blocked_by(answer: Answer) -> str:
    """Where an answer says who blocks it: Link with rel="blocked-by" (RFC 7725, section 4); or ""."""
    for target, parameters in _LINK.findall(answer.headers.get("link", "")):
        found = _REL.search(parameters)
        if found and "blocked-by" in (found[1] or found[2]).casefold().split():
            with suppress(ValueError):
                url = urljoin(answer.url or answer.ask.url, target.strip())
                return url if urlsplit(url).hostname else ""
    return ""


def matches(when: When, reading: Reading) -> bool:
    """Whether every condition of a signal holds."""
    answer = reading.answer
    return may_match(when, status=answer.status, failure=answer.failure) and also_matches(when, reading)


def may_match(when: When, *, status: int | None, failure: Reason | None) -> bool:
    """Whether the conditions of a signal on the status, or on why there was no answer, hold."""
    if failure is not None:
        return failure in when.failure
    if when.failure:
        return False
    return not when.status or (status is not None and any(low <= status <= high for low, high in when.status))


def also_matches(when: When, reading: Reading) -> bool:
    """Whether the conditions of a signal hold beside those that `may_match` looks at."""
    answer = reading.answer
    if when.detail and answer.detail not in when.detail:
        return False
    if when.token is not None and when.token != ("Authorization" in answer.ask.headers):
        return False
    if when.empty is not None and when.empty != (not answer.body):
        return False
    if when.address_in and lists_with(answer.address).isdisjoint(when.address_in):
        return False
    if when.bytes_under is not None and len(answer.body) >= when.bytes_under:
        return False
    if when.header and not all(_header_matches(condition, answer.headers) for condition in when.header):
        return False
    if when.header_name is not None and not any(when.header_name.search(name) for name in answer.headers):
        return False
    if not _places_match(when, reading):
        return False
    if when.text_under is not None and (
        reading.answer.truncated or len(reading.content.page.text) >= when.text_under
    ):
        return False
    if when.body and not any(map(reading.content.holds, when.body)):
        return False
    if when.json and not all(_json_matches(condition, reading) for condition in when.json):
        return False
    if when.block and not all(_block_matches(condition, reading) for condition in when.block):
        return False
    return _wording_matches(when, reading)


def _header_matches(condition: HeaderCondition, headers: Mapping[str, str]) -> bool:
    value = headers.get(condition.name)
    if condition.present is not None and condition.present != (value is not None):
        return False
    folded = (value or "").casefold()
    if condition.equals and not any(folded == wanted.casefold() for wanted in condition.equals):
        return False
    if condition.contains and not any(wanted.casefold() in folded for wanted in condition.contains):
        return False
    return not any(unwanted.casefold() in folded for unwanted in condition.lacks)


def _block_matches(condition: BlockCondition, reading: Reading) -> bool:
    blocks = reading.content.blocks(classes=condition.classes, ids=condition.ids)
    if not condition.says:
        return bool(blocks)
    return _any_contains((normalise(block) for block in blocks), condition.says)


def _places_match(when: When, reading: Reading) -> bool:
    if when.own_host is not None and when.own_host != _is_of_own_host(reading):
        return False
    if when.blocked_by and not _is_blocked_by(when.blocked_by, reading):
        return False
    if when.final_url and not leads_to(reading.final_url, when.final_url, reading.params):
        return False
    if not (when.redirect_to or when.redirect):
        return True
    places = reading.places
    if when.redirect_to and not any(leads_to(place, when.redirect_to, reading.params) for place in places):
        return False
    if not when.redirect:
        return True
    if not places:
        return False
    if when.redirect == "any":
        return True
    same_site = _site(reading.asked_of) == _site(places[-1])
    if when.redirect == "other_host":
        return not same_site
    return same_site and is_home(places[-1]) and not is_home(reading.asked_of)


def _is_of_own_host(reading: Reading) -> bool:
    return not reading.answer.hops and _authority(reading.final_url) == _authority(reading.asked_of)


def _is_blocked_by(who: str, reading: Reading) -> bool:
    blocker = urlsplit(blocked_by(reading.answer)).hostname or ""
    if who == "any" or not blocker:
        return bool(blocker)
    own = urlsplit(reading.asked_of).hostname or ""
    return registrable_domain(blocker) != registrable_domain(own)


def _authority(url: str) -> str:
    return urlsplit(url).netloc.casefold()


def _site(url: str) -> str:
    return (urlsplit(url).hostname or "").removeprefix("www.")


def leads_to(url: str, patterns: Iterable[str], params: Mapping[str, str]) -> bool:
    """Whether a URL contains one of the patterns, ignoring case.

    "/login/" is looked for in the path alone, so that `?next=/login/` does not count, and whole: it is not in
    "/login-tips". "//host/" is looked for in host and path. Anything else may stand anywhere in the URL.
    """
    parts = urlsplit(url)
    path = parts.path.rstrip("/").casefold() + "/"
    for pattern in patterns:
        wanted = expand(pattern, params).casefold()
        if wanted.startswith("//"):
            text = f"//{parts.netloc.casefold()}{path}"
        elif wanted.startswith("/"):
            text = path
        else:
            text = url.casefold()
        if wanted in text:
            return True
    return False


def _wording_matches(when: When, reading: Reading) -> bool:
    if when.title and not _any_contains(
        (reading.normal_title,), tuple(expand(one, reading.params) for one in when.title)
    ):
        return False
    if when.title_equals and not _any_equals((reading.normal_title,), when.title_equals):
        return False
    if when.title_part and not _any_equals(reading.title_parts, when.title_part):
        return False
    if when.heading and not _any_contains(reading.normal_headings, when.heading):
        return False
    if when.text and not _any_contains((reading.normal_text,), when.text):
        return False
    if not (when.title_or_heading or when.title_or_heading_equals):
        return True
    places = (reading.normal_title, *reading.normal_headings, *reading.normal_notices)
    return (not when.title_or_heading or _any_contains(places, when.title_or_heading)) and (
        not when.title_or_heading_equals or _any_equals(places, when.title_or_heading_equals)
    )


def _any_equals(texts: Iterable[str], phrases: tuple[str, ...]) -> bool:
    return not _normal(phrases).isdisjoint(texts)


def _any_contains(texts: Iterable[str], phrases: tuple[str, ...]) -> bool:
    wanted = _normal(phrases)
    return any(phrase in text for text in texts for phrase in wanted)


@lru_cache(maxsize=4096)
def _normal(phrases: tuple[str, ...]) -> frozenset[str]:
    """Phrases of a signal, normalised once."""
    return frozenset(map(normalise, phrases))


# ------------------------------------------------------------------------------------------------------- JSON

JSON_STEP = re.compile(r'\.([\w$-]+)|\["([^"]+)"\]|\[(\d+)\]|\[(\*)\]')


def values_at(document: Any, path: str) -> tuple[list[Any], bool]:
    """The values at a path such as `$.items[*].id`, and whether the path leads as far as its last list.

    An empty list is reached and holds nothing; a missing list is not reached.
    """
    values = [document]
    reached = document is not None
    for plain, quoted, index, star in JSON_STEP.findall(path):
        key = plain or quoted
        following: list[Any] = []
        for value in values:
            if star:
                if isinstance(value, list):
                    following += value
                else:
                    reached = False
            elif index:
                if isinstance(value, list) and int(index) < len(value):
                    following.append(value[int(index)])
            elif isinstance(value, dict) and key in value:
                following.append(value[key])
        if star and not values:
            reached = False
        values = following
    return values, reached


def _json_matches(condition: JsonCondition, reading: Reading) -> bool:
    document = reading.json
    if document is None:
        return False
    values, reached = values_at(document, condition.path)
    params = reading.params
    if condition.one_of and not any(
        _equal(value, wanted, params) for value in values for wanted in condition.one_of
    ):
        return False
    if condition.contains:
        sought = expand(condition.contains, params).casefold()
        if not any(_spelled(value) == sought for value in values):
            return False
    if condition.lacks:
        sought = expand(condition.lacks, params).casefold()
        if not reached or any(_spelled(value) == sought for value in values):
            return False
    if condition.starts_with:
        start = expand(condition.starts_with, params).casefold()
        if not any(isinstance(value, str) and value.casefold().startswith(start) for value in values):
            return False
    if condition.says:
        told = normalise(" ".join(text for value in values for text in texts_in(value)))
        if not _any_contains((told,), condition.says):
            return False
    if condition.filled and not any(values):
        return False
    if condition.empty and not any(value in ([], {}, "") for value in values):
        return False
    if condition.null and None not in values:
        return False
    return condition.present is None or condition.present == any(value is not None for value in values)


def texts_in(value: Any) -> Iterable[str]:
    """The texts of a JSON value, in their order, however deep they stand."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, list | dict):
            waiting += reversed(one.values() if isinstance(one, dict) else one)


def _spelled(value: Any) -> str | None:
    return str(value).casefold() if isinstance(value, str | int | float) else None


def _equal(value: Any, wanted: str | int | float | bool, params: Mapping[str, str]) -> bool:
    if isinstance(wanted, bool) or isinstance(value, bool):
        return value is wanted
    if isinstance(wanted, str):
        text = expand(wanted, params)
        return bool(value == text) or (text != wanted and isinstance(value, int) and str(value) == text)
    return bool(value == wanted)
