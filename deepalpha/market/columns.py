"""Somebody else's table of bars, read into our columns: which column is what, and what a time in it means."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl

from deepalpha.errors import MarketDataError
from deepalpha.market.bars import COLUMNS
from deepalpha.types import DAY, Fact

# Our column -> names it goes by, in the order in which they win; compared without case, spaces and punctuation.
NAMES: dict[str, tuple[str, ...]] = {
    "ts_open": ("tsopen", "opentime", "datetime", "timestamp", "ts", "unix", "unixtime", "date", "time"),
    "open": ("open", "o", "openprice"),
    "high": ("high", "h", "highprice"),
    "low": ("low", "l", "lowprice"),
    "close": ("close", "c", "closeprice", "last"),
    "volume": ("volume", "vol", "v"),
}
_ADJUSTED = ("adjclose", "adjustedclose", "closeadj")
_DAY_FORMATS = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d")
_CLOCK_FORMATS = ("%H:%M:%S%.f", "%H:%M")
# Below the bound an epoch is in this unit: 1e11 s is the year 5138, 1e11 ms is 1973. Each value is judged by itself,
# because real files change their unit half-way (Binance's do in 2025).
_EPOCHS = ((1e11, 1_000_000_000), (1e14, 1_000_000), (1e17, 1_000))

_LIMIT = 9.2e18  # int64 nanoseconds end in 2262; a product beyond would wrap round


class ColumnMap(Fact, frozen=True):
    """Which column of a file became which of ours. `clock` is a second time column, joined to the date."""

    columns: dict[str, str]
    clock: str | None = None
    notes: tuple[str, ...] = ()


def read_table(path: Path) -> pl.DataFrame:
    """A CSV (comma, semicolon or tab; every value as text) or Parquet file; MarketDataError if it cannot be read."""
    try:
        with path.open("rb") as file:
            head = file.read(4096)
        if head.startswith(b"PAR1"):
            return pl.read_parquet(path, hive_partitioning=False, glob=False)
        line = head.split(b"\n", 1)[0]
        separator = max((b",", b";", b"\t"), key=line.count).decode()
        return pl.read_csv(path, separator=separator, infer_schema=False, glob=False, encoding="utf8-lossy")
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).strip().splitlines()
        raise MarketDataError(
            f"{path} cannot be read ({reason[0] if reason else type(error).__name__}); give a CSV with a header line, "
            "or a Parquet file"
        ) from error


def guess_columns(names: list[str]) -> ColumnMap:
    """Find our columns among `names`; MarketDataError lists what was found and what is expected."""
    plain = {re.sub(r"[^a-z0-9]", "", name.lower()): name for name in reversed(names)}
    found = {ours: next((plain[name] for name in theirs if name in plain), None) for ours, theirs in NAMES.items()}
    missing = [ours for ours in COLUMNS if found[ours] is None]
    if missing:
        wanted = "; ".join(f"{'time' if ours == 'ts_open' else ours} ({', '.join(NAMES[ours])})" for ours in missing)
        raise MarketDataError(
            f"no column for {wanted}; the file has {', '.join(names) or 'no column'}. "
            "Rename them in the header line; a file without one needs one"
        )
    columns = {ours: name for ours, name in found.items() if name is not None}
    clock = plain.get("time") if plain.get("date") == columns["ts_open"] else None
    used = {*columns.values(), clock}
    rest = [name for name in names if name not in used]
    adjusted = [name for name in rest if re.sub(r"[^a-z0-9]", "", name.lower()) in _ADJUSTED]
    notes = [f"{name} is ignored: bars keep the prices that traded" for name in adjusted]
    if others := [name for name in rest if name not in adjusted]:
        notes.append(f"other columns are ignored: {', '.join(others)}")
    return ColumnMap(columns=columns, clock=clock, notes=tuple(notes))


def times(table: pl.DataFrame, mapping: ColumnMap) -> pl.Series:
    """The time column as int64 UTC ns, null where it cannot be read. A time without a zone is UTC."""
    column = table[mapping.columns["ts_open"]]
    if isinstance(column.dtype, pl.Datetime):
        return column.cast(pl.Datetime("ns", column.dtype.time_zone), strict=False).cast(pl.Int64).rename("ts_open")
    if column.dtype == pl.Date:
        return _nanoseconds(column.cast(pl.Datetime("ns"), strict=False))
    if column.dtype.is_numeric():
        return _from_numbers(column)
    text = column.cast(pl.String).str.strip_chars()
    numbers = text.cast(pl.Float64, strict=False)
    if mapping.clock is None and numbers.is_not_null().sum() * 2 > len(text):
        exact = text.cast(pl.Int64, strict=False)  # 19 digits do not fit into a float
        return _from_numbers(exact if exact.null_count() == numbers.null_count() else numbers)
    if mapping.clock is not None:
        text = text + " " + table[mapping.clock].cast(pl.String).str.strip_chars()
    return _from_text(text)


def local_days(table: pl.DataFrame, mapping: ColumnMap) -> pl.Series | None:
    """The dates of a column of local midnights with a zone, as UTC midnights of the same dates; None if it is none."""
    column = table[mapping.columns["ts_open"]]
    if isinstance(column.dtype, pl.Datetime) and column.dtype.time_zone:
        local = _nanoseconds(column.dt.replace_time_zone(None).cast(pl.Datetime("ns"), strict=False))
    elif column.dtype == pl.String and mapping.clock is None:
        local = _from_text(column.str.strip_chars().str.replace(r"(:\d{2}(?:\.\d+)?)\s*[+-]\d{2}:?\d{2}$", "$1"))
    else:
        return None
    read = local.drop_nulls()  # none of them: epochs as text
    return local if len(read) and bool((read % DAY == 0).all()) else None


def _from_numbers(values: pl.Series) -> pl.Series:
    """Epochs in s, ms, us or ns by size, or days written as the number 20240131."""
    if values.dtype.is_float():
        values = values.set(~values.is_finite().fill_null(value=False), None)
        whole = values.drop_nulls()
        if bool((whole == whole.round()).all()):
            values = values.cast(pl.Int64, strict=False)
    known = values.drop_nulls()
    if len(known) and bool(known.is_between(19000101, 21001231).all()):
        days = values.cast(pl.Int64, strict=False).cast(pl.String).str.to_date("%Y%m%d", strict=False)
        if days.null_count() == values.null_count():
            return _nanoseconds(days.cast(pl.Datetime("ns"), strict=False))
    frame = pl.DataFrame({"t": values})
    size = pl.col("t").abs()
    scaled = pl.col("t")
    for bound, factor in reversed(_EPOCHS):
        fits = size.cast(pl.Float64) * factor < _LIMIT
        scaled = pl.when(size < bound).then(pl.when(fits).then(pl.col("t") * factor)).otherwise(scaled)
    return frame.select(scaled.round().cast(pl.Int64, strict=False).alias("ts_open")).to_series()


def _from_text(text: pl.Series) -> pl.Series:
    """ISO 8601 and near it: date, date and clock, with T or space, with or without a zone."""
    frame = pl.DataFrame({"t": text.str.replace(r"[Tt](\d)", " $1").str.replace(r"\s*(?:[Zz]|UTC|GMT)$", "+0000")})
    zoned = pl.col("t").str.replace(r"\s*([+-]\d{2}):?(\d{2})$", "$1$2")
    forms: list[pl.Expr] = []
    for day in _DAY_FORMATS:
        forms.append(pl.col("t").str.to_date(day, strict=False).cast(pl.Datetime("ns"), strict=False))
        for clock in _CLOCK_FORMATS:
            forms.append(_parsed(pl.col("t"), f"{day} {clock}"))
            forms.append(_parsed(zoned, f"{day} {clock}%z").dt.replace_time_zone(None))
    return _nanoseconds(frame.select(pl.coalesce(forms)).to_series())


def _parsed(text: pl.Expr, form: str) -> pl.Expr:
    """Text as a time in ns. Years beyond int64 would wrap round to a plausible date, so microseconds decide first."""
    rough = text.str.to_datetime(form, strict=False, time_unit="us")
    fits = rough.dt.epoch("us").is_between(-_LIMIT / 1_000, _LIMIT / 1_000)
    return pl.when(fits).then(text.str.to_datetime(form, strict=False, time_unit="ns"))


def _nanoseconds(values: pl.Series) -> pl.Series:
    return values.cast(pl.Int64).rename("ts_open")
