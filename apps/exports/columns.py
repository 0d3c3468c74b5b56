"""The codebook: each column that leaves the site, with its type, unit, meaning, and who may see it.

Headers of CSV and XLSX files, keys of JSON Lines, `datapackage.json`, the pages that offer downloads and
docs/codebook.md read it here, so that they cannot say different things.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType

from apps.accounts.roles import Audience, audience_of
from apps.checks.accounts import Fate
from apps.checks.outcomes import Outcome, Reason, Status
from apps.metrics.definitions import EXCLUSIONS
from apps.reports.models import Category, Channel, ClaimWord, Decision, Deed, Delivery, ReplyKind, Subject
from apps.reports.visibility import COARSE

COARSE_WORDS = "For `figures`, `other` instead of a domain or a word of the reporter's own."


class Type(StrEnum):
    """How a value reads: JSON's own types where JSON has them, in CSV as the comment says."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"  # a decimal point, at most four places
    BOOLEAN = "boolean"  # true, false
    DATETIME = "datetime"  # 2026-03-01T14:05:00Z: ISO 8601 in UTC, with a fraction only where there is one
    DATE = "date"  # 2026-03-01
    LIST = "list"  # words, with ; between them in CSV and XLSX


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `words` are the only ones that it can hold; empty for any text."""

    name: str
    type: Type
    who: Audience
    meaning: str
    unit: str = ""
    words: tuple[str, ...] = ()

    @property
    def is_free_text(self) -> bool:
        """Whether it holds what people or other sites wrote, which a spreadsheet must not run."""
        return self.type in {Type.STRING, Type.LIST} and not self.words

    @property
    def is_coarse(self) -> bool:
        """Whether a domain, or a word of the reporter's own, reads OTHER to those who see figures only."""
        return self.who == Audience.FIGURES and self.name in COARSE


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its name, title, what one row of it is, its columns, and those that tell its rows apart."""

    name: str
    title: str
    row: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its columns in their order: the header."""
        return tuple(column.name for column in self.columns)

    def seen_by(self, who: Audience) -> Table:
        """The table with the columns that `who` may see."""
        seen = tuple(each for each in self.columns if who.may_see(each.who))
        return self if seen == self.columns else replace(self, columns=seen)


def columns_for(role: str | None, table: Table) -> tuple[Column, ...]:
    """The columns of a table that somebody of `role` (None: not a member) may see."""
    return table.seen_by(audience_of(role)).columns


_STATUSES = tuple(Status.values)
_OUTCOMES = tuple(Outcome.values)
_REASONS = tuple(Reason.values)
_CHANNELS = tuple(Channel.values)
_CLAIMS = tuple(ClaimWord.values)
_EXCLUSIONS = tuple(name for name, _ in EXCLUSIONS.values())
_HOURS = "hours since the report"
_SINCE_CLAIM, _SINCE_SENDING = "hours since the claim", "hours since sending"
_STRING, _INTEGER, _NUMBER, _BOOLEAN = Type.STRING, Type.INTEGER, Type.NUMBER, Type.BOOLEAN
_DATETIME, _LIST = Type.DATETIME, Type.LIST
_PUBLIC, _FIGURES, _MEMBERS = Audience.PUBLIC, Audience.FIGURES, Audience.MEMBERS
_OWNERS = Audience.OWNERS

ITEMS = Table(
    "items",
    "Items",
    "a URL in a report: the same URL in two reports is two rows",
    (
        Column(
            "item", _INTEGER, _FIGURES, "The item's number, with which its address in the workspace ends."
        ),
        Column(
            "target", _INTEGER, _FIGURES, "The number of the watched URL; checks and transitions have it."
        ),
        Column("url", _STRING, _MEMBERS, "The URL as it was handed in; empty once it is erased."),
        Column(
            "key",
            _STRING,
            _MEMBERS,
            "Its canonical form, under which it is watched; empty once it is erased.",
        ),
        Column(
            "platform",
            _STRING,
            _FIGURES,
            "The platform's short name, or the registrable domain.",
        ),
        Column("kind", _STRING, _FIGURES, "What it is on the platform: model, file, account, page."),
        Column("account", _STRING, _MEMBERS, "The account it belongs to; empty if that is not known."),
        Column("report", _INTEGER, _FIGURES, "The number of its report in the campaign."),
        Column("reported_at", _DATETIME, _FIGURES, "When it was reported: its clock starts here."),
        Column("control", _BOOLEAN, _FIGURES, "True for a matched target that was not reported."),
        Column("labels", _LIST, _MEMBERS, "Labels that the reporter gave it."),
        Column("status", _STRING, _FIGURES, "What is held of it after all checks.", words=_STATUSES),
        Column(
            "reason", _STRING, _FIGURES, "Why, in one word; empty while no check could tell.", words=_REASONS
        ),
        Column("definitive", _BOOLEAN, _FIGURES, "True if the platform itself says so (410, 451, a notice)."),
        Column("by_person", _BOOLEAN, _FIGURES, "True if a person's check decided the status."),
        Column("available_at", _DATETIME, _FIGURES, "When it was last seen available."),
        Column(
            "removed_after",
            _DATETIME,
            _FIGURES,
            "The last confirmed removal came later than this; empty if it was never seen before.",
        ),
        Column("removed_by", _DATETIME, _FIGURES, "... and no later than this."),
        Column("confirmed_at", _DATETIME, _FIGURES, "When that removal was confirmed."),
        Column("reinstated_at", _DATETIME, _FIGURES, "When it was seen again after that removal."),
        Column(
            "checks", _INTEGER, _FIGURES, "How many checks are on record, machine-made and manual.", "checks"
        ),
        Column("last_check_at", _DATETIME, _FIGURES, "When the last check ended."),
        Column(
            "last_outcome",
            _STRING,
            _FIGURES,
            "What the last check saw, which an inconclusive one leaves apart from the status.",
            words=_OUTCOMES,
        ),
        Column("last_reason", _STRING, _FIGURES, "Why the last check saw that.", words=_REASONS),
        Column("next_check_at", _DATETIME, _FIGURES, "When it is looked at again."),
        Column("channel", _STRING, _FIGURES, "How its report reached the platform.", words=_CHANNELS),
        Column(
            "standing",
            _STRING,
            _FIGURES,
            "Who the reporter is to the content, in our words or theirs.",
        ),
        Column("category", _STRING, _FIGURES, "What the report alleges, in our words or theirs."),
        Column("reference", _STRING, _MEMBERS, "The platform's own number for the report."),
        Column(
            "attested", _BOOLEAN, _FIGURES, "True if the reporter says that it was up when it was reported."
        ),
        Column(
            "observed", _BOOLEAN, _FIGURES, "True if the checker itself saw it there at or after the report."
        ),
        Column("in_error", _BOOLEAN, _FIGURES, "True if it is marked as reported in error."),
        Column("eligible", _BOOLEAN, _FIGURES, "True if the figures are about it."),
        Column(
            "excluded",
            _STRING,
            _FIGURES,
            "Why the figures leave it out, in one word; empty for an eligible item.",
            words=_EXCLUSIONS,
        ),
        Column(
            "removal_hours_after",
            _NUMBER,
            _FIGURES,
            "Its first confirmed removal after the report came later than this. Of an item without one: "
            "it was last known to be up then. Empty if it is left out and no control.",
            _HOURS,
        ),
        Column(
            "removal_hours_by",
            _NUMBER,
            _FIGURES,
            "... and no later than this; empty if it has not been removed since the report.",
            _HOURS,
        ),
        Column("claim", _STRING, _FIGURES, "What the platform last said that it did with it.", words=_CLAIMS),
        Column("claimed_at", _DATETIME, _FIGURES, "When that reply was received, to the second."),
        Column(
            "gone_with",
            _STRING,
            _FIGURES,
            "Of an item that is gone: whether it went with its account, as far as their intervals tell; "
            "empty where that is not known.",
            words=tuple(Fate.values),
        ),
        Column("public_id", _STRING, _MEMBERS, "What stands for it in public rows."),
    ),
    ("item",),
)

CHECKS = Table(
    "checks",
    "Checks",
    "one observation of a watched URL, however many items point at it",
    (
        Column("target", _INTEGER, _FIGURES, "The number of the watched URL; items have it."),
        Column("number", _INTEGER, _FIGURES, "1, 2, 3 ... in the order recorded."),
        Column("key", _STRING, _MEMBERS, "The canonical form of the URL."),
        Column(
            "platform",
            _STRING,
            _FIGURES,
            "The platform's short name, or the registrable domain.",
        ),
        Column("started_at", _DATETIME, _FIGURES, "When the check began: it proves presence from then on."),
        Column("finished_at", _DATETIME, _FIGURES, "When it ended: it proves absence by then."),
        Column("outcome", _STRING, _FIGURES, "What it saw.", words=_OUTCOMES),
        Column("reason", _STRING, _FIGURES, "Why, in one word.", words=_REASONS),
        Column("definitive", _BOOLEAN, _FIGURES, "True if the platform itself says so."),
        Column("signal", _STRING, _FIGURES, "The rule that decided, and its version; empty for a person's."),
        Column("http_status", _INTEGER, _FIGURES, "The status of the answer that decided."),
        Column("manual", _BOOLEAN, _FIGURES, "True if a person made it."),
        Column("person", _STRING, _MEMBERS, "Who; empty for people outside the campaign."),
        Column("note", _STRING, _MEMBERS, "What they noted; empty for people outside the campaign."),
        Column("recorded_at", _DATETIME, _FIGURES, "When it was written down."),
        Column("digest", _STRING, _FIGURES, "Its SHA-256 in the ledger, which covers the check before it."),
    ),
    ("target", "number"),
)

TRANSITIONS = Table(
    "transitions",
    "Transitions",
    "a change of a watched URL's status",
    (
        Column("target", _INTEGER, _FIGURES, "The number of the watched URL; items have it."),
        Column("key", _STRING, _MEMBERS, "The canonical form of the URL."),
        Column(
            "platform",
            _STRING,
            _FIGURES,
            "The platform's short name, or the registrable domain.",
        ),
        Column("from_status", _STRING, _FIGURES, "The status before.", words=_STATUSES),
        Column("to_status", _STRING, _FIGURES, "The status since.", words=_STATUSES),
        Column("reason", _STRING, _FIGURES, "Why, in one word.", words=_REASONS),
        Column("after", _DATETIME, _FIGURES, "It changed later than this; empty if that is not known."),
        Column("by", _DATETIME, _FIGURES, "... and no later than this."),
        Column("by_person", _BOOLEAN, _FIGURES, "True if a person's check showed it."),
        Column("check", _INTEGER, _FIGURES, "The number of the check that showed it."),
        Column("recorded_at", _DATETIME, _FIGURES, "When it was written down."),
        Column(
            "superseded_at",
            _DATETIME,
            _FIGURES,
            "Since when it no longer holds, because an earlier observation was added.",
        ),
    ),
    ("target", "recorded_at", "check", "to_status"),
)

REPORTS = Table(
    "reports",
    "Reports",
    "one submission to one platform, through one channel, at one time",
    (
        Column("report", _INTEGER, _FIGURES, "Its number in the campaign."),
        Column(
            "platform",
            _STRING,
            _FIGURES,
            "Whom it was sent to: short name, or registrable domain.",
        ),
        Column("channel", _STRING, _FIGURES, "How it reached the platform.", words=_CHANNELS),
        Column(
            "standing",
            _STRING,
            _FIGURES,
            "Who the reporter is to the content, in our words or theirs.",
        ),
        Column("category", _STRING, _FIGURES, "What it alleges, in our words or theirs."),
        Column("policy", _STRING, _MEMBERS, "The platform's rule that it cites."),
        Column("reference", _STRING, _MEMBERS, "The platform's own number for it."),
        Column("sent_at", _DATETIME, _FIGURES, "When it was sent."),
        Column("delivery", _STRING, _FIGURES, "How its arrival was entered.", words=tuple(Delivery.values)),
        Column("bounced", _BOOLEAN, _FIGURES, "True if it could not be delivered, and no reply came after."),
        Column("note", _STRING, _MEMBERS, "What the reporter noted."),
        Column("items", _INTEGER, _FIGURES, "How many items it lists, without controls.", "items"),
        Column("controls", _INTEGER, _FIGURES, "How many controls are watched beside them.", "items"),
        Column("eligible", _INTEGER, _FIGURES, "Of its items, those that the figures are about.", "items"),
        Column("removed", _INTEGER, _FIGURES, "Of the eligible, those with the status removed.", "items"),
        Column("still_up", _INTEGER, _FIGURES, "Of the eligible, available or restricted ones.", "items"),
        Column(
            "first_reply_hours",
            _NUMBER,
            _FIGURES,
            "From sending to the first reply, automatic ones too; empty for none.",
            _SINCE_SENDING,
        ),
        Column(
            "first_answer_hours",
            _NUMBER,
            _FIGURES,
            "... to the first that is more than an automatic acknowledgement.",
            _SINCE_SENDING,
        ),
        Column("decision_hours", _NUMBER, _FIGURES, "... to the first decision.", _SINCE_SENDING),
        Column("recorded_at", _DATETIME, _FIGURES, "When it was written down."),
    ),
    ("report",),
)

REPLIES = Table(
    "replies",
    "Replies",
    "what a platform said about a report, at one moment",
    (
        Column("reply", _INTEGER, _FIGURES, "Its number."),
        Column("report", _INTEGER, _FIGURES, "The number of the report in the campaign."),
        Column("platform", _STRING, _FIGURES, "Whom the report was sent to."),
        Column("kind", _STRING, _FIGURES, "What it is.", words=tuple(ReplyKind.values)),
        Column(
            "decision",
            _STRING,
            _FIGURES,
            "What was decided; empty for other replies.",
            words=tuple(Decision.values),
        ),
        Column("received_at", _DATETIME, _FIGURES, "When it came."),
        Column("reference", _STRING, _MEMBERS, "The platform's own number for it."),
        Column("text", _STRING, _MEMBERS, "What it says."),
        Column("person", _STRING, _MEMBERS, "Who logged it."),
        Column("claimed_removed", _INTEGER, _FIGURES, "Items that it says were removed.", "items"),
        Column("claimed_restricted", _INTEGER, _FIGURES, "... were restricted or labelled.", "items"),
        Column("claimed_refused", _INTEGER, _FIGURES, "... are left as they are.", "items"),
        Column("recorded_at", _DATETIME, _FIGURES, "When it was written down."),
        Column("taken_back_at", _DATETIME, _FIGURES, "Since when it no longer counts: logged in error."),
    ),
    ("reply",),
)

ACTIVITY = Table(
    "activity",
    "Activities",
    "one thing that somebody did; nothing that they wrote is in it",
    (
        Column("activity", _INTEGER, _OWNERS, "Its number: a later one was done later."),
        Column("at", _DATETIME, _OWNERS, "When, in real time, also where the record's clock is simulated."),
        Column("person", _INTEGER, _OWNERS, "The number of who did it; empty at the command line."),
        Column("who", _STRING, _OWNERS, "Who that is, as they are called now."),
        Column("deed", _STRING, _OWNERS, "What they did.", words=tuple(Deed.values)),
        Column(
            "subject",
            _STRING,
            _OWNERS,
            "To what; empty where it is the campaign or the site.",
            words=tuple(Subject.values),
        ),
        Column("number", _INTEGER, _OWNERS, "The number of that subject."),
        Column(
            "changes",
            _STRING,
            _OWNERS,
            "JSON: what was set, by name, each with what it was and became; with neither where it is only "
            "said that it changed.",
        ),
    ),
    ("activity",),
)

_SUMMARY_COLUMNS = (
    Column("group", _STRING, _PUBLIC, "The group's values by key, such as channel=email; all for the total."),
    Column("figure", _STRING, _PUBLIC, "The figure, as the list below names it, and its part."),
    Column("n", _INTEGER, _PUBLIC, "The count: the numerator of a share; of a duration, how many ended."),
    Column("of", _INTEGER, _PUBLIC, "The denominator."),
    Column("value", _NUMBER, _PUBLIC, "The share, count, difference or estimate; empty where there is none."),
    Column("low", _NUMBER, _PUBLIC, "The lower end of its interval: of a quantile, where it lies."),
    Column("high", _NUMBER, _PUBLIC, "The upper end; empty where nothing bounds it."),
    Column("band_low", _NUMBER, _PUBLIC, "The lower 95% limit of an estimate that has an interval besides."),
    Column("band_high", _NUMBER, _PUBLIC, "The upper one; empty where nothing bounds it."),
    Column("unit", _STRING, _PUBLIC, "What is counted or measured."),
    Column("problem", _STRING, _PUBLIC, "Why there is no estimate."),
)
SUMMARY = Table("summary", "Summary", "one figure of one group", _SUMMARY_COLUMNS, ("group", "figure"))

PUBLIC_ITEMS = Table(
    "items",
    "Items, public",
    "a reported item, under a name that leads nowhere; the order of the rows says nothing",
    (
        Column("public_id", _STRING, _PUBLIC, "Stands for the item, and is the same in every export."),
        Column(
            "report",
            _INTEGER,
            _PUBLIC,
            "The number of its report, where the counts of that are shown.",
        ),
        Column(
            "platform",
            _STRING,
            _PUBLIC,
            "The platform's short name; other where it has none of its own; empty where its figures are "
            "withheld.",
        ),
        Column(
            "kind",
            _STRING,
            _PUBLIC,
            "What it is on the platform: model, file, account, page; empty where a small group could be "
            "counted.",
        ),
        Column(
            "reported",
            _STRING,
            _PUBLIC,
            "The day of the report in UTC (2026-03-01) or its month (2026-03), as chosen; its month, quarter "
            "(2026-Q1) or year, or nothing, where a small group could be counted.",
        ),
        Column(
            "channel",
            _STRING,
            _PUBLIC,
            "How its report reached the platform; empty where its figures are withheld.",
            words=_CHANNELS,
        ),
        Column(
            "category",
            _STRING,
            _PUBLIC,
            "What the report alleges; other for a word of the reporter's own; empty where a small group "
            "could be counted.",
            words=tuple(Category.values),
        ),
        Column("control", _BOOLEAN, _PUBLIC, "True for a matched target that was not reported."),
        Column("observed", _BOOLEAN, _PUBLIC, "True if the checker itself saw it at or after the report."),
        Column(
            "eligible", _BOOLEAN, _PUBLIC, "True if the figures are about it; of a control, the controls'."
        ),
        Column(
            "excluded",
            _STRING,
            _PUBLIC,
            "Why it is left out, in one word; of a control, why the controls' figures leave it out.",
            words=_EXCLUSIONS,
        ),
        Column("status", _STRING, _PUBLIC, "What is held of it after all checks.", words=_STATUSES),
        Column(
            "removal_hours_after",
            _NUMBER,
            _PUBLIC,
            "Its first removal after the report came later than this; of an item without one, it was last "
            "known to be up then. Rounded down to the figures' grid. Empty if it is left out.",
            _HOURS,
        ),
        Column(
            "removal_hours_by",
            _NUMBER,
            _PUBLIC,
            "... and no later than this; rounded up. Empty if it has not been removed since the report.",
            _HOURS,
        ),
        Column(
            "up_until_hours",
            _NUMBER,
            _PUBLIC,
            "Up to here it counts as up in the estimate: until its next look was due. Rounded down.",
            _HOURS,
        ),
        Column(
            "return_hours_after",
            _NUMBER,
            _PUBLIC,
            "After it was first seen gone, it was gone at least until then; empty if it was never removed.",
            "hours since it was first seen gone",
        ),
        Column(
            "return_hours_by",
            _NUMBER,
            _PUBLIC,
            "... and was there again by then; empty if it did not come back.",
            "hours since it was first seen gone",
        ),
        Column("claim", _STRING, _PUBLIC, "What the platform last said that it did with it.", words=_CLAIMS),
        Column(
            "seen_after_claim",
            _BOOLEAN,
            _PUBLIC,
            "True if it was seen there after that; empty without a claim.",
        ),
        Column(
            "removed_after_claim",
            _BOOLEAN,
            _PUBLIC,
            "True if it is removed, and was so after that; empty without a claim.",
        ),
        Column(
            "claim_up_hours_after",
            _NUMBER,
            _PUBLIC,
            "Of what was said to be removed and seen there after that: it stayed up at least until then. "
            "Rounded down.",
            _SINCE_CLAIM,
        ),
        Column(
            "claim_up_hours_by",
            _NUMBER,
            _PUBLIC,
            "... and was gone by then; rounded up. Empty if it has not gone.",
            _SINCE_CLAIM,
        ),
        Column(
            "deadlines",
            _LIST,
            _PUBLIC,
            "The limits whose clock its report starts, each with how the item stands to it: met, missed, "
            "running or indeterminate; the rule alone where it names no hours.",
        ),
    ),
    ("public_id",),
)

PUBLIC_REPORTS = Table(
    "reports",
    "Reports, public",
    "one submission to one platform, through one channel, at one time; counts are empty where withheld",
    (
        Column("report", _INTEGER, _PUBLIC, "Its number in the campaign."),
        Column(
            "platform",
            _STRING,
            _PUBLIC,
            "The platform's short name; other where it has none of its own; empty where platforms are not "
            "public.",
        ),
        Column("channel", _STRING, _PUBLIC, "How it reached the platform.", words=_CHANNELS),
        Column(
            "category",
            _STRING,
            _PUBLIC,
            "What it alleges; other for a word of the reporter's own.",
            words=tuple(Category.values),
        ),
        Column("sent", _STRING, _PUBLIC, "The month in which it was sent, in UTC, or the day, as chosen."),
        Column(
            "followed_hours",
            _NUMBER,
            _PUBLIC,
            "From sending to the moment of the figures: up to here, a reply would be known. Empty if it "
            "could not be delivered.",
            _SINCE_SENDING,
        ),
        *(
            Column(column.name, column.type, _PUBLIC, column.meaning, column.unit)
            for column in REPORTS.columns
            if column.name
            in {
                "bounced",
                "items",
                "controls",
                "eligible",
                "removed",
                "still_up",
                "first_reply_hours",
                "first_answer_hours",
                "decision_hours",
            }
        ),
    ),
    ("report",),
)

TABLES: Mapping[str, Table] = MappingProxyType(
    {table.name: table for table in (ITEMS, CHECKS, TRANSITIONS, REPORTS, REPLIES, SUMMARY)}
)
"""What members can take out, by name."""

OWNERS_TABLES: Mapping[str, Table] = MappingProxyType({**TABLES, ACTIVITY.name: ACTIVITY})
"""What owners can take out besides, by name; and whoever runs the site."""

PUBLIC_TABLES: Mapping[str, Table] = MappingProxyType(
    {table.name: table for table in (PUBLIC_ITEMS, PUBLIC_REPORTS, SUMMARY)}
)
"""What has a form for everyone, by name."""


class UnknownTable(LookupError):
    """There is no such table. `str()` is a sentence that names those that there are."""


def table_called(name: str, *, public: bool = False, who: Audience = Audience.MEMBERS) -> Table:
    """The table of a name that somebody of the audience `who` typed. Raises UnknownTable."""
    tables = PUBLIC_TABLES if public else OWNERS_TABLES if who.may_see(Audience.OWNERS) else TABLES
    if name in tables:
        return tables[name]
    known = ", ".join(tables)
    if public and name in OWNERS_TABLES:
        raise UnknownTable(f"{OWNERS_TABLES[name].title} have no public form. Public tables: {known}.")
    raise UnknownTable(f"There is no table “{name}”. Tables: {known}.")


def codebook_lines() -> Iterator[str]:
    """The tables as Markdown, as they stand in docs/codebook.md."""
    for table in (*OWNERS_TABLES.values(), PUBLIC_ITEMS, PUBLIC_REPORTS):
        yield f"### {table.title}"
        yield ""
        yield f"One row is {table.row}."
        yield ""
        yield "| column | type | unit | who | meaning |"
        yield "|---|---|---|---|---|"
        for column in table.columns:
            meaning = f"{column.meaning} {COARSE_WORDS}" if column.is_coarse else column.meaning
            yield (f"| `{column.name}` | {column.type} | {column.unit} | {column.who} | {meaning} |")
        yield ""
