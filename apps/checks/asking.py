"""One look on behalf of a person: through the gate, at the pace of the checks, and off the record.

A host that is watched is leased for it, as a worker leases it, so that the two never ask it at once. What was
asked and answered is not kept: only from when the host may be asked again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from urllib.parse import urlsplit

from apps.core import clock
from apps.platforms import registry
from apps.platforms.matching import Match

from . import lease as leases
from .answer import Answer, Ask, Fetch
from .fetch import Fetcher
from .lease import Lease
from .models import Host
from .observe import left_alone
from .outcomes import Reason
from .pace import Pacer
from .turns import OutOfTurn
from .verdict import retry_after

LOOKS_AT_ONCE = 2  # in one process: they take the site's own threads
LONGEST_LOOK_SECONDS = 60.0  # nothing more is asked after it
LONGEST_WAIT = timedelta(seconds=5)  # for the host's pace; a longer wait is left to the person

_looks = threading.BoundedSemaphore(LOOKS_AT_ONCE)
_held: dict[str, float] = {}  # hosts that want to be left alone, from look to look


class NotNow(RuntimeError):
    """The host cannot be asked at this moment. `str()` is a sentence for the person who wants it."""


@contextmanager
def asking(found: Match) -> Iterator[Fetch]:
    """What answers the asks of one look at `found`. Raises NotNow.

    1. Few looks run at once.
    2. A host that is watched is leased; one that wants to be left alone is.
    3. The host is given back with its pace, and with its Retry-After if it told one.
    """
    if not _looks.acquire(blocking=False):
        raise NotNow("Other people are looking at this moment. Try again in a minute.")
    try:
        lease = _lease(found.host)
        pacer = Pacer(held=_held)
        try:
            with Fetcher(pace=pacer) as fetcher:
                until = time.monotonic() + LONGEST_LOOK_SECONDS
                yield partial(_ask, fetcher, pacer, found.host, until=until)
        finally:
            pacer.close()
            if lease is not None:
                leases.release(lease, rest=pacer.rest(registry.asked_hosts(found.host)))
    finally:
        _looks.release()


def _lease(name: str) -> Lease | None:
    """The lease of a watched host; None for one that nobody else asks, because it is not watched."""
    host = Host.objects.filter(name=name).first()
    if host is None:
        return None
    if host.not_before is not None:
        ahead = host.not_before - clock.shared_wall()
        if ahead > LONGEST_WAIT:
            raise NotNow(
                f"The site wants to be left alone until {host.not_before:%H:%M} UTC. Try again after that."
            )
        time.sleep(max(ahead.total_seconds(), 0.0))
    lease = leases.lease_host(name)
    if lease is None:
        raise NotNow("The checker is asking this site at this moment. Try again in a minute.")
    return lease


def _ask(fetcher: Fetcher, pacer: Pacer, host: str, ask: Ask, *, until: float) -> Answer:
    """One request of the look, unless the host has meanwhile said that it wants none."""
    if pacer.seconds_held(host):
        return left_alone(ask)
    if time.monotonic() > until:
        now = clock.now()
        return Answer(ask, started_at=now, finished_at=now, failure=Reason.TIMEOUT, detail="the look")
    try:
        answer = fetcher(ask)
    except OutOfTurn as error:
        raise NotNow("Nobody can say at this moment when the site may be asked. Try again later.") from error
    own = registry.asked_hosts(host) | {host}
    told = retry_after(answer, clock.wall())
    if told is not None and urlsplit(answer.url or ask.url).netloc in own:
        pacer.hold(host, told)
    return answer
