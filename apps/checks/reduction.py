"""An exchange reduced to what the signals look at, about an example instead of the real thing.

Nothing of an answer is kept because it looks harmless. What is kept stands in a definition or in the general
rules already: a status, the texts that a signal looks for and that were there, the shape of the JSON where a
signal looks into it, and whether a page was longer than a signal asks. Everything else is left out or stands
for itself as "example". Then the reduced answers are judged, and must be judged as the real ones were.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from apps.platforms import registry
from apps.platforms.matching import Match, registrable_domain, template_parameters
from apps.platforms.schema import BlockCondition, JsonCondition, Signal, expand

from .address_lists import address_lists
from .answer import Answer, Ask, Hop, Observation
from .examples import NoExample, example_of, of_same_shape
from .observe import observe
from .page import distance, normalise
from .siblings import Siblings, is_home, subject
from .signals import JSON_STEP, Reading, blocked_by, generic_signals, leads_to, matches, texts_in
from .verdict import LITTLE_TEXT, SAME_TEXT_BITS, SIBLING, candidates, probe_of, shows_little

_ELSEWHERE = "elsewhere.example.net"
_MOST_ELEMENTS = 20  # of a list in JSON
_DEEPEST = 8
_MEDIA_TYPES = (
    "text/html",
    "application/xhtml+xml",
    "application/json",
    "application/xml",
    "text/plain",
)
_NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)  # when somebody looked is nobody's business
_SENTENCE = "This text stands for another. "


class CannotReduce(ValueError):
    """An exchange cannot be reduced so that it is judged as before. `str()` is a sentence for people."""


@dataclass(frozen=True, slots=True)
class Reduced:
    """An example with the answers that are judged as the real ones. `answers` are in the order of asking."""

    example: Match
    answers: tuple[Answer, ...]
    observation: Observation


def reduce(found: Match, answers: Sequence[Answer], *, seen: bool, token: bool) -> Reduced:
    """Reduce the answers of one look. `token`: a token was sent, so that the example is asked with one, too.

    Raises CannotReduce, where there is no example or where the reduced answers would be judged otherwise.
    """
    try:
        example = example_of(found)
    except NoExample as error:
        raise CannotReduce(f"{error} So the recording cannot be made anonymous.") from error
    told = {answer.ask.name: answer for answer in answers}
    real = observe(found, fetch=_Telling(told), seen_available=seen, siblings=Siblings(), token=_token(token))
    reducing = _Reducing(found, example, told)
    observation = observe(
        example, fetch=reducing, seen_available=seen, siblings=Siblings(), token=_token(token)
    )
    if _judgement(observation) != _judgement(real):
        raise CannotReduce(
            "Without what identifies it, this answer would be judged otherwise. So the recording cannot be "
            "made anonymous."
        )
    return Reduced(example, tuple(reducing.answers), observation)


def _token(token: bool) -> str:
    return "example-token" if token else ""


def _judgement(observation: Observation) -> tuple[object, ...]:
    verdict = observation.verdict
    return verdict.outcome, verdict.reason, verdict.definitive, verdict.signal, verdict.probe


@dataclass(slots=True)
class _Telling:
    """Tells the answers again that were heard, each by the name of its ask."""

    told: Mapping[str, Answer]

    def __call__(self, ask: Ask) -> Answer:
        return self.told[ask.name]


@dataclass(slots=True)
class _Reducing:
    """Answers the asks of the example with what the real answers are reduced to."""

    found: Match
    example: Match
    told: Mapping[str, Answer]
    answers: list[Answer] = field(default_factory=list)
    stand_ins: _StandIns = field(init=False)
    asked: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.stand_ins = _StandIns(self.found, self.example)

    def __call__(self, ask: Ask) -> Answer:
        answer = self.told.get(ask.name)
        if answer is None:
            raise CannotReduce("The example would be asked otherwise than the real one was.")
        self.asked.add(ask.name)
        reduced = next(self._fitting(ask, answer), None)
        if reduced is None:
            raise CannotReduce(
                f"The answer to “{ask.name}” cannot be reduced so that every signal says of it what it said."
            )
        self.answers.append(reduced)
        return reduced

    def _fitting(self, ask: Ask, answer: Answer) -> Iterator[Answer]:
        """Reduced answers of which every signal says what it says of the real one, the smallest first."""
        signals = self._signals(answer)
        real = _read(self.found, answer, answer.ask.url)
        wanted = [matches(signal.when, real) for signal in signals]
        for reduced in _variants(ask, answer, signals, self.stand_ins, real):
            reading = _read(self.example, reduced, ask.url)
            alike = [matches(signal.when, reading) for signal in signals] == wanted
            if alike and (shows_little(real) or not shows_little(reading)):
                yield reduced

    def _signals(self, answer: Answer) -> list[Signal]:
        if answer.ask.name == SIBLING:
            return list(generic_signals().walls)
        probe = probe_of(self.found, answer)
        return [signal for _, signal in candidates(self.found, probe, answer, already=self.asked)]


def _read(found: Match, answer: Answer, asked: str) -> Reading:
    if answer.ask.name == SIBLING:
        return Reading(answer, asked_of=asked, params={})
    probe = probe_of(found, answer)
    params = template_parameters(found)
    return Reading(answer, asked_of=found.key, params=params, json_after=probe.json_after)


def _signals_of(found: Match) -> list[Signal]:
    """All signals that have words for answers of a match: wording is compared across its answers."""
    definition = registry.definition(found.definition)
    rules = generic_signals()
    own = definition.signals if definition is not None else ()
    return [*rules.failures, *rules.walls, *own, *rules.answers]


def _hosts_of(found: Match) -> frozenset[str]:
    """The hosts that a match's definition names."""
    definition = registry.definition(found.definition)
    if definition is None:
        return frozenset()
    probes = (urlsplit(probe.url).netloc for probe in definition.probes.values())
    return frozenset({*definition.hosts, *(netloc for netloc in probes if "{" not in netloc)})


# -------------------------------------------------------------------------------------------------- stand-ins


class _StandIns:
    """What stands for what, in all answers of one look: the same for the same, another for another."""

    def __init__(self, found: Match, example: Match) -> None:
        self.signals = _signals_of(found)
        self.hosts = _hosts_of(found)
        self.real = template_parameters(found)
        self.example = template_parameters(example)
        self._names: dict[str, str] = {}
        self._urls: dict[str, str] = {found.key: example.key}
        self._texts: list[int] = []
        self.lengths: dict[int, int] = {}  # of what stands for the texts, by their numbers
        self._own = (urlsplit(found.key).netloc, urlsplit(example.key).netloc)
        self._parts = {
            value: self.example[name] for name, value in self.real.items() if value and name in self.example
        }

    def name_for(self, text: str) -> str:
        """A name that stands for a text."""
        return self._names.setdefault(text, f"other-{len(self._names) + 1}")

    def text_number(self, fingerprint: int) -> int:
        """Which of the texts that were met so far a fingerprint is of."""
        for number, known in enumerate(self._texts):
            if distance(known, fingerprint) <= SAME_TEXT_BITS:
                return number
        self._texts.append(fingerprint)
        return len(self._texts) - 1

    def expand(self, template: str) -> tuple[str, str]:
        """A template filled for the real thing and for the example."""
        return expand(template, self.real), expand(template, self.example)

    def url_for(self, url: str, *, asked: tuple[str, str], patterns: Sequence[str]) -> str:
        """A place that stands for one that an answer sent us to. `asked` is what was asked, real and example.

        Of the real one stay the host where a pattern names it, and the parts of the path that a pattern or
        the example has.
        """
        if url not in self._urls:
            made = self._made_url(url, asked, patterns)
            while made in self._urls.values():
                made = f"{made.rstrip('/')}/{self.name_for(url)}"
            self._urls[url] = made
        return self._urls[url]

    def _made_url(self, url: str, asked: tuple[str, str], patterns: Sequence[str]) -> str:
        if url == asked[0]:
            return asked[1]
        parts = urlsplit(url)
        host = self._host_for(parts.netloc, asked, patterns)
        if is_home(url):
            return urlunsplit((parts.scheme, host, parts.path, "", ""))
        known = {
            real.casefold(): example
            for pattern in patterns
            for real, example in zip(*(each.split("/") for each in self.expand(pattern)), strict=False)
        }
        path = "/".join(self._segment_for(segment, known) for segment in parts.path.split("/"))
        made = urlunsplit((parts.scheme, host, path, "", ""))
        for pattern in patterns:
            lost = leads_to(url, [pattern], self.real) and not leads_to(made, [pattern], self.example)
            if lost and "://" in pattern:
                return self.expand(pattern)[1]
            if lost and not pattern.startswith("/"):
                made += f"{'&' if '?' in made else '?'}{quote(self.expand(pattern)[1], safe='/?=&')}"
        return made

    def _host_for(self, netloc: str, asked: tuple[str, str], patterns: Sequence[str]) -> str:
        for real, example in (self._own, (urlsplit(asked[0]).netloc, urlsplit(asked[1]).netloc)):
            if netloc == real:
                return example
            if netloc.removeprefix("www.") == real.removeprefix("www."):
                return f"www.{example}" if netloc.startswith("www.") else example.removeprefix("www.")
        named = netloc in self.hosts or any(f"//{netloc}/" in f"{pattern}/" for pattern in patterns)
        return netloc if named else _ELSEWHERE

    def _segment_for(self, segment: str, known: Mapping[str, str]) -> str:
        if not segment:
            return ""
        return known.get(segment.casefold()) or self._parts.get(segment) or self.name_for(segment)


# ---------------------------------------------------------------------------------------------------- answers


def _variants(
    ask: Ask, answer: Answer, signals: Sequence[Signal], stand_ins: _StandIns, real: Reading
) -> Iterator[Answer]:
    """What an answer may be reduced to, the smallest first."""
    patterns = [text for signal in signals for text in (*signal.when.final_url, *signal.when.redirect_to)]
    asked = (answer.ask.url, ask.url)

    def place(url: str) -> str:
        return stand_ins.url_for(url, asked=asked, patterns=patterns)

    hops = tuple(Hop(hop.status, place(hop.url)) for hop in answer.hops)
    if answer.failure is not None:
        detail = answer.detail if answer.detail in _of(signals, "detail") else ""
        yield Answer(ask, _NO_TIME, _NO_TIME, hops=hops, failure=answer.failure, detail=detail)
        return
    headers = _headers(answer, signals, real)
    if blocker := blocked_by(answer):
        domains = {registrable_domain(urlsplit(url).hostname or "") for url in (blocker, answer.ask.url)}
        host = urlsplit(ask.url).netloc if len(domains) == 1 else _ELSEWHERE
        headers["link"] = f'<https://{host}/>; rel="blocked-by"'
    if answer.headers.get("location") and len(real.places) > len(hops):
        headers["location"] = place(real.places[-1])
    for body in _bodies(answer, signals, stand_ins, real):
        yield Answer(
            ask,
            started_at=_NO_TIME,
            finished_at=_NO_TIME,
            status=answer.status,
            url=hops[-1].url if hops else ask.url,
            hops=hops,
            headers=headers,
            body=body,
            received_bytes=len(body),
            address=_address(answer, signals),
        )


def _address(answer: Answer, signals: Sequence[Signal]) -> str:
    """The first address of the list that the server's own is in, where a signal looks at it; or ""."""
    for name in _of(signals, "address_in"):
        for network in address_lists()[name].networks:
            if address_lists()[name].holds(answer.address) and ip_address(answer.address) in network:
                return str(network.network_address)
    return ""


def _headers(answer: Answer, signals: Sequence[Signal], real: Reading) -> dict[str, str]:
    """The headers that a signal looks at, with the texts that it looks for."""
    kept: dict[str, str] = {}
    for name, value in answer.headers.items():
        conditions = [each for one in signals for each in one.when.header if each.name == name]
        if conditions:
            sought = [text for each in conditions for text in (*each.equals, *each.contains, *each.lacks)]
            kept[name] = _phrases(value, sought) if value else ""
        elif shaped := next((each for each in _shaped(name, signals)), None):
            kept[shaped] = "example"
    media_type = real.content.media_type
    if media_type:
        known = next((each for each in _MEDIA_TYPES if each == media_type), _like(media_type))
        kept["content-type"] = f"{known}; charset=utf-8" if "json" not in known else known
    return kept


def _shaped(name: str, signals: Sequence[Signal]) -> Iterator[str]:
    """Other names of the shape that a signal looks for, where a header's name has it."""
    shapes = {one.when.header_name for one in signals if one.when.header_name is not None}
    for shape in shapes:
        if shape.search(name):
            others = (of_same_shape(name, number, words=("x",)) for number in range(6))
            yield from (other for other in others if shape.search(other))


def _like(media_type: str) -> str:
    for word, known in (("html", "text/html"), ("json", "application/json"), ("xml", "application/xml")):
        if word in media_type:
            return known
    return "text/plain" if media_type.startswith("text/") else "application/octet-stream"


def _phrases(value: str, sought: Iterable[str]) -> str:
    """The texts of `sought` that are in a value; where it is one of them, that one alone."""
    folded = value.casefold()
    found = [text for text in dict.fromkeys(sought) if text and text.casefold() in folded]
    if any(text.casefold() == folded for text in found):
        return next(text for text in found if text.casefold() == folded)
    return " ".join(["example", *_longest(found)])


def _longest(texts: Sequence[str]) -> list[str]:
    """Those that are part of no other."""
    return [one for one in texts if not any(one != other and one in other for other in texts)]


# ----------------------------------------------------------------------------------------------------- bodies


def _bodies(
    answer: Answer, signals: Sequence[Signal], stand_ins: _StandIns, real: Reading
) -> Iterator[bytes]:
    if answer.ask.head_only or not answer.body:
        yield b""
        return
    marks = [mark for mark in _of(signals, "body") if mark in real.content.text]
    if not real.json_after and real.json is not None:
        yield from _json_bodies(signals, stand_ins, real.json, marks)
        return
    if not real.content.is_text:
        yield b"example"
        return
    yield from _page_bodies(answer, signals, stand_ins, real, marks)


def _json_bodies(
    signals: Sequence[Signal], stand_ins: _StandIns, document: Any, marks: Sequence[str]
) -> Iterator[bytes]:
    reduced = _reduced_json(document, signals, stand_ins)
    marked = _marked(reduced, marks)
    for made in (reduced, marked):
        yield _json_text(made).encode()
    yield " ".join(marks).encode() or b"example"
    if isinstance(marked, dict):
        for size in sorted(_of(signals, "bytes_under")):
            yield _json_text({**marked, "filler": "x" * size}).encode()


def _marked(reduced: Any, marks: Sequence[str]) -> Any:
    """Reduced JSON with the marks in it; one that is a name in quotation marks as such a name."""
    if isinstance(reduced, list):
        return [*reduced, *marks]
    names = {mark[1:-1]: True for mark in marks if len(mark) > 2 and mark[0] == mark[-1] == '"'}
    others = [mark for mark in marks if mark[1:-1] not in names]
    return {**names, **reduced, **({"example": others} if others else {})}


def _json_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _page_bodies(
    answer: Answer, signals: Sequence[Signal], stand_ins: _StandIns, real: Reading, marks: Sequence[str]
) -> Iterator[bytes]:
    page = real.content.page
    name = subject(answer.ask.url)
    sought = _sought(stand_ins)
    whole = [*_of(signals, "title_part"), *generic_signals().whole_titles]
    parts_of_title = [text for text in whole if normalise(text) in real.title_parts]
    # A bar or dash would make a part of the title of what is none.
    joint = " – " if parts_of_title else ", "
    _, head = _wording(page.title, [*sought, *parts_of_title], stand_ins, without=name, joint=joint)
    headings = [_wording(heading, sought, stand_ins, without=name) for heading in page.headings]
    parts = []
    if page.title:
        parts.append(f"<title>{_markup(head)}</title>")
    parts += [f"<!-- {mark} -->" for mark in marks]
    if real.json_after and real.json is not None:
        reduced = _reduced_json(real.json, signals, stand_ins)
        parts.append(f"<script>{real.json_after}{_json_text(reduced)}</script>")
    parts += [f"<h1>{_markup(heading)}</h1>" for tells, heading in headings if tells]
    notices = [_wording(notice, sought, stand_ins, without=name) for notice in page.notices]
    parts += [f'<p role="status">{_markup(notice)}</p>' for tells, notice in notices if tells]
    told = [one for one in _of(stand_ins.signals, "text") if normalise(one) in real.normal_text]
    parts += [f"<p>{_markup(one)}</p>" for one in told]
    parts += _blocks(signals, real)
    number = stand_ins.text_number(real.content.fingerprint(ignoring=(name,)))
    sizes = [0, *sorted(each for each in _of(signals, "bytes_under") if each <= len(answer.body))]
    longer = sorted(each for each in _of(signals, "text_under") if each <= len(page.text))
    if not shows_little(real):  # its headings are left out, so its text has to show something
        longer = sorted({LITTLE_TEXT, *longer})
    # A text that was met before is as long as it was then: whole pages are compared.
    before = [stand_ins.lengths[number]] if number in stand_ins.lengths else []
    lengths = dict.fromkeys([*before, 1, 0, *longer] if page.text else [0])
    for size, length in itertools.product(sizes, lengths):
        stand_ins.lengths[number] = length
        text = _filler(number, length) if length else ""
        body = "\n".join([*parts, f"<p>{text}</p>"] if text else parts) or "example"
        padding = f"\n<!--{'x' * size}-->" if size else ""
        yield f"{body}{padding}\n".encode()
    yield " ".join(marks).encode() or b"example"


def _blocks(signals: Sequence[Signal], real: Reading) -> Iterator[str]:
    """The elements that signals look for by class or id, with the texts that they look for in them."""
    conditions: list[BlockCondition] = _of(signals, "block")
    names = [("class", name) for each in conditions for name in each.classes]
    names += [("id", name) for each in conditions for name in each.ids]
    for attribute, name in dict.fromkeys(names):
        of_class, of_id = ([name], []) if attribute == "class" else ([], [name])
        blocks = [normalise(block) for block in real.content.blocks(classes=of_class, ids=of_id)]
        if blocks:
            says = [text for each in conditions if name in (*each.classes, *each.ids) for text in each.says]
            said = [text for text in dict.fromkeys(says) if any(normalise(text) in block for block in blocks)]
            yield f'<div {attribute}="{name}">{_markup(" – ".join(_longest(said)) or "other")}</div>'


def _filler(number: int, length: int) -> str:
    """Neutral text of at least so many characters; that of another number is another text."""
    sentence = _SENTENCE if not number else f"Number {number} of {number} is about something else. "
    return (sentence * (length // len(sentence) + 1)).strip()


def _markup(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _sought(stand_ins: _StandIns) -> list[str]:
    """The texts that signals look for in titles and headings, and what means "not found" there."""
    names = ("title", "title_equals", "heading", "title_or_heading", "title_or_heading_equals")
    found = [text for name in names for text in _of(stand_ins.signals, name)]
    return [*found, *generic_signals().phrases]


def _wording(
    text: str, sought: Iterable[str], stand_ins: _StandIns, *, without: str, joint: str = " – "
) -> tuple[bool, str]:
    """Whether a title or heading has a text that is sought, and it with these alone and a name for the rest.

    `without` is the name in the address, which pages repeat.
    """
    normal = normalise(text)
    pairs = [stand_ins.expand(template) for template in dict.fromkeys(sought)]
    spelled = ((normalise(real), example) for real, example in pairs)
    found = {real: example for real, example in spelled if real and real in normal}
    kept = _longest(list(found))
    rest = normal
    for phrase in kept:
        rest = rest.replace(phrase, " ")
    if len(without) > 2:
        rest = rest.replace(without.casefold(), " ")
    rest = " ".join(rest.split())
    words = [found[phrase] for phrase in kept]
    # A text that is more than what is sought stays more, also where the rest is the name in the address.
    told = words if kept == [normal] else [*words, stand_ins.name_for(rest)]
    return bool(kept), joint.join(told)


def _of(signals: Iterable[Signal], name: str) -> list[Any]:
    """What the conditions of a name ask for, in all signals, each once."""
    found: list[Any] = []
    for signal in signals:
        value = getattr(signal.when, name)
        found += value if isinstance(value, tuple) else [] if value is None else [value]
    return list(dict.fromkeys(found))


# ------------------------------------------------------------------------------------------------------- JSON


def _reduced_json(document: Any, signals: Sequence[Signal], stand_ins: _StandIns) -> Any:
    """A document with what the signals look at in it, and stand-ins for all values that they do not know."""
    conditions = [condition for signal in signals for condition in signal.when.json]
    masking = _Masking(conditions, stand_ins)
    paths = [JSON_STEP.findall(condition.path) for condition in conditions]
    if not paths:
        return {} if isinstance(document, dict) else []
    return _pruned(document, paths, masking, 0)


Path = list[tuple[str, str, str, str]]


def _pruned(value: Any, paths: list[Path], masking: _Masking, depth: int) -> Any:
    """What of a value the paths lead to, masked."""
    further = [path for path in paths if path]
    if len(further) < len(paths):
        if not further or not isinstance(value, list | dict):
            return masking.masked(value, depth)
        return masking.with_texts(value, _pruned(value, further, masking, depth))
    if isinstance(value, list):
        kept: list[Any] = []
        for place, element in enumerate(value):
            inside = [path[1:] for path in paths if path[0][3] or path[0][2] == str(place)]
            if inside or any(path[0][2] for path in paths):
                kept.append(_pruned(element, inside, masking, depth + 1) if inside else None)
        return kept if any(path[0][2] for path in paths) else masking.shortened(kept)
    if isinstance(value, dict):
        names = dict.fromkeys(path[0][0] or path[0][1] for path in paths)
        return {
            name: _pruned(
                value[name],
                [path[1:] for path in paths if (path[0][0] or path[0][1]) == name],
                masking,
                depth + 1,
            )
            for name in names
            if name and name in value
        }
    return masking.masked(value, depth)


class _Masking:
    """Replaces values in JSON by what stands for them."""

    def __init__(self, conditions: Sequence[JsonCondition], stand_ins: _StandIns) -> None:
        self.stand_ins = stand_ins
        self.numbers = {one for each in conditions for one in each.one_of if not isinstance(one, str)}
        equal = [one for each in conditions for one in each.one_of if isinstance(one, str)]
        equal += [text for each in conditions for text in (each.contains, each.lacks) if text]
        self.pairs = [stand_ins.expand(template) for template in dict.fromkeys(equal)]
        starts = dict.fromkeys(each.starts_with for each in conditions if each.starts_with)
        self.starts = [stand_ins.expand(template) for template in starts]
        self.says = list(dict.fromkeys(phrase for each in conditions for phrase in each.says))
        self.notable: set[str] = {example for _, example in self.pairs}

    def masked(self, value: Any, depth: int) -> Any:
        """What stands for a value, whatever it is."""
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, int | float):
            return self._number(value)
        if not value:
            return value
        said = self._said(" ".join(texts_in(value)))
        if isinstance(value, list):
            inside = [self.masked(each, depth + 1) for each in value[:3]] if depth < _DEEPEST else []
            return [*said, *inside] or ["example"]
        return {"example": " ".join(said) or "example"}

    def with_texts(self, value: Any, pruned: Any) -> Any:
        """What is left of a list or table, with the texts that are sought in all of it."""
        said = self._said(" ".join(texts_in(value)))
        if not said and (pruned or not value):
            return pruned
        words = " ".join(said) or "example"
        return [*pruned, words] if isinstance(pruned, list) else {**pruned, "example": words}

    def _text(self, value: str) -> str:
        same = [pair for pair in self.pairs if pair[0].casefold() == value.casefold()]
        if same:
            return min(same, key=lambda pair: pair[0] != value)[1]
        for real, example in self.starts:
            if value.casefold().startswith(real.casefold()):
                return " ".join([f"{example} example", *self._said(value)])
        return " ".join([*self._said(value), self.stand_ins.name_for(value)]) if value else ""

    def _number(self, value: int | float) -> Any:
        if value in self.numbers:
            return value
        for real, example in self.pairs:
            if str(value) == real:
                return int(example) if example.isdigit() else 1
        return 1

    def _said(self, text: str) -> list[str]:
        normal = normalise(text)
        return _longest([phrase for phrase in self.says if normalise(phrase) in normal])

    def shortened(self, elements: list[Any]) -> list[Any]:
        """A long list with the elements that a condition knows, and a few others."""
        if len(elements) <= _MOST_ELEMENTS:
            return elements
        known = [one for one in elements if any(text in self.notable for text in texts_in(one))]
        return [*known[:_MOST_ELEMENTS], *[one for one in elements if one not in known][:3]]
