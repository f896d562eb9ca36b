"""Feeds from recordings, lines and loopback servers: right batches, exact counts, and nothing that outlives its end."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from websockets.sync.server import serve

import deepalpha as da
from deepalpha.errors import MarketDataError
from deepalpha.market import Batch, Feed, StreamProcessor, stream_urls

PATIENCE = 20.0
SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
SHARED = Path(__file__).parents[2].parent / "shared" / "data"
STATED = {"binance_spot_btcusdt": 41_249, "binance_usdm_btcusdt": 93_954, "binance_usdm_ethusdt": 74_655}  # messages
NAMES = ("binance_spot_btcusdt", "binance_usdm_btcusdt", "binance_usdm_ethusdt")


def trade(number: int, price: str = "100.5", quantity: str = "0.25") -> bytes:
    """Trade `number`, a tenth of a second after the one before."""
    time = (START + number * SECOND // 10) // 1_000_000
    body = {
        "e": "trade",
        "E": time,
        "s": "BTCUSDT",
        "t": number,
        "p": price,
        "q": quantity,
        "T": time,
        "m": number % 2 == 0,
    }
    return json.dumps(body, separators=(",", ":")).encode()


def line(number: int, **parts: str) -> bytes:
    return b"%d %s" % (START + number * SECOND // 10, trade(number, **parts))


def rows(feed: Feed, kind: str) -> pl.DataFrame:
    return pl.concat([pl.DataFrame(batch) for batch in feed if batch.kind == kind])


def reconciles(counts: dict[str, Any]) -> bool:
    parts = ("ok", "duplicate", "late", "bad", "quarantined", "waiting")
    return bool(counts["received"] == sum(counts[part] for part in parts))


def test_lines_become_trades_bars_and_indicators() -> None:
    prices = [f"{100 + number % 7}.5" for number in range(1, 201)]
    lines = [line(number, price=price) for number, price in enumerate(prices, 1)]
    feed = Feed.lines(lines, ["BTCUSDT"], bars={"1s": ["SMA_3", "RSI_14"], "5s": ["SMA_3"], "ticks:50": []})
    batches: dict[str, pl.DataFrame] = {}
    for batch in feed:
        pa.record_batch(batch).validate(full=True)
        batches[batch.kind] = pl.concat(
            [*([batches[batch.kind]] if batch.kind in batches else []), pl.DataFrame(batch)]
        )
    trades, bars, values = batches["trades"], batches["bars"], batches["indicators"]
    assert trades["price"].to_list() == [float(price) for price in prices]
    assert trades["trade_id"].to_list() == list(range(1, 201))
    naive = trades.group_by(pl.col("ts_event") // SECOND * SECOND, maintain_order=True).agg(
        open=pl.col("price").first(),
        high=pl.col("price").max(),
        low=pl.col("price").min(),
        close=pl.col("price").last(),
        volume=pl.col("quantity").sum(),
        trades=pl.len().cast(pl.UInt64),
    )
    seconds = bars.filter(pl.col("bars") == "1s")
    assert seconds.select("open", "high", "low", "close", "volume", "trades").equals(naive.drop("ts_event"))
    assert seconds["partial"].to_list() == [False] * (len(seconds) - 1) + [True]
    assert bars.filter(pl.col("bars") == "ticks:50")["trades"].to_list() == [50] * 4
    closes = seconds.filter(~pl.col("partial"))["close"].to_numpy()
    expected = da.TechnicalIndicators().calculate_sma(closes, period=3)
    found = values.filter(pl.col("bars") == "1s")["SMA_3"].to_numpy()
    assert np.allclose(found[2:], np.asarray(expected)[2:][: len(found) - 2], rtol=1e-12)
    assert values.filter(pl.col("bars") == "5s")["RSI_14"].is_nan().all()
    assert reconciles(feed.counters())


def test_decimals_are_exact_and_float_is_the_nearest() -> None:
    lines = [line(1, price="0.00000001", quantity="92233720368.54775807"), line(2, price="61837.63000001")]
    exact = rows(Feed.lines(lines, ["BTCUSDT"], numbers="decimal", spike_filter=False), "trades")
    assert exact["price"].to_list() == [Decimal("0.00000001"), Decimal("61837.63000001")]
    assert exact["quantity"][0] == Decimal("92233720368.54775807")
    near = rows(Feed.lines(lines, ["BTCUSDT"], spike_filter=False), "trades")
    assert near["price"].to_list() == [1e-8, 61837.63000001]


def test_faults_are_counted_and_told() -> None:
    lines = [line(number) for number in (1, 2, 3, 3, 6)] + [b"rubbish", b"1 {", b'%d {"e":"trade"}' % START]
    feed = Feed.lines(lines, ["BTCUSDT"], bars=["1s"])
    list(feed)
    counts = feed.counters()
    assert reconciles(counts)
    assert (counts["received"], counts["ok"], counts["duplicate"], counts["bad"]) == (8, 4, 1, 3)
    assert counts["symbols"]["BTCUSDT"]["gaps"] == 1
    gap = next(event for event in feed.events() if event.event == "gap")
    assert (gap.symbol, gap.details["from"], gap.details["to"]) == ("BTCUSDT", 4, 5)
    assert feed.events() == []


def test_cutting_the_input_anywhere_gives_the_same_rows() -> None:
    data = b"".join(line(number) + b"\n" for number in range(1, 60))
    whole = StreamProcessor(["BTCUSDT"], bars=["1s"])
    assert whole.feed_lines(data) == len(data)
    expected = pl.DataFrame(whole.poll_batch("bars"))
    for size in (1, 7, 64, 1000):
        processor, rest = StreamProcessor(["BTCUSDT"], bars=["1s"]), b""
        for begin in range(0, len(data), size):
            rest += data[begin : begin + size]
            rest = rest[processor.feed_lines(rest) :]
        assert pl.DataFrame(processor.poll_batch("bars")).equals(expected)


def test_a_full_table_stops_the_input_and_nothing_is_lost() -> None:
    messages, times = [trade(number) for number in range(1, 1001)], np.full(1000, START + 100 * SECOND)
    processor = StreamProcessor(["BTCUSDT"], capacity=64, overflow="block", most_future_ns=0)
    ids: list[int] = []
    begin = 0
    while begin < len(messages):
        begin += processor.feed_many(messages[begin:], times[begin:])
        while (batch := processor.poll_batch("trades", 10)) is not None:
            assert len(batch) <= 10
            ids += batch.to_numpy("trade_id").tolist()
    assert ids == list(range(1, 1001))


def test_a_table_that_may_drop_drops_the_oldest_and_counts_them() -> None:
    processor = StreamProcessor(["BTCUSDT"], capacity=64, overflow="drop_oldest")
    messages, times = [trade(number) for number in range(1, 1001)], np.full(1000, START + 100 * SECOND)
    assert processor.feed_many(messages, times) == 1000
    batch = processor.poll_batch("trades")
    assert batch is not None
    ids = batch.to_numpy("trade_id").tolist()
    assert ids == list(range(1001 - len(ids), 1001))
    assert processor.counters()["rows"]["trades"] == {"made": 1000, "dropped": 1000 - len(ids), "refused": 0}


def test_a_snapshot_goes_on_in_the_middle_of_a_bar() -> None:
    data = [line(number) + b"\n" for number in range(1, 60)]
    settings: dict[str, Any] = {"bars": ["1s"], "indicators": ["SMA_3"]}
    whole, first = StreamProcessor(["BTCUSDT"], **settings), StreamProcessor(["BTCUSDT"], **settings)
    whole.feed_lines(b"".join(data))
    first.feed_lines(b"".join(data[:25]))
    second = StreamProcessor.restore(first.snapshot(), ["BTCUSDT"], **settings)
    second.feed_lines(b"".join(data[25:]))
    for kind in ("trades", "bars", "indicators"):
        assert pl.DataFrame(second.poll_batch(kind)).equals(pl.DataFrame(whole.poll_batch(kind)))
    with pytest.raises(MarketDataError, match="other settings"):
        StreamProcessor.restore(first.snapshot(), ["BTCUSDT"], bars=["1m"])
    with pytest.raises(MarketDataError, match="damaged"):
        StreamProcessor.restore(b"no snapshot", ["BTCUSDT"], **settings)


@pytest.mark.parametrize("name", NAMES)
def test_real_recordings_have_no_bad_message_and_replay_alike(name: str) -> None:
    path = SHARED / f"{name}_raw_ws_20240808.jsonl.gz"
    if not path.exists():
        pytest.skip(f"{path.name} is not in ../shared/data")
    symbol, venue = name.split("_")[2].upper(), "binance" if "spot" in name else "binance_usdm"
    runs = []
    for _ in range(2):
        feed = Feed.recorded(path, [symbol], venue=venue, bars=["1s", "1m"], indicators=["RSI_14"])
        tables: dict[str, list[pl.DataFrame]] = {}
        for batch in feed:
            tables.setdefault(batch.kind, []).append(pl.DataFrame(batch))
        counts = feed.counters()
        assert reconciles(counts)
        assert counts["bad"] == 0, counts["last_error"]
        kinds = counts["symbols"][symbol]
        received = {kind: kinds[kind]["received"] for kind in ("trades", "quotes", "depth")}
        assert counts["received"] == sum(received.values()) == STATED[name]
        if name == "binance_usdm_btcusdt":  # an update more than the README counts: the snapshot
            assert received == {"trades": 21_313, "quotes": 66_089, "depth": 6_551 + 1}
        runs.append({kind: pl.concat(frames) for kind, frames in tables.items()})
    first, second = runs
    assert first["trades"]["quantity"].sum() > 0
    assert first.keys() == second.keys()
    assert all(frame.equals(second[kind], null_equal=True) for kind, frame in first.items())


@pytest.fixture
def exchange() -> Iterator[tuple[str, list[bytes], threading.Event]]:
    """A server we did not write that sends what is in its list, then closes the connection at the event."""
    messages: list[bytes] = []
    cut = threading.Event()

    def handle(client: Any) -> None:
        for message in list(messages):
            client.send(message.decode())
        while not cut.is_set():
            with contextlib.suppress(TimeoutError):
                client.recv(timeout=0.05)  # ConnectionClosed ends the handler
        cut.clear()

    with serve(handle, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}/", messages, cut
        cut.set()
        server.shutdown()
        thread.join()


def test_a_live_feed_survives_a_reconnect_without_a_double(exchange: tuple[str, list[bytes], threading.Event]) -> None:
    url, messages, cut = exchange
    messages += [trade(number) for number in range(1, 101)]

    async def read() -> tuple[list[int], Feed]:
        ids: list[int] = []
        async with Feed.live(["BTCUSDT"], url=url, connection={"backoff_base_ms": 10}, kinds=["trades"]) as feed:
            async for batch in feed:
                ids += batch.to_numpy("trade_id").tolist()
                if len(ids) == 100 and not cut.is_set() and len(messages) == 100:
                    messages.extend(trade(number) for number in range(101, 151))
                    cut.set()
                if len(ids) >= 150:
                    break
        return ids, feed

    ids, feed = asyncio.run(asyncio.wait_for(read(), PATIENCE))
    assert ids == list(range(1, 151))
    assert reconciles(feed.counters())
    assert feed.counters()["duplicate"] == 100
    happened = [event.event for event in feed.events() if not event.symbol]
    assert happened[:2] == ["connected", "subscribed"]
    assert "disconnected" in happened


def test_bars_of_a_silent_feed_close_by_the_clock(exchange: tuple[str, list[bytes], threading.Event]) -> None:
    url, messages, _ = exchange
    messages += [trade(1)]
    with Feed.live(["BTCUSDT"], url=url, bars=["1s"], kinds=["bars"], stale_factor=0) as feed:
        batch = feed.poll(PATIENCE)
        assert isinstance(batch, Batch)
        assert not batch.to_numpy("partial").any()
        assert feed.poll(0.0) is None


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: Feed.lines([], ["BTCUSDT"], bar=["1m"]), "stream setting bar is unknown; there are venue, symbols"),
        (lambda: Feed.lines([], ["BTCUSDT"], bars=["1y"]), "1y"),
        (lambda: Feed.lines([], ["BTCUSDT"], bars=["volume:x"]), "volume:x"),
        (lambda: Feed.lines([], ["BTCUSDT"], venue="mtgox"), 'venue "mtgox" is unknown; there are binance'),
        (lambda: Feed.lines([], ["BTCUSDT", "btcusdt"]), "registered already"),
        (lambda: Feed.lines([], []), "at least one symbol"),
        (lambda: Feed.lines([], ["BTCUSDT"], overflow="forget"), "take block, drop_oldest or refuse"),
        (lambda: Feed.lines([], ["BTCUSDT"], lateness_ns=-1), "lateness -1"),
        (lambda: Feed.lines([], ["BTCUSDT"], kinds=["candles"]), "there are trades, quotes, bars"),
        (lambda: Feed.recorded("no/such.jsonl", ["BTCUSDT"]), "no/such.jsonl"),
        (lambda: Feed.live(["BTCUSDT"], url="http://x"), "http://x"),
        (lambda: Feed.live(["BTCUSDT"], venue="kraken"), "pass url"),
        (lambda: Feed.live(["BTCUSDT"], streams=["trades"]), "stream 'trades' is unknown"),
        (lambda: StreamProcessor(["BTCUSDT"]).feed_many([b""], np.zeros(2, np.int64)), "1 messages and 2 times"),
    ],
)
def test_what_cannot_be_fed_is_refused_with_a_way_out(call: Any, said: str) -> None:
    with pytest.raises(MarketDataError) as caught:
        call()
    assert said in str(caught.value)


def test_a_damaged_recording_is_named(tmp_path: Path) -> None:
    path = tmp_path / "cut.jsonl.gz"
    path.write_bytes(gzip.compress(b"".join(line(number) + b"\n" for number in range(1, 5000)))[:-200])
    with pytest.raises(MarketDataError, match=r"cut\.jsonl\.gz is damaged"):
        list(Feed.recorded(path, ["BTCUSDT"]))


def test_streams_are_split_by_host_and_bound() -> None:
    assert stream_urls("binance_usdm", ["BTCUSDT", "ETHUSDT"], ["aggTrade", "bookTicker"]) == [
        "wss://fstream.binance.com/market/stream?streams=btcusdt@aggTrade/ethusdt@aggTrade",
        "wss://fstream.binance.com/public/stream?streams=btcusdt@bookTicker/ethusdt@bookTicker",
    ]
    many = stream_urls("binance_usdm", [f"S{number}" for number in range(450)], ["depth"])
    assert [url.count("@depth") for url in many] == [200, 200, 50]


LEFT_OPEN = """
import sys
from deepalpha.market import Feed
feed = Feed.live(["BTCUSDT"], url=sys.argv[1], bars=["1s"])
assert feed.poll(20) is not None
if "fork" in sys.argv:
    import os
    from deepalpha.errors import MarketDataError
    child = os.fork()
    if child == 0:
        try:
            while feed.poll() is not None:
                pass  # tables that were fetched before the fork
        except MarketDataError as error:
            sys.exit(7 if "was forked" in str(error) else 8)
        sys.exit(9)
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
sys.exit(7)
"""


@pytest.mark.parametrize("way", ["exit", "fork"])
def test_a_process_with_an_open_feed_ends_as_it_was_told(
    exchange: tuple[str, list[bytes], threading.Event], way: str
) -> None:
    url, messages, _ = exchange
    messages += [trade(number) for number in range(1, 11)]
    command = [sys.executable, "-c", LEFT_OPEN, url, way]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
    assert done.returncode == 7


def test_opening_and_closing_feeds_leaves_no_thread_and_no_descriptor(
    exchange: tuple[str, list[bytes], threading.Event],
) -> None:
    url, messages, cut = exchange
    messages += [trade(1)]

    def count() -> tuple[int, int]:
        names = []
        for task in Path("/proc/self/task").iterdir():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it ended just now
                names.append((task / "comm").read_text(encoding="utf-8"))
        return sum(name.startswith("deepalpha-") for name in names), len(list(Path("/proc/self/fd").iterdir()))

    def cycle() -> None:
        with Feed.live(["BTCUSDT"], url=url) as feed:
            assert feed.poll(PATIENCE) is not None
        cut.set()

    cycle()
    before = count()[1]
    for _ in range(10):
        cycle()
    assert count()[0] == 0
    # The server's side of the last connections may still be closing: it has as long as a poll has.
    deadline = time.monotonic() + PATIENCE
    while (left := count()[1]) > before + 2:
        assert time.monotonic() < deadline, (left, before)
