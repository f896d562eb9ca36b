"""Figures of the order core: `python tests/bench/orders.py [--json] [--orders 20000] [--directory DIR] [--no-rust]`.

Every figure states its load (one process, one thread, one instrument, market orders against a counterparty's quotes)
and its durability. Times are of whole Python calls by `perf_counter_ns`. Beside the durable figures stands a bare write
of 64 bytes and fdatasync on the same disk in the same run. The Rust figures come from `cargo bench` of the workspace;
the peer in the table, nautilus_trader 1.221, is quoted from the project's measurements and not run here.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import polars as pl

import deepalpha as da

ROOT = Path(__file__).resolve().parents[2]
BTC = "BTC/USDT"
Row = dict[str, Any]


def row(
    name: str, value: float, unit: str, goal: str, holds: bool | None, peer: str = "", peer_value: Any = None
) -> Row:
    return {
        "name": name,
        "value": round(value, 3),
        "unit": unit,
        "goal": goal,
        "holds": holds,
        "peer": peer,
        "peer_value": peer_value,
    }


def opened(durability: Any, directory: Path | None) -> da.ExecutionEngine:
    engine = da.ExecutionEngine(
        [BTC], limits="open", durability=durability, workspace=directory, events=4096, cash="1000000000"
    )
    engine.start()
    engine.quote(BTC, bid="64999.5", ask="65000.5", bid_size=10**5, ask_size=10**5)
    return engine


def order(index: int) -> dict[str, Any]:
    side = "sell" if index % 2 else "buy"
    return {"symbol": BTC, "side": side, "quantity": "0.01", "type": "market"}


def singles(engine: da.ExecutionEngine, count: int) -> list[int]:
    """Nanoseconds of each `submit_order`, sorted."""
    orders = [order(index) for index in range(count)]
    submit, clock = engine.submit_order, time.perf_counter_ns
    for warm in orders[:200]:
        submit(warm)
    times = []
    for each in orders:
        begin = clock()
        submit(each)
        times.append(clock() - begin)
    return sorted(times)


def at(times: list[int], share: float) -> float:
    return times[min(len(times) - 1, int(len(times) * share))] / 1000


def fdatasync_probe(directory: Path) -> list[int]:
    times = []
    with (directory / "probe").open("wb") as file:
        for _ in range(200):
            begin = time.perf_counter_ns()
            file.write(b"x" * 64)
            file.flush()
            os.fdatasync(file.fileno())
            times.append(time.perf_counter_ns() - begin)
    return sorted(times)


def python_rows(count: int, directory: Path) -> list[Row]:
    peer = "nautilus_trader 1.221 submit_order (measured before, not run here)"
    engine = opened("none", None)
    times = singles(engine, count)
    p50, p99 = at(times, 0.5), at(times, 0.99)
    rows = [
        row("submit_order p50, unlogged", p50, "us", "<= 3", p50 <= 3, peer, 22.2),
        row("submit_order p99, unlogged", p99, "us", "<= 10", p99 <= 10, peer, 69.0),
    ]
    engine.stop()
    engine = opened("journalled", directory / "journalled")
    times = singles(engine, count)
    p50, p99 = at(times, 0.5), at(times, 0.99)
    rows += [
        row("submit_order p50, journalled", p50, "us", "stated", None),
        row("submit_order p99, journalled", p99, "us", "< 100", p99 < 100),
    ]
    engine.stop()
    engine = opened("durable", directory / "durable")
    times, probe = singles(engine, min(count, 300)), fdatasync_probe(directory)
    rows += [
        row("submit_order p50, durable", at(times, 0.5), "us", "stated", None, "bare fdatasync p50", at(probe, 0.5)),
        row("submit_order p99, durable", at(times, 0.99), "us", "stated", None, "bare fdatasync p99", at(probe, 0.99)),
    ]
    resting = {"symbol": BTC, "side": "buy", "quantity": "0.01", "type": "limit", "limit_price": "60000"}
    for name, orders in (("fill at once", order(0)), ("rest", resting)):
        rates = []
        frame = pl.DataFrame([orders] * 20_000)
        for _ in range(3):
            begin = time.perf_counter()
            engine.submit_many(frame)
            rates.append(len(frame) / (time.perf_counter() - begin))
            engine.cancel_all()
        rate = statistics.median(rates)
        what = f"submit_many, durable, group commit of 20,000 orders that {name}"
        rows.append(row(what, rate, "orders/s", ">= 100000", rate >= 1e5))
    engine.stop()
    return rows


def rust_rows() -> list[Row]:
    command = ["cargo", "bench", "-q", "-p", "deepalpha-engine", "--bench", "desk"]
    out = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=1800)
    if out.returncode:
        print(out.stderr, file=sys.stderr)
        return []
    found = re.search(r"event\): p50 (\d+) ns.*?p99 (\d+) ns", out.stdout)
    flat = re.search(r"(\d+) ns at 1,000 round trips.*?(\d+) ns at 1,000,000: ratio ([\d.]+)", out.stdout)
    if found is None or flat is None:
        return []
    p50, p99, ratio = int(found[1]), int(found[2]), float(flat[3])
    peer = "nautilus_trader 1.221, ns an order at 8,000 orders (measured before, not run here)"
    return [
        row("Rust risk + match + account + event p50", p50, "ns", "<= 500", p50 <= 500),
        row("Rust risk + match + account + event p99", p99, "ns", "<= 2000", p99 <= 2000),
        row("cost per order at 1,000,000 round trips", int(flat[2]), "ns", "stated", None, peer, 2_200_000),
        row("cost per order, 1,000,000 against 1,000", ratio, "ratio", "<= 1.1", ratio <= 1.1, "grows as N^0.75", None),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--orders", type=int, default=20_000)
    parser.add_argument("--directory", type=Path, default=None, help="where the logs are written (default: temporary)")
    parser.add_argument("--no-rust", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.directory) as folder:
        rows = python_rows(options.orders, Path(folder))
    if not options.no_rust:
        rows += rust_rows()
    if options.json:
        print(json.dumps(rows))
        return
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; {options.orders:,} orders a figure")
    for line in rows:
        verdict = {True: "holds", False: "SHORT", None: ""}[line["holds"]]
        peer = f"{line['peer']}: {line['peer_value']}" if line["peer"] else ""
        print(f"{line['name']:<70} {line['value']:>14,.2f} {line['unit']:<9} {line['goal']:<12} {verdict:<6} {peer}")


if __name__ == "__main__":
    main()
