"""The statistics against exact rational arithmetic, where a high level drowns a small spread: 1e9 + N(0, 1e-3).

Squares of such numbers have 18 digits in front of what matters, so plain sums of squares keep nothing of it.
Neighbouring doubles at 1e9 lie 1.2e-7 apart; the exact result here is that of the doubles themselves, so what is
measured is the arithmetic and not how the data were rounded. TA-Lib 0.8.2's slopes are off by as much as their own size
on such data, its AVGDEV by 1e-4; its VAR, STDDEV, CORREL and BETA are as good as ours.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import talib
from numpy.typing import NDArray

from deepalpha import ta

Floats = NDArray[np.float64]
Window = list[Fraction]

BARS = 180
PERIODS = [5, 14, 20]


def _pair(level: float, spread: float, seed: int) -> list[Floats]:
    """Two series that move together in part."""
    noise = np.random.default_rng(seed).normal(size=(2, BARS)) * spread
    return [level + noise[0], level + 0.6 * noise[0] + noise[1]]


def _mean(window: Window) -> Fraction:
    return sum(window, Fraction()) / len(window)


def _spread(left: Window, right: Window) -> Fraction:
    """Sum of products of distances from the two means."""
    x, y = _mean(left), _mean(right)
    return sum(((a - x) * (b - y) for a, b in zip(left, right, strict=True)), Fraction())


def _slope(window: Window) -> Fraction:
    bars = [Fraction(bar) for bar in range(len(window))]
    return _spread(bars, window) / _spread(bars, bars)


def _line(window: Window, at: int) -> Fraction:
    return _mean(window) + _slope(window) * (at - Fraction(len(window) - 1, 2))


def _correlation(left: Window, right: Window) -> float:
    both = _spread(left, right)
    square = both * both / (_spread(left, left) * _spread(right, right))
    return math.copysign(math.sqrt(float(square)), both)


def _returns(window: Window) -> Window:
    return [new / old - 1 for old, new in pairwise(window)]


def _beta(left: Window, right: Window) -> float:
    market, asset = _returns(left), _returns(right)
    return float(_spread(market, asset) / _spread(market, market))


def _average_deviation(window: Window) -> float:
    mean = _mean(window)
    return float(_mean([abs(value - mean) for value in window]))


# name -> what it is exactly, from the window(s) it reads.
ONE: dict[str, Callable[[Window], float]] = {
    "VAR": lambda window: float(_spread(window, window) / len(window)),
    "STDDEV": lambda window: math.sqrt(float(_spread(window, window) / len(window))),
    "AVGDEV": _average_deviation,
    "LINEARREG": lambda window: float(_line(window, len(window) - 1)),
    "LINEARREG_INTERCEPT": lambda window: float(_line(window, 0)),
    "LINEARREG_SLOPE": lambda window: float(_slope(window)),
    "LINEARREG_ANGLE": lambda window: math.degrees(math.atan(float(_slope(window)))),
    "TSF": lambda window: float(_line(window, len(window))),
}
TWO: dict[str, Callable[[Window, Window], float]] = {"CORREL": _correlation, "BETA": _beta}

NAMES = [*ONE, *TWO]

# How far off TA-Lib is at least, somewhere in the series: what makes these tests worth their time.
TALIB_IS_OFF = {"AVGDEV": 1e-5, "LINEARREG_SLOPE": 0.1, "LINEARREG_ANGLE": 0.1}


def _exact(name: str, pair: list[Floats], timeperiod: int) -> Floats:
    """One exact value for every window, rounded to a double once."""
    left, right = [[Fraction(value) for value in series] for series in pair]
    length = timeperiod + 1 if name == "BETA" else timeperiod
    windows = [slice(end - length, end) for end in range(length, len(left) + 1)]
    if name in ONE:
        return np.array([ONE[name](left[window]) for window in windows])
    return np.array([TWO[name](left[window], right[window]) for window in windows])


def _error(library: Any, name: str, pair: list[Floats], timeperiod: int, last: int = BARS) -> float:
    """Largest relative error of the last windows."""
    exact = _exact(name, pair, timeperiod)[-last:]
    result = getattr(library, name)(*(pair if name in TWO else pair[:1]), timeperiod=timeperiod)
    return float(np.max(np.abs(result[-len(exact) :] - exact) / np.abs(exact)))


@pytest.mark.parametrize("timeperiod", PERIODS)
@pytest.mark.parametrize("name", NAMES)
def test_a_high_level_costs_no_digits(name: str, timeperiod: int) -> None:
    assert _error(ta, name, _pair(1e9, 1e-3, timeperiod), timeperiod) < 1e-12


@pytest.mark.parametrize("name", TALIB_IS_OFF)
def test_talib_loses_those_digits(name: str) -> None:
    assert _error(talib, name, _pair(1e9, 1e-3, 14), 14) > TALIB_IS_OFF[name]


@pytest.mark.parametrize("name", NAMES)
def test_a_level_that_has_left_the_window_leaves_nothing_behind(name: str) -> None:
    pair = _pair(1.0, 1e-3, 3)
    for series in pair:
        series[:120] += 1e9
    # The windows behind the fall: BETA reads one bar more than the others.
    assert _error(ta, name, pair, 14, last=BARS - 120 - 14) < 1e-12


@pytest.mark.parametrize("percentile", [0.0, 10.0, 33.3, 50.0, 100.0])
def test_a_percentile_is_the_value_of_its_rank(percentile: float) -> None:
    series = np.round(_pair(0.0, 3.0, 8)[0])
    rank = max(math.ceil(Fraction(percentile) * 20 / 100), 1)
    expected = [sorted(series[end - 20 : end])[rank - 1] for end in range(20, BARS + 1)]
    np.testing.assert_array_equal(ta.PERCENTILE(series, 20, percentile)[19:], expected)


def test_a_percent_rank_counts_what_is_smaller() -> None:
    series = np.round(_pair(0.0, 3.0, 9)[0])
    expected = [(series[bar - 20 : bar] < series[bar]).sum() * 5.0 for bar in range(20, BARS)]
    np.testing.assert_allclose(ta.PERCENTRANK(series, 20)[20:], expected, rtol=1e-15, atol=0.0)
