"""Markets and checks for the indicators that TA-Lib lacks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from deepalpha import ta

Floats = NDArray[np.float64]
Bars = dict[str, Floats]
Model = Callable[..., list[Floats]]

# Shares, counts and rates: their rounding does not grow with the price.
UNITLESS = {"TD_SEQUENTIAL", "CONNORS_RSI", "KST", "FISHER", "CHOPPINESS", "ULCER", "HURST", "ZSCORE"}


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


@pytest.fixture(params=list(MARKETS))
def extra_market(request: pytest.FixtureRequest) -> Bars:
    """Bars with a session number, one market after the other."""
    return MARKETS[request.param]


@pytest.fixture
def equals_model() -> Callable[[str, Model, tuple[Any, ...], Bars], None]:
    """Compares every output of an indicator with its model's, NaN positions included."""

    def check(name: str, model: Model, params: tuple[Any, ...], bars: Bars) -> None:
        with np.errstate(all="ignore"):
            expected = model(bars, *params)
        computed, spec = _computed(name, bars, params), ta.info(name)
        assert len(computed) == len(expected) == len(spec["outputs"])
        # Differences of prices are as exact as the prices are.
        floor = 1e-11 if name in UNITLESS else 1e-13 * bars["close"].max()
        for output, got, want in zip(spec["outputs"], computed, expected, strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-9, atol=floor, err_msg=f"{name}.{output['name']}")

    return check


@pytest.fixture
def knows_no_future() -> Callable[[str, list[tuple[Any, ...]]], None]:
    """Changes everything from bar 250 on and looks at the values before; `rows` are parameters, the defaults first."""

    def check(name: str, rows: list[tuple[Any, ...]]) -> None:
        assert tuple(param["default"] for param in ta.info(name)["params"]) == rows[0]
        bars = MARKETS["walk"]
        changed = {label: np.concatenate((series[:250], series[250:][::-1] * 3)) for label, series in bars.items()}
        for params in rows:
            for before, after in zip(_computed(name, bars, params), _computed(name, changed, params), strict=True):
                np.testing.assert_array_equal(before[:250], after[:250])

    return check
