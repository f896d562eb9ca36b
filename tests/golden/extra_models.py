"""Indicators that TA-Lib lacks, straight from the published formula: plain loops that share nothing with the core.

Each model takes the bars and its parameters in the SPEC's order and gives its outputs, NaN where it has no value.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bars = dict[str, Floats]
Model = Callable[..., list[Floats]]

NAN = math.nan


def over(length: int, first: int, value: Callable[[int], Any]) -> Floats:
    """`value(bar)` from bar `first` on."""
    return np.array([NAN if bar < first else value(bar) for bar in range(length)], dtype=np.float64)


def ratio(numerator: float, denominator: float) -> float:
    return 0.0 if denominator == 0 else float(numerator / denominator)


def true_ranges(bars: Bars) -> Floats:
    """NaN on the first bar."""
    high, low, close = bars["high"], bars["low"], bars["close"]

    def one(bar: int) -> float:
        before = close[bar - 1]
        return float(max(high[bar] - low[bar], abs(high[bar] - before), abs(low[bar] - before)))

    return over(len(close), 1, one)


def wilder(values: Floats, period: int, first: int) -> Floats:
    """Wilder's average of values that begin at bar `first`."""
    out = np.full(len(values), NAN)
    for bar in range(first + period - 1, len(values)):
        if bar == first + period - 1:
            out[bar] = np.mean(values[first : bar + 1])
        else:
            out[bar] = (out[bar - 1] * (period - 1) + values[bar]) / period
    return out


def middle(bars: Bars, period: int) -> Floats:
    high, low = bars["high"], bars["low"]
    return over(
        len(high), period - 1, lambda i: (high[i - period + 1 : i + 1].max() + low[i - period + 1 : i + 1].min()) / 2
    )


def ichimoku(bars: Bars, conversion: int, base: int, span_b: int, displacement: int) -> list[Floats]:
    close, shift = bars["close"], displacement - 1
    tenkan, kijun, slow = middle(bars, conversion), middle(bars, base), middle(bars, span_b)
    first = max(conversion, base, span_b) - 1 + shift
    rows = [
        lambda i: tenkan[i],
        lambda i: kijun[i],
        lambda i: (tenkan[i - shift] + kijun[i - shift]) / 2,
        lambda i: slow[i - shift],
        lambda i: close[i] - close[i - shift],
    ]
    return [over(len(close), first, row) for row in rows]


def _vwap(bars: Bars, start: Callable[[int], int], first: int, above: float, below: float) -> list[Floats]:
    price = (bars["high"] + bars["low"] + bars["close"]) / 3
    columns: list[list[float]] = [[], [], []]
    for bar in range(len(price)):
        begin = start(bar)
        weights = bars["volume"][begin : bar + 1]
        mean = deviation = NAN
        if bar >= first and weights.sum() > 0:
            mean = float(np.average(price[begin : bar + 1], weights=weights))
            deviation = math.sqrt(np.average((price[begin : bar + 1] - mean) ** 2, weights=weights))
        for column, value in zip(columns, (mean + above * deviation, mean, mean - below * deviation), strict=True):
            column.append(value)
    return [np.array(column) for column in columns]


def vwap_bands(bars: Bars, above: float, below: float) -> list[Floats]:
    session = bars["session"]
    starts = [max([0, *(k for k in range(1, bar + 1) if session[k] != session[k - 1])]) for bar in range(len(session))]
    return _vwap(bars, lambda bar: starts[bar], 0, above, below)


def vwap_session(bars: Bars) -> list[Floats]:
    return vwap_bands(bars, 0.0, 0.0)[1:2]


def vwap_anchored(bars: Bars, anchor: int) -> list[Floats]:
    return _vwap(bars, lambda _: anchor, anchor, 0.0, 0.0)[1:2]


def alma(bars: Bars, period: int, offset: float, sigma: float) -> list[Floats]:
    close = bars["close"]
    place = np.arange(period)
    weights = np.exp(-((place - offset * (period - 1)) ** 2) / (2 * (period / sigma) ** 2))
    return [over(len(close), period - 1, lambda i: (weights * close[i - period + 1 : i + 1]).sum() / weights.sum())]


def vidya(bars: Bars, period: int, cmo: int) -> list[Floats]:
    close = bars["close"]
    out = np.full(len(close), NAN)
    for bar in range(cmo, len(close)):
        changes = [close[k] - close[k - 1] for k in range(bar - cmo + 1, bar + 1)]
        up, down = sum(c for c in changes if c > 0), -sum(c for c in changes if c < 0)
        weight = 2 / (period + 1) * abs(ratio(up - down, up + down))
        before = close[bar - 1] if bar == cmo else out[bar - 1]
        out[bar] = weight * close[bar] + (1 - weight) * before
    return [out]


def frama(bars: Bars, period: int) -> list[Floats]:
    high, low = bars["high"], bars["low"]
    period += period % 2
    half, dimension = period // 2, 1.0
    out = np.full(len(high), NAN)
    for bar in range(period - 1, len(high)):
        price, end = (high[bar] + low[bar]) / 2, bar + 1
        newer = (high[end - half : end].max() - low[end - half : end].min()) / half
        older = (high[end - period : end - half].max() - low[end - period : end - half].min()) / half
        whole = (high[end - period : end].max() - low[end - period : end].min()) / period
        if newer > 0 and older > 0 and whole > 0:
            dimension = (math.log(newer + older) - math.log(whole)) / math.log(2)
        weight = min(max(math.exp(-4.6 * (dimension - 1)), 0.01), 1.0)
        out[bar] = price if bar == period - 1 else weight * price + (1 - weight) * out[bar - 1]
    return [out]


def jma(bars: Bars, period: int, phase: float, power: float) -> list[Floats]:
    close = bars["close"]
    beta = 0.45 * (period - 1) / (0.45 * (period - 1) + 2)
    alpha = beta**power
    e0, e1, e2, out = close[0], 0.0, 0.0, [close[0]]
    for price in close[1:]:
        e0 = (1 - alpha) * price + alpha * e0
        e1 = (price - e0) * (1 - beta) + beta * e1
        e2 = (e0 + (1.5 + phase / 100) * e1 - out[-1]) * (1 - alpha) ** 2 + alpha**2 * e2
        out.append(out[-1] + e2)
    return [np.array(out)]


def mcginley(bars: Bars, period: int) -> list[Floats]:
    close = bars["close"]
    out = np.full(len(close), NAN)
    for bar in range(period - 1, len(close)):
        if bar == period - 1:
            out[bar] = close[:period].mean()
        else:
            before = out[bar - 1]
            out[bar] = before + (close[bar] - before) / max(period * (close[bar] / before) ** 4, 1.0)
    return [out]


def squeeze(bars: Bars, period: int, deviations: float, channel: int, ranges: float) -> list[Floats]:
    close, true_range = bars["close"], true_ranges(bars)
    first = max(period - 1, 2 * (channel - 1))
    centre = middle(bars, channel)
    delta = over(len(close), channel - 1, lambda i: close[i] - (centre[i] + close[i - channel + 1 : i + 1].mean()) / 2)

    def state(bar: int) -> float:
        window = close[bar - period + 1 : bar + 1]
        basis, width = window.mean(), deviations * window.std()
        mean = close[bar - channel + 1 : bar + 1].mean()
        wide = ranges * true_range[bar - channel + 1 : bar + 1].mean()
        noise = 1e-13 * mean
        on = basis - width > mean - wide + noise and basis + width < mean + wide - noise
        off = basis - width < mean - wide - noise and basis + width > mean + wide + noise
        return float(on) - float(off)

    def momentum(bar: int) -> float:
        x = np.arange(channel) - (channel - 1) / 2
        y = delta[bar - channel + 1 : bar + 1]
        return float(y.mean() + (x * y).sum() / (x * x).sum() * (channel - 1) / 2)

    return [np.nan_to_num(over(len(close), first, state)), over(len(close), first, momentum)]
