"""Where the rows of a list wait between being read and being written: a file, so that memory stays constant.

SQLite keeps the file unnamed on disk and deletes it with the connection, also when the process is killed.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType

from apps.checks.outcomes import Outcome, Reason
from apps.platforms.matching import Match

from .rows import AcceptedRow, Group, Observed, removal_before_report

_GROUPS_REMEMBERED = 5_000
_SCHEMA = """
    PRAGMA journal_mode = OFF;
    PRAGMA cache_size = -16000;
    CREATE TABLE report_group (
        id INTEGER PRIMARY KEY, platform TEXT, channel TEXT, standing TEXT, category TEXT, reference TEXT,
        sent_at TEXT, UNIQUE (platform, channel, standing, category, reference)
    );
    CREATE TABLE accepted (
        line INTEGER, group_id INTEGER, reported_at TEXT, first_removal TEXT, row TEXT, cells TEXT
    );
    CREATE TABLE rejected (line INTEGER, cells TEXT, reason TEXT);
    BEGIN;
"""


@dataclass(frozen=True, slots=True)
class ReadyRow:
    """A row that can be written. `dated` is false where `reported_at` is the report's `sent_at`."""

    line: int
    row: AcceptedRow
    sent_at: datetime
    reported_at: datetime
    dated: bool


@dataclass(frozen=True, slots=True)
class RejectedLine:
    """A row of the list that cannot be used: its line, its cells as they stood there, and the reason."""

    line: int
    cells: tuple[str, ...]
    reason: str


class Spool:
    """The rows of one list. Filled row by row, settled once, then read any number of times."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.executescript(_SCHEMA)
        self._groups: dict[Group, int] = {}

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def accept(self, line: int, row: AcceptedRow, cells: Sequence[str]) -> None:
        """Keep a row that can be used; its cells too if `settle` may still find it unusable."""
        removal = row.first_removal if row.reported_at is None else None
        self._database.execute(
            "INSERT INTO accepted VALUES (?, ?, ?, ?, ?, ?)",
            (
                line,
                self._group_id(row.group),
                _sortable(row.reported_at),
                _sortable(removal),
                _pack(row),
                None if removal is None else json.dumps(cells),
            ),
        )

    def reject(self, line: int, cells: Sequence[str], reason: str) -> None:
        """Keep a row that cannot be used, with the reason."""
        self._database.execute("INSERT INTO rejected VALUES (?, ?, ?)", (line, json.dumps(cells), reason))

    def settle(self, *, now: datetime) -> None:
        """Give each report its `sent_at`: the earliest `reported_at` among its rows, or `now`.

        Rows without a date count from it, so those with a removal before it are rejected here.
        """
        self._database.execute("CREATE INDEX accepted_group ON accepted (group_id, reported_at)")
        self._database.execute(
            "UPDATE report_group SET sent_at = coalesce("
            "(SELECT min(reported_at) FROM accepted WHERE group_id = report_group.id), ?)",
            (_sortable(now),),
        )
        late = self._database.execute(
            "SELECT accepted.rowid, line, cells, first_removal, sent_at FROM accepted "
            "JOIN report_group ON report_group.id = group_id "
            "WHERE reported_at IS NULL AND first_removal < sent_at"
        ).fetchall()
        for rowid, line, cells, removal, sent_at in late:
            reason = removal_before_report(_moment(removal), _moment(sent_at)) or ""
            self._database.execute("INSERT INTO rejected VALUES (?, ?, ?)", (line, cells, reason))
            self._database.execute("DELETE FROM accepted WHERE rowid = ?", (rowid,))

    def accepted_count(self) -> int:
        """How many rows can be written."""
        return self._count("accepted")

    def rejected_count(self) -> int:
        """How many rows cannot be used."""
        return self._count("rejected")

    def ready(self, size: int) -> Iterator[list[ReadyRow]]:
        """The rows to write, `size` at a time: those with a date first, so that one without finds them."""
        for dated in ("IS NOT NULL", "IS NULL"):
            # The order of the list is that of the rowid, so nothing has to be sorted.
            found = self._database.execute(
                "SELECT line, reported_at, row, platform, channel, standing, category, reference, sent_at "  # noqa: S608
                "FROM accepted NOT INDEXED CROSS JOIN report_group ON report_group.id = group_id "
                f"WHERE reported_at {dated} ORDER BY accepted.rowid"
            )
            while rows := found.fetchmany(size):
                yield [_ready(*row) for row in rows]

    def rejected(self) -> Iterator[RejectedLine]:
        """The rows that cannot be used, in the order of the list."""
        for line, cells, reason in self._database.execute("SELECT * FROM rejected ORDER BY line, rowid"):
            yield RejectedLine(line, tuple(json.loads(cells)), reason)

    def _count(self, table: str) -> int:
        count: int = self._database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608
        return count

    def _group_id(self, group: Group) -> int:
        known = self._groups.get(group)
        if known is not None:
            return known
        if len(self._groups) >= _GROUPS_REMEMBERED:
            self._groups.clear()
        self._database.execute(
            "INSERT OR IGNORE INTO report_group (platform, channel, standing, category, reference) "
            "VALUES (?, ?, ?, ?, ?)",
            group,
        )
        found: int = self._database.execute(
            "SELECT id FROM report_group WHERE platform = ? AND channel = ? AND standing = ? "
            "AND category = ? AND reference = ?",
            group,
        ).fetchone()[0]
        self._groups[group] = found
        return found


def _ready(line: int, reported_at: str | None, packed: str, *of_report: str) -> ReadyRow:
    *group, sent_at = of_report
    return ReadyRow(
        line=line,
        row=_unpack(packed, Group(*group), reported_at),
        sent_at=_moment(sent_at),
        reported_at=_moment(reported_at or sent_at),
        dated=reported_at is not None,
    )


def _sortable(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec="microseconds")


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _pack(row: AcceptedRow) -> str:
    found = row.match
    return json.dumps(
        (
            row.submitted,
            (found.platform, found.kind, found.account, found.key, found.host),
            row.labels,
            row.note,
            row.control,
            row.attested,
            [(seen.outcome, seen.reason, _sortable(seen.observed_at)) for seen in row.observations],
        )
    )


def _unpack(packed: str, group: Group, reported_at: str | None) -> AcceptedRow:
    submitted, found, labels, note, control, attested, seen = json.loads(packed)
    platform, kind, account, key, host = found
    return AcceptedRow(
        submitted=submitted,
        match=Match(platform=platform, kind=kind, account=account, key=key, host=host),
        group=group,
        reported_at=None if reported_at is None else _moment(reported_at),
        labels=tuple(labels),
        note=note,
        control=control,
        attested=attested,
        observations=tuple(
            Observed(Outcome(outcome), Reason(reason), None if moment is None else _moment(moment))
            for outcome, reason, moment in seen
        ),
    )
