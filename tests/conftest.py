"""Fixtures that several test modules share: contexts with real TA-Lib indicators over prices a test chooses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import settings

from deepalpha.decision import build_context
from deepalpha.types import DAY, BarFrame, Context, Headline, PositionView

# A test does not fail for being slow; the rest stays as Hypothesis chose it (where CI is set, examples that repeat).
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

START = 1_577_836_800 * 1_000_000_000  # 2020-01-01T00:00:00Z
PATTERNS = ("CDLENGULFING", "CDLHAMMER", "CDLDOJI", "CDLEVENINGSTAR", "CDLMORNINGSTAR")
GROUPS = {"1d": 1, "1w": 5, "1mo": 21}  # timeframe -> bars of the base timeframe in one of its bars


def indicator_series(open_: Any, high: Any, low: Any, close: Any) -> dict[str, Any]:
    """Every series the built-in agents read, by DeepAlpha's ids, computed by TA-Lib itself."""
    import talib

    series: dict[str, Any] = {f"EMA_{n}": talib.EMA(close, n) for n in (7, 12, 25, 26, 99)}
    series |= {f"SMA_{n}": talib.SMA(close, n) for n in (7, 25, 99)}
    series |= {"RSI_14": talib.RSI(close, 14)}
    series |= {"ATR_14": talib.ATR(high, low, close, 14), "ADX_14": talib.ADX(high, low, close, 14)}
    outputs = ("macd", "macdsignal", "macdhist")
    series |= {f"MACD_12_26_9.{name}": v for name, v in zip(outputs, talib.MACD(close, 12, 26, 9), strict=True)}
    bands = talib.BBANDS(close, 20, 2, 2)
    outputs = ("upperband", "middleband", "lowerband")
    for prefix in ("BBANDS_20_2_2", "BBANDS_20_2_2_0"):
        series |= {f"{prefix}.{name}": v.copy() for name, v in zip(outputs, bands, strict=True)}
    series |= {name: getattr(talib, name)(open_, high, low, close).astype(float) for name in PATTERNS}
    return series


def bar_frame(timeframe: str, closes: Sequence[float], *, wick: float = 0.004) -> BarFrame:
    """Bars from closes alone: each opens at the close before it and has wicks of `wick` of its price.

    The coarser timeframes of `GROUPS` are made from complete groups of base bars.
    """
    close = np.asarray(closes, dtype=float)
    open_ = np.concatenate([close[:1], close[:-1]])
    high, low = np.maximum(open_, close) * (1 + wick), np.minimum(open_, close) * (1 - wick)
    size = GROUPS[timeframe]
    n = len(close) // size
    cut = slice(len(close) - n * size, None)  # the youngest bars, so that every frame ends at the same close
    open_, high, low, close = (values[cut].reshape(n, size) for values in (open_, high, low, close))
    o, h, lo, c = open_[:, 0].copy(), high.max(axis=1), low.min(axis=1), close[:, -1].copy()
    ts_event = START + (len(closes) - n * size + size * np.arange(1, n + 1, dtype=np.int64)) * DAY
    series = indicator_series(o, h, lo, c) if n else {}
    return BarFrame(timeframe, ts_event - size * DAY, ts_event, o, h, lo, c, np.full(n, 1000.0), series)


MakeContext = Callable[..., Context]


@pytest.fixture
def make_context() -> MakeContext:
    """Function ``make_context(closes, *, symbol, timeframes, news, position, horizon_s, wick) -> Context``."""

    def make(
        closes: Sequence[float],
        *,
        symbol: str = "TEST",
        timeframes: Sequence[str] = ("1d", "1w", "1mo"),
        news: Sequence[Headline] = (),
        position: PositionView | None = None,
        horizon_s: int = 5 * 86_400,
        wick: float = 0.004,
    ) -> Context:
        return build_context(
            symbol=symbol,
            asof=START + len(closes) * DAY,
            horizon_s=horizon_s,
            timeframe=timeframes[0],
            bars={name: bar_frame(name, closes, wick=wick) for name in timeframes},
            news=news,
            position=position or PositionView(equity=100_000.0),
        )

    return make
