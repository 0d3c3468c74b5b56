"""The demo's story: what becomes of about 160 fictional items in 30 days. Pure, so that tests know the truth.

Two lists are reported to the fictional platform Example Models: the first on day 0, of which some but not all
is removed, and a second on day 12, which fares better. A few items are on a second host that nobody wrote a
definition for, and a few were never reported: the controls.

Times are counted from the start of the story. `state` says what has become of an item; `answer_to` says what
its host answers, which a spell (a rate limit, a bot wall, an outage) can hide.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import cache

LENGTH = timedelta(days=30)
SECOND_REPORT = timedelta(days=12)
CANARY_OWNER, CANARY_NAME = "example-models", "welcome"
# Folders in which an address that does not exist is answered with 404, with a not-found page that says 200,
# or with the same application as every other address.
PLAIN_FOLDER, SOFT_FOLDER, SHELL_FOLDER = "collection", "gallery", "app"

GOLDEN_RATIO = 0.618_033_988_75


class State(StrEnum):
    """What has become of an item."""

    UP = "up"
    GATED = "gated"  # there, for those whose request for access is granted
    LABELLED = "labelled"  # there, behind a warning label
    DISABLED = "disabled"  # by the platform, which says so
    MISSING = "missing"  # 404
    SOFT_MISSING = "soft_missing"  # a not-found page that says 200
    SHELL = "shell"  # its host answers as it does to every address in that folder, existing or not
    LEGAL = "legal"  # 451
    ACCOUNT_SUSPENDED = "account_suspended"  # with its uploader's account, by the platform
    ACCOUNT_DELETED = "account_deleted"  # with its uploader's account, by the uploader


class Hidden(StrEnum):
    """What a host answers during a spell, whatever has become of the item."""

    RATE_LIMITED = "rate_limited"
    BOT_WALL = "bot_wall"
    SERVER_ERROR = "server_error"
    FALSE_MISSING = "false_missing"  # an outage that answers 404 to everything


class Host(StrEnum):
    """Where an item is."""

    PLATFORM = "platform"  # Example Models, which has a definition
    ELSEWHERE = "elsewhere"  # a host that only the generic rules know


class Kind(StrEnum):
    """What an item is."""

    MODEL = "model"
    FILE = "file"
    ACCOUNT = "account"
    PAGE = "page"


PRESENT = frozenset({State.UP, State.GATED, State.LABELLED})
ACCOUNT_GONE = frozenset({State.ACCOUNT_SUSPENDED, State.ACCOUNT_DELETED})

Change = tuple[timedelta, State]


@dataclass(frozen=True, slots=True)
class Item:
    """One fictional item. `changes` are in order of time; before the first it is up.

    `lists` holds the numbers of the reports that name it (1, 2); none for a control.
    """

    host: Host
    kind: Kind
    owner: str  # "" for a page elsewhere
    name: str  # "" for an account
    lists: tuple[int, ...]
    changes: tuple[Change, ...]

    @property
    def path(self) -> str:
        """The path of its page."""
        match self.kind:
            case Kind.MODEL:
                return f"/{self.owner}/{self.name}"
            case Kind.FILE:
                return f"/{self.owner}/{self.folder}/files/{self.name}"
            case Kind.ACCOUNT:
                return f"/{self.owner}"
            case Kind.PAGE:
                return f"/{self.folder}/{self.name}"

    @property
    def folder(self) -> str:
        """The folder of a file or page: each kind of not-found page has one of its own."""
        become = {changed for _, changed in self.changes}
        if State.SOFT_MISSING in become:
            return SOFT_FOLDER
        return SHELL_FOLDER if State.SHELL in become else PLAIN_FOLDER

    @property
    def is_control(self) -> bool:
        """Whether nobody reported it."""
        return not self.lists


@dataclass(frozen=True, slots=True)
class Spell:
    """A time in which a host, or its pages of some kinds, answers one thing to everybody."""

    host: Host
    start: timedelta
    end: timedelta
    hidden: Hidden
    kinds: frozenset[Kind] = frozenset(Kind)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a host's people say to a list, `at` some time after the start. Words are those of the record."""

    at: timedelta
    host: Host
    number: int  # of the list
    kind: str
    decision: str = ""


REPLIES = (
    Reply(timedelta(minutes=20), Host.PLATFORM, 1, "acknowledgement"),
    Reply(timedelta(hours=1), Host.ELSEWHERE, 1, "bounced"),
    Reply(timedelta(days=4), Host.PLATFORM, 1, "decision", "partly"),
    Reply(SECOND_REPORT + timedelta(minutes=5), Host.PLATFORM, 2, "acknowledgement"),
    Reply(timedelta(days=15, hours=12), Host.PLATFORM, 2, "decision", "removed"),
)
REMINDER = timedelta(days=8)  # of the first list
LOOK = timedelta(days=21, hours=12)  # a person looks at the definition that the last outage made stale
EVERY_CLAIMED = 5  # one in so many of the items that are up is said to be removed

SPELLS = (
    Spell(Host.PLATFORM, timedelta(days=3), timedelta(days=3, hours=4), Hidden.RATE_LIMITED),
    Spell(Host.ELSEWHERE, timedelta(days=5), timedelta(days=5, hours=12), Hidden.SERVER_ERROR),
    Spell(
        Host.PLATFORM,
        timedelta(days=7, hours=12),
        timedelta(days=8, hours=12),
        Hidden.BOT_WALL,
        frozenset({Kind.FILE}),
    ),
    # Shorter than a confirmation takes, because nothing but time tells it from a removal there.
    Spell(Host.ELSEWHERE, timedelta(days=11), timedelta(days=11, hours=10), Hidden.FALSE_MISSING),
    Spell(Host.PLATFORM, timedelta(days=13), timedelta(days=13, hours=3), Hidden.RATE_LIMITED),
    Spell(Host.PLATFORM, timedelta(days=17), timedelta(days=17, hours=9), Hidden.SERVER_ERROR),
    # Longer than a confirmation takes: the platform's known-good page is missing too, which gives it away.
    Spell(Host.PLATFORM, timedelta(days=20), timedelta(days=21, hours=6), Hidden.FALSE_MISSING),
)


def state(item: Item, moment: timedelta) -> State:
    """What has become of `item` at `moment`."""
    current = State.UP
    for at, changed in item.changes:
        if at > moment:
            break
        current = changed
    return current


def account_state(owner: str, moment: timedelta) -> State:
    """What has become of an account: up, suspended, or deleted."""
    gone = _accounts_gone().get(owner)
    return gone[1] if gone is not None and gone[0] <= moment else State.UP


def spell(host: Host, kind: Kind, moment: timedelta) -> Hidden | None:
    """What `host` answers to everybody at `moment`, if it does."""
    for one in SPELLS:
        if one.host == host and one.start <= moment < one.end and kind in one.kinds:
            return one.hidden
    return None


def answer_to(item: Item, moment: timedelta) -> State | Hidden:
    """What the host answers about `item` at `moment`."""
    return spell(item.host, item.kind, moment) or state(item, moment)


def claims(reply: Reply) -> dict[str, str]:
    """What the platform says of each item of its list that it names, by the item's path.

    A decision for the whole list names none. In part, it says "removed" of what is gone, and of some of what
    is up; of the others that it refuses.
    """
    if reply.decision != "partly":
        return {}
    named = [item for item in items() if reply.number in item.lists and item.host == reply.host]
    gone = [state(item, reply.at) not in PRESENT for item in named]
    return {
        item.path: "removed" if gone[place] or place % EVERY_CLAIMED == 0 else "refused"
        for place, item in enumerate(named)
    }


def removals(item: Item) -> tuple[timedelta, ...]:
    """The true times at which `item` went from there to not there."""
    return _crossings(item, into_presence=False)


def returns(item: Item) -> tuple[timedelta, ...]:
    """The true times at which `item` came back."""
    return _crossings(item, into_presence=True)


def _crossings(item: Item, *, into_presence: bool) -> tuple[timedelta, ...]:
    times = []
    present = True
    for at, changed in item.changes:
        if (changed in PRESENT) != present:
            present = not present
            if present == into_presence:
                times.append(at)
    return tuple(times)


# ---------------------------------------------------------------------------------------- who is in the story


def _spread(count: int, low_hours: float, high_hours: float) -> Iterator[timedelta]:
    """`count` times between two hours: spread evenly, in no visible order, by the golden ratio."""
    for number in range(1, count + 1):
        yield timedelta(hours=low_hours + (high_hours - low_hours) * (number * GOLDEN_RATIO % 1))


def _once(count: int, become: State, low_hours: float, high_hours: float) -> list[tuple[Change, ...]]:
    """`count` fates: the item becomes something, once, between two hours."""
    return [((at, become),) for at in _spread(count, low_hours, high_hours)]


def _restored(count: int) -> list[tuple[Change, ...]]:
    """`count` fates: disabled within three days, and back between day 7 and day 12."""
    gone, back = _spread(count, 20, 70), _spread(count, 168, 288)
    return [((first, State.DISABLED), (second, State.UP)) for first, second in zip(gone, back, strict=True)]


DAY = 24.0
STAYS: tuple[Change, ...] = ()
BACK_BEFORE_CONFIRMATION: tuple[Change, ...] = (
    (timedelta(hours=80), State.MISSING),
    (timedelta(hours=92), State.UP),
)

FIRST_MODELS = [
    *_once(18, State.DISABLED, 14, 9 * DAY),
    *_once(6, State.MISSING, 16, 6 * DAY),
    *_once(5, State.GATED, 2 * DAY, 5 * DAY),
    *_restored(5),
    BACK_BEFORE_CONFIRMATION,
    *_once(4, State.LABELLED, DAY, 4 * DAY),
    *_once(2, State.LEGAL, 3 * DAY, 6 * DAY),
    *[STAYS] * 10,
]
FIRST_FILES = [
    *_once(6, State.MISSING, 18, 7 * DAY),
    *_once(4, State.SOFT_MISSING, 2 * DAY, 6 * DAY),
    *_once(4, State.DISABLED, 14, 4 * DAY),
    *[STAYS] * 10,
]
FIRST_ACCOUNTS = [
    ((timedelta(days=4, hours=7), State.ACCOUNT_SUSPENDED),),
    ((timedelta(days=2, hours=13), State.ACCOUNT_DELETED),),
    ((timedelta(days=6, hours=2), State.ACCOUNT_SUSPENDED),),
    ((timedelta(days=5, hours=4), State.ACCOUNT_DELETED),),
    *[STAYS] * 6,
]
# Still up when the second report was sent, and named in it again.
REPORTED_TWICE = [*_once(4, State.DISABLED, 12 * DAY + 8, 15 * DAY), STAYS]

SECOND_MODELS = [
    *_once(23, State.DISABLED, 12 * DAY + 8, 15 * DAY),
    *_once(2, State.MISSING, 12 * DAY + 10, 16 * DAY),
    *_once(2, State.MISSING, 10 * DAY, 11 * DAY),  # gone before they were reported
    *_once(1, State.GATED, 13 * DAY, 14 * DAY),
    *[STAYS] * 6,
]
SECOND_FILES = [
    *_once(10, State.MISSING, 12 * DAY + 8, 16 * DAY),
    *_once(2, State.SOFT_MISSING, 15 * DAY, 18 * DAY),
    *[STAYS] * 4,
]
SECOND_ACCOUNTS = [*_once(3, State.ACCOUNT_SUSPENDED, 13 * DAY, 15 * DAY), *[STAYS] * 2]

ELSEWHERE_PAGES = [
    *_once(4, State.MISSING, 16, 8 * DAY),
    *_once(2, State.SOFT_MISSING, 3 * DAY, 7 * DAY),
    *_once(1, State.SHELL, 14 * DAY, 15 * DAY),
    *[STAYS] * 3,
]
CONTROL_MODELS = [*_once(1, State.MISSING, 15 * DAY, 16 * DAY), *[STAYS] * 7]


@cache
def items() -> tuple[Item, ...]:
    """Everybody in the story, in the order in which the lists name them."""
    return tuple(_with_their_accounts(item) for item in _cast())


def _cast() -> Iterator[Item]:
    platform = Host.PLATFORM
    numbers = iter(range(1, 10_000))

    def model(fate: tuple[Change, ...], first_uploader: int, uploaders: int, *lists: int) -> Item:
        number = next(numbers)
        owner = _uploader(first_uploader + number % uploaders)
        return Item(platform, Kind.MODEL, owner, f"example-model-{number:03}", lists, fate)

    def file(fate: tuple[Change, ...], first_uploader: int, uploaders: int, *lists: int) -> Item:
        number = next(numbers)
        owner = _uploader(first_uploader + number % uploaders)
        return Item(platform, Kind.FILE, owner, f"example-{number:03}.safetensors", lists, fate)

    for fate in FIRST_MODELS:
        yield model(fate, 1, 24, 1)
    for fate in REPORTED_TWICE:
        yield model(fate, 11, 10, 1, 2)
    for fate in FIRST_FILES:
        yield file(fate, 1, 24, 1)
    for number, fate in enumerate(FIRST_ACCOUNTS, start=1):
        yield Item(platform, Kind.ACCOUNT, _uploader(number), "", (1,), fate)
    for number, fate in enumerate(ELSEWHERE_PAGES, start=1):
        yield Item(Host.ELSEWHERE, Kind.PAGE, "", f"example-{number:02}", (1,), fate)
    for fate in SECOND_MODELS:
        yield model(fate, 31, 15, 2)
    for fate in SECOND_FILES:
        yield file(fate, 31, 15, 2)
    for number, fate in enumerate(SECOND_ACCOUNTS, start=31):
        yield Item(platform, Kind.ACCOUNT, _uploader(number), "", (2,), fate)
    for fate in CONTROL_MODELS:
        yield model(fate, 51, 8)


def _uploader(number: int) -> str:
    return f"example-uploader-{number:02}"


@cache
def _accounts_gone() -> dict[str, Change]:
    reported = [*enumerate(FIRST_ACCOUNTS, start=1), *enumerate(SECOND_ACCOUNTS, start=31)]
    return {_uploader(number): fate[0] for number, fate in reported if fate}


def _with_their_accounts(item: Item) -> Item:
    """An item goes with its uploader's account, if it has not gone for good before."""
    gone = _accounts_gone().get(item.owner)
    if gone is None or item.kind is Kind.ACCOUNT:
        return item
    earlier = tuple(change for change in item.changes if change[0] < gone[0])
    return Item(item.host, item.kind, item.owner, item.name, item.lists, (*earlier, gone))
