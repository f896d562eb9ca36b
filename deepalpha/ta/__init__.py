"""Technical indicators and candlestick patterns with TA-Lib's names, computed by the Rust core.

    from deepalpha import ta
    ta.RSI(close, timeperiod=14)
    upper, middle, lower = ta.BBANDS(close)
    ta.info("RSI"); ta.functions()

Values equal TA-Lib 0.8.2's, as do names, defaults, argument and output order. Every function takes series of shape
(n,), oldest first: numpy arrays of any float or int type, stride and byte order, lists, polars or pandas Series, all of
one length. It returns series of shape (n,) of the first argument's kind (pandas keeps index and name). Bars before the
first without NaN in any input, and the look-back after it, are NaN (0 for patterns). Each call may choose, and nothing
global changes:

- `nan="propagate"` (what depends on a NaN or infinity is NaN), `"window"` (start afresh behind it) or `"raise"`;
- `seed="talib"` or `"tradingview"` (how exponential averages and true ranges begin);
- `out=array` or a tuple of arrays: float64 buffers to write into, which are returned.

Raises IndicatorError (also a ValueError) for series of unequal length or unusable type and for bad parameters.

>>> ta.RSI([1.0, 2.0, 3.0, 2.0], timeperiod=2)
[nan, nan, 100.0, 50.0]

The functions are built from the core's registry, so an indicator is one Rust file; `__init__.pyi` spells them out for
editors and mypy (`python -m deepalpha.ta.stubs` writes it).
"""

from __future__ import annotations

from deepalpha import _core
from deepalpha.errors import IndicatorError
from deepalpha.ta import chart, stream
from deepalpha.ta.candles import CandleSettings, Patterns, pattern, patterns
from deepalpha.ta.frames import frame
from deepalpha.ta.info import functions, info, spec_of
from deepalpha.ta.stream import StreamSet

__all__ = [
    "CandleSettings",
    "Patterns",
    "StreamSet",
    "chart",
    "frame",
    "functions",
    "info",
    "pattern",
    "patterns",
    "stream",
]


def __getattr__(name: str) -> _core.Indicator:
    """The indicator of that name, made on first use."""
    if name.upper() == name and not name.startswith("_"):
        try:
            spec = spec_of(name)
        except IndicatorError as error:
            raise AttributeError(f"module 'deepalpha.ta' has no attribute {name!r}: {error}") from None
        doc = f"{spec['doc']}\n\n{spec['formula']}\n\nSource: {spec['source']}"
        # A class of its own, so that help() shows the indicator's text.
        kind = type(name, (_core.Indicator,), {"__doc__": doc, "__module__": __name__, "__slots__": ()})
        indicator: _core.Indicator = kind(name)
        globals()[name] = indicator
        return indicator
    raise AttributeError(f"module 'deepalpha.ta' has no attribute {name!r}")


def __dir__() -> list[str]:
    """What tab completion offers."""
    return sorted({*__all__, *functions()})
