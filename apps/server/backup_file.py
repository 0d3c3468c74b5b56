"""The form of a backup: a compressed tar that is written and read as it comes, with its sums at the end.

    backup.json                     what it is, of which version, and its tables with their columns
    rows/checks_check/000001.jsonl  some rows of a table, an array a line; each table after those it refers to
    sums.json                       how many rows each table has, and the SHA-256 of all its lines

It is the same whichever database it was made of. Memory is bounded by `PART` and the largest row. Without its
last file a backup is not whole, so one that was cut off is told from a whole one.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, BinaryIO, Protocol, cast

FORMAT = "still-up-backup"
VERSION = 1
PART = 1 << 20  # bytes of rows before the next file of a table begins
MOST = 1 << 29  # bytes of one file inside: the largest row that a table can hold is below it
_HEADER, _SUMS = "backup.json", "sums.json"


class Readable(Protocol):
    """Where a backup is read from: a file, or a pipe."""

    def read(self, size: int = -1, /) -> bytes: ...


class UnusableBackup(ValueError):
    """A file that cannot be restored. The message is a sentence for people."""


@dataclass(frozen=True, slots=True)
class TableHeader:
    """A table with its columns, in the order of each row's values, and the rows that it is going to have."""

    name: str
    columns: Sequence[str]
    rows: int


@dataclass(frozen=True, slots=True)
class Header:
    """What a backup says of itself before its rows. `migrations` are those that its tables had, sorted."""

    made_at: str  # ISO 8601
    migrations: Sequence[str]  # as "checks.0001_initial"
    tables: Sequence[TableHeader]
    format: str = FORMAT
    version: int = VERSION

    @property
    def rows(self) -> int:
        """Of all tables."""
        return sum(table.rows for table in self.tables)


@dataclass(slots=True)
class Sum:
    """How many lines there were, and their SHA-256."""

    rows: int = 0
    _digest: Any = field(default_factory=hashlib.sha256)

    def add(self, line: bytes) -> None:
        """Count a line, with its end."""
        self.rows += 1
        self._digest.update(line)

    def told(self) -> dict[str, Any]:
        """As the last file has it."""
        return {"rows": self.rows, "sha256": self._digest.hexdigest()}


def line_of(values: Sequence[Any]) -> bytes:
    """A row as it stands in the file."""
    return _LINE(values).encode() + b"\n"


# In ASCII, so that any text that a database holds can be told.
_LINE = json.JSONEncoder(separators=(",", ":")).encode


def write_backup_file(out: BinaryIO, header: Header, tables: Iterable[Iterable[bytes]]) -> None:
    """Write a backup: the lines of each table of the header, in its order."""
    sums = {}
    with (
        gzip.GzipFile(fileobj=out, mode="wb", compresslevel=6, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as archive,
    ):
        _add(archive, _HEADER, _json(asdict(header)))
        for table, lines in zip(header.tables, tables, strict=True):
            found = Sum()
            for number, part in enumerate(_parts(lines, found), start=1):
                _add(archive, f"rows/{table.name}/{number:06}.jsonl", part)
            sums[table.name] = found.told()
        _add(archive, _SUMS, _json(sums))


def _parts(lines: Iterable[bytes], found: Sum) -> Iterator[bytes]:
    part = bytearray()
    for line in lines:
        found.add(line)
        part += line
        if len(part) >= PART:
            yield bytes(part)
            part.clear()
    if part:
        yield bytes(part)


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), 0o600
    archive.addfile(member, io.BytesIO(content))


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=1).encode() + b"\n"


class BackupFile:
    """A backup that is read as it comes: first its header, then once its rows."""

    def __init__(self, source: Readable) -> None:
        self._source = source
        self._members = self._read()
        self.header = self._header()
        self.sums: dict[str, Any] = {}  # of each table, once all rows were given: as `Sum.told` has it

    def rows(self) -> Iterator[tuple[TableHeader, list[list[Any]]]]:
        """Some rows of a table after the other, in the order of the tables.

        Raises UnusableBackup: for what is damaged or cut off at the latest when all rows have been given.
        """
        sums = {table.name: Sum() for table in self.header.tables}
        tables = {table.name: table for table in self.header.tables}
        for name, content in self._members:
            if name == _SUMS:
                self.sums = {table: found.told() for table, found in sums.items()}
                self._compare(_parsed(content))
                for _ in self._members:
                    raise UnusableBackup("Something stands after the end of the backup.")
                return
            table = tables.get(name.removeprefix("rows/").rpartition("/")[0])
            if table is None:
                raise UnusableBackup(f"The backup holds {name}, which its beginning does not name.")
            lines = content.splitlines(keepends=True)
            for line in lines:
                sums[table.name].add(line)
            yield table, [_row(line, table) for line in lines]
        raise UnusableBackup("The backup is cut off: its end is missing. Nothing can be restored from it.")

    def _compare(self, told: Any) -> None:
        for name, found in self.sums.items():
            if not isinstance(told, dict) or told.get(name) != found:
                raise UnusableBackup(f"The rows of {name} are not those that the backup was made with.")

    def _header(self) -> Header:
        name, content = next(self._members, ("", b""))
        if name != _HEADER:
            raise UnusableBackup("This is no backup of Still Up.")
        told = _parsed(content)
        if not isinstance(told, dict) or told.get("format") != FORMAT:
            raise UnusableBackup("This is no backup of Still Up.")
        if told.get("version") != VERSION:
            raise UnusableBackup(
                "The backup was made by a newer version of Still Up. Install that version, then restore."
            )
        try:
            return Header(
                made_at=str(told["made_at"]),
                migrations=[str(name) for name in told["migrations"]],
                tables=[TableHeader(**table) for table in told["tables"]],
            )
        except (KeyError, TypeError) as error:
            raise UnusableBackup(f"The beginning of the backup lacks or misnames {error}.") from error

    def _read(self) -> Iterator[tuple[str, bytes]]:
        try:
            with (
                gzip.GzipFile(fileobj=cast(BinaryIO, self._source), mode="rb") as packed,
                tarfile.open(fileobj=packed, mode="r|") as archive,
            ):
                for member in archive:
                    file = archive.extractfile(member) if member.isfile() else None
                    if file is None or member.size > MOST:
                        raise UnusableBackup(f"The backup holds {member.name}, which is no table's rows.")
                    yield member.name, file.read()
                while packed.read(PART):
                    pass  # to the very end, where the sum of the whole compressed text stands
        except gzip.BadGzipFile as error:
            raise UnusableBackup(
                "This is no backup of Still Up, or it is damaged. If it is encrypted, decrypt it first."
            ) from error
        except (EOFError, tarfile.TarError, zlib.error) as error:
            raise UnusableBackup(f"The backup is cut off or damaged ({error}).") from error


def _parsed(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError as error:
        raise UnusableBackup(f"The backup is damaged ({error}).") from error


def _row(line: bytes, table: TableHeader) -> list[Any]:
    row = _parsed(line)
    if not isinstance(row, list) or len(row) != len(table.columns):
        raise UnusableBackup(f"A row of {table.name} has other columns than its beginning names.")
    return row
