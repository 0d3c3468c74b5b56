"""Compute an edition's figures again from its rows alone, and compare: python3 recompute.py FOLDER

It needs Python 3.10 or newer and nothing else, and shares no code with the program that made the edition. The
folder is one with the files of an edition. Compared are figures.csv and the files of the charts. What rows do
not tell is listed in the edition's codebook, and here in `NOT_FROM_ROWS`; the 95% bands, which rows do tell,
are not computed here, because that takes more than a page.
"""

from __future__ import annotations

import csv
import json
import math
import sys
from collections.abc import Callable, Iterator
from fnmatch import fnmatch
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
STATUSES = ("available", "restricted", "suspected", "removed", "unverifiable", "waiting")
LOST = 0.1  # of a group: where more is lost from sight and few are left, nothing is estimated
REPLIES = ("first_reply_hours", "first_answer_hours", "decision_hours")
NOT_FROM_ROWS = (
    "targets",
    "accounts.*",
    "deadlines.*.hours",
    "chart-accounts.csv",
    "chart-statuses.csv",  # but its last line
    "ledger-heads.csv",
)
BANDS = ("*.band.*", "controls.difference.*.low", "controls.difference.*.high")

Row = dict[str, str]
Pieces = list[tuple[float, float, float]]  # from, to, mass


class Item:
    """A row of items.csv."""

    def __init__(self, row: Row) -> None:
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


def rows_of(file: Path) -> list[Row]:
    """The rows of a CSV file; none where there is no such file."""
    if not file.exists():
        return []
    with file.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


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


def turnbull(times: list[tuple[float, float]]) -> Pieces:
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
    there = sorted(left for left, _ in times)[-max(minimum_n, 1)]
    in_sight = sorted(left if right == INFINITE else right for left, right in times)[-max(minimum_n, 2) :]
    horizon = max(there, in_sight[0], lost[allowed])
    return [(min(left, horizon), right if right <= horizon else INFINITE) for left, right in times], horizon


def estimate(cells: Pieces, at: float) -> float:
    """The share by then, the mass of each interval spread evenly over it."""
    total = 0.0
    for low, high, mass in cells:
        if high <= at:
            total += mass
        elif low < at and high < INFINITE:
            total += mass * (at - low) / (high - low)
    return total


def quantile(cells: Pieces, p: float) -> tuple[float, float] | None:
    """The interval in which the share first reaches p; None where it does not."""
    total = 0.0
    for low, high, mass in cells:
        total += mass
        if total >= p - 1e-6:
            return (low, high) if high < INFINITE else None
    return None


# ---------------------------------------------------------------------------------------------------- figures


def figures(rows: list[Row], reports: list[Row], minimum_n: int, *, whole: bool) -> dict[str, float]:
    """The figures of a group of rows and reports, by the names of figures.csv.

    Deadlines and controls are figures of the whole alone.
    """
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
    for status in STATUSES:
        found["status." + status] = sum(1 for item in eligible if item.status == status)
    share(found, "share_removed", eligible, {"removed"}, minimum_n)
    share(found, "share_acted_on", eligible, {"removed", "restricted"}, minimum_n)
    share(found, "share_inconclusive", eligible, UNCLEAR, minimum_n)
    removal(found, "", eligible, minimum_n)
    claims(found, eligible, minimum_n)
    returns(found, [item for item in eligible if item.was_removed], minimum_n)
    if reports:
        replies(found, reports, minimum_n)
    if whole:
        deadlines(found, eligible)
    if whole and len(controls) >= minimum_n:
        beside(found, controls, minimum_n)
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


def fitted(durations: list[tuple[float, float]], minimum_n: int) -> tuple[Pieces, float]:
    """The estimate of durations and until when it goes; none where they are too few."""
    if len(durations) < max(minimum_n, 1):
        return [], INFINITE
    kept, horizon = followed(durations, minimum_n)
    return turnbull(kept), horizon


def times(found: dict[str, float], name: str, n: int, of: int, cells: Pieces, horizon: float) -> None:
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
    seen = [item for item in items if is_contradicted(item)]
    of = len(said["removed"])
    found["claims.removed"], found["claims.refused"] = of, len(said["refused"])
    found["claims.restricted"] = sum(1 for item in items if item.row["claim"] == "restricted")
    counted(found, "claims.seen_after_claim", len(seen), of, minimum_n)
    counted(found, "claims.still_up", sum(1 for item in seen if item.status in UP), of, minimum_n)
    gone = sum(1 for item in said["refused"] if item.row["removed_after_claim"] == "true")
    counted(found, "claims.gone", gone, len(said["refused"]), minimum_n)
    up = [up_after_claim(item) for item in seen]
    went = sum(1 for _, by in up if by < INFINITE)
    times(found, "claims.hours_up_after_claim", went, len(up), *fitted(up, minimum_n))


def is_contradicted(item: Item) -> bool:
    """Whether it was said to be removed, and seen there after that."""
    return item.row["claim"] == "removed" and item.row["seen_after_claim"] == "true"


def up_after_claim(item: Item) -> tuple[float, float]:
    """How long it stayed up after that."""
    return float(item.row["claim_up_hours_after"]), hours(item.row["claim_up_hours_by"], INFINITE)


def returns(found: dict[str, float], removed: list[Item], minimum_n: int) -> None:
    """Removed items that were there again."""
    back = [item for item in removed if item.returned_by < INFINITE]
    counted(found, "returns.share", len(back), len(removed), minimum_n)
    found["returns.up_now"] = sum(1 for item in back if item.status in UP)
    gone = [(item.returned_after, item.returned_by) for item in removed]
    times(found, "returns.hours_gone", len(back), len(removed), *fitted(gone, minimum_n))


def replies(found: dict[str, float], reports: list[Row], minimum_n: int) -> None:
    """How long replies took, over the reports that arrived; known exactly, or not to have come so far."""
    arrived = [report for report in reports if report["bounced"] == "false"]
    for name in REPLIES:
        found[name + ".reports"], found[name + ".bounced"] = len(reports), len(reports) - len(arrived)
        took = [reply_time(report, name) for report in arrived]
        came = sum(1 for _, by in took if by < INFINITE)
        estimated = fitted(took, minimum_n) if came else ([], INFINITE)
        times(found, name, came, len(took), *estimated)


def reply_time(report: Row, name: str) -> tuple[float, float]:
    """When a reply came, or until when none had."""
    return hours(report[name], float(report["followed_hours"])), hours(report[name], INFINITE)


def deadlines(found: dict[str, float], eligible: list[Item]) -> None:
    """How items stand to the limits whose clock runs for them."""
    for item in eligible:
        for word in filter(None, item.row["deadlines"].split(";")):
            rule, _, verdict = word.partition("=")
            start = "deadlines." + rule + "."
            found[start + "of"] = found.get(start + "of", 0) + 1
            for each in ("met", "missed", "running", "indeterminate") if verdict else ():
                found[start + each] = found.get(start + each, 0) + (verdict == each)


def beside(found: dict[str, float], controls: list[Item], minimum_n: int) -> None:
    """The controls, and how much more of what was reported is gone."""
    found["controls.of"] = len(controls)
    found["controls.removed"] = sum(1 for item in controls if item.status == "removed")
    removal(found, "controls.", controls, minimum_n)
    for name in MARKS:
        reported = found.get("removed_within." + name + ".estimate")
        control = found.get("controls.removed_within." + name + ".estimate")
        if reported is not None and control is not None:
            found["controls.difference." + name + ".value"] = reported - control


# ------------------------------------------------------------------------------------------------- comparison


def minimum_n_of(folder: Path) -> int:
    """How many items a group has at least."""
    return int(json.loads((folder / "summary.json").read_text(encoding="utf-8"))["minimum_n"])


def rows_by_group(folder: Path) -> dict[str, tuple[list[Row], list[Row]]]:
    """The rows of items and of reports of each published group."""
    items, reports = rows_of(folder / "items.csv"), rows_of(folder / "reports.csv")
    found = {}
    for group in dict.fromkeys(row["group"] for row in rows_of(folder / "figures.csv")):
        key, _, value = group.partition("=")
        found[group] = (
            [row for row in items if group == "all" or row[key] == value],
            [row for row in reports if group == "all" or row[key] == value],
        )
    return found


def recomputed(folder: Path) -> dict[tuple[str, str], float]:
    """Every figure of every published group that rows tell."""
    minimum_n = minimum_n_of(folder)
    return {
        (group, figure): value
        for group, (items, reports) in rows_by_group(folder).items()
        for figure, value in figures(items, reports, minimum_n, whole=group == "all").items()
    }


def published(folder: Path) -> dict[tuple[str, str], float]:
    """The figures that the edition names, but for those that rows do not tell, and the bands."""
    left_out = [*NOT_FROM_ROWS, *BANDS]
    if not (folder / "reports.csv").exists():
        left_out += [name + ".*" for name in REPLIES]
    return {
        (row["group"], row["figure"]): float(row["value"])
        for row in rows_of(folder / "figures.csv")
        if not any(fnmatch(row["figure"], pattern) for pattern in left_out)
    }


def close(figure: str, one: float, other: float) -> bool:
    """Whether two numbers are the same: shares are published to four places, hours to two.

    An estimate is iterated: two that have converged may differ a little.
    """
    if "estimate" in figure or "difference" in figure:
        return abs(one - other) <= 2e-4
    return abs(one - other) <= (6e-3 if "hours" in figure else 6e-5)


def differences(folder: Path) -> list[str]:
    """What does not agree, a line each."""
    ours, theirs = recomputed(folder), published(folder)
    lines = [
        f"{group}: {figure} is published, and cannot be found"
        for group, figure in theirs.keys() - ours.keys()
    ]
    lines += [f"{group}: {figure} is not published" for group, figure in ours.keys() - theirs.keys()]
    for group, figure in sorted(ours.keys() & theirs.keys()):
        here, there = ours[group, figure], theirs[group, figure]
        if not close(figure, here, there):
            lines.append(f"{group}: {figure} is published as {there}, and is {here}")
    return sorted([*lines, *chart_differences(folder, ours)])


# ---------------------------------------------------------------------------------------- files of the charts


def chart_differences(folder: Path, found: dict[tuple[str, str], float]) -> Iterator[str]:
    """What of the charts' files does not agree. Their words are for people, so a line is known by its place
    where there is an order, and else by what it says: some group must have just these numbers."""
    groups: dict[str, dict[str, float]] = {}
    for (group, figure), value in found.items():
        groups.setdefault(group, {})[figure] = value
    whole = groups["all"]
    ordered: dict[str, list[dict[str, str]]] = {
        "within": [within_line(name) for name in MARKS],
        "times": list(time_lines(whole, minimum_n_of(folder))),
        "claims": [
            *(share_line("claims." + name) for name in ("still_up", "seen_after_claim", "gone")),
            {"n": "claims.restricted", "of": "eligible"},
        ],
        "returns": [
            share_line("returns.share"),
            {"n": "returns.up_now", "of": "returns.share.of"},
        ],
        "controls": [control_line(name) for name in MARKS],
    }
    for chart, lines in ordered.items():
        rows = rows_of(folder / f"chart-{chart}.csv")
        if not (folder / "reports.csv").exists():
            rows = [row for row in rows if row.get("unit") != "reports"]
        yield from compared(chart, rows, lines, whole)
    for chart, key in (("platforms", "platform"), ("channels", "channel")):
        some = [of for group, of in groups.items() if group.startswith(key + "=")]
        yield from known(chart, rows_of(folder / f"chart-{chart}.csv"), [group_line] * len(some), some)
    yield from report_differences(folder)
    yield from deadline_differences(folder, whole)
    yield from curve_differences(folder)
    yield from status_differences(folder)


def within_line(name: str) -> dict[str, str]:
    """The columns of a line, and the figure of each."""
    figures_ = ("surely", "possibly", "of", "low", "high", "estimate")
    return {figure: f"removed_within.{name}.{figure}" for figure in figures_}


def share_line(name: str) -> dict[str, str]:
    """The same of a share."""
    return {"n": name + ".n", "of": name + ".of", "share": name + ".value"} | {
        end: f"{name}.{end}" for end in ("low", "high")
    }


def control_line(name: str) -> dict[str, str]:
    """The same of reported items beside controls."""
    return {
        "reported": f"removed_within.{name}.estimate",
        "reported_of": f"removed_within.{name}.of",
        "controls": f"controls.removed_within.{name}.estimate",
        "controls_of": f"controls.removed_within.{name}.of",
        "difference": f"controls.difference.{name}.value",
    }


def time_lines(whole: dict[str, float], minimum_n: int) -> Iterator[dict[str, str]]:
    """The same of each clock that is about anything: its quantiles up to the first that is not reached, or
    one line without any where they are too few."""
    for name in ("removal_time_hours", *REPLIES, "returns.hours_gone", "claims.hours_up_after_claim"):
        of = whole.get(name + ".of", 0)
        reached = sum(1 for p in QUANTILES if f"{name}.{p}.from" in whole)
        for p in list(QUANTILES)[: reached + 1] if of >= max(minimum_n, 1) else ["none"] if of else []:
            yield {
                "from_hours": f"{name}.{p}.from",
                "to_hours": f"{name}.{p}.to",
                "ended": name + ".n",
                "of": name + ".of",
            }


def group_line(found: dict[str, float]) -> dict[str, float | None]:
    """What a line about one group says."""
    return {
        "removed": found["share_removed.n"],
        "eligible": found["eligible"],
        "share": found.get("share_removed.value"),
        "low": found.get("share_removed.low"),
        "high": found.get("share_removed.high"),
        "median_from_hours": found.get("removal_time_hours.p50.from"),
        "median_to_hours": found.get("removal_time_hours.p50.to"),
        "within_24h": found.get("removed_within.24h.estimate"),
        "within_48h": found.get("removed_within.48h.estimate"),
        "within_7d": found.get("removed_within.7d.estimate"),
        "still_up": found["status.available"] + found["status.restricted"],
    }


def compared(
    chart: str, rows: list[Row], lines: list[dict[str, str]], found: dict[str, float]
) -> Iterator[str]:
    """What of lines in a known order does not agree."""
    if rows and len(rows) != len(lines):
        yield f"chart-{chart}.csv: has {len(rows)} lines, and there are {len(lines)}"
        return
    for number, (row, line) in enumerate(zip(rows, lines, strict=False), start=1):
        for column, figure in line.items():
            if not same(figure, row[column], found.get(figure)):
                yield f"chart-{chart}.csv: line {number}, {column} is {row[column]}, not {found.get(figure)}"


def known(
    chart: str,
    rows: list[Row],
    makers: list[Callable[[dict[str, float]], dict[str, float | None]]],
    groups: list[dict[str, float]],
) -> Iterator[str]:
    """Which lines are those of no group. A line without numbers is about a group that is withheld."""
    lines = [make(of) for make, of in zip(makers, groups, strict=True)]
    for row in rows:
        if not row["eligible"]:
            continue
        if not any(all(same(column, row[column], line[column]) for column in line) for line in lines):
            yield f"chart-{chart}.csv: no group is as this line says: {row}"


def same(name: str, cell: str, value: float | None) -> bool:
    """Whether a cell says a value; an empty one says that there is none."""
    if cell == "" or value is None:
        return cell == "" and value is None
    estimated = name.startswith("within_") or "estimate" in name
    return close("estimate" if estimated else name, float(cell), value)


def report_differences(folder: Path) -> Iterator[str]:
    """The counts of each report, in its row and in the chart."""
    minimum_n, items = minimum_n_of(folder), rows_of(folder / "items.csv")
    made = {}
    for report in rows_of(folder / "reports.csv"):
        if report["eligible"]:
            rows = [row for row in items if row["report"] == report["report"]]
            found = made[report["report"]] = figures(rows, [], minimum_n, whole=False)
            counts = {
                "items": found["reported"] - found["excluded.control"],
                "controls": found["excluded.control"],
                "eligible": found["eligible"],
                "removed": found["share_removed.n"],
                "still_up": found["status.available"] + found["status.restricted"],
            }
            for column, value in counts.items():
                if not same(column, report[column], value):
                    number = report["report"]
                    yield f"reports.csv: {column} of report {number} is {report[column]}, not {value}"
    for row in rows_of(folder / "chart-reports.csv"):
        yield from known("reports", [row], [group_line], [made[row["report"]]])


def deadline_differences(folder: Path, whole: dict[str, float]) -> Iterator[str]:
    """The lines about deadlines that run for anything."""
    rules = {name.split(".")[1] for name in whole if name.startswith("deadlines.")}
    lines = [
        {"items": whole[f"deadlines.{rule}.of"]}
        | {
            word: whole.get(f"deadlines.{rule}.{word}")
            for word in ("met", "missed", "running", "indeterminate")
        }
        for rule in sorted(rules)
    ]
    for row in rows_of(folder / "chart-deadlines.csv"):
        if row["items"] not in {"", "0"} and not any(
            all(same(column, row[column], line[column]) for column in line) for line in lines
        ):
            yield f"chart-deadlines.csv: no rule is as this line says: {row}"


def curve_differences(folder: Path) -> Iterator[str]:
    """The lines of the share removed, each over the items of one group: their estimate at some moments."""
    rows = rows_of(folder / "chart-removed.csv")
    minimum_n = minimum_n_of(folder)
    curves = []
    for group, (items, _) in rows_by_group(folder).items():
        eligible = [item for item in map(Item, items) if item.counts and not item.control]
        if group == "all" or group.startswith("platform="):
            curves.append((len(eligible), fitted([item.fitted() for item in eligible], minimum_n)[0]))
    for name in dict.fromkeys(row["group"] for row in rows):
        line = [row for row in rows if row["group"] == name]
        if not any(
            all(
                int(row["of"]) == of
                and abs(estimate(cells, float(row["hours"])) - float(row["estimate"])) <= 2e-4
                for row in line
            )
            for of, cells in curves
        ):
            yield f"chart-removed.csv: no group has a line like that of {name}"


def status_differences(folder: Path) -> Iterator[str]:
    """The last line of statuses over time: how all that was reported stands now."""
    rows = rows_of(folder / "chart-statuses.csv")
    items = [
        row
        for row in rows_of(folder / "items.csv")
        if row["control"] == "false" and row["excluded"] != "error"
    ]
    for status in STATUSES if rows else ():
        here, there = sum(1 for row in items if row["status"] == status), int(rows[-1][status])
        if here != there:
            yield f"chart-statuses.csv: {status} ends with {there}, and is {here}"


def main(folder: Path) -> int:
    """Print what differs; 0 if nothing does, 1 if something does."""
    lines = differences(folder)
    for line in lines:
        sys.stdout.write(line + "\n")
    if not lines:
        sys.stdout.write(f"{len(published(folder))} figures are what the rows say.\n")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path()))
