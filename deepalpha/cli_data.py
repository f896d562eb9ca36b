"""`deepalpha data`: import, pull, check and list market data."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from deepalpha.config import Workspace
from deepalpha.errors import MarketDataError
from deepalpha.market import (
    Catalog,
    CcxtHistory,
    QualityReport,
    check_catalog,
    check_file,
    import_file,
    pull_bars,
    seed,
)

Result = tuple[Any, str]
Add = Callable[..., argparse.ArgumentParser]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LINES = 10
_CHECK_HELP = (
    "Look for gaps, closed sessions, duplicates, zero volume, outliers, stale spans and impossible rows. A closed "
    "market is told from a gap by the weekly pattern of the bars themselves, without a calendar. An outlier is a close "
    "that leaves by more than 15 robust sigmas (MAD of log returns) and 1 percent and comes back at the next bar; a "
    "crash that stays is none. Findings do not change the exit code."
)
_PULL_HELP = (
    "Fetch an exchange's history by ccxt into the catalog. It continues after the last stored bar and asks again for "
    "gaps; what the exchange itself does not have is remembered. Stored bars are never replaced: if the exchange gives "
    "others, that is reported and the exit code is 1. Interrupt it at any time and run it again."
)


def add_commands(group: Any, add: Add) -> None:
    """Add the commands to the `data` group of the command line."""
    load = add(group, "import", _import, "take a CSV or Parquet file of bars into the catalog")
    load.add_argument("file", type=Path)
    load.add_argument("--symbol", required=True)
    load.add_argument("--timeframe", required=True, help="for example 1m, 1h, 1d")
    pull = add(group, "pull", _pull, "fetch an exchange's history into the catalog, resumable")
    pull.description = _PULL_HELP
    pull.add_argument("symbol", help="as the exchange names it: BTC/USDT; a perpetual is BTC/USDT:USDT")
    pull.add_argument("timeframe", help="for example 1m, 1h, 1d")
    pull.add_argument("--since", required=True, metavar="DATE", help="ISO date or time, UTC: the first bar wanted")
    pull.add_argument("--until", metavar="DATE", help="bars before it; default: up to the last closed bar")
    pull.add_argument("--exchange", default="binance", help="its ccxt name; default: binance")
    pull.add_argument("--deadline", type=float, default=300.0, metavar="S", help="give up after so long without answer")
    pull.add_argument("--ask-holes", action="store_true", help="ask again for bars the exchange did not have before")
    check = add(group, "check", _check, "gaps, duplicates, zero volume, outliers, stale spans")
    check.description = _CHECK_HELP
    check.add_argument("symbol", nargs="?", help="default: every symbol")
    check.add_argument("--timeframe", help="default: every one; of a file, the commonest step")
    check.add_argument(
        "--file", type=Path, help="a CSV or Parquet file instead of the catalog; several symbols are fine"
    )
    add(group, "ls", _ls, "what the catalog holds")


def _catalog(options: argparse.Namespace) -> Catalog:
    return Catalog(Workspace(options.workspace).catalog)


def _import(options: argparse.Namespace) -> Result:
    report = import_file(options.file, symbol=options.symbol, timeframe=options.timeframe, catalog=_catalog(options))
    return report, "\n".join(report.lines())


def _pull(options: argparse.Namespace) -> Result:
    report = pull_bars(
        _catalog(options),
        CcxtHistory(options.exchange),
        options.symbol,
        options.timeframe,
        since=_moment(options.since, "--since"),
        until=None if options.until is None else _moment(options.until, "--until"),
        ask_holes=options.ask_holes,
        deadline_s=options.deadline,
        progress=lambda line: print(line, file=sys.stderr, flush=True),
    )
    value = msgspec.to_builtins(report) | {"problems": list(report.problems)}
    lines = [
        f"{report.symbol} {report.timeframe} of {report.exchange}: {report.new_bars} new bars, {report.bars} in all "
        f"from {_words(report.since)} to {_words(report.until)}",
        f"{report.pages} pages, {report.retries} retries; the exchange has no bars for {report.hole_bars} places",
        *(f"problem: {problem}" for problem in report.problems),
    ]
    if report.missing_bars:
        lines.append(f"{report.missing_bars} bars are not published yet; run it again later")
    return value, "\n".join(lines)


def _check(options: argparse.Namespace) -> Result:
    if options.file is not None:
        reports = check_file(options.file, options.symbol, options.timeframe)
    else:
        catalog = _catalog(options)
        seed(catalog)
        reports = check_catalog(catalog, options.symbol, options.timeframe)
    return reports, "\n".join([_table(reports), *(line for report in reports for line in _details(report))])


def _table(reports: tuple[QualityReport, ...]) -> str:
    names = {
        "symbol": "symbol",
        "timeframe": "bars of",
        "bars": "bars",
        "gaps": "gaps",
        "missing_bars": "missing",
        "longest_gap": "longest",
        "session_breaks": "closed",
        "duplicates": "double",
        "zero_volume": "no volume",
        "stale_spans": "stale",
        "outlier_count": "outliers",
    }
    rows = [list(names.values())]
    rows += [[str(getattr(report, field)) for field in names] for report in reports]
    widths = [max(len(row[column]) for row in rows) for column in range(len(names))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if at < 2 else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )


def _details(report: QualityReport) -> list[str]:
    """What the table has no room for: where things are."""
    head = f"{report.symbol} {report.timeframe}: "
    found = [f"{head}{report.problem}"] if report.problem else []
    found += [f"{head}{count} rows are no bars ({rule})" for rule, count in report.violations.items()]
    for count, text in (
        (report.conflicts, "times come again with other values"),
        (report.backward, "rows are earlier than the one before"),
        (report.off_grid, f"rows open where no {report.timeframe} interval begins"),
    ):
        found += [f"{head}{count} {text}"] if count else []
    largest = sorted(report.gap_list, key=lambda span: -span.bars)[:_LINES]
    found += [f"{head}gap of {span.bars} bars from {_words(span.start)}" for span in largest]
    found += [f"{head}... and {report.gaps - _LINES} smaller gaps"] if report.gaps > _LINES else []
    found += [f"{head}stale for {span.bars} bars from {_words(span.start)}" for span in report.stale_list[:_LINES]]
    found += [f"{head}... and {report.stale_spans - _LINES} more stale spans"] if report.stale_spans > _LINES else []
    found += [f"{head}outlier at {_words(ts)}" for ts in report.outliers[:_LINES]]
    return found + [f"{head}{note}" for note in report.notes]


def _ls(options: argparse.Namespace) -> Result:
    catalog = _catalog(options)
    seed(catalog)
    bars, ticks = catalog.ls(), catalog.ls_ticks()
    text = str(bars) if ticks.is_empty() else f"{bars}\n{ticks}"
    return [*bars.to_dicts(), *ticks.to_dicts()], text


def _moment(text: str, option: str) -> int:
    """An ISO date or time as UTC ns."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise MarketDataError(f"{option} {text!r} is no date; write 2024-01-31 or 2024-01-31T09:30") from error
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - _EPOCH) // timedelta(microseconds=1) * 1000


def _words(ts: int) -> str:
    return str(pl.Series([ts]).cast(pl.Datetime("ns")).dt.strftime("%Y-%m-%d %H:%M:%S UTC")[0])
