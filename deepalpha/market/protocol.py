"""What every market source is: the contract between a feed of bars and the loop."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Protocol

from deepalpha.types import Candle, Fact, Instrument

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Window = dict[str, NDArray[np.int64] | NDArray[np.float64]]


class Step(Fact, frozen=True):
    """One moment of the market: the bars that closed at `ts_event`, at most one a symbol, in the source's order."""

    ts_event: int
    candles: tuple[Candle, ...]


class MarketSource(Protocol):
    """A feed of closed bars of one timeframe. `tests/contract/test_market_sources.py` runs over every implementation.

    Contract:
        - Times are UTC ns. A bar is known from its `ts_event` on; nothing returned for an `asof` depends on later bars.
        - `steps(after)` yields each moment once, in ascending `ts_event`, each later than `after`; so the last
          `ts_event` seen is a cursor that continues the run without a gap or a repeat. Two calls yield equal steps.
        - `window` is a view of what is there, at most `bars` bars, oldest first; its arrays cannot be written.
        - Every symbol a step names is in `symbols` and has an instrument.
    """

    @property
    def live(self) -> bool:
        """Whether more bars may come: then `steps` ends where the market is, and is asked again."""
        ...

    @property
    def symbols(self) -> tuple[str, ...]:
        """What is fed, in a fixed order."""
        ...

    @property
    def timeframe(self) -> str:
        """Length of a bar, for example ``1d``."""
        ...

    @property
    def last_ts_event(self) -> int:
        """Close of the last bar there is."""
        ...

    def instruments(self) -> Mapping[str, Instrument]:
        """The instrument of every symbol."""
        ...

    def steps(self, after: int) -> Iterator[Step]:
        """Moments with ts_event > `after`, oldest first."""
        ...

    def count_steps(self, after: int) -> int:
        """How many moments `steps(after)` yields."""
        ...

    def window(self, symbol: str, asof: int, bars: int) -> Window:
        """The last `bars` bars of a symbol with ts_event <= `asof`, history before the first step included.

        Returns:
            ts_open, ts_event (int64) and open, high, low, close, volume (float64), each of shape (n,) with n <= bars,
            contiguous and read-only.

        Raises:
            MarketDataError: the source does not feed `symbol`, or `bars` is below 1.
        """
        ...
