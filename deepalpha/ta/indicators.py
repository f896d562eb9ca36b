"""`da.TechnicalIndicators`: the usual indicators under plain names, computed bar by bar where a series has only grown.

ti = da.TechnicalIndicators()
ti.calculate_rsi(closes)              # the whole series
ti.calculate_rsi(closes + [101.5])    # the new bar only, with the same bits
ti.cache_info()                       # hits, extensions, misses, size, maxsize
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any, NamedTuple, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from deepalpha import ta
from deepalpha.errors import IndicatorError
from deepalpha.ta.arrays import convert, like
from deepalpha.ta.info import spec_of
from deepalpha.ta.specs import number

#: A series of numbers: 1-D numpy array, list, polars Series or pandas Series (typed as Any: pandas is optional).
Series = TypeVar("Series", NDArray[Any], list[float], pl.Series)

Floats = NDArray[np.float64]
_Key = tuple[str, tuple[float, ...], bytes]


class CacheInfo(NamedTuple):
    """How often a series was known.

    Attributes:
        hits: calls answered from the cache: the same series, or the beginning of it.
        extensions: calls whose series was a known one and new bars; only those were computed.
        misses: calls computed from the first bar on.
        size: series held now.
        maxsize: series held at most; the one that was asked for longest ago goes first.
    """

    hits: int
    extensions: int
    misses: int
    size: int
    maxsize: int


class _Column:
    """Numbers with room behind them, so that new bars do not copy the old ones."""

    def __init__(self, values: Floats) -> None:
        self._room = values.copy()
        self._size = len(values)

    @property
    def values(self) -> Floats:
        return self._room[: self._size]

    def append(self, new: Floats) -> None:
        size = self._size + len(new)
        if size > len(self._room):
            room = np.empty(2 * size)
            room[: self._size] = self.values
            self._room = room
        self._room[self._size : size] = new
        self._size = size


class _Known:
    """A series, its results, and the running indicator behind its last bar once one was needed."""

    def __init__(self, inputs: list[Floats], outputs: list[Floats]) -> None:
        self.inputs = [_Column(values) for values in inputs]
        self.outputs = [_Column(values) for values in outputs]
        self.handle: ta.stream.Handle | None = None

    @property
    def bars(self) -> int:
        return len(self.inputs[0].values)

    def results(self, bars: int) -> list[Floats]:
        """Copies, for the caller to change."""
        return [column.values[:bars].copy() for column in self.outputs]


class TechnicalIndicators:
    """Indicators over numpy arrays, lists, polars or pandas Series, oldest value first.

    Results are as long as the series and of its kind; bars before the first value are NaN. They are those of the
    functions of `deepalpha.ta` (TA-Lib 0.8.2's values), bit for bit. Safe to share between threads.

    Args:
        maxsize: series to remember; 0 remembers none.

    Raises:
        IndicatorError: from every method, for series and periods that cannot be used.

    >>> TechnicalIndicators().calculate_sma([1.0, 2.0, 4.0], period=2)
    [nan, 1.5, 3.0]
    """

    def __init__(self, maxsize: int = 64) -> None:
        if isinstance(maxsize, bool) or not isinstance(maxsize, int) or maxsize < 0:
            raise IndicatorError(f"maxsize {maxsize!r} is no number of series; pass 0 or more")
        self._maxsize = maxsize
        self._known: OrderedDict[_Key, _Known] = OrderedDict()
        self._counts = {"hits": 0, "extensions": 0, "misses": 0}
        self._lock = threading.Lock()

    def calculate_sma(self, prices: Series, period: int = 20) -> Series:
        """Simple moving average of `period` bars. TA-Lib: SMA."""
        return self._one("SMA", {"prices": prices}, period)

    def calculate_ema(self, prices: Series, period: int = 20) -> Series:
        """Exponential moving average with weight 2 / (period + 1), seeded with the first window's mean. TA-Lib: EMA."""
        return self._one("EMA", {"prices": prices}, period)

    def calculate_rsi(self, prices: Series, period: int = 14) -> Series:
        """Wilder's relative strength index, 0..100. TA-Lib: RSI."""
        return self._one("RSI", {"prices": prices}, period)

    def calculate_macd(
        self, prices: Series, fast: int = 12, slow: int = 26, signal: int = 9
    ) -> tuple[Series, Series, Series]:
        """MACD line, signal line, histogram, in units of the prices. TA-Lib: MACD."""
        line, smoothed, histogram = self._compute("MACD", {"prices": prices}, (fast, slow, signal))
        return line, smoothed, histogram

    def calculate_bollinger_bands(
        self, prices: Series, period: int = 20, std_dev: float = 2.0
    ) -> tuple[Series, Series, Series]:
        """Upper, middle, lower band: mean, and `std_dev` population standard deviations around it. TA-Lib: BBANDS."""
        upper, middle, lower = self._compute("BBANDS", {"prices": prices}, (period, std_dev, std_dev))
        return upper, middle, lower

    def calculate_atr(self, high: Series, low: Series, close: Series, period: int = 14) -> Series:
        """Wilder's average true range, in units of the prices. TA-Lib: ATR."""
        return self._one("ATR", {"high": high, "low": low, "close": close}, period)

    def calculate_stochastic(
        self, high: Series, low: Series, close: Series, k_period: int = 14, d_period: int = 3
    ) -> tuple[Series, Series]:
        """%K, 0..100, where the close lies in the range of `k_period` bars; %D, its mean of `d_period`.

        TA-Lib: STOCH with slowk_period=1, which is STOCHF.
        """
        series = {"high": high, "low": low, "close": close}
        k, d = self._compute("STOCH", series, (k_period, 1, 0, d_period, 0))
        return k, d

    def cache_info(self) -> CacheInfo:
        """How often a series was known since the last `cache_clear`."""
        with self._lock:
            return CacheInfo(**self._counts, size=len(self._known), maxsize=self._maxsize)

    def cache_clear(self) -> None:
        """Forget every series and count from 0."""
        with self._lock:
            self._known.clear()
            self._counts = dict.fromkeys(self._counts, 0)

    def _one(self, name: str, series: dict[str, Series], period: int) -> Series:
        result: Series = self._compute(name, series, (period,))[0]
        return result

    def _compute(self, name: str, series: dict[str, Any], params: tuple[float, ...]) -> list[Any]:
        """Every output in the first series' kind of container."""
        numbers = tuple(number(f"{name}: {'parameter' if len(params) > 1 else 'period'}", value) for value in params)
        given = list(series.values())
        outputs = self._outputs(name, convert(name, list(series), given), numbers)
        labels = [output["name"] for output in spec_of(name)["outputs"]]
        if len(outputs) == 1:
            return [like(name, given, labels, outputs[0])]
        return list(like(name, given, labels, tuple(outputs)))

    def _outputs(self, name: str, arrays: list[Floats], params: tuple[float, ...]) -> list[Floats]:
        length = len(arrays[0])
        if self._maxsize == 0 or length == 0 or any(len(array) != length for array in arrays):
            self._count("misses")
            return _whole(name, arrays, params)
        key = (name, params, b"".join(array[:1].tobytes() for array in arrays))
        with self._lock:
            known = self._known.pop(key, None)
        # Taken out, it is this call's alone: another thread with the same series computes it itself.
        known, kind, outputs = _answer(name, arrays, params, known)
        with self._lock:
            self._counts[kind] += 1
            self._known[key] = known
            while len(self._known) > self._maxsize:
                self._known.popitem(last=False)
        return outputs

    def _count(self, kind: str) -> None:
        with self._lock:
            self._counts[kind] += 1


def _answer(
    name: str, arrays: list[Floats], params: tuple[float, ...], known: _Known | None
) -> tuple[_Known, str, list[Floats]]:
    """What is known afterwards, which kind of call it was, and the outputs."""
    bars = len(arrays[0])
    if known is not None:
        both = min(bars, known.bars)
        if all(_same_bits(new[:both], old.values[:both]) for new, old in zip(arrays, known.inputs, strict=True)):
            if bars <= known.bars:
                return known, "hits", known.results(bars)
            if _extend(known, name, arrays, params):
                return known, "extensions", known.results(bars)
    outputs = _whole(name, arrays, params)
    return _Known(arrays, outputs), "misses", outputs


def _extend(known: _Known, name: str, arrays: list[Floats], params: tuple[float, ...]) -> bool:
    """Compute the bars behind the known ones; whether that could be done."""
    try:
        if known.handle is None:
            known.handle = getattr(ta.stream, name)(*(column.values for column in known.inputs), *params)
        new = known.handle.extend(*(array[known.bars :] for array in arrays))
    except IndicatorError:
        # A gap: a stream does not go on behind it, only the whole series says what follows.
        return False
    for column, array in zip(known.inputs, arrays, strict=True):
        column.append(array[len(column.values) :])
    for column, array in zip(known.outputs, new, strict=True):
        column.append(array)
    return True


def _same_bits(left: Floats, right: Floats) -> bool:
    # As whole numbers, so that NaN is equal to itself and 0.0 is not -0.0.
    return bool(np.array_equal(left.view(np.int64), right.view(np.int64)))


def _whole(name: str, arrays: list[Floats], params: tuple[float, ...]) -> list[Floats]:
    found = getattr(ta, name)(*arrays, *params)
    return list(found) if isinstance(found, tuple) else [found]
