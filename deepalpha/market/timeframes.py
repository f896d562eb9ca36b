"""Time frames as the core knows them: names, nominal lengths, and where a bar ends. One rule for all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from deepalpha import _core

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def check_timeframe(name: str) -> int:
    """Nominal length of a time frame in ns, for example ``1d``; MarketDataError names the known ones otherwise.

    Example:
        >>> check_timeframe("1h")
        3600000000000
    """
    return int(_core.check_timeframe(name))


def bucket_end(ts_open: ArrayLike, timeframe: str) -> NDArray[np.int64]:
    """End of the bar that holds each time: `ts_event` of a bar that opens there.

    Args:
        ts_open: int64 UTC ns, shape (n,).
        timeframe: a name `check_timeframe` knows.

    Returns:
        int64 UTC ns, shape (n,), each greater than its input.

    Raises:
        MarketDataError: the time frame is unknown.

    Example:
        >>> bucket_end([0], "1d").tolist()
        [86400000000000]
    """
    ends: NDArray[np.int64] = _core.bucket_end(np.ascontiguousarray(ts_open, dtype=np.int64), timeframe)
    return ends
