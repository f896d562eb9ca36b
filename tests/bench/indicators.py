"""Speed of `deepalpha.ta` beside TA-Lib's (and, where it is installed, ta-lib-takt's) in the same run.

    python tests/bench/indicators.py [--n 100000] [--takt PYTHON] [--json] [--only RSI ATR] [--budget 0.2]

Single thread; the arrays, periods and function list are those of the project's peer measurements, so rows can be
compared. Every figure is the median of repeated calls, allocation included, with the allocators as installed (glibc's
for the peers, our buffer pool for us); the load of the machine is printed. `--takt` names a Python that has `ta-lib-
takt`, which cannot be installed beside TA-Lib: both are called `talib`. Peers run in processes of their own, one
after the other, and each process times `numpy.copyto` too, so a row can be read as a ratio to the memory's own speed.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

for variable in ("OMP_NUM_THREADS", "POLARS_MAX_THREADS", "RAYON_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import numpy as np  # noqa: E402  # after the numbers of threads

Row = dict[str, Any]
Call = Callable[[], Any]

# name -> columns (o, h, l, c, v) and parameters; one entry for each of the 39 functions the peers are compared on
FUNCTIONS: dict[str, tuple[str, dict[str, int]]] = {
    **{name: ("c", {"timeperiod": 30}) for name in ("SMA", "EMA", "WMA", "DEMA", "TEMA", "KAMA")},
    "RSI": ("c", {"timeperiod": 14}),
    "MACD": ("c", {}),
    "BBANDS": ("c", {"timeperiod": 20}),
    "STOCH": ("hlc", {}),
    **{name: ("hlc", {"timeperiod": 14}) for name in ("CCI", "WILLR")},
    **{name: ("c", {"timeperiod": 10}) for name in ("MOM", "ROC")},
    **{name: ("hlc", {"timeperiod": 14}) for name in ("ATR", "NATR", "ADX")},
    "AROON": ("hl", {"timeperiod": 14}),
    "SAR": ("hl", {}),
    "OBV": ("cv", {}),
    "AD": ("hlcv", {}),
    "ADOSC": ("hlcv", {}),
    "MFI": ("hlcv", {"timeperiod": 14}),
    "STDDEV": ("c", {"timeperiod": 20}),
    "LINEARREG": ("c", {"timeperiod": 14}),
    "CORREL": ("hl", {"timeperiod": 30}),
    **{name: ("c", {"timeperiod": 30}) for name in ("MAX", "MIN", "MINMAX", "TRIX")},
    "ULTOSC": ("hlc", {}),
    "HT_DCPERIOD": ("c", {}),
    **{name: ("ohlc", {}) for name in ("CDLENGULFING", "CDLEVENINGSTAR", "CDLDOJI", "CDLHAMMER")},
    "HMA": ("c", {"timeperiod": 30}),
    "VWAP": ("hlcv", {}),
    "SUPERTREND": ("hlc", {}),
}


def market(length: int) -> dict[str, np.ndarray]:
    """A random walk's bars, the same for every peer."""
    noise = np.random.default_rng(7)
    close = 100.0 * np.exp(np.cumsum(noise.normal(0, 2e-3, length)))
    open_ = np.empty(length)
    open_[0] = 100.0
    open_[1:] = close[:-1] * (1 + noise.normal(0, 2e-4, length - 1))
    high = np.maximum(open_, close) * (1 + np.abs(noise.normal(0, 1e-3, length)))
    low = np.minimum(open_, close) * (1 - np.abs(noise.normal(0, 1e-3, length)))
    volume = np.round(noise.lognormal(10, 1, length)) + 1.0
    return {"o": open_, "h": high, "l": low, "c": close, "v": volume}


def median_seconds(call: Call, budget: float) -> float:
    """Median time of one call, repeated for `budget` seconds, at least five times."""
    call()
    times: list[float] = []
    end = time.perf_counter() + budget
    while time.perf_counter() < end or len(times) < 5:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def measure(peer: str, length: int, budget: float, only: list[str] | None) -> dict[str, float]:
    """Nanoseconds a value of every function of one peer, and of `numpy.copyto`."""
    library: Any = __import__("deepalpha.ta", fromlist=["ta"]) if peer == "deepalpha" else __import__("talib")
    bars = market(length)
    target = np.empty(length)
    result = {"copyto": median_seconds(lambda: np.copyto(target, bars["c"]), budget) / length * 1e9}
    for name, (columns, params) in FUNCTIONS.items():
        if only and name not in only:
            continue
        function, inputs = getattr(library, name), [bars[column] for column in columns]
        result[name] = median_seconds(lambda f=function, i=inputs, p=params: f(*i, **p), budget) / length * 1e9
    small = {column: values[:100].copy() for column, values in bars.items()}
    if not only:
        result["call at n = 100, us"] = median_seconds(lambda: library.SMA(small["c"], timeperiod=30), budget) * 1e6
        result["61 patterns"] = _patterns(library, bars, peer, budget) / length * 1e9
    return result


def _patterns(library: Any, bars: dict[str, np.ndarray], peer: str, budget: float) -> float:
    prices = [bars[column] for column in "ohlc"]
    if peer == "deepalpha":
        return median_seconds(lambda: library.patterns(*prices), budget)
    names = [name for name in library.get_functions() if name.startswith("CDL")]
    return median_seconds(lambda: [getattr(library, name)(*prices) for name in names], budget)


def streams(budget: float) -> dict[str, float]:
    """Nanoseconds an update from Python: single indicators, and sets of them."""
    from deepalpha import ta

    bars = market(4000)
    close = bars["c"].tolist()
    result: dict[str, float] = {}

    def updates(update: Callable[[float], Any]) -> None:
        for value in close:
            update(value)

    result["empty call"] = median_seconds(lambda: updates(lambda _: None), budget) / len(close) * 1e9
    for name, period in (("SMA", 30), ("EMA", 30), ("RSI", 14)):
        handle = getattr(ta.stream, name)(bars["c"][:500], timeperiod=period)
        result[f"stream {name}"] = median_seconds(lambda h=handle: updates(h.update), budget) / len(close) * 1e9
    specs = (
        "SMA_30 EMA_30 WMA_30 RSI_14 MACD_12_26_9 BBANDS_20_2_2_0 STOCH CCI_14 WILLR_14 MOM_10 ROC_10 ATR_14 NATR_14"
    )
    specs += " ADX_14 OBV MFI_14 STDDEV_20 MAX_30 MIN_30 LINEARREG_14"
    one = ta.StreamSet(specs.split())
    rows = list(zip(*(bars[column].tolist() for column in "ohlcv"), strict=True))

    def one_symbol() -> None:
        for row in rows:
            one.update(*row)

    result["StreamSet, 20 indicators of one symbol"] = median_seconds(one_symbol, budget) / len(rows) * 1e9
    many = ta.StreamSet(specs.split(), [f"S{number}" for number in range(500)])
    table = np.tile(np.array(rows[0]), (500, 1))
    for row in rows[:60]:
        many.update_many(np.tile(np.array(row), (500, 1)))
    result["StreamSet, 20 indicators of 500 symbols, us"] = (
        median_seconds(lambda: many.update_many(table), budget) * 1e6
    )
    return result


def frames(budget: float) -> dict[str, float]:
    """Nanoseconds a row of five indicators over 500 symbols of 5,000 bars, one thread, beside a plain TA-Lib loop."""
    import polars as pl
    import talib

    from deepalpha import ta

    symbols, length = 500, 5000
    bars = market(symbols * length)
    names = dict(zip("ohlcv", ("open", "high", "low", "close", "volume"), strict=True))
    data = {names[column]: values for column, values in bars.items()}
    frame = pl.DataFrame({"symbol": np.repeat(np.arange(symbols), length).astype(np.int32), **data})
    ids = ["EMA_30", "RSI_14", "MACD_12_26_9", "ATR_14", "CDLENGULFING"]
    rows = symbols * length
    ours = median_seconds(lambda: ta.frame(frame, ids, by="symbol", threads=1), budget) / rows * 1e9

    def loop() -> None:
        for start in range(0, rows, length):
            open_, high, low, close = (bars[column][start : start + length] for column in "ohlc")
            talib.EMA(close, 30), talib.RSI(close, 14), talib.MACD(close), talib.ATR(high, low, close, 14)
            talib.CDLENGULFING(open_, high, low, close)

    return {"ta.frame, one thread": ours, "TA-Lib loop over slices": median_seconds(loop, budget) / rows * 1e9}


def _other(python: str, peer: str, arguments: argparse.Namespace) -> dict[str, float]:
    command = [python, __file__, "--peer", peer, "--n", str(arguments.n), "--budget", str(arguments.budget)]
    command += ["--only", *arguments.only] if arguments.only else []
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    result: dict[str, float] = json.loads(done.stdout)
    return result


def _row(name: str, value: float, unit: str, goal: float, peer: str, peer_value: float, larger: bool = True) -> Row:
    holds = value >= goal if larger else value <= goal
    return {"name": name, "value": round(value, 3), "unit": unit, "goal": goal, "holds": holds, "peer": peer,
            "peer_value": round(peer_value, 3)}  # fmt: skip


def _ratios(ours: dict[str, float], theirs: dict[str, float]) -> list[float]:
    return [theirs[name] / ours[name] for name in FUNCTIONS if name in ours and name in theirs]


def summary(ours: dict[str, float], talib: dict[str, float], takt: dict[str, float] | None) -> list[Row]:
    """The figures of the issue, each beside its goal."""
    rows: list[Row] = []
    for peer, other, mean_goal, worst_goal in (("TA-Lib", talib, 4.0, 0.95), ("takt", takt, 1.5, 0.9)):
        if other is None:
            continue
        ratios = _ratios(ours, other)
        mean = math.exp(statistics.fmean(map(math.log, ratios)))
        rows.append(_row(f"geometric mean of {len(ratios)} functions, x {peer}", mean, "x", mean_goal, peer, 1.0))
        rows.append(_row(f"slowest of them, x {peer}", min(ratios), "x", worst_goal, peer, 1.0))
    for name, goal in (("SMA", 2.0), ("EMA", 2.5), ("MAX", 4.0), ("RSI", 6.0)):
        if name in ours:
            value = ours[name] / ours["copyto"]
            rows.append(
                _row(f"{name}, x numpy.copyto", value, "x", goal, "TA-Lib", talib[name] / talib["copyto"], False)
            )
    for name, unit, goal in (("61 patterns", "ns a bar", 50.0), ("call at n = 100, us", "us", 0.6)):
        if name in ours:
            rows.append(_row(name, ours[name], unit, goal, "TA-Lib", talib[name], False))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=100_000)
    parser.add_argument("--budget", type=float, default=0.2)
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--takt")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--peer")
    arguments = parser.parse_args()
    if arguments.peer:
        sys.stdout.write(json.dumps(measure(arguments.peer, arguments.n, arguments.budget, arguments.only)))
        return
    ours, talib = _other(sys.executable, "deepalpha", arguments), _other(sys.executable, "talib", arguments)
    takt = _other(arguments.takt, "talib", arguments) if arguments.takt else None
    rows = summary(ours, talib, takt)
    if not arguments.only:
        live, table = streams(arguments.budget), frames(max(arguments.budget, 1.0))
        goals = {name: 45.0 for name in live if name.startswith("stream")}
        goals |= {"StreamSet, 20 indicators of one symbol": 400.0, "StreamSet, 20 indicators of 500 symbols, us": 120.0}
        for name, goal in goals.items():
            unit = "us" if name.endswith("us") else "ns"
            rows.append(_row(name, live[name], unit, goal, "empty Python call, ns", live["empty call"], False))
        value, loop = table["ta.frame, one thread"], table["TA-Lib loop over slices"]
        rows.append(_row("ta.frame, 500 x 5,000, five indicators", value, "ns a row", 6.0, "TA-Lib loop", loop, False))
    if arguments.json:
        sys.stdout.write(json.dumps(rows, indent=1) + "\n")
        return
    _print(ours, talib, takt, rows, arguments.n)


def _print(ours: Row, talib: Row, takt: Row | None, rows: list[Row], length: int) -> None:
    from deepalpha import _core

    write = sys.stdout.write
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    write(f"n = {length}, ns a value, level {_core.ta_level()}, load {load}, {os.cpu_count()} cores\n")
    write(f"{'':16}{'ours':>9}{'TA-Lib':>9}{'x':>7}" + (f"{'takt':>9}{'x':>7}\n" if takt else "\n"))
    for name in FUNCTIONS:
        if name in ours:
            line = f"{name:16}{ours[name]:9.3f}{talib[name]:9.3f}{talib[name] / ours[name]:7.2f}"
            write(line + (f"{takt[name]:9.3f}{takt[name] / ours[name]:7.2f}\n" if takt else "\n"))
    for row in rows:
        mark = "holds" if row["holds"] else "short"
        write(f"{row['name']:52}{row['value']:10.2f} {row['unit']:9} goal {row['goal']:<6g} {mark}"
              f"  ({row['peer']}: {row['peer_value']:.2f})\n")  # fmt: skip


if __name__ == "__main__":
    main()
