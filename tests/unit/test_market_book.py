"""The book of a feed: exact levels of the venue, a break that is told once, and a snapshot that repairs it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from websockets.sync.server import serve

from deepalpha.errors import MarketDataError
from deepalpha.market import Book, Feed

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
SHARED = Path(__file__).parents[2].parent / "shared" / "data"
STEPS = {"BTCUSDT": ("0.01", Decimal("0.001"))}
PATIENCE = 20.0


def update(first: int, last: int, bids: list[list[str]], asks: list[list[str]]) -> bytes:
    body = {"e": "depthUpdate", "E": START // 10**6 + last, "s": "BTCUSDT", "U": first, "u": last, "b": bids, "a": asks}
    return json.dumps(body).encode()


def snapshot(last: int, bids: list[list[str]], asks: list[list[str]]) -> bytes:
    """The answer to a request for the book: it names no symbol."""
    return json.dumps({"lastUpdateId": last, "bids": bids, "asks": asks}).encode()


SCRIPT = [
    update(4, 6, [["100.00", "1"]], [["100.02", "2"]]),
    snapshot(5, [["99.99", "3"], ["99.98", "0.5"]], [["100.01", "1.5"]]),
    update(7, 8, [["99.99", "0"]], [["100.01", "0"], ["100.03", "4"]]),
    update(10, 11, [["98.00", "1"]], []),
]


def lines(messages: list[bytes]) -> list[bytes]:
    return [b"%d %s" % (START + number * SECOND // 100, message) for number, message in enumerate(messages)]


def levels(*pairs: tuple[str, str]) -> tuple[tuple[Decimal, Decimal], ...]:
    return tuple((Decimal(price), Decimal(size)) for price, size in pairs)


def played(messages: list[bytes]) -> tuple[Book, list[str]]:
    feed = Feed.lines(lines(messages), ["BTCUSDT"], books=STEPS)
    list(feed)
    return feed.book("BTCUSDT"), [event.reason for event in feed.events() if event.event == "resync"]


def test_a_book_begins_with_its_snapshot_and_follows_the_chain_exactly() -> None:
    book, resyncs = played(SCRIPT[:1])
    assert (book.state, book.bids, resyncs) == ("waiting", (), [])
    book, resyncs = played(SCRIPT[:3])
    assert book.is_live
    assert book.last_update == 8
    assert book.bids == levels(("100", "1"), ("99.98", "0.5"))
    assert book.asks == levels(("100.02", "2"), ("100.03", "4"))
    assert (book.counts["applied"], book.counts["snapshots"], resyncs) == (2, 1, [])


def test_a_missing_update_breaks_the_book_once_and_a_new_snapshot_repairs_it() -> None:
    feed = Feed.lines(lines(SCRIPT), ["BTCUSDT"], books=STEPS)
    list(feed)
    book = feed.book("btcusdt")
    assert book.state == "broken"
    assert book.why is not None
    assert "9 to 9 are missing" in book.why
    (resync,) = (event for event in feed.events() if event.event == "resync")
    assert (resync.reason, resync.details["from"]) == ("chain", 8)
    assert feed.give(snapshot(9, [["97.00", "7"]], [["101.00", "1"]]), START + SECOND)
    book = feed.book("BTCUSDT", levels=1)
    assert (book.state, book.last_update, book.bids) == ("live", 11, levels(("98", "1")))
    assert feed.counters()["symbols"]["BTCUSDT"]["depth"]["ok"] == 5


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"books": {"ETHUSDT": ("0.01", "1")}}, "ETHUSDT is none of the symbols"),
        ({"books": {"BTCUSDT": ("0.01", "x")}}, "steps of BTCUSDT"),
        ({"books": {"BTCUSDT": ("0", "1")}}, "not above zero"),
        ({}, "no book of BTCUSDT is kept, of none there is"),
    ],
)
def test_what_cannot_be_a_book_is_refused_with_a_way_out(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(MarketDataError, match=said):
        Feed.lines([], ["BTCUSDT"], **settings).book("BTCUSDT")


@pytest.mark.parametrize(
    ("name", "symbol", "steps"),
    [
        ("spot_btcusdt", "BTCUSDT", ("0.01", "0.00000001")),  # old orders rest below the lot size of today
        ("usdm_btcusdt", "BTCUSDT", ("0.1", "0.001")),
        ("usdm_ethusdt", "ETHUSDT", ("0.01", "0.001")),
    ],
)
def test_the_book_of_a_real_recording_ends_at_its_last_quote(name: str, symbol: str, steps: tuple[str, str]) -> None:
    path = SHARED / f"binance_{name}_raw_ws_20240808.jsonl.gz"
    if not path.exists():
        pytest.skip(f"{path.name} is not in ../shared/data")
    venue = "binance" if "spot" in name else "binance_usdm"
    feed = Feed.recorded(path, [symbol], venue=venue, kinds=("quotes",), numbers="decimal", books={symbol: steps})
    quotes = pl.concat([pl.DataFrame(batch) for batch in feed])
    book = feed.book(symbol, levels=1000)
    assert book.is_live
    assert (book.counts["resyncs"], book.counts["breaking"], book.counts["snapshots"]) == (0, 0, 1)
    assert [event for event in feed.events() if event.event == "resync"] == []
    assert list(book.bids) == sorted(book.bids, reverse=True)
    assert list(book.asks) == sorted(book.asks)
    assert book.bids[0][0] < book.asks[0][0]
    told = quotes.filter(pl.col("update_id") <= book.last_update)[-1].row(0, named=True)
    later = quotes.filter(pl.col("update_id") > book.last_update)
    if len(later):  # else a quote that was not recorded may have changed the top since
        assert (book.bids[0], book.asks[0]) == (
            (told["bid"], told["bid_quantity"]),
            (told["ask"], told["ask_quantity"]),
        )


@pytest.fixture
def exchange() -> Iterator[str]:
    """A server we did not write that sends the script and stays."""
    end = threading.Event()

    def handle(client: Any) -> None:
        for message in SCRIPT:
            client.send(message.decode())
        end.wait(PATIENCE)

    with serve(handle, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}/"
        end.set()
        server.shutdown()
        thread.join()


def test_a_live_book_is_repaired_by_a_snapshot_that_is_given(exchange: str) -> None:
    with Feed.live(["BTCUSDT"], url=exchange, books=STEPS) as feed:
        deadline = time.monotonic() + PATIENCE
        while feed.book("BTCUSDT").state != "broken":
            feed.poll(0.05)
            assert time.monotonic() < deadline, feed.counters()
        assert feed.give(snapshot(9, [["97.00", "7"]], [["101.00", "1"]]), time.time_ns())
        book = feed.book("BTCUSDT")
        assert (book.state, book.last_update, book.bids[0]) == ("live", 11, (Decimal(98), Decimal(1)))
