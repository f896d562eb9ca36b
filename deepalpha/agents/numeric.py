"""Pure numeric helpers that several agents share. No state, no clock; NaN in means NaN or "nothing" out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from deepalpha.types import DAY, BarFrame, Evidence

if TYPE_CHECKING:
    from numpy.typing import NDArray

P_UP_DECIMALS = 6
"""Probabilities are rounded here so that a last-bit difference between two CPUs does not change a decision id."""

SECONDS_PER_YEAR = 365.25 * 86_400


class Level(msgspec.Struct, frozen=True):
    """A price level that swings have touched: mean price, number of touches, bar index of the last touch."""

    price: float
    touches: int
    last: int


def clamp(value: float, low: float, high: float) -> float:
    """`value` limited to low..high. NaN stays NaN."""
    return value if math.isnan(value) else max(low, min(high, value))


def all_finite(*values: float) -> bool:
    """Whether every value is a finite number."""
    return all(math.isfinite(value) for value in values)


def probability(score: float, edge: float) -> float:
    """Map a score in -1..1 to p_up = 0.5 + edge * score, limited to 0.5 +- edge and rounded."""
    return round(0.5 + edge * clamp(score, -1.0, 1.0), P_UP_DECIMALS)


def last_of(frame: BarFrame, name: str) -> float:
    """Last value of a series; NaN while it warms up or when this view does not carry it."""
    return frame.last(name) if name in frame.series else math.nan


def evidence_of(frame: BarFrame, name: str) -> Evidence | None:
    """The last value of a price field or series as evidence ``<timeframe>:<name>``; None when it is not finite."""
    values = frame.series[name] if name in frame.series else getattr(frame, name)
    value = float(values[-1]) if len(values) else math.nan
    return Evidence(id=f"{frame.timeframe}:{name}", value=value) if math.isfinite(value) else None


def collect(*items: Evidence | None) -> tuple[Evidence, ...]:
    """The evidence that exists, each id once, in the order given."""
    return tuple({item.id: item for item in items if item is not None}.values())


def log_returns(close: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log returns of the finite positive prices in `close`; shape (m - 1,) for m of them, empty for m < 2."""
    usable = close[np.isfinite(close) & (close > 0)]
    return np.diff(np.log(usable)) if len(usable) > 1 else np.empty(0)


def bar_seconds(frame: BarFrame) -> float:
    """Median distance of two closes in seconds; NaN for fewer than two bars."""
    return float(np.median(np.diff(frame.ts_event))) / 1e9 if len(frame) > 1 else math.nan


def bars_per_year(frame: BarFrame) -> float:
    """Bars a year as the data really has them (252 for daily shares, 8,766 for hourly crypto); NaN below two bars."""
    span = float(frame.ts_event[-1] - frame.ts_event[0]) / 1e9 if len(frame) > 1 else 0.0
    return (len(frame) - 1) * SECONDS_PER_YEAR / span if span > 0 else math.nan


def bars_per_day(frame: BarFrame) -> float:
    """How many bars of the usual length fit into 24 hours; NaN below two bars."""
    seconds = bar_seconds(frame)
    return DAY / 1e9 / seconds if seconds > 0 else math.nan


def historical_var(returns: NDArray[np.float64], level: float) -> float:
    """Historical value at risk: the loss not exceeded with probability `level`, as a fraction >= 0.

    The best of the worst ceil((1 - level) * n) log returns, turned into a simple loss; no interpolation, no model.
    """
    tail = _worst(returns, level)
    return max(0.0, 1.0 - math.exp(float(tail[-1]))) if len(tail) else math.nan


def historical_cvar(returns: NDArray[np.float64], level: float) -> float:
    """Expected shortfall: the mean loss of the worst ceil((1 - level) * n) returns, as a fraction >= 0."""
    tail = _worst(returns, level)
    return max(0.0, float(np.mean(1.0 - np.exp(tail)))) if len(tail) else math.nan


def _worst(returns: NDArray[np.float64], level: float) -> NDArray[np.float64]:
    """The worst ceil((1 - level) * n) returns, worst first. Ties do not widen the tail."""
    # Rounded first: 0.05 * 20 is a little above 1 in binary and must still mean one return.
    return np.sort(returns)[: math.ceil(round((1.0 - level) * len(returns), 9))]


def price_drawdown(close: NDArray[np.float64]) -> float:
    """How far the last finite price stands below the highest one, as a fraction 0..1; NaN without prices."""
    usable = close[np.isfinite(close) & (close > 0)]
    return float(1.0 - usable[-1] / usable.max()) if len(usable) else math.nan


def pivots(values: NDArray[np.float64], k: int, *, high: bool) -> NDArray[np.int64]:
    """Indices of fractal pivots: bars whose value is the extreme of the k bars before and the k bars after.

    A pivot at bar i is known only at bar i + k, so the last k bars never hold one. The left side is strict, so a flat
    top counts once, at its first bar. Windows with NaN hold no pivot.

    Args:
        values: highs (or lows, or any series), shape (n,).
        k: bars on each side, >= 1.
        high: True for tops, False for bottoms.
    """
    if len(values) < 2 * k + 1:
        return np.empty(0, dtype=np.int64)
    signed = values if high else -values
    windows = np.lib.stride_tricks.sliding_window_view(signed, 2 * k + 1)
    centre = windows[:, k]
    before = windows[:, :k].max(axis=1)
    after = windows[:, k + 1 :].max(axis=1)
    # A comparison with NaN is False, which is exactly "no pivot here".
    return np.nonzero((centre > before) & (centre >= after))[0] + k


def cluster_levels(prices: NDArray[np.float64], indices: NDArray[np.int64], width: float) -> list[Level]:
    """Merge swing prices that lie within `width` of their neighbour into levels, lowest first."""
    order = np.argsort(prices, kind="stable")
    levels: list[Level] = []
    group: list[int] = []
    for position in order:
        if group and prices[position] - prices[group[0]] > width:
            levels.append(_level(prices, indices, group))
            group = []
        group.append(int(position))
    if group:
        levels.append(_level(prices, indices, group))
    return levels


def _level(prices: NDArray[np.float64], indices: NDArray[np.int64], group: list[int]) -> Level:
    return Level(price=float(np.mean(prices[group])), touches=len(group), last=int(indices[group].max()))
