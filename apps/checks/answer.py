"""Plain values that pass between fetch, verdict and record. Nothing here talks to anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum

from .outcomes import Outcome, Reason
from .page import Content


@dataclass(frozen=True, slots=True)
class Ask:
    """One request that a check wants answered.

    `name` is the probe's name in the platform's definition ("api", "page"), "canary" or "sibling". `because`
    names the signal that sent us on to it, as a verdict does; "" for the first. With `head_only` only the
    head of the answer is asked for (HEAD), never its body. `post` is the JSON of a question that an API takes
    as POST only, or of a message to a webhook; redirects are not followed then, and with `head_only` the
    answer's body is left unread.
    """

    name: str
    url: str
    accept: str = "text/html,application/xhtml+xml,*/*;q=0.8"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)  # they may hold a platform's token
    follow_redirects: bool = True
    because: str = ""
    head_only: bool = False
    post: str = ""


@dataclass(frozen=True, slots=True)
class Hop:
    """One redirect that was followed: the status that sent us on, and where to."""

    status: int
    url: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for one `Ask`: either a response (`status` set) or a transport failure (`failure` set).

    `headers` have lower-case names; repeated headers are joined with ", ". `body` is at most CHECK_MAX_BYTES
    of decoded content, kept in memory for the verdict only and never stored. Times are the record's time.
    `failure` is one of the inconclusive transport reasons; `detail` is a short technical word for the
    evidence ("NXDOMAIN", "certificate: hostname mismatch"), without the URL. `address` is that of the server
    that answered; "" where it is not known, as behind a proxy.
    """

    ask: Ask
    started_at: datetime
    finished_at: datetime
    status: int | None = None
    url: str = ""  # where the answer came from, after redirects
    hops: tuple[Hop, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    truncated: bool = False
    received_bytes: int = 0
    elapsed_ms: int = 0
    address: str = ""
    failure: Reason | None = None
    detail: str = ""
    content: Content = field(init=False, repr=False, compare=False)  # the body, read once for all who read it

    def __post_init__(self) -> None:
        object.__setattr__(self, "content", Content(self.body, self.headers))


Fetch = Callable[[Ask], Answer]
"""Whatever answers an `Ask`: the network (fetch.py) or a recording (har.py)."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the answers mean. `signal` names the rule that decided, as `huggingface:api_ok@1`."""

    outcome: Outcome
    reason: Reason
    definitive: bool
    signal: str
    probe: str  # which ask it was read from
    retry_after: datetime | None = None  # real time before which the host does not want to be asked again


@dataclass(frozen=True, slots=True)
class Identity:
    """The name that stays with a thing when its address does not, as one of the probes was told it."""

    probe: str
    value: str


class Sign(IntEnum):
    """What came back for a check says of our own line to the internet: the higher, the more it proves."""

    SILENT = 0  # nothing came back
    STRANGE = 1  # a page that is certainly up was read as anything else, by nobody whom we know
    PLAIN = 2  # something came back, but anybody on the way may have said it
    TOLD = 3  # it came over a connection that only the site itself can make: TLS with its certificate
    RIGHT = 4  # a page that is certainly up was read as that


@dataclass(frozen=True, slots=True)
class Observation:
    """One finished check before it is recorded. `evidence` is JSON-ready facts about each answer."""

    verdict: Verdict
    started_at: datetime
    finished_at: datetime
    http_status: int | None = None
    evidence: Mapping[str, object] = field(default_factory=dict)
    identity: Identity | None = None  # as it was told; never written down as it is
    sign: Sign = Sign.PLAIN
