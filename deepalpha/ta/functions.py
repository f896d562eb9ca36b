"""The indicators as typed functions, with TA-Lib's names, defaults, argument and output order.

Every function takes series of shape (n,), oldest first: numpy arrays of any float or int type, lists, polars or pandas
Series, all of one length. It returns series of shape (n,) of the first argument's kind. Bars before the first without
NaN in any input, and the look-back after it, are NaN (0 for patterns); `deepalpha.ta.info(name)["lookback"]` has the
look-back at the defaults, and "formula", "source" and the parameters' bounds. A NaN later on makes every value NaN that
depends on it. matype is TA-Lib's number of a moving average, 0..13, listed by
`deepalpha.ta.info("MA")`.

Raises IndicatorError (also a ValueError) for series of unequal length or unusable type and for bad parameters.

>>> RSI([1.0, 2.0, 3.0, 2.0], timeperiod=2)
[nan, nan, 100.0, 50.0]
"""

from __future__ import annotations

from typing import Any

from deepalpha.ta.arrays import Series, compute
from deepalpha.ta.info import info


def call(name: str, inputs: dict[str, Any], params: dict[str, Any]) -> Any:
    """Run the indicator called `name`; inputs and params by name, in calling order. See `arrays.compute`."""
    outputs = info(name)["outputs"]
    whole = [output["kind"] == "int32" for output in outputs]
    return compute(name, inputs, params, [output["name"] for output in outputs], whole)


def _one(name: str, inputs: dict[str, Series], **params: float) -> Series:
    result: Series = call(name, inputs, params)
    return result


def _two(name: str, inputs: dict[str, Series], **params: float) -> tuple[Series, Series]:
    first, second = call(name, inputs, params)
    return first, second


def _three(name: str, inputs: dict[str, Series], **params: float) -> tuple[Series, Series, Series]:
    first, second, third = call(name, inputs, params)
    return first, second, third


def SMA(real: Series, timeperiod: int = 30) -> Series:
    """Simple moving average: the mean of the last timeperiod values. `SMA([1.0, 3.0], 2)` ends in 2.0."""
    return _one("SMA", {"real": real}, timeperiod=timeperiod)


def EMA(real: Series, timeperiod: int = 30) -> Series:
    """Exponential moving average with weight 2 / (timeperiod + 1), seeded with the first window's mean."""
    return _one("EMA", {"real": real}, timeperiod=timeperiod)


def WMA(real: Series, timeperiod: int = 30) -> Series:
    """Linearly weighted moving average, the newest value heaviest."""
    return _one("WMA", {"real": real}, timeperiod=timeperiod)


def BBANDS(
    real: Series, timeperiod: int = 20, nbdevup: float = 2.0, nbdevdn: float = 2.0, matype: int = 0
) -> tuple[Series, Series, Series]:
    """Bollinger bands (upper, middle, lower): a moving average and nbdev population standard deviations around it."""
    return _three("BBANDS", {"real": real}, timeperiod=timeperiod, nbdevup=nbdevup, nbdevdn=nbdevdn, matype=matype)


def RSI(real: Series, timeperiod: int = 14) -> Series:
    """Wilder's relative strength index, 0..100; 0 where nothing moved, as in TA-Lib."""
    return _one("RSI", {"real": real}, timeperiod=timeperiod)


def MACD(
    real: Series, fastperiod: int = 12, slowperiod: int = 26, signalperiod: int = 9
) -> tuple[Series, Series, Series]:
    """Moving average convergence/divergence (macd, signal, histogram), in units of the input."""
    return _three("MACD", {"real": real}, fastperiod=fastperiod, slowperiod=slowperiod, signalperiod=signalperiod)


def MOM(real: Series, timeperiod: int = 10) -> Series:
    """Momentum: the change over timeperiod bars, in units of the input."""
    return _one("MOM", {"real": real}, timeperiod=timeperiod)


def ROC(real: Series, timeperiod: int = 10) -> Series:
    """Rate of change over timeperiod bars, in percent; 0 where the older value is 0."""
    return _one("ROC", {"real": real}, timeperiod=timeperiod)


def STDDEV(real: Series, timeperiod: int = 5, nbdev: float = 1.0) -> Series:
    """Population standard deviation of the last timeperiod values, times nbdev."""
    return _one("STDDEV", {"real": real}, timeperiod=timeperiod, nbdev=nbdev)


def MAX(real: Series, timeperiod: int = 30) -> Series:
    """Largest of the last timeperiod values."""
    return _one("MAX", {"real": real}, timeperiod=timeperiod)


def MIN(real: Series, timeperiod: int = 30) -> Series:
    """Smallest of the last timeperiod values."""
    return _one("MIN", {"real": real}, timeperiod=timeperiod)


def LINEARREG_SLOPE(real: Series, timeperiod: int = 14) -> Series:
    """Slope of the least-squares line through the last timeperiod values, in units of the input per bar."""
    return _one("LINEARREG_SLOPE", {"real": real}, timeperiod=timeperiod)


def OBV(real: Series, volume: Series) -> Series:
    """On-balance volume: volume added on bars that rise, taken off on bars that fall; starts at the first volume."""
    return _one("OBV", {"real": real, "volume": volume})


def ATR(high: Series, low: Series, close: Series, timeperiod: int = 14) -> Series:
    """Wilder's average true range, in price units."""
    return _one("ATR", {"high": high, "low": low, "close": close}, timeperiod=timeperiod)


def NATR(high: Series, low: Series, close: Series, timeperiod: int = 14) -> Series:
    """Average true range in percent of the close."""
    return _one("NATR", {"high": high, "low": low, "close": close}, timeperiod=timeperiod)


def ADX(high: Series, low: Series, close: Series, timeperiod: int = 14) -> Series:
    """Average directional index, 0..100: strength of a trend, whichever its direction."""
    return _one("ADX", {"high": high, "low": low, "close": close}, timeperiod=timeperiod)


def PLUS_DI(high: Series, low: Series, close: Series, timeperiod: int = 14) -> Series:
    """Plus directional indicator: the share of upward movement in the true range."""
    return _one("PLUS_DI", {"high": high, "low": low, "close": close}, timeperiod=timeperiod)


def MINUS_DI(high: Series, low: Series, close: Series, timeperiod: int = 14) -> Series:
    """Minus directional indicator: the share of downward movement in the true range."""
    return _one("MINUS_DI", {"high": high, "low": low, "close": close}, timeperiod=timeperiod)


def STOCH(
    high: Series,
    low: Series,
    close: Series,
    fastk_period: int = 5,
    slowk_period: int = 3,
    slowk_matype: int = 0,
    slowd_period: int = 3,
    slowd_matype: int = 0,
) -> tuple[Series, Series]:
    """Slow stochastic (%K, %D), 0..100: where the close lies in the range of the last fastk_period bars, smoothed."""
    return _two(
        "STOCH",
        {"high": high, "low": low, "close": close},
        fastk_period=fastk_period,
        slowk_period=slowk_period,
        slowk_matype=slowk_matype,
        slowd_period=slowd_period,
        slowd_matype=slowd_matype,
    )


def CCI(high: Series, low: Series, close: Series, timeperiod: int = 14) -> Series:
    """Commodity channel index: distance of the typical price from its mean in units of 0.015 mean deviations."""
    return _one("CCI", {"high": high, "low": low, "close": close}, timeperiod=timeperiod)


def WILLR(high: Series, low: Series, close: Series, timeperiod: int = 14) -> Series:
    """Williams %R, -100..0: distance of the close from the highest high of timeperiod bars."""
    return _one("WILLR", {"high": high, "low": low, "close": close}, timeperiod=timeperiod)


def MFI(high: Series, low: Series, close: Series, volume: Series, timeperiod: int = 14) -> Series:
    """Money flow index, 0..100: RSI of typical price, weighted by volume."""
    return _one("MFI", {"high": high, "low": low, "close": close, "volume": volume}, timeperiod=timeperiod)


def CDLENGULFING(open: Series, high: Series, low: Series, close: Series) -> Series:
    """Engulfing, int32: +-100 where the body engulfs the one before it, +-80 where one end only touches, else 0."""
    return _one("CDLENGULFING", {"open": open, "high": high, "low": low, "close": close})


def CDLHAMMER(open: Series, high: Series, low: Series, close: Series) -> Series:
    """Hammer, int32: 100 where a small body sits on a long lower shadow near the last low, else 0."""
    return _one("CDLHAMMER", {"open": open, "high": high, "low": low, "close": close})


def CDLDOJI(open: Series, high: Series, low: Series, close: Series) -> Series:
    """Doji, int32: 100 where open and close are nearly equal, else 0."""
    return _one("CDLDOJI", {"open": open, "high": high, "low": low, "close": close})


def CDLEVENINGSTAR(
    open: Series,
    high: Series,
    low: Series,
    close: Series,
    penetration: float = 0.3,
) -> Series:
    """Evening star, int32: -100 on the third candle of the reversal at a top, else 0."""
    return _one("CDLEVENINGSTAR", {"open": open, "high": high, "low": low, "close": close}, penetration=penetration)


def CDLMORNINGSTAR(
    open: Series,
    high: Series,
    low: Series,
    close: Series,
    penetration: float = 0.3,
) -> Series:
    """Morning star, int32: 100 on the third candle of the reversal at a bottom, else 0."""
    return _one("CDLMORNINGSTAR", {"open": open, "high": high, "low": low, "close": close}, penetration=penetration)
