"""`deepalpha evaluate`: is there an edge? The table of every agent, fuser and baseline, and a verdict in words."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from deepalpha.config import Workspace
from deepalpha.errors import MarketDataError
from deepalpha.live.process import load_settings
from deepalpha.report import WARM_UP, evaluate, keep_evaluation, open_data, open_news, render, view_timeframes

Result = tuple[Any, str]
Add = Callable[..., argparse.ArgumentParser]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EVERY_S = 0.5
_HELP = (
    "Let the agents vote on stored bars in order of time, without an account, a key or a network, and judge votes, "
    "fusers and decisions by what came: Brier score against the base rate, calibration, returns after costs, beside "
    "baselines, with intervals, by regime and symbol. It says 'no edge' when there is none. The result is kept in "
    "reports/evaluation.json of the workspace."
)


def add_commands(commands: Any, add: Add) -> None:
    """Add `evaluate` to the command line."""
    made = add(commands, "evaluate", _evaluate, "is there an edge? agents, fusers and baselines judged on real data")
    made.description = _HELP
    made.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="folder or file of CSV or Parquet bars, or a catalog; default: ../shared/data beside the checkout, when "
        "there, and the bundled sample",
    )
    made.add_argument("--symbols", metavar="A,B", help="only these; default: all there are")
    made.add_argument("--timeframe", help="bars to decide on, finer ones are rolled up; default: of the settings, 1d")
    made.add_argument("--since", metavar="DATE", help="ISO date or time, UTC: decide from then on, earlier is history")
    made.add_argument("--limit", type=int, metavar="N", help="judge the first N decisions only")
    made.add_argument("--settings", type=Path, help="a YAML file; default: settings.yaml of the workspace, if any")


def _evaluate(options: argparse.Namespace) -> Result:
    workspace = Workspace(options.workspace)
    settings = load_settings(workspace, options.settings)
    timeframe = options.timeframe or settings.timeframe
    settings = settings.model_copy(
        update={"timeframe": timeframe, "view_timeframes": view_timeframes(timeframe, settings)}
    )
    opened = open_data(
        options.data,
        timeframe=timeframe,
        symbols=tuple(part.strip() for part in options.symbols.split(",")) if options.symbols else (),
        since=None if options.since is None else _moment(options.since),
        settings=settings,
    )
    shown = _Progress() if sys.stderr.isatty() else None
    evaluation = evaluate(
        opened.source,
        settings,
        news=open_news(settings),
        warm_up=WARM_UP,
        limit=options.limit,
        name=opened.name,
        notes=opened.notes,
        progress=shown,
    )
    if shown is not None:
        shown.end(evaluation.decisions)
    path = keep_evaluation(workspace, evaluation)
    return evaluation, f"{render(evaluation)}\nkept in {path}"


class _Progress:
    """One line on stderr that is written over."""

    def __init__(self) -> None:
        self._began = self._told = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._told >= _EVERY_S:
            self._told = now
            print(f"\r{done:,} of {total:,} moments, {now - self._began:.0f} s", end="", file=sys.stderr, flush=True)

    def end(self, decisions: int) -> None:
        """Say how fast it went."""
        took = time.monotonic() - self._began
        print(f"\r{decisions:,} decisions in {took:.1f} s, {decisions / took:.0f} a second", file=sys.stderr)


def _moment(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise MarketDataError(f"--since {text!r} is no date; write 2024-01-31 or 2024-01-31T09:30") from error
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - _EPOCH) // timedelta(microseconds=1) * 1000
