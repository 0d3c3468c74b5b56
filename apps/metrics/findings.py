"""What a chart or table shows, in one sentence made from its numbers: a fact with its denominator. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from apps.checks.outcomes import STATUS_ORDER, Status
from apps.core.templatetags.show import thousands

from .counts import percent
from .figures import (
    MARKS,
    NOT_FOLLOWED,
    TOO_FEW,
    ControlFigures,
    GroupFigures,
    MarkDifference,
    TimeFigures,
    Within,
)
from .grouping import grouping_words
from .population import Exclusion
from .timeline import Timeline
from .words import fine_percent, points_words, spelt, spelt_range

LEFT_OUT = {
    Exclusion.GONE_BEFORE_REPORT: gettext_noop("gone before the report"),
    Exclusion.DUPLICATE: gettext_noop("repeated in one report"),
    Exclusion.ERROR: gettext_noop("reported in error"),
    Exclusion.NEVER_SEEN: gettext_noop("never seen there"),
    Exclusion.CONTROL: gettext_noop("watched as controls"),
}
NOUNS: Mapping[str, Callable[[int], str]] = {
    "group": lambda count: ngettext("%(n)s group", "%(n)s groups", count),
    "platform": lambda count: ngettext("%(n)s platform", "%(n)s platforms", count),
    "report": lambda count: ngettext("%(n)s report", "%(n)s reports", count),
    "reply": lambda count: ngettext("%(n)s reply", "%(n)s replies", count),
}
UNDECIDED = (Status.SUSPECTED, Status.UNVERIFIABLE, Status.WAITING)
UP = (Status.AVAILABLE, Status.RESTRICTED)


def removed(group: GroupFigures) -> str:
    """The first thing that is said of a group: what is gone, how fast, and what is still up."""
    if not group.eligible:
        return _("No eligible item yet.")
    gone = group.removed.n
    said = ngettext(
        "%(n)s of %(of)s is no longer accessible", "%(n)s of %(of)s are no longer accessible", gone
    ) % {"n": thousands(gone), "of": eligible(group.eligible)}
    if group.too_few:
        said += f" ({_(TOO_FEW)})"
    elif half := _half(group):
        said += f"; {half}"
    up = ngettext("%(n)s is still up", "%(n)s are still up", group.still_up)
    said += f"; {up % {'n': thousands(group.still_up)}}"
    undecided = sum(group.status[status] for status in UNDECIDED)
    if not undecided:
        return f"{said}."
    rest = ngettext("and of %(n)s it cannot be told", "and of %(n)s it cannot be told", undecided)
    return f"{said}, {rest % {'n': thousands(undecided)}}."


def _half(group: GroupFigures) -> str:
    median = group.removal.quantile(0.5)
    if median is None:
        return _(group.removal.problem)
    if median.interval is None and _most_are_up(group):
        return _("fewer than half have gone so far")
    if median.interval is None:
        said = {"time": spelt(group.removal.horizon)}
        return _("fewer than half were gone within %(time)s, and too few were followed longer") % said
    low, high = median.interval
    if low == 0:
        return _("half were gone within %(time)s") % {"time": spelt(high)}
    if spelt(low) == spelt(high):
        return _("half were gone after %(time)s") % {"time": spelt(low)}
    return _("half were gone within %(low)s to %(high)s") % spelt_range(low, high)


def times(group: GroupFigures) -> str:
    """When half of the items were gone, and half of the reports had a reply."""
    replies = group.first_reply.times
    items, reports = eligible(group.eligible), _reports(replies.of)
    return _sentence(f"{_half_gone(group, items)}; {_half_replied(replies, reports)}")


def _most_are_up(group: GroupFigures) -> bool:
    """Whether fewer than half have gone so far for certain, because more never went or all were followed."""
    never_gone = group.still_up - group.returns.up_now
    return 2 * never_gone > group.eligible or math.isinf(group.removal.horizon)


def _half_gone(group: GroupFigures, of: str) -> str:
    clock = group.removal
    median = clock.quantile(0.5)
    if median is None:
        said = {"n": thousands(clock.n), "of": of, "problem": _(clock.problem)}
        words = ngettext(
            "%(n)s of %(of)s was gone (%(problem)s)", "%(n)s of %(of)s were gone (%(problem)s)", clock.n
        )
        return words % said
    if median.interval is None and _most_are_up(group):
        return _("fewer than half of %(of)s were gone so far") % {"of": of}
    if median.interval is None:
        said = {"of": of, "time": spelt(clock.horizon)}
        return (
            _("fewer than half of %(of)s were gone within %(time)s, and too few were followed longer") % said
        )
    low, high = median.interval
    if low == 0:
        return _("half of %(of)s were gone within %(high)s") % {"of": of, "high": spelt(high)}
    if spelt(low) == spelt(high):
        return _("half of %(of)s were gone after %(low)s") % {"of": of, "low": spelt(low)}
    return _("half of %(of)s were gone within %(low)s to %(high)s") % {"of": of, **spelt_range(low, high)}


def _half_replied(clock: TimeFigures, of: str) -> str:
    median = clock.quantile(0.5)
    if median is None:
        said = {"n": thousands(clock.n), "of": of, "problem": _(clock.problem)}
        words = ngettext(
            "%(n)s of %(of)s had a first reply (%(problem)s)",
            "%(n)s of %(of)s had a first reply (%(problem)s)",
            clock.n,
        )
        return words % said
    if median.interval is None and clock.unreached(0.5) == NOT_FOLLOWED:
        said = {"of": of, "time": spelt(clock.horizon)}
        return (
            _("fewer than half of %(of)s had a first reply within %(time)s, and too few were followed longer")
            % said
        )
    if median.interval is None:
        return _("fewer than half of %(of)s had a first reply so far") % {"of": of}
    low, high = median.interval
    if low == 0:
        return _("half of %(of)s had a first reply within %(high)s") % {"of": of, "high": spelt(high)}
    if spelt(low) == spelt(high):
        return _("half of %(of)s had a first reply after %(low)s") % {"of": of, "low": spelt(low)}
    ends = spelt_range(low, high)
    return _("half of %(of)s had a first reply within %(low)s to %(high)s") % {"of": of, **ends}


def _reports(count: int) -> str:
    return ngettext("%(n)s report", "%(n)s reports", count) % {"n": thousands(count)}


def items_words(count: int) -> str:
    """ "1 item", "2 items"."""
    return ngettext("%(n)s item", "%(n)s items", count) % {"n": thousands(count)}


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
    words = ngettext(
        "Within 48 h of the report, %(bounds)s of %(of)s was gone.",
        "Within 48 h of the report, %(bounds)s of %(of)s were gone.",
        mark.surely if mark.surely == mark.possibly else 2,
    )
    return words % {"bounds": bounds(mark), "of": eligible(group.eligible)}


def bounds(mark: Within) -> str:
    """How many items were gone by a mark: one number, or at least and at most."""
    if mark.surely == mark.possibly:
        return thousands(mark.surely)
    return _("at least %(low)s and at most %(high)s") % {
        "low": thousands(mark.surely),
        "high": thousands(mark.possibly),
    }


def claims(group: GroupFigures) -> str:
    """What became of the items that the platform said it removed, and of those it said it left."""
    said = group.claims
    removed = ngettext(
        "Of %(of)s said to be removed, %(n)s is still up",
        "Of %(of)s said to be removed, %(n)s are still up",
        said.still_up.n,
    ) % {"of": items_words(said.removed), "n": thousands(said.still_up.n)}
    left = ngettext(
        "of %(of)s said to be left as they are, %(n)s is gone",
        "of %(of)s said to be left as they are, %(n)s are gone",
        said.gone.n,
    ) % {"of": thousands(said.refused), "n": thousands(said.gone.n)}
    return f"{removed}; {left}."


def returns(group: GroupFigures) -> str:
    """How many of the items that had been removed came back."""
    back = group.returns
    came = ngettext(
        "%(n)s of %(of)s that had been removed came back",
        "%(n)s of %(of)s that had been removed came back",
        back.share.n,
    ) % {"n": thousands(back.share.n), "of": items_words(back.share.of)}
    up = ngettext("%(n)s is up now", "%(n)s are up now", back.up_now) % {"n": thousands(back.up_now)}
    return f"{came}; {up}."


def accounts(group: GroupFigures) -> str:
    """How many accounts are behind the items, how many are gone, and how many go on with a removed item."""
    found = group.accounts
    many = ngettext(
        "%(n)s account is behind %(items)s of %(of)s",
        "%(n)s accounts are behind %(items)s of %(of)s",
        found.accounts,
    ) % {
        "n": thousands(found.accounts),
        "items": thousands(group.eligible - found.unknown_items),
        "of": eligible(group.eligible),
    }
    rest = _("%(gone)s gone, %(up)s still up with a removed item") % {
        "gone": thousands(found.gone),
        "up": thousands(found.up_with_removed),
    }
    return f"{many}: {rest}."


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
                _("%(rule)s: met for %(met)s of %(of)s, missed for %(missed)s")
                % {
                    "rule": _(each.rule.name),
                    "met": thousands(each.met),
                    "of": items_words(each.of),
                    "missed": thousands(each.missed),
                }
            )
    if no_hours:
        words = ngettext("%(n)s rule names no hours", "%(n)s rules name no hours", no_hours)
        said.append(words % {"n": no_hours})
    if silent:
        words = ngettext(
            "the clock of %(n)s rule does not run", "the clocks of %(n)s rules do not run", silent
        )
        said.append(words % {"n": silent})
    return _sentence("; ".join(said))


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."


def population(group: GroupFigures) -> str:
    """Of what was reported, what counts and what is left out, each with its reason."""
    on_record = ngettext("%(n)s item on record", "%(n)s items on record", group.reported)
    said = _(
        "%(on_record)s, %(eligible)s eligible: %(observed)s seen there by the checker at or after the "
        "report, %(attested)s attested by people alone."
    ) % {
        "on_record": on_record % {"n": thousands(group.reported)},
        "eligible": thousands(group.eligible),
        "observed": thousands(group.observed),
        "attested": thousands(group.attested),
    }
    out = [
        f"{thousands(group.excluded[one])} {_(words)}"
        for one, words in LEFT_OUT.items()
        if group.excluded[one]
    ]
    if not out:
        return " ".join((said, _("Nothing is left out.")))
    return " ".join((said, _("Left out: %(reasons)s.") % {"reasons": ", ".join(out)}))


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
    many = NOUNS[noun](len(shown)) % {"n": thousands(len(shown))}
    if left_out:
        whole = NOUNS[noun](2) % {"n": thousands(len(shown) + left_out)}
        many = _("the %(n)s largest of %(whole)s") % {"n": thousands(len(shown)), "whole": whole}
    too_few = f"; {thousands(few)} {_too_few(few)}" if few else ""
    if not estimated:
        words = _("%(many)s, each %(too_few)s") if len(shown) > 1 else _("%(many)s: %(too_few)s")
        return _sentence(words % {"many": many, "too_few": _(TOO_FEW)})
    low, high = estimated[0], estimated[-1]
    if len(estimated) == 1:
        said = {"many": many, "name": name(low), "n": _of(low), "too_few": too_few}
        words = ngettext(
            "Of %(many)s, %(name)s has an estimate: %(n)s is no longer accessible%(too_few)s.",
            "Of %(many)s, %(name)s has an estimate: %(n)s are no longer accessible%(too_few)s.",
            low.removed.n,
        )
        return words % said
    return _(
        "Of %(many)s, the share that is no longer accessible runs from %(low)s (%(low_n)s, %(low_name)s) to "
        "%(high)s (%(high_n)s, %(high_name)s)%(too_few)s."
    ) % {
        "many": many,
        "low": percent(low.removed.n, low.removed.of),
        "low_n": _of(low),
        "low_name": name(low),
        "high": percent(high.removed.n, high.removed.of),
        "high_n": _of(high),
        "high_name": name(high),
        "too_few": too_few,
    }


def _too_few(count: int) -> str:
    return ngettext("is", "are", count) + " " + _(TOO_FEW)


def statuses(timeline: Timeline) -> str:
    """How the items stood at the end, and what came in on the way."""
    if not timeline.steps:
        return _("Nothing has been reported yet.")
    counts = dict(zip(STATUS_ORDER, timeline.steps[-1].counts, strict=True))
    up, undecided = (sum(counts[status] for status in chosen) for chosen in (UP, UNDECIDED))
    of = timeline.steps[-1].of
    sent = sum(step.reports for step in timeline.steps)
    replied = sum(step.replies for step in timeline.steps)
    gone = counts[Status.REMOVED]
    came = ngettext("After %(reports)s and %(n)s reply", "After %(reports)s and %(n)s replies", replied) % {
        "reports": _reports(sent),
        "n": thousands(replied),
    }
    stand = ngettext("%(n)s of %(of)s is up", "%(n)s of %(of)s are up", up) % {
        "n": thousands(up),
        "of": of_reported(of),
    }
    went = ngettext("%(n)s is gone", "%(n)s are gone", gone) % {"n": thousands(gone)}
    rest = ngettext("and of %(n)s it cannot be told", "and of %(n)s it cannot be told", undecided)
    return _("%(came)s, %(stand)s, %(went)s, %(rest)s.") % {
        "came": came,
        "stand": stand,
        "went": went,
        "rest": rest % {"n": thousands(undecided)},
    }


def controls(group: GroupFigures) -> str:
    """The reported items beside the controls at the last mark that both have an estimate for."""
    beside = group.controls
    if beside is None:
        return _("There is no control.")
    if not beside.differences:
        gone = ngettext("%(n)s of %(of)s control", "%(n)s of %(of)s controls", beside.of) % {
            "n": thousands(beside.removed),
            "of": thousands(beside.of),
        }
        return _("%(controls)s and %(reported)s are no longer accessible; %(too_few)s beside each other.") % {
            "controls": gone,
            "reported": _of(group),
            "too_few": _(TOO_FEW),
        }
    last = _last_known(group, beside)
    return _(
        "Within %(time)s, %(reported)s of %(of)s and %(control)s of %(controls)s controls were gone: "
        "%(difference)s."
    ) % {
        "time": spelt(MARKS[last.name]),
        "reported": fine_percent(last.reported),
        "of": eligible(group.eligible),
        "control": fine_percent(last.control),
        "controls": thousands(beside.of),
        "difference": _difference(last),
    }


def _last_known(group: GroupFigures, beside: ControlFigures) -> MarkDifference:
    """The last mark until which both were followed; the first where there is none."""
    ends = [fit.curve().times[-1] for fit in (group.removal.fit, beside.times.fit) if fit is not None]
    known = [each for each in beside.differences if MARKS[each.name] <= min(ends)]
    return (known or list(beside.differences[:1]))[-1]


def _difference(mark: MarkDifference) -> str:
    found = mark.difference
    return _("a difference of %(value)s percentage points (95%%: %(low)s to %(high)s)") % {
        "value": points_words(found.value),
        "low": points_words(found.low),
        "high": points_words(found.high),
    }


def p_words(p: float) -> str:
    """A p-value with two figures that count: "0.031", "0.0000012". Never a verdict."""
    if p < 1e-6:
        return "less than 0.000001"
    return f"{p:.{max(2, 1 - math.floor(math.log10(p)))}f}"


def eligible(count: int) -> str:
    """ "84 eligible items"."""
    return ngettext("%(n)s eligible item", "%(n)s eligible items", count) % {"n": thousands(count)}


def of_reported(count: int) -> str:
    """ "86 reported items"."""
    return ngettext("%(n)s reported item", "%(n)s reported items", count) % {"n": thousands(count)}


def be(count: int) -> str:
    """The verb that goes with so many."""
    return "is" if count == 1 else "are"


def _of(group: GroupFigures) -> str:
    return _("%(n)s of %(of)s") % {"n": thousands(group.removed.n), "of": thousands(group.removed.of)}
