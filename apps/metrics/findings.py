"""What a chart or table shows, in one sentence made from its numbers: a fact with its denominator. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from apps.checks.outcomes import STATUS_ORDER, Status
from apps.core.templatetags.show import items as items_words
from apps.core.templatetags.show import thousands

from .counts import percent
from .figures import MARKS, TOO_FEW, ControlFigures, GroupFigures, MarkDifference, TimeFigures, Within
from .grouping import grouping_words
from .population import Exclusion
from .timeline import Timeline
from .words import fine_percent, hours_words, range_words

LEFT_OUT = {
    Exclusion.GONE_BEFORE_REPORT: "gone before the report",
    Exclusion.DUPLICATE: "repeated in one report",
    Exclusion.ERROR: "reported in error",
    Exclusion.NEVER_SEEN: "never seen there",
    Exclusion.CONTROL: "watched as controls",
}
UNDECIDED = (Status.SUSPECTED, Status.UNVERIFIABLE, Status.WAITING)
UP = (Status.AVAILABLE, Status.RESTRICTED)


def removed(group: GroupFigures) -> str:
    """The first thing that is said of a group: what is gone, how fast, and what is still up."""
    if not group.eligible:
        return "No eligible item yet."
    gone, of = group.removed.n, group.eligible
    said = f"{thousands(gone)} of {eligible(of)} {be(gone)} no longer accessible"
    if group.too_few:
        said += f" ({TOO_FEW})"
    elif half := _half(group.removal):
        said += f"; {half}"
    said += f"; {thousands(group.still_up)} {be(group.still_up)} still up"
    undecided = sum(group.status[status] for status in UNDECIDED)
    return said + (f", and of {thousands(undecided)} it cannot be told." if undecided else ".")


def _half(times: TimeFigures) -> str:
    median = times.quantile(0.5)
    if median is None:
        return times.problem
    if median.interval is None:
        return "fewer than half have gone so far"
    return f"half were gone {_when(*median.interval)}"


def _when(low: float, high: float) -> str:
    words = range_words(low, high)
    if low == 0:
        return f"within {hours_words(high)}"
    return f"within {words}" if " to " in words else f"after {words}"


def times(group: GroupFigures) -> str:
    """When half of the items were gone, and half of the reports had a reply."""
    replies = group.first_reply.times
    return _sentence(
        f"{_half_of(group.removal, eligible(group.eligible), 'were gone')}; "
        f"{_half_of(replies, _reports(replies.of), 'had a first reply')}"
    )


def _half_of(clock: TimeFigures, of: str, did: str) -> str:
    median = clock.quantile(0.5)
    if median is None:
        return f"{thousands(clock.n)} of {of} {did} ({clock.problem})"
    if median.interval is None:
        return f"fewer than half of {of} {did} so far"
    return f"half of {of} {did} {_when(*median.interval)}"


def _reports(count: int) -> str:
    return f"{thousands(count)} {'report' if count == 1 else 'reports'}"


def shares(group: GroupFigures) -> str:
    """How many items are removed, acted on, and undecided."""
    return (
        f"Of {eligible(group.eligible)}, {thousands(group.removed.n)} are removed, "
        f"{thousands(group.acted_on.n)} removed or restricted, and of {thousands(group.inconclusive.n)} it "
        "cannot be told."
    )


def within(group: GroupFigures) -> str:
    """How many items were gone within 48 hours, as far as it is known."""
    mark = next(each for each in group.within if each.name == "48h")
    return f"Within 48 h of the report, {bounds(mark)} of {eligible(group.eligible)} were gone."


def bounds(mark: Within) -> str:
    """How many items were gone by a mark: one number, or at least and at most."""
    if mark.surely == mark.possibly:
        return thousands(mark.surely)
    return f"at least {thousands(mark.surely)} and at most {thousands(mark.possibly)}"


def claims(group: GroupFigures) -> str:
    """What became of the items that the platform said it removed, and of those it said it left."""
    said = group.claims
    return (
        f"Of {items_words(said.removed)} said to be removed, {thousands(said.still_up.n)} "
        f"{be(said.still_up.n)} still up; of {thousands(said.refused)} said to be left as they are, "
        f"{thousands(said.gone.n)} {be(said.gone.n)} gone."
    )


def returns(group: GroupFigures) -> str:
    """How many of the items that had been removed came back."""
    back = group.returns
    return (
        f"{thousands(back.share.n)} of {items_words(back.share.of)} that had been removed came back; "
        f"{thousands(back.up_now)} {be(back.up_now)} up now."
    )


def accounts(group: GroupFigures) -> str:
    """How many accounts are behind the items, how many are gone, and how many go on with a removed item."""
    found = group.accounts
    many = f"{thousands(found.accounts)} {'account is' if found.accounts == 1 else 'accounts are'}"
    return (
        f"{many} behind {thousands(group.eligible - found.unknown_items)} of {eligible(group.eligible)}: "
        f"{thousands(found.gone)} gone, {thousands(found.up_with_removed)} still up with a removed item."
    )


def deadlines(group: GroupFigures) -> str:
    """How the limits whose clock runs were kept, and how many others there are."""
    said, no_hours, silent = [], 0, 0
    for each in group.deadlines:
        if not each.of:
            silent += 1
        elif each.rule.hours is None:
            no_hours += 1
        else:
            said.append(
                f"{each.rule.name}: met for {thousands(each.met)} of {items_words(each.of)}, missed for "
                f"{thousands(each.missed)}"
            )
    if no_hours:
        said.append(f"{no_hours} {'rule names' if no_hours == 1 else 'rules name'} no hours")
    if silent:
        said.append(
            f"the {'clock of 1 rule does' if silent == 1 else f'clocks of {silent} rules do'} not run"
        )
    return _sentence("; ".join(said))


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."


def population(group: GroupFigures) -> str:
    """Of what was reported, what counts and what is left out, each with its reason."""
    said = (
        f"{items_words(group.reported)} on record, {thousands(group.eligible)} eligible: "
        f"{thousands(group.observed)} seen there by the checker at or after the report, "
        f"{thousands(group.attested)} attested by people alone."
    )
    out = [
        f"{thousands(group.excluded[one])} {words}" for one, words in LEFT_OUT.items() if group.excluded[one]
    ]
    return f"{said} Left out: {', '.join(out)}." if out else f"{said} Nothing is left out."


def groups(
    shown: Sequence[GroupFigures],
    left_out: int = 0,
    *,
    noun: str = "group",
    name: Callable[[GroupFigures], str] | None = None,
) -> str:
    """From which group's share to which: the ends alone, because an order of many is a table's business."""
    name = name or (lambda group: grouping_words(group.by))
    estimated = sorted(
        (group for group in shown if group.removed.value is not None),
        key=lambda group: group.removed.value or 0,
    )
    few = len(shown) - len(estimated)
    plural = noun if len(shown) == 1 else f"{noun}s"
    many = f"{thousands(len(shown))} {plural}"
    if left_out:
        many = f"the {thousands(len(shown))} largest of {thousands(len(shown) + left_out)} {noun}s"
    too_few = f"; {thousands(few)} {be(few)} {TOO_FEW}" if few else ""
    if not estimated:
        return _sentence(f"{many}, each {TOO_FEW}" if len(shown) > 1 else f"{many}: {TOO_FEW}")
    low, high = estimated[0], estimated[-1]
    if len(estimated) == 1:
        return f"Of {many}, {name(low)} has an estimate: {_of(low)} are no longer accessible{too_few}."
    return (
        f"Of {many}, the share that is no longer accessible runs from "
        f"{percent(low.removed.n, low.removed.of)} ({_of(low)}, {name(low)}) to "
        f"{percent(high.removed.n, high.removed.of)} ({_of(high)}, {name(high)}){too_few}."
    )


def statuses(timeline: Timeline) -> str:
    """How the items stood at the end, and what came in on the way."""
    if not timeline.steps:
        return "Nothing has been reported yet."
    counts = dict(zip(STATUS_ORDER, timeline.steps[-1].counts, strict=True))
    up, undecided = (sum(counts[status] for status in chosen) for chosen in (UP, UNDECIDED))
    of = timeline.steps[-1].of
    sent = sum(step.reports for step in timeline.steps)
    replied = sum(step.replies for step in timeline.steps)
    return (
        f"After {_reports(sent)} and {thousands(replied)} "
        f"{'reply' if replied == 1 else 'replies'}, {thousands(up)} of {of_reported(of)} "
        f"{be(up)} up, {thousands(counts[Status.REMOVED])} {be(counts[Status.REMOVED])} gone, and of "
        f"{thousands(undecided)} it cannot be told."
    )


def controls(group: GroupFigures) -> str:
    """The reported items beside the controls at the last mark that both have an estimate for."""
    beside = group.controls
    if beside is None:
        return "There is no control."
    gone = (
        f"{thousands(beside.removed)} of {thousands(beside.of)} {'control' if beside.of == 1 else 'controls'}"
    )
    if not beside.differences:
        return f"{gone} and {_of(group)} are no longer accessible; {TOO_FEW} beside each other."
    last = _last_known(group, beside)
    return (
        f"Within {mark_words(last.name)}, {fine_percent(last.reported)} of {eligible(group.eligible)} and "
        f"{fine_percent(last.control)} of {thousands(beside.of)} controls were gone: "
        f"{_difference(last)}."
    )


def _last_known(group: GroupFigures, beside: ControlFigures) -> MarkDifference:
    """The last mark until which both were followed; the first where there is none."""
    ends = [fit.curve().times[-1] for fit in (group.removal.fit, beside.times.fit) if fit is not None]
    known = [each for each in beside.differences if MARKS[each.name] <= min(ends)]
    return (known or list(beside.differences[:1]))[-1]


def _difference(mark: MarkDifference) -> str:
    def signed(value: float) -> str:
        return f"{100 * value:+.1f}".replace("-", "−")

    found = mark.difference
    return (
        f"a difference of {signed(found.value)} percentage points "
        f"(95%: {signed(found.low)} to {signed(found.high)})"
    )


def mark_words(name: str) -> str:
    """A mark's name with its unit apart: "48 h", "7 d"."""
    return f"{name[:-1]} {name[-1]}"


def p_words(p: float) -> str:
    """A p-value with two figures that count: "0.031", "0.0000012". Never a verdict."""
    if p < 1e-6:
        return "less than 0.000001"
    return f"{p:.{max(2, 1 - math.floor(math.log10(p)))}f}"


def eligible(count: int) -> str:
    """ "84 eligible items"."""
    return f"{thousands(count)} eligible {'item' if count == 1 else 'items'}"


def of_reported(count: int) -> str:
    """ "86 reported items"."""
    return f"{thousands(count)} reported {'item' if count == 1 else 'items'}"


def be(count: int) -> str:
    """The verb that goes with so many."""
    return "is" if count == 1 else "are"


def _of(group: GroupFigures) -> str:
    return f"{thousands(group.removed.n)} of {thousands(group.removed.of)}"
