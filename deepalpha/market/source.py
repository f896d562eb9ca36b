"""Replay of stored bars as if they arrived: the source of the demo, of practice runs and of backtests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from deepalpha.errors import MarketDataError
from deepalpha.market.bars import COLUMNS
from deepalpha.market.catalog import Catalog
from deepalpha.market.protocol import Step
from deepalpha.types import SECOND, Candle, Instrument

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from deepalpha.market.protocol import Window


class ReplaySource:
    """Bars of the catalog, merged by close time. Implements `MarketSource`.

    Everything is loaded once and never changes; memory is 56 bytes a bar.

    Args:
        catalog: where the bars are.
        symbols: what to feed; bars that close at the same moment come in this order.
        timeframe: of the bars.
        start: UTC ns; steps begin with the first bar whose ts_open is at or after it, earlier bars are history that
            `window` shows. None: begin with the first bar.

    Raises:
        MarketDataError: a symbol or timeframe is not in the catalog, a file is damaged, no symbol is given, or every
            bar is before `start`.
    """

    live = False

    def __init__(self, catalog: Catalog, symbols: Sequence[str], timeframe: str, *, start: int | None = None) -> None:
        self.symbols = tuple(dict.fromkeys(symbols))
        self.timeframe = timeframe
        if not self.symbols:
            raise MarketDataError("a replay needs at least one symbol; set `symbols` in the settings")
        self._instruments: dict[str, Instrument] = {}
        self._columns: dict[str, Window] = {}
        self._ends: dict[str, NDArray[np.int64]] = {}
        self._first: dict[str, int] = {}
        for symbol in self.symbols:
            self._load(catalog, symbol, start)
        moments = [self._ends[symbol][self._first[symbol] :] for symbol in self.symbols]
        self._moments: NDArray[np.int64] = np.unique(np.concatenate(moments))
        self.last_ts_event = max(int(ends[-1]) for ends in self._ends.values())
        if start is not None and not len(self._moments):
            raise MarketDataError(
                f"the replay starts at {_day(start)} but the last bar of {', '.join(self.symbols)} closes at "
                f"{_day(self.last_ts_event)}; choose an earlier replay.start or import newer bars"
            )

    def _load(self, catalog: Catalog, symbol: str, start: int | None) -> None:
        frame = catalog.read(symbol, self.timeframe)
        columns: Window = {}
        for name in (*COLUMNS, "ts_event"):
            values = np.ascontiguousarray(frame[name].to_numpy())
            values.flags.writeable = False
            columns[name] = values
        self._columns[symbol] = columns
        self._ends[symbol] = frame["ts_event"].to_numpy()
        self._first[symbol] = 0 if start is None else int(np.searchsorted(frame["ts_open"].to_numpy(), start))
        self._instruments[symbol] = catalog.instrument(symbol)

    def instruments(self) -> Mapping[str, Instrument]:
        """The instrument of every symbol."""
        return dict(self._instruments)

    def steps(self, after: int) -> Iterator[Step]:
        """Moments with ts_event > `after`, oldest first; see `MarketSource`."""
        begin = int(np.searchsorted(self._moments, after, side="right"))
        rows = {
            symbol: max(self._first[symbol], int(np.searchsorted(self._ends[symbol], after, side="right")))
            for symbol in self.symbols
        }
        for moment in self._moments[begin:].tolist():
            candles = []
            for symbol in self.symbols:
                row = rows[symbol]
                if row < len(self._ends[symbol]) and self._ends[symbol][row] == moment:
                    candles.append(self._candle(symbol, row))
                    rows[symbol] = row + 1
            yield Step(ts_event=moment, candles=tuple(candles))

    def count_steps(self, after: int) -> int:
        """How many moments `steps(after)` yields."""
        return len(self._moments) - int(np.searchsorted(self._moments, after, side="right"))

    def window(self, symbol: str, asof: int, bars: int) -> Window:
        """The last `bars` bars with ts_event <= `asof`: views, read-only; see `MarketSource`."""
        if bars < 1:
            raise MarketDataError(f"a window of {bars} bars cannot be; ask for at least 1")
        stop = self._closed(symbol, asof)
        return {name: values[max(0, stop - bars) : stop] for name, values in self._columns[symbol].items()}

    def ts_event_of(self, symbol: str, asof: int) -> int:
        """Close of the last bar of a symbol with ts_event <= `asof`; MarketDataError if there is none yet."""
        stop = self._closed(symbol, asof)
        if stop == 0:
            raise MarketDataError(f"no {self.timeframe} bar of {symbol} has closed by {_day(asof)}")
        return int(self._ends[symbol][stop - 1])

    def closes(self, symbol: str, after: int, until: int) -> list[tuple[int, float]]:
        """(ts_event, close) of the bars of a symbol with after < ts_event <= until, oldest first."""
        rows = slice(self._closed(symbol, after), self._closed(symbol, until))
        return list(zip(self._ends[symbol][rows].tolist(), self._columns[symbol]["close"][rows].tolist(), strict=True))

    def _closed(self, symbol: str, asof: int) -> int:
        """How many bars of a symbol have closed at or before `asof`."""
        try:
            ends = self._ends[symbol]
        except KeyError:
            raise MarketDataError(f"{symbol} is not in this replay; it has {', '.join(self.symbols)}") from None
        return int(np.searchsorted(ends, asof, side="right"))

    def _candle(self, symbol: str, row: int) -> Candle:
        """A replayed bar is received the moment it closes, so that a run depends on nothing but the bars."""
        columns = self._columns[symbol]
        end = int(self._ends[symbol][row])
        values = {name: float(columns[name][row]) for name in COLUMNS[1:]}
        return Candle(
            symbol=symbol,
            timeframe=self.timeframe,
            ts_open=int(columns["ts_open"][row]),
            ts_event=end,
            ts_init=end,
            **values,
        )


def _day(ts: int) -> str:
    return datetime.fromtimestamp(ts // SECOND, UTC).strftime("%Y-%m-%d %H:%M UTC")
