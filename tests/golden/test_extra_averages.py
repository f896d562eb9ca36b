"""Averages, VWAP and pivots that TA-Lib lacks, against naive models written straight from the published formula."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bars = dict[str, Floats]
Model = Callable[..., list[Floats]]
Check = Callable[[str, Model, tuple[Any, ...], Bars], None]

NAN = math.nan


def over(length: int, first: int, value: Callable[[int], Any]) -> Floats:
    """`value(bar)` from bar `first` on."""
    return np.array([NAN if bar < first else value(bar) for bar in range(length)], dtype=np.float64)


def ratio(numerator: float, denominator: float) -> float:
    return 0.0 if denominator == 0 else float(numerator / denominator)


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


def _before(bars: Bars) -> list[Floats]:
    return [np.concatenate(([NAN], bars[name][:-1])) for name in ("open", "high", "low", "close")]


def pivot_classic(bars: Bars) -> list[Floats]:
    _, high, low, close = _before(bars)
    pivot, span = (high + low + close) / 3, high - low
    return [
        pivot,
        *(2 * pivot - low, pivot + span, pivot + 2 * span, pivot + 3 * span),
        *(2 * pivot - high, pivot - span, pivot - 2 * span, pivot - 3 * span),
    ]


def pivot_fibonacci(bars: Bars) -> list[Floats]:
    _, high, low, close = _before(bars)
    pivot, span = (high + low + close) / 3, high - low
    return [pivot, *(pivot + sign * share * span for sign in (1, -1) for share in (0.382, 0.618, 1.0))]


def pivot_camarilla(bars: Bars) -> list[Floats]:
    _, high, low, close = _before(bars)
    steps = [1.1 * (high - low) / part for part in (12, 6, 4, 2)]
    return [(high + low + close) / 3, *(close + step for step in steps), *(close - step for step in steps)]


def pivot_woodie(bars: Bars) -> list[Floats]:
    _, high, low, _ = _before(bars)
    pivot, span = (high + low + 2 * bars["open"]) / 4, high - low
    third, below = high + 2 * (pivot - low), low - 2 * (high - pivot)
    return [
        pivot,
        *(2 * pivot - low, pivot + span, third, third + span),
        *(2 * pivot - high, pivot - span, below, below - span),
    ]


def pivot_demark(bars: Bars) -> list[Floats]:
    open_, high, low, close = _before(bars)
    x = np.where(
        close < open_, high + 2 * low + close, np.where(close > open_, 2 * high + low + close, high + low + 2 * close)
    )
    return [x / 4, x / 2 - low, x / 2 - high]


# The indicator, its model, and parameters in the SPEC's order: the defaults first.
CASES: list[tuple[str, Model, list[tuple[Any, ...]]]] = [
    ("ICHIMOKU", ichimoku, [(9, 26, 52, 26), (3, 5, 8, 4), (5, 2, 1, 1)]),
    ("VWAP_SESSION", vwap_session, [()]),
    ("VWAP_ANCHORED", vwap_anchored, [(0,), (37,)]),
    ("VWAP_BANDS", vwap_bands, [(1.0, 1.0), (2.0, 0.5)]),
    ("ALMA", alma, [(9, 0.85, 6.0), (20, 0.5, 2.0), (1, 0.85, 6.0), (4, 1.0, 0.5)]),
    ("VIDYA", vidya, [(12, 9), (5, 1), (30, 20)]),
    ("FRAMA", frama, [(16,), (2,), (7,), (40,)]),
    ("JMA", jma, [(7, 50.0, 2.0), (20, -100.0, 1.0), (1, 0.0, 2.0)]),
    ("MCGINLEY", mcginley, [(14,), (1,), (50,)]),
    ("PIVOT_CLASSIC", pivot_classic, [()]),
    ("PIVOT_FIBONACCI", pivot_fibonacci, [()]),
    ("PIVOT_CAMARILLA", pivot_camarilla, [()]),
    ("PIVOT_WOODIE", pivot_woodie, [()]),
    ("PIVOT_DEMARK", pivot_demark, [()]),
]

RUNS = [(name, model, params) for name, model, rows in CASES for params in rows]


@pytest.mark.parametrize(("name", "model", "params"), RUNS, ids=[f"{name}{params}" for name, _, params in RUNS])
def test_equals_the_published_formula(
    name: str, model: Model, params: tuple[Any, ...], extra_market: Bars, equals_model: Check
) -> None:
    equals_model(name, model, params, extra_market)


@pytest.mark.parametrize(("name", "rows"), [(name, rows) for name, _, rows in CASES])
def test_knows_no_future_and_has_these_defaults(
    name: str, rows: list[tuple[Any, ...]], knows_no_future: Callable[[str, list[tuple[Any, ...]]], None]
) -> None:
    knows_no_future(name, rows)
