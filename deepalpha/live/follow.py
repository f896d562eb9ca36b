"""A live market for the loop: an exchange's closed candles by WebSocket, its history and repairs over REST.

    follower = MarketFollower(settings, catalog, history=CcxtHistory("binance"), feed=candle_feed(settings))
    source = await follower.prepare(since)     # history is pulled while the feed collects already: no hole between them
    await follower.run()                       # until `stop`

Only candles that the exchange calls closed are taken, so a bar is never a part of one. The catalog is written by pulls
alone: at the start, every quarter of an hour, and when a bar is missing (a lost connection). A bar that a pull brings
after its moment is history; it is never decided on late.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import polars as pl

from deepalpha.config import Settings
from deepalpha.errors import DeepAlphaError, ProviderError
from deepalpha.market import (
    BarHistory,
    Batch,
    Catalog,
    Feed,
    LiveSource,
    check_timeframe,
    pull_bars,
    venue_symbol,
)
from deepalpha.types import Candle

RELEASE_S = 0.25
PULL_S = 900.0


def candle_feed(settings: Settings) -> Feed:
    """The feed of closed candles that the settings ask for."""
    market = settings.market
    return Feed.live(
        [venue_symbol(symbol) for symbol in settings.symbols],
        venue=market.venue,
        streams=(f"kline_{settings.timeframe}",),
        url=market.url,
        connection=dict(market.connection),
        kinds=("venue_bars",),
        numbers="float",
    )


class MarketFollower:
    """Keeps a `LiveSource` at the market's present.

    Args:
        settings: symbols, timeframe, history.
        catalog: where history is kept.
        history: the exchange over REST.
        feed: its closed candles.
        clock: ours, UTC ns.
        trouble: told in words what could not be repaired; trading goes on.
    """

    def __init__(
        self,
        settings: Settings,
        catalog: Catalog,
        *,
        history: BarHistory,
        feed: Feed,
        clock: Callable[[], int] = time.time_ns,
        trouble: Callable[[str], None],
    ) -> None:
        self._settings = settings
        self._catalog = catalog
        self._history = history
        self._feed = feed
        self._clock = clock
        self._trouble = trouble
        self._names = {venue_symbol(symbol): symbol for symbol in settings.symbols}
        self._length = check_timeframe(settings.timeframe)
        self._holes: set[str] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self.source: LiveSource | None = None

    async def prepare(self, since: int | None) -> LiveSource:
        """Pull history and make the source; steps begin after `since`, UTC ns (None: now).

        Raises:
            ProviderError, MarketDataError: the exchange does not answer or does not have a symbol.
        """
        await asyncio.to_thread(self._pull, self._settings.symbols)
        begin = self._clock() if since is None else since
        self.source = LiveSource(self._catalog, self._settings.symbols, self._settings.timeframe, since=begin)
        return self.source

    async def run(self) -> None:
        """Take candles until the feed ends."""
        self._tasks = [asyncio.create_task(self._release()), asyncio.create_task(self._repair())]
        try:
            async for batch in self._feed:
                self._take(batch)
        finally:
            for task in self._tasks:
                task.cancel()

    async def stop(self) -> None:
        """End the feed; `run` returns."""
        await asyncio.to_thread(self._feed.close)

    def _known(self) -> LiveSource:
        assert self.source is not None, "prepare() comes before run()"
        return self.source

    def _take(self, batch: Batch) -> None:
        source, now = self._known(), self._clock()
        for row in pl.DataFrame(batch).filter("closed").iter_rows(named=True):
            symbol = self._names[row["symbol"]]
            candle = Candle(
                symbol=symbol,
                timeframe=self._settings.timeframe,
                ts_open=row["ts_open"],
                ts_event=row["ts_open"] + self._length,
                ts_init=now,
                **{name: float(row[name]) for name in ("open", "high", "low", "close", "volume")},
            )
            if candle.ts_open > source.end_of(symbol):
                self._holes.add(symbol)
            source.append(candle, now=now)
        source.release(now)

    async def _release(self) -> None:
        while True:
            self._known().release(self._clock())
            await asyncio.sleep(RELEASE_S)

    async def _repair(self) -> None:
        pulled = time.monotonic()
        while True:
            await asyncio.sleep(RELEASE_S)
            symbols = tuple(self._holes)
            if not symbols and time.monotonic() - pulled >= PULL_S:
                symbols = self._settings.symbols
            if symbols:
                self._holes.difference_update(symbols)
                pulled = time.monotonic()
                try:
                    await asyncio.to_thread(self._pull, symbols)
                except DeepAlphaError as error:
                    self._trouble(f"bars of {', '.join(symbols)} could not be pulled: {error}")
                    if isinstance(error, ProviderError):
                        continue
                self._refill(symbols)

    def _pull(self, symbols: tuple[str, ...]) -> None:
        since = self._clock() // self._length * self._length - self._settings.history_bars * self._length
        for symbol in symbols:
            pull_bars(self._catalog, self._history, symbol, self._settings.timeframe, since=since)

    def _refill(self, symbols: tuple[str, ...]) -> None:
        source, now = self._known(), self._clock()
        for symbol in symbols:
            first = source.first_of(symbol)
            for row in self._catalog.read(symbol, self._settings.timeframe).iter_rows(named=True):
                if row["ts_event"] > first:
                    source.append(
                        Candle(symbol=symbol, timeframe=self._settings.timeframe, ts_init=now, **row), now=now
                    )
        source.release(now)
