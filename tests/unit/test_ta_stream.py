"""Indicators bar by bar: the bits of the whole series, a refused update that changes nothing, snapshots."""

from __future__ import annotations

import copy
import math
import pickle
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from deepalpha import ta
from deepalpha.errors import IndicatorError

STREAMING = [name for name in ta.functions() if ta.info(name)["streams"]]
COLUMN = {"real0": "high", "real1": "low"}


def market(bars: int, seed: int = 7) -> dict[str, NDArray[np.float64]]:
    draw = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(draw.normal(0, 0.01, bars)))
    open_ = np.concatenate([[100.0], close[:-1]])
    high = np.maximum(open_, close) * (1 + draw.uniform(0, 0.004, bars))
    low = np.minimum(open_, close) * (1 - draw.uniform(0, 0.004, bars))
    volume = draw.integers(1, 1000, bars).astype(float)
    return {"open": open_, "high": high, "low": low, "close": close, "volume": volume}


def inputs_of(name: str, bars: dict[str, NDArray[np.float64]]) -> list[NDArray[np.float64]]:
    labels = [COLUMN.get(label, label) for label in ta.info(name)["inputs"]]
    return [bars.get(label, bars["close"]) for label in labels]


def as_rows(result: Any) -> list[tuple[float, ...]]:
    """Results by bar: one tuple of the outputs' values."""
    return list(zip(*(result if isinstance(result, tuple) else (result,)), strict=True))


def same(found: Any, expected: tuple[float, ...]) -> bool:
    values = found if isinstance(found, tuple) else (found,)
    return np.asarray(values, dtype=float).tobytes() == np.asarray(expected, dtype=float).tobytes()


@pytest.mark.parametrize("name", STREAMING)
def test_every_indicator_shows_the_bits_of_the_whole_series_bar_by_bar(name: str) -> None:
    bars = inputs_of(name, market(400))
    expected = as_rows(getattr(ta, name)(*bars))
    kinds = [float if output["kind"] == "float64" else int for output in ta.info(name)["outputs"]]
    cold = getattr(ta.stream, name)()
    warm = getattr(ta.stream, name)(*(series[:250] for series in bars))
    assert (cold.bars, warm.bars) == (0, 250)
    assert same(warm.value, expected[249])
    for bar in range(400):
        row = [float(series[bar]) for series in bars]
        assert same(cold.peek(*row), expected[bar]), (name, bar)
        found = cold.update(*row)
        assert same(found, expected[bar]), (name, bar)
        assert [type(value) for value in (found if isinstance(found, tuple) else (found,))] == kinds
        if bar >= 250:
            assert same(warm.update(*row), expected[bar]), (name, bar)
    assert same(cold.value, expected[-1])


@pytest.mark.parametrize("name", STREAMING)
def test_a_refused_update_leaves_every_indicator_as_it_was(name: str) -> None:
    bars = inputs_of(name, market(120))
    handle = getattr(ta.stream, name)(*(series[:119] for series in bars))
    before = handle.snapshot()
    row = [float(series[119]) for series in bars]
    for place, label in enumerate(ta.info(name)["inputs"]):
        for bad in (math.nan, math.inf, -math.inf, "101", None, True, 1j, [1.0], 10**400):
            hostile: list[Any] = [*row[:place], bad, *row[place + 1 :]]
            with pytest.raises(IndicatorError, match=name) as caught:
                handle.update(*hostile)
            if bad is not None:
                assert label in str(caught.value)
            with pytest.raises(IndicatorError):
                handle.peek(*hostile)
    for wrong in ([], row[:-1], [*row, 1.0], [*row, 1.0, 1.0, 1.0]):
        with pytest.raises(IndicatorError, match=name):
            handle.update(*wrong)
    assert handle.snapshot() == before
    assert same(handle.update(*row), as_rows(getattr(ta, name)(*bars))[-1])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(["update", "peek", "bad", "copy", "pickle", "snapshot"]), max_size=60), st.randoms())
def test_whatever_happens_between_updates_the_values_stay_those_of_the_series(calls: list[str], random: Any) -> None:
    name = random.choice(STREAMING)
    bars = inputs_of(name, market(60))
    expected = as_rows(getattr(ta, name)(*bars))
    handle = getattr(ta.stream, name)()
    for call in calls:
        row = [float(series[handle.bars]) for series in bars]
        if call == "update":
            assert same(handle.update(*row), expected[handle.bars - 1])
        elif call == "peek":
            handle.peek(*(value * random.uniform(0.5, 2) for value in row))
        elif call == "bad":
            with pytest.raises(IndicatorError):
                handle.update(*[*row[:-1], math.nan])
        elif call == "copy":
            other, handle = handle, copy.copy(handle)
            other.update(*row)
        elif call == "pickle":
            handle = pickle.loads(pickle.dumps(handle))
        else:
            handle = ta.stream.restore(handle.snapshot())
    assert handle.bars == calls.count("update")


# What the other process does: a process of its own, which knows nothing of this one but the pickle.
OTHER = """
import pickle, sys
handle, rows = pickle.load(sys.stdin.buffer)
sys.stdout.buffer.write(pickle.dumps([handle.update(*row) for row in rows]))
"""


def _in_another_process(work: tuple[Any, list[list[float]]]) -> list[Any]:
    done = subprocess.run([sys.executable, "-c", OTHER], input=pickle.dumps(work), capture_output=True, check=True)
    answer: list[Any] = pickle.loads(done.stdout)
    return answer


def test_a_pickled_handle_goes_on_in_another_process() -> None:
    bars = market(200)
    close = bars["close"]
    handles = [
        (ta.stream.RSI(close[:100], timeperiod=9), [[value] for value in close[100:].tolist()]),
        (ta.stream.MACD(close[:100]), [[value] for value in close[100:].tolist()]),
    ]
    expected = [ta.RSI(close, timeperiod=9), ta.MACD(close)]
    answers = [_in_another_process(work) for work in handles]
    for answer, whole in zip(answers, expected, strict=True):
        rows = as_rows(whole)[100:]
        assert all(same(found, row) for found, row in zip(answer, rows, strict=True))


def test_a_handle_says_what_it_is() -> None:
    handle = ta.stream.BBANDS([1.0, 2.0, 3.0], timeperiod=2)
    assert (handle.name, handle.bars, handle.seed, handle.inputs) == ("BBANDS", 3, "talib", ["real"])
    assert handle.params == {"timeperiod": 2, "nbdevup": 2.0, "nbdevdn": 2.0, "matype": 0}
    assert isinstance(handle.params["timeperiod"], int)
    assert repr(handle).startswith("ta.stream.BBANDS(timeperiod=2, nbdevup=2.0, ")
    assert "bars=3" in repr(handle)
    assert handle.value == (3.5, 2.5, 1.5)
    assert "RSI" in dir(ta.stream)


def test_history_may_be_any_series_and_incomplete_in_front_only() -> None:
    close = market(50)["close"]
    expected = ta.EMA(close, 5)[-1]
    for history in (close.tolist(), close.astype(">f8"), np.concatenate([[math.nan] * 3, close])):
        assert ta.stream.EMA(history, 5).value == expected
    assert ta.stream.EMA([]).bars == 0
    with pytest.raises(IndicatorError, match="bar 3"):
        ta.stream.EMA([1.0, 2.0, 3.0, math.nan, 5.0], 2)
    with pytest.raises(IndicatorError, match="history lacks low, close"):
        ta.stream.ATR(close)
    with pytest.raises(IndicatorError, match=r"length|long"):
        ta.stream.ATR(close, close, close[1:])


def test_the_seed_is_chosen_by_handle() -> None:
    close = market(80)["close"]
    first = ta.stream.EMA(close, 10, seed="tradingview")
    assert first.value != ta.stream.EMA(close, 10).value
    assert ta.stream.restore(first.snapshot()).seed == "tradingview"
    with pytest.raises(IndicatorError, match="SMA is not seeded"):
        ta.stream.SMA(close, seed="tradingview")
    with pytest.raises(IndicatorError, match="nonsense"):
        ta.stream.EMA(close, seed="nonsense")


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: ta.stream.RSI(timeperiod=0), "timeperiod 0 is not in 2..=100000"),
        (lambda: ta.stream.RSI(timeperiod=2.5), "2.5 is not a whole number"),
        (lambda: ta.stream.RSI(timeperiod="14"), "'14' is not a number"),
        (lambda: ta.stream.RSI(period=14), "period"),
        (lambda: ta.stream.restore(b"nonsense"), "snapshot"),
        (lambda: ta.stream.restore("text"), "bytes"),
    ],
)
def test_hostile_calls_say_what_is_wrong(call: Any, said: str) -> None:
    with pytest.raises(IndicatorError, match=said):
        call()


def test_an_unknown_indicator_is_a_missing_attribute_with_a_suggestion() -> None:
    with pytest.raises(AttributeError, match="did you mean RSI"):
        _ = ta.stream.RSII
    with pytest.raises(AttributeError):
        _ = ta.stream.rsi


def test_a_damaged_snapshot_is_refused() -> None:
    whole = ta.stream.RSI(market(50)["close"]).snapshot()
    for at in range(len(whole)):
        with pytest.raises(IndicatorError):
            ta.stream.restore(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(IndicatorError):
            ta.stream.restore(whole[:at])


def test_extend_gives_the_bars_results_or_takes_nothing_in() -> None:
    close = market(90)["close"]
    handle = ta.stream.RSI(close[:40])
    (found,) = handle.extend(close[40:])
    assert found.tobytes() == ta.RSI(close)[40:].tobytes()
    before = handle.snapshot()
    with pytest.raises(IndicatorError):
        handle.extend(np.array([1.0, math.nan]))
    assert handle.snapshot() == before
