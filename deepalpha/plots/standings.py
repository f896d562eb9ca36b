"""Agents over time and against what came, as Apache ECharts options for `st.echarts_chart`."""

from __future__ import annotations

import math
from typing import Any

import polars as pl

from deepalpha.plots.echarts import COLOURS
from deepalpha.plots.spec import Tone

Option = dict[str, Any]
# Also told apart by their dash, for people who see fewer colours.
_LINES = (
    (Tone.FIRST, "solid"),
    (Tone.SECOND, "solid"),
    (Tone.THIRD, "solid"),
    (Tone.UP, "dashed"),
    (Tone.DOWN, "dashed"),
)
_GRID = {"left": 48, "right": 16, "top": 34, "bottom": 28}


def weights_chart(frame: pl.DataFrame) -> Option:
    """Lines of weights over time.

    Args:
        frame: `time` (UTC) and a column of weights for each agent.
    """
    names = [name for name in frame.columns if name != "time"]
    days = frame["time"].dt.strftime("%Y-%m-%d").to_list()
    series = []
    for place, name in enumerate(names):
        tone, dash = _LINES[place % len(_LINES)]
        series.append(
            {
                "name": name,
                "type": "line",
                "showSymbol": False,
                "data": [None if value is None else round(value, 4) for value in frame[name].to_list()],
                "lineStyle": {"width": 1.6, "type": dash, "color": COLOURS[tone]},
                "itemStyle": {"color": COLOURS[tone]},
            }
        )
    return {
        "animation": False,
        "grid": _GRID,
        "legend": {"type": "scroll", "top": 0, "left": 0, "data": names, "itemHeight": 8},
        "tooltip": {"trigger": "axis", "confine": True, "valueFormatter": "%.3f"},
        "xAxis": {"type": "category", "data": days, "boundaryGap": False, "axisLabel": {"hideOverlap": True}},
        "yAxis": {"type": "value", "scale": True, "splitLine": {"lineStyle": {"opacity": 0.25}}},
        "series": series,
    }


def reliability_chart(frame: pl.DataFrame) -> Option:
    """What was said against what came: dots with their 90 % intervals, and the diagonal of a perfect forecaster.

    Args:
        frame: `said`, `came`, `low`, `high` (0..1) and `n` for each bin.
    """
    bars = []
    for row in frame.iter_rows(named=True):
        ends = [[round(row["said"], 4), round(row[end], 4)] for end in ("low", "high")]
        bars.append([{"coord": ends[0]}, {"coord": ends[1]}])
    dots = [[round(row["said"], 4), round(row["came"], 4), row["n"]] for row in frame.iter_rows(named=True)]
    muted = COLOURS[Tone.MUTED]
    spread: list[float] = [abs(value - 0.5) for name in ("said", "low", "high") for value in frame[name].to_list()]
    reach = min(0.5, math.ceil(10 * max(spread, default=0.5)) / 10)  # around the data: most markets say little
    low, high = round(0.5 - reach, 1), round(0.5 + reach, 1)
    axis = {"type": "value", "min": low, "max": high, "splitLine": {"lineStyle": {"opacity": 0.25}}}
    return {
        "animation": False,
        "grid": {**_GRID, "top": 16, "bottom": 40},
        "tooltip": {"trigger": "item", "confine": True},
        "xAxis": {**axis, "name": "said: P(price rises)", "nameLocation": "middle", "nameGap": 24},
        "yAxis": {**axis, "name": "came"},
        "series": [
            {
                "type": "line",
                "data": [[low, low], [high, high]],
                "showSymbol": False,
                "silent": True,
                "lineStyle": {"type": "dashed", "width": 1, "color": muted},
            },
            {
                "type": "scatter",
                "name": "bin",
                "data": dots,
                "symbolSize": 9,
                "itemStyle": {"color": COLOURS[Tone.FIRST]},
                "markLine": {
                    "symbol": "none",
                    "silent": True,
                    "label": {"show": False},
                    "lineStyle": {"type": "solid", "width": 1.5, "color": COLOURS[Tone.FIRST], "opacity": 0.6},
                    "data": bars,
                },
            },
        ],
    }
