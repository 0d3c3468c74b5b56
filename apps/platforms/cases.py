"""Cases: what a definition is tested by, as data beside it.

A case is a URL, the exchanges that a check of it makes, and what the check then has to say. Cases are written
in TOML, in the file `cases/SLUG.toml` inside the folder of the definition `SLUG.toml`, and are read as
strictly as definitions are. `apps.checks.self_test` runs them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from .schema import DefinitionError, TableReader, read_toml

ORIGINS = ("constructed", "recorded")
_MEDIA_TYPES = {"json": "application/json", "body": "text/html; charset=utf-8"}
"""What a body is by the key that it stands under, unless a header says otherwise."""

_UNREADABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")  # TOML takes none of these as they are
FILLER = "So many words stand on a page that has something to say. "
SIBLING = "sibling"  # as the URL of an exchange: the address beside the case's own that cannot exist


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and what came back: a status with headers (lower-case names) and body, or a failure.

    A redirect is an exchange of its own, with a `location`; where it leads is the next exchange. `url` may be
    "sibling" instead of an address. `post` is the JSON of a question that was sent as POST. `detail` is the
    checker's word for a failure, `address` that of the server that answered.
    """

    url: str
    post: str = ""
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict, hash=False)
    body: bytes = b""
    failure: str = ""
    detail: str = ""
    address: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Case:
    """One test of a definition, or of the generic signals.

    `seen` says for whom the expected verdict holds: True, only for a target that was seen available before
    (for any other the check must then not say removed); False, only for one that never was; None, for both.
    `token` has the check made with a token of the platform. `account`, `key` and `identity` are compared
    where they are given. `signal` is the id of the signal that has to decide, without its version; one of the
    generic signals is written with what stands before it, as `generic:not-found`. `near_miss_of` is another
    one, written in the same way, that almost matches and must not decide.
    """

    name: str
    url: str
    kind: str
    outcome: str
    reason: str
    signal: str
    source: str
    exchanges: tuple[Exchange, ...]
    definitive: bool = False
    seen: bool | None = None
    token: bool = False
    account: str | None = None
    key: str | None = None
    identity: str | None = None
    near_miss_of: str = ""
    origin: str = "constructed"
    file: str = ""
    line: int = 0


def load_cases(path: Path) -> tuple[Case, ...]:
    """Read one file of cases, in their order. Raises DefinitionError with file, line and key."""
    reader = read_toml(path)
    answers: dict[str, Exchange] = {}
    for one in reader.tables("answers"):
        name = one.text("name")
        if name in answers:
            raise one.error("name", f'"{name}" stands here twice. Give each answer its own name.')
        answers[name] = _read_answer(one, url="")
        one.finish()
    cases: list[Case] = []
    for one in reader.tables("cases"):
        case = _read_case(one, answers)
        if any(other.name == case.name for other in cases):
            raise one.error("name", f'"{case.name}" stands here twice. Give each case its own name.')
        cases.append(case)
    reader.finish()
    if not cases:
        raise DefinitionError(f"{path.name}: cases: is missing. Write [[cases]] with name, url and so on.")
    return tuple(cases)


def _read_case(reader: TableReader, answers: Mapping[str, Exchange]) -> Case:
    exchanges = tuple(_read_exchange(one, answers) for one in reader.tables("exchanges"))
    case = Case(
        name=reader.text("name"),
        url=_read_url(reader),
        kind=reader.text("kind"),
        outcome=reader.text("outcome"),
        reason=reader.text("reason"),
        signal=reader.text("signal"),
        source=reader.text("source"),
        exchanges=exchanges,
        definitive=reader.flag("definitive"),
        seen=reader.optional_flag("seen"),
        token=reader.flag("token"),
        account=reader.optional_text("account"),
        key=reader.optional_text("key"),
        identity=reader.optional_text("identity"),
        near_miss_of=reader.text("near_miss_of", default=""),
        origin=reader.text("origin", default="constructed", one_of=ORIGINS),
        file=reader.file,
        line=reader.line,
    )
    reader.finish()
    for key, signal in (("signal", case.signal), ("near_miss_of", case.near_miss_of)):
        if "@" in signal:
            raise reader.error(key, f'is "{signal}". Write the id alone, without a version.')
    if case.near_miss_of == case.signal:
        raise reader.error("near_miss_of", "is the signal that decides. Name the one that almost does.")
    return case


def _read_exchange(reader: TableReader, answers: Mapping[str, Exchange]) -> Exchange:
    url = _read_url(reader, or_word=SIBLING)
    post = reader.text("post", default="")
    name = reader.text("answer", default="")
    if not name:
        exchange = _read_answer(reader, url=url)
        reader.finish()
        return replace(exchange, post=post)
    if name not in answers:
        raise reader.error(
            "answer", f'is "{name}". Define it under [[answers]], or write status and body here.'
        )
    reader.finish()
    return replace(answers[name], url=url, post=post, line=reader.line)


def _read_answer(reader: TableReader, *, url: str) -> Exchange:
    status = reader.whole("status", at_least=100)
    failure = reader.text("failure", default="")
    detail = reader.text("detail", default="")
    address = reader.text("address", default="")
    filler = reader.whole("filler", at_least=1)
    headers = {name.lower(): value for name, value in reader.text_mapping("headers").items()}
    body = reader.text("body", default="")
    json_text = reader.text("json", default="")
    if (status is None) == (not failure):
        raise reader.error(
            "status", 'and failure: write one of the two, status = 404 or failure = "timeout".'
        )
    if failure and (headers or body or json_text or address):
        raise reader.error("failure", "stands alone: where nothing came back there is no header and no body.")
    if detail and not failure:
        raise reader.error("detail", "belongs to a failure. Leave it out.")
    if filler is not None:
        if not body:
            raise reader.error("filler", "makes a body longer, and there is none. Write body as well.")
        body += f"<p>{(FILLER * (filler // len(FILLER) + 1))[:filler]}</p>"
    if body and json_text:
        raise reader.error("json", "and body: write one of the two.")
    if json_text:
        try:
            json.loads(json_text)
        except ValueError as error:
            raise reader.error(
                "json", f"is not JSON: {error}. Write it as body to have it broken."
            ) from error
    if body or json_text:
        headers.setdefault("content-type", _MEDIA_TYPES["json" if json_text else "body"])
    return Exchange(
        url=url,
        status=status,
        headers=headers,
        body=(body or json_text).encode(),
        failure=failure,
        detail=detail,
        address=address,
        line=reader.line,
    )


def _read_url(reader: TableReader, *, or_word: str = "") -> str:
    url = reader.text("url")
    if url != or_word and urlsplit(url).scheme not in {"http", "https"}:
        hint = f' or "{or_word}"' if or_word else ""
        raise reader.error("url", f'is "{url}". Write a whole address with https://{hint}.')
    return url


# --------------------------------------------------------------------------------------------- writing a case


def case_text(case: Case, *, comment: Iterable[str] = ()) -> str:
    """A case as TOML, as `load_cases` reads it back. `comment` lines stand before it."""
    lines = [f"# {line}".rstrip() for line in comment]
    lines += ["[[cases]]", *_fields(case, ("name", "url", "kind", "account", "key"))]
    lines += [f"{name} = true" for name in ("definitive", "token") if getattr(case, name)]
    if case.seen is not None:
        lines.append(f"seen = {str(case.seen).lower()}")
    lines += _fields(case, ("identity", "outcome", "reason", "signal", "source"))
    if case.near_miss_of:
        lines += _fields(case, ("near_miss_of",))
    if case.origin != ORIGINS[0]:
        lines += _fields(case, ("origin",))
    for exchange in case.exchanges:
        lines += ["", "[[cases.exchanges]]", *_exchange_lines(exchange)]
    return "\n".join(lines) + "\n"


def _fields(case: Case, names: Iterable[str]) -> list[str]:
    values = ((name, getattr(case, name)) for name in names)
    return [f"{name} = {_quoted(value)}" for name, value in values if value is not None]


def _exchange_lines(exchange: Exchange) -> Iterator[str]:
    yield f"url = {_quoted(exchange.url)}"
    if exchange.post:
        yield f"post = {_quoted(exchange.post)}"
    if exchange.status is None:
        yield f"failure = {_quoted(exchange.failure)}"
        if exchange.detail:
            yield f"detail = {_quoted(exchange.detail)}"
        return
    yield f"status = {exchange.status}"
    if exchange.address:
        yield f"address = {_quoted(exchange.address)}"
    body = exchange.body.decode()
    media_type = exchange.headers.get("content-type", "")
    written_as = "json" if media_type == _MEDIA_TYPES["json"] and _is_json(body) else "body"
    headers = {
        name: value
        for name, value in exchange.headers.items()
        if not (body and name == "content-type" and value == _MEDIA_TYPES[written_as])
    }
    if headers:
        pairs = ", ".join(f"{_name(name)} = {_quoted(value)}" for name, value in headers.items())
        yield f"headers = {{ {pairs} }}"
    if body:
        yield f"{written_as} = {_quoted(body)}"


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _name(name: str) -> str:
    return name if re.fullmatch(r"[\w-]+", name, re.ASCII) else _quoted(name)


def _quoted(text: str) -> str:
    """A TOML text: literal where it can be, so that JSON and HTML stay readable."""
    readable = not _UNREADABLE.search(text)
    if readable and "\n" in text and "'''" not in text and not text.endswith("'"):
        return f"'''\n{text}'''"
    if readable and '"' in text and "'" not in text and "\n" not in text:
        return f"'{text}'"
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
