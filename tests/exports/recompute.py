"""Compute an edition's figures again from its items.csv alone, and compare: python3 recompute.py FOLDER

It needs Python 3.10 or newer and nothing else, and shares no code with the program that made the edition. The
folder is one with the files of an edition. What items.csv cannot tell (replies, deadlines, accounts, how long
after a claim something went, the confidence bands of estimates) is not computed; `NOT_FROM_ITEMS` names it.
"""

from __future__ import annotations

import csv
import json
import math
import sys
from itertools import pairwise
from pathlib import Path

Z = 1.959963984540054  # of a two-sided 95% interval
INFINITE = math.inf
MARKS = {
    "1h": 1,
    "2h": 2,
    "3h": 3,
    "24h": 24,
    "48h": 48,
    "72h": 72,
    "7d": 168,
    "14d": 336,
    "30d": 720,
    "90d": 2160,
}
QUANTILES = {"p25": 0.25, "p50": 0.5, "p75": 0.75, "p90": 0.9}
UP = {"available", "restricted"}
UNCLEAR = {"suspected", "unverifiable", "waiting"}
LOST = 0.1  # of a group: where more is lost from sight and few are left, nothing is estimated
NOT_FROM_ITEMS = (
    "targets",
    "first_reply_hours.",
    "first_answer_hours.",
    "decision_hours.",
    "deadlines.",
    "accounts.",
    "claims.gone.",
    "claims.hours_up_after_claim.",
    "controls.difference.",
)
NOT_FROM_ITEMS_EITHER = ".band."


class Item:
    """A row of items.csv."""

    def __init__(self, row: dict[str, str]) -> None:
        self.row = row
        self.control = row["control"] == "true"
        self.counts = row["eligible"] == "true"
        self.status = row["status"]
        self.after = hours(row["removal_hours_after"], 0.0)
        self.by = hours(row["removal_hours_by"], INFINITE)
        self.up_until = hours(row["up_until_hours"], self.after)
        self.returned_after = hours(row["return_hours_after"], 0.0)
        self.returned_by = hours(row["return_hours_by"], INFINITE)
        self.was_removed = row["removal_hours_by"] != ""

    def fitted(self) -> tuple[float, float]:
        """As it enters the estimate: still up until its next look was due."""
        return (self.after, self.by) if self.was_removed else (self.up_until, INFINITE)


def hours(cell: str, otherwise: float) -> float:
    """A cell's number, or what an empty one stands for."""
    return float(cell) if cell else otherwise


# ------------------------------------------------------------------------------------------------- statistics


def wilson(n: int, of: int) -> tuple[float, float]:
    """Wilson (1927): where a share that could have given n of `of` lies."""
    share = n / of
    middle = (share + Z * Z / (2 * of)) / (1 + Z * Z / of)
    reach = Z * math.sqrt(share * (1 - share) / of + Z * Z / (4 * of * of)) / (1 + Z * Z / of)
    return (0.0 if n == 0 else middle - reach), (1.0 if n == of else middle + reach)


def innermost(times: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Turnbull (1976): the intervals that alone can hold any mass, of times in (left, right]."""
    ends = []
    for left, right in times:
        ends.append((left, -1 if left == right else 1, "left"))
        ends.append((right, 0, "right"))
    ends.sort(key=lambda end: (end[0], end[1]))
    return [(one[0], other[0]) for one, other in pairwise(ends) if one[2] == "left" and other[2] == "right"]


def turnbull(times: list[tuple[float, float]]) -> list[tuple[float, float, float]]:
    """The mass of each innermost interval, by self-consistency: slow, and plain."""
    cells = innermost(times)
    inside = [
        [
            place
            for place, (low, high) in enumerate(cells)
            if left <= low and high <= right and (left < high or left == right == low)
        ]
        for left, right in times
    ]
    mass = [1 / len(cells)] * len(cells)
    for _ in range(100_000):
        new = [0.0] * len(cells)
        for places in inside:
            total = sum(mass[place] for place in places)
            for place in places:
                new[place] += mass[place] / total / len(times)
        change = max(abs(a - b) for a, b in zip(mass, new, strict=True))
        mass = new
        if change < 1e-12:
            break
    return [(low, high, part) for (low, high), part in zip(cells, mass, strict=True)]


def followed(times: list[tuple[float, float]], minimum_n: int) -> tuple[list[tuple[float, float]], float]:
    """The times as far as enough were followed, and until when that is."""
    lost = sorted(left for left, right in times if right == INFINITE)
    allowed = int(LOST * len(times))
    if len(lost) <= allowed:
        return times, INFINITE
    in_sight = sorted(left for left, _ in times)[-max(minimum_n, 1)]
    horizon = max(in_sight, lost[allowed])
    return [(min(left, horizon), right if right <= horizon else INFINITE) for left, right in times], horizon


def estimate(cells: list[tuple[float, float, float]], at: float) -> float:
    """The share by then, the mass of each interval spread evenly over it."""
    total = 0.0
    for low, high, mass in cells:
        if high <= at:
            total += mass
        elif low < at and high < INFINITE:
            total += mass * (at - low) / (high - low)
    return total


def quantile(cells: list[tuple[float, float, float]], p: float) -> tuple[float, float] | None:
    """The interval in which the share first reaches p; None where it does not."""
    total = 0.0
    for low, high, mass in cells:
        total += mass
        if total >= p - 1e-6:
            return (low, high) if high < INFINITE else None
    return None


# ---------------------------------------------------------------------------------------------------- figures


def figures(rows: list[dict[str, str]], minimum_n: int) -> dict[str, float]:
    """The figures of a group of rows, by the names of figures.csv."""
    items = [Item(row) for row in rows]
    eligible = [item for item in items if item.counts and not item.control]
    controls = [item for item in items if item.counts and item.control]
    found: dict[str, float] = {"reported": len(items), "eligible": len(eligible)}
    for reason in ("gone_before_report", "duplicate", "error", "never_seen"):
        found["excluded." + reason] = sum(
            1 for item in items if not item.control and item.row["excluded"] == reason
        )
    found["excluded.control"] = sum(1 for item in items if item.control)
    found["observed"] = sum(1 for item in eligible if item.row["observed"] == "true")
    found["attested"] = len(eligible) - found["observed"]
    for status in sorted(UP | UNCLEAR | {"removed"}):
        found["status." + status] = sum(1 for item in eligible if item.status == status)
    share(found, "share_removed", eligible, {"removed"}, minimum_n)
    share(found, "share_acted_on", eligible, {"removed", "restricted"}, minimum_n)
    share(found, "share_inconclusive", eligible, UNCLEAR, minimum_n)
    removal(found, "", eligible, minimum_n)
    claims(found, eligible, minimum_n)
    returns(found, [item for item in eligible if item.was_removed], minimum_n)
    if len(controls) >= minimum_n:
        found["controls.of"] = len(controls)
        found["controls.removed"] = sum(1 for item in controls if item.status == "removed")
        removal(found, "controls.", controls, minimum_n)
    return found


def counted(found: dict[str, float], name: str, n: int, of: int, minimum_n: int) -> None:
    """A share with its interval; counts alone where there are too few."""
    found[name + ".n"], found[name + ".of"] = n, of
    if of >= max(minimum_n, 1):
        found[name + ".value"] = n / of
        found[name + ".low"], found[name + ".high"] = wilson(n, of)


def share(found: dict[str, float], name: str, items: list[Item], statuses: set[str], minimum_n: int) -> None:
    """The share of items that have one of the statuses."""
    counted(found, name, sum(1 for item in items if item.status in statuses), len(items), minimum_n)


def removal(found: dict[str, float], start: str, items: list[Item], minimum_n: int) -> None:
    """What was removed within each mark, and how long removals took."""
    of = len(items)
    cells, horizon = fitted([item.fitted() for item in items], minimum_n)
    for name, mark in MARKS.items():
        surely = sum(1 for item in items if item.by <= mark)
        possibly = sum(1 for item in items if item.after < mark or item.by <= mark)
        here = start + "removed_within." + name + "."
        found[here + "surely"], found[here + "possibly"], found[here + "of"] = surely, possibly, of
        if cells:
            low, high = surely / of, possibly / of
            found[here + "low"], found[here + "high"] = low, high
            if mark <= horizon:
                found[here + "estimate"] = min(max(estimate(cells, mark), low), high)
    name = start + "removal_time_hours"
    times(found, name, sum(1 for item in items if item.was_removed), of, cells, horizon)


def fitted(
    durations: list[tuple[float, float]], minimum_n: int
) -> tuple[list[tuple[float, float, float]], float]:
    """The estimate of durations and until when it goes; none where they are too few."""
    if len(durations) < max(minimum_n, 1):
        return [], INFINITE
    kept, horizon = followed(durations, minimum_n)
    return turnbull(kept), horizon


def times(
    found: dict[str, float],
    name: str,
    n: int,
    of: int,
    cells: list[tuple[float, float, float]],
    horizon: float,
) -> None:
    """The quantiles of a duration, each as the interval that it lies in."""
    found[name + ".n"], found[name + ".of"] = n, of
    if horizon < INFINITE:
        found[name + ".horizon"] = horizon
    for word, p in QUANTILES.items():
        interval = quantile(cells, p)
        if interval is not None:
            found[name + "." + word + ".from"], found[name + "." + word + ".to"] = interval


def claims(found: dict[str, float], items: list[Item], minimum_n: int) -> None:
    """What the platform said, beside what was seen."""
    said = {word: [item for item in items if item.row["claim"] == word] for word in ("removed", "refused")}
    seen = [item for item in said["removed"] if item.row["seen_after_claim"] == "true"]
    of = len(said["removed"])
    found["claims.removed"], found["claims.refused"] = of, len(said["refused"])
    found["claims.restricted"] = sum(1 for item in items if item.row["claim"] == "restricted")
    counted(found, "claims.seen_after_claim", len(seen), of, minimum_n)
    counted(found, "claims.still_up", sum(1 for item in seen if item.status in UP), of, minimum_n)


def returns(found: dict[str, float], removed: list[Item], minimum_n: int) -> None:
    """Removed items that were there again."""
    back = [item for item in removed if item.returned_by < INFINITE]
    counted(found, "returns.share", len(back), len(removed), minimum_n)
    found["returns.up_now"] = sum(1 for item in back if item.status in UP)
    cells, horizon = fitted([(item.returned_after, item.returned_by) for item in removed], minimum_n)
    times(found, "returns.hours_gone", len(back), len(removed), cells, horizon)


# ------------------------------------------------------------------------------------------------- comparison


def recomputed(folder: Path) -> dict[tuple[str, str], float]:
    """Every figure of every published group that items.csv can tell."""
    with (folder / "items.csv").open(encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader(opened))
    minimum_n = json.loads((folder / "summary.json").read_text(encoding="utf-8"))["minimum_n"]
    found = {}
    for group in dict.fromkeys(group for group, _ in published(folder)):
        chosen = rows
        if group != "all":
            key, _, value = group.partition("=")
            chosen = [row for row in rows if row[key] == value]
        for figure, value_ in figures(chosen, minimum_n).items():
            if group == "all" or not figure.startswith("controls."):
                found[group, figure] = value_
    return found


def published(folder: Path) -> dict[tuple[str, str], float]:
    """The figures that the edition names and that items.csv can tell."""
    with (folder / "figures.csv").open(encoding="utf-8", newline="") as opened:
        return {
            (row["group"], row["figure"]): float(row["value"])
            for row in csv.DictReader(opened)
            if not row["figure"].startswith(NOT_FROM_ITEMS) and NOT_FROM_ITEMS_EITHER not in row["figure"]
        }


def differences(folder: Path) -> list[str]:
    """What does not agree, a line each. Shares are published to four places, hours to two."""
    ours, theirs = recomputed(folder), published(folder)
    lines = [
        f"{group}: {figure} is published, and cannot be found"
        for group, figure in theirs.keys() - ours.keys()
    ]
    lines += [f"{group}: {figure} is not published" for group, figure in ours.keys() - theirs.keys()]
    for group, figure in sorted(ours.keys() & theirs.keys()):
        here, there = ours[group, figure], theirs[group, figure]
        # An estimate is iterated: two that have converged may differ a little.
        close = 2e-4 if figure.endswith(".estimate") else 6e-5
        if "hours" in figure and figure.endswith((".from", ".to", ".horizon")):
            close = 6e-3
        if abs(here - there) > close:
            lines.append(f"{group}: {figure} is published as {there}, and is {here}")
    return sorted(lines)


def main(folder: Path) -> int:
    """Print what differs; 0 if nothing does, 1 if something does."""
    lines = differences(folder)
    for line in lines:
        sys.stdout.write(line + "\n")
    if not lines:
        sys.stdout.write(f"{len(published(folder))} figures are what items.csv says.\n")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path()))
