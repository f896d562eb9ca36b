"""All candlestick patterns at once, with settings of one's own, and why they fired.

    hits = ta.patterns(open, high, low, close)
    hits["CDLHAMMER"]; hits.hits(-1); hits.explain(-1)
    ta.patterns(open, high, low, close, ta.CandleSettings(body_doji=("high_low", 10, 0.05)))

Values are TA-Lib 0.8.2's on every bar: 100 bullish, -100 bearish, 0 none; +-80 where bodies share an end, +-200 for a
confirmed hikkake. There is no global state: settings belong to the call.
"""

from __future__ import annotations

import difflib
import numbers
from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from deepalpha import _core
from deepalpha.errors import IndicatorError
from deepalpha.ta.arrays import convert, like

#: Range type (real_body, high_low, shadows), period in bars (0: the candle itself), factor.
Gauge = tuple[str, int, float]

# A series of numbers (pandas Series too: they are Any to mypy, since pandas is optional).
Series = TypeVar("Series", NDArray[Any], list[float], pl.Series)

_Prices = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]

_SIDES = ("open", "high", "low", "close")
_RANGES = ("real_body", "high_low", "shadows")
_MAX_PERIOD = 100_000
_MAX_FACTOR = 1e6


class CandleSettings(msgspec.Struct, frozen=True):
    """What "long", "short", "near" mean: the average of a part of the candles before, times a factor.

    Args:
        body_long: a body above this is long; likewise the others. Each is (range type, period, factor): range type
            real_body, high_low or shadows (half of both); period 0..100000, 0 for the candle's own part; factor
            0..1e6. TA-Lib's defaults.

    Raises:
        IndicatorError: a range type there is not, a period or factor out of bounds.

    >>> CandleSettings(near=("high_low", 5, 0.3)).near
    ('high_low', 5, 0.3)
    """

    body_long: Gauge = ("real_body", 10, 1.0)
    body_very_long: Gauge = ("real_body", 10, 3.0)
    body_short: Gauge = ("real_body", 10, 1.0)
    body_doji: Gauge = ("high_low", 10, 0.1)
    shadow_long: Gauge = ("real_body", 0, 1.0)
    shadow_very_long: Gauge = ("real_body", 0, 2.0)
    shadow_short: Gauge = ("shadows", 10, 1.0)
    shadow_very_short: Gauge = ("high_low", 10, 0.1)
    near: Gauge = ("high_low", 5, 0.2)
    far: Gauge = ("high_low", 5, 0.6)
    equal: Gauge = ("high_low", 5, 0.05)

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            _check_gauge(name, getattr(self, name))

    def gauges(self) -> list[Gauge]:
        """All eleven in the core's order."""
        return [getattr(self, name) for name in self.__struct_fields__]


def _check_gauge(name: str, gauge: Any) -> None:
    label = f"CandleSettings: {name}"
    if not isinstance(gauge, tuple) or len(gauge) != 3:
        raise IndicatorError(f"{label} {gauge!r} is not (range type, period, factor), such as ('high_low', 5, 0.2)")
    range_type, period, factor = gauge
    if range_type not in _RANGES:
        raise IndicatorError(f"{label}: range type {range_type!r} is none of {', '.join(_RANGES)}")
    if isinstance(period, bool) or not isinstance(period, numbers.Integral):
        raise IndicatorError(f"{label}: period {period!r} is not a whole number in 0..{_MAX_PERIOD}")
    if not 0 <= int(period) <= _MAX_PERIOD:
        raise IndicatorError(f"{label}: period {period} is not in 0..{_MAX_PERIOD}")
    if isinstance(factor, bool) or not isinstance(factor, numbers.Real):
        raise IndicatorError(f"{label}: factor {factor!r} is not a number in 0..{_MAX_FACTOR:g}")
    if not 0.0 <= float(factor) <= _MAX_FACTOR:  # NaN fails too
        raise IndicatorError(f"{label}: factor {factor} is not in 0..{_MAX_FACTOR:g}")


class Patterns:
    """What `patterns` found: one row a bar, one column a pattern.

    `names` are the columns' names in TA-Lib's order; `values` is an int16 array of shape (n, 61), read-only.
    """

    def __init__(self, prices: _Prices, settings: CandleSettings) -> None:
        self._prices = prices
        self.settings = settings
        self.names: tuple[str, ...] = CANDLE_NAMES
        self.values: NDArray[np.int16] = _core.ta_patterns(*prices, settings.gauges())
        self.values.flags.writeable = False

    def __len__(self) -> int:
        return len(self.values)

    def __repr__(self) -> str:
        return f"Patterns({len(self)} bars, {np.count_nonzero(self.values)} hits)"

    def __getitem__(self, name: str) -> NDArray[np.int16]:
        """One pattern's values, shape (n,), a view."""
        return self.values[:, _PLACE[_known(name)]]

    def hits(self, i: int) -> dict[str, int]:
        """The patterns at bar `i` (negative from the end) and their values; empty when there are none.

        Raises:
            IndicatorError: no such bar.
        """
        row = self.values[self._bar(i)]
        return {self.names[place]: int(row[place]) for place in np.flatnonzero(row)}

    def to_polars(self) -> pl.DataFrame:
        """One Int16 column a pattern, one row a bar."""
        return pl.from_numpy(self.values, schema=list(self.names), orient="row")

    def explain(self, i: int, names: str | Iterable[str] | None = None) -> list[dict[str, Any]]:
        """Why patterns are, or are not, at bar `i`: read off the rules as they run.

        Args:
            i: a bar, negative from the end.
            names: the patterns to explain, hit or not; by default those that hit.

        Returns:
            For each pattern: name; value at the bar; aim, its value if every condition had held; doc; rule in words;
            lookback, the bars it needs before; conditions in order, empty within the look-back. A condition has what
            (in words, with the setting it reads), bars_ago (which candle), measured, relation (such as "<="),
            threshold, and held.

        Raises:
            IndicatorError: no such bar or pattern.
        """
        bar = self._bar(i)
        wanted = None if names is None else [_known(name) for name in ([names] if isinstance(names, str) else names)]
        return _core.ta_explain(*self._prices, self.settings.gauges(), bar, wanted)

    def _bar(self, i: int) -> int:
        length = len(self)
        if isinstance(i, bool) or not isinstance(i, numbers.Integral) or not -length <= i < length:
            raise IndicatorError(f"patterns: bar {i!r} is not in {-length}..{length - 1}")
        return int(i) % length


def patterns(
    open: Series, high: Series, low: Series, close: Series, settings: CandleSettings | None = None
) -> Patterns:
    """All 61 candlestick patterns in one pass.

    Args:
        open, high, low, close: series of shape (n,), oldest first, of any kind `deepalpha.ta` takes.
        settings: what long, short and near mean; TA-Lib's by default.

    Returns:
        A `Patterns`. Bars within a pattern's look-back are 0; so are bars with a NaN, and those that look back on one.

    Raises:
        IndicatorError: series that cannot be used or differ in length.

    >>> patterns([1.0] * 12, [1.0] * 12, [1.0] * 12, [1.0] * 12).hits(-1)["CDLDOJI"]
    100
    """
    chosen = _settings(settings)
    return Patterns(_prices("patterns", open, high, low, close), chosen)


def pattern(
    name: str,
    open: Series,
    high: Series,
    low: Series,
    close: Series,
    settings: CandleSettings | None = None,
    **params: float,
) -> Any:
    """One pattern with settings of one's own; values as TA-Lib's, shape (n,), in the first series' kind.

    Args:
        name: TA-Lib's name, such as CDLHAMMER.
        open, high, low, close: as in `patterns`.
        settings: TA-Lib's by default.
        params: penetration, for the seven patterns that have it.

    Raises:
        IndicatorError: no such pattern or parameter, a value out of bounds, series that cannot be used.

    >>> pattern("CDLDOJI", [1.0] * 12, [1.0] * 12, [1.0] * 12, [1.0] * 12)[-1]
    np.int32(100)
    """
    known = _known(name)
    if set(params) - {"penetration"}:
        raise IndicatorError(f"{known}: no parameter {', '.join(sorted(set(params) - {'penetration'}))}")
    prices = _prices(known, open, high, low, close)
    values = _core.ta_pattern(known, *prices, list(params.values()), _settings(settings).gauges())
    return like(known, (open, high, low, close), ["integer"], values)


def _prices(name: str, *sides: Any) -> _Prices:
    open_, high, low, close = convert(name, _SIDES, sides)
    return open_, high, low, close


def _settings(settings: Any) -> CandleSettings:
    if settings is None:
        return _TALIB
    if not isinstance(settings, CandleSettings):
        raise IndicatorError(f"settings {settings!r} is a {type(settings).__name__}; pass a ta.CandleSettings")
    return settings


def _known(name: Any) -> str:
    upper = str(name).upper()
    if upper not in _PLACE:
        near = difflib.get_close_matches(upper, CANDLE_NAMES, n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else "ta.patterns(...).names lists them all"
        raise IndicatorError(f"no candlestick pattern is called {name!r}; {hint}")
    return upper


#: Names of all patterns, in TA-Lib's order.
CANDLE_NAMES: tuple[str, ...] = tuple(_core.ta_pattern_names())
_PLACE = {name: place for place, name in enumerate(CANDLE_NAMES)}
_TALIB = CandleSettings()
