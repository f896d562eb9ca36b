"""Figures of the catalog: `python tests/bench/catalog.py [--json] [--directory DIR] [--rows 2000000]`.

Sizes are of real data in ../shared/data (rows are left out where a file is absent) against the same as CSV gzip
level 6, written by polars: bars with ISO times (which is smaller than with epoch ns) and floats in their shortest form,
ticks with epoch ns and shortest decimals. Speeds are of one process with every batch fsynced, beside a bare
write and fsync of the same bytes in the same run. Durable means that the file's bytes and its name were fsynced.
`--directory` says which disk.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl

from deepalpha.market import Catalog, StreamProcessor, TickWriter, check_file

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
CHUNK = 1 << 22
Row = dict[str, Any]
BARS = {
    "crypto_5m_12sym_2022-12_2023-10.parquet": "5m",
    "crypto_15m_18sym_2023-04_2025-04.parquet": "15m",
    "crypto_5m_3sym_2024-01_2025-07.parquet": "5m",
    "crypto_1m_2sym_2025-06.parquet": "1m",
    "crypto_1h_5sym_2020-09_2025-09.parquet": "1h",
    "btcperp_1m_2022-01.parquet": "1m",
    "btc_3quote_1m_2023-03_usdc-depeg.parquet": "1m",
    "bitfinex_btcusd_1m_2018.parquet": "1m",
    "cme_6EH4_1m_2024-01.parquet": "1m",
}
RECORDINGS = ("usdm_btcusdt", "usdm_ethusdt", "spot_btcusdt")


def row(name: str, value: float, unit: str, goal: str = "", holds: bool | None = None, **peer: Any) -> Row:
    return {
        "name": name,
        "value": round(value, 3),
        "unit": unit,
        "goal": goal,
        "holds": holds,
        "peer": peer.get("peer", ""),
        "peer_value": peer.get("peer_value"),
    }


def gzipped(frame: pl.DataFrame) -> int:
    return len(gzip.compress(frame.write_csv().encode(), 6))


def saving(name: str, ours: int, csv: int, rows: int) -> Row:
    share = 100 * (1 - ours / csv)
    return row(
        f"{name}: smaller than CSV gzip",
        share,
        "%",
        ">= 40",
        share >= 40,
        peer=f"{ours / rows:.2f} bytes a row; CSV gzip",
        peer_value=round(csv / rows, 2),
    )


def bar_sizes(root: Path) -> list[Row]:
    found, total, total_csv, total_rows = [], 0, 0, 0
    for name, timeframe in BARS.items():
        if not (DATA / name).exists():
            continue
        table = pl.read_parquet(DATA / name)
        catalog = Catalog(root / name)
        ours = csv = 0
        for (symbol,), part in table.partition_by("symbol", as_dict=True).items():
            part = part.sort("ts").drop("symbol")
            bars = part.with_columns(ts_open=pl.col("ts").dt.epoch("ns"), volume=pl.col("volume").cast(pl.Float64))
            catalog.write(str(symbol), timeframe, bars)
            path = next(
                (catalog.root).glob(f"symbol={str(symbol).replace('/', '%2F')}/timeframe={timeframe}/bars.parquet")
            )
            ours += path.stat().st_size
            csv += gzipped(part.with_columns(pl.col("ts").dt.to_string("%Y-%m-%dT%H:%M:%SZ")))
            back = catalog.read(str(symbol), timeframe)
            same = all(back[c].equals(bars[c]) for c in ("ts_open", "open", "high", "low", "close", "volume"))
            if not same:
                raise SystemExit(f"{name} {symbol} does not come back bit for bit")
        found.append(saving(f"bars {name.removesuffix('.parquet')}", ours, csv, len(table)))
        total, total_csv, total_rows = total + ours, total_csv + csv, total_rows + len(table)
    if found:
        found.append(saving("bars, all files", total, total_csv, total_rows))
    return found


def e8(text: str) -> int:
    whole, _, fraction = text.partition(".")
    return int(whole) * 10**8 + int(fraction.ljust(8, "0")[:8] or 0)


def recorded(name: str) -> dict[str, pl.DataFrame]:
    """Trades and quotes of a recording of Binance, amounts as integers of 1e-8."""
    trades, quotes = [], []
    with gzip.open(DATA / f"binance_{name}_raw_ws_20240808.jsonl.gz", "rt") as lines:
        for line in lines:
            received, _, text = line.partition(" ")
            message = json.loads(text)
            data = message.get("data", message)
            if data.get("e") == "trade":
                side = "seller" if data["m"] else "buyer"
                trades.append((data["T"] * 10**6, int(received), data["t"], e8(data["p"]), e8(data["q"]), side))
            elif {"u", "b", "B", "a", "A"} <= data.keys() and isinstance(data["b"], str):
                moment = data["T"] * 10**6 if "T" in data else int(received)
                quotes.append((moment, int(received), data["u"], *(e8(data[key]) for key in "bBaA")))
    names = ["ts_event", "ts_init"]
    amounts = ["bid", "bid_quantity", "ask", "ask_quantity"]
    return {
        "trades": pl.DataFrame(
            [t for t in trades if t[3] and t[4]],
            schema=[*names, "trade_id", "price", "quantity", "aggressor"],
            orient="row",
        ),
        "quotes": pl.DataFrame(quotes, schema=[*names, "update_id", *amounts], orient="row"),
    }


def tick_sizes(root: Path) -> list[Row]:
    found, total, total_csv, total_rows = [], 0, 0, 0
    for name in RECORDINGS:
        if not (DATA / f"binance_{name}_raw_ws_20240808.jsonl.gz").exists():
            continue
        for kind, frame in recorded(name).items():
            catalog = Catalog(root / f"{name}-{kind}")
            for begin in range(0, len(frame), 10_000):
                catalog.write_ticks("X", kind, frame[begin : begin + 10_000])  # type: ignore[arg-type]
            appended = int(catalog.ls_ticks()["bytes"][0])
            catalog.compact_ticks("X", kind)  # type: ignore[arg-type]
            ours = int(catalog.ls_ticks()["bytes"][0])
            amounts = [c for c in frame.columns if c in ("price", "quantity") or c.startswith(("bid", "ask"))]
            csv = gzipped(frame.with_columns(pl.col(amounts) / 1e8))
            found.append(saving(f"{kind} {name}, compacted", ours, csv, len(frame)))
            found.append(
                row(f"{kind} {name}, as appended by 10,000", 100 * (1 - appended / csv), "% smaller than CSV gzip")
            )
            total, total_csv, total_rows = total + ours, total_csv + csv, total_rows + len(frame)
    if found:
        found.append(saving("ticks, all recordings, compacted", total, total_csv, total_rows))
    return found


class Clock:
    """M rows a second by the wall and by the time on cores, all threads together, since it was made."""

    def __init__(self, rows: int) -> None:
        self.rows, self.wall, self.core = rows, time.perf_counter(), time.process_time()

    def rates(self) -> tuple[float, float]:
        wall, core = time.perf_counter() - self.wall, time.process_time() - self.core
        return self.rows / wall / 1e6, self.rows / core / 1e6


def by_both_clocks(name: str, rates: tuple[float, float], least: float | None, **peer: Any) -> list[Row]:
    """On a machine that works on something else too, the time on cores says what it would be alone."""
    goal = f">= {least:g}" if least else ""
    holds = [rate >= least if least else None for rate in rates]
    return [
        row(name, rates[0], "M rows/s", goal, holds[0], **peer),
        row(f"{name}, by time on cores", rates[1], "M rows/s", goal, holds[1]),
    ]


def speeds(root: Path, count: int) -> list[Row]:
    generator = np.random.default_rng(1)
    ids = np.arange(count)
    times = 1_723_075_200_000_000_000 + ids * 40_000
    price = (5_500_000 + np.cumsum(generator.integers(-3, 4, count))) * 10**6
    frame = pl.DataFrame(
        {
            "ts_event": times,
            "ts_init": times + generator.integers(0, 10**6, count),
            "trade_id": ids,
            "price": price,
            "quantity": generator.integers(1, 5_000, count) * 10**5,
            "aggressor": generator.choice(["buyer", "seller"], count),
        }
    )
    found = []
    for size in (10_000, 100_000):
        catalog = Catalog(root / f"batches-{size}")
        clock = Clock(count)
        for at in range(0, count, size):
            catalog.write_ticks("X", "trades", frame[at : at + size])
        rates = clock.rates()
        used = int(catalog.ls_ticks()["bytes"][0])
        bare = bare_write(root, used // (count // size), count // size)
        found += by_both_clocks(
            f"durable append, {size:,} rows a batch, {used / count:.1f} bytes a row",
            rates,
            1 if size > 10_000 else None,
            peer="bare write and fsync of the same bytes, M rows/s",
            peer_value=round(count / bare / 1e6, 2),
        )
    catalog = Catalog(root / "writer")
    clock = Clock(count)
    with TickWriter(catalog, "X", "trades") as writer:
        for at in range(0, count, 5_000):
            writer.append(frame[at : at + 5_000])
    found += by_both_clocks("TickWriter, 5,000 rows an append, durable", clock.rates(), 1)
    return [*found, *end_to_end(root, frame), *arrival(root, frame)]


def end_to_end(root: Path, frame: pl.DataFrame) -> list[Row]:
    """SIMULATED trades as a spot market's JSON lines, through the processor (bars, an indicator), onto the disk."""
    lines = b"".join(
        b'%d {"e":"trade","E":%d,"s":"BTCUSDT","t":%d,"p":"%d.%08d","q":"%d.%08d","T":%d,"m":%s,"M":true}\n'
        % (
            ts_event + 2_000_000,
            ts_event // 10**6 + 1,
            trade_id + 1,
            *divmod(price, 10**8),
            *divmod(quantity, 10**8),
            ts_event // 10**6,
            b"false" if aggressor == "buyer" else b"true",
        )
        for ts_event, _, trade_id, price, quantity, aggressor in frame.iter_rows()
    )
    catalog = Catalog(root / "end-to-end")
    processor = StreamProcessor(
        ["BTCUSDT"], kinds=["trades", "bars", "indicators"], bars=["1s", "1m"], indicators=["RSI_14"], numbers="decimal"
    )
    clock = Clock(len(frame))
    with TickWriter(catalog, "BTC/USDT", "trades") as writer:
        taken = 0
        while taken < len(lines):
            taken += processor.feed_lines(lines[taken : taken + CHUNK], final=taken + CHUNK >= len(lines))
            while (batch := processor.poll_batch("trades")) is not None:
                writer.append(pl.DataFrame(batch))
            processor.poll_batch("bars"), processor.poll_batch("indicators")
    rates = clock.rates()
    stored = int(catalog.ls_ticks()["rows"][0])
    if stored != len(frame):
        raise SystemExit(f"{stored} of {len(frame)} trades are stored")
    return by_both_clocks(f"JSON bytes ({len(lines) // len(frame)} B) to durable Parquet, one feed", rates, 1)


def arrival(root: Path, frame: pl.DataFrame) -> list[Row]:
    """From `append` of one tick until a DuckDB query of the files counts it, with 10,000 ticks before it."""
    catalog = Catalog(root / "arrival")
    catalog.write_ticks("X", "trades", frame[:10_000])
    query = f"select count(*) from read_parquet('{catalog.root}/symbol=*/kind=trades/date=*/*.parquet')"
    waits = []
    with TickWriter(catalog, "X", "trades") as writer:
        for number in range(10):
            begin = time.perf_counter()
            writer.append(frame[10_000 + number : 10_001 + number])
            while duckdb.sql(query).fetchall()[0][0] <= 10_000 + number:
                time.sleep(0.002)
            waits.append(time.perf_counter() - begin)
    return [
        row("a tick's append until DuckDB counts it, worst of 10", 1000 * max(waits), "ms", "<= 1000", max(waits) <= 1)
    ]


def bare_write(root: Path, size: int, times: int) -> float:
    data = os.urandom(size)
    begin = time.perf_counter()
    for number in range(times):
        with (root / f"bare-{number}").open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    return time.perf_counter() - begin


def checks() -> list[Row]:
    path = DATA / "crypto_5m_12sym_2022-12_2023-10.parquet"
    if not path.exists():
        return []
    rows = sum(report.rows for report in check_file(path))
    times = []
    for _ in range(5):
        begin = time.perf_counter()
        check_file(path)
        times.append(time.perf_counter() - begin)
    best = min(times) * 1e6 / rows
    return [row("data check, a million rows, best of 5", best, "s", "< 1", best < 1)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--directory", type=Path, help="where to write; default: the system's temporary directory")
    parser.add_argument("--rows", type=int, default=2_000_000, help="of the speed figures")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.directory) as place:
        root = Path(place)
        rows = [*speeds(root, options.rows), *checks(), *bar_sizes(root), *tick_sizes(root)]
    if options.json:
        print(json.dumps(rows))
        return
    for each in rows:
        holds = {True: "yes", False: "NO", None: ""}[each["holds"]]
        peer = f"  [{each['peer']}: {each['peer_value']}]" if each["peer"] else ""
        print(f"{each['name']:66} {each['value']:>10} {each['unit']:24} {each['goal']:8} {holds}{peer}")


if __name__ == "__main__":
    main()
