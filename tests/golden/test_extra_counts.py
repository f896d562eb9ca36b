"""Volume profile and TD Sequential, against naive models written straight from the published rules and by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
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


# The indicator, its model, and parameters in the SPEC's order: the defaults first.
CASES: list[tuple[str, Model, list[tuple[Any, ...]]]] = [
    ("VOLUME_PROFILE", volume_profile, [(100, 24, 0.7), (20, 10, 0.5), (1, 5, 0.9), (30, 7, 1.0)]),
    ("TD_SEQUENTIAL", td_sequential, [()]),
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


def _sequential(close: list[float]) -> dict[str, list[float]]:
    """TD_SEQUENTIAL of bars of height 1 around their close."""
    middle = np.array(close)
    outputs = ta.TD_SEQUENTIAL(middle + 0.5, middle - 0.5, middle)
    names = (output["name"] for output in ta.info("TD_SEQUENTIAL")["outputs"])
    return {name: [float(value) for value in output] for name, output in zip(names, outputs, strict=True)}


# Six rising bars, then a fall of 2 a bar: bar 7 is the first below the close four bars before, bar 15 the ninth, and
# from bar 15 on every bar counts down.
FALL = [100.0, 101.0, 102.0, 103.0, 104.0, 105.0, *(104.0 - 2.0 * step for step in range(21))]


def test_the_thirteenth_bar_waits_for_a_low_below_the_close_of_the_eighth() -> None:
    # The eighth closes at 72, the twelfth is bar 26. 80 and 78 are below the lows two bars before, but above 72.
    found = _sequential([*FALL, 90.0, 88.0, 80.0, 78.0, 70.0, 69.0])
    assert found["setup"][7:16] == list(range(1, 10))
    assert found["countdown"][15:27] == list(range(1, 13))
    assert found["countdown"][27:] == [12.0, 12.0, 12.0, 12.0, 13.0, 0.0]


def test_a_bar_above_the_setups_highest_true_high_ends_the_countdown() -> None:
    # That high is the close of 104 before the first setup bar. The first bar at 106 still reaches to the close before.
    assert _sequential([*FALL[:18], 106.0, 106.0, 80.0])["countdown"][17:] == [3.0, 3.0, 0.0, 0.0]


def test_an_opposite_setup_takes_the_countdown_over() -> None:
    # The close of 83 is the last one below a low two bars before (83.5).
    found = _sequential([*FALL[:18], *(83.0 + step for step in range(12))])
    assert found["setup"][27:] == [-8.0, -9.0, -10.0]
    assert found["countdown"][27:] == [4.0, -1.0, -2.0]


def test_a_setup_without_a_low_below_those_of_bars_6_and_7_is_not_perfected() -> None:
    # Bars 6 and 7 of the setup close at 92 and 90. Bars 8 and 9 stay above; the tenth goes below.
    found = _sequential([*FALL[:14], 90.5, 90.25, 80.0])
    assert found["setup"][13:] == [7.0, 8.0, 9.0, 10.0]
    assert found["perfected"][13:] == [0.0, 0.0, 0.0, 1.0]
