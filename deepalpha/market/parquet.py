"""How the catalog writes Parquet: small, exact, and plain enough for any reader.

# Encodings (measured on real bars and ticks by `tests/bench/catalog.py`)
- Times and ids: DELTA_BINARY_PACKED; a regular grid costs almost nothing.
- A column of prices or volumes that are decimals of at most 8 places becomes DECIMAL(18, d) with the fewest places `d`
  that lose nothing: every value read back as float64 has the bits it had. DELTA_BINARY_PACKED for prices, which move
  little, and BYTE_STREAM_SPLIT for volumes. A column that is no such decimals stays float64. Nothing is ever rounded.
- zstd over all of it.

Because `d` differs between files, DuckDB would round: it takes the first file's types for all. `catalog.py` puts a file
of float64 columns first. polars refuses such a mixture by itself.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

MOST_DECIMALS = 8
PRECISION = 18  # digits that fit into the int64 Parquet stores such a decimal in
_EXACT = float(2**53)  # integers up to here are float64 values


def decimal_places(values: NDArray[np.float64]) -> int | None:
    """The fewest decimal places, 0 to 8, with which every value is written exactly; None if there is none.

    Exactly means: the integer ``round(value * 10**d)`` divided by ``10**d`` is the same float64 again (division is
    correctly rounded and both sides are exact below 2**53). NaN, infinities and -0.0 have no such form.

    Example:
        >>> decimal_places(np.array([1.25, 3.0])), decimal_places(np.array([1 / 3]))
        (2, None)
    """
    # What is not below 2**53 has no place to be moved to, and could overflow on the way; NaN is not below it either.
    if not (np.abs(values) < _EXACT).all() or np.signbit(values[values == 0.0]).any():
        return None
    for places in range(MOST_DECIMALS + 1):
        scaled = np.rint(values[:64] * 10.0**places)
        if not (scaled / 10.0**places == values[:64]).all():
            continue
        scaled = np.rint(values * 10.0**places)
        if (np.abs(scaled) < _EXACT).all() and (scaled / 10.0**places == values).all():
            return places
    return None


def decimal_array(scaled: NDArray[np.int64], places: int) -> Any:
    """Integers as an Arrow array of DECIMAL(18, places), without a Python object a value."""
    words = np.empty((len(scaled), 2), dtype=np.int64)
    words[:, 0] = scaled
    words[:, 1] = scaled >> 63
    return pa.Array.from_buffers(pa.decimal128(PRECISION, places), len(scaled), [None, pa.py_buffer(words)])


def integer_array(values: NDArray[np.int64]) -> Any:
    """Integers as an Arrow array without a copy. (`pyarrow.array` loads pandas, to see that they are no Series.)"""
    return pa.Array.from_buffers(pa.int64(), len(values), [None, pa.py_buffer(np.ascontiguousarray(values))])


def scaled_integers(column: pl.Series, places: int) -> NDArray[np.int64]:
    """A decimal column as integers of ``10**-places``."""
    return column.cast(pl.Decimal(38, places)).to_physical().cast(pl.Int64).to_numpy()


def write_bars(bars: pl.DataFrame, path: Path, *, level: int = 9) -> None:
    """Write times (int64) and float64 columns, as small as is exact, and wait until the disk has it."""
    columns: dict[str, Any] = {}
    encoding: dict[str, str] = {}
    for name in bars.columns:
        values = bars[name]
        encoding[name] = "DELTA_BINARY_PACKED"
        if values.dtype == pl.Int64:
            columns[name] = integer_array(values.to_numpy())
            continue
        floats = values.to_numpy()
        places = decimal_places(floats)
        if places is None:
            columns[name] = pa.array(floats)
            encoding[name] = "BYTE_STREAM_SPLIT"
        else:
            columns[name] = decimal_array(np.rint(floats * 10.0**places).astype(np.int64), places)
            if name == "volume":
                encoding[name] = "BYTE_STREAM_SPLIT"
    write_table(pa.table(columns), path, encoding, level)


def write_table(
    table: Any, path: Path, encoding: dict[str, str], level: int, dictionary: list[str] | None = None
) -> None:
    """Write an Arrow table and fsync it. The same table gives the same bytes."""
    with path.open("wb") as file:
        pq.write_table(
            table,
            file,
            compression="zstd",
            compression_level=level,
            use_dictionary=dictionary or False,
            column_encoding=encoding,
            store_decimal_as_integer=True,
        )
        file.flush()
        os.fsync(file.fileno())


def sync_directory(directory: Path) -> None:
    """Wait until the disk has the names in a directory; a rename is durable only then."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def replace_file(path: Path, content: bytes) -> None:
    """Let `content` take the place of a small file at once, durably."""
    fresh = path.with_name(f".writing-{os.getpid()}-{path.name}")
    with fresh.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    sync_directory(path.parent)
