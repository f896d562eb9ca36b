"""Momentum indicators against exact arithmetic, where TA-Lib's own running sums lose digits."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import talib
from numpy.typing import NDArray

from deepalpha import ta

Floats = NDArray[np.float64]

SAMPLE = Path(__file__).parents[2] / "data" / "sample" / "AAPL.parquet"


def _close() -> Floats:
    if not SAMPLE.exists():
        pytest.skip(f"{SAMPLE.name} is not in data/sample")
    return pl.read_parquet(SAMPLE)["close"].cast(pl.Float64).to_numpy()


def _forecast_miss(window: Floats, value: float) -> float:
    """By how many percent of itself a value misses the least-squares line through the window before it."""
    real, count = [Fraction(float(number)) for number in window], len(window)
    mean = sum(real, Fraction(0)) / count
    middle = Fraction(count - 1, 2)
    lean = sum(((place - middle) * number for place, number in enumerate(real)), Fraction(0))
    slope = lean / sum(((place - middle) ** 2 for place in range(count)), Fraction(0))
    forecast = mean + slope * (count - middle)
    return float(100 * (Fraction(value) - forecast) / Fraction(value))


@pytest.mark.parametrize("timeperiod", [2, 5, 50])
def test_the_forecast_oscillator_equals_exact_arithmetic(timeperiod: int) -> None:
    for close in (_close()[:600], np.linspace(10.0, 60.0, 200)):
        exact = [
            _forecast_miss(close[end - timeperiod : end], float(close[end])) for end in range(timeperiod, len(close))
        ]
        np.testing.assert_allclose(ta.FOSC(close, timeperiod)[timeperiod:], exact, rtol=1e-11, atol=5e-13)


def _adaptive_average(real: Floats, timeperiod: int) -> Floats:
    """KAMA with the distance and the way of each window in exact arithmetic."""
    exact = [Fraction(float(number)) for number in real]
    average = float(real[timeperiod - 1])
    averages = [np.nan] * timeperiod
    for end in range(timeperiod, len(real)):
        distance = exact[end] - exact[end - timeperiod]
        way = sum((abs(exact[k] - exact[k - 1]) for k in range(end - timeperiod + 1, end + 1)), Fraction(0))
        efficiency = 1.0 if way <= distance or way == 0 else float(abs(distance) / way)
        weight = efficiency * (2 / 3 - 2 / 31) + 2 / 31
        average += (float(real[end]) - average) * weight**2
        averages.append(average)
    return np.array(averages)


def test_an_adaptive_average_of_places_in_the_range_is_exact_where_talib_keeps_a_residue() -> None:
    """Places stay at 0 or 100 for bars: the way is then 0, and in TA-Lib what earlier additions left over."""
    close = _close()
    places, ours = ta.STOCHRSI(close, fastd_matype=6)
    first = 18  # where the places begin; STOCHRSI shows them from the first average on
    every_place = ta.STOCHRSI(close, fastd_period=1)[0]
    np.testing.assert_array_equal(places[21:], every_place[21:])
    exact = _adaptive_average(every_place[first:], 3)
    np.testing.assert_allclose(ours[21:], exact[3:], rtol=1e-9)
    kama: Any = 6
    theirs = talib.STOCHRSI(close, fastd_matype=kama)
    np.testing.assert_array_equal(theirs[0], places)
    assert np.abs(theirs[1][21:] - exact[3:]).max() > 1.0
