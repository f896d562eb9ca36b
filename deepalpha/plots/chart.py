"""Builds chart specs from bars, computed indicators and what happened. Pure: frames and arrays in, a spec out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from deepalpha.plots.spec import Bars, Candles, ChartSpec, Level, Line, Marker, MarkerKind, Pane, Tone, Values
from deepalpha.types import DAY, BarFrame

_PRICE_LINES = {
    "SMA_20": ("SMA 20", Tone.FIRST, False),
    "SMA_50": ("SMA 50", Tone.SECOND, False),
    "BBANDS_20.upperband": ("Bollinger upper", Tone.MUTED, True),
    "BBANDS_20.lowerband": ("Bollinger lower", Tone.MUTED, True),
}
#: The indicator series `candle_chart` draws; ask `deepalpha.ta` for these.
SERIES = ("SMA_20", "SMA_50", "BBANDS_20", "RSI_14", "MACD_12_26_9")
_AT_OPEN = "at the open"  # how the venue's reason for such a fill ends
_WHAT = {
    ("fill", "buy"): MarkerKind.BUY_FILL,
    ("fill", "sell"): MarkerKind.SELL_FILL,
    ("decision", "buy"): MarkerKind.BUY_DECISION,
    ("decision", "sell"): MarkerKind.SELL_DECISION,
}


def candle_chart(
    title: str,
    bars: BarFrame,
    *,
    show: int = 250,
    decisions: pl.DataFrame | None = None,
    fills: pl.DataFrame | None = None,
    levels: Sequence[Level] = (),
) -> ChartSpec:
    """Candles with averages and bands over volume, RSI and MACD, with decisions and fills where they happened.

    Args:
        title: what is shown.
        bars: closed bars with the series named in `SERIES`; a series that is not there is not drawn.
        show: how many of the latest bars to draw, at least 1.
        decisions: `time` (naive UTC or UTC), `action`, `confidence`, `status`, `price`; holds are left out.
        fills: `time`, `side`, `quantity`, `price`, `reason`.
        levels: prices to draw across, for example a stop.

    Raises:
        ValueError: `show` is below 1.
    """
    if show < 1:
        raise ValueError(f"show {show} bars: at least 1 is needed")
    cut = slice(max(0, len(bars) - show), len(bars))
    drawn = {name: values_of(values[cut]) for name, values in bars.series.items()}
    markers = (*_marks("decision", decisions, bars, cut), *_marks("fill", fills, bars, cut))
    rising = tuple(bool(up) for up in bars.close[cut] >= bars.open[cut])
    price = Pane(
        name="Price",
        weight=5,
        candles=Candles(
            name="Price",
            open=_floats(bars.open[cut]),
            high=_floats(bars.high[cut]),
            low=_floats(bars.low[cut]),
            close=_floats(bars.close[cut]),
        ),
        lines=tuple(
            Line(name=name, values=drawn[key], tone=tone, dashed=dashed)
            for key, (name, tone, dashed) in _PRICE_LINES.items()
            if key in drawn
        ),
        markers=markers,
        levels=tuple(levels),
    )
    volume = Pane(name="Volume", bars=(Bars(name="Volume", values=values_of(bars.volume[cut]), rising=rising),))
    gaps = np.diff(bars.ts_open[cut])
    return ChartSpec(
        title=title,
        times=tuple(int(time) for time in bars.ts_open[cut]),
        panes=(price, volume, *_oscillators(drawn)),
        intraday=bool(len(gaps) and gaps.min() < DAY),
    )


def _oscillators(drawn: Mapping[str, Values]) -> list[Pane]:
    panes = []
    if "RSI_14" in drawn:
        levels = (Level(name="overbought", value=70.0), Level(name="oversold", value=30.0))
        panes.append(Pane(name="RSI", lines=(Line(name="RSI 14", values=drawn["RSI_14"]),), levels=levels))
    prefix = "MACD_12_26_9"
    if f"{prefix}.macd" in drawn:
        histogram = drawn[f"{prefix}.macdhist"]
        rising = tuple(value is not None and value >= 0 for value in histogram)
        lines = (
            Line(name="MACD", values=drawn[f"{prefix}.macd"]),
            Line(name="MACD signal", values=drawn[f"{prefix}.macdsignal"], tone=Tone.SECOND),
        )
        panes.append(Pane(name="MACD", lines=lines, bars=(Bars(name="MACD hist", values=histogram, rising=rising),)))
    return panes


def equity_chart(curve: pl.DataFrame, *, title: str = "Equity") -> ChartSpec:
    """Equity after each step.

    Args:
        curve: `time` ascending, `equity` (float); an empty frame gives an empty chart.
    """
    if curve.is_empty():
        return ChartSpec(title=title, times=(), panes=(Pane(name="Equity"),))
    equity = curve["equity"].to_numpy()
    lines = (Line(name="Equity", values=values_of(equity), filled=True),)
    levels = (Level(name="start", value=float(equity[0])),)
    times = curve["time"].dt.epoch("ns").to_list()
    return ChartSpec(title=title, times=tuple(times), panes=(Pane(name="Equity", lines=lines, levels=levels),))


def values_of(array: NDArray[np.float64]) -> Values:
    """Floats with None for NaN and infinities, as JSON has none."""
    return tuple(float(value) if math.isfinite(value) else None for value in array)


def _floats(array: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(float(value) for value in array)


def _marks(what: str, frame: pl.DataFrame | None, bars: BarFrame, cut: slice) -> list[Marker]:
    """Marks at the bars that held each moment; what lies outside of them is left out."""
    if frame is None or frame.is_empty() or not len(bars):
        return []
    opens, ends = bars.ts_open[cut], bars.ts_event[cut]
    found = []
    for row in frame.with_columns(frame["time"].dt.epoch("ns").alias("ns")).to_dicts():
        kind = _WHAT.get((what, str(row["side"] if what == "fill" else row["action"])))
        # Midnight ends one daily bar and begins the next: a fill at the open belongs to the bar that begins.
        at_open = str(row.get("reason") or "").endswith(_AT_OPEN)
        index = (
            int(np.searchsorted(opens, row["ns"], "right")) - 1 if at_open else int(np.searchsorted(ends, row["ns"]))
        )
        inside = 0 <= index < len(ends) and opens[0] <= row["ns"] <= ends[-1]
        if kind is not None and inside and (at_open or row["ns"] > opens[0]):
            found.append(_mark(kind, row, index, bars, cut))
    return found


def _mark(kind: MarkerKind, row: Mapping[str, object], index: int, bars: BarFrame, cut: slice) -> Marker:
    """A fill stands at its price, a decision below (buy) or above (sell) its bar."""
    price = f"{float(str(row['price'])):,.2f}"
    if kind in (MarkerKind.BUY_FILL, MarkerKind.SELL_FILL):
        reason = f", {row['reason']}" if row.get("reason") else ""
        text = f"{kind}: {float(str(row['quantity'])):,g} at {price}{reason}"
        return Marker(index=index, value=float(str(row["price"])), kind=kind, text=text)
    text = f"{kind}: {float(str(row['confidence'])):.0f} %, {row['status']}, at {price}"
    below = kind is MarkerKind.BUY_DECISION
    edge = bars.low[cut][index] if below else bars.high[cut][index]
    return Marker(index=index, value=float(edge), kind=kind, text=text)
