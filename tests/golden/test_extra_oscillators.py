"""Oscillators, stops and statistics that TA-Lib lacks, against naive models straight from the published formula."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from deepalpha import ta

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


def chandelier(bars: Bars, period: int, multiplier: float) -> list[Floats]:
    high, low = bars["high"], bars["low"]
    average = wilder(true_ranges(bars), period, 1)
    return [
        over(len(high), period, lambda i: high[i - period + 1 : i + 1].max() - multiplier * average[i]),
        over(len(high), period, lambda i: low[i - period + 1 : i + 1].min() + multiplier * average[i]),
    ]


def cksp(bars: Bars, period: int, multiplier: float, stop: int) -> list[Floats]:
    from_high, from_low = chandelier(bars, period, multiplier)
    first = period + stop - 1
    return [
        over(len(from_low), first, lambda i: from_low[i - stop + 1 : i + 1].min()),
        over(len(from_high), first, lambda i: from_high[i - stop + 1 : i + 1].max()),
    ]


def ulcer(bars: Bars, period: int) -> list[Floats]:
    close = bars["close"]

    def fall(bar: int) -> float:
        highest = close[bar - period + 1 : bar + 1].max()
        return float(100 * (close[bar] - highest) / highest)

    falls = over(len(close), period - 1, fall)
    return [over(len(close), 2 * (period - 1), lambda i: math.sqrt((falls[i - period + 1 : i + 1] ** 2).mean()))]


def choppiness(bars: Bars, period: int) -> list[Floats]:
    high, low, true_range = bars["high"], bars["low"], true_ranges(bars)

    def value(bar: int) -> float:
        window = slice(bar - period + 1, bar + 1)
        span = high[window].max() - low[window].min()
        return NAN if span == 0 else 100 * math.log10(true_range[window].sum() / span) / math.log10(period)

    return [over(len(high), period, value)]


def zscore(bars: Bars, period: int) -> list[Floats]:
    close = bars["close"]

    def value(bar: int) -> float:
        window = close[bar - period + 1 : bar + 1]
        return 0.0 if np.ptp(window) == 0 else float((close[bar] - window.mean()) / window.std())

    return [over(len(close), period - 1, value)]


def fisher(bars: Bars, period: int) -> list[Floats]:
    price = (bars["high"] + bars["low"]) / 2
    out, place = np.full(len(price), NAN), 0.0
    for bar in range(period - 1, len(price)):
        window = price[bar - period + 1 : bar + 1]
        share = 0.5 if np.ptp(window) == 0 else (price[bar] - window.min()) / (window.max() - window.min())
        place = 0.33 * 2 * (share - 0.5) + 0.67 * place
        place = 0.999 if place > 0.99 else -0.999 if place < -0.99 else place
        before = 0.0 if bar == period - 1 else out[bar - 1]
        out[bar] = 0.5 * math.log((1 + place) / (1 - place)) + 0.5 * before
    return [over(len(price), period, lambda i: out[i]), over(len(price), period, lambda i: out[i - 1])]


def kst(bars: Bars, *periods: int) -> list[Floats]:
    close, signal = bars["close"], periods[8]
    total = np.zeros(len(close))
    for term, (rate, mean) in enumerate(zip(periods[:4], periods[4:8], strict=True), start=1):
        rates = over(len(close), rate, lambda i, rate=rate: 100 * (close[i] / close[i - rate] - 1))  # type: ignore[misc]
        total += term * over(
            len(close),
            rate + mean - 1,
            lambda i, rates=rates, mean=mean: rates[i - mean + 1 : i + 1].mean(),  # type: ignore[misc]
        )
    first = max(rate + mean - 1 for rate, mean in zip(periods[:4], periods[4:8], strict=True)) + signal - 1
    return [
        over(len(close), first, lambda i: total[i]),
        over(len(close), first, lambda i: total[i - signal + 1 : i + 1].mean()),
    ]


def rsi(values: Floats, period: int) -> Floats:
    changes = np.concatenate(([NAN], np.diff(values)))
    gains = wilder(np.maximum(changes, 0), period, 1)
    losses = wilder(np.maximum(-changes, 0), period, 1)
    return over(len(values), period, lambda i: 100 * ratio(gains[i], gains[i] + losses[i]))


def connors_rsi(bars: Bars, period: int, streak: int, rank: int) -> list[Floats]:
    close = bars["close"]
    runs = [0.0]
    for before, now in pairwise(close):
        run = runs[-1]
        runs.append(max(run, 0) + 1 if now > before else min(run, 0) - 1 if now < before else 0.0)
    changes = over(len(close), 1, lambda i: (close[i] - close[i - 1]) / close[i - 1])
    ranks = over(len(close), rank + 1, lambda i: 100 * np.mean(changes[i - rank : i] <= changes[i]))
    first = max(period, streak, rank + 1)
    price, run_rsi = rsi(close, period), rsi(np.array(runs), streak)
    return [over(len(close), first, lambda i: (price[i] + run_rsi[i] + ranks[i]) / 3)]


def hurst(bars: Bars, period: int) -> list[Floats]:
    close = bars["close"]

    def value(bar: int) -> float:
        changes = np.diff(close[bar - period : bar + 1])
        points = []
        length = period
        while length >= 8:
            ratios = []
            for part in range(period // length):
                chosen = changes[period - (part + 1) * length : period - part * length]
                centred = chosen - chosen.mean()
                sums = np.concatenate(([0.0], np.cumsum(centred)))
                if chosen.std() > 1e-13 * np.abs(close[bar - period : bar + 1]).max():
                    ratios.append((sums.max() - sums.min()) / chosen.std())
            if ratios:
                points.append((math.log(length), math.log(np.mean(ratios))))
            length //= 2
        lengths, levels = np.array(points).reshape(-1, 2).T
        return float(np.polyfit(lengths, levels, 1)[0]) if len(points) > 1 else NAN

    return [over(len(close), period, value)]


# The indicator, its model, and parameters in the SPEC's order: the defaults first.
CASES: list[tuple[str, Model, list[tuple[Any, ...]]]] = [
    ("SQUEEZE", squeeze, [(20, 2.0, 20, 1.5), (10, 1.5, 20, 1.0), (20, 2.0, 5, 2.0), (2, 1.0, 2, 1.0)]),
    ("CHANDELIER", chandelier, [(22, 3.0), (1, 2.0), (5, 0.5)]),
    ("CKSP", cksp, [(10, 1.0, 9), (3, 2.0, 20), (5, 1.0, 1)]),
    ("CONNORS_RSI", connors_rsi, [(3, 2, 100), (14, 5, 3)]),
    ("KST", kst, [(10, 15, 20, 30, 10, 10, 10, 15, 9), (1, 2, 9, 3, 4, 1, 1, 2, 1)]),
    ("FISHER", fisher, [(9,), (2,), (1,), (30,)]),
    ("CHOPPINESS", choppiness, [(14,), (2,), (50,)]),
    ("ULCER", ulcer, [(14,), (1,), (40,)]),
    ("HURST", hurst, [(128,), (16,), (50,)]),
    ("ZSCORE", zscore, [(20,), (2,), (60,)]),
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


def test_the_hurst_exponent_tells_persistent_from_reverting_changes() -> None:
    noise = np.random.default_rng(11).normal(size=4000)
    average = {}
    for name, memory in (("reverting", -0.6), ("independent", 0.0), ("persistent", 0.6)):
        changes = np.zeros(len(noise))
        for bar in range(1, len(noise)):
            changes[bar] = memory * changes[bar - 1] + noise[bar]
        average[name] = float(np.nanmean(ta.HURST(np.cumsum(changes), timeperiod=128)))
    assert average["reverting"] < 0.5 < average["independent"] < 0.65 < average["persistent"]
    # The bias that the documentation states.
    assert abs(average["independent"] - 0.57) < 0.03
