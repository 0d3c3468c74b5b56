"""What several platforms say, or do not say, at once: when that is our own line, and when it is not."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.checks.answer import Answer, Ask, Sign
from apps.checks.line import (
    FAILURES,
    LONGEST_GAP,
    LOOK_AT,
    WINDOW_SECONDS,
    Doubt,
    Line,
    PlatformSign,
    doubt_about,
    gap_after,
    in_turn,
    is_over,
    sign_of,
    sign_of_canary,
    trouble,
)
from apps.checks.outcomes import REASONS_OF, Outcome, Reason, Trouble
from tests.checks.making import at

SILENT, STRANGE, PLAIN, TOLD, RIGHT = Sign


def answer(scheme: str = "https", *, status: int | None = None, failure: Reason | None = None) -> Answer:
    ask = Ask("page", f"{scheme}://models.example.org/a")
    return Answer(ask, started_at=at(0), finished_at=at(0), status=status, failure=failure)


@pytest.mark.parametrize(
    ("answers", "sign"),
    [
        ([answer(status=200)], TOLD),
        ([answer(status=404)], TOLD),
        ([answer("http", status=404)], PLAIN),
        ([answer("http", status=200), answer(failure=Reason.TIMEOUT)], PLAIN),
        ([answer(failure=Reason.TIMEOUT), answer(status=503)], TOLD),
        ([answer(failure=Reason.DNS_FAILURE)], SILENT),
        ([answer(failure=Reason.TLS_FAILURE), answer("http", failure=Reason.REFUSED)], SILENT),
        ([answer(failure=Reason.BLOCKED_ADDRESS)], SILENT),
        ([answer(failure=Reason.RATE_LIMITED)], PLAIN),  # nobody was asked
        ([answer(failure=Reason.TOO_MANY_REDIRECTS)], PLAIN),
        ([], PLAIN),
    ],
)
def test_what_answers_say_of_our_line(answers: list[Answer], sign: Sign) -> None:
    assert sign_of(answers) == sign


@pytest.mark.parametrize(
    ("expects", "outcome", "reason", "answered", "sign"),
    [
        (Outcome.AVAILABLE, Outcome.AVAILABLE, Reason.OK, TOLD, RIGHT),
        (Outcome.AVAILABLE, Outcome.AVAILABLE, Reason.OK, PLAIN, RIGHT),
        # Whoever inspects TLS on the way can say 404 for everything.
        (Outcome.AVAILABLE, Outcome.REMOVED, Reason.NOT_FOUND, TOLD, STRANGE),
        (Outcome.AVAILABLE, Outcome.REMOVED, Reason.NOT_FOUND, PLAIN, STRANGE),
        (Outcome.AVAILABLE, Outcome.INCONCLUSIVE, Reason.SERVER_ERROR, TOLD, TOLD),
        (Outcome.AVAILABLE, Outcome.INCONCLUSIVE, Reason.SHELL, PLAIN, STRANGE),
        (Outcome.AVAILABLE, Outcome.INCONCLUSIVE, Reason.TIMEOUT, SILENT, SILENT),
        (Outcome.REMOVED, Outcome.REMOVED, Reason.NOT_FOUND, TOLD, TOLD),
        (Outcome.REMOVED, Outcome.REMOVED, Reason.NOT_FOUND, PLAIN, PLAIN),
        (Outcome.REMOVED, Outcome.AVAILABLE, Reason.OK, PLAIN, PLAIN),
        (Outcome.REMOVED, Outcome.REMOVED, Reason.DOMAIN_GONE, SILENT, SILENT),
    ],
)
def test_what_a_canary_says_of_our_line(
    expects: Outcome, outcome: Outcome, reason: Reason, answered: Sign, sign: Sign
) -> None:
    assert sign_of_canary(expects, outcome, reason, answered) == sign


@pytest.mark.parametrize(
    ("signs", "wrong"),
    [
        ([], None),
        ([("a", SILENT)], None),
        ([("a", SILENT), ("a", SILENT), ("a", STRANGE)], None),  # one platform's outage is its own
        ([("a", SILENT), ("b", SILENT)], Trouble.SILENT),
        ([("a", SILENT), ("b", STRANGE)], Trouble.SILENT),
        ([("a", STRANGE), ("b", STRANGE)], Trouble.STRANGE),
        ([("a", SILENT), ("b", SILENT), ("c", TOLD)], None),
        ([("a", SILENT), ("b", SILENT), ("c", PLAIN)], None),
        ([("a", SILENT), ("b", SILENT), ("c", RIGHT)], None),
        # Trusted by us, and in between all the same: only a page that we know tells.
        ([("a", STRANGE), ("b", STRANGE), ("c", TOLD)], Trouble.STRANGE),
        ([("a", STRANGE), ("b", STRANGE), ("c", RIGHT)], None),
        ([("a", STRANGE), ("b", TOLD)], None),
    ],
)
def test_when_it_is_our_line(signs: list[PlatformSign], wrong: Trouble | None) -> None:
    assert trouble(signs) == wrong


signs_of_platforms = st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(Sign)), max_size=8)


@given(signs_of_platforms)
def test_no_order_of_signs_matters_and_one_right_page_says_that_it_is_not(signs: list[PlatformSign]) -> None:
    assert trouble(signs) == trouble(signs[::-1]) == trouble(signs * 2)
    assert trouble([*signs, ("e", RIGHT)]) is None
    if len({platform for platform, _ in signs}) < 2:
        assert trouble(signs) is None


@given(signs_of_platforms, st.sampled_from(Trouble))
def test_what_is_over_is_not_found_to_be_down_by_the_same_signs(
    signs: list[PlatformSign], why: Trouble
) -> None:
    asked = len({platform for platform, _ in signs})
    if asked and is_over(why, signs, could_be_asked=asked):
        assert trouble(signs) != why


@pytest.mark.parametrize(
    ("why", "signs", "could_be_asked", "over"),
    [
        (Trouble.SILENT, [("a", SILENT), ("b", SILENT)], 2, False),
        (Trouble.SILENT, [("a", PLAIN), ("b", SILENT)], 2, False),  # of several one is not enough,
        (Trouble.SILENT, [("a", TOLD), ("b", SILENT)], 2, True),  # unless nobody on the way can have said it
        (Trouble.SILENT, [("a", RIGHT), ("b", SILENT), ("c", SILENT)], 3, True),
        (Trouble.SILENT, [("a", PLAIN), ("b", PLAIN), ("c", SILENT)], 3, True),
        (Trouble.SILENT, [("a", PLAIN)], 1, True),
        (Trouble.SILENT, [], 2, False),  # they were there, and could not be asked at the moment
        (Trouble.SILENT, [], 0, True),  # nobody is there any more who could ever end it
        (Trouble.STRANGE, [("a", TOLD), ("b", TOLD)], 2, False),
        (Trouble.STRANGE, [("a", STRANGE), ("b", STRANGE), ("c", TOLD)], 3, False),
        (Trouble.STRANGE, [("a", RIGHT), ("b", STRANGE)], 2, True),  # b's page may be gone for good
        (Trouble.STRANGE, [], 2, False),
    ],
)
def test_when_it_is_over(why: Trouble, signs: list[PlatformSign], could_be_asked: int, over: bool) -> None:
    assert is_over(why, signs, could_be_asked=could_be_asked) is over


@given(st.integers(0, 30), st.integers(0, 100))
def test_everybody_has_a_turn_before_anybody_has_many(there: int, looks: int) -> None:
    everybody = list(range(there))
    rounds = -(-there // LOOK_AT)
    turns = [in_turn(everybody, looks + number) for number in range(rounds)]
    assert {one for turn in turns for one in turn} == set(everybody)
    assert all(len(turn) == len(set(turn)) == min(there, LOOK_AT) for turn in turns)


def test_gaps_between_looks_grow_to_five_minutes() -> None:
    gaps = [gap_after(looks) for looks in range(8)]
    assert gaps[:4] == [timedelta(seconds=15 * 2**number) for number in range(4)]
    assert gaps == sorted(gaps)
    assert gaps[-1] == gap_after(1000) == LONGEST_GAP


# -- what is held back until somebody vouches


def doubt(line: Line, now: float = 10.0, **seen: list[tuple[str, float]]) -> Doubt | None:
    return doubt_about(
        silent=seen.get("silent", []),
        unvouched=seen.get("unvouched", []),
        strange=seen.get("strange", []),
        line=line,
        now=now,
    )


def line_that_saw(*signs: tuple[str, Sign, float]) -> Line:
    line = Line()
    for sign in signs:
        line.saw(*sign)
    return line


def test_one_silent_platform_raises_no_doubt_and_a_second_one_does() -> None:
    assert doubt(line_that_saw(("a", SILENT, 9)), silent=[("a", 9)]) is None
    found = doubt(line_that_saw(("a", SILENT, 8), ("b", SILENT, 9)), silent=[("b", 9)])
    assert found == Doubt(TOLD, 9, (("b", SILENT), ("a", SILENT)))


def test_platforms_that_fell_silent_long_apart_or_before_somebody_answered_raise_none() -> None:
    now = 10 + WINDOW_SECONDS
    assert doubt(line_that_saw(("a", SILENT, 8), ("b", SILENT, now)), now, silent=[("b", now)]) is None
    line = line_that_saw(("a", SILENT, 7), ("c", TOLD, 8), ("b", SILENT, 9))
    assert doubt(line, silent=[("b", 9)]) is None


@pytest.mark.parametrize(
    ("seen", "proof", "settled"),
    [
        ({"unvouched": [("a", 9)]}, ("b", TOLD, 8), False),  # before it: it may have gone down since
        ({"unvouched": [("a", 9)]}, ("b", PLAIN, 10), False),
        ({"unvouched": [("a", 9)]}, ("b", TOLD, 10), True),
        ({"unvouched": [("a", 9)]}, ("b", RIGHT, 10), True),
        ({"strange": [("a", 9)]}, ("b", TOLD, 10), False),
        ({"strange": [("a", 9)]}, ("b", RIGHT, 10), True),
        ({"strange": [("a", 9)], "unvouched": [("a", 11)]}, ("b", RIGHT, 10), False),
    ],
)
def test_a_doubt_is_settled_by_what_came_back_after_it(
    seen: dict[str, list[tuple[str, float]]], proof: tuple[str, Sign, float], settled: bool
) -> None:
    found = doubt(Line(), **seen)
    assert found is not None
    assert line_that_saw(proof).proves(found) is settled


@pytest.mark.parametrize(
    ("proof", "wrong"),
    [
        (("c", TOLD, 8), Trouble.SILENT),  # before it
        (("c", PLAIN, 12), Trouble.SILENT),
        (("c", TOLD, 12), None),
    ],
)
def test_what_somebody_vouched_for_after_it_begins_no_pause(
    proof: tuple[str, Sign, float], wrong: Trouble | None
) -> None:
    raised = Doubt(TOLD, 10, (("a", SILENT), ("b", SILENT)))
    look = [("d", SILENT), ("e", SILENT)]
    line = line_that_saw(proof)
    assert line.trouble([raised], look) == wrong
    # What was seen after the proof is in doubt all the same.
    assert line.trouble([raised, Doubt(TOLD, 13, (("a", SILENT),))], look) == Trouble.SILENT


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from([SILENT, STRANGE, PLAIN]), st.floats(0, 100)),
        max_size=20,
    ),
    st.floats(0, 100),
)
def test_nothing_that_a_line_which_is_down_lets_through_vouches_for_a_removal(
    signs: list[tuple[str, Sign, float]], when: float
) -> None:
    found = doubt(Line(), now=when, unvouched=[("a", when)])
    assert found is not None
    assert not line_that_saw(*signs).proves(found)


def test_failures_are_inconclusive_reasons() -> None:
    assert set(REASONS_OF[Outcome.INCONCLUSIVE]) | {Reason.CHECKER_ERROR} >= FAILURES
