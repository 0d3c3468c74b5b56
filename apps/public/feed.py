"""A campaign's changes by day, as an Atom feed: counts, and no item."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from django.utils.feedgenerator import Atom1Feed
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.checks.outcomes import STATUS_ORDER
from apps.core.templatetags.show import day_words, thousands
from apps.exports.published import Snapshot, Step, Words

from .addresses import Addresses

MOST_ENTRIES = 60


def atom(snapshot: Snapshot, words: Words, addresses: Addresses) -> bytes:
    """An entry for each day (or month) on which a count changed, the last one first."""
    page = addresses.absolute("campaign")
    feed = Atom1Feed(
        title=snapshot.title,
        link=page,
        description=words.whole.finding,
        subtitle=words.whole.finding,
        language=addresses.language.tag,
        feed_url=addresses.absolute("feed"),
        feed_guid=page,
    )
    for before, step in reversed(_changed(snapshot)[-MOST_ENTRIES:]):
        feed.add_item(
            title=day_words(step.day),
            link=page,
            description=_entry(before, step, words),
            unique_id=f"{page}#{step.day}",
            updateddate=min(_end_of(step.day), snapshot.as_of),
        )
    if not feed.num_items():
        feed.add_item(
            title=snapshot.title,
            link=page,
            description=words.whole.finding,
            unique_id=f"{page}#now",
            updateddate=snapshot.as_of,
        )
    return feed.writeString("utf-8").encode()


def _changed(snapshot: Snapshot) -> list[tuple[Step | None, Step]]:
    found: list[tuple[Step | None, Step]] = []
    last: Step | None = None
    for step in snapshot.steps:
        if last is None or last.statuses != step.statuses or step.reports or step.replies:
            found.append((last, step))
        last = step
    return found


def _entry(before: Step | None, step: Step, words: Words) -> str:
    of = sum(step.statuses)
    said = []
    if step.reports:
        said.append(ngettext("%(n)s report", "%(n)s reports", step.reports) % {"n": step.reports})
    if step.replies:
        said.append(ngettext("%(n)s reply", "%(n)s replies", step.replies) % {"n": step.replies})
    for place, status in enumerate(STATUS_ORDER):
        now, then = step.statuses[place], before.statuses[place] if before else 0
        if now or then:
            change = f" ({now - then:+d})".replace("-", "−") if now != then else ""
            said.append(f"{words.statuses[status.value]}: {thousands(now)}{change}")
    start = ngettext("Of %(of)s reported item", "Of %(of)s reported items", of) % {"of": thousands(of)}
    parts = {"start": start, "counts": "; ".join(said)}
    if _is_month(step.day):
        return _("%(start)s at the end of the month: %(counts)s.") % parts
    return _("%(start)s at the end of the day: %(counts)s.") % parts


def _end_of(day: str) -> datetime:
    if _is_month(day):
        first = datetime.fromisoformat(f"{day}-01").replace(tzinfo=UTC)
        return (first + timedelta(days=32)).replace(day=1) - timedelta(seconds=1)
    return datetime.combine(datetime.fromisoformat(day), time(23, 59, 59), UTC)


def _is_month(day: str) -> bool:
    return len(day) == len("2026-03")
