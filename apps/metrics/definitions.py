"""What each figure means. Pages, captions, the codebook and the JSON read it here, so that they cannot drift.

`Definition.name` is the figure's key in the JSON of `manage.py summary`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from apps.checks.cadence import MARK_TOLERANCE, MARKS

from .figures import LOST
from .population import Exclusion
from .statistics.likelihood_ratio import MOST_INTERVALS

ELIGIBLE = "eligible items"
REPORTS = "reports that arrived"
LEFT_OUT = "controls, items reported in error, repeated in one report, gone before the report, or never seen"
_MARKS = ", ".join(
    f"{int(mark.total_seconds() // 3600)} h" if mark.days < 4 else f"{mark.days} days" for mark in MARKS
)
_TURNBULL = "Turnbull (1976), Journal of the Royal Statistical Society B 38: 290-295"
_WILSON = "Wilson (1927), Journal of the American Statistical Association 22: 209-212"


@dataclass(frozen=True, slots=True)
class Definition:
    """One figure: what it means in a sentence, how it is computed, of what, and what is left out of it."""

    name: str
    title: str
    meaning: str
    formula: str
    unit: str
    population: str
    exclusions: str
    withheld_below_minimum_n: bool
    source: str = ""


EXCLUSIONS: Mapping[Exclusion, tuple[str, str]] = MappingProxyType(
    {
        Exclusion.GONE_BEFORE_REPORT: (
            "gone_before_report",
            "seen gone at or before the moment of the report and confirmed to be, and not seen since",
        ),
        Exclusion.DUPLICATE: (
            "duplicate",
            "the same target again in the same report, among the items asked about; the first counts",
        ),
        Exclusion.ERROR: ("error", "marked as reported in error"),
        Exclusion.CONTROL: ("control", "a matched target that was watched and not reported"),
        Exclusion.NEVER_SEEN: (
            "never_seen",
            "neither seen at or after the report, nor attested by the reporter to have been there",
        ),
    }
)
"""Each reason to leave an item out: its key in the JSON, and its words. An item is left out for one reason:
control before error, error before duplicate, duplicate before gone before the report, that before never seen.
"""

_ALL = (
    Definition(
        "reported",
        "Reported",
        "How many items are on record in all, before anything is left out.",
        "a count of items",
        "items",
        "all items",
        "none",
        False,
    ),
    Definition(
        "excluded",
        "Left out",
        "How many items are left out of the figures, by reason.",
        "reported = eligible + all that is left out",
        "items",
        "all items",
        "; ".join(f"{words}" for _, words in EXCLUSIONS.values()),
        False,
    ),
    Definition(
        "eligible",
        "Eligible",
        "How many items the figures are about: reported ones that were there when they were reported.",
        "reported less all that is left out; observed + attested",
        "items",
        ELIGIBLE,
        LEFT_OUT,
        False,
    ),
    Definition(
        "targets",
        "Targets",
        "How many different targets the eligible items are: one that stands in several reports counts "
        "once here.",
        "distinct targets among the eligible items. Intervals take items for independent; where there are "
        "far "
        "fewer targets than items, they are too narrow",
        "targets",
        ELIGIBLE,
        LEFT_OUT,
        False,
    ),
    Definition(
        "observed",
        "Observed",
        "Of the eligible items, those that the checker itself saw at or after the report.",
        "a check by the checker, available or restricted in a way that shows the item, begun at or after it",
        "items",
        ELIGIBLE,
        LEFT_OUT,
        False,
    ),
    Definition(
        "attested",
        "Attested",
        "Of the eligible items, those that only people vouch for: the reporter, or somebody who looked.",
        "eligible less observed",
        "items",
        ELIGIBLE,
        LEFT_OUT,
        False,
    ),
    Definition(
        "status",
        "Status",
        "What is held of each eligible item after all its checks.",
        "a count by status: available, restricted, suspected, removed, unverifiable, waiting",
        "items",
        ELIGIBLE,
        LEFT_OUT,
        False,
    ),
    Definition(
        "share_removed",
        "Share removed",
        "The share of eligible items that are confirmed to be no longer accessible.",
        "items with the status removed / eligible items, with a 95% Wilson interval",
        "share of items",
        ELIGIBLE,
        LEFT_OUT,
        True,
        _WILSON,
    ),
    Definition(
        "share_acted_on",
        "Share acted on",
        "The share of eligible items that are removed, or still there but not for everyone.",
        "items with the status removed or restricted / eligible items, with a 95% Wilson interval",
        "share of items",
        ELIGIBLE,
        LEFT_OUT,
        True,
        _WILSON,
    ),
    Definition(
        "share_inconclusive",
        "Share inconclusive",
        "The share of eligible items of which it cannot be told whether they are still there.",
        "items that are suspected, unverifiable or waiting / eligible items, with a 95% Wilson interval",
        "share of items",
        ELIGIBLE,
        LEFT_OUT,
        True,
        _WILSON,
    ),
    Definition(
        "removed_within",
        "Removed within",
        "The share of eligible items whose first removal came within a time after the report.",
        "low: seen gone by then / eligible; high: not seen there then or later / eligible; estimate: "
        "Turnbull's, its mass spread evenly within each of its intervals, with a pointwise 95% band; none "
        "for times up to which fewer than the minimum n were in sight (or until they were gone), if more "
        f"than {LOST:.0%} had been lost from sight before. "
        f"At {_MARKS}. A check that ended within {int(MARK_TOLERANCE.total_seconds() // 60)} minutes after a "
        "mark answers for the mark. An item that came back counts as removed here; returns are apart",
        "share of items",
        ELIGIBLE,
        LEFT_OUT,
        True,
        _TURNBULL,
    ),
    Definition(
        "removal_time_hours",
        "Removal time",
        "How long after the report an item was first removed, still-up items counted in.",
        "quartiles and the 90th percentile of Turnbull's estimate for interval-censored times, each as the "
        "interval that it lies in, or not reached; times are rounded outward (minutes below 3 h, 5 minutes "
        "below 72 h, hours below 90 days, days above). The band: Wilson limits for the effective number of "
        "items, F(1 - F) over the variance by the observed information; where more than 40% of the items "
        "leave a time open, widened to what a likelihood-ratio test does not reject (unless there are more "
        f"than {MOST_INTERVALS:,} different intervals); inverted for a quantile. An item that is still up "
        "counts as up until its next look was due: a sixteenth of its age after it was last seen, 15 minutes "
        "to 7 days, or the next mark; at least a day for one that only people looked at. Nothing is "
        "estimated beyond the time to which enough were followed (see removed within). A removal that only "
        "the checker read, and that a person found to be none, counts for nothing",
        "hours",
        ELIGIBLE,
        LEFT_OUT,
        True,
        _TURNBULL,
    ),
    Definition(
        "first_reply_hours",
        "First reply",
        "How long it took until the platform first replied, automatic acknowledgements counted in.",
        "quartiles of the time from sending to the first reply; reports without one count as still waiting",
        "hours",
        REPORTS,
        "reports that bounced, counted apart; reports of which every item is a control or in error",
        True,
        _TURNBULL,
    ),
    Definition(
        "first_answer_hours",
        "First answer",
        "How long it took until the platform first said more than an automatic acknowledgement.",
        "as the first reply, without acknowledgements",
        "hours",
        REPORTS,
        "reports that bounced, counted apart; reports of which every item is a control or in error",
        True,
        _TURNBULL,
    ),
    Definition(
        "decision_hours",
        "Decision",
        "How long it took until the platform decided on the report.",
        "quartiles of the time from sending to the first decision; reports without one count as undecided",
        "hours",
        REPORTS,
        "reports that bounced, counted apart; reports of which every item is a control or in error",
        True,
        _TURNBULL,
    ),
    Definition(
        "deadlines",
        "Deadlines",
        "How items stand to a time limit, where the reporter's standing starts its clock.",
        "met: seen gone (or decided) by the deadline; missed: seen there at the deadline or later; running: "
        "the deadline lies ahead; indeterminate: what was seen leaves both open. A rule counts where it was "
        "in force when the item was reported; where dates are told by months, in months in which it was in "
        "force on every day. A decision counts if it came after the item was reported. A check that ended "
        "within "
        f"{int(MARK_TOLERANCE.total_seconds() // 60)} minutes after the deadline counts as made at it",
        "items",
        ELIGIBLE,
        "items of reports that bounced; items whose reports do not start the clock, counted with the reason",
        False,
    ),
    Definition(
        "claims",
        "Claims against observation",
        "What the platform said that it did with an item, beside what was seen of it.",
        "by the last claim about each item. still_up: said to be removed, seen there after the claim, and up "
        "now / said to be removed. seen_after_claim: seen there at any time after the claim / said to be "
        "removed. gone: removed after the platform said that it leaves it / said to be left",
        "items",
        ELIGIBLE,
        LEFT_OUT,
        True,
    ),
    Definition(
        "returns",
        "Returns",
        "The share of removed items that were seen there again.",
        "items seen available or restricted after their first removal / items removed after the report at "
        "any time; hours from when the item was first seen gone until it was there again, by Turnbull's "
        "estimate",
        "share of items",
        "eligible items that were removed at any time",
        LEFT_OUT,
        True,
        _TURNBULL,
    ),
    Definition(
        "accounts",
        "Accounts",
        "The accounts behind the eligible items, as far as they are known.",
        "gone: the account's own page is gone, or an item went with it; up: not gone, and its page or "
        "something of it was up when last looked at; up_with_removed_items: of those, the ones with a "
        "removed item. removed_items: those that are gone now, with_account if the platform said so of the "
        "item itself, or if the interval of its removal and that of its account overlap; alone if the "
        "account was seen when the item had gone, or had gone before it; unknown otherwise",
        "accounts",
        ELIGIBLE,
        "items whose account is not known, counted",
        False,
    ),
    Definition(
        "controls",
        "Controls",
        "How many matched items disappear without being reported.",
        "the same estimate for controls that are in no report; difference: reported less control at each "
        "mark, "
        "with a 95% interval "
        "made of the two bands",
        "share of items",
        "controls, under the same rules as the reported items",
        LEFT_OUT.removeprefix("controls, "),
        True,
        "Zou and Donner (2008), Statistics in Medicine 27: 1693-1702",
    ),
    Definition(
        "comparison",
        "Comparison of two groups",
        "How likely a difference at least this large would be if both groups' removal times were alike.",
        "Finkelstein's score test of proportional hazards for interval-censored times: chi-squared with one "
        "degree of freedom, its p-value, and n of each group. Times as in the removal time; each target "
        "counts "
        "once, as it was reported first; groups that share targets are not compared",
        "p-value",
        ELIGIBLE,
        LEFT_OUT,
        True,
        "Finkelstein (1986), Biometrics 42: 845-854",
    ),
)

DEFINITIONS: Mapping[str, Definition] = MappingProxyType({each.name: each for each in _ALL})
"""Every figure by its name, in the order of pages and the JSON."""
