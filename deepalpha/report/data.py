"""What to evaluate: a folder or file of bars, a catalog, the data beside the checkout, or the bundled sample.

Bars are brought to one timeframe. A last bar whose interval has not ended is left out, since nobody could have seen it
closed. Nothing is written anywhere.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl

from deepalpha.config import Settings
from deepalpha.errors import MarketDataError
from deepalpha.market import (
    Catalog,
    DataEngine,
    FrameSource,
    MarketSource,
    NewsBook,
    check_timeframe,
    read_headlines,
    sample_symbols,
)
from deepalpha.market.bars import COLUMNS
from deepalpha.market.columns import read_table
from deepalpha.market.importer import symbol_column
from deepalpha.market.sample import SAMPLE_DIR, sample_dir
from deepalpha.types import DAY, SECOND

SHARED_FILE = "crypto_1h_5sym_2020-09_2025-09.parquet"
"""The set that is evaluated with the sample by default: five pairs, five years, hours brought to days."""
_SUFFIXES = (".csv", ".parquet")
_HOUR = 3600 * SECOND

Frames = dict[str, pl.DataFrame]


class Opened(NamedTuple):
    """Bars to walk, what to call them, and what to say about them."""

    source: MarketSource
    name: str
    notes: tuple[str, ...]


def open_data(
    data: Path | None,
    *,
    timeframe: str,
    symbols: Sequence[str] = (),
    since: int | None = None,
    settings: Settings | None = None,
) -> Opened:
    """Open bars for an evaluation.

    Args:
        data: a folder or file of CSV or Parquet bars, or a catalog; None: the shared set, when it is beside the
            checkout, with the bundled sample, else the sample alone, from the settings' first day on.
        timeframe: to decide on; finer bars are rolled up.
        symbols: to keep; () for all.
        since: UTC ns; decisions begin with bars that open then, earlier ones are history.
        settings: of the first day of the default data.

    Raises:
        MarketDataError: nothing usable is there, a symbol is unknown or comes twice, or all bars are before `since`.
    """
    check_timeframe(timeframe)
    notes: list[str] = []
    if data is None:
        frames, name = _default(timeframe, notes)
        first = (settings or Settings.default()).replay.start
        since = since if since is not None else (first - type(first)(1970, 1, 1)).days * DAY
    elif not data.exists():
        raise MarketDataError(
            f"{data} is not there; give a folder or file of bars with --data, or nothing for the sample"
        )
    elif data.is_dir() and any(data.glob("symbol=*")):
        frames, name = _of_catalog(Catalog(data), timeframe, symbols, notes), f"catalog {data}"
    else:
        frames, name = _of_files(data, timeframe, notes), str(data)
    kept = _only(frames, symbols, name)
    return Opened(FrameSource(kept, timeframe, start=since), name, tuple(dict.fromkeys(notes)))


def open_news(settings: Settings) -> NewsBook:
    """The headline files of the settings; feeds are not asked, as they know nothing of the past."""
    return NewsBook(read_headlines(settings.agents.headlines))


def view_timeframes(timeframe: str, settings: Settings) -> tuple[str, ...]:
    """Coarser bars for agents that decide on `timeframe`: the settings' own if they were made for it, else usual ones.

    Example:
        >>> view_timeframes("4h", Settings())
        ('1d', '1w')
    """
    if timeframe == settings.timeframe:
        return settings.view_timeframes
    length = check_timeframe(timeframe)
    usual = ("1h", "1d") if length < _HOUR else ("1d", "1w") if length < DAY else ("1w", "1mo")
    return tuple(name for name in usual if check_timeframe(name) > length)


def shared_dir() -> Path:
    """Where real data may stand beside the checkout."""
    return SAMPLE_DIR.parents[2] / "shared" / "data"


def _default(timeframe: str, notes: list[str]) -> tuple[Frames, str]:
    frames = {symbol: pl.read_parquet(_sample_file(symbol), columns=list(COLUMNS)) for symbol in sample_symbols()}
    rolled = {symbol: _rolled(symbol, frame, timeframe, notes) for symbol, frame in frames.items()}
    shared = shared_dir() / SHARED_FILE
    if not shared.exists():
        return rolled, "the bundled sample"
    return rolled | _of_files(shared, timeframe, notes), f"../shared/data/{SHARED_FILE} and the bundled sample"


def _sample_file(symbol: str) -> Path:
    path = sample_dir() / f"{symbol}.parquet"
    if not path.exists():
        raise MarketDataError(f"{path} is missing; restore it with `git checkout data/sample/{path.name}`")
    return path


def _of_catalog(catalog: Catalog, timeframe: str, symbols: Sequence[str], notes: list[str]) -> Frames:
    frames: Frames = {}
    there = catalog.symbols()
    for symbol in there if not symbols else [symbol for symbol in symbols if symbol in there]:
        stored = catalog.timeframes(symbol)
        chosen = timeframe if timeframe in stored else stored[0]
        try:
            bars = catalog.read(symbol, chosen).select(COLUMNS)
            frames[symbol] = _rolled(symbol, bars, timeframe, notes, stored=chosen)
        except MarketDataError as error:
            notes.append(f"left out: {symbol} {chosen} ({error})")
    return frames


def _of_files(data: Path, timeframe: str, notes: list[str]) -> Frames:
    files = sorted(path for path in (data.iterdir() if data.is_dir() else [data]) if path.suffix.lower() in _SUFFIXES)
    if not files:
        raise MarketDataError(
            f"{data} has no .csv or .parquet file and is no catalog; see `deepalpha data import --help`"
        )
    frames: Frames = {}
    found: dict[str, Path] = {}
    for path in files:
        try:
            tables = _by_symbol(path)
            mine = {symbol: _rolled(symbol, table, timeframe, notes) for symbol, table in tables.items()}
        except MarketDataError as error:
            if len(files) == 1:
                raise
            notes.append(f"left out: {path.name} ({error})")
            continue
        for symbol in mine:
            if symbol in found:
                raise MarketDataError(
                    f"{symbol} is in {found[symbol].name} and in {path.name}; name one of them: --data {path}"
                )
            found[symbol] = path
        frames |= mine
    if not frames:
        raise MarketDataError(f"no file of {data} can be used: {'; '.join(notes)}")
    return frames


def _by_symbol(path: Path) -> Frames:
    table = read_table(path)
    column = symbol_column(table.columns)
    if column is None:
        return {path.stem: table}
    groups = table.partition_by(column, maintain_order=True, as_dict=True)
    return {str(key[0]): part for key, part in groups.items()}


def _rolled(
    symbol: str, table: pl.DataFrame, timeframe: str, notes: list[str], *, stored: str | None = None
) -> pl.DataFrame:
    """Whole bars of `timeframe`."""
    engine = DataEngine(symbol).load_data(table, timeframe=stored, bad_rows="drop")
    bad = sum(engine.rejected.values())
    if bad:
        notes.append(f"{symbol}: {bad} of {len(table)} rows are no bars and were left out")
    if engine.timeframe != timeframe:
        last = int(engine.get_prices()["ts_event"][-1])
        notes.append(f"{engine.timeframe} bars were rolled up to {timeframe}")
        bars = engine.resample(timeframe).get_prices()
        return bars.filter(pl.col("ts_event") <= last).select(COLUMNS)
    return engine.get_prices().select(COLUMNS)


def _only(frames: Frames, symbols: Iterable[str], name: str) -> Frames:
    wanted = tuple(dict.fromkeys(symbols)) or tuple(frames)
    for symbol in wanted:
        if symbol not in frames:
            near = difflib.get_close_matches(symbol, frames, n=1)
            hint = f"did you mean {near[0]}? " if near else ""
            raise MarketDataError(f"{symbol} is not in {name}; {hint}it has {', '.join(sorted(frames)) or 'no bars'}")
    short = [symbol for symbol in wanted if frames[symbol].is_empty()]
    if short:
        raise MarketDataError(f"{', '.join(short)} of {name} has no whole bar of this timeframe; choose a finer one")
    return {symbol: frames[symbol] for symbol in wanted}
