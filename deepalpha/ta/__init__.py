"""Technical indicators and candlestick patterns with TA-Lib's names, computed by the Rust core.

    from deepalpha import ta
    ta.RSI(close, timeperiod=14)
    upper, middle, lower = ta.BBANDS(close)
    ta.info("RSI"); ta.functions()

Values equal TA-Lib 0.8.2's; see `deepalpha.ta.functions` for what may go in and what comes out. An indicator that is in
the core but has no typed function yet is here all the same, built from its registry entry on first use.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from deepalpha.errors import IndicatorError
from deepalpha.ta.candles import CandleSettings, Patterns, pattern, patterns
from deepalpha.ta.functions import (
    ADX,
    ATR,
    BBANDS,
    CCI,
    CDLDOJI,
    CDLENGULFING,
    CDLEVENINGSTAR,
    CDLHAMMER,
    CDLMORNINGSTAR,
    EMA,
    LINEARREG_SLOPE,
    MACD,
    MAX,
    MFI,
    MIN,
    MINUS_DI,
    MOM,
    NATR,
    OBV,
    PLUS_DI,
    ROC,
    RSI,
    SMA,
    STDDEV,
    STOCH,
    WILLR,
    WMA,
)

# After the functions: this rebinds the names of the two submodules to the functions of the same name.
from deepalpha.ta.info import functions, info

__all__ = [
    "ADX",
    "ATR",
    "BBANDS",
    "CCI",
    "CDLDOJI",
    "CDLENGULFING",
    "CDLEVENINGSTAR",
    "CDLHAMMER",
    "CDLMORNINGSTAR",
    "EMA",
    "LINEARREG_SLOPE",
    "MACD",
    "MAX",
    "MFI",
    "MIN",
    "MINUS_DI",
    "MOM",
    "NATR",
    "OBV",
    "PLUS_DI",
    "ROC",
    "RSI",
    "SMA",
    "STDDEV",
    "STOCH",
    "WILLR",
    "WMA",
    "CandleSettings",
    "Patterns",
    "functions",
    "info",
    "pattern",
    "patterns",
]


def __getattr__(name: str) -> Callable[..., Any]:
    """A function for an indicator of the core that `functions.py` does not spell out."""
    from deepalpha.ta.dynamic import build

    if name.upper() != name or name.startswith("_"):
        raise AttributeError(f"module 'deepalpha.ta' has no attribute {name!r}")
    try:
        return build(name)
    except IndicatorError as error:
        raise AttributeError(f"module 'deepalpha.ta' has no attribute {name!r}: {error}") from None
