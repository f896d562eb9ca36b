"""The catalog: one Parquet file of closed bars for each symbol and timeframe, below the workspace.

# Layout
    <root>/symbol=BTC%2FUSDT/instrument.json
    <root>/symbol=BTC%2FUSDT/timeframe=1h/bars.parquet    ts_open, ts_event: int64, the others decimal or float64

    <root>/symbol=*/timeframe=!/bars.parquet    no rows: types only, see below

The names are hive partitions: DuckDB reads `<root>/*/timeframe=*/bars.parquet` with both as columns. Each file has the
decimals its prices need (`parquet.py` says why), and DuckDB, unless told `union_by_name = true`, rounds to the types of
the first file: so the first by name has no rows and float64 columns, which hold every value exactly. Bars in a file
ascend, are valid by the rules of `bars.py`, open where an interval of the timeframe begins (`ts_open`) and close
where it ends (`ts_event`). A file is replaced as a whole (temporary file, fsync, rename): a reader sees the old one or
the new one. When two processes merge into the same file at the same moment the later rename wins.
"""

from __future__ import annotations

import difflib
import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote

import msgspec
import numpy as np
import polars as pl

from deepalpha.errors import MarketDataError, StoreError
from deepalpha.market.bars import COLUMNS, SCHEMA, broken_rule
from deepalpha.market.parquet import sync_directory, write_bars
from deepalpha.market.symbols import check_symbol, encode_symbol
from deepalpha.market.ticks import Kind, TickStore
from deepalpha.market.timeframes import bucket_end, check_timeframe
from deepalpha.types import SECOND, Instrument, encode

_FILE_COLUMNS = ("ts_open", "ts_event", *COLUMNS[1:])
READ_ERRORS = (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException)


class Catalog:
    """Bars on disk. Making one touches nothing; the directory is made by the first `write`.

    Args:
        root: the directory, `Workspace.catalog`.

    Example:
        >>> catalog = Catalog(Path("data/var/catalog"))
        >>> catalog.read("AAPL", "1d").columns  # doctest: +SKIP
        ['ts_open', 'ts_event', 'open', 'high', 'low', 'close', 'volume']
    """

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)

    def write(
        self,
        symbol: str,
        timeframe: str,
        frame: pl.DataFrame,
        *,
        instrument: Instrument | None = None,
        replace: bool = False,
    ) -> None:
        """Merge bars into a file, by `ts_open`.

        Args:
            symbol: see `check_symbol`.
            timeframe: a name the core knows, for example ``1d``.
            frame: columns ts_open (int64, UTC ns) and open, high, low, close, volume (float64); others are ignored.
                Rows may come in any order. An identical row that is there already is kept once.
            instrument: written beside the bars; None keeps what is there, else writes one with default steps.
            replace: let a row take the place of a stored row with other values.

        Raises:
            MarketDataError: an invalid symbol, timeframe or row; a time twice in `frame`; or rows that differ from the
                stored ones, with their number and first time. Nothing is written then.
            StoreError: the directory cannot be written.
        """
        path = self._path(symbol, timeframe)
        if instrument is not None and instrument.symbol != symbol:
            raise MarketDataError(f"the instrument of {instrument.symbol} cannot be written for {symbol}")
        bars = _checked(frame, f"bars of {symbol} {timeframe}")
        if _exists(path):
            bars = _merged(self.read(symbol, timeframe).select(COLUMNS), bars, f"{symbol} {timeframe}", replace=replace)
        bars = _with_ts_event(bars, timeframe, f"bars of {symbol} {timeframe}")
        card = path.parent.parent / "instrument.json"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=path.parent, prefix=".writing-") as scratch:
                fresh = Path(scratch)
                if instrument is not None or not card.exists():
                    (fresh / card.name).write_bytes(encode(instrument or Instrument(symbol=symbol)))
                    _put(fresh / card.name, card)
                for place in (self.root / "symbol=!", path.parent.parent):
                    types = place / "timeframe=!" / path.name
                    if not types.exists():
                        types.parent.mkdir(parents=True, exist_ok=True)
                        bars.clear().write_parquet(fresh / path.name)
                        _put(fresh / path.name, types)
                write_bars(bars, fresh / path.name)
                _put(fresh / path.name, path)
        except OSError as error:
            raise StoreError(
                f"catalog {self.root} cannot be written ({error.strerror or error}); free it or make it writable, "
                "or choose another workspace with --workspace DIR"
            ) from error

    def read(self, symbol: str, timeframe: str, start: int | None = None, end: int | None = None) -> pl.DataFrame:
        """Bars with start <= ts_open < end (UTC ns; None: no bound), oldest first.

        Returns:
            Frame of ts_open, ts_event (int64), open, high, low, close, volume (float64); empty if none is in range.

        Raises:
            MarketDataError: nothing is stored under these names (lists what is), or the file is damaged.
        """
        path = self._path(symbol, timeframe)
        if not _exists(path):
            raise self._missing(symbol, timeframe)
        bars = _read_file(path, timeframe)
        if start is not None:
            bars = bars.filter(pl.col("ts_open") >= start)
        if end is not None:
            bars = bars.filter(pl.col("ts_open") < end)
        return bars

    def has(self, symbol: str, timeframe: str) -> bool:
        """Whether there is a file for these names, sound or not."""
        return _exists(self._path(symbol, timeframe))

    def symbols(self) -> tuple[str, ...]:
        """Symbols with bars, sorted."""
        return tuple(sorted({symbol for symbol, _, _ in self._files()}))

    def timeframes(self, symbol: str) -> tuple[str, ...]:
        """Timeframes there are bars of, finest first; () for a symbol that is not stored."""
        check_symbol(symbol)
        return tuple(timeframe for name, timeframe, _ in self._files() if name == symbol)

    def ls(self) -> pl.DataFrame:
        """What is stored, one row a file.

        Returns:
            symbol, timeframe, bars, first and last (ts_open, Datetime ns UTC), gaps (places where the next bar is more
            than one timeframe later: market closures count), problem (null, or why the file cannot be used; the
            numbers are null then).
        """
        rows = []
        for symbol, timeframe, path in sorted(self._files(), key=lambda file: file[0]):
            row: dict[str, object] = {"symbol": symbol, "timeframe": timeframe}
            try:
                step = check_timeframe(timeframe)
                times = _read_file(path, timeframe)["ts_open"]
                gaps = int((times.diff().drop_nulls() > step).sum())
                row |= {"bars": len(times), "first": times.min(), "last": times.max(), "gaps": gaps}
            except MarketDataError as error:
                row["problem"] = str(error)
            rows.append(row)
        counts = {"bars": pl.Int64(), "first": pl.Int64(), "last": pl.Int64(), "gaps": pl.Int64()}
        schema = pl.Schema({"symbol": pl.String(), "timeframe": pl.String(), **counts, "problem": pl.String()})
        stamp = pl.Datetime("ns", "UTC")
        return pl.DataFrame(rows, schema=schema).with_columns(pl.col("first", "last").cast(stamp))

    def instrument(self, symbol: str) -> Instrument:
        """Tick size, lot size and currency of a stored symbol; MarketDataError if it is unknown or its card damaged."""
        path = self.root / f"symbol={encode_symbol(symbol)}" / "instrument.json"
        if not _exists(path):
            raise self._missing(symbol, None)
        try:
            return msgspec.json.decode(path.read_bytes(), type=Instrument)
        except (OSError, msgspec.MsgspecError) as error:
            raise MarketDataError(f"{path} cannot be read ({error}); delete it and import {symbol} again") from error

    def write_ticks(self, symbol: str, kind: Kind, frame: pl.DataFrame) -> tuple[Path, ...]:
        """Append a batch of ticks; when this returns the disk has it. `TickWriter` makes batches.

        Args:
            symbol: see `check_symbol`.
            kind: ``trades`` or ``quotes``.
            frame: in the order of arrival. Trades: ts_event, ts_init (int64 UTC ns: the venue's clock, ours),
                trade_id (int64), price, quantity, and aggressor (buyer, seller, unknown; may be left out). Quotes:
                ts_event, ts_init, update_id, bid, bid_quantity, ask, ask_quantity. Amounts are decimals, integers of
                1e-8, or floats that are exact in 8 decimals. Rows are not compared with what is stored.

        Returns:
            The new files, one a UTC day of `ts_event`.

        Raises:
            MarketDataError: a column is missing, or a row is no tick; nothing is written.
            StoreError: the directory cannot be written.
        """
        return TickStore(self.root).write(symbol, kind, frame)

    def read_ticks(self, symbol: str, kind: Kind, start: int | None = None, end: int | None = None) -> pl.DataFrame:
        """Ticks with start <= ts_event < end (UTC ns), in the order of `ts_init`; amounts are Decimal(18, 8).

        Raises:
            MarketDataError: none are stored under these names (lists what is), or a file is damaged.
        """
        return TickStore(self.root).read(symbol, kind, start, end)

    def compact_ticks(self, symbol: str, kind: Kind) -> int:
        """Merge the batches of each day into one file, packed harder; returns how many files that saved."""
        return TickStore(self.root).compact(symbol, kind)

    def ls_ticks(self) -> pl.DataFrame:
        """What ticks are stored, one row a symbol and kind.

        Returns:
            symbol, kind, rows, files, bytes, first and last (ts_event, Datetime ns UTC).
        """
        return TickStore(self.root).ls()

    def _path(self, symbol: str, timeframe: str) -> Path:
        check_timeframe(timeframe)
        return self.root / f"symbol={encode_symbol(symbol)}" / f"timeframe={timeframe}" / "bars.parquet"

    def _files(self) -> list[tuple[str, str, Path]]:
        found = []
        for path in self.root.glob("symbol=*/timeframe=*/bars.parquet"):
            symbol, timeframe = unquote(path.parts[-3][len("symbol=") :]), path.parts[-2][len("timeframe=") :]
            try:
                known = check_symbol(symbol), check_timeframe(timeframe)
            except MarketDataError:
                continue  # not written by us
            found.append((known[1], symbol, timeframe, path))
        return [(symbol, timeframe, path) for _, symbol, timeframe, path in sorted(found)]

    def _missing(self, symbol: str, timeframe: str | None) -> MarketDataError:
        stored: dict[str, list[str]] = {}
        for name, frame, _ in sorted(self._files(), key=lambda file: file[0]):
            stored.setdefault(name, []).append(frame)
        wanted = f"deepalpha data import FILE --symbol {symbol} --timeframe {timeframe or '1d'}"
        if timeframe is not None and symbol in stored:
            return MarketDataError(
                f"no {timeframe} bars of {symbol}; it has {', '.join(stored[symbol])}. Import some: `{wanted}`"
            )
        by_upper = {name.upper(): name for name in stored}
        close = difflib.get_close_matches(symbol.upper(), by_upper, n=1)
        hint = f" Did you mean {by_upper[close[0]]}?" if close else ""
        listed = ", ".join(stored) or "nothing yet"
        return MarketDataError(f"no bars of {symbol}; the catalog has {listed}.{hint} Import some: `{wanted}`")


def _checked(frame: pl.DataFrame, what: str) -> pl.DataFrame:
    """The columns of a bar, sorted; MarketDataError unless every row is valid and every time unique."""
    missing = [name for name in COLUMNS if name not in frame.columns]
    if missing:
        raise MarketDataError(f"{what} lack {', '.join(missing)}; there is {', '.join(frame.columns) or 'no column'}")
    try:
        bars = frame.select(COLUMNS).cast(SCHEMA).sort("ts_open")
    except pl.exceptions.PolarsError as error:
        raise MarketDataError(f"{what} have a column of the wrong type ({error}); expected {dict(SCHEMA)}") from error
    if bars.is_empty():
        raise MarketDataError(f"{what} are empty; there is nothing to write")
    broken = bars.select("ts_open", broken_rule()).drop_nulls("rule")
    if not broken.is_empty():
        raise MarketDataError(
            f"{what}: {len(broken)} of {len(bars)} rows are no bars, the first is {broken['rule'][0]} at "
            f"{_time(broken['ts_open'][0])}; drop them, or let `deepalpha data import` set them aside"
        )
    twice = bars.filter(pl.col("ts_open") == pl.col("ts_open").shift(1))
    if not twice.is_empty():
        raise MarketDataError(f"{what}: {len(twice)} times come twice, the first is {_time(twice['ts_open'][0])}")
    return bars


def _merged(stored: pl.DataFrame, fresh: pl.DataFrame, what: str, *, replace: bool) -> pl.DataFrame:
    if not replace:
        both = stored.join(fresh, on="ts_open", how="inner", suffix="_new", maintain_order="left")
        differs = pl.any_horizontal(pl.col(name) != pl.col(f"{name}_new") for name in COLUMNS[1:])
        other = both.filter(differs)
        if not other.is_empty():
            raise MarketDataError(
                f"{len(other)} bars of {what} differ from the stored ones, the first at {_time(other['ts_open'][0])}; "
                "nothing was written. Check the source, or write with replace"
            )
    return pl.concat([stored.join(fresh, on="ts_open", how="anti"), fresh]).sort("ts_open")


def _with_ts_event(bars: pl.DataFrame, timeframe: str, what: str) -> pl.DataFrame:
    """Add the close of each bar. The core takes no bar that opens off its timeframe's grid, so none gets in here."""
    starts = bars["ts_open"].to_numpy()
    ends = bucket_end(starts, timeframe)
    same = np.flatnonzero(np.diff(ends) <= 0)
    if len(same):
        raise MarketDataError(
            f"{what}: {len(same)} bars share a {timeframe} interval with the one before, the first at "
            f"{_time(bars['ts_open'][int(same[0]) + 1])}; are they of a finer timeframe?"
        )
    off = np.flatnonzero(bucket_end(starts - 1, timeframe) != starts)
    if len(off):
        raise MarketDataError(
            f"{what}: {len(off)} bars do not open where a {timeframe} interval begins (UTC; 1w: Monday 00:00), the "
            f"first at {_time(bars['ts_open'][int(off[0])])}; give them the interval's start as their time"
        )
    return bars.with_columns(ts_event=pl.Series(ends, dtype=pl.Int64)).select(_FILE_COLUMNS)


def _read_file(path: Path, timeframe: str) -> pl.DataFrame:
    """One file, with everything `write` promised checked again, so that damage is found here and not in a decision."""
    remedy = "delete it and import the bars again with `deepalpha data import`"
    try:
        bars = pl.read_parquet(path, hive_partitioning=False, glob=False)
        checked = _with_ts_event(_checked(bars, "its bars"), timeframe, "its bars")
    except READ_ERRORS as error:
        raise MarketDataError(f"{path} cannot be read ({str(error).strip().splitlines()[0]}); {remedy}") from error
    except MarketDataError as error:
        raise MarketDataError(f"{path} is damaged ({error}); {remedy}") from error
    if not bars.select(pl.col("ts_open")).equals(checked.select("ts_open")) or "ts_event" not in bars.columns:
        raise MarketDataError(f"{path} is damaged (its bars are not in order); {remedy}")
    if not bars["ts_event"].equals(checked["ts_event"]):
        raise MarketDataError(f"{path} is damaged (ts_event is not the end of the {timeframe} bar); {remedy}")
    return checked


def _put(fresh: Path, path: Path) -> None:
    """Let `fresh` take the place of `path` at once; its bytes reach the disk first."""
    with fresh.open("rb+") as file:
        os.fsync(file.fileno())
    fresh.replace(path)
    sync_directory(path.parent)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:
        raise StoreError(f"{path} cannot be looked at ({error.strerror}); make its directories readable") from error


def _time(ts: int) -> str:
    """UTC ns in words, for messages."""
    return datetime.fromtimestamp(ts // SECOND, UTC).isoformat().replace("+00:00", "Z")
