"""A live market from end to end: the real loop, the real feed over a loopback WebSocket, history that grows."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from websockets.asyncio.server import Server, ServerConnection, serve

from deepalpha.config import Settings, Workspace
from deepalpha.live import Loop
from deepalpha.live.follow import MarketFollower, candle_feed
from deepalpha.market import Catalog, venue_symbol
from deepalpha.market.bars import SCHEMA
from deepalpha.types import Instrument

MINUTE = 60_000_000_000
START = 1_704_067_200_000_000_000 // MINUTE * MINUTE
SYMBOLS = ("BTC/USDT", "ETH/USDT")
HISTORY = 120
PATIENCE_S = 30


def bar(symbol: str, minute: int) -> dict[str, float]:
    base = (40_000.0 if symbol.startswith("BTC") else 2_000.0) + minute % 37 - 0.25 * (minute % 11)
    return {"open": base, "high": base + 5.0, "low": base - 4.0, "close": base + minute % 5 - 2.0, "volume": 3.5}


class History:
    """The exchange's bars over REST, up to `minutes`."""

    name = "loopback"
    page_bars = 500

    def __init__(self) -> None:
        self.minutes = HISTORY
        self.pulls = 0

    def retry_after_s(self) -> float:
        return 0.0

    def now(self) -> int:
        return START + self.minutes * MINUTE

    def instrument(self, symbol: str) -> Instrument:
        return Instrument(symbol=symbol, tick_size=Decimal("0.01"), lot_size=Decimal("0.00001"), currency="USDT")

    def page(self, symbol: str, timeframe: str, since: int) -> pl.DataFrame:
        assert (symbol in SYMBOLS, timeframe) == (True, "1m")
        self.pulls += 1
        first = max(0, -(-(since - START) // MINUTE))
        minutes = range(first, min(self.minutes + 1, first + self.page_bars))
        rows = [{"ts_open": START + minute * MINUTE, **bar(symbol, minute)} for minute in minutes]
        return pl.DataFrame(rows, schema=SCHEMA)


class Streams:
    """The exchange's WebSocket: sends what it is told, can drop everybody."""

    def __init__(self) -> None:
        self.readers: set[ServerConnection] = set()
        self.server: Server | None = None

    async def __aenter__(self) -> Streams:
        self.server = await serve(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *error: object) -> None:
        assert self.server is not None
        self.server.close()

    @property
    def url(self) -> str:
        assert self.server is not None
        return f"ws://127.0.0.1:{self.server.sockets[0].getsockname()[1]}/stream"

    async def _serve(self, connection: ServerConnection) -> None:
        self.readers.add(connection)
        try:
            await connection.wait_closed()
        finally:
            self.readers.discard(connection)

    async def candle(self, symbol: str, minute: int, *, closed: bool = True) -> None:
        values = bar(symbol, minute)
        begin = (START + minute * MINUTE) // 1_000_000
        kline = {"t": begin, "T": begin + 59_999, "s": venue_symbol(symbol), "i": "1m", "x": closed, "n": 7, "f": 1}
        kline |= {name[0]: f"{value:.8f}" for name, value in values.items() if name != "volume"}
        kline |= {"v": f"{values['volume']:.8f}", "q": "1.0", "V": "1.0", "Q": "1.0", "L": 7, "B": "0"}
        data = {"e": "kline", "E": begin + 60_001, "s": venue_symbol(symbol), "k": kline}
        text = json.dumps({"stream": f"{venue_symbol(symbol).lower()}@kline_1m", "data": data})
        for reader in tuple(self.readers):
            await reader.send(text)

    async def drop(self) -> None:
        for reader in tuple(self.readers):
            await reader.close()


async def until(condition: Callable[[], bool], what: str) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.005)
    assert condition(), what


def settings_for(url: str) -> Settings:
    return Settings.from_mapping(
        {
            "approval": "auto",
            "symbols": list(SYMBOLS),
            "timeframe": "1m",
            "view_timeframes": ["5m"],
            "history_bars": 100,
            "market": {"source": "live", "url": url, "connection": {"backoff_base_ms": 10}},
            "agents": {"headlines": []},
        }
    )


@pytest.mark.timeout(120)
def test_the_loop_decides_once_on_every_closed_candle_and_a_lost_connection_is_repaired(tmp_path: Path) -> None:
    async def story() -> None:
        history, workspace = History(), Workspace(tmp_path / "ws")
        catalog = Catalog(workspace.catalog)
        async with Streams() as streams:
            settings = settings_for(streams.url)
            troubles: list[str] = []
            feed = candle_feed(settings)
            follower = MarketFollower(
                settings, catalog, history=history, feed=feed, clock=history.now, trouble=troubles.append
            )
            source = await follower.prepare(None)
            loop = Loop(workspace, settings, source=source)
            following, running = asyncio.create_task(follower.run()), asyncio.create_task(loop.run())
            await until(lambda: len(streams.readers) == 1, "a connection")

            def decided() -> list[int]:
                return loop.ops.frame("SELECT DISTINCT ts_event FROM decision ORDER BY 1")["ts_event"].to_list()

            assert loop.state == "running"
            assert decided() == []
            for minute in range(HISTORY, HISTORY + 3):
                history.minutes = minute + 1
                for symbol in SYMBOLS:
                    await streams.candle(symbol, minute, closed=False)
                    await streams.candle(symbol, minute)
                    await streams.candle(symbol, minute)
                await until(lambda minute=minute: loop.cursor == START + (minute + 1) * MINUTE, "a step")
            assert decided() == [START + (minute + 1) * MINUTE for minute in range(HISTORY, HISTORY + 3)]

            await streams.drop()
            await until(lambda: len(streams.readers) == 1, "a new connection")
            last = HISTORY + 5  # two candles were closed while nobody listened
            history.minutes = last + 1
            for symbol in SYMBOLS:
                await streams.candle(symbol, last)
            await until(lambda: loop.cursor == START + (last + 1) * MINUTE, "a step after the hole")
            await until(lambda: len(source.window("BTC/USDT", loop.cursor, 500)["close"]) >= 106, "the repair")

            window = source.window("ETH/USDT", loop.cursor, 8)
            assert window["close"].tolist() == [
                bar("ETH/USDT", minute)["close"] for minute in range(last - 7, last + 1)
            ]
            assert loop.cursor not in decided()[:-1]
            loop.stop()
            await running
            await follower.stop()
            await following
            assert troubles == []
            stored = catalog.read("BTC/USDT", "1m")
            assert stored["close"].to_list()[-1] == bar("BTC/USDT", last)["close"]
            once = loop.ops.frame("SELECT symbol, ts_event, count(*) AS n FROM decision GROUP BY 1, 2")
            assert once.filter(pl.col("n") != 1).is_empty()

    asyncio.run(story())
