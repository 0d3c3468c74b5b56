"""Plots as plain JSON for the browser's plotly.js: positions and words, no colours.

Each trace says in `meta` what it is (`role`, `part`), and shapes and annotations say it in `name`; the page's
script fills in the colours of the light, dark or printed page. `narrow` is what changes of the layout where
the plot has little room. Pure.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Any

import numpy as np
import plotly.graph_objects as go
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from apps.core.templatetags.show import thousands

from . import survival
from .counts import percent_words
from .figures import MARKS
from .words import decimal, fine_percent, hours_words, range_words, tick_words

Json = dict[str, Any]
Trace = Any  # plotly's own classes carry no types

DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
MARKS_DRAWN = (24, 48, 168)  # hours
TICKS = (1 / 60, 0.25, 1, 3, 6, 12, 24, 48, 168, 720, 2160, 8760)
DATE_LENGTH = len("2026-03-01")
POINTS = 100  # of a line; its corners come on top of them
NICE_TOPS = (0.1, 0.25, 0.5, 1.0)
FIRST_SEEN = 0.02  # a share that begins to be seen
LABEL_LENGTH = 24
LABEL_PIXELS = 33  # of two lines of a label
ROW_PIXELS = 40
BANDS_IN_FULL = 2  # more of them over each other are drawn faintly


@dataclass(frozen=True, slots=True)
class Line:
    """A cumulative share since the report: at each of `times` (hours) the estimate and its band.

    `end` is said at the line's end, under the name.
    """

    name: str
    end: str
    role: str
    dash: str
    times: tuple[float, ...]
    estimate: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Dots:
    """One row of a side-by-side: a point and an interval in each of two panels.

    `share` and `time` are (low, point, high); an open end is None. `time_at` is where in hours the quantile
    itself lies. Where there is no point, `share_words` and `time_words` say why.
    """

    name: str
    size: str
    share: tuple[float, float, float] | None
    share_words: str
    time: tuple[float, float | None] | None
    time_at: tuple[float, float] | None
    time_words: str


def line_of(name: str, end: str, fit: survival.Fit, *, place: int = 0, role: str = "") -> Line:
    """The line of an estimate, thinned to a few hundred points. `place` chooses its dash and its role."""
    curve = fit.curve()
    corners, until = np.unique(curve.times), float(curve.times[-1])
    corners = corners[corners > 0]
    if corners.size > POINTS:
        corners = corners[np.unique(np.linspace(0, corners.size - 1, POINTS).astype(int))]
    first = min(float(corners[0]) if corners.size else 1.0, 1.0) / 2
    grid = np.geomspace(max(first, 1 / 120), max(until, 1.0), POINTS)
    # An upright step needs the moment just before it.
    marks = np.array(list(MARKS.values()), np.float64)
    times = np.unique(np.concatenate((grid, corners, corners * (1 - 1e-9), marks, [until])))
    times = times[times <= max(until, times[0])]
    low, high = survival.band(fit, times)
    return Line(
        name=name,
        end=end,
        role=role or f"series-{place % len(DASHES) + 1}",
        dash=DASHES[place % len(DASHES)],
        times=_rounded(times),
        estimate=_rounded(fit.estimate(times)),
        low=_rounded(low),
        high=_rounded(high),
    )


def curves(lines: Sequence[Line]) -> Json:
    """Cumulative shares on a time axis that gives each day the room that it deserves: a logarithmic one."""
    left, right = _hours_range(lines)
    top = _top(lines)
    height, above, below = 360, 16, 44
    plot = height - above - below
    ends = _spaced([line.estimate[-1] for line in lines], LABEL_PIXELS / plot * top, top)
    layout = {
        **_base(height, {"l": 44, "r": 158, "t": above, "b": below}),
        "xaxis": _hours_axis(left, right, _("Time since the report")),
        "yaxis": _share_axis(top),
        "shapes": _mark_lines(left, right),
        "annotations": [
            _note(
                f"{_short(line.name)}<br>{escape(line.end)}",
                name=line.role,
                x=1,
                xref="paper",
                xshift=8,
                y=at,
                yref="y",
                xanchor="left",
                align="left",
            )
            for line, at in zip(lines, ends, strict=True)
        ],
    }
    narrow = {
        "margin": {"l": 44, "r": 10, "t": 8, "b": 44},
        "height": 320 + 18 * len(lines),
        "showlegend": True,
        "legend": {"orientation": "h", "x": 0, "xanchor": "left", "y": 1.02, "yanchor": "bottom"},
        "annotations": [],
        "xaxis": _narrow_ticks(left, right),
    }
    traces = [trace for line in lines for trace in _line_traces(line, faint=len(lines) > BANDS_IN_FULL)]
    return _plot(traces, layout, narrow)


def small_multiples(lines: Sequence[Line]) -> Json:
    """One small panel a line, all with the same axes."""
    left, right = _hours_range(lines)
    top = _top(lines)
    traces: list[Trace] = []
    for number, line in enumerate(lines, start=1):
        suffix = "" if number == 1 else str(number)
        for trace in _line_traces(line):
            trace.update(xaxis=f"x{suffix}", yaxis=f"y{suffix}", showlegend=False)
            traces.append(trace)
    layout = _base(0, {"l": 38, "r": 12, "t": 8, "b": 26}) | _panels(lines, left, right, top, columns=4)
    return _plot(traces, layout, _panels(lines, left, right, top, columns=2))


def stacked(
    days: Sequence[str],
    areas: Sequence[tuple[str, str, Sequence[int]]],
    events: Sequence[tuple[str, Sequence[str], Sequence[str]]],
) -> Json:
    """Counts over calendar time, one on the other: (role, label, count a day) from the bottom up.

    `events` are rows of marks above them: (name, days, words of each).
    """
    patterns = {"restricted": "/", "suspected": "\\", "unverifiable": ".", "waiting": "x"}
    traces = [
        go.Scatter(
            name=escape(label),
            x=list(days),
            y=list(counts),
            mode="lines",
            stackgroup="statuses",
            line={"shape": "hv", "width": 0.5},
            fillpattern={"shape": patterns.get(role, ""), "size": 6, "solidity": 0.25},
            hovertemplate=f"{_in_template(label)}: %{{y}}<extra></extra>",
            meta={"role": role, "part": "area"},
        )
        for role, label, counts in areas
    ]
    for row, (name, moments, said) in enumerate(events):
        traces.append(
            go.Scatter(
                name=escape(name),
                x=list(moments),
                y=[row] * len(moments),
                text=[escape(each) for each in said],
                mode="markers",
                marker={"symbol": ("circle-open", "triangle-down")[row % 2], "size": 9},
                cliponaxis=False,
                yaxis="y2",
                showlegend=False,
                hovertemplate="%{text}<extra></extra>",
                meta={"role": "ink", "part": "points"},
            )
        )
    total = sum(counts[-1] for _, _, counts in areas) or 1
    # Translators: a day at an axis, %b is a short month; letters as in d3-time-format
    day = pgettext("d3", "%-d %b")
    # Translators: a day, %B is a month; letters as in d3-time-format
    whole_day = pgettext("d3", "%-d %B %Y")
    height, above, below = 340, 10, 34
    plot = (height - above - below) * 0.84
    middles, labels, before = [], [], 0.0
    for role, label, counts in areas:
        if counts[-1]:
            middles.append(before + counts[-1] / 2)
            labels.append((role, f"{escape(label)} {thousands(counts[-1])}"))
        before += counts[-1]
    layout = {
        **_base(height, {"l": 52, "r": 120, "t": above, "b": below}),
        "hovermode": "x unified",
        "xaxis": _axis(
            type="date",
            range=[_before(days), days[-1]],
            tickformat=f"%H:%M\n{day}" if len(days[0]) > DATE_LENGTH else f"{day}\n%Y",
            hoverformat=f"{whole_day} %H:%M" if len(days[0]) > DATE_LENGTH else whole_day,
        ),
        "yaxis": _axis(domain=[0, 0.84], rangemode="tozero", grid=True, tickformat=",d"),
        "yaxis2": _axis(
            domain=[0.88, 1],
            range=[-0.6, len(events) - 0.4],
            tickvals=list(range(len(events))),
            ticktext=[escape(name) for name, _, _ in events],
            automargin=True,
        ),
        "annotations": [
            _note(words, name=role, x=1, xref="paper", xshift=8, y=at, yref="y", xanchor="left", align="left")
            for (role, words), at in zip(labels, _spaced(middles, 17 / plot * total, total), strict=True)
        ],
    }
    narrow = {
        "margin": {"l": 50, "r": 8, "t": 8, "b": 34},
        "height": 380,
        "showlegend": True,
        "legend": {"orientation": "h", "x": 0, "xanchor": "left", "y": -0.12, "yanchor": "top"},
        "annotations": [],
        "xaxis": {"nticks": 4},
    }
    return _plot(traces, layout, narrow)


def side_by_side(rows: Sequence[Dots], *, share_title: str, time_title: str) -> Json:
    """Two panels of points with intervals, a row for each name, the first at the top."""
    places = list(range(len(rows), 0, -1))
    times = [end for row in rows if row.time for end in row.time if end]
    left = min([12.0, *(each / 1.5 for each in times if each > 0)])
    right = max([200.0, *(each * 1.3 for each in times)])
    thin_share, thin_time = _segments(), _segments()
    thick_time = _segments()
    notes = []
    for row, place in zip(rows, places, strict=True):
        if row.share:
            _add(thin_share, row.share[0], row.share[2], place)
        if row.time_at:
            low, high = row.time or row.time_at
            _add(thin_time, max(low, left), right if high is None else high, place)
            _add(thick_time, max(row.time_at[0], left), row.time_at[1], place)
        panels = (("x", row.share is None, row.share_words), ("x2", row.time_at is None, row.time_words))
        for axis, empty, said in panels:
            if empty:
                notes.append(
                    _note(
                        escape(said),
                        name="soft",
                        x=0 if axis == "x" else math.log10(left),
                        xref=axis,
                        xshift=6,
                        y=place,
                        yref="y" if axis == "x" else "y2",
                        xanchor="left",
                    )
                )
    shown = [(row, place) for row, place in zip(rows, places, strict=True) if row.share]
    timed = [(row.time_at, row.name, place) for row, place in zip(rows, places, strict=True) if row.time_at]
    traces = [
        _strokes(thin_share, "series-1", 1.5, "x", "y"),
        go.Scatter(
            x=[row.share[1] for row, _ in shown if row.share],
            y=[place for _, place in shown],
            text=[escape(f"{row.name}: {row.share_words}") for row, _ in shown],
            mode="markers",
            marker={"size": 9, "symbol": "circle"},
            hovertemplate="%{text}<extra></extra>",
            meta={"role": "series-1", "part": "points"},
        ),
        _strokes(thin_time, "series-1", 1.5, "x2", "y2"),
        _strokes(thick_time, "series-1", 7, "x2", "y2"),
        go.Scatter(
            x=[math.sqrt(max(at[0], left) * at[1]) for at, _, _ in timed],
            y=[place for _, _, place in timed],
            text=[escape(f"{name}: {range_words(*at)}") for at, name, _ in timed],
            mode="markers",
            marker={"size": 7, "symbol": "diamond"},
            xaxis="x2",
            yaxis="y2",
            hovertemplate="%{text}<extra></extra>",
            meta={"role": "series-1", "part": "points"},
        ),
    ]
    names: Json = {
        "range": [0.4, len(rows) + 0.6],
        "tickvals": places,
        "ticktext": ["<br>".join((escape(_cut(row.name)), escape(row.size))) for row in rows],
        "automargin": True,
    }
    height = 74 + ROW_PIXELS * len(rows)
    shares = {**_share_axis(1.0), "range": [0, 1.02]}
    layout = {
        **_base(height, {"l": 90, "r": 16, "t": 28, "b": 34}),
        "xaxis": shares | {"domain": [0, 0.47], "anchor": "y"},
        "xaxis2": _hours_axis(left, right, "") | {"domain": [0.53, 1], "anchor": "y2"},
        "yaxis": _axis(**names),
        "yaxis2": _axis(range=names["range"], tickvals=places, showticklabels=False, anchor="x2"),
        "annotations": [
            *notes,
            _heading(share_title, x=0, y=1),
            _heading(time_title, x=0.53, y=1),
        ],
    }
    stack = ROW_PIXELS * len(rows)
    gap = 66
    whole = 2 * stack + gap
    upper, lower = [(stack + gap) / whole, 1], [0, stack / whole]
    narrow = {
        "margin": {"l": 80, "r": 10, "t": 28, "b": 34},
        "height": whole + 62,
        "xaxis": {"domain": [0, 1]},
        "xaxis2": {"domain": [0, 1]} | _narrow_ticks(left, right),
        "yaxis": {"domain": upper},
        "yaxis2": {
            "domain": lower,
            "showticklabels": True,
            "ticktext": names["ticktext"],
            "automargin": True,
        },
        "annotations": [
            *notes,
            _heading(share_title, x=0, y=1),
            _heading(time_title, x=0, y=lower[1]),
        ],
    }
    return _plot(traces, layout, narrow)


# -------------------------------------------------------------------------------------------------- the parts


def _plot(traces: Sequence[Trace], layout: Json, narrow: Json) -> Json:
    figure = go.Figure(data=list(traces), layout={"template": "none", **layout})
    drawn: Json = json.loads(figure.to_json())
    return {"data": drawn["data"], "layout": drawn["layout"], "narrow": narrow}


def _base(height: int, margin: Mapping[str, int]) -> Json:
    return {
        "height": height,
        "margin": {**margin, "pad": 0},
        "showlegend": False,
        "hovermode": "closest",
        "dragmode": False,
        "separators": decimal(".") + "\N{NARROW NO-BREAK SPACE}",
        "font": {"size": 12},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "legend": {"itemclick": False, "itemdoubleclick": False, "traceorder": "normal"},
    }


def _axis(*, grid: bool = False, **more: Any) -> Json:
    return {
        "showgrid": grid,
        "zeroline": False,
        "fixedrange": True,
        "ticks": "",
        "automargin": False,
        **more,
    }


def _share_axis(top: float) -> Json:
    step = top / (5 if top == 0.25 or top == 0.1 else 4)
    if top == 0.1:
        step = 0.02
    return _axis(grid=True, range=[0, top * 1.001]) | _share_ticks(
        [step * place for place in range(round(top / step) + 1)]
    )


def _share_ticks(shares: Sequence[float]) -> Json:
    """Named by us: plotly knows no language's percent sign."""
    ticks = [round(share, 4) for share in shares]
    return {"tickvals": ticks, "ticktext": [percent_words(decimal(f"{100 * tick:g}")) for tick in ticks]}


def _hours_axis(left: float, right: float, title: str) -> Json:
    ticks = [tick for tick in TICKS if left <= tick <= right]
    return _axis(
        type="log",
        range=[math.log10(left), math.log10(right)],
        tickvals=ticks,
        ticktext=list(map(tick_words, ticks)),
        showline=True,
        title={"text": title, "standoff": 8, "font": {"size": 12}},
    )


def _narrow_ticks(left: float, right: float) -> Json:
    """Fewer ticks: those that stand close together are not all named."""
    kept: list[float] = []
    preferred = [24, 168, 1, 720, 0.25, 6, 2160, 8760]
    room = (math.log10(right) - math.log10(left)) / 6
    for tick in preferred:
        if left <= tick <= right and all(abs(math.log10(tick / one)) >= room for one in kept):
            kept.append(tick)
    kept.sort()
    return {"tickvals": kept, "ticktext": list(map(tick_words, kept))}


def _in_template(name: str) -> str:
    """A name as it stands in a template of plotly's, which would fill in a "%{y}" of its own."""
    return escape(name).replace("%{", "%&#123;")


def _line_traces(line: Line, *, faint: bool = False) -> tuple[Trace, Trace]:
    band = go.Scatter(
        x=[*line.times, *reversed(line.times)],
        y=[*line.low, *reversed(line.high)],
        mode="lines",
        fill="toself",
        line={"width": 0},
        hoverinfo="skip",
        showlegend=False,
        meta={"role": line.role, "part": "faint" if faint else "band"},
    )
    drawn = go.Scatter(
        name=f"{escape(_cut(line.name, 30))}: {escape(line.end)}",
        x=list(line.times),
        y=list(line.estimate),
        text=list(map(hours_words, line.times)),
        mode="lines",
        line={"width": 2, "dash": line.dash},
        customdata=list(map(fine_percent, line.estimate)),
        hovertemplate=f"{_in_template(line.name)}<br>{_hover()}<extra></extra>",
        meta={"role": line.role, "part": "line"},
    )
    return band, drawn


def _hover() -> str:
    """What plotly puts together of a point of a line."""
    return _("%(time)s after the report: %(share)s") % {"time": "%{text}", "share": "%{customdata}"}


def _panels(lines: Sequence[Line], left: float, right: float, top: float, *, columns: int) -> Json:
    columns = min(columns, max(len(lines), 1))
    rows = math.ceil(len(lines) / columns)
    panel, gap = 104, 46
    plot = rows * panel + (rows - 1) * gap + 24
    across = 0.045 if columns > 2 else 0.08
    width = (1 - across * (columns - 1)) / columns
    layout: Json = {"height": plot + 34, "annotations": [], "shapes": []}
    for number, line in enumerate(lines):
        row, column = divmod(number, columns)
        suffix = "" if number == 0 else str(number + 1)
        start = column * (width + across)
        upper = 1 - (24 + row * (panel + gap)) / plot
        bottom_most = number + columns >= len(lines)
        ticks = [tick for tick in (1, 24, 168, 720, 2160) if left <= tick <= right]
        layout[f"xaxis{suffix}"] = _hours_axis(left, right, "") | {
            "domain": [start, start + width],
            "anchor": f"y{suffix}",
            "tickvals": ticks,
            "ticktext": list(map(tick_words, ticks)),
            "showticklabels": bottom_most,
            "tickfont": {"size": 10},
        }
        layout[f"yaxis{suffix}"] = _share_axis(top) | {
            "domain": [max(upper - panel / plot, 0), upper],
            "anchor": f"x{suffix}",
            **_share_ticks([0, top / 2, top]),
            "showticklabels": column == 0,
            "tickfont": {"size": 10},
        }
        layout["annotations"] += [
            _heading(_cut(line.name, 26 if columns > 2 else 19), x=start, y=upper, up=13),
            _note(
                escape(line.end), name="soft", x=start, y=upper, xref="paper", yref="paper",
                xanchor="left", yanchor="bottom", size=11,
            ),
        ]  # fmt: skip
        layout["shapes"] += _mark_lines(left, right, suffix)
    return layout


def _mark_lines(left: float, right: float, suffix: str = "") -> list[Json]:
    return [
        {
            "type": "line",
            "name": "mark",
            "layer": "below",
            "xref": f"x{suffix}",
            "yref": f"y{suffix} domain",
            "x0": mark,
            "x1": mark,
            "y0": 0,
            "y1": 1,
            "line": {"width": 1, "dash": "dot"},
        }
        for mark in MARKS_DRAWN
        if left <= mark <= right
    ]


def _note(words: str, *, name: str, size: int = 12, weight: int = 400, **where: Any) -> Json:
    # `<b>` would become a style attribute, which the content security policy forbids; a weight does not.
    font = {"size": size, "weight": weight}
    return {"text": words, "name": name, "showarrow": False, "font": font, **where}


def _heading(words: str, *, x: float, y: float, up: int = 4) -> Json:
    return _note(
        escape(words),
        name="ink",
        weight=600,
        x=x,
        y=y,
        xref="paper",
        yref="paper",
        xanchor="left",
        yanchor="bottom",
        yshift=up,
    )


def _segments() -> tuple[list[float | None], list[float | None]]:
    return [], []


def _add(
    strokes: tuple[list[float | None], list[float | None]], low: float, high: float, place: float
) -> None:
    strokes[0].extend((low, high, None))
    strokes[1].extend((place, place, None))


def _strokes(
    strokes: tuple[list[float | None], list[float | None]], role: str, width: float, x: str, y: str
) -> Trace:
    return go.Scatter(
        x=strokes[0],
        y=strokes[1],
        mode="lines",
        line={"width": width},
        xaxis=x,
        yaxis=y,
        hoverinfo="skip",
        meta={"role": role, "part": "line" if width < 4 else "thick"},
    )


def _hours_range(lines: Sequence[Line]) -> tuple[float, float]:
    """From well before there is something to see to the last look, no narrower than from 1 h to 3 d."""
    first, last = 1.0, 72.0
    for line in lines:
        begun = (at for at, share in zip(line.times, line.estimate, strict=True) if share >= FIRST_SEEN)
        first = min(first, next(begun, 4.0) / 4)
        last = max(last, line.times[-1])
    return max(first, 1 / 60), last


def _top(lines: Sequence[Line]) -> float:
    highest = max((line.estimate[-1] for line in lines), default=0)
    band = max((line.high[-1] for line in lines), default=0)
    return next(top for top in NICE_TOPS if top >= min(max(highest * 1.1, band), 1.0))


def _spaced(wanted: Sequence[float], gap: float, top: float) -> list[float]:
    """The wanted heights, moved apart so that no two are closer than `gap`, and kept within `top`."""
    order = sorted(range(len(wanted)), key=lambda at: wanted[at])
    heights = [min(max(wanted[at], gap / 2), top) for at in order]
    for at in range(1, len(heights)):
        heights[at] = max(heights[at], heights[at - 1] + gap)
    over = heights[-1] - (top - gap / 2) if heights else 0
    if over > 0:
        heights[-1] -= over
        for at in range(len(heights) - 2, -1, -1):
            heights[at] = min(heights[at], heights[at + 1] - gap)
    found = [0.0] * len(wanted)
    for at, height in zip(order, heights, strict=True):
        found[at] = height
    return found


def _before(days: Sequence[str]) -> str:
    """A little before the first day, so that its marks stand clear of the axis."""
    first, last = (datetime.fromisoformat(each) for each in (days[0], days[-1]))
    return f"{first - (last - first) / 40:%Y-%m-%d %H:%M}"


def _cut(words: str, length: int = LABEL_LENGTH) -> str:
    return words if len(words) <= length else words[: length - 1].rstrip() + "…"


def _short(words: str) -> str:
    return escape(_cut(words))


def _rounded(values: Any, places: int = 4) -> tuple[float, ...]:
    return tuple(np.round(np.asarray(values, np.float64), places).tolist())
