"""Draws a chart spec as an Apache ECharts option for `st.echarts_chart`. Every number travels in one data frame."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl

from deepalpha.plots.spec import Bars, ChartSpec, Level, Line, Marker, MarkerKind, Pane, Tone

Option = dict[str, Any]

# Readable on a dark and on a white ground; up and down also differ in lightness for people who see no red or green.
COLOURS = {
    Tone.FIRST: "#4c9be8",
    Tone.SECOND: "#e8a33d",
    Tone.THIRD: "#b07ce8",
    Tone.MUTED: "#7d8aa0",
    Tone.UP: "#2fb67c",
    Tone.DOWN: "#e5484d",
}


def _hollow(tone: Tone) -> Option:
    return {"color": "transparent", "borderColor": COLOURS[tone], "borderWidth": 1.3}


def _full(tone: Tone) -> Option:
    return {"color": COLOURS[tone], "borderColor": "#ffffff", "borderWidth": 0.8}


#: Kind of mark -> its look. A decision is a small hollow triangle beside its bar, a fill a large full one at its price.
_MARKS: dict[MarkerKind, Option] = {
    MarkerKind.BUY_DECISION: {"symbolSize": 8, "symbolOffset": [0, "120%"], "itemStyle": _hollow(Tone.UP)},
    MarkerKind.SELL_DECISION: {
        "symbolSize": 8,
        "symbolOffset": [0, "-120%"],
        "symbolRotate": 180,
        "itemStyle": _hollow(Tone.DOWN),
    },
    MarkerKind.BUY_FILL: {"symbolSize": 13, "itemStyle": _full(Tone.UP)},
    MarkerKind.SELL_FILL: {"symbolSize": 13, "symbolRotate": 180, "itemStyle": _full(Tone.DOWN)},
}
_TOP, _BOTTOM, _GAP = 6.0, 8.5, 2.5  # percent of the height
_NUMBER = "%,.2f"


def to_echarts(spec: ChartSpec, *, zoom: int | None = 150) -> Option:
    """An ECharts option; `dataset.source` is a polars frame, everything else is plain JSON.

    Args:
        spec: what to draw.
        zoom: bars that are in view at first, the latest ones, with a slider for the rest; None shows all, no slider.
    """
    several = len(spec.panes) > 1
    labels = [_label(time, intraday=spec.intraday) for time in spec.times]
    option: Option = {
        "animation": False,
        "dataset": {"source": _source(spec, labels)},
        "axisPointer": {"link": [{"xAxisIndex": "all"}]},
        "tooltip": {"trigger": "axis", "confine": True, "axisPointer": {"type": "cross"}, "valueFormatter": _NUMBER},
        "grid": [],
        "title": [],
        "xAxis": [],
        "yAxis": [],
        "series": [],
        "visualMap": [],
    }
    room = 100.0 - _TOP - (_BOTTOM if zoom else 9.0) - _GAP * (len(spec.panes) - 1)
    total = sum(pane.weight for pane in spec.panes)
    top = _TOP
    for index, pane in enumerate(spec.panes):
        height = room * pane.weight / total
        _add_frame(option, pane, index, top, height, last=index == len(spec.panes) - 1, titled=several)
        _add_series(option, pane, index, labels)
        top += height + _GAP
    if several:
        names = [line.name for line in spec.panes[0].lines]
        option["legend"] = {"type": "scroll", "top": 0, "left": 56, "right": 0, "data": names, "itemHeight": 8}
    if zoom:
        option["dataZoom"] = _zoom(len(spec.times), zoom, len(spec.panes))
    return option


def _source(spec: ChartSpec, labels: list[str]) -> pl.DataFrame:
    columns: dict[str, Any] = {"time": labels}
    for pane in spec.panes:
        if pane.candles is not None:
            columns |= {part: getattr(pane.candles, part) for part in ("open", "close", "low", "high")}
        columns |= {line.name: line.values for line in pane.lines}
        for bars in pane.bars:
            columns |= {bars.name: bars.values, _rising(bars): [int(up) for up in bars.rising]}
    types = {name: pl.Int8() if name.endswith(" rising") else pl.Float64() for name in columns}
    return pl.DataFrame(columns, schema={**types, "time": pl.String()}, strict=False)


def _rising(bars: Bars) -> str:
    return f"{bars.name} rising"


def _label(time: int, *, intraday: bool) -> str:
    moment = dt.datetime.fromtimestamp(time // 1_000_000_000, dt.UTC)
    return moment.strftime("%Y-%m-%d %H:%M" if intraday else "%Y-%m-%d")


def _add_frame(option: Option, pane: Pane, index: int, top: float, height: float, *, last: bool, titled: bool) -> None:
    # Without outerBoundsMode ECharts moves each pane by its own labels, and the bars of one no longer stand above
    # those of the next.
    edges = {"left": 8, "right": 62, "outerBoundsMode": "none"}
    option["grid"].append({**edges, "top": f"{top:.2f}%", "height": f"{height:.2f}%"})
    option["xAxis"].append(
        {
            "type": "category",
            "gridIndex": index,
            "boundaryGap": True,
            "axisLabel": {"show": last, "hideOverlap": True, "alignMinLabel": "left"},
            "axisTick": {"show": False},
            "axisPointer": {"label": {"show": last}},
        }
    )
    axis: Option = {"type": "value", "gridIndex": index, "position": "right", "scale": True}
    axis["splitNumber"] = 5 if pane.weight > 1 or not titled else 2
    axis["axisLabel"] = {"hideOverlap": True}
    if pane.bars and not pane.lines:
        # The height of a volume bar says enough; its digits would be as wide as the chart's margin.
        axis |= {"scale": False, "axisLabel": {"show": False}, "splitLine": {"show": False}}
    elif (flat := _flat(pane)) is not None:
        # Left alone, ECharts draws a constant 100,000 on a scale from 40,000 to 160,000.
        axis |= {"min": flat - abs(flat) / 100, "max": flat + abs(flat) / 100}
    option["yAxis"].append(axis)
    if titled:
        style = {"fontSize": 11, "fontWeight": "bold", "color": COLOURS[Tone.MUTED]}
        option["title"].append({"text": pane.name, "left": 8, "top": f"{top:.2f}%", "padding": 2, "textStyle": style})


def _flat(pane: Pane) -> float | None:
    """The only value of a pane of lines, unless it is zero or there are several."""
    found = {value for line in pane.lines for value in line.values if value is not None}
    return found.pop() if pane.candles is None and len(found) == 1 and found != {0.0} else None


def _add_series(option: Option, pane: Pane, index: int, labels: list[str]) -> None:
    axes = {"xAxisIndex": index, "yAxisIndex": index}
    found: list[Option] = []
    for bars in pane.bars:
        found.append({"type": "bar", "name": bars.name, **axes, "encode": {"x": "time", "y": bars.name}})
        option["visualMap"].append(_two_colours(bars, len(option["series"]) + len(found) - 1))
    if pane.candles is not None:
        up, down = COLOURS[Tone.UP], COLOURS[Tone.DOWN]
        found.append(
            {
                "type": "candlestick",
                "name": pane.candles.name,
                **axes,
                "encode": {"x": "time", "y": ["open", "close", "low", "high"]},
                "itemStyle": {"color": up, "color0": down, "borderColor": up, "borderColor0": down},
            }
        )
    found += [_line(line) | axes for line in pane.lines]
    if found and pane.levels:
        found[-1 if pane.candles is None else 0]["markLine"] = _levels(
            pane.levels, "insideEndTop" if pane.candles is None else "insideStartTop"
        )
    option["series"] += [*found, *(series | axes for series in _marks(pane.markers, labels))]


def _two_colours(bars: Bars, series: int) -> Option:
    pieces = [{"value": 1, "color": COLOURS[Tone.UP]}, {"value": 0, "color": COLOURS[Tone.DOWN]}]
    return {
        "show": False,
        "type": "piecewise",
        "seriesIndex": series,
        "dimension": _rising(bars),
        "pieces": pieces,
    }


def _line(line: Line) -> Option:
    colour = COLOURS[line.tone]
    drawn: Option = {
        "type": "line",
        "name": line.name,
        "encode": {"x": "time", "y": line.name},
        "showSymbol": False,
        "itemStyle": {"color": colour},
        "lineStyle": {"color": colour, "width": 1.4, "type": "dashed" if line.dashed else "solid"},
    }
    if line.filled:
        drawn["areaStyle"] = {"color": colour, "opacity": 0.12, "origin": "start"}
    return drawn


def _levels(levels: tuple[Level, ...], position: str) -> Option:
    lines = [
        {
            "yAxis": level.value,
            "name": level.name,
            "lineStyle": {"color": COLOURS[level.tone], "type": "dotted", "width": 1.2},
            "label": {
                "formatter": f"{level.name} {level.value:,.6g}",
                "position": position,
                "color": COLOURS[level.tone],
            },
        }
        for level in levels
    ]
    return {"symbol": "none", "silent": True, "data": lines}


def _marks(markers: tuple[Marker, ...], labels: list[str]) -> list[Option]:
    series = []
    for kind, look in _MARKS.items():
        # By label, not by index: ECharts would add the numbers to the axis as labels of their own.
        points = [[labels[marker.index], marker.value, marker.text] for marker in markers if marker.kind is kind]
        if points:
            series.append(
                {
                    "type": "scatter",
                    "name": kind.value,
                    "data": points,
                    "dimensions": [
                        {"name": "bar", "type": "ordinal"},
                        {"name": "height"},
                        {"name": "what", "type": "ordinal"},
                    ],
                    "encode": {"x": 0, "y": 1, "tooltip": [2]},
                    "symbol": "triangle",
                    "z": 5,
                    **look,
                }
            )
    return series


def _zoom(bars: int, visible: int, panes: int) -> list[Option]:
    """The wheel and a slider; `start` is in percent of all bars."""
    start = max(0.0, 100.0 * (bars - visible) / bars) if bars else 0.0
    axes = list(range(panes))
    shared = {"xAxisIndex": axes, "start": start, "end": 100}
    return [{"type": "inside", **shared}, {"type": "slider", **shared, "bottom": 4, "height": 18, "showDetail": False}]
