"""Trades and quotes on disk, beside the bars: batches of whole Parquet files that any reader sees at once.

# Layout
    <root>/symbol=BTC%2FUSDT/kind=trades/date=2024-08-08/000000001723075200000000000-000000.parquet

`date` is the UTC day of `ts_event`; a name begins with the first `ts_init` of its batch. Read them all with DuckDB's
`read_parquet('<root>/symbol=*/kind=trades/date=*/*.parquet', hive_partitioning = true)` or with polars.

# Invariants
- Prices and quantities are DECIMAL(18, 8): exact, the same type in every file, and int64 of 1e-8 inside, as in the
  core. Plain integers would be as small, but a reader who forgets the scale is wrong by 1e8 without noticing.
- A batch is there as a whole or not at all: temporary file, fsync, link to its name, fsync of the directory. A batch
  that spans midnight is one file a day, each whole.
- Compaction replaces the files of a day by one. A journal is written first, so that after a crash `read` counts no row
  twice and the next compaction ends the work. Only a plain reader can see rows double, in the moment between.
Cost: sequential writes; `read` sorts by `ts_init`, O(n log n).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote

import msgspec
import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from deepalpha.errors import MarketDataError, StoreError
from deepalpha.market.parquet import (
    MOST_DECIMALS,
    PRECISION,
    decimal_array,
    decimal_places,
    integer_array,
    replace_file,
    scaled_integers,
    sync_directory,
    write_table,
)
from deepalpha.market.symbols import check_symbol, encode_symbol
from deepalpha.types import DAY, SECOND, Fact, encode

Kind = Literal["trades", "quotes"]
AGGRESSORS = ("unknown", "buyer", "seller")
_DECIMAL = pl.Decimal(PRECISION, MOST_DECIMALS)
_AGGRESSOR = pl.Enum(AGGRESSORS)
_AGGRESSOR_NAMES = pl.Series(AGGRESSORS).to_arrow(compat_level=pl.CompatLevel.oldest()).cast(pa.string())
_TIMES = {"ts_event": pl.Int64(), "ts_init": pl.Int64()}
SCHEMAS: dict[str, dict[str, pl.DataType]] = {
    "trades": {
        **_TIMES,
        "trade_id": pl.Int64(),
        "price": _DECIMAL,
        "quantity": _DECIMAL,
        "aggressor": pl.String(),
    },
    "quotes": {
        **_TIMES,
        "update_id": pl.Int64(),
        "bid": _DECIMAL,
        "bid_quantity": _DECIMAL,
        "ask": _DECIMAL,
        "ask_quantity": _DECIMAL,
    },
}
_MAY_BE_ZERO = frozenset({"bid_quantity", "ask_quantity"})
_BOUND = 10**PRECISION
_APPEND_LEVEL, _COMPACT_LEVEL = 3, 15
_JOURNAL = ".compacting.json"
_SCRAP = ".writing-"


def check_kind(kind: str) -> str:
    """Return `kind`; MarketDataError unless it is trades or quotes."""
    if kind not in SCHEMAS:
        raise MarketDataError(f"{kind!r} is no kind of tick; use {' or '.join(SCHEMAS)}")
    return kind


Prepared = tuple[NDArray[np.int64], Any]
"""UTC day of each tick, and the Arrow table that is written."""


def prepare(symbol: str, kind: str, frame: pl.DataFrame) -> Prepared:
    """Check ticks and bring them into the form of the file; MarketDataError if a row is no tick."""
    return _table(frame, check_kind(kind), f"{kind} of {symbol}")


class TickStore:
    """Ticks below a catalog's root; `Catalog` offers it as write_ticks, read_ticks, compact_ticks and ls_ticks."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, symbol: str, kind: str, frame: pl.DataFrame) -> tuple[Path, ...]:
        """Append a batch, durably; see `Catalog.write_ticks`."""
        return self.write_prepared(symbol, kind, [prepare(symbol, kind, frame)])

    def write_prepared(self, symbol: str, kind: str, batch: list[Prepared]) -> tuple[Path, ...]:
        """Append what `prepare` made, as one batch."""
        place = self.root / f"symbol={encode_symbol(symbol)}" / f"kind={check_kind(kind)}"
        days = np.concatenate([days for days, _ in batch])
        table = pa.concat_tables([table for _, table in batch])
        written = []
        try:
            for day in np.unique(days).tolist():
                rows = table if bool((days == day).all()) else table.filter(pa.array(days == day))
                directory = place / f"date={datetime.fromtimestamp(day * DAY // SECOND, UTC):%Y-%m-%d}"
                made = not directory.exists()
                directory.mkdir(parents=True, exist_ok=True)
                written.append(_put(rows, directory))
                if made:
                    for parent in (place, place.parent, self.root):
                        sync_directory(parent)
        except OSError as error:
            raise StoreError(
                f"ticks below {place} cannot be written ({error.strerror or error}); free it or make it writable, "
                "or choose another workspace with --workspace DIR"
            ) from error
        return tuple(written)

    def read(self, symbol: str, kind: str, start: int | None, end: int | None) -> pl.DataFrame:
        """Ticks with start <= ts_event < end in the order they came in; see `Catalog.read_ticks`."""
        place = self.root / f"symbol={encode_symbol(symbol)}" / f"kind={check_kind(kind)}"
        frames = []
        for directory in sorted(place.glob("date=*")):
            day = _day_of(directory)
            if day is None or (start is not None and day + DAY <= start) or (end is not None and day >= end):
                continue
            frames += [_read(path, kind) for path in _files(directory)]
        if not frames and not any(place.glob("date=*/*.parquet")):
            listed = ", ".join(f"{name} {what}" for name, what, _ in self._places()) or "none yet"
            raise MarketDataError(f"no {kind} of {symbol} are stored; the catalog has {listed}")
        ticks = pl.concat(frames) if frames else pl.DataFrame(schema=SCHEMAS[kind])
        if start is not None:
            ticks = ticks.filter(pl.col("ts_event") >= start)
        if end is not None:
            ticks = ticks.filter(pl.col("ts_event") < end)
        return ticks.sort("ts_init", maintain_order=True)

    def compact(self, symbol: str, kind: str) -> int:
        """Make one file of each day's; see `Catalog.compact_ticks`."""
        place = self.root / f"symbol={encode_symbol(symbol)}" / f"kind={check_kind(kind)}"
        removed = 0
        for directory in sorted(place.glob("date=*")):
            with _alone(directory):
                removed += _finish(directory)
                files = _files(directory)
                if len(files) < 2:
                    continue
                ticks = pl.concat([_read(path, kind) for path in files]).sort("ts_init", maintain_order=True)
                fresh = directory / f"{_SCRAP}{os.getpid()}-compact"
                write_table(_arrow(ticks, kind), fresh, _encoding(kind), _COMPACT_LEVEL, _dictionary(kind))
                drop = tuple(path.name for path in files[1:])
                _write_journal(directory, _Journal(keep=files[0].name, merged=fresh.name, drop=drop))
                removed += _finish(directory)
        return removed

    def ls(self) -> pl.DataFrame:
        """One row a symbol and kind; see `Catalog.ls_ticks`."""
        rows = []
        for symbol, kind, place in self._places():
            files = [path for directory in place.glob("date=*") for path in _files(directory)]
            if files:
                ends = [_span(path) for path in files]
                rows.append(
                    {
                        "symbol": symbol,
                        "kind": kind,
                        "rows": sum(count for count, _, _ in ends),
                        "files": len(files),
                        "bytes": sum(path.stat().st_size for path in files),
                        "first": min(first for _, first, _ in ends),
                        "last": max(last for _, _, last in ends),
                    }
                )
        counts = dict.fromkeys(("rows", "files", "bytes", "first", "last"), pl.Int64())
        schema = pl.Schema({"symbol": pl.String(), "kind": pl.String(), **counts})
        return pl.DataFrame(rows, schema=schema).with_columns(pl.col("first", "last").cast(pl.Datetime("ns", "UTC")))

    def _places(self) -> list[tuple[str, str, Path]]:
        found = []
        for path in sorted(self.root.glob("symbol=*/kind=*")):
            symbol, kind = unquote(path.parts[-2][len("symbol=") :]), path.parts[-1][len("kind=") :]
            with contextlib.suppress(MarketDataError):  # not written by us
                found.append((check_symbol(symbol), check_kind(kind), path))
        return found


def _table(frame: pl.DataFrame, kind: str, what: str) -> Prepared:
    """(UTC day of each row, the Arrow table to write); MarketDataError if a row is no tick."""
    schema = SCHEMAS[kind]
    missing = [name for name in schema if name not in frame.columns and name != "aggressor"]
    if missing:
        raise MarketDataError(f"{what} lack {', '.join(missing)}; there is {', '.join(frame.columns) or 'no column'}")
    if frame.is_empty():
        raise MarketDataError(f"{what} are empty; there is nothing to write")
    columns: dict[str, Any] = {}
    for name, dtype in schema.items():
        if name == "aggressor":
            columns[name] = _aggressors(frame, what)
            continue
        values = frame[name]
        if values.null_count():
            raise MarketDataError(f"{what}: {values.null_count()} of {len(frame)} rows have no {name}; drop them")
        numbers = _integers(values, what) if dtype == _DECIMAL else _whole(values, what)
        lowest = 0 if name in _MAY_BE_ZERO or name.endswith("_id") else 1
        bad = np.flatnonzero((numbers < lowest) | ((numbers >= _BOUND) if dtype == _DECIMAL else False))
        if len(bad):
            value = numbers[bad[0]] / 1e8 if dtype == _DECIMAL else numbers[bad[0]]
            bound = "between 0 and 9,999,999,999.99999999" if dtype == _DECIMAL else "positive"
            raise MarketDataError(
                f"{what}: {name} of {len(bad)} rows must be {bound}; row {bad[0]} has {value:g}. Set those rows aside"
            )
        columns[name] = decimal_array(numbers, MOST_DECIMALS) if dtype == _DECIMAL else integer_array(numbers)
    days = frame["ts_event"].cast(pl.Int64).to_numpy() // DAY
    return days, pa.Table.from_arrays(list(columns.values()), names=list(columns))


def _integers(values: pl.Series, what: str) -> NDArray[np.int64]:
    """Amounts as int64 of 1e-8. Integers are taken as such, as the core gives them; nothing is rounded."""
    if values.dtype.is_integer():
        return values.cast(pl.Int64).to_numpy()
    if isinstance(values.dtype, pl.Decimal):
        if values.dtype.scale <= MOST_DECIMALS:
            return scaled_integers(values, MOST_DECIMALS)
    elif values.dtype.is_float():
        floats = values.cast(pl.Float64).to_numpy()
        if decimal_places(floats) is not None:
            return np.rint(floats * 1e8).astype(np.int64)
    raise MarketDataError(
        f"{what}: {values.name} ({values.dtype}) is not exact in 8 decimals; give decimals of at most 8 places, or "
        "integers of 1e-8"
    )


def _whole(values: pl.Series, what: str) -> NDArray[np.int64]:
    if not values.dtype.is_integer():
        raise MarketDataError(f"{what}: {values.name} is {values.dtype}; give int64 (times: UTC ns)")
    return values.cast(pl.Int64).to_numpy()


def _aggressors(frame: pl.DataFrame, what: str) -> Any:
    if "aggressor" not in frame.columns:
        codes = np.zeros(len(frame), dtype=np.uint8)
    else:
        given = frame["aggressor"]
        try:
            known = given.fill_null("unknown") if given.null_count() else given
            codes = known.cast(_AGGRESSOR).to_physical().to_numpy()
        except pl.exceptions.PolarsError as error:
            raise MarketDataError(f"{what}: aggressor must be {', '.join(AGGRESSORS)} ({error})") from error
    indices = pa.Array.from_buffers(pa.uint8(), len(codes), [None, pa.py_buffer(np.ascontiguousarray(codes))])
    return pa.DictionaryArray.from_arrays(indices, _AGGRESSOR_NAMES)


def _arrow(ticks: pl.DataFrame, kind: str) -> Any:
    return _table(ticks, kind, "stored ticks")[1]


def _encoding(kind: str) -> dict[str, str]:
    """Times and ids by their differences; amounts plain, which zstd packs best: prices and sizes come again."""
    return {
        name: "PLAIN" if dtype == _DECIMAL else "DELTA_BINARY_PACKED"
        for name, dtype in SCHEMAS[kind].items()
        if name != "aggressor"
    }


def _dictionary(kind: str) -> list[str] | None:
    return ["aggressor"] if kind == "trades" else None


def _put(rows: Any, directory: Path) -> Path:
    """Write a batch under a name of its own; two writers never take the same."""
    kind = directory.parent.name[len("kind=") :]
    first = int(rows["ts_init"][0].as_py())
    scrap = directory / f"{_SCRAP}{os.getpid()}-{os.urandom(6).hex()}"
    try:
        write_table(rows, scrap, _encoding(kind), _APPEND_LEVEL, _dictionary(kind))
        for number in range(1_000_000):
            path = directory / f"{first:027d}-{number:06d}.parquet"
            with contextlib.suppress(FileExistsError):
                os.link(scrap, path)
                break
        else:
            raise FileExistsError(17, f"a million batches begin at {first}")
    finally:
        scrap.unlink(missing_ok=True)
    sync_directory(directory)
    return path


def _files(directory: Path) -> list[Path]:
    """The batches of a day, by name; those a compaction has merged already are not counted."""
    journal = _journal(directory)
    merged = set(journal.drop) if journal and not (directory / journal.merged).exists() else set()
    return sorted(path for path in directory.glob("*.parquet") if path.name not in merged)


class _Journal(Fact, frozen=True):
    """What a compaction does: `merged` takes the place of `keep`, then `drop` goes."""

    keep: str
    merged: str
    drop: tuple[str, ...]


def _journal(directory: Path) -> _Journal | None:
    path = directory / _JOURNAL
    if not path.exists():
        return None
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Journal)
    except (OSError, msgspec.MsgspecError) as error:
        raise StoreError(f"{path} cannot be read ({error}); delete it, and duplicate rows of that day") from error


def _write_journal(directory: Path, journal: _Journal) -> None:
    replace_file(directory / _JOURNAL, encode(journal))


def _finish(directory: Path) -> int:
    """Carry out a journal, from wherever a crash left it; returns how many files are gone."""
    journal = _journal(directory)
    if journal is None:
        return 0
    merged = directory / journal.merged
    if merged.exists():
        merged.replace(directory / journal.keep)
        sync_directory(directory)
    for name in journal.drop:
        (directory / name).unlink(missing_ok=True)
    sync_directory(directory)
    (directory / _JOURNAL).unlink()
    return len(journal.drop)


@contextlib.contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """One compaction of a day at a time; writers need not wait, their files are not touched."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _read(path: Path, kind: str) -> pl.DataFrame:
    try:
        return (
            pl.read_parquet(path, hive_partitioning=False, glob=False)
            .select(list(SCHEMAS[kind]))
            .cast(pl.Schema(SCHEMAS[kind]))
        )
    except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise MarketDataError(f"{path} cannot be read ({str(error).splitlines()[0]}); move it away") from error


def _span(path: Path) -> tuple[int, int, int]:
    """(rows, first, last ts_event) without reading the amounts."""
    times = pl.read_parquet(path, columns=["ts_event"], hive_partitioning=False, glob=False)["ts_event"].to_numpy()
    return len(times), int(times.min()), int(times.max())


def _day_of(directory: Path) -> int | None:
    try:
        day = datetime.strptime(directory.name, "date=%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None
    return int(day.timestamp()) * SECOND
