"""The market view: candles in; closed bars of several time frames with indicators out, in one call into the core."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from deepalpha import _core
from deepalpha.types import BarFrame

_PRICES = ("open", "high", "low", "close", "volume")


def market_view(
    columns: Mapping[str, NDArray[np.generic]],
    *,
    timeframe: str,
    timeframes: Sequence[str],
    asof: int,
    series: Sequence[str],
) -> dict[str, BarFrame]:
    """Closed bars up to `asof`, of the base timeframe and of coarser ones, with indicator series.

    No bar that closes after `asof` is in it, whatever `columns` holds. The first coarse bar is left out unless the
    first base bar begins exactly with it.

    Args:
        columns: `ts_open` (int64 UTC ns, ascending), `open, high, low, close, volume` (float64), each of shape (n,).
        timeframe: what the columns are, e.g. ``1d``.
        timeframes: coarser ones, e.g. ``("1w", "1mo")``.
        asof: UTC ns.
        series: indicator ids such as ``RSI_14``; several outputs become ``MACD_12_26_9.macdhist`` and so on.

    Returns:
        timeframe -> BarFrame, the base first.

    Raises:
        MarketDataError: an unknown timeframe, columns of different length, times that do not ascend.
        IndicatorError: an id that names no indicator.
    """
    prices = [np.ascontiguousarray(columns[name], dtype=np.float64) for name in _PRICES]
    frames = _core.market_view(
        np.ascontiguousarray(columns["ts_open"], dtype=np.int64),
        *prices,
        timeframe=timeframe,
        timeframes=list(timeframes),
        asof=asof,
        ids=list(series),
    )
    return {name: BarFrame(name, **arrays, series=computed) for name, (arrays, computed) in frames.items()}
