"""Calling an indicator: arguments, containers, `out=`, `nan=`, `seed=`, and what is refused in which words."""

from __future__ import annotations

import inspect
import pickle
import threading
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from deepalpha import ta
from deepalpha.errors import IndicatorError
from deepalpha.ta import stubs

CLOSE = 100.0 + np.cumsum(np.random.default_rng(3).normal(size=3000))


def _bars(length: int = 3000) -> tuple[NDArray[np.float64], ...]:
    close = CLOSE[:length]
    return close + 1.0, close - 1.0, close


def test_stubs_are_the_registrys() -> None:
    assert stubs.TARGET.read_text() == stubs.text(), "run: python -m deepalpha.ta.stubs"


def test_every_function_is_importable_named_and_has_talibs_signature() -> None:
    for name in ta.functions():
        function, spec = getattr(ta, name), ta.info(name)
        assert function.__name__ == name and spec["doc"] in function.__doc__
        expected = [*spec["inputs"], *(param["name"] for param in spec["params"]), "out", "nan", "seed"]
        expected += ["settings"] if name.startswith("CDL") else []
        assert list(inspect.signature(function).parameters) == expected
        assert pickle.loads(pickle.dumps(function)).__name__ == name
    assert "RSI" in dir(ta) and ta.RSI is ta.RSI


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ta.RSI(), r"RSI\(real, timeperiod=14\) needs real"),
        (lambda: ta.RSI(CLOSE, 14, 3), "takes at most 2 arguments, not 3"),
        (lambda: ta.RSI(CLOSE, period=3), "takes no period"),
        (lambda: ta.RSI(CLOSE, 14, timeperiod=3), "got timeperiod twice"),
        (lambda: ta.RSI(CLOSE, real=CLOSE), "got real twice"),
        (lambda: ta.RSI(CLOSE, nan="drop"), "nan 'drop' is not one of propagate, window, raise"),
        (lambda: ta.RSI(CLOSE, nan=None), "nan None is not one of"),
        (lambda: ta.EMA(CLOSE, seed=7), "seed 7 is not one of talib, tradingview"),
        (lambda: ta.OBV(CLOSE, CLOSE, seed="tradingview"), "OBV is not seeded"),
        (lambda: ta.SMA(CLOSE, "30"), "timeperiod '30' is not a number"),
        (lambda: ta.SMA(CLOSE, True), "True is not a number"),
        (lambda: ta.SMA(CLOSE, np.True_), "True.* is not a number"),
    ],
)
def test_refuses_a_call_that_does_not_fit(call: Any, message: str) -> None:
    with pytest.raises(IndicatorError, match=message):
        call()


def test_takes_parameters_as_any_kind_of_number() -> None:
    expected = ta.SMA(CLOSE, 5)
    for five in (5, 5.0, np.int64(5), np.float32(5.0)):
        np.testing.assert_array_equal(ta.SMA(CLOSE, five), expected)
        np.testing.assert_array_equal(ta.SMA(real=CLOSE, timeperiod=five), expected)


@pytest.mark.parametrize("length", [0, 1, 40, 1024, 1025, 3000])
def test_out_is_filled_and_returned(length: int) -> None:
    close = CLOSE[:length]
    out = np.full(length, 7.0)
    assert ta.RSI(close, out=out) is out
    np.testing.assert_array_equal(out, ta.RSI(close))
    three = tuple(np.empty(length) for _ in range(3))
    result = ta.MACD(close, out=three)
    assert all(given is returned for given, returned in zip(three, result, strict=True))
    for given, expected in zip(three, ta.MACD(close), strict=True):
        np.testing.assert_array_equal(given, expected)
    np.testing.assert_array_equal(ta.SMA(close.tolist(), 3, out=out), ta.SMA(close, 3))


def _read_only() -> NDArray[np.float64]:
    array = np.empty(3000)
    array.flags.writeable = False
    return array


@pytest.mark.parametrize(
    ("out", "message"),
    [
        (np.empty(2999), "has 2999 values; give 1 writable contiguous float64"),
        (np.empty(3000, dtype=np.float32), "is not such an array"),
        (np.empty(6000)[::2], "is not such an array"),
        (_read_only(), "read-only"),
        (CLOSE, "overlaps an input"),
        ((np.empty(3000), np.empty(3000)), "has 2 arrays"),
        ([0.0] * 3000, "has 3000 arrays"),
        ("array", "is not such an array"),
    ],
    ids=["short", "float32", "strided", "read-only", "the input", "two", "list", "string"],
)
def test_refuses_a_buffer_that_does_not_fit(out: Any, message: str) -> None:
    before = CLOSE.copy()
    with pytest.raises(IndicatorError, match=message):
        ta.SMA(CLOSE, out=out)
    np.testing.assert_array_equal(CLOSE, before)


def test_results_live_on_when_memory_is_used_again() -> None:
    """Outputs come from a pool: one that is alive must never be handed out a second time."""
    kept = [ta.SMA(CLOSE, period) for period in range(2, 40)]
    expected = [array.copy() for array in kept]
    for _ in range(50):
        ta.MACD(CLOSE)
    view = ta.EMA(CLOSE, 9)[5:]
    copy = view.copy()
    for _ in range(50):
        ta.EMA(CLOSE, 21)
    np.testing.assert_array_equal(view, copy)
    for array, values in zip(kept, expected, strict=True):
        np.testing.assert_array_equal(array, values)
        array += 1.0  # a result is the caller's to write into


def test_threads_do_not_disturb_each_other() -> None:
    expected = {period: ta.RSI(CLOSE, period) for period in range(2, 10)}
    wrong: list[int] = []

    def work(period: int) -> None:
        for _ in range(200):
            if not np.array_equal(ta.RSI(CLOSE, period), expected[period], equal_nan=True):
                wrong.append(period)

    threads = [threading.Thread(target=work, args=(period,)) for period in expected]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_gap_does_what_nan_says() -> None:
    close = CLOSE[:200].copy()
    close[100] = np.nan
    for name, forever in (("SMA", False), ("RSI", True), ("EMA", True), ("MAX", False)):
        function = getattr(ta, name)
        propagated, windowed = function(close, 10), function(close, 10, nan="window")
        np.testing.assert_array_equal(propagated[:100], function(CLOSE[:100], 10))
        restart = function(CLOSE[101:200], 10)
        np.testing.assert_array_equal(windowed[101:], restart)
        np.testing.assert_array_equal(propagated[101:], np.full(99, np.nan) if forever else restart)
        with pytest.raises(IndicatorError, match=f'{name}: real is NaN at bar 100, and nan="raise" allows none'):
            function(close, 10, nan="raise")
    pd = pytest.importorskip("pandas")
    np.testing.assert_allclose(ta.SMA(close, 10, nan="window"), pd.Series(close).rolling(10).mean(), rtol=1e-12)


def test_tradingviews_seed_is_the_first_value() -> None:
    """Pine's ta.ema: the first value, then sum := alpha * src + (1 - alpha) * sum; shown from TA-Lib's bar on."""
    period = 10
    average, expected = CLOSE[0], [CLOSE[0]]
    for value in CLOSE[1:]:
        average = 2 / (period + 1) * value + (1 - 2 / (period + 1)) * average
        expected.append(average)
    result = ta.EMA(CLOSE, period, seed="tradingview")
    assert np.isnan(result[: period - 1]).all()
    np.testing.assert_allclose(result[period - 1 :], expected[period - 1 :], rtol=1e-13)


def test_tradingviews_average_range_counts_the_first_bar() -> None:
    """Pine's ta.atr: ta.rma of ta.tr(true), whose first value is high - low; an rma starts with a mean."""
    high, low, close = _bars(300)
    ranges = np.maximum(high[1:] - low[1:], np.maximum(abs(high[1:] - close[:-1]), abs(low[1:] - close[:-1])))
    ranges = np.concatenate(([high[0] - low[0]], ranges))
    average = ranges[:14].mean()
    expected = [average]
    for value in ranges[14:]:
        average = (average * 13 + value) / 14
        expected.append(average)
    result = ta.ATR(high, low, close, seed="tradingview")
    assert np.isnan(result[:13]).all()
    np.testing.assert_allclose(result[13:], expected, rtol=1e-12)
