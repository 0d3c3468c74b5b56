"""Figures that are best read as a table, in the same form as the charts. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.checks.outcomes import Outcome, Reason
from apps.core.templatetags.show import thousands

from . import findings
from .chart import (
    MISSING,
    SHARE_HEADINGS,
    Cell,
    Chart,
    Heading,
    Row,
    instant,
    portion,
    share_cells,
    text,
    whole,
)
from .chart import duration as hours
from .check_facts import CheckFact
from .counts import percent_words
from .deadlines import DeadlineFigures
from .figures import MARKS, TOO_FEW, GroupFigures, TimeFigures, Within
from .grouping import GroupKey, grouping_words, value_label
from .shares import Share
from .words import fine_percent, hours_words, range_words, spelt

OUTCOMES = {
    Outcome.AVAILABLE: "available",
    Outcome.RESTRICTED: "restricted",
    Outcome.INCONCLUSIVE: "could not tell",
    Outcome.REMOVED: "removed",
}
WITHIN_SHOWN = ("24h", "48h", "7d")


class KeyFigure(NamedTuple):
    """One entry of a campaign's short readout: the figure, and what it is a figure of."""

    label: str
    figure: str
    detail: str
    definition: str


def key_figures(group: GroupFigures) -> list[KeyFigure]:
    """What somebody looks for first."""
    marks = {within.name: within for within in group.within}
    found = [_key_share("Share removed", group.removed, "share_removed")]
    if group.removal.fit is not None:
        found += [_key_mark(marks[name]) for name in ("48h", "7d")]
    found += [
        _key_time("Half removed within", "items removed", group.removal, "removal_time_hours"),
        _key_time(
            "Half replied to within", "reports replied to", group.first_reply.times, "first_reply_hours"
        ),
        _key_time("Half decided within", "reports decided", group.decision.times, "decision_hours"),
    ]
    if group.claims.removed:
        found.append(_key_share("Said to be removed, still up", group.claims.still_up, "claims"))
    if group.returns.share.of:
        found.append(_key_share("Came back after removal", group.returns.share, "returns"))
    return found


def _key_share(label: str, share: Share, definition: str) -> KeyFigure:
    counts = _("%(n)s of %(of)s") % {"n": thousands(share.n), "of": thousands(share.of)}
    if share.value is None or share.low is None or share.high is None:
        return KeyFigure(_(label), counts, _(TOO_FEW) if share.of else "", definition)
    return KeyFigure(
        _(label), fine_percent(share.value), f"{counts}; {_interval(share.low, share.high)}", definition
    )


def _interval(low: float, high: float) -> str:
    return _("95%%: %(low)s to %(high)s") % {"low": fine_percent(low), "high": fine_percent(high)}


def _key_mark(mark: Within) -> KeyFigure:
    label = _("Removed within %(time)s") % {"time": spelt(mark.hours)}
    counts = _("%(n)s of %(of)s") % {"n": findings.bounds(mark), "of": thousands(mark.of)}
    if mark.estimate is None or mark.band is None:
        return KeyFigure(label, _(mark.problem), counts, "removed_within")
    return KeyFigure(
        label, fine_percent(mark.estimate), f"{counts}; {_interval(*mark.band)}", "removed_within"
    )


def _key_time(label: str, what: str, clock: TimeFigures, definition: str) -> KeyFigure:
    counts = _("%(n)s of %(of)s") % {"n": thousands(clock.n), "of": thousands(clock.of)}
    counts = f"{counts} {_(what)}"
    median = clock.quantile(0.5)
    if median is None:
        return KeyFigure(_(label), _(clock.problem), counts, definition)
    figure = range_words(*median.interval) if median.interval else _(clock.unreached(0.5))
    if median.band is None:
        return KeyFigure(_(label), figure, counts, definition)
    low, high = median.band
    band = _("%(low)s or more") % {"low": hours_words(low)} if high is None else range_words(low, high)
    limits = _("95%%: %(band)s") % {"band": band}
    return KeyFigure(_(label), figure, f"{counts}; {limits}", definition)


def shares(group: GroupFigures) -> Chart:
    """The shares removed, acted on and inconclusive."""
    rows = (
        ("Removed", group.removed),
        ("Acted on: removed or restricted", group.acted_on),
        ("Inconclusive", group.inconclusive),
    )
    return Chart(
        slug="shares",
        title="Shares",
        finding=findings.shares(group),
        headings=(Heading("figure", "Figure", number=False), *SHARE_HEADINGS),
        rows=tuple((text(name), *share_cells(share)) for name, share in rows),
        definitions=("share_removed", "share_acted_on", "share_inconclusive"),
        notes=_few(group),
    )


def within(group: GroupFigures) -> Chart:
    """The share removed within each mark, bounded and estimated."""
    return Chart(
        slug="within",
        title="Removed within a time",
        finding=findings.within(group),
        headings=(
            Heading("within_hours", "Within", number=False),
            Heading("surely", "Surely"),
            Heading("possibly", "Possibly"),
            Heading("of", "of"),
            Heading("low", "At least"),
            Heading("high", "At most"),
            Heading("estimate", "Estimate"),
            Heading("band_low", "95% from"),
            Heading("band_high", "to"),
        ),
        rows=tuple(
            (
                Cell(hours_words(each.hours), str(each.hours)),
                whole(each.surely),
                whole(each.possibly),
                whole(each.of),
                portion(each.low),
                portion(each.high),
                portion(each.estimate),
                *(map(portion, each.band or (None, None))),
            )
            for each in group.within
        ),
        definitions=("removed_within",),
        notes=_few(group),
    )


def times(group: GroupFigures) -> Chart:
    """Quartiles of every clock."""
    clocks = (
        ("Removal", "items", group.removal),
        ("First reply", "reports", group.first_reply.times),
        ("First answer", "reports", group.first_answer.times),
        ("Decision", "reports", group.decision.times),
        ("Return after a removal", "items", group.returns.times),
        ("Removal after it was claimed", "items", group.claims.contradicted),
    )
    bounced = group.first_reply.bounced
    notes = ["Where a share has no time, none above it has."]
    if bounced:
        of = group.first_reply.reports
        words = ngettext(
            "%(n)s of %(of)s reports could not be delivered and counts in no reply time.",
            "%(n)s of %(of)s reports could not be delivered and count in no reply time.",
            bounced,
        )
        notes.append(words % {"n": thousands(bounced), "of": thousands(of)})
    return Chart(
        slug="times",
        title="How long it took",
        finding=findings.times(group),
        headings=(
            Heading("clock", "Clock", number=False),
            Heading("quantile", "Share", number=False),
            Heading("from_hours", "after more than"),
            Heading("to_hours", "and at most"),
            Heading("band_from_hours", "95% from"),
            Heading("band_to_hours", "to"),
            Heading("ended", "Ended"),
            Heading("of", "of"),
            Heading("unit", "Unit", number=False),
        ),
        rows=tuple(row for name, unit, clock in clocks if clock.of for row in _clock_rows(name, unit, clock)),
        definitions=(
            "removal_time_hours",
            "first_reply_hours",
            "first_answer_hours",
            "decision_hours",
            "returns",
            "claims",
        ),
        notes=tuple(notes),
    )


def _clock_rows(name: str, unit: str, clock: TimeFigures) -> Iterator[Row]:
    counts = (whole(clock.n), whole(clock.of), text(unit))
    if clock.problem:
        yield (text(name), text(clock.problem), *(Cell(MISSING, ""),) * 4, *counts)
    reached = [each.interval is not None for each in clock.quantiles]
    # Where one is not reached, none above it is.
    for quantile in clock.quantiles[: sum(reached) + 1]:
        low, high = quantile.interval or (None, None)
        band_low, band_high = quantile.band or (None, None)
        yield (
            text(name),
            Cell(percent_words(f"{100 * quantile.p:.0f}"), f"{quantile.p}"),
            hours(low, clock.unreached(quantile.p)),
            hours(high, clock.unreached(quantile.p)),
            hours(band_low),
            hours(band_high, "no bound" if quantile.band else MISSING),
            *counts,
        )


def claims(group: GroupFigures) -> Chart | None:
    """What the platform said beside what was seen; None where it said nothing of any item."""
    said = group.claims
    if not (said.removed or said.refused or said.restricted):
        return None
    whole_group = Share(said.restricted, group.eligible, None, None, None)
    rows = (
        ("Said to be removed, and still up", said.still_up),
        ("Said to be removed, and seen there at any time after that", said.seen_after),
        ("Said to be left as it is, and gone all the same", said.gone),
        ("Said to be restricted or labelled", whole_group),
    )
    return Chart(
        slug="claims",
        title="Claims against observation",
        finding=findings.claims(group),
        headings=(Heading("figure", "Figure", number=False), *SHARE_HEADINGS),
        rows=tuple((text(name), *share_cells(share)) for name, share in rows),
        definitions=("claims",),
    )


def returns(group: GroupFigures) -> Chart | None:
    """Removed items that came back; None where nothing was removed."""
    back = group.returns
    if not back.share.of:
        return None
    return Chart(
        slug="returns",
        title="Returns",
        finding=findings.returns(group),
        headings=(Heading("figure", "Figure", number=False), *SHARE_HEADINGS),
        rows=(
            (text("Seen there again after a removal"), *share_cells(back.share)),
            (
                text("Seen there again, and up now"),
                *share_cells(Share(back.up_now, back.share.of, None, None, None)),
            ),
        ),
        definitions=("returns",),
    )


def accounts(group: GroupFigures) -> Chart | None:
    """The accounts behind the items; None where none is known."""
    found = group.accounts
    if not found.accounts:
        return None
    rows = (
        ("Accounts behind the items", found.accounts),
        ("Its page is gone, or an item went with it", found.gone),
        ("Its page or something of it was up when last looked at", found.up),
        ("Of those, with a removed item", found.up_with_removed),
        ("Items gone with their account", found.items_with),
        ("Items gone without their account", found.items_alone),
        ("Items gone, the account’s fate not known", found.items_untold),
        ("Most items of one account", found.items_most),
        ("Items whose account is not known", found.unknown_items),
    )
    return Chart(
        slug="accounts",
        title="Accounts",
        finding=findings.accounts(group),
        headings=(Heading("figure", "Figure", number=False), Heading("count", "Count")),
        rows=tuple((text(name), whole(count)) for name, count in rows),
        definitions=("accounts",),
    )


def deadlines(group: GroupFigures) -> Chart | None:
    """How the items stand to each time limit, or why its clock does not run; None without limits."""
    if not group.deadlines:
        return None
    return Chart(
        slug="deadlines",
        title="Deadlines",
        finding=findings.deadlines(group),
        headings=(
            Heading("rule", "Rule", number=False),
            Heading("limit_hours", "Limit"),
            Heading("clock", "Its clock", number=False),
            Heading("items", "Items"),
            Heading("met", "Met"),
            Heading("missed", "Missed"),
            Heading("running", "Running"),
            Heading("indeterminate", "Indeterminate"),
        ),
        rows=tuple(row for each in group.deadlines for row in _deadline_rows(each)),
        definitions=("deadlines",),
        notes=tuple(f"{_(each.rule.name)}: {_(each.rule.citation)}." for each in group.deadlines),
    )


def _deadline_rows(each: DeadlineFigures) -> Iterator[Row]:
    name = text(f"{_(each.rule.name)} ({_(each.rule.jurisdiction)})")
    limit = hours(each.rule.hours, "names no hours")
    nothing = (Cell(MISSING, ""),) * 4
    if each.of:
        counts = (each.met, each.missed, each.running, each.indeterminate)
        judged = tuple(map(whole, counts)) if each.rule.hours is not None else nothing
        until = each.rule.stops_at.label
        yield name, limit, text(f"runs, until {until}"), whole(each.of), *judged
    for why, count in each.refusals:
        yield name, limit, text(why), whole(count), *nothing
    if each.undelivered:
        yield name, limit, text("the report could not be delivered"), whole(each.undelivered), *nothing


def groups(keys: Sequence[GroupKey], shown: Sequence[GroupFigures], left_out: int) -> Chart:
    """One row a group, by share removed; those that are too few come last."""
    return Chart(
        slug="groups",
        title=f"By {' and '.join(keys)}",
        finding=findings.groups(shown, left_out),
        headings=(*(Heading(key.value, key.capitalize(), number=False) for key in keys), *GROUP_HEADINGS),
        rows=tuple(
            (*(key_cell(key, group) for key in keys), *group_cells(group)) for group in by_share(shown)
        ),
        definitions=("share_removed", "removal_time_hours", "removed_within"),
        notes=smaller(left_out),
    )


def smaller(count: int) -> tuple[str, ...]:
    """The note that so many smaller groups are not shown; none where all are."""
    words = ngettext("%(n)s smaller group is not shown.", "%(n)s smaller groups are not shown.", count)
    return (words % {"n": thousands(count)},) if count else ()


GROUP_HEADINGS = (
    Heading("removed", "Removed"),
    Heading("eligible", "of"),
    Heading("share", "Share"),
    Heading("low", "95% from"),
    Heading("high", "to"),
    Heading("median_from_hours", "Half gone after"),
    Heading("median_to_hours", "at most"),
    Heading("median_band_from_hours", "95% from"),
    Heading("median_band_to_hours", "to"),
    *(Heading(f"within_{name}", f"Within {hours_words(MARKS[name])}") for name in WITHIN_SHOWN),
    Heading("still_up", "Still up"),
)


def key_cell(key: GroupKey, group: GroupFigures) -> Cell:
    """What a group shares, as it reads, and as the record has it."""
    return Cell(value_label(key, group.by[key]), group.by[key])


def group_cells(group: GroupFigures) -> Row:
    """A group's row, in the order of GROUP_HEADINGS."""
    share = group.removed
    median = group.removal.quantile(0.5)
    low, high = (median.interval if median else None) or (None, None)
    band = median.band if median else None
    band_low, band_high = band or (None, None)
    marks = {each.name: each.estimate for each in group.within}
    missing = group.removal.problem or group.removal.unreached(0.5)
    return (
        whole(share.n),
        whole(share.of),
        portion(share.value) if share.value is not None else Cell(TOO_FEW, ""),
        portion(share.low),
        portion(share.high),
        hours(low, MISSING if group.too_few else missing),
        hours(high),
        hours(band_low),
        hours(band_high, "no bound" if band else MISSING),
        *(portion(marks[name]) for name in WITHIN_SHOWN),
        whole(group.still_up),
    )


def by_share(groups: Sequence[GroupFigures]) -> list[GroupFigures]:
    """The largest share removed first, the larger group first among equals; too few last."""
    return sorted(
        groups,
        key=lambda group: (
            group.removed.value is None,
            -(group.removed.value or 0),
            -group.removed.of,
            grouping_words(group.by),
        ),
    )


def checks_by_outcome(moments: Sequence[tuple[datetime, Outcome, bool]]) -> Chart:
    """What an item's checks saw, in short: (when, outcome, whether a person made it), oldest first."""
    seen = {
        outcome: [(when, manual) for when, one, manual in moments if one == outcome] for outcome in OUTCOMES
    }
    said = ", ".join(f"{thousands(len(each))} {OUTCOMES[one]}" for one, each in seen.items() if each)
    many = len(moments)
    return Chart(
        slug="checks",
        title="Checks over time",
        finding=f"{thousands(many)} {'check' if many == 1 else 'checks'}: {said}."
        if many
        else "No check yet.",
        headings=(
            Heading("outcome", "Outcome", number=False),
            Heading("checks", "Checks"),
            Heading("by_persons", "By persons"),
            Heading("first", "First (UTC)", number=False),
            Heading("last", "Last (UTC)", number=False),
        ),
        rows=tuple(
            (
                Cell(OUTCOMES[outcome], outcome.value),
                whole(len(each)),
                whole(sum(manual for _, manual in each)),
                instant(each[0][0] if each else None),
                instant(each[-1][0] if each else None),
            )
            for outcome, each in seen.items()
        ),
        definitions=("status", "removal_time_hours"),
    )


def checks(facts: Sequence[CheckFact]) -> Chart:
    """All checks of an item's target: facts, and no word that a person wrote."""
    return Chart(
        slug="checks",
        title="Checks",
        finding=f"{len(facts)} checks.",
        headings=(
            Heading("number", "No."),
            Heading("started_at", "Started (UTC)", number=False),
            Heading("outcome", "Outcome", number=False),
            Heading("reason", "Reason", number=False),
            Heading("definitive", "Definitive", number=False),
            Heading("signal", "Signal", number=False),
            Heading("http_status", "HTTP"),
            Heading("manual", "By a person", number=False),
        ),
        rows=tuple(
            (
                whole(fact.number),
                instant(fact.started_at),
                Cell(OUTCOMES[Outcome(fact.outcome)], fact.outcome),
                Cell(Reason(fact.reason).label, fact.reason),
                _yes(fact.definitive),
                text(fact.signal),
                Cell(MISSING, "") if fact.http_status is None else text(str(fact.http_status)),
                _yes(fact.manual),
            )
            for fact in facts
        ),
        definitions=("status",),
    )


def _yes(value: bool) -> Cell:
    return Cell("yes" if value else "no", "true" if value else "false")


def _few(group: GroupFigures) -> tuple[str, ...]:
    if not group.too_few:
        return ()
    said = {"items": findings.eligible(group.eligible), "too_few": _(TOO_FEW)}
    return (_("%(items)s: %(too_few)s.") % said,)
