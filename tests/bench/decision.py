"""Figures of the decision engine: `python tests/bench/decision.py [--json] [--decisions 3000] [--voters 4]`.

Load: one process, one thread; a market of 750 daily bars a snapshot, `--voters` voters and a guard; a full window of
outcomes known, so that the calibration is isotonic, a refit as dear as it gets, and the contest held. Times are of
whole Python calls by the wall clock, or, where a row says so, of the thread on the processor, which a busy machine does
not change. A fusion is what the goal counts: ballot, all three fusers, calibration, conformal set, gate, rules,
reasons, id and memory; the agents and the hash of the snapshot are not in it. `bare pool` is the equal pool alone, for
comparison in the same run.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

import numpy as np

from deepalpha.decision import DecisionConfig, DecisionEngine, build_context, fuse
from deepalpha.decision.calibrate import WINDOW
from deepalpha.types import DAY, BarFrame, Context, PositionView, Signal

BARS = 750
GOAL_RATE, GOAL_P99_MS = 1_000.0, 10.0
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


def market(days: int) -> np.ndarray:
    return 100.0 * np.cumprod(1.0 + np.random.default_rng(1).normal(0.0003, 0.02, days))


def snapshot(close: np.ndarray, day: int) -> Context:
    part = close[day + 1 - BARS : day + 1].copy()
    ends = DAY * np.arange(day + 2 - BARS, day + 2, dtype=np.int64)
    frame = BarFrame("1d", ends - DAY, ends, *(part.copy() for _ in range(4)), np.ones(BARS))
    return build_context(
        symbol="X",
        asof=int(ends[-1]),
        horizon_s=5 * 86_400,
        timeframe="1d",
        bars={"1d": frame},
        news=(),
        position=PositionView(),
    )


def ballots(contexts: list[Context], voters: int, seed: int) -> list[list[Signal]]:
    chance = np.random.default_rng(seed)
    made = []
    for ctx in contexts:
        mark = ctx.snapshot_hash
        signals = [
            Signal(agent=f"agent{i}", p_up=float(p), snapshot_hash=mark, reasons=("a reason of some length", "another"))
            for i, p in enumerate(chance.uniform(0.3, 0.7, voters))
        ]
        made.append([*signals, Signal.guard(0.8, "VaR 2.3 %")])
        made[-1][-1] = Signal(agent="risk", role="guard", size_cap=0.8, snapshot_hash=mark)
    return made


def spread(samples: list[int]) -> tuple[float, float, float]:
    """Rate a second, median and 99th percentile in ms."""
    times = np.array(samples, dtype=np.float64)
    return len(times) / (times.sum() / 1e9), float(np.quantile(times, 0.5)) / 1e6, float(np.quantile(times, 0.99)) / 1e6


def measure(decisions: int, voters: int) -> list[Row]:
    warm = WINDOW + 10
    close = market(BARS + warm + decisions)
    engine = DecisionEngine(DecisionConfig(), scope="bench", clock=lambda: 0)
    wall: dict[str, list[int]] = {"fusion": [], "lesson": [], "bare pool": []}
    busy: dict[str, list[int]] = {"fusion": [], "lesson": []}
    for start in range(0, warm + decisions, 500):
        days = range(start, min(start + 500, warm + decisions))
        contexts = [snapshot(close, BARS + day) for day in days]
        for day, ctx, signals in zip(days, contexts, ballots(contexts, voters, start), strict=True):
            marks = [(time.perf_counter_ns(), time.thread_time_ns())]
            engine.observe("X", ctx.asof, float(close[BARS + day]))
            marks.append((time.perf_counter_ns(), time.thread_time_ns()))
            engine.decide(ctx, signals)
            marks.append((time.perf_counter_ns(), time.thread_time_ns()))
            fuse(signals)
            marks.append((time.perf_counter_ns(), time.thread_time_ns()))
            if day < warm:
                continue
            for index, name in enumerate(("lesson", "fusion", "bare pool")):
                wall[name].append(marks[index + 1][0] - marks[index][0])
                if name in busy:
                    busy[name].append(marks[index + 1][1] - marks[index][1])
    load = f"{voters} voters, {decisions} decisions"
    bare = round(spread(wall["bare pool"])[0], 1)
    rows = []
    for clock, samples in (("wall", wall), ("processor", busy)):
        rate, median, p99 = spread(samples["fusion"])
        lesson, middle, slow = spread(samples["lesson"])
        peer = ("bare pool", bare) if clock == "wall" else ("", None)
        rows += [
            row(f"fusions, {clock} ({load})", rate, "1/s", ">= 1,000", rate >= GOAL_RATE, *peer),
            row(f"fusion p50, {clock}", median, "ms", "", None),
            row(f"fusion p99, {clock}", p99, "ms", "< 10", p99 < GOAL_P99_MS),
            row(f"lessons with refits and contests, {clock}", lesson, "1/s", "", None),
            row(f"lesson p50, {clock}", middle, "ms", "", None),
            row(f"lesson p99, {clock}", slow, "ms", "< 10", slow < GOAL_P99_MS),
        ]
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--decisions", type=int, default=3000)
    parser.add_argument("--voters", type=int, default=4)
    chosen = parser.parse_args()
    found = measure(chosen.decisions, chosen.voters)
    if chosen.json:
        print(json.dumps(found))
        return
    for item in found:
        print(f"{item['name']:58} {item['value']:>12} {item['unit']:5} {item['goal']:10} {item['holds']}")


if __name__ == "__main__":
    main()
