"""A market that goes on: closed bars are appended as they come and become steps once a moment is complete.

A moment is complete when every symbol has its bar of it, or `grace_s` after its first bar came: one silent symbol must
not stop the others. A bar that comes after its moment was released is history (`window` shows it) but never a step, so
that steps once given never change; `late` counts them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import TYPE_CHECKING, Any

import numpy as np

from deepalpha.errors import MarketDataError
from deepalpha.market.bars import COLUMNS
from deepalpha.market.catalog import Catalog
from deepalpha.market.protocol import Step
from deepalpha.market.source import ReplaySource
from deepalpha.types import SECOND, Candle

if TYPE_CHECKING:
    from numpy.typing import NDArray

GRACE_S = 2.0


class LiveSource(ReplaySource):
    """The catalog's bars as history, and what `append` brings as steps. Implements `MarketSource`.

    Args:
        catalog: holds history of every symbol, at least one bar each.
        symbols: what to feed.
        timeframe: of the bars.
        since: UTC ns; steps begin after it, for example the moment of the start. What closed before is history.
        grace_s: seconds a moment waits for a silent symbol.
    """

    live = True

    def __init__(
        self, catalog: Catalog, symbols: Sequence[str], timeframe: str, *, since: int, grace_s: float = GRACE_S
    ) -> None:
        super().__init__(catalog, symbols, timeframe)
        self._late: set[tuple[str, int]] = set()
        self._since = since
        self._grace = int(grace_s * SECOND)
        self._released = max(since, self.last_ts_event)
        self._first_seen: dict[int, int] = {}

    def append(self, candle: Candle, *, now: int) -> bool:
        """Take a closed bar; False when it is known already.

        Args:
            candle: of a symbol and the timeframe of this source.
            now: our clock, UTC ns; the grace of its moment begins with the first bar.

        Raises:
            MarketDataError: another symbol or timeframe.
        """
        if candle.symbol not in self._ends or candle.timeframe != self.timeframe:
            raise MarketDataError(
                f"a {candle.timeframe} bar of {candle.symbol} does not belong to this market: it has {self.timeframe} "
                f"bars of {', '.join(self.symbols)}"
            )
        ends = self._ends[candle.symbol]
        row = int(np.searchsorted(ends, candle.ts_event))
        if row < len(ends) and ends[row] == candle.ts_event:
            return False
        columns = self._columns[candle.symbol]
        for name in (*COLUMNS, "ts_event"):
            grown: NDArray[Any] = np.insert(columns[name], row, getattr(candle, name))
            grown.flags.writeable = False
            columns[name] = grown
        self._ends[candle.symbol] = columns["ts_event"].astype(np.int64, copy=False)
        self.last_ts_event = max(self.last_ts_event, candle.ts_event)
        if candle.ts_event <= self._released:
            self._late.add((candle.symbol, candle.ts_event))
            return True
        self._first_seen.setdefault(candle.ts_event, now)
        self._moments = np.union1d(self._moments, [candle.ts_event])
        return True

    @property
    def late(self) -> int:
        """Bars that came after their moment was released."""
        return len(self._late)

    def release(self, now: int) -> int:
        """Let complete moments become steps; returns how many. Call it after `append` and now and then."""
        released = 0
        for moment in sorted(self._first_seen):
            complete = all(len(ends) and ends[-1] >= moment for ends in self._ends.values())
            if not complete and now - self._first_seen[moment] < self._grace:
                break
            self._released = moment
            del self._first_seen[moment]
            released += 1
        return released

    def steps(self, after: int) -> Iterator[Step]:
        """Released moments with ts_event > `after`, oldest first; it ends where the market is, so ask again."""
        # At once, not lazily: a bar that is appended while somebody iterates would move the rows.
        found = takewhile(lambda step: step.ts_event <= self._released, super().steps(max(after, self._since)))
        return iter(tuple(self._without_late(step) for step in found))

    def count_steps(self, after: int) -> int:
        """How many moments `steps(after)` yields now."""
        first, last = np.searchsorted(self._moments, [max(after, self._since), self._released], side="right")
        return max(0, int(last) - int(first))

    def _without_late(self, step: Step) -> Step:
        if not self._late:
            return step
        return Step(
            ts_event=step.ts_event,
            candles=tuple(candle for candle in step.candles if (candle.symbol, candle.ts_event) not in self._late),
        )
