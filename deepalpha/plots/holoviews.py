"""Draws a chart spec with HoloViews (bokeh) for notebooks. HoloViews is imported when it is first needed: the app and
the engine run without it.

Each pane's vertical dimension has a name of its own: HoloViews links axes by name, and an RSI must not share the scale
of a price. All panes share the dimension `time`, so they zoom together.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from deepalpha.errors import ConfigError
from deepalpha.plots.echarts import COLOURS
from deepalpha.plots.spec import Bars, Candles, ChartSpec, MarkerKind, Pane, Tone

_HALF = 0.35  # half a body's width, in shares of the distance between bars
_MARKS = {
    MarkerKind.BUY_DECISION: ("triangle", COLOURS[Tone.UP], 6, 0.0),
    MarkerKind.SELL_DECISION: ("inverted_triangle", COLOURS[Tone.DOWN], 6, 0.0),
    MarkerKind.BUY_FILL: ("triangle", COLOURS[Tone.UP], 11, 1.0),
    MarkerKind.SELL_FILL: ("inverted_triangle", COLOURS[Tone.DOWN], 11, 1.0),
}


def to_holoviews(spec: ChartSpec, *, width: int = 900, height: int = 640) -> Any:
    """A `holoviews.Layout` of the panes in one column.

    Args:
        spec: what to draw.
        width: pixels.
        height: pixels of all panes together.

    Raises:
        ConfigError: HoloViews is not installed.
    """
    try:
        import holoviews as hv
    except ImportError as error:
        raise ConfigError("charts in notebooks need HoloViews; pip install 'deepalpha[notebook]'") from error
    if "bokeh" not in hv.Store.renderers:
        hv.extension("bokeh", logo=False)
    times = np.array(spec.times, dtype="datetime64[ns]")
    step = np.median(np.diff(times)) if len(times) > 1 else np.timedelta64(1, "D")
    total = sum(pane.weight for pane in spec.panes)
    drawn = [
        _pane(hv, pane, times, step).opts(
            hv.opts.Overlay(
                width=width,
                height=max(90, round(height * pane.weight / total)),
                title=spec.title if index == 0 else "",
                xaxis="bottom" if index == len(spec.panes) - 1 else "bare",
                show_legend=False,
                show_grid=True,
            )
        )
        for index, pane in enumerate(spec.panes)
    ]
    return hv.Layout(drawn).cols(1).opts(hv.opts.Layout(shared_axes=True, toolbar="right"))


def _pane(hv: Any, pane: Pane, times: Any, step: Any) -> Any:
    y = pane.name.lower()
    unknown = [math.nan] * len(times)
    # An overlay is never empty: HoloViews cannot draw one. The invisible curve also fixes the names of the axes.
    found = [hv.Curve((times, unknown), "time", hv.Dimension(y, label=pane.name)).opts(alpha=0)]
    for bars in pane.bars:
        found.append(_bars(hv, bars, times, step, y))
    if pane.candles is not None:
        found += _candles(hv, pane.candles, times, step, y)
    for line in pane.lines:
        values = [math.nan if value is None else value for value in line.values]
        style = {"color": COLOURS[line.tone], "line_width": 1.4, "line_dash": "dashed" if line.dashed else "solid"}
        found.append(hv.Curve((times, values), "time", y, label=line.name).opts(**style))
    for level in pane.levels:
        found.append(hv.HLine(level.value).opts(color=COLOURS[level.tone], line_dash="dotted", line_width=1.2))
    for kind, (marker, colour, size, fill) in _MARKS.items():
        points = [(times[mark.index], mark.value, mark.text) for mark in pane.markers if mark.kind is kind]
        if points:
            style = {"marker": marker, "color": colour, "size": size, "fill_alpha": fill, "tools": ["hover"]}
            found.append(hv.Points(points, ["time", y], "what", label=kind.value).opts(**style))
    return hv.Overlay(found)


def _candles(hv: Any, candles: Candles, times: Any, step: Any, y: str) -> list[Any]:
    dimensions = ["time", y, "until", f"{y} to"]
    wicks = hv.Segments((times, candles.low, times, candles.high), dimensions).opts(color=COLOURS[Tone.MUTED])
    rising = [close >= start for start, close in zip(candles.open, candles.close, strict=True)]
    bodies = (times - step * _HALF, candles.open, times + step * _HALF, candles.close, _colours(rising))
    return [wicks, hv.Rectangles(bodies, dimensions, "colour").opts(color="colour", line_alpha=0)]


def _bars(hv: Any, bars: Bars, times: Any, step: Any, y: str) -> Any:
    heights = [0.0 if value is None else value for value in bars.values]
    zeros = [0.0] * len(heights)
    bodies = (times - step * _HALF, zeros, times + step * _HALF, heights, _colours(list(bars.rising)))
    return hv.Rectangles(bodies, ["time", y, "until", f"{y} to"], "colour").opts(color="colour", line_alpha=0)


def _colours(rising: list[bool]) -> list[str]:
    return [COLOURS[Tone.UP if up else Tone.DOWN] for up in rising]
