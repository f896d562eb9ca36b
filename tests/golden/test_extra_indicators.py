"""Indicators that TA-Lib lacks, against naive models written straight from the published formula."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from deepalpha import ta
from tests.golden import extra_models as models
from tests.golden import extra_models_counts as counts
from tests.golden import extra_models_more as more
from tests.golden.extra_models import Bars, Floats, Model

# The indicator, its model, and parameters in the SPEC's order: the defaults and others.
CASES: list[tuple[str, Model, list[tuple[Any, ...]]]] = [
    ("ICHIMOKU", models.ichimoku, [(9, 26, 52, 26), (3, 5, 8, 4), (5, 2, 1, 1)]),
    ("VWAP_SESSION", models.vwap_session, [()]),
    ("VWAP_ANCHORED", models.vwap_anchored, [(0,), (37,)]),
    ("VWAP_BANDS", models.vwap_bands, [(1.0, 1.0), (2.0, 0.5)]),
    ("ALMA", models.alma, [(9, 0.85, 6.0), (20, 0.5, 2.0), (1, 0.85, 6.0), (4, 1.0, 0.5)]),
    ("VIDYA", models.vidya, [(12, 9), (5, 1), (30, 20)]),
    ("FRAMA", models.frama, [(16,), (2,), (7,), (40,)]),
    ("JMA", models.jma, [(7, 50.0, 2.0), (20, -100.0, 1.0), (1, 0.0, 2.0)]),
    ("MCGINLEY", models.mcginley, [(14,), (1,), (50,)]),
    ("SQUEEZE", models.squeeze, [(20, 2.0, 20, 1.5), (10, 1.5, 20, 1.0), (20, 2.0, 5, 2.0), (2, 1.0, 2, 1.0)]),
    ("CHANDELIER", more.chandelier, [(22, 3.0), (1, 2.0), (5, 0.5)]),
    ("CKSP", more.cksp, [(10, 1.0, 9), (3, 2.0, 20), (5, 1.0, 1)]),
    ("PIVOT_CLASSIC", more.pivot_classic, [()]),
    ("PIVOT_FIBONACCI", more.pivot_fibonacci, [()]),
    ("PIVOT_CAMARILLA", more.pivot_camarilla, [()]),
    ("PIVOT_WOODIE", more.pivot_woodie, [()]),
    ("PIVOT_DEMARK", more.pivot_demark, [()]),
    ("VOLUME_PROFILE", counts.volume_profile, [(100, 24, 0.7), (20, 10, 0.5), (1, 5, 0.9), (30, 7, 1.0)]),
    ("TD_SEQUENTIAL", counts.td_sequential, [()]),
    ("CONNORS_RSI", more.connors_rsi, [(3, 2, 100), (14, 5, 3)]),
    ("KST", more.kst, [(10, 15, 20, 30, 10, 10, 10, 15, 9), (1, 2, 9, 3, 4, 1, 1, 2, 1)]),
    ("FISHER", more.fisher, [(9,), (2,), (1,), (30,)]),
    ("CHOPPINESS", more.choppiness, [(14,), (2,), (50,)]),
    ("ULCER", more.ulcer, [(14,), (1,), (40,)]),
    ("HURST", more.hurst, [(128,), (16,), (50,)]),
    ("ZSCORE", more.zscore, [(20,), (2,), (60,)]),
]
# Shares, counts and rates: their rounding does not grow with the price.
UNITLESS = {"TD_SEQUENTIAL", "CONNORS_RSI", "KST", "FISHER", "CHOPPINESS", "ULCER", "HURST", "ZSCORE"}
RUNS = [(name, model, params) for name, model, rows in CASES for params in rows]


def _bars(close: Floats, seed: int, spread: float) -> Bars:
    noise = np.random.default_rng(seed)
    length = len(close)
    open_ = np.concatenate((close[:1], close[:-1])) + spread * noise.normal(size=length) * 0.3
    high = np.maximum(open_, close) + spread * noise.exponential(size=length) * noise.integers(0, 2, length)
    low = np.minimum(open_, close) - spread * noise.exponential(size=length) * noise.integers(0, 2, length)
    volume = noise.integers(0, 100_000, length).astype(np.float64) * (noise.random(length) > 0.1)
    session = np.floor(np.cumsum(noise.random(length)) / 10)
    return {"open": open_, "high": high, "low": low, "close": close, "volume": volume, "session": session}


def _walk(seed: int, length: int = 400) -> Bars:
    steps = np.random.default_rng(seed).normal(size=length)
    return _bars(100.0 + np.cumsum(steps) * 0.5, seed, 0.5)


def _prices(bars: Bars, change: Any) -> Bars:
    return {name: series if name in ("volume", "session") else change(series) for name, series in bars.items()}


MARKETS: dict[str, Bars] = {
    "walk": _walk(1),
    "coarse": _prices(_walk(2), lambda series: np.round(series * 2) / 2),
    "gapped": _prices(_walk(3), lambda series: series * (1.0 + 0.2 * ((np.arange(400) // 40) % 2))),
    "rising": _bars(np.linspace(10.0, 60.0, 200), 4, 0.01),
    "falling": _bars(np.linspace(60.0, 10.0, 200), 5, 0.01),
    "tiny, 1e-8": _prices(_walk(6), lambda series: series * 1e-8),
    "huge, 1e8": _prices(_walk(7), lambda series: series * 1e8),
    "constant": {name: np.full(160, 37.25) for name in ("open", "high", "low", "close", "volume", "session")},
    "constant, not exact in binary": {
        name: np.full(160, 0.1) for name in ("open", "high", "low", "close", "volume", "session")
    },
    "5 bars": {name: series[:5] for name, series in _walk(8).items()},
}


def _computed(name: str, bars: Bars, params: tuple[Any, ...]) -> list[Floats]:
    spec = ta.info(name)
    inputs = [bars["close" if label == "real" else label] for label in spec["inputs"]]
    result = getattr(ta, name)(*inputs, *params)
    outputs = list(result) if isinstance(result, tuple) else [result]
    return [np.asarray(output, dtype=np.float64) for output in outputs]


@pytest.mark.parametrize("market", MARKETS)
@pytest.mark.parametrize(("name", "model", "params"), RUNS, ids=[f"{name}{params}" for name, _, params in RUNS])
def test_equals_the_published_formula(name: str, model: Model, params: tuple[Any, ...], market: str) -> None:
    bars = MARKETS[market]
    with np.errstate(all="ignore"):
        expected = model(bars, *params)
    computed = _computed(name, bars, params)
    spec = ta.info(name)
    assert len(computed) == len(expected) == len(spec["outputs"])
    # Differences of prices are as exact as the prices are.
    floor = 1e-11 if name in UNITLESS else 1e-13 * bars["close"].max()
    for output, got, want in zip(spec["outputs"], computed, expected, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-9, atol=floor, err_msg=f"{name}.{output['name']}")


@pytest.mark.parametrize(("name", "params"), [(name, rows[0]) for name, _, rows in CASES])
def test_the_first_row_of_each_case_is_the_defaults(name: str, params: tuple[Any, ...]) -> None:
    assert tuple(param["default"] for param in ta.info(name)["params"]) == params


@pytest.mark.parametrize("name", [name for name, _, _ in CASES])
def test_no_value_knows_the_future(name: str) -> None:
    bars = MARKETS["walk"]
    params = next(rows for other, _, rows in CASES if other == name)[-1]
    whole = _computed(name, bars, params)
    changed = {label: np.concatenate((series[:250], series[250:][::-1] * 3)) for label, series in bars.items()}
    for before, after in zip(whole, _computed(name, changed, params), strict=True):
        np.testing.assert_array_equal(before[:250], after[:250])


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


def test_the_hurst_exponent_tells_persistent_from_reverting_changes() -> None:
    noise = np.random.default_rng(11).normal(size=4000)
    average = {}
    for name, memory in (("reverting", -0.6), ("independent", 0.0), ("persistent", 0.6)):
        changes = np.zeros(len(noise))
        for bar in range(1, len(noise)):
            changes[bar] = memory * changes[bar - 1] + noise[bar]
        average[name] = float(np.nanmean(ta.HURST(np.cumsum(changes), timeperiod=128)))
    assert average["reverting"] < 0.45 < average["independent"] < 0.65 < average["persistent"]
    # The bias that the documentation states.
    assert abs(average["independent"] - 0.57) < 0.03
