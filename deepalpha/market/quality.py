"""What is wrong with bars: gaps, duplicates, zero volume, outliers, stale spans, impossible rows. Nothing is changed.

# Rules
- A row that breaks a rule of `bars.py` is a violation, counted by the first rule it breaks; it is not looked at again.
- A time that came before is a duplicate (identical values) or a conflict (other values); a time before the latest one
  is backward. A time where no interval of the timeframe begins is off the grid.
- Gaps and session breaks: see `sessions.py`.
- Outlier: the close leaves by more than 15 robust sigmas and at least 1 %, and the next close takes back at least 80 %
  of it. Sigma is 1.4826 times the median of the moves that are not zero (log returns; their MAD, as their median is 0)
  of 256 bars, the largest of the block and its two neighbours. A crash that stays is a price, not an outlier.
- Stale: two bars or more in a row with zero volume and the close of the bar before them.
Complexity: O(n log n) for the sort, else O(n); one million bars take well below a second.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from deepalpha.errors import MarketDataError
from deepalpha.market.bars import COLUMNS, broken_rule
from deepalpha.market.catalog import Catalog
from deepalpha.market.columns import guess_columns, local_days, read_table
from deepalpha.market.importer import bars_of, commonest_timeframe
from deepalpha.market.sessions import LEAST_WEEKS, missing_bars
from deepalpha.market.timeframes import bucket_end, check_timeframe
from deepalpha.types import Fact

SIGMAS = 15.0
LEAST_MOVE = 0.01
TAKEN_BACK = 0.8
_BLOCK = 256
_LEAST_STALE = 2
_LISTED = 1_000
_SYMBOL_COLUMNS = ("symbol", "ticker")


class Span(Fact, frozen=True):
    """Bars in a row: ts_open of the first (UTC ns) and how many."""

    start: int
    bars: int


class QualityReport(Fact, frozen=True):
    """What was found in the bars of one symbol and timeframe.

    Attributes:
        rows: as given; bars: valid, on the grid, each time once.
        gaps, missing_bars, longest_gap: holes, the bars missing in them, the most in one.
        session_breaks, session_bars: closed market (nights, weekends, holidays), apart from gaps.
        gap_list, stale_list: the first 1,000, oldest first. outliers: ts_open of each, the first 1,000.
        violations: rule -> rows.
        problem: why the bars could not be looked at; everything else is 0 then.
        notes: what was assumed.
    """

    symbol: str
    timeframe: str
    rows: int = 0
    bars: int = 0
    first: int | None = None
    last: int | None = None
    gaps: int = 0
    missing_bars: int = 0
    longest_gap: int = 0
    gap_list: tuple[Span, ...] = ()
    session_breaks: int = 0
    session_bars: int = 0
    duplicates: int = 0
    conflicts: int = 0
    backward: int = 0
    off_grid: int = 0
    zero_volume: int = 0
    stale_spans: int = 0
    stale_bars: int = 0
    stale_list: tuple[Span, ...] = ()
    outlier_count: int = 0
    outliers: tuple[int, ...] = ()
    violations: dict[str, int] = msgspec.field(default_factory=dict)
    problem: str | None = None
    notes: tuple[str, ...] = ()


def check_bars(table: pl.DataFrame, *, symbol: str, timeframe: str | None = None) -> QualityReport:
    """Look through bars in the order they are given.

    Args:
        table: ts_open (int64 UTC ns), open, high, low, close, volume; values that could not be read are null.
        symbol: only for the report.
        timeframe: of the bars; None takes the commonest step between them.

    Raises:
        MarketDataError: a column is missing, or the commonest step is no timeframe.

    Example:
        >>> row = {"open": 1.0, "high": 1.0, "low": 1.0, "close": 1.0, "volume": 2.0}
        >>> bars = pl.DataFrame([{"ts_open": day * DAY, **row} for day in (0, 1, 2, 5)])
        >>> check_bars(bars, symbol="X", timeframe="1d").missing_bars
        2
    """
    missing = [name for name in COLUMNS if name not in table.columns]
    if missing:
        raise MarketDataError(f"bars of {symbol} lack {', '.join(missing)}; there is {', '.join(table.columns)}")
    rules = table.select(broken_rule())["rule"]
    violations: dict[str, int] = {}
    valid = table.select(COLUMNS)
    if rules.null_count() < len(rules):
        violations = dict(rules.drop_nulls().value_counts().sort("rule").iter_rows())
        valid = valid.filter(rules.is_null())
    if valid.is_empty():
        return QualityReport(
            symbol=symbol, timeframe=timeframe or "?", rows=len(table), violations=violations, problem="no row is a bar"
        )
    times = valid["ts_open"].to_numpy()
    backward = duplicates = conflicts = 0
    bars = valid
    if not (np.diff(times) > 0).all():
        backward = int((times[1:] < np.maximum.accumulate(times)[:-1]).sum())
        ordered = valid.sort("ts_open", maintain_order=True)
        distinct = ordered.unique(maintain_order=True)
        bars = distinct.unique("ts_open", keep="first", maintain_order=True)
        duplicates, conflicts = len(ordered) - len(distinct), len(distinct) - len(bars)
    name = timeframe or commonest_timeframe(bars["ts_open"].to_numpy(), symbol)
    opens = bars["ts_open"].to_numpy()
    on_grid = bucket_end(opens - 1, name) == opens
    if not on_grid.all():
        bars = bars.filter(pl.Series(on_grid))
        opens = bars["ts_open"].to_numpy()
    found = QualityReport(
        symbol=symbol,
        timeframe=name,
        rows=len(table),
        bars=len(bars),
        first=int(times.min()),
        last=int(times.max()),
        duplicates=duplicates,
        conflicts=conflicts,
        backward=backward,
        off_grid=int((~on_grid).sum()),
        violations=violations,
    )
    return _with_series(found, bars, opens) if len(bars) else found


def check_catalog(
    catalog: Catalog, symbol: str | None = None, timeframe: str | None = None
) -> tuple[QualityReport, ...]:
    """Check stored bars: all, those of a symbol, or of a timeframe. A damaged file is a report with its `problem`.

    Raises:
        MarketDataError: nothing is stored under these names.
    """
    reports = []
    for name in (symbol,) if symbol else catalog.symbols():
        for frame in catalog.timeframes(name):
            if timeframe in (None, frame):
                try:
                    reports.append(check_bars(catalog.read(name, frame), symbol=name, timeframe=frame))
                except MarketDataError as error:
                    reports.append(QualityReport(symbol=name, timeframe=frame, problem=str(error)))
    if not reports and symbol is not None:
        catalog.read(symbol, timeframe or "1d")  # raises, and says what there is
    if not reports:
        raise MarketDataError(
            f"the catalog has no {timeframe + ' ' if timeframe else ''}bars to check; import some with "
            "`deepalpha data import FILE --symbol S --timeframe T`, or check a file with --file"
        )
    return tuple(reports)


def check_file(path: str | Path, symbol: str | None = None, timeframe: str | None = None) -> tuple[QualityReport, ...]:
    """Check a CSV or Parquet file as it is, one report a symbol of its `symbol` or `ticker` column.

    Args:
        path: columns as for `import_file`.
        symbol: only this one; of a file without a symbol column, its name in the report.
        timeframe: of the bars; None takes the commonest step, by symbol.

    Raises:
        MarketDataError: the file cannot be read, lacks a column, or does not have the symbol.
    """
    path = Path(path)
    table = read_table(path)
    mapping = guess_columns(table.columns)
    bars = bars_of(table, mapping)
    days = local_days(table, mapping)
    column = next((name for name in table.columns if name.strip().lower() in _SYMBOL_COLUMNS), None)
    if column is None:
        groups = {symbol or path.name.partition(".")[0]: bars}
    else:
        parts = bars.with_columns(table[column].cast(pl.String).fill_null("?").alias("symbol"))
        groups = {str(key[0]): part for key, part in parts.partition_by("symbol", as_dict=True).items()}
    if column is not None and symbol is not None:
        if symbol not in groups:
            raise MarketDataError(f"{path} has no {symbol}; it has {', '.join(sorted(groups))}")
        groups = {symbol: groups[symbol]}
    reports = []
    for name, part in groups.items():
        local = None if days is None else days.gather(part["row"] - 1)
        whole_days = local is not None and timeframe in (None, "1d", "1w", "1mo") and "/" not in name
        reports.append(
            check_bars(part.with_columns(ts_open=local) if whole_days else part, symbol=name, timeframe=timeframe)
        )
    return tuple(reports)


def _with_series(found: QualityReport, bars: pl.DataFrame, opens: NDArray[np.int64]) -> QualityReport:
    """Add what only the bars in their order can show."""
    close, volume = bars["close"].to_numpy(), bars["volume"].to_numpy()
    fields: dict[str, Any] = {name: getattr(found, name) for name in found.__struct_fields__}
    notes = []
    step = check_timeframe(found.timeframe)
    if found.timeframe == "1mo":
        months = bars["ts_open"].cast(pl.Datetime("ns"))
        opens = (months.dt.year().cast(pl.Int64) * 12 + months.dt.month()).to_numpy()
        step = 1
    missing = missing_bars(opens, step)
    starts = missing.gap_starts
    if found.timeframe == "1mo" and len(starts):
        starts = np.array([f"{(m - 1) // 12:04d}-{(m - 1) % 12 + 1:02d}" for m in starts], dtype="datetime64[ns]").view(
            np.int64
        )
    if len(starts) and not missing.learnt:
        notes.append(f"less than {LEAST_WEEKS} weeks: closed sessions cannot be told from gaps")
    if missing.breaks:
        notes.append("session breaks by the weekly pattern of these bars")
    zero = volume == 0
    stale_starts, stale_lengths = _stale(close, zero)
    outliers = np.flatnonzero(_outliers(close))
    times = bars["ts_open"].to_numpy()
    fields |= {
        "gaps": len(starts),
        "missing_bars": int(missing.gap_bars.sum()),
        "longest_gap": int(missing.gap_bars.max(initial=0)),
        "gap_list": _spans(starts, missing.gap_bars),
        "session_breaks": missing.breaks,
        "session_bars": missing.break_bars,
        "zero_volume": int(zero.sum()),
        "stale_spans": len(stale_starts),
        "stale_bars": int(stale_lengths.sum()),
        "stale_list": _spans(times[stale_starts], stale_lengths),
        "outlier_count": len(outliers),
        "outliers": tuple(times[outliers[:_LISTED]].tolist()),
        "notes": tuple(notes),
    }
    return QualityReport(**fields)


def _stale(close: NDArray[np.float64], zero: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First index and length of each run of bars without a trade and with the close before them."""
    same = np.concatenate([[False], close[1:] == close[:-1]]) & zero
    edges = np.flatnonzero(np.diff(np.concatenate([[False], same, [False]]).astype(np.int8)))
    starts, lengths = edges[::2], edges[1::2] - edges[::2]
    long = lengths >= _LEAST_STALE
    return starts[long], lengths[long]


def _outliers(close: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Closes that jump and come back; the first and the last bar cannot be judged. Shape (n,)."""
    found = np.zeros(len(close), dtype=bool)
    moves = np.diff(np.log(close))
    if len(moves) < 2:
        return found
    away, back = moves[:-1], moves[1:]
    large = np.abs(away) > np.maximum(SIGMAS * _sigma(moves)[:-1], LEAST_MOVE)
    returned = (np.sign(away) != np.sign(back)) & (np.abs(away + back) <= (1 - TAKEN_BACK) * np.abs(away))
    found[1:-1] = large & returned
    return found


def _sigma(moves: NDArray[np.float64]) -> NDArray[np.float64]:
    """Robust sigma around each move, by blocks. Shape (n,); 0 where nothing moves."""
    size = -(-len(moves) // _BLOCK)
    padded = np.full(size * _BLOCK, np.nan)
    padded[: len(moves)] = np.abs(moves)
    padded[padded == 0] = np.nan
    blocks = np.sort(padded.reshape(size, _BLOCK), axis=1)  # NaN last
    count = np.isfinite(blocks).sum(axis=1)
    middle = blocks[np.arange(size), np.maximum(count - 1, 0) // 2]
    sigma = np.where(count > 0, 1.4826 * middle, 0.0)
    beside = np.concatenate([[0.0], sigma, [0.0]])
    widest: NDArray[np.float64] = np.maximum(np.maximum(beside[:-2], sigma), beside[2:])
    return np.repeat(widest, _BLOCK)[: len(moves)]


def _spans(starts: NDArray[np.int64], bars: NDArray[np.int64]) -> tuple[Span, ...]:
    pairs = zip(starts[:_LISTED].tolist(), bars[:_LISTED].tolist(), strict=True)
    return tuple(Span(start=start, bars=count) for start, count in pairs)
