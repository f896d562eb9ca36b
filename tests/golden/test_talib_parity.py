"""Every indicator against TA-Lib 0.8.2 itself: same values, same NaN positions, exactly the same patterns."""

from __future__ import annotations

from ast import literal_eval
from fractions import Fraction
from pathlib import Path
from statistics import pstdev
from typing import Any

import numpy as np
import polars as pl
import pytest
import talib
from numpy.typing import NDArray

from deepalpha import ta
from deepalpha.errors import IndicatorError

Floats = NDArray[np.float64]
Bars = dict[str, Floats]

SAMPLE = Path(__file__).parents[2] / "data" / "sample" / "AAPL.parquet"
RELATIVE = 1e-9
# Where a result crosses zero both libraries return rounding noise there, which differs with the order of additions: the
# comparison has a floor of this share of the output's own largest value.
FLOOR = 1e-12

# Further floors, as a share of the largest input, each with its reason. Keep them few.
INPUT_FLOOR: dict[str, float] = {
    # overlap, cycle, math, price, statistic
    "LINEARREG_SLOPE": 1e-12,  # a difference of sums of the input: noise where the line is flat
    "LINEARREG_ANGLE": 6e-11,  # that slope's noise in degrees: 180 / pi as much
    "AVGDEV": 1e-12,  # distances from a mean that TA-Lib rounds: noise where nothing moves
    # momentum, volatility, volume
    # differences of averages of the input
    **dict.fromkeys(("AC", "AO", "APO", "DPO", "MACD", "MACDEXT", "MACDFIX"), 1e-12),
}

# Where rounding decides what an adaptive average of something that stands still does: (name, market, parameters).
# TA-Lib itself gives something else when its input changes in the last bit: see the test below, and for KAMA the one
# against exact arithmetic in test_momentum_exact.py.
TALIB_ROUNDS: set[tuple[str, str, str]] = {
    *(
        ("STOCHRSI", market, f"{{'fastd_matype': {kind}}}")
        for market in ("coarse", "real daily bars")
        for kind in (6, 7)
    ),
    *(("MACDEXT", market, "{'signalmatype': 7}") for market in ("rising", "falling")),
}

# Further floors, absolute: for results that do not grow with the input.
ABSOLUTE_FLOOR: dict[str, float] = {
    "FOSC": 2e-10,  # TA-Lib's running sums drift by 1e-10 on a straight line, ours by 1e-13: test_momentum_exact.py
    "KDJ": 1e-9,  # j = 3k - 2d of TA-Lib's averages, whose running sums drift
    "PPO": 1e-11,
    "PVO": 1e-11,  # percent: noise of two averages where volume stands still
}

# Where TA-Lib itself has fewer digits than RELATIVE asks for, and ours has more: see test_statistics_exact.py.
TALIB_LOSES: dict[str, float] = {
    "BETA": 1e-8,  # sums of squares of returns that hardly differ from each other
}

# Where TA-Lib makes a number out of nothing: (name, market, parameters) -> what it does.
TALIB_INVENTS: dict[tuple[str, str, str], str] = {
    ("WAD", "all NaN", "{}"): "0 on the last bar of a series of NaN",
    ("CORREL", "all NaN", "{'timeperiod': 1}"): "0 on the last bar of a series of NaN",
    ("AD", "all NaN", "{}"): "0 on the last bar of a series of NaN",
    ("NVI", "all NaN", "{}"): "1000 on the last bar of a series of NaN",
    ("PVI", "all NaN", "{}"): "1000 on the last bar of a series of NaN",
    ("VWAP", "all NaN", "{}"): "0 on the last bar of a series of NaN",
}

# Parameter rows beside the derived ones.
EXTRA: dict[str, list[dict[str, Any]]] = {
    # overlap, cycle, math, price, statistic
    "BBANDS": [
        {"timeperiod": 5, "nbdevup": 1.0, "nbdevdn": 3.0},
        {"timeperiod": 5, "nbdevup": 2.0, "nbdevdn": 1.0, "matype": 1},
        {"timeperiod": 50, "nbdevup": 0.0, "nbdevdn": -1.0},
    ],
    "KC": [
        {"timeperiod": 2, "atrperiod": 14},
        {"timeperiod": 5, "atrperiod": 1, "nbdev": -1.0},
        {"timeperiod": 50, "atrperiod": 2, "nbdev": 0.0},
    ],
    "MA": [{"timeperiod": period, "matype": kind} for kind in range(14) for period in (1, 2, 3, 4, 16)],
    "MAMA": [{"fastlimit": 0.05, "slowlimit": 0.5}, {"fastlimit": 0.99, "slowlimit": 0.01}],
    "MAVP": [
        {"minperiod": 1, "maxperiod": 12, "matype": 1},
        {"minperiod": 3, "maxperiod": 8, "matype": 6},
        {"minperiod": 7, "maxperiod": 7, "matype": 4},
    ],
    "SAR": [
        {"acceleration": 0.0, "maximum": 0.0},
        {"acceleration": 0.5, "maximum": 0.2},
        {"acceleration": 0.1, "maximum": 3.0},
    ],
    "SAREXT": [
        {"startvalue": 90.0},
        {"startvalue": -110.0, "offsetonreverse": 0.02},
        {"accelerationinitlong": 0.3, "accelerationlong": 0.4, "accelerationinitshort": 0.5, "accelerationshort": 0.1},
        {"offsetonreverse": 0.5, "accelerationmaxlong": 0.0, "accelerationmaxshort": 2.0},
    ],
    "STDDEV": [{"timeperiod": 20, "nbdev": 2.5}, {"timeperiod": 50, "nbdev": -1.0}],
    "SUPERTREND": [
        {"timeperiod": period, "multiplier": times} for period in (2, 3, 7) for times in (0.0, 0.5, 1.0, 2.0)
    ],
    "T3": [{"timeperiod": period, "vfactor": factor} for period in (1, 2, 9) for factor in (0.0, 0.35, 1.0)],
    # momentum, volatility, volume
    "MACD": [
        {"fastperiod": 26, "slowperiod": 12},
        {"fastperiod": 3, "slowperiod": 10, "signalperiod": 1},
        {"fastperiod": 5, "slowperiod": 5, "signalperiod": 4},
    ],
    "STOCH": [
        {"fastk_period": 14, "slowk_period": 3, "slowk_matype": 1, "slowd_period": 5, "slowd_matype": 1},
        {"fastk_period": 14, "slowk_period": 4, "slowk_matype": 2, "slowd_period": 2, "slowd_matype": 0},
    ],
    "AC": [{"fastperiod": 13, "slowperiod": 4, "signalperiod": 3}],
    "AO": [{"fastperiod": 13, "slowperiod": 4}],
    **{name: [{"fastperiod": 13, "slowperiod": 4, "matype": kind} for kind in (0, 1, 4, 6)] for name in ("APO", "PPO")},
    "COPPOCK": [{"wmaperiod": 4, "roc1period": 9, "roc2period": 2}],
    "FRACTAL": [{"leftbars": 1, "rightbars": 4}, {"leftbars": 6, "rightbars": 1}, {"leftbars": 3, "rightbars": 3}],
    "MACDEXT": [
        {"fastperiod": 26, "fastmatype": 3, "slowperiod": 12, "slowmatype": 1},
        {"fastperiod": 5, "fastmatype": 4, "slowperiod": 10, "slowmatype": 0, "signalperiod": 1, "signalmatype": 1},
        {"fastperiod": 12, "fastmatype": 1, "slowperiod": 26, "slowmatype": 1, "signalperiod": 9, "signalmatype": 1},
        {"fastperiod": 6, "fastmatype": 6, "slowperiod": 6, "slowmatype": 8, "signalperiod": 4, "signalmatype": 5},
    ],
    "SMI": [{"timeperiod": 5, "fastperiod": 9, "slowperiod": 3, "signalperiod": 4}],
    "STOCHF": [{"fastk_period": 14, "fastd_period": 5, "fastd_matype": 4}],
    "STOCHRSI": [{"timeperiod": 8, "fastk_period": 8, "fastd_period": 1}],
    "TSI": [{"firstperiod": 4, "secondperiod": 11}],
    "ULTOSC": [{"timeperiod1": 30, "timeperiod2": 4, "timeperiod3": 9}],
}

# In the registry and in TA-Lib. What TA-Lib has and the registry lacks is counted in `test_how_much_of_talib_is_here`.
NAMES = sorted(set(ta.functions()) & set(talib.get_functions()))


def _rows(name: str) -> list[dict[str, Any]]:
    """The defaults, and each parameter by itself at several values within its bounds."""
    rows: list[dict[str, Any]] = [{}, *EXTRA.get(name, [])]
    for param in ta.info(name)["params"]:
        if param["kind"] == "average":
            values: list[float] = [kind for kind in range(14) if kind != param["default"]]
        elif param["kind"] == "int":
            values = [param["min"], 2, 3, 5, 50]
        else:
            values = [param["default"] * 1.5, param["default"] * 0.5]
        within = {value for value in values if param["min"] <= value <= param["max"]} - {param["default"]}
        rows += [{param["name"]: value, **_range_of(param["name"], value)} for value in sorted(within)]
    return rows


def _range_of(param: str, value: float) -> dict[str, float]:
    """The other end of MAVP's range of periods, when one end is `value`: both refuse a range that is none."""
    ends = {"minperiod": {"maxperiod": max(value, 30)}, "maxperiod": {"minperiod": min(value, 2)}}
    return ends.get(param, {})


CASES = [(name, params) for name in NAMES for params in _rows(name)]


def _bars(close: Floats, seed: int, spread: float) -> Bars:
    """Bars around a close: opens near the last close, shadows of random length, whole volumes."""
    noise = np.random.default_rng(seed)
    open_ = np.concatenate((close[:1], close[:-1])) + spread * noise.normal(size=len(close)) * 0.3
    high = np.maximum(open_, close) + spread * noise.exponential(size=len(close)) * noise.integers(0, 2, len(close))
    low = np.minimum(open_, close) - spread * noise.exponential(size=len(close)) * noise.integers(0, 2, len(close))
    volume = noise.integers(0, 100_000, len(close)).astype(np.float64)
    return {"open": open_, "high": high, "low": low, "close": close, "volume": volume}


def _walk(length: int = 500, seed: int = 1) -> Bars:
    steps = np.random.default_rng(seed).normal(size=length)
    return _bars(100.0 + np.cumsum(steps) * 0.5, seed, 0.5)


def _scaled(bars: Bars, factor: float) -> Bars:
    return {name: series if name == "volume" else series * factor for name, series in bars.items()}


def _gapped() -> Bars:
    """A walk that jumps by a fifth every 40 bars."""
    bars = _walk(seed=2)
    jumps = 1.0 + 0.2 * ((np.arange(500) // 40) % 2)
    return {name: series if name == "volume" else series * jumps for name, series in bars.items()}


def _coarse() -> Bars:
    """A walk on a coarse grid: many ties, dojis and bodies that touch."""
    return {name: np.round(series * 2) / 2 for name, series in _walk(seed=3).items()}


def _leading_nan() -> Bars:
    bars = {name: series.copy() for name, series in _walk(200, seed=4).items()}
    for index, series in enumerate(bars.values()):
        series[: 3 + 2 * index] = np.nan
    return bars


MARKETS: dict[str, Bars] = {
    "walk": _walk(),
    "coarse": _coarse(),
    "gapped": _gapped(),
    "constant": {name: np.full(120, 37.25) for name in ("open", "high", "low", "close", "volume")},
    "constant, not exact in binary": {name: np.full(120, 0.1) for name in ("open", "high", "low", "close", "volume")},
    "rising": _bars(np.linspace(10.0, 60.0, 200), 5, 0.01),
    "falling": _bars(np.linspace(60.0, 10.0, 200), 6, 0.01),
    "tiny, 1e-8": _scaled(_walk(seed=7), 1e-8),
    "huge, 1e8": _scaled(_walk(seed=8), 1e8),
    "leading NaN": _leading_nan(),
    "all NaN": {name: np.full(60, np.nan) for name in ("open", "high", "low", "close", "volume")},
    "5 bars": {name: series[:5] for name, series in _walk(seed=9).items()},
    "1 bar": {name: series[:1] for name, series in _walk(seed=9).items()},
    "no bars": {name: series[:0] for name, series in _walk(seed=9).items()},
}


def _sample() -> Bars:
    if not SAMPLE.exists():
        pytest.skip(f"{SAMPLE.name} is not in data/sample")
    frame = pl.read_parquet(SAMPLE)
    return {column: frame[column].cast(pl.Float64).to_numpy() for column in ("open", "high", "low", "close", "volume")}


# The columns for inputs that may be any series: TA-Lib's own defaults in talib.abstract.
ANY_SERIES = {"real": "close", "real0": "high", "real1": "low"}


def _inputs(name: str, bars: Bars) -> list[Floats]:
    # MAVP's own input: a period for every bar, also ones beyond its bounds and fractions.
    series = {**bars, "periods": bars["volume"] % 37.0 - 2.5}
    return [series[ANY_SERIES.get(label, label)] for label in ta.info(name)["inputs"]]


def _all(result: Any) -> tuple[NDArray[Any], ...]:
    return result if isinstance(result, tuple) else (result,)


def _floor(name: str, inputs: list[Floats], reference: Floats) -> float | Floats:
    """Absolute tolerance; see FLOOR and INPUT_FLOOR."""
    largest = [float(np.max(np.abs(array), initial=0.0, where=np.isfinite(array))) for array in (reference, inputs[0])]
    floor = FLOOR * largest[0] + INPUT_FLOOR.get(name, 0.0) * largest[1] + ABSOLUTE_FLOOR.get(name, 0.0)
    if name in ("STDDEV", "BBANDS"):
        # TA-Lib's mean(x^2) - mean(x)^2 loses a few eps * x^2 of the variance; ours does not, see the test against
        # exact arithmetic below. A deviation of exactly 0 must still be exactly 0.
        lost = 4 * np.finfo(np.float64).eps * inputs[0] ** 2
        spread = np.abs(reference)
        return floor + np.divide(lost, spread, out=np.zeros_like(lost), where=spread > 0.0)
    return floor


def _assert_equal(name: str, bars: Bars, params: dict[str, Any]) -> None:
    inputs = _inputs(name, bars)
    ours, theirs = _all(getattr(ta, name)(*inputs, **params)), _all(getattr(talib, name)(*inputs, **params))
    labels = [output["name"] for output in ta.info(name)["outputs"]]
    assert len(ours) == len(theirs) == len(labels)
    for label, mine, reference in zip(labels, ours, theirs, strict=True):
        assert mine.dtype == reference.dtype
        np.testing.assert_array_equal(np.isnan(mine), np.isnan(reference), err_msg=f"NaN positions of {label}")
        if mine.dtype == np.int32:
            np.testing.assert_array_equal(mine, reference, err_msg=label)
        else:
            allowed = TALIB_LOSES.get(name, RELATIVE) * np.abs(reference) + _floor(name, inputs, reference)
            with np.errstate(invalid="ignore"):  # an infinity minus an infinity
                far = (np.abs(mine - reference) > allowed) | np.isinf(reference)
            wrong = np.flatnonzero(far & (mine != reference))
            assert not len(wrong), f"{label} differs at {wrong[:5]}: {mine[wrong[:5]]} is not {reference[wrong[:5]]}"


@pytest.mark.parametrize("market", MARKETS)
@pytest.mark.parametrize(("name", "params"), CASES, ids=lambda value: str(value))
def test_equals_talib(name: str, params: dict[str, Any], market: str) -> None:
    if (name, market, str(params)) in TALIB_INVENTS:
        pytest.skip(f"TA-Lib gives {TALIB_INVENTS[name, market, str(params)]}")
    if (name, market, str(params)) in TALIB_ROUNDS:
        pytest.skip("rounding decides")
    _assert_equal(name, MARKETS[market], params)


@pytest.mark.parametrize(("name", "params"), CASES, ids=lambda value: str(value))
def test_equals_talib_on_real_daily_bars(name: str, params: dict[str, Any]) -> None:
    if (name, "real daily bars", str(params)) in TALIB_ROUNDS:
        pytest.skip("rounding decides")
    _assert_equal(name, _sample(), params)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize(
    "name",
    ["HT_DCPERIOD", "HT_DCPHASE", "HT_PHASOR", "HT_SINE", "HT_TRENDLINE", "HT_TRENDMODE", "MAMA", "SAR", "SUPERTREND"],
)
def test_what_turns_on_the_last_bit_equals_talib_to_the_bit(name: str, seed: int) -> None:
    """Prices that hardly move and lie on a grid: closes exactly on a stop, and phases of nothing but rounding noise."""
    noise = np.random.default_rng(seed)
    steps = noise.normal(size=400) * (noise.random(400) < (0.05, 0.3, 1.0)[seed % 3])
    bars = _bars(100.0 + np.cumsum(steps), seed, 0.3)
    grid = (1.0, 2.0, 10.0, 100.0)[seed % 4]
    inputs = [np.round(series * grid) / grid for series in _inputs(name, bars)]
    for ours, theirs in zip(_all(getattr(ta, name)(*inputs)), _all(getattr(talib, name)(*inputs)), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(("name", "market", "params"), sorted(TALIB_ROUNDS))
def test_where_rounding_decides_talib_does_not_agree_with_itself(name: str, market: str, params: str) -> None:
    inputs = _inputs(name, _sample() if market == "real daily bars" else MARKETS[market])
    reference, changes = getattr(talib, name)(*inputs, **literal_eval(params))[1], []
    for seed in range(3):
        shaken = [array * (1 + 1e-15 * np.random.default_rng(seed).normal(size=len(array))) for array in inputs]
        changes.append(np.nanmax(np.abs(getattr(talib, name)(*shaken, **literal_eval(params))[1] - reference)))
    assert max(changes) > 1e-4 * np.nanmax(np.abs(reference))


@pytest.mark.parametrize("timeperiod", [2, 5, 20])
def test_standard_deviation_equals_exact_arithmetic(timeperiod: int) -> None:
    close = _sample()["close"]
    ours = ta.STDDEV(close, timeperiod)
    exact = [pstdev(map(Fraction, close[end - timeperiod : end])) for end in range(timeperiod, len(close) + 1)]
    np.testing.assert_allclose(ours[timeperiod - 1 :], np.asarray(exact, dtype=np.float64), rtol=1e-12, atol=0.0)


def test_how_much_of_talib_is_here() -> None:
    assert sorted(set(talib.get_functions()) - set(ta.functions())) == []


@pytest.mark.parametrize("name", NAMES)
def test_bounds_are_talibs(name: str) -> None:
    """At its bounds a parameter is taken by both, one step outside by none."""
    inputs = _inputs(name, MARKETS["5 bars"])
    for param in ta.info(name)["params"]:
        for value in (param["min"], param["max"]):
            params = {param["name"]: value, **_range_of(param["name"], value)}
            getattr(ta, name)(*inputs, **params)
            getattr(talib, name)(*inputs, **params)
        if param["kind"] == "real" and abs(param["min"]) > 1e30:
            continue
        step = 1 if param["kind"] != "real" else 0.01
        for value in (param["min"] - step, param["max"] + step * (1 if param["kind"] != "real" else 1e36)):
            with pytest.raises(IndicatorError):
                getattr(ta, name)(*inputs, **{param["name"]: value})
            with pytest.raises(Exception, match="TA_BAD_PARAM"):
                getattr(talib, name)(*inputs, **{param["name"]: value})


@pytest.mark.parametrize("name", NAMES)
def test_defaults_and_lookback_are_talibs(name: str) -> None:
    import talib.abstract

    reference = talib.abstract.Function(name)
    spec = ta.info(name)
    assert {param["name"]: param["default"] for param in spec["params"]} == dict(reference.parameters)
    assert [output["name"] for output in spec["outputs"]] == reference.output_names
    assert spec["lookback"] == reference.lookback
    assert spec["group"] == reference.info["group"]


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith("CDL")])
def test_a_nan_inside_never_becomes_a_number(name: str) -> None:
    """TA-Lib shows RSI 0 or a stale maximum after a gap; here what reads the gap is NaN, and the past is unchanged."""
    bars = {label: series.copy() for label, series in MARKETS["walk"].items()}
    clean = _all(getattr(ta, name)(*_inputs(name, bars)))
    for series in bars.values():
        series[300] = np.nan
    for before, after in zip(clean, _all(getattr(ta, name)(*_inputs(name, bars))), strict=True):
        assert after[300] == 0 if after.dtype == np.int32 else np.isnan(after[300])
        np.testing.assert_array_equal(after[:300], before[:300])


def test_a_range_of_periods_that_is_none_is_refused_by_both() -> None:
    close = MARKETS["walk"]["close"]
    with pytest.raises(IndicatorError, match=r"MAVP: minperiod 5 is not in 1\.\.=3, the maxperiod"):
        ta.MAVP(close, close, minperiod=5, maxperiod=3)
    theirs: Any = talib.MAVP  # typed as if it took one period for all bars
    with pytest.raises(Exception, match="TA_BAD_PARAM"):
        theirs(close, close, minperiod=5, maxperiod=3)


def test_rsi_after_a_gap_is_nan_where_talib_says_zero() -> None:
    close = MARKETS["walk"]["close"].copy()
    close[300] = np.nan
    assert (talib.RSI(close)[300:] == 0.0).all()
    assert np.isnan(ta.RSI(close)[300:]).all()


def _misaligned(values: Floats) -> Floats:
    raw = np.zeros(values.nbytes + 1, dtype=np.uint8)
    raw[1:] = np.frombuffer(values.tobytes(), dtype=np.uint8)
    return raw[1:].view(np.float64)


@pytest.mark.parametrize(
    "convert",
    [
        lambda close: np.repeat(close, 2)[::2],
        lambda close: close[::-1].copy()[::-1],
        lambda close: close.astype(">f8"),
        lambda close: close.astype(np.longdouble),
        lambda close: np.ma.MaskedArray(close),
        _misaligned,
    ],
    ids=["strided", "reversed view", "big endian", "long double", "masked", "misaligned"],
)
def test_any_layout_of_an_array_gives_the_same_values(convert: Any) -> None:
    close = MARKETS["walk"]["close"]
    result = ta.RSI(convert(close))
    assert type(result) is np.ndarray and result.dtype == np.float64
    np.testing.assert_array_equal(result, ta.RSI(close))


@pytest.mark.parametrize("dtype", ["i1", "u2", "i4", "i8", "f2", "f4"])
def test_integers_and_short_floats_are_taken_as_they_are(dtype: str) -> None:
    whole = (np.arange(40) * 7 % 23).astype(dtype)
    np.testing.assert_array_equal(ta.EMA(whole, 5), ta.EMA(whole.astype(np.float64), 5))


def test_a_list_gives_a_list_and_a_polars_series_a_polars_series() -> None:
    close = MARKETS["walk"]["close"]
    expected = ta.RSI(close)
    as_list = ta.RSI(close.tolist())
    assert isinstance(as_list, list)
    np.testing.assert_array_equal(as_list, expected)
    as_polars = ta.RSI(pl.Series("close", close))
    assert as_polars.name == "close"
    np.testing.assert_array_equal(as_polars.to_numpy(), expected)
    assert [band.name for band in ta.BBANDS(pl.Series("close", close))] == ["upperband", "middleband", "lowerband"]
    np.testing.assert_array_equal(ta.SMA(pl.Series([None, 1, 3]), 2).to_numpy(), [np.nan, np.nan, 2.0])


def test_pandas_keeps_its_index_and_refuses_two_different_ones() -> None:
    pd = pytest.importorskip("pandas")
    bars = {name: pd.Series(values, index=np.arange(500) * 2) for name, values in MARKETS["walk"].items()}
    result = ta.ATR(bars["high"], bars["low"], bars["close"])
    assert result.index.equals(bars["high"].index) and result.name == "ATR"
    doji = ta.CDLDOJI(bars["open"], bars["high"], bars["low"], bars["close"])
    assert doji.dtype == np.int32
    shifted = bars["low"].set_axis(np.arange(500))
    with pytest.raises(IndicatorError, match="low and high have different indexes"):
        ta.ATR(bars["high"], shifted, bars["close"])


@pytest.mark.parametrize(
    ("series", "message"),
    [
        (np.ones((5, 2)), r"shape \(5, 2\)"),
        (np.array(1.0), r"shape \(\)"),
        (np.ones(5, dtype=bool), "array of bool"),
        (np.ones(5, dtype=complex), "array of complex128"),
        (np.array([1.0, None]), "array of object"),
        (np.array(["1"]), "array of <U1"),
        ([1.0, True], "list with booleans"),
        ([[1.0], [1.0, 2.0]], "not one row of numbers"),
        (pl.Series(["a"]), "polars Series of String"),
        ("1, 2, 3", "is a str"),
        (None, "is a NoneType"),
    ],
)
def test_refuses_what_is_not_one_series_of_numbers(series: Any, message: str) -> None:
    with pytest.raises(IndicatorError, match=f"RSI: real (has|is).*{message}|RSI: real {message}"):
        ta.RSI(series)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda close: ta.RSI(close, 2.5), "timeperiod 2.5 is not"),
        (lambda close: ta.SMA(close, 0), r"timeperiod 0 is not in 1\.\.=100000"),
        (lambda close: ta.SMA(close, 100_001), r"timeperiod 100001 is not in 1\.\.=100000"),
        (lambda close: ta.SMA(close, 10**400), "too large"),
        (lambda close: ta.SMA(close, True), "True is not a number"),
        (lambda close: ta.BBANDS(close, nbdevup=float("nan")), "nbdevup NaN is not in"),
        (lambda close: ta.BBANDS(close, matype=14), "matype 14 is not"),
        (lambda close: ta.ATR(close, close[:-1], close), "low has 499 values but high has 500"),
    ],
)
def test_refuses_bad_parameters_with_value_and_bound(call: Any, message: str) -> None:
    with pytest.raises(IndicatorError, match=message):
        call(MARKETS["walk"]["close"])


def test_a_misspelt_name_gets_a_suggestion() -> None:
    with pytest.raises(IndicatorError, match="did you mean RSI"):
        ta.info("RSII")
    with pytest.raises(AttributeError, match="did you mean RSI"):
        _ = ta.RSII
