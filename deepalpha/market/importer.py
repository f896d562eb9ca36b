"""Anyone's CSV or Parquet into the catalog: columns guessed, bad rows set aside by rule, every row accounted for."""

from __future__ import annotations

import hashlib
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from deepalpha.errors import MarketDataError, StoreError
from deepalpha.market.bars import COLUMNS, broken_rule
from deepalpha.market.catalog import Catalog
from deepalpha.market.columns import ColumnMap, guess_columns, local_days, read_table, times
from deepalpha.market.symbols import encode_symbol
from deepalpha.market.timeframes import bucket_end, check_timeframe
from deepalpha.types import DAY, Fact, Instrument

_PRICES = ("open", "high", "low", "close")
_MOST_DECIMALS = 8
_ENOUGH_ROWS = 5  # a median of fewer steps says nothing: Friday to Monday is three days in a daily file
_UNITS = ((DAY, "d"), (3_600_000_000_000, "h"), (60_000_000_000, "m"), (1_000_000_000, "s"))


class ImportReport(Fact, frozen=True):
    """What became of a file. total = accepted + the sum of quarantined, always.

    Attributes:
        columns: our column -> the file's column it was read from.
        quarantined: rule -> number of rows that were set aside because they break it, first broken rule only.
        quarantine: file with those rows (row, rule and the values as given), None if there are none.
        first, last: ts_open of the first and last accepted bar, UTC ns.
        notes: what was assumed or ignored.
    """

    path: str
    symbol: str
    timeframe: str
    columns: dict[str, str]
    total: int
    accepted: int
    quarantined: dict[str, int]
    quarantine: str | None
    first: int
    last: int
    instrument: Instrument
    notes: tuple[str, ...] = ()

    def lines(self) -> tuple[str, ...]:
        """The report in words, one fact a line."""
        read = ", ".join(f"{ours} from {theirs!r}" for ours, theirs in self.columns.items())
        bad = ", ".join(f"{count} {rule}" for rule, count in self.quarantined.items())
        card = self.instrument
        return (
            f"{self.symbol} {self.timeframe}: {self.accepted} of {self.total} rows accepted from {self.path}",
            f"columns: {read}",
            f"bars open from {_words(self.first)} to {_words(self.last)} (UTC)",
            f"tick size {card.tick_size:f}, lot size {card.lot_size:f}, currency {card.currency}",
            f"set aside: {bad}; see {self.quarantine}" if bad else "set aside: none",
            *(f"note: {note}" for note in self.notes),
        )


def import_file(
    path: str | Path, *, symbol: str, timeframe: str, catalog: Catalog, instrument: Instrument | None = None
) -> ImportReport:
    """Read bars from a file, set bad rows aside, merge the rest into the catalog.

    Args:
        path: CSV with a header line, or Parquet. Times are the start of a bar; without a zone they are UTC.
        symbol: see `catalog.check_symbol`.
        timeframe: of the file's bars; the median step between them must agree.
        catalog: where the bars go. Rows that are stored already, with the same values, are kept once.
        instrument: None guesses tick size from the decimals of the prices (at most 8) and lot size 1, or 0.00000001
            for a pair such as BTC/USDT. A stored instrument with a finer tick stays.

    Returns:
        `ImportReport`: total == accepted + quarantined.

    Raises:
        MarketDataError: the file, a column or the timeframe does not fit, no row is a bar, or bars differ from
            the stored ones. Rows that were set aside are still in the quarantine file; the catalog is unchanged.
        StoreError: the catalog cannot be written.

    Example:
        >>> report = import_file("aapl.csv", symbol="AAPL", timeframe="1d", catalog=Catalog("c"))  # doctest: +SKIP
        >>> print(*report.lines(), sep="\\n")  # doctest: +SKIP
    """
    path = Path(path)
    encoded = encode_symbol(symbol)
    check_timeframe(timeframe)
    table = read_table(path)
    judged = judge_rows(table, str(path), symbol=symbol, timeframe=timeframe)
    bars, mapping, notes = judged.bars, judged.mapping, judged.notes
    good, bad = bars.filter(pl.col("rule").is_null()), bars.filter(pl.col("rule").is_not_null()).sort("row")
    where = _quarantine(catalog.root, f"{encoded}_{timeframe}_{_digest(path)}.parquet", table, bad)
    if good.is_empty():
        raise MarketDataError(f"none of the {len(table)} rows of {path} is a bar: {_counts(bad)}; see {where}")
    instrument = instrument or _guess_instrument(symbol, good, catalog, notes)
    catalog.write(symbol, timeframe, good.select(COLUMNS), instrument=instrument)
    return ImportReport(
        path=str(path),
        symbol=symbol,
        timeframe=timeframe,
        columns=mapping.columns | ({"clock": mapping.clock} if mapping.clock else {}),
        total=len(table),
        accepted=len(good),
        quarantined=_counts(bad),
        quarantine=str(where) if where else None,
        first=int(good["ts_open"][0]),
        last=int(good["ts_open"][-1]),
        instrument=instrument,
        notes=tuple(notes),
    )


class JudgedRows(NamedTuple):
    """Rows of a table as bars: row (from 1), our columns and `rule`, the first rule it breaks or null."""

    bars: pl.DataFrame
    mapping: ColumnMap
    timeframe: str
    notes: list[str]


def judge_rows(table: pl.DataFrame, source: str, *, symbol: str, timeframe: str | None) -> JudgedRows:
    """Read a table's rows as bars and judge each; `source` names it in messages, no timeframe takes the commonest step.

    Raises:
        MarketDataError: a column, the symbol or the timeframe does not fit, so that the table as a whole is wrong.
    """
    mapping = guess_columns(table.columns)
    if table.is_empty():
        raise MarketDataError(f"{source} has a header but no rows; there is nothing to import")
    _check_one_symbol(table, source)
    bars = bars_of(table, mapping)
    notes = list(mapping.notes)
    days = local_days(table, mapping) if "/" not in symbol else None
    if timeframe is None:
        opens = (bars["ts_open"] if days is None else days).drop_nulls().to_numpy()
        timeframe = commonest_timeframe(np.unique(opens), symbol)
    if check_timeframe(timeframe) >= DAY and "/" not in symbol:
        bars = _sessions(bars, days, notes)
    bars = _in_order(bars, notes)
    _check_readable(bars, table, mapping, source)
    _check_step(bars, timeframe, source)
    return JudgedRows(_on_the_grid(bars, timeframe, source), mapping, timeframe, notes)


def commonest_timeframe(opens: NDArray[np.int64], symbol: str) -> str:
    """The timeframe of the commonest step of ascending times; MarketDataError if that is none."""
    steps = np.diff(opens)
    if not len(steps):
        raise MarketDataError(f"one bar of {symbol} shows no timeframe; say which it is")
    values, counts = np.unique(steps, return_counts=True)
    step = int(values[np.argmax(counts)])
    name = "1w" if step == 7 * DAY else "1mo" if 28 * DAY <= step <= 31 * DAY else length_name(step)
    try:
        check_timeframe(name)
    except MarketDataError as error:
        raise MarketDataError(
            f"the bars of {symbol} are mostly {name} apart, which is no timeframe; say which it is"
        ) from error
    return name


def bars_of(table: pl.DataFrame, mapping: ColumnMap) -> pl.DataFrame:
    """row (from 1) and our columns; null or NaN where a value cannot be read."""
    values = {
        name: table[mapping.columns[name]].cast(pl.String).str.strip_chars().cast(pl.Float64, strict=False)
        if table[mapping.columns[name]].dtype == pl.String
        else table[mapping.columns[name]].cast(pl.Float64, strict=False)
        for name in COLUMNS[1:]
    }
    row = pl.Series("row", np.arange(1, len(table) + 1, dtype=np.int64))
    return pl.DataFrame({"row": row, "ts_open": times(table, mapping), **values})


def _check_one_symbol(table: pl.DataFrame, path: str) -> None:
    """A table of many symbols would look like one whose times repeat; the reason must be named, not the symptom."""
    for column in table.columns:
        if column.strip().lower() in ("symbol", "ticker") and table[column].n_unique() > 1:
            some = ", ".join(str(value) for value in table[column].unique(maintain_order=True).head(4).to_list())
            raise MarketDataError(
                f"{path} holds {table[column].n_unique()} symbols ({some}, ...) in column {column!r}; an import is of "
                "one: split the file by that column"
            )


def _sessions(bars: pl.DataFrame, days: pl.Series | None, notes: list[str]) -> pl.DataFrame:
    """Name daily bars by their local date. Not for pairs, which trade on after midnight UTC: that would look ahead."""
    if days is None or bool((days == bars["ts_open"]).all()):
        return bars
    notes.append("local midnights became the dates of their sessions; each counts as closed at the midnight UTC after")
    return bars.with_columns(ts_open=days)


def _in_order(bars: pl.DataFrame, notes: list[str]) -> pl.DataFrame:
    """Add `rule`, reading from the end if that keeps more rows: many sites export the newest row first."""
    forward = _with_rule(bars)
    if "backward_time" not in forward["rule"]:
        return forward
    backward = _with_rule(bars.reverse())
    if backward["rule"].null_count() <= forward["rule"].null_count():
        return forward
    notes.append("rows come newest first; they were read from the end")
    return backward


def _with_rule(bars: pl.DataFrame) -> pl.DataFrame:
    """Add `rule`: the first rule of `bars.RULES` a row breaks, then those of order, else null.

    A row is held only against valid rows before it: duplicate_time repeats one's time, backward_time is before the
    latest of them.
    """
    bars = bars.with_columns(broken_rule())
    valid = pl.col("rule").is_null()
    time = pl.when(valid).then(pl.col("ts_open"))
    latest = time.cum_max().shift(1).forward_fill()
    order = (
        pl.when(valid & ~pl.struct(time, valid.alias("valid")).is_first_distinct())
        .then(pl.lit("duplicate_time"))
        .when(valid & (pl.col("ts_open") < latest))
        .then(pl.lit("backward_time"))
    )
    return bars.with_columns(rule=pl.coalesce("rule", order))


def _check_readable(bars: pl.DataFrame, table: pl.DataFrame, mapping: ColumnMap, path: str) -> None:
    """Stop when a whole column, not a row, is the problem: setting every row aside would hide the reason."""
    for ours in COLUMNS:
        if bars[ours].null_count() == len(bars):
            theirs = mapping.columns[ours]
            example = table[theirs].drop_nulls().head(1).to_list()
            shape = "ISO times such as 2024-01-31T09:30:00Z, or epochs" if ours == "ts_open" else "plain numbers"
            raise MarketDataError(
                f"no value of column {theirs!r} of {path} can be read"
                f"{f', for example {example[0]!r}' if example else ''}; use {shape}"
            )
    backward = bars.filter(pl.col("rule") == "backward_time")
    if len(backward) * 2 > len(bars):
        peak = bars.filter(pl.col("rule").is_null()).sort("ts_open")[-1]
        raise MarketDataError(
            f"{len(backward)} of {len(bars)} rows of {path} are earlier than a row before them; the latest time, "
            f"{_words(peak['ts_open'][0])}, is in row {peak['row'][0]}. Correct that row, or sort the file"
        )


def _check_step(bars: pl.DataFrame, timeframe: str, path: str) -> None:
    """The median step of the valid rows must be the timeframe's; with few rows, no step may be shorter than it."""
    steps = bars.filter(pl.col("rule").is_null())["ts_open"].diff().drop_nulls()
    if steps.is_empty():
        return
    nominal = check_timeframe(timeframe)
    enough = len(steps) + 1 >= _ENOUGH_ROWS
    step = int(np.median(steps.to_numpy())) if enough else int(steps.to_numpy().min())
    fits = 28 * DAY <= step <= 31 * DAY if timeframe == "1mo" else step == nominal
    if fits or (not enough and step > nominal):
        return
    raise MarketDataError(
        f"the bars of {path} are {length_name(step)} apart{' (median)' if enough else ''}, not {timeframe} "
        f"({length_name(nominal)}); import them with --timeframe {length_name(step)}, or give another file"
    )


def _on_the_grid(bars: pl.DataFrame, timeframe: str, path: str) -> pl.DataFrame:
    """Mark rows that do not open where an interval begins; MarketDataError if most do not: then the file is shifted."""
    good = bars.filter(pl.col("rule").is_null())
    opens = good["ts_open"].to_numpy()
    off = good.filter(pl.Series(bucket_end(opens - 1, timeframe) != opens))
    if len(off) * 2 > len(good):
        raise MarketDataError(
            f"{len(off)} of {len(good)} bars of {path} do not open where a {timeframe} interval begins in UTC, "
            f"the first at {_words(off['ts_open'][0])}; give times in UTC (for daily bars, dates alone), "
            "or bars of a finer timeframe"
        )
    stray = pl.col("row").is_in(off["row"].to_list())
    return bars.with_columns(rule=pl.when(stray).then(pl.lit("off_grid")).otherwise("rule"))


def _guess_instrument(symbol: str, good: pl.DataFrame, catalog: Catalog, notes: list[str]) -> Instrument:
    """Steps from the prices; a stored instrument stays unless these prices need a finer tick."""
    decimals = next((d for d in range(_MOST_DECIMALS + 1) if _has_decimals(good, d)), None)
    if decimals is None:
        decimals = _MOST_DECIMALS
        notes.append(f"prices have more than {_MOST_DECIMALS} decimals; the tick size is the finest there is")
    tick = Decimal(1).scaleb(-decimals)
    pair = symbol.partition("/")[2].partition(":")[0]
    if symbol in catalog.symbols():
        stored = catalog.instrument(symbol)
        return (
            stored
            if stored.tick_size <= tick
            else Instrument(symbol=symbol, tick_size=tick, lot_size=stored.lot_size, currency=stored.currency)
        )
    lot = Decimal("0.00000001") if pair else Decimal(1)
    return Instrument(symbol=symbol, tick_size=tick, lot_size=lot, currency=pair or "USD")


def _has_decimals(good: pl.DataFrame, decimals: int) -> bool:
    same = pl.all_horizontal(pl.col(name).round(decimals) == pl.col(name) for name in _PRICES)
    return bool(good.select(same.all()).item())


def _quarantine(root: Path, name: str, table: pl.DataFrame, bad: pl.DataFrame) -> Path | None:
    """Write the rows that were set aside, as given; None if there are none. The same file gives the same name."""
    if bad.is_empty():
        return None
    path = root / "quarantine" / name
    given = table.select(pl.all().name.prefix("given_"))[(bad["row"] - 1).to_list()]
    rows = pl.concat([bad.select("row", "rule"), given], how="horizontal")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".writing-") as scratch:
            fresh = Path(scratch) / name
            rows.write_parquet(fresh, compression="zstd")
            fresh.replace(path)
    except OSError as error:
        raise StoreError(
            f"{path.parent} cannot be written ({error.strerror or error}); free it or make it writable, "
            "or choose another workspace with --workspace DIR"
        ) from error
    return path


def _counts(bad: pl.DataFrame) -> dict[str, int]:
    return dict(bad.group_by("rule").len().sort("rule").iter_rows())


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:8]


def length_name(ns: int) -> str:
    """A length as a timeframe would be named: 1d, 4h, 90m."""
    for unit, name in _UNITS:
        if ns >= unit and ns % unit == 0:
            return f"{ns // unit}{name}"
    return f"{ns / 1e9:g}s"


def _words(ts: int) -> str:
    return str(np.datetime64(ts, "ns").astype("datetime64[s]"))
