"""What must hold of a group's figures whatever its items are."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from apps.metrics.deadlines import fits_of
from apps.metrics.figures import (
    MARKS,
    NOT_FOLLOWED,
    NOT_REACHED,
    TOO_FEW,
    Material,
    TimeFigures,
    account_places,
    group_figures,
    hours_label,
    marks_within,
    time_figures,
)
from apps.metrics.population import Exclusion, Times, population
from apps.metrics.records import ALONE, NEVER, NO_PAGE, STATUS_CODES, WITH_ACCOUNT, ItemRecords
from apps.metrics.responses import CLAIM_CODES, ReportRecord
from tests.metrics.test_population import HOUR, NOW, REMOVED, REPORTED, SUSPECTED, UP, WAITING

REPORT = ReportRecord(1, 1, "example.org", "email", "user", "fraud", REPORTED, REPORTED, False, NEVER)


@st.composite
def materials(draw: st.DrawFn) -> Material:
    """A few items of one report in any state, and what was claimed of them."""
    many = draw(st.integers(1, 25))
    seconds = st.integers(0, 900 * HOUR)
    columns: dict[str, list[int]] = {name: [] for name in ItemRecords.__slots__ if name != "changes"}
    claim, claimed = [], []
    for number in range(many):
        status = draw(st.sampled_from([UP, REMOVED, REMOVED, SUSPECTED, WAITING]))
        seen = draw(st.just(NEVER) | seconds.map(lambda each: REPORTED + each))
        gone = max(seen, REPORTED) + draw(st.integers(1, 90 * HOUR))
        is_gone = status == REMOVED
        row = {
            "pk": number + 1,
            "report": 1,
            "target": draw(st.integers(1, many)),
            "account": draw(st.integers(0, 3)),
            "reported": REPORTED,
            "control": draw(st.integers(0, 4)) == 0,
            "attested": draw(st.booleans()),
            "error": draw(st.integers(0, 9)) == 0,
            "is_account": draw(st.integers(0, 9)) == 0,
            "account_gone": is_gone and draw(st.booleans()),
            "page": draw(st.sampled_from([NO_PAGE, *STATUS_CODES.values()])),
            "fate": draw(st.sampled_from([0, WITH_ACCOUNT, ALONE])) if is_gone else 0,
            "status": status,
            "present": NEVER if status == WAITING else seen,
            "observed": seen >= REPORTED and draw(st.booleans()),
            "concluded": gone if is_gone else NEVER,
            "removed_by": gone if is_gone else NEVER,
        }
        row["history"] = row["target"]
        for name, value in row.items():
            columns[name].append(int(value))
        claim.append(draw(st.sampled_from([0, *CLAIM_CODES.values()])))
        claimed.append(REPORTED + draw(seconds) if claim[-1] else NEVER)
    flags = ("control", "attested", "error", "is_account", "account_gone", "observed")
    records = ItemRecords(
        **{name: np.array(values, bool if name in flags else np.int64) for name, values in columns.items()}
    )
    return Material(
        population=population(records, now=NOW),
        account=account_places(records),
        reports={1: REPORT},
        fits=fits_of([]),
        claim=np.array(claim),
        claimed=np.array(claimed),
        decided=np.full(len(claim), REPORT.decision),
        now=NOW,
        minimum_n=draw(st.integers(1, 6)),
    )


@given(materials())
@settings(max_examples=150, phases=[Phase.reuse, Phase.generate])
def test_figures_add_up_and_keep_within_their_bounds(material: Material) -> None:
    figures = group_figures(material, np.arange(len(material.claim)), {})
    assert figures.eligible == figures.reported - sum(figures.excluded.values())
    assert figures.eligible == figures.observed + figures.attested == sum(figures.status.values())
    assert figures.removed.n + figures.inconclusive.n + figures.still_up == figures.eligible
    assert figures.removed.n <= figures.acted_on.n
    assert figures.too_few == (figures.removal.problem != "") == (figures.eligible < material.minimum_n)
    surely = possibly = 0
    assert figures.targets <= figures.eligible
    for within in figures.within:
        assert surely <= within.surely <= within.possibly <= figures.eligible
        assert possibly <= within.possibly
        surely, possibly = within.surely, within.possibly
        if within.estimate is not None:
            assert within.low <= within.estimate <= within.high
            low, high = within.band
            assert 0 <= low <= within.estimate <= high <= 1
    claims = figures.claims
    assert claims.still_up.n <= claims.seen_after.n <= claims.removed
    assert claims.removed + claims.refused + claims.restricted <= figures.eligible
    accounts = figures.accounts
    assert accounts.up_with_removed <= accounts.up <= accounts.accounts - accounts.gone
    assert accounts.items_with + accounts.items_alone + accounts.items_untold <= figures.eligible
    if figures.controls:
        assert figures.controls.of <= figures.excluded[Exclusion.CONTROL]


@given(materials())
@settings(max_examples=50)
def test_the_figures_do_not_depend_on_the_order_of_the_items(material: Material) -> None:
    items = np.arange(len(material.claim))
    assert group_figures(material, items, {}) == group_figures(material, items[::-1].copy(), {})


def test_a_fit_that_did_not_converge_gives_no_number() -> None:
    # A thousand overlapping intervals, and not a single step to fit them.
    random = np.random.default_rng(1)
    left = random.uniform(0, 100, 1000)
    times = Times(left, left + random.uniform(1, 30, 1000))
    figures = time_figures(times, minimum_n=1, steps=0)
    assert figures.problem == "the estimate did not converge"
    assert figures.quantiles == ()
    assert figures.fit is None


def test_nothing_is_estimated_beyond_what_enough_were_followed_for() -> None:
    # 39 of 40 were last seen at 100 h; one was followed on and went between 250 h and 300 h.
    left, right = np.full(40, 100.0), np.full(40, np.inf)
    left[0], right[0] = 250, 300
    figures = time_figures(Times(left, right), minimum_n=5)
    assert figures.horizon == 100
    assert {each.interval for each in figures.quantiles} == {None}
    assert figures.fit.estimate([100.0, 1000.0]).tolist() == [0, 0]
    within = {each.name: each for each in marks_within(Times(left, right), figures)}
    assert (within["72h"].estimate, within["72h"].problem) == (0, "")
    assert (within["7d"].estimate, within["7d"].problem) == (None, "too few followed so long")
    assert (within["7d"].surely, within["7d"].possibly, within["30d"].surely) == (0, 39, 1)


def test_what_went_together_is_counted_though_nothing_outlasted_it() -> None:
    """17 of 20 went between 100 h and 106 h; the others were lost from sight at 30 h."""
    left, right = np.full(20, 100.0), np.full(20, 106.0)
    left[:3], right[:3] = 30, np.inf
    figures = time_figures(Times(left, right), minimum_n=5)
    assert figures.horizon == 106
    assert figures.quantile(0.5).interval == (100, 106)


@pytest.mark.parametrize("minimum_n", [1, 5])
def test_one_that_went_long_after_all_others_were_lost_does_not_speak_for_them(minimum_n: int) -> None:
    left, right = np.full(10, 100.0), np.full(10, np.inf)
    left[0], right[0] = 250, 300
    figures = time_figures(Times(left, right), minimum_n=minimum_n)
    assert figures.quantile(0.25).interval is None
    assert [figures.unreached(p) for p in (0.05, 0.1, 0.25)] == [NOT_FOLLOWED, NOT_FOLLOWED, NOT_REACHED]


def test_bounds_are_counted_where_an_estimate_did_not_converge() -> None:
    times = Times(np.array([0.0, 30.0]), np.array([2.0, np.inf]))
    for problem, shares in (("the estimate did not converge", (0.5, 0.5)), (TOO_FEW, (None, None))):
        within = {each.name: each for each in marks_within(times, TimeFigures(1, 2, problem=problem))}
        assert (within["24h"].low, within["24h"].high) == shares
        assert (within["24h"].estimate, within["24h"].problem) == (None, problem)


def test_where_all_were_followed_to_their_end_the_last_ones_count() -> None:
    figures = time_figures(Times(np.full(6, 2.0), np.full(6, 4.0)), minimum_n=5)
    assert figures.horizon == math.inf
    assert figures.quantile(0.9).interval == (2, 4)


def test_marks_are_named_by_hours_and_days() -> None:
    assert list(MARKS) == ["1h", "2h", "3h", "24h", "48h", "72h", "7d", "14d", "30d", "90d"]
    assert {name: hours_label(hours) for name, hours in MARKS.items()} == {name: name for name in MARKS}
