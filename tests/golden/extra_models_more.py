"""The rest of the naive models; see `extra_models`."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np

from tests.golden.extra_models import NAN, Bars, Floats, over, ratio, true_ranges, wilder


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
        return float(np.polyfit(*zip(*points, strict=True), 1)[0]) if len(points) > 1 else NAN

    return [over(len(close), period, value)]
