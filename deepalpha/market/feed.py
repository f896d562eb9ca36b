"""Market data as batches of columns: from exchanges' WebSockets, from recorded files, from any raw lines.

    async with Feed.live(["BTCUSDT"], venue="binance", bars=["1s", "1m"], indicators=["RSI_14"]) as feed:
        async for batch in feed:                 # a `Batch`: batch.kind is "trades", "bars", "indicators", ...
            frame = pl.DataFrame(batch)          # without a copy; pyarrow.record_batch(batch), batch.to_numpy("close")

    for batch in Feed.recorded("session.jsonl.gz", ["BTCUSDT"], bars=["1m"]):
        ...

Parsing, checks, bars and indicators run in the core, on the feed's own threads; Python sees batches only. An event loop
is woken by one descriptor, once for everything that came while it was busy.

# Backpressure
Each table holds `capacity` rows for Python at most. What happens then is `overflow`: ``"drop_oldest"`` (live feeds: no
exchange is kept waiting, the loss is counted in `counters()["rows"]`), ``"block"`` (recorded feeds: reading waits)
or ``"refuse"`` (the new rows go, counted).
"""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from deepalpha import _core
from deepalpha._core import Batch as Batch
from deepalpha._core import StreamProcessor as StreamProcessor
from deepalpha.errors import MarketDataError
from deepalpha.market.depth_book import Book, book_of
from deepalpha.market.recordings import Recordings
from deepalpha.market.streams import stream_urls
from deepalpha.types import Fact

KINDS = ("trades", "quotes", "bars", "indicators", "venue_bars")
ROWS = 1 << 16
EVENTS = 10_000


class FeedEvent(Fact, frozen=True):
    """Something rare: of the data (a gap, a revision, a stale feed) or of a connection (``connected``, ``rotated``).

    Attributes:
        event: what; see `deepalpha_engine::stream::output::EventKind` for those of the data.
        symbol: whose; empty for connections.
        reason: why, where there is a reason.
        bars: which bars it is about, for example ``1m``.
        ts_event: the venue's time, UTC ns; 0 for connections.
        ts_init: our time, UTC ns.
        details: numbers of this kind of event, for example ``from`` and ``to`` of a gap.
    """

    event: str
    symbol: str
    reason: str
    bars: str
    ts_event: int
    ts_init: int
    details: dict[str, Any]


class Closing(ABC):
    """A context manager of both kinds: its end is `close`, which an event loop does not wait for."""

    @abstractmethod
    def close(self) -> None:
        """End it; a second call does nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.close)


class Feed(Closing):
    """Batches of market data; iterate over it, with `for` or `async for`, or call `poll`.

    Made by `Feed.live`, `Feed.recorded` and `Feed.lines`. It ends when a recording ends or after `close`.
    """

    def __init__(self, source: _Live | _Lines, kinds: Sequence[str]) -> None:
        self._source = source
        self._kinds = tuple(kinds)
        self._batches: deque[Batch] = deque()
        self._events: deque[FeedEvent] = deque(maxlen=EVENTS)
        self._events_seen = 0

    @classmethod
    def live(
        cls,
        symbols: Sequence[str],
        *,
        venue: str = "binance",
        streams: Sequence[str] = ("trade", "bookTicker"),
        url: str | Sequence[str] | None = None,
        subscribe: Sequence[str] = (),
        connection: dict[str, Any] | None = None,
        kinds: Sequence[str] = KINDS,
        **settings: Any,
    ) -> Feed:
        """A feed over WebSocket connections that are kept up: reconnect, resubscribe, rotation before 24 h.

        Args:
            symbols: as the venue spells them.
            venue: whose messages; one of the parser's venues.
            streams: which streams, see `stream_urls`.
            url: where to connect to instead of the exchange's own address.
            subscribe: text messages to send after each connect, for venues that are not subscribed by the address.
            connection: ``idle_timeout_ms``, ``ping_interval_ms``, ``backoff_base_ms``, ``max_age_ms``, ``ca_file``, ...
            kinds: which batches are wanted.
            settings: of the processor: ``bars``, ``indicators``, ``numbers="float|decimal"``, ``lateness_ns``,
                ``overflow``, ``capacity`` ...

        Raises:
            MarketDataError: a setting that is unknown or out of bounds; the message lists or names them.
        """
        urls = [url] if isinstance(url, str) else list(url or stream_urls(venue, symbols, streams))
        connections = [{**(connection or {}), "url": one, "subscribe": list(subscribe)} for one in urls]
        settings = {"overflow": "drop_oldest", "capacity": 1 << 18, **settings}
        stream = _core.LiveStream(list(symbols), connections, venue=venue, kinds=[*kinds, "events"], **settings)
        return cls(_Live(stream), kinds)

    @classmethod
    def recorded(
        cls,
        path: str | Path | Sequence[str | Path],
        symbols: Sequence[str],
        *,
        kinds: Sequence[str] = KINDS,
        **settings: Any,
    ) -> Feed:
        """A feed out of a file of lines ``<nanoseconds of receipt> <message>``, plain or gzip, as fast as it can go.

        Several files of one venue are merged by the time of receipt. Two runs over the same files give the same rows,
        byte for byte.

        Raises:
            MarketDataError: a file cannot be opened, or a setting as for `live`.
        """
        files = Recordings(path)
        try:
            return cls(_Lines(files.chunks(), symbols, kinds, settings, files.close), kinds)
        except MarketDataError:
            files.close()
            raise

    @classmethod
    def lines(
        cls, lines: Iterable[bytes], symbols: Sequence[str], *, kinds: Sequence[str] = KINDS, **settings: Any
    ) -> Feed:
        """A feed out of lines ``<nanoseconds of receipt> <message>`` from anywhere."""
        ended = (line if line.endswith(b"\n") else line + b"\n" for line in lines)
        return cls(_Lines(iter(ended), symbols, kinds, settings, None), kinds)

    def poll(self, timeout: float | None = 0.0) -> Batch | None:
        """The next batch; None when there is none within `timeout` seconds (None: without end) or the feed has ended.

        Batches come in the order of `kinds`, each with at most 65,536 rows.
        """
        if not self._batches:
            self._collect()
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self._batches and not self._source.ended:
            # A wake-up may be for an event only: then go on with what is left of the time.
            if not self._source.wait(None if deadline is None else max(0.0, deadline - time.monotonic())):
                break
            self._collect()
        return self._batches.popleft() if self._batches else None

    def _collect(self) -> None:
        for kind in self._kinds:
            while (batch := self._source.poll_batch(kind, ROWS)) is not None:
                self._batches.append(batch)
        while (rare := self._source.poll_batch("events")) is not None:
            self._note(_events_of(rare))
        self._note(self._source.connection_events())

    def _note(self, events: Iterable[FeedEvent]) -> None:
        for event in events:
            self._events.append(event)
            self._events_seen += 1

    def __iter__(self) -> Iterator[Batch]:
        while not self.ended:
            batch = self.poll(None)
            if batch is not None:
                yield batch

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Batch:
        while True:
            batch = self.poll(0.0)
            if batch is not None:
                return batch
            if self.ended:
                raise StopAsyncIteration
            await self._source.ready()

    @property
    def ended(self) -> bool:
        """Whether no further batch can come."""
        return not self._batches and self._source.ended

    def events(self) -> list[FeedEvent]:
        """What happened since the last time: gaps, revisions, quarantined ticks, resyncs, stale feeds, reconnects.

        The last 10,000 are kept; `counters()["events"]` says how many there were.
        """
        self._collect()
        taken = list(self._events)
        self._events.clear()
        return taken

    def counters(self) -> dict[str, Any]:
        """Exact counts: ``received == ok + duplicate + late + bad + quarantined + waiting``; by symbol and kind; rows
        made and dropped by table; of live feeds, ``connections``."""
        return {**self._source.counters(), "events": self._events_seen}

    def book(self, symbol: str, levels: int = 10) -> Book:
        """The best `levels` a side of the book of a symbol, if the feed was made with ``books={symbol: (tick_size,
        lot_size)}`` and has a stream of depth.

        A broken book is told by an event ``resync``; `give` it the answer to a new request for its snapshot.

        Raises:
            MarketDataError: no book of this symbol is kept.
        """
        return book_of(symbol, self._source.book(symbol, levels))

    def give(self, message: bytes, ts_init: int) -> bool:
        """Take in a message that did not come by the stream, such as a book's snapshot; False while a table is full.

        Args:
            message: as the venue sent it. Without a symbol in it the feed can have one symbol only.
            ts_init: when it was received, UTC ns.
        """
        return bool(self._source.give(message, ts_init))

    def close(self) -> None:
        """End it: connections are closed, their threads waited for. What was fetched stays. Idempotent."""
        self._source.close()


async def readable(descriptor: int) -> None:
    """Wait until a descriptor can be read; costs two system calls and one turn of the event loop."""
    loop = asyncio.get_running_loop()
    woken: asyncio.Future[None] = loop.create_future()

    def wake() -> None:
        if not woken.done():
            woken.set_result(None)

    loop.add_reader(descriptor, wake)
    try:
        await woken
    finally:
        loop.remove_reader(descriptor)


class _Live:
    """A stream that connections fill."""

    def __init__(self, stream: _core.LiveStream) -> None:
        self._stream = stream
        self.poll_batch = stream.poll_batch
        self.counters = stream.counters
        self.book = stream.book
        self.give = stream.give
        self.ended = False

    def wait(self, timeout: float | None) -> bool:
        return not self.ended and timeout != 0.0 and self._stream.wait(timeout)

    async def ready(self) -> None:
        await readable(self._stream.fileno())

    def connection_events(self) -> Iterator[FeedEvent]:
        for happened in self._stream.connection_events():
            event, why, ts_init = happened.pop("event"), happened.pop("why"), happened.pop("ts_init")
            yield FeedEvent(
                event=event, symbol="", reason=why or "", bars="", ts_event=0, ts_init=ts_init, details=happened
            )

    def close(self) -> None:
        self._stream.stop()
        self.ended = True


class _Lines:
    """A stream that recorded lines fill, as far as they are needed."""

    def __init__(
        self,
        chunks: Iterator[bytes],
        symbols: Sequence[str],
        kinds: Sequence[str],
        settings: dict[str, Any],
        close: Any,
    ) -> None:
        self._processor = _core.StreamProcessor(list(symbols), kinds=[*kinds, "events"], **settings)
        self._chunks = chunks
        self._rest = b""
        self._close = close
        self.poll_batch = self._processor.poll_batch
        self.counters = self._processor.counters
        self.book = self._processor.book
        self.ended = False

    def wait(self, _timeout: float | None) -> bool:
        """Read on; what a table has no room for waits until it was polled."""
        if self.ended:
            return False
        chunk = next(self._chunks, None)
        data = self._rest + (chunk or b"")
        taken = self._processor.feed_lines(data, final=chunk is None)
        self._rest = data[taken:]
        if chunk is None and not self._rest:
            self._processor.finish()
            self.close()
        return True

    def give(self, message: bytes, ts_init: int) -> bool:
        return self._processor.feed_many([message], np.array([ts_init], dtype=np.int64)) == 1

    async def ready(self) -> None:
        self.wait(None)
        await asyncio.sleep(0)

    def connection_events(self) -> Iterator[FeedEvent]:
        return iter(())

    def close(self) -> None:
        self.ended = True
        if self._close is not None:
            self._close()


def _events_of(batch: Batch) -> Iterator[FeedEvent]:
    names = {name: batch.categories(name) for name in ("symbol", "event", "reason", "bars")}
    texts = {name: [known[code] for code in batch.to_numpy(name)] for name, known in names.items()}
    numbers = {name: batch.to_numpy(name).tolist() for name in ("ts_event", "ts_init", "from", "to", "value")}
    for index in range(len(batch)):
        details = {name: numbers[name][index] for name in ("from", "to", "value")}
        yield FeedEvent(
            **{name: column[index] for name, column in texts.items()},
            ts_event=numbers["ts_event"][index],
            ts_init=numbers["ts_init"][index],
            details=details,
        )
