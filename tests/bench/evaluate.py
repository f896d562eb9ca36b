"""Speed of an evaluation: `python tests/bench/evaluate.py [--json] [--decisions 800]`.

Load: one process, one thread, the bundled sample with all five agents. Times are of the process on the processor, which
a busy machine does not stretch. The peer is the same work without evaluation: market view, snapshot and the agents'
votes on the same bars in the same run; what is left is the decision engine, three fusers' calibrations, and the table.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from typing import Any

from deepalpha.agents import discover, run_agents, series_needed
from deepalpha.config import Settings
from deepalpha.decision import build_context
from deepalpha.report import data as report_data
from deepalpha.report import evaluate, open_data, open_news
from deepalpha.ta.view import market_view
from deepalpha.types import PositionView

GOAL_RATE, GOAL_SHARE = 100.0, 0.6


async def votes_alone(source: Any, settings: Settings, decisions: int) -> None:
    """Ask the agents as the walk does, and throw the answers away."""
    agents = discover(settings.agents.enabled)
    series = series_needed(agents)
    made = 0
    for step in source.steps(0):
        for candle in step.candles:
            bars = market_view(
                source.window(candle.symbol, candle.ts_event, settings.history_bars),
                timeframe="1d",
                timeframes=settings.view_timeframes,
                asof=candle.ts_event,
                series=series,
            )
            ctx = build_context(
                symbol=candle.symbol,
                asof=candle.ts_event,
                horizon_s=5 * 86_400,
                timeframe="1d",
                bars=bars,
                news=(),
                position=PositionView(equity=100_000.0),
            )
            await run_agents(ctx, agents, deadline_s=5.0)
            made += 1
            if made == decisions:
                return


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--decisions", type=int, default=800)
    options = parser.parse_args()
    settings = Settings.default()
    report_data.SHARED_FILE = "none: the sample alone"
    source, news = open_data(None, timeframe="1d").source, open_news(settings)
    evaluate(source, settings, news=news, limit=40)  # warm caches
    began = time.process_time()
    asyncio.run(votes_alone(source, settings, options.decisions))
    alone = options.decisions / (time.process_time() - began)
    began = time.process_time()
    evaluate(source, settings, news=news, limit=options.decisions)
    whole = options.decisions / (time.process_time() - began)
    rows = [
        ("evaluated decisions", whole, "1/s", f">= {GOAL_RATE:g}", whole >= GOAL_RATE),
        ("share of the agents' own speed", whole / alone, "", f">= {GOAL_SHARE:g}", whole / alone >= GOAL_SHARE),
    ]
    fields = ("name", "value", "unit", "goal", "holds")
    found = [
        {**dict(zip(fields, row, strict=True)), "peer": "view, snapshot and votes alone", "peer_value": round(alone, 1)}
        for row in rows
    ]
    if options.json:
        print(json.dumps(found))
        return
    for row in found:
        print(f"{row['name']:32} {row['value']:8.2f} {row['unit']:4} goal {row['goal']:8} holds {row['holds']}", end="")
        print(f"   ({row['peer']}: {row['peer_value']:g} 1/s)")


if __name__ == "__main__":
    main()
