"""Naive models of what is counted or binned; see `extra_models`."""

from __future__ import annotations

import numpy as np

from tests.golden.extra_models import NAN, Bars, Floats


def histogram(high: Floats, low: Floats, volume: Floats, bins: int) -> tuple[Floats, Floats]:
    """Edges and the volume between them, each bar's spread evenly over its range."""
    lowest, highest = low.min(), high.max()
    edges = (highest - lowest) * np.arange(bins + 1) / bins
    held = np.zeros(bins)
    for top, bottom, amount in zip(high, low, volume, strict=True):
        if top == bottom:
            place = 0 if highest == lowest else int((top - lowest) * bins / (highest - lowest))
            held[min(place, bins - 1)] += amount
            continue
        for k in range(bins):
            inside = min(top - lowest, edges[k + 1]) - max(bottom - lowest, edges[k])
            held[k] += amount * max(inside, 0.0) / (top - bottom)
    return lowest + edges, held


def volume_profile(bars: Bars, period: int, bins: int, share: float) -> list[Floats]:
    high, low, volume = bars["high"], bars["low"], bars["volume"]
    rows = []
    for bar in range(len(high)):
        window = slice(bar - period + 1, bar + 1)
        if bar < period - 1 or volume[window].sum() == 0:
            rows.append((NAN, NAN, NAN))
            continue
        edges, held = histogram(high[window], low[window], volume[window], bins)
        # Sums made in another order differ in the last digits; round them away before anything is compared.
        held = np.round(held / held.sum(), 11)
        first = last = int(np.argmax(held))
        while held[first : last + 1].sum() < share - 1e-9 and (first > 0 or last < bins - 1):
            above, below = held[last + 1 : last + 3].sum(), held[max(first - 2, 0) : first].sum()
            if first == 0 or (last < bins - 1 and above >= below - 1e-10):
                last = min(last + 2, bins - 1)
            else:
                first = max(first - 2, 0)
        control = int(np.argmax(held))
        rows.append(((edges[control] + edges[control + 1]) / 2, edges[last + 1], edges[first]))
    return [np.array(column) for column in zip(*rows, strict=True)]


def _runs(lower: list[bool | None]) -> list[int]:
    """Length of the setup at each bar: a run of lower closes that a bar which was not lower came before."""
    counts = []
    for bar in range(len(lower)):
        start = bar
        while start >= 0 and lower[start]:
            start -= 1
        flipped = start >= 0 and lower[start] is False
        counts.append(bar - start if flipped else 0)
    return counts


def td_sequential(bars: Bars) -> list[Floats]:
    length = len(bars["close"])
    prices = {1: (bars["high"], bars["low"], bars["close"]), -1: (-bars["low"], -bars["high"], -bars["close"])}
    setups, perfect = {}, {}
    for side, (_, low, close) in prices.items():
        lower = [None if bar < 4 else bool(close[bar] < close[bar - 4]) for bar in range(length)]
        setups[side] = _runs(lower)
        perfect[side] = [0] * length
        for bar, count in enumerate(setups[side]):
            if count >= 9:
                eighth = bar - count + 8
                perfect[side][bar] = int(low[eighth : bar + 1].min() <= min(low[eighth - 2], low[eighth - 1]))
    counts = np.zeros(length)
    active, count, eighth_close, barrier = 0, 0, 0.0, 0.0
    for bar in range(length):
        for side, (high, _, close) in prices.items():
            if setups[side][bar] == 9:
                active, count = side, 0
                barrier = max(max(high[k], close[k - 1]) for k in range(bar - 8, bar + 1))
        if not active:
            continue
        high, low, close = prices[active]
        if min(low[bar], close[bar - 1]) > barrier:
            active = 0
            continue
        if close[bar] <= low[bar - 2] and (count < 12 or low[bar] <= eighth_close):
            count += 1
            eighth_close = close[bar] if count == 8 else eighth_close
        counts[bar] = active * count
        if count == 13:
            active = 0
    setup = np.array(setups[1]) - np.array(setups[-1])
    return [setup.astype(float), counts, (np.array(perfect[1]) - np.array(perfect[-1])).astype(float)]
