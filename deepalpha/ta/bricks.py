"""Bars by price or trade instead of by time: renko, range, volume and tick-count bars. Reached as `ta.chart.renko` etc.

Rows are ticks (`close` holds their prices) or finer bars. Volume is conserved exactly: counted in steps of 1e-8, each
step is in one bar, so bars and forming bar, rounded to 8 decimals, add up to the rows. In renko and range bars the
volume of a row goes to the bar that forms when it arrives.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from deepalpha import _core
from deepalpha.errors import IndicatorError
from deepalpha.ta.arrays import as_floats
from deepalpha.ta.chart_args import number, whole
from deepalpha.types import Fact


class FormingBar(Fact, frozen=True):
    """What does not fill a bar yet. `start` and `end` are the first and last row in it."""

    open: float
    high: float
    low: float
    close: float
    volume: float
    ticks: int
    start: int
    end: int


class BuiltBars(msgspec.Struct, frozen=True, kw_only=True):
    """Complete bars as columns of one length, oldest first, and the forming one (None before the first row).

    `start` is the first row with a part in a bar, `end` the row that completed it.
    """

    open: NDArray[np.float64]
    high: NDArray[np.float64]
    low: NDArray[np.float64]
    close: NDArray[np.float64]
    volume: NDArray[np.float64]
    ticks: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    forming: FormingBar | None

    def __len__(self) -> int:
        return len(self.close)

    def to_polars(self) -> pl.DataFrame:
        """The complete bars as a frame."""
        return pl.DataFrame({name: getattr(self, name) for name in self.__struct_fields__ if name != "forming"})


_FORMING = FormingBar.__struct_fields__


def renko(
    close: Any, *, box: float | None = None, atr_period: int = 14, atr_multiple: float = 1.0, volume: Any = None
) -> BuiltBars:
    """Renko bricks of closes (or tick prices): one for each box the price moves on, two boxes to turn round.

    Args:
        close: shape (n,).
        box: height of a brick. None: `atr_multiple` (0.01..100) average true ranges of the closes, taken when the brick
            before was complete and first after `atr_period` rows (1..1000), so the past never changes.
        volume: shape (n,), at least 0; goes to the brick that forms when its row arrives and is conserved exactly.

    Raises:
        IndicatorError: series or parameters that cannot be used, or a row that alone makes over 10,000 bricks.

    >>> renko([100, 112, 135], box=10).close.tolist()
    [110.0, 120.0, 130.0]
    """
    rule, size = ("renko", box) if box is not None else ("renko_atr", atr_multiple)
    return _bars(rule, number("box" if box is not None else "atr_multiple", size), atr_period, {"close": close}, volume)


def range_bars(
    close: Any, *, size: float, open: Any = None, high: Any = None, low: Any = None, volume: Any = None
) -> BuiltBars:
    """Bars that are complete when high and low are `size` apart; the next opens where the last closed.

    Args:
        close: tick prices, or closes of finer bars (then pass open, high and low too), shape (n,). A rising finer bar
            is taken to have gone open, low, high, close; a falling one open, high, low, close.
        size: distance, above 0.
        volume: as for `renko`.
    """
    return _bars("range", number("size", size), 1, _prices(open, high, low, close), volume)


def volume_bars(
    close: Any, volume: Any, *, size: float, open: Any = None, high: Any = None, low: Any = None
) -> BuiltBars:
    """Bars of exactly `size` volume, counted in steps of 1e-8; a row that fills a bar is divided.

    What is left of a divided finer bar counts as traded at its close.

    Args:
        close: tick prices, or closes of finer bars (then pass open, high and low too), shape (n,).
        volume: shape (n,), 0..1e15. The bars' volumes and the forming bar's add up to it exactly, to 8 decimals.
        size: 1e-8..1e15.
    """
    return _bars("volume", number("size", size), 1, _prices(open, high, low, close), volume)


def tick_bars(
    close: Any,
    *,
    size: int,
    ticks: Any = None,
    open: Any = None,
    high: Any = None,
    low: Any = None,
    volume: Any = None,
) -> BuiltBars:
    """Bars of at least `size` ticks; a row is never divided.

    Args:
        close: tick prices, or closes of finer bars (then pass open, high and low too), shape (n,).
        size: 1..1e9.
        ticks: ticks in each row, shape (n,), whole; None counts each row as one.
        volume: shape (n,), conserved exactly, to 8 decimals.
    """
    return _bars("ticks", float(whole("size", size)), 1, _prices(open, high, low, close), volume, ticks)


def _bars(
    rule: str, size: float, atr_period: int, prices: Mapping[str, Any], volume: Any, ticks: Any = None
) -> BuiltBars:
    columns = [as_floats(f"{rule} bars: {name}", series) for name, series in prices.items()]
    four = columns * 4 if len(columns) == 1 else columns
    optional = [
        None if series is None else as_floats(f"{rule} bars: {name}", series)
        for name, series in (("volume", volume), ("ticks", ticks))
    ]
    built, forming = _core.chart_bricks(rule, size, whole("atr_period", atr_period), *four, *optional)
    rest = None if forming is None else msgspec.convert(dict(zip(_FORMING, forming, strict=True)), FormingBar)
    return BuiltBars(**built, forming=rest)


def _prices(open: Any, high: Any, low: Any, close: Any) -> dict[str, Any]:
    given = {"open": open, "high": high, "low": low}
    missing = [name for name, series in given.items() if series is None]
    if not missing:
        return {**given, "close": close}
    if len(missing) == 3:
        return {"close": close}
    raise IndicatorError(
        f"{' and '.join(missing)} missing; pass open, high and low for finer bars, none of them for ticks"
    )
