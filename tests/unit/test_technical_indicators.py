"""`da.TechnicalIndicators`: the values of `ta`, the caller's container, and only the new bars computed."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import deepalpha as da
from deepalpha import ta
from deepalpha.errors import IndicatorError

DRAW = np.random.default_rng(5)
CLOSE = 100 + np.cumsum(DRAW.normal(0, 1, 300))
HIGH, LOW = CLOSE + DRAW.uniform(0, 1, 300), CLOSE - DRAW.uniform(0, 1, 300)

Call = Callable[[da.TechnicalIndicators, slice], Any]
CALLS: dict[str, tuple[Call, Callable[[slice], Any]]] = {
    "sma": (lambda ti, at: ti.calculate_sma(CLOSE[at]), lambda at: ta.SMA(CLOSE[at], 20)),
    "ema": (lambda ti, at: ti.calculate_ema(CLOSE[at], period=9), lambda at: ta.EMA(CLOSE[at], 9)),
    "rsi": (lambda ti, at: ti.calculate_rsi(CLOSE[at]), lambda at: ta.RSI(CLOSE[at], 14)),
    "macd": (lambda ti, at: ti.calculate_macd(CLOSE[at]), lambda at: ta.MACD(CLOSE[at], 12, 26, 9)),
    "bands": (
        lambda ti, at: ti.calculate_bollinger_bands(CLOSE[at], std_dev=2.5),
        lambda at: ta.BBANDS(CLOSE[at], 20, 2.5, 2.5),
    ),
    "atr": (
        lambda ti, at: ti.calculate_atr(HIGH[at], LOW[at], CLOSE[at]),
        lambda at: ta.ATR(HIGH[at], LOW[at], CLOSE[at], 14),
    ),
    "stochastic": (
        lambda ti, at: ti.calculate_stochastic(HIGH[at], LOW[at], CLOSE[at]),
        lambda at: ta.STOCH(HIGH[at], LOW[at], CLOSE[at], 14, 1, 0, 3, 0),
    ),
}


def bits(result: Any) -> list[bytes]:
    return [np.asarray(part).tobytes() for part in (result if isinstance(result, tuple) else (result,))]


def counts(ti: da.TechnicalIndicators) -> tuple[int, int, int]:
    info = ti.cache_info()
    return info.hits, info.extensions, info.misses


@pytest.mark.parametrize("name", CALLS)
def test_each_gives_the_bits_of_the_function_of_ta_however_the_series_grows(name: str) -> None:
    call, expected = CALLS[name]
    ti = da.TechnicalIndicators()
    for end in (1, 2, 15, 50, 51, 51, 30, 200, 300):
        assert bits(call(ti, slice(end))) == bits(expected(slice(end))), end
    assert counts(ti) == (2, 6, 1)
    assert ti.cache_info()[3:] == (1, 64)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(CALLS)), st.integers(0, 3), st.integers(0, 120)), min_size=1, max_size=30
    ),
    st.integers(0, 3),
)
def test_calls_in_any_order_give_the_bits_of_fresh_ones(calls: list[tuple[str, int, int]], maxsize: int) -> None:
    ti = da.TechnicalIndicators(maxsize=maxsize)
    for name, begin, length in calls:
        call, expected = CALLS[name]
        at = slice(begin, begin + length)
        assert bits(call(ti, at)) == bits(expected(at))
    info = ti.cache_info()
    assert info.hits + info.extensions + info.misses == len(calls)
    assert info.size <= maxsize


def test_a_changed_past_is_seen_and_computed_anew() -> None:
    ti = da.TechnicalIndicators()
    prices = CLOSE.copy()
    ti.calculate_rsi(prices[:100])
    prices[50] += 1.0
    assert bits(ti.calculate_rsi(prices[:120])) == bits(ta.RSI(prices[:120]))
    assert counts(ti) == (0, 0, 2)


def test_what_the_caller_does_with_series_and_results_does_not_reach_the_cache() -> None:
    ti = da.TechnicalIndicators()
    prices = CLOSE[:100].copy()
    ti.calculate_sma(prices)[:] = 0.0
    ti.calculate_sma(prices)[:] = 0.0
    prices[:] = prices[0]
    for end in (100, 110):
        found = ti.calculate_sma(CLOSE[:end])
        assert bits(found) == bits(ta.SMA(CLOSE[:end], 20))
        found[:] = 0.0
    assert counts(ti) == (2, 1, 1)


def test_gaps_in_front_in_the_middle_and_at_the_end_are_those_of_ta() -> None:
    ti = da.TechnicalIndicators()
    prices = CLOSE[:120].copy()
    prices[[0, 1, 60]] = math.nan
    for end in (1, 2, 3, 40, 59, 60, 61, 62, 100, 120):
        assert bits(ti.calculate_ema(prices[:end], 5)) == bits(ta.EMA(prices[:end], 5)), end
    assert counts(ti) == (0, 5, 5)


def test_several_symbols_are_known_side_by_side() -> None:
    ti = da.TechnicalIndicators()
    for end in (100, 101, 102):
        for symbol in range(4):
            prices = CLOSE[symbol:end] * (symbol + 1)
            assert bits(ti.calculate_ema(prices)) == bits(ta.EMA(prices, 20))
    assert counts(ti) == (0, 8, 4)


def test_the_cache_is_bounded_and_forgets_what_was_asked_for_longest_ago() -> None:
    ti = da.TechnicalIndicators(maxsize=2)
    for period in (5, 6, 5, 7, 5, 6):
        ti.calculate_sma(CLOSE, period)
    assert ti.cache_info() == (2, 0, 4, 2, 2)
    ti.cache_clear()
    assert ti.cache_info() == (0, 0, 0, 0, 2)
    assert da.TechnicalIndicators(maxsize=0).cache_info().size == 0


def test_the_callers_kind_of_container_comes_back() -> None:
    ti = da.TechnicalIndicators()
    expected = ta.RSI(CLOSE)
    assert isinstance(ti.calculate_rsi(CLOSE.tolist()), list)
    series = ti.calculate_rsi(pl.Series("close", CLOSE))
    assert isinstance(series, pl.Series)
    assert series.name == "close"
    index = pd.date_range("2024-01-01", periods=len(CLOSE), freq="D")
    indexed = ti.calculate_rsi(pd.Series(CLOSE, index=index, name="close"))
    assert isinstance(indexed, pd.Series)
    assert indexed.index.equals(index)
    bands = ti.calculate_bollinger_bands(pl.Series("close", CLOSE))
    assert [band.name for band in bands] == ["upperband", "middleband", "lowerband"]
    assert bits(series.to_numpy()) == bits(indexed.to_numpy()) == bits(expected)
    assert counts(ti) == (2, 0, 2)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda ti: ti.calculate_rsi(CLOSE, period=1), "timeperiod 1 is not in 2..=100000"),
        (lambda ti: ti.calculate_rsi(CLOSE, period=2.5), "2.5 is not a whole number"),
        (lambda ti: ti.calculate_rsi(CLOSE, period="14"), "'14' is not a number"),
        (lambda ti: ti.calculate_sma("prices"), "prices"),
        (lambda ti: ti.calculate_sma(np.ones((2, 2))), "shape"),
        (lambda ti: ti.calculate_atr(HIGH, LOW[1:], CLOSE), "long|length"),
        (lambda _: da.TechnicalIndicators(maxsize=-1), "maxsize -1"),
    ],
)
def test_hostile_calls_say_what_is_wrong_and_leave_nothing_behind(call: Any, said: str) -> None:
    ti = da.TechnicalIndicators()
    with pytest.raises(IndicatorError, match=said):
        call(ti)
    assert ti.cache_info().size == 0


def test_threads_may_share_one() -> None:
    ti = da.TechnicalIndicators()
    wrong: list[int] = []

    def grow() -> None:
        for end in range(50, 300, 7):
            if bits(ti.calculate_macd(CLOSE[:end])) != bits(ta.MACD(CLOSE[:end])):
                wrong.append(end)

    threads = [threading.Thread(target=grow) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert sum(counts(ti)) == 4 * 36
