"""`ta.patterns`: equal to TA-Lib's 61 functions on every bar, under any settings, and able to say why."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import talib
from numpy.typing import NDArray
from talib import _ta_lib as lib

from deepalpha import ta
from deepalpha.errors import IndicatorError

Prices = tuple[NDArray[np.float64], ...]

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "data" / "sample"
SHARED = ROOT.parent / "shared" / "data"
NAMES = talib.get_function_groups()["Pattern Recognition"]
SETTINGS = list(ta.CandleSettings.__struct_fields__)
RANGES = ["real_body", "high_low", "shadows"]
FAST = ta.CandleSettings(
    body_long=("real_body", 3, 1.2),
    body_short=("high_low", 4, 0.4),
    body_doji=("high_low", 20, 0.15),
    shadow_long=("shadows", 6, 1.5),
    shadow_very_long=("real_body", 0, 1.5),
    shadow_short=("real_body", 2, 0.9),
    shadow_very_short=("shadows", 0, 0.3),
    near=("real_body", 7, 0.5),
    far=("high_low", 1, 0.4),
    equal=("high_low", 12, 0.1),
)


def _walk(length: int, seed: int, *, tick: float = 0.0, scale: float = 1.0) -> Prices:
    """A random walk with gaps and dead bars, on a grid of `tick` if there is one."""
    noise = np.random.default_rng(seed)
    close = 100.0 + np.cumsum(noise.normal(size=length) * 0.4 * noise.integers(0, 2, length))
    open_ = np.concatenate((close[:1], close[:-1])) + noise.normal(size=length) * 0.2 * noise.integers(0, 2, length)
    high = np.maximum(open_, close) + noise.exponential(size=length) * 0.3 * noise.integers(0, 2, length)
    low = np.minimum(open_, close) - noise.exponential(size=length) * 0.3 * noise.integers(0, 2, length)
    prices = (open_, high, low, close)
    return tuple((np.round(side / tick) * tick if tick else side) * scale for side in prices)


# Shapes too rare for a random walk: open, high, low, close of each candle.
SHAPES: dict[str, list[tuple[float, float, float, float]]] = {
    "breakaway": [
        (110, 111, 99, 100),
        (98, 98.5, 95, 95.5),
        (96, 97, 94, 94.5),
        (95, 96, 92, 92.5),
        (93, 99.5, 92.8, 99),
    ],
    "concealing baby swallow": [
        (110, 110, 105, 105),
        (104.9, 104.9, 100, 100),
        (98, 101, 96, 96.5),
        (101.5, 101.6, 95, 95.5),
    ],
    "ladder bottom": [
        (110, 110.5, 107, 107.5),
        (108, 108.2, 105, 105.5),
        (106, 106.3, 103, 103.5),
        (104, 106, 101, 101.5),
        (105, 108, 104.8, 107.5),
    ],
    "mat hold": [
        (100, 111, 99, 110),
        (112, 112.5, 111.4, 111.5),
        (111, 111.2, 109.5, 109.8),
        (109.9, 110, 109, 109.2),
        (110, 114, 109.8, 113.5),
    ],
    "rising three methods": [
        (100, 111, 99, 110),
        (109, 109.5, 108, 108.2),
        (108.3, 108.6, 107.2, 107.5),
        (107.6, 107.8, 106.5, 106.9),
        (107.5, 113, 107.3, 112.5),
    ],
    "three stars in the south": [(110, 110.2, 95, 104), (106, 106.5, 97, 102.5), (102, 102.05, 101.45, 101.5)],
}


def _planted(repeats: int, seed: int) -> Prices:
    """Calm candles and the shapes, upright and upside down, true to form and more or less off it."""
    noise = np.random.default_rng(seed)
    rows: list[NDArray[np.float64]] = []
    for repeat in range(repeats):
        for shape in SHAPES.values():
            candles = np.array([(100, 102, 99, 101)] * 12 + shape, dtype=np.float64)
            candles = candles + noise.normal(size=candles.shape) * 0.1 * (repeat % 5)
            rows += [candles, 200.0 - candles[:, [0, 2, 1, 3]]]
    open_, high, low, close = np.round(np.concatenate(rows), 2).T
    return open_, np.max([open_, high, close], axis=0), np.min([open_, low, close], axis=0), close


MARKETS: dict[str, Prices] = {
    "planted": _planted(100, 9),
    "walk": _walk(20_000, 1),
    "walk in cents": _walk(20_000, 2, tick=0.01),
    "walk in tenths": _walk(20_000, 3, tick=0.1),
    "walk in halves": _walk(20_000, 4, tick=0.5),
    "1e-8": _walk(5_000, 5, tick=0.01, scale=1e-8),
    "1e8": _walk(5_000, 6, tick=0.1, scale=1e8),
    "constant": tuple(np.full(400, 0.1) for _ in range(4)),
    "no bars": tuple(np.empty(0) for _ in range(4)),
    "13 bars": _walk(13, 7),
    "prices in any order": tuple(np.round(np.random.default_rng(8).normal(10.0, 1.0, (4, 20_000)), 1)),
}


def _talib(prices: Prices) -> NDArray[np.int32]:
    return np.stack([getattr(talib, name)(*prices) for name in NAMES], axis=1)


def _assert_all_equal(prices: Prices, settings: ta.CandleSettings | None = None) -> None:
    reference = _talib(prices)
    ours = ta.patterns(*prices, settings)
    bars, places = np.nonzero(ours.values != reference)
    assert not len(bars), f"{len(bars)} differ, first {NAMES[places[0]]} at bar {bars[0]}"


@pytest.mark.parametrize("market", MARKETS)
def test_equals_the_61_functions_of_talib(market: str) -> None:
    _assert_all_equal(MARKETS[market])


@pytest.mark.parametrize("path", sorted(SAMPLE.glob("*.parquet")), ids=lambda path: path.stem)
def test_equals_talib_on_the_bundled_bars(path: Path) -> None:
    frame = pl.read_parquet(path)
    sides = ("open", "high", "low", "close")
    if not set(sides) <= set(frame.columns):
        pytest.skip(f"{path.name} has no prices")
    _assert_all_equal(tuple(frame[side].cast(pl.Float64).to_numpy() for side in sides))


@pytest.mark.parametrize(
    "name", ["bitfinex_btcusd_1m_2018", "cme_6EH4_1m_2024-01", "cn_futures_continuous_1d_to_2016-02"]
)
def test_equals_talib_on_real_minutes_and_days(name: str) -> None:
    """Hundreds of thousands of bars on a coarse grid, dead minutes among them: time for running sums to drift."""
    path = SHARED / f"{name}.parquet"
    if not path.exists():
        pytest.skip(f"{path.name} is not in shared/data")
    frame = pl.read_parquet(path).head(400_000)
    columns = {column.lower(): column for column in frame.columns}
    _assert_all_equal(
        tuple(frame[columns[side]].cast(pl.Float64).to_numpy() for side in ("open", "high", "low", "close"))
    )


def test_every_pattern_occurs_and_the_single_functions_agree() -> None:
    seen: set[str] = set()
    for prices in MARKETS.values():
        found = ta.patterns(*prices)
        seen |= {name for name in NAMES if found[name].any()}
        for name in NAMES:
            np.testing.assert_array_equal(found[name], getattr(ta, name)(*prices), err_msg=name)
            np.testing.assert_array_equal(found[name], ta.pattern(name, *prices), err_msg=name)
    assert set(NAMES) - seen == set()


@contextmanager
def _talib_settings(settings: ta.CandleSettings) -> Iterator[None]:
    """TA-Lib's global settings, put back afterwards."""
    try:
        for number, (range_type, period, factor) in enumerate(settings.gauges()):
            lib._ta_set_candle_settings(number, RANGES.index(range_type), period, factor)
        yield
    finally:
        lib._ta_restore_candle_default_settings(len(SETTINGS))


def _changed() -> dict[str, ta.CandleSettings]:
    """Each setting by itself at another period, range type and factor, and many at once."""
    talibs = ta.CandleSettings()
    changed = {"several": FAST}
    for number, name in enumerate(SETTINGS):
        _, period, factor = getattr(talibs, name)
        changed[f"{name} period"] = ta.CandleSettings(**{name: (getattr(talibs, name)[0], period + 7, factor)})
        changed[f"{name} range"] = ta.CandleSettings(**{name: (RANGES[number % 3], 4, factor * 1.3)})
        changed[f"{name} own part"] = ta.CandleSettings(**{name: ("high_low", 0, factor * 0.5)})
        changed[f"{name} zero"] = ta.CandleSettings(**{name: ("shadows", 3, 0.0)})
    return changed


@pytest.mark.parametrize("settings", _changed().values(), ids=_changed())
def test_equals_talib_under_other_settings(settings: ta.CandleSettings) -> None:
    for market in ("walk in cents", "walk in halves"):
        prices = tuple(side[:3000] for side in MARKETS[market])
        with _talib_settings(settings):
            _assert_all_equal(prices, settings)
            hammer, star = talib.CDLHAMMER(*prices), talib.CDLMORNINGSTAR(*prices, penetration=0.6)
        np.testing.assert_array_equal(ta.pattern("CDLHAMMER", *prices, settings=settings), hammer)
        np.testing.assert_array_equal(ta.pattern("CDLMORNINGSTAR", *prices, settings, penetration=0.6), star)
    _assert_all_equal(prices)


def test_two_threads_with_different_settings_do_not_disturb_each_other() -> None:
    prices = MARKETS["walk in cents"]
    expected = {settings: ta.patterns(*prices, settings).values for settings in (ta.CandleSettings(), FAST)}
    assert not np.array_equal(*expected.values())
    wrong: list[str] = []

    def work(settings: ta.CandleSettings) -> None:
        for _ in range(5):
            if not np.array_equal(ta.patterns(*prices, settings).values, expected[settings]):
                wrong.append(repr(settings))

    threads = [threading.Thread(target=work, args=(settings,)) for settings in expected for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not wrong and not any(thread.is_alive() for thread in threads)


@pytest.mark.parametrize("where", [0, 1, 2, 3])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_gap_is_a_series_cut_in_two(where: int, value: float) -> None:
    prices = tuple(side[:900].copy() for side in MARKETS["walk in halves"])
    for bar in (0, 1, 300, 301, 640):
        prices[where][bar] = value
    found = ta.patterns(*prices)
    expected = np.zeros_like(found.values)
    for start, end in ((2, 300), (302, 640), (641, 900)):
        expected[start:end] = _talib(tuple(side[start:end] for side in prices))
    np.testing.assert_array_equal(found.values, expected)
    for name in NAMES:
        np.testing.assert_array_equal(getattr(ta, name)(*prices), found[name], err_msg=name)


@pytest.mark.parametrize("spike", [1e9, 1e16])
@pytest.mark.parametrize("bar", [0, 5, 400, 511, 512])
def test_a_misprint_is_forgotten_once_it_has_left_the_averages(bar: int, spike: float) -> None:
    """TA-Lib's running sums keep what is left of a 1e16 print for ever; ours read their own window."""
    clean = tuple(side[:1200] for side in MARKETS["walk in halves"])
    dirty = tuple(side.copy() for side in clean)
    dirty[1][bar] = spike
    behind = bar + 15
    np.testing.assert_array_equal(ta.patterns(*dirty).values[behind:], _talib(clean)[behind:])
    for name in ("CDLDOJI", "CDLHAMMER", "CDL3LINESTRIKE"):
        np.testing.assert_array_equal(getattr(ta, name)(*dirty)[behind:], getattr(ta, name)(*clean)[behind:])


def test_talib_does_not_forget_a_misprint() -> None:
    """Why the test above does not compare with TA-Lib on the same bars."""
    clean = tuple(side[:1200] for side in MARKETS["walk in halves"])
    dirty = tuple(side.copy() for side in clean)
    dirty[1][512] = 1e16
    assert not np.array_equal(_talib(dirty)[600:], _talib(clean)[600:])


def test_every_hit_is_explained_by_conditions_that_all_hold() -> None:
    prices = tuple(side[:400] for side in MARKETS["walk in halves"])
    for settings in (ta.CandleSettings(), FAST):
        found = ta.patterns(*prices, settings)
        for bar in range(len(found)):
            explained = found.explain(bar)
            assert {row["name"]: row["value"] for row in explained} == found.hits(bar)
            for row in explained:
                assert row["conditions"] and row["aim"] == row["value"] and row["rule"] and row["doc"]
                assert all(condition["held"] for condition in row["conditions"])


def test_every_miss_is_explained_by_a_condition_that_failed() -> None:
    prices = tuple(side[:300] for side in MARKETS["walk in cents"])
    found = ta.patterns(*prices)
    compare = {"<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal}
    for bar in range(14, len(found)):
        for row in found.explain(bar, NAMES):
            assert row["value"] == found[row["name"]][bar] and row["aim"] in (-200, -100, -80, 80, 100, 200)
            assert (row["value"] == 0) == any(not condition["held"] for condition in row["conditions"])
            for condition in row["conditions"]:
                holds = compare[condition["relation"]](condition["measured"], condition["threshold"])
                assert condition["held"] == holds


def _calm(*last: tuple[float, float, float, float]) -> Prices:
    """Twelve candles 10 -> 12 in 9..13, then the given ones."""
    rows = [(10.0, 13.0, 9.0, 12.0)] * 12 + list(last)
    return tuple(np.array(side) for side in zip(*rows, strict=True))


def test_a_near_miss_names_the_condition_and_the_numbers() -> None:
    assert ta.patterns(*_calm((9.5, 10.0, 8.0, 10.0))).hits(-1)["CDLHAMMER"] == 100
    missed = ta.patterns(*_calm((9.9, 10.4, 8.0, 10.4)))
    assert "CDLHAMMER" not in missed.hits(-1)
    [row] = missed.explain(-1, "cdlhammer")
    assert (row["value"], row["aim"], row["lookback"]) == (0, 100, 11)
    [failed] = [condition for condition in row["conditions"] if not condition["held"]]
    assert failed["what"] == "body is near the low before (near)" and failed["bars_ago"] == 0
    assert failed["relation"] == "<="
    assert (failed["measured"], failed["threshold"]) == pytest.approx((9.9, 9.0 + 0.2 * 4.0))
    loose = ta.CandleSettings(near=("high_low", 5, 0.3))
    assert ta.patterns(*_calm((9.9, 10.4, 8.0, 10.4)), loose).hits(-1)["CDLHAMMER"] == 100


def test_the_look_back_follows_the_settings_and_is_explained_as_such() -> None:
    prices = MARKETS["constant"]
    for period in (0, 3, 30):
        doji = ta.patterns(*prices, ta.CandleSettings(body_doji=("high_low", period, 0.1)))
        assert np.flatnonzero(doji["CDLDOJI"])[0] == period
    [row] = ta.patterns(*prices).explain(9, "CDLDOJI")
    assert (row["value"], row["lookback"], row["conditions"]) == (0, 10, [])


def test_results_are_columns_rows_and_a_frame() -> None:
    prices = MARKETS["walk"]
    found = ta.patterns(*(pl.Series(side) for side in prices))
    assert list(found.names) == NAMES and found.values.shape == (20_000, 61) and found.values.dtype == np.int16
    assert np.shares_memory(found["cdldoji"], found.values)
    frame = found.to_polars()
    assert frame.columns == NAMES
    np.testing.assert_array_equal(frame.to_numpy(), found.values)
    bar = int(np.flatnonzero(found.values.any(axis=1))[-1])
    assert found.hits(bar) == found.hits(bar - len(found)) != {}
    with pytest.raises(ValueError, match="read-only"):
        found.values[0, 0] = 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda prices: ta.CandleSettings(near=("high_low", -1, 0.2)), r"near: period -1 is not in 0\.\.100000"),
        (lambda prices: ta.CandleSettings(near=("high_low", 100_001, 0.2)), "near: period 100001 is not in"),
        (lambda prices: ta.CandleSettings(far=("high_low", 2.5, 0.2)), "far: period 2.5 is not a whole number"),
        (lambda prices: ta.CandleSettings(far=("high_low", True, 0.2)), "far: period True is not a whole number"),
        (lambda prices: ta.CandleSettings(far=("high_low", 5, -0.1)), r"far: factor -0.1 is not in 0\.\.1e\+06"),
        (lambda prices: ta.CandleSettings(far=("high_low", 5, float("nan"))), "far: factor nan is not in"),
        (lambda prices: ta.CandleSettings(far=("high_low", 5, "1")), "far: factor '1' is not a number"),
        (lambda prices: ta.CandleSettings(equal=("range", 5, 0.1)), "equal: range type 'range' is none of real_body"),
        (lambda prices: ta.CandleSettings(equal=0.1), "equal 0.1 is not"),
        (lambda prices: ta.patterns(*prices, settings={"near": 1}), "is a dict; pass a ta.CandleSettings"),
        (lambda prices: ta.patterns(*prices[:3], prices[3][:-1]), "close has 12 values but open has 13"),
        (lambda prices: ta.patterns(*prices).explain(13), r"bar 13 is not in -13\.\.12"),
        (lambda prices: ta.patterns(*prices).hits(-14), r"bar -14 is not in -13\.\.12"),
        (lambda prices: ta.patterns(*prices).hits(True), "bar True is not in"),
        (lambda prices: ta.patterns(*prices)["CDLHAMER"], "did you mean CDLHAMMER"),
        (lambda prices: ta.patterns(*prices).explain(3, ["RSI"]), "no candlestick pattern is called 'RSI'"),
        (lambda prices: ta.pattern("CDLDOJI", *prices, depth=1.0), "CDLDOJI: no parameter depth"),
        (lambda prices: ta.pattern("CDLDOJI", *prices, penetration=1.0), "CDLDOJI takes at most 0 parameters"),
        (lambda prices: ta.pattern("CDLMATHOLD", *prices, penetration=-1.0), "penetration -1 is not in 0.0"),
    ],
)
def test_refuses_with_value_and_bound(call: Any, message: str) -> None:
    with pytest.raises(IndicatorError, match=message):
        call(MARKETS["13 bars"])
