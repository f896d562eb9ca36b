"""The functions of one bar bit by bit, places in a window, and what is special about either."""

from __future__ import annotations

import numpy as np
import pytest
import talib
from numpy.typing import NDArray

from deepalpha import ta

Floats = NDArray[np.float64]

TRANSFORMS = [name for name in ta.functions() if ta.info(name)["group"] == "Math Transform"]
OPERATORS = ["ADD", "SUB", "MULT", "DIV"]

# The first value is ordinary: bars in front of the first number are "no value" to every function.
ORDINARY = [0.5, 0.0, -0.0, 1.0, -1.0, 1.5, -1.5, 2.5, -2.5, 3.0]
EXTREME = [1e-300, 5e-324, 1e9 + 0.1, 709.5, 711.0, -746.0, 1e16, 1e308, -1e308, np.inf, -np.inf, np.nan]
EDGES: Floats = np.array([*ORDINARY, *EXTREME])


@pytest.mark.parametrize("name", TRANSFORMS)
def test_a_transform_gives_talibs_bits_in_and_outside_its_domain(name: str) -> None:
    series = np.concatenate((EDGES, np.random.default_rng(1).normal(size=500) * 3.0))
    np.testing.assert_array_equal(getattr(ta, name)(series), getattr(talib, name)(series))
    np.testing.assert_array_equal(np.signbit(getattr(ta, name)(EDGES[:3])), np.signbit(getattr(talib, name)(EDGES[:3])))


@pytest.mark.parametrize("name", OPERATORS)
def test_an_operator_gives_talibs_bits_for_every_pair_of_edges(name: str) -> None:
    left, right = np.repeat(EDGES, len(EDGES)), np.tile(EDGES, len(EDGES))
    np.testing.assert_array_equal(getattr(ta, name)(left, right), getattr(talib, name)(left, right))


@pytest.mark.parametrize("name", [*TRANSFORMS, *OPERATORS])
def test_a_nan_touches_no_other_bar(name: str) -> None:
    series = np.linspace(0.1, 0.9, 50)
    broken = series.copy()
    broken[20] = np.nan
    inputs = 2 if name in OPERATORS else 1
    whole, holed = getattr(ta, name)(*[series] * inputs), getattr(ta, name)(*[broken] * inputs)
    assert np.isnan(holed[20])
    np.testing.assert_array_equal(np.delete(holed, 20), np.delete(whole, 20))


def test_an_operator_takes_its_own_two_series_in_order() -> None:
    assert ta.SUB([5.0], [3.0]) == [2.0]
    assert ta.DIV(real0=[6.0], real1=[3.0]) == [2.0]


@pytest.mark.parametrize("timeperiod", [2, 3, 5, 30])
@pytest.mark.parametrize("name", ["MAXINDEX", "MININDEX", "MINMAXINDEX"])
def test_a_place_among_many_equals_is_talibs(name: str, timeperiod: int) -> None:
    series = np.round(np.random.default_rng(timeperiod).normal(size=5000))
    np.testing.assert_array_equal(getattr(ta, name)(series, timeperiod), getattr(talib, name)(series, timeperiod))


def test_a_place_counts_from_the_first_element_of_the_array() -> None:
    series = [float("nan")] * 3 + [1.0, 5.0, 2.0, 3.0]
    assert ta.MAXINDEX(series, 2) == [0, 0, 0, 0, 4, 4, 6]
    # Behind a gap, too, where TA-Lib's comparisons with NaN go astray.
    assert ta.MAXINDEX([9.0, 1.0, float("nan"), 1.0, 5.0, 2.0], 2) == [0, 0, 0, 0, 4, 4]
