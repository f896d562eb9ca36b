"""What the recordings in ../shared/data hold, read with Python's json and Decimal: the constants in recordings.rs.

Run: python core/engine/tests/stream_parse/reference.py ../shared/data
One line a recording: events by kind, refusals (a digit below 1e-8), and a digest of every value of every event:
the 64-bit hash h = (h * 0x100000001B3 + value) mod 2**64 over the values in the order of `digest` in main.rs.
"""

import datetime
import gzip
import json
import sys
import tarfile
from decimal import Decimal
from pathlib import Path

MASK = (1 << 64) - 1
SECOND = 10**9


class Refused(Exception):
    """A digit below 1e-8, or a level whose price was never told."""


def raw(text):
    value = Decimal(text) * 10**8
    if value != int(value):
        raise Refused(text)
    return int(value)


def iso(text):
    time = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    delta = time - datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
    return (delta.days * 86400 + delta.seconds) * SECOND + delta.microseconds * 1000


def levels(rows, first=0):
    return [(raw(row[first]), raw(row[first + 1])) for row in rows]


def fnv(*parts):
    value = 0xCBF29CE484222325
    for part in parts:
        for byte in part + b"\xff":
            value = ((value ^ byte) * 0x100000001B3) & MASK
    return value


BUY, SELL = 1, 2
TAKER = {"buy": BUY, "sell": SELL, "b": BUY, "s": SELL}


def trade(symbol, number, price, quantity, taker, event):
    return ("trade", symbol, number, raw(price), raw(quantity), taker, event)


def quote(symbol, number, bid, bid_size, ask, ask_size, event):
    return ("quote", symbol, number, raw(bid), raw(bid_size), raw(ask), raw(ask_size), event)


def depth(symbol, snapshot, first, last, previous, checksum, bids, asks, event):
    return ("depth", symbol, int(snapshot), first, last, previous or 0, (checksum or 0) & 0xFFFFFFFF, bids, asks, event)


def binance(message, url, init):
    data = message.get("data", message)
    kind = data.get("e")
    if "lastUpdateId" in data:
        symbol = url.split("symbol=")[1].split("&")[0] if url else None
        number = data["lastUpdateId"]
        time = data.get("T", 0) * 10**6 or init
        return [depth(symbol, True, number, number, None, None, levels(data["bids"]), levels(data["asks"]), time)]
    time = data.get("T", data.get("E", 0)) * 10**6 or init
    if kind in ("trade", "aggTrade"):
        number = data["t" if kind == "trade" else "a"]
        return [trade(data["s"], number, data["p"], data["q"], SELL if data["m"] else BUY, time)]
    if kind == "depthUpdate":
        sides = levels(data["b"]), levels(data["a"])
        return [depth(data["s"], False, data["U"], data["u"], data.get("pu"), None, *sides, time)]
    if kind == "kline":
        bar = data["k"]
        prices = [raw(bar[key]) for key in "ohlcv"]
        begin = bar["t"] * 10**6
        length = (bar["T"] + 1 - bar["t"]) * 10**6
        return [("bar", data["s"], length, int(bar["x"]), begin, *prices, bar["n"], data["E"] * 10**6)]
    if kind in ("bookTicker", None) and "B" in data:
        return [quote(data["s"], data["u"], data["b"], data["B"], data["a"], data["A"], time)]
    raise ValueError(message)


def coinbase(message, url, init):
    kind, symbol = message["type"], message.get("product_id")
    time = iso(message["time"]) if "time" in message else init
    if kind in ("match", "last_match"):
        taker = SELL if message["side"] == "buy" else BUY
        return [trade(symbol, message["trade_id"], message["price"], message["size"], taker, time)]
    if kind == "ticker":
        return [quote(symbol, message["sequence"], message["best_bid"], 0, message["best_ask"], 0, time)]
    if kind == "snapshot":
        return [depth(symbol, True, 0, 0, 0, 0, levels(message["bids"]), levels(message["asks"]), time)]
    if kind == "l2update":
        sides = [levels([row for row in message["changes"] if row[0] == side], 1) for side in ("buy", "sell")]
        return [depth(symbol, False, 0, 0, 0, 0, *sides, time)]
    return []


def kraken(message, url, init):
    if isinstance(message, dict):
        return []
    *payload, channel, symbol = message[1:]
    if channel == "trade":
        return [trade(symbol, None, row[0], row[1], TAKER[row[3]], raw(row[2]) * 10) for row in payload[0]]
    if channel == "spread":
        bid, ask, time, bid_size, ask_size = payload[0]
        return [quote(symbol, 0, bid, bid_size, ask, ask_size, raw(time) * 10)]
    if channel == "ticker":
        (bid, _, bid_size), (ask, _, ask_size) = payload[0]["b"], payload[0]["a"]
        return [quote(symbol, 0, bid, bid_size, ask, ask_size, init)]
    book = {}
    for part in payload:
        book.update(part)
    snapshot = "as" in book
    bids, asks = (book["bs"], book["as"]) if snapshot else (book.get("b", []), book.get("a", []))
    times = [raw(row[2]) * 10 for row in bids + asks]
    time = max(times, default=init)
    return [depth(symbol, snapshot, 0, 0, 0, int(book.get("c", 0)), levels(bids), levels(asks), time)]


def okx(message, url, init):
    if "event" in message:
        return []
    symbol, channel = message["arg"]["instId"], message["arg"]["channel"]
    found = []
    for row in message["data"]:
        time = int(row["ts"]) * 10**6
        if channel == "trades":
            found.append(trade(symbol, int(row["tradeId"]), row["px"], row["sz"], TAKER[row["side"]], time))
        elif channel == "tickers":
            found.append(quote(symbol, 0, row["bidPx"], row["bidSz"], row["askPx"], row["askSz"], time))
        else:
            sides = levels(row["bids"]), levels(row["asks"])
            found.append(depth(symbol, message["action"] == "snapshot", 0, 0, 0, row["checksum"], *sides, time))
    return found


def bybit(message, url, init):
    if "topic" not in message:
        return []
    topic, data = message["topic"].split("."), message["data"]
    if topic[0] == "trade":
        return [
            trade(
                row["symbol"],
                fnv(row["trade_id"].encode()),
                row["price"],
                row["size"],
                TAKER[row["side"].lower()],
                int(row["trade_time_ms"]) * 10**6,
            )
            for row in data
        ]
    snapshot = message["type"] == "snapshot"
    if snapshot:
        rows = data["order_book"] if isinstance(data, dict) else data
    else:
        rows = [{**row, "size": "0"} for row in data["delete"]] + data["update"] + data["insert"]
    sides = [[(raw(row["price"]), raw(row["size"])) for row in rows if row["side"] == side] for side in ("Buy", "Sell")]
    number = int(message["cross_seq"])
    return [depth(topic[-1], snapshot, number, number, 0, 0, *sides, int(message["timestamp_e6"]) * 1000)]


def bitstamp(message, url, init):
    if message["event"].startswith("bts:"):
        return []
    data, symbol = message["data"], message["channel"].rsplit("_", 1)[1]
    micros = int(data["microtimestamp"])
    if message["event"] == "trade":
        taker = SELL if data["type"] else BUY
        return [trade(symbol, data["id"], data["price_str"], data["amount_str"], taker, micros * 1000)]
    sides = levels(data["bids"]), levels(data["asks"])
    return [depth(symbol, False, micros, micros, 0, 0, *sides, micros * 1000)]


def kucoin(message, url, init):
    data = message.get("data")
    if "code" in message:
        number, symbol = int(data["sequence"]), url.split("symbol=")[1]
        sides = levels(data["bids"]), levels(data["asks"])
        return [depth(symbol, True, number, number, 0, 0, *sides, data["time"] * 10**6)]
    if message["type"] != "message" or "candles" in message["topic"]:
        return []
    channel, symbol = message["topic"].split(":")
    if channel == "/market/match":
        number, time = fnv(data["tradeId"].encode()), int(data["time"])
        return [trade(symbol, number, data["price"], data["size"], TAKER[data["side"]], time)]
    if channel == "/market/ticker":
        values = [data[key] for key in ("bestBid", "bestBidSize", "bestAsk", "bestAskSize")]
        return [quote(symbol, int(data["sequence"]), *values, data["time"] * 10**6)]
    sides = [[level for level in levels(data["changes"][side]) if level[0]] for side in ("bids", "asks")]
    return [depth(symbol, False, data["sequenceStart"], data["sequenceEnd"], 0, 0, *sides, init)]


PRICES = {}


def bitmex(message, url, init):
    table = message.get("table")
    if table == "trade":
        return [
            trade(
                row["symbol"],
                fnv(row["trdMatchID"].encode()),
                row["price"],
                row["size"],
                TAKER[row["side"].lower()],
                iso(row["timestamp"]),
            )
            for row in message["data"]
        ]
    if table == "quote":
        return [
            quote(
                row["symbol"],
                0,
                row["bidPrice"],
                row["bidSize"],
                row["askPrice"],
                row["askSize"],
                iso(row["timestamp"]),
            )
            for row in message["data"]
        ]
    if table != "orderBookL2":
        return []
    books = {}
    for row in message["data"]:
        level = (row["symbol"], row["id"])
        if "price" in row:
            PRICES[level] = raw(row["price"])
        if level not in PRICES:
            raise Refused(level)
        price = PRICES[level]
        sides = books.setdefault(row["symbol"], ([], []))
        sides[row["side"] == "Sell"].append((price, raw(row.get("size", 0))))
        if message["action"] == "delete":
            del PRICES[level]
    return [depth(symbol, message["action"] == "partial", 0, 0, 0, 0, *sides, init) for symbol, sides in books.items()]


VENUES = {
    "BINANCE.": binance,
    "BINANCE_FUTURES.": binance,
    "COINBASE.": coinbase,
    "KRAKEN.": kraken,
    "OKX.": okx,
    "BYBIT.": bybit,
    "BITSTAMP.": bitstamp,
    "KUCOIN.": kucoin,
    "BITMEX.": bitmex,
}


class Tally:
    def __init__(self):
        self.counts = dict.fromkeys(("trade", "quote", "depth", "bar", "service", "refused"), 0)
        self.levels = 0
        self.hash = 0

    def mix(self, value):
        self.hash = (self.hash * 0x100000001B3 + value) & MASK

    def add(self, read, payload, url, init):
        try:
            events = read(json.loads(payload, parse_float=Decimal), url, init)
        except Refused:
            self.counts["refused"] += 1
            return
        if not events:
            self.counts["service"] += 1
        for kind, symbol, *values in events:
            self.counts[kind] += 1
            self.mix(sum((at + 1) * byte for at, byte in enumerate((symbol or "BTCUSDT").upper().encode())))
            for value in values:
                if isinstance(value, list):
                    self.levels += len(value)
                    for price, quantity in value:
                        self.mix(price)
                        self.mix(quantity)
                elif value is not None:
                    self.mix(value)

    def show(self, name):
        print(f'("{name}", {list(self.counts.values())}, {self.levels}, 0x{self.hash:016x}),')


def nanos(seconds):
    return int(Decimal(seconds) * SECOND)


def main(folder):
    for name in ("spot_btcusdt", "usdm_btcusdt", "usdm_ethusdt"):
        tally = Tally()
        with gzip.open(folder / f"binance_{name}_raw_ws_20240808.jsonl.gz", "rt", encoding="utf-8") as lines:
            for line in lines:
                init, payload = line.split(" ", 1)
                tally.add(binance, payload, f"symbol={name.split('_')[1].upper()}", int(init))
        tally.show(name)
    with tarfile.open(folder / "exchange_ws_recordings_cryptofeed.tar.xz") as archive:
        for member in sorted(archive.getnames()):
            name = member.rsplit("/", 1)[-1]
            read = next((read for prefix, read in VENUES.items() if name.startswith(prefix)), None)
            if read is None or (".ws." not in name and ".http." not in name):
                continue
            tally = Tally()
            for line in archive.extractfile(member).read().decode().split("\n"):
                if line[:1].isdigit():
                    time, payload = line.split(": ", 1)
                    tally.add(read, payload, "", nanos(time))
                elif " -> " in line:
                    url, rest = line.split(" -> ", 1)
                    time, payload = rest.split(": ", 1)
                    tally.add(read, payload, url, nanos(time))
            tally.show(name)


main(Path(sys.argv[1]))
