"""Renko, range, volume and tick bars, Fibonacci levels and zigzag legs with numbers worked out by hand."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepalpha import ta
from deepalpha.errors import IndicatorError


def spans(bars: Any) -> list[tuple[float, float, float, int, int]]:
    columns = (bars.open, bars.close, bars.volume, bars.start, bars.end)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def test_renko_turns_round_after_two_boxes() -> None:
    bars = ta.chart.renko([100, 105, 112, 135, 115, 109, 121], box=10, volume=[1, 2, 4, 8, 16, 32, 64])
    assert spans(bars) == [
        (100, 110, 7, 0, 2),
        (110, 120, 8, 2, 3),
        (120, 130, 0, 3, 3),
        (120, 110, 48, 3, 5),
    ]
    forming = bars.forming
    assert (forming.open, forming.high, forming.low, forming.close, forming.volume) == (110, 121, 109, 121, 64)
    assert bars.high.tolist() == [110, 120, 130, 120] and bars.low.tolist() == [100, 110, 120, 110]


def test_a_renko_grid_does_not_drift() -> None:
    close = np.concatenate([np.linspace(0, 1_000, 20_001), np.linspace(1_000, 0, 20_001)]) + 0.05
    bars = ta.chart.renko(close, box=0.1)
    steps = np.round((bars.close - 0.05) / 0.1)
    assert len(bars) > 19_000 and np.abs(bars.close - (0.05 + steps * 0.1)).max() < 1e-12 * 1_000


def test_an_atr_box_comes_from_the_rows_before_only() -> None:
    close = [100.0, 102, 106]
    assert spans(ta.chart.renko(close, atr_period=2)) == [(102, 103, 0, 0, 2), (103, 105.5, 0, 2, 2)]
    longer = ta.chart.renko([*close, 90, 200], atr_period=2)
    assert spans(longer)[:2] == spans(ta.chart.renko(close, atr_period=2))


def test_range_bars_span_their_size_and_follow_the_path_of_a_finer_bar() -> None:
    bars = ta.chart.range_bars([10, 12, 9, 14, 13], size=4, volume=[1, 1, 1, 1, 1])
    assert spans(bars) == [(10, 13, 4, 0, 3)]
    assert (bars.high.tolist(), bars.low.tolist()) == ([13], [9])
    bars = ta.chart.range_bars([3], open=[10], high=[12], low=[2], size=4, volume=[5])
    assert spans(bars) == [(10, 8, 5, 0, 0), (8, 4, 0, 0, 0)]


def test_volume_bars_divide_the_row_that_fills_them() -> None:
    bars = ta.chart.volume_bars([10, 11, 12], [1, 4.5, 0.25], size=2.5)
    assert spans(bars) == [(10, 11, 2.5, 0, 1), (11, 11, 2.5, 1, 1)]
    assert (bars.forming.open, bars.forming.close, bars.forming.volume) == (11, 12, 0.75)
    assert bars.to_polars().columns == ["open", "high", "low", "close", "volume", "ticks", "start", "end"]


def test_tick_bars_take_whole_rows() -> None:
    bars = ta.chart.tick_bars([10, 12, 9, 11, 10], size=2)
    assert spans(bars) == [(10, 12, 0, 0, 1), (9, 11, 0, 2, 3)]
    assert bars.ticks.tolist() == [2, 2] and bars.forming.ticks == 1
    assert ta.chart.tick_bars([10, 12, 9], size=4, ticks=[3, 3, 3]).ticks.tolist() == [6]


VOLUMES = st.floats(0, 1e5).map(lambda one: round(one, 8))
ROWS = st.lists(st.tuples(st.floats(50, 60), VOLUMES, st.integers(0, 9)), max_size=60)


@settings(max_examples=80)
@given(ROWS, st.sampled_from(["renko", "renko_atr", "range", "volume", "ticks"]), st.floats(0.5, 5))
def test_volume_is_conserved_exactly_and_every_bar_is_consistent(rows: Any, rule: str, size: float) -> None:
    close, volume = [row[0] for row in rows], [row[1] for row in rows]
    bars = {
        "renko": lambda: ta.chart.renko(close, box=size, volume=volume),
        "renko_atr": lambda: ta.chart.renko(close, atr_period=3, volume=volume),
        "range": lambda: ta.chart.range_bars(close, size=size, volume=volume),
        "volume": lambda: ta.chart.volume_bars(close, volume, size=size * 10_000),
        "ticks": lambda: ta.chart.tick_bars(close, size=3, ticks=[row[2] for row in rows], volume=volume),
    }[rule]()
    cents = Decimal("1e-8")
    parts = [*bars.volume.tolist(), *([bars.forming.volume] if bars.forming else [])]
    kept = sum((Decimal(part).quantize(cents) for part in parts), Decimal(0))
    assert kept == sum((Decimal(one).quantize(cents) for one in volume), Decimal(0))
    assert (bars.low <= np.minimum(bars.open, bars.close)).all()
    assert (bars.high >= np.maximum(bars.open, bars.close)).all()
    assert (np.diff(bars.end) >= 0).all() and (bars.start <= bars.end).all()


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: ta.chart.renko([1, 2], box=0), "box 0 is not in"),
        (lambda: ta.chart.renko([1, 1e9], box=1e-3), "row 1 alone would make over 10000"),
        (lambda: ta.chart.renko([1e12, 1e12], box=1e-6), "row 0 alone"),
        (lambda: ta.chart.range_bars([1, 2], size=float("nan")), "size NaN is not in"),
        (lambda: ta.chart.range_bars([1, 2], size=1, open=[1, 2]), "high and low missing"),
        (lambda: ta.chart.volume_bars([1, 2], [1, -1], size=1), "volume at row 1 is -1"),
        (lambda: ta.chart.volume_bars([1, 2], [1], size=1), "column volume has 1 rows"),
        (lambda: ta.chart.tick_bars([1, 2], size=2.5), "size 2.5 is not a whole number"),
        (lambda: ta.chart.tick_bars([1, 2], size=2, ticks=[1, 0.5]), "ticks at row 1 is 0.5"),
        (lambda: ta.chart.tick_bars([1, float("inf")], size=2), "at row 1 is inf"),
    ],
)
def test_what_cannot_be_used_is_refused_with_value_and_bound(call: Any, said: str) -> None:
    with pytest.raises(IndicatorError, match=said):
        call()


def test_fibonacci_levels_of_a_leg() -> None:
    levels = ta.chart.fibonacci(100, 200, projected_from=150)
    prices = {(level.kind, level.ratio): level.price for level in levels}
    assert prices["retracement", 0.618] == pytest.approx(138.2, abs=1e-9)
    assert prices["retracement", 0.5] == 150
    assert prices["extension", 1.618] == pytest.approx(261.8, abs=1e-9)
    assert prices["projection", 2.0] == 350
    falling = ta.chart.fibonacci(200, 100, retracements=[0.25], extensions=[1.5])
    assert [level.price for level in falling] == [125, 50]
    with pytest.raises(IndicatorError, match=r"retracements -1 is not in 0..=100"):
        ta.chart.fibonacci(100, 200, retracements=[-1])
    with pytest.raises(IndicatorError, match="end is missing"):
        ta.chart.fibonacci(100)


def test_zigzag_legs_of_ten_percent() -> None:
    prices = [100.0, 105, 110, 120, 110, 108, 90, 95, 99, 98]
    legs = ta.chart.zigzag(prices, prices, prices, reversal=10, unit="percent")
    shown = [(leg.direction, leg.start.price, leg.end.price, leg.confirmed_at) for leg in legs]
    assert shown == [("up", 100, 120, 5), ("down", 120, 90, 8)]
    assert [level.price for level in ta.chart.fibonacci(legs[0], retracements=[0.5], extensions=[])] == [110]
